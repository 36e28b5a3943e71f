-- prompt/pictures/matrices.lua: a confusion matrix as a table of text: a row for each true class, a column for each
-- predicted one, on the colours that the picture has.

local colors = require "lunette.plot.colors"
local text = require "lunette.prompt.pictures.blocks"

local width = require "lunette.console".width

local matrices = {}

local LONGEST = 16 -- columns of a class's name before its row
local FEWEST = 6   -- of them where the table is wide
local SHORTEST = 4 -- of a name above a column, if it must be cut

local function count_text(v) return v == math.floor(v) and v < 1e15 and ("%d"):format(v) or ("%.2f"):format(v) end

local function widest(list, most)
  local columns = 0
  for _, s in ipairs(list) do columns = math.max(columns, width(s)) end
  return math.min(columns, most)
end

local function count_texts(data)
  local rows, columns = {}, 0
  for i, row in ipairs(data.rows) do
    rows[i] = {}
    for j, v in ipairs(row) do rows[i][j] = count_text(v) end
    columns = math.max(columns, widest(rows[i], math.huge))
  end
  return rows, columns
end

-- What stands above the columns, how wide each is, what stands before the rows and how wide that is; nil when
-- the table is too wide. Where the names do not fit above, the classes are numbered.
local function plan(data, digits, columns)
  local left, want = widest(data.names, LONGEST), widest(data.names, math.huge)
  local room = (columns - left - 3) // data.count - 1
  local heads, rows = {}, {}
  if room >= math.max(math.min(want, SHORTEST), digits + 1) then
    local cell = math.max(digits + 1, math.min(want, room))
    for i, name in ipairs(data.names) do heads[i] = text.cut(name, cell) end
    return heads, cell + 1, data.names, left
  end
  for i, name in ipairs(data.names) do
    heads[i], rows[i] = tostring(i), ("%d %s"):format(i, name)
  end
  local cell = math.max(digits, #heads[#heads]) + 1
  left = math.min(widest(rows, LONGEST), columns - 3 - cell * data.count)
  if left >= FEWEST then return heads, cell, rows, left end
end

--- The lines of a confusion matrix's axes and how wide they are; nil where it would not fit.
--- pen: {paint = function(text, color, background), colorful = colours may be used}.
function matrices.draw(axes, columns, _, pen)
  local data = axes.series[1].data
  local counts, digits = count_texts(data)
  local heads, cell, names, left = plan(data, digits, columns)
  if not heads then return nil end
  local all, pad, lines = left + 3 + cell * data.count, (" "):rep(left + 3), {}
  if axes.labels.title then lines[1] = pen.paint(text.centered(text.cut(axes.labels.title, all), all), "bold") end
  local above = text.cut(axes.labels.x, all)
  lines[#lines + 1] = width(above) <= cell * data.count and pad .. text.left(above, cell * data.count) or
    text.right(above, all)
  local row = {}
  for j, head in ipairs(heads) do row[j] = text.right(head, cell - 1) .. " " end
  local label = text.cut(axes.labels.y, all)
  if width(label) > left + 2 then
    lines[#lines + 1] = text.left(label, all)
    label = ""
  end
  lines[#lines + 1] = text.left(label, left + 3) .. table.concat(row)
  for i, list in ipairs(counts) do
    local total = 0
    for _, v in ipairs(data.rows[i]) do total = total + v end
    for j, count in ipairs(list) do
      local share = total > 0 and data.rows[i][j] / total or 0
      local back = colors.map(data.map, math.sqrt(share))
      row[j] = text.right(count, cell - 1) .. " "
      if pen.colorful then row[j] = pen.paint(row[j], colors.readable(back), back) end
    end
    lines[#lines + 1] = text.left(text.cut(names[i], left), left) .. " │ " .. table.concat(row)
  end
  return lines, all
end

return matrices
