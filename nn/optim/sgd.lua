-- sgd.lua: stochastic gradient descent, with momentum.

local fail = require "lunette.nn.fail"
local optimizer = require "lunette.optim.optimizer"

local kind = {}

function kind.check(o)
  if o.nesterov and (o.momentum <= 0 or o.dampening ~= 0) then
    fail.raise("optim.SGD: nesterov wants a momentum above 0 and no dampening")
  end
end

function kind.states(o) return o.momentum ~= 0 and {"momentum_buffer"} or {} end

function kind.rule(o, s)
  if o.momentum == 0 then return "sgd", {o.lr} end
  local first = s.step == 1 -- the buffer begins as the gradient
  return "momentum", {o.lr, first and 0 or o.momentum, first and 1 or 1 - o.dampening,
    o.nesterov and o.momentum or 1, o.nesterov and 1 or 0}
end

--- Stochastic gradient descent: p = p - lr g. With momentum m: b = m b + (1 - dampening) g, and p = p -
-- lr b (nesterov: lr (g + m b)); the first b is g. weight_decay adds weight_decay * p to g;
-- maximize goes up.
-- example: optim.SGD(nn.Linear(2, 1), {lr = 0.1, momentum = 0.9}) --> SGD lr 0.1, momentum 0.9 (2 parameters, 3 numbers)
local SGD = optimizer.class("SGD", "params: any, lr: rate?, momentum: rate=0.0, dampening: float=0.0, "
  .. "weight_decay: rate=0.0, nesterov: bool=false, maximize: bool=false", kind)

return {SGD = SGD}
