-- given.lua: option tables of the toolkits, checked with errors at the user's line.

local fail = require "lunette.nn.fail"
local options = require "lunette.options"

--- Like options.check: `given`, or an empty table for nil; unknown names are errors.
local function given(where, table, allowed)
  local done, result = pcall(options.check, where, table, allowed, 0)
  if not done then fail.raise("%s", result) end
  return result
end

return given
