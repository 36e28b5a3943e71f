-- legend.lua: the legend of an axes: its size, where fewest points lie, and its drawing.

local style = require "lunette.plot.style"

local legend = {}

local SAMPLE, SPACE, ROW, PAD = 24, 8, 21, 9
local INSET = 10        -- from the frame
local MANY = 8          -- more entries stand outside

--- Whether the legend stands beside the frame.
function legend.outside(axes)
  return axes.spot == "outside"
    or (axes.spot == "best" and (axes.crowded or #axes:labelled() > MANY))
end

--- Width and height; nil when there is nothing to show.
function legend.size(axes, canvas)
  local list = axes.spot and axes:labelled() or {}
  if #list == 0 then return nil end
  local widest = 0
  for _, series in ipairs(list) do
    widest = math.max(widest, (canvas:extents(series.data.label, style.text.legend)))
  end
  widest = math.min(widest, 240)
  return SAMPLE + SPACE + widest + 2 * PAD, #list * ROW + 2 * PAD - 4, widest
end

local function places(frame, width, height)
  local left, top = frame.x + INSET, frame.y + INSET
  local right = frame.x + frame.width - width - INSET
  local bottom = frame.y + frame.height - height - INSET
  local middle, center = (top + bottom) / 2, (left + right) / 2
  return {
    {"top right", right, top}, {"bottom right", right, bottom}, {"top left", left, top},
    {"bottom left", left, bottom}, {"right", right, middle}, {"left", left, middle},
    {"top", center, top}, {"bottom", center, bottom},
  }
end

-- How many points of the curves lie under each place; a margin around the legend counts too.
local function covered(axes, list, width, height)
  local counts = {}
  for i = 1, #list do counts[i] = 0 end
  for _, series in ipairs(axes.series) do
    if series.kind.trace then
      series.kind.trace(axes, series.data, function(x, y)
        for i, place in ipairs(list) do
          if x > place[2] - 6 and x < place[2] + width + 6
            and y > place[3] - 6 and y < place[3] + height + 6 then
            counts[i] = counts[i] + 1
          end
        end
      end)
    end
  end
  return counts
end

local function choose(axes, width, height)
  local list = places(axes.frame, width, height)
  for _, place in ipairs(list) do
    if place[1] == axes.spot then return place[2], place[3] end
  end
  local counts = covered(axes, list, width, height)
  local best = 1
  for i = 2, #list do
    if counts[i] < counts[best] then best = i end
  end
  return list[best][2], list[best][3], counts[best]
end

--- Whether no place inside the frame is free, when the choice is ours.
function legend.crowded(axes, canvas)
  local width, height = legend.size(axes, canvas)
  if not width or axes.spot ~= "best" then return false end
  local _, _, hidden = choose(axes, width, height)
  return hidden > 0
end

local function rounded(canvas, x, y, width, height, r)
  local quarter = math.pi / 2
  canvas:move(x + r, y)
  canvas:arc(x + width - r, y + r, r, -quarter, 0)
  canvas:arc(x + width - r, y + height - r, r, 0, quarter)
  canvas:arc(x + r, y + height - r, r, quarter, 2 * quarter)
  canvas:arc(x + r, y + r, r, 2 * quarter, 3 * quarter)
  canvas:close_path()
end

--- Draws the legend, inside the frame or right of it.
function legend.draw(axes, canvas)
  local width, height, widest = legend.size(axes, canvas)
  if not width then return end
  local x, y = axes.frame.x + axes.frame.width + INSET, axes.frame.y
  if not legend.outside(axes) then x, y = choose(axes, width, height) end
  x, y = math.floor(x + 0.5), math.floor(y + 0.5)
  rounded(canvas, x, y, math.ceil(width), math.ceil(height), 4)
  canvas:fill {color = style.page, alpha = 0.92, keep = true}
  canvas:stroke {color = style.border, width = 1}
  for i, series in ipairs(axes:labelled()) do
    local middle = y + PAD - 2 + (i - 0.5) * ROW
    series.kind.key(canvas, x + PAD, middle, SAMPLE, series.data)
    canvas:text(series.data.label, x + PAD + SAMPLE + SPACE, middle,
      style.with(style.text.legend, {valign = "middle", width = widest + 1, lines = 1}))
  end
end

return legend
