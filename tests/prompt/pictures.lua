-- pictures.lua: pictures on the terminal: what is written to a pseudo-terminal (of script, in every
-- Debian) in each way, decoded again here and compared with the picture.

local outside = dofile "tests/support/program.lua"

local COLUMNS, ROWS = 41, 30

-- Writes the script that shows the picture; runs it on a terminal with these variables set.
-- code: makes it first, and may set `figure`.
local function on_terminal(path, setting, code)
  local script = outside.script("show.lua", ([[
    require "lunette"
    local figure
    %s
    require("lunette.prompt.pictures").show(%q, figure)
  ]]):format(code or "", path))
  local clean = "env -u TMUX -u STY -u KITTY_WINDOW_ID -u TERM_PROGRAM -u LC_TERMINAL -u LUNETTE_IMAGES -u NO_COLOR " ..
    "-u COLORTERM TERM=xterm-256color"
  local command = ("stty cols %d rows %d -onlcr; %s %s %s %s"):format(COLUMNS, ROWS, clean, setting,
    outside.quote(outside.program), outside.quote(script))
  local _, out = outside.shell(("script -q -e -c %s /dev/null"):format(outside.quote(command)))
  return out
end

-- ---- decoding ------------------------------------------------------------------------------------------

local digits = {}
for i = 0, 63 do
  digits[("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"):byte(i + 1)] = i
end

local function from_base64(text)
  local out, held, bits = {}, 0, 0
  for c in text:gmatch "[^=]" do
    held, bits = (held << 6 | digits[c:byte()]) & 0xffffff, bits + 6
    if bits >= 8 then
      bits = bits - 8
      out[#out + 1] = string.char(held >> bits & 255)
    end
  end
  return table.concat(out)
end

local steps = {[0] = 0, 95, 135, 175, 215, 255}

-- Red, green, blue of what follows 38; or 48; in an escape.
local function color_of(text)
  local n = tonumber(text:match "^5;(%d+)$")
  if not n then
    local r, g, b = text:match "^2;(%d+);(%d+);(%d+)$"
    return {tonumber(r), tonumber(g), tonumber(b)}
  end
  if n >= 232 then return {8 + 10 * (n - 232), 8 + 10 * (n - 232), 8 + 10 * (n - 232)} end
  n = n - 16
  return {steps[n // 36], steps[n // 6 % 6], steps[n % 6]}
end

-- Rows of pixels from lines of half blocks.
local function from_blocks(text)
  local rows = {}
  for line in text:gmatch "[^\n]*▀[^\n]*" do
    local above, below, up, down = {}, {}, nil, nil
    local at = 1
    while at <= #line do
      local layer, color, after = line:match("^\27%[([34])8;([%d;]+)m()", at)
      if layer == "3" then up = color_of(color) elseif layer then down = color_of(color) end
      if not layer and line:sub(at, at + 2) == "▀" then
        above[#above + 1], below[#below + 1] = up, down
        after = at + 3
      end
      at = after or at + 1
    end
    rows[#rows + 1], rows[#rows + 2] = above, below
  end
  return rows
end

-- Rows of pixels from sixels (DEC STD 070): colours in percent, six rows of pixels in a band.
local function from_sixels(text)
  local rows, palette, color = {}, {}, nil
  local x, band, at = 0, 0, 1
  local function put(char, times)
    local mask = char:byte() - 63
    for i = 0, 5 do
      if mask >> i & 1 == 1 then
        local row = rows[band * 6 + i + 1] or {}
        rows[band * 6 + i + 1] = row
        for k = 1, times do row[x + k] = color end
      end
    end
    x = x + times
  end
  while at <= #text do
    local n, r, g, b, after = text:match("^#(%d+);2;(%d+);(%d+);(%d+)()", at)
    local chosen, after_chosen = text:match("^#(%d+)()", at)
    local times, repeated, after_repeat = text:match("^!(%d+)([?-~])()", at)
    local c = text:sub(at, at)
    if n then
      palette[n] = {r * 2.55, g * 2.55, b * 2.55}
      color, at = palette[n], after
    elseif chosen then
      color, at = palette[chosen], after_chosen
    elseif times then
      put(repeated, tonumber(times))
      at = after_repeat
    else
      if c:find "[?-~]" then put(c, 1) elseif c == "$" then x = 0 elseif c == "-" then x, band = 0, band + 1 end
      at = at + 1
    end
  end
  return rows
end

-- ---- comparing -----------------------------------------------------------------------------------------

-- The mean colour of rows y..y2, columns x..x2.
local function mean(rows, y, y2, x, x2)
  local sum = {0, 0, 0}
  for i = y, y2 do
    for j = x, x2 do
      for c = 1, 3 do sum[c] = sum[c] + rows[i][j][c] end
    end
  end
  local n = (y2 - y + 1) * (x2 - x + 1)
  return {sum[1] / n, sum[2] / n, sum[3] / n}
end

-- The largest difference of mean colours over a grid of parts of both pictures.
local function difference(a, b, down, across)
  local worst = 0
  local function part(rows, i, j)
    local h, w = #rows // down, #rows[1] // across
    return mean(rows, (i - 1) * h + 1, i * h, (j - 1) * w + 1, j * w)
  end
  for i = 1, down do
    for j = 1, across do
      local x, y = part(a, i, j), part(b, i, j)
      for c = 1, 3 do worst = math.max(worst, math.abs(x[c] - y[c])) end
    end
  end
  return worst
end

-- 80 x 52 pixels: waves of colour, and squares of noise.
local function make_picture(tensor, path)
  local list, rows = {{}, {}, {}}, {}
  for y = 1, 52 do
    rows[y] = {}
    for c = 1, 3 do list[c][y] = {} end
    for x = 1, 80 do
      local n = (x // 8 * 37 + y // 8 * 91) % 64
      local p = {(128 + 100 * math.sin(x / 9)) // 1, (128 + 90 * math.cos(y / 7)) // 1, 60 + 2 * n}
      rows[y][x] = p
      for c = 1, 3 do list[c][y][x] = p[c] end
    end
  end
  tensor.write_image(path, tensor(list):to "uint8")
  return rows
end

-- ---- tests -----------------------------------------------------------------------------------------------

local function test_files(t, tensor)
  local path = outside.folder .. "/noise.png"
  tensor.write_image(path, tensor.rand(3, 60, 90))
  local png = outside.read_file(path)
  local out = on_terminal(path, "LUNETTE_IMAGES=kitty")
  local text, head, last, longest = {}, nil, nil, 0
  for keys, data in out:gmatch "\27_G([^;]*);([^\27]*)\27\\" do
    head, last = head or keys, keys
    text[#text + 1] = data
    longest = math.max(longest, #data)
  end
  t.eq("kitty gets the file itself", from_base64(table.concat(text)), png)
  t.ok("in parts, with its size, and without an answer", #text > 1 and longest <= 4096 and last == "m=0" and
    head:find "a=T,f=100,q=2,c=%d+,m=1", head)
  t.eq("and below stands the name", out:match "\27\\\n([^\27]*)$", path .. "\n")
  out = on_terminal(path, "LUNETTE_IMAGES=iterm")
  local size, data = out:match "\27%]1337;File=inline=1;size=(%d+);width=%d+;preserveAspectRatio=1:([^\7]*)\7\n"
  t.eq("iTerm2 gets the file itself", from_base64(data or ""), png)
  t.eq("with its size", tonumber(size), #png)
end

local function test_cells(t, path, rows)
  local deep = from_blocks(on_terminal(path, "LUNETTE_IMAGES=blocks COLORTERM=truecolor"))
  t.ok("half blocks: two pixels a cell, 40 columns", #deep == 26 and #deep[1] == 40)
  local worst = difference(deep, rows, 26, 40)
  t.ok("each is the mean of its part of the picture", worst <= 0.51, worst)
  local cube = from_blocks(on_terminal(path, "LUNETTE_IMAGES=blocks"))
  worst = difference(cube, rows, 2, 2)
  t.ok("256 colours are near it", #cube == 26 and worst < 25, worst)
  local dots, cells = 0, 0
  local out = on_terminal(path, "LUNETTE_IMAGES=braille")
  for _, code in utf8.codes(out:sub(1, -#path - 3)) do
    if code >= 0x2800 and code < 0x2900 then
      cells = cells + 1
      for i = 0, 7 do dots = dots + (code >> i & 1) end
    end
  end
  local ink = 0
  for _, row in ipairs(rows) do
    for _, p in ipairs(row) do
      local d = 0
      for c = 1, 3 do d = math.max(d, math.abs(p[c] - rows[1][1][c])) end
      ink = ink + d / 255 / (52 * 80)
    end
  end
  t.ok("as many dots as the picture differs from its page", cells == 40 * 13 and math.abs(dots / cells / 8 - ink) < 0.05,
    ("%d cells, %.3f of the dots, want %.3f"):format(cells, dots / cells / 8, ink))
  t.ok("and no colour", not out:find "\27")
end

local function test_sixels(t, path, rows)
  if not pcall(require, "lunette.sixel") then return end
  local out = on_terminal(path, "LUNETTE_IMAGES=sixel")
  local body = out:match "\27P[%d;]*q(.-)\27\\"
  local shown = from_sixels((body or ""):gsub('^"[%d;]*', ""))
  t.ok("sixels are complete", body and #shown == 78 and #shown[1] == 120, ("%d rows"):format(#shown))
  if body and shown[1] then
    local worst = difference(shown, rows, 2, 4)
    t.ok("and have the picture's colours", worst < 12, worst)
  end
end

-- Dots of a chart's frame: {x, y} counted from its left and its top, and its size in dots.
local function dots_of(text)
  local list, row = {}, 0
  local columns = select(2, (text:match "└([^\n]*)" or ""):gsub("[^\x80-\xbf][\x80-\xbf]*", ""))
  for line in text:gmatch "[^\n]+" do
    local cells = line:match "│(.*)" or line:match "┤(.*)"
    for at, code in utf8.codes(cells or "") do
      local x = utf8.len(cells, 1, at) - 1
      for i, place in ipairs {{0, 0}, {0, 1}, {0, 2}, {1, 0}, {1, 1}, {1, 2}, {0, 3}, {1, 3}} do -- Unicode's order
        if x < columns and code >= 0x2800 and code < 0x2900 and code >> i - 1 & 1 == 1 then
          list[#list + 1] = {2 * x + place[1], 4 * row + place[2]}
        end
      end
    end
    if cells then row = row + 1 end
  end
  return list, 2 * columns, 4 * row
end

-- Curves are drawn in the terminal's cells, and what is written on a chart is text.
local function test_charts(t, tensor)
  local file = outside.folder .. "/chart.png"
  local function chart(code, setting)
    return on_terminal(file, setting, ([[
      figure = (%s).figure
      figure:save(%q)]]):format(code, file))
  end
  local code = [[plot.line({0, 1}, {0, 1}, {title = "a title", xlabel = "steps", ylabel = "Höhe", label = "up",
    marker = false}):xlim(0, 1):ylim(0, 1)]]
  local out = chart(code, "LUNETTE_IMAGES=braille")
  local dots, w, h = dots_of(out)
  local off, columns = 0, {}
  for _, dot in ipairs(dots) do
    off = math.max(off, math.abs(dot[2] - (h - 1) * (1 - dot[1] / (w - 1))))
    columns[dot[1]] = true
  end
  t.ok("a straight line is one of dots, from end to end", w >= 20 and h == 48 and off <= 1 and #columns == w - 1, off)
  for _, text in ipairs {" a title\n", "\nHöhe\n", "\n0%.0 ┤", "\n1%.0 ┤", "└┬─", "\n +0 +1 *\n", "\n +steps\n", "⠤ up\n"} do
    t.ok("as text: " .. text, ("\n" .. out):find(text), out)
  end
  local lines = 0
  for line in out:gmatch "([^\n]*)\n" do
    lines = lines + 1
    t.ok("no line is too long", require "lunette.console".width(line) < COLUMNS or line == file, line)
  end
  t.ok("it is no higher than needed", lines == 18, lines)
  t.ok("and the file is the picture", tensor.read_image(file):shape()[3] > 600)
  out = chart([[plot.line({1, 2, 3}, {color = "#ff8800"}):line({3, 2, 1})]], "LUNETTE_IMAGES=blocks COLORTERM=truecolor")
  t.ok("colours: the user's, and the terminal's own", out:find "\27%[38;2;255;136;0m[^ ]" and out:find "\27%[31m[^ ]", out)
end

-- Confusion matrices are tables of text, images have their titles above them.
local function test_tables(t)
  local file = outside.folder .. "/table.png"
  local function chart(code, setting)
    return on_terminal(file, setting, ([[
      figure = (%s).figure
      figure:save(%q)]]):format(code, file))
  end
  local code = "plot.confusion({{8, 2}, {0, 11}}, {names = {'cat', 'Löwe'}, title = 'zoo'})"
  local out = chart(code, "LUNETTE_IMAGES=braille")
  t.eq("counts below names", out:sub(1, -#file - 2), [[
       zoo
  Predicted class
True class
        cat Löwe
cat  │    8    2
Löwe │    0   11
]])
  out = chart(code, "LUNETTE_IMAGES=blocks COLORTERM=truecolor")
  t.ok("a share of 1 is the darkest blue, with white on it", out:find "\27%[48;2;8;48;107;38;2;255;255;255m +11 \27%[0m", out)
  t.ok("a share of 0 the lightest, with black", out:find "\27%[48;2;245;249;253;38;2;18;24;31m +0 \27%[0m", out)
  out = chart([[plot.confusion(tensor.ones(7, 7):long(), {names = {'number 1', 'number 2', 'number 3', 'number 4',
    'number 5', 'number 6', 'number 7'}})]], "LUNETTE_IMAGES=braille")
  t.ok("numbers where names are too long", out:find("\nTrue class +1 2 3 4 5 6 7\n") and out:find("\n3 number 3 │ 1 1 1 1 1 1 1\n"), out)
  out = chart("plot.images(tensor.rand(2, 8, 8), {titles = {'a boot', 'a bag'}, correct = {true, false}})",
    "LUNETTE_IMAGES=blocks")
  t.ok("titles are text, in colours of right and wrong", out:find "\27%[32m +a boot +\27%[0m +\27%[31m +a bag +\27%[0m\n", out)
  t.ok("images are half blocks", out:find "▀" and not out:find "┤")
end

-- What the terminal is, by its environment.
local function test_choice(t, path)
  for setting, start in next, {
    ["KITTY_WINDOW_ID=1"] = "^\27_G", ["TERM=xterm-kitty"] = "^\27_G", ["TERM_PROGRAM=ghostty"] = "^\27_G",
    ["TERM_PROGRAM=iTerm.app"] = "^\27%]1337", ["TERM_PROGRAM=WezTerm"] = "^\27%]1337",
    ["TERM=xterm-kitty TMUX=1 COLORTERM=24bit"] = "^\27%[38;2", [""] = "^\27%[38;5",
    ["NO_COLOR=1"] = "^[\xe2]", ["TERM=vt100"] = "^[\xe2]",
    ["TERM=dumb LUNETTE_IMAGES=kitty"] = "^/", ["LUNETTE_IMAGES=off TERM=xterm-kitty"] = "^/",
  } do
    local out = on_terminal(path, setting)
    t.ok("with " .. setting, out:find(start) and out:sub(-#path - 1) == path .. "\n", ("%q"):format(out:sub(1, 40)))
  end
  local script = outside.folder .. "/show.lua"
  local status, out = outside.shell("LUNETTE_IMAGES=kitty TERM=xterm-kitty " .. outside.quote(outside.program) .. " " .. script)
  t.ok("a pipe gets the name alone", status == 0 and out == path .. "\n", out)
end

local function test_base64(t)
  local pictures = require "lunette.prompt.pictures"
  for _, pair in ipairs {{"", ""}, {"f", "Zg=="}, {"fo", "Zm8="}, {"foo", "Zm9v"}, {"foob", "Zm9vYg=="},
    {"fooba", "Zm9vYmE="}, {"foobar", "Zm9vYmFy"}} do -- RFC 4648, section 10
    t.eq("base64 of " .. pair[1], pictures.base64(pair[1]), pair[2])
  end
end

return function(t)
  if not outside.open(t) then return end
  local tensor = require("lunette").tensor
  local path = outside.folder .. "/picture.png"
  local rows = make_picture(tensor, path)
  test_base64(t)
  test_files(t, tensor)
  test_cells(t, path, rows)
  test_sixels(t, path, rows)
  test_charts(t, tensor)
  test_tables(t)
  test_choice(t, path)
  outside.write_file(outside.folder .. "/no.png", "GIF89a")
  t.ok("what is no PNG is refused", on_terminal(outside.folder .. "/no.png", "LUNETTE_IMAGES=kitty"):find "no.png is not a PNG")
  outside.close()
end
