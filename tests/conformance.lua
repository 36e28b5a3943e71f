-- A part of the reference cases of other libraries, when they are there: of the directories that
-- tests/oracle/sample.txt names the first cases of each kind. Values, first and second derivatives, and
-- calls that must raise; and the same bits for 1, 2 and 3 threads. tests/oracle.lua runs them all.

local core = require "lunette.core"
local case = require "tests.oracle.case"
local compare = require "tests.oracle.compare"
local deliberate = require "tests.oracle.deliberate"
local json = require "tests.oracle.json"

local tensor = core.tensor

-- The tree of an archive, unpacked into build/ once.
local function unpacked(t, name)
  local archive = ("%s/oracle/%s.tar.xz"):format(t.shared, name)
  local there = io.open(archive)
  if not there then return end
  there:close()
  local folder = "build/oracle/" .. name
  local manifest = io.open(folder .. "/manifest.json")
  if not manifest then
    os.execute(("mkdir -p build/oracle && tar -xJf '%s' -C build/oracle"):format(archive))
    manifest = io.open(folder .. "/manifest.json")
  end
  local list = json.decode(manifest:read "a")
  manifest:close()
  return folder, list.ops
end

-- One case for each type, and one that must raise.
local function sample(spec)
  local list, seen = {}, {}
  for _, one in ipairs(spec.cases) do
    local kind = one.expect_error and "error" or one.dtype
    if not seen[kind] and (kind ~= "int64" and kind ~= "bool" or #list == 0) then
      seen[kind] = true
      list[#list + 1] = one
    end
  end
  return list
end

local function check(t, directory, spec, one)
  local name = ("%s %s"):format(directory, one.id)
  local result, problem, absent = case.run(spec, one)
  if absent then return end
  if one.expect_error then return t.ok(name, result == nil, "no error was raised") end
  if not t.ok(name, result, problem) then return end
  for _, level in ipairs {"out", "grad", "gg"} do
    local wrong = compare.level(spec, one, level, result[level] or {})
    t.ok(name .. " " .. level, wrong == nil, wrong)
  end
  return result
end

-- A hash of all bits of a case's results.
local function hash(result)
  local list = {}
  for _, level in ipairs {"out", "grad", "gg"} do
    for _, x in ipairs(result[level] or {}) do list[#list + 1] = x:detach():contiguous() end
  end
  return tensor.hash(list)
end

local function check_threads(t, directory, spec, one)
  local before, first = tensor.get_num_threads(), nil
  for threads = 1, 3 do
    tensor.set_num_threads(threads)
    local result = case.run(spec, one)
    local now = result and hash(result)
    first = first or now
    if now ~= first then t.ok(("%s %s"):format(directory, one.id), false, "bits differ for " .. threads .. " threads") end
  end
  tensor.set_num_threads(before)
end

-- The names in sample.txt, by tree: "tree/directory" each, separated by spaces.
local function chosen()
  local file = assert(io.open "tests/oracle/sample.txt")
  local set = {}
  for name in file:read("a"):gmatch "%S+" do set[name] = true end
  file:close()
  return set
end

return function(t)
  if not t.shared then return end
  local wanted = chosen()
  for _, tree in ipairs {"opinfo", "edge", "modules", "optim"} do
    local folder, list = unpacked(t, tree)
    for _, entry in ipairs(list or {}) do
      local spec = wanted[tree .. "/" .. entry.dir] and case.read_folder(folder .. "/" .. entry.dir)
      for i, one in ipairs(spec and sample(spec) or {}) do
        if not deliberate.reason(entry.dir, one) and check(t, entry.dir, spec, one) and i == 1 then
          check_threads(t, entry.dir, spec, one)
        end
      end
    end
  end
end
