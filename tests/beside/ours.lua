-- Lunette's side of tests/beside/beside.py: reads rows and requests from standard input, answers each
-- request with the smallest time of a call in microseconds. See beside.py for the form of a row.
local lunette = require "lunette"
local tensor, nn = lunette.tensor, lunette.nn

local kinds = {
  [""] = function(size) return tensor.randn(size):requires_grad_() end,
  ["="] = function(size) return tensor.randn(size) end,
  ["*"] = function(size) return tensor.randn(size, { dtype = "float64" }):requires_grad_() end,
  ["+"] = function(size) return (tensor.rand(size) * 0.9 + 0.05):requires_grad_() end,
  ["?"] = function(size) return tensor.rand(size):gt(0.5) end,
}

local function input(text)
  local below, sizes = text:match "^<(%d+):(.*)$"
  local kind = below and "<" or text:match "^[=*+?]?"
  local size = {}
  for n in (sizes or text):gmatch "%d+" do size[#size + 1] = math.tointeger(n) end
  if below then return tensor.randint(1, math.tointeger(below), size) end
  return kinds[kind](size)
end

local made = {}
local function make(row)
  tensor.manual_seed(1)
  local env = { tensor = tensor, nn = nn, math = math, inf = math.huge, ipairs = ipairs }
  for name, text in row.inputs:gmatch "(%w+):(%S+)" do env[name] = input(text) end
  local function compile(text) return assert(load("return " .. text, row.name, "t", env)) end
  local name, value, body = row.ours:match "^%s*(%w+) = (.-) %-> (.*)$"
  if name then env[name] = compile(value)() end
  local f = compile("(" .. (body or row.ours) .. ")")
  local y = f()
  local out = { forward = function() return tensor.no_grad(f) end }
  if tensor.is_tensor(y) and y.requires_grad then
    local g = tensor.randn(y.shape)
    function out.both() f():backward(g) end
  end
  local leaves = {}
  for _, v in pairs(env) do
    if tensor.is_tensor(v) then leaves[#leaves + 1] = v end
  end
  for _, p in ipairs(nn.is_module(value and env[name]) and env[name]:parameters() or {}) do leaves[#leaves + 1] = p end
  function out.clear() for _, p in ipairs(leaves) do p.grad = nil end end
  return out
end

--- Seconds of one call: the smallest over batches of at least 1 ms, measured for `budget` seconds.
local function measure(f, clear, budget)
  local function batch(n)
    clear()
    local t = tensor.now()
    for _ = 1, n do f() clear() end
    return (tensor.now() - t) / n
  end
  batch(2)
  local n = math.max(1, math.ceil(3e-4 / batch(1)))
  local best, start = math.huge, tensor.now()
  repeat best = math.min(best, batch(n)) until tensor.now() - start > budget
  return best
end

for line in io.lines() do
  local name, rest = line:match "^row (%S+) (.*)$"
  if name then
    local inputs, ours = rest:match "^(.-)|(.*)$"
    made = make { name = name, inputs = inputs, ours = ours }
    print(made.both and "both" or "forward")
  else
    local threads, what, budget = line:match "^time (%d+) (%w+) (%S+)$"
    tensor.set_num_threads(math.tointeger(threads))
    local f = made[what]
    print(("%.4f"):format(1e6 * measure(f, what == "both" and made.clear or function() end, tonumber(budget))))
  end
  io.stdout:flush()
  collectgarbage()
end
