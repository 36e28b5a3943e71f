-- prompt/commands/timing.lua: %time and %timeit.

local commands = require "lunette.prompt.commands"
local core = require "lunette.core"

local tensor = core.tensor

local function duration(seconds)
  if seconds >= 1 then return ("%.2f s"):format(seconds) end
  if seconds >= 1e-3 then return ("%.3g ms"):format(seconds * 1e3) end
  if seconds >= 1e-6 then return ("%.3g µs"):format(seconds * 1e6) end
  return ("%.3g ns"):format(seconds * 1e9)
end

local function bytes(n)
  local sign = n < 0 and "-" or ""
  n = math.abs(n)
  if n >= 1e9 then return ("%s%.2f GB"):format(sign, n / 1e9) end
  if n >= 1e6 then return ("%s%.1f MB"):format(sign, n / 1e6) end
  return ("%s%.1f kB"):format(sign, n / 1e3)
end

commands.add("time", "CODE", "runs it once; time, and the memory it took", function(code)
  local chunk = commands.compiled(code, "time")
  if not chunk then return end
  return function()
    local lua, held, cpu, start = collectgarbage "count", tensor.memory().bytes, os.clock(), tensor.now()
    local values = table.pack(chunk())
    local took = tensor.now() - start
    io.stderr:write(("time %s · processor %s · Lua %s · tensors %s\n"):format(duration(took),
      duration(os.clock() - cpu), bytes((collectgarbage "count" - lua) * 1024), bytes(tensor.memory().bytes - held)))
    return table.unpack(values, 1, values.n)
  end
end)

local ROUNDS, ROUND = 7, 0.1 -- seconds a round takes at least

local function run_many(chunk, n)
  local start = tensor.now()
  for _ = 1, n do chunk() end
  return (tensor.now() - start) / n
end

commands.add("timeit", "CODE", "runs it many times; mean and deviation over rounds", function(code)
  local chunk = commands.compiled(code, "timeit")
  if not chunk then return end
  return function()
    local n, once = 1, run_many(chunk, 1)
    while once * n < ROUND and n < 1e7 do
      n = n * (once * n < ROUND / 10 and 10 or 2)
      once = run_many(chunk, n)
    end
    local sum, squares, least = 0, 0, math.huge
    for _ = 1, ROUNDS do
      local t = run_many(chunk, n)
      sum, squares, least = sum + t, squares + t * t, math.min(least, t)
    end
    local mean = sum / ROUNDS
    local deviation = math.sqrt(math.max(0, squares / ROUNDS - mean * mean))
    print(("%s ± %s (least %s; %d rounds of %d)"):format(duration(mean), duration(deviation), duration(least), ROUNDS, n))
  end
end)

commands.add("seed", "[N]", "sets the seed of all random numbers, or tells it", function(rest)
  local n = math.tointeger(tonumber(rest))
  if rest == "" then return print(tensor.initial_seed()) end
  if not n then return io.stderr:write "error: %seed takes a whole number\n" and nil end
  tensor.manual_seed(n)
end)
