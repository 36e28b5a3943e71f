-- activation.lua: activations, dropout and changes of shape.

local core = require "lunette.core"
local fail = require "lunette.nn.fail"
local layer = require "lunette.nn.layer"
local Parameter = require "lunette.nn.parameter"

local tensor = core.tensor

local layers = {}

-- ---- one op ----------------------------------------------------------------------------------------------

local INPLACE = "inplace: bool=false"

-- The layer that applies tensor[op] to its input, with the arguments of these names; with inplace among
-- its options it may write into it.
local function simple(name, op, text, ...)
  local new = layer(name, text or "", nil, 1)
  local arguments, plain, written = { ... }, tensor[op], rawget(tensor, op .. "_")
  new._shown = arguments[1]
  function new:forward(x)
    local o, values = self._options, {}
    for k, key in ipairs(arguments) do values[k] = o[key] end
    return (o.inplace and written or plain)(x, table.unpack(values, 1, #arguments))
  end
  layers[name] = new
end

--- max(x, 0). {inplace = true} writes into its input.
simple("ReLU", "relu", INPLACE)

--- x cut to 0 .. 6.
simple("ReLU6", "relu6", INPLACE)

--- x * sigmoid(x), also called swish.
simple("SiLU", "silu", INPLACE)

--- x * tanh(log(1 + exp(x))).
simple("Mish", "mish", INPLACE)

--- elu scaled so that activations keep mean 0 and variance 1.
simple("SELU", "selu", INPLACE)

--- x / 6 + 1/2, cut to 0 .. 1.
simple("Hardsigmoid", "hardsigmoid", INPLACE)

--- x * hardsigmoid(x).
simple("Hardswish", "hardswish", INPLACE)

--- 1 / (1 + exp(-x)).
simple("Sigmoid", "sigmoid")

--- The hyperbolic tangent.
simple("Tanh", "tanh")

--- log(sigmoid(x)).
simple("LogSigmoid", "logsigmoid")

--- log(1 + exp(beta x)) / beta, a smooth ReLU; x itself where beta x is above threshold.
simple("Softplus", "softplus", "beta: float=1, threshold: float=20", "beta", "threshold")

--- x / (1 + |x|).
simple("Softsign", "softsign")

--- x - tanh(x).
simple("Tanhshrink", "tanhshrink")

--- x where x > 0, else negative_slope * x.
simple("LeakyReLU", "leaky_relu", "negative_slope: float=0.01, " .. INPLACE, "negative_slope")

--- x where x > 0, else alpha * (exp(x) - 1).
simple("ELU", "elu", "alpha: float=1.0, " .. INPLACE, "alpha")

--- x where x > 0, else alpha * (exp(x / alpha) - 1).
simple("CELU", "celu", "alpha: float=1.0, " .. INPLACE, "alpha")

--- x cut to min_val .. max_val.
simple("Hardtanh", "hardtanh", "min_val: float=-1.0, max_val: float=1.0, " .. INPLACE, "min_val", "max_val")

--- 0 from -lambd to lambd, x elsewhere.
simple("Hardshrink", "hardshrink", "lambd: float=0.5", "lambd")

--- x moved towards 0 by lambd, and 0 where it is nearer than that.
simple("Softshrink", "softshrink", "lambd: float=0.5", "lambd")

--- x where x > threshold, else value.
simple("Threshold", "threshold", "threshold: float, value: float, " .. INPLACE, "threshold", "value")

--- x * Phi(x), Phi the normal distribution function; approximate = "tanh" is the usual short formula.
simple("GELU", "gelu", "approximate: string{none|tanh}=none", "approximate")

--- The first half of a dimension, the last by default, times sigmoid of the second.
simple("GLU", "glu", "dim: dim=-1", "dim")

--- exp(x) divided by its sum over a dimension, the last by default.
simple("Softmax", "softmax", "dim: dim=-1", "dim")

--- The logarithm of softmax over a dimension, the last by default.
simple("LogSoftmax", "log_softmax", "dim: dim=-1", "dim")

--- softmax of -x over a dimension, the last by default.
simple("Softmin", "softmin", "dim: dim=-1", "dim")

-- ---- more than that --------------------------------------------------------------------------------------

--- softmax over the channels of images, [N,C,H,W] or [C,H,W].
layers.Softmax2d = layer("Softmax2d", "")

function layers.Softmax2d:forward(x) -- luacheck: ignore self
  if x:dim() ~= 3 and x:dim() ~= 4 then
    fail.raise("nn.Softmax2d: the input has %d dimensions; [N,C,H,W] or [C,H,W] is wanted", x:dim())
  end
  return tensor.softmax(x, -3)
end

--- x where x > 0, else x times a slope: random from lower to upper in training, the middle otherwise.
layers.RReLU = layer("RReLU", "lower: float=0.125, upper: float=0.3333333333333333, " .. INPLACE)

function layers.RReLU:forward(x)
  local o = self._options
  local y = tensor.rrelu(x, o.lower, o.upper, self.training)
  return o.inplace and x:copy_(y) or y
end

--- x where x > 0, else weight * x: the slope is learned, one for all or one for each of num_parameters
-- channels. init is its first value.
layers.PReLU = layer("PReLU", "num_parameters: size=1, init: float=0.25")
layers.PReLU._shown = "num_parameters"

function layers.PReLU:build(o)
  self.weight = Parameter(tensor.full({o.num_parameters}, o.init, {dtype = "float32"}))
end

function layers.PReLU:forward(x) return tensor.prelu(x, self.weight) end

-- ---- dropout ---------------------------------------------------------------------------------------------

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
