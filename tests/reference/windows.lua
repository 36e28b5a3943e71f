-- Naive windows: sliding ones along a dimension, and patches of images as columns.

local util = require "tests.reference.util"
local reference = {}

function reference.unfold(x, dim, size, step)
  local shape = util.shape(x)
  local d = dim < 0 and #shape + 1 + dim or dim
  local out = table.move(shape, 1, #shape, 1, {})
  out[d] = (shape[d] - size) // step + 1
  out[#out + 1] = size
  local y = util.zeros(out)
  util.each_index(out, function(at)
    local place = table.move(at, 1, #shape, 1, {})
    place[d] = (at[d] - 1) * step + at[#at]
    util.set(y, at, util.get(x, place))
  end)
  return y
end

local function two(v, otherwise)
  v = v or otherwise
  return type(v) == "table" and v or { v, v }
end

-- f(n, row, column, at row, at column) for every element of patches of images of a size; the row and
-- column of the matrix they make, and the pixel, which may lie outside.
local function each_patch(shape, kernel, dilation, padding, stride, f)
  kernel, dilation, padding, stride = two(kernel), two(dilation, 1), two(padding, 0), two(stride, 1)
  local fits = {}
  for i = 1, 2 do
    fits[i] = (shape[2 + i] + 2 * padding[i] - dilation[i] * (kernel[i] - 1) - 1) // stride[i] + 1
  end
  util.each_index({ shape[1], shape[2], kernel[1], kernel[2], fits[1], fits[2] }, function(i)
    local row = ((i[2] - 1) * kernel[1] + i[3] - 1) * kernel[2] + i[4]
    local y = (i[5] - 1) * stride[1] + (i[3] - 1) * dilation[1] - padding[1] + 1
    local x = (i[6] - 1) * stride[2] + (i[4] - 1) * dilation[2] - padding[2] + 1
    local inside = y >= 1 and x >= 1 and y <= shape[3] and x <= shape[4]
    f(i[1], i[2], row, (i[5] - 1) * fits[2] + i[6], inside and { i[1], i[2], y, x })
  end)
  return shape[2] * kernel[1] * kernel[2], fits[1] * fits[2]
end

function reference.im2col(x, ...)
  local kernel, dilation, padding, stride = ...
  local rows, columns = each_patch(util.shape(x), kernel, dilation, padding, stride, function() end)
  local y = util.zeros { #x, rows, columns }
  each_patch(util.shape(x), kernel, dilation, padding, stride, function(n, _, row, column, pixel)
    y[n][row][column] = pixel and util.get(x, pixel) or 0
  end)
  return y
end

function reference.fold(x, size, kernel, dilation, padding, stride)
  size, kernel = two(size), two(kernel)
  local shape = { #x, #x[1] // (kernel[1] * kernel[2]), size[1], size[2] }
  local y = util.zeros(shape)
  each_patch(shape, kernel, dilation, padding, stride, function(n, _, row, column, pixel)
    if pixel then util.set(y, pixel, util.get(y, pixel) + x[n][row][column]) end
  end)
  return y
end

return reference
