-- optimizer.lua: what all optimizers share: making one, stepping, printing.
--
-- An optimizer has param_groups, a list of {params = {…}, lr = …, …}; options may be changed between
-- steps (opt.param_groups[1].lr = 1e-4, or opt:set_lr(1e-4) for all). The state of a parameter is a
-- table with `step` and the optimizer's own tensors and numbers.

local core = require "lunette.core"
local fail = require "lunette.nn.fail"
local Signature = require "lunette.nn.signature"
local groups = require "lunette.optim.groups"
local options_text = require "lunette.optim.show"

local tensor = core.tensor

local Optimizer = {}

-- ---- making ----------------------------------------------------------------------------------------

local repairs = {lr = "opt:set_lr(0.01) sets the rate, opt.param_groups[1].lr is that of a group"}
repairs.learning_rate = repairs.lr

local function no_field(key)
  local names = {"param_groups", "state"}
  for known in next, Optimizer do
    if not known:find "^_" then names[#names + 1] = known end
  end
  table.sort(names)
  local near = core.suggest(tostring(key), names)
  fail.raise("an optimizer has no field or method '%s'%s", tostring(key),
    repairs[key] and "; " .. repairs[key] or near and "; did you mean " .. near .. "?" or "")
end

-- Finds methods; other names are errors, so that opt:zero_grads() and opt.lr = 0.1 say what is meant.
local function strict(kind)
  return function(_, key)
    local value = kind[key]
    if value ~= nil or type(key) ~= "string" then return value end
    no_field(key)
  end, function(_, key) no_field(key) end
end

local function add_group(self, kind, given)
  local group = groups.make(kind.signature, given, self.defaults, self.taken)
  if group.lr == nil then
    fail.raise("%s: lr is missing; %s(net, {lr = 0.1})", kind.signature.where, kind.signature.where)
  end
  kind.check(group, self.param_groups)
  self.param_groups[#self.param_groups + 1] = group
end

local function make(kind, ...)
  local o = kind.signature:read(...)
  local self = {name = kind.name, kind = kind, signature = kind.signature, defaults = o, taken = {},
    param_groups = {}, state = {}, noted = false}
  local list = type(o.params) == "table" and groups.is_group(o.params[1]) and o.params or {o.params}
  if #list == 0 then fail.raise("%s: there are no parameters", kind.signature.where) end
  for _, given in ipairs(list) do add_group(self, kind, given) end
  if next(self.taken) == nil then fail.raise("%s: there are no parameters", kind.signature.where) end
  if groups.count_trained(self.param_groups) == 0 then
    fail.raise("%s: no parameter records gradients; x:requires_grad_() first", kind.signature.where)
  end
  o.params = nil
  local index, new_index = strict(kind)
  return setmetatable(self, {__index = index, __newindex = new_index, kind = kind, __tostring = Optimizer.__tostring})
end

local function nothing() return {} end

--- A class of optimizers: its name, the signature of its constructor's arguments, and a table with
--   rule(o, s)    the name of the fused rule (tensor/ops/pointwise/optim.c) and its numbers, for the
--                 options o of a group. s.step is the number of the step, from 1; s has the state's
--                 own numbers too and takes their new values.
--   states(o)     the names of the state's tensors, in the rule's order (none)
--   start(o)      first values by name, of numbers and of tensors (0)
--   numbers       the names of the state's own numbers (none)
--   check(o)      may raise, for options that do not go together (none)
--   decoupled     weight_decay is no part of the gradient (false)
-- The comment above the call is its help.
local function new_class(name, text, kind)
  local info = debug.getinfo(2, "Sl")
  kind.name, kind.signature = name, Signature.new("optim." .. name, text)
  kind.states, kind.start, kind.check = kind.states or nothing, kind.start or nothing, kind.check or nothing
  kind.numbers, kind.decoupled = kind.numbers or {}, kind.decoupled or false
  kind._source, kind._line = info.source, info.currentline -- for help
  return setmetatable(kind, {__index = Optimizer, __call = make,
    __tostring = function() return "class optim." .. name end})
end

local function check_self(self, method)
  if type(self) ~= "table" or not rawget(self, "param_groups") then
    fail.raise("%s: called without its optimizer; methods take a colon: opt:%s()", method, method)
  end
end

--- Takes in more parameters: opt:add_param_group{params = net.head, lr = 0.1}. What the group does not
-- say is as for the others.
-- example:
--   opt = optim.SGD(nn.Linear(2, 1), {lr = 0.1})
--   opt = opt:add_param_group{params = nn.Linear(1, 1), lr = 0.01}
--   #opt.param_groups, opt.param_groups[2].lr --> 2  0.01
function Optimizer:add_param_group(group)
  check_self(self, "add_param_group")
  if type(group) ~= "table" then
    fail.raise("add_param_group: got a %s; a group {params = …, lr = …} is wanted", type(group))
  end
  add_group(self, self.kind, group)
  return self
end

-- ---- stepping ----------------------------------------------------------------------------------------

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

-- The state of a parameter, with the tensors that the options in force call for.
local function state_of(self, group, p, names)
  local state = self.state[p]
  local first = self.start(group)
  if not state then
    state = {step = 0}
    for _, name in ipairs(self.numbers) do state[name] = first[name] end
    self.state[p] = state
  end
  for _, name in ipairs(names) do
    state[name] = state[name] or core.keep(tensor.full_like(p:detach(), first[name] or 0))
  end
  return state
end

-- The rule and its numbers; what is wrong with options that were changed since.
local function rule_of(kind, group, now)
  local done, rule, numbers = pcall(kind.rule, group, now)
  if done then return rule, numbers end
  local options = {}
  for _, name in ipairs(kind.signature.names) do options[name] = group[name] end
  options.params = nil
  kind.signature:read(group.params, options)
  if group.lr == nil then fail.raise("%s: lr of a group is missing", kind.name) end
  error(rule, 0)
end

-- Runs the rule over a list {p.., g.., tensors of state..} whose states have the same numbers.
local function run(kind, group, list, states)
  local now, own = {step = states[1].step + 1}, kind.numbers
  for i = 1, #own do now[own[i]] = states[1][own[i]] end
  local rule, numbers = rule_of(kind, group, now)
  table.insert(numbers, 1, group.maximize and -1 or 1)
  table.insert(numbers, 2, not kind.decoupled and group.weight_decay or 0)
  core.hidden[rule .. "_step"](list, numbers) -- can fail: nothing has changed yet
  for i = 1, #states do
    local state = states[i]
    state.step = now.step
    for k = 1, #own do state[own[k]] = now[own[k]] end
  end
end

-- The flat list for the rule, and the states of its parameters.
local function make_list(self, group, params, names)
  local n, list, states = #params, {}, {}
  for i, p in ipairs(params) do
    local state = state_of(self, group, p, names)
    list[i], list[n + i], states[i] = p, p.grad, state
    for k, name in ipairs(names) do list[(k + 1) * n + i] = state[name] end
  end
  return list, states
end

-- What parameters must share to be in one list: the steps they have made and their own numbers.
local function key_of(self, state)
  if not state or #self.numbers == 0 then return state and state.step or 0 end
  local parts = {state.step}
  for i, name in ipairs(self.numbers) do parts[i + 1] = ("%a"):format(state[name]) end
  return table.concat(parts, " ")
end

-- Parameters with a gradient, in lists that can take one step together.
local function by_key(self, group, missing)
  local lists, order = {}, {}
  for i, p in ipairs(group.params) do
    if p.grad == nil then
      if p.requires_grad then missing[#missing + 1] = group.names[i] end
    else
      local key = key_of(self, self.state[p])
      if not lists[key] then
        lists[key] = {}
        order[#order + 1] = key
      end
      table.insert(lists[key], p)
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
    list[n + i] = g
  end
  run(self.kind, group, list, group.listed)
  for i = 1, n do list[n + i] = false end
  return true
end

local function step_group(self, group, missing)
  local names = self.states(group)
  local kinds = table.concat(names, " ")
  if group.list and group.kinds == kinds and run_again(self, group) then return #group.params end
  group.list, group.listed, group.kinds = nil, nil, kinds
  local lists, order = by_key(self, group, missing)
  local done = 0
  for _, key in ipairs(order) do
    local list, states = make_list(self, group, lists[key], names)
    run(self.kind, group, list, states)
    done = done + #states
    if #states == #group.params then group.list, group.listed = list, states end
  end
  return done
end

--- The loss of a closure: a function that clears the gradients, computes the loss, calls backward and
-- returns the loss. Runs with recording on.
-- example:
--   w = tensor({2.0}, {requires_grad = true})
--   opt = optim.SGD({w}, {lr = 0.1})
--   opt:evaluate(function() return (w * w):sum() end):item() --> 4.0
function Optimizer:evaluate(closure)
  if type(closure) ~= "function" then
    fail.raise("%s: step takes nothing, or a function that computes the loss, calls loss:backward() and "
      .. "returns the loss; got a %s", self.name, type(closure))
  end
  return tensor.enable_grad(closure)
end

--- Moves all parameters by their gradients; those without a gradient stay as they are. With a closure,
-- opt:step(function() … return loss end), the closure runs first and its loss is the result.
-- example:
--   w = tensor({2.0}, {requires_grad = true})
--   opt = optim.SGD({w}, {lr = 0.1})
--   (w * w):sum():backward()
--   opt:step()
--   w:detach() --> float32 [1]  1.6
function Optimizer:step(closure)
  check_self(self, "step")
  local loss
  if closure ~= nil then loss = self:evaluate(closure) end
  local done, missing = 0, {}
  for _, group in ipairs(self.param_groups) do done = done + step_group(self, group, missing) end
  if done == 0 then no_gradient(self) end
  note_missing(self, missing)
  if closure ~= nil then return loss end -- the prompt shows no nil
end

--- Forgets the gradients of all parameters.
-- example:
--   w = tensor({2.0}, {requires_grad = true})
--   opt = optim.SGD({w}, {lr = 0.1})
--   (w * w):sum():backward()
--   opt:zero_grad()
--   w.grad --> nil
function Optimizer:zero_grad()
  check_self(self, "zero_grad")
  for _, group in ipairs(self.param_groups) do
    local params = group.params
    for i = 1, #params do params[i].grad = nil end
  end
end

--- Sets the learning rate of all groups.
-- example:
--   opt = optim.SGD(nn.Linear(2, 1), {lr = 0.1})
--   opt = opt:set_lr(0.01)
--   opt.param_groups[1].lr --> 0.01
function Optimizer:set_lr(lr)
  check_self(self, "set_lr")
  if type(lr) ~= "number" or lr ~= lr or lr < 0 then
    fail.raise("%s: lr is %s; a number from 0 is wanted", self.name, tostring(lr))
  end
  for _, group in ipairs(self.param_groups) do group.lr = lr end
  return self
end

-- ---- printing ----------------------------------------------------------------------------------------

local function size_text(group)
  local n = 0
  for _, p in ipairs(group.params) do n = n + p:numel() end
  local digits = tostring(n):reverse():gsub("(%d%d%d)", "%1,"):reverse():gsub("^,", "")
  return ("%d parameter%s, %s number%s"):format(#group.params, #group.params == 1 and "" or "s", digits,
    n == 1 and "" or "s")
end

--- "Adam lr 0.001, weight_decay 0.1": the name and the settings of the first group.
-- example: optim.Adam(nn.Linear(2, 1), {weight_decay = 0.1}):settings() --> Adam lr 0.001, weight_decay 0.1
function Optimizer:settings()
  check_self(self, "settings")
  local more = #self.param_groups > 1 and (", %d groups"):format(#self.param_groups) or ""
  return self.name .. " " .. options_text(self.signature, self.param_groups[1]) .. more
end

function Optimizer:__tostring()
  local list = self.param_groups
  if #list == 1 then return ("%s (%s)"):format(self:settings(), size_text(list[1])) end
  local lines = {("%s, %d groups"):format(self.name, #list)}
  for i, group in ipairs(list) do
    lines[i + 1] = ("  %d: %s (%s)"):format(i, options_text(self.signature, group), size_text(group))
  end
  return table.concat(lines, "\n")
end

return {class = new_class, methods = Optimizer, check_self = check_self}
