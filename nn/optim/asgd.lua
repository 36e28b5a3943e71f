-- asgd.lua: averaged stochastic gradient descent (Polyak and Juditsky 1992), with Bottou's schedule.

local optimizer = require "lunette.optim.optimizer"

-- eta: the rate of the next step; mu: the share of the newest parameter in the mean. Both are kept in
-- single precision, as PyTorch keeps them, so that trajectories agree.
local kind = {numbers = {"eta", "mu"}}

local function single(x) return (("f"):unpack(("f"):pack(x))) end

function kind.states() return {"ax"} end
function kind.start(o) return {eta = single(o.lr), mu = 1.0} end

function kind.rule(o, s)
  local eta, mu = s.eta, s.mu
  s.eta = single(o.lr / (1 + o.lambd * o.lr * s.step) ^ o.alpha)
  s.mu = single(1 / math.max(1, s.step - o.t0))
  return "asgd", {1 - o.lambd * eta, eta, 1 - mu, mu}
end

--- ASGD: SGD with decay lambd and the rate lr / (1 + lambd lr step)^alpha. From step t0 on the mean of the
-- parameters gathers in opt.state[p].ax.
-- example: optim.ASGD(nn.Linear(2, 1), {t0 = 100}) --> ASGD lr 0.01, t0 100 (2 parameters, 3 numbers)
local ASGD = optimizer.class("ASGD", "params: any, lr: rate=0.01, lambd: float=0.0001, alpha: float=0.75, "
  .. "t0: float=1e6, weight_decay: rate=0.0, maximize: bool=false", kind)

return {ASGD = ASGD}
