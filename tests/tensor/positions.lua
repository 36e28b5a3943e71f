-- positions.lua: loops that move by positions, masks and runs at sizes that fill vectors, tiles and parts,
-- against loops written out here; positions outside, wherever they stand; short rows.

local lunette = require "lunette"
local tensor = lunette.tensor

local nan, inf = 0 / 0, math.huge

local function same(t, name, got, want)
  local wrong = #got == #want and 0 or -1
  for i = 1, wrong == 0 and #want or 0 do
    local a, b = got[i], want[i]
    if not (a == b or (a ~= a and b ~= b)) then wrong = wrong + 1 end
  end
  t.eq(name, wrong, 0)
end

local function ints(n, most)
  local list = {}
  for i = 1, n do list[i] = math.random(1, most) end
  return list
end

local function numbers(n)
  local list = {}
  for i = 1, n do list[i] = math.random(-50, 50) end
  return list
end

local function combine(how, o, e)
  if how == "sum" then return o + e end
  if how == "prod" then return o * e end
  if o ~= o then return o end
  if how == "amax" then return (e ~= e or e > o) and e or o end
  return (e ~= e or e < o) and e or o
end

-- ---- one dimension: every length up to a few vectors, and one of many parts ------------------------------

local function test_reading(t, n, dtype)
  local x, at, want = numbers(9), ints(n, 9), {}
  for i = 1, n do want[i] = x[at[i]] end
  local row, index = tensor(x):to(dtype), tensor(at, { dtype = "int64" })
  local name = ("%s, %d places"):format(dtype, n)
  same(t, "gather: " .. name, row:gather(1, index):tolist(), want)
  same(t, "index_select: " .. name, row:index_select(1, index):tolist(), want)
  same(t, "brackets: " .. name, row[index]:tolist(), want)
  same(t, "take: " .. name, row:take(index):tolist(), want)
  same(t, "int32: " .. name, row:gather(1, index:int()):tolist(), want)
end

local function test_writing(t, n, dtype)
  local src, at = numbers(n), ints(n, 9)
  local index, values = tensor(at, { dtype = "int64" }), tensor(src):to(dtype)
  local function want(start, f)
    local y = {}
    for i = 1, 9 do y[i] = start end
    for i = 1, n do y[at[i]] = f(y[at[i]], src[i]) end
    return y
  end
  local x = tensor.full({ 9 }, 2, { dtype = dtype })
  local name = ("%s, %d places"):format(dtype, n)
  same(t, "scatter: " .. name, x:scatter(1, index, values):tolist(), want(2, function(_, e) return e end))
  same(t, "scatter_add: " .. name, x:scatter_add(1, index, values):tolist(), want(2, function(o, e) return o + e end))
  same(t, "index_add: " .. name, x:index_add(1, index, values):tolist(), want(2, function(o, e) return o + e end))
  for _, how in ipairs { "amax", "amin" } do
    local y = x:scatter_reduce(1, index, values, how):tolist()
    same(t, how .. ": " .. name, y, want(2, function(o, e) return combine(how, o, e) end))
  end
end

-- ---- two dimensions, along either ------------------------------------------------------------------------

local function test_lines(t, rows, columns, dim)
  local x, at = {}, {}
  for i = 1, rows do
    x[i], at[i] = numbers(columns), ints(columns, dim == 1 and rows or columns)
  end
  local read, added = {}, {}
  for i = 1, rows do
    for j = 1, columns do added[(i - 1) * columns + j] = 0 end
  end
  for i = 1, rows do
    for j = 1, columns do
      local k, l = dim == 1 and at[i][j] or i, dim == 2 and at[i][j] or j
      read[#read + 1] = x[k][l]
      local place = (k - 1) * columns + l
      added[place] = added[place] + x[i][j]
    end
  end
  local m, index = tensor(x):float(), tensor(at)
  local name = (" [%d,%d] along %d"):format(rows, columns, dim)
  same(t, "gather" .. name, m:gather(dim, index):reshape(-1):tolist(), read)
  same(t, "gather turned" .. name, m:t():contiguous():t():gather(dim, index):reshape(-1):tolist(), read)
  same(t, "scatter_add" .. name, tensor.zeros(rows, columns):scatter_add(dim, index, m):reshape(-1):tolist(), added)
end

local function test_nan(t)
  local src, at = { 1, nan, 3, -2, nan, 5, -inf }, { 1, 2, 2, 1, 3, 3, 4 }
  for _, how in ipairs { "amax", "amin" } do
    local want = { 0, 0, 0, nan }
    for i = 1, #src do want[at[i]] = combine(how, want[at[i]], src[i]) end
    for _, dtype in ipairs { "float32", "float64" } do
      local y = tensor({ 0, 0, 0, nan }, { dtype = dtype }):scatter_reduce(1, tensor(at), tensor(src, { dtype = dtype }), how)
      same(t, how .. " with nan in " .. dtype, y:tolist(), want)
    end
  end
end

-- ---- positions outside -----------------------------------------------------------------------------------

local function test_outside(t)
  local n = 100003
  for _, place in ipairs { 1, 4, 7, 50000, n } do
    for _, bad in ipairs { 0, 11, -1, math.mininteger, math.maxinteger } do
      local index = tensor.ones(n, { dtype = "int64" })
      index[place] = bad
      local x, src, about = tensor.zeros(10), tensor.ones(n), "index " .. (bad == 0 and "0" or tostring(bad):gsub("%-", "%%-"))
      t.raises("gather", about, x.gather, x, 1, index)
      t.raises("index_select", about, x.index_select, x, 1, index)
      t.raises("scatter_add", about, x.scatter_add, x, 1, index, src)
      t.raises("mean", about, x.scatter_reduce, x, 1, index, src, "mean")
      t.raises("in place", about, x.scatter_add_, x, 1, index, src)
      t.eq("in place wrote nothing", x:abs():sum():item(), 0.0)
      t.raises("index_add in place", about, x.index_add_, x, 1, index, src)
      t.eq("index_add wrote nothing", x:abs():sum():item(), 0.0)
    end
  end
  local none = tensor.zeros(3, 0)
  t.raises("of nothing", "index 4", none.index_select, none, 1, tensor { 4 })
  t.eq("from the end", tensor({ 1, 2, 3 })[tensor { -1, 1 }]:tolist()[1], 3)
end

-- An index that is what is written over.
local function test_itself(t)
  local x = tensor { 2, 3, 1 }
  x:scatter_(1, x, tensor { 7, 8, 9 })
  same(t, "the index is written over", x:tolist(), { 9, 7, 8 })
end

-- ---- masks, runs, bins -----------------------------------------------------------------------------------

local function test_masks(t, shape)
  local m = tensor.rand(shape):gt(0.6)
  local list, want = m:reshape(-1):tolist(), {}
  for i, holds in ipairs(list) do
    if holds then
      local rest, at = i - 1, {}
      for d = #shape, 1, -1 do
        at[d] = rest % shape[d] + 1
        rest = rest // shape[d]
      end
      for d = 1, #shape do want[#want + 1] = at[d] end
    end
  end
  same(t, "nonzero of " .. #shape .. " dimensions", m:nonzero():reshape(-1):tolist(), want)
  t.eq("none", m:logical_and(false):nonzero():numel(), 0)
  t.eq("all", m:logical_or(true):nonzero().shape[1], m:numel())
end

local function test_runs(t)
  local list, want, counts = {}, {}, {}
  for i = 1, 70000 do
    list[i] = math.random(1, 3)
    if list[i] ~= list[i - 1] then
      want[#want + 1], counts[#counts + 1] = list[i], 0
    end
    counts[#counts] = counts[#counts] + 1
  end
  for _, dtype in ipairs { "int64", "float32", "uint8" } do
    local values, inverse, many = tensor(list):to(dtype):unique_consecutive { return_inverse = true, return_counts = true }
    same(t, "runs of " .. dtype, values:tolist(), want)
    same(t, "their lengths", many:tolist(), counts)
    t.eq("their numbers", inverse:max():item(), #want)
  end
end

local function test_bins(t)
  local x = tensor.randn(5000)
  local counts, edges = x:histogram(37)
  local want, list, ends = {}, x:tolist(), edges:tolist()
  for k = 1, 37 do want[k] = 0 end
  for _, v in ipairs(list) do
    local k = 37
    while k > 1 and ends[k] > v do k = k - 1 end
    want[k] = want[k] + 1
  end
  same(t, "histogram", counts:tolist(), want)
  local at, weights, sums = ints(5000, 20), numbers(5000), {}
  for k = 1, 20 do sums[k] = 0 end
  for i, k in ipairs(at) do sums[k] = sums[k] + weights[i] end
  same(t, "bincount with weights", tensor(at):bincount(tensor(weights):float()):tolist(), sums)
end

-- ---- drawing ---------------------------------------------------------------------------------------------

local function test_drawing(t)
  local w = tensor.rand(3, 1000):masked_fill(tensor.rand(3, 1000):lt(0.5), 0)
  for _, replacement in ipairs { true, false } do
    local drawn = w:multinomial(300, replacement)
    t.ok("weights of 0 are never drawn", w:gather(2, drawn):gt(0):all())
    for row = 1, 3 do
      local distinct = #drawn[row]:unique()
      if not replacement then t.eq("none comes twice", distinct, 300) end
    end
  end
  local all = tensor({ 1e-320, 1.0, 0.0, 2.0 }, { dtype = "float64" }):multinomial(3)
  same(t, "tiny weights count", all:sort():tolist(), { 1, 2, 4 })
end

-- ---- short rows ------------------------------------------------------------------------------------------

local function test_copies(t)
  for _, dtype in ipairs { "uint8", "float32", "float64" } do
    for width = 1, 40 do
      local x = tensor.arange(0, 5 * 41 - 1):view(5, 41):to(dtype)
      local list, wrong = x:narrow(2, 2, width):clone():tolist(), 0
      for i = 1, 5 do
        for j = 1, width do
          if list[i][j] ~= (i - 1) * 41 + j then wrong = wrong + 1 end
        end
      end
      t.eq(("rows of %d %s"):format(width, dtype), wrong, 0)
    end
  end
end

local function test_softmax(t, rows, n, dtype)
  local x = tensor.randn({ rows, n }, { dtype = dtype }) * 3
  local target = tensor.randint(1, n, { rows })
  local list, ids, worst, loss = x:tolist(), target:tolist(), 0, 0
  local p, l = x:softmax(2):tolist(), x:log_softmax(2):tolist()
  for i, row in ipairs(list) do
    local sum = 0
    for _, v in ipairs(row) do sum = sum + math.exp(v) end
    for j, v in ipairs(row) do
      worst = math.max(worst, math.abs(p[i][j] - math.exp(v) / sum), math.abs(l[i][j] - v + math.log(sum)))
    end
    loss = loss + (math.log(sum) - row[ids[i]]) / rows
  end
  local close = dtype == "float64" and 1e-12 or 5e-6
  t.ok(("softmax of [%d,%d] %s: off by %g"):format(rows, n, dtype, worst), worst < close)
  t.near("cross_entropy", x:cross_entropy(target), loss, close)
  -- the way back: p - [c is the class], over the rows
  x:requires_grad_()
  x:cross_entropy(target):backward()
  local g, off = x.grad:tolist(), 0
  for i, row in ipairs(g) do
    for j, v in ipairs(row) do
      off = math.max(off, math.abs(v * rows - p[i][j] + (ids[i] == j and 1 or 0)))
    end
  end
  t.ok("its gradient: off by " .. off, off < close * 4)
  x.grad = nil
  x:log_softmax(2):gather(2, target:unsqueeze(2)):mean():neg():backward()
  t.ok("by log_softmax", (x.grad - tensor(g, { dtype = dtype })):abs():max():item() < close)
end

-- ---- gradients that were reshaped ------------------------------------------------------------------------

local function test_leaves(t)
  local x = tensor.ones(2, 3):requires_grad_()
  x:reshape(6):exp():sum():backward()
  local first = x.grad
  x:reshape(3, 2):sum():backward()
  t.near("gradients add up", x.grad:sum(), 6 * math.exp(1) + 6, 1e-4)
  local y = tensor.ones(6):requires_grad_()
  local z = y:view(2, 3)
  local g = tensor.ones(2, 3)
  z:backward(g)
  y.grad:mul_(5)
  t.eq("what was given stays", g:sum():item(), 6.0)
  t.ok("a gradient", first ~= nil and y.grad:is_contiguous())
end

return function(t)
  tensor.manual_seed(3)
  math.randomseed(3)
  for n = 1, 9 do
    test_reading(t, n, "float32")
    test_writing(t, n, "float32")
  end
  for _, dtype in ipairs { "float64", "int64", "int32" } do
    test_reading(t, 70001, dtype)
    test_writing(t, 70001, dtype)
  end
  for dim = 1, 2 do
    test_lines(t, 70, 33, dim)
    test_lines(t, 301, 257, dim)
    test_lines(t, 1, 5, dim)
  end
  test_nan(t)
  test_outside(t)
  test_itself(t)
  test_masks(t, { 70000 })
  test_masks(t, { 300, 257 })
  test_masks(t, { 33, 40, 51 })
  test_runs(t)
  test_bins(t)
  test_drawing(t)
  test_copies(t)
  for _, dtype in ipairs { "float32", "float64" } do
    for _, n in ipairs { 1, 2, 7, 16, 31, 32, 33 } do test_softmax(t, n == 7 and 1000 or 70, n, dtype) end
    test_softmax(t, 5, 10, dtype)
  end
  test_leaves(t)
end
