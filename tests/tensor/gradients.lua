-- Gradients of every row in other ways than by differences (ops.lua): of fused forms against the composed
-- ones that second derivatives take, by one input at a time, of one result at a time, through strided
-- inputs, from a strided cotangent, in float32; and whether the cases meet every option of a row.

local lunette = require "lunette"
local core = require "lunette.core"
local testing = require "tests.support.testing"
local cases = require "tests.support.cases"
local tensor = lunette.tensor

local function seed() tensor.manual_seed(7) end

-- ---- arguments ---------------------------------------------------------------------------------------

local function is_list(v) return type(v) == "table" and tensor.is_tensor(v[1]) end

-- The arguments with f of every float64 tensor in their place, and those as a list.
local function with_leaves(case, f)
  local args, leaves = {n = cases.count(case)}, {}
  local function leaf(v)
    if v.dtype ~= "float64" then return v end
    leaves[#leaves + 1] = f(v):requires_grad_()
    return leaves[#leaves]
  end
  for i = 1, args.n do
    local v = case[i]
    if tensor.is_tensor(v) then
      v = leaf(v)
    elseif is_list(v) then
      local list = {}
      for k, x in ipairs(v) do list[k] = tensor.is_tensor(x) and leaf(x) or x end
      v = list
    end
    args[i] = v
  end
  return args, leaves
end

local function same(x) return x:detach():clone() end

-- Every second element of a buffer twice as wide.
local function strided(x)
  if x:dim() == 0 then return same(x) end
  local shape, last = {table.unpack(x.shape)}, x:dim()
  shape[last] = 2 * shape[last]
  local view = tensor.zeros(shape, {dtype = x.dtype}):slice(last, 1, -1, 2)
  view:copy_(x)
  return view
end

local function transposed(x)
  return x:dim() < 2 and strided(x) or x:transpose(1, -1):contiguous():transpose(1, -1)
end

-- ---- gradients ----------------------------------------------------------------------------------------

-- The results that take part in gradients; places tells where among all results they stand.
local function results(call, args)
  seed()
  local list, ys, places, place = table.pack(call(table.unpack(args, 1, args.n))), {}, {}, 0
  local function add(v)
    place = place + 1
    if tensor.is_tensor(v) and v.requires_grad then ys[#ys + 1], places[#ys + 1] = v, place end
  end
  for i = 1, list.n do
    if type(list[i]) == "table" then
      for _, y in ipairs(list[i]) do add(y) end
    else
      add(list[i])
    end
  end
  return ys, places
end

-- What results are multiplied by; all different, the same each time.
local function cotangents(ys, places)
  local vs = {}
  for i, y in ipairs(ys) do
    local n = y:numel()
    local v = tensor.arange(n):to "float64" * (0.7 + 0.1 * places[i])
    vs[i] = v:sin():to(y.dtype):reshape(y.shape)
  end
  return vs
end

local function gradients(ys, leaves, vs, options)
  options = options or {}
  options.grad_outputs, options.allow_unused = vs, true
  local grads = #ys > 0 and tensor.grad(ys, leaves, options) or {}
  for i, leaf in ipairs(leaves) do grads[i] = grads[i] and grads[i]:detach() or tensor.zeros_like(leaf) end
  return grads
end

-- The largest difference, next to the largest of each; 0 where both are not numbers.
local function distance(a, b)
  local worst = 0
  for i, x in ipairs(a) do
    local y = b[i]:to "float64"
    if x:numel() > 0 then
      local d = ((x - y):abs():nan_to_num(0, 0, 0):max() / (1 + x:abs():nan_to_num(0, 0, 0):max())):item()
      if tostring(x.shape) ~= tostring(y.shape) or x:isnan() ~= y:isnan() then d = math.huge end
      worst = math.max(worst, d)
    end
  end
  return worst
end

-- ---- one case ------------------------------------------------------------------------------------------

local function check_one_result(near, ys, leaves, vs, want)
  if #ys < 2 then return end
  local sum
  for i, y in ipairs(ys) do
    local one = gradients({y}, leaves, {vs[i]}, {retain_graph = true})
    if sum then
      for k, g in ipairs(one) do sum[k] = sum[k] + g end
    else
      sum = one
    end
  end
  near("of each result by itself", sum, want, 1e-9)
end

-- By one input at a time: the others do not ask for a gradient.
local function check_one_input(near, call, case, want)
  if #want < 2 then return end
  for i = 1, #want do
    local args, leaves = with_leaves(case, same)
    for k, leaf in ipairs(leaves) do leaf:requires_grad_(k == i) end
    local ys, places = results(call, args)
    near("by input " .. i .. " alone", gradients(ys, {leaves[i]}, cotangents(ys, places)), {want[i]}, 1e-9)
  end
end

local function check_forms(near, call, case, want)
  for name, form in pairs {["strided inputs"] = strided, ["transposed inputs"] = transposed} do
    local args, leaves = with_leaves(case, form)
    local ys, places = results(call, args)
    near("through " .. name, gradients(ys, leaves, cotangents(ys, places)), want, 1e-9)
  end
end

local function check_cotangents(near, ys, places, leaves, want)
  for name, form in pairs {["a strided"] = strided, ["a transposed"] = transposed} do
    local vs = cotangents(ys, places)
    for i, v in ipairs(vs) do vs[i] = form(v) end
    near("from " .. name .. " cotangent", gradients(ys, leaves, vs, {retain_graph = true}), want, 1e-9)
  end
  local ones, expanded = {}, {}
  for i, y in ipairs(ys) do
    ones[i] = tensor.ones_like(y)
    expanded[i] = tensor.ones({}, {dtype = y.dtype}):expand(y.shape)
  end
  near("from an expanded cotangent", gradients(ys, leaves, expanded, {retain_graph = true}),
    gradients(ys, leaves, ones, {retain_graph = true}), 1e-9)
end

local function check_float32(near, call, case, want)
  local args, leaves = with_leaves(case, function(x) return x:detach():float() end)
  local ys, places = results(call, args)
  near("in float32", want, gradients(ys, leaves, cotangents(ys, places)), 2e-3)
end

local function check_case(t, row, name, call, case)
  local args, leaves = with_leaves(case, same)
  if #leaves == 0 then return end
  local ys, places = results(call, args)
  if #ys == 0 then return end
  local function near(what, got, wanted, tolerance)
    local d = distance(got, wanted)
    t.ok(("%s: gradient %s"):format(name, what), d <= tolerance, "differs by " .. tostring(d))
  end
  local vs = cotangents(ys, places)
  local want = gradients(ys, leaves, vs, {retain_graph = true})
  near("of the composed form", gradients(ys, leaves, vs, {create_graph = true, retain_graph = true}), want, 1e-9)
  check_one_result(near, ys, leaves, vs, want)
  check_cotangents(near, ys, places, leaves, want)
  check_one_input(near, call, case, want)
  -- a view wants its elements in order, and so do some hidden rows
  if row.name ~= "view" and not (row.hidden and row.doc:find "contiguous") then
    check_forms(near, call, case, want)
  end
  -- signs of eigenvectors may be others
  if not row.random and not row.doc:find "LAPACK's" then check_float32(near, call, case, want) end
end

local function check_row(t, row)
  if row.const or row.only_inplace or not (row.has_grad or row.has_compose) or not row.test then return end
  local op = row.hidden and (core.hidden[row.name] or testing.rows[row.name]) or core.functions[row.name]
  local list = cases.of(row)
  local call = list.via and function(x, ...) return op(list.via(x), ...) end or op
  for k, case in ipairs(list) do
    local name = ("%s (%d)"):format(row.name, k)
    local done, problem = pcall(check_case, t, row, name, call, case)
    if not done then t.ok(name .. " gradients", false, tostring(problem)) end
  end
end

-- float16 and bfloat16 only store: a gradient goes through them, rounded to what they hold. All numbers here
-- are exact in both.
local function check_storage(t, dtype)
  local values, twice = {1.0, -2.0, 0.5, 1.5}, {2.0, -4.0, 1.0, 3.0}
  for _, own in ipairs {"float32", "float64"} do
    local x = tensor(values, {dtype = own}):requires_grad_()
    local y = x:to(dtype):to(own)
    local g = tensor.grad((y * y):sum(), x, {create_graph = true})
    t.ok(("gradient of %s through %s"):format(own, dtype), g.dtype == own and g:detach() == tensor(twice, {dtype = own}))
    local again = tensor.grad((g * x:detach()):sum(), x)
    t.ok(("second gradient of %s through %s"):format(own, dtype), again == tensor(twice, {dtype = own}))
  end
  local leaf = tensor(values):to(dtype):requires_grad_();
  (leaf:float() ^ 2):sum():backward()
  t.ok("gradient of a leaf in " .. dtype, leaf.grad.dtype == dtype and leaf.grad:float() == tensor(twice))
end

return function(t)
  for _, dtype in ipairs {"float16", "bfloat16"} do check_storage(t, dtype) end
  for _, row in ipairs(core.ops()) do check_row(t, row) end
end
