-- signature.lua: what Lunette's functions take, from the rows of the ops, and how a value of PyTorch's
-- becomes one of theirs: by the kind that the signature gives to the parameter.

local core = require "lunette.core"
local json = require "tests.oracle.json"
local names = require "tests.oracle.names"

local tensor = core.tensor
local signature = {}

-- ---- parsing ---------------------------------------------------------------------------------------

-- name(x: kind=default, ..., *, option: kind) -> y: kind, ...    What follows the star goes into a table;
-- name(...) takes any number of arguments as they are.
local function parse(text)
  local name, params, results = text:match "^([%w_.]+)%((.*)%)%s*%->%s*(.*)$"
  local sig = {name = name, params = {}, results = {}, variadic = params:find("...", 1, true) ~= nil}
  if sig.variadic then params = "" end
  local positional, named = (params:gsub("%b[]", "list")):match "^([^*]*)%*?(.*)$"
  sig.positional = select(2, positional:gsub(":", ":"))
  for part in (positional .. "," .. named):gmatch "[^,]*%w[^,]*" do
    local param, kind = part:match "^%s*([%w_]+):%s*(%a+)"
    local new = {name = param, kind = kind}
    sig.params[#sig.params + 1] = new
    sig.params[param] = new
  end
  for part in results:gmatch "[^,]+" do
    local result, kind = part:match "^%s*([%w_]+):%s*(%a+)"
    sig.results[#sig.results + 1] = {name = result, kind = kind}
  end
  return sig
end

local known = {}

for _, text in ipairs(names.written) do
  local sig = parse(text)
  known[sig.name] = sig
end
for _, row in ipairs(core.ops()) do
  local sig = parse(row.sig)
  sig.hidden = row.hidden
  known[row.name] = sig
  for alias in (row.aliases or ""):gmatch "%S+" do known[alias] = sig end
end

--- The signature of a function by its name, or nil.
function signature.of(name) return name and known[name] end

-- ---- values ----------------------------------------------------------------------------------------

-- A dimension, position or class: from 0 to from 1; what counts from the end stays.
local function up(v)
  if math.type(v) ~= "integer" then return v end
  return v >= 0 and v + 1 or v
end

--- Positions or classes in a tensor, from 0 to from 1; masks stay.
function signature.up(x)
  if not x.dtype:find "int" then return x end
  if x:dim() == 0 then return tensor.full({}, up(x:item()), {dtype = x.dtype}) end
  return x + x:ge(0):to(x.dtype)
end

-- Whole numbers may come as tensors without dimensions.
local function number(v) return tensor.is_tensor(v) and v:numel() == 1 and v:item() or v end

local function each(f)
  return function(v)
    if type(v) ~= "table" then return f(v) end
    local list = {}
    for i, item in ipairs(v) do list[i] = f(item) end
    return list
  end
end

local function position(v)
  if tensor.is_tensor(v) then return signature.up(v) end
  return up(v)
end

-- None among sizes keeps the input's.
local function size(v) return v == json.null and -1 or number(v) end

local function single_position(v) return up(number(v)) end

local function truth(v)
  if type(v) == "number" then return v ~= 0 end
  return v
end

local function same(v) return v end

-- A count, or two lists of dimensions.
local function pairs_of(v)
  if type(v) ~= "table" then return number(v) end
  local first, second = v[1], v[2]
  local to_list = each(single_position)
  return {to_list(type(first) == "table" and first or {first}), to_list(type(second) == "table" and second or {second})}
end

local convert = {
  tensor = same, tensors = same, list = same, scalar = same, float = same, string = same, dtype = same,
  index = each(position), class = each(position), dim = single_position, newdim = single_position,
  dims = each(single_position), pos = single_position, int = number, ints = each(size), sizes = each(number),
  floats = each(number), bool = truth, text = same, pairs = pairs_of,
}

--- A value of PyTorch's as the parameter wants it.
function signature.convert(param, value)
  if value == json.null then return nil end
  local kind = param.kind == "int" and names.positions[param.name] and "pos" or param.kind
  if kind == "tensors" and names.positions[param.name] then kind = "index" end
  local f = convert[kind] or error(("kind %s of %s is not known"):format(param.kind, param.name), 0)
  return f(value)
end

--- A result as PyTorch would count it: positions from 0.
function signature.result(kind, value)
  if kind == "sizes" then return table.move(value, 1, #value, 1, {}) end
  if kind ~= "index" and kind ~= "class" then return value end
  if type(value) == "table" then
    local list = {}
    for i, one in ipairs(value) do list[i] = one - 1 end
    return list
  end
  return value - 1
end

return signature
