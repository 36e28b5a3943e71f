-- init.lua: lunette.plot: lines, learning curves, image grids and confusion matrices, saved as PNG,
-- SVG or PDF.
--
-- A chart kind is one file that returns a table:
--   name             also the name of the function plot.<name> and of the method of an axes
--   options          names of its own options
--   read(where, allowed, …) -> data, options given; checks the arguments; its comment is for help
--   setup(axes, data)       optional: labels, class names, a wanted size
--   bounds(data)            optional: ranges {lo, hi, positive} of x and y, whether x counts
--   draw(axes, canvas, data)  draws with axes.px, axes.py (value to place) and axes.frame
--   key(canvas, x, y, width, data), trace(axes, data, visit)   optional: its part in the legend
--   sole, clip       wants the axes for itself; is cut at the frame
--   dots             draws on a canvas of braille dots too: with move, line, arc, stroke and fill alone
-- and stands in the list of kinds below.

local Axes = require "lunette.plot.axes"
local Figure = require "lunette.plot.figure"
local fail = require "lunette.nn.fail"
local history = require "lunette.plot.history"
local core = require "lunette.core"
local check_options = require "lunette.options"

local line, images = require "lunette.plot.line", require "lunette.plot.images"
local confusion = require "lunette.plot.confusion"
local kinds = { line, images, confusion }

local plot = {}

local figure_options = {"title", "size"}
local chart_options = {"title", "xlabel", "ylabel", "size"}   -- that every kind takes as well

local function function_names(target)
  local names = {}
  for name, f in pairs(target) do
    if type(f) == "function" and name ~= "new" and not name:find("^__") then
      names[#names + 1] = name
    end
  end
  table.sort(names)
  return names
end

local function no_such(what, name, names)
  local near = core.suggest(name, names)
  return ("%s has no '%s'; %s"):format(what, tostring(name),
    near and "did you mean '" .. near .. "'?" or "it has " .. table.concat(names, ", "))
end

-- f, of which help tells what is written about another function.
local function documented(f, other)
  core.later[f] = function() return other end
  return f
end

-- Makes the functions of a class public methods: a dot for a colon and a wrong name are explained.
local function seal(class, what)
  local methods, names = {}, function_names(class)
  for _, name in ipairs(names) do
    local f = class[name]
    methods[name] = documented(function(self, ...)
      if getmetatable(self) ~= class then
        fail.raise("%s: call it with a colon, %s:%s(…)", name, what, name)
      end
      return f(self, ...)
    end, f)
  end
  function class.__index(_, name)
    if methods[name] then return methods[name] end
    fail.raise(no_such("this " .. what, name, names))
  end
end

local function add_kind(kind)
  local allowed = table.move(kind.options, 1, #kind.options, 1, {})
  table.move(chart_options, 1, #chart_options, #allowed + 1, allowed)
  local function add(where, axes, ...)
    local data, given = kind.read(where, allowed, ...)
    axes.figure:resize(where, given)
    return axes:add(kind, data, given)
  end
  Axes[kind.name] = documented(function(axes, ...) return add("axes:" .. kind.name, axes, ...) end, kind.read)
  plot[kind.name] = documented(function(...)
    local where = "plot." .. kind.name
    return add(where, Figure.new(where, 1, 1, {}):axes(1), ...)
  end, kind.read)
end

for _, kind in ipairs(kinds) do add_kind(kind) end

--- figure(rows, columns, {title=, size=}): a grid of axes; fig:axes(i) gives one.
-- example:
--   figure = plot.figure(1, 2, {title = "two charts"})
--   left = figure:axes(1):line({1, 4, 9})
--   right = figure:axes(2):line({1, 8, 27}):title "cubes"
--   tostring(figure) --> plot: figure of 1 x 2 axes (:save "name.png" writes it)
function plot.figure(rows, columns, given, ...)
  if type(columns) == "table" and given == nil then columns, given = nil, columns end
  if type(rows) == "table" and columns == nil then rows, given = nil, rows end
  if select("#", ...) > 0 then
    fail.raise("plot.figure: takes rows, columns and a table of options")
  end
  given = check_options("plot.figure", given, figure_options)
  return Figure.new("plot.figure", rows, columns, given)
end

--- history(h, {metrics=, title=, size=}): training and validation curves of a fit.
-- example:
--   history = {loss = {0.9, 0.5, 0.4}, val_loss = {1.0, 0.7, 0.6}}
--   tostring(plot.history(history)) --> plot: figure of 1 x 1 axes (:save "name.png" writes it)
function plot.history(source, given)
  local function make(columns, look) return Figure.new("plot.history", 1, columns, look) end
  return history.draw("plot.history", make, source, given)
end

seal(Axes, "chart")
seal(Figure, "figure")

local names = function_names(plot)

return setmetatable(plot, {__index = function(_, name) fail.raise(no_such("plot", name, names)) end})
