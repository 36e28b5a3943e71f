-- strong_wolfe.lua: the line search of L-BFGS: a step along a direction that satisfies the strong Wolfe
-- conditions (Nocedal and Wright, Numerical Optimization, algorithms 3.5 and 3.6), by cubic
-- interpolation as in minFunc (Schmidt 2005).
--
-- A point of the search is a table {t, f, g, slope}: the step, the loss there, the flat gradient and
-- its product with the direction.

local SUFFICIENT, CURVATURE = 1e-4, 0.9 -- c1 and c2
local MOST = 25                         -- interpolations
local SHORTEST = 1e-9                   -- a bracket that moves no parameter by more is closed

-- The minimum of the cubic through two points with their slopes, within [low, high].
local function cubic_minimum(a, b, low, high)
  if not low then low, high = math.min(a.t, b.t), math.max(a.t, b.t) end
  local d1 = a.slope + b.slope - 3 * (a.f - b.f) / (a.t - b.t)
  local square = d1 * d1 - a.slope * b.slope
  if square < 0 or square ~= square then return (low + high) / 2 end
  if a.t > b.t then a, b = b, a end
  local d2 = math.sqrt(square)
  local at = b.t - (b.t - a.t) * ((b.slope + d2 - d1) / (b.slope - a.slope + 2 * d2))
  return math.min(math.max(at, low), high)
end

-- Goes on until two points bracket a good step: the two, or one that is good. The third result counts
-- the turns.
local function bracket(at, start, first)
  local before, now = start, first
  for turn = 0, MOST - 1 do
    if now.f > start.f + SUFFICIENT * now.t * start.slope or turn > 1 and now.f >= before.f then
      return before, now, turn
    end
    if math.abs(now.slope) <= -CURVATURE * start.slope then return now, nil, turn end
    if now.slope >= 0 then return before, now, turn end
    local t = cubic_minimum(before, now, now.t + 0.01 * (now.t - before.t), now.t * 10)
    before, now = now, at(t)
  end
  return start, now, MOST
end

-- Where to try next between two points: not too close to an end twice in a row.
local function next_try(a, b, close_before)
  local t = cubic_minimum(a, b)
  local low, high = math.min(a.t, b.t), math.max(a.t, b.t)
  local margin = 0.1 * (high - low)
  if math.min(high - t, t - low) >= margin then return t, false end
  if not close_before and t < high and t > low then return t, true end
  return math.abs(t - high) < math.abs(t - low) and high - margin or low + margin, false
end

--- search(evaluate, t, start, reach): evaluate(t) gives the loss and the flat gradient at step
-- t, and the gradient's product with the direction; start is the point at 0; reach is the largest
-- magnitude in the direction. Returns the point found and how many evaluations it took.
return function(evaluate, t, start, reach)
  local count = 0
  local function at(step)
    count = count + 1
    local f, g, slope = evaluate(step)
    return {t = step, f = f, g = g, slope = slope}
  end
  local a, b, turn = bracket(at, start, at(t))
  if not b then return a, count end
  local low, high = a, b -- by the loss
  if a.f > b.f then low, high = b, a end
  local close = false
  while turn < MOST and math.abs(b.t - a.t) * reach >= SHORTEST do
    t, close = next_try(a, b, close)
    local now = at(t)
    turn = turn + 1
    local low_is_a = rawequal(low, a)
    if now.f > start.f + SUFFICIENT * now.t * start.slope or now.f >= low.f then
      if low_is_a then b = now else a = now end
      low, high = a, b
      if a.f > b.f then low, high = b, a end
    else
      if math.abs(now.slope) <= -CURVATURE * start.slope then return now, count end
      if now.slope * (high.t - low.t) >= 0 then high = low end
      low = now
      if low_is_a then a, b = low, high else a, b = high, low end
    end
  end
  return low, count
end
