-- layer.lua: how the library's own layers are made: a class whose constructor reads its arguments by
-- a signature, keeps them for printing and hands them to `build`.

local class = require "lunette.nn.class"
local Signature = require "lunette.nn.signature"

--- layer("Linear", "in_features: size, …"): a class. Give it build(o), which gets the arguments by
-- name, and forward. Further: _label() for messages, _explain(x) for a better one. `up`: how many
-- functions stand between this call and the line that has the comment for help, 0 by default.
local function layer(name, text, base, up)
  local new = class.new(name, base, 3 + (up or 0))
  local signature = Signature.new("nn." .. name, text)
  new._signature = signature
  function new:init(...)
    local o = signature:read(...)
    getmetatable(self).__index._options = o
    if self.build then self:build(o) end
  end
  return new
end

return layer
