-- measures.lua: the loss and the metrics of a fit by name, module or function, and the check of the
-- labels before the first step.

local core = require "lunette.core"
local fail = require "lunette.nn.fail"
local class = require "lunette.nn.class"

local tensor = core.tensor

local measures = {}

-- ---- losses --------------------------------------------------------------------------------------------

local loss_names = {"cross_entropy", "nll_loss", "mse_loss", "l1_loss", "huber_loss", "smooth_l1_loss",
  "binary_cross_entropy", "binary_cross_entropy_with_logits"}
local aliases = {mse = "mse_loss", mae = "l1_loss", l1 = "l1_loss", nll = "nll_loss", huber = "huber_loss",
  smooth_l1 = "smooth_l1_loss", bce = "binary_cross_entropy",
  bce_with_logits = "binary_cross_entropy_with_logits"}
local is_loss = {}
for _, name in ipairs(loss_names) do is_loss[name] = true end

-- Which ops the loss modules stand for.
local modules = {CrossEntropyLoss = "cross_entropy", NLLLoss = "nll_loss", MSELoss = "mse_loss",
  L1Loss = "l1_loss", BCELoss = "binary_cross_entropy",
  BCEWithLogitsLoss = "binary_cross_entropy_with_logits"}

local function integers(y) return y and not y.dtype:find "float" and y.dtype ~= "bool" end

local function usual_loss(where, y)
  if not y then
    fail.raise("%s: which loss? With a loader it must be named: {loss = \"cross_entropy\"}", where)
  end
  if integers(y) then return "cross_entropy" end
  if y.dtype == "bool" then return "binary_cross_entropy_with_logits" end
  return "mse_loss"
end

--- {name =, call =, module =}: the loss that is asked for, or the usual one for the type of y.
function measures.loss(where, given, y)
  if given == nil then given = usual_loss(where, y) end
  if type(given) == "string" then
    local name = aliases[given] or given
    if not is_loss[name] then
      local near = core.suggest(name, loss_names)
      fail.raise("%s: there is no loss '%s'%s", where, given, near and ("; did you mean '%s'?"):format(near)
        or " (" .. table.concat(loss_names, ", ") .. ")")
    end
    return {name = name, call = tensor[name]}
  end
  if class.is_class(given) then
    fail.raise("%s: loss is the class %s; write %s()", where, class.name(given), class.name(given))
  end
  local own = class.of(given)
  if own then return {name = modules[own._name] or own._name, call = given, module = given} end
  if type(given) == "function" then return {name = "own loss", call = given} end
  fail.raise("%s: loss is a %s; a name, a layer or a function(prediction, truth) is wanted", where,
    type(given))
end

-- ---- metrics ---------------------------------------------------------------------------------------------

local metric = {}

-- Each gives what to add up and by how many: the mean over all is the quotient of the sums.
function metric.accuracy(loss)
  if loss.name == "binary_cross_entropy_with_logits" or loss.name == "binary_cross_entropy" then
    local border = loss.name == "binary_cross_entropy" and 0.5 or 0
    return function(out, y) return out:gt(border):eq(y:gt(0.5)):sum(), out:numel() end
  end
  return function(out, y)
    local dim = y:dim() == out:dim() - 1 and (out:dim() > 2 and 2 or -1)
    if not dim then
      fail.raise("accuracy: the prediction is %s and the truth %s; scores [N,C] and classes [N] are wanted",
        fail.shape(out), fail.shape(y))
    end
    return out:argmax(dim):eq(y):sum(), y:numel()
  end
end

function metric.mae()
  return function(out, y) return (out - y):abs():sum():item(), out:numel() end
end

function metric.mse()
  return function(out, y) return (out - y):square():sum():item(), out:numel() end
end

local metric_names = {"accuracy", "mae", "mse"}

local function own_metric(f)
  return function(out, y)
    local value, n = f(out, y), #out
    if tensor.is_tensor(value) then value = value:item() end
    return value * n, n
  end
end

local function usual_metrics(loss, y)
  if loss.name == "cross_entropy" or loss.name == "nll_loss" then return {"accuracy"} end
  if y and (y.dtype == "bool" or integers(y)) and loss.name:find "^binary" then return {"accuracy"} end
  return {}
end

--- A list of {name =, call =} for names, functions and pairs {name, function}.
function measures.metrics(where, given, loss, y)
  if given == nil then given = usual_metrics(loss, y) end
  if type(given) ~= "table" then given = {given} end
  local list = {}
  for i, item in ipairs(given) do
    local name, f = item, nil
    if type(item) == "table" then name, f = item[1], item[2] end
    if type(item) == "function" then name, f = "metric" .. i, item end
    if type(f) == "function" and type(name) == "string" then
      list[i] = {name = name, call = own_metric(f)}
    elseif type(name) == "string" and f == nil and metric[name] then
      list[i] = {name = name, call = metric[name](loss)}
    else
      local near = type(name) == "string" and core.suggest(name, metric_names)
      fail.raise("%s: there is no metric '%s'%s; also {\"name\", function(prediction, truth) … end}", where,
        tostring(name), near and ("; did you mean '%s'?"):format(near) or " (accuracy, mae, mse)")
    end
  end
  return list
end

-- ---- labels ----------------------------------------------------------------------------------------------

-- The first row with a class that is not 1..n nor the one to ignore.
local function first_wrong(y, n, ignored)
  local rows = y:dim() > 1 and y:numel() // y:size(1) or 1
  for i, c in ipairs(y:reshape(-1):tolist()) do
    if (c < 1 or c > n) and c ~= ignored then return (i - 1) // rows + 1, c end
  end
end

--- Raises when the truth holds what is no class of the model's output, before anything is trained.
function measures.check_labels(loss, source, output)
  local y = source.y
  if loss.name ~= "cross_entropy" and loss.name ~= "nll_loss" then return end
  if not integers(y) or not tensor.is_tensor(output) or output:dim() < 2 or y:numel() == 0 then return end
  local n = output:size(2)
  if y:min() >= 1 and y:max() <= n then return end
  local options = loss.module and loss.module._options
  local row, c = first_wrong(y, n, options and options.ignore_index)
  if not row then return end
  fail.raise("%s: target %d at row %d is not a class 1..%d; classes count from 1%s", loss.name, c, row, n,
    y:min() == 0 and " (labels from a file that counts from 0: add 1)"
      or (" and the model gives %d scores"):format(n))
end

return measures
