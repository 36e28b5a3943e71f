-- Naive linear algebra: systems, triangles, LU with pivots, determinants by Laplace's expansion.

local util = require "tests.reference.util"
local matrix = require "tests.reference.support.matrix"

local reference = {}

local rank, filled, eye, cols = matrix.rank, matrix.filled, matrix.eye, matrix.cols
local transposed, copy, times, product = matrix.transposed, matrix.copy, matrix.times, matrix.product
local each, options, solve, inverse = matrix.each, matrix.options, matrix.solve, matrix.inverse
local det, minor = matrix.det, matrix.minor

function reference.solve(a, b, ...)
  local left = options({ "left" }, ...).left
  local sa, sb = util.shape(a), util.shape(b)
  local vectors = #sb == 1 or #sb == #sa - 1 and table.concat(sb, ",") == table.concat(sa, ",", 1, #sa - 1)
  return (each(function(m, v)
    if vectors then
      local x = left == false and transposed(solve(transposed(m), transposed { v }))
        or transposed(solve(m, transposed { v }))
      return x[1]
    end
    return left == false and transposed(solve(transposed(m), transposed(v))) or solve(m, v)
  end, { 2, vectors and 1 or 2 }, a, b))
end

function reference.inverse(a) return (each(inverse, { 2 }, a)) end

function reference.inv_ex(a)
  return each(function(m) return inverse(m), 0 end, { 2 }, a)
end

function reference.solve_ex(a, b, o)
  return reference.solve(a, b, o), (each(function() return 0 end, { 2 }, a))
end

local function triangle(a, upper, unit)
  return filled(#a, cols(a), function(i, j)
    if i == j then return unit and 1 or a[i][j] end
    return (upper and j > i or not upper and j < i) and a[i][j] or 0
  end)
end

function reference.solve_triangular(a, b, ...)
  local o = options({ "upper", "left", "unitriangular" }, ...)
  return (each(function(m, v)
    m = triangle(m, o.upper, o.unitriangular)
    return o.left == false and transposed(solve(transposed(m), transposed(v))) or solve(m, v)
  end, { 2, 2 }, a, b))
end

function reference.solve_triangle(a, b, upper, unit)
  return reference.solve_triangular(a, b, upper, true, unit)
end

function reference.triangular_solve(b, a, ...)
  local o = options({ "upper", "transpose", "unitriangular" }, ...)
  return (each(function(m, v)
    m = triangle(m, o.upper ~= false, o.unitriangular)
    return solve(o.transpose and transposed(m) or m, v)
  end, { 2, 2 }, a, b))
end

local function from_cholesky(l, upper)
  l = triangle(l, upper)
  return upper and times(transposed(l), l) or times(l, transposed(l))
end

function reference.cholesky_solve(b, l, upper)
  return (each(function(v, m) return solve(from_cholesky(m, upper), v) end, { 2, 2 }, b, l))
end

function reference.cholesky_inverse(l, upper)
  return (each(function(m) return inverse(from_cholesky(m, upper)) end, { 2 }, l))
end

-- As one matrix of n rows.
local function flattened(a, n)
  local list = util.flat(a)
  return util.unflat(list, { n, #list // n })
end

function reference.tensorinv(a, ind)
  local shape, n = util.shape(a), 1
  for d = 1, ind or 2 do n = n * shape[d] end
  local out = table.move(shape, (ind or 2) + 1, #shape, 1, {})
  table.move(shape, 1, ind or 2, #out + 1, out)
  return util.unflat(util.flat(inverse(flattened(a, n))), out)
end

-- dims: the first one alone.
function reference.tensorsolve(a, b, o)
  local n, shape = #util.flat(b), util.shape(a)
  local m = o and transposed(flattened(a, n)) or flattened(a, n)
  local out = o and { shape[1] } or table.move(shape, rank(b) + 1, #shape, 1, {})
  return util.unflat(util.flat(solve(m, transposed { util.flat(b) })), out)
end

-- ---- LU -----------------------------------------------------------------------------------------

local function permutation(pivots, m)
  local p = eye(m)
  for i = #pivots, 1, -1 do
    p[i], p[pivots[i]] = p[pivots[i]], p[i]
  end
  return p
end

local function lower_of(lu)
  local k = math.min(#lu, cols(lu))
  return filled(#lu, k, function(i, j) return i == j and 1 or i > j and lu[i][j] or 0 end)
end

local function upper_of(lu)
  local k = math.min(#lu, cols(lu))
  return filled(k, cols(lu), function(i, j) return i <= j and lu[i][j] or 0 end)
end

local function lu_factor(a)
  local m, n, pivots = #a, cols(a), {}
  a = copy(a)
  for k = 1, math.min(m, n) do
    local p = k
    for i = k + 1, m do
      if math.abs(a[i][k]) > math.abs(a[p][k]) then p = i end
    end
    pivots[k] = p
    a[k], a[p] = a[p], a[k]
    for i = k + 1, m do
      a[i][k] = a[i][k] / a[k][k]
      for j = k + 1, n do a[i][j] = a[i][j] - a[i][k] * a[k][j] end
    end
  end
  return a, pivots
end

function reference.lu_factor(a) return each(lu_factor, { 2 }, a) end

function reference.lu_old(a, o)
  local lu, pivots = reference.lu_factor(a)
  if not o then return lu, pivots end
  return lu, pivots, (each(function() return 0 end, { 2 }, a))
end

function reference.lu(a)
  return each(function(m)
    local lu, pivots = lu_factor(m)
    return permutation(pivots, #m), lower_of(lu), upper_of(lu)
  end, { 2 }, a)
end

function reference.lu_permutation(pivots, m)
  return (each(function(p) return permutation(p, m) end, { 1 }, pivots))
end

function reference.lu_unpack(lu, pivots, o)
  local p, l, u = each(function(m, v) return permutation(v, #m), lower_of(m), upper_of(m) end, { 2, 1 }, lu, pivots)
  if o and o.unpack_pivots == false then p = {} end
  return p, l, u
end

local function from_lu(lu, pivots) return product(permutation(pivots, #lu), lower_of(lu), upper_of(lu)) end

function reference.linalg_lu_solve(lu, pivots, b, ...)
  local o = options({ "left", "adjoint" }, ...)
  return (each(function(m, p, v)
    local a = from_lu(m, p)
    if o.adjoint then a = transposed(a) end
    return o.left == false and transposed(solve(transposed(a), transposed(v))) or solve(a, v)
  end, { 2, 1, 2 }, lu, pivots, b))
end

function reference.lu_solve(b, lu, pivots) return reference.linalg_lu_solve(lu, pivots, b) end

-- ---- determinants -------------------------------------------------------------------------------

function reference.det(a) return (each(det, { 2 }, a)) end

function reference.slogdet(a)
  return each(function(m)
    local d = det(m)
    return d > 0 and 1 or d < 0 and -1 or 0, math.log(math.abs(d))
  end, { 2 }, a)
end

function reference.logdet(a) return (each(function(m) return math.log(det(m)) end, { 2 }, a)) end

function reference.cofactors(a)
  return (each(function(m)
    return filled(#m, #m, function(i, j) return ((i + j) % 2 == 0 and 1 or -1) * (#m == 1 and 1 or det(minor(m, i, j))) end)
  end, { 2 }, a))
end

return reference
