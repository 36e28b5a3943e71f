-- optim.lua: tests of the optimizers: trajectories of PyTorch 1.13, a plain reference in Lua, groups,
-- state, errors.

local lunette = require "lunette"
local tensor, nn, optim = lunette.tensor, lunette.nn, lunette.optim

local target, weight = {1, -2, 0.5}, {1, 0.5, 3}

local function start()
  local p = {}
  for i = 1, 3 do p[i] = math.sin(0.37 * (i - 1) + 0.1) end
  return p
end

-- Steps down sum(weight * (p - target)^2) from a fixed start: the parameter after it.
local function trajectory(make, steps)
  local p = tensor(start(), {dtype = "float64", requires_grad = true})
  local opt = make(p)
  local goal, w = tensor(target, {dtype = "float64"}), tensor(weight, {dtype = "float64"})
  for _ = 1, steps or 4 do
    opt:zero_grad()
    local loss = ((p - goal) ^ 2 * w):sum()
    loss:backward()
    opt:step()
  end
  return p:tolist()
end

local function check(t, name, got, want, tolerance)
  local worst = 0
  for i = 1, #want do worst = math.max(worst, math.abs(got[i] - want[i])) end
  t.ok(name, worst <= (tolerance or 1e-9), ("differs by %g"):format(worst))
end

local function test_figures(t)
  local SGD, Adam, AdamW = optim.SGD, optim.Adam, optim.AdamW
  local function is(name, make, want, steps) check(t, name, trajectory(make, steps), want) end
  is("SGD", function(p) return SGD({p}, 0.1) end, {0.6312917675, -0.3906613082, 0.5062628639})
  is("SGD with momentum and decay", function(p) return SGD({p}, {lr = 0.1, momentum = 0.9, weight_decay = 0.01}) end,
    {1.2751114446, -1.444111996, 0.3108835039})
  is("SGD, nesterov", function(p) return SGD({p}, {lr = 0.05, momentum = 0.9, nesterov = true}) end,
    {0.9154852408, -0.8369611148, 0.3956677605})
  is("SGD with dampening", function(p) return SGD({p}, {lr = 0.05, momentum = 0.5, dampening = 0.3}) end,
    {0.4848019883, -0.1060133137, 0.5043136209})
  is("Adam", function(p) return Adam({p}, {lr = 0.1}) end, {0.4951982941, 0.0540515926, 0.4042982865})
  is("Adam with all options",
    function(p) return Adam(p, {lr = 0.1, betas = {0.5, 0.9}, eps = 1e-3, weight_decay = 0.1}) end,
    {0.4823386096, 0.0585425009, 0.4500832709})
  is("Adam, amsgrad", function(p) return Adam({p}, {lr = 0.3, amsgrad = true}) end,
    {1.436173448, -1.2868304984, 0.6284300675}, 6)
  is("AdamW", function(p) return AdamW({p}, {lr = 0.1}) end, {0.4942149344, 0.0528471818, 0.4028320649})
  is("AdamW with decay, amsgrad", function(p) return AdamW({p}, {lr = 0.1, weight_decay = 0.3, amsgrad = true}) end,
    {0.4665347174, 0.0198865817, 0.3656888045})
end

-- Adam on plain numbers, from the paper.
local function plain_adam(steps, lr)
  local p, m, v = start(), {0, 0, 0}, {0, 0, 0}
  for step = 1, steps do
    for i = 1, 3 do
      local g = 2 * weight[i] * (p[i] - target[i])
      m[i], v[i] = 0.9 * m[i] + 0.1 * g, 0.999 * v[i] + 0.001 * g * g
      p[i] = p[i] - lr * (m[i] / (1 - 0.9 ^ step)) / (math.sqrt(v[i] / (1 - 0.999 ^ step)) + 1e-8)
    end
  end
  return p
end

local function test_reference(t)
  local function adam(p) return optim.Adam({p}, {lr = 0.05}) end
  check(t, "Adam over 200 steps", trajectory(adam, 200), plain_adam(200, 0.05), 1e-9)
  local net = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 1))
  local opt = optim.Adam(net, {lr = 0.05})
  local x = tensor.randn(16, 3)
  local y, first, last = x:sum(-1, true), nil, nil
  for _ = 1, 100 do
    opt:zero_grad()
    local loss = nn.MSELoss()(net(x), y)
    loss:backward()
    opt:step()
    last = loss:item()
    first = first or last
  end
  t.ok("a model learns", last < first / 10, ("%g to %g"):format(first, last))
end

local function test_groups(t)
  local a, b = nn.Parameter(tensor.ones(2)), nn.Parameter(tensor.ones(2))
  local opt = optim.SGD({{params = {a}, lr = 1.0}, {params = b}}, {lr = 0.1})
  a.grad, b.grad = tensor.ones(2), tensor.ones(2)
  opt:step()
  t.near("the group's own rate", a[1]:item(), 0, 1e-7)
  t.near("the common rate", b[1]:item(), 0.9, 1e-7)
  opt:set_lr(0.5)
  opt:step()
  t.near("set_lr", b[1]:item(), 0.4, 1e-6)
  opt:zero_grad()
  t.eq("zero_grad", a.grad, nil)
end

local function test_added(t)
  local a, b = nn.Parameter(tensor.ones(2)), nn.Parameter(tensor.ones(3))
  local opt = optim.SGD({{params = a, lr = 1.0}}, {momentum = 0.5})
  t.ok("groups may all have their own rate", opt.param_groups[1].lr == 1)
  opt:add_param_group {params = {b}, lr = 0.1}
  t.eq("an added group", opt.param_groups[2].momentum, 0.5)
  a.grad, b.grad = tensor.ones(2), tensor.ones(3)
  opt:step()
  t.near("is stepped", b[1]:item(), 0.9, 1e-7)
  t.eq("groups print", tostring(opt), "SGD, 2 groups\n  1: lr 1, momentum 0.5 (1 parameter, 2 numbers)\n  "
    .. "2: lr 0.1, momentum 0.5 (1 parameter, 3 numbers)")
  t.raises("a group's rate is missing", "optim.SGD: lr is missing",
    function() opt:add_param_group {params = {nn.Parameter(tensor.ones(1))}} end)
  t.raises("taken already", "is in the list twice", function() opt:add_param_group {params = b, lr = 1} end)
  t.raises("a group's wrong option", "optim.SGD: unknown option 'momentun'; did you mean momentum",
    function() opt:add_param_group {params = nn.Linear(1, 1), lr = 1, momentun = 1} end)
  t.eq("a wrong group is not taken in", #opt.param_groups, 2)
end

-- Options that call for more state may be set between steps.
local function test_changed(t)
  local p = nn.Parameter(tensor.zeros(1))
  local opt = optim.SGD({p}, {lr = 1})
  for step = 1, 4 do
    if step == 3 then opt.param_groups[1].momentum = 0.5 end
    p.grad = tensor.ones(1)
    opt:step()
  end
  t.near("momentum set later", p:item(), -(1 + 1 + 1 + 1.5), 1e-6)
end

local function test_closure(t)
  local p = nn.Parameter(tensor.ones(1) * 3)
  local opt = optim.SGD({p}, {lr = 0.25})
  local loss = opt:step(function()
    opt:zero_grad()
    local l = (p * p):sum()
    l:backward()
    return l
  end)
  t.ok("step gives a closure's loss", loss:item() == 9 and p:item() == 1.5)
  t.raises("no closure", "step takes nothing, or a function", function() opt:step(3) end)
end

-- A parameter that joins later counts its own steps.
local function test_late(t)
  local p, q = nn.Parameter(tensor.ones(1)), nn.Parameter(tensor.ones(1))
  local opt = optim.Adam({p, q}, {lr = 0.1})
  opt.noted = true
  for _ = 1, 3 do
    p.grad = tensor.ones(1)
    opt:step()
  end
  local before = q:item()
  q.grad, p.grad = tensor.ones(1) * 5, nil
  opt:step()
  t.near("a first step of Adam is lr", before - q:item(), 0.1, 1e-6)
  t.eq("steps of the first", opt.state[p].step, 3)
  t.eq("steps of the second", opt.state[q].step, 1)
end

local function test_state(t)
  local function make()
    local p = tensor(start(), {dtype = "float64", requires_grad = true})
    return p, optim.Adam({p}, {lr = 0.1, amsgrad = true})
  end
  local function run(p, opt, steps)
    for _ = 1, steps do
      opt:zero_grad()
      p:square():sum():backward()
      opt:step()
    end
  end
  local p, opt = make()
  run(p, opt, 3)
  local q, other = make()
  q:detach():copy_(p:detach())
  other:load_state_dict(opt:state_dict())
  run(p, opt, 3)
  run(q, other, 3)
  t.ok("a loaded state goes on alike", p:detach() == q:detach())
  t.eq("steps are in the state", other:state_dict().state[1].step, 6)
  t.raises("a state of another shape", "exp_avg of parameter 1 is %[3%] where the parameter is %[2%]",
    function() optim.Adam({nn.Parameter(tensor.zeros(2))}):load_state_dict(opt:state_dict()) end)
  local broken = opt:state_dict()
  broken.param_groups[1].lr = "fast"
  t.raises("a state with a wrong option", "optim.Adam: lr is \"fast\"; a number from 0 is wanted",
    function() other:load_state_dict(broken) end)
  t.raises("the state of another kind", "square_avg of parameter 1 is a nil; is it the state of another kind",
    function() optim.RMSprop({q}):load_state_dict(opt:state_dict()) end)
  t.eq("an optimizer prints", tostring(optim.SGD({p}, {lr = 0.1, momentum = 0.9})),
    "SGD lr 0.1, momentum 0.9 (1 parameter, 3 numbers)")
end

local function test_errors(t)
  local p = nn.Parameter(tensor.ones(2))
  local function bad(name, pattern, f) t.raises(name, pattern, f) end
  bad("no gradient at all", "optim%.lua:%d+: Adam: no parameter has a gradient; call loss:backward%(%)",
    function() optim.Adam({p}):step() end)
  bad("no leaf", "Adam: parameter 1 %[2%] was computed from other tensors", function() optim.Adam {p * 2} end)
  bad("nothing that is trained", "no parameter records gradients", function() optim.Adam {tensor.zeros(2)} end)
  bad("unknown option", "optim.Adam: unknown option 'learning_rate'", function() optim.Adam({p}, {learning_rate = 1}) end)
  bad("near option", "unknown option 'weight_decai'; did you mean weight_decay",
    function() optim.Adam({p}, {weight_decai = 1}) end)
  bad("SGD without lr", "optim.SGD: lr is missing", function() optim.SGD({p}) end)
  bad("a class for a model", "the first argument is the class nn.Linear", function() optim.Adam(nn.Linear) end)
  bad("twice in the list", "is in the list twice", function() optim.Adam {p, p} end)
  bad("a dot for a colon", "step: called without its optimizer", function() optim.Adam({p}).step() end)
  bad("negative rate", "optim.SGD: lr is %-1; a number from 0 is wanted", function() optim.SGD({p}, -1) end)
  bad("betas", "betas is {1, 2}; a list of 2, each a number from 0 and below 1, is wanted",
    function() optim.Adam({p}, {betas = {1, 2}}) end)
  local opt = optim.Adam({p})
  p.grad = tensor.ones(2)
  bad("a rate as a field", "no field or method 'lr'; opt:set_lr%(0.01%) sets the rate", function() opt.lr = 1 end)
  bad("and read", "no field or method 'lr'; opt:set_lr%(0.01%) sets the rate", function() return opt.lr end)
  opt.param_groups[1].lr = "fast"
  bad("a changed option", "optim.lua:%d+: optim.Adam: lr is \"fast\"; a number from 0 is wanted", function() opt:step() end)
  opt.param_groups[1].lr = 0.1
  opt.param_groups[1].betas = {0.9}
  bad("a short list", "betas is {0.9}; a list of 2", function() opt:step() end)
  bad("nesterov without momentum", "nesterov wants a momentum", function() optim.SGD({p}, {lr = 1, nesterov = true}) end)
  bad("no such optimizer", "optim has no field 'Adm'; did you mean optim.Adam", function() return optim.Adm end)
end

return function(t)
  test_figures(t)
  test_reference(t)
  test_groups(t)
  test_added(t)
  test_closure(t)
  test_changed(t)
  test_late(t)
  test_state(t)
  test_errors(t)
end
