-- What require "lunette" gives: the core's tensor library and, on first touch, the toolkits.
-- Called by the module's C side with the core and the folder that holds nn/ and scripts/.

local core, root = ...

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

table.insert(package.searchers, 2, function(name)
  if name == "lunette.core" then
    return function() return core end, "core"
  end
  if name == "lunette.canvas" then
    local found = package.searchpath("plot", core.library_path)
    if not found then
      return "\n\tno file plot.so: the plot module was not built; apt install libcairo2-dev libpango1.0-dev, then make"
    end
    local open, problem = package.loadlib(found, "luaopen_lunette_canvas")
    return open or "\n\t" .. problem, found
  end
  local file = path_of(name)
  if not file then return name:find "^lunette%." and "\n\tno Lunette module of that name" or nil end
  local chunk, problem = loadfile(file, "t")
  if not chunk then error(problem, 0) end
  return chunk, file
end)

package.loaded["lunette.core"] = core

-- ---- tensor --------------------------------------------------------------------------------------

local tensor = core.tensor

-- A library table whose missing fields are errors with a suggestion.
local function strict(lib, name)
  local meta = getmetatable(lib) or {}
  meta.__index = function(_, key)
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
local lazy = { "nn", "optim", "data", "text", "vision", "metrics", "plot", "runs", "progress", "help", "train", "check", "args" }
local is_lazy = {}
for _, name in ipairs(lazy) do is_lazy[name] = true end

return setmetatable(lunette, {
  __index = function(t, key)
    if is_lazy[key] and path_of("lunette." .. key) then
      local module = require("lunette." .. key)
      if key == "nn" then require "lunette.train" end -- modules get fit, evaluate, predict
      rawset(t, key, module)
      return module
    end
    local names = { "tensor", table.unpack(lazy) }
    local near = core.suggest(tostring(key), names)
    error(("lunette has no field '%s'%s"):format(tostring(key), near and "; did you mean " .. near .. "?" or ""), 2)
  end,
  __tostring = function() return lunette._VERSION end,
})
