-- The inputs of a row's test: the environment that its `test` expression is evaluated in. Tensors are
-- float64 unless the name says otherwise; the same row gives the same values every time.

local tensor = require("lunette").tensor
local further = require "tests.support.more"
local chance = require "tests.support.chance"

local next_uniform, env

local function filled(f, dtype, ...)
  local shape, n, values = { ... }, 1, {}
  for _, size in ipairs(shape) do n = n * size end
  for i = 1, n do values[i] = f(i) end
  return tensor(values, { dtype = dtype }):reshape(shape)
end

-- Square matrices [..., n, n] of random numbers with more on their diagonals.
local function square(more, ...)
  local shape = { ... }
  shape[#shape + 1] = shape[#shape]
  local x = env.randn(table.unpack(shape))
  return x + tensor(more(x:size(-1)), { dtype = "float64" })
end

local function diagonal(n, f)
  local rows = {}
  for i = 1, n do
    rows[i] = {}
    for j = 1, n do rows[i][j] = i == j and f(i) or 0 end
  end
  return rows
end

local function symmetric(x) return (x + x:transpose(-1, -2)) / 2 end

env = setmetatable({
  tensor = tensor,
  rand = function(...) return filled(function() return next_uniform() end, "float64", ...) end,
  -- sums of uniforms: smooth enough, and rarely near 0
  randn = function(...)
    return filled(function()
      local v = 0
      for _ = 1, 6 do v = v + next_uniform() - 0.5 end
      return math.abs(v) < 0.05 and v + 0.1 or v * 1.4
    end, "float64", ...)
  end,
  ints = function(...) return filled(function() return 1 + math.floor(next_uniform() * 4) end, "int64", ...) end,
  mask = function(...) return filled(function() return next_uniform() < 0.5 end, "bool", ...) end,
  perm = function(n)
    local p = {}
    for i = 1, n do p[i] = i end
    for i = n, 2, -1 do
      local j = 1 + math.floor(next_uniform() * i)
      p[i], p[j] = p[j], p[i]
    end
    return tensor(p)
  end,
  -- well conditioned; symmetric and positive definite; symmetric with eigenvalues well apart
  well = function(...) return square(function(n) return diagonal(n, function() return 4 end) end, ...) end,
  spd = function(...) return symmetric(env.well(...)) end,
  distinct = function(...) return symmetric(square(function(n) return diagonal(n, function(i) return 4 * i end) end, ...)) end,
  symmetric = symmetric,
}, { __index = _G })

local cases = {}

-- The list of cases; its field `via`, where there is one, is a function that derivatives go through:
-- they are those of op(via(x), ...), because the op takes x for one of via's results.
function cases.of(row)
  next_uniform = chance(88172645463325252).uniform
  local function read(text) return assert(load("return " .. text, "test of " .. row.name, "t", env))() end
  local list = read(row.test)
  for _, case in ipairs(further[row.name] and read(further[row.name]) or {}) do list[#list + 1] = case end
  return list
end

-- How many arguments a case has, nil ones in the middle counted.
function cases.count(case)
  local n = 0
  for i in pairs(case) do
    if math.type(i) == "integer" and i > n then n = i end
  end
  return n
end

return cases
