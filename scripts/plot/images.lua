-- images.lua: the chart kind "images": a grid of small pictures with titles.

local fail = require "lunette.nn.fail"
local check_options = require "lunette.options"
local style = require "lunette.plot.style"
local values = require "lunette.plot.values"

local images = {name = "images", sole = true}

images.options = {"cols", "titles", "correct", "range"}

local MOST = 1024         -- images in one grid
local SIDE = 100          -- wanted width of a picture
local GAP = 14            -- between columns, and between a row and the next one's titles
local BENEATH = 5         -- between a title and its picture
local LINES = 3           -- of a title

local function check_range(where, range)
  if range == nil then return end
  local lo, hi
  if type(range) == "table" then lo, hi = range[1], range[2] end
  if not (math.type(lo) and math.type(hi) and lo < hi and values.finite(hi - lo)) then
    fail.raise(where .. ": range must be {lowest, highest}, e.g. {0, 1}")
  end
end

local function read_titles(where, titles, count)
  if titles == nil or titles == false then return nil end
  local list = {}
  if titles == true then
    for i = 1, count do list[i] = tostring(i) end
    return list
  end
  if type(titles) ~= "table" then
    fail.raise(where .. ": titles must be a list of texts, or true for numbers")
  end
  if #titles ~= count then
    fail.raise(("%s: %d titles for %d images; each image needs one"):format(where, #titles, count))
  end
  for i = 1, count do list[i] = tostring(titles[i]) end
  return list
end

-- Which titles are correct (true) and wrong (false): a list or a tensor of truth values.
local function read_correct(where, correct, count)
  if correct == nil then return nil end
  if values.is_tensor(correct) then correct = correct:tolist() end
  if type(correct) ~= "table" or #correct ~= count then
    fail.raise(("%s: correct must be a list of %d truth values, one for each image"):format(
      where, count))
  end
  local list = {}
  for i = 1, count do list[i] = correct[i] == true or correct[i] == 1 end
  return list
end

--- images(x, {cols =, titles =, correct =, range =, title =, size =}): a grid of pictures. x: [N,H,W],
-- [N,C,H,W] or one picture, bytes or floats in range ({0, 1}, or what they span). titles: a list, or true
-- for numbers; correct: a list of true (a green title) and false (a red one).
-- example:
--   path = os.tmpname() .. ".png"
--   chart = plot.images(tensor.rand(6, 28, 28), {cols = 3, titles = true}):save(path)
--   tensor.read_image(path):dim() --> 3
function images.read(where, allowed, x, given, ...)
  if values.is_options(x) then fail.raise(where .. ": the images come first: images(x, {…})") end
  if select("#", ...) > 0 then fail.raise(where .. ": takes the images and a table of options") end
  given = check_options(where, given, allowed)
  check_range(where, given.range)
  local data = values.pixels(where, x, given.range, MOST)
  local cols = given.cols
  if cols ~= nil and (math.type(cols) ~= "integer" or cols < 1) then
    fail.raise(("%s: cols must be a whole number from 1, got %s"):format(where, tostring(cols)))
  end
  data.cols = math.min(cols or math.min(8, math.ceil(math.sqrt(data.count) * 1.3)), data.count)
  data.rows = math.ceil(data.count / data.cols)
  data.titles = read_titles(where, given.titles, data.count)
  data.correct = read_correct(where, given.correct, data.count)
  return data, given
end

-- Width of one picture: whole pixels of the page for each of its own, near SIDE; a large picture
-- is made smaller.
local function natural_side(data)
  local target = SIDE
  if data.count <= 4 then target = 2 * SIDE elseif data.count > 200 then target = SIDE / 2 end
  local times = math.floor(target * style.scale / math.max(data.width, data.height) + 0.5)
  local factor = times >= 1 and times / style.scale
    or target / math.max(data.width, data.height)
  return math.max(data.width * factor, 16), math.max(data.height * factor, 1)
end

local function caption(data, i, width)
  local color = style.ink
  if data.correct then color = data.correct[i] and style.right or style.wrong end
  return style.with(style.text.caption, {
    size = width < 70 and 9.5 or 11, color = color, align = "center", width = width, lines = LINES,
  })
end

-- Height of the titles of each row.
local function title_heights(data, canvas, width)
  local heights = {}
  for row = 1, data.rows do heights[row] = 0 end
  if not data.titles then return heights end
  for i, title in ipairs(data.titles) do
    local row = (i - 1) // data.cols + 1
    local _, height = canvas:extents(title, caption(data, i, width))
    heights[row] = math.max(heights[row], math.ceil(height) + BENEATH)
  end
  return heights
end

function images.setup(axes, data)
  axes.bare = true
  axes.want = function(canvas)
    local width, height = natural_side(data)
    local column = data.titles and math.max(width, 76) or width
    data.heights = title_heights(data, canvas, column + GAP - 4)
    local total = (data.rows - 1) * GAP
    for _, h in ipairs(data.heights) do total = total + h + height end
    return {width = data.cols * column + (data.cols - 1) * GAP, height = total,
      side = width, tall = height, column = column}
  end
end

function images.draw(axes, canvas, data)
  local frame, want = axes.frame, axes.want(canvas)
  local ratio = frame.width / want.width
  local y = frame.y
  for row = 1, data.rows do
    y = y + data.heights[row] * ratio
    for col = 1, math.min(data.cols, data.count - (row - 1) * data.cols) do
      local i = (row - 1) * data.cols + col
      local x = frame.x + (col - 1) * (want.column + GAP) * ratio
      local inset = (want.column - want.side) / 2 * ratio
      canvas:image(data[i], data.width, data.height, 3, x + inset, y, want.side * ratio,
        want.tall * ratio)
      if data.titles then
        canvas:text(data.titles[i], x + want.column * ratio / 2, y - BENEATH,
          style.with(caption(data, i, want.column + GAP - 4), {valign = "bottom"}))
      end
    end
    y = y + (want.tall + GAP) * ratio
  end
end

return images
