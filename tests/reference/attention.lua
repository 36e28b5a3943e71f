-- Naive attention: every query by itself.

local util = require "tests.reference.util"
local random = require "tests.reference.random"
local reference = {}

-- One batch entry; mask(i, j) -> what is added; keep(i, j) -> factor
local function entry(q, k, v, scale, mask, keep)
  local y = {}
  for i = 1, #q do
    local e, sum, top = {}, 0, -math.huge
    for j = 1, #k do
      local s = 0
      for d = 1, #q[i] do s = s + q[i][d] * k[j][d] end
      e[j] = s * scale + mask(i, j)
      top = math.max(top, e[j])
    end
    for j = 1, #k do
      e[j] = math.exp(e[j] - top)
      sum = sum + e[j]
    end
    y[i] = {}
    for d = 1, #v[1] do
      local s = 0
      for j = 1, #k do s = s + e[j] / sum * v[j][d] * keep(i, j) end
      y[i][d] = s
    end
  end
  return y
end

function reference.attention(q, k, v, mask, o)
  if type(mask) == "table" and #mask == 0 then mask, o = nil, mask end
  o = o or {}
  local shape = util.shape(q)
  local n = #shape
  local lead, L, S = {table.unpack(shape, 1, n - 2)}, shape[n - 1], util.shape(k)[n - 1]
  local y = util.zeros(lead)
  local kept
  if o.dropout_p then
    local ones = util.map(util.zeros(lead), function() return util.zeros({L, S}, 1) end)
    kept = random.dropout(ones, o.dropout_p)
  end
  local function one(at)
    local m = mask
    local function added(i, j)
      if o.is_causal and j > i then return -math.huge end
      if not m then return 0 end
      local rows = m
      for d = 1, #util.shape(m) - 2 do rows = rows[at[#at - (#util.shape(m) - 2) + d]] or rows[1] end
      local row = rows[i] or rows[1]
      local w = row[j]
      if w == nil then w = row[1] end
      if type(w) == "boolean" then return w and 0 or -math.huge end
      return w
    end
    local function keep(i, j) return kept and util.get(kept, at)[i][j] or 1 end
    local e = entry(util.get(q, at), util.get(k, at), util.get(v, at), o.scale or 1 / math.sqrt(shape[n]), added, keep)
    if #lead == 0 then y = e else util.set(y, at, e) end
  end
  util.each_index(lead, one)
  return y
end

return reference
