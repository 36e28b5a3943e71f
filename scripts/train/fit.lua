-- fit.lua: the training loop behind net:fit.

local core = require "lunette.core"
local fail = require "lunette.nn.fail"
local trace = require "lunette.nn.trace"
local utils = require "lunette.nn.utils"
local Bar = require "lunette.bar"
local Source = require "lunette.train.source"
local Totals = require "lunette.train.totals"
local evaluate = require "lunette.train.evaluate"
local history = require "lunette.train.history"
local measures = require "lunette.train.measures"
local pause = require "lunette.train.pause"
local settings = require "lunette.train.settings"

local tensor = core.tensor

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
  local names = {model = s.model, optimizer = s.optimizer, schedule = s.schedule, history = s.history,
    epoch = s.epoch}
  for name, value in next, more or {} do names[name] = value end
  s.stopped = not pause.open {mark = "fit", names = names,
    text = ("fit: paused in epoch %d/%d, %s"):format(s.epoch, s.epochs, where)}
  if s.bar then s.bar:rest(tensor.now() - began) end
  return not s.stopped
end

-- The learning rate in force, of the first group.
local function rate(s) return s.optimizer.param_groups[1].lr end

-- Figures as a line.
local function line(s, totals) return s.schedule and ("%s  lr %.4g"):format(totals:text(), rate(s)) or totals:text() end

-- The loss on a batch and its gradients, clipped. `may_fail`: a loss that is not finite is no error.
local function gradients(x, y, s, step, may_fail)
  s.optimizer:zero_grad()
  local out = s.model(x)
  local loss = s.loss.call(out, y)
  if not tensor.is_tensor(loss) or loss:numel() ~= 1 then
    fail.raise("fit: the loss is %s; a tensor of one element is wanted", tensor.is_tensor(loss)
      and "of shape " .. fail.shape(loss) or "a " .. type(loss) .. ", which cannot go backward")
  end
  local value = loss:item()
  if not may_fail and (value ~= value or value == math.huge or value == -math.huge) then
    stop_at_nan(s, s.epoch, step, value)
  end
  loss:backward()
  if s.clip_norm then utils.clip_grad_norm_(s.model, s.clip_norm) end
  if s.clip_value then utils.clip_grad_value_(s.model, s.clip_value) end
  return loss, value, out
end

-- One step of an optimizer that evaluates the loss several times: what it found first.
local function step_with_closure(x, y, s, step)
  local first, first_out
  s.optimizer:step(function()
    local loss, value, out = gradients(x, y, s, step, first ~= nil)
    if first == nil then first, first_out = value, out end
    return loss
  end)
  return first, first_out
end

-- One step, on a batch.
local function train_step(x, y, s, totals, step)
  local value, out, _
  if s.optimizer.kind.wants_closure then
    value, out = step_with_closure(x, y, s, step)
  else
    _, value, out = gradients(x, y, s, step)
    s.optimizer:step()
  end
  totals:add(value, out, y)
  s.rate = rate(s)
  if s.every == "step" then s.schedule:step() end
  may_go_on(s, ("after step %d/%d: %s"):format(step, s.steps, totals:text()),
    {x = x, y = y, out = out, loss = value, step = step})
end

-- The figures on the data held out, into the history; their text.
local function validate(s)
  local values = evaluate.measure(s.model, s.held, math.max(s.size, 128), s.loss, s.metrics,
    function() return may_go_on(s, "in the validation") end)
  if not values then return "" end
  history.add(s.history, values, "val_")
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
  local function figures() return line(s, totals) end
  local next_batch = s.source:batches(s.size, s.shuffle, train_step)
  while not s.stopped and next_batch(s, totals, step + 1) do
    step = step + 1
    if bar then bar:step(figures) end
  end
  if step == 0 then fail.raise("fit: there are no samples to train on") end
  history.add(s.history, totals:values())
  local text = totals:text()
  if s.held and not s.stopped then text = text .. validate(s) end
  if s.schedule then
    history.add(s.history, {lr = s.rate})
    text = ("%s  %s"):format(text, history.text("lr", s.rate))
  end
  if bar then bar:finish(text) end
end

-- What stands between two epochs: the watch on the best, the schedule, the callbacks. False stops.
local function between(s, epoch)
  local values = history.last(s.history)
  local go_on = not s.watch or s.watch:add(epoch, values)
  if s.every == "epoch" then
    s.schedule:step(s.schedule.name == "ReduceLROnPlateau" and values[s.monitor] or nil)
  end
  for _, f in ipairs(s.callbacks) do
    if f(epoch, values, s.model) == false then go_on = false end
  end
  return go_on
end

local function run(s)
  local _ <close> = pause.guard()
  for epoch = 1, s.epochs do
    run_epoch(s, epoch)
    if s.stopped or not between(s, epoch) or not may_go_on(s, "at its end") then break end
  end
  s.optimizer:zero_grad()
  local said = s.watch and s.watch:finish()
  if said and s.verbose then io.stderr:write("fit: ", said, "\n") end
end

local function fit(model, ...)
  local source, given, surplus = Source.read("fit", ...)
  if surplus ~= nil then fail.raise("fit: takes x, y and a table of options") end
  local s = settings.read(model, source, given)
  measures.check_labels(s.loss, source, evaluate.probe(model, source))
  if s.held and s.held.y then measures.check_labels(s.loss, s.held, evaluate.probe(model, source)) end
  evaluate.settings[model] = {loss = s.loss, metrics = s.metrics}
  if s.verbose then settings.announce(s) end
  if source.x and source.x.dtype == "uint8" then trace.scaled[model] = true end
  s.history = history.new(s)
  history.publish(model, s.history)
  model:_with_mode(true, run, s)
  return s.history
end

return fit
