-- prompt/pictures/cells.lua: pictures in characters: two pixels in a half block of 24-bit or 256 colours, or
-- eight dots of one colour in a braille pattern.

local cells = {}

-- ---- pixels ----------------------------------------------------------------------------------------

--- The picture of a file, uint8 [4,H,W], as floats [3,height,width] of 0..255 on a white page, averaged
--- over areas.
function cells.scaled(picture, width, height)
  local x = picture:float()
  local alpha = x["4"]:unsqueeze(1) / 255
  local page = x["1:3"] * alpha + (1 - alpha) * 255
  return page:unsqueeze(1):adaptive_avg_pool2d({height, width}):squeeze(1)
end

-- The page of a picture is what its corner has. Drawings, of which most is page, get twice the contrast:
-- their thin lines have faded into it.
local function page_of(x) return x["1:3, 1:1, 1:1"] end

local function strengthened(x)
  local ink = (x - page_of(x)):abs():amax(1)
  if ink:gt(4):float():mean():item() > 0.4 then return x end
  return page_of(x) + (x - page_of(x)) * 2
end

-- Whole numbers 0..255 by channel and row.
local function rounded(x) return x:clamp(0, 255):round():to "int64":tolist() end

-- ---- colours ---------------------------------------------------------------------------------------

local steps = {0, 95, 135, 175, 215, 255} -- of the cube of 6 x 6 x 6 colours, from number 16 on

local nearest_step = {} -- by value 0..255: the index from 0
for v = 0, 255 do
  local best = 1
  for i, s in ipairs(steps) do
    if math.abs(s - v) < math.abs(steps[best] - v) then best = i end
  end
  nearest_step[v] = best - 1
end

local function distance(r, g, b, x, y, z) return (r - x) ^ 2 + (g - y) ^ 2 + (b - z) ^ 2 end

--- The nearest of xterm's 256 colours: of its cube, or of its greys 8, 18 .. 238 from 232 on.
function cells.nearest(r, g, b)
  local i, j, k = nearest_step[r], nearest_step[g], nearest_step[b]
  local level = math.max(0, math.min(23, math.floor(((r + g + b) / 3 - 8) / 10 + 0.5)))
  local grey = 8 + 10 * level
  if distance(r, g, b, grey, grey, grey) < distance(r, g, b, steps[i + 1], steps[j + 1], steps[k + 1]) then
    return 232 + level
  end
  return 16 + 36 * i + 6 * j + k
end

-- What follows 38; or 48; in the escape of a colour.
local function full(r, g, b) return ("2;%d;%d;%d"):format(r, g, b) end
local function indexed(r, g, b) return "5;" .. cells.nearest(r, g, b) end

--- What follows 38; or 48; in the escape of a colour, in 24 bits or of 256.
function cells.color(deep, r, g, b) return (deep and full or indexed)(r, g, b) end

--- Lines of half blocks, of a picture [3,2 rows,columns] of 0..255. `deep`: in 24-bit colours, not in 256.
function cells.half_blocks(x, deep)
  local red, green, blue = table.unpack(rounded(x))
  local color = deep and full or indexed
  local lines, columns = {}, #red[1]
  for row = 1, #red // 2 do
    local parts, top, bottom = {}, nil, nil
    local up, down = 2 * row - 1, 2 * row
    for i = 1, columns do
      local above = color(red[up][i], green[up][i], blue[up][i])
      local below = color(red[down][i], green[down][i], blue[down][i])
      if above ~= top then parts[#parts + 1] = "\27[38;" .. above .. "m" end
      if below ~= bottom then parts[#parts + 1] = "\27[48;" .. below .. "m" end
      parts[#parts + 1] = "▀"
      top, bottom = above, below
    end
    lines[row] = table.concat(parts) .. "\27[0m"
  end
  return lines
end

--- A drawing in half blocks: `columns` wide, two rows of pixels in each row.
function cells.blocks(picture, columns, rows, deep)
  return table.concat(cells.half_blocks(strengthened(cells.scaled(picture, columns, 2 * rows)), deep), "\n")
end

-- ---- dots ------------------------------------------------------------------------------------------

--- The dots of a braille pattern, by row and column.
cells.bits = {{0x01, 0x08}, {0x02, 0x10}, {0x04, 0x20}, {0x40, 0x80}}

-- How far each dot is from the page's colour, 0..1.
local function ink(x) return ((x - page_of(x)):abs():amax(1) / 255):tolist() end

-- Error diffusion after Floyd and Steinberg (1976): rows of true and false.
local function dithered(rows, width)
  local dots, ahead = {}, {}
  for y, row in ipairs(rows) do
    local here = ahead
    ahead, dots[y] = {}, {}
    for i = 1, width do
      local want = math.min(1, row[i]) + (here[i] or 0)
      local on = want > 0.5
      local rest = want - (on and 1 or 0)
      dots[y][i] = on
      here[i + 1] = (here[i + 1] or 0) + rest * 7 / 16
      for step, part in ipairs {3, 5, 1} do
        local k = i + step - 2
        ahead[k] = (ahead[k] or 0) + rest * part / 16
      end
    end
  end
  return dots
end

--- Lines of braille, without colour: two dots wide and four high in each character. x: [3,4 rows,2 columns]
--- of 0..255.
function cells.dots(x)
  local shape, lines = x.shape, {}
  local rows, columns = shape[2] // 4, shape[3] // 2
  local dots = dithered(ink(x), 2 * columns)
  for row = 1, rows do
    local line = {}
    for column = 1, columns do
      local code = 0x2800
      for i = 1, 4 do
        for j = 1, 2 do
          if dots[4 * row - 4 + i][2 * column - 2 + j] then code = code | cells.bits[i][j] end
        end
      end
      line[column] = utf8.char(code)
    end
    lines[row] = table.concat(line)
  end
  return lines
end

--- A drawing in braille, in so many characters.
function cells.braille(picture, columns, rows)
  return table.concat(cells.dots(strengthened(cells.scaled(picture, 2 * columns, 4 * rows))), "\n")
end

return cells
