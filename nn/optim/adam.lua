-- adam.lua: Adam (Kingma and Ba 2015) and AdamW (Loshchilov and Hutter 2019).

local core = require "lunette.core"
local fail = require "lunette.nn.fail"
local new_class = require "lunette.optim.optimizer"

local function is_fraction(x) return type(x) == "number" and x >= 0 and x < 1 end

local function check(name)
  return function(o)
    if not (o.lr >= 0 and o.eps >= 0 and o.weight_decay >= 0) then
      fail.raise("optim.%s: lr %g, eps %g, weight_decay %g; none may be negative", name, o.lr, o.eps,
        o.weight_decay)
    end
    local betas = o.betas
    if betas ~= nil and not (type(betas) == "table" and is_fraction(betas[1]) and is_fraction(betas[2])) then
      fail.raise("optim.%s: betas are two numbers from 0 to below 1, {0.9, 0.999}", name)
    end
  end
end

local function state_names(o)
  if o.amsgrad then return {"exp_avg", "exp_avg_sq", "max_exp_avg_sq"} end
  return {"exp_avg", "exp_avg_sq"}
end

local usual = {0.9, 0.999}

-- list: {p.., g.., exp_avg.., exp_avg_sq.. [, max_exp_avg_sq..]}
local function runner(decoupled)
  return function(o, list, step)
    local betas = o.betas or usual
    core.hidden.adam_step(list, o.lr, betas[1], betas[2], o.eps, o.weight_decay, step, decoupled, o.amsgrad)
  end
end

local function options(decay)
  return "params: any, lr: float=0.001, betas: table?, eps: float=1e-08, weight_decay: float=" .. decay
    .. ", amsgrad: bool=false, maximize: bool=false"
end

--- Adam: every parameter moves by lr m' / (sqrt(v') + eps), m and v running means of its gradient and
-- the square of it (betas {0.9, 0.999}), m' and v' corrected for their start at 0. weight_decay adds
-- weight_decay * p to the gradient; amsgrad keeps the largest v. optim.Adam(net, {lr = 1e-3})
local Adam = new_class("Adam", options "0.0", {check = check "Adam", state_names = state_names,
  run = runner(false)})

--- AdamW: Adam whose weight decay does not pass through the gradient: p = p - lr weight_decay p first.
-- optim.AdamW(net, {lr = 1e-3, weight_decay = 0.01})
local AdamW = new_class("AdamW", options "0.01", {check = check "AdamW", state_names = state_names,
  run = runner(true)})

return {Adam = Adam, AdamW = AdamW}
