-- view_gradients.lua: the gradients of many views of one tensor gather in one tensor.

local lunette = require "lunette"
local tensor = lunette.tensor

local function near(t, name, got, want)
  got = got:reshape(-1):tolist()
  for i, v in ipairs(want) do t.near(name .. " " .. i, got[i], v, 1e-9) end
end

-- Views of one matrix [3,4], as the rows and columns that they show, counted by hand.
local views = {
  { function(x) return x:select(1, 2) end, { 5, 6, 7, 8 } },
  { function(x) return x:narrow(2, 2, 2) end, { 2, 3, 6, 7, 10, 11 } },
  { function(x) return x:unfold(2, 2, 1):select(1, 1) end, { 1, 2, 2, 3, 3, 4 } },
  { function(x) return x:slice(2, 1, 4, 3) end, { 1, 4, 5, 8, 9, 12 } },
  { function(x) return x:t():diagonal() end, { 1, 6, 11 } },
  { function(x) return x:chunk(2, 2)[2] end, { 3, 4, 7, 8, 11, 12 } },
  { function(x) return x:unfold(1, 2, 1) end, { 1, 5, 2, 6, 3, 7, 4, 8, 5, 9, 6, 10, 7, 11, 8, 12 } },
}

-- Their gradients meet in one tensor; whoever holds what it was before does not see it change.
return function(t)
  local want = {}
  for i = 1, 12 do want[i] = 0 end
  for k, view in ipairs(views) do
    for i, place in ipairs(view[2]) do want[place] = want[place] + k * i end
  end
  local function loss(x)
    local sum = 0
    for k, view in ipairs(views) do
      local v = view[1](x):reshape(-1)
      sum = sum + (v * tensor.arange(v:numel()) * k):sum()
    end
    return sum
  end
  local x = tensor.arange(12):double():view(3, 4):requires_grad_()
  local y = loss(x)
  y:backward { retain_graph = true }
  near(t, "many views of a leaf", x.grad, want)
  local first = x.grad
  x.grad = nil
  y:backward()
  near(t, "once more", x.grad, want)
  near(t, "the first time's", first, want)
  near(t, "as a target", tensor.grad(loss(x), x), want)
  near(t, "with a graph of its own", tensor.grad(loss(x), x, { create_graph = true }), want)
  local middle, held = x * 2, {}
  middle:register_hook(function(g) held[#held + 1] = g end)
  local direct = tensor.grad(loss(middle) + (middle * 3):sum(), { middle, x })
  for i = 1, 12 do want[i] = want[i] + 3 end
  near(t, "of a result", direct[1], want)
  near(t, "what its hook saw", held[1], want)
  for i = 1, 12 do want[i] = 2 * want[i] end
  near(t, "beyond it", direct[2], want)
  local given = tensor.ones(3, 4):double() -- the caller's own, to which nothing may be added
  x.grad = nil
  middle = x * 1
  local sum = middle:select(1, 1):sum() + middle:select(1, 2):sum()
  tensor.grad({ middle, sum }, x, { grad_outputs = { given, tensor.ones(1):double():squeeze() } })
  t.ok("a gradient that was given stays", given == tensor.ones(3, 4):double())
end
