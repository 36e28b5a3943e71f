-- average.lua: the mean of a model's weights over a training: of all (Izmailov and others 2018), or an
-- exponential one (Polyak and Juditsky 1992).

local core = require "lunette.core"
local class = require "lunette.nn.class"
local fail = require "lunette.nn.fail"
local Signature = require "lunette.nn.signature"

local tensor = core.tensor

local signature = Signature.new("optim.AveragedWeights", "model: any, decay: decay?")

local Average = {}
Average.__index = Average

--- Takes in the weights as they are now; after each opt:step(), or after each epoch.
function Average:update()
  self.n = self.n + 1
  local weight = self.n == 1 and 1 or self.decay and 1 - self.decay or 1 / self.n
  tensor.no_grad(function()
    for i, p in ipairs(self.model:parameters()) do self.weights[i]:lerp_(p:detach(), weight) end
  end)
end

local function exchange(self)
  for i, p in ipairs(self.model:parameters()) do
    local own = p:detach():clone()
    p:detach():copy_(self.weights[i])
    self.weights[i]:copy_(own)
  end
end

--- Runs f(…) while the model has the mean weights, then gives it its own back: average:with(net.evaluate,
-- net, x, y). The results are those of f.
function Average:with(f, ...)
  if self.n == 0 then fail.raise("AveragedWeights: nothing was taken in yet; average:update() after each step") end
  tensor.no_grad(exchange, self)
  local _ <close> = setmetatable({}, {__close = function() tensor.no_grad(exchange, self) end})
  return f(...)
end

--- Gives the model the mean weights for good.
function Average:store()
  if self.n == 0 then fail.raise("AveragedWeights: nothing was taken in yet; average:update() after each step") end
  tensor.no_grad(function()
    for i, p in ipairs(self.model:parameters()) do p:detach():copy_(self.weights[i]) end
  end)
end

function Average:__tostring()
  return ("AveragedWeights of %d update%s%s"):format(self.n, self.n == 1 and "" or "s",
    self.decay and (", decay %g"):format(self.decay) or "")
end

--- The mean of a model's weights, which often predicts better than the last ones: AveragedWeights(net) of
-- all that update saw, AveragedWeights(net, {decay = 0.99}) a running one, mean = decay mean + (1 - decay)
-- weights. average:with(f) runs f with the mean weights in the model, average:store() leaves them there.
-- example: net = nn.Linear(2, 1)
--   average = optim.AveragedWeights(net, {decay = 0.99})
--   average:update()
--   average --> AveragedWeights of 1 update, decay 0.99
local function AveragedWeights(...)
  local o = signature:read(...)
  if not class.of(o.model) then
    fail.raise("optim.AveragedWeights: its first argument is a %s; the model is wanted", type(o.model))
  end
  local self = {model = o.model, decay = o.decay, n = 0, weights = {}}
  for i, p in ipairs(o.model:parameters()) do self.weights[i] = core.keep(tensor.zeros_like(p:detach())) end
  return setmetatable(self, Average)
end

return {AveragedWeights = AveragedWeights}
