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
  screen.type "%time tensor.conv2"
  screen.keys "Tab"
  shows(t, "completion of a command's Lua", "%time tensor.conv2d")
  screen.keys "C-c"
  enter "%nothing"
  shows(t, "an unknown command", "there is no command %nothing")
  enter("%save " .. screen.folder .. "/saved.lua 2")
  shows(t, "%save", "saved.lua: 1 entry")
  local f = io.open(screen.folder .. "/saved.lua")
  t.ok("writes what was typed", f and f:read "a":find "\nx = 3\n")
  if f then f:close() end
end

local function write(name, text)
  local f = io.open(screen.folder .. "/" .. name, "w")
  f:write(text)
  f:close()
end

-- Texts from files, and an editor that puts 43 for 42.
local function test_files(t)
  write("work.lua", "first = 20\nsecond = 22\nprint('sum', first + second)\n")
  write("editor", "#!/bin/sh\nfor last; do true; done\nsed -i s/42/43/ \"$last\"\n[ -s \"$last\" ] || echo \"'was empty'\" > \"$last\"\n")
  os.execute(("chmod +x %s/editor"):format(screen.folder))
  start(90, 40, ("VISUAL=%s/editor"):format(screen.folder))
  enter "%load work.lua"
  shows(t, "%load brings a file", "> first = 20\n>> second = 22\n>> print('sum', first + second)")
  screen.keys "Enter"
  shows(t, "as an entry", "\nsum     42\n")
  enter "%load nowhere.lua"
  shows(t, "%load of no file", "nowhere.lua: No such file")
  enter "function answer() return 42 end"
  enter "answer() + 1000"
  shows(t, "before the edit", "\n1042\n")
  enter "%edit answer"
  enter "answer() + 2000"
  shows(t, "%edit of a function", "\n2043\n")
  enter "%edit 4"
  shows(t, "%edit of an entry", "answer() + 2000\n2043\n")
  screen.keys "Up"
  shows(t, "what was written is in the history", function(s)
    return s:find "> function answer%(%) return 43 end%s*$"
  end)
  screen.keys "C-c"
  write("more.lua", "print('from file ' .. 42)\n")
  enter "%edit more.lua"
  shows(t, "%edit of a file", "from file 43")
  enter "%edit nobody"
  shows(t, "%edit of nothing", "nobody is no entry, no function and no file")
  enter "%cd /usr/share"
  shows(t, "%cd", "\n/usr/share\n")
  enter "%cd -"
  shows(t, "%cd -", "%cd -\n" .. screen.folder)
  enter "%cd nowhere"
  shows(t, "%cd to no folder", "nowhere: No such file")
end

local function test_plot(t)
  start(90, 60)
  for i, code in ipairs {"tensor.randn(100):cumsum(1)", "hist tensor.randn(1000)", "image tensor.randn(20, 30)"} do
    enter("%plot " .. code)
    shows(t, "%plot " .. code, ("plots/%03d.png"):format(i))
    local f = io.open(("%s/plots/%03d.png"):format(screen.folder, i), "rb")
    t.ok("a file of it", f and f:read(4) == "\137PNG")
    if f then f:close() end
  end
  enter "%plot 'text'"
  shows(t, "%plot of no numbers", "%plot: a string cannot be drawn")
end

-- The user's init.lua runs first, and its errors are no end.
local function test_init(t)
  os.execute(("mkdir -p %s/lunette"):format(screen.folder))
  write("lunette/init.lua", "function twice(x) return 2 * x end\nprint 'set up'\nlocal t = nil\nt.x = 1\n")
  start(90, 30)
  shows(t, "init.lua runs", "set up\n")
  shows(t, "its errors come with the line", "lunette/init.lua:4: attempt to index a nil value (local 't')")
  shows(t, "and the source", "    t.x = 1\n")
  enter "twice(21)"
  shows(t, "the prompt starts all the same", "> twice(21)\n42\n")
  start(90, 30, nil, "--no-init")
  enter "rawget(_G, 'twice')"
  shows(t, "--no-init", "> rawget(_G, 'twice')\nnil\n")
  write("lunette/init.lua", "x = = 2")
  start(90, 30)
  shows(t, "a syntax error in it", "init.lua:1: unexpected symbol near '='")
  os.execute(("rm -r %s/lunette"):format(screen.folder))
end

return function(t)
  if not screen.open(t) then return end
  for _, test in ipairs {test_commands, test_files, test_plot, test_init} do test(t) end
  screen.close()
end
