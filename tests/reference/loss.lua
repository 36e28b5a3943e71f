-- Naive losses: one term for each element or row, then the reduction.

local util = require "tests.reference.util"
local reference = {}

local function reduced(losses, reduction, divisor)
  if reduction == "none" then return losses end
  local sum, flat = 0, util.flat(losses)
  for _, v in ipairs(flat) do sum = sum + v end
  return reduction == "sum" and sum or sum / (divisor or #flat)
end

-- ---- element by element ----------------------------------------------------------------------

-- term(x, t, arguments) of every element.
local function pairwise(names, term)
  return function(x, t, ...)
    local a = util.arguments(names, ...)
    local losses = util.broadcast(function(xi, ti) return term(xi, ti, a) end, x, t)
    return reduced(losses, a.reduction)
  end
end

local plain = { "reduction" }

reference.mse_loss = pairwise(plain, function(x, t) return (x - t) ^ 2 end)
reference.l1_loss = pairwise(plain, function(x, t) return math.abs(x - t) end)

reference.smooth_l1_loss = pairwise({ "reduction", "beta" }, function(x, t, a)
  local d, beta = math.abs(x - t), a.beta or 1
  return d < beta and d * d / (2 * beta) or d - beta / 2
end)

reference.huber_loss = pairwise({ "reduction", "delta" }, function(x, t, a)
  local d, delta = math.abs(x - t), a.delta or 1
  return d <= delta and d * d / 2 or delta * (d - delta / 2)
end)

local slopes = {
  mse = function(d) return 2 * d end,
  l1 = function(d) return d > 0 and 1 or d < 0 and -1 or 0 end,
  smooth = function(d, p) return math.max(-1, math.min(1, d / p)) end,
  huber = function(d, p) return math.max(-p, math.min(p, d)) end,
}
function reference.loss_slope(g, x, t, kind, scale, p)
  return util.broadcast(function(gi, xi, ti) return gi * (scale or 1) * slopes[kind](xi - ti, p or 1) end, g, x, t)
end

local function bce(p, t, positive) return -(positive * t * math.log(p) + (1 - t) * math.log(1 - p)) end

function reference.binary_cross_entropy(x, t, ...)
  local a = util.arguments({ "weight", "reduction" }, ...)
  local losses = util.broadcast(function(p, ti, w) return w * bce(p, ti, 1) end, x, t, a.weight or 1)
  return reduced(losses, a.reduction)
end

function reference.binary_cross_entropy_with_logits(x, t, ...)
  local a = util.arguments({ "weight", "pos_weight", "reduction" }, ...)
  local losses = util.broadcast(function(z, ti, w, positive)
    return w * bce(1 / (1 + math.exp(-z)), ti, positive)
  end, x, t, a.weight or 1, a.pos_weight or 1)
  return reduced(losses, a.reduction)
end

function reference.probability_loss(x, t, reduction)
  return reference.binary_cross_entropy(x, t, nil, reduction)
end

function reference.logits_loss(x, t, reduction)
  return reference.binary_cross_entropy_with_logits(x, t, nil, nil, reduction)
end

-- ---- classes -----------------------------------------------------------------------------------

-- Calls f(scores of C classes, index of the row) for every row of x: [N,C,...] or [C].
local function each_row(x, f)
  local shape = util.shape(x)
  if #shape == 1 then return f(x, {}) end
  local classes = table.remove(shape, 2)
  util.each_index(shape, function(row)
    local scores, at = {}, table.move(row, 1, #shape, 1, {})
    table.insert(at, 2, 0)
    for c = 1, classes do
      at[2] = c
      scores[c] = util.get(x, at)
    end
    f(scores, row)
  end)
end

local function log_softmax(x)
  local sum, y = 0, {}
  for _, v in ipairs(x) do sum = sum + math.exp(v) end
  for i, v in ipairs(x) do y[i] = v - math.log(sum) end
  return y
end

-- Minus the sum of q[c] w[c] logp[c] of every row; q is the share of each class.
local function class_loss(x, target, a, logs)
  local shape, divisor = util.shape(x), 0
  local classes = #shape == 1 and table.remove(shape, 1) or table.remove(shape, 2)
  local losses, s = util.zeros(shape), a.label_smoothing or 0
  local soft = #util.shape(target) == #util.shape(x)
  each_row(x, function(scores, row)
    local logp, loss = logs(scores), 0
    local t = soft and 0 or util.get(target, row)
    local w = function(c) return a.weight and a.weight[c] or 1 end
    local skip = not soft and t == a.ignore_index
    for c = 1, classes do
      local q = c == t and 1 or 0
      if soft then
        local at = table.move(row, 1, #shape, 1, {})
        table.insert(at, math.min(2, #at + 1), c)
        q = util.get(target, at)
      end
      if not skip then loss = loss - ((1 - s) * q + s / classes) * w(c) * logp[c] end
    end
    divisor = divisor + (soft and 1 or skip and 0 or w(t))
    if #shape == 0 then losses = loss else util.set(losses, row, loss) end
  end)
  return reduced(losses, a.reduction, divisor)
end

local of_classes = { "weight", "ignore_index", "reduction", "label_smoothing" }

function reference.cross_entropy(x, target, ...)
  return class_loss(x, target, util.arguments(of_classes, ...), log_softmax)
end

function reference.nll_loss(x, target, ...)
  return class_loss(x, target, util.arguments(of_classes, ...), function(v) return v end)
end

-- The derivative of a row's loss: sum_k q[k] w[k] (p[c] - [c = k]), with p = exp(x - lse).
function reference.score_loss_dx(g, x, target, weight, lse, total, ...)
  local a = util.arguments({ "ignore_index", "reduction", "label_smoothing" }, ...)
  local s, dx = a.label_smoothing or 0, util.zeros(util.shape(x))
  for i, scores in ipairs(x) do
    local t = target[i]
    local gi = type(g) == "table" and (g[i] or g[1]) or g
    if a.reduction == "mean" or a.reduction == nil then gi = gi / total end
    for c = 1, #scores do
      for k = 1, #scores do
        local q = (1 - s) * (k == t and 1 or 0) + s / #scores
        local d = q * (weight and weight[k] or 1) * (math.exp(scores[c] - lse[i]) - (c == k and 1 or 0))
        if t ~= a.ignore_index then dx[i][c] = dx[i][c] + gi * d end
      end
    end
  end
  return dx
end

return reference
