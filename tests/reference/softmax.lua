-- Naive softmax and its gradients, by the definition.

local util = require "tests.reference.util"
local reference = {}

-- f(list along dim, further lists...) gives the list that takes its place.
local function along(dim, f, x, ...)
  local others, shape = { ... }, util.shape(x)
  if dim < 0 then dim = #shape + 1 + dim end
  local y, outer = util.zeros(shape), table.move(shape, 1, #shape, 1, {})
  outer[dim] = 1
  local function list(t, index)
    local at, values = table.move(index, 1, #shape, 1, {}), {}
    for i = 1, shape[dim] do
      at[dim] = i
      values[i] = util.get(t, at)
    end
    return values
  end
  util.each_index(outer, function(index)
    local lists = {}
    for k, t in ipairs(others) do lists[k] = list(t, index) end
    local result = f(list(x, index), table.unpack(lists))
    local at = table.move(index, 1, #shape, 1, {})
    for i = 1, shape[dim] do
      at[dim] = i
      util.set(y, at, result[i])
    end
  end)
  return y
end

local function softmax(x)
  local sum, y = 0, {}
  for _, v in ipairs(x) do sum = sum + math.exp(v) end
  for i, v in ipairs(x) do y[i] = math.exp(v) / sum end
  return y
end

function reference.softmax(x, dim) return along(dim, softmax, x) end

function reference.log_softmax(x, dim)
  return along(dim, function(v) return util.map(softmax(v), math.log) end, x)
end

-- sum_j g[j] dy[j]/dx[i], the derivative of softmax being y[j] ([i = j] - y[i]).
function reference.softmax_dx(g, y, dim)
  return along(dim, function(gs, ys)
    local dx = {}
    for i = 1, #ys do
      dx[i] = 0
      for j = 1, #ys do dx[i] = dx[i] + gs[j] * ys[j] * ((i == j and 1 or 0) - ys[i]) end
    end
    return dx
  end, g, y)
end

-- The same with the derivative of log_softmax, [i = j] - exp(y[i]).
function reference.log_softmax_dx(g, y, dim)
  return along(dim, function(gs, ys)
    local dx = {}
    for i = 1, #ys do
      dx[i] = 0
      for j = 1, #ys do dx[i] = dx[i] + gs[j] * ((i == j and 1 or 0) - math.exp(ys[i])) end
    end
    return dx
  end, g, y)
end

function reference.softmin(x, dim) return reference.softmax(util.map(x, function(v) return -v end), dim) end

return reference
