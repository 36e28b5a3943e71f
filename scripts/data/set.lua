-- set.lua: data sets: x, y with as many rows, and the names of the classes.

local core = require "lunette.core"
local fail = require "lunette.nn.fail"

local tensor = core.tensor

local set = {}

local fields = {x = true, y = true, classes = true, name = true}
local meta = {__name = "data set"}

function meta.__index(_, key)
  if fields[key] then return nil end
  local near = core.suggest(tostring(key), {"x", "y", "classes", "name"})
  fail.raise("this data set has no field '%s'%s", tostring(key),
    near and "; did you mean " .. near .. "?" or "; it has x, y, classes and name")
end

function meta.__len(s) return #rawget(s, "x") end

function meta.__tostring(s)
  local x, y = s.x, s.y
  local parts = {("%s%d rows; x %s %s"):format(s.name and s.name .. ": " or "", #x, x.dtype, fail.shape(x))}
  if y then parts[#parts + 1] = ("y %s %s"):format(y.dtype, fail.shape(y)) end
  if s.classes then parts[#parts + 1] = ("%d classes: %s"):format(#s.classes, table.concat(s.classes, ", ")) end
  return table.concat(parts, "; ")
end

--- A data set of x and y (may be nil), which have as many rows; classes is a list of names or nil.
function set.new(x, y, classes, name)
  return setmetatable({x = x, y = y, classes = classes, name = name}, meta)
end

--- Is it a data set: a table with a tensor x?
function set.is(value)
  if type(value) ~= "table" then return false end
  return tensor.is_tensor(rawget(value, "x"))
end

--- Raises unless all are tensors with as many rows; names stand for them in the message.
function set.check(where, tensors, names)
  for i, t in ipairs(tensors) do
    if not tensor.is_tensor(t) then
      fail.raise("%s: %s is a %s; tensors with one row for each sample are wanted%s", where, names[i], type(t),
        type(t) == "table" and " (tensor(…) makes one of a table)" or "")
    end
    if t:dim() == 0 then fail.raise("%s: %s is a single number; samples stand along the first dimension", where, names[i]) end
    if #t ~= #tensors[1] then
      fail.raise("%s: %s has %d rows and %s %d; they must be equal", where, names[1], #tensors[1], names[i], #t)
    end
  end
end

return set
