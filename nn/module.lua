-- module.lua: the methods of every module: mode, gradients, conversion.

local class = require "lunette.nn.class"
local fail = require "lunette.nn.fail"

local Module = class.Module

--- Puts the module and all layers below into training mode, or with false out of it. Returns it.
-- example:
--   net = nn.Dropout():eval()
--   net.training, net:train().training --> false  true
function Module:train(mode)
  if mode == nil then mode = true end
  if type(mode) ~= "boolean" then
    fail.raise("train: takes true or false, got %s; training is net:fit(x, y, {…})",
      type(mode) == "userdata" and "a tensor" or "a " .. type(mode))
  end
  for _, module in ipairs(self:modules()) do module.training = mode end
  return self
end

--- Puts the module and all layers below into evaluation mode: dropout passes everything on, batch
-- norms use their running statistics. Returns it.
-- example: nn.Dropout():eval()(tensor{1.0, 2.0}) --> float32 [2]  1.0  2.0
function Module:eval() return self:train(false) end

local function restore(modules, modes, done, ...)
  for i, module in ipairs(modules) do module.training = modes[i] end
  if not done then error((...), 0) end
  return ...
end

-- Calls f(…) with everything in a mode and gives every layer its own mode back, after errors too.
function Module:_with_mode(mode, f, ...)
  local modules, modes = self:modules(), {}
  for i, module in ipairs(modules) do
    modes[i] = module.training
    module.training = mode
  end
  return restore(modules, modes, pcall(f, ...))
end

--- Calls f on every layer below and last on the module itself. Returns it.
-- example:
--   n, net = 0, nn.Sequential(nn.Linear(1, 1), nn.ReLU())
--   net = net:apply(function(layer) n = n + 1 end)
--   n --> 3
function Module:apply(f)
  for _, child in self:named_children() do child:apply(f) end
  f(self)
  return self
end

--- Forgets the gradients of all parameters.
-- example:
--   net = nn.Linear(1, 1)
--   net(tensor{{1.0}}):sum():backward()
--   net = net:zero_grad()
--   net.weight.grad --> nil
function Module:zero_grad()
  for _, p in self:named_parameters() do p.grad = nil end
  return self
end

--- Freezes all parameters with false, thaws them with true. Returns the module.
-- example: nn.Linear(2, 3):requires_grad_(false):num_parameters(true) --> 0
function Module:requires_grad_(on)
  for _, p in self:named_parameters() do p:requires_grad_(on ~= false) end
  return self
end

-- A converted copy of a parameter or buffer, or itself.
local function converted(entry, dtype)
  local old = entry.value
  if old.dtype == dtype or not old.dtype:find "float" then return old end
  local new = old:detach():to(dtype)
  if entry.kind ~= "parameter" then return new end
  class.mark_parameter(new)
  if old.requires_grad then new:requires_grad_() end
  return new
end

-- Puts a value where a name such as "blocks.2" leads from a module.
local function put(module, name, value)
  local into, last = module, nil
  for part in name:gmatch "[^.]+" do
    local key = math.tointeger(tonumber(part)) or part
    if last ~= nil then into = into[last] end
    last = key
  end
  into[last] = value
end

--- Converts all float parameters and buffers to a float type, such as "float64". Optimizers that
-- were made before keep the old ones: make them after. Returns the module.
-- example: nn.Linear(1, 1):to("float64").weight.dtype --> float64
function Module:to(dtype)
  if dtype ~= "float32" and dtype ~= "float64" then
    fail.raise('to: modules compute in "float32" or "float64", got %s', tostring(dtype))
  end
  local new = {}
  for _, module in ipairs(self:modules()) do
    for _, entry in ipairs(module:_members()) do
      if entry.kind ~= "module" then
        new[entry.value] = new[entry.value] or converted(entry, dtype)
        put(module, entry.name, new[entry.value])
      end
    end
  end
  return self
end

--- The same as to "float32".
-- example: nn.Linear(1, 1, {dtype = "float64"}):float().weight.dtype --> float32
function Module:float() return self:to "float32" end

--- The same as to "float64".
-- example: nn.Linear(1, 1):double().weight.dtype --> float64
function Module:double() return self:to "float64" end
