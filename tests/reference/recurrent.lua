-- A naive LSTM, one number at a time.

local reference = {}

local function sigmoid(v) return 1 / (1 + math.exp(-v)) end
local function tanh(v)
  local e = math.exp(-2 * math.abs(v))
  local t = (1 - e) / (1 + e)
  return v < 0 and -t or t
end

function reference.lstm(x, h0, c0, w_ih, w_hh, b_ih, b_hh)
  local B, T, H = #x, #x[1], #w_hh[1]
  local out, hs, cs = {}, {}, {}
  for b = 1, B do
    local h, c = {}, {}
    for k = 1, H do
      h[k] = h0 and h0[b][k] or 0
      c[k] = c0 and c0[b][k] or 0
    end
    out[b] = {}
    for t = 1, T do
      local sum = {}
      for r = 1, 4 * H do
        local s = (b_ih and b_ih[r] or 0) + (b_hh and b_hh[r] or 0)
        for k, v in ipairs(x[b][t]) do s = s + w_ih[r][k] * v end
        for k, v in ipairs(h) do s = s + w_hh[r][k] * v end
        sum[r] = s
      end
      local h1 = {}
      for k = 1, H do
        c[k] = sigmoid(sum[H + k]) * c[k] + sigmoid(sum[k]) * tanh(sum[2 * H + k])
        h1[k] = sigmoid(sum[3 * H + k]) * tanh(c[k])
      end
      h = h1
      out[b][t] = h
    end
    hs[b], cs[b] = h, c
  end
  return out, hs, cs
end

return reference
