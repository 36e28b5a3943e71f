-- layout.lua: how much room the labels of an axes take, and the drawing of an axes in its frame:
-- grid, series, axis lines, ticks, labels, legend.

local legend = require "lunette.plot.legend"
local scale = require "lunette.plot.scale"
local style = require "lunette.plot.style"
local ticks = require "lunette.plot.ticks"

local layout = {}

local TICK_GAP = 7       -- between the frame and the texts of its ticks
local LABEL_GAP = 8      -- between these and the axis label
local TITLE_GAP = 10
local NAME_WIDTH = 170   -- longer class names end in an ellipsis
local DECADE = 60        -- shorter decades of a logarithmic axis have no minor lines
local SLANT = 45         -- degrees, for class names that do not fit side by side

local name_look = style.with(style.text.tick, {width = NAME_WIDTH, lines = 1})

local function widest(canvas, texts, look)
  local width, height = 0, 0
  for _, text in ipairs(texts) do
    local w, h = canvas:extents(text, look)
    width, height = math.max(width, w), math.max(height, h)
  end
  return width, height
end

local function join(a, b)
  if not (a and b) then return a or b end
  local positive = math.min(a.positive or math.huge, b.positive or math.huge)
  return {lo = math.min(a.lo, b.lo), hi = math.max(a.hi, b.hi),
    positive = positive < math.huge and positive or nil}
end

--- The limits of both axes, from their series and what the user fixed: {xlo, xhi, ylo, yhi}.
function layout.limits(axes)
  local bx, by, integer = nil, nil, #axes.series > 0
  for _, series in ipairs(axes.series) do
    if series.kind.bounds then
      local x, y, whole = series.kind.bounds(series.data)
      bx, by, integer = join(bx, x), join(by, y), integer and whole
    end
  end
  axes.x.integer = integer and not axes.x.log
  local xlo, xhi = scale.limits("x", axes.x, bx)
  local ylo, yhi = scale.limits("y", axes.y, by)
  return {xlo = xlo, xhi = xhi, ylo = ylo, yhi = yhi}
end

--- Values, texts and minor values of the ticks of a number axis of some length.
function layout.ticks(axis, lo, hi, count, length)
  if axis.log then
    local list, texts, minor = ticks.log(lo, hi, count)
    local crowded = length < DECADE * math.log(hi / lo, 10)
    return list, texts, crowded and {} or minor
  end
  local list, step = ticks.linear(lo, hi, count, axis.integer)
  return list, ticks.format(list, step), {}
end

-- Every k-th name, so that neighbours stand at least `least` apart.
local function name_ticks(names, cell, least)
  local stride = math.max(1, math.ceil(least / cell))
  local list, texts = {}, {}
  for i = 1, #names, stride do
    list[#list + 1], texts[#texts + 1] = i, names[i]
  end
  return list, texts, {}
end

local function y_ticks(axes, limits, height)
  if axes.y.names then return name_ticks(axes.y.names, height / #axes.y.names, 14) end
  local count = axes.y.log and height // 36 or 2.2 + height / 100
  return layout.ticks(axes.y, limits.ylo, limits.yhi, math.max(3, count), height)
end

-- As many ticks as have room for their texts side by side.
local function x_ticks(axes, canvas, limits, width)
  if axes.x.names then return name_ticks(axes.x.names, width / #axes.x.names, 15) end
  for count = math.max(2, width // (axes.x.log and 60 or 80)), 2, -1 do
    local list, texts, minor = layout.ticks(axes.x, limits.xlo, limits.xhi, count, width)
    local wide = widest(canvas, texts, style.text.tick)
    if count <= 2 or #list * (wide + 16) <= width then return list, texts, minor end
  end
end

-- How class names stand below the frame: whether slanted, and the height they take.
local function x_names(axes, canvas, width)
  local wide, high = widest(canvas, axes.x.names, name_look)
  if wide <= width / #axes.x.names * 0.92 then return false, high, 0 end
  local sine, cosine = math.sin(math.rad(SLANT)), math.cos(math.rad(SLANT))
  return true, wide * sine + high * cosine, wide * cosine
end

local function title_height(axes, canvas)
  if not axes.labels.title then return 0 end
  local _, height = canvas:extents(axes.labels.title, style.text.title)
  return height + TITLE_GAP
end

local function label_height(canvas, text)
  if not text then return 0 end
  local _, height = canvas:extents(text, style.text.label)
  return height + LABEL_GAP
end

--- Room around the frame of an axes that has width x height in all:
-- {left=, right=, top=, bottom=, want=} where `want` is {width, height} of a frame of fixed size.
function layout.measure(axes, canvas, width, height)
  local room = {left = 0, right = 0, top = title_height(axes, canvas), bottom = 0}
  local want = axes.want and axes.want(canvas) or nil
  room.want = want
  if axes.bare then return room end
  axes.limits = layout.limits(axes)
  if room.top == 0 then room.top = 8 end
  local _, tick_height = canvas:extents("0", style.text.tick)
  local slanted, overhang = false, 0
  if axes.x.names then
    slanted, tick_height, overhang = x_names(axes, canvas, want and want.width or width * 0.75)
  end
  axes.slanted = slanted
  room.bottom = TICK_GAP + tick_height + label_height(canvas, axes.labels.x)
  local inner = want and want.height or math.max(40, height - room.top - room.bottom)
  local _, texts = y_ticks(axes, axes.limits, inner)
  room.tick_width = widest(canvas, texts, axes.y.names and name_look or style.text.tick)
  room.left = math.max(room.tick_width + TICK_GAP + label_height(canvas, axes.labels.y),
    overhang - (want and want.width / #axes.x.names / 2 or 0))
  room.right = axes.aside
  if legend.outside(axes) then room.right = (legend.size(axes, canvas) or 0) + 24 end
  return room
end

local function rule(canvas, x1, y1, x2, y2, color, width)
  canvas:move(x1, y1)
  canvas:line(x2, y2)
  canvas:stroke {color = color, width = width or 1}
end

local function crisp(v) return math.floor(v + 0.5) end

local function draw_grid(axes, canvas, xs, ys)
  local frame = axes.frame
  local right, bottom = frame.x + frame.width, frame.y + frame.height
  local function vertical(list, color)
    for _, v in ipairs(list) do
      local x = axes.px(v)
      if x then rule(canvas, crisp(x), frame.y, crisp(x), bottom, color) end
    end
  end
  local function horizontal(list, color)
    for _, v in ipairs(list) do
      local y = axes.py(v)
      if y then rule(canvas, frame.x, crisp(y), right, crisp(y), color) end
    end
  end
  vertical(xs.minor, style.minor)
  horizontal(ys.minor, style.minor)
  vertical(xs.values, style.grid)
  horizontal(ys.values, style.grid)
end

local function draw_x_axis(axes, canvas, xs)
  local frame = axes.frame
  local bottom = frame.y + frame.height
  local look = style.with(style.text.tick, {align = "center"})
  if axes.slanted then
    look = style.with(look, {align = "right", valign = "middle", angle = SLANT})
  end
  for i, v in ipairs(xs.values) do
    local x = axes.px(v)
    if axes.slanted then
      local wide = canvas:extents(xs.texts[i], name_look)
      canvas:text(xs.texts[i], x + 4, bottom + TICK_GAP + 3,
        style.with(look, {width = wide + 1, lines = 1}))
    else
      if not axes.x.names then rule(canvas, crisp(x), bottom, crisp(x), bottom + 4, style.faint) end
      canvas:text(xs.texts[i], x, bottom + TICK_GAP, look)
    end
  end
end

local function draw_y_axis(axes, canvas, ys)
  local frame = axes.frame
  for i, v in ipairs(ys.values) do
    local y = axes.py(v)
    local look = style.with(style.text.tick, {align = "right", valign = "middle"})
    if axes.y.names then look.width, look.lines = NAME_WIDTH, 1 end
    canvas:text(ys.texts[i], frame.x - TICK_GAP, y, look)
  end
end

local function draw_labels(axes, canvas, room)
  local frame, labels = axes.frame, axes.labels
  if labels.title then
    canvas:text(labels.title, frame.x, frame.y - TITLE_GAP,
      style.with(style.text.title, {valign = "bottom"}))
  end
  if axes.bare then return end
  if labels.x then
    canvas:text(labels.x, frame.x + frame.width / 2, frame.y + frame.height + room.bottom,
      style.with(style.text.label, {align = "center", valign = "bottom"}))
  end
  if labels.y then
    canvas:text(labels.y, frame.x - room.tick_width - TICK_GAP - LABEL_GAP,
      frame.y + frame.height / 2,
      style.with(style.text.label, {align = "center", valign = "bottom", angle = 90}))
  end
end

local function draw_series(axes, canvas)
  local frame = axes.frame
  for _, series in ipairs(axes.series) do
    if series.kind.clip then canvas:clip(frame.x, frame.y, frame.width, frame.height) end
    series.kind.draw(axes, canvas, series.data)
    if series.kind.clip then canvas:unclip() end
  end
end

--- Gives an axes its inner rectangle {x=, y=, width=, height=}. Returns whether its legend would
-- hide part of a curve there; it then stands outside when measured again.
function layout.place(axes, canvas, frame)
  axes.frame = frame
  if axes.bare then return false end
  local limits, low, high = axes.limits, frame.y + frame.height, frame.y
  axes.px = scale.place(axes.x, limits.xlo, limits.xhi, frame.x, frame.x + frame.width)
  if axes.y.reversed then low, high = high, low end
  axes.py = scale.place(axes.y, limits.ylo, limits.yhi, low, high)
  if not legend.outside(axes) and legend.crowded(axes, canvas) then
    axes.crowded = true
    return true
  end
  return false
end

--- Draws an axes in its place; `room` is what measure gave.
function layout.draw(axes, canvas, room)
  if axes.bare then
    draw_labels(axes, canvas, room)
    draw_series(axes, canvas)
    return
  end
  local frame, limits = axes.frame, axes.limits
  local xs, ys = {}, {}
  xs.values, xs.texts, xs.minor = x_ticks(axes, canvas, limits, frame.width)
  ys.values, ys.texts, ys.minor = y_ticks(axes, limits, frame.height)
  if not axes.sole then draw_grid(axes, canvas, xs, ys) end
  draw_series(axes, canvas)
  if not axes.sole then
    local bottom = frame.y + frame.height
    rule(canvas, frame.x, bottom, frame.x + frame.width, bottom, style.faint)
  end
  draw_x_axis(axes, canvas, xs)
  draw_y_axis(axes, canvas, ys)
  draw_labels(axes, canvas, room)
  legend.draw(axes, canvas)
end

return layout
