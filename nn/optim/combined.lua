-- combined.lua: schedules of schedules: one after the other, or all at once.

local fail = require "lunette.nn.fail"
local Schedule = require "lunette.optim.schedule"

-- Schedules of one optimizer, none of which wants a figure; all step as often.
local function read_schedules(o, self)
  if type(o.schedulers) ~= "table" or #o.schedulers == 0 then
    fail.raise("%s: schedulers is a %s; a list of schedules is wanted", self.name, type(o.schedulers))
  end
  self.optimizer = o.optimizer or o.schedulers[1].optimizer
  for i, each in ipairs(o.schedulers) do
    local known = type(each) == "table" and rawget(each, "kind")
    if not known or each.name == "ReduceLROnPlateau" then
      fail.raise("%s: schedule %d is %s; schedules that step by themselves are wanted", self.name, i,
        known and "ReduceLROnPlateau" or "a " .. type(each))
    end
    if not rawequal(each.optimizer, self.optimizer) then
      fail.raise("%s: schedule %d belongs to another optimizer", self.name, i)
    end
    if each.every == "step" then self.every = "step" end
  end
end

local function read_rates(self)
  for i, group in ipairs(self.optimizer.param_groups) do self.last_lr[i] = group.lr end
end

-- "SequentialLR (LinearLR, StepLR) milestones {5}"
local function settings(self)
  local names = {}
  for i, each in ipairs(self.options.schedulers) do names[i] = each.name end
  local text = Schedule.settings(self):gsub("^%w+", function(name)
    return ("%s (%s)"):format(name, table.concat(names, ", "))
  end)
  return text
end

-- State with that of the parts.
local function state_dict(self)
  local state = Schedule.state_dict(self)
  state.schedulers = {}
  for i, each in ipairs(self.options.schedulers) do state.schedulers[i] = each:state_dict() end
  return state
end

local function load_state_dict(self, state)
  local parts = self.options.schedulers
  if type(state) ~= "table" or type(state.schedulers) ~= "table" or #state.schedulers ~= #parts then
    fail.raise("load_state_dict: wants what %s:state_dict() gives, with %d schedulers", self.name, #parts)
  end
  Schedule.load_state_dict(self, state)
  for i, each in ipairs(parts) do each:load_state_dict(state.schedulers[i]) end
  return self
end

local saved = {"last_epoch", "last_lr"}

-- ---- one after the other -----------------------------------------------------------------------------

local sequential = {state_dict = state_dict, load_state_dict = load_state_dict, settings = settings,
  saved = saved}

function sequential.start(o, self)
  read_schedules(o, self)
  if #o.milestones ~= #o.schedulers - 1 then
    fail.raise("SequentialLR: %d milestones for %d schedulers; one fewer is wanted, the steps after which the "
      .. "next begins", #o.milestones, #o.schedulers)
  end
  for i = 2, #o.milestones do
    if o.milestones[i] <= o.milestones[i - 1] then fail.raise("SequentialLR: the milestones do not rise") end
  end
  for _, group in ipairs(self.optimizer.param_groups) do group.lr = group.initial_lr end
  for _, each in ipairs(o.schedulers) do each.last_epoch = each.last_epoch - 1 end
  self.last_epoch = 0
  o.schedulers[1]:step()
  read_rates(self)
end

function sequential.step(self)
  Schedule.check_self(self, "step")
  local o, at = self.options, 1
  self.last_epoch = self.last_epoch + 1
  while o.milestones[at] and self.last_epoch >= o.milestones[at] do at = at + 1 end
  if o.milestones[at - 1] == self.last_epoch then
    o.schedulers[at]:restart()
  else
    o.schedulers[at]:step()
  end
  read_rates(self)
end

--- Schedules one after the other: the next begins after each number of steps in the list milestones.
-- example: opt = optim.SGD(nn.Linear(2, 1), {lr = 0.1})
--   warm = optim.lr_scheduler.LinearLR(opt, {start_factor = 0.1, total_iters = 5})
--   wave = optim.lr_scheduler.CosineAnnealingLR(opt, 95)
--   schedule = optim.lr_scheduler.SequentialLR(opt, {warm, wave}, {5})
--   opt.param_groups[1].lr --> 0.01
local SequentialLR = Schedule.class("SequentialLR", "optimizer: any, schedulers: any, milestones: list", sequential)

-- ---- all at once -------------------------------------------------------------------------------------

local chained = {state_dict = state_dict, load_state_dict = load_state_dict, settings = settings,
  saved = saved}

function chained.start(o, self)
  read_schedules(o, self)
  self.last_epoch = 0
  read_rates(self)
end

function chained.step(self)
  Schedule.check_self(self, "step")
  self.last_epoch = self.last_epoch + 1
  for _, each in ipairs(self.options.schedulers) do each:step() end
  read_rates(self)
end

--- Several schedules at once: their factors multiply.
-- example: opt = optim.SGD(nn.Linear(2, 1), {lr = 0.1})
--   half = optim.lr_scheduler.ConstantLR(opt, {factor = 0.5})
--   falling = optim.lr_scheduler.ExponentialLR(opt, 0.9)
--   schedule = optim.lr_scheduler.ChainedScheduler {half, falling}
--   schedule:step()
--   opt.param_groups[1].lr --> 0.045
local ChainedScheduler = Schedule.class("ChainedScheduler", "schedulers: any", chained)

return {SequentialLR = SequentialLR, ChainedScheduler = ChainedScheduler}
