-- init.lua: lunette.optim: optimizers. Each step is one fused pass over all parameters of a group.
--
--   local opt = optim.Adam(net, {lr = 1e-3})
--   opt:zero_grad(); loss:backward(); opt:step()

local core = require "lunette.core"

local optim = {}

require "lunette.optim.state"

for _, file in ipairs {"sgd", "adam", "adamax", "nadam", "radam", "rmsprop", "adagrad", "adadelta", "rprop",
  "asgd", "lbfgs"} do
  for name, class in next, (require("lunette.optim." .. file)) do optim[name] = class end
end

return core.strict(optim, "optim")
