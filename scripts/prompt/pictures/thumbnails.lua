-- prompt/pictures/thumbnails.lua: a grid of small pictures in characters: each picture in half blocks or dots, its
-- title as text above it.

local cells = require "lunette.prompt.pictures.cells"
local core = require "lunette.core"
local text = require "lunette.prompt.pictures.blocks"

local width = require "lunette.console".width

local thumbnails = {}

local GAP = 2           -- columns between pictures
local LEAST = 16        -- columns of a picture, if it has as many pixels
local LONGEST = 18      -- columns of a title
local MOST_LINES = 3    -- of a title
local MOST_BYTES = 4000 -- taken from a string at once
local RIGHT, WRONG = "#009E73", "#D55E00"

-- The picture of RGB bytes, [3,height,width] of 0..255.
local function pixels(bytes, w, h)
  local list, n = {}, 0
  for at = 1, #bytes, MOST_BYTES do
    local piece = {bytes:byte(at, at + MOST_BYTES - 1)}
    table.move(piece, 1, #piece, n + 1, list)
    n = n + #piece
  end
  return core.tensor(list):float():reshape {h, w, 3}:permute {3, 1, 2}
end

local function title_lines(title)
  local lines = {}
  for line in title:gmatch "[^\n]+" do
    if #lines < MOST_LINES then lines[#lines + 1] = text.cut(line, LONGEST) end
  end
  return lines
end

-- Titles of all pictures in lines, the columns they take, and the lines of the longest.
local function read_titles(data)
  local titles, columns, most = {}, 0, 0
  for i = 1, data.titles and data.count or 0 do
    titles[i] = title_lines(data.titles[i])
    most = math.max(most, #titles[i])
    for _, line in ipairs(titles[i]) do columns = math.max(columns, width(line)) end
  end
  return titles, columns, most
end

-- How many pictures stand in a row, and the columns and rows of each: the largest that fit the screen, but
-- not so small that nothing is seen.
local function plan(data, named, above, columns, rows)
  local across = data.cols
  local least = math.min(LEAST, data.width)
  while across > 1 and across * (math.max(least, named) + GAP) - GAP > columns do across = across - 1 end
  local down = math.ceil(data.count / across)
  local wide = math.min((columns + GAP) // across - GAP, data.width * 2)
  local function high() return math.max(1, math.floor(wide * data.height / data.width / 2 + 0.5)) end
  while wide > least and down * (high() + math.max(above, 1)) > rows do wide = wide - 1 end
  wide = math.max(wide, 1)
  return across, wide, high()
end

-- The block of one picture, `columns` wide: its title and its rows.
local function block(data, i, title, above, columns, wide, high, pen)
  local lines = {}
  local color = data.correct and (data.correct[i] and RIGHT or WRONG) or nil
  for k = 1, above do
    local line = text.centered(title[k - above + #title] or "", columns)
    lines[k] = color and pen.paint(line, color) or line
  end
  local draw, size = cells.half_blocks, {2 * high, wide}
  if not pen.colorful then draw, size = cells.dots, {4 * high, 2 * wide} end
  local x = pixels(data[i], data.width, data.height):unsqueeze(1):adaptive_avg_pool2d(size):squeeze(1)
  local before = (columns - wide) // 2
  for _, row in ipairs(draw(x, pen.deep)) do
    lines[#lines + 1] = (" "):rep(before) .. row .. (" "):rep(columns - wide - before)
  end
  return lines
end

--- The lines of an axes of images and how wide they are. pen: {paint = function(text, color), colorful =
--- colours may be used, deep = in 24 bits}.
function thumbnails.draw(axes, columns, rows, pen)
  local data = axes.series[1].data
  local titles, named, above = read_titles(data)
  local across, wide, high = plan(data, named, above, columns, rows - 4)
  local column = math.min(math.max(wide, named), columns)
  local all = across * (column + GAP) - GAP
  local lines = {}
  if axes.labels.title then lines[1] = pen.paint(text.centered(text.cut(axes.labels.title, all), all), "bold") end
  for at = 1, data.count, across do
    local row
    for i = at, math.min(at + across - 1, data.count) do
      local new = block(data, i, titles[i], above, column, wide, high, pen)
      row = row and text.beside(row, 0, new) or new
    end
    if at > 1 and above == 0 then lines[#lines + 1] = "" end
    table.move(row, 1, #row, #lines + 1, lines)
  end
  return lines, all
end

return thumbnails
