-- Naive norms of vectors and matrices, condition numbers, traces.

local util = require "tests.reference.util"
local shapes = require "tests.reference.shape"
local matrix = require "tests.reference.support.matrix"

local reference = {}

local rank, cols, transposed, each = matrix.rank, matrix.cols, matrix.transposed, matrix.each
local inverse, singular_values = matrix.inverse, matrix.singular_values
local det = matrix.det

-- ---- norms --------------------------------------------------------------------------------------

local function norm_of(list, p)
  local s, most, least, count = 0, 0, math.huge, 0
  for _, v in ipairs(list) do
    v = math.abs(v)
    s, most, least = s + v ^ p, math.max(most, v), math.min(least, v)
    if v ~= 0 then count = count + 1 end
  end
  if p == math.huge then return most end
  if p == -math.huge then return least end
  return p == 0 and count or s ^ (1 / p)
end

local function matrix_norm(a, p)
  if p == nil or p == "fro" then return norm_of(util.flat(a), 2) end
  if p == "nuc" then return norm_of(singular_values(a), 1) end
  if math.abs(p) == 2 then return norm_of(singular_values(a), p > 0 and math.huge or -math.huge) end
  local sums = {}
  for _, row in ipairs(math.abs(p) == 1 and transposed(a) or a) do sums[#sums + 1] = norm_of(row, 1) end
  return norm_of(sums, p > 0 and math.huge or -math.huge)
end

-- f of the elements of x along dims (as a nested table of their sizes), for all other indices.
local function over(x, dims, keepdim, f)
  local shape, picked, rest = util.shape(x), {}, {}
  for i, d in ipairs(dims) do
    dims[i] = d < 0 and d + #shape + 1 or d
    picked[dims[i]] = true
  end
  for d = 1, #shape do
    if not picked[d] then rest[#rest + 1] = d end
  end
  local function value(outer)
    local index, sizes = {}, {}
    for i, d in ipairs(rest) do index[d] = outer[i] end
    for i, d in ipairs(dims) do sizes[i] = shape[d] end
    local part = util.zeros(sizes)
    util.each_index(sizes, function(inner)
      for i, d in ipairs(dims) do index[d] = inner[i] end
      util.set(part, inner, util.get(x, index))
    end)
    return f(part)
  end
  local outer, kept, flat = {}, {}, {}
  for i, d in ipairs(rest) do outer[i] = shape[d] end
  for d = 1, #shape do
    if not picked[d] then kept[#kept + 1] = shape[d] elseif keepdim then kept[#kept + 1] = 1 end
  end
  util.each_index(outer, function(index) flat[#flat + 1] = value(index) end)
  return util.unflat(flat, kept)
end

local function all_dims(x)
  local dims = {}
  for d = 1, rank(x) do dims[d] = d end
  return dims
end

local function list_of(v) return type(v) == "number" and { v } or v and { table.unpack(v) } end

-- A trailing table of names among positional values.
local function mixed(names, ...)
  local out, n = {}, select("#", ...)
  for i = 1, n do
    local v = select(i, ...)
    if type(v) == "table" and #v == 0 then
      for key, value in pairs(v) do out[key] = value end
    else
      out[names[i]] = v
    end
  end
  return out
end

function reference.vector_norm(x, ...)
  local o = mixed({ "ord", "dim", "keepdim" }, ...)
  return over(x, list_of(o.dim) or all_dims(x), o.keepdim, function(part) return norm_of(util.flat(part), o.ord or 2) end)
end

function reference.matrix_norm(x, ...)
  local o = mixed({ "ord", "dim", "keepdim" }, ...)
  return over(x, list_of(o.dim) or { -2, -1 }, o.keepdim, function(part) return matrix_norm(part, o.ord) end)
end

function reference.linalg_norm(x, ...)
  local o = mixed({ "ord", "dim", "keepdim" }, ...)
  local dims = list_of(o.dim) or all_dims(x)
  return over(x, dims, o.keepdim, function(part)
    if o.ord == nil or #dims == 1 then return norm_of(util.flat(part), o.ord or 2) end
    return matrix_norm(part, o.ord)
  end)
end

function reference.cond(a, p)
  return (each(function(m)
    if p == nil or p == 2 or p == -2 then
      local s = singular_values(m)
      return p == -2 and s[#s] / s[1] or s[1] / s[#s]
    end
    if math.abs(det(m)) < 1e-12 then return math.huge end
    return matrix_norm(m, p) * matrix_norm(inverse(m), p)
  end, { 2 }, a))
end

function reference.trace(a)
  local s = 0
  for i = 1, math.min(#a, cols(a)) do s = s + a[i][i] end
  return s
end

function reference.linalg_diagonal(a, ...)
  local o = util.arguments({ "offset", "dim1", "dim2" }, ...)
  return shapes.diagonal(a, o.offset, o.dim1 or -2, o.dim2 or -1)
end

return reference
