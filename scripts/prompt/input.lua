-- prompt/input.lua: while an entry runs, keys wait unseen for the next one. Code that reads lines from
-- the user, and programs started from here, get the terminal as they know it.

local console = require "lunette.console"

local input = {}

local function back(done, ...)
  console.cooked(false)
  if not done then error((...), 0) end
  return ...
end

local function cooked(f)
  return function(...)
    console.cooked(true)
    return back(pcall(f, ...))
  end
end

-- A method of files that needs it for io.stdin only.
local function method(f)
  local own = cooked(f)
  return function(file, ...)
    if rawequal(file, io.stdin) then return own(file, ...) end
    return f(file, ...)
  end
end

-- io.lines() and io.stdin:lines(): each line is read in its turn.
local function lines(f, is_stdin)
  return function(...)
    local values = table.pack(f(...))
    if is_stdin(...) then values[1] = cooked(values[1]) end
    return table.unpack(values, 1, values.n)
  end
end

--- Puts these forms into the place of Lua's.
function input.install()
  local files = getmetatable(io.stdin).__index
  local read_default = io.read
  io.read = function(...)
    if rawequal(io.input(), io.stdin) then return cooked(read_default)(...) end
    return read_default(...)
  end
  files.read = method(files.read)
  files.lines = lines(files.lines, function(file) return rawequal(file, io.stdin) end)
  io.lines = lines(io.lines, function(name) return name == nil and rawequal(io.input(), io.stdin) end)
  os.execute = cooked(os.execute)
  debug.debug = cooked(debug.debug)
end

return input
