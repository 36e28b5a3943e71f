-- oracle.lua: runs one directory of reference cases and writes what Lunette gives, for comparison.
-- Usage: lunette tests/oracle.lua DIR OUT
-- DIR/cases.json lists the cases, their arrays lie beside it; OUT gets <id>_out<i>.npy, <id>_grad<i>.npy,
-- <id>_gg<i>.npy, or <id>_error.txt with the message. A case that must raise passes only by an error of
-- Lunette's: where a function is absent, nothing is written for it.

require "lunette"
local case = require "tests.oracle.case"

local folder, out = arg[1], arg[2]
if not out then
  io.stderr:write "usage: lunette tests/oracle.lua DIR OUT\n"
  os.exit(2)
end
case.run_folder(folder, out)
