-- Every option of every differentiable row is met by one of its cases: every word of a choice, both sides of
-- a switch, every further argument. So the checks of values and gradients (ops.lua, gradients.lua) see it.

local core = require "lunette.core"
local cases = require "tests.support.cases"
local tensor = core.tensor

-- What no case can show, and why.
local scatters = "gradients stop there on purpose, or the weights are written"
local pivots = "false is an error"
local exempt = {
  ["embedding.padding_idx"] = scatters, ["embedding.max_norm"] = scatters, ["embedding.norm_type"] = scatters,
  ["embedding.scale_grad_by_freq"] = scatters, ["embedding_bag.max_norm"] = scatters,
  ["embedding_bag.norm_type"] = scatters, ["embedding_bag.scale_grad_by_freq"] = scatters,
  ["bag_sum.by_freq"] = scatters,
  ["gumbel_softmax.hard"] = "the gradient is the soft form's on purpose", ["gumbel_softmax.eps"] = "goes with it",
  ["lu.pivot"] = pivots, ["linalg.lu.pivot"] = pivots, ["linalg.lu_factor.pivot"] = pivots,
  ["linalg.lu_factor_ex.pivot"] = pivots,
  ["linalg.qr.mode"] = "\"r\" has no gradient", ["lu_unpack.unpack_data"] = "nothing is left to differentiate",
  ["attention.mask"] = "the row's caller composes where the mask wants a gradient",
  ["attention.keep"] = "a seed of a random mask", ["attention.share"] = "goes with it",
  ["max_windows.keep"] = "without places there is no gradient",
}

-- {name =, kind =, default =, choices = list?} of every parameter.
local function params_of(row)
  local list = {}
  local text = row.sig:match "^[%w_.]+%((.*)%)%s*%->":gsub("%[.-%]", "list")
  for name, kind in text:gmatch "([%w_]+): ([^,]+)" do
    local param = {name = name, kind = kind, default = kind:match "=(.*)$"}
    local words = kind:match "^string{(.-)}"
    if words then
      param.choices = {}
      for word in words:gmatch "[^|]+" do param.choices[#param.choices + 1] = word end
    end
    list[#list + 1] = param
  end
  return list
end

local function is_options(v)
  return type(v) == "table" and not tensor.is_tensor(v) and v[1] == nil and next(v) ~= nil
end

-- name -> set of the values (as text) that the cases give.
local function values_met(row, params)
  local met = {}
  local function meet(name, value)
    met[name] = met[name] or {}
    met[name][tostring(value)] = true
  end
  for _, case in ipairs(cases.of(row)) do
    local n = cases.count(case)
    for i = 1, n do
      if i == n and is_options(case[i]) then
        for name, value in pairs(case[i]) do meet(name, value) end
      elseif case[i] ~= nil and params[i] then
        meet(params[i].name, case[i])
      end
    end
  end
  return met
end

-- What of a parameter no case shows, or nil.
local function unmet(param, met)
  met = met or {}
  if param.choices then
    for _, word in ipairs(param.choices) do
      if not met[word] and word ~= param.default then return word end
    end
  elseif param.kind:find "^bool" then
    local other = tostring(param.default ~= "true")
    if not met[other] then return other end
  elseif not next(met) and (param.default or param.kind:find "?$") then
    return "a value"
  end
end

local function check_row(t, row)
  local params = params_of(row)
  local met = values_met(row, params)
  for _, param in ipairs(params) do
    local name = row.name .. "." .. param.name
    local missing = unmet(param, met[param.name])
    if not exempt[name] then t.ok(name, missing == nil, "no case has " .. tostring(missing)) end
  end
end

return function(t)
  for _, row in ipairs(core.ops()) do
    if row.test and (row.has_grad or row.has_compose) and not row.const then check_row(t, row) end
  end
end
