-- schedules.lua: schedules of the learning rate, a row each. Where nothing else is said, t counts the steps
-- from 0, lr is the rate in force and base the one before any schedule.

local fail = require "lunette.nn.fail"
local Schedule = require "lunette.optim.schedule"

local cos, pi = math.cos, math.pi
local class = Schedule.class
local schedules = {}

--- lr times gamma after every step_size steps.
-- example: opt = optim.SGD(nn.Linear(2, 1), {lr = 0.1})
--   schedule = optim.lr_scheduler.StepLR(opt, 2)
--   for epoch = 1, 2 do schedule:step() end
--   opt.param_groups[1].lr --> 0.01
schedules.StepLR = class("StepLR", "optimizer: any, step_size: size, gamma: rate=0.1", {
  rate = function(o, t, lr) return t > 0 and t % o.step_size == 0 and lr * o.gamma or lr end,
})

--- lr times gamma after each number of steps in the list milestones.
-- example: opt = optim.SGD(nn.Linear(2, 1), {lr = 0.1})
--   optim.lr_scheduler.MultiStepLR(opt, {30, 80}) --> MultiStepLR milestones {30, 80} (step 0, lr 0.1)
schedules.MultiStepLR = class("MultiStepLR", "optimizer: any, milestones: list, gamma: rate=0.1", {
  rate = function(o, t, lr)
    for _, milestone in ipairs(o.milestones) do
      if milestone == t then lr = lr * o.gamma end
    end
    return lr
  end,
})

--- lr times factor for the first total_iters steps.
-- example: opt = optim.SGD(nn.Linear(2, 1), {lr = 0.1})
--   optim.lr_scheduler.ConstantLR(opt, {factor = 0.5}) --> ConstantLR factor 0.5 (step 0, lr 0.05)
schedules.ConstantLR = class("ConstantLR", "optimizer: any, factor: share=0.3333333333333333, total_iters: count=5", {
  rate = function(o, t, lr, base)
    if t == 0 then return lr * o.factor end
    if t ~= o.total_iters then return lr end
    return o.factor == 0 and base or lr * (1 / o.factor)
  end,
})

--- lr times a factor that goes from start_factor to end_factor in total_iters steps: a warm-up.
-- example: opt = optim.SGD(nn.Linear(2, 1), {lr = 0.1})
--   schedule = optim.lr_scheduler.LinearLR(opt, {start_factor = 0.5, total_iters = 2})
--   schedule:step()
--   opt.param_groups[1].lr --> 0.075
schedules.LinearLR = class("LinearLR", "optimizer: any, start_factor: share=0.3333333333333333, "
  .. "end_factor: share=1.0, total_iters: size=5", {
  rate = function(o, t, lr, base)
    local first, n, rise = o.start_factor, o.total_iters, o.end_factor - o.start_factor
    if t == 0 then return lr * first end
    if t > n then return lr end
    if first == 0 then return base * rise * t / n end
    return lr * (1 + rise / (n * first + (t - 1) * rise))
  end,
})

--- lr times gamma after every step.
-- example: opt = optim.SGD(nn.Linear(2, 1), {lr = 0.1})
--   optim.lr_scheduler.ExponentialLR(opt, 0.9) --> ExponentialLR gamma 0.9 (step 0, lr 0.1)
schedules.ExponentialLR = class("ExponentialLR", "optimizer: any, gamma: rate", {
  rate = function(o, t, lr) return t > 0 and lr * o.gamma or lr end,
})

--- lr times (1 - t / total_iters)^power: down to 0 in total_iters steps.
-- example: opt = optim.SGD(nn.Linear(2, 1), {lr = 0.1})
--   optim.lr_scheduler.PolynomialLR(opt, 10, 2) --> PolynomialLR total_iters 10, power 2 (step 0, lr 0.1)
schedules.PolynomialLR = class("PolynomialLR", "optimizer: any, total_iters: size=5, power: float=1.0", {
  rate = function(o, t, lr)
    local n = o.total_iters
    if t == 0 or t > n then return lr end
    return lr * ((1 - t / n) / (1 - (t - 1) / n)) ^ o.power
  end,
})

--- Along half a wave from lr to eta_min in T_max steps, and back (Loshchilov and Hutter 2017).
-- example: opt = optim.SGD(nn.Linear(2, 1), {lr = 0.1})
--   optim.lr_scheduler.CosineAnnealingLR(opt, 20) --> CosineAnnealingLR T_max 20 (step 0, lr 0.1)
schedules.CosineAnnealingLR = class("CosineAnnealingLR", "optimizer: any, T_max: size, eta_min: rate=0.0", {
  rate = function(o, t, lr, base)
    local low, n = o.eta_min, o.T_max
    if t == 0 then return lr end
    if (t - 1 - n) % (2 * n) == 0 then return lr + (base - low) * (1 - cos(pi / n)) / 2 end
    return (1 + cos(pi * t / n)) / (1 + cos(pi * (t - 1) / n)) * (lr - low) + low
  end,
})

--- Along half a wave from lr to eta_min in T_0 steps, then anew with T_mult times as many, and so on.
-- schedule:step(epoch + batch / batches) goes by fractions.
-- example: opt = optim.SGD(nn.Linear(2, 1), {lr = 0.1})
--   schedule = optim.lr_scheduler.CosineAnnealingWarmRestarts(opt, 10)
--   schedule:step(5)
--   opt.param_groups[1].lr --> 0.05
schedules.CosineAnnealingWarmRestarts = class("CosineAnnealingWarmRestarts",
  "optimizer: any, T_0: size, T_mult: size=1, eta_min: rate=0.0", {
  anywhere = true,
  rate = function(o, t, _, base)
    local n = o.T_0 + 0.0
    if o.T_mult == 1 then
      t = t % n
    else
      while t >= n do t, n = t - n, n * o.T_mult end
    end
    return o.eta_min + (base - o.eta_min) * (1 + cos(pi * t / n)) / 2
  end,
})

local function read_functions(o, self)
  o.lr_lambda = Schedule.spread(self.name, "lr_lambda", o.lr_lambda, self.optimizer.param_groups)
  for _, f in ipairs(o.lr_lambda) do
    if type(f) ~= "function" then
      fail.raise("%s: lr_lambda is a %s; a function of the number of steps is wanted", self.name, type(f))
    end
  end
end

local function call(f, t)
  local factor = f(t)
  if type(factor) ~= "number" then
    fail.raise("lr_lambda gave a %s at step %d; a factor for the learning rate is wanted", type(factor), t)
  end
  return factor
end

--- lr as it was at first times lr_lambda(t), a function of the number of steps, 0 at first; a list has a
-- function for each group.
-- example: opt = optim.SGD(nn.Linear(2, 1), {lr = 0.1})
--   schedule = optim.lr_scheduler.LambdaLR(opt, function(t) return 1 / (1 + t) end)
--   schedule:step()
--   opt.param_groups[1].lr --> 0.05
schedules.LambdaLR = class("LambdaLR", "optimizer: any, lr_lambda: any", {
  start = read_functions,
  rate = function(o, t, _, base, i) return base * call(o.lr_lambda[i], t) end,
})

--- lr times lr_lambda(t) at every step t, from 1.
-- example: opt = optim.SGD(nn.Linear(2, 1), {lr = 0.1})
--   schedule = optim.lr_scheduler.MultiplicativeLR(opt, function() return 0.5 end)
--   schedule:step()
--   opt.param_groups[1].lr --> 0.05
schedules.MultiplicativeLR = class("MultiplicativeLR", "optimizer: any, lr_lambda: any", {
  start = read_functions,
  goes_on = true,
  rate = function(o, t, lr, _, i) return t > 0 and lr * call(o.lr_lambda[i], t) or lr end,
})

return schedules
