-- Naive constants and ranges.

local util = require "tests.reference.util"
local reference = {}

-- A shape given as a list or as numbers.
local function shape_of(first, ...)
  if type(first) == "table" then return first end
  local shape = { first }
  for _, v in ipairs { ... } do
    if type(v) == "number" then shape[#shape + 1] = v end
  end
  return shape
end

local function constant(v)
  return function(...) return util.zeros(shape_of(...), v) end, function(x) return util.zeros(util.shape(x), v) end
end

reference.zeros, reference.zeros_like = constant(0)
reference.ones, reference.ones_like = constant(1)
reference.empty, reference.empty_like = constant(0)

function reference.full(shape, v) return util.zeros(shape, v) end

function reference.full_like(x, v) return util.zeros(util.shape(x), v) end

function reference.arange(start, stop, step)
  if type(stop) ~= "number" then start, stop = 1, start end
  if type(step) ~= "number" then step = 1 end
  local list, v, i = {}, start, 0
  while step > 0 and v <= stop + 1e-9 or step < 0 and v >= stop - 1e-9 do
    list[#list + 1] = v
    i = i + 1
    v = start + i * step
  end
  return list
end

function reference.linspace(start, stop, steps)
  local list = {}
  for i = 1, steps do list[i] = start + (stop - start) * (i - 1) / math.max(1, steps - 1) end
  return list
end

function reference.eye(n, m)
  if type(m) ~= "number" then m = n end
  local x = util.zeros { n, m }
  for i = 1, math.min(n, m) do x[i][i] = 1 end
  return x
end

function reference.logspace(start, stop, steps, base)
  base = type(base) == "number" and base or 10
  return util.map(reference.linspace(start, stop, steps), function(v) return base ^ v end)
end

reference.new_zeros = function(_, shape) return util.zeros(type(shape) == "table" and shape or {shape}) end
reference.new_ones = function(_, shape) return util.zeros(type(shape) == "table" and shape or {shape}, 1) end
reference.new_empty = reference.new_zeros
reference.new_full = function(_, shape, v) return util.zeros(shape, v) end

-- ---- diagonals -------------------------------------------------------------------------------------

-- The last dimension of x along dimensions a and b (from 1 or the end) of a larger tensor of zeros.
function reference.diag_embed(x, offset, a, b)
  offset, a, b = offset or 0, a or -2, b or -1
  local shape, wide = util.shape(x), {}
  local n = #shape + 1
  if a < 0 then a = a + n + 1 end
  if b < 0 then b = b + n + 1 end
  local rest = 0
  for d = 1, n do
    if d == a or d == b then
      wide[d] = shape[#shape] + math.abs(offset)
    else
      rest = rest + 1
      wide[d] = shape[rest]
    end
  end
  local y = util.zeros(wide)
  util.each_index(shape, function(index)
    local at, k = {}, 0
    for d = 1, n do
      if d ~= a and d ~= b then
        k = k + 1
        at[d] = index[k]
      end
    end
    at[a] = index[#shape] + math.max(0, -offset)
    at[b] = index[#shape] + math.max(0, offset)
    util.set(y, at, util.get(x, index))
  end)
  return y
end

function reference.diag(x, k)
  if type(x[1]) ~= "table" then return reference.diag_embed(x, k) end
  local list = {}
  for i = 1, #x do
    local v = x[i][i + (k or 0)]
    if v then list[#list + 1] = v end
  end
  return list
end

function reference.diagflat(x, k) return reference.diag_embed(util.flat(x), k) end

local function triangle(inside)
  return function(rows, columns, k)
    local up, across = {}, {}
    for i = 1, rows do
      for j = 1, columns do
        if inside(j - i, k or 0) then
          up[#up + 1] = i
          across[#across + 1] = j
        end
      end
    end
    return {up, across}
  end
end
reference.tril_indices = triangle(function(gap, k) return gap <= k end)
reference.triu_indices = triangle(function(gap, k) return gap >= k end)

-- ---- grids -----------------------------------------------------------------------------------------

function reference.meshgrid(list, indexing)
  local shape, place, grids = {}, {}, {}
  for k, v in ipairs(list) do
    place[k] = indexing == "xy" and k < 3 and 3 - k or k
    shape[place[k]] = #v
  end
  for k, v in ipairs(list) do
    local y = util.zeros(shape)
    util.each_index(shape, function(index) util.set(y, index, v[index[place[k]]]) end)
    grids[k] = y
  end
  return grids
end

function reference.cartesian_prod(list)
  if #list == 1 then return list[1] end
  local rows = {{}}
  for _, v in ipairs(list) do
    local longer = {}
    for _, row in ipairs(rows) do
      for _, x in ipairs(v) do
        local new = table.move(row, 1, #row, 1, {})
        new[#new + 1] = x
        longer[#longer + 1] = new
      end
    end
    rows = longer
  end
  return rows
end

function reference.combinations(x, r, again)
  local rows = {}
  local function choose(row, from)
    if #row == (r or 2) then
      rows[#rows + 1] = table.move(row, 1, #row, 1, {})
      return
    end
    for i = from, #x do
      row[#row + 1] = x[i]
      choose(row, again and i or i + 1)
      row[#row] = nil
    end
  end
  choose({}, 1)
  return rows
end

function reference.one_hot(x, classes)
  if not classes then
    classes = 0
    util.map(x, function(v) classes = math.max(classes, v) end)
  end
  return util.map(x, function(v)
    local row = {}
    for k = 1, classes do row[k] = k == v and 1 or 0 end
    return row
  end)
end

return reference
