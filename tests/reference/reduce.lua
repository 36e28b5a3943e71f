-- Naive reductions: every result from the plain list of the values that go into it.

local util = require "tests.reference.util"
local reference = {}

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

function reference.sum(x, ...) return reduce(x, util.arguments(simple, ...), total) end

function reference.mean(x, ...) return reduce(x, util.arguments(simple, ...), mean) end

function reference.prod(x, ...)
  return reduce(x, util.arguments(simple, ...), function(values)
    local p = 1
    for _, v in ipairs(values) do p = p * v end
    return p
  end)
end

local function extreme(better)
  return function(x, ...)
    local args = util.arguments(simple, ...)
    local values, indices = reduce(x, args, function(v) return best(v, better) end)
    if args.dim == nil then return values end
    return values, indices
  end
end

local function position(better)
  return function(x, ...)
    return reduce(x, util.arguments(simple, ...), function(v) return (select(2, best(v, better))) end)
  end
end

local function value(better)
  return function(x, ...)
    return reduce(x, util.arguments(simple, ...), function(v) return (best(v, better)) end)
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

local moments = { "dim", "unbiased", "keepdim", "correction" }

local function moments_of(...)
  local first = ...
  if type(first) == "boolean" then return { correction = first and 1 or 0 } end
  local args = util.arguments(moments, ...)
  args.correction = args.correction or (args.unbiased == false and 0 or 1)
  return args
end

function reference.var(x, ...)
  local args = moments_of(...)
  return reduce(x, args, function(v) return variance(v, args.correction) end)
end

function reference.std(x, ...)
  local args = moments_of(...)
  return reduce(x, args, function(v) return math.sqrt(variance(v, args.correction)) end)
end

local function nonzero(values)
  local n = 0
  for _, v in ipairs(values) do
    if number(v) ~= 0 then n = n + 1 end
  end
  return n
end

function reference.any(x, ...)
  return reduce(x, util.arguments(simple, ...), function(v) return nonzero(v) > 0 end)
end

function reference.all(x, ...)
  return reduce(x, util.arguments(simple, ...), function(v) return nonzero(v) == #v end)
end

function reference.count_nonzero(x, ...) return reduce(x, util.arguments(simple, ...), nonzero) end

local function norm(values, p)
  local sizes = {}
  for i, v in ipairs(values) do sizes[i] = math.abs(v) end
  if p == "fro" then p = 2 end
  if p == math.huge then return math.max(table.unpack(sizes)) end
  if p == -math.huge then return math.min(table.unpack(sizes)) end
  if p == 0 then return nonzero(values) end
  local s = 0
  for _, v in ipairs(sizes) do s = s + v ^ p end
  return s ^ (1 / p)
end

function reference.norm(x, ...)
  local args = util.arguments({ "p", "dim", "keepdim" }, ...)
  return reduce(x, args, function(v) return norm(v, args.p or 2) end)
end

function reference.logsumexp(x, ...)
  return reduce(x, util.arguments(simple, ...), function(values)
    local s = 0
    for _, v in ipairs(values) do s = s + math.exp(v) end
    return math.log(s)
  end)
end

-- ---- further statistics ------------------------------------------------------------------------------

function reference.var_mean(x, ...)
  local args = moments_of(...)
  return reduce(x, args, function(v) return variance(v, args.correction), mean(v) end)
end

function reference.std_mean(x, ...)
  local args = moments_of(...)
  return reduce(x, args, function(v) return math.sqrt(variance(v, args.correction)), mean(v) end)
end

function reference.aminmax(x, ...)
  return reduce(x, util.arguments(simple, ...), function(v) return best(v, less), (best(v, more)) end)
end

local function numbers(values)
  local kept = {}
  for _, v in ipairs(values) do
    if v == v then kept[#kept + 1] = v end
  end
  return kept
end

function reference.nansum(x, ...)
  return reduce(x, util.arguments(simple, ...), function(v) return total(numbers(v)) end)
end

function reference.nanmean(x, ...)
  return reduce(x, util.arguments(simple, ...), function(v) return mean(numbers(v)) end)
end

-- f(list) gives a list (or one number, which drops the dimension) for each row along dim.
local function rows(x, dim, f)
  local shape = util.shape(x)
  if dim < 0 then dim = #shape + 1 + dim end
  local outer, y = table.move(shape, 1, #shape, 1, {}), nil
  outer[dim] = 1
  util.each_index(outer, function(index)
    local at, row = table.move(index, 1, #shape, 1, {}), {}
    for i = 1, shape[dim] do
      at[dim] = i
      row[i] = util.get(x, at)
    end
    local result = f(row, index)
    if not y then
      local out = table.move(shape, 1, #shape, 1, {})
      out[dim] = #result
      y = util.zeros(out)
    end
    for i, v in ipairs(result) do
      at[dim] = i
      util.set(y, at, v)
    end
  end)
  return y
end

function reference.diff(x, ...)
  local args = util.arguments({ "n", "dim", "prepend", "append" }, ...)
  local dim = args.dim or -1
  local rank = #util.shape(x)
  if dim < 0 then dim = rank + 1 + dim end
  return rows(x, dim, function(row, index)
    local function part(t)
      local list = {}
      rows(t, dim, function(r, at)
        for d = 1, rank do
          if at[d] ~= index[d] then return r end
        end
        list = r
        return r
      end)
      return list
    end
    local list = args.prepend and part(args.prepend) or {}
    table.move(row, 1, #row, #list + 1, list)
    if args.append then
      local more_values = part(args.append)
      table.move(more_values, 1, #more_values, #list + 1, list)
    end
    for _ = 1, args.n or 1 do
      local steps = {}
      for i = 1, #list - 1 do steps[i] = list[i + 1] - list[i] end
      list = steps
    end
    return list
  end)
end

-- The areas under the pieces between samples y of a row, at places x or dx apart.
local function areas(y, x, dx)
  local list = {}
  for i = 1, #y - 1 do list[i] = (y[i] + y[i + 1]) / 2 * (x and x[i + 1] - x[i] or dx or 1) end
  return list
end

local function integral(y, x, options, f)
  if type(x) == "table" and #x == 0 then x, options = nil, x end
  options = options or {}
  local result = rows(y, options.dim or -1, function(row, index)
    local places = x
    for _, i in ipairs(x and type(x[1]) == "table" and table.move(index, 1, #index - 1, 1, {}) or {}) do
      places = places[i]
    end
    return f(areas(row, places, options.dx))
  end)
  return result
end

function reference.cumulative_trapezoid(y, x, options)
  return integral(y, x, options, function(list)
    for i = 2, #list do list[i] = list[i] + list[i - 1] end
    return list
  end)
end

function reference.trapezoid(y, x, options)
  if type(x) == "table" and #x == 0 then x, options = nil, x end
  local result = integral(y, x, options, function(list) return { total(list) } end)
  local shape = util.shape(y)
  table.remove(shape, options and options.dim or #shape)
  return util.unflat(util.flat(result), shape)
end

-- The slope at place p of the parabola through three points: Lagrange's form, differentiated.
local function parabola(p, places, values)
  local a, b, c = table.unpack(places)
  return values[1] * (2 * p - b - c) / ((a - b) * (a - c)) + values[2] * (2 * p - a - c) / ((b - a) * (b - c))
    + values[3] * (2 * p - a - b) / ((c - a) * (c - b))
end

function reference.gradient(x, spacing, dims, edge_order)
  local shape, result = util.shape(x), {}
  if type(dims) == "number" then dims = {dims} end
  if not dims then
    dims = {}
    for d = 1, #shape do dims[d] = d end
  end
  for k, dim in ipairs(dims) do
    local one = type(spacing) == "table" and spacing[k] or spacing
    result[k] = rows(x, dim, function(row)
      local places, list = type(one) == "table" and one or {}, {}
      for i = 1, #row do places[i] = places[i] or i * (one or 1) end
      for i = 1, #row do
        local from = math.max(1, math.min(i - 1, #row - 2))
        if edge_order ~= 2 and (i == 1 or i == #row) then
          local left = math.max(1, i - 1)
          list[i] = (row[left + 1] - row[left]) / (places[left + 1] - places[left])
        else
          list[i] = parabola(places[i], table.move(places, from, from + 2, 1, {}), table.move(row, from, from + 2, 1, {}))
        end
      end
      return list
    end)
  end
  return result
end

function reference.dist(x, y, p)
  local values = util.flat(util.broadcast(function(a, b) return a - b end, x, y))
  return norm(values, p or 2)
end

function reference.renorm(x, p, dim, maxnorm)
  local slices = {}
  util.each_index(util.shape(x), function(at)
    slices[at[dim]] = slices[at[dim]] or {}
    table.insert(slices[at[dim]], util.get(x, at))
  end)
  local y = util.zeros(util.shape(x))
  util.each_index(util.shape(x), function(at)
    local size = norm(slices[at[dim]], p)
    util.set(y, at, util.get(x, at) * (size > maxnorm and maxnorm / (size + 1e-7) or 1))
  end)
  return y
end

return reference
