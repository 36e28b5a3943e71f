-- nn_utils.lua: tests of nn.utils: clipping of gradients, parameters as one vector.

local lunette = require "lunette"
local tensor, nn = lunette.tensor, lunette.nn

local function test_clipping(t)
  local p, q = nn.Parameter(tensor.zeros(2)), nn.Parameter(tensor.zeros(1))
  p.grad, q.grad = tensor {3.0, 0.0}, tensor {4.0}
  t.near("norm before clipping", nn.utils.clip_grad_norm_({p, q}, 1), 5, 1e-6)
  t.near("clipped by norm", p.grad[1], 0.6, 1e-5)
  t.near("a small norm stays", nn.utils.clip_grad_norm_({p, q}, 10), 1, 1e-5)
  t.near("unchanged", q.grad[1], 0.8, 1e-5)
  nn.utils.clip_grad_value_({p, q}, 0.7)
  t.near("clipped by value", q.grad[1], 0.7, 1e-6)
  t.near("largest magnitude", nn.utils.clip_grad_norm_({p, q}, 10, math.huge), 0.7, 1e-6)
  p.grad = tensor {math.huge, 0.0}
  t.raises("not finite", "the norm of the gradients is infinite", function()
    nn.utils.clip_grad_norm_({p}, {max_norm = 1, error_if_nonfinite = true})
  end)
end

local function test_vectors(t)
  local net = nn.Linear(2, 3)
  local flat = nn.utils.parameters_to_vector(net)
  t.ok("parameters as a vector", flat.shape == {9} and flat[7]:item() == net.bias[1]:item())
  nn.utils.vector_to_parameters(tensor.arange(9):float(), net)
  t.ok("and back", net.weight:detach() == tensor {{1.0, 2}, {3, 4}, {5, 6}} and net.bias[3]:item() == 9)
  t.raises("of another length", "got %[8%]; the parameters have 9 elements", function()
    nn.utils.vector_to_parameters(tensor.ones(8), net)
  end)
end

return function(t)
  test_clipping(t)
  test_vectors(t)
end
