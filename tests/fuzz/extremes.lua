-- Every op on all pairs of the numbers at the edges of every type: the least and the largest integers,
-- counts of bits, infinities, NaN, denormals, what does not fit another type. Nothing but Lua errors may come
-- out; sanitizers see overflow and conversions out of range. Usage: lunette tests/fuzz/extremes.lua LOG
-- LOG holds the op and the type that run.

local lunette = require "lunette"
local core = require "lunette.core"
local tensor = lunette.tensor

local log = assert(io.open(arg[1], "w"))
local least, most = math.mininteger, math.maxinteger

local whole = {
  int64 = { least, least + 1, -(1 << 53), -(1 << 31) - 1, -64, -63, -1, 0, 1, 2, 31, 32, 63, 64, 65, 1 << 31, 1 << 53,
    most - 1, most },
  int32 = { -(1 << 31), -(1 << 31) + 1, -33, -32, -31, -1, 0, 1, 2, 31, 32, 33, 1 << 16, (1 << 31) - 2, (1 << 31) - 1 },
  uint8 = { 0, 1, 2, 7, 8, 9, 31, 127, 128, 254, 255 },
  bool = { 0, 1 },
}
local floats = { -math.huge, -1.7e308, -3.5e38, -3.4e38, -2 ^ 63, -2 ^ 53, -2 ^ 31 - 1, -256.0, -1.0, -0.5, -5e-324, -0.0, 0.0,
  5e-324, 1e-310, 1e-45, 0.5, 1.0, 2.0, 255.0, 256.0, 2 ^ 31, 2 ^ 53, 2 ^ 63, 2 ^ 64, 3.4e38, 3.5e38, 1.7e308, math.huge, 0 / 0 }
local singles = { -1, 0, 1, 2, 63, 64, -64, least, most, 1e300, -1e300, 0 / 0, math.huge, 0.5 }
local dtypes = { "int64", "int32", "uint8", "bool", "float32", "float64", "float16", "bfloat16" }

local function numbers(dtype)
  if whole[dtype] then return tensor(whole[dtype], { dtype = "int64" }):to(dtype) end
  return tensor(floats, { dtype = "float64" }):to(dtype)
end

local calls, errors = 0, 0

local function try(f, ...)
  calls = calls + 1
  local done, y = pcall(f, ...)
  if not done then
    errors = errors + 1
  elseif tensor.is_tensor(y) then
    tostring(y)
    if y.requires_grad then pcall(function() y:double():sum():backward() end) end
  end
end

-- One tensor, or one and a number.
local function alone(f, x)
  try(f, x)
  try(f, x:view(1, -1))
  if x.dtype:find "^float[36]" then try(f, x:clone():requires_grad_()) end
  for _, s in ipairs(singles) do
    try(f, x, s)
    try(f, s, x)
  end
end

-- Every number of x beside every number of y.
local function together(f, written, x, y)
  local rows, columns = x:view(-1, 1), y:view(1, -1)
  local p, q = rows:expand(-1, #y):contiguous(), columns:expand(#x, -1):contiguous()
  try(f, p, q)
  try(f, rows, columns)
  if written then try(written, p:clone(), q) end
  if y.dtype ~= x.dtype and y.dtype ~= "int64" then return end
  try(f, p, q, p)
  try(f, p, 1, q)
  try(f, p, 1, q, p)
  try(f, p, q, 1)
end

local function ops()
  for _, row in ipairs(core.ops()) do
    local f = (row.hidden and core.hidden or core.functions)[row.name]
    for _, dtype in ipairs(f and dtypes or {}) do
      log:seek "set"
      log:write(("%-60s"):format(row.name .. " " .. dtype))
      log:flush()
      local x = numbers(dtype)
      alone(f, x)
      for _, other in ipairs(dtypes) do together(f, core.functions[row.name .. "_"], x, numbers(other)) end
    end
  end
end

local function conversions()
  for _, dtype in ipairs(dtypes) do
    local x = numbers(dtype)
    for _, other in ipairs(dtypes) do
      try(function() return x:to(other) end)
      try(function() return tensor.zeros(#x):to(other):copy_(x) end)
    end
    for _, v in ipairs(floats) do
      try(function() x[1] = v end)
      try(function() return x:fill_(v) end)
    end
  end
end

local function indices()
  for _, dtype in ipairs(dtypes) do
    for _, i in ipairs(whole.int64) do
      local x = numbers(dtype)
      try(function() return x[i] end)
      try(function() x[i] = i end)
    end
    for other in next, whole do
      local x = numbers(dtype)
      try(function() return x[numbers(other)] end)
      try(function() x[numbers(other)] = 1 end)
    end
  end
end

tensor.memory_limit(300 << 20)
ops()
conversions()
indices()
log:close()
print(("%d calls, %d errors, 0 failed"):format(calls, errors))
