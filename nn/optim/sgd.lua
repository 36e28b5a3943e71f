-- sgd.lua: stochastic gradient descent, with momentum.

local core = require "lunette.core"
local fail = require "lunette.nn.fail"
local new_class = require "lunette.optim.optimizer"

local kind = {}

function kind.check(o)
  if not (o.lr >= 0 and o.momentum >= 0 and o.weight_decay >= 0) then
    fail.raise("optim.SGD: lr %g, momentum %g, weight_decay %g; none may be negative", o.lr, o.momentum,
      o.weight_decay)
  end
  if o.nesterov and (o.momentum <= 0 or o.dampening ~= 0) then
    fail.raise("optim.SGD: nesterov wants a momentum above 0 and no dampening")
  end
end

function kind.state_names(o) return o.momentum ~= 0 and {"momentum_buffer"} or {} end

-- list: {p.., g.. [, momentum_buffer..]}
function kind.run(o, list, step)
  core.hidden.sgd_step(list, o.lr, o.momentum, o.dampening, o.weight_decay, o.nesterov, step == 1)
end

--- Stochastic gradient descent: p = p - lr g. With momentum m: b = m b + (1 - dampening) g, and p = p -
-- lr b (nesterov: lr (g + m b)); the first b is g. weight_decay adds weight_decay * p to g;
-- maximize goes up.
-- optim.SGD(net, {lr = 0.1, momentum = 0.9})
local SGD = new_class("SGD", "params: any, lr: float, momentum: float=0.0, dampening: float=0.0, "
  .. "weight_decay: float=0.0, nesterov: bool=false, maximize: bool=false", kind)

return SGD
