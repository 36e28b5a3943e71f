-- check.lua: tensor.gradcheck, which also looks for the op to blame.

local core = require "lunette.core"
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

-- The ops that f calls, in order: {name, args, leaves}.
local function calls_of(f, inputs, before)
  local calls = {}
  local _ <close> = setmetatable({}, {__close = function() core.watch(nil) end})
  before()
  core.watch(function(name, _, ...)
    local args, leaves = snapshot(...)
    if #leaves > 0 then calls[#calls + 1] = {name = name, args = args, leaves = leaves} end
  end)
  pcall(f, table.unpack(inputs, 1, inputs.n or #inputs))
  return calls
end

-- ---- the op to blame ---------------------------------------------------------------------------------------

-- What is wrong with one call by itself, or nil.
local function fault(call, options)
  local f = rawget(tensor, call.name) or core.methods[call.name]
  if not f then return end
  local done, good, message = pcall(gradcheck.check, function() return f(table.unpack(call.args, 1, call.args.n)) end,
    call.leaves, options)
  if done and not good and not message:find "does not depend" then return message end
end

local function blame(f, inputs, options)
  for i, call in ipairs(calls_of(f, inputs, options.before)) do
    local message = fault(call, options)
    if message then return ("to blame: %s, call %d of an op that records:\n  %s"):format(call.name, i, message) end
  end
  return "each op by itself is right: the fault is in a custom function, in indexing, or in the inputs "
    .. "(a kink nearby, values that f changes)"
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
  local good, message = gradcheck.check(f, inputs, options)
  if good then return true end
  local report = "gradcheck: " .. message .. "\n" .. blame(f, inputs, options)
  if not quiet then print(report) end
  return false, report
end

return check
