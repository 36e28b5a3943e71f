-- check.lua: tensor.gradcheck, which also looks for the op to blame.

local core = require "lunette.core"
local custom = require "lunette.autograd.custom"
local fail = require "lunette.nn.fail"
local gradcheck = require "lunette.gradcheck"
local check_options = require "lunette.options"

local tensor = core.tensor

local check = {}

-- ---- the calls of a function -------------------------------------------------------------------------------

-- A tensor as it is now, a leaf of its own in float64 where it takes part in gradients.
local function copied(x)
  local copy = x:detach():clone()
  if not x.requires_grad then return copy, nil end
  copy = copy:double():requires_grad_()
  return copy, copy
end

-- Arguments as they are now, and the leaves among them.
local function snapshot(...)
  local args, leaves = table.pack(...), {}
  for i = 1, args.n do
    local v = args[i]
    if tensor.is_tensor(v) then
      args[i], leaves[#leaves + 1] = copied(v)
    elseif type(v) == "table" and tensor.is_tensor(v[1]) then
      args[i] = {}
      for k, x in ipairs(v) do args[i][k], leaves[#leaves + 1] = copied(x) end
    end
  end
  return args, leaves
end

-- The ops and custom functions that f calls, in order: {what, f, args, leaves}.
local function calls_of(f, inputs, before)
  local calls = {}
  local function note(what, called, ...)
    local args, leaves = snapshot(...)
    if called and #leaves > 0 then calls[#calls + 1] = {what = what, f = called, args = args, leaves = leaves} end
  end
  local _ <close> = setmetatable({}, {__close = function()
    core.watch(nil)
    custom.watch(nil)
  end})
  before()
  core.watch(function(name, _, ...) note(name, rawget(tensor, name) or core.methods[name], ...) end)
  custom.watch(function(name, called, ...) note("the custom function " .. name, called, ...) end)
  pcall(f, table.unpack(inputs, 1, inputs.n or #inputs))
  return calls
end

-- ---- the op to blame ---------------------------------------------------------------------------------------

-- What is wrong with one call by itself, or nil.
local function fault(call, options)
  local done, good, message = pcall(gradcheck.check, function() return call.f(table.unpack(call.args, 1, call.args.n)) end,
    call.leaves, options)
  if done and not good and not message:find "does not depend" then return message end
end

local function blame(f, inputs, options)
  for i, call in ipairs(calls_of(f, inputs, options.before)) do
    local message = fault(call, options)
    if message then return ("to blame: %s, call %d of those that record:\n  %s"):format(call.what, i, message) end
  end
  return "each op by itself is right: the fault is in indexing, or in the inputs (a kink nearby, values that f changes)"
end

-- Differences want float64: in float32 they say nothing beyond the third digit.
local function check_inputs(inputs)
  if type(inputs) ~= "table" then
    fail.raise("gradcheck: takes a function and its arguments, a tensor or a list, got a %s", type(inputs))
  end
  local wanted = false
  for i = 1, inputs.n or #inputs do
    local x = inputs[i]
    if tensor.is_tensor(x) and x.requires_grad then
      wanted = true
      if x.dtype ~= "float64" then
        fail.raise("gradcheck: input %d is %s; differences want float64: x:double():detach():requires_grad_()", i, x.dtype)
      end
    end
  end
  if not wanted then fail.raise("gradcheck: no input requires gradients; x:requires_grad_() first") end
end

local names = {"eps", "tolerance", "tolerance2", "order", "before", "quiet"}

--- gradcheck(f, inputs, {order = 1, eps = 1e-5, tolerance = 1e-6, …}): holds the gradients of f(inputs…)
-- against central differences, in float64; order = 2 the second derivatives too (tolerance2, 1e-5).
-- inputs: a tensor or a list of arguments; those that require gradients are float64 leaves. Returns
-- true; or false and a report, which is printed unless quiet: the worst element, its index, the gradient,
-- what the differences say, and the op to blame. before() is called ahead of each evaluation: to seed
-- functions that draw random numbers.
-- example:
--   x = tensor({0.5, 2.0}, {dtype = "float64", requires_grad = true})
--   tensor.gradcheck(tensor.sin, x) --> true
function check.gradcheck(f, inputs, options)
  options = check_options("gradcheck", options, names)
  local quiet = options.quiet
  options = {eps = options.eps, tolerance = options.tolerance, tolerance2 = options.tolerance2,
    order = options.order, before = options.before or function() end}
  if tensor.is_tensor(inputs) then inputs = {inputs} end
  check_inputs(inputs)
  local good, message = gradcheck.check(f, inputs, options)
  if good then return true end
  local report = "gradcheck: " .. message .. "\n" .. blame(f, inputs, options)
  if not quiet then print(report) end
  return false, report
end

return check
