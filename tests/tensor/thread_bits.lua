-- All reference cases of other libraries, when they are there, run with 1, 2 and 3 threads: values, first
-- and second derivatives have the same bits.

local core = require "lunette.core"
local case = require "tests.oracle.case"
local trees = require "tests.oracle.trees"

local tensor = core.tensor

-- A hash of each case's results, with that many threads.
local function hashes(spec, threads)
  tensor.set_num_threads(threads)
  local list = {}
  for i, one in ipairs(spec.cases) do
    tensor.manual_seed(1)
    local result = case.run(spec, one)
    list[i] = result and trees.hash(result) or "refused"
  end
  return list
end

local function check(t, entry, spec)
  local first = hashes(spec, 1)
  for threads = 2, 3 do
    for i, hash in ipairs(hashes(spec, threads)) do
      t.ok(("%s %s"):format(entry.dir, spec.cases[i].id), hash == first[i], ("bits differ for %d threads"):format(threads))
    end
  end
end

return function(t)
  if not t.shared then return print "thread_bits: skipped, there are no reference cases" end
  local before = tensor.get_num_threads()
  for _, tree in ipairs(trees.names) do
    local folder, list = trees.unpacked(t.shared, tree)
    for _, entry in ipairs(list or {}) do check(t, entry, case.read_folder(folder .. "/" .. entry.dir)) end
    if not folder then print(("thread_bits: %s.tar.xz is not there"):format(tree)) end
  end
  tensor.set_num_threads(before)
end
