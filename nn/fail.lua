-- fail.lua: errors at the user's line. Frames of the library (nn/ and scripts/) are stepped over, so
-- that a message never points into a file which its reader did not write.

local core = require "lunette.core"

local fail = {}

--- Is this source (as debug.getinfo gives it) a file of the library?
fail.is_library = core.is_library

--- "file:line: " of the innermost user function at this level of the stack or above; "" for none.
function fail.where(level)
  level = level + 1
  while true do
    local info = debug.getinfo(level, "Sl")
    if not info then return "" end
    if info.currentline > 0 and not fail.is_library(info.source) then
      return ("%s:%d: "):format(info.short_src, info.currentline)
    end
    level = level + 1
  end
end

--- Raises a message, formatted with the rest of the arguments, at the user's line.
function fail.raise(message, ...)
  if select("#", ...) > 0 then message = message:format(...) end
  error(fail.where(2) .. message, 0)
end

--- "[2,392]", or the type of what is no tensor.
function fail.shape(x)
  if type(x) ~= "userdata" then return type(x) end
  return "[" .. table.concat(x.shape, ",") .. "]"
end

return fail
