-- folds.lua: reductions of tensors that do not lie densely in memory: windows, steps, turned and repeated
-- dimensions. Values are whole numbers; results are worked out in plain Lua from lists of them.

local lunette = require "lunette"
local tensor = lunette.tensor

local sizes = { 3, 9, 5, 80 }
local count = sizes[1] * sizes[2] * sizes[3] * sizes[4]

local function base(dtype)
  return (tensor.arange(count) * 7919):remainder(1009):sub(500):to(dtype):view(sizes)
end

-- Views of it by name.
local function views(x)
  local window = x:narrow(4, 6, 67)
  return {
    window = window,
    ["middle window"] = x:narrow(2, 2, 6),
    ["two windows"] = window:narrow(2, 3, 5),
    ["every second"] = x:slice(4, 1, 80, 2),
    ["every third"] = x:slice(4, 2, 80, 3),
    ["a short window"] = x:narrow(4, 9, 3),
    ["turned window"] = window:permute(4, 3, 2, 1),
    ["half turned"] = window:permute(3, 1, 4, 2),
    ["turned, runs last"] = window:permute(3, 2, 1, 4),
    ["repeated first"] = window:narrow(1, 2, 1):expand(4, 9, 5, 67),
    ["repeated last"] = x:narrow(4, 7, 1):expand(3, 9, 5, 65),
    ["repeated inside"] = window:narrow(3, 2, 1):expand(3, 9, 66, 67):narrow(2, 4, 2),
  }
end

local dims = { { 1 }, { 2 }, { 3 }, { 4 }, { 1, 3 }, { 2, 4 }, { 1, 2 }, { 3, 4 }, { 2, 3, 4 }, { 1, 2, 3, 4 } }

-- For every result, in the order of its position, the list of values that go into it.
local function groups(x, over)
  local shape, reduced, out, at = x.shape, {}, {}, {}
  for _, d in ipairs(over) do reduced[d] = true end
  for i, v in ipairs(x:reshape(-1):tolist()) do
    local rest, place, step = i - 1, 0, 1
    for d = 4, 1, -1 do
      local index = rest % shape[d]
      rest = rest // shape[d]
      if not reduced[d] then place, step = place + index * step, step * shape[d] end
    end
    if not at[place] then at[place] = {} end
    table.insert(at[place], v)
    out[place + 1] = at[place]
  end
  return out
end

local function mean(list)
  local s = 0
  for _, v in ipairs(list) do s = s + v end
  return s / #list
end

local function best(list)
  local place = 1
  for i, v in ipairs(list) do
    if v > list[place] then place = i end
  end
  return place
end

local kinds = {
  sum = function(list) return mean(list) * #list end,
  nansum = function(list) return mean(list) * #list end,
  mean = mean,
  amax = function(list) return list[best(list)] end,
  var = function(list)
    local m, s = mean(list), 0
    for _, v in ipairs(list) do s = s + (v - m) ^ 2 end
    return s / (#list - 1)
  end,
  norm = function(list)
    local s = 0
    for _, v in ipairs(list) do s = s + v * v end
    return math.sqrt(s)
  end,
}

local function calls(kind, x, over) return kind == "norm" and x:norm(2, over) or x[kind](x, over) end

-- How many of `got` are further from want than rounding explains.
local function wrong(got, want)
  local n = 0
  got = tensor.is_tensor(got) and got:reshape(-1):tolist() or { got }
  for i, w in ipairs(want) do
    local near = math.abs(got[i] - w) <= 1e-5 * (1 + math.abs(w))
    if not near then n = n + 1 end
  end
  return n + math.abs(#got - #want)
end

local function map(lists, f)
  local out = {}
  for i, list in ipairs(lists) do out[i] = f(list) end
  return out
end

local function test_layouts(t, dtype)
  for name, x in pairs(views(base(dtype))) do
    for _, over in ipairs(dims) do
      local lists = groups(x, over)
      local what = ("%s %s over %s: "):format(dtype, name, table.concat(over, ","))
      for kind, f in pairs(kinds) do
        local whole = dtype == "int64" and (kind == "var" or kind == "norm" or kind == "mean")
        if not whole then t.eq(what .. kind, wrong(calls(kind, x, over), map(lists, f)), 0) end
      end
      if #over == 1 then
        local values, places = x:max(over[1])
        t.eq(what .. "max", wrong(values, map(lists, kinds.amax)), 0)
        t.eq(what .. "its places", wrong(places, map(lists, best)), 0)
      end
    end
  end
end

-- Another type on the way in, and a long reduced dimension that is cut into chunks.
local function test_types(t)
  for name, x in pairs(views(base "int32")) do
    for _, over in ipairs { { 4 }, { 2, 4 }, { 1, 2, 3, 4 } } do
      local want = map(groups(x, over), kinds.sum)
      t.eq(("int32 %s as float64"):format(name), wrong(x:sum(over, false, "float64"), want), 0)
      t.eq(("int32 %s as float32"):format(name), wrong(x:sum(over, false, "float32"), want), 0)
    end
  end
  local long = tensor.arange(3 * 100000):view(3, 100000):double()
  for _, n in ipairs { 70000, 99990 } do
    local row = function(k) return n * (k * 100000 + 5) + n * (n + 1) / 2 end -- 6 .. n + 5 of row k
    t.eq("rows in chunks", wrong(long:narrow(2, 6, n):sum(2), { row(0), row(1), row(2) }), 0)
    t.eq("columns in chunks", wrong(long:narrow(2, 6, n):t():sum(1), { row(0), row(1), row(2) }), 0)
    t.eq("all in chunks", wrong(long:narrow(2, 6, n):sum(), { row(0) + row(1) + row(2) }), 0)
  end
end

local function test_threads(t)
  local before, x = tensor.get_num_threads(), tensor.randn(300, 7, 400)
  for name, v in pairs { window = x:narrow(3, 2, 390), step = x:slice(3, 1, 400, 2), turned = x:narrow(3, 2, 90):permute(3, 1, 2) } do
    for _, over in ipairs { { 1 }, { 3 }, { 1, 3 }, { 1, 2, 3 } } do
      local hash
      for threads = 1, 3 do
        tensor.set_num_threads(threads)
        local now = tensor.hash { v:sum(over), v:var(over), v:amax(over) }
        hash = hash or now
        t.eq(("%s with %d threads"):format(name, threads), now, hash)
      end
    end
  end
  tensor.set_num_threads(before)
end

return function(t)
  for _, dtype in ipairs { "float32", "float64", "int64" } do test_layouts(t, dtype) end
  test_types(t)
  test_threads(t)
  local x = tensor { { 0 / 0, 2, 1 }, { 0 / 0, 0 / 0, 7 } }
  t.eq("nan goes before integers are made", x:nansum(2, false, "int64") == tensor { 3, 7 }, true)
end
