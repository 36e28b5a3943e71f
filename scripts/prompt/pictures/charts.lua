-- prompt/pictures/charts.lua: a figure in characters, for terminals without pictures: curves in braille dots, images
-- in half blocks (thumbnails.lua), confusion matrices as tables (matrices.lua), and titles, ticks, labels
-- and the legend as real text.

local Dots = require "lunette.prompt.pictures.dots"
local colors = require "lunette.plot.colors"
local console = require "lunette.console"
local layout = require "lunette.plot.layout"
local blocks = require "lunette.prompt.pictures.blocks"
local scale = require "lunette.plot.scale"

local charts = {}

local ROWS, FEWEST = 12, 4   -- of a frame
local NARROW, WIDE = 34, 76  -- columns of an axes
local LABEL = 24             -- most columns of a label in the legend

-- ---- blocks of text: {lines, width}, every line that wide -------------------------------------------------

local width, cut, centered = console.width, blocks.cut, blocks.centered

-- Texts centred at columns from 0 on in a row; those that would touch another are left out.
local function spread(texts, places, columns)
  local row, free = "", 0
  for i, text in ipairs(texts) do
    local from = math.min(math.max(places[i] - (width(text) - 1) // 2, 0), columns - width(text))
    if from >= free then
      row = row .. (" "):rep(from - width(row)) .. text
      free = width(row) + 1
    end
  end
  return row .. (" "):rep(columns - width(row))
end

-- ---- an axes --------------------------------------------------------------------------------------------

-- Ticks of y for that many rows, and of x for that many columns: values and texts.
local function y_ticks(axes, limits, rows)
  return layout.ticks(axes.y, limits.ylo, limits.yhi, math.max(2, rows // 3), 0)
end

local function x_ticks(axes, limits, columns)
  for count = math.max(2, columns // 9), 2, -1 do
    local list, texts = layout.ticks(axes.x, limits.xlo, limits.xhi, count, 0)
    local all = 0
    for _, text in ipairs(texts) do all = all + width(text) + 2 end
    if all <= columns or count == 2 then return list, texts end
  end
end

-- The cells at which values of ticks stand.
local function cells_of(list, place, size)
  local cells = {}
  for i, v in ipairs(list) do cells[i] = math.floor(place(v) / size + 0.5 / size) end
  return cells
end

-- What tells the i-th series apart: its data, with dashes in place of colours where there are none.
local function look_of(series, i, painted)
  if painted then return series.data end
  return setmetatable({dash = colors.dashes[(i - 1) % #colors.dashes + 1]}, {__index = series.data})
end

-- The frame's dots, and where values stand. The kinds draw here as on the canvas of pictures.
local function draw(axes, columns, rows, limits, painted)
  local canvas = Dots.new(columns, rows)
  local frame, px, py = axes.frame, axes.px, axes.py
  axes.frame = {x = 0, y = 0, width = 2 * columns, height = 4 * rows}
  axes.px = scale.place(axes.x, limits.xlo, limits.xhi, 0, 2 * columns - 1)
  axes.py = scale.place(axes.y, limits.ylo, limits.yhi, 4 * rows - 1, 0)
  for i, series in ipairs(axes.series) do series.kind.draw(axes, canvas, look_of(series, i, painted)) end
  local places = {px = axes.px, py = axes.py}
  axes.frame, axes.px, axes.py = frame, px, py
  return canvas, places
end

-- The legend's lines {text, width}, and how wide they are.
local function legend_of(axes, paint, painted)
  local lines, widest, long = {}, 0, painted and 3 or 6
  for i, series in ipairs(axes.series) do
    if axes.spot and series.data.label and series.kind.key then
      local label, sample = cut(series.data.label, LABEL), Dots.new(long, 1)
      local data = look_of(series, i, painted)
      sample:move(0, 2)
      sample:line(2 * long - 1, 2)
      sample:stroke {dash = data.dash, color = data.color}
      lines[#lines + 1] = {"  " .. sample:text(1, paint) .. " " .. label, long + 3 + width(label)}
      widest = math.max(widest, lines[#lines][2])
    end
  end
  return lines, widest
end

-- The lines of an axes, `columns` wide, its frame `rows` high.
local function axes_lines(axes, columns, rows, paint, painted)
  local limits = layout.limits(axes)
  local values, texts = y_ticks(axes, limits, rows)
  local left = 0
  for _, text in ipairs(texts) do left = math.max(left, width(text)) end
  local keys, right = legend_of(axes, paint, painted)
  if columns - left - 2 - right < NARROW / 2 then keys, right = {}, 0 end
  local inner = math.max(columns - left - 2 - right, 8)
  local canvas, places = draw(axes, inner, rows, limits, painted)
  local marks = {}
  for i, row in ipairs(cells_of(values, places.py, 4)) do marks[row + 1] = texts[i] end
  local lines, pad = {}, (" "):rep(left + 2)
  local function add(text) lines[#lines + 1] = pad .. text .. (" "):rep(right) end
  if axes.labels.title then add(paint(centered(cut(axes.labels.title, inner), inner), "bold")) end
  if axes.labels.y then
    local label = cut(axes.labels.y, columns)
    lines[#lines + 1] = label .. (" "):rep(left + 2 + inner + right - width(label))
  end
  for row = 1, rows do
    local text, key = marks[row] or "", keys[row] or {(" "):rep(right), right}
    lines[#lines + 1] = (" "):rep(left - width(text)) .. text .. (marks[row] and " ┤" or " │") .. canvas:text(row, paint) ..
      key[1] .. (" "):rep(right - key[2])
  end
  local list, names = x_ticks(axes, limits, inner)
  local cells, bar = cells_of(list, places.px, 2), {}
  for i = 1, inner do bar[i] = "─" end
  for _, cell in ipairs(cells) do bar[cell + 1] = "┬" end
  lines[#lines + 1] = (" "):rep(left + 1) .. "└" .. table.concat(bar) .. (" "):rep(right)
  add(spread(names, cells, inner))
  if axes.labels.x then add(centered(cut(axes.labels.x, inner), inner)) end
  return lines, left + 2 + inner + right
end

-- ---- a figure -------------------------------------------------------------------------------------------

-- Kinds of charts that have an axes for themselves, and what draws them.
local drawers = {confusion = "lunette.prompt.pictures.matrices", images = "lunette.prompt.pictures.thumbnails"}

--- Can the figure be drawn so? All its series are of kinds that draw on dots, or are drawn as text.
function charts.able(figure)
  for _, axes in ipairs(figure.grid) do
    for _, series in ipairs(axes.series) do
      if not series.kind.dots and not drawers[series.kind.name] then return false end
    end
  end
  return true
end

-- An axes in a column of the figure; nil where it does not fit.
local function draw_axes(axes, columns, rows, pen)
  local drawer = drawers[axes.sole]
  if drawer then return require(drawer).draw(axes, columns, rows, pen) end
  local high = math.max(FEWEST, math.min(ROWS, rows - 8))
  return axes_lines(axes, math.min(columns, WIDE), high, pen.paint, pen.colorful)
end

local plain = {paint = function(text) return text end, colorful = false}

--- The figure in at most `columns` x `rows` cells, if it can be so small; nil where it cannot. pen: {paint =
--- function(text, color, background), which colours a text as a colour of plots says, or "bold";
--- colorful = true; deep = in 24 bits}; nil: no colours.
function charts.draw(figure, columns, rows, pen)
  pen = pen or plain
  local across = figure.columns
  while across > 1 and (columns - 2 * (across - 1)) // across < NARROW do across = across - 1 end
  local wide = (columns - 2 * (across - 1)) // across
  local out, at, total = {}, 1, 0
  while figure.grid[at] do
    local lines, all = {}, -2
    for i = at, math.min(at + across - 1, #figure.grid) do
      local new, taken = draw_axes(figure.grid[i], wide, rows, pen)
      if not new then return nil end
      lines, all = i == at and new or blocks.beside(lines, all, new), all + taken + 2
    end
    table.move(lines, 1, #lines, #out + 1, out)
    at, total = at + across, math.max(total, all)
  end
  if figure.heading then table.insert(out, 1, pen.paint(centered(cut(figure.heading, total), total), "bold")) end
  return (table.concat(out, "\n"):gsub(" +\n", "\n"):gsub(" +$", ""))
end

return charts
