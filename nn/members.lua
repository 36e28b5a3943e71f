-- members.lua: what a module holds: parameters, buffers and layers, in order of first assignment,
-- those in plain lists of layers too. Every name is kept twice: as it counts in memory (from 1) and
-- as PyTorch writes it in files, where the positions of lists count from 0.

local core = require "lunette.core"
local class = require "lunette.nn.class"

local is_tensor = core.tensor.is_tensor
local Module = class.Module

-- Entries: {name =, disk =, value =, kind = "parameter" | "buffer" | "module", transient =}.
local scan

local function scan_table(out, name, disk, list, seen)
  if seen[list] then return end
  seen[list] = true
  for i = 1, #list do
    scan(out, ("%s.%d"):format(name, i), ("%s.%d"):format(disk, i - 1), list[i], nil, seen)
  end
  local keys = {}
  for key in next, list do
    if type(key) == "string" then keys[#keys + 1] = key end
  end
  table.sort(keys)
  for _, key in ipairs(keys) do
    scan(out, name .. "." .. key, disk .. "." .. key, list[key], nil, seen)
  end
end

function scan(out, name, disk, value, kind, seen)
  local t = type(value)
  if t == "userdata" then
    if is_tensor(value) and (kind or class.is_parameter(value)) then
      out[#out + 1] = {name = name, disk = disk, value = value, kind = kind or "parameter"}
    end
  elseif t == "table" then
    if class.of(value) then
      out[#out + 1] = {name = name, disk = disk, value = value, kind = "module"}
    elseif getmetatable(value) == nil then
      scan_table(out, name, disk, value, seen)
    end
  end
end

--- The entries of the module itself, not of its layers.
function Module:_members()
  local me = getmetatable(self)
  local out, seen = {}, {}
  for _, key in ipairs(me.order) do
    local position = math.type(key) == "integer"
    local before = #out
    scan(out, tostring(key), position and tostring(key - 1) or key, me.__index[key], me.kind[key], seen)
    if me.transient[key] and #out > before then out[#out].transient = true end
  end
  return out
end

local function walk(module, prefix, disk, out, seen)
  seen[module] = true
  for _, entry in ipairs(module:_members()) do
    entry.name, entry.disk = prefix .. entry.name, disk .. entry.disk
    entry.owner, entry.shared = module, seen[entry.value]
    out[#out + 1] = entry
    if entry.kind == "module" and not entry.shared then
      walk(entry.value, entry.name .. ".", entry.disk .. ".", out, seen)
    end
    seen[entry.value] = true
  end
  return out
end

--- The entries of the module and of all layers below, depth first, with full names. A tensor or
-- layer met before has `shared`.
function Module:_entries() return walk(self, "", "", {}, {}) end

-- ---- what users walk through -------------------------------------------------------------------------

local function iterator(self, kind)
  local all, i = self:_entries(), 0
  return function()
    repeat
      i = i + 1
      local entry = all[i]
      if entry and entry.kind == kind and not entry.shared then return entry.name, entry.value end
    until not entry
  end
end

local function values(iterate)
  local list = {}
  for _, value in iterate do list[#list + 1] = value end
  return list
end

--- for name, p in net:named_parameters() do … end. Shared parameters come once.
-- example: for name, p in nn.Linear(2, 3):named_parameters() do print(name, p.shape) end --> weight  {3, 2}  bias  {3}
function Module:named_parameters() return iterator(self, "parameter") end

--- for name, b in net:named_buffers() do … end
-- example:
--   net = nn.BatchNorm1d(3)
--   for name in net:named_buffers() do print(name) end --> running_mean  running_var  num_batches_tracked
function Module:named_buffers() return iterator(self, "buffer") end

--- A list of all parameters.
-- example: #nn.Linear(2, 3):parameters() --> 2
function Module:parameters() return values(iterator(self, "parameter")) end

--- A list of all buffers.
-- example: #nn.BatchNorm1d(3):buffers() --> 3
function Module:buffers() return values(iterator(self, "buffer")) end

--- for name, layer in net:named_children() do … end: the layers one level down.
-- example:
--   net = nn.Sequential(nn.Linear(2, 3), nn.ReLU())
--   for name, layer in net:named_children() do print(name, #layer:parameters()) end --> 1  2  2  0
function Module:named_children()
  local all, i = self:_members(), 0
  return function()
    repeat
      i = i + 1
      local entry = all[i]
      if entry and entry.kind == "module" then return entry.name, entry.value end
    until not entry
  end
end

--- A list of the layers one level down.
-- example: #nn.Sequential(nn.Linear(1, 1), nn.ReLU()):children() --> 2
function Module:children() return values(self:named_children()) end

--- for name, layer in net:named_modules() do … end: all layers below, depth first.
-- example:
--   net = nn.Sequential(nn.Linear(2, 3), nn.Sequential(nn.ReLU()))
--   for name in net:named_modules() do print(name) end --> 1  2  2.1
function Module:named_modules() return iterator(self, "module") end

--- A list of the module itself and all layers below.
-- example: #nn.Sequential(nn.Linear(1, 1), nn.ReLU()):modules() --> 3
function Module:modules()
  local list = values(iterator(self, "module"))
  table.insert(list, 1, self)
  return list
end

--- How many numbers its parameters hold; with true, only those that are trained.
-- example: nn.Linear(784, 10):num_parameters() --> 7850
function Module:num_parameters(trained)
  local n = 0
  for _, p in self:named_parameters() do
    if not trained or p.requires_grad then n = n + p:numel() end
  end
  return n
end
