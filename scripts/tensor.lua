-- Parts of the tensor library that are plainest in Lua: lists of views, conveniences over rows.

local core = require "lunette.core"
local tensor, methods = core.tensor, core.methods

-- Adds a function under one name to the library and, unless it makes tensors, to their methods.
local function both(name, f)
  tensor[name] = f
  methods[name] = f
end

-- A dimension as given (from 1, or from the end) as one from 1.
local function dim_of(x, dim, where)
  local n = x:dim()
  local d = dim < 0 and dim + n + 1 or dim
  if math.type(dim) ~= "integer" or d < 1 or d > n then
    error(("%s: dimension %s of a tensor with %d dimensions; they count from 1"):format(where, tostring(dim), n), 3)
  end
  return d
end

-- Pieces of at most `size` (a number), or of the sizes in a list, along a dimension: a list of views.
both("split", function(x, size, dim)
  dim = dim_of(x, dim or 1, "split")
  local n, parts, at = x:size(dim), {}, 1
  if type(size) == "number" then
    if size < 1 then error("split: the size is " .. size .. "; it is at least 1", 2) end
    local sizes = {}
    for start = 1, n, size do sizes[#sizes + 1] = math.min(size, n - start + 1) end
    if n == 0 then sizes[1] = 0 end
    size = sizes
  end
  for i, len in ipairs(size) do
    parts[i] = x:narrow(dim, at, len)
    at = at + len
  end
  if at ~= n + 1 then
    error(("split: the sizes add up to %d where dimension %d has %d"):format(at - 1, dim, n), 2)
  end
  return parts
end)

-- At most `n` pieces of equal size, the last maybe smaller: a list of views.
both("chunk", function(x, n, dim)
  dim = dim_of(x, dim or 1, "chunk")
  if math.type(n) ~= "integer" or n < 1 then error("chunk: the number of pieces is " .. tostring(n), 2) end
  return x:split(math.max(1, (x:size(dim) + n - 1) // n), dim)
end)

-- The slices along a dimension, without it: a list of views.
both("unbind", function(x, dim)
  dim = dim_of(x, dim or 1, "unbind")
  local parts = {}
  for i = 1, x:size(dim) do parts[i] = x:select(dim, i) end
  return parts
end)

-- for i, row in pairs(x): rows along the first dimension.
core.meta.__pairs = function(x)
  local n = #x
  return function(_, i)
    if i < n then return i + 1, x[i + 1] end
  end, x, 0
end

-- Files: the code is read at the first call.
function tensor.load(...) return require("lunette.files").load(...) end
function tensor.save(...) return require("lunette.files").save(...) end

-- Derivatives as tools, in scripts/autograd, and limits of types: read at the first call.
core.later = setmetatable({}, {__mode = "k"}) -- such a function -> what gives the function itself, for help

local function later(module, name)
  local function f(...) return require(module)[name](...) end
  core.later[f] = function() return require(module)[name] end
  return f
end

for _, name in ipairs {"custom", "checkpoint", "jacobian", "hessian", "hvp", "vjp", "jvp", "gradcheck", "detect_anomaly"} do
  tensor[name] = later("lunette.autograd", name)
end
methods.register_hook = later("lunette.autograd", "register_hook")
tensor.finfo, tensor.iinfo = later("lunette.limits", "finfo"), later("lunette.limits", "iinfo")
