-- What require "lunette" gives: the core's tensor library and, on first touch, the toolkits.
-- Called by the module's C side with the core and the folder that holds nn/ and scripts/.

local core, root, globals = ...

-- The library's files see Lua's own names in a table of their own, as they were at first, so that a
-- user may give `table`, `string` or `type` another meaning. `print` is the user's.
local lua = globals or _G
local own = lua.setmetatable({}, {__index = _G})
for name, value in lua.next, lua do
  if globals or package.loaded[name] == value or type(value) == "function" then own[name] = value end
end
own._G, own.print, own.arg = nil, nil, nil
local _ENV = own -- luacheck: ignore

-- ---- finding the files of lunette.x ------------------------------------------------------------

-- Where a module's file is: nn and optim live in nn/, everything else in scripts/.
local function path_of(name)
  local rest = name:match "^lunette%.(.+)$"
  if not rest then return end
  local head, tail = rest:match "^([^.]+)%.?(.*)$"
  local folder = head == "nn" and "nn" or head == "optim" and "nn/optim" or "scripts/" .. head
  local base = root .. "/" .. folder .. (tail ~= "" and "/" .. tail:gsub("%.", "/") or "")
  for _, file in ipairs { base .. ".lua", base .. "/init.lua" } do
    local f = io.open(file)
    if f then
      f:close()
      return file
    end
  end
end

-- Modules in C that are loaded on first use: the file's name, and the packages that it wants.
local in_c = {
  ["lunette.canvas"] = {"plot", "libcairo2-dev libpango1.0-dev"},
  ["lunette.sixel"] = {"sixel", "libchafa-dev"},
}

table.insert(package.searchers, 2, function(name)
  if name == "lunette.core" then
    return function() return core end, "core"
  end
  if in_c[name] then
    local file, packages = table.unpack(in_c[name])
    local found = package.searchpath(file, core.library_path)
    if not found then
      return ("\n\tno file %s.so: that module was not built; apt install %s, then make"):format(file, packages)
    end
    local open, problem = package.loadlib(found, "luaopen_" .. name:gsub("%.", "_"))
    return open or "\n\t" .. problem, found
  end
  local file = path_of(name)
  if not file then return name:find "^lunette%." and "\n\tno Lunette module of that name" or nil end
  local chunk, problem = loadfile(file, "t", own)
  if not chunk then error(problem, 0) end
  return chunk, file
end)

package.loaded["lunette.core"] = core

-- ---- tensor --------------------------------------------------------------------------------------

local elsewhere = require "lunette.elsewhere"
local tensor = core.tensor

-- A library table whose missing fields are errors with a suggestion.
local function strict(lib, name)
  local meta, repairs = getmetatable(lib) or {}, elsewhere[name] or {}
  meta.__index = function(_, key)
    if repairs[key] then error(("%s has no field '%s'; %s"):format(name, key, repairs[key]), 2) end
    local names = {}
    for known in next, lib do names[#names + 1] = known end
    table.sort(names)
    local near = type(key) == "string" and core.suggest(key, names)
    error(("%s has no field '%s'%s"):format(name, tostring(key),
      near and ("; did you mean %s.%s?"):format(name, near) or ""), 2)
  end
  return setmetatable(lib, meta)
end

core.strict = strict
require "lunette.tensor"
for name, functions in next, core.namespaces do strict(functions, "tensor." .. name) end
strict(tensor, "tensor")

-- ---- the table -----------------------------------------------------------------------------------

local lunette = { tensor = tensor, _VERSION = "Lunette 0.1" }
local toolkits = {args = true} -- for programs, not a global of the prompt
for _, name in ipairs(core.names) do toolkits[name] = true end

return setmetatable(lunette, {
  __index = function(t, key)
    if toolkits[key] then
      local module = require("lunette." .. key)
      if key == "nn" then require "lunette.train" end -- modules get fit, evaluate, predict
      rawset(t, key, module)
      return module
    end
    local near = core.suggest(tostring(key), core.names)
    error(("lunette has no field '%s'%s"):format(tostring(key), near and "; did you mean " .. near .. "?" or ""), 2)
  end,
  __tostring = function() return lunette._VERSION end,
})
