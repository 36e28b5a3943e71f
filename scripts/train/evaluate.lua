-- evaluate.lua: the loss and the metrics of a model on data.

local core = require "lunette.core"
local fail = require "lunette.nn.fail"
local check_options = require "lunette.options"
local Source = require "lunette.train.source"
local measures = require "lunette.train.measures"
local Totals = require "lunette.train.totals"

local tensor = core.tensor

local evaluate = {
  settings = setmetatable({}, {__mode = "k"}), -- of the last fit of a model: {loss =, metrics =}
}

local options = {"batch_size", "loss", "metrics", "verbose"}

-- Totals over a source, nil when go_on() says no after a batch; the caller has set the mode and switched
-- recording off.
local function measure(model, source, size, loss, metrics, go_on)
  local totals = Totals.new(metrics)
  local next_batch = source:batches(size, false, function(x, y)
    local out = model(x)
    totals:add(loss.call(out, y):item(), out, y)
  end)
  while next_batch() do
    if go_on and not go_on() then return nil end
  end
  return totals
end

--- A table of the figures: loss and every metric by name. `go_on` (may be nil) is asked after every
-- batch; when it says no, the result is nil.
function evaluate.measure(model, source, size, loss, metrics, go_on)
  local totals = model:_with_mode(false, tensor.no_grad, measure, model, source, size, loss, metrics, go_on)
  return totals and totals:values()
end

--- The output for the first sample, in evaluation mode; nil when there is none to try.
function evaluate.probe(model, source)
  local x = source:first()
  if not x then return nil end
  return (model:_with_mode(false, tensor.no_grad, function() return (model(x)) end))
end

function evaluate.run(model, ...)
  local source, given, surplus = Source.read("evaluate", ...)
  if surplus ~= nil then fail.raise("evaluate: takes x, y and a table of options") end
  given = check_options("evaluate", given, options)
  if not source.y and not source.loader then fail.raise("evaluate: y is missing; net:evaluate(x, y)") end
  local last = evaluate.settings[model] or {}
  local loss = given.loss == nil and last.loss or measures.loss("evaluate", given.loss, source.y)
  local metrics = given.metrics == nil and last.metrics
    or measures.metrics("evaluate", given.metrics, loss, source.y)
  measures.check_labels(loss, source, evaluate.probe(model, source))
  local values = evaluate.measure(model, source, given.batch_size or 128, loss, metrics)
  if given.verbose then
    local parts = {("loss %.4f"):format(values.loss)}
    for _, m in ipairs(metrics) do parts[#parts + 1] = ("%s %.4f"):format(m.name, values[m.name]) end
    io.stderr:write("evaluate: ", table.concat(parts, "  "), "\n")
  end
  return values
end

return evaluate
