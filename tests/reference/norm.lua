-- Naive normalisation: mean and variance of plain lists.

local util = require "tests.reference.util"
local reference = {}

local function moments(values)
  local mean, var = 0, 0
  for _, v in ipairs(values) do mean = mean + v / #values end
  for _, v in ipairs(values) do var = var + (v - mean) ^ 2 / #values end
  return mean, var
end

-- The values of channel c of x: [N,C,...], and a function that puts a value for each in y.
local function channel(x, c)
  local values, shape = {}, util.shape(x)
  util.each_index(shape, function(at)
    if at[2] == c then values[#values + 1] = util.get(x, at) end
  end)
  return values, function(y, f)
    util.each_index(shape, function(at)
      if at[2] == c then util.set(y, at, f(util.get(x, at), at)) end
    end)
  end
end

function reference.batch_norm(x, ...)
  local a = util.arguments(
    { "running_mean", "running_var", "weight", "bias", "training", "momentum", "eps" }, ...)
  local y = util.zeros(util.shape(x))
  for c = 1, #x[1] do
    local values, put = channel(x, c)
    local mean, var = moments(values)
    if not a.training then mean, var = a.running_mean[c], a.running_var[c] end
    local scale = (a.weight and a.weight[c] or 1) / math.sqrt(var + (a.eps or 1e-5))
    put(y, function(v) return (v - mean) * scale + (a.bias and a.bias[c] or 0) end)
  end
  return y
end

function reference.native_batch_norm(x, weight, bias, running_mean, running_var, training, momentum, eps)
  local means, rstds = {}, {}
  for c = 1, training and #x[1] or 0 do
    local mean, var = moments((channel(x, c)))
    means[c], rstds[c] = mean, 1 / math.sqrt(var + eps)
  end
  return reference.batch_norm(x, running_mean, running_var, weight, bias, training, momentum, eps), means, rstds
end

-- Through the chain rule: y = w (x - mean) rstd, with mean and rstd as given.
function reference.batch_norm_dx(g, x, mean, rstd, ...)
  local a = util.arguments({ "weight", "training" }, ...)
  local dx, dw, db = util.zeros(util.shape(x)), {}, {}
  for c = 1, #x[1] do
    local values, put = channel(x, c)
    local gs = channel(g, c)
    local m, r, w = mean[c], rstd[c], a.weight and a.weight[c] or 1
    local dmean, drstd = 0, 0
    dw[c], db[c] = 0, 0
    for i, v in ipairs(values) do
      dw[c] = dw[c] + gs[i] * (v - m) * r
      db[c] = db[c] + gs[i]
      dmean = dmean - gs[i] * w * r
      drstd = drstd + gs[i] * w * (v - m)
    end
    put(dx, function(v, at)
      local d = util.get(g, at) * w * r
      if not a.training then return d end
      return d + dmean / #values - drstd * r ^ 3 * (v - m) / #values
    end)
  end
  return dx, dw, db
end

-- x as a list of rows of the last dimensions, each a flat list.
local function rows(x, n)
  local flat, list = util.flat(x), {}
  for i = 0, #flat - 1, n do list[#list + 1] = table.move(flat, i + 1, i + n, 1, {}) end
  return list
end

local function join(list)
  local flat = {}
  for _, row in ipairs(list) do table.move(row, 1, #row, #flat + 1, flat) end
  return flat
end

local function size_of(shape)
  local n = 1
  for _, s in ipairs(type(shape) == "table" and shape or { shape }) do n = n * s end
  return n
end

function reference.layer_norm(x, shape, ...)
  local a = util.arguments({ "weight", "bias", "eps" }, ...)
  local w, b = a.weight and util.flat(a.weight), a.bias and util.flat(a.bias)
  local list = rows(x, size_of(shape))
  for _, row in ipairs(list) do
    local mean, var = moments(row)
    for i, v in ipairs(row) do
      row[i] = (v - mean) / math.sqrt(var + (a.eps or 1e-5)) * (w and w[i] or 1) + (b and b[i] or 0)
    end
  end
  return util.unflat(join(list), util.shape(x))
end

function reference.native_layer_norm(x, shape, weight, bias, eps)
  local size, means, rstds = util.shape(x), {}, {}
  for _, row in ipairs(rows(x, size_of(shape))) do
    local mean, var = moments(row)
    means[#means + 1], rstds[#rstds + 1] = mean, 1 / math.sqrt(var + eps)
  end
  for d = #size - (type(shape) == "table" and #shape or 1) + 1, #size do size[d] = 1 end
  return reference.layer_norm(x, shape, weight, bias, eps), util.unflat(means, size), util.unflat(rstds, size)
end

function reference.layer_norm_dx(g, x, mean, rstd, weight, shape)
  local w, n = weight and util.flat(weight), size_of(shape)
  local gs, xs, dw, db = rows(g, n), rows(x, n), {}, {}
  for i = 1, n do dw[i], db[i] = 0, 0 end
  for k, row in ipairs(xs) do
    local m, r, dmean, drstd = mean[k], rstd[k], 0, 0
    for i, v in ipairs(row) do
      local h = gs[k][i] * (w and w[i] or 1)
      dw[i] = dw[i] + gs[k][i] * (v - m) * r
      db[i] = db[i] + gs[k][i]
      dmean = dmean - h * r
      drstd = drstd + h * (v - m)
    end
    for i, v in ipairs(row) do
      row[i] = gs[k][i] * (w and w[i] or 1) * r + dmean / n - drstd * r ^ 3 * (v - m) / n
    end
  end
  shape = type(shape) == "table" and shape or { shape }
  return util.unflat(join(xs), util.shape(x)), util.unflat(dw, shape), util.unflat(db, shape)
end

-- Rows of n values, each divided by the root of its mean square.
function reference.rms_norm(x, normalized_shape, weight, eps)
  local shape, n = util.shape(x), 1
  for d = 1, type(normalized_shape) == "table" and #normalized_shape or 1 do n = n * shape[#shape + 1 - d] end
  local flat, w = util.flat(x), weight and util.flat(weight)
  local y = {}
  for from = 0, #flat - 1, n do
    local s = 0
    for i = 1, n do s = s + flat[from + i] ^ 2 / n end
    for i = 1, n do y[from + i] = flat[from + i] / math.sqrt(s + (eps or 2 ^ -52)) * (w and w[i] or 1) end
  end
  return util.unflat(y, shape)
end

function reference.group_norm(x, groups, weight, bias, eps)
  local shape = util.shape(x)
  local per, y = shape[2] // groups, util.zeros(shape)
  for n = 1, shape[1] do
    for g = 1, groups do
      local values = {}
      for c = (g - 1) * per + 1, g * per do
        for _, v in ipairs(util.flat(x[n][c])) do values[#values + 1] = v end
      end
      local mean, var = moments(values)
      for c = (g - 1) * per + 1, g * per do
        local scale = (weight and weight[c] or 1) / math.sqrt(var + (eps or 1e-5))
        y[n][c] = util.map(x[n][c], function(v) return (v - mean) * scale + (bias and bias[c] or 0) end)
      end
    end
  end
  return y
end

function reference.instance_norm(x, mean, var, weight, bias, own, _, eps)
  if own == false then return reference.batch_norm(x, mean, var, weight, bias, false) end
  return reference.group_norm(x, #x[1], weight, bias, eps)
end

function reference.local_response_norm(x, size, alpha, ...)
  local a = util.arguments({"alpha", "beta", "k"}, alpha, ...)
  local shape = util.shape(x)
  local y = util.zeros(shape)
  util.each_index(shape, function(at)
    local s, from = 0, {table.unpack(at)}
    for c = at[2] - size // 2, at[2] + (size - 1) // 2 do
      if c >= 1 and c <= shape[2] then
        from[2] = c
        s = s + util.get(x, from) ^ 2 / size
      end
    end
    util.set(y, at, util.get(x, at) / ((a.k or 1) + (a.alpha or 1e-4) * s) ^ (a.beta or 0.75))
  end)
  return y
end

return reference
