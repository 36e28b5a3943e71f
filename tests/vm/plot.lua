-- plot.lua: tests of lunette.plot's line charts, learning curves, legends and figures on the
-- recorder, and of its errors.

local colors = require "lunette.plot.colors"
local plot = require "lunette.plot"
local recorder = dofile "tests/support/recorder.lua"

local nan, inf = 0 / 0, 1 / 0

local record, texts, curves = recorder.draw, recorder.texts, recorder.curves

local function joined(list) return table.concat(list, " ") end

-- Width and height of a PNG's bytes.
local function png_size(bytes)
  if bytes:sub(1, 8) ~= "\137PNG\r\n\26\n" or bytes:sub(13, 16) ~= "IHDR" then return nil end
  return string.unpack(">I4I4", bytes, 17)
end

local function test_line(t)
  local chart = plot.line({1, 3, 2}, {label = "loss"}):title "T":xlabel "X":ylabel "Y"
  local page = record(chart)
  local say = texts(page)
  t.ok("title and labels are drawn", say.T and say.X and say.Y and say.loss)
  t.eq("the label of y is turned", say.Y[4].angle, 90)
  local below = {}
  for _, entry in ipairs(page:all "text") do
    if entry[4].align == "center" and entry[3] == say["2"][3] then below[#below + 1] = entry[1] end
  end
  t.eq("integer ticks for implied x", joined(below), "1 2 3")
  local p = curves(page, colors.palette[1])[1]
  t.eq("three points", #p, 3)
  t.ok("x is evenly spaced", math.abs(p[2].x - p[1].x - (p[3].x - p[2].x)) < 1e-6)
  t.ok("y is in proportion and grows upward",
    math.abs((p[1].y - p[2].y) - 2 * (p[1].y - p[3].y)) < 1e-6 and p[2].y < p[1].y)
  t.ok("the tick of 2 stands under the second point", math.abs(say["2"][2] - p[2].x) < 1e-6)
  local implied = curves(record(plot.line {1, 3, 2}), colors.palette[1])[1]
  local given = curves(record(plot.line({1, 2, 3}, {1, 3, 2})), colors.palette[1])[1]
  t.ok("explicit x draws the same", given[2].x == implied[2].x and given[3].x == implied[3].x)
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
  t.raises("limits are finite", "ylim: limits must be finite",
    function() plot.line({1}):ylim(nan) end)
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
  t.eq("the legend can be hidden",
    legend_box(record(plot.line({1, 2}, {label = "a"}):legend(false))), nil)
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
  local strict = setmetatable({loss = {1, 2}},
    {__index = function(_, k) error("no field " .. k) end})
  t.ok("a history that refuses unknown names", pcall(record, plot.history(strict)))
  t.raises("no curve", "plot.history: found no curve", function() plot.history {} end)
  t.raises("a wrong metric", "the history has no list 'acc'",
    function() plot.history(h, {metrics = {"acc"}}) end)
  t.raises("a bad value", "plot.history: loss%[2%] is a string",
    function() plot.history {loss = {1, "x"}} end)
end

local function test_wrong_calls(t)
  t.raises("empty", "plot.line: y is empty; there is nothing to draw", function() plot.line {} end)
  t.raises("nothing", "plot.line: y must be a list of numbers or a tensor, got nothing",
    function() plot.line() end)
  t.raises("all NaN", "y has no finite number", function() plot.line {nan} end)
  t.raises("lengths", "plot.line: x has 2 values but y has 3",
    function() plot.line({1, 2}, {1, 2, 3}) end)
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
  t.raises("colon", "save: call it with a colon, chart:save",
    function() plot.line({1}).save "a.png" end)
  t.raises("method", "has no 'xlable'; did you mean 'xlabel'%?",
    function() plot.line({1}):xlable "a" end)
  t.raises("kind", "plot has no 'lines'; did you mean 'line'%?", function() plot.lines {1} end)
  t.raises("axes", "there is no axes 3 in a figure of 1 x 2",
    function() plot.figure(1, 2):axes(3) end)
  t.raises("figure", "rows must be a whole number", function() plot.figure(0) end)
  t.raises("empty axes", "axes 2 of the figure is empty", function()
    local fig = plot.figure(1, 2)
    fig:axes(1):line {1, 2}
    fig:encode()
  end)
  t.raises("the user's line is named", "plot%.lua:%d+: plot%.line: y is empty",
    function() plot.line {} end)
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

return function(t)
  test_line(t)
  test_line_gaps(t)
  test_log_axes(t)
  test_limits(t)
  test_legend(t)
  test_history(t)
  test_wrong_calls(t)
  test_figures(t)
end
