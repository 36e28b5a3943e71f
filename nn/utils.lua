-- utils.lua: nn.utils: clipping of gradients, parameters as one vector.

local core = require "lunette.core"
local class = require "lunette.nn.class"
local fail = require "lunette.nn.fail"
local Signature = require "lunette.nn.signature"

local tensor = core.tensor

local utils = {}

-- The tensors of a module's parameters, a list of tensors or one tensor.
local function tensors(where, given)
  if class.of(given) then given = given:parameters() end
  if tensor.is_tensor(given) then given = {given} end
  if type(given) ~= "table" then
    fail.raise("%s: takes parameters: a list of tensors or a module, got a %s", where, type(given))
  end
  for i, p in ipairs(given) do
    if not tensor.is_tensor(p) then
      fail.raise("%s: element %d of the list is a %s; tensors are wanted", where, i, type(p))
    end
  end
  return given
end

-- The gradients that are there.
local function gradients(where, given)
  local list = {}
  for _, p in ipairs(tensors(where, given)) do list[#list + 1] = p.grad end
  return list
end

local function positive(where, name, value)
  if type(value) ~= "number" or value <= 0 or value ~= value then
    fail.raise("%s: %s is %s; a number above 0 is wanted", where, name, tostring(value))
  end
  return value
end

-- The norm of each of a list, as numbers, and of all together.
local function norm_of(list, p)
  local total = 0
  for _, g in ipairs(list) do
    local norm = p == math.huge and (g:numel() > 0 and g:detach():abs():max() or 0) or g:detach():norm(p)
    norm = type(norm) == "number" and norm or norm:item()
    total = p == math.huge and math.max(total, norm) or total + norm ^ p
  end
  return p == math.huge and total or total ^ (1 / p)
end

local clip_norm = Signature.new("clip_grad_norm_",
  "parameters: any, max_norm: rate, norm_type: float=2.0, error_if_nonfinite: bool=false")

--- clip_grad_norm_(parameters, max_norm, norm_type): scales all gradients together so that their norm
-- is at most max_norm; norm_type is 2 by default, math.huge for the largest magnitude. Returns the
-- norm as it was, a number. With {error_if_nonfinite = true} a norm that is NaN or infinite is an error.
-- example:
--   w = tensor({1.0, 1.0}, {requires_grad = true})
--   (w * tensor{3.0, 4.0}):sum():backward()
--   nn.utils.clip_grad_norm_({w}, 1) --> 5.0
--   w.grad --> float32 [2]  0.6  0.8
function utils.clip_grad_norm_(...)
  local o = clip_norm:read(...)
  local grads = gradients("clip_grad_norm_", o.parameters)
  local total = norm_of(grads, o.norm_type)
  if o.error_if_nonfinite and (total ~= total or total == math.huge) then
    fail.raise("clip_grad_norm_: the norm of the gradients is %s; look for NaN in the inputs, or lower the "
      .. "learning rate", total ~= total and "NaN" or "infinite")
  end
  local scale = o.max_norm / (total + 1e-6)
  if scale < 1 or scale ~= scale then
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

--- The elements of all parameters, one after the other, as one vector.
-- example: nn.utils.parameters_to_vector(nn.Linear(2, 3)).shape --> {9}
function utils.parameters_to_vector(parameters)
  local parts = {}
  for i, p in ipairs(tensors("parameters_to_vector", parameters)) do parts[i] = p:reshape(-1) end
  if #parts == 0 then fail.raise("parameters_to_vector: there are no parameters") end
  return tensor.cat(parts)
end

--- vector_to_parameters(vector, parameters): writes the elements of a vector into the parameters.
-- example: net = nn.Linear(2, 3)
--   nn.utils.vector_to_parameters(tensor.ones(9), net)
--   net.bias:detach() --> float32 [3]  1.0  1.0  1.0
function utils.vector_to_parameters(vector, parameters)
  local list, wanted = tensors("vector_to_parameters", parameters), 0
  for _, p in ipairs(list) do wanted = wanted + p:numel() end
  if not tensor.is_tensor(vector) or vector:dim() ~= 1 or #vector ~= wanted then
    fail.raise("vector_to_parameters: got %s; the parameters have %d elements, so [%d] is wanted", fail.shape(vector),
      wanted, wanted)
  end
  local at = 1
  tensor.no_grad(function()
    for _, p in ipairs(list) do
      p:detach():copy_(vector:narrow(1, at, p:numel()):view(p.shape))
      at = at + p:numel()
    end
  end)
end

return utils
