-- labels.lua: reads predictions and truths, as classes from 1, and counts which was taken for which.

local core = require "lunette.core"
local fail = require "lunette.nn.fail"

local tensor = core.tensor

local labels = {}

-- A list of numbers from a tensor or a list.
local function plain(where, what, value)
  if tensor.is_tensor(value) then
    if value:dim() ~= 1 then
      fail.raise("%s: %s is %s; classes are [N]%s", where, what, fail.shape(value),
        what == "the truth" and "; the prediction comes first, the truth second" or "")
    end
    return value:tolist()
  end
  if type(value) ~= "table" then
    fail.raise("%s: %s is a %s; a tensor or a list of classes is wanted", where, what, type(value))
  end
  return value
end

-- Classes from scores [N,C]; classes as they are.
local function decided(where, pred)
  if tensor.is_tensor(pred) and pred:dim() == 2 then
    if pred:size(1) == 0 then return {} end
    return pred:argmax(-1):tolist()
  end
  return plain(where, "the prediction", pred)
end

--- Two lists, from (prediction, truth) or from {pred =, target =}. Scores [N,C] count as their
-- largest; options stand in the last place or in the same table.
function labels.read(where, pred, truth, options)
  if type(pred) == "table" and truth == nil and (pred.pred ~= nil or pred.target ~= nil) then
    options = {}
    for key, value in next, pred do
      if key ~= "pred" and key ~= "target" then options[key] = value end
    end
    pred, truth = pred.pred, pred.target
  end
  if pred == nil or truth == nil then
    fail.raise("%s: wants two arguments, the prediction and the truth", where)
  end
  local p, t = decided(where, pred), plain(where, "the truth", truth)
  if #p ~= #t then
    fail.raise("%s: %d predictions and %d truths; one truth for each prediction is wanted", where, #p, #t)
  end
  local scores = tensor.is_tensor(pred) and pred:dim() == 2 and pred:size(2) or nil
  return p, t, options, scores
end

local function check_class(where, what, i, class, most)
  local c = math.tointeger(class)
  if c and c >= 1 and c <= (most or math.huge) then return c end
  fail.raise("%s: %s %s at row %d is not a class%s; classes count from 1%s", where, what,
    tostring(class), i, most and (" 1..%d"):format(most) or "",
    class == 0 and " (labels from a file that counts from 0: add 1)" or "")
end

--- counts[t][p]: how often class t was taken for class p; n, the number of classes: `most` or the
-- largest that occurs. used[c]: does c occur at all?
function labels.count(where, pred, truth, most)
  local n = most or 0
  local ps, ts = {}, {}
  for i = 1, #pred do
    ps[i] = check_class(where, "prediction", i, pred[i], most)
    ts[i] = check_class(where, "truth", i, truth[i], most)
    n = math.max(n, ps[i], ts[i])
  end
  if n > 10000 then fail.raise("%s: %d classes are too many to count", where, n) end
  local counts, used = {}, {}
  for t = 1, n do
    counts[t] = {}
    for p = 1, n do counts[t][p] = 0 end
  end
  for i = 1, #ps do
    local row = counts[ts[i]]
    row[ps[i]] = row[ps[i]] + 1
    used[ps[i]], used[ts[i]] = true, true
  end
  return counts, n, used
end

return labels
