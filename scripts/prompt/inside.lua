-- prompt/inside.lua: a prompt inside of what runs: Ctrl-C opens it between two steps of net:fit. There
-- the names of that place are at hand, and "continue", "stop" or "abort" says how it goes on.

local console = require "lunette.console"
local core = require "lunette.core"
local lines = require "lunette.lines"
local pause = require "lunette.train.pause"
local session = require "lunette.prompt.session"

local inside = {}

-- The names of a level as an environment: what it has no name for is the session's.
local function environment(names)
  local own = setmetatable({}, {__index = _G})
  for name, value in next, names do own[name] = value end
  return setmetatable({}, {
    __index = own,
    __newindex = function(_, name, value)
      if rawget(own, name) ~= nil then own[name] = value else _G[name] = value end
    end,
  }), own
end

local function sorted_names(names)
  local list = {}
  for name in next, names do list[#list + 1] = name end
  table.sort(list)
  return table.concat(list, " ")
end

--- Opens a prompt; returns "continue" or "stop", or has what runs stopped as Ctrl-C does elsewhere.
function inside.open(level)
  local outer, current = session.level, session.current
  local env, own = environment(level.names)
  session.level = {env = env, own = own, answer = "continue"}
  local names = ("names: %s · continue goes on, stop ends it, abort ends all"):format(sorted_names(level.names))
  io.stderr:write(level.text, "\n", lines.fit(names, core.terminal(2)), "\n")
  coroutine.wrap(console.prompt)(level.mark .. "> ")
  local answer = session.level.answer
  session.level, session.current = outer, current
  if answer == "abort" then console.interrupt() end
  return answer
end

--- Ends the innermost prompt after this entry.
function inside.leave(answer)
  session.level.answer = answer
  console.leave()
end

--- From now on Ctrl-C pauses what can pause.
function inside.install()
  pause.host = {pausable = console.pausable, asked = console.pause_asked, open = inside.open}
end

return inside
