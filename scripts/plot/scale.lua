-- scale.lua: the limits of an axis, and the way from values to places on the canvas.

local fail = require "lunette.nn.fail"
local scale = {}

local function log10(v) return math.log(v, 10) end

local function widen(lo, hi, pad)
  if hi - lo <= math.max(1e-12 * math.max(math.abs(lo), math.abs(hi)), 1e-290) then   -- one value
    local room = lo == 0 and 1 or math.abs(lo) * 0.13
    return lo - room, hi + room
  end
  return lo - (hi - lo) * pad, hi + (hi - lo) * pad
end

local function log_limits(name, axis, data)
  for _, limit in ipairs {axis.lo or 1, axis.hi or 1} do
    if limit <= 0 then
      fail.raise(("%slim: a logarithmic axis needs limits above 0, got %s"):format(name, limit))
    end
  end
  if not (data and data.positive) and not (axis.lo and axis.hi) then
    fail.raise(("%slog: no value is above 0, so a logarithmic axis can show none"):format(name))
  end
  local lo, hi = axis.lo or data.positive, axis.hi or math.max(data.hi, data.positive)
  local a, b = log10(lo), log10(hi)
  local room = b - a < 1e-9 and 0.3 or (b - a) * 0.05
  a, b = a - room, b + room
  return axis.lo or 10 ^ math.max(a, -300), axis.hi or 10 ^ math.min(b, 300)
end

--- Lower and upper limit of an axis. `name` is "x" or "y"; axis.lo and axis.hi are what the user
-- set; `data` is {lo, hi, positive} over all that is drawn, or nil.
function scale.limits(name, axis, data)
  if axis.exact then return axis.exact[1], axis.exact[2] end
  local lo, hi
  if axis.log then
    lo, hi = log_limits(name, axis, data)
  else
    if not data and not (axis.lo and axis.hi) then return 0, 1 end
    lo, hi = axis.lo or data.lo, axis.hi or data.hi
    if lo > hi then
      if axis.lo and axis.hi then lo, hi = axis.lo, axis.hi
      elseif axis.lo then hi = lo + 1 else lo = hi - 1 end
    end
    local wide_lo, wide_hi = widen(lo, hi, name == "x" and 0.025 or 0.06)
    if axis.integer and lo == hi then wide_lo, wide_hi = lo - 0.6, hi + 0.6 end
    lo, hi = axis.lo or wide_lo, axis.hi or wide_hi
  end
  if not lo or lo >= hi then
    fail.raise(("%slim: the lower limit %s must be below the upper limit %s"):format(name, lo, hi))
  end
  return lo, hi
end

--- The function from a value to its place: lo comes to `from`, hi to `to`. Values that the scale
-- cannot show give nil.
function scale.place(axis, lo, hi, from, to)
  if axis.log then
    local a = log10(lo)
    local factor = (to - from) / (log10(hi) - a)
    return function(v)
      if v ~= v or v <= 0 or v >= 1e300 then return nil end
      return from + (log10(v) - a) * factor
    end
  end
  local span = hi - lo
  return function(v)
    if v ~= v or v >= 1e300 or v <= -1e300 then return nil end
    return from + (v - lo) / span * (to - from)
  end
end

return scale
