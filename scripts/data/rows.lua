-- rows.lua: rows of tensors: shuffled orders, batches of them, seeded and stratified splits. What
-- loaders and fit share, so that both see the same rows and the same numbers.

local core = require "lunette.core"

local tensor = core.tensor

local rows = {}

--- What x becomes in a batch: images in bytes ([N,…], uint8, two dimensions or more) turn into float32
-- in 0..1; all else stays as it is.
function rows.converted(x)
  if x.dtype == "uint8" and x:dim() >= 2 then return x:to("float32"):div_(255) end
  return x
end

--- Rows first..last of t in an order (a tensor of row numbers); as they stand when order is nil.
function rows.take(t, order, first, last)
  if order then return t:index_select(1, order:narrow(1, first, last - first + 1)) end
  return t:narrow(1, first, last - first + 1)
end

-- f(…) with the random streams as they are after n draws with that seed; then they go on as before.
local function seeded(seed, n, f, ...)
  local before = tensor.get_rng_state()
  local state = {seed}
  for i = 2, #before do state[i] = n end
  local _ <close> = setmetatable({}, {__close = function() tensor.set_rng_state(before) end})
  tensor.set_rng_state(state)
  return f(...)
end

--- A random order of the numbers 1..n, int64 [n]: the next of the stream "data", or with a seed the
-- turn-th (from 0) of that seed, whatever else is drawn.
function rows.order(n, seed, turn)
  if seed then return seeded(seed, turn or 0, tensor.with_stream, "data", tensor.randperm, n) end
  return tensor.with_stream("data", tensor.randperm, n)
end

-- ---- splitting -----------------------------------------------------------------------------------------

--- Can the rows be told apart by y: is it a list of classes?
function rows.has_classes(y) return y ~= nil and y:dim() == 1 and not y.dtype:find "float" and y.dtype ~= "bool" end

-- How many rows of each class are held out: the fraction of each, rounded so that the sum is the
-- fraction of all; what rounding leaves goes to the classes that lost most by it, first met first.
local function quotas(classes, n, fraction)
  local count, met = {}, {}
  for i = 1, n do
    local c = classes and classes[i] or 1
    if not count[c] then
      count[c] = 0
      met[#met + 1] = c
    end
    count[c] = count[c] + 1
  end
  local quota, left, lost = {}, math.floor(n * fraction + 0.5), {}
  for i, c in ipairs(met) do
    local share = count[c] * fraction
    quota[c] = math.floor(share)
    left = left - quota[c]
    lost[i] = {class = c, by = share - quota[c], place = i}
  end
  table.sort(lost, function(a, b) return a.by > b.by or a.by == b.by and a.place < b.place end)
  for i = 1, left do quota[lost[i].class] = quota[lost[i].class] + 1 end
  return quota
end

--- Two tensors of row numbers, both rising: what stays, and a random fraction of 1..n, of every class
-- in y alike when y is given.
function rows.split(n, fraction, y, seed)
  local classes = y and y:tolist()
  local quota = quotas(classes, n, fraction)
  local held = {}
  for _, i in ipairs(rows.order(n, seed):tolist()) do
    local c = classes and classes[i] or 1
    if quota[c] > 0 then
      quota[c] = quota[c] - 1
      held[i] = true
    end
  end
  local stay, out = {}, {}
  for i = 1, n do table.insert(held[i] and out or stay, i) end
  return tensor(stay, {dtype = "int64"}), tensor(out, {dtype = "int64"})
end

return rows
