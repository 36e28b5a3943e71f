-- canvas.lua: tests of the canvas module under lunette.plot: pixels, wrong arguments, and the files
-- it writes.

local canvas = require "lunette.canvas"
local plot = require "lunette.plot"
local recorder = dofile "tests/support/recorder.lua"

local nan, inf = 0 / 0, 1 / 0

local record, texts, curves = recorder.draw, recorder.texts, recorder.curves

local function joined(list) return table.concat(list, " ") end

local function hex(r, g, b) return ("#%02X%02X%02X"):format(r, g, b) end

local function test_canvas(t)
  local c <close> = canvas.create(20, 10, 2)
  c:rect(5, 2, 5, 5)
  c:fill {color = "#0072B2"}
  t.eq("inside a rectangle", hex(c:pixel(13, 7)), "#0072B2")
  t.eq("outside it", hex(c:pixel(9, 7)), "#FFFFFF")
  c:clip(0, 0, 10, 10)
  c:rect(0, 0, 20, 10)
  c:fill {color = "#000000"}
  c:unclip()
  t.eq("clipped", hex(c:pixel(21, 10)) .. hex(c:pixel(20, 10)), "#FFFFFF#000000")
  c:image("\255\0\0\0\255\0", 2, 1, 3, 0, 0, 4, 2)
  t.eq("an image", hex(c:pixel(4, 2)) .. hex(c:pixel(5, 2)), "#FF0000#00FF00")
  c:image("\255\0\0\128", 1, 1, 4, 10, 0, 2, 2)
  t.eq("a half transparent image", hex(c:pixel(22, 2)), "#FF7F7F")
  c:rect(0, 0, 20, 10)
  c:fill {color = "#FFFFFF"}
  c:arc(10, 5, 3)
  c:fill {color = "#00FF00", alpha = 0.5}
  local r, g, b = c:pixel(20, 10)
  t.ok("alpha", math.abs(r - 127.5) < 1 and g == 255 and r == b)
  local w1, h1 = c:extents("word", {size = 10})
  local w2, h2, base = c:extents("word", {size = 20})
  t.ok("text grows with its size", math.abs(w2 / w1 - 2) < 0.1 and math.abs(h2 / h1 - 2) < 0.1)
  t.ok("the baseline lies inside", base > h2 / 2 and base < h2)
  local w3, h3 = c:extents("two words", {size = 10, width = 40})
  t.ok("text wraps", w3 <= 40 and h3 > 1.5 * h1)
  local _, h4 = c:extents("two words and more", {size = 10, width = 40, lines = 1})
  t.ok("and is cut to its lines", h4 < 1.5 * h1)
end

local function test_canvas_errors(t)
  local c = canvas.create(20, 10)
  t.raises("NaN", "x must be a finite number", function() c:move(nan, 1) end)
  t.raises("infinity", "y must be a finite number", function() c:line(1, inf) end)
  t.raises("a wrong type", "number expected", function() c:rect(1, 2, {}, 4) end)
  t.raises("a colour", "color must look like '#0072B2', got red",
    function() c:fill {color = "red"} end)
  t.raises("a style", "style 'width' must be a finite number",
    function() c:stroke {width = "x"} end)
  t.raises("a cap", "style 'cap' cannot be 'flat'", function() c:stroke {cap = "flat"} end)
  t.raises("dashes of nothing", "the dashes add up to nothing",
    function() c:stroke {dash = {0, 0}} end)
  t.raises("unclip", "unclip without a clip", function() c:unclip() end)
  t.raises("endless clips", "more than 64 clips",
    function() while true do c:clip(0, 0, 1, 1) end end)
  t.raises("image bytes", "an image of 2 x 2 x 3 wants 12 bytes, got 3",
    function() c:image("abc", 2, 2, 3, 0, 0, 1, 1) end)
  t.raises("image size", "1 to 16384 pixels a side",
    function() c:image("", 1 << 40, 1 << 40, 3, 0, 0, 1, 1) end)
  t.raises("channels", "1, 3 or 4 channels, got 2",
    function() c:image("ab", 1, 1, 2, 0, 0, 1, 1) end)
  t.raises("pixels", "lies outside", function() c:pixel(0, 1) end)
  t.raises("a huge page", "width must lie between", function() canvas.create(1e9, 10) end)
  t.raises("too many pixels", "is too large", function() assert(canvas.create(19000, 19000)) end)
  t.raises("a NaN page", "width must be a finite number", function() canvas.create(nan, 10) end)
  t.raises("scale", "scale must lie between", function() canvas.create(10, 10, nan) end)
  t.raises("a format", "invalid option 'gif'", function() canvas.create(10, 10, 1, "gif") end)
  t.raises("not a canvas", "lunette%.canvas expected", function() c.move({}, 1, 2) end)
  for _, text in ipairs {"bad \xff\xfe bytes", "zero \0 byte", "tab\tand\r\n", "", "\u{10FFFF}",
    "שלום", "曲线", ("x"):rep(60000)} do
    t.ok("any text is drawn or refused kindly", pcall(c.text, c, text, 5, 5, {size = 8}))
  end
  t.raises("endless text", "too long to draw", function() c:text(("x"):rep(1 << 17), 0, 0) end)
  for _, far in ipairs {1e6, -1e18, 1e308} do
    c:move(far, -far)
    c:line(-far, far)
    t.ok("far away is harmless", pcall(c.stroke, c, {width = 1e9}))
  end
  local svg = canvas.create(10, 10, 1, "svg")
  svg:encode()
  t.raises("a finished svg", "takes no more drawing", function() svg:rect(0, 0, 1, 1) end)
  t.ok("can be encoded again", svg:encode() == svg:encode())
  do local _ <close> = c end
  t.raises("a closed canvas", "this canvas is closed", function() c:move(1, 2) end)
  t.ok("closing twice is harmless", pcall(getmetatable(c).__gc, c))
  t.eq("a closed canvas prints", tostring(c), "canvas (closed)")
end

-- Width and height of a PNG's bytes.
local function png_size(bytes)
  if bytes:sub(1, 8) ~= "\137PNG\r\n\26\n" or bytes:sub(13, 16) ~= "IHDR" then return nil end
  return string.unpack(">I4I4", bytes, 17)
end

local function read(path)
  local file = assert(io.open(path, "rb"))
  local bytes = file:read "a"
  file:close()
  return bytes
end

local function test_files(t)
  local base = os.tmpname()
  local chart = plot.line({1, 2, 3}, {label = "a"}):title "é"
  chart:save(base .. ".png"):save(base .. ".svg"):save(base .. ".pdf")
  local w, h = png_size(read(base .. ".png"))
  t.eq("the png has twice 960 x 540 pixels", w .. "x" .. h, "1920x1080")
  t.ok("the png is complete", read(base .. ".png"):sub(-8, -5) == "IEND")
  t.ok("the svg is one", read(base .. ".svg"):find("<svg", 1, true)
    and read(base .. ".svg"):find("</svg>%s*$"))
  t.ok("the pdf is one", read(base .. ".pdf"):find("^%%PDF")
    and read(base .. ".pdf"):find("%%%%EOF%s*$"))
  t.ok("equal charts are equal pdfs", chart:encode "pdf" == chart:encode "pdf")
  t.ok("Chinese never fails", plot.line({1}):title "训练损失":encode())
  t.ok("equal charts are equal pngs", chart:encode() == chart:encode())
  local before = read(base .. ".png")
  plot.line({5}, {size = {400, 300}}):save(base .. ".png")
  t.eq("a picture is replaced", joined {png_size(read(base .. ".png"))}, "800 600 25")
  t.ok("by another one", read(base .. ".png") ~= before)
  t.raises("missing folder", "cannot write '/no/such/folder/a%.png': No such file .*make it first",
    function() chart:save "/no/such/folder/a.png" end)
  t.raises("wrong ending", "must end in %.png, %.svg or %.pdf",
    function() chart:save(base .. ".gif") end)
  t.raises("no name", "save: wants a file name", function() chart:save() end)
  t.raises("a folder", "Is a directory", function()
    local page <close> = canvas.create(10, 10)
    assert(page:save "/")
  end)
  local full = io.open("/dev/full", "w")
  if full then
    full:close()
    t.raises("a full disk", "cannot write '/dev/full': No space left on device", function()
      local page <close> = canvas.create(10, 10)
      assert(page:save "/dev/full")
    end)
  end
  for _, ending in ipairs {"", ".png", ".svg", ".pdf"} do os.remove(base .. ending) end
end

local function test_pixels(t)
  local chart = plot.line({0, 0}, {marker = false, width = 4, color = "#FF0000"})
  local p = curves(record(chart), "#FF0000")[1]
  local page <close> = chart.figure:render "png"
  local w, h, scale = page:size()
  t.eq("logical size and scale", joined {w, h, scale}, "960.0 540.0 2.0")
  -- text is wider on the recorder, so x is taken from the middle of the page
  t.eq("the curve is where it should be", hex(page:pixel(960, p[1].y * 2 // 1)), "#FF0000")
  local top, dark = texts(record(chart))["2"][3] * 2 // 1, 0
  for y = top + 4, top + 24 do
    for x = 1, 1920 do
      if page:pixel(x, y) < 160 then dark = dark + 1 end
    end
  end
  t.ok("the texts of the ticks stand below the frame", dark > 40, dark)
  t.eq("the corner is paper", hex(page:pixel(1920, 1080)), "#FFFFFF")
end

return function(t)
  test_canvas(t)
  test_canvas_errors(t)
  test_files(t)
  test_pixels(t)
end
