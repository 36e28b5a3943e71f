-- init.lua: lunette.optim: optimizers, and in optim.lr_scheduler schedules of the learning rate. Each
-- step is one fused pass over all parameters of a group.
--
--   local opt = optim.Adam(net, {lr = 1e-3})
--   opt:zero_grad(); loss:backward(); opt:step()

local core = require "lunette.core"
local elsewhere = require "lunette.elsewhere"

local optim = {}

require "lunette.optim.state"
require "lunette.optim.files"

for _, file in ipairs {"sgd", "adam", "adamax", "nadam", "radam", "rmsprop", "adagrad", "adadelta", "rprop",
  "asgd", "lbfgs"} do
  for name, class in next, (require("lunette.optim." .. file)) do optim[name] = class end
end

optim.AveragedWeights = require("lunette.optim.average").AveragedWeights

optim.lr_scheduler = require "lunette.optim.lr_scheduler"
for name in next, optim.lr_scheduler do elsewhere.optim[name] = "it is optim.lr_scheduler." .. name end

return core.strict(optim, "optim")
