-- attention.lua: attention with several heads, and the layers of transformers, batch first. In masks
-- true hides.

local core = require "lunette.core"
local class = require "lunette.nn.class"
local fail = require "lunette.nn.fail"
local init = require "lunette.nn.initial"
local layer = require "lunette.nn.layer"
local linear = require "lunette.nn.layers.linear"
local norm = require "lunette.nn.layers.norm"
local activation = require "lunette.nn.layers.activation"
local Parameter = require "lunette.nn.parameter"
local Signature = require "lunette.nn.signature"

local tensor = core.tensor
local layers = {}

-- ---- heads -------------------------------------------------------------------------------------------------

--- Attention with several heads (Vaswani and others 2017). query: [B,L,embed_dim], key: [B,S,kdim],
-- value: [B,S,vdim] -> [B,L,embed_dim]. Options of the call: attn_mask, [L,S] or [B*num_heads,L,S],
-- true where a key is hidden or numbers to add; key_padding_mask, [B,S], true for padding; is_causal;
-- need_weights gives the weights too, the mean over heads [B,L,S]. in_proj_weight: [3 embed_dim,
-- embed_dim], in_proj_bias, out_proj.
-- example:
--   attention = nn.MultiheadAttention(16, 4)
--   query, memory = tensor.randn(8, 5, 16), tensor.randn(8, 7, 16)
--   attention(query, memory, memory).shape --> {8, 5, 16}
local MultiheadAttention = layer("MultiheadAttention", "embed_dim: size, num_heads: size, "
  .. "dropout: float=0.0, bias: bool=true, kdim: size?, vdim: size?, dtype: dtype=float32")
layers.MultiheadAttention = MultiheadAttention

-- Uniform in +-sqrt(6 / (rows + columns)), as PyTorch starts them.
local function projection(rows, columns, dtype)
  return Parameter(init.new_uniform({rows, columns}, math.sqrt(6 / (rows + columns)), dtype))
end

function MultiheadAttention:build(o)
  local E = o.embed_dim
  if E % o.num_heads ~= 0 then
    fail.raise("nn.MultiheadAttention: %d heads do not divide embed_dim = %d", o.num_heads, E)
  end
  self.embed_dim, self.num_heads, self.dropout = E, o.num_heads, o.dropout
  if (o.kdim or E) == E and (o.vdim or E) == E then
    self.in_proj_weight = projection(3 * E, E, o.dtype)
  else
    self.q_proj_weight = projection(E, E, o.dtype)
    self.k_proj_weight = projection(E, o.kdim or E, o.dtype)
    self.v_proj_weight = projection(E, o.vdim or E, o.dtype)
  end
  if o.bias then self.in_proj_bias = Parameter(tensor.zeros({3 * E}, {dtype = o.dtype})) end
  self.out_proj = linear.Linear(E, E, {bias = o.bias, dtype = o.dtype})
  if o.bias then self.out_proj.bias:detach():zero_() end
end

-- The inputs times their parts of the weights: three of [B,T,embed_dim].
local function project(self, q, k, v)
  local E, w, b = self.embed_dim, self.in_proj_weight, self.in_proj_bias
  if w and rawequal(q, k) and rawequal(k, v) then
    local all = tensor.linear(q, w, b)
    return all:narrow(-1, 1, E), all:narrow(-1, E + 1, E), all:narrow(-1, 2 * E + 1, E)
  end
  local function part(x, i, own)
    local from = (i - 1) * E + 1
    return tensor.linear(x, own or w:narrow(1, from, E), b and b:narrow(1, from, E))
  end
  return part(q, 1, self.q_proj_weight), part(k, 2, self.k_proj_weight), part(v, 3, self.v_proj_weight)
end

-- [B,T,E] -> [B,heads,T,E/heads]
local function split(x, heads)
  return x:reshape(x:size(1), x:size(2), heads, x:size(3) // heads):transpose(2, 3)
end

-- Numbers to add, as the op takes masks that may hold both kinds; nil: nothing is hidden.
local function added(mask, like)
  if mask == nil then return nil end
  if mask.dtype ~= "bool" then return mask:to(like.dtype) end
  return tensor.zeros(mask.shape, {dtype = like.dtype}):masked_fill(mask, -math.huge)
end

local function mask_of(self, o, q)
  local mask, padding = added(o.attn_mask, q), added(o.key_padding_mask, q)
  if mask and mask:dim() == 3 then
    mask = mask:reshape(-1, self.num_heads, mask:size(2), mask:size(3))
  end
  if padding then
    padding = padding:unsqueeze(2):unsqueeze(2)
    mask = mask and mask + padding or padding
  end
  return mask
end

local function weights_of(q, k, mask, causal)
  local s = q:matmul(k:transpose(-1, -2)) / math.sqrt(q:size(-1))
  if mask then s = s + mask end
  if causal then s = s:masked_fill(tensor.ones(q:size(-2), k:size(-2)):triu(1):bool(), -math.huge) end
  return s:softmax(-1):mean(2)
end

local of_heads = Signature.new("forward",
  "key_padding_mask: tensor?, need_weights: bool=false, attn_mask: tensor?, is_causal: bool=false")

function MultiheadAttention:forward(query, key, value, ...)
  local o = of_heads:read(...)
  key, value = key or query, value or key or query
  local q, k, v = project(self, query, key, value)
  q, k, v = split(q, self.num_heads), split(k, self.num_heads), split(v, self.num_heads)
  local mask = mask_of(self, o, q)
  local causal = o.is_causal == true and mask == nil
  if o.is_causal and mask then
    mask = mask + added(tensor.ones(q:size(3), k:size(3)):triu(1):bool(), q)
  end
  local y = tensor.scaled_dot_product_attention(q, k, v, mask, self.training and self.dropout or 0, causal)
  y = self.out_proj(y:transpose(2, 3):reshape(query:size(1), query:size(2), self.embed_dim))
  if o.need_weights then return y, weights_of(q, k, mask, causal) end
  return y
end

function MultiheadAttention:_acts_in_training() return self.dropout > 0 end
function MultiheadAttention:_label() return ("%d, %d heads"):format(self.embed_dim, self.num_heads) end

function MultiheadAttention:_explain(x)
  if not tensor.is_tensor(x) then return "its input is a " .. type(x) .. "; a tensor is wanted" end
  if x:dim() ~= 3 or x:size(3) ~= self.embed_dim then
    return ("query %s; [B,L,%d] is wanted (batch first)"):format(fail.shape(x), self.embed_dim)
  end
end

-- ---- transformers ------------------------------------------------------------------------------------------

local OPTIONS = "d_model: size, nhead: size, dim_feedforward: size=2048, dropout: float=0.1, activation: any=relu, "
  .. "layer_norm_eps: float=1e-05, norm_first: bool=false, dtype: dtype=float32"

local function activation_of(name)
  if type(name) == "string" then
    if name ~= "relu" and name ~= "gelu" then
      fail.raise('transformer layers: activation is "relu", "gelu" or a function, got "%s"', name)
    end
    return tensor[name]
  end
  return name
end

-- norms: how many layer norms there are.
local function build_common(self, o, norms)
  self.linear1 = linear.Linear(o.d_model, o.dim_feedforward, {dtype = o.dtype})
  self.dropout = activation.Dropout(o.dropout)
  self.linear2 = linear.Linear(o.dim_feedforward, o.d_model, {dtype = o.dtype})
  self.norm_first = o.norm_first
  for i = 1, norms do
    self["norm" .. i] = norm.LayerNorm({o.d_model}, {eps = o.layer_norm_eps, dtype = o.dtype})
  end
  for i = 1, norms do self["dropout" .. i] = activation.Dropout(o.dropout) end
end

local function attention_of(o)
  return MultiheadAttention(o.d_model, o.nhead, {dropout = o.dropout, dtype = o.dtype})
end

-- One sublayer with its way round it: x + f(norm(x)), or norm(x + f(x)).
local function around(self, i, x, f)
  local own, drop = self["norm" .. i], self["dropout" .. i]
  if self.norm_first then return x + drop((f(own(x)))) end
  return own(x + drop((f(x))))
end

local function feed(self)
  local act = activation_of(self._options.activation)
  return function(x) return self.linear2(self.dropout((act(self.linear1(x))))) end
end

--- A layer of a transformer's encoder: attention of the input to itself, then two linear layers, each
-- with a way round it and a layer norm. x: [B,T,d_model]; options of the call: src_mask and
-- src_key_padding_mask, where true hides, is_causal. activation: "relu", "gelu" or a function.
-- example:
--   layer = nn.TransformerEncoderLayer(16, 4)
--   layer(tensor.zeros(8, 5, 16)).shape --> {8, 5, 16}
layers.TransformerEncoderLayer = layer("TransformerEncoderLayer", OPTIONS)

function layers.TransformerEncoderLayer:build(o)
  self.self_attn = attention_of(o)
  build_common(self, o, 2)
end

local of_encoder = Signature.new("forward",
  "src_mask: tensor?, src_key_padding_mask: tensor?, is_causal: bool=false")

function layers.TransformerEncoderLayer:forward(x, ...)
  local o = of_encoder:read(...)
  x = around(self, 1, x, function(h)
    return self.self_attn(h, h, h, {attn_mask = o.src_mask, key_padding_mask = o.src_key_padding_mask,
      is_causal = o.is_causal})
  end)
  return around(self, 2, x, feed(self))
end

--- A layer of a transformer's decoder: attention of the input to itself, then to what the encoder
-- made, then two linear layers: layer(x, memory). x: [B,T,d_model], memory: [B,S,d_model]; options of
-- the call: tgt_mask, memory_mask, tgt_key_padding_mask and memory_key_padding_mask, where true hides,
-- tgt_is_causal.
-- example:
--   layer = nn.TransformerDecoderLayer(16, 4)
--   layer(tensor.zeros(8, 5, 16), tensor.zeros(8, 7, 16)).shape --> {8, 5, 16}
layers.TransformerDecoderLayer = layer("TransformerDecoderLayer", OPTIONS)

function layers.TransformerDecoderLayer:build(o)
  self.self_attn = attention_of(o)
  self.multihead_attn = attention_of(o)
  build_common(self, o, 3)
end

local of_decoder = Signature.new("forward", "tgt_mask: tensor?, memory_mask: tensor?, "
  .. "tgt_key_padding_mask: tensor?, memory_key_padding_mask: tensor?, tgt_is_causal: bool=false")

function layers.TransformerDecoderLayer:forward(x, memory, ...)
  local o = of_decoder:read(...)
  x = around(self, 1, x, function(h)
    return self.self_attn(h, h, h, {attn_mask = o.tgt_mask, key_padding_mask = o.tgt_key_padding_mask,
      is_causal = o.tgt_is_causal})
  end)
  x = around(self, 2, x, function(h)
    return self.multihead_attn(h, memory, memory, {attn_mask = o.memory_mask,
      key_padding_mask = o.memory_key_padding_mask})
  end)
  return around(self, 3, x, feed(self))
end

-- ---- stacks ------------------------------------------------------------------------------------------------

-- n layers like `of`; last: what stands behind them.
local function copies(name, of, n, last)
  local Class, list = class.of(of), {of}
  if not Class then fail.raise("nn.%s: takes a layer and how many of it", name) end
  if last ~= nil and type(last) ~= "function" and not class.of(last) then
    fail.raise("nn.%s: norm is a %s; a layer is wanted, such as nn.LayerNorm(64)", name, type(last))
  end
  for i = 2, n do list[i] = Class(of._options) end
  return list
end

--- num_layers layers like the one given, one after the other, each with parameters of its own, then
-- `norm` where given: nn.TransformerEncoder(nn.TransformerEncoderLayer(64, 4), 6). The call's options
-- go to every layer.
-- example:
--   encoder = nn.TransformerEncoder(nn.TransformerEncoderLayer(16, 4), 2)
--   encoder(tensor.zeros(8, 5, 16)).shape --> {8, 5, 16}
layers.TransformerEncoder = layer("TransformerEncoder", "encoder_layer: any, num_layers: size, norm: any?")

function layers.TransformerEncoder:build(o)
  self.layers = copies("TransformerEncoder", o.encoder_layer, o.num_layers, o.norm)
  self.norm = o.norm
end

function layers.TransformerEncoder:forward(x, ...)
  for _, one in ipairs(self.layers) do x = one(x, ...) end
  return self.norm and self.norm(x) or x
end

--- num_layers decoder layers like the one given, one after the other, then `norm` where given:
-- decoder(x, memory, options).
-- example:
--   decoder = nn.TransformerDecoder(nn.TransformerDecoderLayer(16, 4), 2)
--   decoder(tensor.zeros(8, 5, 16), tensor.zeros(8, 7, 16)).shape --> {8, 5, 16}
layers.TransformerDecoder = layer("TransformerDecoder", "decoder_layer: any, num_layers: size, norm: any?")

function layers.TransformerDecoder:build(o)
  self.layers = copies("TransformerDecoder", o.decoder_layer, o.num_layers, o.norm)
  self.norm = o.norm
end

function layers.TransformerDecoder:forward(x, memory, ...)
  for _, one in ipairs(self.layers) do x = one(x, memory, ...) end
  return self.norm and self.norm(x) or x
end

-- ---- both ----------------------------------------------------------------------------------------------------

-- A stack of layers of a kind with a layer norm behind, from the options of Transformer.
local function stack(name, o, n)
  local one = layers[name .. "Layer"] {d_model = o.d_model, nhead = o.nhead, dim_feedforward = o.dim_feedforward,
    dropout = o.dropout, activation = o.activation, layer_norm_eps = o.layer_norm_eps, norm_first = o.norm_first,
    dtype = o.dtype}
  return layers[name](one, n, norm.LayerNorm({o.d_model}, {eps = o.layer_norm_eps, dtype = o.dtype}))
end

--- An encoder and a decoder: model(src, tgt). src: [B,S,d_model], tgt: [B,T,d_model]; the result has
-- tgt's shape. Options of the call: those of TransformerEncoderLayer and TransformerDecoderLayer.
-- Vaswani et al. 2017, arXiv:1706.03762.
-- example:
--   model = nn.Transformer(16, 4, 1, 1, 32)
--   model(tensor.randn(2, 5, 16), tensor.randn(2, 3, 16)).shape --> {2, 3, 16}
layers.Transformer = layer("Transformer", "d_model: size=512, nhead: size=8, num_encoder_layers: size=6, "
  .. "num_decoder_layers: size=6, dim_feedforward: size=2048, dropout: float=0.1, activation: any=relu, "
  .. "layer_norm_eps: float=1e-05, norm_first: bool=false, dtype: dtype=float32")

function layers.Transformer:build(o)
  self.encoder = stack("TransformerEncoder", o, o.num_encoder_layers)
  self.decoder = stack("TransformerDecoder", o, o.num_decoder_layers)
end

local of_both = Signature.new("forward", "src_mask: tensor?, tgt_mask: tensor?, memory_mask: tensor?, "
  .. "src_key_padding_mask: tensor?, tgt_key_padding_mask: tensor?, memory_key_padding_mask: tensor?, "
  .. "is_causal: bool=false, tgt_is_causal: bool=false")

function layers.Transformer:forward(src, tgt, ...)
  local o = of_both:read(...)
  local memory = self.encoder(src, {src_mask = o.src_mask, src_key_padding_mask = o.src_key_padding_mask,
    is_causal = o.is_causal})
  return self.decoder(tgt, memory, {tgt_mask = o.tgt_mask, memory_mask = o.memory_mask,
    tgt_key_padding_mask = o.tgt_key_padding_mask, memory_key_padding_mask = o.memory_key_padding_mask,
    tgt_is_causal = o.tgt_is_causal})
end

return layers
