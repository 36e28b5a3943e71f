-- Naive choosing by position: everything counts from 1.

local tensor = require("lunette").tensor
local util = require "tests.reference.util"
local reference = {}

local function copy(x) return util.map(x, function(v) return v end) end

local function from_start(i, n) return i < 0 and n + 1 + i or i end

-- index with the dim'th number replaced
local function moved(index, dim, i)
  local at = table.move(index, 1, #index, 1, {})
  at[dim] = i
  return at
end

-- ---- elements along a dimension --------------------------------------------------------------------

function reference.gather(x, dim, index)
  local shape = util.shape(index)
  dim = from_start(dim, #shape)
  return util.build(shape, function(at) return util.get(x, moved(at, dim, util.get(index, at))) end)
end

local function scattered(x, dim, index, src, combine)
  local y, shape = copy(x), util.shape(index)
  dim = from_start(dim, #shape)
  util.each_index(shape, function(at)
    local place = moved(at, dim, util.get(index, at))
    local v = type(src) == "table" and util.get(src, at) or src
    util.set(y, place, combine(util.get(y, place), v))
  end)
  return y
end

local function plus(old, v) return old + v end
local function times(old, v) return old * v end

function reference.scatter(x, dim, index, src, reduce)
  if type(reduce) == "table" then reduce = reduce.reduce end
  local combine = reduce == "add" and plus or reduce == "multiply" and times or function(_, v) return v end
  return scattered(x, dim, index, src, combine)
end

local combining = { sum = plus, mean = plus, prod = times, amax = math.max, amin = math.min }

function reference.scatter_reduce(x, dim, index, src, reduce, include_self)
  local count = scattered(util.map(x, function() return include_self == false and 0 or 1 end), dim, index, 1, plus)
  local seen = "none yet"
  local f = combining[reduce]
  if include_self == false then
    x = scattered(x, dim, index, 0, function() return seen end)
    f = function(old, v) return old == seen and v or combining[reduce](old, v) end
  end
  local y = scattered(x, dim, index, src, f)
  if reduce ~= "mean" then return y end
  return util.broadcast(function(v, n) return math.type(v) == "integer" and v // math.max(n, 1) or v / math.max(n, 1) end,
    y, count)
end

function reference.take_along_dim(x, index, dim)
  if not dim then
    x, index, dim = util.flat(x), util.flat(index), 1
  end
  local shape, other = util.shape(x), util.shape(index)
  dim = from_start(dim, #shape)
  local out = {}
  for d = 1, #shape do out[d] = d == dim and other[d] or math.max(shape[d], other[d]) end
  return util.build(out, function(at)
    local here, place = {}, {}
    for d = 1, #at do
      here[d] = other[d] == 1 and 1 or at[d]
      place[d] = shape[d] == 1 and 1 or at[d]
    end
    place[dim] = util.get(index, here)
    return util.get(x, place)
  end)
end

function reference.scatter_add(x, dim, index, src)
  return scattered(x, dim, index, src, function(old, v) return old + v end)
end

-- ---- positions of a dimension ----------------------------------------------------------------------

function reference.index_select(x, dim, list)
  local shape = util.shape(x)
  dim = from_start(dim, #shape)
  shape[dim] = #list
  return util.build(shape, function(at) return util.get(x, moved(at, dim, list[at[dim]])) end)
end

function reference.index_add(x, dim, list, src, options)
  local y, alpha = copy(x), options and options.alpha or 1
  dim = from_start(dim, #util.shape(x))
  util.each_index(util.shape(src), function(at)
    local place = moved(at, dim, list[at[dim]])
    util.set(y, place, util.get(y, place) + alpha * util.get(src, at))
  end)
  return y
end

function reference.index_reduce(x, dim, list, src, reduce, include_self)
  dim = from_start(dim, #util.shape(x))
  local index = util.build(util.shape(src), function(at) return list[at[dim]] end)
  return reference.scatter_reduce(x, dim, index, src, reduce, include_self)
end

function reference.index_copy(x, dim, list, src)
  local y = copy(x)
  dim = from_start(dim, #util.shape(x))
  util.each_index(util.shape(src), function(at) util.set(y, moved(at, dim, list[at[dim]]), util.get(src, at)) end)
  return y
end

function reference.index_fill(x, dim, list, value)
  dim = from_start(dim, #util.shape(x))
  local named = {}
  for _, i in ipairs(list) do named[i] = true end
  return util.build(util.shape(x), function(at) return named[at[dim]] and value or util.get(x, at) end)
end

-- ---- copies with elements replaced -----------------------------------------------------------------

function reference.put(x, index, source, accumulate)
  local flat, values = util.flat(x), util.flat(source)
  for k, i in ipairs(util.flat(index)) do
    i = from_start(i, #flat)
    flat[i] = accumulate and flat[i] + values[k] or values[k]
  end
  return util.unflat(flat, util.shape(x))
end

function reference.masked_scatter(x, mask, source)
  local values, n = util.flat(source), 0
  return util.broadcast(function(v, m)
    if m then n = n + 1 end
    return m and values[n] or v
  end, x, mask)
end

-- x with src at the places that f(index of src) gives.
local function replaced(x, src, f)
  local y = copy(x)
  util.each_index(util.shape(src), function(at) util.set(y, f(at), util.get(src, at)) end)
  return y
end

function reference.select_scatter(x, src, dim, i)
  local shape = util.shape(x)
  dim = from_start(dim, #shape)
  return replaced(x, src, function(at)
    local place = table.move(at, 1, #at, 1, {})
    table.insert(place, dim, from_start(i, shape[dim]))
    return place
  end)
end

function reference.slice_scatter(x, src, dim, start, _, step)
  dim = from_start(dim or 1, #util.shape(x))
  return replaced(x, src, function(at) return moved(at, dim, (start or 1) + (at[dim] - 1) * (step or 1)) end)
end

function reference.diagonal_scatter(x, src, offset, dim1, dim2)
  offset, dim1, dim2 = offset or 0, dim1 or 1, dim2 or 2
  return replaced(x, src, function(at)
    local place = table.move(at, 1, #at - 1, 1, {})
    local i = at[#at]
    table.insert(place, math.min(dim1, dim2), 0)
    table.insert(place, math.max(dim1, dim2), 0)
    place[dim1], place[dim2] = i + math.max(-offset, 0), i + math.max(offset, 0)
    return place
  end)
end

function reference.take(x, index)
  local flat = util.flat(x)
  return util.map(index, function(i) return flat[from_start(i, #flat)] end)
end

function reference.embedding(ids, weight)
  return util.map(ids, function(id) return copy(weight[id]) end)
end

function reference.embedding_dw(g, ids, rows, padding, by_freq)
  local width, count = util.shape(g), {}
  local y = util.zeros { rows, width[#width] }
  util.each_index(util.shape(ids), function(at)
    local id, row = util.get(ids, at), util.get(g, at)
    count[id] = (count[id] or 0) + 1
    if id ~= padding then
      for k, v in ipairs(row) do y[id][k] = y[id][k] + v end
    end
  end)
  for id, n in pairs(by_freq and count or {}) do
    y[id] = util.map(y[id], function(v) return v / n end)
  end
  return y
end

function reference.bag_sum(weight, ids, first, share)
  local y = {}
  for b = 1, #first - 1 do
    y[b] = {}
    for k = 1, #weight[1] do
      y[b][k] = 0
      for i = first[b] + 1, first[b + 1] do y[b][k] = y[b][k] + share[i] * weight[ids[i]][k] end
    end
  end
  return y
end

function reference.embedding_bag(ids, weight, offsets, o)
  local bags = {}
  if type(ids[1]) == "table" then
    bags, o = ids, offsets
  else
    local last = o.include_last_offset and #offsets - 1 or #offsets
    for b = 1, last do bags[b] = { table.unpack(ids, offsets[b], (offsets[b + 1] or #ids + 1) - 1) } end
  end
  o = o or {}
  local y, at = {}, 0
  for b, bag in ipairs(bags) do
    local sum, top, n = {}, {}, 0
    for k = 1, #weight[1] do sum[k] = 0 end
    for _, id in ipairs(bag) do
      at = at + 1
      if id ~= o.padding_idx then
        n = n + 1
        for k, v in ipairs(weight[id]) do
          sum[k] = sum[k] + v * (o.per_sample_weights and o.per_sample_weights[at] or 1)
          top[k] = math.max(top[k] or v, v)
        end
      end
    end
    local mode = o.mode or "mean"
    y[b] = util.map(mode == "max" and n > 0 and top or sum, function(v)
      return mode == "mean" and n > 0 and v / n or v
    end)
  end
  return y
end

-- ---- x[...] with an index for each of the first dimensions ------------------------------------------

-- The list of {index into the values, index into x} pairs, and the shape of the values.
local function pairs_of(x, indices)
  local shape, rest = util.shape(x), {}
  local picked = {}
  util.broadcast(function(...)
    picked[#picked + 1] = { ... }
    return 0
  end, table.unpack(indices))
  local common = util.shape(util.broadcast(function() return 0 end, table.unpack(indices)))
  for d = #indices + 1, #shape do rest[#rest + 1] = shape[d] end
  local all = {}
  for _, size in ipairs(common) do all[#all + 1] = size end
  for _, size in ipairs(rest) do all[#all + 1] = size end
  local list, k, block = {}, 1, 1
  for _, size in ipairs(rest) do block = block * size end
  local left = block
  util.each_index(all, function(at)
    if left == 0 then k, left = k + 1, block end
    left = left - 1
    local place = {}
    for d, i in ipairs(picked[k]) do place[d] = from_start(i, shape[d]) end
    for d = #common + 1, #at do place[#place + 1] = at[d] end
    list[#list + 1] = { table.move(at, 1, #at, 1, {}), place }
  end)
  return list, all
end

function reference.index(list)
  local x = list[1]
  local places, shape = pairs_of(x, { table.unpack(list, 2) })
  local y = util.zeros(shape)
  for _, p in ipairs(places) do util.set(y, p[1], util.get(x, p[2])) end
  return y
end

function reference.index_write(list, accumulate)
  return reference.index_put(list[1], { table.unpack(list, 3) }, list[2], accumulate)
end

-- A mask as the list of positions where it holds.
local function positions(index)
  if type(index[1]) ~= "boolean" then return index end
  local list = {}
  for i, v in ipairs(index) do
    if v then list[#list + 1] = i end
  end
  return list
end

function reference.index_put(x, indices, given, accumulate)
  local y, list = copy(x), {}
  for d, index in ipairs(indices) do
    if tensor.is_tensor(index) then index = index:tolist() end
    list[d] = positions(index)
  end
  local places, shape = pairs_of(y, list)
  local values = util.broadcast(function(_, v) return v end, util.zeros(shape), given)
  for _, p in ipairs(places) do
    local v = util.get(values, p[1])
    util.set(y, p[2], accumulate and util.get(y, p[2]) + v or v)
  end
  return y
end

-- ---- masks -----------------------------------------------------------------------------------------

function reference.masked_select(x, mask)
  local list = {}
  util.broadcast(function(v, m)
    if m then list[#list + 1] = v end
    return 0
  end, x, mask)
  return list
end

function reference.nonzero(x, as_tuple)
  local list = {}
  util.each_index(util.shape(x), function(at)
    local v = util.get(x, at)
    if v ~= 0 and v ~= false then list[#list + 1] = table.move(at, 1, #at, 1, {}) end
  end)
  if as_tuple then
    local columns = {}
    for d = 1, #util.shape(x) do
      columns[d] = {}
      for k, place in ipairs(list) do columns[d][k] = place[d] end
    end
    return columns
  end
  return list
end

--- Of one list, or of every row in front of the axis by itself.
function reference.segment_reduce(x, how, options)
  local lengths, at = options.lengths, options.offsets
  if (options.axis or 1) > 1 then
    local y = {}
    for i, row in ipairs(x) do
      y[i] = reference.segment_reduce(row, how, {axis = options.axis - 1, initial = options.initial,
        lengths = lengths and lengths[i], offsets = at and at[i]})
    end
    return y
  end
  if at then
    lengths = {}
    for i = 1, #at - 1 do lengths[i] = at[i + 1] - at[i] end
  end
  local first = options.initial or ({max = -math.huge, min = math.huge, prod = 1})[how] or 0
  local y, place = {}, 0
  for s, length in ipairs(lengths) do
    y[s] = util.map(x[1], function() return first end)
    for _ = 1, length do
      place = place + 1
      local function meet(a, b)
        if type(a) == "table" then
          local z = {}
          for k = 1, #a do z[k] = meet(a[k], b[k]) end
          return z
        end
        if how == "max" or how == "min" then return math[how](a, b) end
        return how == "prod" and a * b or a + b
      end
      y[s] = meet(y[s], x[place])
    end
    if how == "mean" then
      y[s] = util.map(y[s], function(v) return v / (options.initial and math.max(length, 1) or length) end)
    end
  end
  return y
end

return reference
