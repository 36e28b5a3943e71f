-- nadam.lua: NAdam (Dozat 2016).

local optimizer = require "lunette.optim.optimizer"

-- mu_product: the product of all momenta so far. What corrects the mean for its start is 1 - mu_product
-- mu next_mu as in PyTorch 1.13, where mu counts twice; Dozat's paper has 1 - mu_product next_mu.
local kind = {numbers = {"mu_product"}}

function kind.states() return {"exp_avg", "exp_avg_sq"} end
function kind.start() return {mu_product = 1.0} end

local function momentum(o, step) return o.betas[1] * (1 - 0.5 * 0.96 ^ (step * o.momentum_decay)) end

function kind.rule(o, s)
  local b1, b2 = o.betas[1], o.betas[2]
  local mu, next_mu = momentum(o, s.step), momentum(o, s.step + 1)
  s.mu_product = s.mu_product * mu
  return "adam", {1, b1, 1 - b1, b2, 1 - b2, o.lr * next_mu / (1 - s.mu_product * mu * next_mu),
    o.lr * (1 - mu) / (1 - s.mu_product), 1 / math.sqrt(1 - b2 ^ s.step), o.eps}
end

--- NAdam: Adam with Nesterov's momentum, which looks one step ahead; momentum_decay lets the momentum
-- grow from half of betas[1] to all of it.
-- example: optim.NAdam(nn.Linear(2, 1)) --> NAdam lr 0.002 (2 parameters, 3 numbers)
local NAdam = optimizer.class("NAdam", "params: any, lr: rate=0.002, betas: decays{2}=0.9 0.999, "
  .. "eps: rate=1e-08, weight_decay: rate=0.0, momentum_decay: rate=0.004", kind)

return {NAdam = NAdam}
