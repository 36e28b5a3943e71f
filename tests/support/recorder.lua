-- recorder.lua: a canvas that draws nothing and keeps the list of what was asked of it. Charts are
-- tested on it without fonts or pixels. Its text sizes are a plain rule.

local Recorder = {}
Recorder.__index = Recorder

local recorder = {}

--- A recorder of width x height; its `list` holds {op, arguments…}.
function recorder.create(width, height)
  return setmetatable({width = width, height = height, list = {}}, Recorder)
end

local function record(name)
  Recorder[name] = function(self, ...)
    self.list[#self.list + 1] = {op = name, ...}
  end
end

for _, name in ipairs {
  "move", "line", "rect", "arc", "close_path", "stroke", "fill", "clip", "unclip", "text", "image",
} do record(name) end

function Recorder:size() return self.width, self.height, 1 end

--- Every character is 0.6 of the size wide, every line 1.2 of it high.
function Recorder.extents(_, text, look)
  look = look or {}
  local size, longest, lines = look.size or 12, 0, 0
  for line in (text .. "\n"):gmatch("(.-)\n") do
    longest, lines = math.max(longest, utf8.len(line) or #line), lines + 1
  end
  local width = longest * size * 0.6
  if look.width and width > look.width then
    lines = math.min(math.ceil(width / look.width), look.lines or math.huge)
    width = look.width
  end
  return width, lines * size * 1.2, size
end

--- A chart or figure drawn on a recorder. Returns it and the plan of the figure.
function recorder.draw(chart)
  local figure = rawget(chart, "figure") or chart
  local page = recorder.create(1, 1)
  local plan = figure:plan(page)
  figure:draw(page, plan)
  return page, plan
end

--- The text entries of a page by what they say.
function recorder.texts(page)
  local found = {}
  for _, entry in ipairs(page:all "text") do found[entry[1]] = entry end
  return found
end

--- The strokes of a page in one colour, each as its list of points {op=, x=, y=}.
function recorder.curves(page, color)
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

--- All entries of one kind, in order.
function Recorder:all(op)
  local found = {}
  for _, entry in ipairs(self.list) do
    if entry.op == op then found[#found + 1] = entry end
  end
  return found
end

return recorder
