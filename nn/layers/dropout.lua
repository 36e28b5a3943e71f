-- dropout.lua: dropout of whole channels, and for SELU. Dropout itself stands in activation.lua.

local core = require "lunette.core"
local fail = require "lunette.nn.fail"
local layer = require "lunette.nn.layer"

local tensor = core.tensor

local function dropout(name, op)
  local Drop = layer(name, "p: float=0.5", nil, 1)
  local f = tensor[op]
  Drop._shown = "p"

  function Drop:build(o) -- luacheck: ignore self
    if not (o.p >= 0 and o.p <= 1) then
      fail.raise("nn.%s: p is %g; a probability is between 0 and 1", name, o.p)
    end
  end

  function Drop:forward(x)
    if not self.training then return x end
    return f(x, self._options.p, true)
  end

  function Drop:_acts_in_training() return self._options.p > 0 end
  return Drop
end

local layers = {}

--- In training: zeroes whole channels of sequences [N,C,L] with probability p, and multiplies the others
-- by 1 / (1 - p); in evaluation: nothing.
-- example:
--   y = nn.Dropout1d()(tensor.ones(1, 100, 3))
--   y:amin(3):equal(y:amax(3)) --> true
layers.Dropout1d = dropout("Dropout1d", "dropout1d")

--- In training: zeroes whole channels of images [N,C,H,W] with probability p, and multiplies the others
-- by 1 / (1 - p); in evaluation: nothing.
-- example:
--   y = nn.Dropout2d()(tensor.ones(1, 100, 2, 3))
--   y:amin({3, 4}):equal(y:amax({3, 4})) --> true
layers.Dropout2d = dropout("Dropout2d", "dropout2d")

--- In training: zeroes whole channels of volumes [N,C,D,H,W] with probability p, and multiplies the
-- others by 1 / (1 - p); in evaluation: nothing.
-- example:
--   y = nn.Dropout3d()(tensor.ones(1, 100, 2, 2, 3))
--   y:amin({3, 4, 5}):equal(y:amax({3, 4, 5})) --> true
layers.Dropout3d = dropout("Dropout3d", "dropout3d")

--- In training: dropout that keeps mean 0 and variance 1, for SELU; in evaluation: nothing.
-- example:
--   nn.AlphaDropout(0.5)(tensor.ones(1000)):unique():numel() --> 2
--   nn.AlphaDropout(0.5):eval()(tensor.ones(2)) --> float32 [2]  1.0  1.0
layers.AlphaDropout = dropout("AlphaDropout", "alpha_dropout")

--- AlphaDropout of whole channels [N,C,...].
-- example:
--   y = nn.FeatureAlphaDropout()(tensor.ones(1, 100, 3))
--   y:amin(3):equal(y:amax(3)) --> true
layers.FeatureAlphaDropout = dropout("FeatureAlphaDropout", "feature_alpha_dropout")

return layers
