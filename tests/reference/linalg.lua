-- Naive linear algebra on single matrices (lists of rows) and batches of them: elimination, Laplace's
-- expansion, Jacobi's rotations, power series.

local util = require "tests.reference.util"
local reference = {}

-- ---- matrices -----------------------------------------------------------------------------------

local function rank(x) return #util.shape(x) end

local function filled(m, n, f)
  local y = {}
  for i = 1, m do
    y[i] = {}
    for j = 1, n do y[i][j] = f(i, j) end
  end
  return y
end

local function eye(n) return filled(n, n, function(i, j) return i == j and 1 or 0 end) end
local function cols(a) return #a[1] end
local function transposed(a) return filled(cols(a), #a, function(i, j) return a[j][i] end) end
local function copy(a) return filled(#a, cols(a), function(i, j) return a[i][j] end) end

local function times(a, b)
  return filled(#a, cols(b), function(i, j)
    local s = 0
    for k = 1, #b do s = s + a[i][k] * b[k][j] end
    return s
  end)
end

local function product(a, ...)
  for _, b in ipairs { ... } do a = times(a, b) end
  return a
end

-- Calls f on every matrix of x (and of further tensors, whose batches broadcast); `ranks` are the ranks
-- of one item of each. Results of f are put together in the same batch, one list for each.
local function each(f, ranks, ...)
  local args = table.pack(...)
  local lead = 0
  for k = 1, args.n do lead = math.max(lead, rank(args[k]) - ranks[k]) end
  if lead == 0 then return f(...) end
  local size = 1
  for k = 1, args.n do
    if rank(args[k]) - ranks[k] == lead then size = math.max(size, #args[k]) end
  end
  local out = {}
  for i = 1, size do
    local sub = {}
    for k = 1, args.n do
      local x = args[k]
      sub[k] = rank(x) - ranks[k] == lead and x[#x == 1 and 1 or i] or x
    end
    local results = table.pack(each(f, ranks, table.unpack(sub, 1, args.n)))
    for r = 1, results.n do
      out[r] = out[r] or {}
      out[r][i] = results[r]
    end
  end
  return table.unpack(out)
end

-- Trailing options by name, or positional values in this order.
local function options(names, ...)
  local given = { ... }
  if type(given[1]) == "table" and #given[1] == 0 then return given[1] end
  local out = {}
  local n = select("#", ...)
  for i, name in ipairs(names) do
    if type(given[n]) == "table" and #given[n] == 0 and i == n then
      for key, v in pairs(given[n]) do out[key] = v end
      break
    end
    out[name] = given[i]
  end
  return out
end

-- ---- systems ------------------------------------------------------------------------------------

-- Gauss-Jordan with full search for the pivot in its column.
local function solve(a, b)
  local n = #a
  a, b = copy(a), copy(b)
  for k = 1, n do
    local p = k
    for i = k + 1, n do
      if math.abs(a[i][k]) > math.abs(a[p][k]) then p = i end
    end
    a[k], a[p], b[k], b[p] = a[p], a[k], b[p], b[k]
    for i = 1, n do
      if i ~= k then
        local f = a[i][k] / a[k][k]
        for j = 1, n do a[i][j] = a[i][j] - f * a[k][j] end
        for j = 1, cols(b) do b[i][j] = b[i][j] - f * b[k][j] end
      end
    end
  end
  return filled(n, cols(b), function(i, j) return b[i][j] / a[i][i] end)
end

local function inverse(a) return solve(a, eye(#a)) end

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

local function minor(a, r, c)
  return filled(#a - 1, #a - 1, function(i, j) return a[i < r and i or i + 1][j < c and j or j + 1] end)
end

local function det(a)
  if #a == 1 then return a[1][1] end
  local s = 0
  for j = 1, #a do s = s + (j % 2 == 1 and 1 or -1) * a[1][j] * det(minor(a, 1, j)) end
  return s
end

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

-- ---- factors ------------------------------------------------------------------------------------

local function cholesky(a)
  local n = #a
  local l = filled(n, n, function() return 0 end)
  for i = 1, n do
    for j = 1, i do
      local s = a[i][j]
      for k = 1, j - 1 do s = s - l[i][k] * l[j][k] end
      l[i][j] = i == j and math.sqrt(s) or s / l[j][j]
    end
  end
  return l
end

function reference.cholesky(a, ...)
  local upper = options({ "upper" }, ...).upper
  return (each(function(m) return upper and transposed(cholesky(m)) or cholesky(m) end, { 2 }, a))
end

function reference.cholesky_ex(a, ...)
  return reference.cholesky(a, ...), (each(function() return 0 end, { 2 }, a))
end

-- By explicit reflections; the last element of a column on its own is left as it is.
local function qr(a, complete)
  local m, n = #a, cols(a)
  local q, r = eye(m), copy(a)
  for k = 1, math.min(m - 1, n) do
    local norm = 0
    for i = k, m do norm = norm + r[i][k] ^ 2 end
    local v, alpha = {}, r[k][k] > 0 and -math.sqrt(norm) or math.sqrt(norm)
    for i = 1, m do v[i] = i < k and 0 or r[i][k] - (i == k and alpha or 0) end
    local vv = 0
    for i = 1, m do vv = vv + v[i] ^ 2 end
    local h = filled(m, m, function(i, j) return (i == j and 1 or 0) - 2 * v[i] * v[j] / vv end)
    q, r = times(q, h), times(h, r)
  end
  local size = complete and m or math.min(m, n)
  return filled(m, size, function(i, j) return q[i][j] end),
    filled(size, n, function(i, j) return i <= j and r[i][j] or 0 end)
end

function reference.qr(a, mode)
  return each(function(m) return qr(m, mode == "complete" or mode == false) end, { 2 }, a)
end

function reference.householder_product(a, tau)
  return (each(function(v, t)
    local m, n = #v, cols(v)
    local q = eye(m)
    for k = 1, #t do
      local column = {}
      for i = 1, m do column[i] = i < k and 0 or i == k and 1 or v[i][k] end
      q = times(q, filled(m, m, function(i, j) return (i == j and 1 or 0) - t[k] * column[i] * column[j] end))
    end
    return filled(m, n, function(i, j) return q[i][j] end)
  end, { 2, 1 }, a, tau))
end

-- ---- spectra ------------------------------------------------------------------------------------

-- Eigenvalues of a symmetric matrix by cyclic rotations (Jacobi), rising.
local function eigenvalues(a)
  local n = #a
  a = copy(a)
  for _ = 1, 60 do
    for p = 1, n do
      for q = p + 1, n do
        if a[p][q] ~= 0 then
          local t = (a[q][q] - a[p][p]) / (2 * a[p][q])
          t = (t >= 0 and 1 or -1) / (math.abs(t) + math.sqrt(t * t + 1))
          local c = 1 / math.sqrt(t * t + 1)
          local s = t * c
          local r = eye(n)
          r[p][p], r[q][q], r[p][q], r[q][p] = c, c, s, -s
          a = product(transposed(r), a, r)
        end
      end
    end
  end
  local w = {}
  for i = 1, n do w[i] = a[i][i] end
  table.sort(w)
  return w
end

function reference.eigvalsh(a) return (each(eigenvalues, { 2 }, a)) end
reference.eigh = reference.eigvalsh -- the vectors are unique up to signs only: tests/linalg.lua

local function singular_values(a)
  local w = eigenvalues(#a < cols(a) and times(a, transposed(a)) or times(transposed(a), a))
  local s = {}
  for i = #w, 1, -1 do s[#s + 1] = math.sqrt(math.max(w[i], 0)) end
  return s
end

function reference.svdvals(a) return (each(singular_values, { 2 }, a)) end

-- ---- any shape ----------------------------------------------------------------------------------

-- Of full rank.
local function pinv(a)
  local t = transposed(a)
  return #a >= cols(a) and times(inverse(times(t, a)), t) or times(t, inverse(times(a, t)))
end

function reference.pinv(a) return (each(pinv, { 2 }, a)) end

function reference.lstsq(a, b)
  local vectors = rank(b) == rank(a) - 1
  return (each(function(m, v)
    return vectors and transposed(times(pinv(m), transposed { v }))[1] or times(pinv(m), v)
  end, { 2, vectors and 1 or 2 }, a, b))
end
reference.lstsq_solve = reference.lstsq

function reference.matrix_rank(a)
  return (each(function(m)
    m = copy(m)
    local found = 0
    for j = 1, cols(m) do
      local p
      for i = found + 1, #m do
        if math.abs(m[i][j]) > 1e-9 and (not p or math.abs(m[i][j]) > math.abs(m[p][j])) then p = i end
      end
      if p then
        found = found + 1
        m[found], m[p] = m[p], m[found]
        for i = found + 1, #m do
          local f = m[i][j] / m[found][j]
          for k = j, cols(m) do m[i][k] = m[i][k] - f * m[found][k] end
        end
      end
    end
    return found
  end, { 2 }, a))
end

-- ---- functions of matrices ----------------------------------------------------------------------

function reference.matrix_exp(a)
  return (each(function(m)
    local n = #m
    local small = filled(n, n, function(i, j) return m[i][j] / 1024 end)
    local sum, term = eye(n), eye(n)
    for k = 1, 20 do
      term = times(term, small)
      term = filled(n, n, function(i, j) return term[i][j] / k end)
      sum = filled(n, n, function(i, j) return sum[i][j] + term[i][j] end)
    end
    for _ = 1, 10 do sum = times(sum, sum) end
    return sum
  end, { 2 }, a))
end

function reference.matrix_power(a, n)
  return (each(function(m)
    local y = eye(#m)
    for _ = 1, math.abs(n) do y = times(y, n < 0 and inverse(m) or m) end
    return y
  end, { 2 }, a))
end

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

function reference.linalg_diagonal(a, offset)
  return (each(function(m)
    local d = {}
    for i = 1, #m do d[i] = m[i][i + (offset or 0)] end
    return d
  end, { 2 }, a))
end

return reference
