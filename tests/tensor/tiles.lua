-- tiles.lua: pointwise ops over operands that lie in memory in different orders, large enough to be
-- walked in tiles. Values are whole numbers, worked out from the positions.

local lunette = require "lunette"
local tensor = lunette.tensor

local shape = { 3, 70, 5, 67 }

-- The number at a position, and a tensor of them whose memory has its dimensions in the order given.
local function number(i, j, k, l) return (i * 7 + j * 3 + k * 11 + l * 5) % 101 end

local function lying(order, dtype)
  local sizes, back = {}, {}
  for d, from in ipairs(order) do sizes[d], back[from] = shape[from], d end
  local place, out = {}, tensor.zeros(sizes, { dtype = "float64" })
  for d, from in ipairs(order) do
    local along = { 1, 1, 1, 1 }
    along[d] = sizes[d]
    place[from] = tensor.arange(sizes[d]):double():view(along)
  end
  out:add_(place[1] * 7 + place[2] * 3 + place[3] * 11 + place[4] * 5):remainder_(101)
  return out:to(dtype):permute(back)
end

local function holds(t, name, got, f)
  local list, at, wrong = got:reshape(-1):tolist(), 0, 0
  for i = 1, shape[1] do
    for j = 1, shape[2] do
      for k = 1, shape[3] do
        for l = 1, shape[4] do
          at = at + 1
          if list[at] ~= f(number(i, j, k, l), i, j, k, l) then wrong = wrong + 1 end
        end
      end
    end
  end
  t.eq(name, wrong, 0)
end

local orders = { { 1, 2, 3, 4 }, { 4, 3, 2, 1 }, { 1, 4, 3, 2 }, { 2, 4, 1, 3 }, { 1, 3, 4, 2 } }

local function test_orders(t)
  for i, a in ipairs(orders) do
    for _, dtype in ipairs { "float32", "float64", "int64", "uint8" } do
      local name, x = ("order %d of %s: "):format(i, dtype), lying(a, dtype)
      holds(t, name .. "the values", x, function(v) return v end)
      holds(t, name .. "a copy", x:contiguous(), function(v) return v end)
      holds(t, name .. "another type", x:float(), function(v) return v end)
      holds(t, name .. "one tensor", x:square():remainder(50), function(v)
        return (dtype == "uint8" and v * v % 256 or v * v) % 50
      end)
      holds(t, name .. "a mask", x:gt(50), function(v) return v > 50 end)
      for j, b in ipairs(orders) do
        holds(t, name .. "with order " .. j, x - lying(b, "float64") * 2, function(v) return -v end)
      end
    end
  end
end

local function test_others(t)
  local column, row = tensor.arange(70):view(70, 1, 1), tensor.arange(67)
  for i, a in ipairs(orders) do
    local name, x = "order " .. i .. ": ", lying(a, "float32")
    holds(t, name .. "a number", x * 3 + 1, function(v) return 3 * v + 1 end)
    holds(t, name .. "a column", x + column, function(v, _, j) return v + j end)
    holds(t, name .. "a row", row - x, function(v, _, _, _, l) return l - v end)
    holds(t, name .. "three", tensor.where(x:gt(50), x, row * column), function(v, _, j, _, l)
      return v > 50 and v or j * l
    end)
    holds(t, name .. "three sums", tensor.addcmul(x, lying(orders[2], "float32"), column), function(v, _, j)
      return v + v * j
    end)
    local y = lying(a, "float64")
    local view = y:add_(lying(orders[3], "float32")):mul_(row)
    holds(t, name .. "in place", y, function(v, _, _, _, l) return 2 * v * l end)
    t.ok(name .. "on the spot", rawequal(view, y))
    holds(t, name .. "written to", tensor.zeros(shape):permute(4, 2, 3, 1):copy_(x:permute(4, 2, 3, 1)):permute(4, 2, 3, 1),
      function(v) return v end)
  end
end

local function test_parts(t)
  local x = tensor.arange(200 * 300):view(200, 300)
  local y = x:t():slice(1, 2, 300, 3):slice(2, 5, 199, 2) -- [100,98], from place (2, 5) on
  local list, wrong = (y * 2 - y:contiguous()):tolist(), 0
  for i, line in ipairs(list) do
    for j, v in ipairs(line) do
      if v ~= (5 + 2 * (j - 1) - 1) * 300 + 2 + 3 * (i - 1) then wrong = wrong + 1 end
    end
  end
  t.eq("steps on both sides", wrong, 0)
  t.eq("all rows", #list * #list[1], 9800)
end

return function(t)
  test_orders(t)
  test_others(t)
  test_parts(t)
end
