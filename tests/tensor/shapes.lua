-- Random chains of ops on shapes, taken twice: once as they come, views of views, and once with a
-- fresh copy after every step. Values, and the gradients that go back through the chains, must agree.

local lunette = require "lunette"
local tensor = lunette.tensor
local draw = require "tests.support.chance"(20250217)
local random, pick = draw.whole, draw.pick

local function dim(x) return random(1, x:dim()) * (random(0, 1) == 0 and 1 or -1) end

local function from_start(d, x) return d < 0 and d + x:dim() + 1 or d end

local function order(n)
  local list = {}
  for d = 1, n do table.insert(list, random(1, d), d) end
  return list
end

-- A step draws what it needs once and gives the function to be applied, or nil where it does not fit.
local steps = {
  transpose = function(x)
    local a, b = dim(x), dim(x)
    return function(y) return y:transpose(a, b) end
  end,
  permute = function(x)
    local o = order(x:dim())
    return function(y) return y:permute(o) end
  end,
  movedim = function(x)
    local a, b = dim(x), dim(x)
    return function(y) return y:movedim(a, b) end
  end,
  reshape = function(x)
    local n = x:numel()
    local k = random(1, n)
    while n % k ~= 0 do k = k - 1 end
    return function(y) return y:reshape(k, -1) end
  end,
  flatten = function(x)
    if x:dim() < 2 then return end
    local a = random(1, x:dim() - 1)
    return function(y) return y:flatten(a, a + 1) end
  end,
  unflatten = function(x)
    local d = from_start(dim(x), x)
    if x:size(d) % 2 ~= 0 or x:dim() > 4 then return end
    return function(y) return y:unflatten(d, { 2, -1 }) end
  end,
  unsqueeze = function(x)
    if x:dim() > 4 then return end
    local d = random(1, x:dim() + 1)
    return function(y) return y:unsqueeze(d) end
  end,
  squeeze = function(x)
    return x:dim() > 1 and x:squeeze():dim() > 0 and function(y) return y:squeeze() end or nil
  end,
  expand = function(x)
    if x:dim() > 4 or x:numel() > 200 then return end
    local n, size = random(1, 3), {}
    for d = 1, x:dim() do size[d + 1] = -1 end
    size[1] = n
    return function(y) return y:expand(size) end
  end,
  narrow = function(x)
    local d = dim(x)
    local n = x:size(from_start(d, x))
    local start = random(1, n)
    local length = random(1, n - start + 1)
    return function(y) return y:narrow(d, start, length) end
  end,
  slice = function(x)
    local d = dim(x)
    local start, step = random(1, x:size(from_start(d, x))), random(1, 3)
    return function(y) return y:slice(d, start, -1, step) end
  end,
  select = function(x)
    if x:dim() < 2 then return end
    local d = dim(x)
    local i = random(1, x:size(from_start(d, x)))
    return function(y) return y:select(d, i) end
  end,
  diagonal = function(x)
    if x:dim() < 2 then return end
    local o = order(x:dim())
    return function(y) return y:diagonal(0, o[1], o[2]) end
  end,
  unfold = function(x)
    if x:dim() > 4 or x:numel() > 200 then return end
    local d = dim(x)
    local size, step = random(1, x:size(from_start(d, x))), random(1, 2)
    return function(y) return y:unfold(d, size, step) end
  end,
  flip = function(x)
    local d = dim(x)
    return function(y) return y:flip(d) end
  end,
  roll = function(x)
    local d, n = dim(x), random(-3, 3)
    return function(y) return y:roll(n, d) end
  end,
  rot90 = function(x)
    if x:dim() < 2 then return end
    local k, o = random(-1, 4), order(x:dim())
    return function(y) return y:rot90(k, { o[1], o[2] }) end
  end,
  rep = function(x)
    if x:numel() > 200 then return end
    local sizes = {}
    for d = 1, x:dim() do sizes[d] = random(1, 2) end
    return function(y) return y:rep(sizes) end
  end,
  repeat_interleave = function(x)
    if x:numel() > 200 then return end
    local d, n = dim(x), random(1, 2)
    return function(y) return y:repeat_interleave(n, d) end
  end,
  pad = function(x)
    if x:numel() > 200 then return end
    local amounts, mode = { random(0, 1), random(0, 1) }, pick { "constant", "replicate", "circular" }
    return function(y) return y:pad(amounts, mode) end
  end,
  split = function(x)
    local d, n = dim(x), random(1, 3)
    return function(y)
      local parts = y:split(n, d)
      table.insert(parts, 1, table.remove(parts))
      return tensor.cat(parts, d)
    end
  end,
  stack = function(x)
    if x:dim() > 4 or x:numel() > 200 then return end
    local d = random(1, x:dim() + 1)
    return function(y) return tensor.stack({ y, y:flip(1) }, d) end
  end,
  unbind = function(x)
    local d = random(1, x:dim())
    return function(y) return tensor.stack(y:unbind(d), 1) end
  end,
  index = function(x)
    local n, places = x:size(1), {}
    for i = 1, random(1, 3) do places[i] = random(1, n) end
    places = tensor(places)
    return function(y) return y[places] end
  end,
}

local names = {}
for name in pairs(steps) do names[#names + 1] = name end
table.sort(names)

local function base()
  local shape, n, values = {}, 1, {}
  for d = 1, random(1, 4) do shape[d] = random(1, 4) end
  for _, s in ipairs(shape) do n = n * s end
  for i = 1, n do values[i] = math.sin(i * 1.7) end
  return tensor(values, { dtype = "float64", requires_grad = true }), shape
end

local function chain(t)
  local x, shape = base()
  local views, copies, path = x:reshape(shape), x:reshape(shape):clone(), {}
  for _ = 1, random(1, 7) do
    local name = pick(names)
    local f = steps[name](views)
    if f then
      views, copies = f(views), f(copies):clone()
      path[#path + 1] = name
    end
  end
  local where = table.concat(path, " ")
  local good = t.ok("values of " .. where, views.shape == copies.shape and views:eq(copies):all())
  local weights = tensor.arange(views:numel()):double():reshape(views.shape)
  local a = tensor.grad((views * weights):sum(), x)
  local b = tensor.grad((copies * weights):sum(), x)
  return t.ok("gradients of " .. where, (a - b):abs():max():item() < 1e-9) and good, #path
end

return function(t)
  local seen = 0
  for _ = 1, 800 do
    local good, n = chain(t)
    if not good then return end
    seen = seen + n
  end
  t.ok("chains were made", seen > 2000)
end
