-- What rows alone do not show: writes through views and their gradients, results that are their own
-- input, writes that read what they write, checks before the first write, streams of random numbers.

local lunette = require "lunette"
local gradcheck = require "lunette.gradcheck"
local tensor = lunette.tensor

local function float64(list) return tensor(list, { dtype = "float64" }) end

local function leaf(list) return tensor(list, { dtype = "float64", requires_grad = true }) end

local function writes_through_views(t)
  local x, v = { { 0.3, -1.2, 0.7 }, { 1.1, 0.4, -0.6 } }, { 0.9, -0.5 }
  local function check(name, f, ...)
    local ok, message = gradcheck(f, { ... }, { order = 2 })
    t.ok(name, ok, message)
  end
  check("a column replaced", function(a, b)
    local y = a * 2
    y:select(2, 2):copy_(b)
    return y * y
  end, leaf(x), leaf(v))
  check("a sister view follows", function(a, b)
    local y = a * 2
    local row = y:select(1, 1)
    y:t():narrow(1, 2, 2):select(1, 1):copy_(b)
    return row * row * y
  end, leaf(x), leaf(v))
  check("an expanded sister follows", function(a, b)
    local y = a * 2
    local wide = y:narrow(2, 1, 1):expand(2, 3)
    y:select(2, 1):copy_(b)
    return wide * y
  end, leaf(x), leaf(v))
  check("a detached, turned root", function(b)
    local root = float64(x):t():narrow(1, 2, 2):detach()
    local row = root:select(1, 1)
    root:select(2, 1):copy_(b)
    return root * row
  end, leaf(v))
  check("fill_ by a tensor", function(a, b)
    local y = a:clone()
    y:select(2, 3):fill_(b)
    return y * y
  end, leaf(x), leaf(0.4))
  check("zero_ of a part", function(a)
    local y = a:clone()
    y:select(1, 2):zero_()
    return y * y
  end, leaf(x))
  check("index assignment", function(a, b)
    local y = a:clone()
    y[{ {}, tensor { 3, 1 } }] = b:unsqueeze(2)
    return y * y
  end, leaf(x), leaf(v))
end

local function same_handle(t)
  local f = float64 { 1, 2, 3 }
  t.ok("contiguous gives itself", rawequal(f, f:contiguous()))
  for _, mode in ipairs { "constant", "reflect", "replicate", "circular" } do
    f:pad({ 0, -1 }, mode):zero_()
    t.ok("a crop is a copy: " .. mode, f == float64 { 1, 2, 3 })
  end
  t.ok("to its own type gives itself", rawequal(f, f:double()))
  t.ok("dropout outside of training gives itself", rawequal(f, f:dropout(0.5, false)))
  local w = leaf { 1, 2 }
  t.ok("of a leaf as well", rawequal(w, w:double()))
  t.ok("clone does not", not rawequal(f, f:clone()))
end

local function reads_what_it_writes(t)
  local x = tensor.arange(5)
  x:scatter_(1, tensor { 2, 3, 4, 5, 1 }, x)
  t.ok("scatter_ of itself", x == tensor { 5, 1, 2, 3, 4 })
  local p = tensor { 2, 3, 1 }
  p:scatter_(1, p, tensor { 7, 8, 9 })
  t.ok("scatter_ by itself", p == tensor { 9, 7, 8 })
  local y = tensor.arange(6)
  y:narrow(1, 2, 5):copy_(y:narrow(1, 1, 5))
  t.ok("copy_ between overlapping parts", y == tensor { 1, 1, 2, 3, 4, 5 })
  y[tensor { 1, 2, 3, 4, 5, 6 }] = y:flip(1)
  t.ok("assignment of its own reverse", y == tensor { 5, 4, 3, 2, 1, 1 })
end

local function checks_come_first(t)
  local x = tensor.zeros(3)
  t.raises("assignment", "index 9 in dimension 1: x is %[3%], so 1%.%.3 or %-3%.%.%-1", function()
    x[tensor { 1, 2, 9 }] = 1
  end)
  t.raises("index_add_", "index_add: index 0 in dimension 1: positions count from 1", function()
    x:index_add_(1, tensor { 1, 0 }, tensor.ones(2))
  end)
  t.raises("embedding", "id 0 at position 2 is not 1%.%.3; ids count from 1", function()
    tensor.embedding(tensor { 1, 0 }, tensor.zeros(3, 2))
  end)
  t.ok("nothing was written", x == tensor.zeros(3))
  t.raises("fractions", "^.-2.5 does not fit an int64 tensor; x = x:float%(%) first", function()
    tensor.arange(3)[tensor { 1 }] = 2.5
  end)
  t.raises("view", "use reshape", function() return tensor.zeros(2, 3):t():view(6) end)
end

local function empty(t)
  local x = tensor.zeros(0, 3)
  t.eq("cat with nothing", tostring(tensor.cat { tensor.zeros(0), tensor.ones(2, 3) }.shape), "{2, 3}")
  t.eq("reshape", tostring(x:reshape(3, 0).shape), "{3, 0}")
  t.eq("index_select", tostring(x:index_select(2, tensor { 3, 1 }).shape), "{0, 2}")
  t.eq("nonzero", tostring(x:nonzero().shape), "{0, 2}")
  t.eq("masked_select", tostring(tensor.ones(2):masked_select(tensor.ones(2):gt(1)).shape), "{0}")
  t.eq("randperm", tostring(tensor.randperm(0).shape), "{0}")
  t.eq("rep", tostring(tensor.ones(2):rep(0).shape), "{0}")
end

local function streams(t)
  tensor.manual_seed(11)
  local first, second = tensor.rand(3), tensor.rand(3)
  t.ok("draws differ", first ~= second)
  tensor.manual_seed(11)
  tensor.ones(4):dropout(0.5)
  t.ok("dropout takes nothing from other streams", tensor.rand(3) == first)
  local n = 60000
  local p = tensor.randperm(n)
  t.ok("randperm is a permutation", p:sum() == n * (n + 1) // 2 and p:min() == 1 and p:max() == n
    and tensor.zeros(n):index_add(1, p, tensor.ones(n)) == tensor.ones(n))
end

return function(t)
  writes_through_views(t)
  same_handle(t)
  reads_what_it_writes(t)
  checks_come_first(t)
  empty(t)
  streams(t)
end
