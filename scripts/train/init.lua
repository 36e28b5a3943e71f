-- init.lua: lunette.train: gives modules fit, evaluate and predict. Loading it is enough.
--
--   local history = net:fit(x, y, {epochs = 5, validation_split = 0.1})
--   local scores = net:evaluate(test_x, test_y)
--   local guess = net:predict(test_x):argmax(-1)

local core = require "lunette.core"
local class = require "lunette.nn.class"
local fail = require "lunette.nn.fail"
local check_options = require "lunette.options"
local Source = require "lunette.train.source"
local measures = require "lunette.train.measures"
local fit = require "lunette.train.fit"
local evaluate = require "lunette.train.evaluate"

local tensor = core.tensor
local Module = class.Module

local function check_self(self, method)
  if not class.of(self) then
    fail.raise("%s: called with '.', so the model is missing; write net:%s(…)", method, method)
  end
end

--- Trains the model: net:fit(x, y, {…}) or net:fit(set, {…}), and returns the history: lists h.loss,
-- h.accuracy, h.val_loss, … with one value an epoch. Prints the settings in force first. Options:
--   epochs            1
--   batch_size        32
--   optimizer         Adam with lr 0.001; one that was made, or a name: "sgd" (lr 0.01), "rmsprop", …
--   schedule          of the learning rate: optim.lr_scheduler.StepLR(opt, 10), or a function(optimizer,
--                     steps) that makes one; steps is how many there will be. h.lr has the rates
--   schedule_every    "epoch" or "step": when it steps; "step" for OneCycleLR and CyclicLR
--   clip_norm         the largest norm that all gradients together may have
--   clip_value        the largest magnitude that an element of a gradient may have
--   loss              by the type of y: cross_entropy for classes, mse_loss for numbers
--   metrics           {"accuracy"} for classes
--   validation_split  a fraction of the rows, of each class alike, that is held out
--   validation_data   {x, y} or a data set
--   patience          stops after so many epochs in which the figure to go by did not get better
--   keep_best         puts the weights of the best epoch back at the end; true with patience
--   monitor           the figure to go by: "val_loss", or "loss" where nothing is held out; less is better
--                     for losses, mae and mse, more for all others
--   shuffle           true
--   callbacks         functions (epoch, values, model), called after each epoch; false as result stops
--   verbose           true
-- The model keeps the history of the last fit as net.history, also when that ended with an error, or
-- with Ctrl-C. At the prompt Ctrl-C pauses: after the step that runs another prompt opens, where model,
-- optimizer, history, epoch, step, and the batch's x, y, out and loss are at hand (optimizer:set_lr(1e-4)
-- works); `continue` goes on as if nothing had been, `stop` returns the history so far, with the figures
-- of the part of an epoch that was done; `abort` ends all that runs, as Ctrl-C does elsewhere.
-- example:
--   x, net = tensor.linspace(-1, 1, 64):view(64, 1), nn.Linear(1, 1)
--   history = net:fit(x, 3 * x + 1, {epochs = 60, optimizer = optim.Adam(net, {lr = 0.1}), verbose = false})
--   math.abs(net.weight:item() - 3) < 0.1, #history.loss --> true  60
--   opt = optim.SGD(net, {lr = 0.1})
--   halved = optim.lr_scheduler.StepLR(opt, 2, 0.5)
--   history = net:fit(x, 3 * x + 1, {epochs = 5, optimizer = opt, schedule = halved, patience = 3, verbose = false})
--   history.lr --> {0.1, 0.1, 0.05, 0.05, 0.025}
function Module:fit(...)
  check_self(self, "fit")
  return fit(self, ...)
end

--- The loss and the metrics on data, by name: net:evaluate(x, y).accuracy. In evaluation mode, without
-- recording; the mode is left as found. Options: batch_size, loss and metrics (those of the last fit,
-- else the usual ones), verbose (false).
-- example:
--   x, y = tensor{{1.0}, {2.0}}, tensor{{1.0}, {4.0}}
--   nn.Identity():evaluate(x, y).loss --> 2.0
function Module:evaluate(...)
  check_self(self, "evaluate")
  return evaluate.run(self, ...)
end

local predict_options = {"batch_size"}

-- Fills one tensor with the outputs of all batches.
local function outputs_of(model, source, size)
  local out, at = nil, 1
  local next_batch = source:batches(size, false, function(x)
    local y = model(x)
    if not tensor.is_tensor(y) then
      fail.raise("predict: the model gives a %s; a tensor is wanted", type(y))
    end
    if not out then
      local shape = {table.unpack(y.shape)}
      shape[1] = source.n
      out = core.keep(tensor.empty(shape, {dtype = y.dtype}))
    end
    out:narrow(1, at, #y):copy_(y)
    at = at + #y
  end)
  repeat until not next_batch()
  return out
end

--- The model's outputs for x, in evaluation mode and without recording; the mode is left as found.
-- Options: batch_size (128).
-- example: nn.Flatten():predict(tensor{{{1.0, 2.0}}}) --> float32 [1,2]  1.0  2.0
function Module:predict(x, ...)
  check_self(self, "predict")
  local source = tensor.is_tensor(x) and Source.read("predict", x) or Source.read("predict", x, ...)
  local given = ...
  if select("#", ...) > 1 then fail.raise("predict: takes x and a table of options") end
  if source.loader then fail.raise "predict: takes a tensor or a data set, not a loader" end
  given = check_options("predict", given, predict_options)
  if source.n == 0 then fail.raise "predict: there are no rows to predict" end
  return self:_with_mode(false, tensor.no_grad, outputs_of, self, source, given.batch_size or 128)
end

return core.strict({fit = Module.fit, evaluate = Module.evaluate, predict = Module.predict,
  measures = measures}, "train")
