-- plot.lua: tests of lunette.plot, its canvas and lunette.options: tick values against known lists,
-- drawings on the recorder, pixels and headers of written pictures, errors.

local canvas = require "lunette.canvas"
local colors = require "lunette.plot.colors"
local options = require "lunette.options"
local plot = require "lunette.plot"
local recorder = require "lunette.plot.recorder"
local ticks = require "lunette.plot.ticks"

local nan, inf = 0 / 0, 1 / 0

local function joined(list) return table.concat(list, " ") end

local function rounded(list)
  local out = {}
  for i, v in ipairs(list) do out[i] = ("%.10g"):format(v) end
  return joined(out)
end

-- A chart or figure drawn on a recorder.
local function record(chart)
  local figure = rawget(chart, "figure") or chart
  local page = recorder.create(1, 1)
  local plan = figure:plan(page)
  figure:draw(page, plan)
  return page, plan
end

-- The text entries of a recorder by what they say.
local function texts(page)
  local found = {}
  for _, entry in ipairs(page:all "text") do found[entry[1]] = entry end
  return found
end

-- The curves on a recorder: lists of points of each stroke in a colour.
local function curves(page, color)
  local found, points = {}, {}
  for _, entry in ipairs(page.list) do
    if entry.op == "move" or entry.op == "line" then
      points[#points + 1] = {op = entry.op, x = entry[1], y = entry[2]}
    elseif entry.op == "stroke" or entry.op == "fill" then
      if entry.op == "stroke" and entry[1].color == color and #points > 0 then
        found[#found + 1] = points
      end
      points = {}
    end
  end
  return found
end

local function hex(r, g, b) return ("#%02X%02X%02X"):format(r, g, b) end

local function test_options(t)
  local names = {"label", "color", "width", "batch_size"}
  t.eq("suggest a swapped letter", options.suggest("lable", names), "label")
  t.eq("suggest across spelling", options.suggest("batchSize", names), "batch_size")
  t.eq("suggest from a beginning", options.suggest("batch", names), "batch_size")
  t.eq("suggest nothing far away", options.suggest("momentum", names), nil)
  t.eq("check lets nil be an empty table", next(options.check("f", nil, names)), nil)
  local given = {label = "a"}
  t.ok("check returns what was given", options.check("f", given, names) == given)
  t.raises("check names the nearest option", "f: unknown option 'colr'; did you mean 'color'%?",
    function() options.check("f", {colr = 1}, names) end)
  t.raises("check lists the options", "unknown option 'zzz'; the options are label, color",
    function() options.check("f", {zzz = 1}, names) end)
  t.raises("check reports the first by name", "unknown option 'aaa'",
    function() options.check("f", {zzz = 1, aaa = 1, mmm = 1}, names) end)
  t.raises("check refuses a list", "entry %[1%]", function() options.check("f", {5}, names) end)
  t.raises("check refuses a number", "f: options must be a table .*got number",
    function() options.check("f", 5, names) end)
  local _, message = pcall(function()
    local function f() options.check("f", {x = 1}, names) end
    f()
  end)
  t.ok("check blames the caller's line", message:find("^[^\n]*plot%.lua:%d+: f: unknown"), message)
end

local function test_linear_ticks(t)
  local cases = {
    {0, 1, 5, "0 0.2 0.4 0.6 0.8 1"},
    {0, 100, 5, "0 20 40 60 80 100"},
    {-1, 1, 5, "-1 -0.5 0 0.5 1"},
    {0.803, 0.922, 5, "0.82 0.84 0.86 0.88 0.9 0.92"},
    {0, 7, 8, "0 1 2 3 4 5 6 7"},
    {-3e-5, 3e-5, 6, "-3e-05 -2e-05 -1e-05 0 1e-05 2e-05 3e-05"},
    {2000, 60000, 6, "10000 20000 30000 40000 50000 60000"},
  }
  for _, case in ipairs(cases) do
    local list = ticks.linear(case[1], case[2], case[3])
    t.eq(("ticks of %g..%g"):format(case[1], case[2]), rounded(list), case[4])
  end
  t.eq("ticks of epochs are whole", rounded((ticks.linear(0.9, 3.1, 8, true))), "1 2 3")
  t.eq("ticks of one epoch", rounded((ticks.linear(0.4, 1.6, 8, true))), "1")
  local good = true
  for i = 1, 300 do
    local lo = (i * 7919 % 1000 - 500) * 10.0 ^ (i % 13 - 6)
    local hi = lo + (i * 104729 % 997 + 1) * 10.0 ^ (i % 11 - 5)
    local list, step = ticks.linear(lo, hi, 6)
    local mantissa = ("%.6e"):format(step):match("^(%d)%.000000e")
    good = good and (mantissa == "1" or mantissa == "2" or mantissa == "5")
    good = good and #list >= 2 and #list <= 12
    for k, v in ipairs(list) do
      local slack = 1e-6 * step
      good = good and v >= lo - slack and v <= hi + slack
      good = good and (k == 1 or math.abs(v - list[k - 1] - step) < slack + 1e-9 * math.abs(v))
    end
    good = good and list[1] - step < lo and list[#list] + step > hi
  end
  t.ok("ticks are all multiples of 1, 2, 5 in range", good)
end

local function test_tick_texts(t)
  local function format(lo, hi, count)
    local list, step = ticks.linear(lo, hi, count)
    return joined(ticks.format(list, step))
  end
  t.eq("texts have equal decimals", format(0, 1, 5), "0.0 0.2 0.4 0.6 0.8 1.0")
  t.eq("texts have a real minus", format(-1, 1, 5), "−1.0 −0.5 0.0 0.5 1.0")
  t.eq("texts separate thousands", format(0, 60000, 3), "0 20,000 40,000 60,000")
  t.eq("four digits need no comma", format(0, 2000, 4), "0 500 1000 1500 2000")
  t.eq("large numbers", format(0, 2e9, 4), "0 0.5×10⁹ 1.0×10⁹ 1.5×10⁹ 2.0×10⁹")
  t.eq("small numbers", format(0, 2e-5, 4), "0 0.5×10⁻⁵ 1.0×10⁻⁵ 1.5×10⁻⁵ 2.0×10⁻⁵")
  t.eq("power of ten", ticks.power_of_ten(-12), "10⁻¹²")
end

local function test_log_ticks(t)
  local values, labels, minor = ticks.log(1e-3, 1e2, 8)
  t.eq("decades", rounded(values), "0.001 0.01 0.1 1 10 100")
  t.eq("decades as people write them", joined(labels), "0.001 0.01 0.1 1 10 100")
  t.eq("minor lines 2..9 of five decades", #minor, 40)
  values, labels = ticks.log(1e-6, 1e3, 10)
  t.eq("far decades as powers", labels[1] .. " " .. labels[#labels], "10⁻⁶ 10³")
  t.eq("all decades", #values, 10)
  t.eq("thinned decades", rounded((ticks.log(1e-6, 1e6, 5))), "1e-06 0.001 1 1000 1000000")
  t.eq("one decade has 1, 2, 5", rounded((ticks.log(1, 10, 6))), "1 2 5 10")
  t.eq("a part of a decade is linear", rounded((ticks.log(3.2, 4.1, 5))), "3.2 3.4 3.6 3.8 4")
end

local function test_colors(t)
  t.eq("viridis starts", colors.map("viridis", 0), "#440154")
  t.eq("viridis middle", colors.map("viridis", 0.5), "#21918C")
  t.eq("viridis ends", colors.map("viridis", 1), "#FDE725")
  t.eq("grey is linear", colors.map("grey", 0.2), "#333333")
  t.ok("black on white is 21:1", math.abs(colors.contrast("#000000", "#FFFFFF") - 21) < 1e-9)
  t.ok("#767676 on white is 4.54:1", math.abs(colors.contrast("#767676", "#FFFFFF") - 4.54) < 0.005)
  local least = math.huge
  for _, map in ipairs(colors.map_names) do
    for i = 0, 100 do
      local color = colors.map(map, i / 100)
      least = math.min(least, colors.contrast(colors.readable(color), color))
    end
  end
  t.ok("text on every map reads at 4.2:1 or better", least >= 4.2, least)
end

local function test_line(t)
  local chart = plot.line({1, 3, 2}, {label = "loss"}):title "T":xlabel "X":ylabel "Y"
  local page = record(chart)
  local say = texts(page)
  t.ok("title and labels are drawn", say.T and say.X and say.Y and say.loss)
  t.eq("the label of y is turned", say.Y[4].angle, 90)
  t.ok("integer ticks for implied x", say["1"] and say["2"] and say["3"] and not say["1.5"])
  local p = curves(page, colors.palette[1])[1]
  t.eq("three points", #p, 3)
  t.ok("x is evenly spaced", math.abs(p[2].x - p[1].x - (p[3].x - p[2].x)) < 1e-6)
  t.ok("y is in proportion and grows upward",
    math.abs((p[1].y - p[2].y) - 2 * (p[1].y - p[3].y)) < 1e-6 and p[2].y < p[1].y)
  t.ok("the tick of 2 stands under the second point", math.abs(say["2"][2] - p[2].x) < 1e-6)
  local same = curves(record(plot.line({1, 2, 3}, {1, 3, 2})), colors.palette[1])[1]
  t.ok("explicit x draws the same", same[3].x - same[1].x == p[3].x - p[1].x)
  local square = curves(record(plot.line {x = {0, 1, 2}, y = function(v) return v * v end,
    color = "red"}), colors.find "red")[1]
  t.ok("y may be a function",
    math.abs((square[1].y - square[3].y) - 4 * (square[1].y - square[2].y)) < 1e-6)
end

local function test_line_gaps(t)
  local function parts(y)
    return #curves(record(plot.line(y)), colors.palette[1])
  end
  t.eq("NaN is a gap", parts {1, 2, nan, 3, 4}, 2)
  t.eq("infinity is a gap", parts {1, 2, inf, 3, 4, -inf, 5, 6}, 3)
  t.eq("a single point has no curve", parts {1}, 0)
  t.ok("a single point is a dot", #record(plot.line({1}, {marker = false})):all "arc" == 1)
  t.eq("a point between gaps is a dot",
    #record(plot.line({1, 2, nan, 3, nan, 4, 5}, {marker = false})):all "arc", 1)
  t.eq("constant data draw", parts {3, 3, 3}, 1)
  t.eq("zeros draw", parts {0, 0, 0}, 1)
  for _, y in ipairs {{1e300, 1}, {5e-324, 0}, {1, 1 + 1e-15}, {-1e299, 1e299}, {1e-300, 2e-300}} do
    t.ok(("values %g, %g draw"):format(y[1], y[2]), pcall(record, plot.line(y)))
  end
end

local function test_log_axes(t)
  local page = record(plot.line({1, 10, 100}):ylog())
  local p = curves(page, colors.palette[1])[1]
  t.ok("decades are equally far",
    math.abs((p[1].y - p[2].y) - (p[2].y - p[3].y)) < 1e-6 and p[1].y > p[2].y)
  t.eq("values below 0 are gaps", #curves(record(plot.line({1, 2, 0, 5, 6}):ylog()),
    colors.palette[1]), 2)
  t.raises("nothing to show", "ylog: no value is above 0",
    function() record(plot.line({-1, 0}):ylog()) end)
  t.raises("limits above 0", "ylim: a logarithmic axis needs limits above 0",
    function() record(plot.line({1, 2}):ylim(-1, 2):ylog()) end)
  t.ok("600 decades", pcall(record, plot.line({1e-290, 1e290}):ylog()))
end

local function test_limits(t)
  local page = record(plot.line({0, 10}, {0, 1e12}):ylim(0, 1):xlim(0, 10))
  for _, entry in ipairs(page:all "line") do
    t.ok("points far outside are cut", math.abs(entry[2]) <= 1e5 + 1)
  end
  t.raises("limits in order", "xlim: the lower limit 3 must be below the upper limit 1",
    function() plot.line({1, 2}):xlim(3, 1) end)
  t.raises("limits are finite", "ylim: limits must be finite", function() plot.line({1}):ylim(nan) end)
  local y = {}
  for i = 1, 100000 do y[i] = math.sin(i / 500) end
  y[54321] = 9
  local long = record(plot.line(y))
  local p, top = curves(long, colors.palette[1])[1], math.huge
  for _, point in ipairs(p) do top = math.min(top, point.y) end
  local spike = 0
  for _, point in ipairs(p) do
    if point.y < top + 20 then spike = spike + 1 end
  end
  t.ok("a long curve is thinned", #p < 12000, #p)
  t.eq("and keeps its spike", spike, 1)
end

-- The legend's box: the path before the fill that is nearly opaque white.
local function legend_box(page)
  local xs, ys = {}, {}
  for _, entry in ipairs(page.list) do
    if entry.op == "arc" then
      xs[#xs + 1], ys[#ys + 1] = entry[1], entry[2]
    elseif entry.op == "fill" and entry[1].color == "#FFFFFF" and #xs == 4 then
      return math.min(table.unpack(xs)), math.min(table.unpack(ys)), math.max(table.unpack(xs)),
        math.max(table.unpack(ys))
    elseif entry.op == "stroke" or entry.op == "fill" then
      xs, ys = {}, {}
    end
  end
end

local function test_legend(t)
  local function spot(y)
    local page, plan = record(plot.line(y, {label = "a"}))
    local x1, y1 = legend_box(page)
    return (y1 < plan.height / 2 and "top " or "bottom ")
      .. (x1 > plan.width / 2 and "right" or "left")
  end
  local falling, rising = {}, {}
  for i = 1, 50 do falling[i], rising[i] = 1 / i, 1 - 1 / i end
  t.eq("a falling curve leaves the top right", spot(falling), "top right")
  t.eq("a rising curve leaves the bottom right", spot(rising), "bottom right")
  local filled = {}
  for i = 1, 4000 do filled[i] = i % 2 end
  local page = record(plot.line(filled, {label = "a"}))
  local right = 0
  for _, point in ipairs(curves(page, colors.palette[1])[1]) do right = math.max(right, point.x) end
  t.ok("a full frame sends the legend outside", legend_box(page) > right)
  t.eq("no label, no legend", legend_box(record(plot.line {1, 2})), nil)
  t.eq("the legend can be hidden", legend_box(record(plot.line({1, 2}, {label = "a"}):legend(false))),
    nil)
  t.raises("a wrong place", "legend: no place 'top rigth'; did you mean 'top right'%?",
    function() plot.line({1}):legend "top rigth" end)
end

local function test_history(t)
  local h = {loss = {3, 2, 1}, val_loss = {3, 2.5, 2}, accuracy = {.1, .5, .7},
    val_accuracy = {.2, .4, .6}, lr = {1, 1, 1}}
  local fig = plot.history(h, {title = "run"})
  local page = record(fig)
  local say = texts(page)
  t.ok("a heading and two titles", say.run and say.Loss and say.Accuracy)
  t.ok("both curves are named", say.training and say.validation)
  t.ok("loss stands left of accuracy", say.Loss[2] < say.Accuracy[2])
  t.eq("four curves", #curves(page, colors.palette[1]) + #curves(page, colors.palette[2]), 4 + 4)
  t.ok("loss alone is enough", pcall(record, plot.history {loss = {1}}))
  t.ok("other metrics with validation are found",
    texts(record(plot.history {loss = {1}, top5 = {1}, val_top5 = {2}})).Top5)
  local strict = setmetatable({loss = {1, 2}}, {__index = function(_, k) error("no field " .. k) end})
  t.ok("a history that refuses unknown names", pcall(record, plot.history(strict)))
  t.raises("no curve", "plot.history: found no curve", function() plot.history {} end)
  t.raises("a wrong metric", "the history has no list 'acc'",
    function() plot.history(h, {metrics = {"acc"}}) end)
  t.raises("a bad value", "plot.history: loss%[2%] is a string",
    function() plot.history {loss = {1, "x"}} end)
end

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
  local page = record(plot.images(x, {titles = {"one", "two", "three"}, correct = {true, false, true},
    title = "all"}))
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
  t.raises("below 0", "counts must be 0 or more, got %-1", function() plot.confusion {{1, -1}, {0, 1}} end)
  t.raises("names", "names must be a list of 2 texts.*but has 1",
    function() plot.confusion({{1, 2}, {3, 4}}, {names = {"a"}}) end)
  t.raises("colormap", "colormap must be one of viridis, blues, grey, got jet",
    function() plot.confusion({{1, 2}, {3, 4}}, {colormap = "jet"}) end)
  t.raises("it has the axes for itself", "'confusion' wants one for itself",
    function() plot.confusion({{1}}):line {1, 2} end)
end

local function test_wrong_calls(t)
  t.raises("empty", "plot.line: y is empty; there is nothing to draw", function() plot.line {} end)
  t.raises("nothing", "plot.line: y must be a list of numbers or a tensor, got nothing",
    function() plot.line() end)
  t.raises("all NaN", "y has no finite number", function() plot.line {nan} end)
  t.raises("lengths", "plot.line: x has 2 values but y has 3", function() plot.line({1, 2}, {1, 2, 3}) end)
  t.raises("option", "plot.line: unknown option 'lable'; did you mean 'label'%?",
    function() plot.line({1}, {lable = "x"}) end)
  t.raises("curves are not options", "plot.line: unknown option 'adam'",
    function() plot.line {sgd = {1}, adam = {2}} end)
  t.raises("rows", "y%[1%] is a list; y must be one list", function() plot.line {{1}, {2}} end)
  t.raises("text", "y%[2%] is a string", function() plot.line {1, "a"} end)
  t.raises("color", "color must be one of blue, .*got bleu",
    function() plot.line({1}, {color = "bleu"}) end)
  t.raises("dash", "dash must be one of solid", function() plot.line({1}, {dash = "dot"}) end)
  t.raises("size", "size must be {width, height}", function() plot.line({1}, {size = {5, 5}}) end)
  t.raises("colon", "save: call it with a colon, chart:save", function() plot.line({1}).save "a.png" end)
  t.raises("method", "has no 'xlable'; did you mean 'xlabel'%?", function() plot.line({1}):xlable "a" end)
  t.raises("kind", "plot has no 'lines'; did you mean 'line'%?", function() plot.lines {1} end)
  t.raises("axes", "there is no axes 3 in a figure of 1 x 2", function() plot.figure(1, 2):axes(3) end)
  t.raises("figure", "rows must be a whole number", function() plot.figure(0) end)
  t.raises("empty axes", "axes 2 of the figure is empty", function()
    local fig = plot.figure(1, 2)
    fig:axes(1):line {1, 2}
    fig:encode()
  end)
  t.raises("the user's line is named", "plot%.lua:%d+: plot%.line: y is empty",
    function() plot.line {} end)
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
  local chart = plot.line({1, 2, 3}, {label = "a"}):title "曲线 é"
  chart:save(base .. ".png"):save(base .. ".svg"):save(base .. ".pdf")
  local w, h = png_size(read(base .. ".png"))
  t.eq("the png has twice 960 x 540 pixels", w .. "x" .. h, "1920x1080")
  t.ok("the png is complete", read(base .. ".png"):sub(-8, -5) == "IEND")
  t.ok("the svg is one", read(base .. ".svg"):find("<svg", 1, true)
    and read(base .. ".svg"):find("</svg>%s*$"))
  t.ok("the pdf is one", read(base .. ".pdf"):find("^%%PDF") and read(base .. ".pdf"):find("%%%%EOF%s*$"))
  t.ok("equal charts are equal pdfs", chart:encode "pdf" == chart:encode "pdf")
  t.ok("equal charts are equal pngs", chart:encode() == chart:encode())
  local before = read(base .. ".png")
  plot.line({5}, {size = {400, 300}}):save(base .. ".png")
  t.eq("a picture is replaced", joined {png_size(read(base .. ".png"))}, "800 600 25")
  t.ok("by another one", read(base .. ".png") ~= before)
  t.raises("missing folder", "cannot write '/no/such/folder/a%.png': No such file .*make it first",
    function() chart:save "/no/such/folder/a.png" end)
  t.raises("wrong ending", "must end in %.png, %.svg or %.pdf", function() chart:save(base .. ".gif") end)
  t.raises("no name", "save: wants a file name", function() chart:save() end)
  t.raises("a folder", "Is a directory", function()
    local page <close> = canvas.create(10, 10)
    page:save "/"
  end)
  local full = io.open("/dev/full", "w")
  if full then
    full:close()
    t.raises("a full disk", "cannot write '/dev/full': No space left on device", function()
      local page <close> = canvas.create(10, 10)
      page:save "/dev/full"
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
  local dark = 0
  for x = 1, 1920 do
    if page:pixel(x, 1080 - 44) ~= 255 then dark = dark + 1 end
  end
  t.ok("there is something below the frame", dark > 0)
  t.eq("the corner is paper", hex(page:pixel(1920, 1080)), "#FFFFFF")
end

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
  t.eq("alpha", hex(c:pixel(20, 10)), "#80FF80")
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
  t.raises("a colour", "color must look like '#0072B2', got red", function() c:fill {color = "red"} end)
  t.raises("a style", "style 'width' must be a finite number", function() c:stroke {width = "x"} end)
  t.raises("a cap", "style 'cap' cannot be 'flat'", function() c:stroke {cap = "flat"} end)
  t.raises("dashes of nothing", "the dashes add up to nothing", function() c:stroke {dash = {0, 0}} end)
  t.raises("unclip", "unclip without a clip", function() c:unclip() end)
  t.raises("endless clips", "more than 64 clips", function() while true do c:clip(0, 0, 1, 1) end end)
  t.raises("image bytes", "an image of 2 x 2 x 3 wants 12 bytes, got 3",
    function() c:image("abc", 2, 2, 3, 0, 0, 1, 1) end)
  t.raises("image size", "1 to 16384 pixels a side",
    function() c:image("", 1 << 40, 1 << 40, 3, 0, 0, 1, 1) end)
  t.raises("channels", "1, 3 or 4 channels, got 2", function() c:image("ab", 1, 1, 2, 0, 0, 1, 1) end)
  t.raises("pixels", "lies outside", function() c:pixel(0, 1) end)
  t.raises("a huge page", "width must lie between", function() canvas.create(1e9, 10) end)
  t.raises("too many pixels", "is too large", function() canvas.create(19000, 19000) end)
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
  do local gone <close> = c end
  t.raises("a closed canvas", "this canvas is closed", function() c:move(1, 2) end)
  t.ok("closing twice is harmless", pcall(getmetatable(c).__gc, c))
  t.eq("a closed canvas prints", tostring(c), "canvas (closed)")
end

local function test_figures(t)
  local fig = plot.figure(2, 2, {title = "four"})
  for i = 1, 4 do fig:axes(i):line({i, 2 * i}):title("t" .. i):ylabel("y" .. i) end
  local say = texts(record(fig))
  t.ok("frames line up in columns", say.t1[2] == say.t3[2] and say.t2[2] == say.t4[2])
  t.ok("frames line up in rows", say.t1[3] == say.t2[3] and say.t3[3] == say.t4[3])
  t.ok("axes(2, 1) is the third", fig:axes(2, 1) == fig:axes(3))
  t.ok("axes(-1) is the last", fig:axes(-1) == fig:axes(4))
  local small = plot.line({1, 2}, {size = {300, 200}, title = "a"})
  t.eq("a size is kept", joined {png_size(small:encode())}, "600 400 25")
  t.eq("a chart prints what it is", tostring(plot.line({1}, {label = "loss"})),
    "plot: line 'loss' (:save \"name.png\" writes it)")
  local mixed = plot.figure(1, 2)
  mixed:axes(1):images {{{0, 1}}}
  mixed:axes(2):confusion {{1, 2}, {3, 4}}
  t.ok("kinds share a figure", mixed:encode())
  local list = setmetatable({}, {__len = function() return 3 end,
    __index = function(_, i) return i <= 3 and i * i or error "out of range" end})
  t.eq("list-like objects draw", #curves(record(plot.line(list)), colors.palette[1])[1], 3)
end

local function test_tensors(t)
  local found, lunette = pcall(require, "lunette")
  if not found then return end
  local tensor = lunette.tensor
  local x = tensor {0.5, 1.5, 1.0}
  local p = curves(record(plot.line(x)), colors.palette[1])[1]
  t.ok("a tensor is a curve", #p == 3 and math.abs((p[1].y - p[2].y) - 2 * (p[1].y - p[3].y)) < 1e-6)
  t.raises("a matrix is not", "y has shape %[2,2%]; it must have one dimension",
    function() plot.line(tensor {{1, 2}, {3, 4}}) end)
  t.eq("a tensor of images", grey_of(tensor {{{0, 51}, {102, 255}}}), "0 51 102 255")
  t.ok("a tensor of counts", texts(record(plot.confusion(tensor {{7, 1}, {2, 8}})))["7"])
end

return function(t)
  test_options(t)
  test_linear_ticks(t)
  test_tick_texts(t)
  test_log_ticks(t)
  test_colors(t)
  test_line(t)
  test_line_gaps(t)
  test_log_axes(t)
  test_limits(t)
  test_legend(t)
  test_history(t)
  test_images(t)
  test_image_values(t)
  test_image_titles(t)
  test_confusion(t)
  test_confusion_edges(t)
  test_wrong_calls(t)
  test_files(t)
  test_pixels(t)
  test_canvas(t)
  test_canvas_errors(t)
  test_figures(t)
  test_tensors(t)
end
