-- cycles.lua: schedules that go up and down, with the momentum in the opposite direction (Smith 2017,
-- Smith and Topin 2019). They are meant to step with every batch.

local fail = require "lunette.nn.fail"
local Schedule = require "lunette.optim.schedule"

local cycles = {}

-- Options that may be lists, one value for each group; is there a momentum?
local function spread(o, self, names)
  local groups = self.optimizer.param_groups
  for _, name in ipairs(names) do o[name] = Schedule.spread(self.name, name, o[name], groups) end
  for _, name in ipairs(names) do
    for _, value in ipairs(o[name]) do
      if type(value) ~= "number" or value < 0 then
        fail.raise("%s: %s is %s; a number from 0, or a list of one for each group", self.name, name, tostring(value))
      end
    end
  end
  if o.cycle_momentum and not Schedule.has_momentum(self.optimizer) then
    fail.raise("%s: %s has no momentum to go with the rate; {cycle_momentum = false}", self.name, self.optimizer.name)
  end
end

-- ---- OneCycleLR --------------------------------------------------------------------------------------

local anneal = {
  cos = function(a, b, x) return b + (a - b) / 2 * (math.cos(math.pi * x) + 1) end,
  linear = function(a, b, x) return (b - a) * x + a end,
}

-- The phase of step t, a list {last step, from, to, momentum from, momentum to}, and how much of it is
-- done. Rates and momenta are named by the fields of `ends`.
local function phase_of(o, t)
  local from = 0
  for i, phase in ipairs(o.phases) do
    if t <= phase[1] or i == #o.phases then
      return phase, (t - from) / (phase[1] - from)
    end
    from = phase[1]
  end
end

local function one_cycle_start(o, self)
  if not o.total_steps then
    if not (o.epochs and o.steps_per_epoch) then
      fail.raise("OneCycleLR: total_steps is missing (or epochs and steps_per_epoch); the schedule ends with it")
    end
    o.total_steps = o.epochs * o.steps_per_epoch
  end
  spread(o, self, {"max_lr", "base_momentum", "max_momentum"})
  local up, last = o.pct_start * o.total_steps - 1, o.total_steps - 1
  o.phases = {{up, "first", "max", "high", "low"}, {last, "max", "min", "low", "high"}}
  if o.three_phase then
    o.phases = {{up, "first", "max", "high", "low"}, {2 * up, "max", "first", "low", "high"},
      {last, "first", "min", "high", "high"}}
  end
  o.ends = {}
  for i, group in ipairs(self.optimizer.param_groups) do
    local first = o.max_lr[i] / o.div_factor
    group.initial_lr = first
    o.ends[i] = {first = first, max = o.max_lr[i], min = first / o.final_div_factor,
      low = o.base_momentum[i], high = o.max_momentum[i]}
  end
end

local function one_cycle_rate(o, t, _, _, i)
  if t > o.total_steps then
    fail.raise("OneCycleLR: step %d of %d; total_steps is how many steps there are, one for each batch of "
      .. "all epochs", t, o.total_steps)
  end
  local phase, done = phase_of(o, t)
  return anneal[o.anneal_strategy](o.ends[i][phase[2]], o.ends[i][phase[3]], done)
end

local function one_cycle_momentum(o, t, i)
  if not o.cycle_momentum then return end
  local phase, done = phase_of(o, t)
  return anneal[o.anneal_strategy](o.ends[i][phase[4]], o.ends[i][phase[5]], done)
end

--- One cycle over a whole training: from max_lr / div_factor up to max_lr in the first pct_start of
-- total_steps (or epochs times steps_per_epoch), then down to that start / final_div_factor; the
-- momentum (or betas[1]) goes from max_momentum to base_momentum and back. three_phase goes down as it
-- went up, and on from there. To be stepped with every batch.
-- example: opt = optim.SGD(nn.Linear(2, 1), {lr = 0.1})
--   schedule = optim.lr_scheduler.OneCycleLR(opt, {max_lr = 0.5, total_steps = 100})
--   opt.param_groups[1].lr --> 0.02
cycles.OneCycleLR = Schedule.class("OneCycleLR", "optimizer: any, max_lr: any, total_steps: size?, epochs: size?, "
  .. "steps_per_epoch: size?, pct_start: share=0.3, anneal_strategy: string{cos|linear}=cos, "
  .. "cycle_momentum: bool=true, base_momentum: any=0.85, max_momentum: any=0.95, div_factor: rate=25.0, "
  .. "final_div_factor: rate=10000.0, three_phase: bool=false", {
  every = "step", start = one_cycle_start, rate = one_cycle_rate, momentum = one_cycle_momentum,
})

-- ---- CyclicLR ----------------------------------------------------------------------------------------

-- How high the cycle is, from 0 to 1: by its number from 1, or by the step.
local scales = {
  triangular = function() return 1 end,
  triangular2 = function(_, cycle) return 1 / 2 ^ (cycle - 1) end,
  exp_range = function(o, _, t) return o.gamma ^ t end,
}

local function height(o, t)
  local up, down = o.step_size_up, o.step_size_down or o.step_size_up
  local turns = t / (up + down)
  local cycle = math.floor(1 + turns)
  local x, ratio = 1 + turns - cycle, up / (up + down)
  local part = x <= ratio and x / ratio or (x - 1) / (ratio - 1)
  if not o.scale_fn then return part * scales[o.mode](o, cycle, t) end
  return part * o.scale_fn(o.scale_mode == "cycle" and cycle or t)
end

local function cyclic_start(o, self)
  spread(o, self, {"base_lr", "max_lr", "base_momentum", "max_momentum"})
  if o.scale_fn ~= nil and type(o.scale_fn) ~= "function" then
    fail.raise("CyclicLR: scale_fn is a %s; a function is wanted", type(o.scale_fn))
  end
  for i, group in ipairs(self.optimizer.param_groups) do group.lr = o.base_lr[i] end
end

--- Cycles from base_lr up to max_lr in step_size_up steps and down in step_size_down, the same number
-- by default. mode "triangular2" halves the height after each cycle, "exp_range" scales it by gamma^t;
-- scale_fn is a function of one's own, of the cycle's number or (scale_mode "iterations") of the step.
-- The momentum goes from max_momentum to base_momentum and back. To be stepped with every batch.
-- example: opt = optim.SGD(nn.Linear(2, 1), {lr = 0.1, momentum = 0.9})
--   schedule = optim.lr_scheduler.CyclicLR(opt, 0.01, 0.05, {step_size_up = 2})
--   schedule:step()
--   opt.param_groups[1].lr --> 0.03
cycles.CyclicLR = Schedule.class("CyclicLR", "optimizer: any, base_lr: any, max_lr: any, step_size_up: size=2000, "
  .. "step_size_down: size?, mode: string{triangular|triangular2|exp_range}=triangular, gamma: rate=1.0, "
  .. "scale_fn: any?, scale_mode: string{cycle|iterations}=cycle, cycle_momentum: bool=true, "
  .. "base_momentum: any=0.8, max_momentum: any=0.9", {
  every = "step", start = cyclic_start,
  rate = function(o, t, _, _, i) return o.base_lr[i] + (o.max_lr[i] - o.base_lr[i]) * height(o, t) end,
  momentum = function(o, t, i)
    if not o.cycle_momentum then return end
    return o.max_momentum[i] - (o.max_momentum[i] - o.base_momentum[i]) * height(o, t)
  end,
})

return cycles
