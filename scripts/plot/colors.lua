-- colors.lua: colours as "#RRGGBB": the palette of lines, the maps of values, readable contrast.

local colors = {}

-- Okabe and Ito, "Color Universal Design" (2008), ordered so that neighbours differ most on white.
colors.palette = {
  "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000",
}

-- Dashes set apart the lines that reuse a colour.
colors.dashes = {{}, {7, 4}, {2, 3}, {9, 3, 2, 3}}

--- Colour and dash of the n-th series of an axes.
function colors.series(n)
  local count = #colors.palette
  return colors.palette[(n - 1) % count + 1], colors.dashes[(n - 1) // count % #colors.dashes + 1]
end

-- Anchors at equal distances. viridis: S. van der Walt and N. Smith (2015).
local maps = {
  viridis = {
    "#440154", "#482475", "#414487", "#355F8D", "#2A788E", "#21918C",
    "#22A884", "#44BF70", "#7AD151", "#BDDF26", "#FDE725",
  },
  blues = {"#F5F9FD", "#D6E6F4", "#ABCFE6", "#6AAED6", "#3787C0", "#105BA4", "#08306B"},
  grey = {"#000000", "#FFFFFF"},
}

colors.map_names = {"viridis", "blues", "grey"}

--- Red, green, blue in 0..255.
function colors.rgb(color)
  local r, g, b = color:match("^#(%x%x)(%x%x)(%x%x)$")
  if not r then return nil end
  return tonumber(r, 16), tonumber(g, 16), tonumber(b, 16)
end

--- The names that options know, and their colours, from the palette where it has them.
colors.names = {
  "blue", "red", "green", "pink", "orange", "sky", "yellow", "purple", "grey", "black",
}

local named = {
  blue = "#0072B2", red = "#D55E00", green = "#009E73", pink = "#CC79A7", orange = "#E69F00",
  sky = "#56B4E9", yellow = "#F0E442", purple = "#7B4FA3", grey = "#7B8794", gray = "#7B8794",
  black = "#000000",
}

--- "#RRGGBB" for a colour as written in options (a name or "#RRGGBB"), or nil.
function colors.find(color)
  if type(color) ~= "string" then return nil end
  return named[color] or colors.rgb(color) and color or nil
end

--- The colour at t in 0..1 of a named map.
function colors.map(name, t)
  local anchors = maps[name]
  t = math.min(math.max(t, 0), 1) * (#anchors - 1)
  local i = math.min(math.floor(t), #anchors - 2)
  local f = t - i
  local r1, g1, b1 = colors.rgb(anchors[i + 1])
  local r2, g2, b2 = colors.rgb(anchors[i + 2])
  local function mix(a, b) return math.floor(a + (b - a) * f + 0.5) end
  return ("#%02X%02X%02X"):format(mix(r1, r2), mix(g1, g2), mix(b1, b2))
end

-- Relative luminance of WCAG 2.
local function luminance(color)
  local function linear(c)
    c = c / 255
    return c <= 0.04045 and c / 12.92 or ((c + 0.055) / 1.055) ^ 2.4
  end
  local r, g, b = colors.rgb(color)
  return 0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b)
end

--- Contrast ratio of two colours, 1..21 (WCAG 2).
function colors.contrast(a, b)
  local la, lb = luminance(a), luminance(b)
  return (math.max(la, lb) + 0.05) / (math.min(la, lb) + 0.05)
end

--- Black or white, whichever reads better on `background`.
function colors.readable(background)
  local dark, light = "#12181F", "#FFFFFF"
  return colors.contrast(dark, background) >= colors.contrast(light, background) and dark or light
end

return colors
