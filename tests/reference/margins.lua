-- Naive losses with margins and from densities, from their formulas.

local util = require "tests.reference.util"
local reference = {}

local function reduced(list, reduction)
  if reduction == "none" then return list end
  local s, n = 0, 0
  for _, v in ipairs(util.flat(list)) do s, n = s + v, n + 1 end
  return reduction == "sum" and s or s / n
end

-- The arguments after the tensors by name, positional or as an option table.
local function options(names, ...)
  local o, given = {}, table.pack(...)
  for i = 1, given.n do
    local v = given[i]
    if type(v) == "table" and #v == 0 and next(v) ~= nil then
      for k, w in pairs(v) do o[k] = w end
    else
      o[names[i]] = v
    end
  end
  return o
end

local function softplus(v) return math.max(v, 0) + math.log(1 + math.exp(-math.abs(v))) end

function reference.kl_div(x, t, ...)
  local o = options({"reduction", "log_target"}, ...)
  local loss = util.broadcast(function(a, b)
    return o.log_target and math.exp(b) * (b - a) or b * (math.log(b) - a)
  end, x, t)
  if o.reduction == "batchmean" then return reduced(loss, "sum") / #x end
  return reduced(loss, o.reduction)
end

function reference.poisson_nll_loss(x, t, ...)
  local o = options({"log_input", "full", "eps", "reduction"}, ...)
  return reduced(util.broadcast(function(a, b)
    local v = o.log_input ~= false and math.exp(a) - b * a or a - b * math.log(a + (o.eps or 1e-8))
    if o.full and b > 1 then v = v + b * math.log(b) - b + 0.5 * math.log(2 * math.pi * b) end
    return v
  end, x, t), o.reduction)
end

function reference.gaussian_nll_loss(x, t, var, ...)
  local o = options({"full", "eps", "reduction"}, ...)
  if type(var[1]) ~= "table" and type(x[1]) == "table" then
    for i, v in ipairs(var) do var[i] = {v} end
  end
  return reduced(util.broadcast(function(a, b, s)
    return 0.5 * (math.log(s) + (a - b) ^ 2 / s) + (o.full and 0.5 * math.log(2 * math.pi) or 0)
  end, x, t, var), o.reduction)
end

function reference.hinge_embedding_loss(x, t, margin, reduction)
  return reduced(util.broadcast(function(a, b)
    return b == 1 and a or math.max(0, (margin or 1) - a)
  end, x, t), reduction)
end

function reference.soft_margin_loss(x, t, reduction)
  return reduced(util.broadcast(function(a, b) return softplus(-a * b) end, x, t), reduction)
end

function reference.margin_ranking_loss(x, y, t, margin, reduction)
  return reduced(util.broadcast(function(a, b, s)
    return math.max(0, (margin or 0) - s * (a - b))
  end, x, y, t), reduction)
end

function reference.cosine_embedding_loss(x, y, t, margin, reduction)
  if type(t) == "number" then return reference.cosine_embedding_loss({x}, {y}, {t}, margin, reduction) end
  local loss = {}
  for i = 1, #x do
    local ab, aa, bb = 0, 0, 0
    for k, v in ipairs(x[i]) do ab, aa, bb = ab + v * y[i][k], aa + v * v, bb + y[i][k] ^ 2 end
    local cosine = ab / math.sqrt(aa * bb)
    loss[i] = t[i] == 1 and 1 - cosine or math.max(0, cosine - (margin or 0))
  end
  return reduced(loss, reduction)
end

function reference.triplet_margin_loss(a, p, n, ...)
  local o = options({"margin", "p", "eps", "swap", "reduction"}, ...)
  local function distance(u, w)
    local s = 0
    for k = 1, #u do s = s + math.abs(u[k] - w[k] + (o.eps or 1e-6)) ^ (o.p or 2) end
    return s ^ (1 / (o.p or 2))
  end
  local loss = {}
  for i = 1, #a do
    local far = distance(a[i], n[i])
    if o.swap then far = math.min(far, distance(p[i], n[i])) end
    loss[i] = math.max(0, (o.margin or 1) + distance(a[i], p[i]) - far)
  end
  return reduced(loss, o.reduction)
end

function reference.multi_margin_loss(x, t, ...)
  local o = options({"p", "margin", "weight", "reduction"}, ...)
  if type(x[1]) ~= "table" then x = {x} end
  local loss = {}
  for i, row in ipairs(x) do
    local s = 0
    for k, v in ipairs(row) do
      if k ~= t[i] then s = s + math.max(0, (o.margin or 1) - row[t[i]] + v) ^ (o.p or 1) end
    end
    loss[i] = s * (o.weight and o.weight[t[i]] or 1) / #row
  end
  return reduced(loss, o.reduction)
end

function reference.multilabel_margin_loss(x, t, reduction)
  local single = type(x[1]) ~= "table"
  if single then x, t = {x}, {t} end
  local loss = {}
  for i, row in ipairs(x) do
    local right, s = {}, 0
    for _, k in ipairs(t[i]) do
      if k == 0 then break end
      right[k] = true
    end
    for k in pairs(right) do
      for j, v in ipairs(row) do
        if not right[j] then s = s + math.max(0, 1 - (row[k] - v)) end
      end
    end
    loss[i] = s / #row
  end
  if single and reduction == "none" then return loss[1] end
  return reduced(loss, reduction)
end

function reference.multilabel_soft_margin_loss(x, t, weight, reduction)
  local loss = {}
  for i, row in ipairs(x) do
    local s = 0
    for k, v in ipairs(row) do
      s = s + (t[i][k] * softplus(-v) + (1 - t[i][k]) * softplus(v)) * (weight and weight[k] or 1)
    end
    loss[i] = s / #row
  end
  return reduced(loss, reduction)
end

-- By brute force: the sum over all paths of T classes that collapse to the labels.
function reference.ctc_loss(x, targets, steps, lengths, ...)
  local o = options({"blank", "reduction", "zero_infinity"}, ...)
  local blank, loss, at = o.blank or 1, {}, 0
  local single = type(x[1][1]) ~= "table"
  if single then x = util.map(x, function(v) return v end) for t = 1, #x do x[t] = {x[t]} end end
  for n = 1, #x[1] do
    local label = {}
    for i = 1, lengths[n] do label[i] = type(targets[1]) == "table" and targets[n][i] or targets[at + i] end
    at = at + lengths[n]
    local want, total = table.concat(label, " "), 0
    local path = {}
    local function go(t, p)
      if t > steps[n] then
        local seen = {}
        for k, v in ipairs(path) do
          if v ~= blank and v ~= path[k - 1] then seen[#seen + 1] = v end
        end
        if table.concat(seen, " ") == want then total = total + p end
        return
      end
      local sum = 0
      for _, v in ipairs(x[t][n]) do sum = sum + math.exp(v) end
      for c, v in ipairs(x[t][n]) do
        path[t] = c
        go(t + 1, p * math.exp(v) / sum)
      end
      path[t] = nil
    end
    go(1, 1)
    loss[n] = -math.log(total)
    if o.zero_infinity and loss[n] == math.huge then loss[n] = 0 end
    if o.reduction == nil or o.reduction == "mean" then loss[n] = loss[n] / math.max(1, lengths[n]) end
  end
  return reduced(loss, o.reduction)
end

return reference
