-- pause.lua: where training can hold still, between two steps. At the prompt Ctrl-C opens another prompt
-- there; where nobody types it stops the training, as it stops anything.

local core = require "lunette.core"

local tensor = core.tensor

local pause = {
  host = nil -- set by the prompt: pausable(on, drop), asked(), and open(level) -> "continue" or "stop"
}

local Guard = {__close = function(guard, problem) pause.host.pausable(guard.before, problem ~= nil) end}

--- Until what it returns is closed, Ctrl-C asks for a pause.
function pause.guard()
  if pause.host then return setmetatable({before = pause.host.pausable(true)}, Guard) end
end

--- Has Ctrl-C asked for a pause since it was last asked here?
function pause.is_wanted() return pause.host ~= nil and pause.host.asked() end

--- Opens a prompt with a level: {mark =, text =, names = {…}}; true when training is to go on. What is drawn
-- at random there does not count: training goes on with the numbers that it would have had, unless
-- the seed was set.
function pause.open(level)
  local state, seed = tensor.get_rng_state(), tensor.initial_seed()
  local answer = pause.host.open(level)
  if tensor.initial_seed() == seed then tensor.set_rng_state(state) end
  return answer ~= "stop"
end

return pause
