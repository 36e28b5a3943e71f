-- limits.lua: what the types of numbers can hold.

local core = require "lunette.core"
local fail = require "lunette.nn.fail"

local tensor = core.tensor

local limits = {}

-- bits, of the fraction, and the largest and smallest exponents of normal numbers.
local floats = {
  float64 = {bits = 64, fraction = 52, top = 1023, bottom = -1022},
  float32 = {bits = 32, fraction = 23, top = 127, bottom = -126},
  float16 = {bits = 16, fraction = 10, top = 15, bottom = -14},
  bfloat16 = {bits = 16, fraction = 7, top = 127, bottom = -126},
}

local integers = {
  int64 = {bits = 64, min = math.mininteger, max = math.maxinteger},
  int32 = {bits = 32, min = -2 ^ 31 // 1 | 0, max = 2 ^ 31 - 1 | 0},
  uint8 = {bits = 8, min = 0, max = 255},
}

local function dtype_of(where, given)
  if tensor.is_tensor(given) then return given.dtype end
  if given == nil then return "float32" end
  if type(given) ~= "string" then fail.raise("%s: takes the name of a type or a tensor, got a %s", where, type(given)) end
  return given
end

--- finfo(dtype): what a float type holds, float32 by default; a tensor stands for its type. {dtype, bits,
-- eps (from 1 to the next number), max, min, smallest_normal, tiny (the same), smallest_subnormal,
-- resolution (10^-digits, digits that survive)}.
-- example: tensor.finfo("float32").eps == 2 ^ -23 --> true
function limits.finfo(given)
  local dtype = dtype_of("finfo", given)
  local f = floats[dtype] or fail.raise("finfo: %s is not a float type (float64, float32, float16, bfloat16)%s", dtype,
    integers[dtype] and "; iinfo tells about integers" or "")
  local eps = 2.0 ^ -f.fraction
  local max = (2 - eps) * 2.0 ^ f.top
  return {dtype = dtype, bits = f.bits, eps = eps, max = max, min = -max, smallest_normal = 2.0 ^ f.bottom,
    tiny = 2.0 ^ f.bottom, smallest_subnormal = 2.0 ^ (f.bottom - f.fraction),
    resolution = 10.0 ^ -(f.fraction * math.log(2, 10) // 1)}
end

--- iinfo(dtype): what an integer type holds, int64 by default: {dtype, bits, min, max}.
-- example: tensor.iinfo("uint8").max --> 255
function limits.iinfo(given)
  local dtype = given == nil and "int64" or dtype_of("iinfo", given)
  local i = integers[dtype] or fail.raise("iinfo: %s is not an integer type (int64, int32, uint8)%s", dtype,
    floats[dtype] and "; finfo tells about floats" or "")
  return {dtype = dtype, bits = i.bits, min = i.min, max = i.max}
end

return limits
