-- initial.lua: nn.init: first values of parameters. All draw from the random stream "init", so that
-- they depend on the seed and on the order of layers alone. Formulas: Glorot and Bengio 2010
-- (xavier), He et al. 2015 (kaiming).

local core = require "lunette.core"
local fail = require "lunette.nn.fail"

local tensor = core.tensor

local init = {}

-- ---- filling a tensor in place -----------------------------------------------------------------------

local function check(where, t)
  if not tensor.is_tensor(t) then
    fail.raise("nn.init.%s: the first argument is a %s; a tensor is wanted", where, type(t))
  end
end

-- Calls t[method] on the data of t, unrecorded, with the stream "init"; returns t.
local function fill(where, t, method, ...)
  check(where, t)
  local data = t:detach()
  tensor.with_stream("init", data[method], data, ...)
  return t
end

--- uniform_(t, a, b): uniform between a and b, 0 and 1 by default. Returns t.
-- example:
--   x = nn.init.uniform_(tensor.zeros(100), -1, 1)
--   x:ge(-1):all(), x:lt(1):all() --> true  true
function init.uniform_(t, a, b) return fill("uniform_", t, "uniform_", a or 0, b or 1) end

--- normal_(t, mean, std): normal, of mean 0 and deviation 1 by default. Returns t.
-- example:
--   x = nn.init.normal_(tensor.zeros(1000), 5, 0.1)
--   (x:mean() - 5):abs():item() < 0.1 --> true
function init.normal_(t, mean, std) return fill("normal_", t, "normal_", mean or 0, std or 1) end

--- constant_(t, value). Returns t.
-- example: nn.init.constant_(tensor.zeros(2), 7) --> float32 [2]  7.0  7.0
function init.constant_(t, value) return fill("constant_", t, "fill_", value) end

--- zeros_(t). Returns t.
-- example: nn.init.zeros_(tensor.ones(2)) --> float32 [2]  0.0  0.0
function init.zeros_(t) return fill("zeros_", t, "fill_", 0) end

--- ones_(t). Returns t.
-- example: nn.init.ones_(tensor.zeros(2)) --> float32 [2]  1.0  1.0
function init.ones_(t) return fill("ones_", t, "fill_", 1) end

-- ---- by the number of inputs and outputs ---------------------------------------------------------------

-- How many inputs each output has, and how many outputs each input: weight is [out, in, window…].
local function fans(where, t)
  check(where, t)
  local n = t:dim()
  if n < 2 then
    fail.raise("nn.init.%s: %s has no fan; weights with at least 2 dimensions do, [out, in, …]", where,
      fail.shape(t))
  end
  local window = 1
  for d = 3, n do window = window * t:size(d) end
  return t:size(2) * window, t:size(1) * window
end

local gains = {
  linear = function() return 1 end,
  conv2d = function() return 1 end,
  sigmoid = function() return 1 end,
  tanh = function() return 5 / 3 end,
  relu = function() return math.sqrt(2) end,
  leaky_relu = function(a) return math.sqrt(2 / (1 + (a or 0.01) ^ 2)) end,
  selu = function() return 3 / 4 end,
}

--- calculate_gain(name, a): what an activation asks of the deviation: "linear", "sigmoid", "tanh",
-- "relu", "leaky_relu" with its slope a, "selu".
-- example: nn.init.calculate_gain "relu" ^ 2 --> 2.0
function init.calculate_gain(name, a)
  local gain = gains[name]
  if not gain then
    local names = {"linear", "conv2d", "sigmoid", "tanh", "relu", "leaky_relu", "selu"}
    local near = core.suggest(name, names)
    fail.raise("calculate_gain: no activation '%s'%s", tostring(name), near and "; did you mean " .. near .. "?"
      or " (" .. table.concat(names, ", ") .. ")")
  end
  return gain(a)
end

local function kaiming_std(where, t, options)
  options = options or {}
  local known = {"a", "mode", "nonlinearity"}
  for name in next, options do
    if name ~= "a" and name ~= "mode" and name ~= "nonlinearity" then
      fail.raise("nn.init.%s: unknown option '%s' (%s)", where, tostring(name), table.concat(known, ", "))
    end
  end
  local fan_in, fan_out = fans(where, t)
  local fan = options.mode == "fan_out" and fan_out or fan_in
  return init.calculate_gain(options.nonlinearity or "leaky_relu", options.a or 0) / math.sqrt(fan)
end

--- xavier_uniform_(t, gain): uniform in +-gain sqrt(6 / (fan_in + fan_out)). Returns t.
-- example:
--   w = nn.init.xavier_uniform_(tensor.zeros(2, 4))
--   w:abs():max():item() <= 1 --> true
function init.xavier_uniform_(t, gain)
  local fan_in, fan_out = fans("xavier_uniform_", t)
  local bound = (gain or 1) * math.sqrt(6 / (fan_in + fan_out))
  return init.uniform_(t, -bound, bound)
end

--- xavier_normal_(t, gain): normal, of deviation gain sqrt(2 / (fan_in + fan_out)). Returns t.
-- example:
--   w = nn.init.xavier_normal_(tensor.zeros(500, 300))
--   (w:std() - math.sqrt(2 / 800)):abs():item() < 0.01 --> true
function init.xavier_normal_(t, gain)
  local fan_in, fan_out = fans("xavier_normal_", t)
  return init.normal_(t, 0, (gain or 1) * math.sqrt(2 / (fan_in + fan_out)))
end

--- kaiming_uniform_(t, {a=, mode="fan_in", nonlinearity="leaky_relu"}): uniform in
-- +-gain sqrt(3 / fan). Returns t.
-- example:
--   w = nn.init.kaiming_uniform_(tensor.zeros(4, 6))
--   w:abs():max():item() <= 1 --> true
function init.kaiming_uniform_(t, options)
  local bound = math.sqrt(3) * kaiming_std("kaiming_uniform_", t, options)
  return init.uniform_(t, -bound, bound)
end

--- kaiming_normal_(t, {a=, mode="fan_in", nonlinearity="leaky_relu"}): normal, of deviation
-- gain / sqrt(fan). Returns t.
-- example:
--   w = nn.init.kaiming_normal_(tensor.zeros(1000, 50))
--   (w:std() - math.sqrt(2 / 50)):abs():item() < 0.01 --> true
function init.kaiming_normal_(t, options)
  return init.normal_(t, 0, kaiming_std("kaiming_normal_", t, options))
end

-- ---- for layers --------------------------------------------------------------------------------------

--- A new tensor, uniform in +-bound.
-- example: nn.init.new_uniform({2, 3}, 0.5):abs():max():item() <= 0.5 --> true
function init.new_uniform(shape, bound, dtype)
  return init.uniform_(tensor.empty(shape, {dtype = dtype}), -bound, bound)
end

--- A new tensor, normal of deviation std.
-- example: nn.init.new_normal({2, 3}, 0.01).shape --> {2, 3}
function init.new_normal(shape, std, dtype)
  return init.normal_(tensor.empty(shape, {dtype = dtype}), 0, std)
end

return init
