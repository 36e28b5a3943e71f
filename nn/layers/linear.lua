-- linear.lua: layers that are one product, distance or table look-up: Linear, Bilinear, Embedding, ...

local core = require "lunette.core"
local fail = require "lunette.nn.fail"
local init = require "lunette.nn.initial"
local layer = require "lunette.nn.layer"
local Parameter = require "lunette.nn.parameter"

local tensor = core.tensor

--- y = x W' + b over the last dimension. x: [..., in_features] -> [..., out_features].
-- weight: [out_features, in_features], bias: [out_features]; both start uniform in
-- +-1/sqrt(in_features), as in PyTorch.
-- example:
--   layer = nn.Linear(2, 3)
--   layer(tensor.zeros(8, 2)).shape --> {8, 3}
--   nn.init.ones_(layer.weight); nn.init.constant_(layer.bias, 10);
--   layer(tensor{1.0, 2.0}):detach() --> float32 [3]  13.0  13.0  13.0
local Linear = layer("Linear", "in_features: size, out_features: size, bias: bool=true, dtype: dtype=float32")

function Linear:build(o)
  self.in_features, self.out_features = o.in_features, o.out_features
  local bound = 1 / math.sqrt(o.in_features)
  self.weight = Parameter(init.new_uniform({o.out_features, o.in_features}, bound, o.dtype))
  if o.bias then self.bias = Parameter(init.new_uniform({o.out_features}, bound, o.dtype)) end
end

function Linear:forward(x) return tensor.linear(x, self.weight, self.bias) end

function Linear:_label() return ("%d -> %d"):format(self.in_features, self.out_features) end

function Linear:_explain(x)
  if not tensor.is_tensor(x) then return "its input is a " .. type(x) .. "; a tensor is wanted" end
  if x:dim() == 0 or x:size(-1) ~= self.in_features then
    return ("input %s wants %d in its last dimension"):format(fail.shape(x), self.in_features)
  end
end

-- weight: [num_embeddings, embedding_dim], normal at first, zero in the row padding_idx.
local function build_table(self, o)
  self.num_embeddings, self.embedding_dim, self.padding_idx = o.num_embeddings, o.embedding_dim, o.padding_idx
  self.max_norm, self.norm_type, self.scale_grad_by_freq = o.max_norm, o.norm_type, o.scale_grad_by_freq
  local weight = init.new_normal({o.num_embeddings, o.embedding_dim}, 1, o.dtype)
  if o.padding_idx then
    local row = o.padding_idx < 0 and o.num_embeddings + 1 + o.padding_idx or o.padding_idx
    if row < 1 or row > o.num_embeddings then
      fail.raise("%s: padding_idx is %d, but there are %d rows", self._signature.where, o.padding_idx,
        o.num_embeddings)
    end
    weight[row] = 0
  end
  self.weight = Parameter(weight)
end

local function table_label(self) return ("%d x %d"):format(self.num_embeddings, self.embedding_dim) end

--- A row of a table for every id. x: any shape of ids 1..num_embeddings -> [..., embedding_dim].
-- weight: [num_embeddings, embedding_dim], normal at first; the row padding_idx is zero and is not
-- trained. max_norm shortens rows as they are read; scale_grad_by_freq divides a row's gradient by
-- how often its id occurs.
-- example:
--   embedding = nn.Embedding(10, 4)
--   embedding(tensor{{1, 2, 10}}).shape --> {1, 3, 4}
--   embedding(tensor{2}):equal(embedding.weight[{{2, 2}}]) --> true
local Embedding = layer("Embedding", "num_embeddings: size, embedding_dim: size, padding_idx: int?, "
  .. "max_norm: float?, norm_type: float=2.0, scale_grad_by_freq: bool=false, dtype: dtype=float32")

function Embedding:forward(x)
  return tensor.embedding(x, self.weight, self.padding_idx, self.max_norm, self.norm_type, self.scale_grad_by_freq)
end

Embedding.build, Embedding._label = build_table, table_label

--- The mean, sum or maximum of the rows of each bag of ids. x: [bags, ids], or all ids in a row and
-- offsets, where bags begin, from 1. weight: [num_embeddings, embedding_dim], normal at first.
-- example:
--   bag = nn.EmbeddingBag(10, 4, {mode = "sum"})
--   bag(tensor{{1, 2, 10}}).shape --> {1, 4}
--   bag(tensor{{1, 3}})[1]:equal(bag.weight[1] + bag.weight[3]) --> true
local EmbeddingBag = layer("EmbeddingBag", "num_embeddings: size, embedding_dim: size, max_norm: float?, "
  .. "norm_type: float=2.0, scale_grad_by_freq: bool=false, mode: string{mean|sum|max}=mean, "
  .. "include_last_offset: bool=false, padding_idx: int?, dtype: dtype=float32")

function EmbeddingBag:forward(x, offsets, per_sample_weights)
  local o = self._options
  return tensor.embedding_bag(x, self.weight, {offsets = offsets, max_norm = o.max_norm,
    norm_type = o.norm_type, scale_grad_by_freq = o.scale_grad_by_freq, mode = o.mode,
    per_sample_weights = per_sample_weights, include_last_offset = o.include_last_offset,
    padding_idx = o.padding_idx})
end

EmbeddingBag.build, EmbeddingBag._label = build_table, table_label

--- x1' weight[o] x2 + bias[o] for every output o. x1: [..., in1_features], x2: [..., in2_features] ->
-- [..., out_features]. weight: [out_features, in1_features, in2_features], uniform in
-- +-1/sqrt(in1_features).
-- example:
--   layer = nn.Bilinear(2, 2, 1, {bias = false})
--   w = nn.init.ones_(layer.weight)
--   layer(tensor{{1.0, 2.0}}, tensor{{3.0, 4.0}}):item() --> 21.0
local Bilinear = layer("Bilinear", "in1_features: size, in2_features: size, out_features: size, "
  .. "bias: bool=true, dtype: dtype=float32")

function Bilinear:build(o)
  local bound = 1 / math.sqrt(o.in1_features)
  self.in1_features, self.in2_features, self.out_features = o.in1_features, o.in2_features, o.out_features
  self.weight = Parameter(init.new_uniform({o.out_features, o.in1_features, o.in2_features}, bound, o.dtype))
  if o.bias then self.bias = Parameter(init.new_uniform({o.out_features}, bound, o.dtype)) end
end

function Bilinear:forward(x1, x2) return tensor.bilinear(x1, x2, self.weight, self.bias) end

--- The cosine of the angle between vectors along a dimension, the second by default.
-- example: nn.CosineSimilarity()(tensor{{1.0, 0.0}}, tensor{{3.0, 3.0}}) --> float32 [1]  0.7071
local CosineSimilarity = layer("CosineSimilarity", "dim: dim=2, eps: float=1e-08")

function CosineSimilarity:forward(x1, x2)
  return tensor.cosine_similarity(x1, x2, self._options.dim, self._options.eps)
end

--- The p-norm of x1 - x2 + eps over the last dimension.
-- example:
--   distance = nn.PairwiseDistance{eps = 0}
--   distance(tensor{{0.0, 0.0}}, tensor{{3.0, 4.0}}) --> float32 [1]  5.0
local PairwiseDistance = layer("PairwiseDistance", "p: float=2.0, eps: float=1e-06, keepdim: bool=false")

function PairwiseDistance:forward(x1, x2)
  local o = self._options
  return tensor.pairwise_distance(x1, x2, o.p, o.eps, o.keepdim)
end

--- Passes its input on. Takes any arguments and ignores them.
-- example: nn.Identity()(tensor{1, 2}) --> int64 [2]  1  2
local Identity = layer("Identity", "ignored: any?")

function Identity:init() end -- luacheck: ignore
function Identity:forward(x) return x end -- luacheck: ignore

return {Linear = Linear, Embedding = Embedding, EmbeddingBag = EmbeddingBag, Bilinear = Bilinear,
  CosineSimilarity = CosineSimilarity, PairwiseDistance = PairwiseDistance, Identity = Identity}
