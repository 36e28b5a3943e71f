-- lr_scheduler.lua: lunette.optim.lr_scheduler: schedules of the learning rate.
--
--   local schedule = optim.lr_scheduler.StepLR(opt, 10)
--   for epoch = 1, 30 do … opt:step() … schedule:step() end
--
-- net:fit(x, y, {optimizer = opt, schedule = schedule}) steps it by itself.

local core = require "lunette.core"

local lr_scheduler = {}

for _, file in ipairs {"schedules", "cycles", "plateau", "combined"} do
  for name, class in next, (require("lunette.optim." .. file)) do lr_scheduler[name] = class end
end

return core.strict(lr_scheduler, "optim.lr_scheduler")
