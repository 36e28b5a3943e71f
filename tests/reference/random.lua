-- Random draws from the published generator, word by word: Philox4x32-10 (Salmon et al. 2011). The
-- suite seeds with 7 before each call, so every draw here is the first of its stream.

local util = require "tests.reference.util"
local reference = {}

local SEED, USER, DROPOUT = 7, 0, 3

-- The four words of a counter under a key.
local function philox_of(c, k)
  for _ = 1, 10 do
    local a, b = 0xD2511F53 * c[1], 0xCD9E8D57 * c[3] -- below 2^64: bits are right
    c = { (b >> 32) ~ c[2] ~ k[1], b & 0xffffffff, (a >> 32) ~ c[4] ~ k[2], a & 0xffffffff }
    k = { (k[1] + 0x9E3779B9) & 0xffffffff, (k[2] + 0xBB67AE85) & 0xffffffff }
  end
  return c
end

-- As text, for known answers: four words of the counter, two of the key.
function reference.philox_words(a, b, c, d, k, l)
  return ("%08x %08x %08x %08x"):format(table.unpack(philox_of({ a, b, c, d }, { k, l })))
end

local function philox(block, stream) return philox_of({ block & 0xffffffff, block >> 32, 0, 0 }, { SEED, stream }) end

local function word(i, stream) return philox(i // 4, stream or USER)[i % 4 + 1] end

-- 64 bits, and a number in [0, 1) of their upper 53: element i from 0.
local function bits(i) return word(2 * i + 1) << 32 | word(2 * i) end
local function unit(i) return (bits(i) >> 11) * 2.0 ^ -53 end

local function float32(v) return (string.unpack("f", string.pack("f", v))) end

local function uniform(wide) return wide and unit or function(i) return (word(i) >> 8) * 2.0 ^ -24 end end

-- Box & Muller: of a pair the first is the sine's, the second the cosine's.
local function normal(wide)
  return function(i)
    local pair = i // 2
    local radius, turn
    if wide then
      radius = ((bits(2 * pair) >> 11) + 0.5) * 2.0 ^ -53
      turn = (word(4 * pair + 3) + word(4 * pair + 2) * 2.0 ^ -32) * 2.0 ^ -32
    else
      radius = float32(float32(word(2 * pair) >> 1) * 2.0 ^ -31 + 2.0 ^ -32)
      turn = word(2 * pair + 1) * 2.0 ^ -32
    end
    radius = math.sqrt(-2 * math.log(radius))
    return radius * (i % 2 == 0 and math.sin or math.cos)(2 * math.pi * turn)
  end
end

-- Nested tables of a shape, element i (from 0, row-major) being f(i).
local function filled(shape, f)
  local n, list = 1, {}
  for _, size in ipairs(shape) do n = n * size end
  for i = 1, n do list[i] = f(i - 1) end
  return util.unflat(list, shape)
end

-- A shape given as a list or as numbers, and the options.
local function sized(first, ...)
  local rest = { ... }
  local options = type(rest[#rest]) == "table" and table.remove(rest) or {}
  if type(first) == "table" then return first, options end
  return { first, table.unpack(rest) }, options
end

function reference.rand(...)
  local shape, options = sized(...)
  return filled(shape, uniform(options.dtype == "float64"))
end

function reference.randn(...)
  local shape, options = sized(...)
  return filled(shape, normal(options.dtype == "float64"))
end

-- Inputs of the tests are float64 unless another type is asked for.
function reference.rand_like(x, options) return filled(util.shape(x), uniform(not options)) end

function reference.randn_like(x, options) return filled(util.shape(x), normal(not options)) end

function reference.normal(mean, std, shape, options)
  local z = normal(options ~= nil or type(mean) == "table")
  if type(mean) == "number" then return filled(shape, function(i) return mean + std * z(i) end) end
  local i = -1
  return util.broadcast(function(m, s)
    i = i + 1
    return m + s * z(i)
  end, mean, std)
end

function reference.randint(low, high, shape)
  if type(high) == "table" then low, high, shape = 1, low, high end
  return filled(shape, function(i) return low + math.floor(unit(i) * (high - low + 1)) end)
end

function reference.randint_like(x, low, high)
  if type(high) ~= "number" then low, high = 1, low end
  return reference.randint(low, high, util.shape(x))
end

-- Without bounds: what float64 counts to.
function reference.random_(x, low, high)
  if not low then low, high = 0, (1 << 53) - 1 end
  if not high then low, high = 1, low end
  return reference.randint(low, high, util.shape(x))
end

function reference.randperm(n)
  local p = {}
  for i = 0, n - 1 do
    local j = math.floor(unit(i) * (i + 1))
    p[i + 1] = p[j + 1]
    p[j + 1] = i + 1
  end
  return p
end

function reference.bernoulli(x)
  local flat = util.flat(x)
  return filled(util.shape(x), function(i) return unit(i) < flat[i + 1] and 1 or 0 end)
end

function reference.multinomial(x, k, replacement)
  local rows = type(x[1]) == "table" and x or { x }
  local out = {}
  for r, weights in ipairs(rows) do
    local picked = {}
    if replacement then
      local sum = 0
      for _, w in ipairs(weights) do sum = sum + w end
      for s = 1, k do
        local v, at, running = unit((r - 1) * k + s - 1) * sum, 0, 0
        repeat
          at = at + 1
          running = running + weights[at]
        until running > v
        picked[s] = at
      end
    else
      local order, time = {}, {}
      for i, w in ipairs(weights) do
        order[i] = i
        time[i] = -math.log(1 - unit((r - 1) * #weights + i - 1)) / w
      end
      table.sort(order, function(a, b) return time[a] < time[b] end)
      for s = 1, k do picked[s] = order[s] end
    end
    out[r] = picked
  end
  return rows == x and out or out[1]
end

function reference.uniform_(x, from, to)
  from, to = from or 0, to or 1
  return filled(util.shape(x), function(i) return from + unit(i) * (to - from) end)
end

function reference.normal_(x, mean, std)
  local z = normal(true)
  return filled(util.shape(x), function(i) return (mean or 0) + (std or 1) * z(i) end)
end

function reference.bernoulli_(x, p)
  return filled(util.shape(x), function(i) return word(i) < (p or 0.5) * 2.0 ^ 32 and 1 or 0 end)
end

function reference.exponential_(x, rate)
  return filled(util.shape(x), function(i) return -math.log(1 - unit(i)) / (rate or 1) end)
end

function reference.cauchy_(x, median, sigma)
  return filled(util.shape(x), function(i)
    return (median or 0) + (sigma or 1) * math.tan(math.pi * (unit(i) - 0.5))
  end)
end

function reference.geometric_(x, p)
  return filled(util.shape(x), function(i) return math.ceil(math.log(1 - unit(i)) / math.log(1 - p)) end)
end

function reference.log_normal_(x, mean, std)
  local z = normal(true)
  return filled(util.shape(x), function(i) return math.exp((mean or 1) + (std or 2) * z(i)) end)
end

function reference.rrelu(x, lower, upper, training)
  local flat = util.flat(x)
  lower, upper = lower or 1 / 8, upper or 1 / 3
  return filled(util.shape(x), function(i)
    local slope = training and lower + unit(i) * (upper - lower) or (lower + upper) / 2
    return flat[i + 1] >= 0 and flat[i + 1] or flat[i + 1] * slope
  end)
end

function reference.dropout(x, p, training)
  p = p or 0.5
  if training == false then return x end
  local flat = util.flat(x)
  return filled(util.shape(x), function(i)
    return word(i, DROPOUT) < (1 - p) * 2.0 ^ 32 and flat[i + 1] / (1 - p) or 0
  end)
end

function reference.dropout_apply(x, mask, scale)
  return util.broadcast(function(v, m) return m and v * scale or 0 end, x, mask)
end

-- 0 or 1 for each of the first `lead` dimensions of x, and for every element below: kept or not.
local function kept(x, lead, p)
  local shape, n = util.shape(x), -1
  local first, y = { table.unpack(shape, 1, lead) }, util.zeros(shape)
  util.each_index(first, function(at)
    n = n + 1
    local keep = word(n, DROPOUT) < (1 - p) * 2.0 ^ 32 and 1 or 0
    util.set(y, at, util.map(util.get(y, at), function() return keep end))
  end)
  return y
end

for nd = 1, 3 do
  reference[("dropout%dd"):format(nd)] = function(x, p, training)
    if training == false then return x end
    p = p or 0.5
    return util.broadcast(function(v, k) return k * v / (1 - p) end, x, kept(x, #util.shape(x) - nd, p))
  end
end

-- Klambauer and others 2017: a (x k + least (1 - k)) + b with mean 0 and variance 1 kept.
local function alpha(x, lead, p)
  local least, q = -1.7580993408473766, 1 - p
  local a = (q + least ^ 2 * q * p) ^ -0.5
  return util.broadcast(function(v, k)
    return a * (v * k + least * (1 - k)) - a * p * least
  end, x, kept(x, lead, p))
end

function reference.alpha_dropout(x, p, training)
  if not training then return x end
  return alpha(x, #util.shape(x), p or 0.5)
end

function reference.feature_alpha_dropout(x, p, training)
  if not training then return x end
  return alpha(x, 2, p or 0.5)
end

return reference
