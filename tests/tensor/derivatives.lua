-- derivatives.lua: derivatives as tools: custom functions, hooks, checkpoints, jacobian and its kin,
-- gradcheck's report, anomalies; and limits of types.

local lunette = require "lunette"
local tensor, nn = lunette.tensor, lunette.nn

local function leaf(values) return tensor(values, {dtype = "float64", requires_grad = true}) end

local function near(t, name, got, want)
  got = got:reshape(-1):tolist()
  t.eq(name .. ": how many", #got, #want)
  for i, v in ipairs(want) do t.near(name .. " " .. i, got[i], v, 1e-9) end
end

-- ---- custom functions ------------------------------------------------------------------------------------

local cube = tensor.custom {
  forward = function(ctx, x)
    ctx:save(x)
    return x ^ 3
  end,
  backward = function(ctx, gy)
    local x = ctx:saved()
    return gy * 3 * x ^ 2
  end,
}

-- x / |x| and |x|, from the results that it saved itself.
local polar = tensor.custom {
  name = "polar",
  forward = function(ctx, x, scale)
    local r = (x * x):sum():sqrt()
    local unit = x / r
    ctx.scale = scale
    ctx:save(unit, r)
    return unit * scale, r, scale
  end,
  backward = function(ctx, gu, gr)
    local unit, r = ctx:saved()
    gu = gu * ctx.scale
    return gr * unit + (gu - unit * (gu * unit):sum()) / r
  end,
}

local function test_custom(t)
  local x = leaf {1.5, -0.3, 2}
  t.ok("derivatives", tensor.gradcheck(function(v) return cube(v * 2) end, {x}, {order = 2}))
  local u, r, scale = polar(x, 2)
  t.eq("other results pass through", scale, 2)
  t.near("the second result", r, math.sqrt(1.5 ^ 2 + 0.3 ^ 2 + 4), 1e-12)
  t.ok("results record", u.requires_grad and r.requires_grad and not u.is_leaf)
  t.ok("no graph, no record", not polar(x:detach(), 1).requires_grad)
  local unrecorded = tensor.no_grad(polar, x, 1)
  t.ok("nothing is recorded in no_grad", not unrecorded.requires_grad)
  r:backward() -- the gradient of u is zero
  near(t, "one result only", x.grad, (x:detach() / r:item()):tolist())
end

-- First order only: unit depends on x, which its saved form does not tell.
local function test_custom_first_order(t)
  local x = leaf {1.5, -0.3, 2}
  t.ok("saved results", tensor.gradcheck(function(v) return polar(v, 3) end, {x}))
  local seen
  local watch = tensor.custom {
    forward = function(ctx, a, b)
      seen = ctx.needs
      return a * b
    end,
    backward = function(_, gy) return gy * 2, nil end,
  }
  local y = watch(x, tensor {2.0, 2.0, 2.0}:double())
  t.ok("what wants a gradient", seen[1] == true and seen[2] == false)
  y:sum():backward()
  near(t, "nil is no gradient", x.grad, {2, 2, 2})
end

local function test_custom_errors(t)
  local x = leaf {1, 2}
  t.raises("no backward", "forward and backward", tensor.custom, {forward = print})
  local function with(backward)
    local f = tensor.custom {name = "f", forward = function(ctx, v) ctx:save(v) return v * 1 end, backward = backward}
    return function() f(x):sum():backward() end
  end
  t.raises("shape", "f: backward returned a gradient of shape {3} for argument 1, of shape {2}",
    with(function() return tensor.zeros(3) end))
  t.raises("type", "float type is wanted", with(function() return tensor {1, 2} end))
  t.raises("kind", "returned a string as gradient 1", with(function() return "no" end))
  t.raises("too many", "returned 2 gradients", with(function(_, g) return g, g end))
  t.raises("its own error", "mine", with(function() error "mine" end))
  t.raises("saves only tensors", "save takes tensors", tensor.custom {
    forward = function(ctx) ctx:save(3) end, backward = print}, x)
  t.raises("changed in place", "changed in place", function()
    local v = x * 1
    local y = cube(v)
    v:mul_(2)
    y:sum():backward()
  end)
  t.ok("no gradient came through", x.grad == nil)
  t.raises("a graph is used once", "released", function()
    local y = cube(x):sum()
    y:backward()
    y:backward()
  end)
end

-- ---- hooks -----------------------------------------------------------------------------------------------

local function test_hooks(t)
  local x, seen = leaf {1, 2, 3}, {}
  local y = x * x
  y:register_hook(function(g) seen[#seen + 1] = g:tolist() end)
  local kept = x * 2
  kept:retain_grad()
  for k = 1, 2 do
    (kept * kept):sum():backward { retain_graph = true }
    near(t, "kept of a result", kept.grad, { 4 * k, 8 * k, 12 * k })
  end
  x.grad = nil
  t.ok("a leaf keeps its own", rawequal(x:retain_grad(), x))
  local double = x:register_hook(function(g) return g * 2 end)
  y:sum():backward()
  near(t, "a leaf's hook changes its gradient", x.grad, {4, 8, 12})
  t.eq("a result's hook saw its gradient", table.concat(seen[1], " "), "1.0 1.0 1.0")
  near(t, "grad sees hooks too", tensor.grad((x * 3):sum(), x), {6, 6, 6})
  double:remove()
  double:remove()
  near(t, "removed", tensor.grad((x * 3):sum(), x), {3, 3, 3})
  local calls, total = 0, nil
  x:register_hook(function(g) calls, total = calls + 1, g end)
  local a = tensor.grad((x * 3):sum() + (x ^ 2):sum(), x)
  near(t, "the whole gradient", total, {5, 7, 9})
  t.eq("once for a walk", calls, 1)
  t.ok("hooks hand on what they get", a == total)
  local twice = tensor.grad(x:sum(), {x, x})
  near(t, "a leaf named twice", twice[2], {1, 1, 1})
  t.raises("shape", "returned a gradient of shape %[1%]", function()
    local z = x * 1
    z:register_hook(function() return tensor.zeros(1) end)
    z:sum():backward()
  end)
  t.raises("no history", "does not record gradients", function() x:detach():register_hook(print) end)
  t.raises("no function", "takes a function", function() x:register_hook(3) end)
end

-- With create_graph what a hook does is part of the graph.
local function test_hook_graph(t)
  local x = leaf {0.5, 2}
  local y = x ^ 3
  y:register_hook(function(g) return g * x end)
  local g = tensor.grad(y:sum(), x, {create_graph = true}) -- 3 x^3
  near(t, "gradient", g, {3 * 0.125, 24})
  near(t, "and its gradient", tensor.grad(g:sum(), x), {9 * 0.25, 36})
end

-- ---- checkpoints -----------------------------------------------------------------------------------------

local function test_checkpoint(t)
  tensor.manual_seed(5)
  local part = nn.Sequential(nn.Linear(4, 6), nn.Tanh(), nn.Dropout(0.5), nn.Linear(6, 4)):to "float64"
  local x = tensor.randn(3, 4, {dtype = "float64"}):requires_grad_()
  local function loss(run)
    tensor.manual_seed(7)
    local h = run(part, x * 2)
    return (run(part, h) ^ 2):sum() + part[1].weight:sum()
  end
  local function gradients(run)
    x.grad = nil
    part:zero_grad()
    local value = loss(run)
    value:backward()
    local list = {value:detach(), x.grad}
    for _, p in ipairs(part:parameters()) do list[#list + 1] = p.grad end
    return list
  end
  local plain = gradients(function(f, v) return f(v) end)
  local saved = gradients(tensor.checkpoint)
  t.eq("how many gradients", #saved, #plain)
  for i = 1, #plain do t.ok("equal to the last bit " .. i, plain[i] == saved[i]) end
  local nested = gradients(function(f, v)
    return tensor.checkpoint(function(w) return tensor.checkpoint(f, w) * 1 end, v)
  end)
  for i = 1, #plain do t.ok("one in another " .. i, plain[i] == nested[i]) end
end

local function test_checkpoint_more(t)
  local x = leaf {0.4, -0.8, 1.1}
  local w = leaf {0.3, 0.2, -0.9}
  local function f(a, b) return tensor.checkpoint(function(p, q) return (p * q):sin() * w, p:exp() end, a, b) end
  t.ok("derivatives", tensor.gradcheck(function(a, b)
    local p, q = f(a, b)
    return p * q
  end, {x, leaf {1, 2, 3}}, {order = 2}))
  t.ok("nothing to record", not tensor.checkpoint(function(v) return v * 2 end, x:detach()).requires_grad)
  t.ok("in no_grad", not tensor.no_grad(tensor.checkpoint, function(v) return v * 2 end, x).requires_grad)
  t.raises("changed in place", "changed in place", function()
    local v = x * 1
    local y = tensor.checkpoint(function(a) return a * a end, v)
    v:mul_(2)
    y:sum():backward()
  end)
  t.raises("no function", "a function or layer", tensor.checkpoint, 3)
end

-- Ten blocks: what lives between forward and backward is a part of what it is without.
local function test_checkpoint_memory(t)
  local x = tensor.ones(200, 1000, {requires_grad = true})
  local function block(v)
    for _ = 1, 8 do v = v:sin() end
    return v
  end
  local function held(run)
    collectgarbage()
    collectgarbage()
    local before, v = tensor.memory().bytes, x
    for _ = 1, 10 do v = run(block, v) end
    collectgarbage()
    collectgarbage()
    return tensor.memory().bytes - before
  end
  local plain, saved = held(function(f, v) return f(v) end), held(tensor.checkpoint)
  t.ok("memory", saved < plain / 5, ("%d bytes of %d"):format(saved, plain))
end

-- ---- jacobian and its kin ----------------------------------------------------------------------------------

-- f(x) = x x' summed over the second, and more: against formulas.
local function test_functional(t)
  local x, v = leaf {1.5, -0.3, 2}, tensor({1, 2, -1}, {dtype = "float64"})
  local j = tensor.jacobian(function(a) return a:exp() end, x)
  near(t, "jacobian", j, {math.exp(1.5), 0, 0, 0, math.exp(-0.3), 0, 0, 0, math.exp(2)})
  local h = tensor.hessian(function(a) return a[1] * a[2] * a[3] end, x)
  near(t, "hessian", h, {0, 2, -0.3, 2, 0, 1.5, -0.3, 1.5, 0})
  local y, hv = tensor.hvp(function(a) return a[1] * a[2] * a[3] end, x, v)
  t.near("hvp: value", y, 1.5 * -0.3 * 2, 1e-12)
  near(t, "hvp", hv, h:matmul(v):tolist())
  local function g(a) return tensor.stack {a[1] * a[2], a[2]:sin()} end
  local jg = tensor.jacobian(g, x)
  local _, forward = tensor.jvp(g, x, v)
  near(t, "jvp", forward, jg:matmul(v):tolist())
  local w = tensor({3, -1}, {dtype = "float64"})
  local _, backward = tensor.vjp(g, x, w)
  near(t, "vjp", backward, w:matmul(jg):tolist())
  t.eq("shape of a jacobian", tostring(tensor.jacobian(function(a) return a:sum() end, tensor.ones(2, 3)).shape), "{2, 3}")
  t.ok("x is as it was", x.grad == nil and x.requires_grad)
end

local function test_functional_lists(t)
  local a, b = leaf {1, 2}, leaf {3, 4}
  local j = tensor.jacobian(function(x, y) return x * y, x:sum() end, {a, b})
  near(t, "first by first", j[1][1], {3, 0, 0, 4})
  near(t, "first by second", j[1][2], {1, 0, 0, 2})
  near(t, "second by first", j[2][1], {1, 1})
  near(t, "second by second", j[2][2], {0, 0})
  local h = tensor.hessian(function(x, y) return (x * y * y):sum() end, {a, b})
  near(t, "blocks 1 1", h[1][1], {0, 0, 0, 0})
  near(t, "blocks 1 2", h[1][2], {6, 0, 0, 8})
  near(t, "blocks 2 2", h[2][2], {2, 0, 0, 4})
  local outer = tensor.jacobian(function(x) return x ^ 3 end, a, {create_graph = true})
  near(t, "a jacobian's gradient", tensor.grad(outer:sum(), a), {6, 12})
  t.raises("a single value", "a single value is wanted", tensor.hessian, function(x) return x end, a)
  t.raises("shape of v", "v has shape", tensor.jvp, function(x) return x end, a, tensor.ones(3))
  t.raises("options", "unknown option", tensor.jacobian, function(x) return x end, a, {graph = true})
  t.raises("inputs one by one", "several inputs are a list: jacobian%(f, {a, b}%)", tensor.jacobian,
    function(x) return x end, a, b)
  t.raises("no function", "jacobian: takes a function and its inputs, got a userdata first", tensor.jacobian, a, b)
  t.raises("integers", "is int64", tensor.jacobian, function(x) return x end, tensor {1, 2})
end

-- ---- gradcheck's report --------------------------------------------------------------------------------------

-- In training the running statistics are written to, and pass no gradient on, in any order.
local function test_written_inputs(t)
  for _, create in ipairs {false, true} do
    local x, mean, var = tensor.randn(4, 3):requires_grad_(), tensor.zeros(3):requires_grad_(), tensor.ones(3):requires_grad_()
    x:batch_norm(mean, var, {training = true}):pow(2):sum():backward({create_graph = create})
    t.ok("running statistics, graph " .. tostring(create), x.grad and not mean.grad and not var.grad)
  end
end

local function test_gradcheck(t)
  local x = leaf {{1, 2}, {0, 3}}
  local good, report = tensor.gradcheck(function(a) return (a * 2):relu():exp() end, {x}, {quiet = true})
  t.ok("a kink is found", not good)
  t.ok("the element", report and report:find("element {2, 1} of input 1", 1, true), report)
  t.ok("both values", report and report:find "gradient 0, differences say %d", report)
  t.ok("the op", report and report:find "to blame: relu", report)
  local wrong = tensor.custom {
    forward = function(ctx, a)
      ctx:save(a)
      return a ^ 2
    end,
    backward = function(ctx, g) return g * ctx:saved() end,
  }
  local _, other = tensor.gradcheck(function(a) return wrong(a):sum() end, x, {quiet = true})
  t.ok("a custom function", other and other:find "to blame: the custom function custom, call 1", other)
  t.ok("nothing watches afterwards", tensor.gradcheck(function(a) return a:exp() end, x))
  t.raises("float32", "input 1 is float32; differences want float64", tensor.gradcheck, tensor.exp,
    tensor.ones(2):requires_grad_())
  t.raises("no gradients", "no input requires gradients", tensor.gradcheck, tensor.exp, tensor.ones(2))
end

-- ---- anomalies -----------------------------------------------------------------------------------------------

local function test_anomaly(t)
  local function line() return debug.getinfo(2, "l").currentline end
  local x, at = leaf {4, 0}, nil
  local done, message = pcall(tensor.detect_anomaly, function()
    at = line() + 1
    return x:log()
  end)
  t.ok("forward", not done and message:find "log: %-inf arose at element 2 of result 1"
    and message:find("derivatives.lua:" .. at, 1, true), message)
  done, message = pcall(tensor.detect_anomaly, function()
    at = line() + 1
    local y = x:sqrt()
    y:sum():backward()
  end)
  t.ok("backward names the line of the forward call", not done and message:find "backward of sqrt: inf arose at element 2"
    and message:find("derivatives.lua:" .. at, 1, true), message)
  t.ok("it is off again", not tensor.is_anomaly_enabled() and x:log()[2]:item() == -math.huge)
  local masked = tensor.detect_anomaly(function() return x:masked_fill(x:eq(0), -math.huge):softmax(1) end)
  near(t, "infinities of the program's own pass", masked, {1, 0})
  t.raises("a function", "takes a function", tensor.detect_anomaly, true)
end

-- ---- limits and memory ---------------------------------------------------------------------------------------

local function test_limits(t)
  local f = tensor.finfo()
  t.eq("eps", f.eps, 1.1920928955078125e-07)
  t.eq("max", f.max, 3.4028234663852886e+38)
  t.eq("tiny", f.tiny, 1.1754943508222875e-38)
  t.eq("resolution", f.resolution, 1e-6)
  t.eq("float64", tensor.finfo(tensor.zeros(1, {dtype = "float64"})).eps, 2.220446049250313e-16)
  t.eq("float64 resolution", tensor.finfo("float64").resolution, 1e-15)
  t.eq("float16", tensor.finfo("float16").max, 65504.0)
  t.eq("bfloat16", tensor.finfo("bfloat16").max, 3.3895313892515355e+38)
  t.eq("int32", tensor.iinfo("int32").max, 2147483647)
  t.eq("int32 min", tensor.iinfo("int32").min, -2147483648)
  t.eq("uint8", tensor.iinfo("uint8").max, 255)
  t.raises("no float", "iinfo tells", tensor.finfo, "int64")
end

-- Graphs with Lua functions in them go away.
local function test_memory(t)
  local function round()
    local x = leaf {1, 2}
    local y = cube(x)
    y:register_hook(function(g) return g end)
    tensor.checkpoint(function(v) return v * y:detach() end, y):sum():backward()
    cube(x):register_hook(function() return x end) -- never walked
  end
  for _ = 1, 20 do round() end
  collectgarbage()
  collectgarbage()
  local before, lua = tensor.memory().tensors, collectgarbage "count"
  for _ = 1, 500 do round() end
  collectgarbage()
  collectgarbage()
  leaf {1} -- the core lets go of what died
  collectgarbage()
  collectgarbage()
  local after = tensor.memory().tensors
  t.ok("tensors", after <= before + 20, after - before .. " more tensors")
  t.ok("functions", collectgarbage "count" - lua < 50, collectgarbage "count" - lua .. " KB more")
end

return function(t)
  for _, test in ipairs {test_custom, test_custom_first_order, test_custom_errors, test_hooks, test_hook_graph,
    test_checkpoint, test_checkpoint_more, test_checkpoint_memory, test_functional, test_functional_lists,
    test_written_inputs, test_gradcheck, test_anomaly, test_limits, test_memory} do
    test(t)
  end
  leaf {1}
  collectgarbage()
  collectgarbage()
end
