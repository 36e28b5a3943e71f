-- class.lua: what a module is in Lua: a class, its instances, the registration of their fields and
-- the way a call reaches `forward`.
--
-- An instance is an empty table; its fields stand in a table of their own, so that every assignment,
-- the first and later ones, passes through `assign`. The instance's metatable (`me` below) holds
--   __index   the fields; their metatable leads on to the class
--   order     names of fields that may hold parameters, buffers or layers, by first assignment
--   placed    the same as a set;  kind[name]: "parameter", "buffer";  transient[name]: not saved
-- A class keeps the user's `forward` as `_forward`; `forward` itself is a wrapper that checks its
-- first argument and, at the outermost call, adds to an error the path of the layer it arose in.

local core = require "lunette.core"
local fail = require "lunette.nn.fail"
local trace = require "lunette.nn.trace"

local is_tensor = core.tensor.is_tensor

local class = {}

--- What all layers and models are: parameters, buffers and layers in fields, training mode, saving,
-- fit. nn.class makes a class of one's own; the methods of modules stand in every instance of it.
-- example:
--   net = nn.Sequential(nn.Linear(2, 3), nn.ReLU())
--   nn.is_module(net), #net:parameters() --> true  2
local Module = {_name = "Module", _library = true}
local here = debug.getinfo(1, "Sl")
Module._source, Module._line = here.source, here.currentline - 1
class.Module = Module

local known = setmetatable({}, {__mode = "k"}) -- classes

-- ---- what is what ----------------------------------------------------------------------------------

--- The class of an instance, or nil for anything else.
function class.of(value)
  local me = type(value) == "table" and getmetatable(value)
  return me and type(me) == "table" and rawget(me, "class") or nil
end

function class.is_class(value) return known[value] ~= nil end

local marked = setmetatable({}, {__mode = "k"}) -- tensors that are parameters, frozen or not

--- Is this tensor a parameter: marked as one, or a leaf that records gradients?
function class.is_parameter(t) return marked[t] or t.requires_grad and t.is_leaf end

function class.mark_parameter(t)
  core.keep(t)
  marked[t] = true
  return t
end

-- ---- calling -----------------------------------------------------------------------------------------

local running = coroutine.running
local inside -- the coroutine in which a module's call is on: its errors will be explained further out
local alone  -- the plain function that runs as a layer in it

-- For errors that no handler sees: memory, an interrupt between two instructions.
local leaving = setmetatable({}, {__close = function(_, problem)
  if problem ~= nil then inside, alone = nil, nil end
end})

local function finish(coroutine_before, alone_before, done, ...)
  inside, alone = coroutine_before, alone_before
  if not done then error((...), 0) end
  return ...
end

local function outermost(f, self, ...)
  local _ <close> = leaving
  trace.note_mode(self)
  trace.note_bytes(self, (...))
  local coroutine_before, alone_before = inside, alone
  inside, alone = running(), nil
  return finish(coroutine_before, alone_before, xpcall(f, trace.explain, self, ...))
end
trace.outermost = outermost

local function call(self, ...)
  if inside ~= running() then return outermost(self._forward, self, ...) end
  if alone then trace.foreign_layer(alone, self) end
  return self:_forward(...)
end

local back = {__close = function(before) alone = before.alone end}

--- Runs a plain function as a layer; a module that it calls is an error.
function class.run_alone(layer, f, x)
  local _ <close> = setmetatable({alone = alone}, back)
  alone = layer
  local y = f(x)
  return y
end

local function misuse(self)
  fail.raise("forward: called with '.', so self is %s; write net(x) or net:forward(x)",
    type(self) == "userdata" and "a tensor" or "a " .. type(self))
end

-- The `forward` that others see, for the one that was written.
local function public(f)
  return function(self, ...)
    if not class.of(self) then misuse(self) end
    if inside ~= running() then return outermost(f, self, ...) end
    if alone then trace.foreign_layer(alone, self) end
    return f(self, ...)
  end
end

-- ---- fields ------------------------------------------------------------------------------------------

local function check_tensor(me, key, value)
  local kind = me.kind[key]
  if kind == "buffer" then return end
  if value.requires_grad and value.is_leaf or marked[value] then
    marked[value] = true
    me.kind[key] = "parameter"
  elseif kind == "parameter" then
    fail.raise("%s.%s is a parameter, and this tensor is none; assign nn.Parameter(t), or copy: "
      .. "tensor.no_grad(function() m.%s:copy_(t) end)", me.class._name, key, key)
  end
end

local function place(me, key)
  if not me.placed[key] then
    me.placed[key] = true
    me.order[#me.order + 1] = key
  end
end

local function assign(self, key, value)
  local me = getmetatable(self)
  if me.class._as_layer and math.type(key) == "integer" and value ~= nil then
    value = me.class._as_layer(self, value, key)
  end
  local t = type(value)
  if t == "userdata" and is_tensor(value) then
    check_tensor(me, key, value)
    core.keep(value)
    place(me, key)
  elseif t == "table" then
    if class.is_class(value) then
      fail.raise("%s.%s is given the class %s, not a layer; write %s()", me.class._name, key,
        class.name(value), class.name(value))
    end
    place(me, key)
  elseif key == "forward" and t == "function" then
    me.__index._forward = value
    trace.forwards[value] = true
    value = public(value)
  end
  if me.kind[key] == "parameter" and t ~= "userdata" and value ~= nil then
    fail.raise("%s.%s is a parameter, and a %s is none; its values are set by tensor.no_grad(function() "
      .. "m.%s:fill_(0) end)", me.class._name, key, t, key)
  end
  if t ~= "function" and rawget(Module, key) ~= nil and key ~= "training" then
    fail.raise("%s.%s: '%s' is a method of modules; choose another name for the field",
      me.class._name, tostring(key), tostring(key))
  end
  me.__index[key] = value
end

--- Registers a buffer: saved (unless persistent is false) and converted, but not trained.
-- example:
--   net = nn.Identity():register_buffer("scale", tensor{0.5})
--   net.scale, #net:parameters() --> float32 [1]  0.5  0
function Module:register_buffer(name, value, persistent)
  local me = getmetatable(self)
  if value ~= nil and not is_tensor(value) then
    fail.raise("register_buffer: '%s' is a %s; a tensor is wanted", tostring(name), type(value))
  end
  me.kind[name] = "buffer"
  me.transient[name] = persistent == false or nil
  place(me, name)
  if value ~= nil then core.keep(value) end
  me.__index[name] = value
  return self
end

-- ---- making ------------------------------------------------------------------------------------------

-- A function of a class must take the instance first.
local function check_colon(owner, name, f)
  if type(f) ~= "function" then return end
  local first = debug.getlocal(f, 1)
  local info = debug.getinfo(f, "u")
  if info.nparams == 0 and info.isvararg then return end
  if info.nparams > 0 and (first == "self" or first == "_" or first == nil) then return end
  fail.raise("%s.%s is declared with '.', so %s; declare function %s:%s(…)", owner._name, name,
    first and info.nparams > 0 and ("its first parameter '%s' receives the layer"):format(first)
      or "it does not receive the layer", owner._name, name)
end

local function check_first(self_class, first)
  if not self_class._library then return end
  if type(first) == "userdata" and not self_class._takes_tensor then
    local method = self_class._name:lower()
    fail.raise("%s: called with a tensor; first make the layer, %s(…)(x)%s", class.name(self_class),
      class.name(self_class), core.methods[method] and (", or write x:%s()"):format(method) or "")
  end
  if type(first) == "table" and rawequal(first, class.nn) then
    fail.raise("nn:%s(…): constructors take a dot: nn.%s(…)", self_class._name, self_class._name)
  end
end

local function construct(self_class, ...)
  check_first(self_class, (...))
  if self_class.init ~= Module.init then check_colon(self_class, "init", self_class.init) end
  check_colon(self_class, "forward", self_class._forward)
  local fields = setmetatable({training = true}, self_class._fields)
  local me = {class = self_class, order = {}, placed = {}, kind = {}, transient = {},
    __index = fields, __name = self_class._name}
  me.__call, me.__newindex = call, assign
  me.__len, me.__tostring, me.__pairs = self_class.__len, self_class.__tostring, self_class.__pairs
  local self = setmetatable({}, me)
  self_class.init(self, ...)
  return self
end

local function set_member(self_class, key, value)
  if key == "forward" and type(value) == "function" then
    rawset(self_class, "_forward", value)
    trace.forwards[value] = true
    value = public(value)
  end
  rawset(self_class, key, value)
end

--- How a class is written: nn.ReLU for those of the library.
function class.name(self_class)
  return (self_class._library and "nn." or "") .. self_class._name
end

local meta = {
  __call = construct,
  __newindex = set_member,
  __tostring = function(self_class) return "class " .. class.name(self_class) end,
}

-- What is not a field: from the class; positions of a list also count from the end.
local function lookup(self_class)
  if not self_class._is_list then return self_class end
  return function(fields, key)
    if math.type(key) ~= "integer" then return self_class[key] end
    local n = #fields
    if key == n + 1 then return nil end -- where ipairs stops
    if key >= 0 or key < -n then
      fail.raise("position %d of a %s of %d; positions count from 1, the last is -1", key,
        self_class._name, n)
    end
    return rawget(fields, n + 1 + key)
  end
end

local function setup(self_class, base)
  known[self_class] = true
  setmetatable(self_class, {__index = base, __call = meta.__call, __newindex = meta.__newindex,
    __tostring = meta.__tostring})
  rawset(self_class, "_fields", {__index = lookup(self_class)})
  return self_class
end

setup(Module)

--- A new class of layers: nn.class "Net", or nn.class("Net", Base). Give it Net:init(…) and
-- Net:forward(x); init needs no call of the base's.
-- example:
--   Twice = nn.class "Twice"
--   function Twice:init(n) self.linear = nn.Linear(n, n) end
--   function Twice:forward(x) return self.linear(self.linear(x)) end
--   Twice(3)(tensor.zeros(8, 3)).shape --> {8, 3}
function class.new(name, base, level)
  if type(name) ~= "string" then fail.raise('class: a class has a name: nn.class "Net"') end
  if base ~= nil and not class.is_class(base) then
    fail.raise("class %s: the base is %s; a class is wanted", name,
      class.of(base) and "a layer, made by its class" or "a " .. type(base))
  end
  local info = debug.getinfo(level or 2, "Sl")
  return setup({_name = name, _source = info.source, _line = info.currentline,
    _library = fail.is_library(info.source) or nil}, base or Module)
end

--- Makes the instances of a class lists: net[-1] is the last, net[0] an error.
function class.make_list(self_class)
  rawset(self_class, "_is_list", true)
  self_class._fields.__index = lookup(self_class)
end

function Module:__len() return #getmetatable(self).__index end

Module.init = function() end

Module.forward = function(self)
  fail.raise("%s has no forward; declare function %s:forward(x)", self and self._name or "a module",
    self and self._name or "Net")
end

return class
