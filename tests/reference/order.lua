-- Naive order: rows of a dimension as plain lists, sorted by insertion.

local util = require "tests.reference.util"
local reference = {}

local function number(v) return v == true and 1 or v == false and 0 or v end

local function from_start(d, rank) return d < 0 and rank + 1 + d or d end

-- f(list) gives lists of one length for each row along dim: as many nested tables as it gives lists.
-- keepdim false drops the dimension (lists of one value).
local function along(x, dim, keepdim, f)
  local shape = util.shape(x)
  if #shape == 0 then
    local results = table.pack(f { x })
    for i = 1, results.n do results[i] = results[i][1] end
    return table.unpack(results, 1, results.n)
  end
  dim = from_start(dim, #shape)
  local outer = table.move(shape, 1, #shape, 1, {})
  outer[dim] = 1
  local results, out_shape
  util.each_index(outer, function(at)
    local row, place = {}, table.move(at, 1, #shape, 1, {})
    for i = 1, shape[dim] do
      place[dim] = i
      row[i] = util.get(x, place)
    end
    local lists = table.pack(f(row))
    out_shape = table.move(shape, 1, #shape, 1, {})
    out_shape[dim] = #lists[1]
    results = results or {}
    for k = 1, lists.n do
      results[k] = results[k] or util.zeros(out_shape)
      for i = 1, #lists[k] do
        place[dim] = i
        util.set(results[k], place, lists[k][i])
      end
    end
  end)
  if not keepdim then
    table.remove(out_shape, dim)
    for k, r in ipairs(results) do results[k] = util.unflat(util.flat(r), out_shape) end
  end
  return table.unpack(results)
end

-- Does a come before b? nan is the largest.
local function before(a, b)
  a, b = number(a), number(b)
  return a < b or a == a and b ~= b
end

-- Positions of a list in order; equal values keep theirs.
local function positions(list, falling)
  local order = {}
  for i = 1, #list do
    local at = #order + 1
    while at > 1 do
      local a, b = list[i], list[order[at - 1]]
      if not (falling and before(b, a) or not falling and before(a, b)) then break end
      at = at - 1
    end
    table.insert(order, at, i)
  end
  return order
end

local function picked(list, order, n)
  local values, places = {}, {}
  for i = 1, n or #order do values[i], places[i] = list[order[i]], order[i] end
  return values, places
end

-- ---- whole orders ------------------------------------------------------------------------------------

function reference.sort(x, ...)
  local args = util.arguments({ "dim", "descending" }, ...)
  return along(x, args.dim or -1, true, function(row) return picked(row, positions(row, args.descending)) end)
end

function reference.argsort(x, ...)
  local _, indices = reference.sort(x, ...)
  return indices
end

function reference.msort(x) return (reference.sort(x, 1)) end

function reference.topk(x, k, ...)
  local args = util.arguments({ "dim", "largest" }, ...)
  return along(x, args.dim or -1, true, function(row)
    local order = table.move(positions(row, args.largest ~= false), 1, k, 1, {})
    if args.sorted == false then table.sort(order) end
    return picked(row, order)
  end)
end

-- ---- one value of a row ------------------------------------------------------------------------------

function reference.kthvalue(x, k, ...)
  local args = util.arguments({ "dim", "keepdim" }, ...)
  return along(x, args.dim or -1, args.keepdim, function(row)
    local at = positions(row)[k]
    return { row[at] }, { at }
  end)
end

local function median(x, keep, ...)
  local args = util.arguments({ "dim", "keepdim" }, ...)
  local function middle(row)
    local kept, from = {}, {}
    for i, v in ipairs(row) do
      if keep(v) then kept[#kept + 1], from[#from + 1] = v, i end
    end
    local at = positions(kept)[(#kept + 1) // 2]
    return { kept[at] }, { from[at] }
  end
  if args.dim == nil then return middle(util.flat(x))[1] end
  return along(x, args.dim, args.keepdim, middle)
end

function reference.median(x, ...) return median(x, function() return true end, ...) end

function reference.nanmedian(x, ...) return median(x, function(v) return v == v end, ...) end

function reference.mode(x, ...)
  local args = util.arguments({ "dim", "keepdim" }, ...)
  return along(x, args.dim or -1, args.keepdim, function(row)
    local value, count, last
    for _, at in ipairs(positions(row)) do
      local n, place = 0, nil
      for i, v in ipairs(row) do
        if v == row[at] then n, place = n + 1, i end
      end
      if not count or n > count then value, count, last = row[at], n, place end
    end
    return { value }, { last }
  end)
end

local between = {
  linear = function(low, high, part) return low + part * (high - low) end,
  lower = function(low) return low end,
  higher = function(_, high) return high end,
  midpoint = function(low, high) return (low + high) / 2 end,
  nearest = function(low, high, part) return part <= 0.5 and low or high end,
}

local function quantile(x, q, keep, ...)
  local args = util.arguments({ "dim", "keepdim" }, ...)
  local mix = between[args.interpolation or "linear"]
  local function one(p)
    local function value(row)
      local kept = {}
      for _, v in ipairs(row) do
        if keep(v) then kept[#kept + 1] = v end
      end
      kept = picked(kept, positions(kept))
      local rank = p * (#kept - 1)
      local low, high = kept[math.floor(rank) + 1], kept[math.ceil(rank) + 1]
      return { math.floor(rank) == rank and low or mix(low, high, rank % 1) }
    end
    if args.dim == nil then return value(util.flat(x))[1] end
    return (along(x, args.dim, args.keepdim, value))
  end
  if type(q) == "number" then return one(q) end
  local list = {}
  for i, p in ipairs(q) do list[i] = one(p) end
  return list
end

function reference.quantile(x, q, ...) return quantile(x, q, function() return true end, ...) end

function reference.nanquantile(x, q, ...) return quantile(x, q, function(v) return v == v end, ...) end

-- ---- distinct values ---------------------------------------------------------------------------------

local function same(a, b)
  if type(a) ~= "table" then return a == b end
  for i = 1, #a do
    if not same(a[i], b[i]) then return false end
  end
  return true
end

-- The slices of a dimension as a list, and a list of slices as a tensor again.
local function turned(x, dim)
  if dim == 1 then return x end
  assert(dim == 2)
  local list = {}
  for j = 1, #x[1] do
    list[j] = {}
    for i = 1, #x do list[j][i] = x[i][j] end
  end
  return list
end

local function less(a, b)
  if type(a) ~= "table" then return before(a, b) end
  for i = 1, #a do
    if less(a[i], b[i]) then return true end
    if less(b[i], a[i]) then return false end
  end
  return false
end

local function unique(x, args, sorted)
  local list = args.dim and turned(x, args.dim) or util.flat(x)
  local values, inverse, counts = {}, {}, {}
  for i, v in ipairs(list) do
    local at
    for k = sorted and 1 or math.max(#values, 1), #values do
      if same(values[k], v) then at = k end
    end
    if not at then
      at = #values + 1
      while sorted and at > 1 and less(v, values[at - 1]) do at = at - 1 end
      table.insert(values, at, v)
      table.insert(counts, at, 0)
      for k = 1, i - 1 do inverse[k] = inverse[k] + (inverse[k] >= at and 1 or 0) end
    end
    inverse[i] = at
    counts[at] = counts[at] + 1
  end
  local results = { args.dim and turned(values, args.dim) or values }
  if args.return_inverse then
    results[2] = args.dim and inverse or util.unflat(inverse, util.shape(x))
  end
  if args.return_counts then results[#results + 1] = counts end
  return table.unpack(results)
end

function reference.unique(x, ...)
  return unique(x, util.arguments({ "sorted", "return_inverse", "return_counts", "dim" }, ...), true)
end

function reference.unique_consecutive(x, ...)
  return unique(x, util.arguments({ "return_inverse", "return_counts", "dim" }, ...), false)
end

function reference.isin(x, list, options)
  local invert = options and options.invert or false
  return util.map(x, function(v)
    for _, w in ipairs(util.flat(list)) do
      if v == w then return not invert end
    end
    return invert
  end)
end

-- ---- searching and counting --------------------------------------------------------------------------

local function place(row, v, right)
  local at = 1
  for i, w in ipairs(row) do
    if w < v or right and w == v then at = i + 1 end
  end
  return at
end

function reference.searchsorted(sorted, values, options)
  options = options or {}
  if options.sorter then sorted = picked(sorted, options.sorter) end
  if type(sorted[1]) ~= "table" then
    return util.map(values, function(v) return place(sorted, v, options.right) end)
  end
  local y = {}
  for i, row in ipairs(values) do
    y[i] = util.map(row, function(v) return place(sorted[i], v, options.right) end)
  end
  return y
end

function reference.bucketize(x, boundaries, options)
  return reference.searchsorted(boundaries, x, options)
end

function reference.bincount(x, weights, options)
  if type(weights) == "table" and #weights == 0 then weights, options = nil, weights end
  local y = {}
  for i = 1, options and options.minlength or 0 do y[i] = 0 end
  for i, v in ipairs(x) do
    for k = #y + 1, v do y[k] = 0 end
    y[v] = y[v] + (weights and weights[i] or 1)
  end
  return y
end

local function histogram(x, edges, weight)
  local y = {}
  for i = 1, #edges - 1 do
    y[i] = 0
    for k, v in ipairs(util.flat(x)) do
      if v >= edges[i] and (v < edges[i + 1] or i == #edges - 1 and v == edges[i + 1]) then
        y[i] = y[i] + (weight and weight[k] or 1)
      end
    end
  end
  return y
end

local function even(n, low, high)
  local edges = {}
  for i = 0, n do edges[i + 1] = low + (high - low) * i / n end
  return edges
end

function reference.histc(x, bins, low, high)
  if not low then low, high = math.min(table.unpack(util.flat(x))), math.max(table.unpack(util.flat(x))) end
  return histogram(x, even(bins, low, high))
end

function reference.histogram(x, bins, options)
  options = options or {}
  local edges = type(bins) == "table" and bins or even(bins, table.unpack(options.range))
  local y, sum = histogram(x, edges, options.weight), 0
  for _, v in ipairs(y) do sum = sum + v end
  for i, v in ipairs(y) do
    if options.density then y[i] = v / sum / (edges[i + 1] - edges[i]) end
  end
  return y, edges
end

return reference
