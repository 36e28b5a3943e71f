-- settings.lua: the options of net:fit, read and checked before the first step.

local core = require "lunette.core"
local fail = require "lunette.nn.fail"
local lines = require "lunette.lines"
local optim = require "lunette.optim"
local check_options = require "lunette.options"
local Source = require "lunette.train.source"
local Watch = require "lunette.train.watch"
local history = require "lunette.train.history"
local measures = require "lunette.train.measures"

local tensor = core.tensor

local settings = {}

local allowed = {"epochs", "batch_size", "optimizer", "schedule", "schedule_every", "clip_norm", "clip_value",
  "loss", "metrics", "validation_split", "validation_data", "patience", "monitor", "keep_best", "shuffle",
  "callbacks", "verbose"}

local function whole(name, value, usual)
  if value == nil then return usual end
  local v = math.tointeger(value)
  if not v or v < 1 then
    fail.raise("fit: %s is %s; a whole number from 1 is wanted", name, tostring(value))
  end
  return v
end

local function positive(name, value)
  if value ~= nil and not (type(value) == "number" and value > 0) then
    fail.raise("fit: %s is %s; a number above 0 is wanted", name, tostring(value))
  end
  return value
end

local function switch(name, value)
  if value ~= nil and type(value) ~= "boolean" then
    fail.raise("fit: %s is a %s; true or false is wanted", name, type(value))
  end
  return value
end

-- ---- the optimizer and its schedule ------------------------------------------------------------------

-- The optimizers by their names in small letters, and a list of these.
local function optimizers()
  local by_name, names = {}, {}
  for name, class in next, optim do
    if type(class) == "table" and rawget(class, "states") then
      by_name[name:lower()] = class
      names[#names + 1] = name:lower()
    end
  end
  table.sort(names)
  return by_name, names
end

local function named_optimizer(name, model)
  local by_name, names = optimizers()
  local class = by_name[name:lower()]
  if not class then
    local near = core.suggest(name:lower(), names)
    fail.raise("fit: there is no optimizer '%s'%s (%s)", name, near and ("; did you mean '%s'?"):format(near) or "",
      table.concat(names, ", "))
  end
  return class(model, class == optim.SGD and {lr = 0.01} or {})
end

local function owns(optimizer, model)
  local mine = {}
  for _, p in ipairs(model:parameters()) do mine[p] = true end
  for _, group in ipairs(optimizer.param_groups) do
    for _, p in ipairs(group.params) do
      if mine[p] then return true end
    end
  end
  return false
end

local function read_optimizer(given, model)
  if #model:parameters() == 0 then fail.raise("fit: the model has no parameters to train") end
  if given == nil then return optim.Adam(model, {lr = 1e-3}) end
  if type(given) == "string" then return named_optimizer(given, model) end
  if type(given) ~= "table" or type(given.step) ~= "function" then
    fail.raise("fit: optimizer is a %s; optim.Adam(net, {lr = 1e-3}) makes one", type(given))
  end
  if not rawget(given, "param_groups") then
    fail.raise("fit: optimizer is the %s, not an optimizer; write optim.%s(net, {lr = …})", tostring(given),
      given.name or "Adam")
  end
  if not owns(given, model) then
    fail.raise("fit: the optimizer holds no parameter of this model; make it from the model, after net:to(…)")
  end
  return given
end

local function is_schedule(value)
  return type(value) == "table" and rawget(value, "kind") ~= nil and rawget(value, "base_lrs") ~= nil
end

-- s.schedule and s.every, "epoch" or "step".
local function read_schedule(s, given, every)
  if given == nil then
    if every ~= nil then fail.raise("fit: schedule_every says when the schedule steps; give a schedule too") end
    return
  end
  local total = s.epochs * s.steps
  local schedule = given
  if type(given) == "function" then schedule = given(s.optimizer, total) end
  if not is_schedule(schedule) then
    local what = tostring(schedule):find "^class optim" and "the " .. tostring(schedule) or "a " .. type(schedule)
    fail.raise("fit: schedule is %s; a schedule is wanted, optim.lr_scheduler.StepLR(opt, 10), or a "
      .. "function(optimizer, steps) that makes one", what)
  end
  if not rawequal(schedule.optimizer, s.optimizer) then
    fail.raise("fit: the schedule belongs to another optimizer; give the one it was made with")
  end
  if every == nil then every = schedule.every end
  if every ~= "epoch" and every ~= "step" then
    fail.raise("fit: schedule_every is '%s'; \"epoch\" or \"step\" is wanted", tostring(every))
  end
  if every == "step" and schedule.name == "ReduceLROnPlateau" then
    fail.raise("fit: ReduceLROnPlateau looks at the figures of an epoch, so schedule_every is \"epoch\"")
  end
  local wanted, last = every == "step" and total or s.epochs, schedule.options.total_steps
  if last and schedule.last_epoch + wanted > last then
    fail.raise("fit: the schedule ends after %d steps, and here are %d (%d epochs of %d); {total_steps = %d}", last,
      schedule.last_epoch + wanted, s.epochs, every == "step" and s.steps or 1, schedule.last_epoch + wanted)
  end
  s.schedule, s.every = schedule, every
end

-- s.monitor, the figure to go by, and s.watch.
local function read_watch(s, o)
  local patience, keep = whole("patience", o.patience), switch("keep_best", o.keep_best)
  s.monitor = Watch.figure(o.monitor, history.names(s))
  if keep == nil then keep = patience ~= nil end
  if patience or keep then
    s.watch = Watch.new(s.model, s.monitor, patience, keep)
  elseif o.monitor ~= nil and not (s.schedule and s.schedule.name == "ReduceLROnPlateau") then
    fail.raise("fit: monitor names the figure that patience, keep_best or ReduceLROnPlateau go by; give one of them")
  end
end

-- ---- data and callbacks ------------------------------------------------------------------------------

local function read_validation(o, source)
  if o.validation_split ~= nil and o.validation_data ~= nil then
    fail.raise("fit: give validation_split or validation_data, not both")
  end
  if o.validation_split ~= nil and o.validation_split ~= 0 then
    local train, held, by_class = source:split("fit", o.validation_split)
    return train, held, ("validation %g (%d samples%s)"):format(o.validation_split, held.n,
      by_class and ", every class alike" or "")
  end
  local data = o.validation_data
  if data == nil then return source, nil, "no validation" end
  local held
  if type(data) == "table" and getmetatable(data) == nil and data.x == nil then
    held = Source.read("fit: validation_data", data[1], data[2])
  else
    held = Source.read("fit: validation_data", data)
  end
  return source, held, held.n and ("validation on %d samples"):format(held.n) or "validation on a loader"
end

local function read_callbacks(given)
  if type(given) == "function" then given = {given} end
  if given ~= nil and type(given) ~= "table" then
    fail.raise("fit: callbacks is a %s; a function(epoch, values, model) or a list of them is wanted",
      type(given))
  end
  for i, f in ipairs(given or {}) do
    if type(f) ~= "function" then
      fail.raise("fit: callback %d is a %s; a function(epoch, values, model) is wanted", i, type(f))
    end
  end
  return given or {}
end

-- ---- all ---------------------------------------------------------------------------------------------

--- The settings in force, from the options that fit was given.
function settings.read(model, source, given)
  local o = check_options("fit", given, allowed)
  local s = {
    model = model,
    epochs = whole("epochs", o.epochs, 1),
    size = whole("batch_size", o.batch_size, 32),
    clip_norm = positive("clip_norm", o.clip_norm),
    clip_value = positive("clip_value", o.clip_value),
    shuffle = o.shuffle ~= false,
    verbose = o.verbose ~= false and o.verbose ~= 0,
    callbacks = read_callbacks(o.callbacks),
  }
  if not source.loader and not source.y then fail.raise("fit: y is missing; net:fit(x, y, {…})") end
  s.loss = measures.loss("fit", o.loss, source.y)
  s.metrics = measures.metrics("fit", o.metrics, s.loss, source.y)
  local optimizer = o.optimizer
  if optimizer == nil and is_schedule(o.schedule) then optimizer = o.schedule.optimizer end
  s.optimizer = read_optimizer(optimizer, model)
  s.source, s.held, s.validation = read_validation(o, source)
  s.steps = s.source:count(s.size)
  read_schedule(s, o.schedule, o.schedule_every)
  read_watch(s, o)
  return s
end

--- Prints the settings in force.
function settings.announce(s)
  local names = {}
  for i, metric in ipairs(s.metrics) do names[i] = metric.name end
  local parts = {s.optimizer:settings()}
  if s.schedule then parts[#parts + 1] = s.schedule:settings() .. " each " .. s.every end
  if s.clip_norm then parts[#parts + 1] = ("gradients of norm %g at most"):format(s.clip_norm) end
  if s.clip_value then parts[#parts + 1] = ("gradients within %g"):format(s.clip_value) end
  parts[#parts + 1] = s.loss.name
  if #names > 0 then parts[#parts + 1] = table.concat(names, ", ") end
  if not s.source.loader then parts[#parts + 1] = "batch " .. s.size end
  if not s.shuffle then parts[#parts + 1] = "not shuffled" end
  if s.source.x and s.source.x.dtype == "uint8" and s.source.x:dim() >= 2 then
    parts[#parts + 1] = "bytes as 0..1"
  end
  parts[#parts + 1] = s.validation
  if s.watch then parts[#parts + 1] = tostring(s.watch) end
  parts[#parts + 1] = (s.source.n and s.source.n .. " samples, " or "") .. s.steps .. " steps an epoch"
  parts[#parts + 1] = "seed " .. tensor.initial_seed()
  local text, columns = "fit: " .. table.concat(parts, " · "), core.terminal(2)
  io.stderr:write(columns and lines.wrap(text, columns, "", "  ") or text, "\n")
end

return settings
