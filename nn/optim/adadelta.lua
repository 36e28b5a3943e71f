-- adadelta.lua: Adadelta (Zeiler 2012).

local optimizer = require "lunette.optim.optimizer"

local kind = {}

function kind.states() return {"square_avg", "acc_delta"} end
function kind.rule(o) return "adadelta", {o.lr, o.rho, 1 - o.rho, o.eps} end

--- Adadelta: moves by sqrt(u + eps) / sqrt(v + eps) g, with running means v of g^2 and u of the moves'
-- squares; rho is how much of them stays. It needs no rate; lr scales the moves.
-- example: optim.Adadelta(nn.Linear(2, 1), {rho = 0.95}) --> Adadelta lr 1, rho 0.95 (2 parameters, 3 numbers)
local Adadelta = optimizer.class("Adadelta", "params: any, lr: rate=1.0, rho: share=0.9, eps: rate=1e-06, "
  .. "weight_decay: rate=0.0, maximize: bool=false", kind)

return {Adadelta = Adadelta}
