-- init.lua: lunette.nn: modules, layers, losses, first values.
--
--   local Net = nn.class "Net"
--   function Net:init(hidden) self.a, self.b = nn.Linear(784, hidden), nn.Linear(hidden, 10) end
--   function Net:forward(x) return self.b(self.a(x):relu()) end
--
-- Fields that are layers, parameters (nn.Parameter), buffers (self:register_buffer) or plain lists of
-- layers are counted, saved and trained, in the order of their first assignment. nn.functional is
-- tensor: x:relu(), tensor.conv2d(x, w).

local core = require "lunette.core"
local class = require "lunette.nn.class"

local nn = {
  class = class.new,
  Module = class.Module,
  Parameter = require "lunette.nn.parameter",
  init = require "lunette.nn.initial",
  utils = require "lunette.nn.utils",
  functional = core.tensor,
}
class.nn = nn

require "lunette.nn.members"
require "lunette.nn.module"
require "lunette.nn.state"
require "lunette.nn.print"
require "lunette.nn.summary"

for _, file in ipairs {"layers.sequential", "layers.linear", "layers.conv", "layers.pool", "layers.norm",
  "layers.recurrent", "layers.activation", "layers.dropout", "layers.vision",
  "layers.attention", "losses"} do
  for name, layer in next, (require("lunette.nn." .. file)) do nn[name] = layer end
end

--- Is this value a module?
-- example: nn.is_module(nn.ReLU()), nn.is_module(tensor.relu) --> true  false
function nn.is_module(value) return class.of(value) ~= nil end

core.strict(nn.init, "nn.init")
core.strict(nn.utils, "nn.utils")
return core.strict(nn, "nn")
