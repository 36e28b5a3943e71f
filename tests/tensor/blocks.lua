-- blocks.lua: covariances, block diagonals, common shapes, tensors made like others.

local lunette = require "lunette"
local tensor = lunette.tensor

local function near(t, name, got, want)
  got = got:reshape(-1):tolist()
  t.eq(name .. ": how many", #got, #want)
  for i, v in ipairs(want) do t.near(name .. " " .. i, got[i], v, 1e-9) end
end

local function test_covariance(t)
  local x = tensor({{1, 2, 4}, {3, 1, 0}}, {dtype = "float64"})
  -- deviations -4/3, -1/3, 5/3 and 5/3, -1/3, -4/3
  near(t, "cov", x:cov(), {42 / 18, -39 / 18, -39 / 18, 42 / 18})
  near(t, "correction", x:cov {correction = 0}, {42 / 27, -39 / 27, -39 / 27, 42 / 27})
  local twice = tensor({{1, 2, 2, 4}, {3, 1, 1, 0}}, {dtype = "float64"})
  near(t, "fweights", x:cov {fweights = tensor {1, 2, 1}}, twice:cov():reshape(-1):tolist())
  near(t, "corrcoef", x:corrcoef(), {1, -39 / 42, -39 / 42, 1})
  near(t, "one variable", x[1]:cov(), {42 / 18})
  t.raises("dimensions", "is wanted", tensor.cov, tensor.zeros(2, 2, 2))
  t.raises("weights", "2 numbers for 3 observations", tensor.cov, x, {fweights = tensor {1, 2}})
  t.raises("types of weights", "floats are wanted", tensor.cov, x, {aweights = tensor {1, 2, 3}})
end

local function test_shapes(t)
  local y = tensor.block_diag(tensor.ones(1, 2), tensor {3.0})
  t.ok("block_diag", y == tensor {{1.0, 1.0, 0}, {0, 0, 3.0}})
  t.raises("block_diag of a cube", "matrices are wanted", tensor.block_diag, tensor.zeros(1, 1, 1))
  t.eq("broadcast_shapes", table.concat(tensor.broadcast_shapes({3, 1}, {1, 4}, {2, 1, 1}), " "), "2 3 4")
  t.raises("sizes", "do not go together", tensor.broadcast_shapes, {2}, {3})
end

local function test_new(t)
  local x = tensor.ones(2, {dtype = "float64"})
  t.eq("type", x:new_zeros(2, 3).dtype, "float64")
  t.eq("shape", tostring(x:new_ones({4, 1}).shape), "{4, 1}")
  t.ok("new_full", x:new_full({2}, 3, {dtype = "int64"}) == tensor {3, 3})
  t.ok("equal", x:equal(x:clone()) and not tensor.equal(x, x * 2))
  t.raises("equal of a number", "two tensors", tensor.equal, x, 3)
  t.ok("softmax in a type", tensor {1.0, 2.0}:softmax(1, {dtype = "float64"}).dtype == "float64")
  t.raises("mean in integers", "float type", tensor.mean, x, {dtype = "int64"})
end

return function(t)
  for _, test in ipairs {test_covariance, test_shapes, test_new} do test(t) end
end
