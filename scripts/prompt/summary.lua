-- prompt/summary.lua: what a large tensor holds, in one line: the corners that are printed say little.

local core = require "lunette.core"

local tensor = core.tensor

local summary = {}

-- A number in as few digits as tell it.
local function short(v)
  if math.type(v) == "integer" and math.abs(v) < 1e6 then return tostring(v) end
  if v ~= v then return "nan" end
  return (("%.4g"):format(v):gsub("e%+?(%-?)0*", "e%1"))
end

local function item(x) return type(x) == "number" and x or x:item() end

local function part_of(n, all)
  local percent = 100 * n / all
  local text = percent >= 9.95 and ("%.0f"):format(percent) or ("%.1f"):format(percent)
  return ("%d (%s%%)"):format(n, percent < 0.05 and "<0.1" or text)
end

local function of_bools(x)
  return ("true %s"):format(part_of(x:sum(), x:numel()))
end

local function of_integers(x, parts)
  parts[1] = "min " .. short(item(x:min()))
  parts[2] = "mean " .. short(item(x:to("float64"):mean()))
  parts[3] = "max " .. short(item(x:max()))
end

-- Least, mean and largest of what is finite.
local function of_floats(x, parts)
  local finite = x:isfinite()
  local n = finite:sum()
  if n == x:numel() then
    parts[1], parts[2], parts[3] = "min " .. short(item(x:min())), "mean " .. short(item(x:mean())), "max " .. short(item(x:max()))
  else
    if n > 0 then of_floats(x[finite], parts) end
    local nan = x:isnan():sum()
    if nan > 0 then parts[#parts + 1] = "NaN " .. part_of(nan, x:numel()) end
    if x:numel() - n > nan then parts[#parts + 1] = "inf " .. part_of(x:numel() - n - nan, x:numel()) end
  end
end

local function text_of(x)
  if x.dtype == "bool" then return of_bools(x) end
  local parts = {}
  if x.dtype == "float16" or x.dtype == "bfloat16" then x = x:float() end
  if x.dtype:find "int" then of_integers(x, parts) else of_floats(x, parts) end
  local zeros = x:eq(0):sum()
  if zeros > 0 then parts[#parts + 1] = "zeros " .. part_of(zeros, x:numel()) end
  return table.concat(parts, " · ")
end

--- min, mean, max, NaN and zeros of a tensor, in `room` columns if it can be; nil where memory is too
--- short to find out.
function summary.of(x, room)
  local done, text = pcall(tensor.no_grad, function() return text_of(x:detach()) end)
  if not done then return nil end
  return utf8.len(text) <= room and text or (text:gsub(" %b()", ""))
end

return summary
