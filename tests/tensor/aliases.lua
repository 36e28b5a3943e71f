-- aliases.lua: random programs over tensors that share memory: long chains of views, copies and writes in
-- place, with sizes of zero, in several types. Held against a model in which a tensor is a shape and a list
-- of places in cells that its sisters share. After every write all tensors are compared.

local lunette = require "lunette"
local tensor = lunette.tensor
local draw = require "tests.support.chance"(20250301)
local random, pick = draw.whole, draw.pick
local plain = require "tests.support.plain"
local size = plain.size

-- ---- the model: {shape =, cells =, [i] = place of element i} ---------------------------------------------

-- The index of element i, counted in rows.
local function index_of(shape, i)
  local index, rest = {}, i - 1
  for d = #shape, 1, -1 do
    index[d] = rest % shape[d] + 1
    rest = rest // shape[d]
  end
  return index
end

local function view(m, shape, from)
  local out = {shape = shape, cells = m.cells}
  for i = 1, size(shape) do
    local place = 0
    for d, k in ipairs(from(index_of(shape, i))) do place = place * m.shape[d] + k - 1 end
    out[i] = m[place + 1]
  end
  return out
end

local function values_of(m)
  local list = {}
  for i = 1, #m do list[i] = m.cells[m[i]] end
  return list
end

local function fresh(shape, values)
  local out = {shape = shape, cells = values}
  for i = 1, #values do out[i] = i end
  return out
end

local function overlaps(m)
  local seen = {}
  for i = 1, #m do
    if seen[m[i]] then return true end
    seen[m[i]] = true
  end
  return false
end

local function changed(list, d, v)
  local out = table.move(list, 1, #list, 1, {})
  out[d] = v
  return out
end

local function without(list, d)
  local out = table.move(list, 1, #list, 1, {})
  table.remove(out, d)
  return out
end

local function with(list, d, v)
  local out = table.move(list, 1, #list, 1, {})
  table.insert(out, d, v)
  return out
end

-- ---- what gives a tensor: f(x, m) -> y, its model; nil where it does not apply -----------------------------

local views = {}

function views.transpose(x, m)
  local a, b = random(1, #m.shape), random(1, #m.shape)
  local function turn(list) return changed(changed(list, a, list[b]), b, list[a]) end
  return x:transpose(a, b), view(m, turn(m.shape), turn)
end

function views.narrow(x, m)
  local d = random(1, #m.shape)
  local start = random(1, m.shape[d] + 1)
  local length = random(0, m.shape[d] - start + 1)
  return x:narrow(d, start, length), view(m, changed(m.shape, d, length), function(i)
    return changed(i, d, i[d] + start - 1)
  end)
end

function views.range(x, m)
  local n, step = m.shape[1], random(1, 4)
  local first, last = random(1, n + 1), random(1, n + 1)
  local length = last < first and 0 or (math.min(last, n) - first) // step + 1
  return x[{{first, last, step}}], view(m, changed(m.shape, 1, math.max(length, 0)), function(i)
    return changed(i, 1, first + (i[1] - 1) * step)
  end)
end

function views.select(x, m)
  local d = random(1, #m.shape)
  if m.shape[d] == 0 or #m.shape == 1 then return end
  local k = random(1, m.shape[d])
  return x:select(d, k), view(m, without(m.shape, d), function(i) return with(i, d, k) end)
end

function views.unsqueeze(x, m)
  if #m.shape > 5 then return end
  local d = random(1, #m.shape + 1)
  return x:unsqueeze(d), view(m, with(m.shape, d, 1), function(i) return without(i, d) end)
end

function views.expand(x, m)
  local n = random(0, 3)
  if #m.shape > 5 or size(m.shape) * n > 300 then return end
  return x:expand(n, table.unpack(m.shape)), view(m, with(m.shape, 1, n), function(i) return without(i, 1) end)
end

function views.diagonal(x, m)
  if #m.shape < 2 then return end
  local n = math.min(m.shape[1], m.shape[2])
  local shape = without(without(m.shape, 1), 1)
  shape[#shape + 1] = n
  return x:diagonal(), view(m, shape, function(i)
    local k = i[#i]
    return with(with(without(i, #i), 1, k), 1, k)
  end)
end

function views.flat(x, m)
  if not x:is_contiguous() then return end
  return x:view(-1), view(m, {size(m.shape)}, function(i) return index_of(m.shape, i[1]) end)
end

function views.windows(x, m)
  local n, step = m.shape[1], random(1, 3)
  local width = random(0, n)
  if size(m.shape) * width > 300 or #m.shape > 5 then return end
  local shape = changed(m.shape, 1, (n - width) // step + 1)
  shape[#shape + 1] = width
  return x:unfold(1, width, step), view(m, shape, function(i)
    return changed(without(i, #i), 1, (i[1] - 1) * step + i[#i])
  end)
end

local copies = {
  clone = function(x, m) return x:clone(), fresh(m.shape, values_of(m)) end,
  flip = function(x, m)
    local turned = view(m, m.shape, function(i) return changed(i, 1, m.shape[1] - i[1] + 1) end)
    return x:flip(1), fresh(m.shape, values_of(turned))
  end,
  joined = function(x, m)
    if size(m.shape) > 100 then return end
    local values = values_of(m)
    table.move(values, 1, #values, #values + 1)
    return tensor.cat({x, x}, 1), fresh(changed(m.shape, 1, 2 * m.shape[1]), values)
  end,
}

-- ---- what writes: f(x, m, y, n, kind) changes x and the cells of m; y has the shape of x ---------------------

local function set(m, values)
  for i = 1, #m do m.cells[m[i]] = values[i] end
end

local function number(kind)
  if kind == "bool" then return random(0, 1) == 1 end
  return random(-9, 9)
end

local function each(m, f)
  local out = {}
  for i = 1, #m do out[i] = f(m.cells[m[i]], i) end
  return out
end

local writes = {
  function(x, m, _, _, kind)
    local v = number(kind)
    x:fill_(v)
    set(m, each(m, function() return v end))
  end,
  function(x, m, y, n)
    x:copy_(y)
    set(m, values_of(n))
  end,
  function(x, m, y, n)
    x["..."] = y
    set(m, values_of(n))
  end,
  function(x, m, y, n, kind)
    local theirs = values_of(n)
    if kind == "bool" then x:logical_xor_(y) else x:add_(y) end
    set(m, each(m, function(v, i)
      if kind == "bool" then return v ~= theirs[i] end
      return v + theirs[i]
    end))
  end,
  function(x, m, y, n, kind)
    local theirs, v = values_of(n), number(kind)
    local function picks(w) return w == true or w ~= false and w > 0 end
    if kind == "bool" then x:masked_fill_(y, v) else x:masked_fill_(y:gt(0), v) end
    set(m, each(m, function(old, i)
      if picks(theirs[i]) then return v end
      return old
    end))
  end,
  function(x, m, _, _, kind)
    if kind == "bool" then x:logical_not_() else x:neg_() end
    set(m, each(m, function(v)
      if kind == "bool" then return not v end
      return -v
    end))
  end,
}

-- ---- programs --------------------------------------------------------------------------------------------

local function same(x, m) return plain.same(x, m.shape, function(i) return m.cells[m[i]] end) end

local function begin(kind)
  local shape, values = {}, {}
  for d = 1, random(1, 4) do shape[d] = random(0, 20) == 0 and 0 or random(1, 4) end
  for i = 1, size(shape) do values[i] = number(kind) end
  return tensor.zeros(shape):to(kind):view(-1):copy_(tensor(values, {dtype = kind})):view(shape), fresh(shape, values)
end

local names = {}
for name in pairs(views) do names[#names + 1] = name end
table.sort(names)

-- Of the tensors of this shape one; x itself is among them.
local function sister(pool, shape)
  local list, text = {}, table.concat(shape, " ")
  for _, item in ipairs(pool) do
    if table.concat(item.m.shape, " ") == text then list[#list + 1] = item end
  end
  return pick(list)
end

local function write(t, pool, item, kind)
  local other = sister(pool, item.m.shape)
  if overlaps(item.m) then return t.ok("no write where elements share memory", not pcall(item.x.fill_, item.x, 1)) end
  pick(writes)(item.x, item.m, other.x, other.m, kind)
  return true
end

local function program(t, round, kind)
  local trace, pool = {kind}, {}
  local x, m = begin(kind)
  pool[1] = {x = x, m = m}
  for _ = 1, 40 do
    local item, way = pick(pool), random(1, 10)
    local y, n
    if way <= 5 then
      local name = pick(names)
      y, n = views[name](item.x, item.m)
      trace[#trace + 1] = name
    elseif way == 6 then
      y, n = copies[pick {"clone", "flip", "joined"}](item.x, item.m)
      trace[#trace + 1] = "copy"
    elseif not write(t, pool, item, kind) then
      return false
    end
    if y then pool[#pool < 12 and #pool + 1 or random(1, 12)] = {x = y, m = n} end
    for k, each_item in ipairs(pool) do
      if not same(each_item.x, each_item.m) then
        return t.ok(("program %d, tensor %d after %s"):format(round, k, table.concat(trace, " ")), false, tostring(each_item.x))
      end
    end
  end
  return t.ok("program " .. round, true)
end

return function(t)
  for round = 1, 300 do
    if not program(t, round, pick {"float64", "float32", "int64", "int32", "bool"}) then return end
  end
end
