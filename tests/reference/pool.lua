-- Naive pooling in any number of dimensions: every window by itself.

local util = require "tests.reference.util"
local reference = {}

local function per_dim(v, default, n)
  if v == nil then v = default end
  local list = {}
  for i = 1, n do list[i] = type(v) == "table" and v[i] or type(v) ~= "table" and v or nil end
  return list
end

-- f(plane, sizes) for every block of the last n dimensions; results, by key, in x's leading shape.
local function each_block(x, n, f)
  local function go(v, rank)
    if rank == n then
      local y, places = f(v, util.shape(v))
      return y, places
    end
    local out, also = {}, {}
    for i = 1, #v do out[i], also[i] = go(v[i], rank - 1) end
    return out, also
  end
  return go(x, #util.shape(x))
end

-- Windows as lists of places per dimension: f(values, indices (from 1, row-major), places covered).
local function windows(x, n, axes, f)
  return each_block(x, n, function(block, sizes)
    local count = {}
    for d = 1, n do count[d] = axes.count(d, sizes[d]) end
    local y, places = util.zeros(count), util.zeros(count)
    util.each_index(count, function(at)
      local lists, extent, covered = {}, {}, 1
      for d = 1, n do
        local list, all = axes.window(d, at[d], sizes[d])
        lists[d], extent[d], covered = list, #list, covered * all
      end
      local values, index = {}, {}
      util.each_index(extent, function(k)
        local p, flat = {}, 0
        for d = 1, n do
          p[d] = lists[d][k[d]]
          flat = flat * sizes[d] + p[d] - 1
        end
        values[#values + 1], index[#index + 1] = util.get(block, p), flat + 1
      end)
      local v, place = f(values, index, covered)
      util.set(y, at, v)
      util.set(places, at, place)
    end)
    return y, places
  end)
end

local function by_kernel(n, kernel, o)
  local k, s = per_dim(kernel, nil, n), per_dim(o.stride, kernel, n)
  local p, e = per_dim(o.padding, 0, n), per_dim(o.dilation, 1, n)
  return {
    count = function(d, size)
      local room = size + 2 * p[d] - e[d] * (k[d] - 1) - 1
      local out = room // s[d] + 1
      if o.ceil_mode and room % s[d] ~= 0 and out * s[d] < size + p[d] then out = out + 1 end
      return out
    end,
    window = function(d, i, size)
      local list, all = {}, 0
      for a = 0, k[d] - 1 do
        local at = (i - 1) * s[d] - p[d] + a * e[d] + 1
        if at <= size + p[d] then all = all + 1 end
        if at >= 1 and at <= size then list[#list + 1] = at end
      end
      return list, all
    end,
  }
end

local function adaptive(n, sizes)
  local out = per_dim(sizes, nil, n)
  local axes = {}
  function axes.count(d, size) return out[d] == -1 and size or out[d] end
  function axes.window(d, i, size)
    local m, list = axes.count(d, size), {}
    for at = (i - 1) * size // m + 1, -(-i * size // m) do list[#list + 1] = at end
    return list, #list
  end
  return axes
end

local function largest(values, index)
  local best = 1
  for i = 2, #values do
    if values[i] > values[best] then best = i end
  end
  return values[best], index[best]
end

local function average(o)
  return function(values, _, covered)
    local s = 0
    for _, v in ipairs(values) do s = s + v end
    return s / (o.divisor_override or o.count_include_pad ~= false and covered or #values)
  end
end

local function max_pool(n)
  return function(x, kernel, ...)
    local o = util.arguments({"stride", "padding", "dilation", "ceil_mode", "return_indices"}, ...)
    local y, places = windows(x, n, by_kernel(n, kernel, o), largest)
    if o.return_indices then return y, places end
    return y
  end
end

local function avg_pool(n)
  return function(x, kernel, ...)
    local o = util.arguments({"stride", "padding", "ceil_mode", "count_include_pad", "divisor_override"}, ...)
    return (windows(x, n, by_kernel(n, kernel, o), average(o)))
  end
end

local function unpool(n)
  return function(x, index, kernel, ...)
    local o = util.arguments({"stride", "padding", "output_size"}, ...)
    local k, sizes, shape = per_dim(kernel, nil, n), {}, util.shape(x)
    local s, p = per_dim(o.stride, kernel, n), per_dim(o.padding, 0, n)
    for d = 1, n do
      local given = o.output_size and o.output_size[d]
      sizes[d] = given or (shape[#shape - n + d] - 1) * s[d] - 2 * p[d] + k[d]
    end
    local lead = {table.unpack(shape, 1, #shape - n)}
    local y = util.zeros {table.unpack(lead)}
    util.each_index(lead, function(at)
      local flat, total = {}, 1
      for d = 1, n do total = total * sizes[d] end
      for i = 1, total do flat[i] = 0 end
      local from = util.flat(util.get(x, at))
      for i, target in ipairs(util.flat(util.get(index, at))) do flat[target] = from[i] end
      util.set(y, at, util.unflat(flat, sizes))
    end)
    return y
  end
end

for n = 1, 3 do
  local name = n .. "d"
  reference["max_pool" .. name], reference["avg_pool" .. name] = max_pool(n), avg_pool(n)
  reference["max_unpool" .. name] = unpool(n)
  reference["adaptive_max_pool" .. name] = function(x, sizes, return_indices)
    local y, places = windows(x, n, adaptive(n, sizes), largest)
    if return_indices then return y, places end
    return y
  end
  reference["adaptive_avg_pool" .. name] = function(x, sizes)
    return (windows(x, n, adaptive(n, sizes), average {}))
  end
  reference["lp_pool" .. name] = function(x, p, kernel, ...)
    local o = util.arguments({"stride", "ceil_mode"}, ...)
    return (windows(x, n, by_kernel(n, kernel, o), function(values)
      local s = 0
      for _, v in ipairs(values) do s = s + v ^ p end
      return s ^ (1 / p)
    end))
  end
end

-- Windows of the last #kernel dimensions; adaptive ones have a stride of 0.
local function axes(kernel, stride, padding, dilation, ceil_mode)
  if stride[1] == 0 then return adaptive(#kernel, kernel) end
  return by_kernel(#kernel, kernel, {stride = stride, padding = padding, dilation = dilation, ceil_mode = ceil_mode})
end

function reference.max_windows(x, kernel, ...)
  local y, places = windows(x, #kernel, axes(kernel, ...), largest)
  return y, util.map(places, function(p) return p - 1 end)
end

function reference.avg_windows(x, kernel, stride, padding, dilation, ceil_mode, padded, divisor)
  if type(ceil_mode) == "table" then ceil_mode, padded = false, ceil_mode.count_include_pad end
  local how = average {count_include_pad = padded, divisor_override = divisor}
  return (windows(x, #kernel, axes(kernel, stride, padding, dilation, ceil_mode), how))
end

-- The last window ends with the dimension; window i before it begins at the whole part of (i + u) a, less
-- that of u a, where a is the mean distance.
local function fractional(n)
  return function(x, kernel, o)
    local k, shape = per_dim(kernel, nil, n), util.shape(x)
    local lead, out, size = {table.unpack(shape, 1, #shape - n)}, {}, {}
    for d = 1, n do
      size[d] = shape[#lead + d]
      local ratio = type(o.output_ratio) == "table" and o.output_ratio[d] or o.output_ratio
      out[d] = o.output_size and per_dim(o.output_size, nil, n)[d] or math.floor(size[d] * ratio)
    end
    local whole = table.move(out, 1, n, #lead + 1, {table.unpack(lead)})
    local y, places = util.zeros(whole), util.zeros(whole)
    util.each_index(whole, function(at)
      local u = o.random_samples[#lead == 2 and at[1] or 1][at[#lead]]
      local first, best, place = {}, -math.huge, nil
      for d = 1, n do
        local i, a = at[#lead + d] - 1, (size[d] - k[d]) / (out[d] - 1)
        local v = u[n == 2 and 3 - d or d]
        first[d] = i == out[d] - 1 and size[d] - k[d] or math.floor((i + v) * a) - math.floor(v * a)
      end
      util.each_index(k, function(inside)
        local from, flat = {table.unpack(at, 1, #lead)}, 0
        for d = 1, n do
          from[#lead + d] = first[d] + inside[d]
          flat = flat * size[d] + from[#lead + d] - 1
        end
        local v = util.get(x, from)
        if v > best then best, place = v, flat + 1 end
      end)
      util.set(y, at, best)
      util.set(places, at, place)
    end)
    if o.return_indices then return y, places end
    return y
  end
end
reference.fractional_max_pool2d, reference.fractional_max_pool3d = fractional(2), fractional(3)

return reference
