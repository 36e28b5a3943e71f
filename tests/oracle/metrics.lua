-- metrics.lua: runs a list of cases of scikit-learn through metrics.
-- Usage: lunette tests/oracle/metrics.lua CASES.json OUT.json    (wants Debian's lua-cjson)
-- Labels count from 0 in the cases and from 1 here. A metric that is not there gives an error entry.

local json = require "cjson"
local lunette = require "lunette"
local metrics = lunette.metrics

local function shifted(list)
  local out = {}
  for i, label in ipairs(list) do out[i] = math.tointeger(label) + 1 end
  return out
end

local function average_of(options)
  local average = options.average
  return average == json.null and "none" or average
end

local run = {}

function run.accuracy_score(pred, truth) return metrics.accuracy(pred, truth) end

-- scikit-learn leaves out classes that do not occur.
function run.confusion_matrix(pred, truth)
  local used, rows = {}, {}
  for _, list in ipairs {pred, truth} do
    for _, c in ipairs(list) do used[c] = true end
  end
  for t, row in ipairs(metrics.confusion_matrix(pred, truth)) do
    local kept = {}
    for p, n in ipairs(row) do
      if used[p] then kept[#kept + 1] = n end
    end
    if used[t] then rows[#rows + 1] = kept end
  end
  return rows
end

for name, f in next, {precision_score = "precision", recall_score = "recall", f1_score = "f1", fbeta_score = "fbeta"} do
  run[name] = function(pred, truth, options)
    return metrics[f](pred, truth, {average = average_of(options), zero_division = options.zero_division,
      beta = options.beta})
  end
end

local function encode(value)
  if type(value) == "table" then
    local parts = {}
    for i, item in ipairs(value) do parts[i] = encode(item) end
    return "[" .. table.concat(parts, ",") .. "]"
  end
  if value ~= value then return "null" end
  return ("%.17g"):format(value)
end

local cases = assert(io.open(arg[1])):read "a"
local out = {}
for i, case in ipairs(json.decode(cases)) do
  local done, value = pcall(function()
    local f = run[case.metric] or error(case.metric .. " is not there")
    return encode(f(shifted(case.inputs.y_pred), shifted(case.inputs.y_true), case.options))
  end)
  out[i] = done and ('{"id": %d, "value": %s}'):format(case.id, value)
    or ('{"id": %d, "error": %s}'):format(case.id, json.encode(tostring(value)))
end
local file = assert(io.open(arg[2], "w"))
file:write("[", table.concat(out, ",\n"), "]\n")
file:close()
