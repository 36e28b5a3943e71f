-- groups.lua: the parameters of an optimizer as it is given them, in groups with options of their own.

local core = require "lunette.core"
local class = require "lunette.nn.class"
local fail = require "lunette.nn.fail"

local tensor = core.tensor

local groups = {}

local function check_parameter(where, i, p)
  if not tensor.is_tensor(p) then
    fail.raise("%s: parameter %d is a %s; parameters are tensors, a module or a list of groups {params = …}",
      where, i, type(p))
  end
  if not p.is_leaf then
    fail.raise("%s: parameter %d %s was computed from other tensors, so it gets no gradient; make it a "
      .. "leaf: x:detach():requires_grad_()", where, i, fail.shape(p))
  end
  if not p.dtype:find "float" then
    fail.raise("%s: parameter %d is %s; only float tensors are trained", where, i, p.dtype)
  end
end

-- Appends to lists of tensors and their names what a module, a tensor or a list of these holds.
local function read_params(where, given, params, names)
  if class.of(given) then
    for key, p in given:named_parameters() do
      params[#params + 1], names[#names + 1] = p, key
    end
  elseif tensor.is_tensor(given) then
    params[#params + 1], names[#names + 1] = given, "parameter " .. #params + 1
  elseif type(given) == "table" and not class.is_class(given) then
    for i = 1, #given do
      if type(given[i]) ~= "table" then check_parameter(where, i, given[i]) end
      read_params(where, given[i], params, names)
    end
    if #given == 0 and next(given) ~= nil then
      fail.raise("%s: the parameters are a table with names; a list, a module or groups {params = …} "
        .. "are wanted", where)
    end
  else
    fail.raise("%s: the first argument is %s; parameters are wanted: a module, a list of tensors or a "
      .. "list of groups", where, class.is_class(given) and "the " .. tostring(given) or "a " .. type(given))
  end
end

--- Is this a group, {params = …, lr = …}?
function groups.is_group(value)
  return type(value) == "table" and getmetatable(value) == nil and rawget(value, "params") ~= nil
end

--- One group: its parameters, their names, and the options in force: those of `defaults` unless the
-- group has its own. `seen` is the set of parameters that are taken.
function groups.make(signature, given, defaults, seen)
  local own = groups.is_group(given) and given or {params = given}
  local group, where = {params = {}, names = {}}, signature.where
  read_params(where, own.params, group.params, group.names)
  local mine = {}
  for i, p in ipairs(group.params) do
    check_parameter(where, i, p)
    if seen[p] or mine[p] then fail.raise("%s: %s is in the list twice", where, group.names[i]) end
    mine[p] = true
  end
  local options = {}
  for key, value in next, own do options[key] = value end
  for _, name in ipairs(signature.names) do
    if options[name] == nil then options[name] = defaults[name] end
  end
  options.params = nil
  for name, value in next, signature:read(group.params, options) do
    if name ~= "params" then group[name] = value end
  end
  for p in next, mine do seen[p] = true end
  return group
end

--- How many of the parameters record gradients.
function groups.count_trained(list)
  local n = 0
  for _, group in ipairs(list) do
    for _, p in ipairs(group.params) do
      if p.requires_grad then n = n + 1 end
    end
  end
  return n
end

return groups
