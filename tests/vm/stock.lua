-- stock.lua: functions of Lua that the program has its own of (patterns, rep, sort, concat, move, coroutines)
-- give what stock Lua's do, and the same errors, for random calls (tests/fuzz/stock.lua).

local seeds = tonumber(os.getenv "LUNETTE_STOCK" or "4")

local function lines_of(program, seed)
  local pipe = assert(io.popen(("timeout 300 '%s' tests/fuzz/stock.lua %d 300 2>&1"):format(program, seed)))
  local list = {}
  for line in pipe:lines() do list[#list + 1] = line end
  local done, how, status = pipe:close()
  return list, done, ("%s %s"):format(how, status)
end

return function(t)
  local version = io.popen("lua5.4 -v 2>&1"):read "l" or ""
  if not version:find "^Lua 5%.4" then return end
  for seed = 1, seeds do
    local ours, done, how = lines_of(t.host, seed)
    local theirs = lines_of("lua5.4", seed)
    t.ok("seed " .. seed .. " ends", done, how)
    local at = 1
    while ours[at] == theirs[at] and ours[at] do at = at + 1 end
    t.ok("seed " .. seed .. " agrees", ours[at] == theirs[at],
      ("line %d: %s\n  stock Lua: %s"):format(at, ours[at], theirs[at]))
  end
end
