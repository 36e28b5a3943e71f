-- help/init.lua: lunette.help: what a function, layer, module or op is for.
--
--   help(tensor.conv2d)   help "conv2d"   help(nn.Linear)   help(net.fit)   help(data)   help()
--
-- example: help(tensor.zeros(2, 3)) --> a tensor: float32 [2,3] ...

local core = require "lunette.core"
local class = require "lunette.nn.class"
local about = require "lunette.help.about"
local lines = require "lunette.lines"
local source = require "lunette.help.source"

local tensor = core.tensor

-- ---- text ---------------------------------------------------------------------------------------------

local LINE = 96

local function wrapped(text, indent, further) return lines.wrap(text, math.min(LINE, core.terminal(1) or LINE), indent, further) end

-- With room for an indentation of two.
local function fitted(text) return lines.fit(text, core.terminal(1) and core.terminal(1) - 2) end

local function indented(text, indent) return indent .. text:gsub("\n", "\n" .. indent) end

local function example_text(example)
  local several = example:gsub("%s*%-%->.*$", ""):find "\n"
  if several then return "  example:\n" .. indented(example, "    ") end
  return "  example: " .. example:gsub("\n", "\n    ")
end

-- x: what about.value found.
local function entry_text(x)
  local out = {}
  if x.call then out[1] = wrapped(x.call, "", "    ") end
  if x.text == "" then
    out[#out + 1] = "nothing is written about it"
  elseif x.call then
    out[#out + 1] = x.text:find "\n" and indented(fitted(x.text), "  ") or wrapped(x.text, "  ")
  else
    out[#out + 1] = (fitted(x.text):gsub("\n", "\n  "))
  end
  if x.also and #x.also > 0 then out[#out + 1] = "  also: " .. table.concat(x.also, ", ") end
  if x.example then out[#out + 1] = example_text(x.example) end
  if not x.call and x.place then out[#out + 1] = ("  (%s)"):format(x.place) end
  return table.concat(out, "\n")
end

-- ---- modules ---------------------------------------------------------------------------------------------

local function library_name(value)
  for name, module in next, package.loaded do
    if module == value and type(name) == "string" and name:find "^lunette" then return name end
  end
end

local function library_text(value, name)
  local head, example
  if name ~= "lunette.tensor" then head, example = source.module(name) end
  local out = {head or name, "", wrapped(table.concat(about.names(value), " "), "  ")}
  if example then out[4] = example_text(example) end
  return table.concat(out, "\n")
end

local overview = [[
help(x) tells about a function, a layer, a module or a tensor:
help(tensor.conv2d), help "relu", help(nn.Linear), help(net.fit), help(data).

  tensor    numbers in any number of dimensions, their functions and gradients
  nn        layers, losses, models        optim     optimizers
  data      files, data sets, batches     metrics   how good predictions are
  plot      charts as PNG, SVG, PDF       progress  a bar for loops]]

-- ---- what is it? -----------------------------------------------------------------------------------------

local function string_text(name)
  local command, commands = name:match "^%%(%a+)$", package.loaded["lunette.prompt.commands"]
  if command and commands then return commands.text(command) or name .. ": there is no such command; %help lists them" end
  local short = name:match "^tensor%.(.*)$" or name:match "^x[:.](.*)$" or name
  local row = about.rows()[short]
  if row then return nil, core.functions[short] end
  local lunette = require "lunette"
  local done, value = pcall(function()
    local at = lunette
    for part in name:gmatch "[^.]+" do at = at[part] end
    return at
  end)
  if done and value ~= nil and type(value) ~= "string" then return nil, value end
  local owners = {lunette.nn, lunette.optim, lunette.optim.lr_scheduler}
  for _, owner in ipairs(owners) do
    local found = rawget(owner, name)
    if found then return nil, found end
  end
  local method = rawget(class.Module, name) or rawget(core.methods, short) or core.meta.fields[short]
  if method then return nil, method end
  local known = {}
  for key in next, about.rows() do
    if type(key) == "string" then known[#known + 1] = key end
  end
  table.sort(known)
  for _, owner in ipairs(owners) do
    for _, key in ipairs(about.names(owner)) do known[#known + 1] = key end
  end
  local near = core.suggest(name, known)
  return ("nothing is known about '%s'%s"):format(name, near and "; did you mean " .. near .. "?" or "")
end

local function tensor_text(x)
  return ("a tensor: %s [%s]%s\n  its methods are the functions of tensor: help(x.sum), help \"sum\""):format(
    x.dtype, table.concat(x.shape, ","), x.requires_grad and " that records gradients" or "")
end

--- The text that help prints.
local function text_of(x)
  if x == nil then return overview end
  if type(x) == "string" then
    local text, value = string_text(x)
    if text then return text end
    x = value
  end
  if tensor.is_tensor(x) then return tensor_text(x) end
  local found = about.value(x)
  if found then return entry_text(found) end
  if x == tensor then return library_text(x, "lunette.tensor") end
  local name = type(x) == "table" and library_name(x)
  if name then return library_text(x, name) end
  return ("a %s: %s"):format(math.type(x) or type(x), tostring(x))
end

-- ---- for completion --------------------------------------------------------------------------------------

local function sentence(text)
  text = text:gsub("%s+", " ")
  return text:match "^(.-[.;:])%s" or text
end

-- One line about a function or a class; "" if nothing is written about it.
local function line_of(x)
  local found = about.value(x)
  return found and sentence(found.text) or ""
end

-- The options that the text about a function has a line each for: "  epochs  1".
local function described(f)
  local list, found = {}, about.value(f)
  local text = found and found.text:match "[Oo]ptions:%s*\n(.*)$"
  for line in (text or ""):gmatch "[^\n]+" do
    local name, rest = line:match "^  ([%a_][%w_]*)%s%s+(.*)$"
    if name then list[#list + 1] = {name, rest} end
  end
  return list
end

-- The parameters of a function, layer or optimizer as a list of {name, default or type}.
local function parameters_of(x)
  local row, text = about.rows()[x], nil
  if row then
    text = row.sig:match "^[%w_]+(%b())"
    text = text and text:sub(2, -2)
  elseif class.is_class(x) then
    text = (rawget(x, "_signature") or {}).text
  elseif type(x) == "table" and rawget(x, "signature") then
    text = x.signature.text
  end
  local list = {}
  for part in (text or ""):gsub("%b{}", function(braces) return (braces:gsub(",", "\0")) end):gmatch "[^,]+" do
    local name, rest = part:gsub("\0", ","):match "^%s*([%a_][%w_]*)%s*[:=]?%s*(.*)$"
    if name then list[#list + 1] = {name, rest} end
  end
  return #list == 0 and type(x) == "function" and described(x) or list
end

local help = setmetatable({text = text_of, line = line_of, parameters = parameters_of}, {
  __tostring = function() return overview end,
  __call = function(_, ...)
    local x = ...
    if select("#", ...) > 0 and x == nil then
      print "nil: there is no such value (a misspelt name?)"
      return
    end
    print(text_of(x))
  end,
})

return help
