-- anomaly.lua: where did the first NaN arise?

local core = require "lunette.core"
local fail = require "lunette.nn.fail"

local tensor = core.tensor

local anomaly = {}

--- detect_anomaly(f, ...): f(...) with every op and every gradient watched: the first result that is NaN
-- or infinite though all that went into it was finite is an error, which names the op, the element and
-- the line of the script that called it, in backward too. Much slower: for looking, not for training.
-- set_detect_anomaly(true) switches the same on from then on.
-- example:
--   done, message = pcall(tensor.detect_anomaly, function() return tensor{-1.0}:log() end)
--   done, message:find "log" ~= nil --> false  true
function anomaly.detect_anomaly(f, ...)
  if type(f) ~= "function" then
    fail.raise("detect_anomaly: takes a function, so that it cannot be left on: detect_anomaly(function() … end)")
  end
  local before = tensor.is_anomaly_enabled()
  local _ <close> = setmetatable({}, {__close = function() tensor.set_detect_anomaly(before) end})
  tensor.set_detect_anomaly(true)
  return f(...)
end

return anomaly
