-- init.lua: lunette.metrics: figures of how good predictions are. The prediction comes first, the
-- truth second; {pred =, target =} names them.

local core = require "lunette.core"
local fail = require "lunette.nn.fail"

local metrics = {confusion_matrix = require "lunette.metrics.confusion"}

for name, f in next, (require "lunette.metrics.scores") do metrics[name] = f end

-- ---- a running mean --------------------------------------------------------------------------------------

local Mean = {}
Mean.__index = Mean

local function number(value)
  if type(value) == "number" then return value end
  if core.tensor.is_tensor(value) then return value:item() end
  fail.raise("mean: takes numbers or tensors of one element, got a %s", type(value))
end

--- Adds a value that stands for n samples, 1 by default. A tensor's number is taken out of it, so that
-- no graph is kept.
-- example:
--   mean = metrics.mean():add(1.0, 3):add(5.0)
--   mean:value() --> 2.0
function Mean:add(value, n)
  n = n or 1
  self.sum, self.count = self.sum + number(value) * n, self.count + n
  return self
end

--- The mean so far; NaN before the first value.
-- example: metrics.mean():add(2):add(4):value() --> 3.0
function Mean:value() return self.sum / self.count end

--- Starts again.
-- example: metrics.mean():add(2):reset():add(4):value() --> 4.0
function Mean:reset()
  self.sum, self.count = 0.0, 0
  return self
end

function Mean:__tostring() return ("%.6g"):format(self:value()) end

--- mean(): a running mean: m:add(loss, #x), m:value().
-- example:
--   mean = metrics.mean():add(2):add(4)
--   mean:value() --> 3.0
function metrics.mean() return setmetatable({sum = 0.0, count = 0}, Mean) end

return core.strict(metrics, "metrics")
