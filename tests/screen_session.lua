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

-- The user's init.lua runs first, and its errors are no end.
local function test_init(t)
  os.execute(("mkdir -p %s/lunette"):format(screen.folder))
  local function write(text)
    local f = io.open(screen.folder .. "/lunette/init.lua", "w")
    f:write(text)
    f:close()
  end
  write "function twice(x) return 2 * x end\nprint 'set up'\nlocal t = nil\nt.x = 1\n"
  start(90, 30)
  shows(t, "init.lua runs", "set up\n")
  shows(t, "its errors come with the line", "lunette/init.lua:4: attempt to index a nil value (local 't')")
  shows(t, "and the source", "    t.x = 1\n")
  enter "twice(21)"
  shows(t, "the prompt starts all the same", "> twice(21)\n42\n")
  start(90, 30, nil, "--no-init")
  enter "rawget(_G, 'twice')"
  shows(t, "--no-init", "> rawget(_G, 'twice')\nnil\n")
  write "x = = 2"
  start(90, 30)
  shows(t, "a syntax error in it", "init.lua:1: unexpected symbol near '='")
  os.execute(("rm -r %s/lunette"):format(screen.folder))
end

return function(t)
  if not screen.open(t) then return end
  for _, test in ipairs {test_commands, test_init} do test(t) end
  screen.close()
end
