-- Parts of the tensor library that are plainest in Lua: lists of views, conveniences over rows.

local core = require "lunette.core"
local tensor, methods = core.tensor, core.methods

-- Adds a function under one name to the library and, unless it makes tensors, to their methods.
local function both(name, f)
  tensor[name] = f
  methods[name] = f
end

-- a | b, for masks and for the Lua booleans that single elements give.
local function either(a, b)
  if type(a) == "boolean" then return a or b end
  return a | b
end

-- All elements close to those of y: |x - y| <= atol + rtol |y|; equal_nan lets NaN equal NaN.
both("allclose", function(x, y, options)
  options = options or {}
  local rtol, atol = options.rtol or 1e-5, options.atol or 1e-8
  local bound = (tensor.is_tensor(y) and y:abs() or math.abs(y)) * rtol + atol
  local near = either((x - y):abs():le(bound), x:eq(y))
  if options.equal_nan then near = either(near, tensor.logical_and(x:ne(x), tensor.ne(y, y))) end
  if type(near) == "boolean" then return near end
  return near:all()
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
