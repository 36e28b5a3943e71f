-- views.lua: random chains of views, random index expressions and assignments, each held against a
-- naive model: a list of shape and flat values.

local lunette = require "lunette"
local tensor = lunette.tensor
local draw = require "tests.support.chance"(20240611)
local random, pick = draw.whole, draw.pick
local plain = require "tests.support.plain"
local size, flat = plain.size, plain.flat

-- ---- the model -----------------------------------------------------------------------------------------

local function at(m, index)
  local place = 0
  for d = 1, #m.shape do place = place * m.shape[d] + index[d] - 1 end
  return place + 1
end

-- A model of a shape; f(index) gives the place in m whose value stands there.
local function made(m, shape, f)
  local out, index, n = { shape = shape }, {}, size(shape)
  for i = 1, n do
    local rest = i - 1
    for d = #shape, 1, -1 do
      index[d] = rest % shape[d] + 1
      rest = rest // shape[d]
    end
    out[i] = m[f(index)]
  end
  return out
end

local function copy(list) return table.move(list, 1, #list, 1, {}) end

local function without(list, d)
  local out = copy(list)
  table.remove(out, d)
  return out
end

local function with(list, d, v)
  local out = copy(list)
  table.insert(out, d, v)
  return out
end

local function replaced(list, d, v)
  local out = copy(list)
  out[d] = v
  return out
end

local function same(x, m) return plain.same(x, m.shape, function(i) return m[i] end) end

-- ---- views ---------------------------------------------------------------------------------------------

-- A step: takes x and its model, gives both after a view op; nil where the op does not apply.
local steps = {
  transpose = function(x, m)
    local n = #m.shape
    local a, b = random(1, n), random(1, n)
    local shape = copy(m.shape)
    shape[a], shape[b] = shape[b], shape[a]
    return x:transpose(a, b), made(m, shape, function(i)
      local j = copy(i)
      j[a], j[b] = i[b], i[a]
      return at(m, j)
    end)
  end,
  permute = function(x, m)
    local order, shape = {}, {}
    for d = 1, #m.shape do table.insert(order, random(1, d), d) end
    for d, from in ipairs(order) do shape[d] = m.shape[from] end
    return x:permute(order), made(m, shape, function(i)
      local j = {}
      for d, from in ipairs(order) do j[from] = i[d] end
      return at(m, j)
    end)
  end,
  narrow = function(x, m)
    local d = random(1, #m.shape)
    local start = random(1, m.shape[d])
    local length = random(1, m.shape[d] - start + 1)
    return x:narrow(d, start, length), made(m, replaced(m.shape, d, length), function(i)
      return at(m, replaced(i, d, i[d] + start - 1))
    end)
  end,
  slice = function(x, m)
    local d, step = random(1, #m.shape), random(1, 3)
    local start = random(1, m.shape[d])
    local stop = random(start, m.shape[d])
    return x:slice(-#m.shape + d - 1, start - m.shape[d] - 1, stop, step),
      made(m, replaced(m.shape, d, (stop - start) // step + 1), function(i)
        return at(m, replaced(i, d, start + (i[d] - 1) * step))
      end)
  end,
  select = function(x, m)
    if #m.shape < 2 then return end
    local d = random(1, #m.shape)
    local index = random(1, m.shape[d])
    return x:select(d, index), made(m, without(m.shape, d), function(i) return at(m, with(i, d, index)) end)
  end,
  unsqueeze = function(x, m)
    if #m.shape > 4 then return end
    local d = random(1, #m.shape + 1)
    return x:unsqueeze(d), made(m, with(m.shape, d, 1), function(i) return at(m, without(i, d)) end)
  end,
  squeeze = function(x, m)
    local shape, keep = {}, {}
    for d, s in ipairs(m.shape) do
      if s ~= 1 then shape[#shape + 1], keep[#keep + 1] = s, d end
    end
    if #shape == 0 then return end
    return x:squeeze(), made(m, shape, function(i)
      local j = {}
      for d = 1, #m.shape do j[d] = 1 end
      for k, d in ipairs(keep) do j[d] = i[k] end
      return at(m, j)
    end)
  end,
  diagonal = function(x, m)
    if #m.shape < 2 then return end
    local n = math.min(m.shape[1], m.shape[2])
    local shape = without(without(m.shape, 1), 1)
    shape[#shape + 1] = n
    return x:diagonal(), made(m, shape, function(i)
      local j = table.move(i, 1, #shape - 1, 3, { i[#shape], i[#shape] })
      return at(m, j)
    end)
  end,
  view = function(x, m)
    if not x:is_contiguous() then return end
    local n = size(m.shape)
    for k = 2, n do
      if n % k == 0 then return x:view(k, -1), made(m, { k, n // k }, function(i) return (i[1] - 1) * (n // k) + i[2] end) end
    end
  end,
  flatten = function(x, m)
    if not x:is_contiguous() then return end
    return x:flatten(), made(m, { size(m.shape) }, function(i) return i[1] end)
  end,
}

local names = {}
for name in pairs(steps) do names[#names + 1] = name end
table.sort(names)

local function random_base()
  local shape = {}
  for d = 1, random(1, 4) do shape[d] = random(1, 4) end
  local m = { shape = shape }
  for i = 1, size(shape) do m[i] = i end
  return tensor.arange(size(shape)):view(shape), m
end

local function test_chains(t)
  local good, seen = true, 0
  for _ = 1, 600 do
    local base, model = random_base()
    local x, m, path = base, model, {}
    for _ = 1, random(1, 6) do
      local name = pick(names)
      local y, after = steps[name](x, m)
      if y then
        x, m, path[#path + 1] = y, after, name
        seen = seen + 1
        good = good and t.ok("chain " .. table.concat(path, " "), same(x, m), tostring(x))
      end
    end
    -- what is written through the view stands in the base where the model says
    x:add_(1000)
    local shown = {}
    for i = 1, size(m.shape) do shown[m[i]] = true end
    for i, v in ipairs(flat(base)) do
      if v ~= (shown[i] and i + 1000 or i) then good = t.ok("writing through " .. table.concat(path, " "), false) end
    end
    if not good then return end
  end
  t.ok("chains were made", seen > 1000)
end

-- ---- index expressions -----------------------------------------------------------------------------------

-- A random part of an index for dimensions from d on. Gives the part, its kind, and what it stands for.
local function random_part(m, d)
  local n, kind = m.shape[d], random(1, 6)
  if kind == 1 then
    local i = random(1, n)
    return { give = random(0, 1) == 0 and i or i - n - 1, drop = i, width = 1 }
  elseif kind == 2 then
    local a, step = random(1, n), random(1, 2)
    local b, rows = random(a, n), {}
    for i = a, b, step do rows[#rows + 1] = i end
    return { give = step == 1 and { a, b - n - 1 } or { a, b, step }, rows = rows, width = 1 }
  elseif kind == 3 then
    local picks, rows = {}, {}
    for k = 1, random(1, 3) do
      rows[k] = random(1, n)
      picks[k] = random(0, 1) == 0 and rows[k] or rows[k] - n - 1
    end
    return { give = tensor(picks), picks = { shape = { #rows }, table.unpack(rows) }, width = 1 }
  elseif kind == 4 then
    local list, rows = {}, {}
    for i = 1, n do
      list[i] = random(0, 1) == 1
      if list[i] then rows[#rows + 1] = i end
    end
    return { give = tensor(list, { dtype = "bool" }), picks = { shape = { #rows }, table.unpack(rows) }, width = 1 }
  end
  local rows = {}
  for i = 1, n do rows[i] = i end
  return { give = {}, rows = rows, width = 1 }
end

-- The result of an index on a model, as PyTorch documents it: numbers and ranges first; then positions
-- broadcast together and stand where the first of them stood when they are neighbours, else in front.
local function expected(m, parts)
  local kept = {} -- one entry per dimension that is left by numbers
  local function source(index) return at(m, index) end
  for d, part in ipairs(parts) do
    if not part.drop then kept[#kept + 1] = { d = d, rows = part.rows, picks = part.picks } end
  end
  local common, first, last, count = 1, nil, nil, 0
  for k, e in ipairs(kept) do
    if e.picks then
      local n = e.picks.shape[1]
      if n ~= 1 then
        if common ~= 1 and common ~= n then return end
        common = n
      end
      first, last, count = first or k, k, count + 1
    end
  end
  local shape, where = {}, {} -- where[k]: dimension of the result
  local neighbours = count > 0 and last - first + 1 == count
  if count > 0 and not neighbours then shape[1] = common end
  for k, e in ipairs(kept) do
    if not e.picks then
      shape[#shape + 1] = #e.rows
      where[k] = #shape
    elseif neighbours and k == first then
      shape[#shape + 1] = common
    end
    if e.picks then where[k] = neighbours and (k == first and #shape or where[first]) or 1 end
  end
  return made(m, shape, function(i)
    local j = {}
    for d, part in ipairs(parts) do j[d] = part.drop end
    for k, e in ipairs(kept) do
      local p = i[where[k]]
      if e.picks then
        j[e.d] = e.picks[e.picks.shape[1] == 1 and 1 or p]
      else
        j[e.d] = e.rows[p]
      end
    end
    return source(j)
  end)
end

local function random_index(m)
  local parts, give = {}, {}
  for d = 1, #m.shape do
    parts[d] = random_part(m, d)
    give[d] = parts[d].give
  end
  return parts, give
end

local function test_reading(t)
  local seen = 0
  for round = 1, 1500 do
    local good
    local x, m = random_base()
    local parts, give = random_index(m)
    local want = expected(m, parts)
    if not want then
      good = t.ok("index " .. round .. " must fail", not pcall(function() return x[give] end))
    else
      local got = x[give]
      seen = seen + 1
      if tensor.is_tensor(got) then
        good = t.ok("index " .. round, same(got, want), tostring(got))
      else
        good = t.eq("index " .. round, got, want[1])
      end
    end
    if not good then return end
  end
  t.ok("indices were made", seen > 1000)
end

-- x[index] = values, for values of the result's shape, of its last dimension, and a number.
local function test_writing(t)
  for round = 1, 1000 do
    local x, m = random_base()
    local parts, give = random_index(m)
    local want = expected(m, parts)
    if want then
      local n, kind = size(want.shape), random(1, 3)
      local list, values = {}
      for i = 1, n do list[i] = 100 + i end
      if kind == 1 then
        values = tensor(list, { dtype = "int64" }):reshape(want.shape)
      elseif kind == 2 and #want.shape > 0 then
        local last = want.shape[#want.shape]
        values = tensor.arange(101, 100 + last)
        for i = 1, n do list[i] = 100 + (i - 1) % last + 1 end
      else
        values = 100
        for i = 1, n do list[i] = 100 end
      end
      x[give] = values
      local after = flat(x)
      local allowed = {} -- of positions named twice any value may win
      for i = 1, n do
        allowed[want[i]] = allowed[want[i]] or {}
        allowed[want[i]][list[i]] = true
      end
      local right = true
      for i, v in ipairs(after) do right = right and (allowed[i] and allowed[i][v] or not allowed[i] and v == i) end
      if not t.ok("assignment " .. round, right, tostring(x)) then return end
    end
  end
end

return function(t)
  test_chains(t)
  test_reading(t)
  test_writing(t)
end
