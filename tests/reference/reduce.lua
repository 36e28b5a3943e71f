-- Naive reductions: every result from the plain list of the values that go into it.

local util = require "tests.reference.util"
local reference = {}

-- Arguments by name: positional ones, then perhaps a table of options.
local function arguments(names, ...)
  local given, args = table.pack(...), {}
  for i = 1, given.n do
    local v = given[i]
    if type(v) == "table" and next(v) ~= nil and #v == 0 then
      for key, value in pairs(v) do args[key] = value end
    else
      args[names[i]] = v
    end
  end
  return args
end

-- Which dimensions are reduced: a set of positions from 1.
local function reduced_set(dim, rank)
  local set = {}
  if dim == nil then
    for d = 1, rank do set[d] = true end
  else
    for _, d in ipairs(type(dim) == "table" and dim or { dim }) do
      set[d < 0 and rank + 1 + d or d] = true
    end
  end
  return set
end

-- f(list of values) for every result, the values in row-major order; as many tables as f has
-- results.
local function reduce(x, args, f)
  local shape = util.shape(x)
  local set = reduced_set(args.dim, #shape)
  local outer, inner, result = {}, {}, {}
  for d, size in ipairs(shape) do
    outer[d] = set[d] and 1 or size
    inner[d] = set[d] and size or 1
    if not set[d] then
      result[#result + 1] = size
    elseif args.keepdim then
      result[#result + 1] = 1
    end
  end
  local lists = {}
  util.each_index(outer, function(at)
    local values, here = {}, table.move(at, 1, #shape, 1, {})
    util.each_index(inner, function(k)
      local index = {}
      for d = 1, #shape do index[d] = here[d] + k[d] - 1 end
      values[#values + 1] = util.get(x, index)
    end)
    local results = table.pack(f(values))
    for i = 1, results.n do
      lists[i] = lists[i] or {}
      table.insert(lists[i], results[i])
    end
  end)
  for i, list in ipairs(lists) do lists[i] = util.unflat(list, result) end
  return table.unpack(lists)
end

local function number(v) return v == true and 1 or v == false and 0 or v end

local function total(values)
  local s = 0
  for _, v in ipairs(values) do s = s + number(v) end
  return s
end

local function mean(values) return total(values) / #values end

-- The best value by better(a, b), and its first position.
local function best(values, better)
  local at = 1
  for i = 2, #values do
    if better(values[i], values[at]) then at = i end
  end
  return values[at], at
end

local function more(a, b) return a > b end
local function less(a, b) return a < b end

local simple = { "dim", "keepdim" }

function reference.sum(x, ...) return reduce(x, arguments(simple, ...), total) end

function reference.mean(x, ...) return reduce(x, arguments(simple, ...), mean) end

function reference.prod(x, ...)
  return reduce(x, arguments(simple, ...), function(values)
    local p = 1
    for _, v in ipairs(values) do p = p * v end
    return p
  end)
end

local function extreme(better)
  return function(x, ...)
    local args = arguments(simple, ...)
    local values, indices = reduce(x, args, function(v) return best(v, better) end)
    if args.dim == nil then return values end
    return values, indices
  end
end

local function position(better)
  return function(x, ...)
    return reduce(x, arguments(simple, ...), function(v) return (select(2, best(v, better))) end)
  end
end

local function value(better)
  return function(x, ...)
    return reduce(x, arguments(simple, ...), function(v) return (best(v, better)) end)
  end
end

reference.max, reference.min = extreme(more), extreme(less)
reference.argmax, reference.argmin = position(more), position(less)
reference.amax, reference.amin = value(more), value(less)

local function variance(values, correction)
  local m, s = mean(values), 0
  for _, v in ipairs(values) do s = s + (v - m) ^ 2 end
  return s / (#values - correction)
end

local moments = { "dim", "correction", "keepdim" }

function reference.var(x, ...)
  local args = arguments(moments, ...)
  return reduce(x, args, function(v) return variance(v, args.correction or 1) end)
end

function reference.std(x, ...)
  local args = arguments(moments, ...)
  return reduce(x, args, function(v) return math.sqrt(variance(v, args.correction or 1)) end)
end

local function nonzero(values)
  local n = 0
  for _, v in ipairs(values) do
    if number(v) ~= 0 then n = n + 1 end
  end
  return n
end

function reference.any(x, ...)
  return reduce(x, arguments(simple, ...), function(v) return nonzero(v) > 0 end)
end

function reference.all(x, ...)
  return reduce(x, arguments(simple, ...), function(v) return nonzero(v) == #v end)
end

function reference.count_nonzero(x, ...) return reduce(x, arguments(simple, ...), nonzero) end

local function norm(values, p)
  local sizes = {}
  for i, v in ipairs(values) do sizes[i] = math.abs(v) end
  if p == math.huge then return math.max(table.unpack(sizes)) end
  if p == -math.huge then return math.min(table.unpack(sizes)) end
  if p == 0 then return nonzero(values) end
  local s = 0
  for _, v in ipairs(sizes) do s = s + v ^ p end
  return s ^ (1 / p)
end

function reference.norm(x, ...)
  local args = arguments({ "p", "dim", "keepdim" }, ...)
  return reduce(x, args, function(v) return norm(v, args.p or 2) end)
end

function reference.logsumexp(x, ...)
  return reduce(x, arguments(simple, ...), function(values)
    local s = 0
    for _, v in ipairs(values) do s = s + math.exp(v) end
    return math.log(s)
  end)
end

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

return reference
