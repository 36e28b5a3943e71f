-- blocks.lua: covariances, counts in grids, block diagonals, common shapes, tensors made like others.

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

-- Counts of points in a grid, one cell after the other.
local function counted(points, edges, weight)
  local function falls(v, list, i)
    return v >= list[i] and (v < list[i + 1] or i == #list - 1 and v == list[i + 1])
  end
  local sums = {}
  for i = 1, #edges[1] - 1 do
    for k = 1, #edges[2] - 1 do
      local sum = 0
      for n, p in ipairs(points) do
        if falls(p[1], edges[1], i) and falls(p[2], edges[2], k) then sum = sum + (weight and weight[n] or 1) end
      end
      sums[#sums + 1] = sum
    end
  end
  return sums
end

local function test_grids(t)
  local x = tensor.randn(5, 8, 2, {dtype = "float64"})
  local points, weight = x:reshape(-1, 2):tolist(), tensor.rand(5, 8, {dtype = "float64"})
  local even = {{-1, -1 / 3, 1 / 3, 1}, {-2, 0, 2}}
  local counts, edges = tensor.histogramdd(x, {3, 2}, {range = {-1, 1, -2, 2}})
  t.eq("shape of the grid", tostring(counts.shape), "{3, 2}")
  near(t, "counts", counts, counted(points, even))
  near(t, "edges", edges[1], even[1])
  near(t, "edges", edges[2], even[2])
  local given = {tensor({-0.5, 0, 2}, {dtype = "float64"}), tensor({-9.0, 0.1, 0.2, 9}, {dtype = "float64"})}
  local lists = {given[1]:tolist(), given[2]:tolist()}
  near(t, "weighted", tensor.histogramdd(x, given, {weight = weight}), counted(points, lists, weight:reshape(-1):tolist()))
  t.near("the ends of the points count", tensor.histogramdd(x, 4):sum(), 40)
  local dense = tensor.histogramdd(x, given, {density = true})
  local volumes = given[1]:diff():unsqueeze(2) * given[2]:diff()
  t.near("density", (dense * volumes):sum(), 1)
  t.eq("no points", tensor.histogramdd(tensor.zeros(0, 2), 3):sum():item(), 0)
  t.raises("a list", "points of D numbers", tensor.histogramdd, tensor.zeros(3), 2)
  t.raises("bins", "3 entries for 2 dimensions", tensor.histogramdd, x, {1, 2, 3})
  t.raises("range", "list of 4 numbers", tensor.histogramdd, x, 2, {range = {0, 1}})
  t.raises("weights", "one for each point", tensor.histogramdd, x, 2, {weight = tensor.ones(3)})
  t.raises("falling edges", "edges rise", tensor.histogramdd, x, {tensor {1.0, 0.0}, tensor {0.0, 1.0}})
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
  for _, test in ipairs {test_covariance, test_grids, test_shapes, test_new} do test(t) end
end
