-- files.lua: the state of an optimizer, and of its schedule, in a safetensors file: the tensors by their
-- path in the state ("state.1.exp_avg"), everything else as text in the metadata.

local core = require "lunette.core"
local fail = require "lunette.nn.fail"
local optimizer = require "lunette.optim.optimizer"

local tensor = core.tensor
local Optimizer, check_self = optimizer.methods, optimizer.check_self

-- ---- tables as paths ---------------------------------------------------------------------------------

local write = {
  number = function(v) return math.type(v) == "integer" and ("i%d"):format(v) or ("f%a"):format(v) end,
  boolean = function(v) return v and "true" or "false" end,
  string = function(v) return "s" .. v end,
}

local read = {
  i = function(text) return math.tointeger(tonumber(text)) end,
  f = function(text)
    if text:find "inf" then return text:find "^-" and -math.huge or math.huge end
    return text:find "nan" and 0.0 / 0.0 or tonumber(text)
  end,
  s = function(text) return text end,
}

-- Adds what a table holds to tensors and notes, by paths of keys joined with dots. Functions are left out.
local function flatten(value, path, tensors, notes)
  for key, v in next, value do
    local name = path == "" and tostring(key) or path .. "." .. tostring(key)
    if tensor.is_tensor(v) then
      tensors[name] = v
    elseif type(v) == "table" then
      if next(v) == nil then notes[name] = "{}" end
      flatten(v, name, tensors, notes)
    elseif write[type(v)] then
      notes[name] = write[type(v)](v)
    end
  end
end

local function put(root, path, value)
  local at, last = root, nil
  for word in path:gmatch "[^.]+" do
    if last ~= nil then
      at[last] = at[last] or {}
      at = at[last]
    end
    last = math.tointeger(tonumber(word)) or word
    if type(at) ~= "table" then return end
  end
  at[last] = value
end

local function value_of(text)
  if text == "true" or text == "false" then return text == "true" end
  if text == "{}" then return {} end
  local as = read[text:sub(1, 1)]
  return as and as(text:sub(2))
end

-- ---- saving and loading ------------------------------------------------------------------------------

--- opt:save("train.safetensors", schedule): writes the state of the optimizer and, where one is given, of
-- its schedule to a safetensors file. With net:save it is all that a training goes on from.
-- example:
--   path = os.tmpname() .. ".safetensors"
--   old = optim.SGD(nn.Linear(2, 1), {lr = 0.1}):save(path)
--   optim.SGD(nn.Linear(2, 1), {lr = 0.5}):load(path) --> SGD lr 0.1 (2 parameters, 3 numbers)
function Optimizer:save(path, schedule)
  check_self(self, "save")
  local tensors, notes = {}, {}
  flatten(self:state_dict(), "optimizer", tensors, notes)
  if schedule then flatten(schedule:state_dict(), "schedule", tensors, notes) end
  notes.kind = "s" .. self.name
  tensor.save(path, tensors, {metadata = notes})
  return self
end

--- opt:load("train.safetensors", schedule): takes in what opt:save wrote: the optimizer goes on with the
-- same bits, and so does the schedule.
-- example:
--   path = os.tmpname() .. ".safetensors"
--   old = optim.SGD(nn.Linear(2, 1), {lr = 0.1}):save(path)
--   optim.SGD(nn.Linear(2, 1), {lr = 0.5}):load(path) --> SGD lr 0.1 (2 parameters, 3 numbers)
function Optimizer:load(path, schedule)
  check_self(self, "load")
  local tensors, notes = tensor.load(path)
  local kind = notes and notes.kind and value_of(notes.kind)
  if kind ~= self.name then
    fail.raise("load: %s is %s; this is %s", path, kind and "of the optimizer " .. tostring(kind)
      or "no file of an optimizer", self.name)
  end
  local root = {optimizer = {state = {}}}
  for name, text in next, notes do put(root, name, value_of(text)) end
  for name, t in pairs(tensors) do put(root, name, t) end
  if schedule and not root.schedule then fail.raise("load: %s holds no schedule", path) end
  self:load_state_dict(root.optimizer)
  if schedule then schedule:load_state_dict(root.schedule) end
  return self
end
