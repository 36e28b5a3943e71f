-- screen_interrupts.lua: Ctrl-C at the prompt, on a real screen: how soon the prompt is back, and the
-- prompt that opens inside of net:fit.

local tensor = require "lunette".tensor
local screen = dofile "tests/support/screen.lua"
local start, shows, keys, enter = screen.start, screen.shows, screen.keys, screen.enter

local endless = {
  {"a long product", "local a = tensor.randn(6000, 6000) while true do a:matmul(a) end", 1},
  {"a loop", "while true do end"},
  {"an endless coroutine", "coroutine.wrap(function() while true do end end)()"},
  {"a pcall loop", "while true do pcall(function() while true do end end) end"},
  {"a string pattern", "string.find(('a'):rep(1e6), '.-.-b')"},
  {"a match of cubic time", "string.rep('a', 30):find(('a*'):rep(30) .. 'b')"},
  {"a sort of 10 million", "local x = tensor.randn(10000000) while true do x:sort() end", 1},
  {"picking by a mask", "local x = tensor.randn(20000000) local m = x:gt(0) while true do local y = x[m] end", 1},
  {"writing by positions", [[local i = tensor.randint(1, 1000000, {10000000})
    local x = tensor.zeros(1000000) while true do x[i] = 1 end]], 1},
  {"a median", "local x = tensor.randn(20000000) while true do x:median() end", 1},
  {"distinct values", "local x = tensor.randint(1, 1000000, {10000000}) while true do x:unique() end", 1},
  {"zeros of 1 GB", "while true do tensor.zeros(250000000) end"},
  {"a table of 20 million", "local x = tensor.randn(20000000) while true do x:tolist() end", 1},
  {"a tensor of a table", "local t = {} for i = 1, 3000000 do t[i] = i end while true do tensor(t) end", 1},
  {"saving", "local x = tensor.randn(25000000) while true do tensor.save('x.npy', x) end", 1},
  {"sorting by Lua", [[local t = {} for i = 1, 1e6 do t[i] = i * 7919 % 1000003 end
    while true do table.sort(t, function(a, b) return a > b end) end]]},
  {"a pattern with a long set", "string.find(('a'):rep(1e6), '[' .. ('b'):rep(100000) .. ']-[c]')"},
  {"string.rep", "string.rep('', 1e12) while true do local s = string.rep('ab', 1e8, ',') end"},
  {"table.sort alone", "local t = {} for i = 1, 2e6 do t[i] = math.random() end while true do table.sort(t) end", 1},
  {"table.move", "table.move({}, 1, 1e12, 2)"},
  {"table.concat", "local t = {} for i = 1, 1e6 do t[i] = i end while true do table.concat(t, ',') end", 1},
  {"joining strings", "local s = ('x'):rep(1e7) while true do local t = s .. s .. s .. s end"},
  {"a metamethod", "return setmetatable({}, {__index = function() while true do end end}).x"},
  {"a message handler", "xpcall(function() while true do end end, function() while true do end end)"},
  {"a finalizer", "setmetatable({}, {__gc = function() while true do end end}) collectgarbage()"},
  {"writing long strings", "local s = ('x'):rep(2e8) while true do io.open('much', 'w'):write(s) end", 1},
  {"a pipe that nobody reads", "local p = io.popen('sleep 30', 'w') while true do p:write(('x'):rep(1e6)) end"},
  {"a program", "!sleep 30"},
  {"reading from a program", "io.popen('sleep 30'):read 'a'"},
  {"waiting for a line", "io.read()"},
  {"opening a pipe without a writer", "os.execute 'mkfifo waiting' io.open('waiting'):read()"},
  {"%timeit", "%timeit for i = 1, 1e9 do end"},
  {"a progress bar", "for i in progress(1e12) do end"},
}

-- A machine with more work than processors gives each its turn later; freeing what lay in a large table
-- takes a sanitizer five times as long.
local function load_factor()
  local load <close> = io.open "/proc/loadavg"
  return math.max(1, load and load:read "n" or 1) * (require "tests.support.sanitized" and 5 or 1)
end

-- Seconds that may pass: SOON in the best of TRIES, since others' work comes in between, MOST in all.
local SOON, MOST, TRIES = 0.1 * load_factor(), 2 * load_factor(), 8

-- Values in a row of the screen, which shows tabs as blanks.
local function row(values)
  local pattern = "\n" .. values:gsub("[%.()]", "%%%0"):gsub(" ", "%%s+") .. "\n"
  return function(text) return text:find(pattern) end
end

-- The entry is over: a new prompt stands below it.
local function is_ended(text) return text:find "\n>%s*$" ~= nil end

-- Seconds from the key until the screen has a new prompt.
local function time_of(test)
  local began = tensor.now()
  keys "C-c"
  while not test(screen.text()) do
    if tensor.now() - began > 10 then return 10 end
    os.execute "sleep 0.005"
  end
  return tensor.now() - began
end

local function test_latency(t)
  local slowest, name = 0, ""
  for _, case in ipairs(endless) do
    start(150, 30)
    local best, tries = math.huge, {}
    while best > SOON and #tries < TRIES do
      enter(case[2])
      os.execute("sleep " .. (case[3] or 0.3))
      local took = time_of(is_ended)
      tries[#tries + 1], best = ("%.3f s"):format(took), math.min(best, took)
    end
    if best > slowest then slowest, name = best, case[1] end
    t.ok("Ctrl-C stops " .. case[1], best < SOON, table.concat(tries, ", "))
    enter "6 * 7"
    shows(t, "the prompt after " .. case[1], "> 6 * 7\n42\n")
  end
  return slowest, name
end

local set_up = {
  "x, y = tensor.randn(60000, 20), tensor.randint(1, 4, {60000})",
  "function make() tensor.manual_seed(3) net = nn.Sequential(nn.Linear(20, 512), nn.Dropout(0.2), nn.Linear(512, 4)) end",
  "function hash() l = {} for _, p in net:named_parameters() do l[#l + 1] = p:detach() end return tensor.hash(l) end",
  "o = {epochs = 8, verbose = false}",
  "make() net:fit(x, y, o); undisturbed = hash()",
  "'ready'",
}

local function wait_for_mark() return screen.wait(function(s) return s:find "\nfit>%s*$" end) end

local begun = 0

-- Enters code that trains, and waits until it does.
local function enter_training(code)
  begun = begun + 1
  enter(("print('begun', %d) %s"):format(begun, code))
  screen.wait(row(("begun %d"):format(begun)), 60)
  os.execute "sleep 0.2"
end

-- Pausing and looking at things disturbs no bit.
local function test_pause(t)
  start(120, 70)
  for _, line in ipairs(set_up) do enter(line) end
  screen.wait("\nready", 60)
  enter_training "make() h = net:fit(x, y, o)"
  local took = time_of(function(text) return text:find "\nfit>%s*$" end)
  t.ok("Ctrl-C opens a prompt in fit", took < MOST, took .. " s")
  shows(t, "it says where", function(text) return text:find "fit: paused in epoch %d/8, after step" end)
  shows(t, "and what there is", "names: epoch history loss model optimizer out step x y")
  keys "C-c"
  keys "C-c"
  t.ok("a second Ctrl-C is no harm", wait_for_mark())
  enter "epoch, #x, out.shape[1], optimizer, history == net.history"
  shows(t, "the names of the place", function(s)
    return s:find "\n%d%s+32%s+32%s+Adam lr 0.001.-%s+true\n"
  end)
  enter "tensor.randn(5):sum() * 0"
  enter "net:predict(_G.x):shape()"
  enter "tensor.is_grad_enabled(), (net(x):sum() * 0):backward()"
  shows(t, "recording is on", "\ntrue\n")
  screen.type "optimi"
  keys "Tab"
  shows(t, "completion knows the names", "fit> optimizer")
  keys "C-u"
  enter "nobody"
  shows(t, "errors are reported", "nobody is not defined")
  enter "while true do end"
  os.execute "sleep 0.2"
  keys "C-c"
  shows(t, "Ctrl-C stops an entry there", "error: interrupted!")
  enter "mine = step"
  enter "continue"
  shows(t, "it goes on", function(s) return s:find "fit> continue\n>%s*$" end, 60)
  enter "hash() == undisturbed, mine > 0"
  shows(t, "to the same bits", row "true true")
  return took
end

local function test_stop(t)
  enter_training "o.epochs = 1000 h = net:fit(x, y, o)"
  keys "C-c"
  wait_for_mark()
  enter "optimizer:set_lr(1e-4)"
  shows(t, "the learning rate changes", "Adam lr 0.0001")
  keys "Up"
  shows(t, "one history for both", function(s)
    return select(2, s:gsub("fit> optimizer:set_lr%(1e%-4%)", "")) == 2
  end)
  keys "C-u"
  enter "stop"
  enter "#h.loss >= 1, #h.loss < 1000, h.loss[-1] > 0"
  shows(t, "stop gives the history so far", row "true true true")
  enter_training "net:fit(x, y, o)"
  keys "C-c"
  wait_for_mark()
  keys "C-d"
  os.execute "sleep 0.2"
  keys "C-c"
  t.ok("Ctrl-D goes on, and it pauses again", wait_for_mark())
  enter "stop"
  enter_training "while true do pcall(net.fit, net, x, y, o) end"
  keys "C-c"
  wait_for_mark()
  enter_training "net:fit(_G.x, _G.y, o)"
  keys "C-c"
  shows(t, "a fit inside of a paused one pauses too", function(s)
    return select(2, s:gsub("fit: paused", "")) == 6
  end)
  enter "stop"
  shows(t, "and stops alone", function(s) return s:find "fit> stop\nfit>%s*$" end)
  enter "abort"
  shows(t, "abort ends a loop around it", function(s) return s:find "interrupted!.*\n>%s*$" end)
  enter "o.epochs = 1 net:fit(x, y, o) print('trains on')"
  shows(t, "the session trains on", "\ntrains on\n", 60)
end

return function(t)
  if not screen.open(t) then return end
  local slowest, name = test_latency(t)
  local pause = test_pause(t)
  test_stop(t)
  print(("  from Ctrl-C to the prompt: %.0f ms at most (%s), %.0f ms in fit"):format(slowest * 1e3, name, pause * 1e3))
  screen.close()
end
