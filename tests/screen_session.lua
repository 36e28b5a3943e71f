-- screen_session.lua: what entries at the prompt do beyond Lua: its commands, typed at through a real
-- screen.

local screen = dofile "tests/support/screen.lua"
local start, shows, enter = screen.start, screen.shows, screen.enter

local function test_commands(t)
  start(90, 40)
  enter "?tensor.softmax"
  shows(t, "?x", "softmax(x: tensor")
  enter "x = 3"
  enter "%who"
  shows(t, "%who", "  x                3")
  enter "%time 1 + 1"
  shows(t, "%time", "processor")
  enter "!echo $((6 * 7)) from the shell"
  shows(t, "!cmd", "42 from the shell")
  enter "%nothing"
  shows(t, "an unknown command", "there is no command %nothing")
  enter("%save " .. screen.folder .. "/saved.lua 2")
  shows(t, "%save", "saved.lua: 1 entries")
  local f = io.open(screen.folder .. "/saved.lua")
  t.ok("writes what was typed", f and f:read "a":find "\nx = 3\n")
  if f then f:close() end
end

return function(t)
  if not screen.open(t) then return end
  for _, test in ipairs {test_commands} do test(t) end
  screen.close()
end
