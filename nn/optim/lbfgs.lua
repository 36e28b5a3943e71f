-- lbfgs.lua: L-BFGS (Liu and Nocedal 1989; Numerical Optimization, algorithm 7.4), after minFunc (Schmidt
-- 2005). All parameters are one flat vector; the state of all stands with the first parameter.

local core = require "lunette.core"
local fail = require "lunette.nn.fail"
local optimizer = require "lunette.optim.optimizer"
local search = require "lunette.optim.strong_wolfe"

local tensor = core.tensor

local LEAST_CURVATURE = 1e-10 -- a pair of differences with less says nothing

local kind = {wants_closure = true}

function kind.check(_, before)
  if before and #before > 0 then fail.raise("optim.LBFGS: takes one group of parameters only") end
end

-- ---- parameters as one vector ------------------------------------------------------------------------

local function flat_gradient(params)
  local parts = {}
  for i, p in ipairs(params) do parts[i] = (p.grad or tensor.zeros_like(p)):detach():reshape(-1) end
  return core.keep(tensor.cat(parts))
end

-- p = p + t d
local function move(params, t, d)
  local at = 1
  for _, p in ipairs(params) do
    local x, n = p:detach(), p:numel()
    x:add_(d:narrow(1, at, n):view(p.shape), {alpha = t})
    at = at + n
  end
end

local function copies(params)
  local list = {}
  for i, p in ipairs(params) do list[i] = p:detach():clone() end
  return list
end

local function restore(params, from)
  for i, p in ipairs(params) do p:detach():copy_(from[i]) end
end

local function largest(x) return x:abs():max():item() end
local function product(x, y) return x:dot(y):item() end

-- ---- the direction -----------------------------------------------------------------------------------

-- Takes in the last step's differences of gradients and of parameters.
local function remember(s, o, g)
  local y, step = g - s.prev_flat_grad, s.d * s.t
  local curvature = product(y, step)
  if curvature <= LEAST_CURVATURE then return end
  if #s.old_dirs == o.history_size then
    table.remove(s.old_dirs, 1)
    table.remove(s.old_stps, 1)
    table.remove(s.ro, 1)
  end
  table.insert(s.old_dirs, core.keep(y))
  table.insert(s.old_stps, core.keep(step))
  table.insert(s.ro, 1 / curvature)
  s.H_diag = curvature / product(y, y)
end

-- The inverse Hessian's approximation times the gradient, downwards: two loops over the history.
local function direction(s, g)
  local q, alphas = -g, {}
  for i = #s.old_dirs, 1, -1 do
    alphas[i] = product(s.old_stps[i], q) * s.ro[i]
    q:add_(s.old_dirs[i], {alpha = -alphas[i]})
  end
  q:mul_(s.H_diag)
  for i = 1, #s.old_dirs do
    q:add_(s.old_stps[i], {alpha = alphas[i] - product(s.old_dirs[i], q) * s.ro[i]})
  end
  return q
end

-- ---- one step ----------------------------------------------------------------------------------------

local function loss_and_gradient(self, params, closure)
  local loss = self:evaluate(closure)
  local value = tensor.is_tensor(loss) and loss:item() or loss
  if type(value) ~= "number" then
    fail.raise("LBFGS: the closure gave a %s; it returns the loss", type(loss))
  end
  return value, flat_gradient(params), loss
end

-- Moves along s.d: by s.t, or as far as the line search says. Returns loss, gradient and the number of
-- evaluations; with `last` nothing is evaluated where no search is wanted.
local function advance(self, o, s, params, closure, now, last)
  if o.line_search_fn then
    local before = copies(params)
    local function at(t)
      move(params, t, s.d)
      local f, g = loss_and_gradient(self, params, closure)
      restore(params, before)
      return f, g, product(g, s.d)
    end
    local found, count = search(at, s.t, {t = 0, f = now.f, g = now.g, slope = now.slope}, largest(s.d))
    s.t = found.t
    move(params, s.t, s.d)
    return found.f, found.g, count
  end
  move(params, s.t, s.d)
  if last then return now.f, now.g, 0 end
  local f, g = loss_and_gradient(self, params, closure)
  return f, g, 1
end

local function first_state() return {step = 0, n_iter = 0, func_evals = 0} end

-- Sets direction, step length and what the next turn compares with.
local function aim(s, o, f, g)
  s.n_iter = s.n_iter + 1
  if s.n_iter == 1 then
    s.d, s.old_dirs, s.old_stps, s.ro, s.H_diag = core.keep(-g), {}, {}, {}, 1
    s.t = math.min(1, 1 / g:abs():sum():item()) * o.lr
  else
    remember(s, o, g)
    s.d, s.t = core.keep(direction(s, g)), o.lr
  end
  s.prev_flat_grad, s.prev_loss = g, f
end

local function iterate(self, o, s, params, closure, f, g)
  local evaluations, most = 1, o.max_eval or o.max_iter * 5 // 4
  for turn = 1, o.max_iter do
    aim(s, o, f, g)
    local slope = product(g, s.d)
    if slope > -o.tolerance_change then return end
    local count
    f, g, count = advance(self, o, s, params, closure, {f = f, g = g, slope = slope}, turn == o.max_iter)
    evaluations, s.func_evals = evaluations + count, s.func_evals + count
    if evaluations >= most or largest(g) <= o.tolerance_grad or largest(s.d) * math.abs(s.t) <= o.tolerance_change
      or math.abs(f - s.prev_loss) < o.tolerance_change then
      return
    end
  end
end

function kind.step(self, closure)
  optimizer.check_self(self, "step")
  local o = self.param_groups[1]
  local params = o.params
  local f, g, loss = loss_and_gradient(self, params, closure)
  local s = self.state[params[1]] or first_state()
  self.state[params[1]] = s
  if s.d and #s.d ~= #g then
    fail.raise("LBFGS: the state is of %d numbers, the parameters have %d", #s.d, #g)
  end
  s.step, s.func_evals = s.step + 1, s.func_evals + 1
  if largest(g) > o.tolerance_grad then
    tensor.no_grad(iterate, self, o, s, params, closure, f, g)
  end
  return loss
end

--- L-BFGS: follows the curvature that the last history_size steps show. Its step takes a function that
-- clears the gradients, computes the loss, calls backward and returns the loss, since it evaluates
-- several times (max_iter turns, at most max_eval evaluations, 1.25 max_iter by default). For losses
-- over all of the data, line_search_fn = "strong_wolfe" finds the length of each step. Stops when the
-- largest gradient is at most tolerance_grad, or a turn changes less than tolerance_change.
-- example: x = tensor.zeros(1):requires_grad_()
--   opt = optim.LBFGS({x}, {line_search_fn = "strong_wolfe"})
--   loss = opt:step(function() opt:zero_grad() local l = ((x - 3) ^ 2):sum() l:backward() return l end)
--   x:detach() --> float32 [1]  3.0
local LBFGS = optimizer.class("LBFGS", "params: any, lr: rate=1.0, max_iter: size=20, max_eval: size?, "
  .. "tolerance_grad: rate=1e-07, tolerance_change: rate=1e-09, history_size: size=100, "
  .. "line_search_fn: string{strong_wolfe}?", kind)

return {LBFGS = LBFGS}
