-- grid_sample and interpolate at sizes that fill vectors of any width: float32 against the naive
-- reference, its gradients against those of float64, and the same bits for 1, 2 and 3 threads.

local lunette = require "lunette"
local reference = require "tests.reference"
local tensor = lunette.tensor

-- The largest difference, over the largest value where that is above 1.
local function farthest(a, b)
  return (a:double() - b:double()):abs():max():item() / math.max(1, b:abs():max():item())
end

-- y = f(inputs) and the gradients of the inputs for one that is drawn.
local function run(f, inputs)
  local leaves = {}
  for i, x in ipairs(inputs) do leaves[i] = x:clone():requires_grad_() end
  local y = f(table.unpack(leaves))
  tensor.manual_seed(5)
  y:backward(tensor.randn(y.shape, {dtype = "float64"}):to(y.dtype))
  local list = {y:detach()}
  for i, x in ipairs(leaves) do list[i + 1] = x.grad end
  return list
end

local function check(t, name, f, naive, inputs, tolerance)
  local float, before = {}, tensor.get_num_threads()
  for i, x in ipairs(inputs) do float[i] = x:float() inputs[i] = float[i]:double() end
  local exact, got = run(f, inputs), run(f, float)
  local plain = {}
  for i, x in ipairs(inputs) do plain[i] = x:tolist() end
  t.ok(name .. " value", farthest(got[1], tensor(naive(table.unpack(plain)))) < tolerance)
  for i = 2, #got do
    local d = farthest(got[i], exact[i])
    t.ok(name .. " gradient " .. i - 1, d < tolerance, "differs by " .. d)
  end
  for threads = 1, 3 do
    tensor.set_num_threads(threads)
    for i, y in ipairs(run(f, float)) do
      t.ok(("%s bits of %d for %d threads"):format(name, i, threads), tensor.hash {y} == tensor.hash {got[i]})
    end
  end
  tensor.set_num_threads(before)
end

local function random(...) return tensor.randn(..., {dtype = "float64"}) end

local function test_grid(t)
  local shapes = {
    {{2, 19, 7, 9}, {2, 5, 15, 2}}, -- more channels than lanes
    {{2, 3, 11, 8}, {2, 9, 9, 2}}, -- fewer
    {{1, 16, 24, 25}, {1, 3, 3, 2}}, -- few places
    {{1, 6, 3, 4, 5}, {1, 4, 5, 6, 3}},
  }
  for n, shape in ipairs(shapes) do
    tensor.manual_seed(n)
    local x, grid = random(shape[1]), tensor.rand(shape[2], {dtype = "float64"}) * 2.6 - 1.3
    for _, how in ipairs {{"bilinear", "zeros", true}, {"bilinear", "reflection", false}, {"nearest", "border", false},
                          {"bicubic", "reflection", true}, {"bicubic", "zeros", false}} do
      if how[1] ~= "bicubic" or #shape[1] == 4 then
        local function f(a, b) return a:grid_sample(b, table.unpack(how)) end
        local function naive(a, b) return reference.grid_sample(a, b, table.unpack(how)) end
        check(t, ("grid_sample %d %s %s"):format(n, how[1], how[2]), f, naive, {x, grid}, 2e-5)
      end
    end
  end
end

-- What is not a number, or far away, is no place; what lies outside is not multiplied.
local function test_far(t)
  local x = tensor.full({1, 8, 2, 2}, math.huge)
  local grid = tensor {{{{5.0, 5.0}, {1e30, -1e30}}}}
  t.eq("outside of infinite values", x:grid_sample(grid):abs():sum():item(), 0)
  for _, mode in ipairs {"bilinear", "nearest", "bicubic"} do
    for _, padding in ipairs {"zeros", "border", "reflection"} do
      for _, channels in ipairs {1, 8} do
        local grid_of = tensor {{{{0 / 0, 0.5}, {math.huge, -math.huge}, {-3e38, 3e38}}}}:requires_grad_()
        local y = tensor.ones(1, channels, 3, 3):requires_grad_():grid_sample(grid_of, mode, padding)
        y:sum():backward()
        t.eq(mode .. " " .. padding .. " of what is not finite", y.shape[4], 3)
      end
    end
  end
end

local function test_interpolate(t)
  local sizes = {
    {{3, 5, 37}, {{21}, {90}, {5}, {300}}, {"linear", "nearest"}},
    {{2, 3, 19, 33}, {{19, 66}, {40, 20}, {9, 16}, {3, 2}}, {"bilinear", "bicubic", "nearest", "nearest-exact"}},
    {{1, 2, 5, 14, 9}, {{10, 7, 30}}, {"trilinear", "nearest"}},
  }
  for n, case in ipairs(sizes) do
    tensor.manual_seed(n)
    for _, size in ipairs(case[2]) do
      for _, mode in ipairs(case[3]) do
        local options = {mode = mode}
        local function f(x) return x:interpolate(size, options) end
        local function naive(x) return reference.interpolate(x, size, options) end
        check(t, ("interpolate %d %s to %s"):format(n, mode, table.concat(size, "x")), f, naive, {random(case[1])}, 2e-5)
      end
    end
  end
end

return function(t)
  for _, test in ipairs {test_grid, test_far, test_interpolate} do test(t) end
end
