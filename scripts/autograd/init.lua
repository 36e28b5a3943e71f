-- init.lua: lunette.autograd: derivatives as tools. Its functions are found in `tensor`:
-- custom, checkpoint, jacobian, hessian, hvp, vjp, jvp, gradcheck, detect_anomaly, x:register_hook, x:retain_grad.

local autograd = {}

for _, file in ipairs {"custom", "hooks", "functional", "anomaly", "check"} do
  for name, f in next, (require("lunette.autograd." .. file)) do autograd[name] = f end
end

return autograd
