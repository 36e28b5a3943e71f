-- schedule.lua: what all schedules of the learning rate share: making one, stepping, saving, printing.
--
-- A schedule counts its steps (last_epoch, 0 at first) and sets lr in the groups of its optimizer: when
-- it is made, and at every step. A step is an epoch or a batch, as its user decides. Rates follow from
-- the ones in force, so that several schedules on one optimizer multiply.

local core = require "lunette.core"
local fail = require "lunette.nn.fail"
local Signature = require "lunette.nn.signature"
local options_text = require "lunette.optim.show"

local Schedule = {}

local function nothing() end

-- ---- the optimizer -----------------------------------------------------------------------------------

local function is_optimizer(value)
  return type(value) == "table" and rawget(value, "param_groups") ~= nil and rawget(value, "defaults") ~= nil
end

--- Raises unless the value is an optimizer.
function Schedule.check_optimizer(where, value)
  if is_optimizer(value) then return end
  fail.raise("%s: its first argument is %s; the optimizer is wanted: %s(opt, …)", where,
    type(value) == "table" and tostring(value):find "^class optim" and "the " .. tostring(value)
    or "a " .. type(value), where)
end

--- Is there a momentum to set: an option momentum, or betas?
function Schedule.has_momentum(optimizer)
  local params = optimizer.signature.params
  return params.momentum ~= nil or params.betas ~= nil
end

local function set_momentum(group, value)
  if group.betas then
    group.betas = {value, group.betas[2]}
  else
    group.momentum = value
  end
end

--- One value for each group, from one for all or a list.
function Schedule.spread(where, name, value, groups)
  local list = {}
  for i = 1, #groups do list[i] = value end
  if type(value) == "table" then
    if #value ~= #groups then
      fail.raise("%s: %s has %d values; the optimizer has %d groups", where, name, #value, #groups)
    end
    for i = 1, #groups do list[i] = value[i] end
  end
  return list
end

-- ---- stepping ----------------------------------------------------------------------------------------

local function check_self(self, method)
  if type(self) ~= "table" or not rawget(self, "kind") then
    fail.raise("%s: called without its schedule; methods take a colon: schedule:%s()", method, method)
  end
end
Schedule.check_self = check_self

-- Sets the rates for step number t.
local function apply(self, t, restart)
  local kind, o = self.kind, self.options
  self.last_epoch = t
  for i, group in ipairs(self.optimizer.param_groups) do
    local base = self.base_lrs[i] or group.initial_lr or group.lr
    self.base_lrs[i], group.initial_lr = base, group.initial_lr or base
    group.lr = kind.rate(o, t, restart and not kind.goes_on and base or group.lr, base, i)
    local momentum = kind.momentum(o, t, i)
    if momentum then set_momentum(group, momentum) end
    self.last_lr[i] = group.lr
  end
end

--- The next step: sets the learning rates. Called after an epoch, or after a batch.
function Schedule:step(at)
  check_self(self, "step")
  if at ~= nil and not (self.kind.anywhere and type(at) == "number" and at >= 0 and at < math.huge) then
    fail.raise("%s: step takes %s", self.name, self.kind.anywhere and "nothing, or a number of epochs from 0"
      or "nothing; it counts by itself")
  end
  apply(self, at or self.last_epoch + 1, false)
end

--- Begins anew: as when it was made. For SequentialLR.
function Schedule:restart() apply(self, 0, true) end

--- The learning rates that it set last, of each group.
function Schedule:get_last_lr()
  check_self(self, "get_last_lr")
  return {table.unpack(self.last_lr)}
end

-- ---- making ------------------------------------------------------------------------------------------

-- Finds methods; other names are errors.
local function strict(kind)
  return function(self, key)
    local value = kind[key]
    if value == nil then value = Schedule[key] end
    if value ~= nil or type(key) ~= "string" then return value end
    local names = {"step", "get_last_lr", "state_dict", "load_state_dict", "optimizer", "last_epoch"}
    local near = core.suggest(key, names)
    fail.raise("%s has no field or method '%s'%s", rawget(self, "name"), key,
      near and "; did you mean " .. near .. "?" or " (" .. table.concat(names, ", ") .. ")")
  end
end

local function make(kind, ...)
  local o = kind.signature:read(...)
  local self = setmetatable({name = kind.name, kind = kind, options = o, optimizer = o.optimizer,
    last_epoch = -1, base_lrs = {}, last_lr = {}}, {__index = strict(kind), kind = kind,
    __tostring = Schedule.__tostring})
  if kind.signature.params.optimizer then Schedule.check_optimizer(kind.signature.where, o.optimizer) end
  kind.start(o, self)
  if kind.rate then self:step() end
  return self
end

--- A class of schedules: its name, the signature of its constructor's arguments, and a table with
--   rate(o, t, lr, base, i)  the rate at step t (0 when it is made), from the one in force and the
--                            first one, for the options o and the group number i
--   start(o, self)           checks, and what is set in the groups (none)
--   momentum(o, t, i)        the momentum at step t (none)
--   every                    "step" for schedules that are meant to step with each batch ("epoch")
--   anywhere                 step(t) may go to any t, a fraction too (false)
--   goes_on                  begins anew from the rate in force (false)
-- The comment above the call is its help.
function Schedule.class(name, text, kind)
  local info = debug.getinfo(2, "Sl")
  kind.name, kind.signature = name, Signature.new("optim.lr_scheduler." .. name, text)
  kind.start, kind.momentum, kind.every = kind.start or nothing, kind.momentum or nothing, kind.every or "epoch"
  kind.anywhere, kind.goes_on = kind.anywhere or false, kind.goes_on or false
  kind._source, kind._line = info.source, info.currentline -- for help
  return setmetatable(kind, {__call = make, __tostring = function() return "class optim.lr_scheduler." .. name end})
end

-- ---- saving and printing -------------------------------------------------------------------------------

Schedule.saved = {"last_epoch", "base_lrs", "last_lr"}

--- What the schedule has counted, as a table; the rates themselves are in the optimizer's state.
function Schedule:state_dict()
  check_self(self, "state_dict")
  local state = {}
  for _, name in ipairs(self.saved) do
    local value = self[name]
    state[name] = type(value) == "table" and {table.unpack(value)} or value
  end
  return state
end

--- Goes on from what state_dict gave. The optimizer's state is loaded apart.
function Schedule:load_state_dict(state)
  check_self(self, "load_state_dict")
  for _, name in ipairs(self.saved) do
    local value = type(state) == "table" and state[name]
    if type(value) ~= type(self[name]) then
      fail.raise("load_state_dict: %s is a %s; what %s:state_dict() gives is wanted", name, type(value), self.name)
    end
  end
  for _, name in ipairs(self.saved) do
    local value = state[name]
    self[name] = type(value) == "table" and {table.unpack(value)} or value
  end
  return self
end

--- "StepLR step_size 5, gamma 0.5": the name and the settings that differ from the usual.
function Schedule:settings()
  local text = options_text(self.signature, self.options)
  return text == "" and self.name or self.name .. " " .. text
end

--- "StepLR step_size 5, gamma 0.5 (step 3, lr 0.1)"
function Schedule:__tostring()
  local rates = {}
  for i, lr in ipairs(self:get_last_lr()) do rates[i] = ("%g"):format(lr) end
  return ("%s (step %.10g, lr %s)"):format(self:settings(), self.last_epoch, table.concat(rates, ", "))
end

return Schedule
