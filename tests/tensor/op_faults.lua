-- op_faults.lua: every row and its gradient with each allocation failed in turn, by the cases of its test: an
-- error that says so or the right result, arguments as they were, and no tensor lost.

local lunette = require "lunette"
local core = require "lunette.core"
local cases = require "tests.support.cases"
local testing = require "tests.support.testing"
local tensor = lunette.tensor

local MOST = 24 -- positions tried of one call, spread over all

-- All tensors of a value, lists entered.
local function each_tensor(v, f)
  if tensor.is_tensor(v) then f(v) end
  if type(v) == "table" then
    for _, e in pairs(v) do each_tensor(e, f) end
  end
end

local function hash(v)
  local list = {}
  each_tensor(v, function(x) list[#list + 1] = x:contiguous() end)
  return tensor.hash(list)
end

-- The call, then a gradient through its first result. Results first, then gradients.
local function run(op, case, n)
  tensor.manual_seed(1)
  local y = table.pack(op(table.unpack(case, 1, n)))
  local first = y[1]
  if tensor.is_tensor(first) and first.requires_grad then
    first:backward(tensor.ones(first.shape):to(first.dtype))
    for i = 1, n do each_tensor(case[i], function(x) y[#y + 1] = x.grad end) end
  end
  return y
end

local function prepared(row, k, leaves)
  local list = cases.of(row)
  local case, n = list[k], cases.count(list[k])
  each_tensor(case, function(x)
    if leaves and x.is_leaf and x.dtype == "float64" then x:requires_grad_() end
  end)
  return case, n, list.via
end

local function hold(x) each_tensor(x, function(v) v.grad = nil end) end

local function check_case(t, row, op, k)
  local leaves = not row.const and not row.only_inplace and (row.has_grad or row.has_compose)
  local case, n, via = prepared(row, k, leaves)
  local f = via and function(x, ...) return op(via(x), ...) end or op
  run(f, case, n) -- what is made once is made now
  if not leaves then case = prepared(row, k, leaves) end
  testing.fail_at(0)
  hold(case)
  local want = hash(run(f, case, n))
  local seen = testing.fail_at(0)
  for at = 1, seen, math.max(1, seen // MOST) do
    if leaves then hold(case) else case = prepared(row, k, leaves) end
    local before = hash(case)
    testing.fail_at(at)
    local done, result = pcall(run, f, case, n)
    testing.fail_at(0)
    local good = done and hash(result) == want or not done and tostring(result):find "memory"
    good = good and (not leaves or hash(case) == before)
    if not t.ok(("%s (%d), allocation %d of %d"):format(row.name, k, at, seen), good, tostring(result)) then return end
  end
end

local function settled()
  for _ = 1, 3 do
    collectgarbage()
    tensor.ones(1)
  end
  return tensor.memory().tensors
end

-- One pass over all rows; the tensors that live after it.
local function pass(t)
  for _, row in ipairs(core.ops()) do
    local op = row.hidden and (core.hidden[row.name] or testing.rows[row.name]) or core.functions[row.name]
    if row.test then
      local done, problem = pcall(check_case, t, row, op, 1)
      if not done then t.ok(row.name, false, problem) end
    end
  end
  return settled()
end

return function(t)
  local before = pass {ok = function(_, good) return good end} -- what is made once is made now
  t.eq("no tensor is lost", pass(t), before)
end
