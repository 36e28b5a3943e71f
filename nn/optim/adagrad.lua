-- adagrad.lua: Adagrad (Duchi, Hazan and Singer 2011).

local optimizer = require "lunette.optim.optimizer"

local kind = {}

function kind.states() return {"sum"} end
function kind.start(o) return {sum = o.initial_accumulator_value} end
function kind.rule(o, s) return "adagrad", {o.lr / (1 + (s.step - 1) * o.lr_decay), o.eps} end

--- Adagrad: p = p - lr g / (sqrt(sum of all g^2) + eps), so that rare features keep large steps. lr falls as
-- lr / (1 + (step - 1) lr_decay).
-- example: optim.Adagrad(nn.Linear(2, 1), {lr_decay = 0.1}) --> Adagrad lr 0.01, lr_decay 0.1 (2 parameters, 3 numbers)
local Adagrad = optimizer.class("Adagrad", "params: any, lr: rate=0.01, lr_decay: rate=0.0, "
  .. "weight_decay: rate=0.0, initial_accumulator_value: rate=0.0, eps: rate=1e-10, maximize: bool=false", kind)

return {Adagrad = Adagrad}
