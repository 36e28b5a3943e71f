-- blocks.lua: functions over several rows or tensors that are plainest in Lua: covariances, counts in
-- grids, block diagonals, common shapes.

local core = require "lunette.core"
local fail = require "lunette.nn.fail"
local check_options = require "lunette.options"

local tensor = core.tensor

local blocks = {}

-- ---- covariances -----------------------------------------------------------------------------------------

local function check_weights(name, w, n, float)
  if w == nil then return end
  if w:dim() > 1 then fail.raise("cov: %s has shape %s; one weight for each observation is wanted", name, tostring(w.shape)) end
  if (w.dtype:find "^float" ~= nil) ~= float then
    fail.raise("cov: %s is %s; %s are wanted", name, w.dtype, float and "floats" or "whole numbers")
  end
  if w:numel() ~= n then fail.raise("cov: %s has %d numbers for %d observations", name, w:numel(), n) end
  if n > 0 and tensor.lt(w, 0):any() then fail.raise("cov: %s has negative numbers", name) end
  return w:reshape(-1)
end

--- cov(x, {correction = 1, fweights = …, aweights = …}): the covariances of the rows of x, [variables,
-- observations] or [observations]: [variables, variables]. fweights: how often each observation counts,
-- whole numbers; aweights: how much, floats. The divisor is the sum of weights less correction.
-- example: tensor{{1.0, 2.0, 3.0}, {6.0, 4.0, 2.0}}:cov() --> float32 [2,2]
--      1.0  -2.0
--     -2.0   4.0
function blocks.cov(x, options)
  local o = check_options("cov", options, {"correction", "fweights", "aweights"})
  if x:dim() > 2 then fail.raise("cov: x is %s; [variables, observations] or [observations] is wanted", tostring(x.shape)) end
  local rows = x:dim() == 2 and x or x:reshape(1, -1)
  if not rows.dtype:find "^float" then rows = rows:float() end
  local n, correction = rows:size(2), o.correction or 1
  local f, a = check_weights("fweights", o.fweights, n, false), check_weights("aweights", o.aweights, n, true)
  local w = f and f:to(rows.dtype) or nil
  if a then w = w and w * a or a end
  local total = w and w:sum() or n
  local divisor = total - correction * (a and n > 0 and (w * a):sum() / total or 1)
  if tensor.is_tensor(divisor) then divisor = divisor:clamp(0) else divisor = math.max(0, divisor) + 0.0 end
  local mean = (w and rows * w or rows):sum(2, true) / total
  local centred = rows - mean
  local y = (w and centred * w or centred):matmul(centred.T) / divisor
  return x:dim() == 2 and rows:size(1) ~= 1 and y or y:squeeze()
end

--- corrcoef(x): the correlations of the rows of x, [variables, observations] or [observations]:
-- [variables, variables], from -1 to 1.
-- example: tensor{{1.0, 2.0, 3.0}, {6.0, 4.0, 2.0}}:corrcoef() --> float32 [2,2]
--      1.0  -1.0
--     -1.0   1.0
function blocks.corrcoef(x)
  local c = blocks.cov(x)
  if c:dim() == 0 then return c / c end
  local deviation = c:diagonal():sqrt()
  return (c / deviation:unsqueeze(2) / deviation:unsqueeze(1)):clamp(-1, 1)
end

-- ---- counting --------------------------------------------------------------------------------------------

-- The edges of one dimension and, for each point, the cell that it falls into, from 1; 0 is outside. The last
-- cell has both its ends.
local function cells_of(column, bins, range)
  local _, edges = column:histogram(bins, range)
  local n = #edges - 1
  local cell = tensor.searchsorted(edges, column, {right = true}) - 1
  cell = tensor.where(column:eq(edges[n + 1]), n, cell)
  return edges, tensor.where(cell:gt(n), 0, cell), n
end

local function check_points(x, bins, o)
  if not tensor.is_tensor(x) or x:dim() < 2 or x:size(-1) == 0 then
    fail.raise("histogramdd: x is %s; points of D numbers, [..., D], are wanted",
      tensor.is_tensor(x) and tostring(x.shape) or "a " .. type(x))
  end
  local dims = x:size(-1)
  if type(bins) == "table" and #bins ~= dims then
    fail.raise("histogramdd: bins has %d entries for %d dimensions", #bins, dims)
  end
  if o.range and (type(o.range) ~= "table" or #o.range ~= 2 * dims) then
    fail.raise("histogramdd: range is a list of %d numbers, the lowest and the highest of each dimension", 2 * dims)
  end
  local w = o.weight
  if w and (not tensor.is_tensor(w) or w:numel() * dims ~= x:numel()) then
    fail.raise("histogramdd: weight is %s for x of %s; one for each point is wanted",
      tensor.is_tensor(w) and tostring(w.shape) or "a " .. type(w), tostring(x.shape))
  end
  return dims
end

-- Widths of the cells of all dimensions, multiplied: of the grid's shape.
local function volumes(edges)
  local v
  for d, e in ipairs(edges) do
    local shape = {}
    for k = 1, #edges do shape[k] = k == d and -1 or 1 end
    local width = e:diff():view(shape)
    v = v and v * width or width
  end
  return v
end

--- histogramdd(x, bins, {range = …, weight = …, density = false}): how many points fall into each cell of a
-- grid, and the list of the grid's edges. x: [..., D]; bins: how many cells there are along each dimension, a
-- number or a list of D, or a list of D tensors of edges, which rise. range: the lowest and the highest edge
-- of every dimension, 2 D numbers; else those of the points. weight: [...], what a point counts. With density
-- the sum over cells times their volumes is 1. The last cell of a dimension has both its ends.
-- example:
--   counts, edges = tensor.histogramdd(tensor{{0.0, 0.0}, {1.0, 0.0}, {1.0, 2.0}}, 2)
--   counts --> float32 [2,2]
--     1.0  0.0
--     1.0  1.0
function blocks.histogramdd(x, bins, options)
  local o = check_options("histogramdd", options, {"range", "weight", "density"})
  local dims = check_points(x, bins, o)
  local points = (x.dtype:find "^float[36]" and x or x:float()):detach():reshape(-1, dims)
  local shape, edges, at, inside = {}, {}, nil, nil
  for d = 1, dims do
    local range = o.range and {o.range[2 * d - 1], o.range[2 * d]} or nil
    local cell
    edges[d], cell, shape[d] = cells_of(points:select(2, d):contiguous(), type(bins) == "table" and bins[d] or bins, range)
    at = at and (at - 1) * shape[d] + cell or cell
    inside = inside and inside:logical_and(cell:gt(0)) or cell:gt(0)
  end
  local cells = 1
  for _, n in ipairs(shape) do
    if n > (1 << 40) // cells then fail.raise("histogramdd: the grid has more than 2^40 cells; fewer bins are wanted") end
    cells = cells * n
  end
  local weight = o.weight and o.weight:detach():reshape(-1):to(points.dtype)[inside]
  local hist = tensor.bincount(at[inside], weight, {minlength = cells}):to(points.dtype):view(shape)
  if o.density then hist = hist / hist:sum() / volumes(edges) end
  return hist, edges
end

-- ---- shapes ----------------------------------------------------------------------------------------------

--- block_diag(a, b, …): matrices along the diagonal of one, zero elsewhere. A vector is a row, a single
-- value a matrix of one.
-- example: tensor.block_diag(tensor{{1, 2}}, tensor{{3}}) --> int64 [2,3]
--     1  2  0
--     0  0  3
function blocks.block_diag(...)
  local list, columns, rows = {...}, 0, {}
  for i, x in ipairs(list) do
    if not tensor.is_tensor(x) or x:dim() > 2 then
      fail.raise("block_diag: argument %d is %s; matrices are wanted", i,
        tensor.is_tensor(x) and "of shape " .. tostring(x.shape) or "a " .. type(x))
    end
    list[i] = x:dim() == 2 and x or x:reshape(1, -1)
    columns = columns + list[i]:size(2)
  end
  local before = 0
  for i, x in ipairs(list) do
    rows[i] = x:pad({before, columns - before - x:size(2)})
    before = before + x:size(2)
  end
  return tensor.cat(rows, 1)
end

--- broadcast_shapes(a, b, …): the shape that tensors of these shapes broadcast to, a list.
-- example: tensor.broadcast_shapes({2, 1}, {3}) --> {2, 3}
function blocks.broadcast_shapes(...)
  local out, shapes = {}, {...}
  for _, shape in ipairs(shapes) do
    if type(shape) == "number" then shape = {shape} end
    for k = 1, #shape do
      local size, have = shape[#shape + 1 - k], out[k] or 1
      if size ~= 1 and have ~= 1 and size ~= have then
        fail.raise("broadcast_shapes: sizes %d and %d do not go together", have, size)
      end
      out[k] = have == 1 and size or have
    end
  end
  for k = 1, #out // 2 do out[k], out[#out + 1 - k] = out[#out + 1 - k], out[k] end
  return out
end

return blocks
