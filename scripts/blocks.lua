-- blocks.lua: functions over several rows or tensors that are plainest in Lua: covariances, block
-- diagonals, common shapes.

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
