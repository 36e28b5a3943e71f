-- Naive moves of elements: every result is made element by element from its position.

local util = require "tests.reference.util"
local reference = {}

local function count(shape)
  local n = 1
  for _, size in ipairs(shape) do n = n * size end
  return n
end

local function copy(list) return table.move(list, 1, #list, 1, {}) end

-- A dimension or position counted from the end as one counted from 1.
local function from_start(i, n) return i < 0 and n + 1 + i or i end

local function list_of(v) return type(v) == "table" and v or { v } end

local function filled_in(sizes, n)
  local shape, known, open = copy(sizes), 1, nil
  for d, size in ipairs(shape) do
    if size == -1 then open = d else known = known * size end
  end
  if open then shape[open] = n // known end
  return shape
end

-- ---- other shapes --------------------------------------------------------------------------------

function reference.reshape(x, sizes)
  local flat = util.flat(x)
  return util.unflat(flat, filled_in(list_of(sizes), #flat))
end

function reference.reshape_as(x, other) return util.unflat(util.flat(x), util.shape(other)) end

function reference.flatten(x, start, stop)
  local old, new = util.shape(x), {}
  start, stop = from_start(start or 1, #old), from_start(stop or -1, #old)
  for d = 1, start - 1 do new[#new + 1] = old[d] end
  new[#new + 1] = count { table.unpack(old, start, stop) }
  for d = stop + 1, #old do new[#new + 1] = old[d] end
  return util.unflat(util.flat(x), new)
end

function reference.unflatten(x, dim, sizes)
  local old, new = util.shape(x), {}
  dim = from_start(dim, #old)
  for d, size in ipairs(old) do
    for _, s in ipairs(d == dim and filled_in(sizes, size) or { size }) do new[#new + 1] = s end
  end
  return util.unflat(util.flat(x), new)
end

function reference.squeeze(x, dims)
  local old, new, drop = util.shape(x), {}, {}
  for d in ipairs(old) do drop[d] = dims == nil end
  for _, d in ipairs(list_of(dims or {})) do drop[from_start(d, #old)] = true end
  for d, size in ipairs(old) do
    if size ~= 1 or not drop[d] then new[#new + 1] = size end
  end
  return util.unflat(util.flat(x), new)
end

function reference.unsqueeze(x, dim)
  local shape = util.shape(x)
  table.insert(shape, from_start(dim, #shape + 1), 1)
  return util.unflat(util.flat(x), shape)
end

-- ---- other orders --------------------------------------------------------------------------------

function reference.permute(x, dims)
  local old, order, shape = util.shape(x), {}, {}
  for d, from in ipairs(dims) do
    order[d] = from_start(from, #old)
    shape[d] = old[order[d]]
  end
  return util.build(shape, function(index)
    local at = {}
    for d, from in ipairs(order) do at[from] = index[d] end
    return util.get(x, at)
  end)
end

function reference.transpose(x, a, b)
  local order = {}
  local n = #util.shape(x)
  for d = 1, n do order[d] = d end
  a, b = from_start(a, n), from_start(b, n)
  order[a], order[b] = order[b], order[a]
  return reference.permute(x, order)
end

function reference.t(x) return #util.shape(x) < 2 and x or reference.transpose(x, 1, 2) end

function reference.movedim(x, source, destination)
  local n, order, taken = #util.shape(x), {}, {}
  for k, from in ipairs(list_of(source)) do
    from = from_start(from, n)
    order[from_start(list_of(destination)[k], n)] = from
    taken[from] = true
  end
  local rest = {}
  for d = 1, n do
    if not taken[d] then rest[#rest + 1] = d end
  end
  for d = 1, n do order[d] = order[d] or table.remove(rest, 1) end
  return reference.permute(x, order)
end

function reference.flip(x, dims)
  local shape, turned = util.shape(x), {}
  for _, d in ipairs(list_of(dims)) do turned[from_start(d, #shape)] = true end
  return util.build(shape, function(index)
    local at = {}
    for d, i in ipairs(index) do at[d] = turned[d] and shape[d] + 1 - i or i end
    return util.get(x, at)
  end)
end

function reference.roll(x, shifts, dims)
  local shape = util.shape(x)
  if dims == nil then
    local flat, out = util.flat(x), {}
    for i, v in ipairs(flat) do out[(i - 1 + shifts) % #flat + 1] = v end
    return util.unflat(out, shape)
  end
  local by = {}
  for k, d in ipairs(list_of(dims)) do by[from_start(d, #shape)] = list_of(shifts)[k] end
  return util.build(shape, function(index)
    local at = {}
    for d, i in ipairs(index) do at[d] = (i - 1 - (by[d] or 0)) % shape[d] + 1 end
    return util.get(x, at)
  end)
end

-- ---- parts ---------------------------------------------------------------------------------------

function reference.slice(x, dim, start, stop, step)
  local shape = util.shape(x)
  dim, step = from_start(dim, #shape), step or 1
  local size, positions = shape[dim], {}
  start, stop = from_start(start or 1, size), from_start(stop or -1, size)
  for i = start, math.min(stop, size), step do positions[#positions + 1] = i end
  shape[dim] = #positions
  return util.build(shape, function(index)
    local at = copy(index)
    at[dim] = positions[index[dim]]
    return util.get(x, at)
  end)
end

function reference.narrow(x, dim, start, length)
  start = from_start(start, util.shape(x)[from_start(dim, #util.shape(x))])
  return reference.slice(x, dim, start, start + length - 1)
end

function reference.select(x, dim, i)
  local shape = util.shape(x)
  dim = from_start(dim, #shape)
  i = from_start(i, shape[dim])
  table.remove(shape, dim)
  return util.build(shape, function(index)
    local at = copy(index)
    table.insert(at, dim, i)
    return util.get(x, at)
  end)
end

function reference.index_basic(x, starts, counts, steps, drop)
  for d = #starts, 1, -1 do
    local last = starts[d] + 1 + (counts[d] - 1) * steps[d]
    x = reference.slice(x, d, starts[d] + 1, last, steps[d])
    if drop[d] == 1 then x = reference.select(x, d, 1) end
  end
  return x
end

function reference.diagonal(x, offset, dim1, dim2)
  local shape, rest = util.shape(x), {}
  offset = offset or 0
  dim1, dim2 = from_start(dim1 or 1, #shape), from_start(dim2 or 2, #shape)
  for d = 1, #shape do
    if d ~= dim1 and d ~= dim2 then rest[#rest + 1] = d end
  end
  local n, i, j = 0, math.max(1, 1 - offset), math.max(1, 1 + offset)
  while i + n <= shape[dim1] and j + n <= shape[dim2] do n = n + 1 end
  local new = {}
  for k, d in ipairs(rest) do new[k] = shape[d] end
  new[#new + 1] = n
  return util.build(new, function(index)
    local at = { [dim1] = i + index[#index] - 1, [dim2] = j + index[#index] - 1 }
    for k, d in ipairs(rest) do at[d] = index[k] end
    return util.get(x, at)
  end)
end

-- ---- windows: places in the row of all elements, from 0 --------------------------------------------

local function place_of(index, stride, offset)
  for d, i in ipairs(index) do offset = offset + (i - 1) * stride[d] end
  return offset + 1
end

function reference.as_strided(x, size, stride, offset)
  offset = offset or 0
  local flat = util.flat(x)
  return util.build(size, function(index) return flat[place_of(index, stride, offset)] end)
end

function reference.as_strided_scatter(x, values, size, stride, offset)
  local flat = util.flat(x)
  offset = offset or 0
  util.each_index(size, function(index) flat[place_of(index, stride, offset)] = util.get(values, index) end)
  return util.unflat(flat, util.shape(x))
end

function reference.window_add(x, shape, size, stride, offset)
  local flat = {}
  for i = 1, count(shape) do flat[i] = 0 end
  util.each_index(size, function(index)
    local i = place_of(index, stride, offset)
    flat[i] = flat[i] + util.get(x, index)
  end)
  return util.unflat(flat, shape)
end

-- ---- larger --------------------------------------------------------------------------------------

function reference.expand(x, sizes)
  local old, shape = util.shape(x), copy(sizes)
  local lead = #shape - #old
  for d, size in ipairs(shape) do
    if size == -1 then shape[d] = old[d - lead] end
  end
  return util.broadcast(function(v) return v end, x, util.zeros(shape))
end

function reference.expand_as(x, other) return reference.expand(x, util.shape(other)) end

function reference.copy_(x, src) return util.broadcast(function(_, v) return v end, x, src) end

-- Element i of the result is element (i - 1) % size + 1 of x.
function reference.rep(x, times)
  local old, shape = util.shape(x), {}
  local lead = #times - #old
  for d, n in ipairs(times) do shape[d] = n * (old[d - lead] or 1) end
  return util.build(shape, function(index)
    local at = {}
    for d, size in ipairs(old) do at[d] = (index[lead + d] - 1) % size + 1 end
    return util.get(x, at)
  end)
end

function reference.repeat_interleave(x, times, dim)
  if dim == nil then x, dim = util.flat(x), 1 end
  local shape, from = util.shape(x), {}
  dim = from_start(dim, #shape)
  for i = 1, shape[dim] do
    for _ = 1, type(times) == "table" and times[i] or times do from[#from + 1] = i end
  end
  shape[dim] = #from
  return util.build(shape, function(index)
    local at = copy(index)
    at[dim] = from[index[dim]]
    return util.get(x, at)
  end)
end

-- Where position i of a dimension of n comes from.
local continued = {
  reflect = function(i, n) return i < 1 and 2 - i or i > n and 2 * n - i or i end,
  replicate = function(i, n) return math.max(1, math.min(i, n)) end,
  circular = function(i, n) return (i - 1) % n + 1 end,
  constant = function(i, n) return i >= 1 and i <= n and i or nil end,
}

function reference.pad(x, amounts, mode, value)
  if type(mode) == "table" then mode, value = mode.mode, mode.value end
  if mode == "circular" then -- what is left goes round
    local cuts, rest = {}, {}
    for i, a in ipairs(amounts) do cuts[i], rest[i] = math.min(a, 0), math.max(a, 0) end
    x, amounts = reference.pad(x, cuts), rest
  end
  local old, shape = util.shape(x), {}
  local function before(d) return amounts[2 * (#old - d) + 1] or 0 end
  for d, size in ipairs(old) do shape[d] = size + before(d) + (amounts[2 * (#old - d) + 2] or 0) end
  return util.build(shape, function(index)
    local at = {}
    local inside = true
    for d, i in ipairs(index) do
      at[d] = continued[mode or "constant"](i - before(d), old[d])
      inside = inside and at[d] ~= nil
    end
    return inside and util.get(x, at) or value or 0
  end)
end

function reference.constant_pad_nd(x, amounts, value) return reference.pad(x, amounts, "constant", value) end

local function triangle(x, keep)
  return util.build(util.shape(x), function(index)
    return keep(index[#index] - index[#index - 1]) and util.get(x, index) or 0
  end)
end

function reference.tril(x, k) return triangle(x, function(right) return right <= (k or 0) end) end

function reference.triu(x, k) return triangle(x, function(right) return right >= (k or 0) end) end

-- ---- turning, repeating --------------------------------------------------------------------------------

function reference.ravel(x) return util.flat(x) end

function reference.adjoint(x) return reference.transpose(x, -2, -1) end

function reference.fliplr(x) return reference.flip(x, 2) end

function reference.flipud(x) return reference.flip(x, 1) end

function reference.rot90(x, k, dims)
  dims = dims or { 1, 2 }
  for _ = 1, (k or 1) % 4 do x = reference.transpose(reference.flip(x, dims[2]), dims[1], dims[2]) end
  return x
end

function reference.tile(x, sizes)
  local all = {}
  for _ = #sizes + 1, #util.shape(x) do all[#all + 1] = 1 end
  return reference.rep(x, table.move(sizes, 1, #sizes, #all + 1, all))
end

function reference.sum_to_size(x, size)
  local y, shape = util.zeros(size), util.shape(x)
  util.each_index(shape, function(at)
    local place = {}
    for d = 1, #size do place[d] = size[d] == 1 and 1 or at[#shape - #size + d] end
    util.set(y, place, util.get(y, place) + util.get(x, at))
  end)
  return y
end

return reference
