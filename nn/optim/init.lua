-- init.lua: lunette.optim: optimizers. Each step is one fused pass over all parameters of a group.
--
--   local opt = optim.Adam(net, {lr = 1e-3})
--   opt:zero_grad(); loss:backward(); opt:step()

local core = require "lunette.core"

local optim = {
  SGD = require "lunette.optim.sgd",
}
local adam = require "lunette.optim.adam"
optim.Adam, optim.AdamW = adam.Adam, adam.AdamW

return core.strict(optim, "optim")
