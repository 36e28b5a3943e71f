-- utils.lua: nn.utils: clipping of gradients.

local core = require "lunette.core"
local class = require "lunette.nn.class"
local fail = require "lunette.nn.fail"

local tensor = core.tensor

local utils = {}

-- The gradients that are there, of a module's parameters, a list of tensors or one tensor.
local function gradients(where, given)
  if class.of(given) then given = given:parameters() end
  if tensor.is_tensor(given) then given = {given} end
  if type(given) ~= "table" then
    fail.raise("%s: takes parameters: a list of tensors or a module, got a %s", where, type(given))
  end
  local list = {}
  for i, p in ipairs(given) do
    if not tensor.is_tensor(p) then
      fail.raise("%s: element %d of the list is a %s; tensors are wanted", where, i, type(p))
    end
    list[#list + 1] = p.grad
  end
  return list
end

local function positive(where, name, value)
  if type(value) ~= "number" or value <= 0 or value ~= value then
    fail.raise("%s: %s is %s; a number above 0 is wanted", where, name, tostring(value))
  end
  return value
end

--- clip_grad_norm_(parameters, max_norm, norm_type): scales all gradients together so that their norm
-- is at most max_norm; norm_type is 2 by default, math.huge for the largest magnitude. Returns the
-- norm as it was, a number.
-- example:
--   w = tensor({1.0, 1.0}, {requires_grad = true})
--   (w * tensor{3.0, 4.0}):sum():backward()
--   nn.utils.clip_grad_norm_({w}, 1) --> 5.0
--   w.grad --> float32 [2]  0.6  0.8
function utils.clip_grad_norm_(parameters, max_norm, norm_type)
  local grads = gradients("clip_grad_norm_", parameters)
  positive("clip_grad_norm_", "max_norm", max_norm)
  local p, total = norm_type or 2, 0
  for _, g in ipairs(grads) do
    local norm = p == math.huge and (g:numel() > 0 and g:detach():abs():max() or 0) or g:detach():norm(p)
    norm = type(norm) == "number" and norm or norm:item()
    total = p == math.huge and math.max(total, norm) or total + norm ^ p
  end
  if p ~= math.huge then total = total ^ (1 / p) end
  local scale = max_norm / (total + 1e-6)
  if scale < 1 then
    tensor.no_grad(function()
      for _, g in ipairs(grads) do g:mul_(scale) end
    end)
  end
  return total
end

--- clip_grad_value_(parameters, clip_value): cuts every element of the gradients to
-- -clip_value..clip_value.
-- example:
--   w = tensor({1.0, 1.0}, {requires_grad = true})
--   (w * tensor{3.0, -4.0}):sum():backward()
--   nn.utils.clip_grad_value_({w}, 1)
--   w.grad --> float32 [2]  1.0  -1.0
function utils.clip_grad_value_(parameters, clip_value)
  local grads = gradients("clip_grad_value_", parameters)
  positive("clip_grad_value_", "clip_value", clip_value)
  tensor.no_grad(function()
    for _, g in ipairs(grads) do g:clamp_(-clip_value, clip_value) end
  end)
end

return utils
