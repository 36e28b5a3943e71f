-- sequential.lua: layers one after the other; lists of layers; plain functions as layers.

local class = require "lunette.nn.class"
local fail = require "lunette.nn.fail"
local trace = require "lunette.nn.trace"

-- ---- a plain function ----------------------------------------------------------------------------------

--- A plain function as a layer without parameters. Sequential makes one of every function it is
-- given. A function that uses a layer or a parameter from outside is an error: they would not train.
-- example:
--   double = nn.Lambda(function(x) return 2 * x end)
--   double(tensor{1, 2}) --> int64 [2]  2  4
local Lambda = class.new "Lambda"

function Lambda:init(f, position)
  if type(f) ~= "function" then fail.raise("nn.Lambda: takes a function, got a %s", type(f)) end
  self.position = position or "1"
  trace.check_upvalues(f, self.position, class.is_parameter)
  self.f = f
end

function Lambda:forward(x)
  local y = class.run_alone(self, self.f, x)
  return y
end

function Lambda:_repr()
  local info = debug.getinfo(self.f, "S")
  if info.what == "C" then return "function" end
  return ("function (%s:%d)"):format(info.short_src:match "[^/]*$", info.linedefined)
end

-- ---- checks of what is given -------------------------------------------------------------------------

local function as_layer(where, value, position)
  if class.of(value) then return value end
  if type(value) == "function" then return Lambda(value, tostring(position)) end
  if class.is_class(value) then
    fail.raise("%s: argument %d is the class %s, not a layer; write %s()", where, position,
      class.name(value), class.name(value))
  end
  if value == nil then
    fail.raise('%s: argument %d is nil (a misspelt name?); use false for "no layer here"', where, position)
  end
  fail.raise("%s: argument %d is a %s; a layer or a function is wanted", where, position,
    type(value) == "userdata" and "tensor" or type(value))
end

local function fill(self, given, n)
  local count = 0
  for i = 1, n do
    if given[i] ~= false then
      count = count + 1
      self[count] = as_layer(self._name, given[i], i)
    end
  end
end

-- The layers, given one by one or as one list.
local function read(...)
  local first = ...
  if select("#", ...) == 1 and type(first) == "table" and not class.of(first)
    and not class.is_class(first) then
    local n = #first
    for key in next, first do
      if math.type(key) ~= "integer" then
        fail.raise("a list of layers is wanted, and this table has the name '%s'", tostring(key))
      end
      n = math.max(n, key)
    end
    return first, n
  end
  return {...}, select("#", ...)
end

-- ---- lists ---------------------------------------------------------------------------------------------

--- A list of layers that is counted, saved and trained: list[i], list[-1], #list, ipairs(list). A
-- plain Lua list in a field of a module does as well.
-- example:
--   list = nn.ModuleList{nn.Linear(2, 3), nn.Linear(3, 1)}
--   #list, #list:parameters() --> 2  4
local ModuleList = class.new "ModuleList"
class.make_list(ModuleList)

function ModuleList:init(...) fill(self, read(...)) end

-- What is assigned to a position: list[2] = nn.ReLU().
function ModuleList:_as_layer(value, position)
  if position < 1 or position > #self + 1 then
    fail.raise("%s: position %d of %d; %d adds one at the end", self._name, position, #self, #self + 1)
  end
  return as_layer(self._name, value, position)
end

--- Adds a layer at the end. Returns the list.
function ModuleList:append(layer)
  self[#self + 1] = layer
  return self
end

--- Layers one after the other: nn.Sequential(nn.Linear(784, 10), nn.ReLU()). Passes the first result
-- of each on. A plain function stands for a layer without parameters, false for no layer. net[2] and
-- net[-1] are its layers, #net their number.
-- example:
--   net = nn.Sequential(nn.Flatten(), nn.Linear(784, 10))
--   net(tensor.zeros(8, 28, 28)).shape --> {8, 10}
--   net[-1] --> Linear(784, 10) (training), 7,850 parameters
local Sequential = class.new("Sequential", ModuleList)

function Sequential:forward(x)
  if x == nil then fail.raise("Sequential: called without input; write net(x)") end
  local layers = getmetatable(self).__index
  for i = 1, #layers do x = layers[i]:_forward(x) end
  return x
end

return {Sequential = Sequential, ModuleList = ModuleList, Lambda = Lambda}
