-- Draws a terminal's screen, as text with escapes for colours, as a PNG.
-- Usage: tmux capture-pane -p -e | lunette scripts/screenshot.lua FILE.png [COLUMNS [ROWS]]

require "lunette"
local canvas = require "lunette.canvas"

local SIZE, PAD, SCALE = 14, 10, 2
local PAGE, INK = "#1c1f26", "#d7dae0"

-- ---- colours -----------------------------------------------------------------------------------------

local named = {[0] = "#2b303b", "#e06c75", "#98c379", "#e5c07b", "#61afef", "#c678dd", "#56b6c2", "#abb2bf",
  "#7f848e", "#f07178", "#b5e08d", "#ffd580", "#7cc0ff", "#d894f0", "#7bd3dd", "#ffffff"}
local steps = {[0] = 0, 95, 135, 175, 215, 255}

local function hex(r, g, b) return ("#%02x%02x%02x"):format(r, g, b) end

local function indexed(n)
  if n < 16 then return named[n] end
  if n >= 232 then
    local v = 8 + 10 * (n - 232)
    return hex(v, v, v)
  end
  n = n - 16
  return hex(steps[n // 36], steps[n // 6 % 6], steps[n % 6])
end

-- ---- escapes -----------------------------------------------------------------------------------------

-- The colour that follows code 38 or 48 at codes[i]; the place of its last part.
local function long_color(codes, i)
  if codes[i + 1] == 5 then return indexed(codes[i + 2] or 0), i + 2 end
  return hex(codes[i + 2] or 0, codes[i + 3] or 0, codes[i + 4] or 0), i + 4
end

local flags = {[1] = "bold", [2] = "faint", [4] = "underline", [7] = "reverse"}
local cleared = {[22] = "bold", [24] = "underline", [27] = "reverse", [39] = "front", [49] = "back"}

local function apply(look, text)
  local codes, i = {}, 1
  for n in (text == "" and "0" or text):gmatch "%d+" do codes[#codes + 1] = tonumber(n) end
  while i <= #codes do
    local c = codes[i]
    if c == 0 then
      look = {}
    elseif c == 38 or c == 48 then
      look[c == 38 and "front" or "back"], i = long_color(codes, i)
    elseif flags[c] then
      look[flags[c]] = true
    elseif cleared[c] then
      look[cleared[c]] = nil
    elseif c >= 30 and c <= 37 or c >= 90 and c <= 97 then
      look.front = named[c < 90 and c - 30 or c - 82]
    elseif c >= 40 and c <= 47 or c >= 100 and c <= 107 then
      look.back = named[c < 100 and c - 40 or c - 92]
    end
    i = i + 1
  end
  return look
end

local function copy(t)
  local new = {}
  for k, v in next, t do new[k] = v end
  return new
end

-- A line as runs {text, look}: runs of ASCII, other characters one by one.
local function runs_of(line, look)
  local runs, at = {}, 1
  while at <= #line do
    local codes, after = line:match("^\27%[([%d;]*)m()", at)
    local plain = not codes and line:match("^[ -~]+", at)
    if codes then
      look, at = apply(copy(look), codes), after
    else
      local text = plain or line:match("^" .. utf8.charpattern, at) or "?"
      runs[#runs + 1] = {text, look}
      at = at + #text
    end
  end
  return runs, look
end

-- ---- drawing -----------------------------------------------------------------------------------------

local known, console = pcall(require, "lunette.console")

local function width_of(text) return known and console.width(text) or utf8.len(text) end

local function colors_of(look)
  local front, back = look.front or INK, look.back
  if look.reverse then front, back = back or PAGE, front end
  return front, back
end

-- Whole pixels: neighbours leave no seam.
local function snap(v) return math.floor(v * SCALE + 0.5) / SCALE end

local function draw_box(page, x, y, w, h, color)
  page:rect(snap(x), snap(y), snap(x + w) - snap(x), snap(y + h) - snap(y))
  page:fill {color = color}
end

local function draw_run(page, run, x, y, cell)
  local text, look = run[1], run[2]
  local front, back = colors_of(look)
  local w = width_of(text) * cell.w
  if back then draw_box(page, x, y, w, cell.h, back) end
  if text == "▀" then -- of a picture
    draw_box(page, x, y, w, cell.h / 2, front)
  elseif text:find "%S" then
    page:text(text, x, y + cell.base, {size = SIZE, mono = true, bold = look.bold, color = front, valign = "baseline"})
  end
  if look.underline then draw_box(page, x, y + cell.h - 2, w, 1, front) end
  return x + w
end

local function lines_of(text)
  local lines = {}
  for line in (text:gsub("[%s]+$", "") .. "\n"):gmatch "([^\n]*)\n" do lines[#lines + 1] = line end
  return lines
end

local path, columns, rows = arg[1], tonumber(arg[2] or 80), tonumber(arg[3])
assert(path, "usage: lunette scripts/screenshot.lua FILE.png [COLUMNS [ROWS]]")
local lines = lines_of(io.read "a")

local scratch = canvas.create(1, 1, 1)
local wide, high, base = scratch:extents(("M"):rep(100), {size = SIZE, mono = true})
local cell = {w = wide / 100, h = math.ceil(high) + 1, base = base}
local page = canvas.create(math.ceil(columns * cell.w) + 2 * PAD, (rows or #lines) * cell.h + 2 * PAD, SCALE)
page:rect(0, 0, 20000, 20000)
page:fill {color = PAGE}
local look = {}
for i, line in ipairs(lines) do
  local runs
  runs, look = runs_of(line, look)
  local x, y = PAD, PAD + (i - 1) * cell.h
  for _, run in ipairs(runs) do x = draw_run(page, run, x, y, cell) end
end
page:save(path)
