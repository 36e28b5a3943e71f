-- rmsprop.lua: RMSprop (Hinton's lectures, 2012; centered: Graves 2013).

local optimizer = require "lunette.optim.optimizer"

local kind = {}

function kind.states(o)
  local names = {"square_avg"}
  if o.centered then names[#names + 1] = "grad_avg" end
  if o.momentum > 0 then names[#names + 1] = "momentum_buffer" end
  return names
end

function kind.rule(o)
  local name = "rmsprop" .. (o.centered and "_centered" or "") .. (o.momentum > 0 and "_momentum" or "")
  return name, {o.lr, o.alpha, 1 - o.alpha, o.eps, o.momentum > 0 and o.momentum or nil}
end

--- RMSprop: p = p - lr g / (sqrt(v) + eps), v a running mean of g squared: v = alpha v + (1 - alpha) g^2.
-- centered takes the variance for v; momentum moves by b = momentum b + g / (sqrt(v) + eps).
-- example: optim.RMSprop(nn.Linear(2, 1), {momentum = 0.9}) --> RMSprop lr 0.01, momentum 0.9 (2 parameters, 3 numbers)
local RMSprop = optimizer.class("RMSprop", "params: any, lr: rate=0.01, alpha: rate=0.99, eps: rate=1e-08, "
  .. "weight_decay: rate=0.0, momentum: rate=0.0, centered: bool=false, maximize: bool=false", kind)

return {RMSprop = RMSprop}
