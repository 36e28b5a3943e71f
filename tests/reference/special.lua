-- Naive values of special functions: sums of their series and integrals by Simpson's rule.

local reference = {}

local function simpson(f, from, to, parts)
  local h, sum = (to - from) / parts, f(from) + f(to)
  for k = 1, parts - 1 do sum = sum + (k % 2 == 1 and 4 or 2) * f(from + k * h) end
  return sum * h / 3
end

-- ---- Bessel's ------------------------------------------------------------------------------------------

--- Bessel's own integral.
function reference.bessel_j(x, n)
  return simpson(function(t) return math.cos(n * t - x * math.sin(t)) end, 0, math.pi, 400) / math.pi
end

--- Abramowitz & Stegun 9.1.22.
function reference.bessel_y(x, n)
  local first = simpson(function(t) return math.sin(x * math.sin(t) - n * t) end, 0, math.pi, 2000)
  local second = simpson(function(t)
    local e = math.exp(n * t)
    return (e + (-1) ^ n / e) * math.exp(-x * (math.exp(t) - math.exp(-t)) / 2)
  end, 0, 8, 4000)
  return (first - second) / math.pi
end

--- The integral of exp(-x cosh t) cosh(n t).
function reference.bessel_k(x, n)
  local function cosh(t) return (math.exp(t) + math.exp(-t)) / 2 end
  return simpson(function(t) return math.exp(-x * cosh(t)) * cosh(n * t) end, 0, 8, 2000)
end

--- y'' = x y from its values at 0, by Runge and Kutta's steps.
function reference.airy(x)
  local y, slope, at, steps = 0.355028053887817239, -0.258819403792806798, 0, 4000
  local h = x / steps
  for _ = 1, steps do
    local a1, b1 = slope, at * y
    local a2, b2 = slope + h / 2 * b1, (at + h / 2) * (y + h / 2 * a1)
    local a3, b3 = slope + h / 2 * b2, (at + h / 2) * (y + h / 2 * a2)
    local a4, b4 = slope + h * b3, (at + h) * (y + h * a3)
    y, slope = y + h / 6 * (a1 + 2 * a2 + 2 * a3 + a4), slope + h / 6 * (b1 + 2 * b2 + 2 * b3 + b4)
    at = at + h
  end
  return y
end

-- ---- polynomials: by their explicit sums ----------------------------------------------------------------

local function choose(n, k)
  local c = 1
  for i = 1, k do c = c * (n - i + 1) / i end
  return c
end

--- Of kind 0 (first) or 1 (second): sums of choose(n + kind, 2k + kind) (x^2 - 1)^k x^(n - 2k).
function reference.chebyshev(x, n, kind)
  local sum = 0
  for k = 0, n // 2 do sum = sum + choose(n + kind, 2 * k + kind) * (x * x - 1) ^ k * x ^ (n - 2 * k) end
  return sum
end

--- The probabilists': sums of (-1)^m n! / (m! (n-2m)! 2^m) x^(n-2m).
function reference.hermite(x, n)
  local sum = 0
  for m = 0, n // 2 do
    local c = choose(n, 2 * m)
    for i = 1, m do c = c * (2 * i - 1) end
    sum = sum + (-1) ^ m * c * x ^ (n - 2 * m)
  end
  return sum
end

function reference.laguerre(x, n)
  local sum, factorial = 0, 1
  for k = 0, n do
    factorial = factorial * math.max(k, 1)
    sum = sum + choose(n, k) * (-x) ^ k / factorial
  end
  return sum
end

function reference.legendre(x, n)
  local sum = 0
  for k = 0, n do sum = sum + choose(n, k) ^ 2 * (x - 1) ^ (n - k) * (x + 1) ^ k end
  return sum / 2 ^ n
end

-- ---- of gamma ---------------------------------------------------------------------------------------------

-- With t = u^2, which is smooth at 0.
function reference.gammainc(a, x)
  local function f(u) return 2 * u ^ (2 * a - 1) * math.exp(-u * u) end
  return simpson(f, 0, math.sqrt(x), 4000) / simpson(f, 0, 12, 8000)
end

--- Terms one by one, the rest as an integral with its first corrections.
function reference.zeta(s, q)
  local sum, n = 0, 2000
  for k = 0, n - 1 do sum = sum + (q + k) ^ -s end
  local x = q + n
  return sum + x ^ (1 - s) / (s - 1) + x ^ -s / 2 + s * x ^ (-s - 1) / 12
end

return reference
