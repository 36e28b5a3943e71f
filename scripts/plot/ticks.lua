-- ticks.lua: where ticks stand and how they are written, for linear and logarithmic axes.

local ticks = {}

local function power(exponent) return 10.0 ^ exponent end

local function floor_log10(value)
  local e = math.floor(math.log(value, 10) + 1e-9)
  if power(e + 1) <= value then e = e + 1 elseif power(e) > value then e = e - 1 end
  return e
end

-- First and last multiple of a step inside lo..hi.
local function multiples(lo, hi, step)
  local slack = 1e-9 * (hi - lo) / step
  return math.ceil(lo / step - slack), math.floor(hi / step + slack)
end

--- Multiples of 1, 2 or 5 times a power of ten inside lo..hi, as near as can be to `count` of them;
-- whole numbers only if `integer`. Returns the list and the step.
function ticks.linear(lo, hi, count, integer)
  if not (hi - lo > 1e-300 and hi - lo < 1e306) then return {}, 1 end
  local base = power(floor_log10((hi - lo) / math.max(count, 1)))
  local step, least = nil, math.huge
  for _, factor in ipairs {1, 2, 5, 10} do
    local candidate = factor * base
    if integer and candidate < 1 then candidate = 1.0 end
    local first, last = multiples(lo, hi, candidate)
    local off = math.abs(last - first + 1 - count)
    if off < least then step, least = candidate, off end
  end
  local first, last = multiples(lo, hi, step)
  local values = {}
  for i = first, last do values[#values + 1] = i * step end
  return values, step
end

local superscripts = {
  ["-"] = "⁻", ["0"] = "⁰", ["1"] = "¹", ["2"] = "²", ["3"] = "³", ["4"] = "⁴",
  ["5"] = "⁵", ["6"] = "⁶", ["7"] = "⁷", ["8"] = "⁸", ["9"] = "⁹",
}

--- "10⁻³" for -3.
function ticks.power_of_ten(exponent)
  return "10" .. (("%d"):format(exponent):gsub(".", superscripts))
end

local function minus(text) return (text:gsub("^%-", "−")) end

-- Commas between thousands of numbers with at least `digits` before the point.
local function commas(text, digits)
  local sign, whole, rest = text:match("^(%-?)(%d+)(.*)$")
  if #whole < digits then return text end
  local head = (#whole - 1) % 3 + 1
  return sign .. whole:sub(1, head) .. whole:sub(head + 1):gsub("(%d%d%d)", ",%1") .. rest
end

local function scientific(value, step, e)
  if value == 0 then return "0" end
  local digits = math.max(0, e - floor_log10(step))
  return minus(("%." .. math.min(digits, 15) .. "f"):format(value / power(e))) .. "×"
    .. ticks.power_of_ten(e)
end

--- The values of a linear axis as texts with the same number of decimals.
function ticks.format(values, step)
  local largest = 0
  for _, v in ipairs(values) do largest = math.max(largest, math.abs(v)) end
  local texts = {}
  local wide = largest >= 1e7 or (largest > 0 and largest < 1e-3)
  local decimals = math.min(math.max(0, -floor_log10(step)), 15)
  for i, v in ipairs(values) do
    if wide then
      texts[i] = scientific(v, step, floor_log10(largest))
    else
      texts[i] = minus(commas(("%." .. decimals .. "f"):format(v == 0 and 0 or v), 5))
    end
  end
  return texts
end

-- Short decimals for the powers people read at sight, 10ⁿ for the others.
local function log_text(mantissa, exponent, plain)
  if plain then return commas(("%.10g"):format(mantissa * power(exponent)), 4) end
  local text = ticks.power_of_ten(exponent)
  return mantissa == 1 and text or ("%d×%s"):format(mantissa, text)
end

local function log_values(lo, hi, mantissas, stride)
  local list = {}
  local first, last = floor_log10(lo), floor_log10(hi)
  for e = first, last do
    if e % stride == 0 then
      for _, m in ipairs(mantissas) do
        local value = m * power(e)
        if value >= lo * (1 - 1e-9) and value <= hi * (1 + 1e-9) then
          list[#list + 1] = {value = value, mantissa = m, exponent = e}
        end
      end
    end
  end
  return list
end

--- Ticks of a logarithmic axis over lo..hi (both above 0): list of values, list of texts, list of
-- minor values. Less than a decade falls back to a linear rule.
function ticks.log(lo, hi, count)
  local decades = math.log(hi / lo, 10)
  local stride = math.max(1, math.ceil(decades / math.max(count, 1)))
  local picked = log_values(lo, hi, {1}, stride)
  if #picked < 3 then picked = log_values(lo, hi, {1, 2, 5}, 1) end
  if #picked > count + 1 then picked = log_values(lo, hi, {1}, stride) end
  if #picked < 3 and decades < 1 then
    local values, step = ticks.linear(lo, hi, count)
    return values, ticks.format(values, step), {}
  end
  local values, texts, plain = {}, {}, true
  for _, tick in ipairs(picked) do
    plain = plain and tick.exponent >= -3 and tick.exponent <= 4
  end
  for i, tick in ipairs(picked) do
    values[i], texts[i] = tick.value, log_text(tick.mantissa, tick.exponent, plain)
  end
  local minor = {}
  local between = stride == 1 and log_values(lo, hi, {2, 3, 4, 5, 6, 7, 8, 9}, 1)
    or log_values(lo, hi, {1}, 1)
  for i, tick in ipairs(between) do minor[i] = tick.value end
  return values, texts, minor
end

return ticks
