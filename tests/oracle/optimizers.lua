-- optimizers.lua: cases of optimizers, schedules of the learning rate, and clipping of gradients.

local core = require "lunette.core"
local json = require "tests.oracle.json"
local nn = require "lunette.nn"
local optim = require "lunette.optim"
local values = require "tests.oracle.values"

local tensor = core.tensor

-- Options without those that are None.
local function options_of(spec, folder)
  local read, options = values.read(spec, folder, {}), {}
  for _, key in ipairs(json.keys(read)) do
    if read[key] ~= json.null then options[key] = read[key] end
  end
  return options
end

local function class_of(name)
  local schedules = rawget(optim, "lr_scheduler")
  return rawget(optim, name) or schedules and rawget(schedules, name) or error({absent = "optim." .. name}, 0)
end

-- 0.5 (p - c)' A (p - c), and its gradient in p.grad.
local function closure_for(p, a, c)
  return function()
    p.grad = nil
    local d = p - c
    local loss = d:matmul(a:matmul(d)) * 0.5
    loss:backward()
    return loss
  end
end

-- The parameter after every step: [steps, ...].
local function trajectory(name, one, folder)
  local args = values.read(one.args, folder, {})
  local p = args[1]:clone():requires_grad_()
  local opt = class_of(name)({p}, options_of(one.options, folder))
  local closure, seen = one.closure and closure_for(p, args[2], args[3]), {}
  for step = 1, one.steps do
    if not closure then p.grad = args[2]:select(1, step):clone() end
    opt:step(closure or nil)
    seen[step] = p:detach():clone()
  end
  return tensor.stack(seen)
end

-- The learning rate in force at every step: [steps].
local function schedule(one, folder)
  local p = tensor.zeros({1}, {dtype = "float64"}):requires_grad_()
  local opt = class_of "SGD"({p}, {lr = one.base_lr})
  local scheduler = class_of(one.scheduler)(opt, options_of(one.options, folder))
  local seen = {}
  for step = 1, one.steps do
    seen[step] = opt.param_groups[1].lr
    p.grad = tensor.zeros_like(p)
    opt:step()
    if one.metrics ~= json.null then scheduler:step(one.metrics[step]) else scheduler:step() end
  end
  return tensor(seen, {dtype = "float64"})
end

-- The gradients after clipping, and for norms the norm before.
local function clipping(one, folder)
  local params, grads = {}, values.read(one.args[1], folder, {})
  for i, g in ipairs(grads) do
    params[i] = tensor.zeros_like(g):requires_grad_()
    params[i].grad = g
  end
  local options, norm = options_of(one.options, folder), nil
  if one.kind == "norm" then
    norm = nn.utils.clip_grad_norm_(params, options.max_norm, options.norm_type)
  else
    nn.utils.clip_grad_value_(params, options.clip_value)
  end
  local out = {}
  for i, p in ipairs(params) do out[i] = p.grad end
  out[#out + 1] = norm
  return out
end

--- The results of a case.
return function(spec, one, folder)
  if one.scheduler then return table.pack(schedule(one, folder)) end
  if one.kind then return table.pack(clipping(one, folder)) end
  return table.pack(trajectory(spec.op:match "[^.]+$", one, folder))
end
