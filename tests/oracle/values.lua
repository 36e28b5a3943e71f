-- values.lua: from what a case says to Lua values, and from results to files.

local core = require "lunette.core"
local json = require "tests.oracle.json"

local tensor = core.tensor
local values = {}

-- The same elements at the given strides: every dimension of stride 0 is expanded.
local function with_strides(x, strides)
  local room, kept, repeated = 1, {}, {}
  for d, size in ipairs(x.shape) do
    repeated[d] = strides[d] == 0 and size > 1
    kept[d] = repeated[d] and 1 or size
    if size == 0 then return x end
    room = room + (kept[d] - 1) * strides[d]
  end
  local view = tensor.zeros({room}, {dtype = x.dtype}):as_strided(kept, strides)
  local first = x
  for d = 1, #kept do
    if repeated[d] then first = first:narrow(d, 1, 1) end
  end
  view:copy_(first)
  return view:expand(x.shape)
end

-- Every second element along the last dimension of a buffer twice as wide.
local function every_second(x)
  if x:dim() == 0 then return x end
  local shape = {table.unpack(x.shape)}
  shape[#shape] = 2 * shape[#shape]
  local filler = x.dtype:find "float" and 0 / 0 or 1
  local wide = tensor.full(shape, filler, {dtype = x.dtype})
  local view = wide:slice(-1, 1, -1, 2)
  view:copy_(x)
  return view
end

-- {"$tensor": file, ...}; a leaf is noted in `leaves`.
local function read_tensor(spec, folder, leaves)
  local x = tensor.read_npy(folder .. "/" .. spec["$tensor"])
  if spec.layout == "step2" then x = every_second(x) end
  if spec.strides then x = with_strides(x, spec.strides) end
  if spec.grad then
    x = x:detach():requires_grad_()
    leaves[#leaves + 1] = x
  end
  return x
end

local floats = {nan = 0 / 0, inf = math.huge, ["-inf"] = -math.huge}

--- A value of a case. Lists become tables, null stays json.null; slices, tuples and the ellipsis stay
-- as the case writes them, their parts read.
function values.read(spec, folder, leaves)
  if type(spec) ~= "table" or spec == json.null then return spec end
  if spec["$tensor"] then return read_tensor(spec, folder, leaves) end
  if spec["$float"] then return floats[spec["$float"]] end
  if spec["$dtype"] then return spec["$dtype"] end
  local keys = json.keys(spec)
  if not keys then
    local list = {}
    for i, item in ipairs(spec) do list[i] = values.read(item, folder, leaves) end
    return list
  end
  local object = setmetatable({}, {keys = keys})
  for _, key in ipairs(keys) do object[key] = values.read(spec[key], folder, leaves) end
  return object
end

--- Results as a flat list; single values, which are plain in Lua, get `dtype` where it fits them.
function values.flat(results, wanted)
  local list = {}
  local function add(value)
    if type(value) == "table" and getmetatable(value) == nil then
      for _, item in ipairs(value) do add(item) end
      return
    end
    if not tensor.is_tensor(value) and (type(value) == "number" or type(value) == "boolean") then
      local spec = wanted[#list + 1]
      local dtype = type(value) == "boolean" and "bool" or spec and spec.dtype or "float64"
      if math.type(value) == "integer" and dtype:find "float" or dtype == "bool" and value ~= not not value then
        dtype = "int64"
      end
      value = tensor.full({}, value, {dtype = dtype})
    end
    list[#list + 1] = value
  end
  for i = 1, results.n do add(results[i]) end
  return list
end

function values.write(path, x)
  tensor.write_npy(path, x:detach())
end

return values
