-- conv.lua: convolutions of sequences, images and volumes, and their transposed forms.

local core = require "lunette.core"
local fail = require "lunette.nn.fail"
local init = require "lunette.nn.initial"
local layer = require "lunette.nn.layer"
local Parameter = require "lunette.nn.parameter"

local tensor = core.tensor

local SHAPES = {"[N,C,L] or [C,L]", "[N,C,H,W] or [C,H,W]", "[N,C,D,H,W] or [C,D,H,W]"}

-- weight: [first, second, kernel...]; bias: [out]; uniform in +-1/sqrt(second * kernel...).
local function make_parameters(self, o, first, second)
  local shape, fan = {first, second}, second
  for _, k in ipairs(o.kernel_size) do
    shape[#shape + 1] = k
    fan = fan * k
  end
  local bound = 1 / math.sqrt(fan)
  self.weight = Parameter(init.new_uniform(shape, bound, o.dtype))
  if o.bias then self.bias = Parameter(init.new_uniform({o.out_channels}, bound, o.dtype)) end
end

local function check_groups(name, o)
  if o.in_channels % o.groups ~= 0 or o.out_channels % o.groups ~= 0 then
    fail.raise("nn.%s: groups = %d does not divide the channels %d and %d", name, o.groups,
      o.in_channels, o.out_channels)
  end
end

-- The padding as the op takes it: a list of n, or "same" or "valid".
local function read_padding(name, o, n)
  local p = o.padding
  if p == "valid" then return p end
  if p == "same" then
    for i = 1, n do
      if o.stride[i] ~= 1 then fail.raise('nn.%s: padding = "same" goes with stride 1 only', name) end
    end
    return p
  end
  if math.tointeger(p) then p = {p} end
  local list = {}
  for i = 1, n do
    local v = type(p) == "table" and (#p == n or #p == 1) and math.tointeger(#p == n and p[i] or p[1])
    if not v or v < 0 then
      fail.raise('nn.%s: padding is a whole number from 0, %s, "same" or "valid"', name,
        n == 1 and "a list of one" or "a list of " .. n)
    end
    list[i] = v
  end
  return list
end

-- What a padding_mode other than zeros puts around the input: {left, right, top, bottom, ...}.
local function edges(o, padding, n)
  local list = {}
  for i = n, 1, -1 do
    local total = o.dilation[i] * (o.kernel_size[i] - 1)
    local before = padding == "same" and total // 2 or padding == "valid" and 0 or padding[i]
    list[#list + 1] = before
    list[#list + 1] = padding == "same" and total - before or before
  end
  return list
end

local function explain_channels(n)
  return function(self, x)
    if not tensor.is_tensor(x) then return "its input is a " .. type(x) .. "; a tensor is wanted" end
    if x:dim() ~= n + 2 and x:dim() ~= n + 1 then
      return ("input %s has %d dimensions; it is %s"):format(fail.shape(x), x:dim(), SHAPES[n])
    end
    local at = x:dim() - n
    if x:size(at) ~= self.in_channels then
      return ("input %s has %d channels in dimension %d; %d are wanted"):format(fail.shape(x), x:size(at),
        at, self.in_channels)
    end
  end
end

local function label(self) return ("%d -> %d"):format(self.in_channels, self.out_channels) end

local function conv(n)
  local name, f = ("Conv%dd"):format(n), tensor[("conv%dd"):format(n)]
  local Conv = layer(name, (("in_channels: size, out_channels: size, kernel_size: sizes{n}, "
    .. "stride: sizes{n}=1, padding: any=0, dilation: sizes{n}=1, groups: size=1, bias: bool=true, "
    .. "padding_mode: string{zeros|reflect|replicate|circular}=zeros, dtype: dtype=float32")
    :gsub("{n}", "{" .. n .. "}")), nil, 1)

  function Conv:build(o)
    check_groups(name, o)
    self.in_channels, self.out_channels, self.kernel_size = o.in_channels, o.out_channels, o.kernel_size
    self.stride, self.dilation, self.groups = o.stride, o.dilation, o.groups
    self.padding, self.padding_mode = read_padding(name, o, n), o.padding_mode
    make_parameters(self, o, o.out_channels, o.in_channels // o.groups)
  end

  function Conv:forward(x)
    local padding = self.padding
    if self.padding_mode ~= "zeros" then
      x, padding = x:pad(edges(self._options, padding, n), self.padding_mode), 0
    end
    return f(x, self.weight, self.bias, self.stride, padding, self.dilation, self.groups)
  end

  Conv._explain, Conv._label = explain_channels(n), label
  return Conv
end

local function transposed(n)
  local name, f = ("ConvTranspose%dd"):format(n), tensor[("conv_transpose%dd"):format(n)]
  local Conv = layer(name, (("in_channels: size, out_channels: size, kernel_size: sizes{n}, "
    .. "stride: sizes{n}=1, padding: counts{n}=0, output_padding: counts{n}=0, groups: size=1, "
    .. "bias: bool=true, dilation: sizes{n}=1, dtype: dtype=float32"):gsub("{n}", "{" .. n .. "}")), nil, 1)

  function Conv:build(o)
    check_groups(name, o)
    self.in_channels, self.out_channels, self.kernel_size = o.in_channels, o.out_channels, o.kernel_size
    self.stride, self.padding, self.output_padding = o.stride, o.padding, o.output_padding
    self.groups, self.dilation = o.groups, o.dilation
    make_parameters(self, o, o.in_channels, o.out_channels // o.groups)
  end

  function Conv:forward(x)
    return f(x, self.weight, self.bias, self.stride, self.padding, self.output_padding, self.groups,
      self.dilation)
  end

  Conv._explain, Conv._label = explain_channels(n), label
  return Conv
end

local layers = {}

--- Convolution (cross-correlation) of sequences. x: [N, in_channels, L] -> [N, out_channels, L'], sizes
-- as in Conv2d. weight: [out_channels, in_channels / groups, k], bias: [out_channels].
-- example:
--   conv = nn.Conv1d(1, 1, 2, {bias = false})
--   w = nn.init.ones_(conv.weight)
--   conv(tensor{{{1.0, 2.0, 4.0}}}):detach() --> float32 [1,1,2]  3.0  6.0
layers.Conv1d = conv(1)

--- Convolution (cross-correlation) of images. x: [N, in_channels, H, W] -> [N, out_channels, H', W'],
-- H' = (H + 2 padding - dilation (kernel - 1) - 1) // stride + 1; one image may come without N.
-- padding may be "same" or "valid"; padding_mode says what it is made of. weight:
-- [out_channels, in_channels / groups, kh, kw], bias: [out_channels].
-- example:
--   conv = nn.Conv2d(3, 16, 5, {padding = 2, stride = 2})
--   conv(tensor.zeros(8, 3, 32, 32)).shape --> {8, 16, 16, 16}
--   conv.weight.shape --> {16, 3, 5, 5}
layers.Conv2d = conv(2)

--- Convolution (cross-correlation) of volumes. x: [N, in_channels, D, H, W] ->
-- [N, out_channels, D', H', W'], sizes as in Conv2d. weight:
-- [out_channels, in_channels / groups, kd, kh, kw], bias: [out_channels].
-- example:
--   conv = nn.Conv3d(1, 4, 3, {padding = "same"})
--   conv(tensor.zeros(2, 1, 6, 7, 8)).shape --> {2, 4, 6, 7, 8}
layers.Conv3d = conv(3)

--- Transposed convolution of sequences. x: [N, in_channels, L] -> [N, out_channels, L'], sizes as in
-- ConvTranspose2d. weight: [in_channels, out_channels / groups, k], bias: [out_channels].
-- example:
--   conv = nn.ConvTranspose1d(1, 1, 2, {stride = 2, bias = false})
--   w = nn.init.ones_(conv.weight)
--   conv(tensor{{{1.0, 2.0}}}):detach() --> float32 [1,1,4]  1.0  1.0  2.0  2.0
layers.ConvTranspose1d = transposed(1)

--- Transposed convolution: the gradient of a convolution as a layer; makes images larger.
-- x: [N, in_channels, H, W] -> [N, out_channels, H', W'],
-- H' = (H - 1) stride - 2 padding + dilation (kernel - 1) + output_padding + 1.
-- weight: [in_channels, out_channels / groups, kh, kw], bias: [out_channels].
-- example:
--   conv = nn.ConvTranspose2d(16, 3, 4, {stride = 2, padding = 1})
--   conv(tensor.zeros(8, 16, 14, 14)).shape --> {8, 3, 28, 28}
layers.ConvTranspose2d = transposed(2)

--- Transposed convolution of volumes. x: [N, in_channels, D, H, W] -> [N, out_channels, D', H', W'],
-- sizes as in ConvTranspose2d. weight: [in_channels, out_channels / groups, kd, kh, kw].
-- example:
--   conv = nn.ConvTranspose3d(4, 1, 2, {stride = 2})
--   conv(tensor.zeros(2, 4, 3, 3, 3)).shape --> {2, 1, 6, 6, 6}
layers.ConvTranspose3d = transposed(3)

return layers
