-- signature.lua: arguments of constructors. A signature is written like an op's:
--   "in_features: size, out_features: size, bias: bool=true, dtype: dtype=float32"
-- and read from positional arguments with a trailing option table, or from one table of names.
-- Kinds: size (whole, from 1), count (whole, from 0), int, dim (whole, not 0), float, rate (from 0),
-- share (from 0 to 1), decay (from 0, below 1), bool, dtype, string{a|b}, list (of whole numbers, or
-- one), table, tensor, any; sizes{2}, counts{2} and ints{2} are one number or two; rates{2} and decays{2} a
-- list, whose default is written with spaces: "0.9 0.999". A `?` after the kind: may be absent.

local core = require "lunette.core"
local fail = require "lunette.nn.fail"

local Signature = {}
Signature.__index = Signature

-- ---- parsing -------------------------------------------------------------------------------------

local function default_of(text)
  if text == nil then return nil end
  if text:find "%d %S" then
    local list = {}
    for word in text:gmatch "%S+" do list[#list + 1] = tonumber(word) end
    return list
  end
  if text == "true" or text == "false" then return text == "true" end
  return math.tointeger(tonumber(text)) or tonumber(text) or text
end

--- Parses a signature; `where` is the name for messages, such as "nn.Linear".
function Signature.new(where, text)
  local self = setmetatable({where = where, text = text, params = {}, names = {}}, Signature)
  for part in text:gmatch "[^,]+" do
    local name, kind, rest = part:match "^%s*([%w_]+):%s*(%a+)(.*)$"
    local inside, mark, default = rest:match "^(%b{})(%??)=?(.-)%s*$"
    if not inside then mark, default = rest:match "^(%??)=?(.-)%s*$" end
    default = default ~= "" and default or nil
    local param = {name = name, kind = kind, inside = inside and inside:sub(2, -2),
      optional = mark == "?" or default ~= nil, default = default_of(default)}
    self.params[#self.params + 1] = param
    self.names[#self.names + 1] = name
    self.params[name] = param
  end
  return self
end

-- ---- one value -------------------------------------------------------------------------------------

local function shown_list(list)
  local parts = {}
  for i, v in ipairs(list) do parts[i] = type(v) == "number" and tostring(v) or "a " .. type(v) end
  return "{" .. table.concat(parts, ", ") .. "}"
end

local function wrong(self, param, value, wanted)
  local shown = type(value) == "string" and ("%q"):format(value)
    or type(value) == "number" and tostring(value)
    or type(value) == "userdata" and "a tensor"
    or type(value) == "table" and #value > 0 and #value < 5 and shown_list(value) or "a " .. type(value)
  fail.raise("%s: %s is %s; %s is wanted", self.where, param.name, shown, wanted)
end

local least = {size = 1, count = 0, sizes = 1, counts = 0}

local function whole(self, param, value)
  local v = type(value) == "number" and math.tointeger(value)
  local from = least[param.kind]
  if not v or from and v < from then
    wrong(self, param, value, from and "a whole number from " .. from
      or "a whole number (// divides without a rest)")
  end
  return v
end

local read = {size = whole, count = whole, int = whole}

function read.dim(self, param, value)
  local v = whole(self, param, value)
  if v == 0 then wrong(self, param, value, "a dimension (they count from 1, the last is -1)") end
  return v
end

function read.sizes(self, param, value)
  local n = math.tointeger(tonumber(param.inside))
  if type(value) == "number" then
    local v = whole(self, param, value)
    local list = {}
    for i = 1, n do list[i] = v end
    return list
  end
  if type(value) ~= "table" or #value ~= n then
    wrong(self, param, value, ("one number or a list of %d"):format(n))
  end
  local list = {}
  for i = 1, n do list[i] = whole(self, param, value[i]) end
  return list
end
read.counts, read.ints = read.sizes, read.sizes

function read.list(self, param, value)
  if type(value) == "number" then return {whole(self, param, value)} end
  if type(value) ~= "table" then wrong(self, param, value, "a list of whole numbers") end
  local list = {}
  for i = 1, #value do list[i] = whole(self, param, value[i]) end
  return list
end

function read.float(self, param, value)
  if type(value) ~= "number" then wrong(self, param, value, "a number") end
  return value + 0.0
end

-- Numbers within bounds: what is said of them, and is it so?
local bounds = {
  rate = {"a number from 0", function(v) return v >= 0 end},
  share = {"a number from 0 to 1", function(v) return v >= 0 and v <= 1 end},
  decay = {"a number from 0 and below 1", function(v) return v >= 0 and v < 1 end},
}

local function bounded(self, param, value)
  local bound = bounds[param.kind]
  if type(value) ~= "number" or not bound[2](value) then wrong(self, param, value, bound[1]) end
  return value + 0.0
end
read.rate, read.share, read.decay = bounded, bounded, bounded

function read.rates(self, param, value)
  local n, bound = math.tointeger(tonumber(param.inside)), bounds[param.kind:sub(1, -2)]
  local list, fits = {}, type(value) == "table" and #value == n
  for i = 1, fits and n or 0 do
    fits = fits and type(value[i]) == "number" and bound[2](value[i])
    list[i] = fits and value[i] + 0.0
  end
  if not fits then wrong(self, param, value, ("a list of %d, each %s,"):format(n, bound[1])) end
  return list
end
read.decays = read.rates

function read.bool(self, param, value)
  if type(value) ~= "boolean" then wrong(self, param, value, "true or false") end
  return value
end

function read.table(self, param, value)
  if type(value) ~= "table" then wrong(self, param, value, "a table") end
  return value
end

function read.dtype(self, param, value)
  if type(value) ~= "string" then wrong(self, param, value, 'a name such as "float32"') end
  return value
end

function read.string(self, param, value)
  for choice in param.inside:gmatch "[^|]+" do
    if value == choice then return value end
  end
  return wrong(self, param, value, "one of " .. param.inside:gsub("|", ", "))
end

function read.tensor(self, param, value)
  if not core.tensor.is_tensor(value) then wrong(self, param, value, "a tensor") end
  return value
end

function read.any(_, _, value) return value end

-- ---- all of them -------------------------------------------------------------------------------------

local takes_table = {table = true, list = true, any = true, rates = true, decays = true}

-- Is the last argument a table of names? Not a list, a module or anything else with a metatable.
local function is_options(self, value, param)
  if type(value) ~= "table" or getmetatable(value) ~= nil or #value > 0 then return false end
  local key = next(value)
  if key == nil then return not (param and takes_table[param.kind]) end
  return type(key) == "string"
    and not (param and param.kind == "table" and not self.params[key])
end

local function take_options(self, given, into)
  local unknown = {}
  for key in next, given do
    if type(key) ~= "string" then
      fail.raise("%s: the option table mixes names and positions; put the positional values before it",
        self.where)
    end
    if not self.params[key] then unknown[#unknown + 1] = key end
  end
  if #unknown > 0 then
    table.sort(unknown)
    local repair = core.repair(unknown[1])
    if repair then fail.raise("%s: unknown option '%s'; %s", self.where, unknown[1], repair) end
    local near = core.suggest(unknown[1], self.names)
    fail.raise("%s: unknown option '%s'%s (%s)", self.where, unknown[1],
      near and "; did you mean " .. near .. "?" or "", table.concat(self.names, ", "))
  end
  for _, name in ipairs(self.names) do
    if given[name] ~= nil then
      if into[name] ~= nil then fail.raise("%s: %s is given twice", self.where, name) end
      into[name] = given[name]
    end
  end
end

--- A table of all parameters by name; raises at the user's line what is wrong with the arguments.
function Signature:read(...)
  local n, given, o = select("#", ...), {...}, {}
  local last = given[n]
  if is_options(self, last, self.params[n]) then
    n = n - 1
  else
    last = nil
  end
  if n > #self.params then
    fail.raise("%s: %d arguments given, it takes %d (%s)", self.where, n, #self.params,
      table.concat(self.names, ", "))
  end
  for i = 1, n do o[self.names[i]] = given[i] end
  if last then take_options(self, last, o) end
  for _, p in ipairs(self.params) do
    local value = o[p.name]
    if value == nil then value = p.default end
    if value ~= nil then
      o[p.name] = read[p.kind](self, p, value)
    elseif not p.optional then
      fail.raise("%s: %s is missing; the call is %s(%s)", self.where, p.name, self.where,
        table.concat(self.names, ", "))
    end
  end
  return o
end

return Signature
