-- Nested tables of numbers: what the naive references compute with.

local util = {}

-- {2, 3} of {{1, 2, 3}, {4, 5, 6}}; {} of a number.
function util.shape(x)
  local shape = {}
  while type(x) == "table" do
    shape[#shape + 1] = #x
    x = x[1]
  end
  return shape
end

-- Calls f(index) for every index (a list, reused) of a shape, in row-major order.
function util.each_index(shape, f)
  local index = {}
  local function go(d)
    if d > #shape then return f(index) end
    for i = 1, shape[d] do
      index[d] = i
      go(d + 1)
    end
    index[d] = nil
  end
  go(1)
end

function util.get(x, index)
  for d = 1, #index do x = x[index[d]] end
  return x
end

function util.set(x, index, v)
  for d = 1, #index - 1 do x = x[index[d]] end
  x[index[#index]] = v
end

-- Nested tables of a shape, filled with v (0).
function util.zeros(shape, v)
  local function make(d)
    if d > #shape then return v or 0 end
    local t = {}
    for i = 1, shape[d] do t[i] = make(d + 1) end
    return t
  end
  return make(1)
end

-- Nested tables of a shape, the element at each index being f(index).
function util.build(shape, f)
  if #shape == 0 then return f {} end
  local x = util.zeros(shape)
  util.each_index(shape, function(index) util.set(x, index, f(index)) end)
  return x
end

-- f over every element.
function util.map(x, f)
  if type(x) ~= "table" then return f(x) end
  local t = {}
  for i = 1, #x do t[i] = util.map(x[i], f) end
  return t
end

-- Elements in row-major order.
function util.flat(x)
  local list = {}
  local function go(v)
    if type(v) ~= "table" then
      list[#list + 1] = v
    else
      for i = 1, #v do go(v[i]) end
    end
  end
  go(x)
  return list
end

-- A flat list as nested tables of a shape.
function util.unflat(list, shape)
  local x, n = util.zeros(shape), 0
  if #shape == 0 then return list[1] end
  util.each_index(shape, function(index)
    n = n + 1
    util.set(x, index, list[n])
  end)
  return x
end

-- f over elements of several, broadcast.
function util.broadcast(f, ...)
  local args, shape = table.pack(...), {}
  local shapes = {}
  for k = 1, args.n do
    shapes[k] = util.shape(args[k])
    if #shapes[k] > #shape then shape = table.move(shapes[k], 1, #shapes[k], 1, {}) end
  end
  for k = 1, args.n do
    local lead = #shape - #shapes[k]
    for d, size in ipairs(shapes[k]) do
      if shape[lead + d] == 1 then shape[lead + d] = size end
    end
  end
  local function value(index)
    local v = {}
    for k = 1, args.n do
      local at, lead = {}, #shape - #shapes[k]
      for d, size in ipairs(shapes[k]) do at[d] = size == 1 and 1 or index[lead + d] end
      v[k] = util.get(args[k], at)
    end
    return f(table.unpack(v, 1, args.n))
  end
  if #shape == 0 then return value {} end
  local out = util.zeros(shape)
  util.each_index(shape, function(index) util.set(out, index, value(index)) end)
  return out
end

-- Arguments by name: positional ones, then perhaps a table of options.
function util.arguments(names, ...)
  local given, args = table.pack(...), {}
  for i = 1, given.n do
    local v = given[i]
    if type(v) == "table" and next(v) ~= nil and #v == 0 then
      for key, value in pairs(v) do args[key] = value end
    else
      args[names[i]] = v
    end
  end
  return args
end

return util
