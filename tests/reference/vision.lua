-- Naive changes of size: every output by itself, from the definitions.

local util = require "tests.reference.util"
local reference = {}

-- Keys 1981, a = -0.75
local function cubic(t)
  local a = -0.75
  t = math.abs(t)
  if t <= 1 then return (a + 2) * t ^ 3 - (a + 3) * t ^ 2 + 1 end
  if t < 2 then return a * t ^ 3 - 5 * a * t ^ 2 + 8 * a * t - 4 * a end
  return 0
end

-- {place, weight} pairs for output i (from 0) of n, over a size of L; places from 0.
local function taps(mode, i, n, L, align, scale)
  if mode == "area" then
    local list, from, to = {}, i * L // n, -(-(i + 1) * L // n)
    for k = from, to - 1 do list[#list + 1] = {k, 1 / (to - from)} end
    return list
  end
  local step = scale and scale > 0 and 1 / scale or L / n
  if mode == "nearest" or mode == "exact" then
    return {{math.min(math.floor((mode == "exact" and i + 0.5 or i) * step + 1e-9), L - 1), 1}}
  end
  local at = align and (n > 1 and i * (L - 1) / (n - 1) or 0) or (i + 0.5) * step - 0.5
  if mode == "linear" then at = math.max(at, 0) end
  local low, list = math.floor(at), {}
  for k = -1, 2 do
    local weight = mode == "cubic" and cubic(at - low - k) or mode == "linear" and math.max(0, 1 - math.abs(at - low - k)) or 0
    list[#list + 1] = {math.max(0, math.min(L - 1, low + k)), weight}
  end
  return list
end

-- along dimension d (from 1)
local function resample(x, d, n, mode, align, scale)
  local shape = util.shape(x)
  local L = shape[d]
  shape[d] = n
  local y = util.zeros(shape)
  util.each_index(shape, function(at)
    local s, from = 0, {table.unpack(at)}
    for _, tap in ipairs(taps(mode, at[d] - 1, n, L, align, scale)) do
      from[d] = tap[1] + 1
      s = s + tap[2] * util.get(x, from)
    end
    util.set(y, at, s)
  end)
  return y
end

function reference.resample(x, d, n, mode, align, o)
  if type(align) == "table" then align, o = nil, align end
  return resample(x, d, n, mode, align, o and o.scale)
end

local short = {nearest = "nearest", ["nearest-exact"] = "exact", area = "area", linear = "linear", bilinear = "linear",
  trilinear = "linear", bicubic = "cubic"}

function reference.interpolate(x, size, o)
  if type(size) == "table" and #size == 0 then size, o = nil, size end
  o = o or {}
  local shape = util.shape(x)
  for d = 3, #shape do
    local scale = o.scale_factor
    if type(scale) == "table" then scale = scale[d - 2] or scale[1] end
    local n = type(size) == "table" and size[d - 2] or size or math.floor(shape[d] * scale)
    local given = not o.recompute_scale_factor and scale or nil
    x = resample(x, d, n, short[o.mode or "nearest"], o.align_corners, given)
  end
  return x
end

function reference.upsample_nearest(x, size, o) return reference.interpolate(x, size, o) end

function reference.upsample_bilinear(x, size, o)
  if type(size) == "table" and #size == 0 then size, o = nil, size end
  return reference.interpolate(x, size, {scale_factor = o and o.scale_factor, mode = "bilinear", align_corners = true})
end

-- y of a shape, y[at] = x[from(at)]
local function rearranged(x, shape, from)
  local y = util.zeros(shape)
  util.each_index(shape, function(at) util.set(y, at, util.get(x, from(at))) end)
  return y
end

function reference.pixel_shuffle(x, r)
  local s = util.shape(x)
  local n = #s
  s[n - 2], s[n - 1], s[n] = s[n - 2] // (r * r), s[n - 1] * r, s[n] * r
  return rearranged(x, s, function(at)
    local p, h, w = {table.unpack(at)}, at[n - 1] - 1, at[n] - 1
    p[n - 2] = (at[n - 2] - 1) * r * r + h % r * r + w % r + 1
    p[n - 1], p[n] = h // r + 1, w // r + 1
    return p
  end)
end

function reference.pixel_unshuffle(x, r)
  local s = util.shape(x)
  local n = #s
  s[n - 2], s[n - 1], s[n] = s[n - 2] * r * r, s[n - 1] // r, s[n] // r
  return rearranged(x, s, function(at)
    local p, c = {table.unpack(at)}, at[n - 2] - 1
    p[n - 2] = c // (r * r) + 1
    p[n - 1] = (at[n - 1] - 1) * r + c % (r * r) // r + 1
    p[n] = (at[n] - 1) * r + c % r + 1
    return p
  end)
end

function reference.channel_shuffle(x, groups)
  local s = util.shape(x)
  local k = s[2] // groups
  return rearranged(x, s, function(at)
    local p, c = {table.unpack(at)}, at[2] - 1
    p[2] = c % groups * k + c // groups + 1
    return p
  end)
end

-- ---- sampling ------------------------------------------------------------------------------------------

local function inside(at, L, padding, align)
  if padding == "reflection" then
    local low, high = align and 0 or -0.5, align and L - 1 or L - 0.5
    if high == low then return 0 end
    while at < low or at > high do at = at < low and 2 * low - at or 2 * high - at end
  end
  if padding ~= "zeros" then at = math.max(0, math.min(L - 1, at)) end
  return at
end

local function nearest_whole(v)
  local low = math.floor(v)
  if v - low == 0.5 then return low % 2 == 0 and low or low + 1 end
  return math.floor(v + 0.5)
end

-- Whole places with weights along one dimension of size L.
local function samples(at, L, mode, padding, align)
  at = align and (at + 1) / 2 * (L - 1) or ((at + 1) * L - 1) / 2
  local list = {}
  if mode == "bicubic" then
    local low = math.floor(at)
    for k = -1, 2 do
      list[#list + 1] = {nearest_whole(inside(low + k, L, padding, align)), cubic(at - low - k)}
    end
    return list
  end
  at = inside(at, L, padding, align)
  if mode == "nearest" then return {{nearest_whole(at), 1}} end
  local low = math.floor(at)
  return {{low, 1 - (at - low)}, {low + 1, at - low}}
end

function reference.grid_sample(x, grid, mode, padding, align)
  mode, padding = mode or "bilinear", padding or "zeros"
  local xs, gs = util.shape(x), util.shape(grid)
  local nd = #xs - 2
  local shape = {xs[1], xs[2], table.unpack(gs, 2, nd + 1)}
  local y = util.zeros(shape)
  util.each_index(shape, function(at)
    local place = util.get(grid, {at[1], table.unpack(at, 3)})
    local lists, counts, s = {}, {}, 0
    for d = 1, nd do
      lists[d] = samples(place[nd + 1 - d], xs[2 + d], mode, padding, align)
      counts[d] = #lists[d]
    end
    util.each_index(counts, function(k)
      local p, weight, is_in = {at[1], at[2]}, 1, true
      for d = 1, nd do
        local v = lists[d][k[d]]
        p[2 + d], weight = v[1] + 1, weight * v[2]
        is_in = is_in and v[1] >= 0 and v[1] < xs[2 + d]
      end
      if is_in then s = s + weight * util.get(x, p) end
    end)
    util.set(y, at, s)
  end)
  return y
end

function reference.affine_grid(theta, size, align)
  local nd = #size - 2
  local shape = {size[1], table.unpack(size, 3)}
  shape[#shape + 1] = nd
  local y = util.zeros(shape)
  util.each_index(shape, function(at)
    local row, s = theta[at[1]][at[nd + 2]], theta[at[1]][at[nd + 2]][nd + 1]
    for k = 1, nd do -- x first
      local n, i = size[3 + nd - k], at[2 + nd - k] - 1
      local v = align and (n > 1 and 2 * i / (n - 1) - 1 or 0) or not align and (2 * i + 1) / n - 1
      s = s + row[k] * v
    end
    util.set(y, at, s)
  end)
  return y
end

return reference
