-- state.lua: the state of a module by name, and safetensors files of it. In memory names count
-- positions from 1; in files from 0, as PyTorch's do. The module's own structure says which parts
-- of a name are positions, so nothing is guessed.

local core = require "lunette.core"
local class = require "lunette.nn.class"
local fail = require "lunette.nn.fail"
local Signature = require "lunette.nn.signature"

local tensor = core.tensor
local Module = class.Module

-- ---- ordered tables ----------------------------------------------------------------------------------

-- A table name -> tensor that pairs walks in the order of `names`.
local function ordered(names, values)
  return setmetatable(values, {
    names = names,
    __pairs = function(t)
      local i = 0
      return function()
        i = i + 1
        local name = names[i]
        if name ~= nil then return name, t[name] end
      end
    end,
    __len = function() return #names end,
  })
end

-- The names of a state in order: as it says itself, else sorted.
local function names_of(state)
  local me = getmetatable(state)
  local names = {}
  if me and (me.names or me.__pairs) then
    for name in pairs(state) do names[#names + 1] = name end
    return names
  end
  for name in next, state do names[#names + 1] = name end
  table.sort(names, function(a, b) return tostring(a) < tostring(b) end)
  return names
end

local function saved(self)
  local all, i = self:_entries(), 0
  return function()
    repeat
      i = i + 1
      local entry = all[i]
      if entry and entry.kind ~= "module" and not entry.transient then return entry end
    until not entry
  end
end

--- Parameters and buffers by name, in order: for name, t in pairs(net:state_dict()). The tensors are
-- the module's own; shared ones stand under their first name.
-- example: for name, t in pairs(nn.Linear(2, 3):state_dict()) do print(name, t.shape) end --> weight  {3, 2}  bias  {3}
function Module:state_dict()
  local names, values = {}, {}
  for entry in saved(self) do
    if not entry.shared then
      names[#names + 1] = entry.name
      values[entry.name] = entry.value:detach()
    end
  end
  return ordered(names, values)
end

-- ---- taking a state in ---------------------------------------------------------------------------------

local function skipped(name, patterns)
  for _, pattern in ipairs(patterns) do
    if name:find("^" .. pattern .. "$") then return true end
  end
end

-- "classifier.*" as people write it, as a Lua pattern: * stands for anything.
local function to_patterns(skip)
  local list = {}
  for i, text in ipairs(type(skip) == "string" and {skip} or skip or {}) do
    list[i] = text:gsub("[%^%$%(%)%%%.%[%]%+%-%?]", "%%%0"):gsub("%*", ".*")
  end
  return list
end

local function listed(what, items)
  if #items == 0 then return nil end
  local shown = table.concat(items, ", ", 1, math.min(#items, 6))
  if #items > 6 then shown = shown .. (", and %d more"):format(#items - 6) end
  return ("%d %s: %s"):format(#items, what:format(#items == 1 and "tensor has" or "tensors have"), shown)
end

-- Pairs {entry, tensor}; raises with a list of all that does not fit.
local function match(self, state, where, key, options)
  local by_name, taken, done, wrong, lost, missing = {}, {}, {}, {}, {}, {}
  local patterns = to_patterns(options.skip)
  for entry in saved(self) do by_name[entry[key]] = entry end
  for _, name in ipairs(names_of(state)) do
    local entry, t = by_name[name], state[name]
    if not tensor.is_tensor(t) then
      fail.raise("%s: '%s' is a %s; a table of tensors by name is wanted", where, tostring(name), type(t))
    end
    if type(name) == "string" and skipped(name, patterns) then
      if entry then done[entry.value] = true end
    elseif not entry then
      lost[#lost + 1] = ("\"%s\" %s"):format(tostring(name), fail.shape(t))
    else
      done[entry.value] = true
      if entry.value.shape ~= t.shape then
        wrong[#wrong + 1] = ("\"%s\" %s where the model has %s"):format(name, fail.shape(t),
          fail.shape(entry.value))
      end
      taken[#taken + 1] = {entry, t}
    end
  end
  for entry in saved(self) do
    if not done[entry.value] and not skipped(entry[key], patterns) then
      done[entry.value] = true
      missing[#missing + 1] = ("\"%s\" %s"):format(entry[key], fail.shape(entry.value))
    end
  end
  local problems = {}
  if options.strict ~= false then
    problems[#problems + 1] = listed("%s no place in the model", lost)
    problems[#problems + 1] = listed("%s not been given", missing)
  end
  problems[#problems + 1] = listed("%s another shape", wrong)
  if #problems > 0 then
    fail.raise("%s: %s%s", where, table.concat(problems, "; "),
      #wrong == 0 and "; {strict = false} takes what fits" or "")
  end
  return taken
end

local function copy_in(taken)
  tensor.no_grad(function()
    for _, pair in ipairs(taken) do pair[1].value:detach():copy_(pair[2]) end
  end)
end

local load_state = Signature.new("load_state_dict", "state: table, strict: bool=true, skip: any?")
local load_file = Signature.new("load", "path: any, strict: bool=true, skip: any?, verbose: bool=true")
local save_file = Signature.new("save", "path: any, verbose: bool=true")

--- Copies a state by name into the module: what state_dict gave (names from 1) or tensor.load (names
-- as in the file). Names that are missing or have no place are an error that lists them, unless
-- {strict = false}; {skip = "head.*"} passes names over. Returns the module.
-- example:
--   net = nn.Linear(2, 1)
--   copy = nn.Linear(2, 1):load_state_dict(net:state_dict())
--   copy.weight:equal(net.weight) --> true
function Module:load_state_dict(state, ...)
  local o = load_state:read(state, ...)
  local me = getmetatable(state)
  copy_in(match(self, state, "load_state_dict", me and me.file and "disk" or "name", o))
  return self
end

-- ---- files -------------------------------------------------------------------------------------------

-- The first name that is spelt differently in files: "1.weight is 0.weight", or nil.
local function first_shift(entries, form)
  for _, entry in ipairs(entries) do
    if entry.name ~= entry.disk then return form:format(entry.name, entry.disk) end
  end
end

--- Writes parameters and buffers to a safetensors file, with PyTorch's names (positions from 0).
-- Returns the module.
-- example:
--   path = os.tmpname() .. ".safetensors"
--   net = nn.Linear(2, 1):save(path) --> saved 2 tensors, 3 values to ...
--   nn.Linear(2, 1):load(path).weight:equal(net.weight) --> loaded 2 tensors from ... true
function Module:save(...)
  local o = save_file:read(...)
  local names, values, entries, count = {}, {}, {}, 0
  for entry in saved(self) do
    if not entry.shared then
      names[#names + 1], entries[#entries + 1] = entry.disk, entry
      values[entry.disk] = entry.value:detach()
      count = count + entry.value:numel()
    end
  end
  tensor.save(o.path, ordered(names, values))
  if o.verbose then
    local shift = first_shift(entries, "; names in the file count from 0, as PyTorch's do: %s is %s")
    io.stderr:write(("saved %d tensors, %d values to %s%s\n"):format(#names, count, o.path, shift or ""))
  end
  return self
end

--- Reads a safetensors file with PyTorch's names (positions from 0) into the module and returns it.
-- Options as for load_state_dict.
-- example:
--   path = os.tmpname() .. ".safetensors"
--   net = nn.Linear(2, 1):save(path) --> saved 2 tensors, 3 values to ...
--   nn.Linear(2, 1):load(path).weight:equal(net.weight) --> loaded 2 tensors from ... true
function Module:load(...)
  local o = load_file:read(...)
  local state = tensor.load(o.path)
  local taken = match(self, state, "load " .. tostring(o.path), "disk", o)
  copy_in(taken)
  if o.verbose then
    local entries = {}
    for i, pair in ipairs(taken) do entries[i] = pair[1] end
    local shift = first_shift(entries, "; %s here is %s in the file")
    io.stderr:write(("loaded %d tensors from %s%s\n"):format(#taken, o.path, shift or ""))
  end
  return self
end
