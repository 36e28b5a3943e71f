-- Naive convolutions in any number of dimensions: the defining sums.

local util = require "tests.reference.util"
local reference = {}

-- conv(x, w, options) or conv(x, w, b, options)
local function given(b, options)
  if b and type(b[1]) ~= "number" then return nil, b end
  return b, options or {}
end

local function per_dim(v, default, n)
  if v == nil then v = default end
  local list = {}
  for i = 1, n do list[i] = type(v) == "table" and v[i] or type(v) ~= "table" and v or 0 end
  return list
end

local function read(options, n)
  local o = {groups = options.groups or 1}
  for name, default in pairs {stride = 1, padding = 0, dilation = 1, output_padding = 0} do
    local v = options[name]
    o[name] = per_dim(type(v) ~= "string" and v or nil, default, n)
  end
  o.word = type(options.padding) == "string" and options.padding
  return o
end

-- {at[1], at[2] + skip, at[3], ...}: a place of n dimensions in channel c of sample n
local function place(sample, channel, spatial) return {sample, channel, table.unpack(spatial)} end

local function conv(n)
  return function(x, w, b, options)
    b, options = given(b, options)
    local o, xs, ws = read(options, n), util.shape(x), util.shape(w)
    local size, kernel, before = {}, {ws[2]}, {}
    for i = 1, n do
      local reach = o.dilation[i] * (ws[2 + i] - 1)
      before[i] = o.word == "same" and reach // 2 or o.padding[i]
      size[i] = o.word == "same" and xs[2 + i]
        or (xs[2 + i] + 2 * o.padding[i] - reach - 1) // o.stride[i] + 1
      kernel[1 + i] = ws[2 + i]
    end
    local shape = place(xs[1], ws[1], size)
    local y = util.zeros(shape)
    util.each_index(shape, function(at)
      local first = (at[2] - 1) // (ws[1] // o.groups) * ws[2]
      local s = b and b[at[2]] or 0
      util.each_index(kernel, function(k)
        local from, inside = {}, true
        for i = 1, n do
          from[i] = (at[2 + i] - 1) * o.stride[i] - before[i] + (k[1 + i] - 1) * o.dilation[i] + 1
          inside = inside and from[i] >= 1 and from[i] <= xs[2 + i]
        end
        if inside then
          s = s + util.get(x, place(at[1], first + k[1], from)) * util.get(w, {at[2], table.unpack(k)})
        end
      end)
      util.set(y, at, s)
    end)
    return y
  end
end

-- Every input element is spread over the output by the kernel. size: of the output, or nil.
local function spread(n, size)
  return function(x, w, b, options)
    b, options = given(b, options)
    local o, xs, ws, out = read(options, n), util.shape(x), util.shape(w), {}
    for i = 1, n do
      out[i] = size and per_dim(options.size, nil, n)[i] or (xs[2 + i] - 1) * o.stride[i] - 2 * o.padding[i]
        + o.dilation[i] * (ws[2 + i] - 1) + o.output_padding[i] + 1
    end
    local shape = place(xs[1], ws[2] * o.groups, out)
    local y = util.zeros(shape)
    util.each_index(shape, function(at) util.set(y, at, b and b[at[2]] or 0) end)
    util.each_index(xs, function(at)
      local v = util.get(x, at)
      util.each_index({table.unpack(ws, 2)}, function(k)
        local to, inside = {}, true
        for i = 1, n do
          to[i] = (at[2 + i] - 1) * o.stride[i] - o.padding[i] + (k[1 + i] - 1) * o.dilation[i] + 1
          inside = inside and to[i] >= 1 and to[i] <= out[i]
        end
        if not inside then return end
        local p = place(at[1], (at[2] - 1) // (xs[2] // o.groups) * ws[2] + k[1], to)
        util.set(y, p, util.get(y, p) + v * util.get(w, {at[2], table.unpack(k)}))
      end)
    end)
    return y
  end
end

for n = 1, 3 do
  reference["conv" .. n .. "d"] = conv(n)
  reference["conv_transpose" .. n .. "d"] = spread(n)
end
reference.convolve2d_dx = spread(2, true)

return reference
