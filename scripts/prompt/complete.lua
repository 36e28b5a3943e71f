-- prompt/complete.lua: what could stand at the cursor: names and fields, methods, options of the call
-- around it, files in quotes, modules in require, commands.

local console = require "lunette.console"
local core = require "lunette.core"
local fail = require "lunette.nn.fail"
local session = require "lunette.prompt.session"

local complete = {}

local MOST = 200       -- candidates
local PATIENCE = 0.25  -- seconds

-- ---- values without side effects -----------------------------------------------------------------------

-- Code that only looks, and always comes back: C, and the library's own.
local function is_safe(f)
  local info = debug.getinfo(f, "S")
  return info.what == "C" or fail.is_library(info.source)
end

-- v[key], if that calls no code of the user's.
local function field_of(v, key)
  local holder = v
  for _ = 1, 10 do
    if type(holder) == "table" and rawget(holder, key) ~= nil then return rawget(holder, key) end
    local meta = debug.getmetatable(holder)
    local index = type(meta) == "table" and rawget(meta, "__index")
    if type(index) == "function" then return is_safe(index) and v[key] or nil end
    if index == nil then return end
    holder = index
  end
end

-- The value of a chain of names and positions (a.b[1].c); nil when there is none that can be had by
-- looking.
local function value_of(names)
  local done, value = pcall(function()
    local v = session.env()
    for _, name in ipairs(names) do v = field_of(v, name) end
    return v
  end)
  if done then return value end
end

local function doc_of(value) return require("lunette.help").line(value) end

local kind_names = {["function"] = "function", table = "table", number = "number", string = "string", boolean = "boolean",
  userdata = "userdata", thread = "coroutine"}

local function describe(name, value, method)
  if core.tensor.is_tensor(value) then
    return {name, "tensor", ("%s [%s]"):format(value.dtype, table.concat(value.shape, ","))}
  end
  if type(value) == "function" then return {name, method and "method" or "function", doc_of(value)} end
  local meta = getmetatable(value)
  if type(value) == "table" and type(meta) == "table" and rawget(meta, "class") then
    return {name, "module", tostring(value):match "^[^\n]*"}
  end
  if type(value) == "number" or type(value) == "boolean" then return {name, type(value), tostring(value)} end
  if type(value) == "string" then return {name, "string", ("%q"):format(value:sub(1, 40)):gsub("\\\n", "\\n")} end
  return {name, kind_names[type(value)] or "", ""}
end

-- ---- gathering -------------------------------------------------------------------------------------------

local function sorted(found)
  table.sort(found, function(a, b)
    local x, y = a[1]:find "^_" ~= nil, b[1]:find "^_" ~= nil
    if x ~= y then return y end
    return a[1] < b[1]
  end)
  return table.move(found, 1, math.min(#found, MOST), 1, {})
end

-- Adds the string keys of a table that begin with the prefix; `only`: a test of values.
local function add_keys(found, seen, t, prefix, only, method)
  for key, value in next, t do
    local fits = type(key) == "string" and not seen[key] and key:sub(1, #prefix) == prefix and key:find "^[%a_][%w_]*$"
    if fits and (not only or only(value)) then
      seen[key] = true
      found[#found + 1] = describe(key, value, method)
    end
  end
end

local function is_function(value) return type(value) == "function" end

-- Fields that a value shows: its own, then those of its __index tables.
local function add_fields(found, value, prefix, colon)
  local seen, only = {}, colon and is_function or nil
  if core.tensor.is_tensor(value) then
    add_keys(found, seen, core.methods, prefix, only, true)
    if not colon then
      for _, name in ipairs {"shape", "dtype", "grad", "requires_grad", "is_leaf", "T", "ndim"} do
        if name:sub(1, #prefix) == prefix and not seen[name] then
          found[#found + 1] = describe(name, value_of {} and value[name])
        end
      end
    end
    return
  end
  if type(value) == "string" then return add_keys(found, seen, string, prefix, only, true) end
  local depth = 0
  while type(value) == "table" and depth < 10 do
    add_keys(found, seen, value, prefix, only, depth > 0 or colon)
    local meta = getmetatable(value)
    if type(meta) ~= "table" then return end
    if rawget(meta, "order") and type(meta.order) == "table" then -- a module: its members in order
      for _, name in ipairs(meta.order) do
        if type(name) == "string" and name:sub(1, #prefix) == prefix and not seen[name] and not colon then
          seen[name] = true
          found[#found + 1] = describe(name, value[name])
        end
      end
      add_keys(found, seen, meta.class, prefix, only, true)
      value = require("lunette.nn").Module
    else
      value = rawget(meta, "__index")
    end
    depth = depth + 1
  end
end

local keywords = {}
for word in ([[and break do else elseif end false for function goto if in local nil not or repeat
return then true until while]]):gmatch "%a+" do keywords[#keywords + 1] = word end

local libraries = {"tensor", "nn", "optim", "data", "metrics", "plot", "progress", "help"}

local function add_globals(found, prefix)
  local seen = {}
  if session.level then add_keys(found, seen, session.level.own, prefix) end
  add_keys(found, seen, _G, prefix)
  for _, name in ipairs(libraries) do
    if name:sub(1, #prefix) == prefix and not seen[name] then found[#found + 1] = {name, "library", ""} end
  end
  for _, word in ipairs(keywords) do
    if word:sub(1, #prefix) == prefix and #prefix > 0 then found[#found + 1] = {word, "keyword", ""} end
  end
end

-- ---- files and modules -------------------------------------------------------------------------------------

local function shell_quoted(text) return "'" .. text:gsub("'", "'\\''") .. "'" end

local function add_files(found, prefix)
  if prefix:find "%c" then return end
  local folder, start = prefix:match "^(.*/)([^/]*)$"
  folder, start = folder or "", start or prefix
  local where = folder == "" and "." or folder:gsub("^~/", (os.getenv "HOME" or "~") .. "/")
  local pipe = io.popen("ls -1Ap " .. shell_quoted(where) .. " 2>/dev/null")
  if not pipe then return end
  for name in pipe:lines() do
    if name:sub(1, #start) == start and (start ~= "" or name:sub(1, 1) ~= ".") then
      found[#found + 1] = {folder .. name, name:sub(-1) == "/" and "folder" or "file", ""}
    end
  end
  pipe:close()
end

local function add_modules(found, prefix)
  local seen = {}
  for name in next, package.loaded do
    if name:sub(1, #prefix) == prefix then
      seen[name] = true
      found[#found + 1] = {name, "module", ""}
    end
  end
  for pattern in package.path:gmatch "[^;]+" do
    local folder = pattern:match "^(.-)%?%.lua$"
    local pipe = folder and io.popen("ls -1 " .. shell_quoted(folder == "" and "." or folder) .. " 2>/dev/null")
    for file in pipe and pipe:lines() or function() end do
      local name = file:match "^(.*)%.lua$"
      if name and name:sub(1, #prefix) == prefix and not seen[name] then
        seen[name] = true
        found[#found + 1] = {name, "module", ""}
      end
    end
    if pipe then pipe:close() end
  end
end

-- ---- where the cursor is -----------------------------------------------------------------------------------

-- The key between the brackets that end at tokens[i], and the token before them; nil when it is no
-- plain number or string.
local function key_before(tokens, i)
  local key, open = tokens[i - 1], i - 2
  if not (tokens[i].text == "]" and key and tokens[open]) then return end
  local value = key.kind == "number" and tonumber(key.text)
    or key.kind == "string" and key.text:match "^[\"']([^\\]*)[\"']$"
  if tokens[open].text == "-" and math.type(value) then value, open = -value, open - 1 end
  if value and tokens[open] and tokens[open].text == "[" then return value, open - 1 end
end

-- The chain of names and positions that ends at tokens[i], as a list.
local function chain_before(tokens, i)
  local names = {}
  while i >= 1 do
    local key, before = key_before(tokens, i)
    if tokens[i].kind == "name" then
      table.insert(names, 1, tokens[i].text)
      local link = tokens[i - 1]
      if not (link and (link.text == "." or link.text == ":")) then return names end
      i = i - 2
    elseif key then
      table.insert(names, 1, key)
      i = before
    else
      return nil -- the chain hangs on a call
    end
  end
end

-- The call whose table of options the cursor is in: its function, or nil.
local function call_around(tokens)
  local depth = 0
  for i = #tokens, 2, -1 do
    local t = tokens[i]
    if t.nesting < 0 then
      depth = depth + 1
    elseif t.nesting > 0 then
      if depth == 0 then
        if t.text == "{" and tokens[i - 1] and (tokens[i - 1].text == "(" or tokens[i - 1].text == ",") then
          depth = -1 -- inside of a table that is an argument: the call is the next bracket out
        elseif t.text == "(" and depth == 0 then
          return nil
        end
      else
        depth = depth - 1
      end
      if depth == -1 then
        local level = 0
        for k = i - 1, 2, -1 do
          if tokens[k].nesting < 0 then level = level + 1 end
          if tokens[k].nesting > 0 then
            if level == 0 then return tokens[k].text == "(" and chain_before(tokens, k - 1) or nil end
            level = level - 1
          end
        end
        return nil
      end
    end
  end
end

local function add_options(found, names, prefix)
  local f = value_of(names)
  for _, option in ipairs(f and require("lunette.help").parameters(f) or {}) do
    if option[1]:sub(1, #prefix) == prefix then found[#found + 1] = {option[1] .. " = ", "option", option[2]} end
  end
end

-- ---- the answer ----------------------------------------------------------------------------------------------

-- In an open string: files, or modules after require.
local function in_string(tokens, last)
  local found, quote = {}, last.text:match "^[\"']"
  if not quote then return last.to + 1, {} end -- a long one
  local prefix, before = last.text:sub(2), tokens[#tokens - 1]
  if before and before.text == "(" then before = tokens[#tokens - 2] end
  if before and before.text == "require" then add_modules(found, prefix) else add_files(found, prefix) end
  return last.from + 1, sorted(found)
end

local function at_name(tokens, prefix, from)
  local found, n = {}, #tokens
  local link = tokens[n] and tokens[n].text
  if link == "." or link == ":" then
    local names = chain_before(tokens, n - 1)
    local value = names and value_of(names)
    if tokens[n - 1] and tokens[n - 1].kind == "string" then value = "" end
    if value ~= nil then add_fields(found, value, prefix, link == ":") end
    return from, sorted(found)
  end
  local call = (link == "{" or link == ",") and call_around(tokens)
  if call then add_options(found, call, prefix) end
  if #found == 0 then add_globals(found, prefix) end
  return from, sorted(found)
end

local function find(text, cursor)
  local head = text:sub(1, cursor)
  local command = head:match "^%%(%w*)$"
  if command then
    local found = {}
    for _, c in ipairs(require("lunette.prompt.commands").list()) do
      if c.name:sub(1, #command) == command then found[#found + 1] = {"%" .. c.name, "command", c.doc} end
    end
    return 1, sorted(found)
  end
  local takes_code = require("lunette.prompt.commands").code(head)
  local file = not takes_code and head:match "^%%%w+%s+()%S*$" or head:match "^!.*%s()%S*$"
  if file then
    local found = {}
    add_files(found, head:sub(file))
    return file, sorted(found)
  end
  head = head:gsub(takes_code and "^%%%w+" or "^%??%?", function(marks) return (" "):rep(#marks) end)
  local tokens = console.tokens(head)
  local last = tokens[#tokens]
  if last and last.open and last.to == #head then -- not one that the end of a line has cut
    if last.kind == "string" then return in_string(tokens, last) end
    return cursor + 1, {}
  end
  if last and last.to == #head and (last.kind == "name" or last.kind == "keyword") then
    table.remove(tokens)
    return at_name(tokens, last.text, last.from)
  end
  return at_name(tokens, "", cursor + 1)
end

--- (text, bytes before the cursor) -> the byte where what is to be completed starts, and a list of
-- {text, kind, line of documentation}. What takes too long has no candidates.
function complete.at(text, cursor)
  local hook, mask, count = debug.gethook()
  local began = core.tensor.now()
  debug.sethook(function()
    if core.tensor.now() - began > PATIENCE then error "too long" end
  end, "", 10000)
  local done, from, found = pcall(find, text, cursor)
  debug.sethook(hook, mask, count)
  if done then return from, found end
  return cursor + 1, {}
end

return complete
