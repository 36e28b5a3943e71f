-- norm.lua: normalisation over the batch, over groups of channels and over each sample.

local core = require "lunette.core"
local fail = require "lunette.nn.fail"
local layer = require "lunette.nn.layer"
local Parameter = require "lunette.nn.parameter"

local tensor = core.tensor
local layers = {}

local function not_a_tensor(x) return "its input is a " .. type(x) .. "; a tensor is wanted" end

-- ---- with running statistics -----------------------------------------------------------------------------

local OPTIONS = "num_features: size, eps: float=1e-05, momentum: any=0.1, affine: bool=%s, "
  .. "track_running_stats: bool=%s, dtype: dtype=float32"

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

-- Counts a batch; the share by which the running statistics move.
local function momentum_of(self, by_batch)
  if self.training and self.running_mean then self.num_batches_tracked:add_(1) end
  if self.momentum then return self.momentum end
  return by_batch and self.running_mean and 1 / self.num_batches_tracked:item() or 0
end

local function batch_forward(self, x)
  local by_batch = self.training or not self.running_mean
  return tensor.batch_norm(x, self.running_mean, self.running_var, self.weight, self.bias, by_batch,
    momentum_of(self, by_batch), self.eps)
end

-- least: the dimensions of one sample without its batch, which may be missing.
local function instance_forward(least)
  return function(self, x)
    local single = x:dim() == least
    if single then x = x:unsqueeze(1) end
    local own = self.training or not self.running_mean
    local momentum = self.running_mean and self.momentum or 0
    local y = tensor.instance_norm(x, self.running_mean, self.running_var, self.weight, self.bias, own,
      momentum, self.eps)
    return single and y:squeeze(1) or y
  end
end

local function acts_in_training() return true end
local function label(self) return tostring(self.num_features) end

local function explain(least, most, channels, wanted)
  return function(self, x)
    if not tensor.is_tensor(x) then return not_a_tensor(x) end
    local at = channels or x:dim() == least and 1 or 2
    if x:dim() < least or x:dim() > most or x:size(at) ~= self.num_features then
      return ("input %s; %s with C = %d is wanted"):format(fail.shape(x), wanted, self.num_features)
    end
  end
end

local function batch_norm(name, least, most, wanted)
  local Class = layer(name, OPTIONS:format("true", "true"), nil, 1)
  Class.build, Class.forward, Class._label = build, batch_forward, label
  Class._acts_in_training, Class._explain = acts_in_training, explain(least, most, 2, wanted)
  return Class
end

local function instance_norm(name, least, wanted)
  local Class = layer(name, OPTIONS:format("false", "false"), nil, 1)
  Class.build, Class.forward, Class._label = build, instance_forward(least), label
  Class._acts_in_training, Class._explain = acts_in_training, explain(least, least + 1, nil, wanted)
  return Class
end

--- Normalises every feature over the batch, then weight * y + bias. x: [N,C] or [N,C,L]. In training
-- by the batch's mean and variance, which also move running_mean and running_var by `momentum`
-- (false: they are the mean of all batches); in evaluation by these.
-- example:
--   norm = nn.BatchNorm1d(1, {affine = false, eps = 0})
--   norm(tensor{{1.0}, {3.0}}) --> float32 [2,1]  -1.0  1.0
--   norm.running_mean --> float32 [1]  0.2
layers.BatchNorm1d = batch_norm("BatchNorm1d", 2, 3, "[N,C] or [N,C,L]")

--- Normalises every channel over the batch and all places, then weight * y + bias. x: [N,C,H,W]. In
-- training by the batch's mean and variance, which also move running_mean and running_var by
-- `momentum`; in evaluation by these.
-- example:
--   norm = nn.BatchNorm2d(1, {affine = false, eps = 0})
--   norm(tensor{{{{1.0, 3.0}}}}) --> float32 [1,1,1,2]  -1.0   1.0
layers.BatchNorm2d = batch_norm("BatchNorm2d", 4, 4, "[N,C,H,W]")

--- Normalises every channel over the batch and all places, then weight * y + bias. x: [N,C,D,H,W]; see
-- BatchNorm2d.
-- example:
--   norm = nn.BatchNorm3d(1, {affine = false, eps = 0})
--   norm(tensor{{{{{1.0, 3.0}}}}}):flatten() --> float32 [2]  -1.0  1.0
layers.BatchNorm3d = batch_norm("BatchNorm3d", 5, 5, "[N,C,D,H,W]")

--- Normalises every channel of every sample over its places. x: [N,C,L] or [C,L]. With {affine = true}
-- then weight * y + bias; with {track_running_stats = true} by running statistics in evaluation.
-- example:
--   norm = nn.InstanceNorm1d(2, {eps = 0})
--   norm(tensor{{{1.0, 3.0}, {10.0, 30.0}}}) --> float32 [1,2,2]
--     -1.0   1.0
--     -1.0   1.0
layers.InstanceNorm1d = instance_norm("InstanceNorm1d", 2, "[N,C,L] or [C,L]")

--- Normalises every channel of every sample over its places. x: [N,C,H,W] or [C,H,W]; see
-- InstanceNorm1d.
-- example:
--   norm = nn.InstanceNorm2d(1, {eps = 0})
--   norm(tensor{{{{1.0}, {3.0}}}}) --> float32 [1,1,2,1]
--     -1.0
--      1.0
layers.InstanceNorm2d = instance_norm("InstanceNorm2d", 3, "[N,C,H,W] or [C,H,W]")

--- Normalises every channel of every sample over its places. x: [N,C,D,H,W] or [C,D,H,W]; see
-- InstanceNorm1d.
-- example:
--   norm = nn.InstanceNorm3d(1, {eps = 0})
--   norm(tensor{{{{{1.0, 3.0}}}}}):flatten() --> float32 [2]  -1.0  1.0
layers.InstanceNorm3d = instance_norm("InstanceNorm3d", 4, "[N,C,D,H,W] or [C,D,H,W]")

-- ---- over each sample --------------------------------------------------------------------------------

--- Normalises each sample over its last dimensions, of sizes normalized_shape, then weight * y + bias.
-- weight, bias: of that shape.
-- example:
--   norm = nn.LayerNorm(2, {eps = 0})
--   norm(tensor{{1.0, 3.0}}):detach() --> float32 [1,2]  -1.0   1.0
layers.LayerNorm = layer("LayerNorm",
  "normalized_shape: list, eps: float=1e-05, elementwise_affine: bool=true, dtype: dtype=float32")

function layers.LayerNorm:build(o)
  self.normalized_shape, self.eps = o.normalized_shape, o.eps
  if o.elementwise_affine then
    self.weight = Parameter(tensor.ones(o.normalized_shape, {dtype = o.dtype}))
    self.bias = Parameter(tensor.zeros(o.normalized_shape, {dtype = o.dtype}))
  end
end

function layers.LayerNorm:forward(x)
  return tensor.layer_norm(x, self.normalized_shape, self.weight, self.bias, self.eps)
end

--- Divides each sample by the root of its mean square over its last dimensions, of sizes
-- normalized_shape, then weight * y. eps: the spacing of floats at 1 by default.
-- example:
--   norm = nn.RMSNorm(2)
--   norm(tensor{{3.0, 4.0}}):detach() --> float32 [1,2]  0.8485  1.1314
layers.RMSNorm = layer("RMSNorm",
  "normalized_shape: list, eps: float?, elementwise_affine: bool=true, dtype: dtype=float32")

function layers.RMSNorm:build(o)
  self.normalized_shape, self.eps = o.normalized_shape, o.eps
  if o.elementwise_affine then self.weight = Parameter(tensor.ones(o.normalized_shape, {dtype = o.dtype})) end
end

function layers.RMSNorm:forward(x)
  return tensor.rms_norm(x, self.normalized_shape, self.weight, self.eps)
end

--- Normalises groups of channels of each sample over channels and places, then weight * y + bias for
-- each channel. x: [N,C,...].
-- example:
--   norm = nn.GroupNorm(2, 4, {affine = false, eps = 0})
--   norm(tensor{{1.0, 3.0, 10.0, 30.0}}) --> float32 [1,4]  -1.0   1.0  -1.0   1.0
layers.GroupNorm = layer("GroupNorm",
  "num_groups: size, num_channels: size, eps: float=1e-05, affine: bool=true, dtype: dtype=float32")

function layers.GroupNorm:build(o)
  self.num_groups, self.num_channels, self.eps = o.num_groups, o.num_channels, o.eps
  if o.num_channels % o.num_groups ~= 0 then
    fail.raise("nn.GroupNorm: %d groups do not divide %d channels", o.num_groups, o.num_channels)
  end
  if o.affine then
    self.weight = Parameter(tensor.ones({o.num_channels}, {dtype = o.dtype}))
    self.bias = Parameter(tensor.zeros({o.num_channels}, {dtype = o.dtype}))
  end
end

function layers.GroupNorm:forward(x)
  return tensor.group_norm(x, self.num_groups, self.weight, self.bias, self.eps)
end

function layers.GroupNorm:_explain(x)
  if not tensor.is_tensor(x) then return not_a_tensor(x) end
  if x:dim() < 2 or x:size(2) ~= self.num_channels then
    return ("input %s; [N,C,...] with C = %d is wanted"):format(fail.shape(x), self.num_channels)
  end
end

--- Divides by the size of neighbouring channels: x / (k + alpha m)^beta, m the mean square of `size`
-- channels. x: [N,C,...].
-- example:
--   norm = nn.LocalResponseNorm(1, {alpha = 1, beta = 1})
--   norm(tensor{{{1.0, 3.0}}}) --> float32 [1,1,2]  0.5  0.3
layers.LocalResponseNorm = layer("LocalResponseNorm",
  "size: size, alpha: float=0.0001, beta: float=0.75, k: float=1.0")

function layers.LocalResponseNorm:forward(x)
  local o = self._options
  return tensor.local_response_norm(x, o.size, o.alpha, o.beta, o.k)
end

return layers
