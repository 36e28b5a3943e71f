-- plateau.lua: a schedule that looks at how the training goes.

local core = require "lunette.core"
local fail = require "lunette.nn.fail"
local Schedule = require "lunette.optim.schedule"

local kind = {saved = {"last_epoch", "last_lr", "best", "bad", "rest"}}

function kind.start(o, self)
  if o.factor >= 1 then fail.raise("ReduceLROnPlateau: factor is %g; a number below 1 is wanted", o.factor) end
  o.min_lr = Schedule.spread(self.name, "min_lr", o.min_lr, self.optimizer.param_groups)
  self.last_epoch, self.best = 0, o.mode == "min" and math.huge or -math.huge
  self.bad, self.rest = 0, 0 -- epochs without progress, epochs in which none is counted
  for i, group in ipairs(self.optimizer.param_groups) do self.last_lr[i] = group.lr end
end

local function is_better(o, value, best)
  local by = o.mode == "min" and -o.threshold or o.threshold
  local goal = o.threshold_mode == "rel" and best * (1 + by) or best + by
  if o.mode == "min" then return value < goal end
  return value > goal
end

local function reduce(self)
  local o = self.options
  for i, group in ipairs(self.optimizer.param_groups) do
    local new = math.max(group.lr * o.factor, o.min_lr[i])
    if group.lr - new > o.eps then group.lr = new end
  end
end

--- Takes the figure of an epoch, a number or a tensor of one element.
function kind.step(self, metric)
  Schedule.check_self(self, "step")
  if core.tensor.is_tensor(metric) and metric:numel() == 1 then metric = metric:item() end
  if type(metric) ~= "number" then
    fail.raise("ReduceLROnPlateau: step takes the figure to watch, a number, as in schedule:step(val_loss); "
      .. "got a %s", type(metric))
  end
  local o = self.options
  self.last_epoch = self.last_epoch + 1
  if is_better(o, metric, self.best) then
    self.best, self.bad = metric, 0
  else
    self.bad = self.bad + 1
  end
  if self.rest > 0 then self.rest, self.bad = self.rest - 1, 0 end
  if self.bad > o.patience then
    reduce(self)
    self.rest, self.bad = o.cooldown, 0
  end
  for i, group in ipairs(self.optimizer.param_groups) do self.last_lr[i] = group.lr end
end

--- lr times factor when the figure that step is given has not got better for more than patience epochs.
-- mode "min" for losses, "max" for scores; better means by threshold, as a part of the best figure
-- ("rel") or as such ("abs"). Then cooldown epochs do not count. Not below min_lr; changes of at most
-- eps are left out.
-- example: opt = optim.SGD(nn.Linear(2, 1), {lr = 0.1})
--   schedule = optim.lr_scheduler.ReduceLROnPlateau(opt, {patience = 0, factor = 0.5})
--   for _, loss in ipairs{3, 2, 2} do schedule:step(loss) end
--   opt.param_groups[1].lr --> 0.05
local ReduceLROnPlateau = Schedule.class("ReduceLROnPlateau", "optimizer: any, mode: string{min|max}=min, "
  .. "factor: rate=0.1, patience: count=10, threshold: rate=0.0001, threshold_mode: string{rel|abs}=rel, "
  .. "cooldown: count=0, min_lr: any=0.0, eps: rate=1e-08", kind)

return {ReduceLROnPlateau = ReduceLROnPlateau}
