-- prompt/pictures/dots.lua: a canvas of braille dots, two wide and four high in each cell of a terminal. It knows what
-- curves need of a canvas: paths of lines and small discs, stroked or filled in one colour; a cell has the
-- colour that came last.

local Dots = {}
Dots.__index = Dots

local bits = require "lunette.prompt.pictures.cells".bits

--- A canvas of `columns` x `rows` cells; places go from 0 to 2 columns - 1 and from 0 to 4 rows - 1.
function Dots.new(columns, rows)
  return setmetatable({columns = columns, rows = rows, code = {}, color = {}, path = {}}, Dots)
end

local function round(v) return math.floor(v + 0.5) end

local function set(self, x, y, color)
  if x < 0 or y < 0 or x >= 2 * self.columns or y >= 4 * self.rows then return end
  local cell = (y // 4) * self.columns + x // 2
  self.code[cell] = (self.code[cell] or 0) | bits[y % 4 + 1][x % 2 + 1]
  self.color[cell] = color
end

function Dots:move(x, y) self.path[#self.path + 1] = {x, y} end

function Dots:line(x, y)
  local last = self.path[#self.path]
  self.path[#self.path + 1] = {x, y, from = last}
end

function Dots:arc(x, y) self.path[#self.path + 1] = {x, y, disc = true} end

-- Where the pen is down after so many dots of a dashed line.
local function is_down(dash, n)
  local whole = 0
  for _, length in ipairs(dash) do whole = whole + length end
  if whole == 0 then return true end
  n = n % whole
  for i, length in ipairs(dash) do
    if n < length then return i % 2 == 1 end
    n = n - length
  end
end

-- One dot for each step along the longer side; `n` counts them along the path.
local function segment(self, a, b, look, n)
  local steps = math.max(1, round(math.max(math.abs(b[1] - a[1]), math.abs(b[2] - a[2]))))
  for k = 0, steps do
    if is_down(look.dash, n + k) then
      set(self, round(a[1] + (b[1] - a[1]) * k / steps), round(a[2] + (b[2] - a[2]) * k / steps), look.color)
    end
  end
  return n + steps
end

--- look: color, dash (lengths in dots).
function Dots:stroke(look)
  local n = 0
  for _, p in ipairs(self.path) do
    n = p.from and segment(self, p.from, p, look, n) or 0
  end
  self.path = {}
end

--- Discs are five dots, whatever their radius.
function Dots:fill(look)
  for _, p in ipairs(self.path) do
    local x, y = round(p[1]), round(p[2])
    for _, d in ipairs {{0, 0}, {1, 0}, {-1, 0}, {0, 1}, {0, -1}} do set(self, x + d[1], y + d[2], look.color) end
  end
  self.path = {}
end

--- Row i from 1 on as text; paint(text, color) colours the pieces of one colour.
function Dots:text(row, paint)
  local parts, piece, color = {}, {}, nil
  local function close()
    if #piece > 0 then parts[#parts + 1] = paint(table.concat(piece), color) end
    piece = {}
  end
  for cell = (row - 1) * self.columns, row * self.columns - 1 do
    local code = self.code[cell]
    if code and self.color[cell] ~= color then
      close()
      color = self.color[cell]
    end
    piece[#piece + 1] = code and utf8.char(0x2800 + code) or " "
  end
  close()
  return table.concat(parts)
end

return Dots
