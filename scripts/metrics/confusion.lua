-- confusion.lua: the confusion matrix: which class was taken for which.

local core = require "lunette.core"
local fail = require "lunette.nn.fail"
local labels = require "lunette.metrics.labels"
local check_options = require "lunette.options"
local text = require "lunette.metrics.text"

local tensor = core.tensor

local Matrix = {}

function Matrix.__index(self, key)
  if key == "counts" then
    local like = {dtype = "int64"}
    return #self > 0 and tensor({table.unpack(self)}, like) or tensor.zeros({0, 0}, like)
  end
  return Matrix[key]
end

--- A list of the rows, to look at or to draw: rows are the truth, columns the prediction.
function Matrix:tolist() return {table.unpack(self)} end

--- The share of right predictions.
function Matrix:accuracy()
  local right, all = 0, 0
  for t, row in ipairs(self) do
    right = right + row[t]
    for _, n in ipairs(row) do all = all + n end
  end
  return right / all
end

local WIDEST = 9

function Matrix:__tostring()
  local names, n = self.names, #self
  if n == 0 then return "confusion matrix of nothing" end
  local rows = {{""}}
  for c = 1, n do rows[1][c + 1] = text.cut(names and names[c] or tostring(c), WIDEST) end
  for t = 1, n do
    rows[t + 1] = {names and names[t] or tostring(t)}
    for p = 1, n do rows[t + 1][p + 1] = tostring(self[t][p]) end
  end
  return "confusion matrix: a row for each true class, a column for each predicted one\n"
    .. text.align(rows)
end

--- confusion_matrix(pred, truth, {names =, classes =}): counts[t][p], how often class t was taken for
-- class p. Prints as a table; cm[t][p] is a count, cm.counts a tensor. pred: classes [N] from 1 or
-- scores [N,C]; truth: classes [N].
-- example:
--   pred, truth = tensor{1, 2, 2, 1}, tensor{1, 2, 1, 1}
--   metrics.confusion_matrix(pred, truth, {names = {"cat", "dog"}}) --> confusion matrix: a row ...
--        cat  dog
--   cat    2    1
--   dog    0    1
local function confusion_matrix(...)
  local where = "confusion_matrix"
  local pred, truth, given, scores = labels.read(where, ...)
  given = check_options(where, given, {"names", "classes"})
  if given.names and type(given.names) ~= "table" then
    fail.raise("%s: names is a %s; a list of class names is wanted", where, type(given.names))
  end
  local most = given.classes or given.names and #given.names or scores
  local counts = labels.count(where, pred, truth, most)
  rawset(counts, "names", given.names)
  return setmetatable(counts, Matrix)
end

return confusion_matrix
