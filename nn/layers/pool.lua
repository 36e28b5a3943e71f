-- pool.lua: pooling of sequences, images and volumes.

local core = require "lunette.core"
local layer = require "lunette.nn.layer"

local tensor = core.tensor

local function sized(text, n) return (text:gsub("{n}", "{" .. n .. "}")) end

local function max_pool(n)
  local f = tensor[("max_pool%dd"):format(n)]
  local Pool = layer(("MaxPool%dd"):format(n), sized("kernel_size: sizes{n}, stride: sizes{n}?, "
    .. "padding: counts{n}=0, dilation: sizes{n}=1, return_indices: bool=false, ceil_mode: bool=false", n), nil, 1)

  function Pool:build(o)
    self.kernel_size, self.stride, self.padding = o.kernel_size, o.stride or o.kernel_size, o.padding
    self.dilation, self.ceil_mode, self.return_indices = o.dilation, o.ceil_mode, o.return_indices
  end

  function Pool:forward(x)
    return f(x, self.kernel_size, self.stride, self.padding, self.dilation, self.ceil_mode, self.return_indices)
  end
  return Pool
end

local function avg_pool(n)
  local f = tensor[("avg_pool%dd"):format(n)]
  local Pool = layer(("AvgPool%dd"):format(n), sized("kernel_size: sizes{n}, stride: sizes{n}?, "
    .. "padding: counts{n}=0, ceil_mode: bool=false, count_include_pad: bool=true"
    .. (n > 1 and ", divisor_override: int?" or ""), n), nil, 1)

  function Pool:build(o)
    self.kernel_size, self.stride, self.padding = o.kernel_size, o.stride or o.kernel_size, o.padding
    self.ceil_mode, self.count_include_pad = o.ceil_mode, o.count_include_pad
    self.divisor_override = o.divisor_override
  end

  function Pool:forward(x)
    return f(x, {kernel_size = self.kernel_size, stride = self.stride, padding = self.padding,
      ceil_mode = self.ceil_mode, count_include_pad = self.count_include_pad,
      divisor_override = self.divisor_override})
  end
  return Pool
end

local function adaptive_max(n)
  local f = tensor[("adaptive_max_pool%dd"):format(n)]
  local Pool = layer(("AdaptiveMaxPool%dd"):format(n),
    sized("output_size: ints{n}, return_indices: bool=false", n), nil, 1)
  function Pool:forward(x) return f(x, self._options.output_size, self._options.return_indices) end
  return Pool
end

local function adaptive_avg(n)
  local f = tensor[("adaptive_avg_pool%dd"):format(n)]
  local Pool = layer(("AdaptiveAvgPool%dd"):format(n), sized("output_size: ints{n}", n), nil, 1)
  function Pool:forward(x) return f(x, self._options.output_size) end
  return Pool
end

local function lp_pool(n)
  local f = tensor[("lp_pool%dd"):format(n)]
  local Pool = layer(("LPPool%dd"):format(n),
    sized("norm_type: float, kernel_size: sizes{n}, stride: sizes{n}?, ceil_mode: bool=false", n), nil, 1)

  function Pool:forward(x)
    local o = self._options
    return f(x, o.norm_type, o.kernel_size, o.stride or o.kernel_size, o.ceil_mode)
  end
  return Pool
end

local function fractional_max(n)
  local f = tensor[("fractional_max_pool%dd"):format(n)]
  local Pool = layer(("FractionalMaxPool%dd"):format(n),
    sized("kernel_size: sizes{n}, output_size: sizes{n}?, output_ratio: any?, return_indices: bool=false", n), nil, 1)

  function Pool:forward(x)
    local o = self._options
    return f(x, {kernel_size = o.kernel_size, output_size = o.output_size, output_ratio = o.output_ratio,
      return_indices = o.return_indices})
  end
  return Pool
end

local function max_unpool(n)
  local f = tensor[("max_unpool%dd"):format(n)]
  local Pool = layer(("MaxUnpool%dd"):format(n),
    sized("kernel_size: sizes{n}, stride: sizes{n}?, padding: counts{n}=0", n), nil, 1)

  function Pool:forward(x, indices, output_size)
    local o = self._options
    return f(x, indices, {kernel_size = o.kernel_size, stride = o.stride, padding = o.padding,
      output_size = output_size})
  end
  return Pool
end

local layers = {}

--- The largest value of each window. x: [N,C,L] -> [N,C,L'], sizes as in MaxPool2d.
-- example: nn.MaxPool1d(2)(tensor{{{1.0, 5.0, 2.0, 3.0}}}) --> float32 [1,1,2]  5.0  3.0
layers.MaxPool1d = max_pool(1)

--- The largest value of each window. x: [N,C,H,W] -> [N,C,H',W'],
-- H' = (H + 2 padding - dilation (kernel - 1) - 1) // stride + 1; stride is the kernel size by default.
-- {return_indices = true}: their places too, for MaxUnpool2d.
-- example: nn.MaxPool2d(2)(tensor.arange(16):view(1, 1, 4, 4)) --> float32 [1,1,2,2]
--      6.0   8.0
--     14.0  16.0
layers.MaxPool2d = max_pool(2)

--- The largest value of each window. x: [N,C,D,H,W] -> [N,C,D',H',W'], sizes as in MaxPool2d.
-- example: nn.MaxPool3d(2)(tensor.arange(8):view(1, 1, 2, 2, 2)):item() --> 8.0
layers.MaxPool3d = max_pool(3)

--- The largest value of windows at places that random numbers shift, so that sizes shrink to output_size, or
-- by output_ratio, a number between 0 and 1 or one for each dimension. x: [N,C,H,W].
-- example: nn.FractionalMaxPool2d(2, {output_ratio = 0.7})(tensor.randn(1, 3, 10, 10)).shape --> {1, 3, 7, 7}
layers.FractionalMaxPool2d = fractional_max(2)

--- FractionalMaxPool2d for volumes. x: [N,C,D,H,W].
-- example: nn.FractionalMaxPool3d(2, {output_size = 3})(tensor.randn(1, 2, 6, 5, 6)).shape --> {1, 2, 3, 3, 3}
layers.FractionalMaxPool3d = fractional_max(3)

--- The mean of each window. x: [N,C,L] -> [N,C,L'].
-- example: nn.AvgPool1d(2)(tensor{{{1.0, 3.0, 5.0, 7.0}}}) --> float32 [1,1,2]  2.0  6.0
layers.AvgPool1d = avg_pool(1)

--- The mean of each window. x: [N,C,H,W] -> [N,C,H',W']; padding counts as zeros unless
-- {count_include_pad = false}.
-- example: nn.AvgPool2d(2)(tensor{{{{1.0, 2.0}, {3.0, 4.0}}}}):item() --> 2.5
layers.AvgPool2d = avg_pool(2)

--- The mean of each window. x: [N,C,D,H,W] -> [N,C,D',H',W'].
-- example: nn.AvgPool3d(2)(tensor.arange(8):view(1, 1, 2, 2, 2)):item() --> 4.5
layers.AvgPool3d = avg_pool(3)

--- The largest value of output_size windows. x: [N,C,L] -> [N,C,output_size].
-- example: nn.AdaptiveMaxPool1d(2)(tensor{{{1.0, 3.0, 7.0, 5.0}}}) --> float32 [1,1,2]  3.0  7.0
layers.AdaptiveMaxPool1d = adaptive_max(1)

--- The largest value of as many windows as output_size says, -1 for the input's size. x: [N,C,H,W].
-- example: nn.AdaptiveMaxPool2d(1)(tensor.zeros(8, 16, 7, 7)).shape --> {8, 16, 1, 1}
layers.AdaptiveMaxPool2d = adaptive_max(2)

--- The largest value of as many windows as output_size says. x: [N,C,D,H,W].
-- example: nn.AdaptiveMaxPool3d(1)(tensor.arange(8):view(1, 1, 2, 2, 2)):item() --> 8.0
layers.AdaptiveMaxPool3d = adaptive_max(3)

--- The mean of output_size windows. x: [N,C,L] -> [N,C,output_size].
-- example: nn.AdaptiveAvgPool1d(2)(tensor{{{1.0, 3.0, 5.0, 7.0}}}) --> float32 [1,1,2]  2.0  6.0
layers.AdaptiveAvgPool1d = adaptive_avg(1)

--- The mean of as many windows as output_size says, -1 for the input's size; 1 is the mean of all.
-- x: [N,C,H,W].
-- example: nn.AdaptiveAvgPool2d(1)(tensor.zeros(8, 16, 7, 7)).shape --> {8, 16, 1, 1}
layers.AdaptiveAvgPool2d = adaptive_avg(2)

--- The mean of as many windows as output_size says. x: [N,C,D,H,W].
-- example: nn.AdaptiveAvgPool3d(1)(tensor.arange(8):view(1, 1, 2, 2, 2)):item() --> 4.5
layers.AdaptiveAvgPool3d = adaptive_avg(3)

--- (Sum of x^norm_type over each window)^(1/norm_type). x: [N,C,L] -> [N,C,L'].
-- example: nn.LPPool1d(2, 2)(tensor{{{3.0, 4.0, 6.0, 8.0}}}) --> float32 [1,1,2]  5.0  10.0
layers.LPPool1d = lp_pool(1)

--- (Sum of x^norm_type over each window)^(1/norm_type). x: [N,C,H,W] -> [N,C,H',W'].
-- example: nn.LPPool2d(2, 2)(tensor{{{{3.0, 4.0}, {0.0, 0.0}}}}):item() --> 5.0
layers.LPPool2d = lp_pool(2)

--- Puts maxima back to their places, zeros elsewhere: unpool(y, indices, output_size), with what
-- MaxPool1d with return_indices gave.
-- example:
--   pool, unpool = nn.MaxPool1d(2, {return_indices = true}), nn.MaxUnpool1d(2)
--   unpool(pool(tensor{{{1.0, 5.0, 2.0, 3.0}}})) --> float32 [1,1,4]  0.0  5.0  0.0  3.0
layers.MaxUnpool1d = max_unpool(1)

--- Puts maxima back to their places, zeros elsewhere: unpool(y, indices, output_size), with what
-- MaxPool2d with return_indices gave.
-- example:
--   pool, unpool = nn.MaxPool2d(2, {return_indices = true}), nn.MaxUnpool2d(2)
--   unpool(pool(tensor{{{{1.0, 2.0}, {4.0, 3.0}}}})) --> float32 [1,1,2,2]
--     0.0  0.0
--     4.0  0.0
layers.MaxUnpool2d = max_unpool(2)

--- Puts maxima back to their places, zeros elsewhere: unpool(y, indices, output_size), with what
-- MaxPool3d with return_indices gave.
-- example:
--   pool, unpool = nn.MaxPool3d(2, {return_indices = true}), nn.MaxUnpool3d(2)
--   unpool(pool(tensor.rand(1, 1, 4, 4, 4))):count_nonzero() --> 8
layers.MaxUnpool3d = max_unpool(3)

return layers
