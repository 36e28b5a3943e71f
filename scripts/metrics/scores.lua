-- scores.lua: accuracy, precision, recall and F of predicted classes, and the report of all.

local fail = require "lunette.nn.fail"
local labels = require "lunette.metrics.labels"
local check_options = require "lunette.options"
local text = require "lunette.metrics.text"

local scores = {}

-- ---- one figure ----------------------------------------------------------------------------------------

--- accuracy(pred, truth): the share of right predictions. pred: classes [N] from 1 or scores [N,C];
-- truth: classes [N].
-- example: metrics.accuracy(tensor{1, 2, 2, 1}, tensor{1, 2, 1, 1}) --> 0.75
function scores.accuracy(...)
  local pred, truth, given = labels.read("accuracy", ...)
  check_options("accuracy", given, {})
  local right = 0
  for i = 1, #pred do
    if pred[i] == truth[i] then right = right + 1 end
  end
  return right / #pred
end

-- ---- precision, recall, F --------------------------------------------------------------------------------

local function ratio(a, b, otherwise) return b > 0 and a / b or otherwise end

-- For a class or all together: hits, how often it was predicted, how often it was true.
local function figures(hits, predicted, support, beta, otherwise)
  local b2 = beta * beta
  return {
    precision = ratio(hits, predicted, otherwise),
    recall = ratio(hits, support, otherwise),
    f = ratio((1 + b2) * hits, b2 * support + predicted, otherwise),
    support = support,
  }
end

-- A list of figures, one for each class that counts, with those of all together.
local function by_class(counts, n, used, all, beta, otherwise)
  local list, hits, total = {}, 0, 0
  for c = 1, n do
    local support, predicted = 0, 0
    for other = 1, n do
      support = support + counts[c][other]
      predicted = predicted + counts[other][c]
    end
    hits, total = hits + counts[c][c], total + support
    if all or used[c] then
      local one = figures(counts[c][c], predicted, support, beta, otherwise)
      one.class = c
      list[#list + 1] = one
    end
  end
  return list, figures(hits, total, total, beta, otherwise)
end

local function mean(list, key, otherwise)
  local sum = 0
  for _, one in ipairs(list) do sum = sum + one[key] end
  return #list > 0 and sum / #list or otherwise
end

local function weighted(list, key, otherwise)
  local sum, weight = 0, 0
  for _, one in ipairs(list) do sum, weight = sum + one[key] * one.support, weight + one.support end
  return ratio(sum, weight, otherwise)
end

local known = {"average", "beta", "classes", "names", "zero_division"}
local averages = {macro = true, micro = true, weighted = true, none = true}

local function score(where, key, ...)
  local pred, truth, given, width = labels.read(where, ...)
  given = check_options(where, given, known)
  local average, otherwise = given.average or "macro", given.zero_division or 0
  if not averages[average] then
    fail.raise('%s: average is %s; "macro", "micro", "weighted" or "none" is wanted', where,
      tostring(average))
  end
  if given.beta and where ~= "fbeta" then fail.raise("%s: takes no beta; fbeta does", where) end
  local most = given.classes or given.names and #given.names
  local counts, n, used = labels.count(where, pred, truth, most or width)
  local list, all = by_class(counts, n, used, most ~= nil or average == "none" and width ~= nil,
    given.beta or 1, otherwise)
  if average == "micro" then return all[key] end
  if average == "macro" then return mean(list, key, 0 / 0) end
  if average == "weighted" then return weighted(list, key, otherwise) end
  local out = {}
  for i, one in ipairs(list) do out[i] = one[key] end
  return require "lunette.core".tensor.list(out)
end

--- precision(pred, truth, {average = "macro", classes =, names =, zero_division = 0}): of those taken
-- for a class, the share that belongs to it. average: "macro" is the plain mean over the classes that
-- occur, "weighted" by how often each is true, "micro" all together, "none" a list by class.
-- example: metrics.precision(tensor{1, 2, 2, 1}, tensor{1, 2, 1, 1}) --> 0.75
function scores.precision(...) return score("precision", "precision", ...) end

--- recall(pred, truth, {average = "macro", …}): of those that belong to a class, the share that was
-- found. Options as for precision.
-- example: metrics.recall(tensor{1, 2, 2, 1}, tensor{1, 2, 1, 1}, {average = "none"}) --> {0.66666666666667, 1.0}
function scores.recall(...) return score("recall", "recall", ...) end

--- f1(pred, truth, {average = "macro", …}): 2 precision recall / (precision + recall). Options as for
-- precision.
-- example: metrics.f1(tensor{1, 2, 2, 1}, tensor{1, 2, 1, 1}, {average = "none"}) --> {0.8, 0.66666666666667}
function scores.f1(...) return score("f1", "f", ...) end

--- fbeta(pred, truth, {beta =, average = "macro", …}): like f1, with recall beta times as important.
-- example:
--   pred, truth = tensor{1, 2, 2, 1}, tensor{1, 2, 1, 1}
--   metrics.fbeta(pred, truth, {beta = 2, average = "none"}) --> {0.71428571428571, 0.83333333333333}
function scores.fbeta(...) return score("fbeta", "f", ...) end

-- ---- the report --------------------------------------------------------------------------------------

local Report = {}
Report.__index = Report

local function line(name, one)
  return {name, ("%.4f"):format(one.precision), ("%.4f"):format(one.recall), ("%.4f"):format(one.f),
    ("%d"):format(one.support)}
end

function Report:__tostring()
  local rows = {{"class", "precision", "recall", "F1", "support"}}
  for _, one in ipairs(self) do rows[#rows + 1] = line(one.name, one) end
  rows[#rows + 1] = {""}
  rows[#rows + 1] = line("macro mean", self.macro)
  rows[#rows + 1] = line("weighted mean", self.weighted)
  return ("%s\naccuracy %.4f"):format(text.align(rows), self.accuracy)
end

--- report(pred, truth, {names =, classes =, zero_division = 0}): a table of precision, recall, F1 and
-- support of each class. report[c].recall, report.macro.f, report.accuracy are figures of it.
-- example:
--   pred, truth = tensor{1, 2, 2, 1}, tensor{1, 2, 1, 1}
--   metrics.report(pred, truth, {names = {"cat", "dog"}}) --> class          precision  recall      F1  support
--   cat               1.0000  0.6667  0.8000        3
--   dog               0.5000  1.0000  0.6667        1
--
--   macro mean        0.7500  0.8333  0.7333        4
--   weighted mean     0.8750  0.7500  0.7667        4
--   accuracy 0.7500
function scores.report(...)
  local pred, truth, given, width = labels.read("report", ...)
  given = check_options("report", given, {"classes", "names", "zero_division"})
  local most = given.classes or given.names and #given.names or width
  local counts, n, used = labels.count("report", pred, truth, most)
  local list, all = by_class(counts, n, used, most ~= nil, 1, given.zero_division or 0)
  for _, one in ipairs(list) do
    one.name = given.names and given.names[one.class] or tostring(one.class)
  end
  list.accuracy = all.precision
  list.macro, list.weighted = {support = all.support}, {support = all.support}
  for _, key in ipairs {"precision", "recall", "f"} do
    list.macro[key], list.weighted[key] = mean(list, key, 0 / 0), weighted(list, key, 0)
  end
  return setmetatable(list, Report)
end

return scores
