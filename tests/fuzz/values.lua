-- Random arguments for the fuzz of the binding: tensors of all types, shapes and layouts, numbers at
-- the edges, wrong types, and cases of a row's test with something changed. All draws come from
-- math.random, so that a seed repeats them.

local tensor = require("lunette").tensor

local values = {}

local random = math.random

local function pick(list) return list[random(#list)] end
local function chance(p) return random() < p end
values.pick, values.chance = pick, chance

-- ---- numbers --------------------------------------------------------------------------------------

local edges = { 0, -1, 0.5, -0.5, 1e-30, 1e38, -1e300, 0 / 0, 1 / 0, -1 / 0, 127, 256, 1 << 31, -(1 << 31), 1 << 32,
  1 << 40, 1 << 53, 1 << 62, math.maxinteger, math.mininteger, math.maxinteger - 1, 2 ^ 53, 2 ^ 63, -2 ^ 63 }

function values.number()
  if chance(0.15) then return pick(edges) end
  if chance(0.2) then return random() * 4 - 2 end
  return random(-3, 6)
end

-- ---- shapes ---------------------------------------------------------------------------------------

local sizes = { 1, 1, 2, 2, 3, 3, 4, 5, 7, 8, 16, 17 }

function values.shape()
  local shape, n = {}, 1
  for d = 1, chance(0.02) and 12 or random(0, 4) do
    local size = chance(0.04) and 0 or pick(sizes)
    if n * size > 3000 then size = 1 end
    shape[d], n = size, n * size
  end
  return shape
end

-- A shape that broadcasts with the given one, most often.
local function related(shape)
  local other, n = {}, 1
  for d = chance(0.2) and random(1, #shape + 1) or 1, #shape do
    local size = chance(0.15) and 1 or chance(0.05) and pick(sizes) or shape[d]
    if n * size > 6000 then size = 1 end
    other[#other + 1], n = size, n * size
  end
  return other
end

-- ---- tensors --------------------------------------------------------------------------------------

local computed = { "float32", "float32", "float32", "float64", "float64", "int64", "int32", "uint8", "bool" }
local stored = { "float16", "bfloat16" }

local function filled(shape, dtype)
  local x
  if #shape == 0 then return tensor(random(0, 3), { dtype = dtype }) end
  if dtype:find "^float" or dtype:find "^bfloat" then
    x = tensor.randn(shape)
  elseif dtype == "bool" then
    x = tensor.randint(0, 1, shape)
  else
    x = tensor.randint(dtype == "uint8" and 0 or chance(0.7) and 1 or -3, 5, shape)
  end
  return x:to(dtype)
end

-- The same values behind other strides.
local function strided(x)
  local n = x:dim()
  if n == 0 then return x end
  local d = random(n)
  local way = random(5)
  if way == 1 and n < 12 then return tensor.stack({ x, x }, -1):select(-1, 1) end
  if way == 2 then return x:transpose(1, n):contiguous():transpose(1, n) end
  if way == 3 then return tensor.cat({ x, x }, d):narrow(d, x:size(d) + 1, x:size(d)) end
  if way == 4 and x:size(d) > 0 then return x:narrow(d, 1, 1):expand(x.shape) end
  return x:clone()[{ chance(0.5) and {} or "..." }]
end

local function poison(x)
  local n = x:numel()
  for _ = 1, chance(0.3) and math.min(n, 64) or random(3) do
    if n > 0 then pcall(function() x:view(-1)[random(n)] = pick(edges) end) end
  end
end

function values.tensor(shape)
  local dtype = chance(0.05) and pick(stored) or pick(computed)
  local x = filled(shape and (chance(0.9) and related(shape) or shape) or values.shape(), dtype)
  if chance(0.1) then poison(x) end
  if chance(0.3) then x = strided(x) end
  if x.dtype:find "^float[36]" and chance(0.3) then
    x = x:requires_grad_()
    if chance(0.4) then x = chance(0.5) and x * 1 or x:view(x.shape) end
  end
  return x
end

-- ---- anything -------------------------------------------------------------------------------------

local words = { "", "mean", "sum", "none", "float32", "int64", "cat", "1:2", "...", ":, 1", "abc\0def", ("x"):rep(3000), "2",
  "%s%n", "reflect", "nearest", "max", "ij", "fro", "forward" }

function values.junk(depth)
  depth = depth or 0
  local way = random(12)
  if way <= 3 then return values.number() end
  if way == 4 then return chance(0.5) end
  if way == 5 then return pick(words) end
  if way <= 8 then return values.tensor() end
  if way == 9 then return function() return values.number() end end
  if way == 10 then return nil end
  if way == 11 then return pick {
    io.stdout, coroutine.create(error), _G, tensor, getmetatable(tensor.ones(1)), function() error "junk" end } end
  local list = {}
  for k = 1, random(0, depth > 3 and 0 or 4) do list[chance(0.1) and pick { "x", "dim", 7, 1.5, true } or k] = values.junk(depth + 1) end
  return list
end

-- By the kind of a parameter, as core.ops() tells it.
local function integers(most)
  local list = {}
  for k = 1, random(0, most) do list[k] = chance(0.9) and random(-2, 5) or values.number() end
  return list
end

local by_kind = {
  tensors = function(shape)
    local list = {}
    for k = 1, random(0, 4) do list[k] = chance(0.95) and values.tensor(shape) or values.junk() end
    return list
  end,
  scalar = function() return values.number() end,
  int = function() return chance(0.8) and random(-2, 6) or values.number() end,
  ints = function() return chance(0.3) and values.number() or integers(3) end,
  sizes = function() return chance(0.8) and values.shape() or integers(5) end,
  floats = function()
    local list = {}
    for k = 1, random(0, 3) do list[k] = chance(0.8) and random() or values.number() end
    return chance(0.8) and list or values.number()
  end,
  dims = function() return chance(0.5) and random(-4, 4) or integers(3) end,
  bool = function() return chance(0.5) end,
  float = function() return chance(0.5) and random() or values.number() end,
  string = function(_, param) return param.choices and chance(0.95) and pick(param.choices) or pick(words) end,
  dtype = function() return chance(0.95) and pick(computed) or pick(stored) end,
}
setmetatable(by_kind, { __index = function() return function() return values.junk() end end }) -- a kind that is new
by_kind.tensor, by_kind.index, by_kind.class = values.tensor, values.tensor, values.tensor
by_kind.dim, by_kind.newdim, by_kind.pos = by_kind.int, by_kind.int, by_kind.int

-- Parameters as the signature writes them: {name, kind, choices}.
local function params_of(row)
  local list = {}
  for name, kind, rest in row.sig:match("%((.*)%)%s*%->"):gmatch "([%w_]+): (%a+)([^,]*)" do
    local choices = {}
    for word in (rest:match "{([%a_|]+)}" or ""):gmatch "[^|]+" do choices[#choices + 1] = word end
    list[#list + 1] = { name = name, kind = kind, choices = choices[1] and choices, optional = rest:find "[?=]" }
  end
  return list
end

-- Arguments drawn by the row's signature: positions first, then perhaps a table of names.
function values.by_signature(row)
  local shape, params, args = values.shape(), params_of(row), { n = 0 }
  local last = random(#params // 2, #params)
  local function draw(p) if chance(0.03) then return values.junk() end return by_kind[p.kind](shape, p) end
  for k = 1, last do
    args.n = k
    if not (params[k].optional and chance(0.3)) then args[k] = draw(params[k]) end
  end
  if chance(0.5) then
    local options = {}
    for k = chance(0.9) and last + 1 or 1, #params do
      if chance(0.5) then options[params[k].name] = draw(params[k]) end
    end
    args.n = args.n + 1
    args[args.n] = options
  end
  return args
end

-- ---- changed cases ----------------------------------------------------------------------------------

local function change_tensor(x)
  local way = random(9)
  if way == 1 then return x:to(pick(computed)) end
  if way == 2 then return strided(x) end
  if way == 3 and x:dim() > 0 then
    local d = random(x:dim())
    return x:narrow(d, 1, random(0, x:size(d)))
  end
  if way == 4 then return values.tensor(x.shape) end
  if way == 5 and x:dim() < 12 then return x:unsqueeze(1) end
  if way == 6 and x:dim() > 0 and x:size(1) > 0 then return x:select(1, 1) end
  if way == 7 then
    x = x:clone()
    poison(x)
    return x
  end
  if way == 8 and x.dtype:find "^float[36]" then return x:clone():requires_grad_() end
  return values.junk()
end

local function change(v, depth)
  if tensor.is_tensor(v) then return change_tensor(v) end
  if type(v) == "number" then return chance(0.7) and (chance(0.5) and values.number() or v + random(-2, 2)) or values.junk() end
  if type(v) == "boolean" then return not v end
  if type(v) ~= "table" or depth > 3 then return values.junk() end
  local copy, keys = {}, {}
  for k, e in pairs(v) do copy[k], keys[#keys + 1] = e, k end
  table.sort(keys, function(a, b) return tostring(a) < tostring(b) end)
  if #keys == 0 or chance(0.1) then
    copy[#copy + 1] = values.junk()
  else
    local k = pick(keys)
    copy[k] = change(copy[k], depth + 1)
  end
  return copy
end

-- One more option of the row by name, drawn by its kind.
local function add_option(args, row)
  local params, shape = params_of(row), values.shape()
  local p = #params > 0 and pick(params)
  if not p or not p.optional then return end
  local last, options = args[args.n], {}
  if type(last) == "table" and not getmetatable(last) and type(next(last)) == "string" then
    for name, v in next, last do options[name] = v end
  else
    args.n = args.n + 1
  end
  if chance(0.7) then shape = tensor.is_tensor(args[1]) and args[1].shape or shape end
  options[p.name] = by_kind[p.kind](shape, p)
  args[args.n] = options
end

-- Two arguments that are one tensor.
local function share(args)
  local i, k = random(args.n), random(args.n)
  if tensor.is_tensor(args[i]) and tensor.is_tensor(args[k]) then args[i] = args[k] end
end

-- A case of the row's test with one or two of its arguments changed, one left out or one too many, an
-- option more, or one tensor in two places.
function values.changed(case, count, row)
  local args = { n = count }
  for i = 1, count do args[i] = case[i] end
  for _ = 1, random(0, 2) do
    if count > 0 then
      local i = random(count)
      args[i] = change(args[i], 0)
    end
  end
  if count > 1 and chance(0.1) then share(args) end
  if chance(0.4) then
    add_option(args, row)
    return args
  end
  if chance(0.05) then args.n = math.max(0, args.n - 1) end
  if chance(0.05) then
    args.n = args.n + 1
    args[args.n] = values.junk()
  end
  return args
end

-- ---- keys -------------------------------------------------------------------------------------------

local function part(x)
  local way = random(7)
  if way <= 2 then return chance(0.9) and random(-3, 4) or values.number() end
  if way == 3 then return {} end
  if way == 4 then return integers(4) end
  if way == 5 then return chance(0.8) and "..." or pick(words) end
  if way == 6 then return filled(values.shape(), pick { "int64", "uint8", "bool", "int32" }) end
  return tensor.is_tensor(x) and x:float():gt(0) or values.junk()
end

local letters = { "1", "2", "-1", "3", ":", ":", ",", ",", " ", "...", "0", "9999999999999999999999", "-", "x" }

-- A key that fits a dimension of the given size.
local function fitting_part(size)
  local way, from = random(6), random(size)
  if way == 1 then return chance(0.5) and from or from - size - 1 end
  if way == 2 then return {} end
  if way == 3 then return { from, random(from, size) } end
  if way == 4 then return { from, size, random(3) } end
  local at = tensor.randint(1, size, chance(0.5) and { random(0, 3) } or { 2, random(2) })
  if way == 5 then return chance(0.5) and at or at - size - 1 end
  return tensor.rand(size):gt(0.5)
end

local function fitting_key(x)
  local list = {}
  for d = 1, random(0, x:dim()) do list[d] = fitting_part(math.max(1, x:size(d))) end
  if chance(0.1) then table.insert(list, random(#list + 1), "...") end
  return list
end

-- What may stand between the brackets of x[...].
function values.key(x)
  if tensor.is_tensor(x) and chance(0.4) then return fitting_key(x) end
  local way = random(5)
  if way == 1 then return part(x) end
  if way == 2 then
    local text = {}
    for k = 1, random(0, 9) do text[k] = pick(letters) end
    return table.concat(text)
  end
  if way == 3 and chance(0.3) then return values.junk() end
  local list = {}
  for k = 1, random(0, 5) do list[k] = part(x) end
  return list
end

-- ---- in words ---------------------------------------------------------------------------------------

function values.describe(v, depth)
  depth = depth or 0
  if tensor.is_tensor(v) then
    local done, text = pcall(function()
      return ("%s%s%s%s"):format(v.dtype, v.shape, v:is_contiguous() and "" or "/" .. tostring(v:stride()), v.requires_grad and "!" or "")
    end)
    return done and text or "closed"
  end
  if type(v) == "string" then return ("%q"):format(#v > 40 and v:sub(1, 40) .. "~" or v) end
  if type(v) ~= "table" then return type(v) == "number" and ("%.17g"):format(v) or type(v) == "boolean" and tostring(v) or type(v) end
  if depth > 2 or v == _G or v == tensor then return "{~}" end
  local list = {}
  for k, e in pairs(v) do
    if #list > 6 then break end
    list[#list + 1] = (math.type(k) == "integer" and "" or tostring(k) .. "=") .. values.describe(e, depth + 1)
  end
  return "{" .. table.concat(list, ", ") .. "}"
end

return values
