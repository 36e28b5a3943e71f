-- plot_grids.lua: tests of lunette.plot's image grids and confusion matrices, on the recorder and
-- in the pixels of drawn pages, and of tensors as data.

local colors = require "lunette.plot.colors"
local plot = require "lunette.plot"
local recorder = dofile "tests/support/recorder.lua"

local nan = 0 / 0

local record, texts, curves = recorder.draw, recorder.texts, recorder.curves

local function joined(list) return table.concat(list, " ") end

local function hex(r, g, b) return ("#%02X%02X%02X"):format(r, g, b) end

-- The color of the middle of image cell (row, col) of a grid drawn on a png, found by the recorder.
local function image_places(chart)
  local list = {}
  for i, entry in ipairs(record(chart):all "image") do
    list[i] = {x = entry[5], y = entry[6], w = entry[7], h = entry[8]}
  end
  return list
end

local function test_images(t)
  local red = {{{1, 1}, {1, 1}}, {{0, 0}, {0, 0}}, {{0, 0}, {0, 0}}}
  local mixed = {{{0, 1}, {0, 0}}, {{0, 0}, {1, 0}}, {{0, 0}, {0, 1}}}
  local chart = plot.images({red, mixed, red}, {cols = 2})
  local places = image_places(chart)
  t.eq("three pictures", #places, 3)
  t.ok("two columns", places[1].y == places[2].y and places[3].y > places[1].y
    and places[3].x == places[1].x)
  local page <close> = chart.figure:render "png"
  local function at(place, u, v)
    return hex(page:pixel(math.floor((place.x + place.w * u) * 2) + 1,
      math.floor((place.y + place.h * v) * 2) + 1))
  end
  t.eq("red", at(places[1], 0.5, 0.5), "#FF0000")
  t.eq("black, red, green, blue of four pixels", at(places[2], 0.25, 0.25)
    .. at(places[2], 0.75, 0.25) .. at(places[2], 0.25, 0.75) .. at(places[2], 0.75, 0.75),
    "#000000#FF0000#00FF00#0000FF")
  t.eq("pixels stay squares up to the edge", at(places[2], 0.49, 0.25) .. at(places[2], 0.51, 0.25),
    "#000000#FF0000")
  t.eq("paper around", hex(page:pixel(1, 1)), "#FFFFFF")
end

local function grey_of(x, given)
  local entry = record(plot.images(x, given)):all("image")[1]
  local out = {}
  for i = 1, #entry[1], 3 do
    local r, g, b = entry[1]:byte(i, i + 2)
    out[#out + 1] = r == g and g == b and tostring(r) or hex(r, g, b)
  end
  return joined(out)
end

local function test_image_values(t)
  t.eq("0..1 is black to white", grey_of {{{0, 0.2}, {0.6, 0.4}}}, "0 51 153 102")
  t.eq("bytes stay bytes", grey_of {{{0, 7}, {200, 31}}}, "0 7 200 31")
  t.eq("others are stretched", grey_of {{{-2, 0}, {2, 1}}}, "0 128 255 191")
  t.eq("a range is kept and clamped", grey_of({{{-3, 0}, {1, 0.5}}}, {range = {-1, 1}}),
    "0 128 255 191")
  t.eq("one picture [H,W]", grey_of {{0, 1}, {1, 0}}, "0 255 255 0")
  t.eq("one channel [N,1,H,W]", grey_of {{{{0, 1}}}}, "0 255")
  t.eq("truth values", grey_of {{{true, false}}}, "255 0")
  t.eq("NaN stands out", grey_of {{{nan, 1}}}, "#D55E00 255")
  t.eq("constant is grey", grey_of {{{-5, -5}}}, "128 128")
end

local function test_image_titles(t)
  local x = {{{0}}, {{1}}, {{0}}}
  local page = record(plot.images(x, {titles = {"one", "two", "three"}, title = "all",
    correct = {true, false, true}}))
  local say = texts(page)
  t.ok("titles and a heading", say.all and say.one and say.two and say.three)
  t.ok("right and wrong differ in colour", say.one[4].color == say.three[4].color
    and say.one[4].color ~= say.two[4].color)
  t.ok("both read on white", colors.contrast(say.one[4].color, "#FFFFFF") > 4.5
    and colors.contrast(say.two[4].color, "#FFFFFF") > 4.5)
  t.ok("numbers as titles", texts(record(plot.images(x, {titles = true})))["3"])
  t.raises("a title for each", "plot.images: 1 titles for 3 images",
    function() plot.images(x, {titles = {"a"}}) end)
  t.raises("unequal sizes", "the images have different sizes; all must be 2 x 1",
    function() plot.images {{{1}, {2}}, {{1}}} end)
  t.raises("too many channels", "got 2 in %[1,2,1,1%]; pick one channel",
    function() plot.images {{{{1}}, {{2}}}} end)
  t.raises("no images", "there are no images: shape %[0%]", function() plot.images {} end)
  t.raises("a reversed range", "range must be {lowest, highest}",
    function() plot.images(x, {range = {1, 0}}) end)
  t.raises("texts are no pixels", "images must hold numbers only",
    function() plot.images {{{"a"}}} end)
  local many = {}
  for i = 1, 2000 do many[i] = x[1] end
  t.raises("too many images", "2000 images .*are too many", function() plot.images(many) end)
end

local function test_confusion(t)
  local chart = plot.confusion({{8, 2}, {0, 5}}, {names = {"cat", "dog"}, title = "pets"})
  local page = record(chart)
  local say = texts(page)
  t.ok("axes say which is which", say["True class"][4].angle == 90 and say["Predicted class"])
  t.ok("counts stand in rows of truth", say["8"][3] == say["2"][3] and say["0"][3] == say["5"][3]
    and say["8"][3] < say["5"][3])
  t.ok("and columns of predictions", say["8"][2] == say["0"][2] and say["2"][2] == say["5"][2]
    and say["8"][2] < say["2"][2])
  local names = {}
  for _, entry in ipairs(page:all "text") do
    if entry[1] == "cat" then names[#names + 1] = entry end
  end
  t.eq("names on both axes", #names, 2)
  local cells = {}
  for i, entry in ipairs(page.list) do
    if entry.op == "rect" and #cells < 4 then cells[#cells + 1] = page.list[i + 1][1].color end
  end
  t.eq("a full share is the map's end", cells[4], colors.map("blues", 1))
  t.eq("nothing is its start", cells[3], colors.map("blues", 0))
  t.eq("a share of 0.2 by its root", cells[2], colors.map("blues", math.sqrt(0.2)))
  for _, count in ipairs {"8", "2", "5"} do
    t.ok("count " .. count .. " is readable", say[count][4].color)
  end
  local drawn <close> = chart.figure:render "png"
  local x, y = say["5"][2], say["5"][3]
  t.ok("the last cell is dark on paper", (drawn:pixel((x + 30) * 2 // 1, (y + 30) * 2 // 1)) < 40)
end

local function test_confusion_edges(t)
  local long = {"T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker",
    "Bag", "Ankle boot"}
  local cm = {}
  for i = 1, 10 do
    cm[i] = {}
    for j = 1, 10 do cm[i][j] = i == j and 900 or 10 end
  end
  local slanted = 0
  for _, entry in ipairs(record(plot.confusion(cm, {names = long})):all "text") do
    if entry[4].angle == 45 then slanted = slanted + 1 end
  end
  t.eq("long names are slanted", slanted, 10)
  t.ok("an empty matrix", pcall(record, plot.confusion {{0, 0}, {0, 0}}))
  t.ok("one class", pcall(record, plot.confusion {{3}}))
  local big = {}
  for i = 1, 150 do
    big[i] = {}
    for j = 1, 150 do big[i][j] = i * j end
  end
  t.ok("150 classes show no counts", #record(plot.confusion(big)):all "text" < 200)
  t.raises("not square", "must be square .*got 2 x 3",
    function() plot.confusion {{1, 2, 3}, {4, 5, 6}} end)
  t.raises("ragged", "row 2 of the matrix has 1 numbers but row 1 has 2",
    function() plot.confusion {{1, 2}, {3}} end)
  t.raises("below 0", "counts must be 0 or more, got %-1",
    function() plot.confusion {{1, -1}, {0, 1}} end)
  t.raises("names", "names must be a list of 2 texts.*but has 1",
    function() plot.confusion({{1, 2}, {3, 4}}, {names = {"a"}}) end)
  t.raises("colormap", "colormap must be one of viridis, blues, grey, got jet",
    function() plot.confusion({{1, 2}, {3, 4}}, {colormap = "jet"}) end)
  t.raises("it has the axes for itself", "'confusion' wants one for itself",
    function() plot.confusion({{1}}):line {1, 2} end)
end

local function test_tensors(t)
  local found, lunette = pcall(require, "lunette")
  if not found then return end
  local tensor = lunette.tensor
  local x = tensor {0.5, 1.5, 1.0}
  local p = curves(record(plot.line(x)), colors.palette[1])[1]
  t.eq("a tensor is a curve", #p, 3)
  t.ok("of its values", math.abs((p[1].y - p[2].y) - 2 * (p[1].y - p[3].y)) < 1e-6)
  t.raises("a matrix is not", "y has shape %[2,2%]; it must have one dimension",
    function() plot.line(tensor {{1, 2}, {3, 4}}) end)
  t.eq("a tensor of images", grey_of(tensor {{{0, 51}, {102, 255}}}), "0 51 102 255")
  t.ok("a tensor of counts", texts(record(plot.confusion(tensor {{7, 1}, {2, 8}})))["7"])
end

return function(t)
  test_images(t)
  test_image_values(t)
  test_image_titles(t)
  test_confusion(t)
  test_confusion_edges(t)
  test_tensors(t)
end
