-- values.lua: turns what users hand to a chart (lists, list-like objects, tensors) into Lua lists
-- of numbers and blocks of pixels. All reading of tensors by charts is here.

local fail = require "lunette.nn.fail"
local values = {}

-- Numbers beyond this count as infinite, so that spans never overflow.
local LARGEST = 1e300

--- Whether a number can be drawn.
function values.finite(v) return v == v and v < LARGEST and v > -LARGEST end

function values.is_tensor(value) return type(value) == "userdata" end

--- Whether a value is a plain table with names and no list part: options.
function values.is_options(value)
  return type(value) == "table" and getmetatable(value) == nil and #value == 0
    and type(next(value)) == "string"
end

--- A field of a table that may refuse unknown names.
function values.field(object, name)
  local ok, value = pcall(function() return object[name] end)
  if ok then return value end
  return nil
end

local function shape_text(tensor)
  local sizes = {}
  for i = 1, #tensor.shape do sizes[i] = tostring(tensor.shape[i]) end
  return "[" .. table.concat(sizes, ",") .. "]"
end

local function number(where, name, i, v)
  if type(v) == "userdata" then v = v:item() end
  if type(v) == "boolean" then v = v and 1 or 0 end
  if type(v) == "number" then return v end
  local kind = v == nil and "missing" or type(v) == "table" and "a list" or "a " .. type(v)
  fail.raise(("%s: %s[%d] is %s; %s must be one list of numbers"):format(where, name, i, kind, name))
end

--- A list of numbers, copied. Errors name `where` and the argument's `name`.
function values.list(where, name, value)
  if values.is_tensor(value) then
    if value:dim() ~= 1 then
      fail.raise(("%s: %s has shape %s; it must have one dimension (draw one row: %s[1])"):format(
        where, name, shape_text(value), name))
    end
    value = value:tolist()
  elseif type(value) ~= "table" then
    fail.raise(("%s: %s must be a list of numbers or a tensor, got %s"):format(
      where, name, value == nil and "nothing" or type(value)))
  end
  local list, count = {}, #value
  for i = 1, count do list[i] = number(where, name, i, value[i]) end
  if count == 0 then fail.raise(("%s: %s is empty; there is nothing to draw"):format(where, name)) end
  return list
end

--- A table of rows of equal length from a list of lists or a tensor [R,C].
function values.matrix(where, name, value)
  if values.is_tensor(value) then
    if value:dim() ~= 2 then
      fail.raise(("%s: %s has shape %s; it must have two dimensions"):format(
        where, name, shape_text(value)))
    end
    value = value:tolist()
  end
  if type(value) ~= "table" or #value == 0 then
    fail.raise(("%s: %s must be a tensor [rows, columns] or a list of rows"):format(where, name))
  end
  local rows = {}
  for i = 1, #value do
    rows[i] = values.list(where, ("%s[%d]"):format(name, i), value[i])
    if #rows[i] ~= #rows[1] then
      fail.raise(("%s: row %d of %s has %d numbers but row 1 has %d"):format(
        where, i, name, #rows[i], #rows[1]))
    end
  end
  return rows
end

--- Smallest, largest and smallest positive of the finite numbers in a list; nil when there is none.
function values.range(list)
  local lo, hi, positive = math.huge, -math.huge, math.huge
  for _, v in ipairs(list) do
    if values.finite(v) then
      if v < lo then lo = v end
      if v > hi then hi = v end
      if v > 0 and v < positive then positive = v end
    end
  end
  if lo > hi then return nil end
  return {lo = lo, hi = hi, positive = positive < math.huge and positive or nil}
end

-- Sizes of nested lists, read along their first elements.
local function nested_shape(value)
  local shape = {}
  while type(value) == "table" do
    shape[#shape + 1] = #value
    value = value[1]
  end
  return shape
end

-- The numbers of one plane [H,W] appended to `out`; every row must have the first one's length.
local function append_plane(where, plane, height, width, out)
  local function check(list, size)
    if type(list) ~= "table" or #list ~= size then
      fail.raise(("%s: the images have different sizes; all must be %d x %d"):format(
        where, height, width))
    end
  end
  check(plane, height)
  for y = 1, height do
    check(plane[y], width)
    table.move(plane[y], 1, width, #out + 1, out)
  end
end

local function booleans_to_numbers(images)
  if type(images[1][1]) ~= "boolean" then return end
  for _, planes in ipairs(images) do
    for i, v in ipairs(planes) do planes[i] = v and 1 or 0 end
  end
end

local function smallest_and_largest(images)
  local lo, hi, whole = math.huge, -math.huge, true
  for _, planes in ipairs(images) do
    for _, v in ipairs(planes) do
      if type(v) ~= "number" then return nil end
      if values.finite(v) then
        if v < lo then lo = v end
        if v > hi then hi = v end
        whole = whole and v == math.floor(v)
      end
    end
  end
  return lo, hi, whole
end

-- The range of values shown as black to white: 0..255 for bytes, 0..1 where all lie in it, else
-- from the smallest to the largest.
local function natural_range(lo, hi, whole)
  if lo > hi then return 0, 1 end
  if whole and lo >= 0 and hi > 1 and hi <= 255 then return 0, 255 end
  if lo >= 0 and hi <= 1 then return 0, 1 end
  if lo == hi then return lo - 0.5, lo + 0.5 end
  return lo, hi
end

local MISSING = string.char(0xD5, 0x5E, 0x00)   -- the colour of NaN and infinite values

-- One image's planes (c * h * w numbers) as h * w * 3 bytes.
local function to_rgb(planes, channels, count, lo, hi)
  local char, floor = string.char, math.floor
  local factor = 255 / (hi - lo)
  local function byte(v)
    local b = floor((v - lo) * factor + 0.5)
    return b < 0 and 0 or b > 255 and 255 or b
  end
  local out, finite = {}, values.finite
  for i = 1, count do
    local r = planes[i]
    local g = channels == 3 and planes[count + i] or r
    local b = channels == 3 and planes[2 * count + i] or r
    if finite(r) and finite(g) and finite(b) then
      out[i] = char(byte(r), byte(g), byte(b))
    else
      out[i] = MISSING
    end
  end
  return table.concat(out)
end

local function image_shape(where, value)
  local shape
  if values.is_tensor(value) then
    shape = {}
    for i = 1, #value.shape do shape[i] = value.shape[i] end
  else
    shape = nested_shape(value)
  end
  local text = "[" .. table.concat(shape, ",") .. "]"
  for _, size in ipairs(shape) do
    if size == 0 then fail.raise(("%s: there are no images: shape %s"):format(where, text)) end
  end
  if #shape == 2 then table.insert(shape, 1, 1) end
  if #shape == 3 then table.insert(shape, 2, 1) end
  if #shape ~= 4 then
    fail.raise(("%s: images must be [N,H,W], [N,1,H,W] or [N,3,H,W], got %s"):format(where, text))
  end
  if shape[2] ~= 1 and shape[2] ~= 3 then
    fail.raise(("%s: images have 1 channel (grey) or 3 (red, green, blue), got %d in %s; "
      .. "pick one channel, e.g. x[{{}, 1}]"):format(where, shape[2], text))
  end
  return shape, text
end

--- Images from a tensor or nested lists [H,W], [N,H,W], [N,1,H,W] or [N,3,H,W].
-- Returns {count=, width=, height=, range={lo,hi}, [i] = RGB bytes}. `range` may be nil; at most
-- `limit` images are taken.
function values.pixels(where, value, range, limit)
  if not values.is_tensor(value) and type(value) ~= "table" then
    fail.raise(("%s: images must be a tensor or nested lists, got %s"):format(
      where, value == nil and "nothing" or type(value)))
  end
  local shape, text = image_shape(where, value)
  local count, channels, height, width = table.unpack(shape)
  if count > limit then
    fail.raise(("%s: %d images in %s are too many to look at (at most %d); show some, e.g. x[{{1, 64}}]")
      :format(where, count, text, limit))
  end
  local nested = values.is_tensor(value) and value:tolist() or value
  local dims = select(2, text:gsub("%d+", ""))
  local images = {}
  for n = 1, count do
    local image = dims == 2 and nested or nested[n]
    images[n] = {}
    for c = 1, channels do
      append_plane(where, dims == 4 and image[c] or image, height, width, images[n])
    end
  end
  booleans_to_numbers(images)
  local lo, hi, whole = smallest_and_largest(images)
  if not lo then fail.raise(("%s: images must hold numbers only"):format(where)) end
  if range then lo, hi = range[1], range[2] else lo, hi = natural_range(lo, hi, whole) end
  local result = {count = count, width = width, height = height, range = {lo, hi}}
  for n = 1, count do result[n] = to_rgb(images[n], channels, width * height, lo, hi) end
  return result
end

return values
