-- activation.lua: activations, dropout and changes of shape: layers without parameters.

local core = require "lunette.core"
local fail = require "lunette.nn.fail"
local layer = require "lunette.nn.layer"

local tensor = core.tensor

local layers = {}

-- ---- without arguments -----------------------------------------------------------------------------------

--- max(x, 0). {inplace = true} writes into its input.
layers.ReLU = layer("ReLU", "inplace: bool=false")

function layers.ReLU:forward(x)
  if self._options.inplace then return x:relu_() end
  return tensor.relu(x)
end

--- x * sigmoid(x), also called swish.
layers.SiLU = layer("SiLU", "")
function layers.SiLU:forward(x) return tensor.silu(x) end -- luacheck: ignore self

--- 1 / (1 + exp(-x)).
layers.Sigmoid = layer("Sigmoid", "")
function layers.Sigmoid:forward(x) return tensor.sigmoid(x) end -- luacheck: ignore self

--- The hyperbolic tangent.
layers.Tanh = layer("Tanh", "")
function layers.Tanh:forward(x) return tensor.tanh(x) end -- luacheck: ignore self

-- ---- with arguments --------------------------------------------------------------------------------------

--- x where x > 0, else negative_slope * x.
layers.LeakyReLU = layer("LeakyReLU", "negative_slope: float=0.01")
layers.LeakyReLU._shown = "negative_slope"

function layers.LeakyReLU:forward(x) return tensor.leaky_relu(x, self._options.negative_slope) end

--- x * Phi(x), Phi the normal distribution function; approximate = "tanh" is the usual short formula.
layers.GELU = layer("GELU", "approximate: string{none|tanh}=none")

function layers.GELU:forward(x)
  if self._options.approximate == "none" then return tensor.gelu(x) end
  return x * 0.5 * ((x + x ^ 3 * 0.044715) * math.sqrt(2 / math.pi)):tanh():add(1)
end

--- exp(x) divided by its sum over a dimension, the last by default.
layers.Softmax = layer("Softmax", "dim: dim=-1")

function layers.Softmax:forward(x) return tensor.softmax(x, self._options.dim) end

--- The logarithm of softmax over a dimension, the last by default.
layers.LogSoftmax = layer("LogSoftmax", "dim: dim=-1")

function layers.LogSoftmax:forward(x) return tensor.log_softmax(x, self._options.dim) end

--- In training: zeroes every element with probability p and multiplies the others by 1 / (1 - p); in
-- evaluation: nothing.
layers.Dropout = layer("Dropout", "p: float=0.5")
layers.Dropout._shown = "p"

function layers.Dropout:build(o) -- luacheck: ignore self
  if not (o.p >= 0 and o.p <= 1) then
    fail.raise("nn.Dropout: p is %g; a probability is between 0 and 1", o.p)
  end
end

function layers.Dropout:forward(x)
  if not self.training then return x end
  return tensor.dropout(x, self._options.p)
end

function layers.Dropout:_acts_in_training() return self._options.p > 0 end

-- ---- shape -------------------------------------------------------------------------------------------------

--- Joins the dimensions start_dim..end_dim, by default all but the batch: [N,C,H,W] -> [N,C*H*W].
layers.Flatten = layer("Flatten", "start_dim: dim=2, end_dim: dim=-1")

function layers.Flatten:forward(x)
  local o = self._options
  return tensor.flatten(x, o.start_dim, o.end_dim)
end

--- Splits a dimension into several: nn.Unflatten(-1, {128, 7, 7}): [N,6272] -> [N,128,7,7].
layers.Unflatten = layer("Unflatten", "dim: dim, unflattened_size: list")

function layers.Unflatten:forward(x)
  local o = self._options
  return tensor.unflatten(x, o.dim, o.unflattened_size)
end

return layers
