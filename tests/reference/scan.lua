-- Naive running results along a dimension: sums, products, the best so far, recurrences.

local util = require "tests.reference.util"
local reference = {}

local function more(a, b) return a > b end
local function less(a, b) return a < b end
local function number(v) return v == true and 1 or v == false and 0 or v end

-- Running sums: first..last by step along the dimension.
local function running(x, dim, back)
  local shape = util.shape(x)
  if dim < 0 then dim = #shape + 1 + dim end
  local y = util.zeros(shape)
  util.each_index(shape, function(index)
    local at, s = table.move(index, 1, #shape, 1, {}), 0
    for i = back and index[dim] or 1, back and shape[dim] or index[dim] do
      at[dim] = i
      s = s + number(util.get(x, at))
    end
    util.set(y, index, s)
  end)
  return y
end

function reference.cumsum(x, dim) return running(x, dim, false) end

function reference.cumsum_back(x, dim) return running(x, dim, true) end

-- f(values so far) for every place of a dimension: as many tables as f has results.
local function so_far(x, dim, f)
  local shape, results = util.shape(x), {}
  if #shape == 0 then return f { x } end
  if dim < 0 then dim = #shape + 1 + dim end
  util.each_index(shape, function(index)
    local at, values = table.move(index, 1, #shape, 1, {}), {}
    for i = 1, index[dim] do
      at[dim] = i
      values[i] = number(util.get(x, at))
    end
    for k, v in ipairs { f(values) } do
      results[k] = results[k] or util.zeros(shape)
      util.set(results[k], index, v)
    end
  end)
  return table.unpack(results)
end

local function product(values)
  local p = 1
  for _, v in ipairs(values) do p = p * v end
  return p
end

function reference.cumprod(x, dim) return so_far(x, dim, product) end

local function last_best(better)
  return function(values)
    local at = 1
    for i, v in ipairs(values) do
      if better(v, values[at]) or v == values[at] then at = i end
    end
    return values[at], at
  end
end

function reference.cummax(x, dim) return so_far(x, dim, last_best(more)) end

function reference.cummin(x, dim) return so_far(x, dim, last_best(less)) end

function reference.logcumsumexp(x, dim)
  return so_far(x, dim, function(values)
    local top, s = math.max(table.unpack(values)), 0
    for _, v in ipairs(values) do s = s + math.exp(v - top) end
    return top + math.log(s)
  end)
end

function reference.recur(x, a, dim, back)
  local shape = util.shape(x)
  local y = util.zeros(shape)
  for n = 1, shape[dim] do
    util.each_index(shape, function(index)
      local i = back and shape[dim] + 1 - n or n
      if index[dim] ~= i then return end
      local before = table.move(index, 1, #shape, 1, {})
      before[dim] = back and i + 1 or i - 1
      local carried = n > 1 and util.get(a, index) * util.get(y, before) or 0
      util.set(y, index, util.get(x, index) + carried)
    end)
  end
  return y
end

return reference
