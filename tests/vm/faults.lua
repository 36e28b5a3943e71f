-- faults.lua: allocations fail one by one through training steps: the nth only, or all from the nth on;
-- the core's alone, or Lua's own too. A step must raise an error or succeed, leave its model either as
-- it was or a whole step on, lose no memory, and work again afterwards.
-- By default a sample of positions; all of them with LUNETTE_FULL=1.

local lunette = require "lunette"
local core = require "lunette.core"
local testing = require "tests.support.testing"
local tensor, nn, optim = lunette.tensor, lunette.nn, lunette.optim
local fail_at, fail_lua_too = testing.fail_at, testing.fail_lua_too

local full = os.getenv "LUNETTE_FULL"

-- ---- models: {net, opt, step} -------------------------------------------------------------------------

local function ramp(...)
  local x = tensor.zeros(...)
  return tensor.arange(x:numel()):float():reshape(x.shape):mul(0.37):sin()
end

local function train(net, opt, loss)
  opt:zero_grad()
  loss(net):backward()
  opt:step()
end

local models = {}

function models.images()
  local net = nn.Sequential(nn.Conv2d(1, 4, 3, { padding = 1 }), nn.BatchNorm2d(4), nn.ReLU(), nn.MaxPool2d(2),
    nn.Dropout(0.25), nn.Conv2d(4, 3, 3, { bias = false }), nn.Flatten(), nn.Linear(12, 5))
  local x, y = ramp(4, 1, 8, 8), tensor { 1, 5, 3, 2 }
  local opt = optim.Adam(net, { lr = 0.01 })
  return { net = net, opt = opt, step = function() train(net, opt, function(f) return f(x):cross_entropy(y) end) end }
end

function models.words()
  local net = nn.class "Words"
  function net:init()
    self.embed, self.lstm = nn.Embedding(9, 6), nn.LSTM(6, 5)
    self.norm, self.head = nn.LayerNorm(5), nn.Linear(5, 9)
  end
  function net:forward(x) return self.head(self.norm((self.lstm(self.embed(x))))) end
  local it = net()
  local opt = optim.SGD(it, { lr = 0.1, momentum = 0.9 })
  local x, y = tensor { { 1, 2, 3, 4 }, { 9, 8, 7, 6 } }, tensor { { 2, 3, 4, 5 }, { 8, 7, 6, 5 } }
  return { net = it, opt = opt, step = function()
    train(it, opt, function(f)
      return f(x):flatten(1, 2):cross_entropy(y:flatten())
    end)
    tensor.no_grad(function() return it(x):argmax(-1) end)
  end }
end

-- Views, writes in place, indices, lists of tensors, a scope, a gradient of a gradient.
function models.mixed()
  local net = nn.Sequential(nn.Linear(4, 4), nn.Tanh())
  local opt = optim.AdamW(net, { lr = 0.01 })
  local x = ramp(6, 4):requires_grad_()
  local function loss(f)
    local h = f(x) * 1
    h[{ { 1, 2 } }]:mul_(2)
    h[tensor { 3, 4 }] = h[tensor { 5, 6 }] * 0.5
    h[h:gt(0.5)] = 0.5
    local parts = h:split(2, 2)
    local joined = tensor.cat { parts[2], parts[1]:sin(), tensor.stack { h[1], h[2] }:view(4, 2) }
    local penalty = tensor.grad((joined * joined):sum(), x, { create_graph = true, retain_graph = true })
    return joined:exp():mean() + (penalty * penalty):sum()
  end
  return { net = net, opt = opt, step = function()
    local _ <close> = tensor.scope()
    train(net, opt, loss)
  end }
end

-- All that a step should change, as text.
local function state_of(m)
  local list, steps = {}, {}
  for _, p in m.net:named_parameters() do
    list[#list + 1] = p:detach()
    local state = m.opt.state[p]
    steps[#steps + 1] = state and state.step or 0
    for _, name in ipairs { "exp_avg", "exp_avg_sq", "momentum_buffer" } do
      if state and state[name] then list[#list + 1] = state[name] end
    end
  end
  return tensor.hash(list) .. " " .. table.concat(steps, " ")
end

-- ---- failing -------------------------------------------------------------------------------------------

local function step(m)
  tensor.manual_seed(3)
  m.step()
end

local function made(make, warm)
  tensor.manual_seed(2)
  local m = make()
  if warm then step(m) end
  return m
end

-- One step of m with failures: did it work, its error, how many allocations it saw.
local function disturbed(m, nth, forever, lua_too)
  collectgarbage()
  fail_lua_too(lua_too)
  fail_at(nth, forever)
  local done, message = pcall(step, m)
  local seen = fail_at(0)
  fail_lua_too(false)
  return done, message, seen
end

local function check_one(t, name, make, warm, want, nth, forever, lua_too)
  local m = made(make, warm)
  local before = state_of(m)
  local done, message = disturbed(m, nth, forever, lua_too)
  name = ("%s, allocation %d%s%s"):format(name, nth, forever and " and all after it" or "", lua_too and ", Lua's too" or "")
  local after = state_of(m)
  if done then return t.eq(name .. ": a whole step", after, want), done end
  local text = tostring(message)
  local good = t.ok(name .. ": an error that says so", text:find "out of memory" or text:find "not enough memory", text)
  if warm then good = good and t.ok(name .. ": nothing torn", after == before or after == want) end
  if after ~= want then
    local again, problem = pcall(step, m)
    good = good and t.ok(name .. ": works again", again, tostring(problem)) and t.eq(name .. ": the same bits", state_of(m), want)
  end
  return good, done
end

local function undisturbed(make, warm)
  local m = made(make, warm)
  step(m)
  return state_of(m)
end

local function settled()
  collectgarbage()
  collectgarbage()
  local m = tensor.memory()
  return m.tensors, m.bytes, m.handles
end

local function check_model(t, name, make)
  for _, warm in ipairs { false, true } do
    local want = undisturbed(make, warm)
    for _, lua_too in ipairs { false, true } do
      local _, _, count = disturbed(made(make, warm), 0, false, lua_too)
      t.ok(name .. ": there are allocations", count > 20)
      local stride = full and 1 or math.max(1, count // (lua_too and 60 or 40))
      for _, forever in ipairs { false, true } do
        check_one(t, name, make, warm, want, 1, forever, lua_too)
        local tensors, bytes, handles = settled()
        local failures = 0
        for nth = 2, count + 5, stride do
          local good, done = check_one(t, name, make, warm, want, nth, forever, lua_too)
          if not good then return end
          if not done then failures = failures + 1 end
        end
        t.ok(name .. ": most failures are noticed", lua_too or failures > (full and 20 or 10), failures .. " were")
        local tensors2, bytes2, handles2 = settled()
        t.eq(name .. ": no tensor is lost", tensors2, tensors)
        t.eq(name .. ": no byte is lost", bytes2, bytes)
        t.eq(name .. ": no handle is lost", handles2, handles)
      end
    end
  end
end

-- An op that an allocation stopped leaves nothing behind in the profile; new gradients are summed with old
-- ones outside of any op of the user's.
local function check_profile(t)
  local x = tensor.ones(3):requires_grad_()
  core.profile(true)
  local failures = 0
  for nth = 1, 60 do
    (x * 2):sum():backward()
    local y = (x * x):sum()
    fail_at(nth)
    if not pcall(y.backward, y, { create_graph = true }) then failures = failures + 1 end
    fail_at(0)
    x.grad = nil
    tensor.exp(tensor.ones(2))
  end
  local ops = core.profile(false)
  t.ok("profile: backward failed", failures > 10, failures)
  local sum = 0
  for _, op in ipairs(ops) do
    t.ok("profile: time of " .. op[1], op[3] >= 0 and op[3] < 100, op[3])
    sum = sum + op[2]
  end
  t.ok("profile: ops were counted", sum > 60)
end

return function(t)
  check_profile(t)
  for _, name in ipairs { "images", "words", "mixed" } do check_model(t, name, models[name]) end
end
