-- gradients.lua: wrong programs: gradients, in-place changes and scopes.
-- Each is a program and a pattern of its message.

local leaf = "local w = tensor({1, 2, 3}, {requires_grad = true}) "

return {
  {leaf .. "w:mul_(2)", "mul_: this tensor is a leaf .*inside tensor.no_grad"},
  {leaf .. "local y = (w * 2):backward()", "gradients start from a single value; use y:sum%(%):backward"},
  {leaf .. "local y = (w * w):sum() y:backward() y:backward()", "{retain_graph = true}"},
  {"tensor.ones(1):backward()", "does not depend on any tensor with requires_grad"},
  {leaf .. "local y = w:exp() y:add_(1) y:sum():backward()", "changed in place by add_ .*change a copy instead"},
  {"local net = nn.Linear(2, 2) optim.SGD(net, {lr = 0.1}):step()", "call loss:backward%(%) before opt:step"},
  {"local y do local _ <close> = tensor.scope() y = tensor{1} end local y = y + 1",
    "released by the scope .*scope:keep%(t%) keeps it"},
  {leaf .. "w[1] = 3", "view of a leaf that records gradients; change it inside tensor.no_grad"},
  {leaf .. "w.grad = tensor{1}", "grad: shape %[1%] where the tensor has %[3%]"},
  {leaf .. "w.grad = 3", "grad: a tensor is wanted, got number"},
  {leaf .. "w.requires_grad = true", "requires_grad is set by a method: x:requires_grad_%(%)"},
  {leaf .. "w:sum():backward(tensor{1, 2})", "backward: the gradient given has shape %[2%]"},
  {leaf .. "tensor.grad(w:sum(), tensor{1})", "grad: input 1 does not record gradients; x:requires_grad_%(%) first"},
  {"tensor.ones(2):expand(5, 2):add_(1)",
    "several elements of this expanded tensor share one place in memory; x = x:clone%(%) first"},
}
