-- Naive pooling: every window by itself.

local util = require "tests.reference.util"
local reference = {}

local function pair(v, default)
  if v == nil then v = default end
  if type(v) == "table" then return v[1], v[2] or v[1] end
  return v, v
end

-- Calls reduce(list of values in the window, places it covers) per window.
local function windows(x, kernel, options, reduce)
  options = options or {}
  local kh, kw = pair(kernel)
  local sh, sw = pair(options.stride, kernel)
  local ph, pw = pair(options.padding, 0)
  local dh, dw = pair(options.dilation, 1)
  local function plane(p)
    local H, W = #p, #p[1]
    local function size(n, k, s, pad, d)
      local room = n + 2 * pad - d * (k - 1) - 1
      local out = room // s + 1
      if options.ceil_mode and room % s ~= 0 and out * s < n + pad then out = out + 1 end
      return out
    end
    local y = util.zeros { size(H, kh, sh, ph, dh), size(W, kw, sw, pw, dw) }
    for i = 1, #y do
      for j = 1, #y[1] do
        local values, places = {}, 0
        for a = 0, kh - 1 do
          for b = 0, kw - 1 do
            local r, c = (i - 1) * sh - ph + a * dh + 1, (j - 1) * sw - pw + b * dw + 1
            if r <= H + ph and c <= W + pw then places = places + 1 end
            if r >= 1 and r <= H and c >= 1 and c <= W then values[#values + 1] = p[r][c] end
          end
        end
        y[i][j] = reduce(values, places)
      end
    end
    return y
  end
  local function go(v, rank)
    if rank == 2 then return plane(v) end
    local out = {}
    for i = 1, #v do out[i] = go(v[i], rank - 1) end
    return out
  end
  return go(x, #util.shape(x))
end

function reference.max_pool2d(x, kernel, options)
  return windows(x, kernel, options, function(values) return math.max(table.unpack(values)) end)
end

function reference.avg_pool2d(x, kernel, options)
  local padded = not options or options.count_include_pad ~= false
  return windows(x, kernel, options, function(values, places)
    local s = 0
    for _, v in ipairs(values) do s = s + v end
    return s / (padded and places or #values)
  end)
end

return reference
