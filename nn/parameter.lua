-- parameter.lua: tensors that modules count, save and train.

local core = require "lunette.core"
local class = require "lunette.nn.class"
local fail = require "lunette.nn.fail"

local tensor = core.tensor

--- A parameter: a tensor that layers count, save and train. Shares the data of t when t is of a
-- float type. nn.Parameter(t, false) is frozen.
-- example:
--   w = nn.Parameter(tensor{1.0, 2.0})
--   w.requires_grad, w.is_leaf --> true  true
local function Parameter(t, requires_grad)
  if not tensor.is_tensor(t) then
    fail.raise("nn.Parameter: takes a tensor, got a %s", type(t))
  end
  local p = t:detach()
  if not p.dtype:find "float" then p = p:to "float32" end
  if requires_grad ~= false then p:requires_grad_() end
  return class.mark_parameter(p)
end

return Parameter
