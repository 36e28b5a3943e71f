-- rprop.lua: Rprop (Riedmiller and Braun 1993), in the form that forgets a gradient whose sign changed.

local fail = require "lunette.nn.fail"
local optimizer = require "lunette.optim.optimizer"

local kind = {}

function kind.check(o)
  if not (o.etas[1] > 0 and o.etas[1] < 1 and o.etas[2] > 1) then
    fail.raise("optim.Rprop: etas are {%g, %g}; a factor between 0 and 1 and one above 1 are wanted",
      o.etas[1], o.etas[2])
  end
end

function kind.states() return {"prev", "step_size"} end
function kind.start(o) return {step_size = o.lr} end
function kind.rule(o) return "rprop", {o.etas[1], o.etas[2], o.step_sizes[1], o.step_sizes[2]} end

--- Rprop: only the gradient's sign counts. Every number has a step size of its own, at first lr, which
-- grows by etas[2] while the sign stays and shrinks by etas[1] where it changed, within step_sizes. For
-- gradients over all of the data.
-- example: optim.Rprop(nn.Linear(2, 1)) --> Rprop lr 0.01 (2 parameters, 3 numbers)
local Rprop = optimizer.class("Rprop", "params: any, lr: rate=0.01, etas: rates{2}=0.5 1.2, "
  .. "step_sizes: rates{2}=1e-06 50, maximize: bool=false", kind)

return {Rprop = Rprop}
