-- state.lua: what an optimizer has gathered, as a table that another one goes on from.

local core = require "lunette.core"
local fail = require "lunette.nn.fail"
local optimizer = require "lunette.optim.optimizer"

local tensor = core.tensor
local Optimizer, check_self = optimizer.methods, optimizer.check_self

-- A copy: tables and, with a type, tensors in that type.
local function copied(value, dtype)
  if tensor.is_tensor(value) then
    return dtype and core.keep(value:detach():clone():to(dtype)) or value
  end
  if type(value) ~= "table" then return value end
  local copy = {}
  for key, v in next, value do copy[key] = copied(v, dtype) end
  return copy
end

local inner = {params = true, names = true, list = true, listed = true, kinds = true} -- of a group

--- A table {state, param_groups} as PyTorch's: state[i] has the tensors and numbers of the i-th
-- parameter, param_groups the options with the numbers of the parameters, from 1. Its tensors are the
-- optimizer's own, not copies.
-- example:
--   net = nn.Linear(2, 1)
--   opt = optim.SGD(net, {lr = 0.1, momentum = 0.9})
--   net(tensor{{1.0, 2.0}}):sum():backward()
--   opt:step()
--   opt:state_dict().state[1].momentum_buffer --> float32 [1,2]  1.0  2.0
function Optimizer:state_dict()
  check_self(self, "state_dict")
  local out, n = {state = {}, param_groups = {}}, 0
  for g, group in ipairs(self.param_groups) do
    local saved = {params = {}}
    for key, value in next, group do
      if not inner[key] then saved[key] = copied(value) end
    end
    for i, p in ipairs(group.params) do
      n = n + 1
      saved.params[i] = n
      out.state[n] = self.state[p] and copied(self.state[p])
    end
    out.param_groups[g] = saved
  end
  return out
end

local function check_groups(self, given)
  if type(given) ~= "table" or type(given.state) ~= "table" or type(given.param_groups) ~= "table" then
    fail.raise("load_state_dict: wants what opt:state_dict() gives: {state = …, param_groups = …}")
  end
  if #given.param_groups ~= #self.param_groups then
    fail.raise("load_state_dict: the state has %d groups, this optimizer %d", #given.param_groups,
      #self.param_groups)
  end
  for g, group in ipairs(self.param_groups) do
    local from = given.param_groups[g]
    if type(from) ~= "table" or type(from.params) ~= "table" then
      fail.raise("load_state_dict: group %d has no list params", g)
    end
    if #from.params ~= #group.params then
      fail.raise("load_state_dict: group %d of the state has %d parameters, here %d", g, #from.params,
        #group.params)
    end
  end
end

-- The state of a parameter has what the next step reads, in its shape.
local function check_state(self, options, i, p, state)
  local function wrong(name, what)
    fail.raise("load_state_dict: %s of parameter %d is %s; is it the state of another kind of optimizer? "
      .. "This is %s", name, i, what, self.name)
  end
  if type(state) ~= "table" then wrong("the state", "a " .. type(state)) end
  if math.tointeger(state.step) == nil then wrong("step", "no whole number") end
  for _, name in ipairs(self.numbers) do
    if type(state[name]) ~= "number" then wrong(name, "a " .. type(state[name])) end
  end
  for _, name in ipairs(self.states(options)) do
    local x = state[name]
    if not tensor.is_tensor(x) then wrong(name, "a " .. type(x)) end
    if x.shape ~= p.shape then
      fail.raise("load_state_dict: %s of parameter %d is %s where the parameter is %s", name, i,
        fail.shape(x), fail.shape(p))
    end
  end
end

--- Takes in what state_dict gave, of an optimizer of the same kind over parameters of the same shapes:
-- it goes on with the same bits.
-- example:
--   net = nn.Linear(2, 1)
--   old, new = optim.SGD(net, {lr = 0.1}), optim.SGD(net, {lr = 0.5})
--   new = new:load_state_dict(old:state_dict())
--   new.param_groups[1].lr --> 0.1
function Optimizer:load_state_dict(given)
  check_self(self, "load_state_dict")
  check_groups(self, given)
  local options = {}
  for g, group in ipairs(self.param_groups) do
    local from, now = given.param_groups[g], {}
    for key, value in next, from do now[key] = copied(value) end
    local known = {}
    for _, name in ipairs(self.signature.names) do
      known[name] = now[name] == nil and group[name] or now[name]
    end
    known.params = nil
    for name, value in next, self.signature:read(group.params, known) do now[name] = value end
    now.params = from.params
    self.check(now)
    options[g] = now
    for i, p in ipairs(group.params) do
      local state = given.state[from.params[i]]
      if state ~= nil then check_state(self, now, i, p, state) end
    end
  end
  for g, group in ipairs(self.param_groups) do
    local numbers, params, names = options[g].params, group.params, group.names
    for key in next, group do group[key] = nil end
    for key, value in next, options[g] do group[key] = value end
    group.params, group.names = params, names
    for i, p in ipairs(params) do
      local state = given.state[numbers[i]]
      self.state[p] = state and copied(state, p.dtype)
      if state then self.state[p].step = math.tointeger(state.step) end
    end
  end
  return self
end
