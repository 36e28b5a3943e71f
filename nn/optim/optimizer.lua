-- optimizer.lua: what all optimizers share: groups of parameters, their state, stepping and saving.
--
-- An optimizer has param_groups, a list of {params = {…}, lr = …, …}; options may be changed between
-- steps (opt.param_groups[1].lr = 1e-4, or opt:set_lr(1e-4) for all). The state of a parameter is a
-- table with `step` and the optimizer's own tensors.

local core = require "lunette.core"
local class = require "lunette.nn.class"
local fail = require "lunette.nn.fail"
local Signature = require "lunette.nn.signature"

local tensor = core.tensor

local Optimizer = {}
Optimizer.__index = Optimizer

-- ---- making ----------------------------------------------------------------------------------------

local function is_group(value)
  return type(value) == "table" and getmetatable(value) == nil and rawget(value, "params") ~= nil
end

local function check_parameter(name, i, p)
  if not tensor.is_tensor(p) then
    fail.raise("%s: parameter %d is a %s; parameters are tensors, a module or a list of groups {params = …}",
      name, i, type(p))
  end
  if not p.is_leaf then
    fail.raise("%s: parameter %d %s was computed from other tensors, so it gets no gradient; make it a "
      .. "leaf: x:detach():requires_grad_()", name, i, fail.shape(p))
  end
  if not p.dtype:find "float" then
    fail.raise("%s: parameter %d is %s; only float tensors are trained", name, i, p.dtype)
  end
end

-- A list of tensors, and their names, from a module, a tensor or a list of these.
local function read_params(name, given, params, names)
  if class.of(given) then
    for key, p in given:named_parameters() do
      params[#params + 1], names[#names + 1] = p, key
    end
  elseif tensor.is_tensor(given) then
    params[#params + 1], names[#names + 1] = given, "parameter " .. #params + 1
  elseif type(given) == "table" and not class.is_class(given) then
    for i = 1, #given do
      if type(given[i]) ~= "table" then check_parameter(name, i, given[i]) end
      read_params(name, given[i], params, names)
    end
    if #given == 0 and next(given) ~= nil then
      fail.raise("%s: the parameters are a table with names; a list, a module or groups {params = …} "
        .. "are wanted", name)
    end
  else
    fail.raise("%s: the first argument is %s; parameters are wanted: a module, a list of tensors or a "
      .. "list of groups", name, class.is_class(given) and "the " .. tostring(given) or "a " .. type(given))
  end
end

-- One group: its parameters and the options in force.
local function make_group(self, given, options, seen)
  local group, own = {params = {}, names = {}}, is_group(given) and given or {params = given}
  read_params(self.name, own.params, group.params, group.names)
  for i, p in ipairs(group.params) do
    check_parameter(self.name, i, p)
    if seen[p] then fail.raise("%s: %s is in the list twice", self.name, group.names[i]) end
    seen[p] = true
  end
  for _, name in ipairs(self.signature.names) do
    if name ~= "params" then group[name] = options[name] end
  end
  local changed = {}
  for key, value in next, own do
    if key ~= "params" then changed[key] = value end
  end
  if next(changed) ~= nil then
    local read = self.signature:read({}, setmetatable(changed, nil))
    for key in next, changed do group[key] = read[key] end
  end
  return group
end

-- Finds methods; other names are errors, so that opt:zero_grads() says what is meant.
local function strict(kind)
  return function(_, key)
    local value = kind[key]
    if value ~= nil or type(key) ~= "string" then return value end
    local names = {"param_groups", "state"}
    for known in next, Optimizer do
      if not known:find "^_" then names[#names + 1] = known end
    end
    table.sort(names)
    local near = core.suggest(key, names)
    fail.raise("an optimizer has no field or method '%s'%s", key, near and "; did you mean " .. near .. "?" or "")
  end
end

local function count_trained(self)
  local n = 0
  for _, group in ipairs(self.param_groups) do
    for _, p in ipairs(group.params) do
      if p.requires_grad then n = n + 1 end
    end
  end
  return n
end

--- A class of optimizers. `kind` has check(o), which may raise; state, the names of its tensors for
-- given options; run(group, list, n, step), the fused step over n parameters.
local function new_class(name, text, kind)
  local signature = Signature.new("optim." .. name, text)
  kind.name, kind.signature = name, signature
  local info = debug.getinfo(2, "Sl")
  kind._source, kind._line = info.source, info.currentline -- for help
  setmetatable(kind, {
    __index = Optimizer,
    __tostring = function() return "class optim." .. name end,
    __call = function(_, ...)
      local o = signature:read(...)
      local self = setmetatable({name = name, signature = signature, param_groups = {}, state = {},
        noted = false},
        {__index = strict(kind), kind = kind, __tostring = Optimizer.__tostring})
      kind.check(o)
      local list = type(o.params) == "table" and is_group(o.params[1]) and o.params or {o.params}
      local seen = {}
      for i, given in ipairs(list) do
        self.param_groups[i] = make_group(self, given, o, seen)
        kind.check(self.param_groups[i])
      end
      if next(seen) == nil then fail.raise("optim.%s: there are no parameters", name) end
      if count_trained(self) == 0 then
        fail.raise("optim.%s: no parameter records gradients; x:requires_grad_() first", name)
      end
      return self
    end,
  })
  kind.__index = kind
  return kind
end

-- ---- stepping ----------------------------------------------------------------------------------------

local function check_self(self, method)
  if type(self) ~= "table" or not rawget(self, "param_groups") then
    fail.raise("%s: called without its optimizer; methods take a colon: opt:%s()", method, method)
  end
end

local function no_gradient(self)
  fail.raise("%s: no parameter has a gradient; call loss:backward() before opt:step(). If you did: a "
    .. "parameter that is assigned anew (w = w - …) is another tensor, use w:sub_(…); and net:to(…) "
    .. "makes new parameters, so make the optimizer after it", self.name)
end

-- Says once which parameters took no part in the loss.
local function note_missing(self, missing)
  if self.noted or #missing == 0 then return end
  self.noted = true
  io.stderr:write(("note: %s: %d parameter%s got no gradient and stay%s as %s: %s%s\n"):format(self.name,
    #missing, #missing == 1 and "" or "s", #missing == 1 and "s" or "", #missing == 1 and "it is" or "they are",
    table.concat(missing, ", ", 1, math.min(5, #missing)), #missing > 5 and ", …" or ""))
end

local function state_of(self, p, names)
  local state = self.state[p]
  if not state then
    state = {step = 0}
    for _, name in ipairs(names) do state[name] = core.keep(tensor.zeros_like(p:detach())) end
    self.state[p] = state
  end
  return state
end

-- The flat list {p.., g.., state..} for the fused step, with the states of its parameters.
local function make_list(self, group, params, names)
  local n, list, states = #params, {}, {}
  for i, p in ipairs(params) do
    local state = state_of(self, p, names)
    list[i], list[n + i], states[i] = p, group.maximize and p.grad:neg() or p.grad, state
    for k, name in ipairs(names) do list[(k + 1) * n + i] = state[name] end
  end
  return list, states
end

local function run(self, group, list, states)
  self.run(group, list, states[1].step + 1) -- first, since it can fail
  for i = 1, #states do states[i].step = states[i].step + 1 end
end

-- Parameters with a gradient, in lists by the number of steps they have made.
local function by_steps(self, group, missing)
  local lists, order = {}, {}
  for i, p in ipairs(group.params) do
    if p.grad == nil then
      if p.requires_grad then missing[#missing + 1] = group.names[i] end
    else
      local state = self.state[p]
      local step = state and state.step or 0
      if not lists[step] then
        lists[step] = {}
        order[#order + 1] = step
      end
      table.insert(lists[step], p)
    end
  end
  return lists, order
end

-- The usual step: the list of the last one, with new gradients. False when one is missing.
local function run_again(self, group)
  local list, params = group.list, group.params
  local n = #params
  for i = 1, n do
    local g = params[i].grad
    if g == nil then return false end
    list[n + i] = group.maximize and g:neg() or g
  end
  run(self, group, list, group.states)
  for i = 1, n do list[n + i] = false end
  return true
end

local function step_group(self, group, missing)
  if group.list and run_again(self, group) then return #group.params end
  group.list, group.states = nil, nil
  local names = self.state_names(group)
  local lists, order = by_steps(self, group, missing)
  local done = 0
  for _, step in ipairs(order) do
    local list, states = make_list(self, group, lists[step], names)
    run(self, group, list, states)
    done = done + #states
    if #states == #group.params then group.list, group.states = list, states end
  end
  return done
end

--- Moves all parameters by their gradients. Parameters without a gradient stay as they are.
function Optimizer:step()
  check_self(self, "step")
  local done, missing = 0, {}
  for _, group in ipairs(self.param_groups) do done = done + step_group(self, group, missing) end
  if done == 0 then no_gradient(self) end
  note_missing(self, missing)
end

--- Forgets the gradients of all parameters.
function Optimizer:zero_grad()
  check_self(self, "zero_grad")
  for _, group in ipairs(self.param_groups) do
    local params = group.params
    for i = 1, #params do params[i].grad = nil end
  end
end

--- Sets the learning rate of all groups.
function Optimizer:set_lr(lr)
  check_self(self, "set_lr")
  if type(lr) ~= "number" or lr ~= lr or lr < 0 then
    fail.raise("%s: lr is %s; a number from 0 is wanted", self.name, tostring(lr))
  end
  for _, group in ipairs(self.param_groups) do group.lr = lr end
  return self
end

-- ---- state -----------------------------------------------------------------------------------------------

local function options_of(self, group)
  local o = {}
  for _, name in ipairs(self.signature.names) do
    if name ~= "params" then o[name] = group[name] end
  end
  return o
end

--- A table {state, param_groups} as PyTorch's: state[i] has the tensors and `step` of the i-th
-- parameter, param_groups the options with the numbers of the parameters, from 1.
function Optimizer:state_dict()
  check_self(self, "state_dict")
  local out, n = {state = {}, param_groups = {}}, 0
  for g, group in ipairs(self.param_groups) do
    local o = options_of(self, group)
    o.params = {}
    for i, p in ipairs(group.params) do
      n = n + 1
      o.params[i] = n
      local state = self.state[p]
      if state then
        local copy = {step = state.step}
        for _, name in ipairs(self.state_names(group)) do copy[name] = state[name] end
        out.state[n] = copy
      end
    end
    out.param_groups[g] = o
  end
  return out
end

local function check_state(self, given)
  if type(given) ~= "table" or type(given.state) ~= "table" or type(given.param_groups) ~= "table" then
    fail.raise("load_state_dict: wants what opt:state_dict() gives: {state = …, param_groups = …}")
  end
  if #given.param_groups ~= #self.param_groups then
    fail.raise("load_state_dict: the state has %d groups, this optimizer %d", #given.param_groups,
      #self.param_groups)
  end
  for g, group in ipairs(self.param_groups) do
    local n = #given.param_groups[g].params
    if n ~= #group.params then
      fail.raise("load_state_dict: group %d of the state has %d parameters, here %d", g, n, #group.params)
    end
    for i, p in ipairs(group.params) do
      local state = given.state[given.param_groups[g].params[i]] or {}
      for _, name in ipairs(self.state_names(given.param_groups[g])) do
        if state[name] and state[name].shape ~= p.shape then
          fail.raise("load_state_dict: %s of parameter %d is %s where the parameter is %s", name, i,
            fail.shape(state[name]), fail.shape(p))
        end
      end
    end
  end
end

--- Takes in what state_dict gave, of an optimizer over parameters of the same shapes.
function Optimizer:load_state_dict(given)
  check_self(self, "load_state_dict")
  check_state(self, given)
  for g, group in ipairs(self.param_groups) do
    group.list, group.states = nil, nil
    local from = given.param_groups[g]
    for _, name in ipairs(self.signature.names) do
      if name ~= "params" and from[name] ~= nil then group[name] = from[name] end
    end
    for i, p in ipairs(group.params) do
      local state = given.state[from.params[i]]
      self.state[p] = nil
      if state then
        local copy = state_of(self, p, {})
        copy.step = state.step or 0
        for _, name in ipairs(self.state_names(group)) do
          if state[name] then copy[name] = core.keep(state[name]:clone():to(p.dtype)) end
        end
      end
    end
  end
  return self
end

--- "Adam lr 0.001, weight_decay 0.1": the settings that differ from the usual.
function Optimizer:__tostring()
  local group, parts = self.param_groups[1], {}
  for _, param in ipairs(self.signature.params) do
    local value = group[param.name]
    if param.name == "lr" then
      table.insert(parts, 1, ("%s lr %g"):format(self.name, value))
    elseif param.name ~= "params" and type(value) ~= "table" and value ~= param.default then
      parts[#parts + 1] = param.name .. " " .. tostring(value)
    end
  end
  if #self.param_groups > 1 then parts[#parts + 1] = #self.param_groups .. " groups" end
  return table.concat(parts, ", ")
end

return new_class
