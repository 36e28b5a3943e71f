-- trees.lua: the archives of reference cases, unpacked; and the bits of a case's results as a hash.

local core = require "lunette.core"
local json = require "tests.oracle.json"

local tensor = core.tensor
local trees = {names = {"opinfo", "edge", "modules", "optim"}}

--- The folder of an archive, unpacked into build/ once, and its directories; nothing where it is absent.
function trees.unpacked(shared, name)
  local archive = ("%s/oracle/%s.tar.xz"):format(shared, name)
  local there = io.open(archive)
  if not there then return end
  there:close()
  local folder = "build/oracle/" .. name
  local manifest = io.open(folder .. "/manifest.json")
  if not manifest then
    os.execute(("mkdir -p build/oracle && tar -xJf '%s' -C build/oracle"):format(archive))
    manifest = assert(io.open(folder .. "/manifest.json"))
  end
  local list = json.decode(manifest:read "a")
  manifest:close()
  return folder, list.ops
end

--- A hash of all bits of the results of case.run.
function trees.hash(result)
  local list = {}
  for _, level in ipairs {"out", "grad", "gg"} do
    for _, x in ipairs(result[level] or {}) do list[#list + 1] = x:detach():contiguous() end
  end
  return tensor.hash(list)
end

return trees
