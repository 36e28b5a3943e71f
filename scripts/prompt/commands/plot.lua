-- prompt/commands/plot.lua: %plot: a quick look at a tensor, a list or a history as a picture. What it
-- returns is a figure, which the prompt saves and shows as any.

local commands = require "lunette.prompt.commands"
local core = require "lunette.core"

local tensor = core.tensor

local BINS = 50

-- Counts of the values as the outline of bars.
local function histogram(x)
  local flat = x:detach():to "float32":reshape(-1)
  local finite = flat[flat:isfinite()]
  if #finite == 0 then error("%plot: there are no finite values to count", 0) end
  local counts, edges = tensor.histogram(finite, math.min(BINS, math.max(5, #finite // 4)))
  local xs, ys = {edges[1]:item()}, {0}
  for i = 1, #counts do
    for _, side in ipairs {i, i + 1} do xs[#xs + 1], ys[#ys + 1] = edges[side]:item(), counts[i]:item() end
  end
  xs[#xs + 1], ys[#ys + 1] = xs[#xs], 0
  return require "lunette.plot".line(xs, ys, {xlabel = "value", ylabel = "count"})
end

-- [H,W], [C,H,W] or [N,C,H,W] as pictures, at most 64; other shapes have their first dimensions joined.
local function image(x)
  x = x:detach()
  local n = x:dim()
  local colored = n >= 3 and (x.shape[-3] == 1 or x.shape[-3] == 3)
  local shape = {-1, x.shape[-2], x.shape[-1]}
  if colored then table.insert(shape, 2, x.shape[-3]) end
  x = x:reshape(shape)
  return require "lunette.plot".images(#x > 64 and x[{{1, 64}}] or x)
end

local function line(x)
  local plot = require "lunette.plot"
  if not tensor.is_tensor(x) then return plot.line(x) end
  if x:dim() == 2 and x.shape[2] <= 8 then -- a curve for each column
    local axes
    for i = 1, x.shape[2] do
      local y = x:select(2, i):detach()
      axes = axes and axes:line(y, {label = tostring(i)}) or plot.line(y, {label = tostring(i)})
    end
    return axes
  end
  return plot.line(x:detach():reshape(-1))
end

local kinds = {line = line, hist = histogram, image = image}

local function kind_of(x)
  if not tensor.is_tensor(x) then return "line" end
  local n = x:dim()
  if n == 1 or n == 2 and x.shape[2] <= 8 then return "line" end
  local square = n >= 2 and x.shape[-1] > 1 and x.shape[-2] > 1
  return square and "image" or "hist"
end

local function draw(value, kind)
  local meta = type(value) == "table" and getmetatable(value)
  if type(meta) == "table" and meta.is_history then return require "lunette.plot".history(value) end
  if require "lunette.prompt.pictures".figure_of(value) then return value end
  if type(value) ~= "table" and not tensor.is_tensor(value) then
    error(("%%plot: a %s cannot be drawn; a tensor, a list of numbers or a history can"):format(type(value)), 0)
  end
  kind = kind or kind_of(value)
  if kind ~= "line" and not tensor.is_tensor(value) then value = tensor(value) end
  if tensor.is_tensor(value) and value:dim() == 0 then error("%plot: a single number makes no picture", 0) end
  if kind == "image" and value:dim() < 2 then error("%plot: an image has two dimensions or more", 0) end
  return kinds[kind](value)
end

commands.add("plot", "CODE", "a picture of its value: line, image or histogram; %plot hist x chooses", function(code)
  local kind, rest = code:match "^(%a+)%s+([^%s=.:].*)$"
  if kinds[kind] then code = rest else kind = nil end
  local chunk = commands.compiled(code, "plot")
  return chunk and function() return draw(chunk(), kind) end
end)
