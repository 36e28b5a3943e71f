-- metrics.lua: tests of metrics, against figures of scikit-learn and counts by hand.

local lunette = require "lunette"
local tensor, metrics = lunette.tensor, lunette.metrics

-- scikit-learn 1.2 on these, with labels that count from 0.
local truth = {2, 1, 1, 3, 2, 3, 1, 1, 2, 1, 2, 2, 1, 1, 3, 3, 2, 3, 2, 3}
local guess = {2, 1, 3, 3, 2, 3, 1, 1, 2, 1, 2, 2, 1, 1, 3, 2, 2, 3, 1, 3}

local function test_figures(t)
  t.near("accuracy", metrics.accuracy(guess, truth), 0.85, 1e-12)
  t.near("macro precision", metrics.precision(guess, truth), 0.8492063492063492, 1e-12)
  t.near("macro recall", metrics.recall(guess, truth), 0.8492063492063492, 1e-12)
  t.near("macro F1", metrics.f1(guess, truth), 0.8492063492063492, 1e-12)
  t.near("weighted F1", metrics.f1(guess, truth, {average = "weighted"}), 0.85, 1e-12)
  t.near("micro F1", metrics.f1(guess, truth, {average = "micro"}), 0.85, 1e-12)
  local each = metrics.recall({2, 2, 2}, {2, 2, 1}, {average = "none"})
  t.eq("recall by class", each, tensor.list {0.0, 1.0})
  t.near("F1 by class", metrics.f1({2, 2, 2}, {2, 2, 1}, {average = "none"})[2], 0.8, 1e-12)
  t.near("zero_division", metrics.precision({2, 2}, {1, 1}, {average = "none", zero_division = 1})[1], 1)
  t.near("classes that do not occur count when asked for", metrics.recall({1, 1}, {1, 1}, {classes = 2}), 0.5)
  t.near("beta", metrics.fbeta({1, 1, 2}, {1, 2, 2}, {beta = 2, average = "none"})[1], 5 / 6, 1e-12)
  t.ok("of nothing", metrics.accuracy({}, {}) ~= metrics.accuracy({}, {}))
end

local function test_arguments(t)
  local scores = tensor {{0.1, 0.9}, {0.8, 0.2}, {0.3, 0.7}}
  t.near("scores count as their largest", metrics.accuracy(scores, tensor {2, 1, 1}), 2 / 3, 1e-12)
  t.near("by name", metrics.recall {pred = {1, 1}, target = {1, 2}, average = "micro"}, 0.5, 1e-12)
  t.raises("lengths", "accuracy: 2 predictions and 1 truths", function() metrics.accuracy({1, 2}, {1}) end)
  t.raises("class 0", "truth 0 at row 2 is not a class; classes count from 1 %(labels from a file",
    function() metrics.recall({1, 1}, {1, 0}) end)
  t.raises("swapped", "the prediction comes first, the truth second",
    function() metrics.accuracy(tensor {2, 1, 1}, scores) end)
  t.raises("unknown option", "metrics%.lua:%d+: f1: unknown option 'averge'; did you mean 'average'",
    function() metrics.f1({1}, {1}, {averge = "macro"}) end)
  t.raises("unknown average", 'average is samples; "macro"', function() metrics.f1({1}, {1}, {average = "samples"}) end)
  t.raises("no truth", "wants two arguments", function() metrics.accuracy({1}) end)
end

local function test_confusion(t)
  local cm = metrics.confusion_matrix(guess, truth)
  t.eq("rows are the truth", cm.counts, tensor {{6, 0, 1}, {1, 6, 0}, {0, 1, 5}})
  t.eq("a count", cm[1][3], 1)
  t.near("its accuracy", cm:accuracy(), 0.85, 1e-12)
  local text = tostring(metrics.confusion_matrix({1, 2}, {2, 2}, {names = {"cat", "dog"}}))
  t.eq("prints with names", text, "confusion matrix: a row for each true class, a column for each predicted one\n"
    .. "     cat  dog\ncat    0    0\ndog    1    1")
  t.raises("more classes than names", "is not a class 1..2", function()
    metrics.confusion_matrix({1, 3}, {2, 2}, {names = {"cat", "dog"}})
  end)
end

local function test_report(t)
  local report = metrics.report({1, 2, 3, 3, 1}, {1, 2, 3, 1, 2}, {names = {"a", "b", "c"}})
  t.near("precision of a class", report[2].precision, 1)
  t.near("recall of a class", report[2].recall, 0.5)
  t.near("macro F1", report.macro.f, (0.5 + 2 / 3 + 2 / 3) / 3, 1e-12)
  t.near("accuracy", report.accuracy, 0.6, 1e-12)
  local text = tostring(report)
  t.ok("prints names and support", text:find "b +1.0000 +0.5000 +0.6667 +2" and text:find "accuracy 0.6000")
end

local function test_mean(t)
  local mean = metrics.mean()
  mean:add(3, 2):add(tensor(0.0))
  t.near("a weighted mean", mean:value(), 2, 1e-12)
  t.ok("of nothing", mean:reset():value() ~= mean:value())
  t.raises("adds numbers only", "mean: takes numbers", function() mean:add "x" end)
end

return function(t)
  test_figures(t)
  test_arguments(t)
  test_confusion(t)
  test_report(t)
  test_mean(t)
end
