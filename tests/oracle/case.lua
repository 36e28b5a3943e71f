-- case.lua: the cases of a directory, each run apart from the others.

local derivatives = require "tests.oracle.derivatives"
local json = require "tests.oracle.json"
local values = require "tests.oracle.values"

local case = {}

local kinds = {
  nn = "tests.oracle.modules",
  optim = "tests.oracle.optimizers",
  op = "tests.oracle.ops",
}

-- What runs the cases of a directory, by the name of what it tests.
local function runner_for(spec)
  local first = spec.cases[1] or {}
  local kind = first.module and "nn" or (first.scheduler or first.kind or first.steps) and "optim" or "op"
  return require(kinds[kind])
end

local function write_text(path, text)
  local file = assert(io.open(path, "w"))
  file:write(text, "\n")
  file:close()
end

local function run_one(run, spec, one, folder, out)
  local leaves = {}
  local outputs = values.flat(run(spec, one, folder, leaves), one.outputs)
  if one.expect_error then return end
  for i, y in ipairs(outputs) do values.write(("%s/%s_out%d.npy"):format(out, one.id, i - 1), y) end
  derivatives.write(one, outputs, leaves, folder, out)
end

--- Runs every case of folder/cases.json; results go to the folder `out`. `wanted(case)`, when given,
-- says which cases to run.
function case.run_folder(folder, out, wanted)
  local file = assert(io.open(folder .. "/cases.json"))
  local spec = json.decode(file:read "a")
  file:close()
  local run = runner_for(spec)
  for _, one in ipairs(spec.cases) do
    if not wanted or wanted(one) then
      local done, problem = pcall(run_one, run, spec, one, folder, out)
      local absent = type(problem) == "table" and problem.absent
      if absent then problem = "absent: " .. absent end
      if not done and not (absent and one.expect_error) then
        write_text(("%s/%s_error.txt"):format(out, one.id), tostring(problem))
      end
    end
  end
  return spec
end

return case
