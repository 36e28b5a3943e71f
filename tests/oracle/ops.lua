-- ops.lua: cases of functions.

local call = require "tests.oracle.call"
local values = require "tests.oracle.values"

--- The results of a case: spec.op(args, kwargs); leaves are noted as they are read.
return function(spec, one, folder, leaves)
  local args = values.read(one.args, folder, leaves)
  local kwargs = values.read(one.kwargs, folder, leaves)
  return call.run(spec.op, args, kwargs)
end
