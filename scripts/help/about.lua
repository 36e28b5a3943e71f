-- help/about.lua: what is known about a function, a class of layers or an optimizer: from the op's row,
-- from the binding, or from the comment above the definition.

local core = require "lunette.core"
local class = require "lunette.nn.class"
local source = require "lunette.help.source"

local about = {}

--- The public names in a table, sorted: strings that do not begin with _.
function about.names(library)
  local names = {}
  for name in next, library do
    if type(name) == "string" and not name:find "^_" then names[#names + 1] = name end
  end
  table.sort(names)
  return names
end

-- ---- ops ---------------------------------------------------------------------------------------------

local rows -- by name, and by function

--- The rows of the public ops by name and by function.
function about.rows()
  if rows then return rows end
  rows = {}
  for _, row in ipairs(core.ops()) do
    if not row.hidden then
      local names = {row.name}
      for alias in (row.aliases or ""):gmatch "%S+" do names[#names + 1] = alias end
      for i = 1, row.inplace and #names or 0 do names[#names + 1] = names[i] .. "_" end
      for _, name in ipairs(names) do
        local f = core.functions[name]
        if f then rows[name], rows[f] = row, row end
        if core.methods[name] then rows[core.methods[name]] = row end
      end
    end
  end
  return rows
end

local function of_row(row)
  local also = {}
  for alias in (row.aliases or ""):gmatch "%S+" do also[#also + 1] = alias end
  if row.inplace then also[#also + 1] = row.name .. "_ (in place)" end
  return {call = row.sig:gsub("%s+", " "), text = (row.doc or ""):gsub("%s+", " "), example = row.example,
    also = also}
end

-- ---- functions and classes -----------------------------------------------------------------------------

-- The name of one of Lua's own functions, as its manual has it; nil for others.
local function lua_name(f)
  for _, library in ipairs {"_G", "string", "table", "math", "io", "os", "utf8", "coroutine", "debug", "package"} do
    for name, value in next, package.loaded[library] do
      if value == f and type(name) == "string" and (library ~= "_G" or not core.texts[f]) then
        return library == "_G" and name or library .. "." .. name
      end
    end
  end
end

local function of_function(f)
  local own = not core.texts[f] and lua_name(f)
  if own then
    return {text = ("One of Lua's own functions. https://www.lua.org/manual/5.4/manual.html#pdf-%s"):format(own)}
  end
  if core.later[f] then f = core.later[f]() end
  local info = debug.getinfo(f, "S")
  if info.what == "C" then
    local lines = {}
    for line in (core.texts[f] or ""):gmatch "[^\n]+" do lines[#lines + 1] = line end
    local text, example = source.split(lines)
    return {text = text, example = example}
  end
  local text, example = source.above(info.source, info.linedefined)
  return {text = text or "", example = example, source = info.source, line = info.linedefined,
    place = ("%s:%d"):format(info.short_src:match "[^/]*$", info.linedefined)}
end

-- c: a class of layers or of optimizers.
local function of_class(c, signature)
  local found = {call = signature and ("%s(%s)"):format(signature.where, signature.text) or tostring(c),
    source = c._source, line = c._line, text = ""}
  if c._source then found.text, found.example = source.above(c._source, c._line) end
  found.text = found.text or ""
  return found
end

-- The class of optimizers that x is, or is one of; nil when it is none.
local function optimizer_of(x)
  local meta = getmetatable(x)
  local kind = rawget(x, "_source") and x or type(meta) == "table" and meta.kind
  return type(kind) == "table" and rawget(kind, "signature") and kind or nil
end

--- What is known about a value: {call =, text =, example =, also =, place =, source =, line =}, as far
-- as it is there; nil where the value is no function, class, layer or optimizer.
function about.value(x)
  local row = about.rows()[x]
  if row then return of_row(row) end
  local layer = class.is_class(x) and x or class.of(x)
  if layer then return of_class(layer, rawget(layer, "_signature")) end
  if type(x) == "function" then return of_function(x) end
  local optimizer = type(x) == "table" and optimizer_of(x)
  if optimizer then return of_class(optimizer, optimizer.signature) end
end

return about
