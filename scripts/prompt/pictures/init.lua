-- prompt/pictures/init.lua: pictures on the terminal, in the best way that it has:
--
--   kitty    the PNG itself, by kitty's graphics protocol (kitty, Ghostty, Konsole)
--   iterm    the PNG itself, by iTerm2's (iTerm2, WezTerm, mintty)
--   sixel    as DEC's sixels, by libchafa (foot, mlterm, xterm -ti 340)
--   blocks   half blocks in colours; braille: dots, where there are no colours; in both, figures are
--            drawn anew in characters (charts.lua), since the text of a picture cannot be read so small
--   off      the name of the file alone: so it is in a pipe and on a dumb terminal
--
-- LUNETTE_IMAGES names one; else the environment tells, or the terminal is asked once.

local cells = require "lunette.prompt.pictures.cells"
local console = require "lunette.console"
local core = require "lunette.core"

local pictures = {}

local WIDEST, NARROWEST = 100, 12 -- columns of a picture
local PATIENCE = 300              -- ms that a terminal may take for an answer
local CHUNK = 4096                -- bytes of base64 in one of kitty's escapes

local ways = {kitty = true, iterm = true, sixel = true, blocks = true, braille = true, off = true}

-- ---- which way ---------------------------------------------------------------------------------------

local function env(name) return os.getenv(name) or "" end

-- A program between us and the terminal, which lets no picture through that it does not know.
local function is_multiplexed() return env "TMUX" ~= "" or env "STY" ~= "" end

local function by_environment()
  if is_multiplexed() then return end
  local term, name = env "TERM", env "TERM_PROGRAM"
  if env "KITTY_WINDOW_ID" ~= "" or term == "xterm-kitty" or term == "xterm-ghostty" or name == "ghostty" then
    return "kitty"
  end
  if name == "iTerm.app" or env "LC_TERMINAL" == "iTerm2" or name == "WezTerm" or name == "mintty" then
    return "iterm"
  end
end

local function has_sixels() return (pcall(require, "lunette.sixel")) end

-- Kitty's terminals answer a question of its protocol; attribute 4 of a terminal is sixel graphics.
-- Nothing is asked of those that might print the question.
local function by_answer()
  local term = env "TERM"
  if term == "linux" or term:find "^vt%d" or term:find "^cons" then return end
  local graphics = "\27_Gi=31,s=1,v=1,a=q,t=d,f=24;AAAA\27\\"
  if is_multiplexed() or not term:find "^xterm" then graphics = "" end
  local answer = console.ask(graphics .. "\27[c", PATIENCE)
  if answer:find "\27_Gi=31;OK" then return "kitty" end
  local attributes = answer:match "\27%[%?([%d;]*)c"
  if attributes and (";" .. attributes .. ";"):find ";4;" and has_sixels() then return "sixel" end
end

local function has_colors()
  local term = env "TERM"
  return console.colors() and not (term:find "^vt%d" or term:find "mono$")
end

local found -- what the terminal was found to have

--- The way in which pictures are shown now.
function pictures.way()
  if not console.able() then return "off" end
  local wanted = env "LUNETTE_IMAGES"
  if ways[wanted] then return wanted end
  found = found or by_environment() or by_answer() or "characters"
  if found ~= "characters" then return found end
  return has_colors() and "blocks" or "braille"
end

-- ---- sizes -------------------------------------------------------------------------------------------

-- Columns and rows for a picture of w x h pixels that would like `wish` columns; a cell is `aspect` times
-- as high as wide.
local function fit(w, h, wish, aspect)
  local columns = math.max(math.min(wish, WIDEST), NARROWEST)
  columns = math.max(1, math.min(columns, console.columns() - 1))
  local most = math.max(console.rows() - 3, 1)
  local rows = columns * h / w / aspect
  if rows > most then columns, rows = math.max(1, columns * most / rows), most end
  return math.floor(columns), math.max(1, math.floor(rows + 0.5))
end

-- Pixels of a cell, as far as the terminal says.
local function cell()
  local width, height = console.cell()
  return width or 10, height or 20
end

-- ---- the picture itself --------------------------------------------------------------------------------

local alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
local pairs_of_digits = {} -- by 12 bits

local function make_pairs()
  for i = 0, 4095 do
    local a, b = i >> 6, i & 63
    pairs_of_digits[i] = alphabet:sub(a + 1, a + 1) .. alphabet:sub(b + 1, b + 1)
  end
end

--- RFC 4648.
function pictures.base64(bytes)
  if not pairs_of_digits[0] then make_pairs() end
  local out, n = {}, 0
  for i = 1, #bytes - 2, 3 do
    local a, b, c = bytes:byte(i, i + 2)
    out[n + 1] = pairs_of_digits[a << 4 | b >> 4]
    out[n + 2] = pairs_of_digits[(b & 15) << 8 | c]
    n = n + 2
  end
  local rest = #bytes % 3
  if rest > 0 then
    local a, b = bytes:byte(-rest, -1)
    if rest == 1 then b = 0 end
    local digits = pairs_of_digits[a << 4 | b >> 4] .. pairs_of_digits[(b & 15) << 8]
    out[n + 1] = digits:sub(1, rest + 1) .. ("="):rep(3 - rest)
  end
  return table.concat(out)
end

local function kitty(bytes, columns)
  local text, parts = pictures.base64(bytes), {}
  for at = 1, #text, CHUNK do
    local head = at == 1 and ("a=T,f=100,q=2,c=%d,"):format(columns) or ""
    local more = at + CHUNK <= #text and 1 or 0
    parts[#parts + 1] = ("\27_G%sm=%d;%s\27\\"):format(head, more, text:sub(at, at + CHUNK - 1))
  end
  return table.concat(parts)
end

local function iterm(bytes, columns)
  return ("\27]1337;File=inline=1;size=%d;width=%d;preserveAspectRatio=1:%s\7"):format(#bytes, columns,
    pictures.base64(bytes))
end

-- The bytes of pixels [3,H,W], red, green, blue, row by row.
local function raw(x)
  local list = x:permute {2, 3, 1}:reshape(-1):clamp(0, 255):round():to "int64":tolist()
  local parts = {}
  for at = 1, #list, 4000 do
    parts[#parts + 1] = string.char(table.unpack(list, at, math.min(at + 3999, #list)))
  end
  return table.concat(parts)
end

-- Sixels are six pixels high each.
local function sixel(path, w, h, columns)
  local width = columns * cell()
  local height = math.max(1, math.floor(width * h / w / 6 + 0.5)) * 6
  local pixels = cells.scaled(core.tensor.read_image(path, {channels = 4}), width, height)
  return require("lunette.sixel").encode(raw(pixels), width, height)
end

-- ---- showing -------------------------------------------------------------------------------------------

local function is_deep()
  local how, term = env "COLORTERM", env "TERM"
  return how == "truecolor" or how == "24bit" or term:find "direct" ~= nil or by_environment() ~= nil
end

local function read(path)
  local file, problem = io.open(path, "rb")
  if not file then error(("picture: %s"):format(problem), 0) end
  local bytes = file:read "a"
  file:close()
  if bytes:sub(1, 8) ~= "\137PNG\r\n\26\n" or #bytes < 24 then
    error(("picture: %s is not a PNG"):format(path), 0)
  end
  return bytes, string.unpack(">I4I4", bytes, 17)
end

-- What is to be written for the picture; nil for "off".
local function drawn(path, way)
  local bytes, w, h = read(path)
  local wide, high = cell()
  local aspect = high / wide
  if way == "kitty" then return kitty(bytes, (fit(w, h, w // wide, aspect))) end
  if way == "iterm" then return iterm(bytes, (fit(w, h, w // wide, aspect))) end
  if way == "sixel" and has_sixels() then return sixel(path, w, h, (fit(w, h, w // wide, aspect))) end
  if way == "off" then return end
  local picture = core.tensor.read_image(path, {channels = 4})
  if way == "braille" then
    local columns, rows = fit(w, h, w // 2, 2)
    return cells.braille(picture, columns, rows)
  end
  local columns, rows = fit(w, h, w, 2)
  return cells.blocks(picture, columns, rows, is_deep())
end

-- The colours of plots as the terminal's own, which its user can read on its background.
local own = {["#0072B2"] = 34, ["#D55E00"] = 31, ["#009E73"] = 32, ["#CC79A7"] = 35, ["#E69F00"] = 33, ["#56B4E9"] = 36,
  ["#000000"] = 39, bold = 1}

-- What colours a text, and what stands behind it: see charts.draw.
local function pen_of(deep)
  local rgb = require "lunette.plot.colors".rgb
  local function code(color) return own[color] or "38;" .. cells.color(deep, rgb(color)) end
  local function paint(text, color, back)
    if not color then return text end
    local behind = back and "48;" .. cells.color(deep, rgb(back)) .. ";" or ""
    return ("\27[%s%sm%s\27[0m"):format(behind, code(color), text)
  end
  return {paint = paint, colorful = true, deep = deep}
end

-- A figure in characters, where that is the way; nil otherwise, and where it does not fit.
local function chart_of(figure, way)
  if not figure or way ~= "blocks" and way ~= "braille" then return end
  local charts = require "lunette.prompt.pictures.charts"
  if not charts.able(figure) then return end
  local pen = way == "blocks" and pen_of(is_deep()) or nil
  return charts.draw(figure, math.min(console.columns() - 1, WIDEST), console.rows(), pen)
end

--- Shows the PNG of that name and writes the name below it; into a pipe and on a dumb terminal the name
--- alone. figure: what was drawn there, if that is known.
function pictures.show(path, figure)
  local way = pictures.way()
  local text = chart_of(figure, way) or drawn(path, way)
  if text then io.stdout:write(text, "\n") end
  io.stdout:write(path, "\n")
  io.stdout:flush()
end

-- ---- figures -------------------------------------------------------------------------------------------

--- The figure that a value of lunette.plot is or belongs to; nil for other values, and for a figure in
--- which an axes is still empty.
function pictures.figure_of(value)
  local Figure, Axes = package.loaded["lunette.plot.figure"], package.loaded["lunette.plot.axes"]
  local meta = type(value) == "table" and Figure and getmetatable(value)
  if not meta then return end
  local figure = meta == Figure and value or meta == Axes and value.figure or nil
  for _, axes in ipairs(figure and figure.grid or {}) do
    if #axes.series == 0 then return nil end
  end
  return figure
end

local function content(path)
  local file = io.open(path, "rb")
  if not file then return end
  local bytes = file:read "a"
  file:close()
  return bytes
end

local function write(path, bytes)
  local file = io.open(path, "wb")
  if not file then return false end
  local done = file:write(bytes)
  return file:close() and done ~= nil
end

local last = 0 -- number of the newest file of this session

-- The first free name of plots/001.png, plots/002.png, ...; nil where nothing can be written.
local function keep(bytes)
  repeat
    last = last + 1
    local path = ("plots/%03d.png"):format(last)
    local taken = io.open(path)
    if taken then taken:close() end
    if not taken then
      if write(path, bytes) then return path end
      os.execute "mkdir -p plots 2>/dev/null"
      return write(path, bytes) and path or nil
    end
  until false
end

local function keep_elsewhere(bytes)
  local name = os.tmpname()
  os.remove(name)
  if not write(name .. ".png", bytes) then error(("picture: %s.png cannot be written"):format(name), 0) end
  return name .. ".png"
end

local kept = setmetatable({}, {__mode = "k"}) -- by figure: its file here

--- The PNG of a figure: where it was saved if it has not changed since, else a file of its own in plots/.
function pictures.file_of(figure)
  local bytes = figure:encode()
  for _, path in ipairs {figure.written or kept[figure], kept[figure]} do
    if content(path) == bytes then return path end
  end
  kept[figure] = keep(bytes) or keep_elsewhere(bytes)
  return kept[figure]
end

return pictures
