-- compare.lua: a result against its reference: shape, type, and values to a tolerance.

local core = require "lunette.core"
local json = require "tests.oracle.json"

local tensor = core.tensor
local compare = {}

-- Relative and absolute, by type and level; the absolute part is scaled by the largest magnitude.
local tolerances = {
  float64 = {out = {1e-7, 1e-9}, grad = {1e-6, 1e-8}, gg = {1e-5, 1e-7}},
  float32 = {out = {1e-4, 2e-5}, grad = {1e-3, 2e-4}, gg = {1e-2, 1e-3}},
}

local function shape_text(x) return x.dtype .. " " .. tostring(x.shape) end

local function finite(v) return v == v and v ~= math.huge and v ~= -math.huge end

local function close(g, w, tolerance, scale)
  if g == w or g ~= g and w ~= w then return true end
  return finite(g) and finite(w) and math.abs(g - w) <= tolerance[2] * scale + tolerance[1] * math.abs(w)
end

-- The elements as numbers; booleans as 0 and 1.
local function elements(x) return x:detach():reshape(-1):to "float64":tolist() end

--- What is wrong with a result, or nil. level: "out", "grad" or "gg"; scale widens the tolerance.
function compare.problem(got, want, level, dtype, scale)
  if got == nil then return "missing" end
  if tostring(got.shape) ~= tostring(want.shape) then
    return ("%s for %s"):format(shape_text(got), shape_text(want))
  end
  if dtype and got.dtype ~= dtype then return ("%s for %s"):format(got.dtype, dtype) end
  local exact = not (want.dtype:find "float" and got.dtype:find "float")
  local tolerance = exact and {0, 0} or (tolerances[dtype] or tolerances.float64)[level]
  local g, w, largest = elements(got), elements(want), 1
  for i = 1, #w do
    if finite(w[i]) then largest = math.max(largest, math.abs(w[i])) end
  end
  for i = 1, #w do
    if not close(g[i], w[i], {tolerance[1] * scale, tolerance[2] * scale}, largest) then
      return ("element %d is %.10g for %.10g"):format(i, g[i], w[i])
    end
  end
end

-- The reference's file and type of result i at a level.
local function reference(case, level, i)
  if level == "out" then return case.outputs[i].file, case.outputs[i].dtype end
  return case[level][i], case.dtype
end

--- What is wrong with the results of a case at a level, or nil.
function compare.level(spec, case, level, results)
  local asked = level == "out" and case.outputs or case[level]
  if asked == nil or asked == json.null then return end
  for i = 1, #asked do
    local file, dtype = reference(case, level, i)
    if file ~= json.null then
      local want = tensor.read_npy(spec.folder .. "/" .. file)
      local problem = compare.problem(results[i], want, level, dtype, case.tolerance_scale or 1)
      if problem then return ("%s %d: %s"):format(level, i, problem) end
    end
  end
end

return compare
