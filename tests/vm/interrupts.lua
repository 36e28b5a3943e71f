-- interrupts.lua: Ctrl-C during work of the core, from outside: the program stops soon, nothing is torn,
-- and at the prompt all state is kept. cli.lua stops plain Lua code. Stock Lua has no signal handlers of
-- ours: there this file checks nothing.

local function quote(word) return "'" .. word:gsub("'", "'\\''") .. "'" end

local folder

local function path(name) return folder .. "/" .. name end

local function read(name)
  local f <close> = io.open(path(name))
  return f and f:read "a" or ""
end

local function write(name, text)
  local f <close> = assert(io.open(path(name), "w"))
  f:write(text)
end

local ready = "io.open(%q, 'w'):close() "

-- Runs shell lines with $program; `wait` waits for the program to say that it is in its loop, `stop`
-- sends the signal and notes the time, `done` waits for the end. Gives exit status, output, seconds.
local function shell(program, lines)
  os.remove(path "ready")
  write("run.sh", ([[
cd %s
program=%s
wait_ready() { i=0; while [ ! -e ready ] && [ $i -lt 1000 ]; do sleep 0.02; i=$((i + 1)); done; sleep 0.1; }
stop() { start=$(date +%%s%%N); kill -INT $pid; }
ended() { wait $pid; status=$?; kill $guard 2>/dev/null; echo $status $((($(date +%%s%%N) - start) / 1000000)) > result; }
guard() { { sleep 60; kill -KILL $pid; } >/dev/null 2>&1 & guard=$!; }
%s
]]):format(quote(folder), quote(program), lines))
  os.execute("bash " .. quote(path "run.sh") .. " 2> " .. quote(path "noise"))
  local status, milliseconds = read("result"):match "(%d+) (%d+)"
  return tonumber(status), read "out", (tonumber(milliseconds) or 60000) / 1000
end

local function run_script(program, code)
  write("script.lua", code:gsub("READY", (ready:format(path "ready"):gsub("%%", "%%%%"))))
  return shell(program, [["$program" script.lua > out 2>&1 & pid=$!; guard; wait_ready; stop; ended]])
end

-- Work that would go on for ever, or for minutes.
local endless = {
  products = "local x = tensor.randn(600, 600) READY while true do local y = x:matmul(x) end",
  ["a large product"] = "local x = tensor.randn(6000, 6000) READY while true do local y = x:matmul(x) end",
  ["one-element sums"] = "local x = tensor{1.5} READY while true do local y = x + x end",
  ["protected ops"] = "local x = tensor.randn(300, 300) READY while true do pcall(function() return x:exp():matmul(x) end) end",
  ["ops in coroutines"] = [[
    local x = tensor.randn(1000)
    local co = coroutine.wrap(function() while true do coroutine.yield(x:exp()) end end)
    READY while true do co() end]],
  convolutions = "local x, w = tensor.randn(32, 16, 64, 64), tensor.randn(32, 16, 3, 3) READY while true do tensor.conv2d(x, w) end",
  ["backward of a long chain"] = [[
    local x = tensor({1.5}, {requires_grad = true})
    local y = x
    for i = 1, 50000 do y = y + 1 end
    y = y:sum()
    READY while true do y:backward{retain_graph = true} end]],
  training = [[
    local net = nn.Sequential(nn.Linear(50, 100), nn.ReLU(), nn.Linear(100, 5))
    local opt = optim.Adam(net)
    local x, y = tensor.randn(64, 50), tensor.randint(1, 5, {64})
    READY while true do opt:zero_grad() net(x):cross_entropy(y):backward() opt:step() end]],
  ["writes in place"] = "local x = tensor.ones(1 << 22) READY while true do x:mul_(1.0001):sin_() end",
  ["comparing without end"] = "local x = tensor.ones(1):expand(1 << 36) READY local _ = x == tensor.ones(1):expand(1 << 36)",
  ["a list without end"] = "local x = tensor.ones(1):expand(1, 1 << 36) READY for i = 1, 1e9 do x[{1, {1, 1000000}}]:tolist() end",
  ["sorting by tensors"] = [[
    local list = {}
    for i = 1, 1000 do list[i] = tensor{i * 7919 % 1000} end
    READY while true do table.sort(list, function(a, b) return a[1] < b[1] end) end]],
  ["printing"] = "local x = tensor.randn(20, 20) READY while true do local s = tostring(x) end",
}

local function test_scripts(t, most)
  local names = {}
  for name in pairs(endless) do names[#names + 1] = name end
  table.sort(names)
  for _, name in ipairs(names) do
    local status, out, seconds = run_script(t.host, endless[name])
    t.eq(name .. ": exit", status, 130)
    t.ok(name .. ": message", out:find("interrupted!", 1, true), out)
    t.ok(name .. ": stops", seconds < most, seconds .. " s")
  end
end

-- What a pcall sees after the interruption: training goes on with the bits of an undisturbed run.
local function test_nothing_torn(t)
  local status, out = run_script(t.host, [[
    local net = nn.Sequential(nn.Linear(20, 30), nn.Tanh(), nn.Linear(30, 4))
    local x, y = tensor.randn(16, 20), tensor.randint(1, 4, {16})
    local function hash()
      local list = {}
      for _, p in net:named_parameters() do list[#list + 1] = p:detach() end
      return tensor.hash(list)
    end
    local opt = optim.Adam(net)
    local seen = {} -- every state that whole steps can reach
    local function step()
      opt:zero_grad()
      net(x):cross_entropy(y):backward()
      opt:step()
    end
    local w = tensor({2, 3}, {requires_grad = true})
    w:sum():backward()
    READY
    local count = 0
    local done, message = pcall(function() while true do step() count = count + 1 end end)
    local torn = hash()
    -- the same number of steps again, and one more
    tensor.manual_seed(1)
    net = nn.Sequential(nn.Linear(20, 30), nn.Tanh(), nn.Linear(30, 4))
    x, y = tensor.randn(16, 20), tensor.randint(1, 4, {16})
    opt = optim.Adam(net)
    for _ = 1, count do step() end
    local before = hash()
    step()
    print(done, message:match "interrupted", torn == before or torn == hash(), w.grad[1])
    os.exit(torn == before or torn == hash())]])
  t.eq("training is not torn: exit", status, 0)
  t.eq("training is not torn", out, "false\tinterrupted\ttrue\t1.0\n")
end

-- A session through a pipe: the entry that is stopped leaves everything as it was.
local function test_prompt(t, most)
  local entries = {
    "x = tensor({1, 2}, {requires_grad = true}) z = 41",
    "y = x for i = 1, 20000 do y = y + 1 end y = y:sum()",
    (ready:format(path "ready")) .. " while true do pcall(y.backward, y, {retain_graph = true}) end",
    "print('kept', z + 1, x, #tensor.ones(3))",
    "w = tensor({1, 2}, {requires_grad = true}); (w * w):sum():backward() print(w.grad)",
    "tensor.no_grad(function() print((x * 2).requires_grad) end) print((x * 2).requires_grad)",
  }
  write("before", table.concat(entries, "\n", 1, 3) .. "\n")
  write("after", table.concat(entries, "\n", 4) .. "\n")
  local status, out, seconds = shell(t.host, [[
rm -f pipe; mkfifo pipe
"$program" -i < pipe > out 2>&1 & pid=$!; guard
exec 3> pipe; cat before >&3; wait_ready; stop; cat after >&3; exec 3>&-; ended]])
  t.eq("the prompt: exit", status, 0)
  t.ok("the prompt: stopped", out:find("error: interrupted!", 1, true), out)
  t.ok("the prompt: state is kept", out:find("kept\t42\tfloat32 [2] requires_grad\n  1.0  2.0\t3", 1, true), out)
  t.ok("the prompt: gradients go on", out:find("float32 [2]\n  2.0  4.0", 1, true), out)
  t.ok("the prompt: recording goes on", out:find("\nfalse\ntrue\n", 1, true), out)
  t.ok("the prompt: soon", seconds < most, seconds .. " s")
end

return function(t)
  if not package.preload.lunette then return end -- stock Lua
  folder = os.tmpname()
  os.remove(folder)
  assert(os.execute("mkdir " .. quote(folder)))
  if not t.host:find "^/" then
    local pipe = io.popen "pwd"
    t = setmetatable({ host = pipe:read "l" .. "/" .. t.host }, { __index = t })
    pipe:close()
  end
  local maps <close> = io.open "/proc/self/maps"
  local most = maps and maps:read "a":find("libasan", 1, true) and 10 or 2
  -- a machine with more work than processors gives each its turn later
  local load <close> = io.open "/proc/loadavg"
  most = most * math.max(1, load and load:read "n" or 1)
  test_scripts(t, most)
  test_nothing_torn(t)
  test_prompt(t, most)
  os.execute("rm -rf " .. quote(folder))
end
