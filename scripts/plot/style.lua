-- style.lua: the look of all charts: sizes in logical units, greys and text styles.

local style = {
  width = 960, height = 540, scale = 2,
  margin = 22,             -- around the figure
  gap = 34,                -- between the axes of a figure
  page = "#FFFFFF",
  ink = "#1F2933",         -- titles
  soft = "#52606D",        -- labels of axes and ticks
  faint = "#9AA5B1",       -- axis lines
  grid = "#E4E8EC",
  minor = "#F2F4F6",
  border = "#D3D9DF",      -- of the legend
  line_width = 2,
  marker = 3.2,            -- radius
  right = "#0B7A5B", wrong = "#C2410C",   -- told apart by the colour-blind too
}

-- Text styles as the canvas takes them.
style.text = {
  figure = {size = 19, bold = true, color = style.ink},
  title = {size = 15.5, bold = true, color = style.ink},
  label = {size = 13, color = style.soft},
  tick = {size = 12, color = style.soft},
  legend = {size = 12.5, color = style.ink},
  caption = {size = 12, color = style.ink},
}

--- A copy of a text style with some fields replaced.
function style.with(base, changes)
  local copy = {}
  for name, value in pairs(base) do copy[name] = value end
  for name, value in pairs(changes) do copy[name] = value end
  return copy
end

return style
