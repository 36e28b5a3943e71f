-- Naive joins and splits: tensors put together along a dimension, and pieces of one.

local shapes = require "tests.reference.shape"
local util = require "tests.reference.util"
local reference = {}

local function copy(list) return table.move(list, 1, #list, 1, {}) end

-- A dimension or position counted from the end as one counted from 1.
local function from_start(i, n) return i < 0 and n + 1 + i or i end

local function dims_of(x, dim)
  local shape = util.shape(x)
  return shape, dim < 0 and #shape + 1 + dim or dim
end

-- ---- joined --------------------------------------------------------------------------------------

function reference.cat(list, dim)
  local shape = util.shape(list[1])
  dim = from_start(dim or 1, #shape)
  local source = {} -- position in the result: which tensor, which position there
  for k, x in ipairs(list) do
    for i = 1, util.shape(x)[dim] do source[#source + 1] = { k, i } end
  end
  shape[dim] = #source
  return util.build(shape, function(index)
    local at = copy(index)
    local k
    k, at[dim] = table.unpack(source[index[dim]])
    return util.get(list[k], at)
  end)
end

function reference.stack(list, dim)
  dim = from_start(dim or 1, #util.shape(list[1]) + 1)
  local rows = {}
  for k, x in ipairs(list) do rows[k] = shapes.unsqueeze(x, dim) end
  return reference.cat(rows, dim)
end

-- ---- pieces ------------------------------------------------------------------------------------------

-- The positions from..to of a dimension.
local function piece(x, dim, from, to)
  local shape = util.shape(x)
  shape[dim] = math.max(to - from + 1, 0)
  local y = util.zeros(shape)
  util.each_index(shape, function(at)
    local place = table.move(at, 1, #at, 1, {})
    place[dim] = at[dim] + from - 1
    util.set(y, at, util.get(x, place))
  end)
  return y
end

local function pieces(x, dim, ends)
  local list, from = {}, 1
  for i, to in ipairs(ends) do
    list[i] = piece(x, dim, from, to)
    from = to + 1
  end
  return list
end

function reference.split(x, size, dim)
  local shape
  shape, dim = dims_of(x, dim or 1)
  local ends, at = {}, 0
  while at < shape[dim] do
    at = math.min(at + (type(size) == "table" and size[#ends + 1] or size), shape[dim])
    ends[#ends + 1] = at
  end
  return pieces(x, dim, ends)
end

function reference.chunk(x, n, dim)
  local shape, d = dims_of(x, dim or 1)
  return reference.split(x, math.ceil(shape[d] / n), d)
end

function reference.unbind(x, dim)
  local shape, d = dims_of(x, dim or 1)
  local list = {}
  for i = 1, shape[d] do
    local rest = table.move(shape, 1, #shape, 1, {})
    table.remove(rest, d)
    list[i] = util.unflat(util.flat(piece(x, d, i, i)), rest)
  end
  return list
end

function reference.tensor_split(x, parts, dim)
  local shape, d = dims_of(x, dim or 1)
  local n, ends = shape[d], {}
  if type(parts) == "number" then
    for i = 1, parts do ends[i] = (ends[i - 1] or 0) + n // parts + (i <= n % parts and 1 or 0) end
  else
    for i, p in ipairs(parts) do ends[i] = math.min(p < 0 and p + n or p, n) end
    ends[#ends + 1] = n
  end
  return pieces(x, d, ends)
end

function reference.hsplit(x, parts) return reference.tensor_split(x, parts, #util.shape(x) > 1 and 2 or 1) end

function reference.vsplit(x, parts) return reference.tensor_split(x, parts, 1) end

function reference.dsplit(x, parts) return reference.tensor_split(x, parts, 3) end

-- ---- several tensors ---------------------------------------------------------------------------------

local function at_least(x, n)
  local shape = util.shape(x)
  local new = n == 1 and { 1 } or n == 2 and { 1, shape[1] or 1 } or { 1, shape[1] or 1, 1 }
  if n == 3 and #shape == 2 then new = { shape[1], shape[2], 1 } end
  return #shape < n and util.unflat(util.flat(x), new) or x
end

local function each_at_least(n)
  return function(list)
    local out = {}
    for i, x in ipairs(list) do out[i] = at_least(x, n) end
    return out
  end
end
reference.atleast_1d, reference.atleast_2d, reference.atleast_3d = each_at_least(1), each_at_least(2), each_at_least(3)

function reference.hstack(list)
  return reference.cat(reference.atleast_1d(list), #util.shape(list[1]) > 1 and 2 or 1)
end

function reference.vstack(list) return reference.cat(reference.atleast_2d(list), 1) end

function reference.dstack(list) return reference.cat(reference.atleast_3d(list), 3) end

function reference.column_stack(list)
  local columns = {}
  for i, x in ipairs(list) do
    columns[i] = x
    if type(x[1]) ~= "table" then columns[i] = util.unflat(x, { #x, 1 }) end
  end
  return reference.cat(columns, 2)
end

function reference.broadcast_tensors(list)
  local out = {}
  for i = 1, #list do
    out[i] = util.broadcast(function(...) return (select(i, ...)) end, table.unpack(list))
  end
  return out
end

return reference
