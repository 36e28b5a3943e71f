-- custom.lua: differentiable functions written in Lua, and parts of a network that are computed twice
-- to save memory.

local core = require "lunette.core"
local fail = require "lunette.nn.fail"

local tensor = core.tensor

local custom = {}
local watcher -- is told of calls

-- ---- tensors among values ------------------------------------------------------------------------------

local function is_float(x) return tensor.is_tensor(x) and (x.dtype == "float32" or x.dtype == "float64") end

-- The floating tensors of a packed list, and the place of each.
local function floats_of(values)
  local list, places = {}, {}
  for i = 1, values.n do
    if is_float(values[i]) then
      list[#list + 1] = values[i]
      places[#places + 1] = i
    end
  end
  return list, places
end

local function position(list, x)
  for i, item in ipairs(list) do
    if rawequal(item, x) then return i end
  end
end

-- ---- what forward leaves to backward -------------------------------------------------------------------

local Context = {}

-- Names of PyTorch's contexts, with which programs come.
local repairs = {
  save_for_backward = "ctx:save(x, y) keeps tensors",
  saved_tensors = "local x, y = ctx:saved() gives them back",
  needs_input_grad = "ctx.needs[i] says whether argument i wants a gradient",
  mark_dirty = "forward gives results of its own and leaves its arguments as they are",
}

function Context.__index(_, key)
  if repairs[key] then fail.raise("custom: ctx has no '%s'; %s", key, repairs[key]) end
  return Context[key]
end

--- Keeps tensors for backward: inputs, results and others. What is kept must not be changed in place.
function Context:save(...)
  self._saved = table.pack(...)
  for i = 1, self._saved.n do
    local t = self._saved[i]
    if t ~= nil and not tensor.is_tensor(t) then
      fail.raise("%s: save takes tensors; other values are kept as fields, ctx.name = value", self._name)
    end
  end
end

-- Saved tensors without history, so that a result that is kept makes no circle; where each is from.
local function settle(ctx, inputs, results)
  local saved = ctx._saved or {n = 0}
  for i = 1, saved.n do
    local t = saved[i]
    saved[i] = t ~= nil and {value = t:detach(), version = core.version(t), input = position(inputs, t),
      result = position(results, t)} or nil
  end
  ctx._saved = saved
end

-- One saved tensor; with create_graph with the history that it had.
local function revived(ctx, item, i)
  if core.version(item.value) ~= item.version then
    fail.raise("%s: the tensor %d that forward saved was changed in place afterwards; save a clone()", ctx._name, i)
  end
  local from = item.input and -item.input or item.result
  if not (ctx._create and from) then return item.value end
  return core.attach(item.value, ctx._node, from)
end

--- What forward saved, in its order.
function Context:saved()
  local list = {}
  for i = 1, self._saved.n do
    if self._saved[i] then list[i] = revived(self, self._saved[i], i) end
  end
  return table.unpack(list, 1, self._saved.n)
end

-- ---- the function ----------------------------------------------------------------------------------------

-- Results that have no history: what forward hands through gets a handle of its own.
local function fresh(results)
  for i = 1, results.n do
    local y = results[i]
    if is_float(y) and y.requires_grad then results[i] = y:detach() end
  end
  return results
end

local function zeros_for(shape) return tensor.zeros(shape.size, {dtype = shape.dtype}) end

-- The gradients of all results of forward, in their places, zero for those without.
local function spread(gradients, shapes, places, n)
  local gy = {}
  for k, place in ipairs(places) do gy[place] = gradients[k] or zeros_for(shapes[k]) end
  return gy, n
end

-- gx: what backward returned for the n arguments; sizes[i]: of argument i, where it is a tensor.
local function check_gradients(ctx, gx, n, sizes)
  for i = n + 1, gx.n do
    if gx[i] ~= nil then
      fail.raise("%s: backward returned %d gradients, forward takes %d arguments", ctx._name, gx.n, n)
    end
  end
  for i = 1, n do
    local g = gx[i] or nil
    if g ~= nil and not tensor.is_tensor(g) then
      fail.raise("%s: backward returned a %s as gradient %d; a tensor is wanted, or nil", ctx._name, type(g), i)
    end
    if g and sizes[i] and g.shape ~= sizes[i] then
      fail.raise("%s: backward returned a gradient of shape %s for argument %d, of shape %s", ctx._name,
        tostring(g.shape), i, tostring(sizes[i]))
    end
  end
end

local function backward_of(definition, ctx, args, args_at, results, results_at)
  local shapes, total, nargs, sizes = {}, results.n, args.n, {}
  for _, place in ipairs(args_at) do sizes[place] = args[place].shape end
  for k, place in ipairs(results_at) do
    shapes[k] = {size = {table.unpack(results[place].shape)}, dtype = results[place].dtype}
  end
  return function(create, node, ...)
    ctx._create, ctx._node = create, node
    local mode = create and tensor.enable_grad or tensor.no_grad
    local gy = spread({...}, shapes, results_at, total)
    local gx = table.pack(mode(definition.backward, ctx, table.unpack(gy, 1, total)))
    ctx._node = nil
    check_gradients(ctx, gx, nargs, sizes)
    local out = {}
    for k, place in ipairs(args_at) do out[k] = gx[place] end
    return table.unpack(out, 1, #args_at)
  end
end

local function apply(definition, name, ...)
  local args = table.pack(...)
  local inputs, args_at = floats_of(args)
  local ctx = setmetatable({needs = {}, _name = name}, Context)
  for i, place in ipairs(args_at) do ctx.needs[place] = inputs[i].requires_grad end
  local results = fresh(table.pack(tensor.no_grad(definition.forward, ctx, ...)))
  local outputs, results_at = floats_of(results)
  settle(ctx, inputs, outputs)
  core.record(inputs, outputs, backward_of(definition, ctx, args, args_at, results, results_at))
  return table.unpack(results, 1, results.n)
end

--- A differentiable function from Lua: tensor.custom{forward = f, backward = g, name = "swish"} gives a
-- function. f(ctx, ...) gets its arguments and computes the results, nothing is recorded meanwhile;
-- ctx:save(x, y) keeps tensors for backward, other values are kept as fields of ctx, and ctx.needs[i]
-- says whether argument i wants a gradient. g(ctx, gy, ...) gets the gradients of the results and
-- returns one for each argument, nil for none; ctx:saved() gives back what was saved. Where g is
-- written in ops, second derivatives follow.
-- example:
--   cube = tensor.custom{
--     forward = function(ctx, x) ctx:save(x); return x ^ 3 end,
--     backward = function(ctx, gy) local x = ctx:saved(); return gy * 3 * x ^ 2 end,
--   }
--   x = tensor({2.0}, {requires_grad = true})
--   cube(x):sum():backward()
--   x.grad --> float32 [1]  12.0
function custom.custom(definition)
  if type(definition) ~= "table" or type(definition.forward) ~= "function" or type(definition.backward) ~= "function" then
    fail.raise("custom: a table with the functions forward and backward is wanted")
  end
  local name = definition.name or "custom"
  local function f(...)
    if watcher then watcher(name, f, ...) end
    return apply(definition, name, ...)
  end
  return f
end

--- watch(f): f(name, function, ...) is told of every call of a custom function; nil ends it.
function custom.watch(f) watcher = f end

-- ---- checkpoints -----------------------------------------------------------------------------------------

local function restore_later(state)
  return setmetatable({}, {__close = function() tensor.set_rng_state(state) end})
end

-- Arguments as they are kept: tensors without history, which the node has in its edges; and which of
-- them take part in gradients.
local function kept_arguments(args)
  local kept, tracked = {n = args.n}, {}
  for i = 1, args.n do
    local x = args[i]
    kept[i] = tensor.is_tensor(x) and x:detach() or x
    tracked[i] = is_float(x) and x.requires_grad
  end
  return kept, tracked
end

-- The kept arguments, leaves of their own where they take part in gradients.
local function own_arguments(plan)
  local own = {n = plan.args.n}
  for i = 1, own.n do
    own[i] = plan.tracked[i] and plan.args[i]:detach():requires_grad_() or plan.args[i]
  end
  return own
end

-- The leaves that f reaches by itself: parameters of layers.
local function captured(outputs, own)
  local tracked, mine, list = {}, {}, {}
  for _, y in ipairs(outputs) do
    if y.requires_grad then tracked[#tracked + 1] = y end
  end
  for i = 1, own.n do
    if is_float(own[i]) then mine[own[i]] = true end
  end
  for _, leaf in ipairs(core.leaves(tracked)) do
    if not mine[leaf] then list[#list + 1] = leaf end
  end
  return list, #tracked > 0
end

-- The second run must give what the first gave.
local function check_again(results, plan)
  for k, place in ipairs(plan.results_at) do
    local y = results[place]
    if not tensor.is_tensor(y) or y.shape ~= plan.shapes[k] then
      fail.raise("checkpoint: the second run of f gave %s as result %d, the first a tensor of shape %s; f must do the "
        .. "same both times", tensor.is_tensor(y) and "one of shape " .. tostring(y.shape) or "a " .. type(y), place,
        tostring(plan.shapes[k]))
    end
  end
end

-- Runs f once more and takes the gradients of that run.
local function repeated(f, plan, create, node, gradients)
  local args = own_arguments(plan)
  local xs = {}
  for k, place in ipairs(plan.args_at) do
    if core.version(plan.args[place]) ~= plan.versions[k] then
      fail.raise("checkpoint: argument %d was changed in place before backward; pass a clone()", place)
    end
    if create then args[place] = core.attach(plan.args[place], node, -k) end
    xs[k] = args[place]
  end
  local results
  do
    local _ <close> = restore_later(tensor.get_rng_state())
    tensor.set_rng_state(plan.state)
    results = table.pack(tensor.enable_grad(function() return f(table.unpack(args, 1, args.n)) end))
  end
  check_again(results, plan)
  local ys, gs, targets, at = {}, {}, {}, {}
  for k, place in ipairs(plan.results_at) do
    if gradients[k] and results[place].requires_grad then
      ys[#ys + 1], gs[#gs + 1] = results[place], gradients[k]
    end
  end
  for _, leaf in ipairs(plan.leaves) do xs[#xs + 1] = leaf end
  for k, x in ipairs(xs) do
    if x.requires_grad then
      targets[#targets + 1] = x
      at[#at + 1] = k
    end
  end
  local found, out = {}, {}
  if #ys > 0 then
    found = tensor.grad(ys, targets, gs, {create_graph = create, stop_at_inputs = true, allow_unused = true})
  end
  for k, place in ipairs(at) do out[place] = found[k] or nil end
  return table.unpack(out, 1, #xs)
end

--- checkpoint(f, ...): f(...), but only the arguments are kept for backward, which computes f again. A
-- network in ten checkpoints needs about a tenth of the memory and a third more time. Random ops
-- (dropout) draw the same numbers both times; f must otherwise do the same. Gradients reach the
-- arguments and the parameters that f uses. The result keeps f, and what f uses, alive.
-- example:
--   x = tensor({2.0}, {requires_grad = true})
--   tensor.checkpoint(function(a) return a ^ 3 end, x):sum():backward()
--   x.grad --> float32 [1]  12.0
function custom.checkpoint(f, ...)
  if type(f) ~= "function" and not (type(f) == "table" and getmetatable(f)) then
    fail.raise("checkpoint: a function or layer and its arguments are wanted: checkpoint(f, x)")
  end
  if not tensor.is_grad_enabled() then return f(...) end
  local inputs, places = floats_of(table.pack(...))
  local plan = {state = tensor.get_rng_state(), versions = {}}
  plan.args, plan.tracked = kept_arguments(table.pack(...))
  local own = own_arguments(plan)
  for k, x in ipairs(inputs) do plan.versions[k] = core.version(x) end
  plan.args_at = places
  local results = table.pack(f(table.unpack(own, 1, own.n)))
  local outputs, tracked
  outputs, plan.results_at = floats_of(results)
  plan.leaves, tracked = captured(outputs, own)
  if not tracked then return table.unpack(results, 1, results.n) end
  plan.shapes = {}
  for k, place in ipairs(plan.results_at) do
    local y = results[place]
    plan.shapes[k] = y.shape
    if y.is_leaf then y = y:detach() else y:detach_() end
    results[place], outputs[k] = y, y
  end
  local all = table.move(plan.leaves, 1, #plan.leaves, #inputs + 1, {table.unpack(inputs)})
  core.record(all, outputs, function(create, node, ...) return repeated(f, plan, create, node, {...}) end)
  return table.unpack(results, 1, results.n)
end

return custom
