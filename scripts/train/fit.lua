-- fit.lua: the training loop behind net:fit.

local core = require "lunette.core"
local fail = require "lunette.nn.fail"
local optim = require "lunette.optim"
local trace = require "lunette.nn.trace"
local Bar = require "lunette.bar"
local check_options = require "lunette.options"
local Source = require "lunette.train.source"
local Totals = require "lunette.train.totals"
local evaluate = require "lunette.train.evaluate"
local measures = require "lunette.train.measures"
local pause = require "lunette.train.pause"

local tensor = core.tensor

local allowed = {"epochs", "batch_size", "optimizer", "loss", "metrics", "validation_split",
  "validation_data", "shuffle", "callbacks", "verbose"}

-- ---- settings --------------------------------------------------------------------------------------------

local function whole(name, value, usual)
  if value == nil then return usual end
  local v = math.tointeger(value)
  if not v or v < 1 then
    fail.raise("fit: %s is %s; a whole number from 1 is wanted", name, tostring(value))
  end
  return v
end

local by_name = {adam = "Adam", adamw = "AdamW", sgd = "SGD"}

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
  if type(given) == "string" then
    local name = by_name[given:lower()]
    if not name then fail.raise("fit: there is no optimizer '%s' (adam, adamw, sgd)", given) end
    return optim[name](model, {lr = name == "SGD" and 0.01 or 1e-3})
  end
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

local function read_settings(model, source, o)
  local s = {
    model = model,
    epochs = whole("epochs", o.epochs, 1),
    size = whole("batch_size", o.batch_size, 32),
    shuffle = o.shuffle ~= false,
    verbose = o.verbose ~= false and o.verbose ~= 0,
    callbacks = read_callbacks(o.callbacks),
  }
  if not source.loader and not source.y then fail.raise("fit: y is missing; net:fit(x, y, {…})") end
  s.loss = measures.loss("fit", o.loss, source.y)
  s.metrics = measures.metrics("fit", o.metrics, s.loss, source.y)
  s.optimizer = read_optimizer(o.optimizer, model)
  s.source, s.held, s.validation = read_validation(o, source)
  s.steps = s.source:count(s.size)
  return s
end

local function announce(s)
  local names = {}
  for i, metric in ipairs(s.metrics) do names[i] = metric.name end
  local parts = {s.optimizer:settings(), s.loss.name}
  if #names > 0 then parts[#parts + 1] = table.concat(names, ", ") end
  if not s.source.loader then parts[#parts + 1] = "batch " .. s.size end
  if not s.shuffle then parts[#parts + 1] = "not shuffled" end
  if s.source.x and s.source.x.dtype == "uint8" and s.source.x:dim() >= 2 then
    parts[#parts + 1] = "bytes as 0..1"
  end
  parts[#parts + 1] = s.validation
  parts[#parts + 1] = (s.source.n and s.source.n .. " samples, " or "") .. s.steps .. " steps an epoch"
  parts[#parts + 1] = "seed " .. tensor.initial_seed()
  io.stderr:write("fit: ", table.concat(parts, " · "), "\n")
end

-- ---- history -------------------------------------------------------------------------------------------

local History = {}

function History.__tostring(h)
  local n = #h.loss
  local parts = {("history of %d epoch%s"):format(n, n == 1 and "" or "s")}
  for _, name in ipairs(getmetatable(h).names) do
    if h[name] and #h[name] > 0 then parts[#parts + 1] = ("%s %.4f"):format(name, h[name][-1]) end
  end
  return table.concat(parts, "  ")
end

local function new_history(s)
  local names = {"loss"}
  for _, metric in ipairs(s.metrics) do names[#names + 1] = metric.name end
  if s.held then
    for i = 1, #names do names[#names + 1] = "val_" .. names[i] end
  end
  local h = {}
  for _, name in ipairs(names) do h[name] = tensor.list {} end
  return setmetatable(h, {__tostring = History.__tostring, names = names, is_history = true})
end

-- The model keeps the history of its last fit as model.history, so that an error or Ctrl-C does not
-- lose it; a field of the user's by that name stays.
local function publish(model, history)
  local old = model.history
  local meta = type(old) == "table" and getmetatable(old)
  if old == nil or type(meta) == "table" and meta.is_history then model.history = history end
end

-- ---- the loop --------------------------------------------------------------------------------------------

local function all_finite(model)
  for _, p in ipairs(model:parameters()) do
    if not p:isfinite():all() then return false end
  end
  return true
end

local function stop_at_nan(s, epoch, step, value)
  local state = all_finite(s.model) and "The parameters are those before this step"
    or "Parameters hold NaN or infinity since an earlier step, so make the model anew"
  fail.raise("fit stopped at epoch %d, step %d: the loss is %s. %s, the finished epochs are in "
    .. "model.history. Often the learning rate is too large (%s), the inputs hold NaN, or a logarithm or "
    .. "root meets 0", epoch, step, value ~= value and "NaN" or "infinite", state, s.optimizer:settings())
end

-- Where Ctrl-C asked for it, holds still with a prompt that knows the names of the place; `more` are those
-- of this step. False once training is to end.
local function may_go_on(s, where, more)
  if s.stopped or not pause.is_wanted() then return not s.stopped end
  local began = tensor.now()
  if s.bar then s.bar:leave() end
  local names = {model = s.model, optimizer = s.optimizer, history = s.history, epoch = s.epoch}
  for name, value in next, more or {} do names[name] = value end
  s.stopped = not pause.open {mark = "fit", names = names,
    text = ("fit: paused in epoch %d/%d, %s"):format(s.epoch, s.epochs, where)}
  if s.bar then s.bar:rest(tensor.now() - began) end
  return not s.stopped
end

-- One step, on a batch.
local function train_step(x, y, s, totals, step)
  s.optimizer:zero_grad()
  local out = s.model(x)
  local loss = s.loss.call(out, y)
  if not tensor.is_tensor(loss) or loss:numel() ~= 1 then
    fail.raise("fit: the loss is %s; a tensor of one element is wanted", tensor.is_tensor(loss)
      and "of shape " .. fail.shape(loss) or "a " .. type(loss) .. ", which cannot go backward")
  end
  local value = loss:item()
  if value ~= value or value == math.huge or value == -math.huge then stop_at_nan(s, s.epoch, step, value) end
  loss:backward()
  s.optimizer:step()
  totals:add(value, out, y)
  may_go_on(s, ("after step %d/%d: %s"):format(step, s.steps, totals:text()),
    {x = x, y = y, out = out, loss = value, step = step})
end

local function add_values(history, values, prefix)
  for name, value in next, values do
    local list = history[prefix .. name]
    list[#list + 1] = value
  end
end

-- The figures on the data held out, into the history; their text.
local function validate(s)
  local values = evaluate.measure(s.model, s.held, math.max(s.size, 128), s.loss, s.metrics,
    function() return may_go_on(s, "in the validation") end)
  if not values then return "" end
  add_values(s.history, values, "val_")
  local text = ("  val_loss %.4f"):format(values.loss)
  for _, m in ipairs(s.metrics) do text = ("%s  val_%s %.4f"):format(text, m.name, values[m.name]) end
  return text
end

local function run_epoch(s, epoch)
  local totals, step = Totals.new(s.metrics), 0
  local bar = s.verbose and Bar.new(("epoch %d/%d"):format(epoch, s.epochs), s.steps)
  s.epoch, s.bar = epoch, bar
  local _ <close> = setmetatable({}, {__close = function(_, problem)
    if bar then bar:leave() end
    if s.verbose and problem and tostring(problem):find "interrupted!$" then
      io.stderr:write(("fit: stopped in epoch %d; the %d finished before are in model.history\n"):format(epoch, epoch - 1))
    end
  end})
  local function figures() return totals:text() end
  local next_batch = s.source:batches(s.size, s.shuffle, train_step)
  while not s.stopped and next_batch(s, totals, step + 1) do
    step = step + 1
    if bar then bar:step(figures) end
  end
  if step == 0 then fail.raise("fit: there are no samples to train on") end
  add_values(s.history, totals:values(), "")
  local text = totals:text()
  if s.held and not s.stopped then text = text .. validate(s) end
  if bar then bar:finish(text) end
end

-- Calls the callbacks with the last values; false stops.
local function call_back(s, epoch)
  local values, history = {}, s.history
  for _, name in ipairs(getmetatable(history).names) do values[name] = history[name][-1] end
  local go_on = true
  for _, f in ipairs(s.callbacks) do
    if f(epoch, values, s.model) == false then go_on = false end
  end
  return go_on
end

local function run(s)
  local _ <close> = pause.guard()
  for epoch = 1, s.epochs do
    run_epoch(s, epoch)
    if s.stopped or not call_back(s, epoch) or not may_go_on(s, "at its end") then break end
  end
  s.optimizer:zero_grad()
end

local function fit(model, ...)
  local source, given, surplus = Source.read("fit", ...)
  if surplus ~= nil then fail.raise("fit: takes x, y and a table of options") end
  local s = read_settings(model, source, check_options("fit", given, allowed))
  measures.check_labels(s.loss, source, evaluate.probe(model, source))
  if s.held and s.held.y then measures.check_labels(s.loss, s.held, evaluate.probe(model, source)) end
  evaluate.settings[model] = {loss = s.loss, metrics = s.metrics}
  if s.verbose then announce(s) end
  if source.x and source.x.dtype == "uint8" then trace.scaled[model] = true end
  s.history = new_history(s)
  publish(model, s.history)
  model:_with_mode(true, run, s)
  return s.history
end

return fit
