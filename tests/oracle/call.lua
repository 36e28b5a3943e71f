-- call.lua: a call of PyTorch's, name, positional and keyword arguments, as a call of Lunette's.

local core = require "lunette.core"
local indexing = require "tests.oracle.indexing"
local json = require "tests.oracle.json"
local names = require "tests.oracle.names"
local signature = require "tests.oracle.signature"

local tensor = core.tensor
local call = {}

-- ---- names -----------------------------------------------------------------------------------------

-- The name under which Lunette has a function of PyTorch's, by rule.
local function local_name(name, args)
  local space, last = name:match "^(.-)([^.]+)$"
  if space == "nn.functional." and names.functional[last] then last = names.functional[last] end
  last = names.keywords[last] or last
  local two_tensors = tensor.is_tensor(args[1]) and tensor.is_tensor(args[2])
  if (last == "max" or last == "min") and two_tensors then last = last .. "imum" end
  return last, space
end

local function library_function(name, space)
  local home = tensor
  local inner = space:match "^([%w_]+)%.$"
  if inner and inner ~= "nn" and rawget(tensor, inner) then home = tensor[inner] end
  return rawget(home, name) or rawget(tensor, name) or core.methods[name]
end

-- ---- arguments -------------------------------------------------------------------------------------

local lists = {tensors = true, ints = true, sizes = true, dims = true}

-- Where a keyword goes: to the parameter of that name, or of one that means the same.
local function parameter_for(sig, key, positional)
  if sig.params[key] then return sig.params[key] end
  if key == "input" or key == "self" then return sig.params[1] end
  if key == "other" then return sig.params[2] end
  for _, group in ipairs(names.synonyms) do
    local here = false
    for _, word in ipairs(group) do here = here or word == key end
    for _, word in ipairs(here and group or {}) do
      if sig.params[word] and not positional[word] then return sig.params[word] end
    end
  end
end

local function dropped(key, value)
  return names.dropped[key] or value == json.null or value == false
end

-- PyTorch's `unbiased` is a correction of 1 or 0.
local function translate(key, value)
  if key == "unbiased" and value ~= json.null then return "correction", value and 1 or 0 end
  return key, value
end

-- What a range is counted by: true is 1, and where integers are asked for fractions are lost.
local function count_of(value, dtype)
  if type(value) == "boolean" then value = value and 1 or 0 end
  if type(dtype) ~= "string" or not dtype:find "int" then return value end
  return value < 0 and math.ceil(value) or math.floor(value)
end

-- Ranges of PyTorch end before `end`, Lunette's with `stop`; what counts steps ends alike in both.
local function include_end(sig, values)
  local param, stop = sig.params.stop, values.stop
  if not param or stop == nil or stop == json.null then return end
  if param.kind == "pos" then
    values.stop = stop - 1
    if stop == 0 then values.start = 1 end -- from the second to the first: nothing
  elseif param.kind == "scalar" then
    for _, key in ipairs {"start", "stop", "step"} do
      if values[key] ~= nil then values[key] = count_of(values[key], values.dtype) end
    end
    values.start = values.start or 0
    values.stop = indexing.last(values.start, values.stop, values.step or 1)
  end
end

-- f(a, b, c) may stand for f({a, b, c}).
local function gather_rest(sig, args)
  local n = #sig.params
  for i, param in ipairs(sig.params) do
    local is_last = i == n or param.kind == "sizes" or param.kind == "tensors"
    if lists[param.kind] and is_last and args[i] ~= nil and type(args[i]) ~= "table"
      and (#args > i or param.kind == "tensors") then
      local list = table.move(args, i, #args, 1, {})
      return table.move({list}, 1, 1, i, table.move(args, 1, i - 1, 1, {}))
    end
  end
  return args
end

-- The condition of `where`, positions, text and numbers are known by their types wherever they stand.
local function by_type(sig, args)
  local first, second = args[1], args[2]
  local kind = sig.params[1] and sig.params[1].kind
  if kind == "text" and type(second) == "string" or kind == "int" and tensor.is_tensor(first) then
    return table.move(args, 3, #args, 3, {second, first})
  end
  if not (sig.params[2] and tensor.is_tensor(first) and tensor.is_tensor(second)) then return args end
  local turned = sig.params[1].name == "condition" and second.dtype == "bool"
    or sig.params[2].kind == "index" and first.dtype:find "int" and second.dtype:find "float"
    or sig.params[1].kind == "index" and first.dtype:find "float" and second.dtype:find "int"
  if not turned then return args end
  return table.move(args, 3, #args, 3, {second, first})
end

local function order_of(sig, args, kwargs)
  local given = names.orders[sig.name]
  if not given then return sig.params end
  local list = {}
  for i, name in ipairs(given) do
    list[i] = i <= 2 and sig.params[name] == nil and name:find "^input" and sig.params[i] or {name = name}
  end
  if given[3] == "unbiased" and type(args[2]) == "boolean" then table.remove(list, 2) end
  if given[2] == "end" and #args == 1 and not kwargs["end"] then table.remove(list, 1) end
  return list
end

-- Arguments by name: {name -> value of PyTorch's}.
local function by_name(sig, args, kwargs)
  local values = {}
  local function put(key, value)
    key, value = translate(key, value)
    local param = parameter_for(sig, key, values)
    if param then
      values[param.name] = value
    elseif not dropped(key, value) then
      error(("%s has no parameter %s (given %s)"):format(sig.name, key, tostring(value)), 0)
    end
  end
  args = gather_rest(sig, by_type(sig, args))
  local order = order_of(sig, args, kwargs)
  for i, value in ipairs(args) do
    if not order[i] then error(("%s takes %d arguments"):format(sig.name, #order), 0) end
    put(order[i].name, value)
  end
  for _, key in ipairs(json.keys(kwargs)) do put(key, kwargs[key]) end
  include_end(sig, values)
  return values
end

--- Arguments in Lunette's order, with n, from PyTorch's; options that go by name only stand in a table
-- behind the others.
function call.arguments(sig, args, kwargs)
  if sig.variadic then return table.move(args, 1, #args, 1, {n = #args}) end
  local values, converted = by_name(sig, args, kwargs), {n = 0}
  for i, param in ipairs(sig.params) do
    local value = values[param.name]
    if value ~= nil then
      local new = signature.convert(param, value)
      if i > sig.positional then
        local last = sig.positional + 1
        converted[last] = converted[last] or {}
        converted[last][param.name], converted.n = new, last
      elseif new ~= nil then
        converted[i], converted.n = new, i
      end
    end
  end
  return converted
end

-- ---- the call --------------------------------------------------------------------------------------

-- The kinds of results that there are: one that return_x asks for is there only on request.
local function kinds_of(sig, converted)
  local kinds = {}
  for _, result in ipairs(sig.results) do
    local asked = true
    for i, param in ipairs(sig.params) do
      if param.name == "return_" .. result.name then asked = converted[i] end
    end
    if asked then kinds[#kinds + 1] = result.kind end
  end
  return kinds
end

-- Results in PyTorch's counting.
local function results_of(sig, converted, results)
  local kinds = kinds_of(sig, converted)
  for i = 1, results.n do
    local kind = kinds[i]
    if kind and results[i] ~= nil then results[i] = signature.result(kind, results[i]) end
  end
  return results
end

--- Is there a function for this name?
function call.find(name, args)
  local plain = name:match "^__r(%a+)__$"
  if plain and names.reflected[plain] then name = names.reflected[plain] end
  if name:find(".", 1, true) and core.functions[name] then
    return core.functions[name], signature.of(name), name, false
  end
  local last, space = local_name(name, args)
  local sig = signature.of(last)
  local f = library_function(last, space)
  if f == nil and sig and sig.hidden then f = core.hidden[last] end
  return f, sig, last, plain ~= nil
end

--- Runs name(args, kwargs); results as a list with n, positions counted from 0.
-- Raises {absent = name} when Lunette has no such function.
function call.run(name, args, kwargs)
  if indexing[name] then return table.pack(indexing[name](args)) end
  local f, sig, last, reflected = call.find(name, args)
  if f and sig then
    if reflected then
      if not tensor.is_tensor(args[1]) then error("only tensors have " .. name, 0) end
      args = {args[2], args[1]}
    end
    -- PyTorch's x changes; here a copy does, so that its leaf stays
    if last:find "[^_]_$" and tensor.is_tensor(args[1]) then args[1] = args[1]:clone() end
    local converted = call.arguments(sig, args, kwargs)
    return results_of(sig, converted, table.pack(f(table.unpack(converted, 1, converted.n))))
  end
  if not f and #args == 1 and tensor.is_tensor(args[1]) then
    local done, field = pcall(function() return args[1][last] end)
    if done and tensor.is_tensor(field) then return table.pack(field) end
  end
  error({absent = f and last .. " (its signature is not known)" or last}, 0)
end

return call
