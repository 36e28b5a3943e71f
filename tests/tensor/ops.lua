-- Every op from its row: a test that stands there, values against the reference, first and second
-- derivatives against central differences, fused against composed, in place against not, strided
-- against contiguous, float32 against float64, and the same bits for 1, 2 and 3 threads.

local lunette = require "lunette"
local core = require "lunette.core"
local testing = require "tests.support.testing"
local gradcheck = require "lunette.gradcheck"
local util = require "tests.reference.util"
local reference = require "tests.reference"
local tensor = lunette.tensor

-- ---- inputs ------------------------------------------------------------------------------------

local cases_of, count = require("tests.support.cases").of, require("tests.support.cases").count

local function map_tensors(case, f)
  local out = { n = count(case) }
  for i = 1, out.n do
    local v = case[i]
    if tensor.is_tensor(v) then
      out[i] = f(v)
    elseif type(v) == "table" and tensor.is_tensor(v[1]) then
      out[i] = {}
      for k, x in ipairs(v) do out[i][k] = f(x) end
    else
      out[i] = v
    end
  end
  return out
end

-- ---- comparing -----------------------------------------------------------------------------------

local function plain(v) return tensor.is_tensor(v) and v:tolist() or v end

local function difference(got, want)
  if type(want) ~= type(got) then
    if type(want) == "boolean" then want = want and 1 or 0 end
    if type(got) == "boolean" then got = got and 1 or 0 end
  end
  if type(got) ~= "table" and type(want) ~= "table" then
    if got == want or got ~= got and want ~= want then return 0 end
    if type(got) ~= "number" or type(want) ~= "number" then return math.huge end
    return math.abs(got - want) / math.max(1, math.abs(want))
  end
  if type(got) ~= type(want) or #got ~= #want then return math.huge end
  local worst = 0
  for i = 1, #got do
    local d = difference(got[i], want[i])
    worst = (d > worst or d ~= d) and d or worst
  end
  return worst
end

-- How far a result may be from an exact one.
local function rounding(y, in_float64) return tensor.is_tensor(y) and y.dtype == "float32" and 2e-6 or in_float64 end

local function same_bits(a, b)
  if tensor.is_tensor(a) then
    return tensor.is_tensor(b) and a.dtype == b.dtype and tensor.hash { a:contiguous() } == tensor.hash { b:contiguous() }
  end
  if type(a) == "table" then
    for i = 1, #a do
      if not same_bits(a[i], b[i]) then return false end
    end
    return #a == #b
  end
  return a == b or a ~= a and b ~= b
end

-- ---- one row ----------------------------------------------------------------------------------------

local function expected(row, case)
  local args = map_tensors(case, plain)
  local each = row.ref:match "^each:%s*(.+)$"
  if not each then
    local name = row.ref:match "^reference%.([%w_]+)$"
    local f = reference[name]
    if not f then error("there is no reference " .. tostring(row.ref)) end
    return table.pack(f(table.unpack(args, 1, args.n)))
  end
  local lines = "local x, y, z, w = ... ; return " .. each
  local f = assert(load(lines, "ref of " .. row.name, "t", setmetatable({ reference = reference }, { __index = _G })))
  return table.pack(util.broadcast(f, table.unpack(args, 1, args.n)))
end

local function seed() tensor.manual_seed(7) end

local function check_values(t, row, name, call, case)
  seed()
  local got = table.pack(call(table.unpack(case, 1, count(case))))
  if row.ref then
    local want = expected(row, case)
    for i = 1, want.n do
      local g = plain(got[i])
      if type(got[i]) == "table" then g = {} for k, y in ipairs(got[i]) do g[k] = plain(y) end end
      local d = difference(g, want[i])
      t.ok(name .. " value " .. i, d <= rounding(got[i], 1e-9), "differs from the reference by " .. tostring(d))
    end
  end
  return got
end

local function leaves(case)
  return map_tensors(case, function(x)
    return x.dtype == "float64" and x:clone():requires_grad_() or x
  end)
end

-- Lists of tensors are given as separate inputs to the checker.
local function spread(call, case)
  local inputs, rebuild = { n = 0 }, {}
  for i = 1, case.n do
    local v = case[i]
    if type(v) == "table" and tensor.is_tensor(v[1]) then
      local from = inputs.n + 1
      for _, x in ipairs(v) do
        inputs.n = inputs.n + 1
        inputs[inputs.n] = x
      end
      rebuild[i] = { from, inputs.n }
    else
      inputs.n = inputs.n + 1
      inputs[inputs.n] = v
      rebuild[i] = inputs.n
    end
  end
  return function(...)
    local given, args = table.pack(...), {}
    for i = 1, case.n do
      local r = rebuild[i]
      args[i] = type(r) == "table" and { table.unpack(given, r[1], r[2]) } or given[r]
    end
    return call(table.unpack(args, 1, case.n))
  end, inputs
end

local function check_gradients(t, row, name, call, case)
  if row.const or not (row.has_grad or row.has_compose) then return end
  local inputs = leaves(case)
  local any = false
  map_tensors(inputs, function(x) any = any or x.requires_grad return x end)
  if not any then return end
  local f, list = spread(call, inputs)
  seed()
  local first = f(table.unpack(list, 1, list.n))
  if tensor.is_tensor(first) and not first.dtype:find "^float" then return end
  local ok, message = gradcheck(f, list, { order = 2, before = seed })
  t.ok(name .. " gradients", ok, message)
end

local function check_composed(t, row, name, call, case)
  if not (row.has_compose and row.has_infer) then return end
  seed()
  local fused = table.pack(call(table.unpack(case, 1, count(case))))
  seed()
  local composed = table.pack(testing.composed(row.name, table.unpack(case, 1, count(case))))
  for i = 1, composed.n do
    local d = difference(plain(fused[i]), plain(composed[i]))
    t.ok(name .. " composed " .. i, d <= rounding(fused[i], 1e-9), "the fused value differs by " .. tostring(d))
  end
end

-- Every second element of a buffer twice as wide.
local function strided(x)
  if x:dim() == 0 then return x end
  local wide = tensor.stack({ x, x }, -1)
  local flat = wide:reshape(-1)
  local shape, stride, step = {}, {}, 2
  for d = x:dim(), 1, -1 do
    shape[d], stride[d] = x:size(d), step
    step = step * x:size(d)
  end
  return flat:as_strided(shape, stride)
end

local function check_forms(t, row, name, call, case, got)
  seed()
  local other = map_tensors(case, strided)
  local again = table.pack(call(table.unpack(other, 1, other.n)))
  for i = 1, got.n do
    local d = difference(plain(again[i]), plain(got[i]))
    if type(got[i]) == "table" then break end
    t.ok(name .. " strided", d <= 1e-12, "a strided input changes the result by " .. tostring(d))
  end
  if row.inplace and not row.hidden and tensor.is_tensor(case[1]) and tensor.is_tensor(got[1]) and got[1].shape == case[1].shape
    and got[1].dtype == case[1].dtype then
    seed()
    local x = case[1]:clone()
    local y = x[row.name .. "_"](x, table.unpack(case, 2, count(case)))
    t.ok(name .. " in place", rawequal(x, y) and difference(plain(y), plain(got[1])) <= 1e-12)
  end
end

local function check_float32(t, row, name, call, case, got)
  seed()
  local small = map_tensors(case, function(x) return x.dtype == "float64" and x:float() or x end)
  local done, first = pcall(call, table.unpack(small, 1, small.n))
  if not t.ok(name .. " float32", done, tostring(first)) then return end
  if tensor.is_tensor(first) and tensor.is_tensor(got[1]) and got[1].dtype == "float64" and not row.random then
    local d = difference(plain(first), plain(got[1]))
    t.ok(name .. " float32 value", d <= 2e-4, "differs from float64 by " .. tostring(d))
  end
end

local function check_threads(t, name, call, case)
  local n, results = count(case), {}
  local before = tensor.get_num_threads()
  for threads = 1, 3 do
    tensor.set_num_threads(threads)
    seed()
    results[threads] = table.pack(call(table.unpack(case, 1, n)))
  end
  tensor.set_num_threads(before)
  for i = 1, results[1].n do
    t.ok(name .. " threads", same_bits(results[1][i], results[2][i]) and same_bits(results[1][i], results[3][i]),
      "bits differ between 1, 2 and 3 threads")
  end
end

local function check_row(t, row)
  if not t.ok(row.name .. " has a test", row.test ~= nil) then return end
  t.ok(row.name .. " has documentation", row.doc ~= nil)
  local done, cases = pcall(cases_of, row)
  if not t.ok(row.name .. " test", done, tostring(cases)) then return end
  local op = row.hidden and (core.hidden[row.name] or testing.rows[row.name]) or core.functions[row.name]
  -- rows without a gradient may write what they are given (optimizer steps): they get copies
  local call = not row.const and op or function(...)
    local args = map_tensors({ ... }, function(x) return x:clone() end)
    return op(table.unpack(args, 1, select("#", ...)))
  end
  for k, case in ipairs(cases) do
    local name = ("%s (%d)"):format(row.name, k)
    local function guarded(what, f, ...)
      local ok, result = pcall(f, ...)
      if not ok then t.ok(name .. " " .. what, false, tostring(result)) end
      return ok and result or nil
    end
    local got = guarded("runs", check_values, t, row, name, call, case)
    if got and not row.only_inplace then
      local smooth = cases.via and function(x, ...) return call(cases.via(x), ...) end or call
      guarded("gradients", check_gradients, t, row, name, smooth, case)
      guarded("composed", check_composed, t, row, name, call, case)
      guarded("forms", check_forms, t, row, name, call, case, got)
      guarded("float32", check_float32, t, row, name, call, case, got)
      guarded("threads", check_threads, t, name, call, case)
    end
  end
end

-- A gradient that is wrong by one part in a thousand must be found, by the name of its op.
local function check_the_checker(t)
  local x = tensor({ 0.3, 0.7 }, { dtype = "float64", requires_grad = true })
  t.ok("tanh is right", (gradcheck(tensor.tanh, { x }, { order = 2 })))
  testing.plant("tanh")
  local rows = {}
  local fake = { ok = function(name, ok) if not ok then rows[name:match "^%w+"] = true end return ok end }
  for _, row in ipairs(core.ops()) do
    if row.name == "tanh" or row.name == "exp" then
      check_gradients(fake, row, row.name, tensor[row.name], cases_of(row)[1])
    end
  end
  testing.plant("tanh")
  t.ok("a planted gradient is caught by name", rows.tanh and not rows.exp)
  t.ok("tanh is right again", (gradcheck(tensor.tanh, { x }, { order = 2 })))
end

return function(t)
  check_the_checker(t)
  for _, row in ipairs(core.ops()) do check_row(t, row) end
end
