-- optim_rules.lua: tests of every optimizer's rule: one number at a time in plain Lua, from the papers;
-- the same bits after a saved state; the same bits for any number of threads.

local lunette = require "lunette"
local tensor, optim = lunette.tensor, lunette.optim

-- A rule takes the options, the number p, its gradient g, the step from 1 and a table of its own; it
-- gives the new p.
local rules = {}

function rules.SGD(o, p, g, step, s)
  local m = o.momentum or 0
  s.b = step == 1 and g or m * s.b + (1 - (o.dampening or 0)) * g
  if m == 0 then return p - o.lr * g end
  return p - o.lr * (o.nesterov and g + m * s.b or s.b)
end

-- Both running means; the first corrected for its start.
local function moments(o, g, step, s)
  local b1, b2 = table.unpack(o.betas or {0.9, 0.999})
  s.m, s.v = b1 * (s.m or 0) + (1 - b1) * g, b2 * (s.v or 0) + (1 - b2) * g * g
  return s.m / (1 - b1 ^ step), s.v / (1 - b2 ^ step), b1, b2
end

function rules.Adam(o, p, g, step, s)
  local m, v, _, b2 = moments(o, g, step, s)
  if o.amsgrad then
    s.top = math.max(s.top or 0, s.v)
    v = s.top / (1 - b2 ^ step)
  end
  return p - o.lr * m / (math.sqrt(v) + (o.eps or 1e-8))
end

function rules.AdamW(o, p, g, step, s)
  return rules.Adam(o, p - o.lr * (o.decoupled or 0.01) * p, g, step, s)
end

function rules.Adamax(o, p, g, step, s)
  local m, _, _, b2 = moments(o, g, step, s)
  s.u = math.max(b2 * (s.u or 0), math.abs(g) + 1e-8)
  return p - o.lr * m / s.u
end

function rules.NAdam(o, p, g, step, s)
  local _, v, b1 = moments(o, g, step, s)
  local function mu(t) return b1 * (1 - 0.5 * 0.96 ^ (t * 0.004)) end
  s.product = (s.product or 1) * mu(step)
  local ahead = s.product * mu(step) * mu(step + 1) -- mu twice, as in PyTorch 1.13
  return p - o.lr * ((1 - mu(step)) * g / (1 - s.product) + mu(step + 1) * s.m / (1 - ahead))
    / (math.sqrt(v) + 1e-8)
end

function rules.RAdam(o, p, g, step, s)
  local m, _, _, b2 = moments(o, g, step, s)
  local most = 2 / (1 - b2) - 1
  local length = most - 2 * step * b2 ^ step / (1 - b2 ^ step)
  if length <= 5 then return p - o.lr * m end
  local r = math.sqrt((length - 4) * (length - 2) * most / ((most - 4) * (most - 2) * length))
  return p - o.lr * m * r * math.sqrt(1 - b2 ^ step) / (math.sqrt(s.v) + 1e-8)
end

function rules.RMSprop(o, p, g, _, s)
  local a = o.alpha or 0.99
  s.v = a * (s.v or 0) + (1 - a) * g * g
  s.m = a * (s.m or 0) + (1 - a) * g
  local move = g / (math.sqrt(s.v - (o.centered and s.m * s.m or 0)) + 1e-8)
  s.b = (o.momentum or 0) * (s.b or 0) + move
  return p - o.lr * s.b
end

function rules.Adagrad(o, p, g, step, s)
  s.sum = (s.sum or o.initial_accumulator_value or 0) + g * g
  return p - o.lr / (1 + (step - 1) * (o.lr_decay or 0)) * g / (math.sqrt(s.sum) + 1e-10)
end

function rules.Adadelta(o, p, g, _, s)
  local rho = o.rho or 0.9
  s.v = rho * (s.v or 0) + (1 - rho) * g * g
  local move = math.sqrt((s.u or 0) + 1e-6) / math.sqrt(s.v + 1e-6) * g
  s.u = rho * (s.u or 0) + (1 - rho) * move * move
  return p - o.lr * move
end

function rules.Rprop(o, p, g, _, s)
  local agreed = g * (s.last or 0)
  local factor = agreed > 0 and 1.2 or agreed < 0 and 0.5 or 1
  s.size = math.min(50, math.max(1e-6, (s.size or o.lr) * factor))
  if agreed < 0 then g = 0 end
  s.last = g
  return g > 0 and p - s.size or g < 0 and p + s.size or p
end

function rules.ASGD(o, p, g, step, s)
  local lambd = o.lambd or 1e-4
  local eta = step == 1 and o.lr or o.lr / (1 + lambd * o.lr * (step - 1)) ^ 0.75
  p = p * (1 - lambd * eta) - eta * g
  local mu = 1 / math.max(1, step - 1 - (o.t0 or 1e6))
  s.mean = (s.mean or 0) + (p - (s.mean or 0)) * mu
  return p
end

-- Class and options of each case; decay and maximize are taken off before the rule.
local cases = {
  {"SGD", {lr = 0.1}}, {"SGD", {lr = 0.1, momentum = 0.9, weight_decay = 0.1, maximize = true}},
  {"SGD", {lr = 0.1, momentum = 0.5, dampening = 0.3}}, {"SGD", {lr = 0.05, momentum = 0.9, nesterov = true}},
  {"Adam", {lr = 0.1}}, {"Adam", {lr = 0.1, betas = {0.5, 0.8}, eps = 1e-2, weight_decay = 0.1}},
  {"Adam", {lr = 0.1, amsgrad = true, betas = {0.5, 0.6}, maximize = true}},
  {"AdamW", {lr = 0.1}}, {"AdamW", {lr = 0.1, amsgrad = true}},
  {"Adamax", {lr = 0.1}}, {"Adamax", {lr = 0.1, betas = {0.5, 0.8}, weight_decay = 0.2, maximize = true}},
  {"NAdam", {lr = 0.1}}, {"NAdam", {lr = 0.1, betas = {0.8, 0.9}, weight_decay = 0.1}},
  {"RAdam", {lr = 0.1}}, {"RAdam", {lr = 0.1, betas = {0.8, 0.9}, weight_decay = 0.1}},
  {"RMSprop", {lr = 0.1}}, {"RMSprop", {lr = 0.1, alpha = 0.5, weight_decay = 0.1, maximize = true}},
  {"RMSprop", {lr = 0.1, centered = true}}, {"RMSprop", {lr = 0.1, momentum = 0.8}},
  {"RMSprop", {lr = 0.1, centered = true, momentum = 0.8}},
  {"Adagrad", {lr = 0.1}},
  {"Adagrad", {lr = 0.1, lr_decay = 0.1, initial_accumulator_value = 0.5, weight_decay = 0.1, maximize = true}},
  {"Adadelta", {lr = 1.0}}, {"Adadelta", {lr = 0.5, rho = 0.5, weight_decay = 0.1, maximize = true}},
  {"Rprop", {lr = 0.1}}, {"Rprop", {lr = 0.1, maximize = true}},
  {"ASGD", {lr = 0.1}}, {"ASGD", {lr = 0.1, lambd = 0.1, t0 = 3, weight_decay = 0.1, maximize = true}},
}

local STEPS, N = 12, 37

-- Gradients that change their sign now and then.
local function slope(i, step) return math.sin(i * 1.3 + step * (0.2 + i % 5 * 0.3)) * (1 + i % 3) end

local function plain(name, o)
  local out, decay = {}, o.weight_decay or 0
  for i = 1, N do
    local p, s = math.cos(i), {}
    for step = 1, STEPS do
      local g = (o.maximize and -1 or 1) * slope(i, step)
      p = rules[name](o, p, g + decay * p, step, s)
    end
    out[i] = p
  end
  return out
end

local function start(dtype)
  local p = {}
  for i = 1, N do p[i] = math.cos(i) end
  return tensor(p, {dtype = dtype}):requires_grad_()
end

local function steps(opt, p, from, to)
  for step = from, to do
    local g = {}
    for i = 1, N do g[i] = slope(i, step) end
    p.grad = tensor(g, {dtype = p.dtype})
    opt:step()
  end
end

local function farthest(p, want)
  local worst = 0
  for i, x in ipairs(p:detach():tolist()) do worst = math.max(worst, math.abs(x - want[i])) end
  return worst
end

local function test_rules(t)
  for k, case in ipairs(cases) do
    local name, o = table.unpack(case)
    local want = plain(name, o)
    -- eta, mu and the product of momenta are single numbers: see asgd.lua, nadam.lua
    for dtype, most in next, {float64 = name == "ASGD" and 1e-7 or 1e-10, float32 = 2e-4} do
      local p = start(dtype)
      steps(optim[name]({p}, o), p, 1, STEPS)
      local far = farthest(p, want)
      t.ok(("%s (%d) in %s"):format(name, k, dtype), far <= most, ("differs by %g"):format(far))
    end
  end
end

-- Twenty steps are ten, a state saved and loaded, and ten more.
local function test_states(t)
  for k, case in ipairs(cases) do
    local name, o = table.unpack(case)
    local p, q = start "float32", start "float32"
    local whole = optim[name]({p}, o)
    steps(whole, p, 1, 20)
    local first = optim[name]({q}, o)
    steps(first, q, 1, 10)
    local r = q:detach():clone():requires_grad_()
    local second = optim[name]({r}, {lr = 7}):load_state_dict(first:state_dict())
    steps(second, r, 11, 20)
    t.ok(("%s (%d) goes on with the same bits"):format(name, k), p:detach() == r:detach())
  end
end

-- The same through files, with a schedule.
local function test_files(t)
  local path = os.tmpname()
  os.remove(path)
  path = path .. ".safetensors"
  local S = optim.lr_scheduler
  for _, name in ipairs {"SGD", "NAdam", "RMSprop", "ASGD"} do
    local p = start "float32"
    local opt = optim[name]({{params = p, lr = 0.05}}, {momentum = name == "RMSprop" and 0.5 or nil})
    local schedule = S.CyclicLR(opt, 0.01, 0.1, {step_size_up = 7, cycle_momentum = false})
    steps(opt, p, 1, 10)
    schedule:step()
    opt:save(path, schedule)
    local q = p:detach():clone():requires_grad_()
    local other = optim[name]({q}, {lr = 1})
    local again = S.CyclicLR(other, 0.01, 0.1, {step_size_up = 7, cycle_momentum = false})
    other:load(path, again)
    for k = 11, 20 do
      steps(opt, p, k, k)
      steps(other, q, k, k)
      schedule:step()
      again:step()
    end
    t.ok(name .. " goes on from a file with the same bits", p:detach() == q:detach())
    t.raises(name .. " in another", "is of the optimizer " .. name .. "; this is Adam$",
      function() optim.Adam({q}):load(path) end)
  end
  tensor.save(path, {a = tensor {1}})
  t.raises("no optimizer's file", "is no file of an optimizer; this is Adam",
    function() optim.Adam({start "float32"}):load(path) end)
  optim.Adam({start "float32"}):save(path)
  t.eq("before the first step", next(optim.Adam({start "float32"}):load(path).state), nil)
  t.raises("no schedule", "holds no schedule", function()
    local opt = optim.Adam({start "float32"})
    opt:load(path, S.StepLR(opt, 1))
  end)
  os.remove(path)
end

local function test_average(t)
  local net = lunette.nn.Linear(2, 1, {bias = false})
  local all, running = optim.AveragedWeights(net), optim.AveragedWeights(net, {decay = 0.75})
  t.raises("nothing taken in", "nothing was taken in yet; average:update%(%) after each step", function() all:store() end)
  for k = 1, 4 do
    tensor.no_grad(function() net.weight:fill_(k * k) end)
    all:update()
    running:update()
  end
  local function first() return net.weight[{1, 1}]:item() end
  t.near("the mean", all:with(first), (1 + 4 + 9 + 16) / 4, 1e-6)
  t.near("the own weights again", first(), 16, 0)
  t.raises("an error within", "oh", function() all:with(error, "oh") end)
  t.near("and after an error", first(), 16, 0)
  running:store()
  t.near("a running mean", first(), 0.75 * (0.75 * (0.75 * 1 + 0.25 * 4) + 0.25 * 9) + 0.25 * 16, 1e-6)
  t.raises("no model", "its first argument is a number; the model is wanted", function() optim.AveragedWeights(3) end)
end

local function test_threads(t)
  local before = tensor.get_num_threads()
  for k, case in ipairs(cases) do
    local hashes = {}
    for threads = 1, 3 do
      tensor.set_num_threads(threads)
      tensor.manual_seed(4)
      local p, q = tensor.randn(70001):requires_grad_(), tensor.randn(3, 5):requires_grad_()
      local opt = optim[case[1]]({p, q}, case[2])
      for _ = 1, 3 do
        p.grad, q.grad = tensor.randn(70001), tensor.randn(3, 5)
        opt:step()
      end
      hashes[threads] = tensor.hash({p:detach(), q:detach()})
    end
    t.ok(("%s (%d) on 1, 2 and 3 threads"):format(case[1], k), hashes[1] == hashes[2] and hashes[1] == hashes[3])
  end
  tensor.set_num_threads(before)
end

-- The valley of Rosenbrock, whose bottom is at 1, 1.
local function rosenbrock(x) return (1 - x[1]) ^ 2 + 100 * (x[2] - x[1] ^ 2) ^ 2 end

local function test_lbfgs(t)
  local function minimise(o, turns)
    local x = tensor({-1.2, 1}, {dtype = "float64"}):requires_grad_()
    local opt = optim.LBFGS({x}, o)
    local function closure()
      opt:zero_grad()
      local loss = rosenbrock(x)
      loss:backward()
      return loss
    end
    for _ = 1, turns do opt:step(closure) end
    return x:detach(), opt, closure
  end
  local x, opt, closure = minimise({line_search_fn = "strong_wolfe", max_iter = 100, tolerance_change = 1e-14}, 1)
  t.ok("LBFGS finds the bottom of the valley", tensor.allclose(x, tensor {1.0, 1.0}:double(), 1e-6, 1e-6), tostring(x))
  t.ok("in a few dozen evaluations", opt.state[opt.param_groups[1].params[1]].func_evals < 80)
  t.near("step gives the loss", opt:step(closure):item(), 0, 1e-10)
  local whole = minimise({line_search_fn = "strong_wolfe", max_iter = 3}, 6)
  local half, first = minimise({line_search_fn = "strong_wolfe", max_iter = 3}, 3)
  local y = half:clone():requires_grad_()
  local second = optim.LBFGS({y}):load_state_dict(first:state_dict())
  for _ = 1, 3 do
    second:step(function()
      second:zero_grad()
      local loss = rosenbrock(y)
      loss:backward()
      return loss
    end)
  end
  t.ok("LBFGS goes on with the same bits", y:detach() == whole)
  t.raises("without a function", "LBFGS: step takes nothing, or a function", function() opt:step() end)
  t.raises("two groups", "takes one group of parameters only", function()
    optim.LBFGS({{params = tensor.ones(1):requires_grad_()}, {params = tensor.ones(1):requires_grad_()}})
  end)
end

return function(t)
  test_rules(t)
  test_states(t)
  test_files(t)
  test_average(t)
  test_threads(t)
  test_lbfgs(t)
end
