-- json.lua: reads JSON, keeping what the cases need and other readers lose: the order of the keys of an
-- object, whole numbers apart from floats, null apart from nothing.

local json = {}

-- Stands for null, so that lists keep their length.
json.null = setmetatable({}, {__tostring = function() return "null" end})

-- Names of an object in the order of the file; nil for lists and anything else.
function json.keys(value)
  local me = type(value) == "table" and getmetatable(value)
  return me and me.keys
end

local escapes = {b = "\b", f = "\f", n = "\n", r = "\r", t = "\t"}

local function unescape(text)
  text = text:gsub("\\u(%x%x%x%x)", function(h) return utf8.char(tonumber(h, 16)) end)
  return (text:gsub("\\(.)", function(c) return escapes[c] or c end))
end

local value

local function fail(at, wanted) error(("json: %s wanted at byte %d"):format(wanted, at), 0) end

local function string_at(text, at)
  local from = at + 1
  at = from
  while true do
    at = text:find('["\\]', at) or fail(from, "the end of a string")
    if text:sub(at, at) == '"' then return unescape(text:sub(from, at - 1)), at + 1 end
    at = at + 2
  end
end

-- The items between brackets: one(text, at) reads an item and gives the place behind it.
local function items(text, at, close, one)
  at = text:find("%S", at + 1)
  if text:sub(at, at) == close then return at + 1 end
  while true do
    at = text:find("%S", one(text, at))
    local c = text:sub(at, at)
    if c == close then return at + 1 end
    if c ~= "," then fail(at, close) end
    at = text:find("%S", at + 1)
  end
end

local function list_at(text, at)
  local list = {}
  return list, items(text, at, "]", function(_, from)
    local item, next_at = value(text, from)
    list[#list + 1] = item
    return next_at
  end)
end

local function object_at(text, at)
  local keys = {}
  local object = setmetatable({}, {keys = keys})
  return object, items(text, at, "}", function(_, from)
    local key, behind = string_at(text, from)
    local start = text:match("^%s*:%s*()", behind) or fail(behind, ":")
    local item, next_at = value(text, start)
    keys[#keys + 1] = key
    object[key] = item
    return next_at
  end)
end

local words = {["true"] = true, ["false"] = false, null = json.null, NaN = 0 / 0, Infinity = math.huge}

value = function(text, at)
  local c = text:sub(at, at)
  if c == "{" then return object_at(text, at) end
  if c == "[" then return list_at(text, at) end
  if c == '"' then return string_at(text, at) end
  local word = text:match("^%a+", at)
  if word and words[word] ~= nil then return words[word], at + #word end
  local number = text:match("^%-?[%d.eE+-]+", at)
  if not tonumber(number) then fail(at, "a value") end
  return tonumber(number), at + #number
end

function json.decode(text)
  return (value(text, text:find "%S"))
end

return json
