-- history.lua: learning curves: one axes for each metric of a fit, with training and validation.

local fail = require "lunette.nn.fail"
local check_options = require "lunette.options"
local values = require "lunette.plot.values"

local history = {}

history.options = {"metrics", "title", "size"}

local MOST = 4

-- The list under `name`, if there is one that can be drawn.
local function curve(source, name)
  local list = values.field(source, name)
  if type(list) ~= "table" and not values.is_tensor(list) then return nil end
  local ok, count = pcall(function() return #list end)
  return ok and count > 0 and list or nil
end

-- loss and accuracy if they are there, then the others that have validation, by name.
local function found(source)
  local names = {}
  for _, name in ipairs {"loss", "accuracy"} do
    if curve(source, name) or curve(source, "val_" .. name) then names[#names + 1] = name end
  end
  if #names == 2 or type(source) ~= "table" then return names end
  local others = {}
  for key in pairs(source) do
    local name = type(key) == "string" and key:match("^val_(.+)$")
    if name and name ~= "loss" and name ~= "accuracy" and curve(source, key) then
      others[#others + 1] = name
    end
  end
  table.sort(others)
  for _, name in ipairs(others) do
    if #names < 2 then names[#names + 1] = name end
  end
  return names
end

local function chosen(where, source, metrics)
  if metrics == nil then
    local names = found(source)
    if #names == 0 then
      fail.raise(where .. ": found no curve; a history has lists such as h.loss and h.val_loss")
    end
    return names
  end
  if type(metrics) ~= "table" or #metrics == 0 or #metrics > MOST then
    fail.raise(("%s: metrics must be a list of 1 to %d names, e.g. {\"loss\"}"):format(where, MOST))
  end
  for _, name in ipairs(metrics) do
    if not (curve(source, name) or curve(source, "val_" .. name)) then
      fail.raise(("%s: the history has no list '%s'"):format(where, tostring(name)))
    end
  end
  return metrics
end

-- "top5_accuracy" to "Top5 accuracy".
local function heading(name)
  local text = name:gsub("_", " ")
  return text:sub(1, 1):upper() .. text:sub(2)
end

--- Draws the curves of a history on a new figure; `make(columns, given)` makes it.
function history.draw(where, make, source, given)
  if type(source) ~= "table" and type(source) ~= "userdata" then
    fail.raise(("%s: wants the history that fit returns, got %s"):format(where, type(source)))
  end
  given = check_options(where, given, history.options)
  local names = chosen(where, source, given.metrics)
  local figure = make(#names, {title = given.title, size = given.size})
  for i, name in ipairs(names) do
    local axes = figure:axes(i)
    for _, side in ipairs {{name, "training"}, {"val_" .. name, "validation"}} do
      local list = curve(source, side[1])
      if list then axes:line(values.list(where, side[1], list), {label = side[2]}) end
    end
    axes:title(heading(name)):xlabel "epoch"
  end
  return figure
end

return history
