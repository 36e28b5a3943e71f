-- Naive factors and functions of matrices: Cholesky, QR, Jacobi's rotations, pseudo-inverse, powers.

local matrix = require "tests.reference.support.matrix"

local reference = {}

local rank, filled, eye, cols = matrix.rank, matrix.filled, matrix.eye, matrix.cols
local transposed, copy, times, each = matrix.transposed, matrix.copy, matrix.times, matrix.each
local options, inverse, eigenvalues, singular_values = matrix.options, matrix.inverse, matrix.eigenvalues, matrix.singular_values

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

-- The input of householder_product with Q whole: columns of zeros, and factors that turn nothing.
local function square(a, tau)
  local whole, factors = filled(#a, #a, function(i, j) return a[i][j] or 0 end), {}
  for i = 1, #a do factors[i] = tau[i] or 0 end
  return reference.householder_product(whole, factors)
end

function reference.ormqr(a, tau, other, ...)
  local how = options({"left", "transpose"}, ...)
  return (each(function(v, t, x)
    local q = square(v, t)
    if how.transpose then q = transposed(q) end
    if how.left == false then return times(x, q) end
    return times(q, x)
  end, {2, 1, 2}, a, tau, other))
end

-- Householder 1958: each column turned onto its axis, away from its own sign.
function reference.geqrf(a)
  return each(function(x)
    local m, n, tau = #x, cols(x), {}
    x = filled(m, n, function(i, j) return x[i][j] end)
    for k = 1, math.min(m, n) do
      local length, v = 0, {}
      for i = k, m do length = length + x[i][k] ^ 2 end
      local below, head = length - x[k][k] ^ 2, x[k][k]
      local beta = below == 0 and head or (head > 0 and -1 or 1) * math.sqrt(length)
      tau[k] = below == 0 and 0 or (beta - head) / beta
      for i = k + 1, m do v[i] = below == 0 and 0 or x[i][k] / (head - beta) end
      v[k] = 1
      for j = k, n do
        local along = 0
        for i = k, m do along = along + v[i] * x[i][j] end
        for i = k, m do x[i][j] = x[i][j] - tau[k] * v[i] * along end
      end
      for i = k + 1, m do x[i][k] = v[i] end
    end
    return x, tau
  end, {2}, a)
end

-- ---- spectra ------------------------------------------------------------------------------------


function reference.eigvalsh(a) return (each(eigenvalues, { 2 }, a)) end
reference.eigh = reference.eigvalsh -- the vectors are unique up to signs only: tests/linalg.lua

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

return reference
