-- source.lua: what fit, evaluate and predict are given, as rows that are taken in batches.

local core = require "lunette.core"
local fail = require "lunette.nn.fail"
local rows = require "lunette.data.rows"

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
function Source:subset(numbers)
  return setmetatable({x = self.x, y = self.y, set = self.set, n = #numbers, rows = numbers}, Source)
end

-- ---- batches -------------------------------------------------------------------------------------------

-- Batches of a loader. Its tensors are its own, so they are fetched outside of the scope of a step.
local function loader_batches(loader, use)
  local first
  return function(...)
    local x, y = loader(nil, first)
    first = x
    if x == nil then return false end
    local _ <close> = tensor.scope()
    use(x, y, ...)
    return true
  end
end

--- A function that takes the next batch and calls use(x, y, …) inside a scope; false when there is
-- none left. With shuffle a new order from the stream "data".
function Source:batches(size, shuffle, use)
  if self.loader then return loader_batches(self.loader, use) end
  local order = self.rows
  if shuffle then
    local mix = rows.order(self.n)
    order = order and order:index_select(1, mix) or mix
  end
  local at, n = 1, self.n
  return function(...)
    if at > n then return false end
    local _ <close> = tensor.scope()
    local last = math.min(at + size - 1, n)
    local x = rows.converted(rows.take(self.x, order, at, last))
    local y = self.y and rows.take(self.y, order, at, last)
    at = last + 1
    use(x, y, ...)
    return true
  end
end

--- How many batches that makes.
function Source:count(size) return self.steps or (self.n + size - 1) // size end

--- The first sample as a batch of one, or nil for a loader.
function Source:first()
  if self.loader or self.n == 0 then return nil end
  return rows.converted(rows.take(self.x, self.rows, 1, 1))
end

-- ---- splitting -----------------------------------------------------------------------------------------

--- Two sources: for training, and a fraction of the rows for validation, drawn from the stream "data"
-- with equal shares of every class. The third result: was there a class to go by?
function Source:split(where, fraction)
  if self.loader then fail.raise("%s: validation_split wants tensors; a loader has no rows", where) end
  if type(fraction) ~= "number" or not (fraction > 0 and fraction < 1) then
    fail.raise("%s: validation_split is %s; a fraction between 0 and 1 is wanted", where, tostring(fraction))
  end
  local by_class = rows.has_classes(self.y)
  local train, held = rows.split(self.n, fraction, by_class and self.y or nil)
  if #train == 0 or #held == 0 then
    fail.raise("%s: validation_split %g of %d rows leaves nothing to %s", where, fraction, self.n,
      #train == 0 and "train on" or "validate on")
  end
  return self:subset(train), self:subset(held), by_class
end

return Source
