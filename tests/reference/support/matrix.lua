-- Matrices as lists of rows, batches of them, and what several families of references need of them.

local util = require "tests.reference.util"

local matrix = {}

function matrix.rank(x) return #util.shape(x) end

function matrix.filled(m, n, f)
  local y = {}
  for i = 1, m do
    y[i] = {}
    for j = 1, n do y[i][j] = f(i, j) end
  end
  return y
end

function matrix.eye(n) return matrix.filled(n, n, function(i, j) return i == j and 1 or 0 end) end
function matrix.cols(a) return #a[1] end
function matrix.transposed(a) return matrix.filled(matrix.cols(a), #a, function(i, j) return a[j][i] end) end
function matrix.copy(a) return matrix.filled(#a, matrix.cols(a), function(i, j) return a[i][j] end) end

function matrix.times(a, b)
  return matrix.filled(#a, matrix.cols(b), function(i, j)
    local s = 0
    for k = 1, #b do s = s + a[i][k] * b[k][j] end
    return s
  end)
end

function matrix.product(a, ...)
  for _, b in ipairs { ... } do a = matrix.times(a, b) end
  return a
end

-- Calls f on every matrix of x (and of further tensors, whose batches broadcast); `ranks` are the ranks
-- of one item of each. Results of f are put together in the same batch, one list for each.
function matrix.each(f, ranks, ...)
  local args = table.pack(...)
  local lead = 0
  for k = 1, args.n do lead = math.max(lead, matrix.rank(args[k]) - ranks[k]) end
  if lead == 0 then return f(...) end
  local size = 1
  for k = 1, args.n do
    if matrix.rank(args[k]) - ranks[k] == lead then size = math.max(size, #args[k]) end
  end
  local out = {}
  for i = 1, size do
    local sub = {}
    for k = 1, args.n do
      local x = args[k]
      sub[k] = matrix.rank(x) - ranks[k] == lead and x[#x == 1 and 1 or i] or x
    end
    local results = table.pack(matrix.each(f, ranks, table.unpack(sub, 1, args.n)))
    for r = 1, results.n do
      out[r] = out[r] or {}
      out[r][i] = results[r]
    end
  end
  return table.unpack(out)
end

-- Trailing options by name, or positional values in this order.
function matrix.options(names, ...)
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

-- Gauss-Jordan with full search for the pivot in its column.
function matrix.solve(a, b)
  local n = #a
  a, b = matrix.copy(a), matrix.copy(b)
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
        for j = 1, matrix.cols(b) do b[i][j] = b[i][j] - f * b[k][j] end
      end
    end
  end
  return matrix.filled(n, matrix.cols(b), function(i, j) return b[i][j] / a[i][i] end)
end

function matrix.inverse(a) return matrix.solve(a, matrix.eye(#a)) end

-- Eigenvalues of a symmetric matrix by cyclic rotations (Jacobi), rising.
function matrix.eigenvalues(a)
  local n = #a
  a = matrix.copy(a)
  for _ = 1, 60 do
    for p = 1, n do
      for q = p + 1, n do
        if a[p][q] ~= 0 then
          local t = (a[q][q] - a[p][p]) / (2 * a[p][q])
          t = (t >= 0 and 1 or -1) / (math.abs(t) + math.sqrt(t * t + 1))
          local c = 1 / math.sqrt(t * t + 1)
          local s = t * c
          local r = matrix.eye(n)
          r[p][p], r[q][q], r[p][q], r[q][p] = c, c, s, -s
          a = matrix.product(matrix.transposed(r), a, r)
        end
      end
    end
  end
  local w = {}
  for i = 1, n do w[i] = a[i][i] end
  table.sort(w)
  return w
end

function matrix.singular_values(a)
  local w = matrix.eigenvalues(#a < matrix.cols(a) and matrix.times(a, matrix.transposed(a)) or matrix.times(matrix.transposed(a), a))
  local s = {}
  for i = #w, 1, -1 do s[#s + 1] = math.sqrt(math.max(w[i], 0)) end
  return s
end

function matrix.minor(a, r, c)
  return matrix.filled(#a - 1, #a - 1, function(i, j) return a[i < r and i or i + 1][j < c and j or j + 1] end)
end

function matrix.det(a)
  if #a == 1 then return a[1][1] end
  local s = 0
  for j = 1, #a do s = s + (j % 2 == 1 and 1 or -1) * a[1][j] * matrix.det(matrix.minor(a, 1, j)) end
  return s
end

return matrix
