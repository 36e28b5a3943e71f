-- activation.lua: activations, dropout and changes of shape: layers without parameters.

local core = require "lunette.core"
local fail = require "lunette.nn.fail"
local layer = require "lunette.nn.layer"
local Parameter = require "lunette.nn.parameter"

local tensor = core.tensor

local layers = {}

-- ---- without arguments -----------------------------------------------------------------------------------

--- A layer that applies tensor[op] to its input; {inplace = true} writes into it where text names inplace.
local function simple(name, op, text, ...)
  local new = layer(name, text or "")
  local arguments = {...}
  local method, written = tensor[op], op .. "_"
  new._shown = arguments[1]
  if #arguments == 0 then
    function new:forward(x) return self._options.inplace and x[written](x) or method(x) end
  else
    function new:forward(x)
      local o = self._options
      local values = {}
      for k, key in ipairs(arguments) do values[k] = o[key] end
      if o.inplace then return x[written](x, table.unpack(values)) end
      return method(x, table.unpack(values))
    end
  end
  layers[name] = new
end

local INPLACE = "inplace: bool=false"

simple("ReLU", "relu", INPLACE) --- max(x, 0).
simple("ReLU6", "relu6", INPLACE) --- x cut to 0 .. 6.
simple("SiLU", "silu", INPLACE) --- x * sigmoid(x), also called swish.
simple("Mish", "mish", INPLACE) --- x * tanh(log(1 + exp(x))).
simple("SELU", "selu", INPLACE) --- elu scaled to keep mean 0 and variance 1.
simple("Hardsigmoid", "hardsigmoid", INPLACE) --- x / 6 + 1/2, cut to 0 .. 1.
simple("Hardswish", "hardswish", INPLACE) --- x * hardsigmoid(x).
simple("Sigmoid", "sigmoid") --- 1 / (1 + exp(-x)).
simple("Tanh", "tanh") --- The hyperbolic tangent.
simple("LogSigmoid", "logsigmoid") --- log(sigmoid(x)).
simple("Softsign", "softsign") --- x / (1 + |x|).
simple("Tanhshrink", "tanhshrink") --- x - tanh(x).

-- ---- with arguments --------------------------------------------------------------------------------------

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
--- x moved towards 0 by lambd.
simple("Softshrink", "softshrink", "lambd: float=0.5", "lambd")
--- x where x > threshold, else value.
simple("Threshold", "threshold", "threshold: float, value: float, " .. INPLACE, "threshold", "value")
--- x * Phi(x), Phi the normal distribution function; approximate = "tanh" is the usual short formula.
simple("GELU", "gelu", "approximate: string{none|tanh}=none", "approximate")
--- The first half of a dimension, the last by default, times sigmoid of the second.
simple("GLU", "glu", "dim: dim=-1", "dim")
--- softmax of -x over a dimension, the last by default.
simple("Softmin", "softmin", "dim: dim=-1", "dim")

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

function layers.PReLU:build(o) self.weight = Parameter(tensor.full({o.num_parameters}, o.init, {dtype = "float32"})) end

function layers.PReLU:forward(x) return tensor.prelu(x, self.weight) end

--- softmax over the channels of images, [N,C,H,W] or [C,H,W].
layers.Softmax2d = layer("Softmax2d", "")

function layers.Softmax2d:forward(x) -- luacheck: ignore self
  if x:dim() ~= 3 and x:dim() ~= 4 then
    fail.raise("nn.Softmax2d: the input has %d dimensions; [N,C,H,W] or [C,H,W] is wanted", x:dim())
  end
  return tensor.softmax(x, -3)
end

--- exp(x) divided by its sum over a dimension, the last by default.
layers.Softmax = layer("Softmax", "dim: dim=-1")

function layers.Softmax:forward(x) return tensor.softmax(x, self._options.dim) end

--- The logarithm of softmax over a dimension, the last by default.
layers.LogSoftmax = layer("LogSoftmax", "dim: dim=-1")

function layers.LogSoftmax:forward(x) return tensor.log_softmax(x, self._options.dim) end

-- ---- dropout ---------------------------------------------------------------------------------------------

local function check_probability(self, o)
  if not (o.p >= 0 and o.p <= 1) then
    fail.raise("nn.%s: p is %g; a probability is between 0 and 1", self._name or "Dropout", o.p)
  end
end

--- A layer that applies tensor[op](x, p, true) in training and does nothing in evaluation.
local function dropout(name, op)
  local new = layer(name, "p: float=0.5, " .. INPLACE)
  new._shown = "p"
  new.build = check_probability
  function new:forward(x)
    local o = self._options
    if not self.training then return x end
    local y = tensor[op](x, o.p, true)
    return o.inplace and x:copy_(y) or y
  end
  function new:_acts_in_training() return self._options.p > 0 end
  layers[name] = new
end

--- In training: zeroes every element with probability p and multiplies the others by 1 / (1 - p); in
-- evaluation: nothing.
dropout("Dropout", "dropout")
dropout("Dropout1d", "dropout1d") --- The same for whole channels of [N,C,L].
dropout("Dropout2d", "dropout2d") --- The same for whole channels of [N,C,H,W].
dropout("Dropout3d", "dropout3d") --- The same for whole channels of [N,C,D,H,W].
--- Dropout for selu: keeps mean 0 and variance 1.
dropout("AlphaDropout", "alpha_dropout")
dropout("FeatureAlphaDropout", "feature_alpha_dropout") --- The same for whole channels.

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
