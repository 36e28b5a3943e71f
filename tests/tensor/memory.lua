-- memory.lua: memory stays bounded, though Lua sees 40 bytes of each tensor: in loops of temporaries,
-- in every mode of the collector, in coroutines, with finalizers that use tensors themselves.
-- Peaks are measured in processes of their own. LUNETTE_FULL=1 makes the loops longer.

local lunette, core = require "lunette", require "lunette.core"
local tensor, nn, optim = lunette.tensor, lunette.nn, lunette.optim

local full = os.getenv "LUNETTE_FULL"

-- Then only that nothing fails is tested.
local sanitized = require "tests.support.sanitized"

local prelude = [[
local tensor = require("lunette").tensor
local function kilobytes(what)
  local f <close> = io.open "/proc/self/status"
  return tonumber(f:read("a"):match(what .. ":%s*(%d+)"))
end
]]

-- Runs a program in a process of its own; it returns numbers.
local function run(t, program)
  local path = os.tmpname()
  local f = assert(io.open(path, "w"))
  f:write(prelude, "io.write(table.concat({(function() ", program, " end)()}, ' '))\n")
  f:close()
  local pipe = assert(io.popen(("'%s' %s 2>&1"):format(t.host, path)))
  local out = pipe:read "a"
  pipe:close()
  os.remove(path)
  local numbers = {}
  for word in out:gmatch "%S+" do numbers[#numbers + 1] = tonumber(word) end
  if not t.ok("the program runs", #numbers > 0, out) then return 0, 0 end
  return table.unpack(numbers)
end

-- ---- loops ---------------------------------------------------------------------------------------------

local modes = {
  { "incremental", "collectgarbage 'incremental'" },
  { "generational", "collectgarbage 'generational'" },
  { "stopped", "collectgarbage 'stop'" },
}

local function test_large_temporaries(t)
  local empty, computed = full and 100000 or 20000, full and 100000 or 1500
  if sanitized then empty, computed = 200, 100 end
  for _, mode in ipairs(modes) do
    local peak = run(t, ("%s for _ = 1, %d do local x = tensor.empty(1 << 18) end local x = tensor.zeros(1 << 18) "
      .. "for _ = 1, %d do local y = x + 1 end return kilobytes 'VmHWM'"):format(mode[2], empty, computed))
    t.ok("temporaries of 1 MB, " .. mode[1], sanitized or peak < 200000, peak .. " kB")
  end
end

local function test_small_ops(t)
  local n = sanitized and 20000 or full and 20000000 or 1000000
  for _, mode in ipairs(modes) do
    local first, last = run(t, ("%s local x = tensor{1.5} local function go(n) for _ = 1, n do local y = x + x end end "
      .. "go(%d) local first = kilobytes 'VmRSS' go(%d) return first, kilobytes 'VmRSS'"):format(mode[2], n // 5, n))
    t.ok("one-element sums, " .. mode[1], sanitized or last - first < 5000, ("%d kB, then %d"):format(first, last))
  end
  local first, last = run(t, ([[
    local x = tensor({1.5}, {requires_grad = true})
    local function go(n)
      for _ = 1, n do
        local co = coroutine.wrap(function()
          local y = x * 2
          coroutine.yield(y)
          return y
        end)
        co()
      end
    end
    go(%d) local first = kilobytes 'VmRSS' go(%d) return first, kilobytes 'VmRSS']]):format(n // 50, n // 10))
  t.ok("in coroutines that never end", sanitized or last - first < 5000, ("%d kB, then %d"):format(first, last))
  first, last = run(t, ([[
    local function go(n)
      for _ = 1, n do
        local w = tensor({1.5}, {requires_grad = true})
        local ring = {w}
        ring.ring = ring
        local y = (w * w):sum()
        y:backward()
        ring.y, ring.g = y, w.grad
      end
    end
    go(%d) local first = kilobytes 'VmRSS' go(%d) return first, kilobytes 'VmRSS']]):format(n // 50, n // 10))
  t.ok("in rings, with gradients", sanitized or last - first < 5000, ("%d kB, then %d"):format(first, last))
end

-- ---- counts --------------------------------------------------------------------------------------------

local function live()
  collectgarbage()
  collectgarbage()
  local m = tensor.memory()
  return m.handles, m.tensors, m.bytes
end

local function test_baseline(t)
  local function work()
    local x = tensor({ 1, 2, 3 }, { requires_grad = true })
    local y = x:exp():view(3, 1) * x
    y:sum():backward()
    local parts, kept = y:split(1), tensor.cat { x, x.grad }
    pcall(function() return y + tensor.ones(5) end)
    pcall(function() return tensor.zeros(1 << 50) end)
    pcall(y.backward, y)
    for _, row in ipairs(y) do kept[1] = row:sum():item() end
    return #parts, tensor.no_grad(function() return x:detach():mul_(2) end), x[tensor { 1, 3 }]
  end
  work()
  local handles, tensors, bytes = live()
  for _ = 1, 10 do work() end
  local handles2, tensors2, bytes2 = live()
  t.eq("handles", handles2, handles)
  t.eq("tensors", tensors2, tensors)
  t.eq("bytes", bytes2, bytes)
end

-- In steady state a training step asks the system for nothing.
local function test_steady_state(t)
  tensor.manual_seed(1)
  local net = nn.Sequential(nn.Conv2d(1, 8, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(8 * 49, 10))
  local opt = optim.Adam(net, { lr = 0.001 })
  local x, y = tensor.randn(32, 1, 16, 16), tensor.randint(1, 10, { 32 })
  local function steps(n)
    for _ = 1, n do
      opt:zero_grad()
      net(x):cross_entropy(y):backward()
      opt:step()
    end
    return tensor.memory().allocations
  end
  local before = steps(200)
  local after = steps(200)
  t.ok("a training step asks the system for nothing", sanitized or after == before, after - before .. " allocations in 200 steps")
end

-- So does one whose tensors need more than the cache keeps for nothing; between entries of the prompt
-- they go back.
local function test_large_steps(t)
  local function step()
    local kept = {}
    for i = 1, 40 do kept[i] = tensor.empty(4 << 20) end -- 640 MB, never touched
    return #kept
  end
  step()
  collectgarbage()
  local before = tensor.memory()
  step()
  local after = tensor.memory()
  t.ok("a large step asks the system for nothing", sanitized or after.allocations == before.allocations,
      after.allocations - before.allocations .. " allocations")
  collectgarbage()
  core.rest()
  t.ok("between entries the cache is small", tensor.memory().cached < 300 << 20, tensor.memory().cached >> 20)
end

-- ---- finalizers ------------------------------------------------------------------------------------------

-- Any allocation of Lua's may run a finalizer, and a finalizer may use tensors.
local function test_finalizers(t)
  local ran, x = 0, tensor({ 1, 2, 3 }, { requires_grad = true })
  local outer = (x:exp() * x):sum()
  local function litter()
    for _ = 1, 5 do
      setmetatable({}, { __gc = function()
        ran = ran + 1
        local w = tensor({ 4, 5 }, { requires_grad = true })
        local y = tensor.cat { w * w, tensor.no_grad(function() return w + 1 end) }
        y[1] = 7
        y:sum():backward()
        pcall(function() return y + tensor.ones(3) end)
        pcall(outer.backward, outer, { retain_graph = true })
        x.grad = nil
        if ran % 3 == 0 then error "in a finalizer" end
      end })
    end
  end
  local good = true
  for i = 1, 300 do
    litter()
    if i % 10 == 0 then collectgarbage() end
    local a = tensor({ { i, 2 }, { 3, 4 } }, { requires_grad = true })
    local parts = (a * 2):split(1, 2)
    local s = tensor.stack { parts[1], parts[2] }
    s:sum():backward()
    good = good and s[{ 1, 1, 1 }]:item() == 2 * i and a.grad == tensor { { 2, 2 }, { 2, 2 } }
    a.grad = nil
  end
  t.ok("finalizers ran", ran > 100)
  t.ok("and changed nothing", good)
end

-- ---- the limit --------------------------------------------------------------------------------------------

local function test_limit(t)
  local limit = tensor.memory_limit()
  collectgarbage()
  tensor.memory_limit(tensor.memory().bytes + (40 << 20))
  t.raises("over the limit",
      "out of memory: 64.0 MB more do not fit beside .* in use under the limit of .* MB; "
    .. "free tensors or raise tensor.memory_limit", tensor.zeros, 1 << 24)
  local good = pcall(function()
    for _ = 1, 100 do tensor.zeros(1 << 20) end -- 4 MB each: garbage is found in time
  end)
  t.ok("garbage makes room", good)
  local kept = {}
  good = pcall(function()
    for i = 1, 100 do kept[i] = tensor.zeros(1 << 20) end
  end)
  t.ok("what is kept does not", not good and #kept >= 8 and #kept < 12, #kept .. " fitted")
  kept = nil
  t.ok("and is given back", kept == nil and pcall(tensor.zeros, 1 << 20))
  local small = {}
  good = pcall(function()
    for i = 1, 1 << 20 do small[i] = tensor.ones(3) end
  end)
  t.ok("many small tensors fill it as well", not good and #small > 50000, #small .. " fitted")
  for i = #small, 1, -1 do
    if i % 1000 > 0 then small[i] = false end
  end
  t.ok("and give their place to a large one", pcall(tensor.zeros, 7 << 20))
  tensor.memory_limit(limit)
  t.eq("the limit is back", tensor.memory_limit(), limit)
end

return function(t)
  test_large_temporaries(t)
  test_small_ops(t)
  test_baseline(t)
  test_steady_state(t)
  test_large_steps(t)
  test_finalizers(t)
  test_limit(t)
end
