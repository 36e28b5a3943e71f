-- Naive convolutions: the defining sums.

local util = require "tests.reference.util"
local reference = {}

-- conv2d(x, w, options) or conv2d(x, w, b, options)
local function given(b, options)
  if b and type(b[1]) ~= "number" then return nil, b end
  return b, options or {}
end

local function pair(v, default)
  if v == nil then return default, default end
  if type(v) == "table" then return v[1], v[2] or v[1] end
  return v, v
end

function reference.conv2d(x, w, b, options)
  b, options = given(b, options)
  local sh, sw = pair(options.stride, 1)
  local ph, pw = pair(options.padding, 0)
  local dh, dw = pair(options.dilation, 1)
  local groups = options.groups or 1
  local N, O, H, W = #x, #w, #x[1][1], #x[1][1][1]
  local C, kh, kw = #w[1], #w[1][1], #w[1][1][1]
  local oh = (H + 2 * ph - dh * (kh - 1) - 1) // sh + 1
  local ow = (W + 2 * pw - dw * (kw - 1) - 1) // sw + 1
  local y = util.zeros { N, O, oh, ow }
  util.each_index({ N, O, oh, ow }, function(at)
    local n, o, i, j = table.unpack(at)
    local first = (o - 1) // (O // groups) * C
    local s = b and b[o] or 0
    util.each_index({ C, kh, kw }, function(k)
      local row = (i - 1) * sh - ph + (k[2] - 1) * dh + 1
      local col = (j - 1) * sw - pw + (k[3] - 1) * dw + 1
      if row >= 1 and row <= H and col >= 1 and col <= W then
        s = s + x[n][first + k[1]][row][col] * w[o][k[1]][k[2]][k[3]]
      end
    end)
    y[n][o][i][j] = s
  end)
  return y
end

-- Every input element is spread over the output by the kernel.
function reference.conv_transpose2d(x, w, b, options)
  b, options = given(b, options)
  local sh, sw = pair(options.stride, 1)
  local ph, pw = pair(options.padding, 0)
  local dh, dw = pair(options.dilation, 1)
  local qh, qw = pair(options.output_padding, 0)
  local groups = options.groups or 1
  local N, C, H, W = #x, #x[1], #x[1][1], #x[1][1][1]
  local per, kh, kw = #w[1], #w[1][1], #w[1][1][1]
  local oh = (H - 1) * sh - 2 * ph + dh * (kh - 1) + qh + 1
  local ow = (W - 1) * sw - 2 * pw + dw * (kw - 1) + qw + 1
  local y = util.zeros { N, per * groups, oh, ow }
  util.each_index({ N, per * groups, oh, ow }, function(at)
    util.set(y, at, b and b[at[2]] or 0)
  end)
  util.each_index({ N, C, H, W, per, kh, kw }, function(at)
    local n, c, i, j, o, a, e = table.unpack(at)
    local row, col = (i - 1) * sh - ph + (a - 1) * dh + 1, (j - 1) * sw - pw + (e - 1) * dw + 1
    if row >= 1 and row <= oh and col >= 1 and col <= ow then
      local out = (c - 1) // (C // groups) * per + o
      y[n][out][row][col] = y[n][out][row][col] + x[n][c][i][j] * w[c][o][a][e]
    end
  end)
  return y
end

return reference
