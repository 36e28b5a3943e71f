-- options.lua: the check of option tables, for every function that takes options.

local core = require "lunette.core"
local fail = require "lunette.nn.fail"

-- The entries of `given` that `allowed` does not name, sorted.
local function unknown_names(where, given, allowed)
  local known, unknown = {}, {}
  for _, name in ipairs(allowed) do known[name] = true end
  for name in pairs(given) do
    if type(name) ~= "string" then
      fail.raise("%s: options have names ({%s = …}), but this table has an entry [%s]",
        where, allowed[1] or "name", tostring(name))
    end
    if not known[name] then unknown[#unknown + 1] = name end
  end
  table.sort(unknown)
  return unknown
end

--- Checks that `given` (nil or a table) has only the names in the list `allowed`.
-- Returns `given`, or an empty table for nil. Errors name `where`, the function the user called.
return function(where, given, allowed)
  if given == nil then return {} end
  if type(given) ~= "table" then
    fail.raise("%s: options must be a table like {%s = …}, got %s",
      where, allowed[1] or "name", type(given))
  end
  local first = unknown_names(where, given, allowed)[1]
  if not first then return given end
  local near, repair = core.suggest(first, allowed), core.repair(first)
  fail.raise("%s: unknown option '%s'; %s", where, first, repair
    or near and ("did you mean '" .. near .. "'?")
    or #allowed == 0 and "it takes no options"
    or "the options are " .. table.concat(allowed, ", "))
end
