-- Naive products of vectors, matrices and tensors.

local util = require "tests.reference.util"
local matmul = require "tests.reference.matmul".matmul
local reference = {}

local function rank(x) return #util.shape(x) end

-- A result of a shape from f(index).
local function built(shape, f)
  if #shape == 0 then return f {} end
  local y = util.zeros(shape)
  util.each_index(shape, function(index) util.set(y, index, f(index)) end)
  return y
end

function reference.outer(x, y)
  return built({ #x, #y }, function(i) return x[i[1]] * y[i[2]] end)
end

function reference.inner(x, y)
  if rank(x) == 0 or rank(y) == 0 then return util.broadcast(function(a, b) return a * b end, x, y) end
  return reference.tensordot(x, y, { { rank(x) }, { rank(y) } })
end

function reference.tensordot(a, b, dims)
  local sa, sb, da, db = util.shape(a), util.shape(b), {}, {}
  if type(dims) == "number" or dims == nil then
    dims = dims or 2
    for i = 1, dims do da[i], db[i] = #sa - dims + i, i end
  else
    for i = 1, #dims[1] do
      da[i] = dims[1][i] < 0 and dims[1][i] + #sa + 1 or dims[1][i]
      db[i] = dims[2][i] < 0 and dims[2][i] + #sb + 1 or dims[2][i]
    end
  end
  local inner, shape, free_a, free_b, used_a, used_b = {}, {}, {}, {}, {}, {}
  for i = 1, #da do
    inner[i] = sa[da[i]]
    used_a[da[i]], used_b[db[i]] = true, true
  end
  for d = 1, #sa do
    if not used_a[d] then
      free_a[#free_a + 1] = d
      shape[#shape + 1] = sa[d]
    end
  end
  for d = 1, #sb do
    if not used_b[d] then
      free_b[#free_b + 1] = d
      shape[#shape + 1] = sb[d]
    end
  end
  return built(shape, function(out)
    local ia, ib, s = {}, {}, 0
    for i, d in ipairs(free_a) do ia[d] = out[i] end
    for i, d in ipairs(free_b) do ib[d] = out[#free_a + i] end
    local function add(index)
      for i = 1, #da do ia[da[i]], ib[db[i]] = index[i], index[i] end
      s = s + util.get(a, ia) * util.get(b, ib)
    end
    if #inner == 0 then add {} else util.each_index(inner, add) end
    return s
  end)
end

-- Sums along dim of f's products, or f of whole vectors, after broadcasting both.
local function along(x, y, dim, f)
  local first = util.broadcast(function(a) return a end, x, y)
  local second = util.broadcast(function(_, b) return b end, x, y)
  local shape, rest = util.shape(first), {}
  dim = dim < 0 and dim + #shape + 1 or dim
  for d = 1, #shape do
    if d ~= dim then rest[#rest + 1] = shape[d] end
  end
  return shape, rest, dim, function(index)
    local a, b, at = {}, {}, table.move(index, 1, dim - 1, 1, {})
    table.move(index, dim, #index, dim + 1, at)
    for i = 1, shape[dim] do
      at[dim] = i
      a[i], b[i] = util.get(first, at), util.get(second, at)
    end
    return f(a, b)
  end
end

function reference.vecdot(x, y, dim)
  local _, rest, _, value = along(x, y, dim or -1, function(a, b)
    local s = 0
    for i = 1, #a do s = s + a[i] * b[i] end
    return s
  end)
  return built(rest, value)
end

function reference.linalg_cross(x, y, dim)
  local shape, _, at, value = along(x, y, dim or -1, function(a, b)
    return { a[2] * b[3] - a[3] * b[2], a[3] * b[1] - a[1] * b[3], a[1] * b[2] - a[2] * b[1] }
  end)
  return built(shape, function(index)
    local outer = table.move(index, 1, at - 1, 1, {})
    table.move(index, at + 1, #index, at, outer)
    return value(outer)[index[at]]
  end)
end

function reference.cross(x, y, dim)
  for d, size in ipairs(util.shape(x)) do
    if not dim and size == 3 then dim = d end
  end
  return reference.linalg_cross(x, y, dim)
end

local function added(input, product, beta, alpha)
  if type(beta) == "table" then beta, alpha = beta.beta, beta.alpha end
  beta, alpha = beta or 1, alpha or 1
  return util.broadcast(function(a, b) return beta * a + alpha * b end, input, product)
end

function reference.addmm(input, a, b, ...) return added(input, matmul(a, b), ...) end
function reference.addmv(input, a, b, ...) return added(input, matmul(a, b), ...) end
function reference.addr(input, a, b, ...) return added(input, reference.outer(a, b), ...) end
function reference.baddbmm(input, a, b, ...) return added(input, matmul(a, b), ...) end

function reference.addbmm(input, a, b, ...)
  local sum = 0
  for i = 1, #a do sum = util.broadcast(function(p, q) return p + q end, sum, matmul(a[i], b[i])) end
  return added(input, sum, ...)
end

function reference.kron(x, y)
  local n = math.max(rank(x), rank(y))
  while rank(x) < n do x = { x } end
  while rank(y) < n do y = { y } end
  local sx, sy, shape = util.shape(x), util.shape(y), {}
  for d = 1, n do shape[d] = sx[d] * sy[d] end
  return built(shape, function(index)
    local ix, iy = {}, {}
    for d = 1, n do ix[d], iy[d] = (index[d] - 1) // sy[d] + 1, (index[d] - 1) % sy[d] + 1 end
    return util.get(x, ix) * util.get(y, iy)
  end)
end

function reference.chain_matmul(list)
  local y = list[1]
  for i = 2, #list do y = matmul(y, list[i]) end
  return y
end
reference.multi_dot = reference.chain_matmul

function reference.linalg_vander(x, n)
  if type(n) == "table" then n = n.N end
  local shape = util.shape(x)
  shape[#shape + 1] = n or shape[#shape]
  return built(shape, function(i) return util.get(x, table.move(i, 1, #i - 1, 1, {})) ^ (i[#i] - 1) end)
end

function reference.vander(x, n, o)
  local y = reference.linalg_vander(x, n)
  if o and o.increasing then return y end
  for i, row in ipairs(y) do
    local back = {}
    for j = #row, 1, -1 do back[#back + 1] = row[j] end
    y[i] = back
  end
  return y
end

-- ---- einsum -------------------------------------------------------------------------------------

-- The labels of one operand: letters, and "1", "2", ... from the right for those of the ellipsis.
local function labels_of(part, ndim)
  local out, letters = {}, part:gsub("%.%.%.", ""):gsub(" ", "")
  local more = ndim - #letters
  local before = part:gsub(" ", ""):find("...", 1, true)
  for i = 1, #letters + 1 do
    if before == i then
      for k = more, 1, -1 do out[#out + 1] = tostring(k) end
    end
    if i <= #letters then out[#out + 1] = letters:sub(i, i) end
  end
  return out
end

function reference.einsum(equation, operands)
  local left, right = equation:match "^(.-)%->(.*)$"
  local parts, count, size, most = {}, {}, {}, 0
  for part in ((left or equation) .. ","):gmatch "([^,]*)," do
    local x = operands[#parts + 1]
    local labels = labels_of(part, rank(x))
    parts[#parts + 1] = labels
    for d, s in ipairs(util.shape(x)) do
      local l = labels[d]
      count[l] = (count[l] or 0) + 1
      size[l] = math.max(size[l] or 1, s)
      if l:match "%d" then most = math.max(most, tonumber(l)) end
    end
  end
  local out
  if right then
    out = labels_of(right, #right:gsub("%.%.%.", ""):gsub(" ", "") + (right:find "%." and most or 0))
  else
    out = {}
    for k = most, 1, -1 do out[#out + 1] = tostring(k) end
    local letters = {}
    for l, n in pairs(count) do
      if n == 1 and l:match "%a" then letters[#letters + 1] = l end
    end
    table.sort(letters)
    for _, l in ipairs(letters) do out[#out + 1] = l end
  end
  local all, sizes, shape, place = {}, {}, {}, {}
  for l in pairs(size) do all[#all + 1] = l end
  for i, l in ipairs(all) do sizes[i], place[l] = size[l], i end
  for i, l in ipairs(out) do shape[i] = size[l] end
  local y = util.zeros(shape)
  util.each_index(sizes, function(index)
    local p, at = 1, {}
    for k, x in ipairs(operands) do
      local own, s = {}, util.shape(x)
      for d, l in ipairs(parts[k]) do own[d] = s[d] == 1 and 1 or index[place[l]] end
      p = p * util.get(x, own)
    end
    for i, l in ipairs(out) do at[i] = index[place[l]] end
    if #at == 0 then y = y + p else util.set(y, at, util.get(y, at) + p) end
  end)
  return y
end

return reference
