-- fuzz.lua: random calls of everything that the library has, in a process of their own
-- (tests/fuzz/calls.lua): only Lua errors may come out. LUNETTE_FUZZ=N sets the rounds for each
-- function, LUNETTE_FUZZ_SEED=N draws others, LUNETTE_FUZZ_SECONDS=N goes on with other seeds so long.

local rounds = os.getenv "LUNETTE_FUZZ" or "20"
local seed = os.getenv "LUNETTE_FUZZ_SEED" or "1"
local seconds = os.getenv "LUNETTE_FUZZ_SECONDS" or "0"

return function(t)
  local log = os.tmpname()
  local command = ("timeout %d '%s' tests/fuzz/calls.lua %s %s %s %s 2>&1"):format(seconds + 900, t.host, log,
    rounds, seed, seconds)
  local pipe = assert(io.popen(command))
  local out = pipe:read "a"
  local done, how, status = pipe:close()
  local f <close> = assert(io.open(log))
  t.ok("every call comes back", done, ("%s %s in %s\n%s"):format(how, status, f:read "l", out))
  t.ok("and nothing is lost", out:find "calls, %d+ errors, 0 problems", out)
  os.remove(log)
end
