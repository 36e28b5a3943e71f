-- gradcheck: derivatives held against central differences, in float64.

local core = require "lunette.core"
local check_options = require "lunette.options"
local tensor = core.tensor

local gradcheck = {}

-- The outputs of f that can have a gradient, as a list.
local function float_outputs(f, inputs)
  local all = table.pack(f(table.unpack(inputs, 1, inputs.n or #inputs)))
  if type(all[1]) == "table" then all = all[1] end
  local out = {}
  for i = 1, all.n or #all do
    local y = all[i]
    if tensor.is_tensor(y) and y.dtype:find "^float" then out[#out + 1] = y end
  end
  return out
end

-- sum_i sum(y_i v_i) with fixed weights v, made at the first call and kept in `weights`.
local function weighted_sum(outputs, weights)
  local total
  for i, y in ipairs(outputs) do
    if not weights[i] then weights[i] = gradcheck.weights(y.shape) end
    local part = (y * weights[i]):sum()
    total = total and total + part or part
  end
  return total
end

-- Fixed numbers without a pattern, in float64: what outputs are weighted by.
function gradcheck.weights(shape)
  local n = 1
  for _, size in ipairs(shape) do n = n * size end
  local values = {}
  for i = 1, n do values[i] = math.sin(12.9898 * i + 0.5) + 1.25 end
  return tensor(values, { dtype = "float64" }):reshape(shape)
end

-- d value()/dx for every element of x, by central differences. value() must read x.
local function numeric(value, x, eps)
  local flat, slopes = x:detach():view(-1), {}
  for i = 1, x:numel() do
    local keep = flat[i]
    flat[i] = keep + eps
    local above = value()
    flat[i] = keep - eps
    local below = value()
    flat[i] = keep
    slopes[i] = (above - below) / (2 * eps)
  end
  return slopes
end

-- Which inputs want gradients, by position.
local function wanted(inputs)
  local list = {}
  for i = 1, inputs.n or #inputs do
    local x = inputs[i]
    if tensor.is_tensor(x) and x.requires_grad then list[#list + 1] = i end
  end
  return list
end

-- The place of element i, counted through the rows: "2" or "{2, 1}".
local function index_of(i, shape)
  local at = {}
  i = i - 1
  for d = #shape, 1, -1 do
    at[d] = i % shape[d] + 1
    i = i // shape[d]
  end
  return #at == 1 and tostring(at[1]) or "{" .. table.concat(at, ", ") .. "}"
end

-- Compares one list of slopes with a gradient tensor; returns a message about the worst element.
-- k: the position of x among the inputs.
local function compare(slopes, gradient, x, k, tolerance, where)
  local got = gradient and gradient:reshape(-1):tolist() or {}
  local scale, worst, at = 1, 0, nil
  for i = 1, #slopes do scale = math.max(scale, math.abs(slopes[i])) end
  for i = 1, #slopes do
    local g = got[i] or 0
    local d = math.abs(g - slopes[i]) / scale
    if d > worst or d ~= d then worst, at = d ~= d and math.huge or d, i end
    if worst == math.huge then break end
  end
  if worst <= tolerance then return end
  return ("%s: element %s of input %d, of shape %s: gradient %.9g, differences say %.9g (relative %.2g)"):format(
    where, index_of(at, x.shape), k, tostring(x.shape), got[at] or 0, slopes[at], worst)
end

--- Holds the gradients of f against central differences.
-- inputs: the arguments of f; those that require gradients must be float64 leaves.
-- Options: eps, tolerance (relative, first order), order (2 adds second derivatives), tolerance2,
-- before (called before each evaluation: to seed random ops).
-- Returns true, or false and a message that names the worst element and both values.
function gradcheck.check(f, inputs, given)
  given = check_options("gradcheck", given, { "eps", "tolerance", "tolerance2", "order", "before" })
  local eps, before = given.eps or 1e-5, given.before or function() end
  local weights, weights2 = {}, {}
  local which = wanted(inputs)
  local function value()
    return tensor.no_grad(function()
      before()
      local s = weighted_sum(float_outputs(f, inputs), weights)
      return s and s:item() or 0
    end)
  end
  local xs = {}
  for _, i in ipairs(which) do xs[#xs + 1] = inputs[i] end
  if #xs == 0 then return false, "gradcheck: no input requires gradients" end
  before()
  local s = weighted_sum(float_outputs(f, inputs), weights)
  if not s or not s.requires_grad then return false, "the result does not depend on the inputs" end
  local first = tensor.grad(s, xs, { allow_unused = true })
  for k, x in ipairs(xs) do
    local bad = compare(numeric(value, x, eps), first[k] or nil, x, which[k], given.tolerance or 1e-6, "first derivative")
    if bad then return false, bad end
  end
  if (given.order or 1) < 2 then return true end
  -- second order: the weighted sum of the gradients, differentiated again
  local function gradient_sum()
    before()
    local total = weighted_sum(float_outputs(f, inputs), weights)
    local grads, kept = tensor.grad(total, xs, { create_graph = true, allow_unused = true }), {}
    for _, g in ipairs(grads) do
      if g then kept[#kept + 1] = g end
    end
    return weighted_sum(kept, weights2)
  end
  local second = gradient_sum()
  local grads = second.requires_grad and tensor.grad(second, xs, { allow_unused = true }) or {}
  for k, x in ipairs(xs) do
    local slopes = numeric(function() return gradient_sum():item() end, x, eps)
    local bad = compare(slopes, grads[k] or nil, x, which[k], given.tolerance2 or 1e-5, "second derivative")
    if bad then return false, bad end
  end
  return true
end

return setmetatable(gradcheck, { __call = function(_, ...) return gradcheck.check(...) end })
