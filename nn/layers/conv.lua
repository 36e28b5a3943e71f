-- conv.lua: convolutions in two dimensions.

local core = require "lunette.core"
local fail = require "lunette.nn.fail"
local init = require "lunette.nn.initial"
local layer = require "lunette.nn.layer"
local Parameter = require "lunette.nn.parameter"

local tensor = core.tensor

-- weight: [first, second, kh, kw]; bias: [out]; uniform in +-1/sqrt(second * kh * kw).
local function make_parameters(self, o, first, second)
  local k = o.kernel_size
  local bound = 1 / math.sqrt(second * k[1] * k[2])
  self.weight = Parameter(init.new_uniform({first, second, k[1], k[2]}, bound, o.dtype))
  if o.bias then self.bias = Parameter(init.new_uniform({o.out_channels}, bound, o.dtype)) end
end

local function check_groups(name, o)
  if o.in_channels % o.groups ~= 0 or o.out_channels % o.groups ~= 0 then
    fail.raise("nn.%s: groups = %d does not divide the channels %d and %d", name, o.groups,
      o.in_channels, o.out_channels)
  end
end

-- Rows and columns to add on each side, from a number, two, "same" or "valid"; for "same" with an
-- odd total a second list {left, right, top, bottom} that pads before.
local function read_padding(name, o)
  local p = o.padding
  if p == "valid" then return {0, 0} end
  if p == "same" then
    if o.stride[1] ~= 1 or o.stride[2] ~= 1 then
      fail.raise('nn.%s: padding = "same" goes with stride 1 only', name)
    end
    local h, w = o.dilation[1] * (o.kernel_size[1] - 1), o.dilation[2] * (o.kernel_size[2] - 1)
    if h % 2 == 0 and w % 2 == 0 then return {h // 2, w // 2} end
    return {0, 0}, {w // 2, w - w // 2, h // 2, h - h // 2}
  end
  if math.tointeger(p) then p = {p, p} end
  if type(p) ~= "table" or #p ~= 2 or not (math.tointeger(p[1]) and math.tointeger(p[2]))
    or p[1] < 0 or p[2] < 0 then
    fail.raise('nn.%s: padding is a whole number from 0, two of them, "same" or "valid"', name)
  end
  return {math.tointeger(p[1]), math.tointeger(p[2])}
end

local function explain_channels(self, x)
  if not tensor.is_tensor(x) then return "its input is a " .. type(x) .. "; a tensor is wanted" end
  if x:dim() ~= 4 then
    return ("input %s has %d dimensions; images are [N,C,H,W]%s"):format(fail.shape(x), x:dim(),
      x:dim() == 3 and ", one image is x:unsqueeze(1)" or "")
  end
  if x:size(2) ~= self.in_channels then
    return ("input %s has %d channels in dimension 2; %d are wanted"):format(fail.shape(x), x:size(2),
      self.in_channels)
  end
end

local function label(self) return ("%d -> %d"):format(self.in_channels, self.out_channels) end

--- Convolution (cross-correlation) of images. x: [N, in_channels, H, W] -> [N, out_channels, H', W'],
-- H' = (H + 2 padding - dilation (kernel - 1) - 1) // stride + 1. padding may be "same" or "valid".
-- weight: [out_channels, in_channels / groups, kh, kw], bias: [out_channels].
local Conv2d = layer("Conv2d", "in_channels: size, out_channels: size, kernel_size: sizes{2}, "
  .. "stride: sizes{2}=1, padding: any=0, dilation: sizes{2}=1, groups: size=1, bias: bool=true, "
  .. "padding_mode: string{zeros}=zeros, dtype: dtype=float32")

function Conv2d:build(o)
  check_groups("Conv2d", o)
  self.in_channels, self.out_channels, self.kernel_size = o.in_channels, o.out_channels, o.kernel_size
  self.stride, self.dilation, self.groups = o.stride, o.dilation, o.groups
  self.padding, self.pad_before = read_padding("Conv2d", o)
  make_parameters(self, o, o.out_channels, o.in_channels // o.groups)
end

function Conv2d:forward(x)
  if self.pad_before then x = x:pad(self.pad_before) end
  return tensor.conv2d(x, self.weight, self.bias, self.stride, self.padding, self.dilation, self.groups)
end

Conv2d._explain, Conv2d._label = explain_channels, label

--- Transposed convolution: the gradient of a convolution as a layer; makes images larger.
-- x: [N, in_channels, H, W] -> [N, out_channels, H', W'],
-- H' = (H - 1) stride - 2 padding + dilation (kernel - 1) + output_padding + 1.
-- weight: [in_channels, out_channels / groups, kh, kw], bias: [out_channels].
local ConvTranspose2d = layer("ConvTranspose2d", "in_channels: size, out_channels: size, "
  .. "kernel_size: sizes{2}, stride: sizes{2}=1, padding: counts{2}=0, output_padding: counts{2}=0, "
  .. "groups: size=1, bias: bool=true, dilation: sizes{2}=1, dtype: dtype=float32")

function ConvTranspose2d:build(o)
  check_groups("ConvTranspose2d", o)
  self.in_channels, self.out_channels, self.kernel_size = o.in_channels, o.out_channels, o.kernel_size
  self.stride, self.padding, self.output_padding = o.stride, o.padding, o.output_padding
  self.groups, self.dilation = o.groups, o.dilation
  make_parameters(self, o, o.in_channels, o.out_channels // o.groups)
end

function ConvTranspose2d:forward(x)
  return tensor.conv_transpose2d(x, self.weight, self.bias, self.stride, self.padding,
    self.output_padding, self.groups, self.dilation)
end

ConvTranspose2d._explain, ConvTranspose2d._label = explain_channels, label

return {Conv2d = Conv2d, ConvTranspose2d = ConvTranspose2d}
