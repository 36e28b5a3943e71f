-- Naive recurrent cells, one number at a time.

local reference = {}

local function sigmoid(v) return 1 / (1 + math.exp(-v)) end
local function tanh(v)
  local e = math.exp(-2 * math.abs(v))
  local t = (1 - e) / (1 + e)
  return v < 0 and -t or t
end

-- w v + b
local function sums(w, v, b)
  local s = {}
  for r = 1, #w do
    s[r] = b and b[r] or 0
    for k = 1, #v do s[r] = s[r] + w[r][k] * v[k] end
  end
  return s
end

-- step(x sums, h sums, h, c) -> h, c
local function sequence(x, h0, c0, w_ih, w_hh, b_ih, b_hh, lengths, reverse, step)
  local H, out, hs, cs = #w_hh[1], {}, {}, {}
  for b = 1, #x do
    local h, c = {}, {}
    for k = 1, H do
      h[k], c[k] = h0 and h0[b][k] or 0, c0 and c0[b][k] or 0
    end
    out[b] = {}
    for t = 1, #x[b] do
      out[b][t] = {}
      for k = 1, H do out[b][t][k] = 0 end
    end
    local n = lengths and lengths[b] or #x[b]
    for i = 1, n do
      local t = reverse and n + 1 - i or i
      h, c = step(sums(w_ih, x[b][t], b_ih), sums(w_hh, h, b_hh), h, c)
      out[b][t] = h
    end
    hs[b], cs[b] = h, c
  end
  return out, hs, cs
end

-- The trailing lengths and options of a call.
local function ends(lengths, o)
  if type(lengths) == "table" and #lengths == 0 then return nil, lengths end
  return lengths, o or {}
end

function reference.lstm(x, h0, c0, w_ih, w_hh, b_ih, b_hh, lengths, o)
  lengths, o = ends(lengths, o)
  return sequence(x, h0, c0, w_ih, w_hh, b_ih, b_hh, lengths, o.reverse, function(u, v, h, c)
    local H, h1, c1 = #h, {}, {}
    for k = 1, H do
      local i, f = sigmoid(u[k] + v[k]), sigmoid(u[H + k] + v[H + k])
      local g, out = tanh(u[2 * H + k] + v[2 * H + k]), sigmoid(u[3 * H + k] + v[3 * H + k])
      c1[k] = f * c[k] + i * g
      h1[k] = out * tanh(c1[k])
    end
    return h1, c1
  end)
end

function reference.gru(x, h0, w_ih, w_hh, b_ih, b_hh, lengths, o)
  lengths, o = ends(lengths, o)
  local out, h = sequence(x, h0, nil, w_ih, w_hh, b_ih, b_hh, lengths, o.reverse, function(u, v, h)
    local H, h1 = #h, {}
    for k = 1, H do
      local r, z = sigmoid(u[k] + v[k]), sigmoid(u[H + k] + v[H + k])
      h1[k] = (1 - z) * tanh(u[2 * H + k] + r * v[2 * H + k]) + z * h[k]
    end
    return h1, {}
  end)
  return out, h
end

function reference.rnn(x, h0, w_ih, w_hh, b_ih, b_hh, lengths, o)
  lengths, o = ends(lengths, o)
  local out, h = sequence(x, h0, nil, w_ih, w_hh, b_ih, b_hh, lengths, o.reverse, function(u, v, h)
    local h1 = {}
    for k = 1, #h do
      local s = u[k] + v[k]
      h1[k] = o.nonlinearity == "relu" and math.max(s, 0) or o.nonlinearity ~= "relu" and tanh(s) or 0
    end
    return h1, {}
  end)
  return out, h
end

return reference
