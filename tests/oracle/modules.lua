-- modules.lua: cases of layers and losses: made by their class, given the state of the case, called.

local core = require "lunette.core"
local json = require "tests.oracle.json"
local names = require "tests.oracle.names"
local nn = require "lunette.nn"
local signature = require "tests.oracle.signature"
local values = require "tests.oracle.values"

local tensor = core.tensor

-- ---- making ----------------------------------------------------------------------------------------

-- Names of the positional arguments in PyTorch's order.
local function order_of(name, sig)
  local like = names.loss_functions[name] and names.orders[names.loss_functions[name]]
  if not like then return names.constructors[name] or sig.names end
  local list = {}
  for _, word in ipairs(like) do
    if sig.params[word] or word == "size_average" or word == "reduce" then list[#list + 1] = word end
  end
  return list
end

-- Positions count from 1; a momentum of None is false; in lists None stays as nothing.
local function convert(param, value)
  if value == json.null then
    if param.name == "momentum" then return false end
    return nil
  end
  if param.kind == "dim" or names.positions[param.name] then
    return signature.convert({name = param.name, kind = "pos"}, value)
  end
  if type(value) ~= "table" or tensor.is_tensor(value) then return value end
  local list = {}
  for i, item in ipairs(value) do list[i] = item ~= json.null and item or names.whole end
  return list
end

-- Options by name from positional and named arguments.
local function options_of(name, sig, args, kwargs)
  local options, order = {}, order_of(name, sig)
  local function put(key, value)
    local param = sig.params[key]
    if param then
      options[key] = convert(param, value)
    elseif value ~= json.null and value ~= false and key ~= "batch_first" then
      error(("nn.%s has no option %s"):format(name, tostring(key)), 0)
    end
    if key == "batch_first" then options.batch_first = value end
  end
  for i, value in ipairs(args) do put(order[i], value) end
  for _, key in ipairs(kwargs and json.keys(kwargs) or {}) do put(key, kwargs[key]) end
  return options
end

local function make(one, folder)
  local name = one.module
  local class = rawget(nn, name)
  if not class then error({absent = "nn." .. name}, 0) end
  local options = options_of(name, class._signature, values.read(one.constructor_args, folder, {}),
    one.constructor_kwargs and values.read(one.constructor_kwargs, folder, {}))
  local batch_first = options.batch_first == true
  if not class._signature.params.batch_first then options.batch_first = nil end
  local module = next(options) and class(options) or class()
  return module:to(one.dtype), batch_first or not names.sequences[name]
end

-- ---- state -----------------------------------------------------------------------------------------

-- Parameters and buffers by PyTorch's names.
local function members_of(module)
  local found = {}
  for _, entry in ipairs(module:_entries()) do
    if entry.kind ~= "module" then found[entry.disk] = entry.value end
  end
  return found
end

local function load_state(module, one, folder, leaves)
  local members = members_of(module)
  for _, spec in ipairs(one.state) do
    local member = members[spec.name] or error(("nn.%s has no %s"):format(one.module, spec.name), 0)
    member:detach():copy_(values.read({["$tensor"] = spec["$tensor"]}, folder, {}))
    if spec.grad then leaves[#leaves + 1] = member end
  end
end

-- ---- the call --------------------------------------------------------------------------------------

-- Does argument or result i of a layer over sequences have the steps first in PyTorch? The states of an
-- RNN and attention's weights do not.
local function is_sequence(name, i, batch_first, is_result)
  if batch_first then return false end
  return i == 1 or not is_result and names.sequences[name] == "all"
end

-- Integers in tensors are classes, tokens or positions, but where the function of a loss says otherwise;
-- lists of integers are lengths, a list of tensors is an LSTM's state.
local function input_of(name, i, value, batch_first)
  if value == json.null then return nil end
  if type(value) == "table" and tensor.is_tensor(value[1]) then return {h = value[1], c = value[2]} end
  if type(value) == "table" then return tensor(value) end
  if not tensor.is_tensor(value) then return value end
  if value:dim() == 3 and value.dtype:find "float" and is_sequence(name, i, batch_first) then
    return value:transpose(1, 2)
  end
  local sig = signature.of(names.loss_functions[name])
  if sig and sig.params[i].kind == "tensor" then return value end
  return signature.up(value)
end

-- Results as a list: an LSTM's state as two.
local function flat(results)
  local list = {}
  for i = 1, results.n do
    local one = results[i]
    if type(one) == "table" and one.h then
      list[#list + 1], list[#list + 2] = one.h, one.c
    else
      list[#list + 1] = one
    end
  end
  return list
end

--- The results of a case, then its buffers.
return function(_, one, folder, leaves)
  local name = one.module
  local module, batch_first = make(one, folder)
  local args = values.read(one.args, folder, leaves)
  load_state(module, one, folder, leaves)
  if one.training then module:train() else module:eval() end
  for i, value in ipairs(args) do args[i] = input_of(name, i, value, batch_first) end
  if name == "MultiheadAttention" then args[#args + 1] = {need_weights = #one.outputs > 1} end
  local results = flat(table.pack(module(table.unpack(args))))
  local members, out = members_of(module), {n = #one.outputs}
  for i, spec in ipairs(one.outputs) do
    local y = results[i]
    if not spec.buffer and tensor.is_tensor(y) then
      if y.dtype == "int64" then y = y - 1 end
      if y:dim() == 3 and is_sequence(name, i, batch_first, true) then y = y:transpose(1, 2) end
    end
    out[i] = spec.buffer and members[spec.buffer] or y
  end
  return out
end
