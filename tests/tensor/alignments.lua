-- ctc_loss with sequences that fill vectors of any width: values against the recursion written plainly,
-- gradients against differences of it, and labels that do not fit.

local lunette = require "lunette"
local tensor = lunette.tensor

local T, N, C, L = 26, 3, 5, 11

local function inputs(spread)
  tensor.manual_seed(3)
  local x = tensor.randn(T, N, C, {dtype = "float64"}) * spread
  local labels = tensor.randint(2, C, {N, L})
  labels[{1, 2}] = labels[{1, 1}]:item() -- twice the same: a blank has to stand between
  return x, labels, tensor {T, 23, 25}, tensor {L, 7, 9}
end

local function log_sum(...)
  local top, sum = math.max(...), 0
  if top == -math.huge then return top end
  for _, v in ipairs {...} do sum = sum + math.exp(v - top) end
  return top + math.log(sum)
end

-- Graves and others 2006, equations 6 to 8, for sequence i.
local function naive(x, labels, steps, lengths, i)
  local p, places, a = x:log_softmax(-1), {1}, {}
  for l = 1, lengths[i]:item() do
    places[#places + 1] = labels[{i, l}]:item()
    places[#places + 1] = 1
  end
  for step = 1, steps[i]:item() do
    local row, before = p[{step, i}]:tolist(), a
    a = {}
    for s, class in ipairs(places) do
      local stay, one, two = before[s], before[s - 1] or -math.huge, -math.huge
      if s > 2 and class ~= 1 and class ~= places[s - 2] then two = before[s - 2] or two end
      if step == 1 then stay = s <= 2 and 0 or -math.huge end
      a[s] = log_sum(stay, one, two) + row[class]
    end
  end
  return -log_sum(a[#places], a[#places - 1])
end

local function test_values(t)
  for _, spread in ipairs {1, 30} do
    local x, labels, steps, lengths = inputs(spread)
    x:requires_grad_()
    local y = tensor.ctc_loss(x, labels, steps, lengths, {reduction = "none"})
    y:sum():backward()
    for i = 1, N do
      local name = ("spread %d, sequence %d"):format(spread, i)
      local want = naive(x:detach(), labels, steps, lengths, i)
      t.near(name, y[i]:detach():item() / want, 1, 1e-12)
      for step = 1, T, 6 do
        local class, h, moved = step % C + 1, 1e-5, x:detach():clone()
        moved[{step, i, class}] = x[{step, i, class}]:item() + h
        local up = naive(moved, labels, steps, lengths, i)
        moved[{step, i, class}] = x[{step, i, class}]:item() - h
        local slope = (up - naive(moved, labels, steps, lengths, i)) / (2 * h)
        t.near(("%s, gradient at %d"):format(name, step), x.grad[{step, i, class}], slope, 1e-6)
      end
    end
  end
end

local function test_too_long(t)
  local x = tensor.zeros(3, 1, 4):requires_grad_()
  local y = tensor.ctc_loss(x, tensor {{2, 2, 3}}, tensor {3}, tensor {3})
  t.eq("labels that do not fit", y:item(), math.huge)
  y:backward()
  t.eq("move nothing", x.grad:abs():sum():item(), 0)
end

return function(t)
  for _, test in ipairs {test_values, test_too_long} do test(t) end
end
