-- The benchmark: the workloads that PyTorch is compared on. A training step is zero the gradients,
-- forward, loss, backward, Adam step; data is random and made once.
-- Usage: lunette scripts/bench.lua [--json] [--threads N] [--budget SECONDS] [--only name,name]

local lunette = require "lunette"
local tensor, nn, optim = lunette.tensor, lunette.nn, lunette.optim

local given = { threads = 0, budget = 1.0, only = "", json = false }
do
  local i = 1
  while arg[i] do
    local name = arg[i]:match "^%-%-(%w+)$"
    if given[name] == nil then
      io.stderr:write(("bench: unknown argument %s (--json --threads N --budget S --only a,b)\n"):format(arg[i]))
      os.exit(2)
    end
    if name == "json" then
      given.json = true
    else
      i = i + 1
      given[name] = name == "only" and arg[i] or tonumber(arg[i])
    end
    i = i + 1
  end
end
tensor.set_num_threads(given.threads)
local only = {}
for name in given.only:gmatch "[^,]+" do only[name] = true end

-- ---- measuring -----------------------------------------------------------------------------------

local function bench(name, make)
  if next(only) and not only[name] then return end
  tensor.manual_seed(1)
  local step = make()
  for _ = 1, 3 do step() end
  local times, start = {}, tensor.now()
  while #times < 5 or (tensor.now() - start < given.budget and #times < 3000) do
    local t = tensor.now()
    step()
    times[#times + 1] = (tensor.now() - t) * 1e3
  end
  table.sort(times)
  local line = given.json and '{"name": "%s", "ms_min": %.5f, "ms_median": %.5f, "n": %d}' or "%-28s %10.4f ms (median %.4f, %d runs)"
  print(line:format(name, times[1], times[#times // 2 + 1], #times))
  io.stdout:flush()
  collectgarbage()
end

local function trainer(model, x, y)
  local opt = optim.Adam(model, { lr = 1e-3 })
  return function()
    opt:zero_grad()
    model(x):cross_entropy(y):backward()
    opt:step()
  end
end

-- ---- models -----------------------------------------------------------------------------------------

local function mlp(b)
  return function()
    local net = nn.Sequential(nn.Linear(784, 128), nn.ReLU(), nn.Linear(128, 10))
    return trainer(net, tensor.randn(b, 784), tensor.randint(1, 10, { b }))
  end
end

local function cnn(b)
  return function()
    local net = nn.Sequential(
      nn.Conv2d(1, 32, 3), nn.ReLU(), nn.MaxPool2d(2),
      nn.Conv2d(32, 64, 3), nn.ReLU(), nn.MaxPool2d(2),
      nn.Conv2d(64, 64, 3), nn.ReLU(), nn.Flatten(),
      nn.Linear(576, 64), nn.ReLU(), nn.Linear(64, 10))
    return trainer(net, tensor.randn(b, 1, 28, 28), tensor.randint(1, 10, { b }))
  end
end

local function overhead_forward()
  local a, b = tensor.randn(1), tensor.randn(1)
  return function()
    for _ = 1, 1000 do local _ = a + b end
  end
end

local function overhead_backward()
  local a, b = tensor.randn(1, { requires_grad = true }), tensor.randn(1)
  return function()
    local c = a
    for _ = 1, 1000 do c = c + b end
    c:backward()
  end
end

bench("mlp_b32", mlp(32))
bench("mlp_b512", mlp(512))
bench("cnn_b32", cnn(32))
bench("cnn_b128", cnn(128))
bench("overhead_forward", overhead_forward)
bench("overhead_backward", overhead_backward)

-- ---- single ops --------------------------------------------------------------------------------------

local function vector() return tensor.randn(1 << 20) end
local function matrix() return tensor.randn(1024, 1024) end

local function micro(name, make, ...)
  local inputs = { ... }
  bench("micro_" .. name, function()
    for i, f in ipairs(inputs) do inputs[i] = f() end
    local x, y = inputs[1], inputs[2]
    return function() return make(x, y) end
  end)
end

micro("add_1m", function(x, y) return x + y end, vector, vector)
micro("exp_1m", function(x) return x:exp() end, vector)
micro("tanh_1m", function(x) return x:tanh() end, vector)
micro("gelu_1m", function(x) return x:gelu() end, vector)
micro("sum_1m", function(x) return x:sum() end, vector)
micro("sum_dim1_1024", function(x) return x:sum(1) end, matrix)
micro("softmax_1024", function(x) return x:softmax(-1) end, matrix)
micro("layer_norm_1024", function(x) return x:layer_norm { normalized_shape = { 1024 } } end, matrix)
micro("transpose_copy_1024", function(x) return x:transpose(1, 2):contiguous() end, matrix)
micro("matmul_1024", function(x) return x:matmul(x) end, matrix)
micro("sort_1m", function(x) return x:sort() end, vector)
micro("randn_1m", function() return tensor.randn(1 << 20) end)
micro("conv3x3_32x64x28", function(x, w) return x:conv2d(w, { padding = 1 }) end,
  function() return tensor.randn(32, 64, 28, 28) end, function() return tensor.randn(64, 64, 3, 3) end)
micro("gather_rows", function(x, i) return x[i] end,
  function() return tensor.randn(10000, 256) end, function() return tensor.randint(1, 10000, { 8192 }) end)
