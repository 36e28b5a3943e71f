-- Naive matrix products.

local util = require "tests.reference.util"
local reference = {}

local function mm(a, b)
  local c = {}
  for i = 1, #a do
    c[i] = {}
    for j = 1, #b[1] do
      local s = 0
      for k = 1, #b do s = s + a[i][k] * b[k][j] end
      c[i][j] = s
    end
  end
  return c
end

local function rank(x) return #util.shape(x) end

local function wrap(x, n)
  for _ = 1, n do x = { x } end
  return x
end

local function batched(a, b)
  local ra, rb = rank(a), rank(b)
  if ra == 2 and rb == 2 then return mm(a, b) end
  if ra < rb then return batched(wrap(a, rb - ra), b) end
  if rb < ra then return batched(a, wrap(b, ra - rb)) end
  local c = {}
  for i = 1, math.max(#a, #b) do c[i] = batched(a[#a == 1 and 1 or i], b[#b == 1 and 1 or i]) end
  return c
end

function reference.matmul(a, b)
  local row, column = rank(a) == 1, rank(b) == 1
  if row then a = { a } end
  if column then b = util.map(b, function(v) return { v } end) end
  local c = batched(a, b)
  local function drop(x, r, what)
    if r > 2 then
      local t = {}
      for i = 1, #x do t[i] = drop(x[i], r - 1, what) end
      return t
    end
    if what == "column" then
      local t = {}
      for i = 1, #x do t[i] = x[i][1] end
      return t
    end
    return x[1]
  end
  if row and column then return c[1][1] end
  if column then return drop(c, rank(c), "column") end
  if row then return drop(c, rank(c), "row") end
  return c
end

function reference.linear(x, w, b)
  if rank(x) > 1 then
    local t = {}
    for i = 1, #x do t[i] = reference.linear(x[i], w, b) end
    return t
  end
  local y = {}
  for o = 1, #w do
    y[o] = b and b[o] or 0
    for i = 1, #x do y[o] = y[o] + x[i] * w[o][i] end
  end
  return y
end

return reference
