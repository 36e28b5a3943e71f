-- Naive distances: pairs of vectors, a number at a time.

local util = require "tests.reference.util"
local reference = {}

local function p_norm(v, p)
  local s, largest = 0, 0
  for _, x in ipairs(v) do s, largest = s + math.abs(x) ^ p, math.max(largest, math.abs(x)) end
  return p == math.huge and largest or s ^ (1 / p)
end

-- Vectors of the broadcast inputs along dimension d; f(a, b) or f(a) for each, with the rest's shape.
local function along(d, f, a, b)
  local shape = util.shape(a)
  if b then
    local pairs_of = util.broadcast(function(x, y) return {x, y} end, a, b)
    -- broadcast yields leaves {x, y}; the shape is read before the leaves
    shape = {}
    local v, depth = pairs_of, math.max(#util.shape(a), #util.shape(b))
    for i = 1, depth do
      shape[i] = #v
      v = v[1]
    end
    a = pairs_of
  end
  if d < 0 then d = #shape + d + 1 end
  local rest = {}
  for i = 1, #shape do
    if i ~= d then rest[#rest + 1] = shape[i] end
  end
  local y = #rest > 0 and util.zeros(rest) or nil
  util.each_index(rest, function(at)
    local u, w = {}, {}
    for k = 1, shape[d] do
      local from = {table.unpack(at)}
      table.insert(from, d, k)
      local v = util.get(a, from)
      if b then u[k], w[k] = v[1], v[2] else u[k] = v end
    end
    local v = f(u, w)
    if y then util.set(y, at, v) else y = v end
  end)
  return y
end

function reference.normalize(x, p, dim, eps)
  if type(p) == "table" then p, dim, eps = p.p, p.dim, p.eps end
  p, dim = p or 2, dim or 2
  local shape = util.shape(x)
  if dim < 0 then dim = #shape + dim + 1 end
  local y = util.zeros(shape)
  util.each_index(shape, function(at)
    local v, from = {}, {table.unpack(at)}
    for k = 1, shape[dim] do
      from[dim] = k
      v[k] = util.get(x, from)
    end
    util.set(y, at, util.get(x, at) / math.max(p_norm(v, p), eps or 1e-12))
  end)
  return y
end

function reference.cosine_similarity(a, b, ...)
  local o = util.arguments({"dim", "eps"}, ...)
  return along(o.dim or 2, function(u, w)
    local s = 0
    for k = 1, #u do s = s + u[k] * w[k] end
    local eps = o.eps or 1e-8
    return s / (math.max(p_norm(u, 2), eps) * math.max(p_norm(w, 2), eps))
  end, a, b)
end

function reference.pairwise_distance(a, b, ...)
  local o = util.arguments({"p", "eps", "keepdim"}, ...)
  local y = along(-1, function(u, w)
    local gap = {}
    for k = 1, #u do gap[k] = u[k] - w[k] + (o.eps or 1e-6) end
    return p_norm(gap, o.p or 2)
  end, a, b)
  return o.keepdim and util.map(y, function(v) return {v} end) or y
end

local function distance(u, w, p)
  local gap = {}
  for k = 1, #u do gap[k] = u[k] - w[k] end
  return p_norm(gap, p)
end

function reference.cdist(a, b, p)
  p = type(p) == "number" and p or 2
  if #util.shape(a) == 2 then
    local y = {}
    for i, u in ipairs(a) do
      y[i] = {}
      for j, w in ipairs(b) do y[i][j] = distance(u, w, p) end
    end
    return y
  end
  local y = {}
  for i = 1, math.max(#a, #b) do y[i] = reference.cdist(a[i] or a[1], b[i] or b[1], p) end
  return y
end

function reference.pdist(x, p)
  local y = {}
  for i = 1, #x do
    for j = i + 1, #x do y[#y + 1] = distance(x[i], x[j], p or 2) end
  end
  return y
end

function reference.bilinear(a, b, w, bias)
  if type(a[1]) == "table" then
    local y = {}
    for i = 1, #a do y[i] = reference.bilinear(a[i], b[i], w, bias) end
    return y
  end
  local y = {}
  for o = 1, #w do
    local s = bias and bias[o] or 0
    for i = 1, #a do
      for j = 1, #b do s = s + a[i] * w[o][i][j] * b[j] end
    end
    y[o] = s
  end
  return y
end

return reference
