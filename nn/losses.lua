-- losses.lua: losses as layers: loss(prediction, truth). Each is an op with options kept; the
-- prediction comes first.

local core = require "lunette.core"
local fail = require "lunette.nn.fail"
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

-- A loss that is an op of inputs and then its own options: all go to it by name.
local function loss(name, op, options)
  local Loss = layer(name, options, nil, 1)
  local f = tensor[op]
  Loss.build = keep_weights

  function Loss:forward(...)
    local o, n = {}, select("#", ...)
    for key, value in next, self._options do o[key] = value end
    if o.weight ~= nil then o.weight = self.weight end
    if o.pos_weight ~= nil then o.pos_weight = self.pos_weight end
    local given = {...}
    given[n + 1] = o
    return f(table.unpack(given, 1, n + 1))
  end

  Loss._takes_tensor = options:find "weight" ~= nil
  return Loss
end

-- ---- classes -----------------------------------------------------------------------------------------------

--- Minus the log probability of the right class, from scores before softmax. input: [N,C] or
-- [N,C,…]; target: [N] or [N,…] of classes 1..C. weight: [C]; ignore_index: a class that counts
-- for nothing; label_smoothing: how much probability goes to all classes alike.
-- example:
--   loss = nn.CrossEntropyLoss()
--   loss(tensor{{0.0, 0.0, 0.0, 0.0}}, tensor{3}) --> 1.3863
losses.CrossEntropyLoss = loss("CrossEntropyLoss", "cross_entropy",
  "weight: any?, ignore_index: int?, " .. REDUCTION .. ", label_smoothing: float=0.0")

--- Minus the input at the right class, for inputs that are log probabilities. input: [N,C] or
-- [N,C,…]; target: [N] or [N,…] of classes 1..C.
-- example:
--   loss = nn.NLLLoss()
--   loss(tensor{{-1.0, -2.0}, {-3.0, -4.0}}, tensor{1, 2}) --> 2.5
losses.NLLLoss = loss("NLLLoss", "nll_loss", "weight: any?, ignore_index: int?, " .. REDUCTION)

--- The mean over classes of max(0, margin + score - the right class's score)^p. input: [N,C] or [C];
-- target: [N] of classes 1..C.
-- example: nn.MultiMarginLoss()(tensor{{1.0, 3.0, 2.5}}, tensor{2}) --> 0.1667
losses.MultiMarginLoss = loss("MultiMarginLoss", "multi_margin_loss",
  "p: int=1, margin: float=1.0, weight: any?, " .. REDUCTION)

--- How far right classes do not lead wrong ones by 1. input: [N,C] or [C]; target: as many: the right
-- classes, then 0.
-- example: nn.MultiLabelMarginLoss()(tensor{0.5, 1.0}, tensor{2, 0}) --> 0.25
losses.MultiLabelMarginLoss = loss("MultiLabelMarginLoss", "multilabel_margin_loss", REDUCTION)

--- The mean over classes of the binary cross-entropy of scores. input, target: [N,C], targets 0 or 1.
-- example: nn.MultiLabelSoftMarginLoss()(tensor{{0.0, 0.0}}, tensor{{1.0, 0.0}}) --> 0.6931
losses.MultiLabelSoftMarginLoss = loss("MultiLabelSoftMarginLoss", "multilabel_soft_margin_loss",
  "weight: any?, " .. REDUCTION)

-- ---- values ------------------------------------------------------------------------------------------------

--- Squared distance. input, target: the same shape, or a number as target.
-- example: nn.MSELoss()(tensor{1.0, 2.0}, tensor{4.0, 2.0}) --> 4.5
losses.MSELoss = loss("MSELoss", "mse_loss", REDUCTION)

--- Distance, |input - target|. input, target: the same shape, or a number as target.
-- example: nn.L1Loss()(tensor{1.0, 2.0}, tensor{4.0, 2.0}) --> 1.5
losses.L1Loss = loss("L1Loss", "l1_loss", REDUCTION)

--- Half the squared distance over beta where the distance is below beta, else the distance less
-- beta / 2.
-- example:
--   loss = nn.SmoothL1Loss "none"
--   loss(tensor{0.5, 2.0}, tensor{0.0, 0.0}) --> float32 [2]  0.125  1.500
losses.SmoothL1Loss = loss("SmoothL1Loss", "smooth_l1_loss", REDUCTION .. ", beta: float=1.0")

--- Half the squared distance where it is below delta, else delta (distance - delta / 2).
-- example:
--   loss = nn.HuberLoss{reduction = "none", delta = 2}
--   loss(tensor{0.5, 3.0}, tensor{0.0, 0.0}) --> float32 [2]  0.125  4.000
losses.HuberLoss = loss("HuberLoss", "huber_loss", REDUCTION .. ", delta: float=1.0")

-- ---- probabilities -----------------------------------------------------------------------------------------

--- Binary cross-entropy from scores before sigmoid. input, target: the same shape, targets 0..1, or a
-- number as target. pos_weight: weight of the positive answers.
-- example:
--   loss = nn.BCEWithLogitsLoss()
--   loss(tensor{0.0, 100.0}, tensor{1.0, 1.0}) --> 0.3466
losses.BCEWithLogitsLoss = loss("BCEWithLogitsLoss", "binary_cross_entropy_with_logits",
  "weight: any?, " .. REDUCTION .. ", pos_weight: any?")

--- Binary cross-entropy from probabilities. input, target: the same shape, both 0..1.
-- example:
--   loss = nn.BCELoss()
--   loss(tensor{0.5, 0.5}, tensor{1.0, 0.0}) --> 0.6931
losses.BCELoss = loss("BCELoss", "binary_cross_entropy", "weight: any?, " .. REDUCTION)

--- target (log target - input): input holds log probabilities, target probabilities, or their
-- logarithms with log_target. "batchmean" divides the sum by the first size.
-- example:
--   loss = nn.KLDivLoss "sum"
--   loss(tensor{0.5, 0.5}:log(), tensor{1.0, 0.0}) --> 0.6931
losses.KLDivLoss = loss("KLDivLoss", "kl_div",
  "reduction: string{none|mean|sum|batchmean}=mean, log_target: bool=false")

--- Minus the log probability of counts where Poisson's rate is exp(input), or input without log_input.
-- example:
--   loss = nn.PoissonNLLLoss()
--   loss(tensor{0.0}, tensor{3.0}) --> 1.0
losses.PoissonNLLLoss = loss("PoissonNLLLoss", "poisson_nll_loss",
  "log_input: bool=true, full: bool=false, eps: float=1e-08, " .. REDUCTION)

--- Minus the log density of target, normal of mean input and variance var: loss(input, target, var).
-- example:
--   loss = nn.GaussianNLLLoss()
--   loss(tensor{1.0}, tensor{3.0}, tensor{1.0}) --> 2.0
losses.GaussianNLLLoss = loss("GaussianNLLLoss", "gaussian_nll_loss",
  "full: bool=false, eps: float=1e-06, " .. REDUCTION)

-- ---- pairs and triples -------------------------------------------------------------------------------------

--- input where target is 1, what it lacks to margin where target is -1.
-- example:
--   loss = nn.HingeEmbeddingLoss()
--   loss(tensor{0.25, 0.25}, tensor{1, -1}) --> 0.5
losses.HingeEmbeddingLoss = loss("HingeEmbeddingLoss", "hinge_embedding_loss", "margin: float=1.0, " .. REDUCTION)

--- log(1 + exp(-target input)), targets 1 and -1.
-- example: nn.SoftMarginLoss()(tensor{0.0}, tensor{1}) --> 0.6931
losses.SoftMarginLoss = loss("SoftMarginLoss", "soft_margin_loss", REDUCTION)

--- max(0, margin - target (input1 - input2)): loss(input1, input2, target).
-- example:
--   loss = nn.MarginRankingLoss{reduction = "none"}
--   loss(tensor{3.0, 1.0}, tensor{1.0, 2.0}, tensor{1, 1}) --> float32 [2]  0.0  1.0
losses.MarginRankingLoss = loss("MarginRankingLoss", "margin_ranking_loss", "margin: float=0.0, " .. REDUCTION)

--- 1 - cosine where target is 1, max(0, cosine - margin) where it is -1: loss(input1, input2, target).
-- example:
--   loss = nn.CosineEmbeddingLoss()
--   loss(tensor{{1.0, 0.0}}, tensor{{0.0, 1.0}}, tensor{1}) --> 1.0
losses.CosineEmbeddingLoss = loss("CosineEmbeddingLoss", "cosine_embedding_loss",
  "margin: float=0.0, " .. REDUCTION)

--- max(0, margin + distance to the positive - distance to the negative): loss(anchor, positive,
-- negative).
-- example:
--   loss = nn.TripletMarginLoss()
--   loss(tensor{{0.0, 0.0}}, tensor{{3.0, 4.0}}, tensor{{0.0, 5.5}}) --> 0.5
losses.TripletMarginLoss = loss("TripletMarginLoss", "triplet_margin_loss",
  "margin: float=1.0, p: float=2.0, eps: float=1e-06, swap: bool=false, " .. REDUCTION)

--- TripletMarginLoss by a function of two tensors that gives their distances, a layer or a plain
-- function; Euclidean by default.
-- example:
--   loss = nn.TripletMarginWithDistanceLoss(function(x, y) return (x - y):abs():sum(-1) end)
--   loss(tensor{{0.0, 0.0}}, tensor{{3.0, 4.0}}, tensor{{0.0, 5.5}}) --> 2.5
losses.TripletMarginWithDistanceLoss = layer("TripletMarginWithDistanceLoss",
  "distance_function: any?, margin: float=1.0, swap: bool=false, " .. REDUCTION)

function losses.TripletMarginWithDistanceLoss:forward(anchor, positive, negative)
  local o = self._options
  local distance = o.distance_function or tensor.pairwise_distance
  local near, far = distance(anchor, positive), distance(anchor, negative)
  if o.swap then far = far:minimum(distance(positive, negative)) end
  local all = (near - far + o.margin):relu()
  if o.reduction == "none" then return all end
  return o.reduction == "sum" and all:sum() or all:mean()
end

-- ---- sequences ---------------------------------------------------------------------------------------------

local function whole_numbers(name, value)
  if tensor.is_tensor(value) then return value end
  if type(value) == "number" then value = {value} end
  if type(value) ~= "table" then
    fail.raise("nn.CTCLoss: %s is a %s; a tensor or a list of lengths is wanted", name, type(value))
  end
  return tensor(value, {dtype = "int64"})
end

--- Connectionist temporal classification: minus the log probability of label sequences without
-- alignment: loss(log_probs, targets, input_lengths, target_lengths). log_probs: [T,N,C]; targets:
-- [N,S] or all in a row, classes from 1; lengths: tensors or lists of N. blank: the class that stands
-- for no label.
-- example:
--   x = tensor.full({2, 1, 2}, 0.5):log()
--   nn.CTCLoss()(x, tensor{{2}}, {2}, {1}) --> 0.2877
losses.CTCLoss = layer("CTCLoss", "blank: size=1, " .. REDUCTION .. ", zero_infinity: bool=false")

function losses.CTCLoss:forward(log_probs, targets, input_lengths, target_lengths)
  local o = self._options
  return tensor.ctc_loss(log_probs, targets, whole_numbers("input_lengths", input_lengths),
    whole_numbers("target_lengths", target_lengths), o.blank, o.reduction, o.zero_infinity)
end

return losses
