-- autograd.lua: recording and the walk: writes in place on bases, views and sisters, versions, leaves,
-- spent graphs, .grad, higher derivatives, long chains, failures.
-- ops.lua checks the gradients of single ops.

local lunette = require "lunette"
local testing = require "tests.support.testing"
local gradcheck = require "lunette.gradcheck"
local tensor = lunette.tensor

local function leaf(values, dtype) return tensor(values, { dtype = dtype or "float64", requires_grad = true }) end

local function near(t, name, got, want)
  got = tensor.is_tensor(got) and got:reshape(-1):tolist() or got
  t.eq(name .. ": how many", #got, #want)
  for i, v in ipairs(want) do t.near(name .. " " .. i, got[i], v, 1e-9) end
end

-- ---- writes in place --------------------------------------------------------------------------------

-- Programs with figures of PyTorch 1.13: input, loss, gradient.
local programs = {
  sisters = { { 0.5, -0.3, 0.8 }, 1.40667820102282, { 3.314990243040157, 1.2918441153396503, 0.4 }, function(x)
    local b = x * 1
    local v1, v2 = b[{ { 1, 2 } }], b[{ { 2, 3 } }]
    v1:sin_()
    v2:mul_(x[1])
    return (b * b):sum() + (v1 * 3):sum()
  end },
  ["a view of a view"] = { { 0.1, 0.2, 0.3, 0.4, 0.5, 0.6 }, 7.568973677127885,
    { 5.392131858299041, 1.9601331556824833, 2.866009467376818, 6.18424397601154, 0.4387912809451864, 4.95201368945807 },
    function(x)
      local b = x:view(2, 3) * 1
      local v = b.T[2]
      b:sin_()
      v:add_(x[4])
      v[{ { 2, 2 } }]:mul_(x[1])
      return (b * tensor.arange(6):double():view(2, 3)):sum()
    end },
  assignments = { { 0.7, 0.4, 1.3, 0.2 }, 2.501696, { 0.50584, 0.86464, 5.07, 0.04116 }, function(x)
    local b = x:clone()
    b[tensor { 1, 3 }] = b[tensor { 2, 4 }] * x[1]
    b[b:gt(0.9)] = 0.25
    b[2] = x[3]
    b["4:4"]:zero_()
    return (b ^ 3):sum() + b[1]
  end },
  ["results made apart"] = { { 0.7, 0.4, 1.3, 0.2 }, 11.794088, { 28.09696, 11.90408, 13.68024, 13.90096 }, function(x)
    local b = (x * 1):view(2, 2)
    b:cumprod_(2)
    b:t():cumsum_(2)
    b:tril_():addmm_(b:clone(), x:view(2, 2), { beta = 0.5 })
    return (b * b):sum()
  end },
  ["a fresh buffer"] = { { 0.3, -0.5, 0.9 }, 12.9125, { 4.8, -22.85, 19.65 }, function(x)
    local b = tensor.zeros(2, 3, { dtype = "float64" })
    b[1] = x * 2
    b[{ {}, 2 }]:add_(x[2] * x[3])
    b[2] = b[2] + b[1]
    return (b * b):sum()
  end },
}

local function test_programs(t)
  for name, p in pairs(programs) do
    local x = leaf(p[1])
    local loss = p[4](x)
    t.near(name .. ": value", loss, p[2], 1e-9)
    loss:backward()
    near(t, name .. ": gradient", x.grad, p[3])
    t.ok(name .. ": differences", gradcheck(p[4], { leaf(p[1]) }, { order = 2 }))
  end
end

-- Random programs of views and writes, against central differences.
local function random_program(seed)
  local random = require "tests.support.chance"(seed).whole
  local views = {
    function(v) return v[1] end, function(v) return v[-1] end, function(v) return v.T end,
    function(v) return v[{ { 1, 2 } }] end, function(v) return v["::2"] end, function(v) return v:unsqueeze(1) end,
    function(v) return v:narrow(-1, 1, 2) end,
  }
  local writes = {
    function(v) v:mul_(1.5) end, function(v) v:sin_() end, function(v, x) v:add_(x[1]) end, function(v, x) v:mul_(x[2]) end,
    function(v) v[1] = 0.5 end, function(v, x) v[1] = x[3] end, function(v) v:copy_(v:clone() * 2) end,
    function(v, x) v:sub_(v:clone() * x[4]) end, function(v, _, w) v:add_(w:sum()) end, function(v) v:mul_(v) end,
    function(v) v:tanh_() end,
  }
  local plan = {}
  for i = 1, 8 do plan[i] = { view = random(2) == 1, which = random(64), from = random(64), other = random(64) } end
  return function(x)
    local all = { x:view(2, 3) * 1 }
    for _, step in ipairs(plan) do
      local v, w = all[step.from % #all + 1], all[step.other % #all + 1]
      if step.view and v:dim() > 1 and #v > 1 then
        all[#all + 1] = views[step.which % #views + 1](v)
      elseif v:dim() > 0 then
        writes[step.which % #writes + 1](v, x, w)
      end
    end
    local loss = 0
    for i, v in ipairs(all) do loss = loss + (v * v):sum() * (1 / i) end
    return loss
  end
end

local function test_random_programs(t)
  local worked, overwritten = 0, 0
  for seed = 1, 150 do
    local done, good, message = pcall(gradcheck, random_program(seed), { leaf { 0.3, -0.4, 0.5, 0.2, -0.1, 0.7 } })
    if done then
      worked = worked + 1
      if not t.ok("random program " .. seed, good, message) then return end
    else -- saved values that a later write destroyed
      overwritten = overwritten + 1
      t.ok("random program " .. seed .. " fails by name", good:find "was changed in place by [%w_]+ after", good)
    end
  end
  t.ok("most random programs are legal", worked > 90 and overwritten > 0, worked .. " worked")
end

local function test_versions(t)
  local function refused(name, pattern, f)
    t.raises(name, pattern, function() f(leaf { 1, 2, 3 }):backward() end)
  end
  refused("an input", "backward of mul: its input 1 of shape %[3%] was changed in place by add_ after mul", function(x)
    local y = x * x
    local z = y * y
    y:add_(1)
    return z:sum()
  end)
  refused("an output", "backward of exp: its output 1 .* by mul_ ", function(x)
    local y = x:exp()
    y:mul_(2)
    return y:sum()
  end)
  refused("through a view", "backward of exp: .* by zero_ ", function(x)
    local y = x:exp()
    y[{ { 1, 1 } }]:zero_()
    return y:sum()
  end)
  refused("through a sister", "backward of sin: .* by sub_ ", function(x)
    local b = x * 1
    local v, w = b[{ { 1, 2 } }], b[{ { 2, 3 } }]
    local z = v:sin()
    w:sub_(1)
    return z:sum()
  end)
  local x = leaf { 1, 2, 3 }
  local y = x * 2
  local z = y + 1 -- reads no values in its gradient
  y:mul_(5)
  z:sum():backward()
  near(t, "what is not read may change", x.grad, { 2, 2, 2 })
  x = leaf { 1, 2, 3 }
  y = x * x
  tensor.no_grad(function() x:add_(1) end)
  t.raises("a leaf changed inside no_grad", "input 1 .* by add_", function() y:sum():backward() end)
end

-- ---- leaves and .grad --------------------------------------------------------------------------------

local function test_leaves(t)
  local x = leaf { 1, 2, 3 }
  local writes = {
    mul_ = function() x:mul_(2) end, zero_ = function() x:zero_() end, copy_ = function() x:copy_(tensor { 1, 2, 3 }) end,
    ["an element"] = function() x[1] = 5 end, ["a mask"] = function() x[x:gt(1)] = 0 end, view = function() x:view(3):add_(1) end,
    uniform_ = function() x:uniform_() end,
  }
  local repair = "leaf that records gradients; change it inside tensor.no_grad"
  for name, write in pairs(writes) do t.raises("a leaf: " .. name, repair, write) end
  near(t, "the leaf is as it was", x:detach(), { 1, 2, 3 })
  tensor.no_grad(function() x:mul_(2) x[1] = 9 end)
  t.ok("inside no_grad it changes and stays a leaf", x.requires_grad and x.is_leaf and x:detach()[1] == 9)
  t.raises("integers", "gradients need float32 or float64, this tensor is int64", function() tensor { 1 }:requires_grad_() end)
  t.raises("computed", "computed from others", function() (x * 2):requires_grad_(false) end)
  local y = (x * 2):detach()
  t.ok("detached", not y.requires_grad and y.is_leaf and not (x * 2).is_leaf)
  y:mul_(0)
  t.eq("requires_grad_ off", x:clone():detach():requires_grad_():requires_grad_(false).requires_grad, false)
  for _, r in ipairs { x:gt(1), x:long(), x:argmax(1), tensor.ones_like(x), x:ne(x) } do
    t.ok("integer results carry no graph", not tensor.is_tensor(r) or not r.requires_grad)
  end
end

local function test_grad_field(t)
  local x = leaf { 1, 2, 3 }
  t.eq("none at first", x.grad, nil)
  x:sum():backward()
  local g = x.grad
  t.ok("one handle", rawequal(g, x.grad) and x.grad == x.grad)
  x:sum():backward()
  t.ok("it accumulates in place", rawequal(g, x.grad))
  near(t, "accumulated", g, { 2, 2, 2 })
  x.grad = nil
  t.eq("cleared", x.grad, nil)
  local y = x * 3
  y:sum():backward()
  near(t, "afresh", x.grad, { 3, 3, 3 })
  near(t, "the old one is untouched", g, { 2, 2, 2 })
  x.grad = tensor.ones(1):double():expand(3)
  x:sum():backward()
  near(t, "into an expanded one", x.grad, { 2, 2, 2 })
  x.grad = tensor { 1, 1, 1 }
  x:sum():backward()
  near(t, "into one of integers", x.grad, { 2, 2, 2 })
  t.raises("a wrong shape", "shape %[2%] where the tensor has %[3%]", function() x.grad = tensor { 1, 2 } end)
  x.grad = nil
  x:sum():backward { create_graph = true }
  t.ok("the same values twice", x.grad == tensor.ones(3))
  x = leaf { 1, 2, 3 }
  local a, b = x * 2, x * 3
  a:backward(tensor { 1, 0, 2 })
  b:backward(tensor { 1, 1, 1 }:double(), { retain_graph = true })
  near(t, "with a gradient given", x.grad, { 5, 3, 7 })
end

-- ---- the graph -----------------------------------------------------------------------------------------

local function test_graph(t)
  local x = leaf { 1, 2, 3 }
  local y = (x * x):sum()
  y:backward()
  t.raises("spent", "used before and its values are released; call the first backward with {retain_graph = true}", y.backward, y)
  near(t, "and .grad is as it was", x.grad, { 2, 4, 6 })
  y = (x * x):sum()
  y:backward { retain_graph = true }
  y:backward()
  near(t, "retained", x.grad, { 6, 12, 18 })
  local shared = x:exp()
  local p, q = shared:sum(), (shared * 2):sum()
  p:backward()
  t.raises("a shared part is spent too", "used before", q.backward, q)
  t.raises("not single", "shape %[3%], gradients start from a single value; use y:sum%(%):backward", function() (x * x):backward() end)
  t.raises("a gradient of another shape", "shape %[2%] but the tensor has %[3%]", function() (x * x):backward(tensor.ones(2)) end)
  t.raises("no graph", "does not depend on any tensor with requires_grad", function() tensor { 1.5 }:backward() end)
  t.raises("an unknown option", "unknown option 'retain'", function() x:sum():backward { retain = true } end)
  y = x * 2
  local z = x * 3
  t.raises("grad checks before it walks", "shape %[2%] but", tensor.grad, { y, z }, x,
    { grad_outputs = { tensor.ones(3):double(), tensor.ones(2) } })
  local g = tensor.grad({ y, z }, x, { grad_outputs = { tensor.ones(3):double(), tensor.ones(3):double() } })
  near(t, "so nothing was spent", g, { 5, 5, 5 })
  near(t, "weights by position", tensor.grad(x * x, x, tensor { 1.0, 0.0, 2.0 }:double()), (2 * x * tensor { 1, 0, 2 }):tolist())
  near(t, "and as a list", tensor.grad({ x * 2, x * 3 }, { x }, { tensor.ones(3), tensor.ones(3) }, {})[1], { 5, 5, 5 })
  local unused = leaf { 1 }
  local list = tensor.grad((x * 2):sum(), { unused, x }, { allow_unused = true })
  t.ok("unused inputs", list[1] == false and #list == 2 and list[2] == tensor { 2, 2, 2 })
  t.eq("a single unused one", tensor.grad(x:sum(), unused, nil, { allow_unused = true }), nil)
  t.raises("that is not allowed for", "grad: the result does not depend on input 2; with {allow_unused = true}",
    tensor.grad, x:sum(), { x, unused })
  t.raises("options that are none", "grad: options are a table, {retain_graph = true}; got number", tensor.grad, x:sum(), x, 3)
  t.raises("one that records nothing", "input 1 does not record gradients", tensor.grad, x:sum(), tensor { 1.5 })
  t.ok("grad leaves .grad alone", unused.grad == nil)
  local h = x * 2
  near(t, "with respect to the middle", tensor.grad((h * h):sum(), h), { 4, 8, 12 })
end

local function test_higher(t)
  local x = leaf { 0.7 }
  local d = { x:sin() * x ^ 3 }
  for k = 1, 3 do d[k + 1] = tensor.grad(d[k], x, { create_graph = true }) end
  local s, c, v = math.sin(0.7), math.cos(0.7), 0.7
  t.near("first", d[2], c * v ^ 3 + 3 * s * v ^ 2, 1e-12)
  t.near("second", d[3], -s * v ^ 3 + 6 * c * v ^ 2 + 6 * s * v, 1e-12)
  t.near("third", d[4], -c * v ^ 3 - 9 * s * v ^ 2 + 18 * c * v + 6 * s, 1e-12)
  -- a fused op in the middle of a graph: its composed gradient must not walk on into what is before it
  local w = leaf { { 0.3, -0.2 }, { 0.5, 0.1 } }
  local function f(a) return (tensor.layer_norm(a * 2, { 2 }) * tensor { 1, 3 }):pow(2):sum() + (a * 3):exp():sum() end
  t.ok("fused within a graph", gradcheck(f, { w }, { order = 2 }))
  local function penalty(a)
    return tensor.enable_grad(function() -- the check evaluates inside no_grad
      local e = tensor.cross_entropy(a * 2, tensor { 1, 2 }) + (a * a):sum()
      local g = tensor.grad(e, a, { create_graph = true })
      return (g * g):sum()
    end)
  end
  t.ok("a penalty on a gradient", gradcheck(penalty, { w }, { order = 2 }))
  x = leaf { 2 };
  (x ^ 3):backward { create_graph = true }
  t.ok("backward with create_graph", x.grad.requires_grad)
  near(t, "its derivative", tensor.grad(x.grad, x), { 12 })
end

local function test_shapes_and_types(t)
  local x, row, column, one = leaf { { 1, 2, 3 }, { 4, 5, 6 } }, leaf { 1, 2, 3 }, leaf { { 1 }, { 2 } }, leaf(2)
  t.ok("broadcasting", gradcheck(function(a, b, c, d) return a * b + c * d - b / d end, { x, row, column, one }, { order = 2 }))
  local f, d, i = leaf({ 1, 2 }, "float32"), leaf { 3, 4 }, tensor { 5, 6 }
  local y = f * d * i
  t.eq("float64 wins", y.dtype, "float64")
  y:sum():backward()
  t.ok("gradients have their leaf's type", f.grad.dtype == "float32" and d.grad.dtype == "float64")
  near(t, "of float32", f.grad, { 15, 24 })
  near(t, "of float64", d.grad, { 5, 12 })
  f.grad = nil
  f:double():sum():backward()
  t.eq("through a conversion", f.grad.dtype, "float32")
end

-- ---- long chains, failures --------------------------------------------------------------------------------

local chain = [[
local tensor = require("lunette").tensor
local x = tensor({1.0}, {requires_grad = true})
local y = x
for _ = 1, %d do y = y + 1 end
y:sum():backward()
assert(x.grad[1] == 1)
y = x
for _ = 1, %d do y = y + 1 end
y = nil
collectgarbage()
print "done"]]

local function test_long_chains(t)
  local n = os.getenv "LUNETTE_FULL" and 1000000 or 200000
  local program = chain:format(n, n):gsub("\n", " ")
  for _, stack in ipairs { "unlimited", "512" } do
    local pipe = assert(io.popen(("ulimit -s %s 2>/dev/null; '%s' -e '%s' 2>&1"):format(stack, t.host, program)))
    t.eq("a long chain, stack " .. stack, pipe:read "a", "done\n")
    pipe:close()
  end
end

local function test_failures(t)
  local failures, n = 0, 0
  repeat
    n = n + 1
    local x, w = leaf { 1, 2, 3 }, leaf { { 0.1, 0.2, 0.3 }, { 0.4, 0.5, 0.6 } }
    x.grad = tensor { 1, 1, 1 }:double()
    local y = (w:matmul(x):tanh() * 2):sum() + x:exp():sum()
    testing.fail_at(n)
    local done = pcall(y.backward, y)
    testing.fail_at(0)
    if not done then
      failures = failures + 1
      t.ok("failure " .. n .. " leaves .grad", w.grad == nil and x.grad == tensor { 1, 1, 1 })
      local again, message = pcall(y.backward, y) -- before anything was released it may be tried again
      t.ok("failure " .. n .. " and once more", again and x.grad ~= tensor { 1, 1, 1 } or tostring(message):find "used before", message)
    end
  until done or n > 1000
  t.ok("there were failures, and then none", failures > 5 and n < 1000)
end

return function(t)
  test_programs(t)
  test_random_programs(t)
  test_versions(t)
  test_leaves(t)
  test_grad_field(t)
  test_graph(t)
  test_higher(t)
  test_shapes_and_types(t)
  test_long_chains(t)
  test_failures(t)
end
