-- prompt/values.lua: how results are shown: tables sorted, safe from cycles, cut to the terminal.

local console = require "lunette.console"
local core = require "lunette.core"

local values = {
  decimals = nil -- the most that plain numbers show; nil: as Lua writes them
}

local DEPTH, ITEMS, LONGEST = 4, 60, 120
local LARGE = 400 -- elements: of more, tensors print their corners

local function quoted(text)
  local cut = #text > LONGEST
  local shown = (cut and text:sub(1, LONGEST) or text):gsub("[%c\"\\]", function(c)
    local known = {["\n"] = "\\n", ["\t"] = "\\t", ["\r"] = "\\r", ['"'] = '\\"', ["\\"] = "\\\\"}
    return known[c] or ("\\%d"):format(c:byte())
  end)
  return ('"%s"%s'):format(shown, cut and (" .. %d bytes"):format(#text - LONGEST) or "")
end

-- ---- numbers -------------------------------------------------------------------------------------------

-- Fewest digits that give this float32 back; nil for what is none.
local function as_float32(v)
  local function single(x) return (string.unpack("f", string.pack("f", x))) end
  if single(v) ~= v then return end
  for digits = 6, 9 do
    local text = ("%%.%dg"):format(digits):format(v)
    if single(tonumber(text)) == v then return text end
  end
end

-- With the decimals that were asked for, less the zeros at their end.
local function rounded(v)
  local far = v ~= 0 and (math.abs(v) < 10.0 ^ -values.decimals or math.abs(v) >= 1e15)
  local mantissa, power = ("%%.%d%s"):format(values.decimals, far and "e" or "f"):format(v):match "^([^e]*)(.*)$"
  return mantissa:gsub("(%.%d-)0*$", "%1"):gsub("%.$", ".0") .. power
end

local function number_text(v)
  if math.type(v) == "integer" then return tostring(v) end
  if v ~= v then return "nan" end
  if v == math.huge or v == -math.huge then return tostring(v) end
  if values.decimals then return rounded(v) end
  local text = as_float32(v) or tostring(v)
  return text:find "[.e]" and text or text .. ".0"
end

-- ---- any value -----------------------------------------------------------------------------------------

local keywords = {}
for word in ([[and break do else elseif end false for function goto if in local nil not or repeat
return then true until while]]):gmatch "%a+" do keywords[word] = true end

local function is_name(key)
  return type(key) == "string" and key:find "^[%a_][%w_]*$" and not keywords[key]
end

local function is_plain(value)
  if type(value) ~= "table" then return false end
  local meta = getmetatable(value)
  return not (type(meta) == "table" and (rawget(meta, "__tostring") or rawget(meta, "__name")))
end

local order = {number = 1, string = 2, boolean = 3}

local function before(a, b)
  local x, y = order[type(a)] or 4, order[type(b)] or 4
  if x ~= y then return x < y end
  if x <= 2 then return a < b end
  return tostring(a) < tostring(b)
end

-- The keys beyond the list 1..n, sorted.
local function other_keys(t, n)
  local keys = {}
  for key in next, t do
    if not (math.type(key) == "integer" and key >= 1 and key <= n) then keys[#keys + 1] = key end
  end
  table.sort(keys, before)
  return keys
end

local text_of

local function key_text(key, state)
  if is_name(key) then return key end
  return "[" .. text_of(key, 0, state) .. "]"
end

local function add_rest(items, n)
  if n > 0 then items[#items + 1] = ("... %d more"):format(n) end
end

-- The items of a table as texts, at most ITEMS; a long list leaves room for half as many fields.
local function items_of(t, indent, state)
  local items, n = {}, rawlen(t)
  local keys = other_keys(t, n)
  local fields = math.min(#keys, math.max(ITEMS - n, ITEMS // 2))
  local listed = math.min(n, ITEMS - fields)
  for i = 1, listed do items[i] = text_of(rawget(t, i), indent, state) end
  add_rest(items, n - listed)
  for i = 1, fields do
    local key = keys[i]
    items[#items + 1] = key_text(key, state) .. " = " .. text_of(rawget(t, key), indent, state)
  end
  add_rest(items, #keys - fields)
  return items
end

local function joined(items, indent, room)
  local one = "{" .. table.concat(items, ", ") .. "}"
  if #one + indent <= room and not one:find "\n" then return one end
  local pad = (" "):rep(indent + 2)
  local lines, line = {}, pad
  for i, item in ipairs(items) do
    local piece = item .. (i < #items and "," or "")
    if #line > #pad and (#line + #piece + 1 > room or piece:find "\n" or line:find "\n") then
      lines[#lines + 1] = line
      line = pad .. piece
    else
      line = (#line > #pad and line .. " " or line) .. piece
    end
  end
  lines[#lines + 1] = line
  return "{\n" .. table.concat(lines, "\n") .. "\n" .. (" "):rep(indent) .. "}"
end

function text_of(value, indent, state)
  if type(value) == "string" then return quoted(value) end
  if type(value) == "function" then return "function" end
  if type(value) == "number" then return number_text(value) end
  if not is_plain(value) then
    local text = tostring(value)
    local first = text:match "^[^\n]*"
    return (first == text or core.tensor.is_tensor(value)) and first or first .. " ..."
  end
  if state.open[value] then return "{cycle}" end
  if next(value) == nil then return "{}" end
  if state.depth >= DEPTH then return "{...}" end
  state.open[value], state.depth = true, state.depth + 1
  local items = items_of(value, indent + 2, state)
  state.open[value], state.depth = nil, state.depth - 1
  return joined(items, indent, state.room)
end

--- Any value as the prompt shows it; strings in quotes.
function values.text(value, room)
  return text_of(value, 0, {open = {}, depth = 0, room = room or 80})
end

-- At most the rows of the terminal, less what an entry takes.
local function cut(text)
  local most, n, at = math.max(console.rows() - 4, 8), 0, 1
  for place in text:gmatch "()\n" do
    n = n + 1
    if n == most then at = place break end
  end
  if n < most then return text end
  local _, left = text:sub(at + 1):gsub("[^\n]+", "")
  return text:sub(1, at) .. ("... %d more lines"):format(left)
end

-- A tensor of which only corners are printed has a summary below its header.
local function tensor_text(x)
  local text = tostring(x)
  local head, rest = text:match "^([^\n]*)(\n.*)$"
  local about = rest and x:numel() > LARGE and require("lunette.prompt.summary").of(x, console.columns() - 3)
  if not about then return text end
  return head .. "\n  " .. (console.colors() and "\27[90m" .. about .. "\27[0m" or about) .. rest
end

local function one(value)
  if type(value) == "number" then return number_text(value) end
  if is_plain(value) then return cut(values.text(value, console.columns())) end
  return cut(core.tensor.is_tensor(value) and tensor_text(value) or tostring(value))
end

-- Several values: on one line if each has one, a vector's with its header; else one below the other.
local function joined_values(parts)
  for i, text in ipairs(parts) do
    local head, row = text:match "^([^\n]*%[%d+%][^\n]*)\n([^\n]*)$"
    if row and #head + #row < 40 then parts[i] = head .. row end
  end
  local text = table.concat(parts, "\t")
  return text:find "\n" and table.concat(parts, "\n") or text
end

-- A figure of lunette.plot is shown as a picture, which needs its file: {path, figure}.
local function picture_of(value)
  if type(value) ~= "table" or not package.loaded["lunette.plot"] then return end
  local pictures = require "lunette.prompt.pictures"
  local figure = pictures.figure_of(value)
  return figure and {pictures.file_of(figure), figure}
end

--- Writes the values as print does, tables with what is in them, figures as pictures below. The user's
--- own print is not asked.
function values.show(...)
  local n, parts, files = select("#", ...), {}, {}
  for i = 1, n do
    local value = (select(i, ...))
    local file = picture_of(value)
    if file then files[#files + 1] = file end
    if not file or n > 1 then parts[#parts + 1] = one(value) end
  end
  if #parts > 0 then io.stdout:write(joined_values(parts), "\n") end
  for _, file in ipairs(files) do require("lunette.prompt.pictures").show(table.unpack(file)) end
  io.stdout:flush()
end

return values
