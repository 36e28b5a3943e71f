-- confusion.lua: the chart kind "confusion": a matrix of counts, a row for each true class and a
-- column for each predicted one. The colour is the square root of the share of the true class, so
-- that mistakes of a few percent show.

local colors = require "lunette.plot.colors"
local fail = require "lunette.nn.fail"
local check_options = require "lunette.options"
local style = require "lunette.plot.style"
local values = require "lunette.plot.values"

local confusion = {name = "confusion", sole = true}

confusion.options = {"names", "colormap"}

local BAR, BAR_GAP = 13, 18     -- width of the colour bar, its distance from the matrix
local BAR_LABEL = 50            -- from the bar to its label
local MOST = 400                -- classes

local function read_names(where, names, count)
  local list = {}
  if names == nil then
    for i = 1, count do list[i] = tostring(i) end
    return list
  end
  if type(names) ~= "table" or #names ~= count then
    fail.raise(("%s: names must be a list of %d texts, one for each class%s"):format(where, count,
      type(names) == "table" and (", but has %d"):format(#names) or ""))
  end
  for i = 1, count do list[i] = tostring(names[i]) end
  return list
end

local function check_counts(where, rows)
  for i, row in ipairs(rows) do
    for j, v in ipairs(row) do
      if not values.finite(v) or v < 0 then
        fail.raise(("%s: counts must be 0 or more, got %s in row %d, column %d"):format(
          where, v, i, j))
      end
    end
  end
end

--- confusion(matrix, {names =, colormap = "blues", title =, size =}): counts of a confusion matrix, a row
-- for each true class, a column for each predicted one. matrix: of metrics.confusion_matrix, a tensor
-- or a list of lists.
-- example:
--   path = os.tmpname() .. ".svg"
--   counts = metrics.confusion_matrix(tensor{1, 2, 2, 1}, tensor{1, 2, 1, 1})
--   chart = plot.confusion(counts, {names = {"cat", "dog"}}):save(path)
--   io.open(path):read(5) --> <?xml
function confusion.read(where, allowed, matrix, given, ...)
  if select("#", ...) > 0 then fail.raise(where .. ": takes the matrix and a table of options") end
  given = check_options(where, given, allowed)
  local rows = values.matrix(where, "the matrix", matrix)
  local count = #rows
  if count ~= #rows[1] then
    fail.raise(("%s: the matrix must be square (true class by predicted class), got %d x %d"):format(
      where, count, #rows[1]))
  end
  if count > MOST then
    fail.raise(("%s: %d classes are too many to look at (at most %d)"):format(where, count, MOST))
  end
  check_counts(where, rows)
  local map = given.colormap or "blues"
  local known = table.concat(colors.map_names, ", ")
  if type(map) ~= "string" or not (", " .. known .. ","):find(", " .. map .. ",", 1, true) then
    fail.raise(("%s: colormap must be one of %s, got %s"):format(where, known, tostring(map)))
  end
  return {rows = rows, count = count, map = map,
    names = read_names(where, given.names, count)}, given
end

local function cell_side(count)
  if count <= 3 then return 96 elseif count <= 6 then return 72 end
  return math.max(7, math.min(54, 900 // count))
end

function confusion.setup(axes, data)
  local side = cell_side(data.count) * data.count
  axes.want = function() return {width = side, height = side} end
  axes.aside = BAR_GAP + BAR + BAR_LABEL + 16
  for _, axis in ipairs {axes.x, axes.y} do
    axis.names, axis.exact = data.names, {0.5, data.count + 0.5}
  end
  axes.y.reversed = true
  axes.labels.x, axes.labels.y = "Predicted class", "True class"
end

local function text_of(v)
  if v == math.floor(v) and v < 1e15 then return ("%d"):format(v) end
  return ("%.2f"):format(v)
end

-- The size at which the longest count fits its cell, or nil if it would be unreadable.
local function count_size(canvas, data, side)
  local widest = 0
  for _, row in ipairs(data.rows) do
    for _, v in ipairs(row) do
      widest = math.max(widest, (canvas:extents(text_of(v), {size = 10})))
    end
  end
  local size = math.min(13.5, side * 0.8 * 10 / math.max(widest, 1), side * 0.5)
  return size >= 6.5 and size or nil
end

local function draw_bar(axes, canvas, data)
  local frame = axes.frame
  local x, steps = frame.x + frame.width + BAR_GAP, 200
  for i = 1, steps do
    local y1 = frame.y + frame.height * (i - 1) / steps
    canvas:rect(x, y1, BAR, frame.y + frame.height - y1)
    canvas:fill {color = colors.map(data.map, 1 - (i - 0.5) / steps)}
  end
  for _, percent in ipairs {0, 1, 5, 10, 25, 50, 100} do
    local y = frame.y + frame.height * (1 - math.sqrt(percent / 100))
    canvas:text(percent .. "%", x + BAR + 6, y, style.with(style.text.tick, {valign = "middle"}))
  end
  canvas:text("share of the true class", x + BAR + BAR_LABEL, frame.y + frame.height / 2,
    style.with(style.text.tick, {align = "center", angle = 90}))
end

function confusion.draw(axes, canvas, data)
  local frame = axes.frame
  local side = frame.width / data.count
  local size = count_size(canvas, data, side)
  local gap = side > 20 and 1 or 0
  for i, row in ipairs(data.rows) do
    local total = 0
    for _, v in ipairs(row) do total = total + v end
    for j, v in ipairs(row) do
      local x, y = frame.x + (j - 1) * side, frame.y + (i - 1) * side
      local color = colors.map(data.map, total > 0 and math.sqrt(v / total) or 0)
      canvas:rect(x + gap / 2, y + gap / 2, side - gap, side - gap)
      canvas:fill {color = color}
      if size then
        canvas:text(text_of(v), x + side / 2, y + side / 2, {size = size, align = "center",
          valign = "middle", color = colors.readable(color), alpha = v == 0 and 0.3 or 1,
          bold = i == j})
      end
    end
  end
  draw_bar(axes, canvas, data)
end

return confusion
