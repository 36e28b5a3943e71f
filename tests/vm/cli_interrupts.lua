-- cli_interrupts.lua: tests of Ctrl-C in scripts, and of the host's coroutine functions.

local outside = dofile "tests/support/program.lua"
local run, shell, quote, has = outside.run, outside.shell, outside.quote, outside.has

-- Runs Lua code, sends the signal once it has begun, or has come to the word READY in it, and returns
-- exit status, output, error and how many seconds it took to stop.
local function interrupt(code, again)
  local ready = outside.folder .. "/ready"
  local mark = ("io.open(%q, 'w'):close() "):format(ready)
  local text, marks = code:gsub("READY", function() return mark end)
  if marks == 0 then text = mark .. code end
  os.remove(ready)
  local line = ([[%s -e %s & pid=$!
    i=0; while [ ! -e %s ] && [ $i -lt 500 ]; do sleep 0.02; i=$((i+1)); done
    sleep 0.05; start=$(date +%%s%%N); kill -INT $pid; %s wait $pid; status=$?
    echo " took $((($(date +%%s%%N) - start) / 1000000))"; exit $status]]):format(
    quote(outside.program), quote(text), ready,
    again and "sleep 0.1; kill -INT $pid;" or "")
  local status, out, err = shell(line)
  local took = tonumber(out:match " took (%d+)\n$") / 1000
  return status, out:gsub(" took %d+\n$", ""), err, took
end

local function test_interrupt(t)
  local endless = {
    ["a loop"] = "while true do end",
    ["pcall in a loop"] = "while true do pcall(function() while true do end end) end",
    ["coroutines without end"] = "while true do pcall(coroutine.wrap(function() while true do end end)) end",
    ["coroutines in coroutines"] =
      "local function f() while true do pcall(coroutine.wrap(f)) end end f()",
    ["a coroutine resumed for ever"] = [[
      local co = coroutine.create(function() while true do pcall(coroutine.yield) end end)
      while true do coroutine.resume(co) end]],
    ["a __close that does not end"] = [[
      local co = coroutine.create(function()
        local _ <close> = setmetatable({}, {__close = function() while true do end end})
        coroutine.yield()
      end)
      coroutine.resume(co)
      assert(coroutine.close(co))]],
    ["gsub with a function"] = "local s = ('x'):rep(1e6) while true do s:gsub('.', function() end) end",
    ["sort with a function"] = "table.sort({3, 2, 1}, function() while true do pcall(error) end end)",
    ["load by pieces"] = "assert(load(function() return 'x = 1 ' end))",
    ["a search of cubic time"] = "string.find(('a'):rep(1e6), '.-.-b')",
    ["pcall around tensor ops"] =
      "local x = tensor.ones(1000, 1000) while true do pcall(function() local _ = x:matmul(x) end) end",
    ["a plain search"] = "string.find(('a'):rep(8e6), ('a'):rep(4e6) .. 'b', 1, true)",
  }
  for name, code in pairs(endless) do
    local status, _, err, took = interrupt(code)
    t.eq(name .. ": exit", status, 130)
    t.ok(name .. ": message", has(err, "interrupted!"), err)
    t.ok(name .. ": stops", took < 10, took .. " s")
  end
  local status, out = interrupt "print(pcall(function() READY while true do end end)) print 'tidied'"
  t.eq("pcall may catch it and tidy up", out, "false\t(command line):1: interrupted!\ntidied\n")
  t.eq("and the exit status tells", status, 130)
  status, out = interrupt [[
    local x = tensor.ones(1000, 1000)
    print(pcall(function() READY while true do local _ = x:matmul(x) end end))
    print(x:matmul(x)[{1, 1}] == 1000)]]
  t.ok("tidying up may compute", status == 130 and has(out, "interrupted") and has(out, "\ntrue\n"), out)
  status, out = interrupt [[
    local co = coroutine.wrap(function()
      local _ <close> = setmetatable({}, {__close = function() print 'closed' end})
      while true do end
    end)
    co()]]
  t.ok("pending variables are closed", status == 130 and out == "closed\n", out)
  t.eq("a second one ends the process",
    (interrupt("pcall(function() while true do end end) for i = 1, 1e18 do local _ = i end", true)), 130)
  t.eq("a hook survives", select(2, run {"-e", [[
    local n = 0
    debug.sethook(function() n = n + 1 end, "l")
    coroutine.wrap(function() end)()
    local x = 1
    print(n > 0, debug.gethook() ~= nil)]]}), "true\ttrue\n")
end

local function test_coroutines(t)
  t.eq("wrap adds its position to an error", select(2, run {"-e", [[
    local f = coroutine.wrap(function() error("x", 0) end)
    print(pcall(function() f() end))
    print(pcall(f))]]}), "false\t(command line):2: x\nfalse\tcannot resume dead coroutine\n")
  t.eq("close", select(2, run {"-e", [[
    local co = coroutine.create(function()
      local _ <close> = setmetatable({}, {__close = function() error("in close", 0) end})
      coroutine.yield(1)
    end)
    print(coroutine.resume(co))
    print(coroutine.close(co))
    print(coroutine.status(co), coroutine.close(co))
    print(pcall(coroutine.close, coroutine.running()))
    print(pcall(coroutine.resume, 1))]]}), "true\t1\nfalse\tin close\ndead\ttrue\n" ..
    "false\tcannot close a running coroutine\n" ..
    "false\tbad argument #1 to 'coroutine.resume' (thread expected, got number)\n")
end

-- The functions of ours in the place of Lua's, beside what the manual says of them.
local function test_functions(t)
  t.eq("rep", select(2, run {"-e", [[
    print(("ab"):rep(3, "-"), ("ab"):rep(1, "-"), ("ab"):rep(0), ("ab"):rep(-1), #(""):rep(1 << 40))
    local long = ("abc"):rep(1000000, ",")
    print(#long, long:sub(1, 9), long:sub(-5), select(2, long:gsub("abc,", "")))
    print(select(2, pcall(string.rep, "ab", 1 << 40)))]]}),
    "ab-ab-ab\tab\t\t\t0\n3999999\tabc,abc,a\tc,abc\t999999\nresulting string too large\n")
  t.eq("sort", select(2, run {"-e", [[
    for _, n in ipairs{0, 1, 2, 3, 4, 10, 99, 100, 101, 1000, 5000} do
      local a, b, sum = {}, {}, 0
      for i = 1, n do a[i] = i * 7919 % 1013 b[i] = a[i] sum = sum + a[i] end
      table.sort(a) table.sort(b, function(x, y) return x > y end)
      for i = 1, n do
        sum = sum - a[i]
        assert(b[i] == a[n + 1 - i] and (i == 1 or a[i - 1] <= a[i]))
      end
      assert(sum == 0)
    end
    local log = {}
    local proxy = setmetatable({}, {__len = function() return 3 end, __index = function(_, i) return log[i] or -i end,
      __newindex = function(_, i, v) log[i] = v end})
    table.sort(proxy)
    print(proxy[1], proxy[2], proxy[3])
    print(select(2, pcall(table.sort, {1, "a", 2})):match "attempt to compare")
    print(pcall(table.sort, {3, 1, 2, 4, 5, 6}, function() return true end))
    print(pcall(table.sort, {1, 2}, 5))]]}), "-3\t-2\t-1\nattempt to compare\n" ..
    "false\tinvalid order function for sorting\nfalse\tbad argument #2 to 'table.sort' (function expected, got number)\n")
  t.eq("move and concat", select(2, run {"-e", [[
    local list = {1, 2, 3, 4, 5}
    print(table.concat(table.move(list, 1, 4, 2), ","), table.concat(table.move(list, 2, 5, 1), ","))
    print(#table.move(list, 1, 5, 3, {}), #table.move(list, 2, 1, 1))
    print(pcall(table.move, list, -1, math.maxinteger, 2))
    print(pcall(table.move, list, 1, 5, math.maxinteger))
    print(table.concat({}), table.concat({1, 2.5, "x"}, ", ", 2), table.concat({1, 2, 3}, "", 3, 2))
    print(pcall(table.concat, {1, {}, 3}))]]}), "1,1,2,3,4\t1,2,3,4,4\n7\t5\n" ..
    "false\tbad argument #3 to 'table.move' (too many elements to move)\n" ..
    "false\tbad argument #4 to 'table.move' (destination wrap around)\n" ..
    "\t2.5, x\t\nfalse\tinvalid value (table) at index 2 in table for 'concat'\n")
end

return function(t)
  if not outside.open(t) then return end
  test_interrupt(t)
  test_coroutines(t)
  test_functions(t)
  outside.close()
end
