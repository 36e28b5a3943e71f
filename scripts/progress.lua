-- progress.lua: lunette.progress: shows how far a loop is.
--
--   for x, y in progress(loader, {desc = "epoch 1"}) do … end
--
-- example:
--   sum = 0
--   for i in progress(4) do sum = sum + i end --> 4/4  ...
--   sum --> 10

local core = require "lunette.core"
local fail = require "lunette.nn.fail"
local Bar = require "lunette.bar"
local check_options = require "lunette.options"

local tensor = core.tensor

-- An iterator over what the loop walks through, and how many turns that takes, if known.
local function walk(over)
  local meta = type(over) == "table" and getmetatable(over)
  if type(over) == "function" then return over end
  if type(over) == "number" then
    local n = math.tointeger(over)
    if not n then fail.raise("progress: %s turns; a whole number is wanted", over) end
    return function(_, i) return (i or 0) < n and (i or 0) + 1 or nil end, math.max(n, 0)
  end
  if type(meta) == "table" and meta.__call and meta.__name ~= "lunette.list" then
    return over, meta.__len and #over or nil
  end
  if type(over) == "table" or tensor.is_tensor(over) then
    local i, n = 0, #over
    return function()
      i = i + 1
      if i <= n then return over[i] end
    end, n
  end
  fail.raise("progress: cannot walk through a %s; a loader, a list, an iterator or a number is wanted",
    type(over))
end

--- progress(loader, {desc =, total =}): walks through a loader, a list, an iterator function or 1..n and
-- shows a bar on stderr; on no terminal one line at the end.
local function progress(over, options)
  options = check_options("progress", options, {"desc", "total"})
  local iterate, total = walk(over)
  local bar = Bar.new(options.desc or "", options.total or total)
  local turns = 0 -- begun
  local function step(first_value, ...)
    if first_value == nil then
      bar.count = turns
      bar:finish()
    elseif turns > 0 then
      bar:step()
    end
    turns = turns + 1
    return first_value, ...
  end
  local function next_turn(state, control)
    return step(iterate(state, control))
  end
  return next_turn, nil, nil, setmetatable({}, {__close = function() bar:leave() end})
end

return progress
