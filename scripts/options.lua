-- options.lua: checks of option tables, for every function that takes options.

local core = require "lunette.core"

local options = {}

local function raise(message, level) error(message, level == 0 and 0 or level + 1) end

--- Checks that `given` (nil or a table) has only the names in the list `allowed`.
-- Returns `given`, or an empty table for nil. Errors name `where`, the function the user called;
-- `level` is as for `error`, counted from the caller of `check` (default 2: its caller).
function options.check(where, given, allowed, level)
  level = level or 2
  if level > 0 then level = level + 1 end
  if given == nil then return {} end
  if type(given) ~= "table" then
    raise(("%s: options must be a table like {%s = …}, got %s"):format(
      where, allowed[1] or "name", type(given)), level)
  end
  local known = {}
  for _, name in ipairs(allowed) do known[name] = true end
  local unknown = {}
  for name in pairs(given) do
    if not known[name] then
      if type(name) ~= "string" then
        raise(("%s: options have names ({%s = …}), but this table has an entry [%s]"):format(
          where, allowed[1] or "name", tostring(name)), level)
      end
      unknown[#unknown + 1] = name
    end
  end
  if #unknown == 0 then return given end
  table.sort(unknown)
  local near = core.suggest(unknown[1], allowed)
  local repair = near and ("did you mean '" .. near .. "'?")
    or #allowed == 0 and "it takes no options"
    or "the options are " .. table.concat(allowed, ", ")
  raise(("%s: unknown option '%s'; %s"):format(where, unknown[1], repair), level)
end

return options
