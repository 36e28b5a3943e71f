-- trace.lua: where in a model an error arose: "Sequential > 2 (Linear 784 -> 128): …". Nothing is
-- noted while a model runs; the message handler reads the layers off the stack.

local core = require "lunette.core"
local fail = require "lunette.nn.fail"

local trace = {
  forwards = setmetatable({}, {__mode = "k"}), -- functions that are some class's forward
  outermost = nil,                             -- class.lua's function below all forwards of a call
}

local MOST = 180 -- levels of the stack to look at

local function is_module(value)
  local me = type(value) == "table" and getmetatable(value)
  return type(me) == "table" and rawget(me, "class") and true or false
end

-- ---- names -------------------------------------------------------------------------------------------

-- Names that lead from `parent` to `child`, directly or through layers between, or nil.
local function way(parent, child, met)
  met = met or {}
  if met[parent] then return nil end
  met[parent] = true
  local members = parent:_members()
  for _, entry in ipairs(members) do
    if rawequal(entry.value, child) then return {entry.name} end
  end
  for _, entry in ipairs(members) do
    local rest = entry.kind == "module" and way(entry.value, child, met)
    if rest then
      table.insert(rest, 1, entry.name)
      return rest
    end
  end
end

--- "Linear 784 -> 128": the layer as messages name it.
function trace.label(layer)
  local about = layer._label and layer:_label()
  return about and layer._name .. " " .. about or layer._name
end

-- "Sequential > 2 (Linear 784 -> 128)" for layers from the outside in.
local function path_text(layers)
  if #layers == 1 then return trace.label(layers[1]) end
  local parts = {layers[1]._name}
  for i = 2, #layers do
    local last, names = i == #layers, way(layers[i - 1], layers[i])
    if not names then
      parts[#parts + 1] = last and trace.label(layers[i]) or layers[i]._name
    else
      table.move(names, 1, #names, #parts + 1, parts)
      if last then parts[#parts] = ("%s (%s)"):format(parts[#parts], trace.label(layers[i])) end
    end
  end
  return table.concat(parts, " > ")
end

-- ---- the stack ---------------------------------------------------------------------------------------

-- The layers that are running, from the outside in; the input of the innermost; the innermost Lua
-- frame; the position of the innermost user code.
local function read_stack(level)
  local layers, input, inner = {}, nil, nil
  for at = level + 1, level + MOST do
    local info = debug.getinfo(at, "fSl")
    if not info then break end
    if info.func == trace.outermost then -- its layer, when the frame of that has been left
      local _, self = debug.getlocal(at, 2)
      if not rawequal(layers[1], self) then table.insert(layers, 1, self) end
      break
    end
    if not inner and info.currentline > 0 then inner = info end
    if trace.forwards[info.func] then
      local _, self = debug.getlocal(at, 1)
      if is_module(self) then
        if #layers == 0 then _, input = debug.getlocal(at, 2) end
        table.insert(layers, 1, self)
      end
    end
  end
  return layers, input, inner
end

-- An error that is complete: no path is added.
local complete = {__tostring = function(self) return self.text end}

--- Message handler of a model's outermost call: adds the path of the layer.
function trace.explain(message)
  if type(message) == "table" and getmetatable(message) == complete then
    return fail.where(2) .. message.text
  end
  if type(message) ~= "string" or message:find "interrupted!$" then return message end
  local layers, input, inner = read_stack(2)
  if #layers == 0 or not inner then return message end
  local layer = layers[#layers]
  local in_library = fail.is_library(inner.source)
  local place = ("%s:%d: "):format(inner.short_src, inner.currentline)
  local user = fail.where(2)
  if message:sub(1, #place) == place then
    message = message:sub(#place + 1)
    if in_library then place = user end
  elseif message:sub(1, #user) == user then
    message, place = message:sub(#user + 1), user
  else
    place = ""
  end
  if not in_library and #layers == 1 then return place .. message end
  local better = in_library and layer._explain and layer:_explain(input)
  return ("%s%s: %s"):format(place, path_text(layers), better or message)
end

-- ---- layers that a plain function takes from outside --------------------------------------------------

local function global_name(value)
  local names = {}
  for name, v in next, _G do
    if rawequal(v, value) and type(name) == "string" then names[#names + 1] = name end
  end
  table.sort(names)
  return names[1]
end

local outside = "Sequential: function at position %s uses the %s '%s' from outside, which "
  .. "parameters() cannot see; make it a class (nn.class) or put %s in the Sequential"

local harmless = setmetatable({}, {__mode = "k"})

-- Does it matter that parameters(), save, train and eval do not reach this module?
local function matters(module)
  if harmless[module] then return false end
  for _, m in ipairs(module:modules()) do
    if m._acts_in_training and m:_acts_in_training() then return true end
    for _, entry in ipairs(m:_members()) do
      if entry.kind ~= "module" then return true end
    end
  end
  harmless[module] = true
  return false
end

--- Raises when `f`, meant as the layer at a position, holds a layer or a parameter as an upvalue.
function trace.check_upvalues(f, position, is_parameter)
  for i = 1, 255 do
    local name, value = debug.getupvalue(f, i)
    if not name then return end
    local what = is_module(value) and matters(value) and "layer"
      or core.tensor.is_tensor(value) and is_parameter(value) and "parameter"
    if what then
      fail.raise(outside, position, what, name, what == "layer" and name or "its layer")
    end
  end
end

--- The plain function `layer` has called a module: an error if that has anything to train or save.
function trace.foreign_layer(layer, module)
  if not matters(module) then return end
  local name = global_name(module) or module._name
  error(setmetatable({text = outside:format(layer.position, "layer", name, name)}, complete))
end

-- ---- a note on modes ---------------------------------------------------------------------------------

local noted = setmetatable({}, {__mode = "k"})

--- Says once for a model that it drops or normalises as in training though nothing is recorded.
function trace.note_mode(model)
  if not model.training or noted[model] or core.tensor.is_grad_enabled() then return end
  noted[model] = true
  for _, module in ipairs(model:modules()) do
    if module.training and module._acts_in_training and module:_acts_in_training() then
      io.stderr:write(("note: %s is in training mode (%s acts differently then) while nothing is "
        .. "recorded; net:eval() before predictions\n"):format(model._name, module._name))
      return
    end
  end
end

trace.scaled = setmetatable({}, {__mode = "k"}) -- models that were trained on bytes as 0..1

--- Says once that a model which was trained on bytes as 0..1 is called with bytes as they are.
function trace.note_bytes(model, x)
  if not trace.scaled[model] or not core.tensor.is_tensor(x) or x.dtype ~= "uint8" then return end
  trace.scaled[model] = nil
  io.stderr:write("note: the model was trained on bytes as 0..1, and a call takes them as 0..255; "
    .. "write net(x / 255), or net:predict(x)\n")
end

return trace
