-- line.lua: the chart kind "line": one curve through points, with gaps where a value is missing.

local colors = require "lunette.plot.colors"
local fail = require "lunette.nn.fail"
local check_options = require "lunette.options"
local style = require "lunette.plot.style"
local values = require "lunette.plot.values"

local line = {name = "line", clip = true, dots = true}

line.options = {"label", "color", "width", "dash", "marker", "alpha"}

local MARKED = 20    -- curves of at most so many points show them
local FAR = 1e5      -- places beyond are cut before the canvas sees them

local dash_names = {"solid", "dashed", "dotted", "dashdot"}

-- The values of y at the points of x: y is a list, a tensor or a function.
local function read_y(where, x, y)
  if type(y) ~= "function" then return values.list(where, "y", y) end
  if not x then fail.raise(where .. ": y is a function, so x must be given too") end
  local list = {}
  for i, v in ipairs(x) do
    list[i] = y(v)
    if type(list[i]) ~= "number" then
      fail.raise(("%s: y(%s) must be a number, got %s"):format(where, v, type(list[i])))
    end
  end
  return list
end

local function whole_numbers(list)
  for _, v in ipairs(list) do
    if math.type(v) ~= "integer" then return false end
  end
  return true
end

-- line(y), line(x, y), either with options behind, or line{x=, y=, …}.
local function arguments(where, allowed, ...)
  local count = select("#", ...)
  local first, second, third = ...
  if count == 1 and values.is_options(first) then
    local names = {"x", "y"}
    table.move(allowed, 1, #allowed, 3, names)
    check_options(where, first, names)
    return first.x, first.y, first
  end
  if count > 3 then fail.raise(where .. ": takes (y), (x, y) and a table of options, no more") end
  if count == 3 then return first, second, check_options(where, third, allowed) end
  if count == 2 and values.is_options(second) then
    return nil, first, check_options(where, second, allowed)
  end
  if count == 2 and second ~= nil then return first, second, {} end
  return nil, first, {}
end

local function check_look(where, given)
  if given.color ~= nil and not colors.find(given.color) then
    fail.raise(("%s: color must be one of %s or look like '#0072B2', got %s"):format(
      where, table.concat(colors.names, ", "), tostring(given.color)))
  end
  for _, name in ipairs {"width", "alpha"} do
    local v = given[name]
    if v ~= nil and not (type(v) == "number" and v > 0 and v < 100) then
      fail.raise(("%s: %s must be a number above 0, got %s"):format(where, name, tostring(v)))
    end
  end
  if given.dash == nil then return end
  for i, name in ipairs(dash_names) do
    if given.dash == name then return colors.dashes[i] end
  end
  fail.raise(("%s: dash must be one of %s, got %s"):format(
    where, table.concat(dash_names, ", "), tostring(given.dash)))
end

--- line(x, y, {label =, color =, width =, dash =, marker =, alpha =, title =, xlabel =, ylabel =,
-- size =}): a curve through points. x, y: lists or tensors of numbers; y may be a function of x; without
-- x the points count from 1; NaN leaves a gap. A label stands in the legend. dash: "solid", "dashed",
-- "dotted", "dashdot"; size: {width, height}. chart:line(…) adds a curve to a chart.
-- example:
--   path = os.tmpname() .. ".png"
--   chart = plot.line({1, 2, 3}, {1, 4, 9}, {title = "squares"}):save(path)
--   tensor.read_image(path):dim() --> 3
function line.read(where, allowed, ...)
  local x, y, given = arguments(where, allowed, ...)
  local data = {dash = check_look(where, given)}
  if x ~= nil then data.x = values.list(where, "x", x) end
  data.y = read_y(where, data.x, y)
  if not data.x then
    data.x = {}
    for i = 1, #data.y do data.x[i] = i end
  elseif #data.x ~= #data.y then
    fail.raise(("%s: x has %d values but y has %d; each point needs both"):format(
      where, #data.x, #data.y))
  end
  data.range = {values.range(data.x), values.range(data.y)}
  for i, name in ipairs {"x", "y"} do
    if not data.range[i] then
      fail.raise(("%s: %s has no finite number (all are NaN or infinite)"):format(where, name))
    end
  end
  data.integer = whole_numbers(data.x)
  data.label = given.label ~= nil and tostring(given.label) or nil
  data.color, data.width = colors.find(given.color), given.width
  data.marker, data.alpha = given.marker, given.alpha
  return data, given
end

--- Colour and dash by the series' turn on its axes.
function line.setup(axes, data)
  axes.lines = axes.lines + 1
  local color, dash = colors.series(axes.lines)
  data.color, data.dash = data.color or color, data.dash or dash
end

function line.bounds(data) return data.range[1], data.range[2], data.integer end

local function sorted(run)
  for i = 3, #run, 2 do
    if run[i] < run[i - 2] then return false end
  end
  return true
end

-- A long curve keeps, in each half unit of width, its first, lowest, highest and last point.
local function thin(run, room)
  if #run / 2 <= 8 * room or not sorted(run) then return run end
  local out, i, count = {}, 1, #run
  local function keep(k) out[#out + 1], out[#out + 2] = run[k], run[k + 1] end
  while i <= count do
    local column, low, high, last = run[i] * 2 // 1, i, i, i
    while last + 2 <= count and run[last + 2] * 2 // 1 == column do
      last = last + 2
      if run[last + 1] < run[low + 1] then low = last end
      if run[last + 1] > run[high + 1] then high = last end
    end
    local a, b = math.min(low, high), math.max(low, high)
    keep(i)
    if a > i then keep(a) end
    if b > a then keep(b) end
    if last > b then keep(last) end
    i = last + 2
  end
  return out
end

-- Runs of neighbouring points that can be drawn, as lists {x1, y1, x2, y2, …} on the canvas; kept
-- until the axes is placed anew.
local function runs(axes, data)
  local list, run, size = {}, nil, 0
  local px, py, xs, ys = axes.px, axes.py, data.x, data.y
  if data.placed and data.placed.by == py then return data.placed end
  for i = 1, #ys do
    local x, y = px(xs[i]), py(ys[i])
    if x and y then
      if not run then
        run, size = {}, 0
        list[#list + 1] = run
      end
      run[size + 1], run[size + 2] = x, y
      size = size + 2
    else
      run = nil
    end
  end
  for i, whole in ipairs(list) do list[i] = thin(whole, axes.frame.width) end
  list.by = py
  data.placed = list
  return list
end

-- The part of a segment inside the square of half side FAR (Liang and Barsky, 1984), or nil.
local function cut(x1, y1, x2, y2)
  local from, to = 0, 1
  local dx, dy = x2 - x1, y2 - y1
  for _, edge in ipairs {{-dx, x1 + FAR}, {dx, FAR - x1}, {-dy, y1 + FAR}, {dy, FAR - y1}} do
    local slope, room = edge[1], edge[2]
    if slope == 0 then
      if room < 0 then return nil end
    elseif slope < 0 then
      from = math.max(from, room / slope)
    else
      to = math.min(to, room / slope)
    end
  end
  if from > to then return nil end
  return x1 + from * dx, y1 + from * dy, x1 + to * dx, y1 + to * dy
end

local function near(v) return v > -FAR and v < FAR end

local function trace_run(canvas, run)
  canvas:move(math.min(math.max(run[1], -FAR), FAR), math.min(math.max(run[2], -FAR), FAR))
  for i = 3, #run, 2 do
    local x1, y1, x2, y2 = run[i - 2], run[i - 1], run[i], run[i + 1]
    if near(x1) and near(y1) and near(x2) and near(y2) then
      canvas:line(x2, y2)
    else
      x1, y1, x2, y2 = cut(x1, y1, x2, y2)
      if x1 then
        canvas:move(x1, y1)
        canvas:line(x2, y2)
      end
    end
  end
end

local function dot(canvas, x, y, radius, data)
  if not (near(x) and near(y)) then return end
  canvas:arc(x, y, radius)
  canvas:fill {color = data.color, alpha = data.alpha}
end

local function pen(data)
  local solid = #data.dash == 0
  return {color = data.color, alpha = data.alpha, width = data.width or style.line_width,
    dash = data.dash, cap = solid and "round" or "butt"}
end

function line.draw(axes, canvas, data)
  local list = runs(axes, data)
  local marked = data.marker
  if marked == nil then marked = #data.y <= MARKED end
  for _, run in ipairs(list) do
    if #run > 2 then
      trace_run(canvas, run)
      canvas:stroke(pen(data))
    end
  end
  for _, run in ipairs(list) do
    if marked or #run == 2 then
      for i = 1, #run, 2 do dot(canvas, run[i], run[i + 1], style.marker, data) end
    end
  end
end

--- The sample of a legend: a piece of the curve, `width` long.
function line.key(canvas, x, y, width, data)
  canvas:move(x, y)
  canvas:line(x + width, y)
  canvas:stroke(pen(data))
  local marked = data.marker
  if marked == nil then marked = #data.y <= MARKED end
  if marked then dot(canvas, x + width / 2, y, style.marker, data) end
end

--- Points along the curve for the placing of the legend, at most 6 units apart.
function line.trace(axes, data, visit)
  for _, run in ipairs(runs(axes, data)) do
    for i = 1, #run, 2 do
      local x, y, x2, y2 = run[i], run[i + 1], run[i + 2], run[i + 3]
      visit(x, y)
      if x2 and near(x) and near(y) and near(x2) and near(y2) then
        local steps = math.min(math.max(math.abs(x2 - x), math.abs(y2 - y)) // 6, 400)
        for k = 1, steps do
          visit(x + (x2 - x) * k / (steps + 1), y + (y2 - y) * k / (steps + 1))
        end
      end
    end
  end
end

return line
