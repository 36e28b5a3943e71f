-- schedules.lua: tests of schedules of the learning rate, against closed forms: the rate after t steps in
-- terms of t alone, as the documentation of PyTorch states it.

local lunette = require "lunette"
local tensor, optim = lunette.tensor, lunette.optim
local S = optim.lr_scheduler

local function optimizer(kind)
  local a, b = tensor.zeros(1):requires_grad_(), tensor.zeros(1):requires_grad_()
  local usual = kind and {lr = 0.1} or {lr = 0.1, momentum = 0.9}
  return optim[kind or "SGD"]({{params = a}, {params = b, lr = 0.02}}, usual)
end

local function wave(t, n) return (1 + math.cos(math.pi * t / n)) / 2 end

-- Name, arguments after the optimizer, and the factor of the first rate after t steps.
local cases = {
  {"StepLR", {7, 0.5}, function(t) return 0.5 ^ (t // 7) end},
  {"MultiStepLR", {{3, 9, 9}}, function(t) return (t >= 3 and 0.1 or 1) * (t >= 9 and 0.01 or 1) end},
  {"ConstantLR", {0.25, 6}, function(t) return t < 6 and 0.25 or 1 end},
  {"ConstantLR", {0, 6}, function(t) return t < 6 and 0 or 1 end},
  {"LinearLR", {0.2, 0.9, 10}, function(t) return 0.2 + 0.7 * math.min(t, 10) / 10 end},
  {"LinearLR", {0, 1, 10}, function(t) return math.min(t, 10) / 10 end},
  {"ExponentialLR", {0.93}, function(t) return 0.93 ^ t end},
  {"PolynomialLR", {12, 2}, function(t) return (1 - math.min(t, 12) / 12) ^ 2 end},
  {"CosineAnnealingLR", {9}, function(t) return wave(t, 9) end},
  {"CosineAnnealingWarmRestarts", {5, 2}, function(t)
    if t < 5 then return wave(t, 5) elseif t < 15 then return wave(t - 5, 10) end
    return wave(t - 15, 20)
  end},
  {"LambdaLR", {function(t) return 1 / (1 + t) end}, function(t) return 1 / (1 + t) end},
  {"MultiplicativeLR", {function(t) return t / (1 + t) end}, function(t) return 1 / (1 + t) end},
}

local function test_rates(t)
  for k, case in ipairs(cases) do
    local name, arguments, factor = table.unpack(case)
    local opt = optimizer()
    local schedule = S[name](opt, table.unpack(arguments))
    local worst = 0
    for step = 0, 33 do
      for i, first in ipairs {0.1, 0.02} do
        worst = math.max(worst, math.abs(opt.param_groups[i].lr - first * factor(step)) / first)
        worst = math.max(worst, math.abs(schedule:get_last_lr()[i] - opt.param_groups[i].lr))
      end
      schedule:step()
    end
    t.ok(("%s (%d)"):format(name, k), worst < 1e-12, ("differs by %g"):format(worst))
  end
  local opt = optimizer()
  S.CosineAnnealingWarmRestarts(opt, 1, 2):step(1e300)
  t.ok("and far", opt.param_groups[1].lr >= 0 and opt.param_groups[1].lr <= 0.1)
  opt = optimizer()
  local waves = S.CosineAnnealingWarmRestarts(opt, 10)
  waves:step(12.5)
  t.ok("prints a fraction", tostring(waves):find("CosineAnnealingWarmRestarts T_0 10 (step 12.5, lr 0.0", 1, true))
  t.near("by fractions", opt.param_groups[1].lr, 0.1 * wave(2.5, 10), 1e-15)
end

-- Straight lines between corners {step, value}.
local function corners(list, step)
  for i = 2, #list do
    local a, b = list[i - 1], list[i]
    if step <= b[1] then return a[2] + (b[2] - a[2]) * (step - a[1]) / (b[1] - a[1]) end
  end
end

local function follows(t, name, opt, schedule, rate, momentum, steps)
  local worst = 0
  for step = 0, steps do
    local group = opt.param_groups[1]
    worst = math.max(worst, math.abs(group.lr - corners(rate, step)))
    worst = math.max(worst, math.abs((group.momentum or group.betas[1]) - corners(momentum, step)))
    if step < steps then schedule:step() end
  end
  t.ok(name, worst < 1e-14, ("differs by %g"):format(worst))
end

local function test_cycles(t)
  local opt = optimizer()
  local one = S.OneCycleLR(opt, {max_lr = 0.5, total_steps = 41, pct_start = 11 / 41, anneal_strategy = "linear"})
  follows(t, "one cycle", opt, one, {{0, 0.02}, {10, 0.5}, {40, 2e-6}}, {{0, 0.95}, {10, 0.85}, {40, 0.95}}, 40)
  opt = optimizer "Adam"
  one = S.OneCycleLR(opt, {max_lr = 0.5, epochs = 5, steps_per_epoch = 10, pct_start = 11 / 50,
    anneal_strategy = "linear", three_phase = true, div_factor = 5, final_div_factor = 10})
  follows(t, "in three phases, with betas", opt, one, {{0, 0.1}, {10, 0.5}, {20, 0.1}, {49, 0.01}},
    {{0, 0.95}, {10, 0.85}, {20, 0.95}, {49, 0.95}}, 49)
  one:step()
  t.raises("beyond its end", "OneCycleLR: step 51 of 50; total_steps is how many steps there are", function() one:step() end)
  opt = optimizer()
  local up = S.CyclicLR(opt, 0.01, 0.05, {step_size_up = 4, step_size_down = 2, mode = "triangular2"})
  follows(t, "cycles of half the height", opt, up, {{0, 0.01}, {4, 0.05}, {6, 0.01}, {10, 0.03}, {12, 0.01}},
    {{0, 0.9}, {4, 0.8}, {6, 0.9}, {10, 0.85}, {12, 0.9}}, 12)
  t.eq("meant for every batch", up.every, "step")
end

local function test_combined(t)
  local opt = optimizer()
  local warm, wave_down = S.LinearLR(opt, {start_factor = 0.1, total_iters = 5}), S.CosineAnnealingLR(opt, 20)
  local both = S.SequentialLR(opt, {warm, wave_down}, {5})
  local worst = 0
  for step = 0, 24 do
    local want = step < 5 and 0.1 + 0.9 * step / 5 or wave(step - 5, 20)
    worst = math.max(worst, math.abs(opt.param_groups[1].lr - 0.1 * want))
    both:step()
  end
  t.ok("one after the other", worst < 1e-15, ("differs by %g"):format(worst))
  opt = optimizer()
  local all = S.ChainedScheduler {S.ConstantLR(opt, 0.5, 3), S.ExponentialLR(opt, 0.9)}
  worst = 0
  for step = 0, 9 do
    worst = math.max(worst, math.abs(opt.param_groups[2].lr - 0.02 * (step < 3 and 0.5 or 1) * 0.9 ^ step))
    all:step()
  end
  t.ok("all at once", worst < 1e-16, ("differs by %g"):format(worst))
  t.eq("prints its parts", tostring(both), "SequentialLR (LinearLR, CosineAnnealingLR) milestones 5 (step 25, lr "
    .. ("%g, %g)"):format(table.unpack(both:get_last_lr())))
end

local function test_plateau(t)
  local opt = optimizer()
  local watch = S.ReduceLROnPlateau(opt, {factor = 0.5, patience = 2, cooldown = 1, min_lr = 0.03})
  local rates = {}
  -- better, then three without progress: halved; one does not count, three more: halved to the least
  for i, loss in ipairs {3, 2, 2, 2, 2, 2, 2, 2, 2, 1} do
    watch:step(i % 2 == 0 and tensor(loss) or loss)
    rates[i] = opt.param_groups[1].lr
  end
  t.eq("waits and halves", table.concat(rates, " "), "0.1 0.1 0.1 0.1 0.05 0.05 0.05 0.05 0.03 0.03")
  t.eq("no rate rises", opt.param_groups[2].lr, 0.02)
  opt = optimizer()
  watch = S.ReduceLROnPlateau(opt, {mode = "max", patience = 0, threshold = 0.1, threshold_mode = "abs"})
  for _, score in ipairs {0.5, 0.55} do watch:step(score) end
  t.near("a score must rise by the threshold", opt.param_groups[1].lr, 0.01, 1e-15)
end

-- Ten steps, a state saved and loaded, and ten more are twenty.
local function test_states(t)
  local function make(opt)
    return {S.StepLR(opt, 4), S.SequentialLR(opt, {S.LinearLR(opt, 0.1), S.ExponentialLR(opt, 0.9)}, {7}),
      S.CyclicLR(opt, 0.01, 0.05, {step_size_up = 4}), S.ReduceLROnPlateau(opt, {patience = 1})}
  end
  local function step(schedule) schedule:step(schedule.name == "ReduceLROnPlateau" and 1 or nil) end
  for k = 1, 4 do
    local opt, other = optimizer(), optimizer()
    local schedule, again = make(opt)[k], make(other)[k]
    for _ = 1, 10 do step(schedule) end
    other:load_state_dict(opt:state_dict())
    again:load_state_dict(schedule:state_dict())
    local same = true
    for _ = 1, 10 do
      step(schedule)
      step(again)
      same = same and opt.param_groups[1].lr == other.param_groups[1].lr
    end
    t.ok(schedule.name .. " goes on alike", same)
  end
end

local function test_errors(t)
  local opt = optimizer()
  local function bad(name, pattern, f) t.raises(name, pattern, f) end
  bad("no optimizer", "schedules%.lua:%d+: optim.lr_scheduler.StepLR: its first argument is a number; the optimizer is wanted",
    function() S.StepLR(5, 5) end)
  bad("a class", "its first argument is the class optim.SGD", function() S.StepLR(optim.SGD, 5) end)
  bad("no size", "StepLR: step_size is missing; the call is optim.lr_scheduler.StepLR%(optimizer, step_size, gamma%)",
    function() S.StepLR(opt) end)
  bad("unknown option", "unknown option 'gama'; did you mean gamma", function() S.StepLR(opt, 5, {gama = 1}) end)
  bad("no such schedule", "lr_scheduler has no field 'StepLr'; did you mean optim.lr_scheduler.StepLR",
    function() return S.StepLr end)
  bad("in optim", "it is optim.lr_scheduler.StepLR", function() return optim.StepLR end)
  bad("no length", "OneCycleLR: total_steps is missing", function() S.OneCycleLR(opt, {max_lr = 1}) end)
  bad("no momentum", "CyclicLR: Adagrad has no momentum to go with the rate; {cycle_momentum = false}",
    function() S.CyclicLR(optimizer "Adagrad", 0.1, 1) end)
  bad("a list for other groups", "max_lr has 3 values; the optimizer has 2 groups",
    function() S.OneCycleLR(opt, {max_lr = {1, 2, 3}, total_steps = 3}) end)
  bad("no figure", "step takes the figure to watch", function() S.ReduceLROnPlateau(opt):step() end)
  bad("no function", "lr_lambda is a number", function() S.LambdaLR(opt, 3) end)
  bad("no factor", "lr_lambda gave a nil at step 0", function() S.LambdaLR(opt, function() end) end)
  bad("milestones", "SequentialLR: 2 milestones for 1 schedulers", function() S.SequentialLR(opt, {S.StepLR(opt, 1)}, {1, 2}) end)
  bad("another optimizer", "schedule 1 belongs to another optimizer",
    function() S.SequentialLR(opt, {S.StepLR(optimizer(), 1)}, {}) end)
  bad("a dot for a colon", "step: called without its schedule", function() S.StepLR(opt, 1).step() end)
  bad("no such method", "StepLR has no field or method 'get_lr' %(step, get_last_lr, state_dict", function() S.StepLR(opt, 1):get_lr() end)
end

return function(t)
  test_rates(t)
  test_cycles(t)
  test_combined(t)
  test_plateau(t)
  test_states(t)
  test_errors(t)
end
