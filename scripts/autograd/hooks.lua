-- hooks.lua: functions that see the gradient of a tensor on its way.

local core = require "lunette.core"
local fail = require "lunette.nn.fail"

local tensor = core.tensor

local hooks = {}

local lists = setmetatable({}, {__mode = "k"}) -- runner -> {{slot =, f =}, ...}

local function new_runner()
  local list = {}
  local function runner(create, slot, gradient)
    local mode = create and tensor.enable_grad or tensor.no_grad
    for _, hook in ipairs({table.unpack(list)}) do
      if hook.slot == slot then
        local new = mode(hook.f, gradient)
        if new ~= nil and not tensor.is_tensor(new) then
          fail.raise("register_hook: the function returned a %s; a gradient is wanted, or nothing", type(new))
        end
        gradient = new or gradient
      end
    end
    return gradient
  end
  lists[runner] = list
  return runner
end

local Handle = {}
Handle.__index = Handle

--- Takes the hook away.
function Handle:remove()
  for i, hook in ipairs(self.list) do
    if hook == self.hook then table.remove(self.list, i) end
  end
end

--- x:register_hook(f): f(gradient) is called with the whole gradient of x whenever backward or
-- tensor.grad has found it; what it returns, if anything, takes its place. Of several hooks each gets
-- what the one before returned. Gives a handle; handle:remove() takes the hook away. A hook on a
-- result goes with its graph. An f that uses x itself keeps x alive so long.
-- example:
--   x = tensor({1.0}, {requires_grad = true})
--   handle = x:register_hook(function(gradient) return 10 * gradient end)
--   (x * 2):sum():backward()
--   x.grad --> float32 [1]  20.0
function hooks.register_hook(x, f)
  if not tensor.is_tensor(x) then fail.raise("register_hook: takes a colon, x:register_hook(f)") end
  if type(f) ~= "function" then fail.raise("register_hook: takes a function of the gradient, got a %s", type(f)) end
  local runner, slot = core.hooks(x, new_runner())
  local list = lists[runner]
  local hook = {slot = slot, f = f}
  list[#list + 1] = hook
  return setmetatable({list = list, hook = hook}, Handle)
end

--- x:retain_grad(): x gets its gradient in x.grad though it is no leaf. Returns x.
-- example:
--   x = tensor({1.0}, {requires_grad = true})
--   y = (x * 2):retain_grad()
--   (y * y):sum():backward()
--   y.grad --> float32 [1]  4.0
function hooks.retain_grad(x)
  if not tensor.is_tensor(x) then fail.raise("retain_grad: takes a colon, x:retain_grad()") end
  if x.is_leaf then return x end
  local kept = setmetatable({x = x}, {__mode = "v"}) -- the hook must not hold what holds the hook
  hooks.register_hook(x, function(gradient)
    local y = kept.x
    if y then y.grad = y.grad and y.grad + gradient or gradient end
  end)
  return x
end

return hooks
