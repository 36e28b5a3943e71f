-- indexing.lua: x[...] of Python as x[...] of Lunette: positions from 1, ends included, None as a new
-- dimension.

local core = require "lunette.core"
local json = require "tests.oracle.json"
local signature = require "tests.oracle.signature"

local tensor = core.tensor
local indexing = {}

local function up(v) return v >= 0 and v + 1 or v end

--- The last of the numbers from start by step before `stop`; where the steps lead away from it, one that
-- they lead away from as well.
function indexing.last(start, stop, step)
  local n = (stop - start) / step
  n = n < 0 and math.floor(n) or math.ceil(n)
  local whole = math.type(start) == "integer" and math.type(stop) == "integer" and math.type(step) == "integer"
  return start + step * (whole and math.tointeger(n) - 1 or n - 0.5)
end

local nothing = {2, 1} -- an empty range

-- {$slice: [start, end, step]}
local function range(slice)
  local start, stop, step = slice[1], slice[2], slice[3]
  start = start == json.null and 1 or up(start)
  if stop == 0 then return nothing end
  stop = stop == json.null and -1 or up(stop - 1)
  return {start, stop, step ~= json.null and step or nil}
end

-- One part of an index; the second result says that it is None.
local function part(item)
  if item == json.null then return {}, true end
  if math.type(item) == "integer" then return up(item) end
  if tensor.is_tensor(item) then return signature.up(item) end
  if type(item) ~= "table" then return item end
  if item["$slice"] then return range(item["$slice"]) end
  if item["$ellipsis"] then return "..." end
  if item[1] == nil then return tensor.zeros({0}, {dtype = "int64"}) end
  return signature.up(tensor(item)) -- a list picks
end

-- How many dimensions a part of Python's takes.
local function width(item)
  if item == json.null or type(item) == "table" and item["$ellipsis"] then return 0 end
  if tensor.is_tensor(item) and item.dtype == "bool" then return item:dim() end
  return 1
end

-- The parts as a list: of a tuple, or of a list that holds more than numbers, which Python takes for one.
local function items_of(index)
  if type(index) ~= "table" or tensor.is_tensor(index) or index == json.null then return {index} end
  if index["$tuple"] then return index["$tuple"] end
  for _, item in ipairs(index) do
    if type(item) ~= "number" and type(item) ~= "boolean" then return index end
  end
  return {index}
end

-- The parts of an index, and x with a dimension of size 1 where None stands.
local function prepare(x, index)
  local items = items_of(index)
  local used = 0
  for _, item in ipairs(items) do used = used + width(item) end
  local parts, at = {}, 1
  for i, item in ipairs(items) do
    local one, is_new = part(item)
    if is_new then x = x:unsqueeze(at) end
    parts[i] = one
    at = at + (is_new and 1 or one == "..." and x:dim() - used or width(item))
  end
  return x, parts
end

function indexing.__getitem__(args)
  local x, parts = prepare(args[1], args[2])
  return x[parts]
end

--- In PyTorch x changes; here a copy does, so that its leaf stays.
function indexing.__setitem__(args)
  local x = args[1]:clone()
  local view, parts = prepare(x, args[2])
  view[parts] = args[3]
  return x
end

return indexing
