-- summary.lua: the table of a model's layers with the shapes that pass through it.

local core = require "lunette.core"
local class = require "lunette.nn.class"
local fail = require "lunette.nn.fail"
local print_of = require "lunette.nn.print"
local Signature = require "lunette.nn.signature"

local tensor = core.tensor
local Module = class.Module
local grouped = print_of.grouped

local BYTES = {float32 = 4, float64 = 8}

local function shape_text(y)
  if type(y) == "table" and not tensor.is_tensor(y) then y = y[1] end
  if not tensor.is_tensor(y) then return "?" end
  local parts = {}
  for i, n in ipairs(y.shape) do parts[i] = tostring(n) end
  if parts[1] then parts[1] = "N" end
  return "[" .. table.concat(parts, ", ") .. "]"
end

-- Runs the model with a recording forward on every layer; takes them away again whatever happens.
local function record(model, input)
  local seen, changed = {}, {}
  for _, module in ipairs(model:modules()) do
    local fields = getmetatable(module).__index
    local own, forward = rawget(fields, "_forward"), module._forward
    changed[#changed + 1] = {fields, own}
    fields._forward = function(self, ...)
      local result = table.pack(forward(self, ...))
      seen[self] = seen[self] or {output = result[1]}
      return table.unpack(result, 1, result.n)
    end
  end
  local done, message = pcall(model._with_mode, model, false, tensor.no_grad, function() model(input) end)
  for _, change in ipairs(changed) do change[1]._forward = change[2] end
  if not done then error(message, 0) end
  return seen
end

local function input_of(shape, dtype)
  local full = {1, table.unpack(shape)}
  return dtype:find "float" and tensor.zeros(full, {dtype = dtype}) or tensor.ones(full, {dtype = dtype})
end

local function rows_of(model, seen)
  local rows, activations = {}, 0
  local function add(module, name, depth)
    local children, count = module:children(), 0
    for _, entry in ipairs(module:_members()) do
      if entry.kind == "parameter" then count = count + entry.value:numel() end
    end
    local met = seen[module]
    local y = met and met.output
    if #children == 0 and tensor.is_tensor(y) then
      activations = activations + y:numel() * (BYTES[y.dtype] or 8)
    end
    rows[#rows + 1] = {
      ("  "):rep(depth) .. (name and name .. ": " or "")
        .. (#children > 0 and module._name or module._repr and module:_repr() or print_of.constructor(module)),
      met and shape_text(y) or "not run", count > 0 and grouped(count) or "",
    }
    for child_name, child in module:named_children() do add(child, child_name, depth + 1) end
  end
  if #model:children() == 0 then
    add(model, nil, 0)
  else
    for name, child in model:named_children() do add(child, name, 0) end
  end
  return rows, activations
end

local function megabytes(bytes)
  if bytes < 1e6 then return ("%.0f kB"):format(math.max(1, bytes / 1e3)) end
  return ("%.1f MB"):format(bytes / 1e6)
end

-- Rows as aligned columns; the last column to the right.
local function columns(rows)
  local width = {0, 0, 0}
  for _, row in ipairs(rows) do
    for i = 1, 3 do width[i] = math.max(width[i], #row[i]) end
  end
  local lines = {}
  for i, row in ipairs(rows) do
    lines[i] = (row[1] .. (" "):rep(width[1] - #row[1] + 2) .. row[2] .. (" "):rep(width[2] - #row[2] + 2)
      .. (" "):rep(width[3] - #row[3]) .. row[3]):gsub("%s+$", "")
  end
  local rule = ("-"):rep(width[1] + width[2] + width[3] + 4)
  table.insert(lines, 2, rule)
  lines[#lines + 1] = rule
  return lines
end

local summary = Signature.new("summary", "shape: any, dtype: string{float32|float64|int64}=float32")

local function summary_text(model, shape, dtype)
  local given = tensor.is_tensor(shape) and shape or nil
  if not given and type(shape) ~= "table" then
    fail.raise("summary: takes the shape of one sample, without the batch: net:summary{1, 28, 28}")
  end
  local seen = record(model, given or input_of(shape, dtype))
  local rows, activations = rows_of(model, seen)
  table.insert(rows, 1, {"layer", "output", "parameters"})
  local lines = columns(rows)
  local total, trained, bytes = model:num_parameters(), model:num_parameters(true), 0
  for _, p in ipairs(model:parameters()) do bytes = bytes + p:numel() * (BYTES[p.dtype] or 4) end
  lines[#lines + 1] = ("%s parameters%s"):format(grouped(total),
    trained < total and (", %s of them frozen"):format(grouped(total - trained)) or "")
  lines[#lines + 1] = ("estimated memory: weights %s; training with Adam %s and %s a sample"):format(
    megabytes(bytes), megabytes(4 * bytes), megabytes(2 * activations))
  return table.concat(lines, "\n")
end

--- Prints a table of the layers: what each gives for one sample of the shape (N stands for the
-- batch) and how many parameters it has. net:summary{1, 28, 28}; for ids {dtype = "int64"}.
-- example:
--   nn.Sequential(nn.Flatten(), nn.Linear(784, 10)):summary{28, 28} --> layer               output    parameters
--   ----------------------------------------
--   1: Flatten()        [N, 784]
--   2: Linear(784, 10)  [N, 10]        7,850
--   ----------------------------------------
--   7,850 parameters
--   estimated memory: ...
function Module:summary(...)
  local o = summary:read(...)
  print(summary_text(self, o.shape, o.dtype))
end

return {text = summary_text}
