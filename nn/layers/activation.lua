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
-- example: nn.ReLU()(tensor{-1.5, 2.0}) --> float32 [2]  0.0  2.0
simple("ReLU", "relu", INPLACE)

--- x cut to 0 .. 6.
-- example: nn.ReLU6()(tensor{-1.0, 3.0, 9.0}) --> float32 [3]  0.0  3.0  6.0
simple("ReLU6", "relu6", INPLACE)

--- x * sigmoid(x), also called swish.
-- example: nn.SiLU()(tensor{0.0, 3.0}) --> float32 [2]  0.0000  2.8577
simple("SiLU", "silu", INPLACE)

--- x * tanh(log(1 + exp(x))).
-- example: nn.Mish()(tensor{0.0, 1.0}) --> float32 [2]  0.0000  0.8651
simple("Mish", "mish", INPLACE)

--- elu scaled so that activations keep mean 0 and variance 1.
-- example: nn.SELU()(tensor{0.0, 1.0}) --> float32 [2]  0.0000  1.0507
simple("SELU", "selu", INPLACE)

--- x / 6 + 1/2, cut to 0 .. 1.
-- example: nn.Hardsigmoid()(tensor{-3.0, 0.0, 3.0}) --> float32 [3]  0.0  0.5  1.0
simple("Hardsigmoid", "hardsigmoid", INPLACE)

--- x * hardsigmoid(x).
-- example: nn.Hardswish()(tensor{1.0, 3.0}) --> float32 [2]  0.6667  3.0000
simple("Hardswish", "hardswish", INPLACE)

--- 1 / (1 + exp(-x)).
-- example: nn.Sigmoid()(tensor{0.0, 100.0}) --> float32 [2]  0.5  1.0
simple("Sigmoid", "sigmoid")

--- The hyperbolic tangent.
-- example: nn.Tanh()(tensor{0.0, 20.0}) --> float32 [2]  0.0  1.0
simple("Tanh", "tanh")

--- log(sigmoid(x)).
-- example: nn.LogSigmoid()(tensor{0.0}) --> float32 [1]  -0.6931
simple("LogSigmoid", "logsigmoid")

--- log(1 + exp(beta x)) / beta, a smooth ReLU; x itself where beta x is above threshold.
-- example: nn.Softplus()(tensor{0.0, 100.0}) --> float32 [2]    0.6931  100.0000
simple("Softplus", "softplus", "beta: float=1, threshold: float=20", "beta", "threshold")

--- x / (1 + |x|).
-- example: nn.Softsign()(tensor{-1.0, 3.0}) --> float32 [2]  -0.50  0.75
simple("Softsign", "softsign")

--- x - tanh(x).
-- example: nn.Tanhshrink()(tensor{0.0, 1.0}) --> float32 [2]  0.0000  0.2384
simple("Tanhshrink", "tanhshrink")

--- x where x > 0, else negative_slope * x.
-- example: nn.LeakyReLU(0.1)(tensor{-10.0, 10.0}) --> float32 [2]  -1.0  10.0
simple("LeakyReLU", "leaky_relu", "negative_slope: float=0.01, " .. INPLACE, "negative_slope")

--- x where x > 0, else alpha * (exp(x) - 1).
-- example: nn.ELU()(tensor{-1.0, 2.0}) --> float32 [2]  -0.6321  2.0000
simple("ELU", "elu", "alpha: float=1.0, " .. INPLACE, "alpha")

--- x where x > 0, else alpha * (exp(x / alpha) - 1).
-- example: nn.CELU(2)(tensor{-2.0, 2.0}) --> float32 [2]  -1.2642  2.0000
simple("CELU", "celu", "alpha: float=1.0, " .. INPLACE, "alpha")

--- x cut to min_val .. max_val.
-- example: nn.Hardtanh()(tensor{-2.0, 0.5, 2.0}) --> float32 [3]  -1.0  0.5  1.0
simple("Hardtanh", "hardtanh", "min_val: float=-1.0, max_val: float=1.0, " .. INPLACE, "min_val", "max_val")

--- 0 from -lambd to lambd, x elsewhere.
-- example: nn.Hardshrink()(tensor{-2.0, 0.3, 2.0}) --> float32 [3]  -2.0  0.0  2.0
simple("Hardshrink", "hardshrink", "lambd: float=0.5", "lambd")

--- x moved towards 0 by lambd, and 0 where it is nearer than that.
-- example: nn.Softshrink()(tensor{-2.0, 0.3, 2.0}) --> float32 [3]  -1.5  0.0  1.5
simple("Softshrink", "softshrink", "lambd: float=0.5", "lambd")

--- x where x > threshold, else value.
-- example: nn.Threshold(1, -1)(tensor{0.5, 2.0}) --> float32 [2]  -1.0  2.0
simple("Threshold", "threshold", "threshold: float, value: float, " .. INPLACE, "threshold", "value")

--- x * Phi(x), Phi the normal distribution function; approximate = "tanh" is the usual short formula.
-- example: nn.GELU()(tensor{0.0, 1.0}) --> float32 [2]  0.0000  0.8413
simple("GELU", "gelu", "approximate: string{none|tanh}=none", "approximate")

--- The first half of a dimension, the last by default, times sigmoid of the second.
-- example: nn.GLU()(tensor{{6.0, 0.0}}) --> float32 [1,1]  3.0
simple("GLU", "glu", "dim: dim=-1", "dim")

--- exp(x) divided by its sum over a dimension, the last by default.
-- example: nn.Softmax()(tensor{{0.0, 0.0}}) --> float32 [1,2]  0.5  0.5
simple("Softmax", "softmax", "dim: dim=-1", "dim")

--- The logarithm of softmax over a dimension, the last by default.
-- example: nn.LogSoftmax()(tensor{0.0, 0.0}) --> float32 [2]  -0.6931  -0.6931
simple("LogSoftmax", "log_softmax", "dim: dim=-1", "dim")

--- softmax of -x over a dimension, the last by default.
-- example: nn.Softmin()(tensor{0, math.log(3)}) --> float32 [2]  0.75  0.25
simple("Softmin", "softmin", "dim: dim=-1", "dim")

-- ---- more than that --------------------------------------------------------------------------------------

--- softmax over the channels of images, [N,C,H,W] or [C,H,W].
-- example: nn.Softmax2d()(tensor.zeros(1, 4, 2, 2)):flatten():unique() --> float32 [1]  0.25
layers.Softmax2d = layer("Softmax2d", "")

function layers.Softmax2d:forward(x) -- luacheck: ignore self
  if x:dim() ~= 3 and x:dim() ~= 4 then
    fail.raise("nn.Softmax2d: the input has %d dimensions; [N,C,H,W] or [C,H,W] is wanted", x:dim())
  end
  return tensor.softmax(x, -3)
end

--- x where x > 0, else x times a slope: random from lower to upper in training, the middle otherwise.
-- example: nn.RReLU(0.25, 0.75):eval()(tensor{-1.0, 1.0}) --> float32 [2]  -0.5  1.0
layers.RReLU = layer("RReLU", "lower: float=0.125, upper: float=0.3333333333333333, " .. INPLACE)

function layers.RReLU:forward(x)
  local o = self._options
  local y = tensor.rrelu(x, o.lower, o.upper, self.training)
  return o.inplace and x:copy_(y) or y
end

--- x where x > 0, else weight * x: the slope is learned, one for all or one for each of num_parameters
-- channels. init is its first value.
-- example: nn.PReLU()(tensor{-2.0, 3.0}):detach() --> float32 [2]  -0.5  3.0
layers.PReLU = layer("PReLU", "num_parameters: size=1, init: float=0.25")
layers.PReLU._shown = "num_parameters"

function layers.PReLU:build(o)
  self.weight = Parameter(tensor.full({o.num_parameters}, o.init, {dtype = "float32"}))
end

function layers.PReLU:forward(x) return tensor.prelu(x, self.weight) end

-- ---- dropout ---------------------------------------------------------------------------------------------

--- In training: zeroes every element with probability p and multiplies the others by 1 / (1 - p); in
-- evaluation: nothing.
-- example:
--   drop = nn.Dropout(0.5)
--   drop(tensor.ones(1000)):unique() --> float32 [2]  0.0  2.0
--   drop:eval()(tensor.ones(3)) --> float32 [3]  1.0  1.0  1.0
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
-- example: nn.Flatten()(tensor.zeros(8, 3, 4, 4)).shape --> {8, 48}
layers.Flatten = layer("Flatten", "start_dim: dim=2, end_dim: dim=-1")

function layers.Flatten:forward(x)
  local o = self._options
  return tensor.flatten(x, o.start_dim, o.end_dim)
end

--- Splits a dimension into several: nn.Unflatten(-1, {128, 7, 7}): [N,6272] -> [N,128,7,7].
-- example: nn.Unflatten(2, {3, 4})(tensor.zeros(8, 12)).shape --> {8, 3, 4}
layers.Unflatten = layer("Unflatten", "dim: dim, unflattened_size: list")

function layers.Unflatten:forward(x)
  local o = self._options
  return tensor.unflatten(x, o.dim, o.unflattened_size)
end

return layers
