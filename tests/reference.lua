-- The naive references of all families, by name: tests/reference/<family>.lua.

local reference = {}
local pipe = assert(io.popen "ls tests/reference/*.lua")
for path in pipe:lines() do
  local name = path:match "([^/]+)%.lua$"
  if name ~= "util" then
    for key, f in pairs(require("tests.reference." .. name)) do
      assert(reference[key] == nil, "two references named " .. key)
      reference[key] = f
    end
  end
end
pipe:close()

-- The error function by its series (Abramowitz & Stegun 7.1.6).
function reference.erf(x)
  local sum, term = x, x
  for n = 1, 200 do
    term = term * 2 * x * x / (2 * n + 1)
    sum = sum + term
  end
  return 2 / math.sqrt(math.pi) * math.exp(-x * x) * sum
end

function reference.clamp(x, low, high)
  if type(low) == "table" then low, high = low.min, low.max end
  if low and x < low then return low end
  return high and x > high and high or x
end

return reference
