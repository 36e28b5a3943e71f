-- loader.lua: data.batches: an object that a `for` walks through, batch by batch; each `for` is an epoch.

local core = require "lunette.core"
local fail = require "lunette.nn.fail"
local check_options = require "lunette.options"
local rows = require "lunette.data.rows"
local set = require "lunette.data.set"

local tensor = core.tensor

local Loader = {__name = "loader"}

local fields = {batch_size = true, shuffle = true, drop_last = true, seed = true, scale = true, epoch = true}

function Loader.__index(_, key)
  if fields[key] then return nil end
  fail.raise("this loader has no field '%s'; write: for x, y in loader do … end", tostring(key))
end

function Loader.__len(self)
  local n, size = rawget(self, "n"), self.batch_size
  return self.drop_last and n // size or (n + size - 1) // size
end

function Loader.__tostring(self)
  return ("loader of %d batches: %d rows, batch_size %d%s%s"):format(#self, rawget(self, "n"), self.batch_size,
    self.shuffle and ", shuffled" or "", self.drop_last and ", the rest dropped" or "")
end

-- The next batch, from row `first` on.
local function batch(self, first)
  local last = math.min(first + self.batch_size - 1, rawget(self, "n"))
  local out, order = {}, rawget(self, "order")
  for i, t in ipairs(rawget(self, "tensors")) do
    out[i] = rows.take(t, order, first, last)
    if i == 1 and self.scale then out[i] = rows.converted(out[i]) end
  end
  return out
end

local function begin(self)
  self.epoch = self.epoch + 1
  rawset(self, "order", self.shuffle and rows.order(rawget(self, "n"), self.seed, self.epoch - 1) or nil)
  rawset(self, "turn", 0)
end

-- What `for` calls: first with control nil, then with the first value of the turn before. So a loop
-- that was left by break does not matter to the next, and one inside another shows.
function Loader.__call(self, _, control)
  if control == nil then
    begin(self)
  elseif not rawequal(control, rawget(self, "last")) then
    fail.raise "this loader is in use by a loop inside this one; one loader walks one loop at a time: make a second"
  end
  local turn = rawget(self, "turn")
  if turn == #self then
    rawset(self, "last", nil)
    rawset(self, "order", nil)
    return nil
  end
  local out = batch(self, turn * self.batch_size + 1)
  rawset(self, "turn", turn + 1)
  rawset(self, "last", out[1])
  return table.unpack(out)
end

-- ---- making --------------------------------------------------------------------------------------------

local option_names = {"batch_size", "shuffle", "drop_last", "seed", "scale"}

local function integer(name, value, least)
  local v = math.tointeger(value)
  if not v or least and v < least then
    fail.raise("data.batches: %s is %s; a whole number%s is wanted", name, tostring(value),
      least and " from " .. least or "")
  end
  return v
end

local function flag(name, value, usual)
  if value == nil then return usual end
  if type(value) ~= "boolean" then
    fail.raise("data.batches: %s is %s; true or false is wanted", name, tostring(value))
  end
  return value
end

-- Tensors, their names for messages, and the option table.
local function read(...)
  local given = table.pack(...)
  local tensors, names, at = {}, {}, 1
  if set.is(given[1]) then
    tensors, names, at = {given[1].x, given[1].y}, {"x", "y"}, 2
  else
    while at <= given.n and tensor.is_tensor(given[at]) do
      tensors[at], names[at] = given[at], ({"x", "y"})[at] or "argument " .. at
      at = at + 1
    end
  end
  if given.n > at or given[at] ~= nil and (type(given[at]) ~= "table" or #given[at] > 0) or #tensors == 0 then
    fail.raise("data.batches: argument %d is a %s; data.batches(x, y, {batch_size = 32}) or a data set is wanted",
      at, type(given[at]))
  end
  set.check("data.batches", tensors, names)
  return tensors, check_options("data.batches", given[at], option_names)
end

--- data.batches(x, y, {…}): a loader for `for x, y in loader do`; of any number of tensors, or of a data
-- set. Options: batch_size (32), shuffle (false: a new order from the stream "data" each epoch),
-- drop_last (false), seed (orders of its own), scale (true: a first tensor of bytes with two or more
-- dimensions becomes float32 in 0..1). #loader is the number of batches.
-- example:
--   x, y = tensor.arange(5), 10 * tensor.arange(5)
--   for a, b in data.batches(x, y, {batch_size = 2}) do print(b) end --> int64 [2]
--     10  20
--   int64 [2]
--     30  40
--   int64 [1]
--     50
function Loader.new(...)
  local tensors, o = read(...)
  return setmetatable({
    tensors = tensors,
    n = #tensors[1],
    batch_size = o.batch_size == nil and 32 or integer("batch_size", o.batch_size, 1),
    shuffle = flag("shuffle", o.shuffle, false),
    drop_last = flag("drop_last", o.drop_last, false),
    seed = o.seed ~= nil and integer("seed", o.seed) or nil,
    scale = flag("scale", o.scale, true),
    epoch = 0,
  }, Loader)
end

return Loader
