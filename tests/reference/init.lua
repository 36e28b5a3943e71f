-- The naive references of all families, by name: tests/reference/<family>.lua.

local reference = {}
local pipe = assert(io.popen "ls tests/reference/*.lua")
for path in pipe:lines() do
  local name = path:match "([^/]+)%.lua$"
  if name ~= "util" and name ~= "init" then
    for key, f in pairs(require("tests.reference." .. name)) do
      assert(reference[key] == nil, "two references named " .. key)
      reference[key] = f
    end
  end
end
pipe:close()

return reference
