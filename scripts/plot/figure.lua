-- figure.lua: a figure is a grid of axes with a title; it lays them out so that frames line up,
-- draws them on a canvas, and saves the picture.

local Axes = require "lunette.plot.axes"
local fail = require "lunette.nn.fail"
local layout = require "lunette.plot.layout"
local style = require "lunette.plot.style"

local Figure = {}

local formats = {"png", "svg", "pdf"}

local function check_size(where, size)
  if size == nil then return nil end
  local w, h
  if type(size) == "table" then w, h = size[1], size[2] end
  if not (math.type(w) and math.type(h) and w >= 80 and h >= 60 and w <= 16000 and h <= 16000) then
    fail.raise(where .. ": size must be {width, height}, from {80, 60} to {16000, 16000}")
  end
  return {width = w, height = h}
end

local function check_count(where, name, value)
  if math.type(value) ~= "integer" or value < 1 or value > 20 then
    fail.raise(("%s: %s must be a whole number from 1 to 20, got %s"):format(
      where, name, tostring(value)))
  end
end

--- A figure with rows x columns empty axes; options: title, size = {width, height}.
function Figure.new(where, rows, columns, given)
  rows, columns = rows or 1, columns or 1
  check_count(where, "rows", rows)
  check_count(where, "columns", columns)
  local figure = setmetatable({rows = rows, columns = columns, grid = {}, heading = false, written = false}, Figure)
  figure.size = check_size(where, given.size) or false
  if given.title ~= nil then figure:title(given.title) end
  for i = 1, rows * columns do figure.grid[i] = Axes.new(figure) end
  return figure
end

--- figure:title(text): what stands above all its charts. Returns the figure.
-- example: tostring(plot.figure(1, 2):title "both") --> plot: figure of 1 x 2 axes (:save "name.png" writes it)
function Figure:title(text)
  if type(text) ~= "string" then fail.raise("title: wants a text, got " .. type(text)) end
  self.heading = text
  return self
end

--- figure:axes(i) or figure:axes(row, column): one of its charts, empty at first, counted row by row.
-- example: tostring(plot.figure(2, 2):axes(2, 1):line({1, 4, 9})) --> plot: line (:save "name.png" writes it)
function Figure:axes(i, column)
  local count = #self.grid
  if math.type(i) ~= "integer" then
    fail.raise(("axes: wants a number from 1 to %d, got %s"):format(count, tostring(i)))
  end
  local index = i < 0 and count + 1 + i or i
  if column ~= nil then
    local inside = math.type(column) == "integer" and column >= 1 and column <= self.columns
    index = inside and (i - 1) * self.columns + column or 0
  end
  local axes = self.grid[index]
  if not axes then
    fail.raise(("axes: there is no axes %s in a figure of %d x %d (%d in all, counted from 1)"):format(
      column and ("(%s, %s)"):format(i, tostring(column)) or i, self.rows, self.columns, count))
  end
  return axes
end

-- Outer size of one cell of the grid, before a fixed frame has its say.
local function cell_size(figure)
  local n, m = figure.columns, figure.rows
  if figure.size then
    return (figure.size.width - 2 * style.margin - (n - 1) * style.gap) / n,
      (figure.size.height - 2 * style.margin - (m - 1) * style.gap) / m
  end
  local width = n == 1 and style.width - 2 * style.margin or n == 2 and 520 or 420
  local height = (n == 1 and m == 1) and style.height - 2 * style.margin or n == 1 and 320 or 370
  return width, height
end

-- The largest of one measure over the axes of each row (or column).
local function per_line(figure, rooms, name, by_row)
  local list = {}
  for i, room in ipairs(rooms) do
    local line = by_row and (i - 1) // figure.columns + 1 or (i - 1) % figure.columns + 1
    list[line] = math.max(list[line] or 0, room[name])
  end
  return list
end

local function sum(list)
  local total = 0
  for _, v in ipairs(list) do total = total + v end
  return total
end

-- Inner sizes of all frames: what is left of the cell, or what a lone axes wants.
local function inner_size(figure, rooms, cell_width, cell_height, plan)
  local want = rooms[1].want
  if want and #rooms == 1 and not figure.size then return want.width, want.height end
  local outer_width = cell_width * figure.columns
  local outer_height = cell_height * figure.rows
  local width = (outer_width - sum(plan.left) - sum(plan.right)) / figure.columns
  local height = (outer_height - plan.head * (figure.size and 1 or 0) - sum(plan.top)
    - sum(plan.bottom)) / figure.rows
  return math.max(20, width // 1), math.max(20, height // 1)
end

-- A frame that wants a shape of its own takes the largest such rectangle, at the top left.
local function fit(frame, want)
  if not want then return frame end
  local ratio = math.min(frame.width / want.width, frame.height / want.height)
  local width, height = want.width * ratio, want.height * ratio
  return {x = frame.x, y = frame.y, width = width, height = height}
end

local function frames(figure, rooms, plan, width, height)
  local list, y = {}, style.margin + plan.head
  for row = 1, figure.rows do
    local x = style.margin
    y = y + plan.top[row]
    for column = 1, figure.columns do
      local i = (row - 1) * figure.columns + column
      x = x + plan.left[column]
      list[i] = fit({x = math.floor(x + 0.5), y = math.floor(y + 0.5), width = width,
        height = height}, rooms[i].want)
      x = x + width + plan.right[column] + style.gap
    end
    y = y + height + plan.bottom[row] + style.gap
  end
  return list
end

-- Sizes and places of everything: {width=, height=, head=, frames=, rooms=}.
local function arrange(self, canvas)
  local cell_width, cell_height = cell_size(self)
  local rooms = {}
  for i, axes in ipairs(self.grid) do
    rooms[i] = layout.measure(axes, canvas, cell_width, cell_height)
  end
  local plan = {rooms = rooms, head = 0}
  if self.heading then
    local _, height = canvas:extents(self.heading, style.text.figure)
    plan.head = math.ceil(height + 14)
  end
  plan.left, plan.right = per_line(self, rooms, "left"), per_line(self, rooms, "right")
  plan.top, plan.bottom = per_line(self, rooms, "top", true), per_line(self, rooms, "bottom", true)
  local width, height = inner_size(self, rooms, cell_width, cell_height, plan)
  plan.frames = frames(self, rooms, plan, width, height)
  plan.width = math.ceil(2 * style.margin + sum(plan.left) + sum(plan.right) + self.columns * width
    + (self.columns - 1) * style.gap)
  plan.height = math.ceil(2 * style.margin + plan.head + sum(plan.top) + sum(plan.bottom)
    + self.rows * height + (self.rows - 1) * style.gap)
  if self.size then plan.width, plan.height = self.size.width, self.size.height end
  return plan
end

--- Places everything with the text sizes of a canvas. Returns {width=, height=, rooms=}.
function Figure:plan(canvas)
  for _, axes in ipairs(self.grid) do axes.crowded = false end
  local plan = arrange(self, canvas)
  local again = false
  for i, axes in ipairs(self.grid) do
    again = layout.place(axes, canvas, plan.frames[i]) or again
  end
  if again then
    plan = arrange(self, canvas)
    for i, axes in ipairs(self.grid) do layout.place(axes, canvas, plan.frames[i]) end
  end
  return plan
end

--- Draws the figure, placed by `plan`, on a canvas.
function Figure:draw(canvas, plan)
  if self.heading then
    canvas:text(self.heading, style.margin, style.margin - 2, style.text.figure)
  end
  for i, axes in ipairs(self.grid) do
    layout.draw(axes, canvas, plan.rooms[i])
  end
end

--- The drawn figure as a canvas of a format ("png", "svg", "pdf").
function Figure:render(format)
  local canvas = require "lunette.canvas"
  for i, axes in ipairs(self.grid) do
    if #axes.series == 0 then
      fail.raise(#self.grid == 1 and "the figure is empty; draw something first"
        or ("axes %d of the figure is empty; draw on it or make a smaller figure"):format(i))
    end
  end
  local scratch <close> = canvas.create(1, 1, 1)
  local plan = self:plan(scratch)
  local page, problem = canvas.create(plan.width, plan.height, style.scale, format)
  if not page then fail.raise("%s", problem) end
  self:draw(page, plan)
  return page
end

local warned = false

local function warn_of_boxes(count)
  if count == 0 or warned then return end
  warned = true
  io.stderr:write(("plot: %d characters of the labels are in no installed font and show as boxes; "
    .. "apt install fonts-dejavu-core, and for Chinese fonts-wqy-microhei\n"):format(count))
end

local function known_format(format)
  for _, name in ipairs(formats) do
    if name == format then return true end
  end
  return false
end

--- figure:save(path): writes all charts to a file; its ending .png, .svg or .pdf decides the format.
-- example:
--   path, figure = os.tmpname() .. ".svg", plot.figure(1, 2)
--   for i = 1, 2 do figure:axes(i):line({1, 2 ^ i, 3 ^ i}) end
--   figure = figure:save(path)
--   io.open(path):read(5) --> <?xml
function Figure:save(path)
  if type(path) ~= "string" then
    fail.raise("save: wants a file name like \"curves.png\", got " .. type(path))
  end
  local format = (path:match("%.([%w]+)$") or ""):lower()
  if not known_format(format) then
    fail.raise(("save: '%s' must end in .png, .svg or .pdf"):format(path))
  end
  local page <close> = self:render(format)
  local saved, problem = page:save(path)
  if not saved then fail.raise("%s", problem) end
  if format == "png" then self.written = path end
  warn_of_boxes(page:unknown())
  return self
end

--- figure:encode(format): the bytes of the picture, "png" by default.
-- example:
--   figure = plot.figure(1, 1)
--   chart = figure:axes(1):line({1, 4, 9})
--   figure:encode "pdf":sub(1, 4) --> %PDF
function Figure:encode(format)
  format = format or "png"
  if not known_format(format) then
    fail.raise(("encode: the format must be png, svg or pdf, got '%s'"):format(tostring(format)))
  end
  local page <close> = self:render(format)
  return page:encode()
end

function Figure:__tostring()
  return ("plot: figure of %d x %d axes (:save \"name.png\" writes it)"):format(
    self.rows, self.columns)
end

--- Checks a size given among a chart's options.
function Figure:resize(where, given)
  self.size = check_size(where, given.size) or self.size
  return self
end

return Figure
