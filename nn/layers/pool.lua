-- pool.lua: pooling of images.

local core = require "lunette.core"
local layer = require "lunette.nn.layer"

local tensor = core.tensor

--- The largest value of each window. x: [N,C,H,W] -> [N,C,H',W'],
-- H' = (H + 2 padding - dilation (kernel - 1) - 1) // stride + 1; stride is the kernel size by default.
local MaxPool2d = layer("MaxPool2d", "kernel_size: sizes{2}, stride: sizes{2}?, padding: counts{2}=0, "
  .. "dilation: sizes{2}=1, ceil_mode: bool=false")

function MaxPool2d:build(o)
  self.kernel_size, self.stride, self.padding = o.kernel_size, o.stride or o.kernel_size, o.padding
  self.dilation, self.ceil_mode = o.dilation, o.ceil_mode
end

function MaxPool2d:forward(x)
  local y = tensor.max_pool2d(x, self.kernel_size, self.stride, self.padding, self.dilation, self.ceil_mode)
  return y
end

--- The mean of each window. x: [N,C,H,W] -> [N,C,H',W']; padding counts as zeros unless
-- {count_include_pad = false}.
local AvgPool2d = layer("AvgPool2d", "kernel_size: sizes{2}, stride: sizes{2}?, padding: counts{2}=0, "
  .. "ceil_mode: bool=false, count_include_pad: bool=true")

function AvgPool2d:build(o)
  self.kernel_size, self.stride, self.padding = o.kernel_size, o.stride or o.kernel_size, o.padding
  self.ceil_mode, self.count_include_pad = o.ceil_mode, o.count_include_pad
end

function AvgPool2d:forward(x)
  return tensor.avg_pool2d(x, self.kernel_size, self.stride, self.padding, self.ceil_mode,
    self.count_include_pad)
end

return {MaxPool2d = MaxPool2d, AvgPool2d = AvgPool2d}
