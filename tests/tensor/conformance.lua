-- A part of the reference cases of other libraries, when they are there: of the directories that
-- tests/oracle/sample.txt names the first cases of each kind. Values, first and second derivatives, and
-- calls that must raise. tests/oracle.lua runs them all; tests/tensor/thread_bits.lua compares threads.

local case = require "tests.oracle.case"
local compare = require "tests.oracle.compare"
local deliberate = require "tests.oracle.deliberate"
local trees = require "tests.oracle.trees"

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
  for _, tree in ipairs(trees.names) do
    local folder, list = trees.unpacked(t.shared, tree)
    for _, entry in ipairs(list or {}) do
      local spec = wanted[tree .. "/" .. entry.dir] and case.read_folder(folder .. "/" .. entry.dir)
      for _, one in ipairs(spec and sample(spec) or {}) do
        if not deliberate.reason(entry.dir, one) then check(t, entry.dir, spec, one) end
      end
    end
  end
end
