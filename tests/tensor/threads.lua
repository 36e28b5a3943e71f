-- threads.lua: large inputs, which the team shares out: the same bits for 1, 2 and 3 threads, forward
-- and backward. `make check` runs this under ThreadSanitizer too.

local lunette = require "lunette"
local tensor, nn, optim = lunette.tensor, lunette.nn, lunette.optim

local function ramp(...)
  local x = tensor.zeros(...)
  return tensor.arange(x:numel()):float():reshape(x.shape):mul(0.7311):sin()
end

local function ids(most, ...)
  local x = tensor.zeros(...)
  return tensor.arange(x:numel()):mul(7919):remainder(most):add(1):reshape(x.shape)
end

-- Each makes inputs and gives a result; leaves are the tensors that its function gets.
local calls = {
  { "pointwise", { ramp(300, 400) }, function(x) return (x:exp() * 2 - x:sigmoid()):tanh() end },
  { "broadcast", { ramp(300, 400), ramp(300, 1) }, function(x, y) return x * y + y end },
  { "strided", { ramp(300, 400) }, function(x) return x.T:gelu() + x.T[{ {}, { 1, 300, 1 } }] end },
  { "types", { ramp(300, 400) }, function(x) return x:double():pow(2):float() end },
  { "sums", { ramp(300, 400) }, function(x) return x:sum(1):sum() + x:mean(2):sum() + x:sum() end },
  { "extremes", { ramp(300, 400) }, function(x) return (x:max(2)) + (x:min(2)) end },
  { "variance", { ramp(300, 400) }, function(x) return x:var(1):sum() + x:std(2):sum() + x:norm() end },
  { "running sums", { ramp(300, 400) }, function(x) return x:cumsum(1) + x:cumsum(2) end },
  { "softmax of rows", { ramp(900, 100) }, function(x) return x:softmax(-1) * x:log_softmax(-1) end },
  { "softmax of columns", { ramp(100, 900) }, function(x) return x:softmax(1) * x:log_softmax(1) end },
  { "cross_entropy", { ramp(4000, 20) }, function(x) return x:cross_entropy(ids(20, 4000)) end },
  { "mse_loss", { ramp(300, 400), ramp(300, 400) }, function(x, y) return x:mse_loss(y) end },
  { "logits", { ramp(300, 400) }, function(x) return x:binary_cross_entropy_with_logits(x:detach():sigmoid()) end },
  { "layer_norm", { ramp(700, 150), ramp(150), ramp(150) }, function(x, w, b) return x:layer_norm(150, w, b) end },
  { "batch_norm", { ramp(16, 20, 18, 18), ramp(20), ramp(20) }, function(x, w, b)
    return x:batch_norm(nil, nil, w, b, { training = true })
  end },
  { "conv2d", { ramp(8, 12, 20, 20), ramp(16, 12, 3, 3), ramp(16) }, function(x, w, b)
    return x:conv2d(w, b, { padding = 1 })
  end },
  { "conv2d in float64", { ramp(4, 6, 14, 14):double(), ramp(8, 6, 3, 3):double() }, function(x, w) return x:conv2d(w) end },
  { "conv2d 1x1", { ramp(8, 24, 16, 16), ramp(32, 24, 1, 1) }, function(x, w) return x:conv2d(w) end },
  { "conv2d strided", { ramp(8, 3, 30, 30), ramp(16, 3, 5, 5) }, function(x, w) return x:conv2d(w, nil, { stride = 2 }) end },
  { "conv2d depthwise", { ramp(8, 24, 20, 20), ramp(24, 1, 3, 3) }, function(x, w)
    return x:conv2d(w, nil, { groups = 24, padding = 1 })
  end },
  { "conv_transpose2d", { ramp(4, 12, 12, 12), ramp(12, 8, 3, 3) }, function(x, w)
    return x:conv_transpose2d(w, nil, { stride = 2 })
  end },
  { "max_pool2d", { ramp(16, 12, 24, 24) }, function(x) return x:max_pool2d(2) end },
  { "avg_pool2d", { ramp(16, 12, 24, 24) }, function(x) return x:avg_pool2d(3, { stride = 2 }) end },
  { "embedding", { ramp(500, 64) }, function(w) return ids(500, 40, 60):embedding(w) end },
  { "gather", { ramp(400, 300) }, function(x) return x:gather(2, ids(300, 400, 200)) end },
  { "index_select", { ramp(400, 300) }, function(x) return x:index_select(1, ids(400, 900)) end },
  { "x[i]", { ramp(400, 300) }, function(x) return x[ids(400, 900)] end },
  { "masks", { ramp(400, 300) }, function(x) return tensor.where(x:gt(0), x * 3, x):masked_fill(x:lt(-0.5), 7) end },
  { "blocks", { ramp(400, 150), ramp(400, 150) }, function(x, y) return tensor.cat({ x, y:flip { 1 } }, 2):roll(3, 1) end },
  { "matmul", { ramp(400, 500), ramp(500, 300) }, function(x, y) return x:matmul(y) end },
  { "matmul, tall", { ramp(60, 9000), ramp(9000, 30) }, function(x, y) return x:matmul(y) end },
  { "matmul in batches", { ramp(12, 60, 80), ramp(12, 80, 70) }, function(x, y) return x:matmul(y) end },
  { "lstm", { ramp(32, 12, 40), ramp(160, 40), ramp(160, 40) }, function(x, wi, wh) return (x:lstm(nil, nil, wi, wh)) end },
  { "dropout", { ramp(300, 400) }, function(x) return x:dropout(0.3, { training = true }) end },
  { "random", {}, function() return tensor.randn(300, 400) + tensor.rand(300, 400) + tensor.randint(1, 9, { 300, 400 }) end },
  { "randperm", {}, function() return tensor.randperm(100000):float() end },
  { "copies", { ramp(300, 400) }, function(x) return x:transpose(1, 2):contiguous():clone() end },
  { "comparing", {}, function() return ramp(300, 400):gt(0):float():sum(1) end },
}

-- The bits of a result and of the gradients of its sum.
local function bits(call)
  tensor.manual_seed(5)
  local leaves = {}
  for i, x in ipairs(call[2]) do leaves[i] = x:clone():requires_grad_() end
  local y = call[3](table.unpack(leaves))
  local list = { y:detach():contiguous() }
  if y.requires_grad then
    (y * y):sum():backward()
    for _, x in ipairs(leaves) do list[#list + 1] = x.grad and x.grad:contiguous() end
  end
  return tensor.hash(list)
end

-- A few steps of a small network, with every optimizer.
local function trained(make)
  tensor.manual_seed(6)
  local net = nn.Sequential(nn.Conv2d(3, 16, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(16 * 49, 200), nn.Dropout(0.2),
    nn.Linear(200, 10))
  local opt = make(net)
  local x, y = ramp(32, 3, 16, 16), ids(10, 32)
  for _ = 1, 3 do
    opt:zero_grad()
    net(x):cross_entropy(y):backward()
    opt:step()
  end
  local list = {}
  for _, p in net:named_parameters() do list[#list + 1] = p:detach() end
  return tensor.hash(list)
end

local function same(t, name, f, ...)
  local want
  for threads = 1, 3 do
    tensor.set_num_threads(threads)
    local got = f(...)
    want = want or got
    t.eq(("%s on %d threads"):format(name, threads), got, want)
  end
end

return function(t)
  local before = tensor.get_num_threads()
  for _, call in ipairs(calls) do same(t, call[1], bits, call) end
  same(t, "training with Adam", trained, function(net) return optim.Adam(net, { lr = 0.01 }) end)
  same(t, "training with SGD", trained, function(net) return optim.SGD(net, { lr = 0.01, momentum = 0.9 }) end)
  tensor.set_num_threads(before)
end
