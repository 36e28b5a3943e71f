-- derivatives.lua: gradients of sum(output * cotangent) by the leaves, and the same once more.

local core = require "lunette.core"
local json = require "tests.oracle.json"

local tensor = core.tensor
local derivatives = {}

-- Outputs that take part in gradients, and what each is multiplied by.
local function weighted(outputs, files, folder)
  local ys, vs = {}, {}
  for i, file in ipairs(files) do
    local y = outputs[i]
    if file ~= json.null and tensor.is_tensor(y) and y.requires_grad then
      ys[#ys + 1] = y
      vs[#vs + 1] = tensor.read_npy(folder .. "/" .. file):to(y.dtype)
    end
  end
  return ys, vs
end

-- The gradient by every leaf, zero where none reaches it.
local function gradients(ys, vs, leaves, options)
  local grads = {}
  if #ys > 0 then
    options.allow_unused = true
    grads = tensor.grad(ys, leaves, vs, options)
  end
  for i, leaf in ipairs(leaves) do grads[i] = grads[i] or tensor.zeros_like(leaf) end
  return grads
end

local function asked(list) return list ~= nil and list ~= json.null end

--- The first and second derivatives that the case asks for: two lists, or nothing for each.
function derivatives.of(case, outputs, leaves, folder)
  if not asked(case.grads) or #leaves == 0 then return end
  local twice = asked(case.gg)
  local ys, vs = weighted(outputs, case.cotangents, folder)
  local grads = gradients(ys, vs, leaves, {create_graph = twice})
  if not twice then return grads end
  local again, ws = weighted(grads, case.gg_cotangents, folder)
  return grads, gradients(again, ws, leaves, {})
end

return derivatives
