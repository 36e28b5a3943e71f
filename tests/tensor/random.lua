-- Random draws: the generator's published answers, and for every distribution its moments and the
-- distance of Kolmogorov & Smirnov (of counts: chi-squared) from the distribution function.

local lunette = require "lunette"
local reference = require "tests.reference"
local tensor = lunette.tensor

local N = 1 << 15

-- ---- distribution functions -----------------------------------------------------------------------------

local function normal(mean, std)
  return function(x)
    local z = (x - mean) / std / math.sqrt(2)
    if math.abs(z) > 5 then return z > 0 and 1 or 0 end
    return 0.5 * (1 + reference.erf(z))
  end
end

-- The lower incomplete gamma function over gamma(a), by its series.
local function gamma(a)
  return function(x)
    if x <= 0 then return 0 end
    local term = math.exp(a * math.log(x) - x - reference.lgamma(a + 1))
    local sum, k = term, a
    repeat
      k = k + 1
      term = term * x / k
      sum = sum + term
    until term < 1e-16 * sum
    return sum
  end
end

-- ---- tests ------------------------------------------------------------------------------------------------

-- Largest distance between the share of draws up to x and f(x), times the root of their number: above
-- 1.95 in one case of a thousand (Kolmogorov 1933).
local function distance(x, f)
  local values = x:double():flatten():tolist()
  table.sort(values)
  local worst, n = 0, #values
  for i, v in ipairs(values) do
    local p = f(v)
    worst = math.max(worst, i / n - p, p - (i - 1) / n)
  end
  return worst * math.sqrt(n)
end

-- kurtosis: in excess of a normal one's, where it says how far a variance may be off
local function moments(t, name, x, mean, variance, kurtosis)
  x = x:double()
  local n = x:numel()
  local far = math.abs(x:mean():item() - mean) / math.sqrt(variance / n)
  t.ok(name .. " mean", far < 4.5, ("%.2f standard errors from %g"):format(far, mean))
  local off = x:var():item() / variance - 1
  local most = kurtosis and 4.5 * math.sqrt((kurtosis + 2) / n) or 0.1
  t.ok(name .. " variance", math.abs(off) < most, ("%.3f of %g"):format(1 + off, variance))
end

local function continuous(t, name, x, f, mean, variance, kurtosis)
  local d = distance(x, f)
  t.ok(name .. " distribution", d < 1.95, ("Kolmogorov's distance is %.2f"):format(d))
  if mean then moments(t, name, x, mean, variance, kurtosis) end
end

-- Counts against probabilities p(k) for k = first, ...: chi-squared, in standard deviations.
local function discrete(t, name, x, p, first, last, mean, variance)
  local seen, n, chi, cells, rest, rest_p = {}, x:numel(), 0, 0, 0, 0
  for _, v in ipairs(x:double():flatten():tolist()) do seen[v] = (seen[v] or 0) + 1 end
  for k = first, last do
    local want = n * p(k)
    if want < 10 then
      rest, rest_p = rest + (seen[k] or 0), rest_p + want
    else
      chi = chi + ((seen[k] or 0) - want) ^ 2 / want
      cells = cells + 1
    end
  end
  if rest_p > 5 then
    chi = chi + (rest - rest_p) ^ 2 / rest_p
    cells = cells + 1
  end
  local z = (chi - (cells - 1)) / math.sqrt(2 * math.max(1, cells - 1))
  t.ok(name .. " counts", z < 5, ("chi-squared %.1f of %d cells"):format(chi, cells))
  moments(t, name, x, mean, variance)
end

local function check_continuous(t, dtype)
  local function empty() return tensor.empty({N}, {dtype = dtype}) end
  local function named(name) return name .. " " .. dtype end
  continuous(t, named "rand", tensor.rand({N}, {dtype = dtype}), function(x) return x end, 0.5, 1 / 12)
  continuous(t, named "uniform_", empty():uniform_(-2, 6), function(x) return (x + 2) / 8 end, 2, 64 / 12)
  continuous(t, named "randn", tensor.randn({N}, {dtype = dtype}), normal(0, 1), 0, 1)
  continuous(t, named "normal_", empty():normal_(3, 0.5), normal(3, 0.5), 3, 0.25)
  continuous(t, named "normal", tensor.normal(-1, 2, {N}, {dtype = dtype}), normal(-1, 2), -1, 4)
  continuous(t, named "exponential_", empty():exponential_(2), function(x) return 1 - math.exp(-2 * x) end, 0.5, 0.25)
  continuous(t, named "cauchy_", empty():cauchy_(1, 2), function(x) return 0.5 + math.atan((x - 1) / 2) / math.pi end)
  local f = normal(0.5, 0.75)
  local spread = 0.75 ^ 2
  continuous(t, named "log_normal_", empty():log_normal_(0.5, 0.75), function(x) return f(math.log(x)) end,
    math.exp(0.5 + spread / 2), (math.exp(spread) - 1) * math.exp(1 + spread))
  for _, a in ipairs {0.3, 1, 4.5, 30} do
    local x = tensor.full({N}, a, {dtype = dtype}):standard_gamma()
    continuous(t, named("standard_gamma of " .. a), x, gamma(a), a, a, 6 / a)
  end
end

local function poisson(rate)
  return function(k) return math.exp(k * math.log(rate) - rate - reference.lgamma(k + 1)) end
end

local function binomial(n, p)
  local all = reference.lgamma(n + 1)
  return function(k)
    return math.exp(all - reference.lgamma(k + 1) - reference.lgamma(n - k + 1) + k * math.log(p) + (n - k) * math.log(1 - p))
  end
end

local function check_discrete(t)
  local function empty() return tensor.empty({N}) end
  for _, rate in ipairs {0.5, 4, 25, 400} do
    discrete(t, "poisson of " .. rate, tensor.full({N}, rate + 0.0):poisson(), poisson(rate), 0, 700, rate, rate)
  end
  for _, c in ipairs {{10, 0.3}, {10, 0.8}, {100, 0.4}, {1000, 0.02}} do
    local n, p = c[1], c[2]
    discrete(t, ("binomial of %d, %g"):format(n, p), tensor.full({N}, n + 0.0):binomial(tensor.full({N}, p)),
      binomial(n, p), 0, n, n * p, n * p * (1 - p))
  end
  discrete(t, "geometric_", empty():geometric_(0.3), function(k) return 0.3 * 0.7 ^ (k - 1) end, 1, 60, 1 / 0.3, 0.7 / 0.09)
  discrete(t, "bernoulli_", empty():bernoulli_(0.3), function(k) return k == 1 and 0.3 or 0.7 end, 0, 1, 0.3, 0.21)
  discrete(t, "bernoulli", tensor.full({N}, 0.8):bernoulli(), function(k) return k == 1 and 0.8 or 0.2 end, 0, 1, 0.8, 0.16)
  local function even() return 1 / 12 end
  discrete(t, "randint", tensor.randint(-3, 8, {N}), even, -3, 8, 2.5, 143 / 12)
  discrete(t, "random_", empty():random_(-3, 8), even, -3, 8, 2.5, 143 / 12)
  discrete(t, "randint_like", tensor.randint_like(empty(), -3, 8), even, -3, 8, 2.5, 143 / 12)
  local weights = tensor {1, 2, 3, 4}
  local function share(k) return k / 10 end
  discrete(t, "multinomial", weights:float():multinomial(N, true), share, 1, 4, 3, 1)
  local first = {}
  for i = 1, 2000 do first[i] = weights:float():multinomial(2)[1] end
  discrete(t, "multinomial without replacement", tensor(first), share, 1, 4, 3, 1)
  local place = {}
  for i = 1, 4000 do place[i] = tensor.randperm(5)[2] end
  discrete(t, "randperm", tensor(place), function() return 0.2 end, 1, 5, 3, 2)
end

-- Ranges up to all integers: within bounds, and even in the first and in the last bits.
local function check_wide(t)
  local function share(_) return 1 / 8 end
  for _, r in ipairs {{0, 1 << 62}, {math.mininteger, math.maxinteger}, {-5, math.maxinteger}, {1 << 40, (1 << 40) + 7}} do
    local low, high = r[1], r[2]
    local x, name = tensor.randint(low, high, {N}), ("randint from %d to %d"):format(low, high)
    t.ok(name, x:min() >= low and x:max() <= high)
    discrete(t, name .. ", last bits", x & 7, share, 0, 7, 3.5, 63 / 12)
    local first = tensor.floor((x:double() - low) / (high + 1.0 - low) * 8)
    discrete(t, name .. ", first bits", first:clamp(0, 7), share, 0, 7, 3.5, 63 / 12)
  end
end

-- Each of the orders of four comes equally often; a long one is an order.
local function check_orders(t)
  local number, count, draws = {}, 0, {}
  for i = 1, 7200 do
    local order = table.concat(tensor.randperm(4):tolist())
    if not number[order] then
      count = count + 1
      number[order] = count
    end
    draws[i] = number[order]
  end
  t.eq("orders of four", count, 24)
  discrete(t, "orders of four", tensor(draws), function() return 1 / 24 end, 1, 24, 12.5, 575 / 12)
  t.ok("a long order", tensor.randperm(100000):sort():equal(tensor.arange(100000)))
end

-- Rows with chances of their own, and gammas whose mass is near 0: F(x) = x^a / gamma(a + 1) there.
local function check_parameters(t)
  local chances = {0, 0.1, 0.5, 0.9, 1}
  local hits = tensor(chances):unsqueeze(2):expand(5, N):bernoulli():mean(2)
  for i, p in ipairs(chances) do
    t.near("bernoulli of " .. p, hits[i], p, 4.5 * math.sqrt(p * (1 - p) / N))
  end
  for _, a in ipairs {0.05, 0.01} do
    continuous(t, "standard_gamma of " .. a, tensor.full({N}, a, {dtype = "float64"}):standard_gamma(), gamma(a), a, a, 6 / a)
  end
  local kept = tensor.ones(N):dropout(0.3)
  t.near("dropout's share", kept:eq(0):double():mean():item(), 0.3, 4.5 * math.sqrt(0.21 / N))
  t.ok("dropout's scale", (kept:eq(0) | kept:eq(tensor(1 / 0.7))):all())
end

-- A saved state gives the same draws again, of every kind, whatever came between.
local function check_state(t)
  local function draws()
    return tensor.hash {tensor.rand(5), tensor.randn(5, 3), tensor.randperm(9), tensor.ones(40):dropout(0.5),
      tensor.full({7}, 2.5):standard_gamma(), tensor.rand(4):multinomial(3), tensor.randint(1, 1 << 40, {6})}
  end
  local state = tensor.get_rng_state()
  local first, other = draws(), draws()
  tensor.set_rng_state(state)
  t.ok("a state draws the same again", draws() == first and first ~= other)
  t.raises("a state that is none", "takes what get_rng_state gave, got number", tensor.set_rng_state, 3)
  local a, b = tensor.randn(N), tensor.randn(N)
  t.near("draws one after the other", (a * b):mean():item(), 0, 4.5 / math.sqrt(N))
  t.near("neighbours", (a:narrow(1, 1, N - 1) * a:narrow(1, 2, N - 1)):mean():item(), 0, 4.5 / math.sqrt(N))
end

local function check_composed(t)
  local x = tensor.ones(64, 8, 5, 2)
  local y = x:dropout2d(0.25)
  local whole = y:eq(y:narrow(3, 1, 1):narrow(4, 1, 1)):all()
  t.ok("dropout2d drops whole channels", whole)
  t.near("dropout2d keeps the mean", y:mean():item(), 1, 0.1)
  local z = tensor.randn({N}):alpha_dropout(0.2, true)
  t.near("alpha_dropout keeps the mean", z:mean():item(), 0, 0.03)
  t.near("alpha_dropout keeps the variance", z:var():item(), 1, 0.05)
  local logits = tensor {0.0, math.log(2), math.log(5)}
  local picks = logits:unsqueeze(1):expand(8000, 3):gumbel_softmax(1, {hard = true}):mean(1)
  for k, p in ipairs {1 / 8, 2 / 8, 5 / 8} do t.near("gumbel_softmax " .. k, picks[k], p, 0.03) end
  local r = tensor.full({N}, -1.0):rrelu(0.1, 0.3, true)
  continuous(t, "rrelu", r, function(v) return (v + 0.3) / 0.2 end, -0.2, 0.04 / 12)
end

local function check_errors(t)
  t.raises("exponential_", "rate", function() tensor.empty(2):exponential_(0) end)
  t.raises("uniform_", "farther than float32 reaches", function() tensor.empty(2):uniform_(-3e38, 3e38) end)
  t.raises("geometric_", "probability", function() tensor.empty(2):geometric_(1.5) end)
  t.raises("poisson", "element 2", function() tensor {1.0, -1.0}:poisson() end)
  t.raises("standard_gamma", "element 1", function() tensor {0 / 0}:standard_gamma() end)
  t.raises("binomial", "a number from 0 to 1 is wanted", function() tensor {3.0}:binomial(tensor {1.5}) end)
  t.raises("binomial shapes", "one shape", function() tensor {3.0}:binomial(tensor {0.5, 0.5}) end)
  t.raises("randint_like", "no whole number", function() tensor.randint_like(tensor {1}, 5, 2) end)
  t.raises("normal", "size", function() tensor.normal(0, 1) end)
end

-- The generator itself: the answers that its authors publish (kat_vectors of Random123).
local function check_known(t)
  t.eq("philox of zeros", reference.philox_words(0, 0, 0, 0, 0, 0), "6627e8d5 e169c58d bc57ac4c 9b00dbd8")
  local f = 0xffffffff
  t.eq("philox of ones", reference.philox_words(f, f, f, f, f, f), "408f276d 41c83b0e a20bc7c6 6d5451fd")
  t.eq("philox of pi", reference.philox_words(0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344, 0xa4093822, 0x299f31d0),
    "d16cfe09 94fdcceb 5001e420 24126ea1")
end

return function(t)
  tensor.manual_seed(20221101)
  check_known(t)
  for _, dtype in ipairs {"float32", "float64"} do check_continuous(t, dtype) end
  check_discrete(t)
  check_wide(t)
  check_orders(t)
  check_parameters(t)
  check_state(t)
  check_composed(t)
  check_errors(t)
  tensor.manual_seed(1)
end
