-- source.lua: what fit, evaluate and predict are given, as rows that are taken in batches.

local core = require "lunette.core"
local fail = require "lunette.nn.fail"

local tensor = core.tensor

local Source = {}
Source.__index = Source

-- ---- reading arguments -----------------------------------------------------------------------------------

local function is_dataset(value)
  if type(value) ~= "table" then return false end
  local done, x = pcall(function() return value.x end)
  return done and tensor.is_tensor(x)
end

local function is_loader(value)
  local meta = type(value) == "table" and getmetatable(value)
  return type(meta) == "table" and meta.__call ~= nil and meta.__len ~= nil and meta.class == nil
    and meta.__name ~= "lunette.list"
end

local function check_pair(where, x, y)
  if tensor.is_tensor(x) and x:dim() == 0 then
    fail.raise("%s: x is a single number; samples stand along the first dimension", where)
  end
  if y == nil then return end
  if type(y) == "table" and not tensor.is_tensor(y) then
    fail.raise("%s: y is a table; tensor(y) makes a tensor of it", where)
  end
  if not tensor.is_tensor(y) or y:dim() == 0 then
    fail.raise("%s: y is %s; a tensor with one row for each of x is wanted", where,
      type(y) == "userdata" and "a single number" or "a " .. type(y))
  end
  if #x ~= #y then fail.raise("%s: x has %d rows and y %d; they must be equal", where, #x, #y) end
end

--- From x and y (y may be nil for predict), a data set {x =, y =} or a loader; with what is left of
-- the arguments, the options.
function Source.read(where, x, y, ...)
  if is_dataset(x) then
    check_pair(where, x.x, x.y)
    return setmetatable({x = x.x, y = x.y, set = x, n = #x.x}, Source), y, ...
  end
  if is_loader(x) then return setmetatable({loader = x, steps = #x}, Source), y, ... end
  if not tensor.is_tensor(x) then
    fail.raise("%s: the data is a %s; tensors x and y, a data set {x =, y =} or a loader are wanted%s",
      where, type(x), type(x) == "table" and #x > 0 and " (tensor(x) makes a tensor of a table)" or "")
  end
  check_pair(where, x, y)
  return setmetatable({x = x, y = y, n = #x}, Source), ...
end

--- The source of the rows whose numbers stand in a tensor [M].
function Source:subset(rows)
  return setmetatable({x = self.x, y = self.y, set = self.set, n = #rows, rows = rows}, Source)
end

-- ---- batches -------------------------------------------------------------------------------------------

-- Bytes of images become float32 in 0..1; all else stays as it is.
local function converted(x)
  if x.dtype == "uint8" and x:dim() >= 3 then return x:to("float32"):mul_(1 / 255) end
  return x
end

-- Rows first..last in an order (a tensor of row numbers, or nil for as they stand).
local function rows_of(t, order, first, last)
  if order then return t:index_select(1, order:narrow(1, first, last - first + 1)) end
  return t:narrow(1, first, last - first + 1)
end

--- for x, y in source:batches(size, shuffle) do … end. With shuffle a new order from the stream
-- "data" each time.
function Source:batches(size, shuffle)
  if self.loader then
    local state, first = nil, nil
    return function()
      local x, y = self.loader(state, first)
      first = x
      return x, y
    end
  end
  local order = self.rows
  if shuffle then
    local mix = tensor.with_stream("data", tensor.randperm, self.n)
    order = order and order:index_select(1, mix) or mix
  end
  local at, n = 1, self.n
  return function()
    if at > n then return nil end
    local last = math.min(at + size - 1, n)
    local x = converted(rows_of(self.x, order, at, last))
    local y = self.y and rows_of(self.y, order, at, last)
    at = last + 1
    return x, y
  end
end

--- How many batches that makes.
function Source:count(size) return self.steps or (self.n + size - 1) // size end

--- The first sample as a batch of one, or nil for a loader.
function Source:first()
  if self.loader or self.n == 0 then return nil end
  return converted(rows_of(self.x, self.rows, 1, 1))
end

-- ---- splitting -----------------------------------------------------------------------------------------

-- The class of each row, if y is a list of classes; else all rows are alike.
local function strata(y)
  if not y or y:dim() ~= 1 or y.dtype:find "float" or y.dtype == "bool" then return nil end
  return y:tolist()
end

-- How many rows of each stratum go to validation.
local function quotas(classes, n, fraction)
  local count, order = {}, {}
  for i = 1, n do
    local c = classes and classes[i] or 1
    if not count[c] then
      count[c] = 0
      order[#order + 1] = c
    end
    count[c] = count[c] + 1
  end
  local left = {}
  for _, c in ipairs(order) do left[c] = math.floor(count[c] * fraction + 0.5) end
  return left
end

--- Two sources: for training, and a fraction of the rows for validation, drawn from the stream "data"
-- with equal shares of every class. The third result: was there a class to go by?
function Source:split(where, fraction)
  if self.loader then fail.raise("%s: validation_split wants tensors; a loader has no rows", where) end
  if type(fraction) ~= "number" or not (fraction > 0 and fraction < 1) then
    fail.raise("%s: validation_split is %s; a fraction between 0 and 1 is wanted", where, tostring(fraction))
  end
  local classes = strata(self.y)
  local left = quotas(classes, self.n, fraction)
  local mix = tensor.with_stream("data", tensor.randperm, self.n):tolist()
  local held = {}
  for _, i in ipairs(mix) do
    local c = classes and classes[i] or 1
    if left[c] > 0 then
      left[c] = left[c] - 1
      held[i] = true
    end
  end
  local train, validation = {}, {}
  for i = 1, self.n do table.insert(held[i] and validation or train, i) end
  if #train == 0 or #validation == 0 then
    fail.raise("%s: validation_split %g of %d rows leaves nothing to %s", where, fraction, self.n,
      #train == 0 and "train on" or "validate on")
  end
  return self:subset(tensor(train)), self:subset(tensor(validation)), classes ~= nil
end

return Source
