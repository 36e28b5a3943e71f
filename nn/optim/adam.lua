-- adam.lua: Adam (Kingma and Ba 2015), with amsgrad (Reddi, Kale and Kumar 2018), and AdamW (Loshchilov
-- and Hutter 2019).

local optimizer = require "lunette.optim.optimizer"

local function states(o) return {"exp_avg", "exp_avg_sq", o.amsgrad and "max_exp_avg_sq" or nil} end

-- keep: what is left of p.
local function numbers(o, s, keep)
  local b1, b2 = o.betas[1], o.betas[2]
  return o.amsgrad and "amsgrad" or "adam", {keep, b1, 1 - b1, b2, 1 - b2, o.lr / (1 - b1 ^ s.step), 0,
    1 / math.sqrt(1 - b2 ^ s.step), o.eps}
end

local function signature(decay)
  return "params: any, lr: rate=0.001, betas: decays{2}=0.9 0.999, eps: rate=1e-08, weight_decay: rate="
    .. decay .. ", amsgrad: bool=false, maximize: bool=false"
end

--- Adam: every parameter moves by lr m' / (sqrt(v') + eps), m and v running means of its gradient and
-- the square of it (betas {0.9, 0.999}), m' and v' corrected for their start at 0. weight_decay adds
-- weight_decay * p to the gradient; amsgrad keeps the largest v; maximize goes up.
-- example: optim.Adam(nn.Linear(2, 1), {lr = 1e-2}) --> Adam lr 0.01 (2 parameters, 3 numbers)
local Adam = optimizer.class("Adam", signature "0.0", {states = states,
  rule = function(o, s) return numbers(o, s, 1) end})

--- AdamW: Adam whose weight decay does not pass through the gradient: p = p - lr weight_decay p first.
-- example: optim.AdamW(nn.Linear(2, 1), {weight_decay = 0.1}) --> AdamW lr 0.001, weight_decay 0.1 (2 parameters, 3 numbers)
local AdamW = optimizer.class("AdamW", signature "0.01", {states = states, decoupled = true,
  rule = function(o, s) return numbers(o, s, 1 - o.lr * o.weight_decay) end})

return {Adam = Adam, AdamW = AdamW}
