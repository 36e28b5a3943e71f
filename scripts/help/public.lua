-- help/public.lua: all that is public: what the names of the prompt hold, and the methods of modules and
-- optimizers. For the pages of documentation and for the test of their examples.

local about = require "lunette.help.about"
local class = require "lunette.nn.class"
local core = require "lunette.core"
local source = require "lunette.help.source"

local public = {}

-- A table of functions, and no class, optimizer or callable thing.
local function is_library(value)
  return type(value) == "table" and not about.value(value) and value ~= core.tensor
end

-- Adds what a table holds, but what is there already, and the tables of functions in it.
local function walk(list, seen, prefix, t)
  for _, key in ipairs(about.names(t)) do
    local value = rawget(t, key)
    local found = (type(value) == "function" or type(value) == "table") and about.value(value)
    if found and not seen[value] then
      seen[value] = true
      found.name = prefix .. key
      list[#list + 1] = found
    elseif is_library(value) and not seen[value] then
      seen[value] = true
      walk(list, seen, prefix .. key .. ".", value)
    end
  end
end

-- Methods of what plot draws; the others are for its own files.
local drawing = {"title", "xlabel", "ylabel", "legend", "xlim", "ylim", "xlog", "ylog", "axes", "save", "encode"}

local function drawn(list, seen, prefix, t)
  local own = {}
  for _, key in ipairs(drawing) do own[key] = rawget(t, key) end
  walk(list, seen, prefix, own)
end

-- What is no method for those who use modules.
local inner = {init = true, forward = true}

local function methods(list, seen, prefix, t)
  local own = {}
  for _, key in ipairs(about.names(t)) do
    if type(t[key]) == "function" and not inner[key] then own[key] = rawget(t, key) end
  end
  walk(list, seen, prefix, own)
end

--- Public functions, classes and methods that are no ops, as about.value tells of them, with a name.
function public.all()
  local lunette, list, seen = require "lunette", {}, {}
  for row in next, about.rows() do seen[row] = true end
  methods(list, seen, "x:", core.methods)
  methods(list, seen, "x.", core.meta.fields)
  walk(list, seen, "tensor.", core.tensor)
  walk(list, seen, "nn.", lunette.nn)
  methods(list, seen, "net:", class.Module)
  walk(list, seen, "optim.", lunette.optim)
  methods(list, seen, "opt:", getmetatable(lunette.optim.SGD).__index)
  for _, name in ipairs {"data", "metrics", "plot"} do walk(list, seen, name .. ".", lunette[name]) end
  walk(list, seen, "mean:", getmetatable(lunette.metrics.mean()))
  drawn(list, seen, "chart:", require "lunette.plot.axes")
  drawn(list, seen, "figure:", require "lunette.plot.figure")
  for _, name in ipairs {"progress", "args", "help"} do
    local text, example = source.module("lunette." .. name)
    list[#list + 1] = {name = name, text = text, example = example}
  end
  return list
end

return public
