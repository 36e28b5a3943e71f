-- radam.lua: RAdam (Liu and others 2020).

local optimizer = require "lunette.optim.optimizer"

local kind = {}

function kind.states() return {"exp_avg", "exp_avg_sq"} end

function kind.rule(o, s)
  local b1, b2 = o.betas[1], o.betas[2]
  local lr, left = o.lr / (1 - b1 ^ s.step), 1 - b2 ^ s.step
  local most = 2 / (1 - b2) - 1 -- longest average, and its length now
  local length = most - 2 * s.step * b2 ^ s.step / left
  if length <= 5 then return "adam", {1, b1, 1 - b1, b2, 1 - b2, lr, 0, 0, 1} end
  local rectified = math.sqrt((length - 4) * (length - 2) * most / ((most - 4) * (most - 2) * length))
  return "adam", {1, b1, 1 - b1, b2, 1 - b2, lr * math.sqrt(left) * rectified, 0, 1, o.eps}
end

--- RAdam: Adam whose first steps, while the mean of squares is not yet to be trusted, go without it:
-- a warm-up of its own.
-- example: optim.RAdam(nn.Linear(2, 1)) --> RAdam lr 0.001 (2 parameters, 3 numbers)
local RAdam = optimizer.class("RAdam", "params: any, lr: rate=0.001, betas: decays{2}=0.9 0.999, "
  .. "eps: rate=1e-08, weight_decay: rate=0.0", kind)

return {RAdam = RAdam}
