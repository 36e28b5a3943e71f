-- Naive reductions under masks: the plain reference of the list of those values where the mask holds.

local util = require "tests.reference.util"
local order = require "tests.reference.order"
local reduce = require "tests.reference.reduce"
local reference = {}

-- Arguments by name, tensors among the options as nested tables.
local function arguments(names, ...)
  local args = util.arguments(names, ...)
  for key, v in pairs(args) do
    if type(v) == "userdata" then args[key] = v:tolist() end
  end
  return args
end

-- The mask at an index of x: it broadcasts.
local function holds(mask, index)
  local shape, at = util.shape(mask), {}
  for d, size in ipairs(shape) do at[d] = size == 1 and 1 or index[#index - #shape + d] end
  return util.get(mask, at)
end

-- Which dimensions dim names (all where it is nil): {[d] = true}.
local function named(dim, rank)
  local set = {}
  for d = 1, rank do set[d] = dim == nil or nil end
  for _, d in ipairs(type(dim) == "table" and dim or {dim}) do set[d < 0 and rank + 1 + d or d] = true end
  return set
end

-- visit(values, places, index of the first) for each group of elements that differ in the dimensions of
-- `set` alone: what is kept, and its place in the group.
local function groups(x, set, mask, visit)
  local shape, outer, inner = util.shape(x), {}, {}
  for d, size in ipairs(shape) do outer[d], inner[d] = set[d] and 1 or size, set[d] and size or 1 end
  util.each_index(outer, function(first)
    local values, places, n = {}, {}, 0
    util.each_index(inner, function(step)
      local index = {}
      for d = 1, #shape do index[d] = first[d] + step[d] - 1 end
      n = n + 1
      if mask == nil or holds(mask, index) then
        values[#values + 1], places[#places + 1] = util.get(x, index), n
      end
    end)
    visit(values, places, first)
  end)
end

-- f(values, places, args) for every group; nothing(args) where a group is empty.
local function over(x, args, f, nothing)
  local shape, results, flat = util.shape(x), {}, {}
  local set = named(args.dim, #shape)
  for d, size in ipairs(shape) do
    if not set[d] then results[#results + 1] = size elseif args.keepdim then results[#results + 1] = 1 end
  end
  groups(x, set, args.mask, function(values, places)
    flat[#flat + 1] = #values == 0 and nothing or f(values, places, args)
  end)
  return util.unflat(flat, results)
end

local function reduction(f, nothing, names)
  return function(x, ...) return over(x, arguments(names or {"dim", "keepdim"}, ...), f, nothing) end
end

reference.masked_sum = reduction(function(v) return reduce.sum(v) end, 0)
reference.masked_prod = reduction(function(v) return reduce.prod(v) end, 1)
reference.masked_mean = reduction(function(v) return reduce.mean(v) end, 0 / 0)
reference.masked_amax = reduction(function(v) return reduce.amax(v) end, -math.huge)
reference.masked_amin = reduction(function(v) return reduce.amin(v) end, math.huge)
reference.masked_logsumexp = reduction(function(v) return reduce.logsumexp(v) end, -math.huge)
reference.masked_argmax = reduction(function(v, places) return places[reduce.argmax(v)] end, 1)
reference.masked_argmin = reduction(function(v, places) return places[reduce.argmin(v)] end, 1)
reference.masked_norm = reduction(function(v, _, args) return reduce.norm(v, args.ord or 2) end, 0, {"ord", "dim", "keepdim"})

local function moment(name)
  return reduction(function(v, _, args)
    return reduce[name](v, {correction = args.correction or (args.unbiased and 1 or 0)})
  end, 0 / 0, {"dim", "unbiased", "keepdim", "correction"})
end

reference.masked_var, reference.masked_std = moment "var", moment "std"

function reference.masked_median(x, ...)
  local args = arguments({"dim", "keepdim"}, ...)
  args.dim = args.dim or -1
  return over(x, args, function(v) return order.median(v) end, 0 / 0)
end

-- ---- along a dimension -------------------------------------------------------------------------------

-- f(values kept, places of these, how many there are) gives the list that takes a row's place.
local function along(x, dim, mask, f)
  local shape = util.shape(x)
  if dim < 0 then dim = #shape + 1 + dim end
  local y = util.zeros(shape)
  groups(x, {[dim] = true}, mask, function(values, places, first)
    local index = table.move(first, 1, #shape, 1, {})
    for i, v in ipairs(f(values, places, shape[dim])) do
      index[dim] = i
      util.set(y, index, v)
    end
  end)
  return y
end

local function running(start, step)
  return function(x, dim, ...)
    return along(x, dim, arguments({}, ...).mask, function(values, places, n)
      local list, so_far, k = {}, start, 1
      for i = 1, n do
        if places[k] == i then so_far, k = step(so_far, values[k]), k + 1 end
        list[i] = so_far
      end
      return list
    end)
  end
end

reference.masked_cumsum = running(0, function(a, b) return a + b end)
reference.masked_cumprod = running(1, function(a, b) return a * b end)

-- The kept ones of a row by f of all of them, others elsewhere.
local function spread(f, others)
  return function(values, places, n)
    local list, new = {}, f(values)
    for i = 1, n do list[i] = others end
    for k, at in ipairs(places) do list[at] = new[k] end
    return list
  end
end

local function softmax(sign)
  return function(values)
    local sum, list = 0, {}
    for _, v in ipairs(values) do sum = sum + math.exp(sign * v) end
    for i, v in ipairs(values) do list[i] = math.exp(sign * v) / sum end
    return list
  end
end

local function row_by_row(f, others)
  return function(x, dim, ...) return along(x, dim, arguments({}, ...).mask, spread(f, others)) end
end

reference.masked_softmax = row_by_row(softmax(1), 0)
reference.masked_softmin = row_by_row(softmax(-1), 0)
reference.masked_log_softmax = row_by_row(function(values)
  return util.map(softmax(1)(values), math.log)
end, -math.huge)

function reference.masked_normalize(x, ord, dim, ...)
  local options = arguments({}, ...)
  return along(x, dim, options.mask, spread(function(values)
    local length = math.max(reduce.norm(values, ord), options.eps or 1e-12)
    return util.map(values, function(v) return v / length end)
  end, 0))
end

function reference.masked_logaddexp(x, other, ...)
  local options = arguments({}, ...)
  return util.build(util.shape(x), function(index)
    local sum = 0
    for i, t in ipairs {x, other} do
      local mask = options[i == 1 and "input_mask" or "other_mask"]
      if mask == nil or holds(mask, index) then sum = sum + math.exp(util.get(t, index)) end
    end
    return math.log(sum)
  end)
end

return reference
