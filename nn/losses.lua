-- losses.lua: losses as layers: loss(prediction, truth). Each is an op of the same name with options
-- kept; the prediction comes first.

local core = require "lunette.core"
local layer = require "lunette.nn.layer"

local tensor = core.tensor
local losses = {}

local REDUCTION = "reduction: string{none|mean|sum}=mean"

-- Weights of classes are buffers, so that they are converted and saved with the model.
local function keep_weights(self, o)
  for _, name in ipairs {"weight", "pos_weight"} do
    if o[name] ~= nil then self:register_buffer(name, o[name], false) end
  end
end

--- Minus the log probability of the right class, from scores before softmax. input: [N,C] or
-- [N,C,…]; target: [N] or [N,…] of classes 1..C. weight: [C]; ignore_index: a class that counts
-- for nothing; label_smoothing: how much probability goes to all classes alike.
losses.CrossEntropyLoss = layer("CrossEntropyLoss",
  "weight: any?, ignore_index: int?, " .. REDUCTION .. ", label_smoothing: float=0.0")
losses.CrossEntropyLoss.build = keep_weights

function losses.CrossEntropyLoss:forward(input, target)
  local o = self._options
  return tensor.cross_entropy(input, target, self.weight, o.ignore_index, o.reduction, o.label_smoothing)
end

--- Minus the input at the right class, for inputs that are log probabilities. input: [N,C] or
-- [N,C,…]; target: [N] or [N,…] of classes 1..C.
losses.NLLLoss = layer("NLLLoss", "weight: any?, ignore_index: int?, " .. REDUCTION)
losses.NLLLoss.build = keep_weights

function losses.NLLLoss:forward(input, target)
  local o = self._options
  return tensor.nll_loss(input, target, self.weight, o.ignore_index, o.reduction)
end

--- Squared distance. input, target: the same shape, or a number as target.
losses.MSELoss = layer("MSELoss", REDUCTION)

function losses.MSELoss:forward(input, target)
  return tensor.mse_loss(input, target, self._options.reduction)
end

--- Distance, |input - target|. input, target: the same shape, or a number as target.
losses.L1Loss = layer("L1Loss", REDUCTION)

function losses.L1Loss:forward(input, target)
  return tensor.l1_loss(input, target, self._options.reduction)
end

--- Binary cross-entropy from scores before sigmoid. input, target: the same shape, targets 0..1, or a
-- number as target. pos_weight: weight of the positive answers.
losses.BCEWithLogitsLoss = layer("BCEWithLogitsLoss", "weight: any?, " .. REDUCTION .. ", pos_weight: any?")
losses.BCEWithLogitsLoss.build = keep_weights

function losses.BCEWithLogitsLoss:forward(input, target)
  return tensor.binary_cross_entropy_with_logits(input, target, self.weight, self.pos_weight,
    self._options.reduction)
end

--- Binary cross-entropy from probabilities. input, target: the same shape, both 0..1.
losses.BCELoss = layer("BCELoss", "weight: any?, " .. REDUCTION)
losses.BCELoss.build = keep_weights

function losses.BCELoss:forward(input, target)
  return tensor.binary_cross_entropy(input, target, self.weight, self._options.reduction)
end

for _, name in ipairs {"CrossEntropyLoss", "NLLLoss", "BCEWithLogitsLoss", "BCELoss"} do
  losses[name]._takes_tensor = true -- the weight
end

return losses
