-- norm.lua: normalisation over the batch and over each sample.

local core = require "lunette.core"
local fail = require "lunette.nn.fail"
local layer = require "lunette.nn.layer"
local Parameter = require "lunette.nn.parameter"

local tensor = core.tensor

-- ---- over the batch --------------------------------------------------------------------------------------

local OPTIONS = "num_features: size, eps: float=1e-05, momentum: any=0.1, affine: bool=true, "
  .. "track_running_stats: bool=true, dtype: dtype=float32"

-- weight, bias: [num_features]; the buffers running_mean, running_var, num_batches_tracked.
local function build(self, o)
  self.num_features, self.eps, self.momentum = o.num_features, o.eps, o.momentum
  if o.momentum and type(o.momentum) ~= "number" then
    fail.raise("%s: momentum is a %s; a number is wanted, or false for the mean of all batches",
      self._signature.where, type(o.momentum))
  end
  local like = {dtype = o.dtype}
  if o.affine then
    self.weight = Parameter(tensor.ones({o.num_features}, like))
    self.bias = Parameter(tensor.zeros({o.num_features}, like))
  end
  if o.track_running_stats then
    self:register_buffer("running_mean", tensor.zeros({o.num_features}, like))
    self:register_buffer("running_var", tensor.ones({o.num_features}, like))
    self:register_buffer("num_batches_tracked", tensor(0))
  end
end

local function forward(self, x)
  local by_batch = self.training or not self.running_mean
  if self.training and self.running_mean then self.num_batches_tracked:add_(1) end
  local momentum = self.momentum
  if not momentum then
    momentum = by_batch and self.running_mean and 1 / self.num_batches_tracked:item() or 0
  end
  return tensor.batch_norm(x, self.running_mean, self.running_var, self.weight, self.bias, by_batch,
    momentum, self.eps)
end

local function acts_in_training() return true end
local function label(self) return tostring(self.num_features) end

local function batch_norm(Class, least, most, wanted)
  Class.build, Class.forward, Class._label = build, forward, label
  Class._acts_in_training = acts_in_training
  function Class:_explain(x)
    if not tensor.is_tensor(x) then return "its input is a " .. type(x) .. "; a tensor is wanted" end
    if x:dim() < least or x:dim() > most or x:size(2) ~= self.num_features then
      return ("input %s; %s with C = %d is wanted"):format(fail.shape(x), wanted, self.num_features)
    end
  end
end

--- Normalises every feature over the batch, then weight * y + bias. x: [N,C] or [N,C,L]. In training
-- by the batch's mean and variance, which also move running_mean and running_var by `momentum`
-- (false: they are the mean of all batches); in evaluation by these.
local BatchNorm1d = layer("BatchNorm1d", OPTIONS)
batch_norm(BatchNorm1d, 2, 3, "[N,C] or [N,C,L]")

--- Normalises every channel over the batch and all places, then weight * y + bias. x: [N,C,H,W]. In
-- training by the batch's mean and variance, which also move running_mean and running_var by
-- `momentum`; in evaluation by these.
local BatchNorm2d = layer("BatchNorm2d", OPTIONS)
batch_norm(BatchNorm2d, 4, 4, "[N,C,H,W]")

-- ---- over each sample --------------------------------------------------------------------------------

--- Normalises each sample over its last dimensions, of sizes normalized_shape, then weight * y + bias.
-- weight, bias: of that shape.
local LayerNorm = layer("LayerNorm",
  "normalized_shape: list, eps: float=1e-05, elementwise_affine: bool=true, dtype: dtype=float32")

function LayerNorm:build(o)
  self.normalized_shape, self.eps = o.normalized_shape, o.eps
  if o.elementwise_affine then
    self.weight = Parameter(tensor.ones(o.normalized_shape, {dtype = o.dtype}))
    self.bias = Parameter(tensor.zeros(o.normalized_shape, {dtype = o.dtype}))
  end
end

function LayerNorm:forward(x)
  return tensor.layer_norm(x, self.normalized_shape, self.weight, self.bias, self.eps)
end

return {BatchNorm1d = BatchNorm1d, BatchNorm2d = BatchNorm2d, LayerNorm = LayerNorm}
