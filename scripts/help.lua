-- help.lua: lunette.help: what a function, layer, module or op is for, from the op's row or from the
-- comment above its definition.
--
--   help(tensor.conv2d)   help "conv2d"   help(nn.Linear)   help(net.fit)   help(data)   help()

local core = require "lunette.core"
local class = require "lunette.nn.class"

local tensor = core.tensor

-- ---- ops ---------------------------------------------------------------------------------------------

local rows -- by name, and by function

local function op_rows()
  if rows then return rows end
  rows = {}
  for _, row in ipairs(core.ops()) do
    if not row.hidden then
      local names = {row.name}
      for alias in (row.aliases or ""):gmatch "%S+" do names[#names + 1] = alias end
      if row.inplace then names[#names + 1] = row.name .. "_" end
      for _, name in ipairs(names) do
        rows[name] = row
        local f = core.functions[name]
        if f then rows[f] = row end
      end
    end
  end
  return rows
end

local LINE = 96

-- Text in lines of at most LINE columns, indented; from the second on by `further`.
local function wrapped(text, indent, further)
  local lines, line = {}, indent
  for word in text:gmatch "%S+" do
    if #line > #indent and #line + 1 + #word > LINE then
      lines[#lines + 1] = line
      indent = further or indent
      line = indent .. word
    else
      line = #line > #indent and line .. " " .. word or line .. word
    end
  end
  lines[#lines + 1] = line
  return table.concat(lines, "\n")
end

local function op_text(row)
  local out = {wrapped(row.sig, "", "    "), wrapped(row.doc or "", "  ")}
  local also = {}
  for alias in (row.aliases or ""):gmatch "%S+" do also[#also + 1] = alias end
  if row.inplace then also[#also + 1] = row.name .. "_ (in place)" end
  if #also > 0 then out[#out + 1] = "  also: " .. table.concat(also, ", ") end
  if row.example then out[#out + 1] = "  example: " .. row.example:gsub("\n", "\n    ") end
  return table.concat(out, "\n")
end

-- ---- comments above a definition ---------------------------------------------------------------------

local function read_lines(source)
  if source:sub(1, 1) ~= "@" then return nil end
  local file = io.open(source:sub(2))
  if not file then return nil end
  local lines = {}
  for line in file:lines() do lines[#lines + 1] = line end
  file:close()
  return lines
end

-- The block of comment lines that ends above a line, without its dashes; nil when there is none.
local function comment_above(lines, at)
  local found = {}
  for i = at - 1, 1, -1 do
    local text = lines[i]:match "^%s*%-%-%-?%s?(.*)$"
    if not text then break end
    table.insert(found, 1, text)
    if lines[i]:find "^%s*%-%-%-" then break end
  end
  return #found > 0 and table.concat(found, "\n  ") or nil
end

-- The comment at the head of a file.
local function head_comment(lines)
  local found = {}
  for _, line in ipairs(lines) do
    local text = line:match "^%-%-%s?(.*)$"
    if not text then break end
    found[#found + 1] = text
  end
  if #found == 0 then return nil end
  found[1] = found[1]:gsub("^[%w_]+%.lua: ", "")
  return table.concat(found, "\n")
end

local function function_text(f)
  if core.later[f] then f = core.later[f]() end
  local info = debug.getinfo(f, "S")
  if info.what == "C" then return "a function written in C; nothing is written about it" end
  local lines = read_lines(info.source)
  local place = ("%s:%d"):format(info.short_src:match "[^/]*$", info.linedefined)
  local text = lines and comment_above(lines, info.linedefined)
  return text and ("%s\n  (%s)"):format(text, place) or ("a function of %s, without a comment"):format(place)
end

-- A class of layers or optimizers: its signature and the comment above its definition.
local function class_text(c, signature)
  local text = signature and ("%s(%s)"):format(signature.where, signature.text) or tostring(c)
  local lines = c._source and read_lines(c._source)
  local comment = lines and comment_above(lines, c._line)
  return comment and text .. "\n  " .. comment or text
end

-- ---- modules ---------------------------------------------------------------------------------------------

local function names_of(library)
  local names = {}
  for name in next, library do
    if type(name) == "string" and not name:find "^_" then names[#names + 1] = name end
  end
  table.sort(names)
  return names
end

local function library_name(value)
  for name, module in next, package.loaded do
    if module == value and type(name) == "string" and name:find "^lunette" then return name end
  end
end

local function library_text(value, name)
  local path = package.searchpath and name ~= "lunette.tensor" and select(2, pcall(function()
    local loader, file = package.searchers[2](name)
    return loader and file
  end))
  local lines = type(path) == "string" and read_lines("@" .. path)
  local head = lines and head_comment(lines) or name
  return head .. "\n\n" .. wrapped(table.concat(names_of(value), " "), "  ")
end

local overview = [[
help(x) tells about a function, a layer, a module or a tensor: help(tensor.conv2d), help "relu",
help(nn.Linear), help(optim.Adam), help(net.fit), help(data).

  tensor    numbers in any number of dimensions, their functions and gradients
  nn        layers, losses, models               optim     optimizers
  data      files, data sets, batches            metrics   figures of how good predictions are
  plot      charts as PNG, SVG, PDF              progress  a bar for loops]]

-- ---- what is it? -----------------------------------------------------------------------------------------

local function string_text(name)
  local short = name:match "^tensor%.(.*)$" or name:match "^x:(.*)$" or name
  local row = op_rows()[short]
  if row then return op_text(row) end
  local lunette = require "lunette"
  local done, value = pcall(function()
    local at = lunette
    for part in name:gmatch "[^.]+" do at = at[part] end
    return at
  end)
  if done and value ~= nil and type(value) ~= "string" then return nil, value end
  for _, owner in ipairs {"nn", "optim"} do
    local found = rawget(lunette[owner], name)
    if found then return nil, found end
  end
  local method = rawget(class.Module, name) or rawget(core.methods, name)
  if method then return nil, method end
  local known = {}
  for key in next, op_rows() do
    if type(key) == "string" then known[#known + 1] = key end
  end
  table.sort(known)
  for _, owner in ipairs {"nn", "optim"} do
    for _, key in ipairs(names_of(lunette[owner])) do known[#known + 1] = key end
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
  if op_rows()[x] then return op_text(rows[x]) end
  local layer = class.is_class(x) and x or class.of(x)
  if layer then return class_text(layer, rawget(layer, "_signature")) end
  if type(x) == "function" then return function_text(x) end
  if type(x) == "table" then
    local meta = getmetatable(x)
    if x == tensor then return library_text(x, "lunette.tensor") end
    local optimizer = rawget(x, "_source") and x or type(meta) == "table" and meta.kind
    if type(optimizer) == "table" and rawget(optimizer, "signature") then
      return class_text(optimizer, optimizer.signature)
    end
    local name = library_name(x)
    if name then return library_text(x, name) end
  end
  return ("a %s: %s"):format(math.type(x) or type(x), tostring(x))
end

-- ---- for completion --------------------------------------------------------------------------------------

local files = {} -- by source, read once

local function lines_of(source)
  if files[source] == nil then files[source] = read_lines(source) or false end
  return files[source]
end

local function sentence(text)
  text = text:gsub("%s+", " ")
  return text:match "^(.-[.;:])%s" or text
end

-- One line about a function or a class; "" if nothing is written about it.
local function line_of(x)
  local row = op_rows()[x]
  if row then return sentence(row.doc or "") end
  local layer = class.is_class(x) and x
  if layer then
    local lines = layer._source and lines_of(layer._source)
    return sentence(lines and comment_above(lines, layer._line) or "")
  end
  if type(x) ~= "function" then return "" end
  local info = debug.getinfo(x, "S")
  local lines = info.what ~= "C" and lines_of(info.source)
  return sentence(lines and comment_above(lines, info.linedefined) or "")
end

-- The parameters of a function, layer or optimizer as a list of {name, default or type}.
local function parameters_of(x)
  local row, text = op_rows()[x], nil
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
  return list
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
