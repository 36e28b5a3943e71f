-- Subjects of the fuzz: small programs over a few tensors that share memory and history: views, writes
-- in place, gradients taken in every way, scopes, handles that were closed, coroutines.

local lunette = require "lunette"
local values = require "tests.fuzz.values"
local tensor, nn = lunette.tensor, lunette.nn
local chance, pick, random = values.chance, values.pick, math.random

-- ---- what a program may do: f(pool, x, y) gives a tensor or nothing -----------------------------------

local views = {
  function(x) return x:view(-1) end,
  function(x) return x:transpose(1, -1) end,
  function(x) return x:narrow(random(x:dim()), random(2), random(0, 2)) end,
  function(x) return x:select(random(x:dim()), random(-2, 2)) end,
  function(x) return x:unsqueeze(random(x:dim() + 1)) end,
  function(x) return x:expand(random(3), table.unpack(x.shape)) end,
  function(x) return x:diagonal() end,
  function(x) return x:unfold(1, random(3), random(2)) end,
  function(x) return x:as_strided({ 2, random(3) }, { random(0, 2), random(0, 2) }, random(2)) end,
  function(x) return x:detach() end,
  function(x) return x[values.key(x)] end,
  function(x) return x:split(random(2))[1] end,
  function(x) return x:unbind()[1] end,
}

local writes = {
  function(x, y) return x:add_(y) end,
  function(x) return x:mul_(values.number()) end,
  function(x) return x:exp_() end,
  function(x) return x:zero_() end,
  function(x, y) return x:copy_(y) end,
  function(x) return x:clamp_(-1, 1) end,
  function(x, y) return x:masked_fill_(y:gt(0), 2) end,
  function(x, y) return x:index_add_(1, tensor.randint(1, 2, { #y }), y) end,
  function(x, y) return x:scatter_(1, tensor.randint(1, 2, y.shape), y) end,
  function(x, y) x[values.key(x)] = chance(0.5) and y or values.number() end,
  function(x) x[{ {}, "..." }] = x:flip(1) end,
  function(x) return x:requires_grad_(chance(0.7)) end,
  function(x) return x:detach_() end,
  function(x) return x:sigmoid_() end,
  function(x) return x:normal_() end,
  -- without history: functions in it that use x would keep each other
  function(x, y) x.grad = chance(0.5) and y:detach() or nil end,
}

local sums = {
  function(x, y) return x + y end,
  function(x, y) return x * y end,
  function(x, y) return x:matmul(y) end,
  function(x, y) return tensor.cat({ x, y }, 1) end,
  function(x, y) return tensor.where(x:gt(0), x, y) end,
  function(x) return x:sum(random(-2, 2)) end,
  function(x) return x:softmax(-1) end,
  function(x) return (x:max(-1)) end,
  function(x) return x:index_select(1, tensor.randint(1, 2, { 3 })) end,
  function(x) return x:clone() end,
  function(x) return x:relu() end,
  function(x) return x:sort(-1) end,
  function(x, y) return tensor.stack { x, y } end,
  function(x) return x:double() end,
  function(x) return x:contiguous() end,
}

-- A function of one tensor, of one or two steps.
local function a_function(y)
  local f, g = pick(sums), pick(sums)
  local way = random(5)
  return function(x)
    local z = f(x * x, way == 1 and y or x)
    if way == 2 then z = g(z, x) end
    if way == 3 then z = z:sum() end
    if way == 4 then x:add_(1) end
    return z
  end
end

local function hook()
  local way = random(5)
  return function(g)
    if way == 1 then return g * 2 end
    if way == 2 then return values.junk() end
    if way == 3 then g:mul_(2) end
    if way == 4 then error "in a hook" end
  end
end

local function custom(x, y)
  local way, many = random(8), random(2)
  local f = tensor.custom {
    name = "fuzzed",
    forward = function(ctx, a, b)
      ctx:save(a, way == 1 and values.tensor() or nil)
      if way == 2 then return values.junk() end
      if way == 3 then return a end
      if way == 4 then a:mul_(2) end
      return a * 2, many == 2 and tensor.is_tensor(b) and b * 3 or nil
    end,
    backward = function(ctx, g, h)
      local a = ctx:saved()
      if way == 5 then return values.junk(), values.junk() end
      if way == 6 then error "in backward" end
      if way == 7 then (a * 2):sum():backward() end
      return g and g * 2 * a, h
    end,
  }
  return (f(x, y))
end

local function scoped(pool, x, y)
  local kept
  do
    local scope <close> = tensor.scope()
    pool[random(6)] = x * 2 -- closed from here on
    kept = pick(sums)(x, y)
    if chance(0.5) then scope:keep(kept) end
    if chance(0.2) then error "out of the scope" end
  end
  return kept
end

local function options()
  return { create_graph = chance(0.4), retain_graph = chance(0.4), allow_unused = chance(0.5) }
end

local tools = {
  function(_, x) return x:sum():backward { create_graph = chance(0.3), retain_graph = chance(0.5) } end,
  function(_, x, y) return x:backward(y) end,
  function(_, x, y)
    local g = tensor.grad(chance(0.7) and x:sum() or x, chance(0.7) and y or { x, y }, options())
    return tensor.is_tensor(g) and g or type(g) == "table" and g[1] or nil
  end,
  function(_, x, y) return tensor.jacobian(a_function(y), x) end,
  function(_, x, y) return tensor.hessian(a_function(y), x:narrow(1, 1, 2)) end,
  function(_, x, y) return select(2, tensor.hvp(a_function(y), x, chance(0.5) and y or tensor.ones_like(x))) end,
  function(_, x, y) return select(2, tensor.jvp(a_function(y), x, chance(0.5) and y or tensor.ones_like(x))) end,
  function(_, x, y) return select(2, tensor.vjp(a_function(y), x, chance(0.5) and y or nil)) end,
  function(_, x, y) return tensor.checkpoint(a_function(y), x) end,
  function(_, x) return tensor.checkpoint(function(a) return a:dropout(0.5):exp() end, x) end,
  function(_, x) x:register_hook(hook()) end,
  function(_, x, y) return custom(x, y) end,
  function(_, x, y) return tensor.gradcheck(a_function(y), { x:double():narrow(1, 1, 2):detach():requires_grad_() }) end,
  function(_, x, y) return tensor.no_grad(pick(sums), x, y) end,
  function(_, x, y) return tensor.detect_anomaly(function() return pick(sums)(x, y):sum():backward() end) end,
  scoped,
  function(pool) getmetatable(pool[1]).__gc(pool[random(6)]) end,
  function(_, x, y) return coroutine.wrap(function() return pick(sums)(x, y) end)() end,
  function(_, x) return tensor(x:tolist(), { requires_grad = x.dtype:find "^float" ~= nil }) end,
  function() collectgarbage(chance(0.5) and "step" or "collect") end,
  function(pool) pool[random(6)] = values.tensor() end,
  function(_, x) return nn.Parameter(x) end,
}

-- ---- programs -------------------------------------------------------------------------------------------

local function fresh()
  local x = tensor.randn(random(2, 4), random(1, 3), { dtype = chance(0.8) and "float32" or "float64" })
  return chance(0.6) and x:requires_grad_() or x
end

local function step(pool, kind)
  local x, y = pool[random(6)], pool[random(6)]
  local z
  if kind == 1 then z = pick(views)(x) end
  if kind == 2 then z = pick(writes)(x, y) end
  if kind == 3 then z = pick(sums)(x, y) end
  if kind >= 4 then z = pick(tools)(pool, x, y) end
  if tensor.is_tensor(z) and z:numel() < 3000 then pool[random(6)] = z end
end

return function(add, try)
  for k = 1, 20 do -- one subject is given as many rounds as an op
    add("program " .. k, function()
      local pool = {}
      for i = 1, 6 do pool[i] = fresh() end
      for _ = 1, random(12) do try("step", step, { n = 2, pool, random(5) }) end
    end)
  end
end
