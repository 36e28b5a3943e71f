-- adamax.lua: Adamax (Kingma and Ba 2015, section 7.1).

local optimizer = require "lunette.optim.optimizer"

local kind = {}

function kind.states() return {"exp_avg", "exp_inf"} end

function kind.rule(o, s)
  local b1, b2 = o.betas[1], o.betas[2]
  return "adamax", {o.lr / (1 - b1 ^ s.step), b1, 1 - b1, b2, o.eps}
end

--- Adamax: Adam by the largest magnitude: u = max(b2 u, |g| + eps), p = p - lr m' / u, m' the running mean
-- of the gradient, corrected for its start at 0.
-- example: optim.Adamax(nn.Linear(2, 1)) --> Adamax lr 0.002 (2 parameters, 3 numbers)
local Adamax = optimizer.class("Adamax", "params: any, lr: rate=0.002, betas: decays{2}=0.9 0.999, "
  .. "eps: rate=1e-08, weight_decay: rate=0.0, maximize: bool=false", kind)

return {Adamax = Adamax}
