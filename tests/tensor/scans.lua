-- scans.lua: running sums and extremes of rows long enough to be cut into pieces, against plain Lua.

local lunette = require "lunette"
local tensor = lunette.tensor

-- Whole numbers, so that sums are exact in every type.
local function numbers(n, dtype) return (tensor.arange(n) * 7919):remainder(1009):sub(500):to(dtype) end

local function wrong(got, want)
  local n = 0
  for i, v in ipairs(got:tolist()) do
    if v ~= want[i] and (v == v or want[i] == want[i]) then n = n + 1 end
  end
  return n
end

local function running(list, start, step)
  local out, acc = {}, start
  for i, v in ipairs(list) do
    acc = step(acc, v, i)
    out[i] = acc
  end
  return out
end

local function backwards(list)
  local out = {}
  for i = #list, 1, -1 do out[#out + 1] = list[i] end
  return out
end

-- The places of the best so far: of equal ones the last, NaN before all.
local function places(list, better)
  local at = 1
  return running(list, 1, function(_, v, i)
    local best = list[at]
    if v ~= v or (best == best and (better(v, best) or v == best)) then at = i end
    return at
  end)
end

local function plus(a, v) return a + v end

local function test_long(t, n, dtype)
  local x = numbers(n, dtype)
  local list, name = x:tolist(), ("%d of %s: "):format(n, dtype)
  t.eq(name .. "cumsum", wrong(x:cumsum(1), running(list, 0, plus)), 0)
  if dtype ~= "int64" then
    local leaf, weight = x:clone():requires_grad_(), numbers(n, dtype):add(3)
    tensor.sum(leaf:cumsum(1) * weight):backward()
    local want = backwards(running(backwards(weight:tolist()), 0, plus))
    t.eq(name .. "its gradient", wrong(leaf.grad, want), 0)
  end
  for kind, better in pairs { cummax = function(a, b) return a > b end, cummin = function(a, b) return a < b end } do
    local values, at = x[kind](x, 1)
    local want = places(list, better)
    t.eq(name .. kind, wrong(at, want), 0)
    t.eq(name .. kind .. "'s values", wrong(values, x:take(tensor(want)):tolist()), 0)
  end
end

local function test_nan(t, n)
  local x = numbers(n, "float32")
  x[n // 2] = 0 / 0
  x[n // 2 + 40000] = 0 / 0
  local _, at = x:cummax(1)
  t.eq("NaN stays, the last one", wrong(at, places(x:tolist(), function(a, b) return a > b end)), 0)
end

local function test_threads(t)
  local before, x, first = tensor.get_num_threads(), tensor.randn(300001), nil
  for threads = 1, 3 do
    tensor.set_num_threads(threads)
    local values, at = x:cummax(1)
    local hash = tensor.hash { x:cumsum(1), values, at }
    first = first or hash
    t.eq(("bits with %d threads"):format(threads), hash, first)
  end
  tensor.set_num_threads(before)
end

return function(t)
  for _, dtype in ipairs { "float32", "float64", "int64" } do
    for _, n in ipairs { 1, 7, 5000, 17408 * 4, 17408 * 8 + 1, 17408 * 19 - 5 } do test_long(t, n, dtype) end
  end
  test_nan(t, 200000)
  test_threads(t)
  local rows = numbers(3 * 80000, "int64"):view(3, 80000)
  for k = 1, 3 do
    t.eq("row " .. k, wrong(rows:cumsum(2)[k], running(rows[k]:tolist(), 0, plus)), 0)
  end
end
