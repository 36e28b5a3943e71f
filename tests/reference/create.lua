-- Naive constants and ranges.

local util = require "tests.reference.util"
local reference = {}

-- A shape given as a list or as numbers.
local function shape_of(first, ...)
  if type(first) == "table" then return first end
  local shape = { first }
  for _, v in ipairs { ... } do
    if type(v) == "number" then shape[#shape + 1] = v end
  end
  return shape
end

local function constant(v)
  return function(...) return util.zeros(shape_of(...), v) end, function(x) return util.zeros(util.shape(x), v) end
end

reference.zeros, reference.zeros_like = constant(0)
reference.ones, reference.ones_like = constant(1)
reference.empty, reference.empty_like = constant(0)

function reference.full(shape, v) return util.zeros(shape, v) end

function reference.full_like(x, v) return util.zeros(util.shape(x), v) end

function reference.arange(start, stop, step)
  if type(stop) ~= "number" then start, stop = 1, start end
  if type(step) ~= "number" then step = 1 end
  local list, v, i = {}, start, 0
  while step > 0 and v <= stop + 1e-9 or step < 0 and v >= stop - 1e-9 do
    list[#list + 1] = v
    i = i + 1
    v = start + i * step
  end
  return list
end

function reference.linspace(start, stop, steps)
  local list = {}
  for i = 1, steps do list[i] = start + (stop - start) * (i - 1) / math.max(1, steps - 1) end
  return list
end

function reference.eye(n, m)
  if type(m) ~= "number" then m = n end
  local x = util.zeros { n, m }
  for i = 1, math.min(n, m) do x[i][i] = 1 end
  return x
end

return reference
