-- functional.lua: derivatives of functions of tensors: jacobian, hessian, products with them.

local core = require "lunette.core"
local fail = require "lunette.nn.fail"
local check_options = require "lunette.options"

local tensor = core.tensor

local functional = {}

-- ---- inputs and outputs ----------------------------------------------------------------------------------

local function listed(where, what, value)
  if tensor.is_tensor(value) then return {value}, true end
  if type(value) ~= "table" or #value == 0 then
    fail.raise("%s: %s is a tensor or a list of tensors, got a %s", where, what, type(value))
  end
  for i, x in ipairs(value) do
    if not tensor.is_tensor(x) then fail.raise("%s: element %d of %s is a %s", where, i, what, type(x)) end
  end
  return value, false
end

-- Inputs to differentiate by: leaves of their own, or with create_graph steps after those given.
local function own(where, inputs, create)
  local list = {}
  for i, x in ipairs(inputs) do
    if not x.dtype:find "^float" then
      fail.raise("%s: input %d is %s; derivatives are by float32 or float64", where, i, x.dtype)
    end
    list[i] = create and x.requires_grad and x:clone() or x:detach():clone():requires_grad_()
  end
  return list
end

-- f's results as a list; several values and one list of them are alike.
local function results_of(where, f, xs)
  local results = table.pack(f(table.unpack(xs)))
  local ys, single = listed(where, "the result", results.n > 1 and results or results[1])
  return ys, single
end

local function start(where, f, inputs, create)
  if type(f) ~= "function" and not (type(f) == "table" and getmetatable(f)) then
    fail.raise("%s: takes a function and its inputs, got a %s first", where, type(f))
  end
  local given, single_in = listed(where, "the input", inputs)
  local xs = own(where, given, create)
  local ys, single_out = results_of(where, f, xs)
  return xs, ys, single_in, single_out
end

local function gradients(y, xs, v, create)
  local grads = {}
  if y.requires_grad then
    grads = tensor.grad(y, xs, v, {create_graph = create, retain_graph = true, allow_unused = true})
  end
  for i, x in ipairs(xs) do grads[i] = grads[i] or tensor.zeros_like(x) end
  return grads
end

local function only(list, single)
  if single then return list[1] end
  return list
end

local function finished(list, create)
  if create then return list end
  for i, x in ipairs(list) do list[i] = x:detach() end
  return list
end

local function options_of(where, given)
  if tensor.is_tensor(given) then
    fail.raise("%s: several inputs are a list: %s(f, {a, b})", where, where)
  end
  return check_options(where, given, {"create_graph"}).create_graph or false
end

-- ---- whole matrices --------------------------------------------------------------------------------------

-- d y / d x for every x: [y's shape, x's shape].
local function rows_of(y, xs, create)
  local rows, out = {}, {}
  for k = 1, #xs do rows[k] = {} end
  for i = 1, y:numel() do
    local v = tensor.zeros(y:numel(), {dtype = y.dtype})
    v[i] = 1
    for k, g in ipairs(gradients(y, xs, v:view(y.shape), create)) do rows[k][i] = g end
  end
  for k, x in ipairs(xs) do
    local shape = table.move(x.shape, 1, #x.shape, #y.shape + 1, {table.unpack(y.shape)})
    out[k] = #rows[k] > 0 and tensor.stack(rows[k]):reshape(shape) or tensor.zeros(shape, {dtype = x.dtype})
  end
  return finished(out, create)
end

--- jacobian(f, inputs, {create_graph = false}): the derivatives of every element of f's result by every
-- element of the input: [result's shape, input's shape]. Several inputs, f(a, b) with inputs {a, b},
-- give a list, and several results a list of these. One backward per element of the result.
-- example: tensor.jacobian(function(x) return x ^ 2 end, tensor{1.0, 2.0}) --> float32 [2,2]
--     2.0  0.0
--     0.0  4.0
function functional.jacobian(f, inputs, options)
  local create = options_of("jacobian", options)
  local xs, ys, single_in, single_out = start("jacobian", f, inputs, create)
  local out = {}
  for i, y in ipairs(ys) do out[i] = only(rows_of(y, xs, create), single_in) end
  return only(out, single_out)
end

local function single_value(where, ys)
  if #ys ~= 1 or ys[1]:numel() ~= 1 then
    fail.raise("%s: f gives %s; a single value is wanted, its sum for example", where,
      #ys ~= 1 and #ys .. " tensors" or "a tensor of shape " .. tostring(ys[1].shape))
  end
  return ys[1]
end

--- hessian(f, inputs, {create_graph = false}): second derivatives of a single value: [input's shape,
-- input's shape]; for several inputs a list of lists, by the first and the second.
-- example: tensor.hessian(function(x) return (x ^ 3):sum() end, tensor{1.0, 2.0}) --> float32 [2,2]
--      6.0   0.0
--      0.0  12.0
function functional.hessian(f, inputs, options)
  local create = options_of("hessian", options)
  local xs, ys, single = start("hessian", f, inputs, create)
  local first, out = gradients(single_value("hessian", ys), xs, nil, true), {}
  for i, g in ipairs(first) do out[i] = only(rows_of(g, xs, create), single) end
  return only(out, single)
end

-- ---- products --------------------------------------------------------------------------------------------

local function vectors(where, v, like)
  if v == nil and #like == 1 and like[1]:numel() == 1 then return {tensor.ones_like(like[1])} end
  local list = listed(where, "v", v)
  if #list ~= #like then fail.raise("%s: v has %d tensors, %d are wanted", where, #list, #like) end
  for i, x in ipairs(list) do
    if x.shape ~= like[i].shape then
      fail.raise("%s: v has shape %s; %s is wanted", where, tostring(x.shape), tostring(like[i].shape))
    end
  end
  return list
end

local function weighted(ys, vs, xs, create)
  local tracked, weights = {}, {}
  for i, y in ipairs(ys) do
    if y.requires_grad then tracked[#tracked + 1], weights[#weights + 1] = y, vs[i] end
  end
  local grads = {}
  if #tracked > 0 then
    grads = tensor.grad(tracked, xs, weights, {create_graph = create, retain_graph = true, allow_unused = true})
  end
  for i, x in ipairs(xs) do grads[i] = grads[i] or tensor.zeros_like(x) end
  return grads
end

--- vjp(f, inputs, v, {create_graph = false}): f's result, and v times its jacobian. v: the result's
-- shape; absent for a single value.
-- example:
--   y, product = tensor.vjp(function(x) return x ^ 2 end, tensor{1.0, 2.0}, tensor{1.0, 1.0})
--   product --> float32 [2]  2.0  4.0
function functional.vjp(f, inputs, v, options)
  local create = options_of("vjp", options)
  local xs, ys, single_in, single_out = start("vjp", f, inputs, create)
  local grads = weighted(ys, vectors("vjp", v, ys), xs, create)
  return only(finished(ys, create), single_out), only(finished(grads, create), single_in)
end

--- jvp(f, inputs, v, {create_graph = false}): f's result, and its jacobian times v. v: the input's shape.
-- By two backward passes: the first is linear in its weights, the second differentiates it by these.
-- example:
--   y, product = tensor.jvp(function(x) return x ^ 2 end, tensor{1.0, 2.0}, tensor{1.0, 1.0})
--   product --> float32 [2]  2.0  4.0
function functional.jvp(f, inputs, v, options)
  local create = options_of("jvp", options)
  local xs, ys, _, single = start("jvp", f, inputs, create)
  local vs, us = vectors("jvp", v, xs), {}
  for i, y in ipairs(ys) do us[i] = tensor.zeros_like(y:detach()):requires_grad_() end
  local out = weighted(weighted(ys, us, xs, true), vs, us, create)
  return only(finished(ys, create), single), only(finished(out, create), single)
end

--- hvp(f, inputs, v, {create_graph = false}): f's single value, and its hessian times v. v: the input's
-- shape. Two backward passes, whatever the size.
-- example:
--   value, product = tensor.hvp(function(x) return (x ^ 3):sum() end, tensor{1.0, 2.0}, tensor{1.0, 1.0})
--   product --> float32 [2]   6.0  12.0
function functional.hvp(f, inputs, v, options)
  local create = options_of("hvp", options)
  local xs, ys, single = start("hvp", f, inputs, create)
  local y = single_value("hvp", ys)
  local out = weighted(gradients(y, xs, nil, true), vectors("hvp", v, xs), xs, create)
  return only(finished({y}, create), true), only(finished(out, create), single)
end

return functional
