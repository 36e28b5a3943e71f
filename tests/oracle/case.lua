-- case.lua: the cases of a directory, each run apart from the others.

local derivatives = require "tests.oracle.derivatives"
local json = require "tests.oracle.json"
local values = require "tests.oracle.values"

local case = {}

-- What runs the cases of a directory, by what its cases tell about.
local function runner_for(spec)
  local first = spec.cases[1] or {}
  if first.module then return require "tests.oracle.modules" end
  if first.scheduler or first.kind or first.steps then return require "tests.oracle.optimizers" end
  return require "tests.oracle.ops"
end

--- What folder/cases.json says, with the function that runs its cases.
function case.read_folder(folder)
  local file = assert(io.open(folder .. "/cases.json"))
  local spec = json.decode(file:read "a")
  file:close()
  spec.folder, spec.run = folder, runner_for(spec)
  return spec
end

local function evaluate(spec, one)
  local leaves = {}
  local outputs = values.flat(spec.run(spec, one, spec.folder, leaves), one.outputs)
  local result = {out = outputs}
  if not one.expect_error then
    result.grad, result.gg = derivatives.of(one, outputs, leaves, spec.folder)
  end
  return result
end

--- Runs one case: {out = list, grad = list?, gg = list?}; or nil, the message and whether the reason
-- is that Lunette has no such function.
function case.run(spec, one)
  local done, result = pcall(evaluate, spec, one)
  if done then return result end
  if type(result) == "table" and result.absent then return nil, "absent: " .. result.absent, true end
  return nil, tostring(result)
end

local levels = {"out", "grad", "gg"}

--- Runs every case of a folder; results go to files in the folder `out`.
function case.run_folder(folder, out)
  local spec = case.read_folder(folder)
  for _, one in ipairs(spec.cases) do
    local result, problem, absent = case.run(spec, one)
    for _, level in ipairs(result and not one.expect_error and levels or {}) do
      for i, x in ipairs(result[level] or {}) do
        values.write(("%s/%s_%s%d.npy"):format(out, one.id, level, i - 1), x)
      end
    end
    if not result and not (absent and one.expect_error) then
      local file = assert(io.open(("%s/%s_error.txt"):format(out, one.id), "w"))
      file:write(problem, "\n")
      file:close()
    end
  end
end

return case
