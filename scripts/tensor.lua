-- Parts of the tensor library that are plainest in Lua: conveniences over rows, and what is loaded when
-- it is first called.

local core = require "lunette.core"
local tensor, methods = core.tensor, core.methods

--- Are x and y of one shape with the same values? x == y asks the same.
function tensor.equal(x, y)
  if not (tensor.is_tensor(x) and tensor.is_tensor(y)) then error("equal: takes two tensors", 2) end
  return x == y
end
methods.equal = tensor.equal

-- x:new_zeros(2, 3), x:new_ones(…), x:new_empty(…), x:new_full({2, 3}, value): new tensors of x's type, or
-- of {dtype = …}.
for _, name in ipairs {"zeros", "ones", "empty", "full"} do
  methods["new_" .. name] = function(x, ...)
    local args = table.pack(...)
    local last = args[args.n]
    if type(last) == "table" and last.dtype ~= nil then return tensor[name](...) end
    if type(last) == "table" and #last == 0 and next(last) ~= nil then
      args[args.n] = {dtype = x.dtype, requires_grad = last.requires_grad}
    else
      args[args.n + 1] = {dtype = x.dtype}
    end
    return tensor[name](table.unpack(args, 1, #args))
  end
end

-- for i, row in pairs(x): rows along the first dimension.
core.meta.__pairs = function(x)
  local n = #x
  return function(_, i)
    if i < n then return i + 1, x[i + 1] end
  end, x, 0
end

--- How tensors print: set_printoptions{precision = 8} shows up to so many decimals (1 to 16; 4 by default).
-- example:
--   tensor.set_printoptions{precision = 2}
--   tensor{2 / 3, math.pi} --> float32 [2]  0.67  3.14
function tensor.set_printoptions(given)
  local o = require "lunette.options"("set_printoptions", given, {"precision"})
  local n = math.tointeger(o.precision)
  if not n or n < 1 or n > 16 then
    require "lunette.nn.fail".raise("set_printoptions: precision is %s; a whole number from 1 to 16 is wanted", tostring(o.precision))
  end
  core.print_precision(n)
end

-- Files, derivatives as tools (scripts/autograd), limits of types: the code is read at the first call.
core.later = setmetatable({}, {__mode = "k"}) -- such a function -> what gives the function itself, for help

local function later(module, name)
  local function f(...) return require(module)[name](...) end
  core.later[f] = function() return require(module)[name] end
  return f
end

tensor.load, tensor.save = later("lunette.files", "load"), later("lunette.files", "save")
for _, name in ipairs {"custom", "checkpoint", "jacobian", "hessian", "hvp", "vjp", "jvp", "gradcheck", "detect_anomaly"} do
  tensor[name] = later("lunette.autograd", name)
end
for _, name in ipairs {"register_hook", "retain_grad"} do methods[name] = later("lunette.autograd", name) end
for _, name in ipairs {"cov", "corrcoef", "histogramdd", "block_diag", "broadcast_shapes"} do
  tensor[name] = later("lunette.blocks", name)
end
methods.cov, methods.corrcoef = tensor.cov, tensor.corrcoef
tensor.finfo, tensor.iinfo = later("lunette.limits", "finfo"), later("lunette.limits", "iinfo")
