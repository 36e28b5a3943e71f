-- axes.lua: one pair of axes: what is drawn on it, its labels, limits and scales. Chart kinds are
-- added as methods by init.lua; layout.lua places and draws an axes.

local core = require "lunette.core"
local fail = require "lunette.nn.fail"

local Axes = {}

local spots = {
  "best", "top right", "top left", "bottom right", "bottom left", "right", "left", "top", "bottom",
  "outside",
}

--- An empty axes of a figure.
function Axes.new(figure)
  return setmetatable({
    figure = figure,
    series = {},                -- {kind =, data =} in drawing order
    labels = {},                -- title, x, y
    x = {}, y = {},             -- lo, hi, log; a kind may set integer, names, exact, reversed
    spot = "best",              -- of the legend; false hides it
    lines = 0,                  -- series that took a colour of the palette
    aside = 14,                 -- room right of the frame
    crowded = false,            -- no place for the legend inside the frame
    sole = false,               -- name of the kind that has the axes for itself
    bare = false,               -- no frame, no ticks
    want = false,               -- function(canvas) -> {width=, height=} of a frame of fixed size
  }, Axes)
end

--- Adds a series of a chart kind and the labels that came among its options.
function Axes:add(kind, data, given)
  if self.sole or (kind.sole and #self.series > 0) then
    fail.raise(("%s: this axes already holds another chart, and '%s' wants one for itself; "
      .. "use another axes or figure"):format(kind.name, self.sole or kind.name))
  end
  if kind.sole then self.sole = kind.name end
  if kind.setup then kind.setup(self, data) end
  self.series[#self.series + 1] = {kind = kind, data = data}
  if given.title ~= nil then self:title(given.title) end
  if given.xlabel ~= nil then self:xlabel(given.xlabel) end
  if given.ylabel ~= nil then self:ylabel(given.ylabel) end
  return self
end

local function text(where, value)
  if type(value) == "number" then value = tostring(value) end
  if type(value) ~= "string" then
    fail.raise(("%s: wants a text, got %s"):format(where, value == nil and "nothing" or type(value)))
  end
  return value
end

--- chart:title(text): what stands above it. Returns the chart, as all that sets something does.
-- example: tostring(plot.line({1, 4, 9}):title "squares") --> plot: line (:save "name.png" writes it)
function Axes:title(value)
  self.labels.title = text("title", value)
  return self
end

--- chart:xlabel(text): what the x axis counts.
-- example: tostring(plot.line({1, 4, 9}):xlabel "side") --> plot: line (:save "name.png" writes it)
function Axes:xlabel(value)
  self.labels.x = text("xlabel", value)
  return self
end

--- chart:ylabel(text): what the y axis counts.
-- example: tostring(plot.line({1, 4, 9}):ylabel "area") --> plot: line (:save "name.png" writes it)
function Axes:ylabel(value)
  self.labels.y = text("ylabel", value)
  return self
end

--- chart:legend(place): where the legend stands: "best" (the default), a corner or side, "outside", or
-- false for none.
-- example:
--   chart = plot.line({1, 4, 9}, {label = "squares"}):line({1, 8, 27}, {label = "cubes"})
--   tostring(chart:legend "top left") --> plot: line 'squares', line 'cubes' (:save "name.png" writes it)
function Axes:legend(spot)
  if spot == nil or spot == true then spot = "best" end
  if spot ~= false then
    local known = false
    for _, name in ipairs(spots) do known = known or name == spot end
    if not known then
      local near = core.suggest(spot, spots)
      fail.raise(("legend: no place '%s'; %s"):format(tostring(spot), near
        and "did you mean '" .. near .. "'?" or "places are " .. table.concat(spots, ", ")))
    end
  end
  self.spot = spot
  return self
end

local function set_limits(name, axis, lo, hi)
  for _, limit in ipairs {lo or 0, hi or 0} do
    if type(limit) ~= "number" or limit ~= limit or math.abs(limit) >= 1e300 then
      fail.raise(("%slim: limits must be finite numbers, got %s"):format(name, tostring(limit)))
    end
  end
  if lo and hi and lo >= hi then
    fail.raise(("%slim: the lower limit %s must be below the upper limit %s"):format(name, lo, hi))
  end
  axis.lo, axis.hi = lo, hi
end

--- chart:xlim(lowest, highest): the limits of the x axis; nil leaves a side to the data.
-- example: tostring(plot.line({1, 4, 9}):xlim(0, 4)) --> plot: line (:save "name.png" writes it)
function Axes:xlim(lo, hi)
  set_limits("x", self.x, lo, hi)
  return self
end

--- chart:ylim(lowest, highest): the limits of the y axis; nil leaves a side to the data.
-- example: tostring(plot.line({1, 4, 9}):ylim(0)) --> plot: line (:save "name.png" writes it)
function Axes:ylim(lo, hi)
  set_limits("y", self.y, lo, hi)
  return self
end

local function set_log(name, axes, on)
  if axes.sole then
    fail.raise(("%slog: '%s' has no number axis"):format(name, axes.sole))
  end
  axes[name].log = on ~= false
end

--- chart:xlog(on): a logarithmic x axis, or a plain one again with false.
-- example: tostring(plot.line({1, 10, 100}, {1, 2, 3}):xlog()) --> plot: line (:save "name.png" writes it)
function Axes:xlog(on)
  set_log("x", self, on)
  return self
end

--- chart:ylog(on): a logarithmic y axis, or a plain one again with false.
-- example: tostring(plot.line({1, 10, 100}):ylog()) --> plot: line (:save "name.png" writes it)
function Axes:ylog(on)
  set_log("y", self, on)
  return self
end

--- chart:save(path): writes the whole figure; the ending .png, .svg or .pdf decides the format.
-- example:
--   path = os.tmpname() .. ".png"
--   chart = plot.line({1, 4, 9}, {size = {320, 240}}):save(path)
--   tensor.read_image(path, {channels = 1}):dim() --> 3
function Axes:save(path)
  self.figure:save(path)
  return self
end

--- chart:encode(format): the figure's bytes in a format, "png" by default.
-- example: plot.line({1, 4, 9}):encode "pdf":sub(1, 4) --> %PDF
function Axes:encode(format) return self.figure:encode(format) end

--- The series that show in the legend.
function Axes:labelled()
  local list = {}
  for _, series in ipairs(self.series) do
    if series.data.label ~= nil and series.kind.key then list[#list + 1] = series end
  end
  return list
end

function Axes:__tostring()
  local names = {}
  for i, series in ipairs(self.series) do
    local label = series.data.label
    names[i] = series.kind.name .. (label and (" '%s'"):format(label) or "")
  end
  local what = #names == 0 and "empty axes" or table.concat(names, ", ")
  return ("plot: %s (:save \"name.png\" writes it)"):format(what)
end

return Axes
