-- Naive choosing by position: everything counts from 1.

local util = require "tests.reference.util"
local reference = {}

local function copy(x) return util.map(x, function(v) return v end) end

local function from_start(i, n) return i < 0 and n + 1 + i or i end

local function build(shape, f)
  if #shape == 0 then return f {} end
  local x = util.zeros(shape)
  util.each_index(shape, function(index) util.set(x, index, f(index)) end)
  return x
end

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
  return build(shape, function(at) return util.get(x, moved(at, dim, util.get(index, at))) end)
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

function reference.scatter(x, dim, index, src)
  return scattered(x, dim, index, src, function(_, v) return v end)
end

function reference.scatter_add(x, dim, index, src)
  return scattered(x, dim, index, src, function(old, v) return old + v end)
end

-- ---- positions of a dimension ----------------------------------------------------------------------

function reference.index_select(x, dim, list)
  local shape = util.shape(x)
  dim = from_start(dim, #shape)
  shape[dim] = #list
  return build(shape, function(at) return util.get(x, moved(at, dim, list[at[dim]])) end)
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

function reference.index_put(list, accumulate)
  local y = copy(list[1])
  local places, shape = pairs_of(y, { table.unpack(list, 3) })
  local values = util.broadcast(function(_, v) return v end, util.zeros(shape), list[2])
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

function reference.nonzero(x)
  local list = {}
  util.each_index(util.shape(x), function(at)
    local v = util.get(x, at)
    if v ~= 0 and v ~= false then list[#list + 1] = table.move(at, 1, #at, 1, {}) end
  end)
  return list
end

return reference
