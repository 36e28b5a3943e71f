-- ops.lua: cases of functions.

local call = require "tests.oracle.call"
local names = require "tests.oracle.names"
local values = require "tests.oracle.values"

--- The results of a case: spec.op(args, kwargs); leaves are noted as they are read.
return function(spec, one, folder, leaves)
  local args = values.read(one.args, folder, leaves)
  local kwargs = values.read(one.kwargs, folder, leaves)
  local through = names.through[spec.op .. "." .. tostring(spec.variant)]
  return call.run(spec.op, through and {through(table.unpack(args))} or args, kwargs)
end
