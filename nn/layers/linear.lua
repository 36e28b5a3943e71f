-- linear.lua: layers that are one matrix product or table look-up: Linear, Embedding, Identity.

local core = require "lunette.core"
local fail = require "lunette.nn.fail"
local init = require "lunette.nn.initial"
local layer = require "lunette.nn.layer"
local Parameter = require "lunette.nn.parameter"

local tensor = core.tensor

--- y = x W' + b over the last dimension. x: [..., in_features] -> [..., out_features].
-- weight: [out_features, in_features], bias: [out_features]; both start uniform in
-- +-1/sqrt(in_features), as in PyTorch.
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

--- A row of a table for every id. x: any shape of ids 1..num_embeddings -> [..., embedding_dim].
-- weight: [num_embeddings, embedding_dim], normal at first; the row padding_idx is zero and is not
-- trained.
local Embedding = layer("Embedding",
  "num_embeddings: size, embedding_dim: size, padding_idx: size?, dtype: dtype=float32")

function Embedding:build(o)
  self.num_embeddings, self.embedding_dim, self.padding_idx = o.num_embeddings, o.embedding_dim, o.padding_idx
  local weight = init.new_normal({o.num_embeddings, o.embedding_dim}, 1, o.dtype)
  if o.padding_idx then
    if o.padding_idx > o.num_embeddings then
      fail.raise("nn.Embedding: padding_idx is %d, but there are %d rows", o.padding_idx, o.num_embeddings)
    end
    weight[o.padding_idx] = 0
  end
  self.weight = Parameter(weight)
end

function Embedding:forward(x) return tensor.embedding(self.weight, x, self.padding_idx) end

function Embedding:_label() return ("%d x %d"):format(self.num_embeddings, self.embedding_dim) end

--- Passes its input on. Takes any arguments and ignores them.
local Identity = layer("Identity", "ignored: any?")

function Identity:init() end -- luacheck: ignore
function Identity:forward(x) return x end -- luacheck: ignore

return {Linear = Linear, Embedding = Embedding, Identity = Identity}
