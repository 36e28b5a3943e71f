-- screen.lua: the prompt, typed at through a real screen: tmux holds the terminal, and what its screen
-- shows is what counts.

local program, folder, socket
local started = 0 -- each screen is a server of its own

local function quote(text) return "'" .. text:gsub("'", "'\\''") .. "'" end

local function read(command)
  local pipe = io.popen(command .. " 2>/dev/null")
  local text = pipe:read "a"
  pipe:close()
  return text
end

local function tmux(command) return read("LC_ALL=C.UTF-8 tmux -u -f /dev/null -L " .. socket .. " " .. command) end

local function start(columns, rows, setting)
  if socket then tmux "kill-server" end
  started = started + 1
  socket = ("%s-%d"):format(folder:match "[^/]*$", started)
  tmux(("new-session -d -x %d -y %d %s"):format(columns or 80, rows or 24, quote(
    ("cd %s && env XDG_STATE_HOME=%s %s %s; sleep 60"):format(quote(folder), quote(folder), setting or "", quote(program)))))
end

local function screen(flags) return tmux("capture-pane -p " .. (flags or "")) end

-- The rows of the screen without empty ones at the end.
local function rows()
  return (screen():gsub("%s+$", ""))
end

local tick = 0.02

-- Waits until the screen satisfies `f` (or holds the text); says whether it came to that.
local function wait(f, seconds)
  local text = type(f) == "string" and f
  local test = text and function(s) return s:find(text, 1, true) end or f
  for _ = 1, (seconds or 5) / tick do
    if test(screen()) then return true end
    os.execute("sleep " .. tick)
  end
  return false
end

local function type_text(text) tmux("send-keys -l -- " .. quote((text:gsub(";$", "\\;")))) end
local function keys(...) tmux("send-keys " .. table.concat({...}, " ")) end
local function paste(text)
  local name = folder .. "/paste"
  local f = io.open(name, "w")
  f:write(text)
  f:close()
  tmux(("load-buffer %s"):format(quote(name)))
  tmux "paste-buffer -p"
end

local function shows(t, name, what, seconds)
  local found = wait(what, seconds)
  return t.ok(name, found, not found and "the screen:\n" .. rows() or nil)
end

-- ---- typing ------------------------------------------------------------------------------------------

local function test_entries(t)
  start()
  shows(t, "it greets", "?intro to start")
  type_text "1 + 1"
  keys "Enter"
  shows(t, "a value is shown", "> 1 + 1\n2\n")
  type_text "{1, 2, {b = 'n', a = {}}}"
  keys "Enter"
  shows(t, "a table is shown, sorted", '\n{1, 2, {a = {}, b = "n"}}\n')
  type_text "local hidden = 41"
  keys "Enter"
  type_text "hidden + 1"
  keys "Enter"
  shows(t, "a local survives", "> hidden + 1\n42\n")
  type_text "local fixed <const> = 7"
  keys "Enter"
  type_text "fixed = 8"
  keys "Enter"
  shows(t, "a constant stays one", "attempt to assign to const variable 'fixed'")
  type_text "'quiet';"
  keys "Enter"
  type_text "_ .. ' kept'"
  keys "Enter"
  shows(t, "a semicolon shows nothing, and _ has the value", "> 'quiet';\n> _ .. ' kept'\nquiet kept\n")
  type_text "Out[1]"
  keys "Enter"
  shows(t, "Out has results by number", "> Out[1]\n2\n")
end

local function test_lines(t)
  start()
  wait ">"
  type_text "for i = 1, 2 do"
  keys "Enter"
  shows(t, "an open entry goes on", "do\n>>")
  type_text "print(i * 10)"
  keys "Enter"
  type_text "end"
  keys "Enter"
  shows(t, "a whole one runs; its end stands left", ">>   print(i * 10)\n>> end\n10\n20\n")
  keys "Up"
  shows(t, "history has whole entries", function(s)
    return select(2, s:gsub("for i = 1, 2 do\n>>   print%(i %* 10%)\n>> end", "")) == 2
  end)
  keys("Left", "Up", "Home")
  keys("Right", "Right", "Right", "Right")
  type_text "k, i"
  keys("DC")
  shows(t, "a line above is edited in place", "\n>>   prk, int(i * 10)\n>> end")
  keys "C-_"
  keys "C-_"
  shows(t, "undo takes it back", function(s) return not s:find("k, i", 1, true) end)
  keys "C-c"
  shows(t, "Ctrl-C drops an entry", "^C")
  type_text "1 +"
  keys("M-Enter")
  type_text "2"
  keys "Enter"
  shows(t, "Alt-Enter adds a line", "> 1 +\n>> 2\n3\n")
end

local function test_paste(t)
  start(80, 50)
  wait ">"
  local lines = {"local total = 0", "for i = 1, 35 do"}
  for i = 1, 35 do lines[#lines + 1] = ("  if i == %d then total = total + %d end"):format(i, i) end
  lines[#lines + 1] = "end"
  lines[#lines + 1] = "print(total)"
  paste(table.concat(lines, "\n") .. "\n")
  shows(t, "a pasted loop waits", ">> print(total)")
  os.execute "sleep 0.2"
  t.ok("it does not run by itself", not screen():find("\n630", 1, true))
  keys "Enter"
  shows(t, "and runs as one entry", ">> print(total)\n630\n")
  paste "> y = 5\n> y * 2\n10\n"
  shows(t, "prompts are stripped from a session", "> y = 5\n>> y * 2\n")
  keys "Enter"
end

local function test_editing(t)
  start()
  wait ">"
  type_text "one two three"
  keys "C-w"
  keys "C-a"
  keys "C-y"
  shows(t, "what was cut is put back", "> threeone two")
  keys "C-e"
  keys "C-u"
  type_text "'日本é' .. '👍🏽x'"
  keys("Left", "Left", "BSpace")
  keys "Enter"
  shows(t, "wide and combined characters are one each", "\n日本éx\n")
  type_text "print('suggested')"
  keys "Enter"
  type_text "prin"
  shows(t, "a suggestion from the history", function(s) return select(2, s:gsub("print%('suggested'%)", "")) == 2 end)
  keys("Right", "Enter")
  shows(t, "is taken with the right arrow", function(s) return select(2, s:gsub("\nsuggested\n", "")) == 2 end)
  keys "C-r"
  type_text "日本"
  shows(t, "Ctrl-R searches", "search: 日本")
  keys "Enter"
  shows(t, "and runs what it found", function(s) return select(2, s:gsub("\n日本éx\n", "")) == 2 end)
  type_text(("x"):rep(200))
  tmux "resize-window -x 50 -y 20"
  shows(t, "resizing draws the entry anew", ("x"):rep(50) .. "\n" .. ("x"):rep(50))
  keys "C-c"
  type_text "6 * 7"
  keys "Enter"
  shows(t, "and leaves the prompt whole", "> 6 * 7\n42\n")
end

local function test_completion(t)
  start()
  wait ">"
  type_text "tensor.conv2"
  keys "Tab"
  shows(t, "one candidate is put in", "> tensor.conv2d")
  keys "C-u"
  type_text "nn.Conv2d(1, 8, 3, {st"
  keys "Tab"
  shows(t, "options of the call", "{stride =")
  keys "C-u"
  type_text "x = tensor.ones(2)"
  keys "Enter"
  type_text "x:log"
  keys "Tab"
  shows(t, "a menu with kinds and a line of documentation", function(s)
    return s:find "log10 +method +%u" and s:find "log1p +method"
  end)
  keys("Tab", "Enter")
  shows(t, "Enter takes the choice", "> x:log\n")
  keys "C-c"
  type_text "io.open('/usr/sh"
  keys "Tab"
  shows(t, "files in quotes", "> io.open('/usr/share/")
  keys "C-c"
  type_text "nothing_of_that_name"
  keys "Tab"
  keys "C-u"
  type_text "1"
  keys "Enter"
  shows(t, "no candidate, no harm", "> 1\n1\n")
end

-- ---- commands and errors -------------------------------------------------------------------------------

local function test_commands(t)
  start(90, 40)
  wait ">"
  type_text "?tensor.softmax"
  keys "Enter"
  shows(t, "?x", "softmax(x: tensor")
  type_text "x = 3"
  keys "Enter"
  type_text "%who"
  keys "Enter"
  shows(t, "%who", "  x                3")
  type_text "%time 1 + 1"
  keys "Enter"
  shows(t, "%time", "processor")
  type_text "!echo $((6 * 7)) from the shell"
  keys "Enter"
  shows(t, "!cmd", "42 from the shell")
  type_text "%nothing"
  keys "Enter"
  shows(t, "an unknown command", "there is no command %nothing")
  type_text("%save " .. folder .. "/saved.lua 2")
  keys "Enter"
  shows(t, "%save", "saved.lua: 1 entries")
  local f = io.open(folder .. "/saved.lua")
  t.ok("writes what was typed", f and f:read "a":find "\nx = 3\n")
  if f then f:close() end
end

local function test_errors(t)
  start(90, 40)
  wait ">"
  type_text "y = 2 3 @"
  keys "Enter"
  shows(t, "a caret at the place of a syntax error", "  y = 2 3 @\n        ^")
  type_text "z = x @ y"
  keys "Enter"
  shows(t, "a hint for another language's syntax", "        ^\n  hint:")
  paste "function deep(n)\n  if n == 0 then error 'bottom' end\n  deep(n - 1)\nend"
  keys "Enter"
  type_text "deep(1)"
  keys "Enter"
  shows(t, "frames of the user with their lines", "error: In[3]:2: bottom\n  In[3]:2 in ")
  shows(t, "and source", "    deep(n - 1)")
  type_text "%tb"
  keys "Enter"
  shows(t, "%tb repeats it", function(s) return select(2, s:gsub("error: In%[3%]:2: bottom", "")) == 2 end)
  type_text "undefined_name"
  keys "Enter"
  shows(t, "an undefined name", "undefined_name is not defined")
end

local function test_interrupts(t)
  start(100, 40)
  wait ">"
  local loops = {
    "while true do end",
    "while true do pcall(function() while true do end end) end",
    "coroutine.wrap(function() while true do end end)()",
    "local a = tensor.randn(3000, 3000) while true do a:matmul(a) end",
    "string.rep('a', 30):find(('a*'):rep(30) .. 'b')",
    "table.sort({}, 1) or tensor.randn(2^24 // 1):sort() while true do end",
  }
  for i, code in ipairs(loops) do
    type_text(code)
    keys "Enter"
    os.execute "sleep 0.3"
    keys "C-c"
    type_text(("%d * 1000"):format(i))
    keys "Enter"
    shows(t, "Ctrl-C stops " .. code, ("\n%d000\n"):format(i), 3)
  end
end

local function test_keys_kept(t)
  start(100, 30)
  wait ">"
  type_text "count = 0"
  keys "Enter"
  local f = io.open(folder .. "/burst", "w")
  for _ = 1, 500 do f:write("count = count + 1 -- xx\r") end -- 24 keys a line: 12,000
  f:close()
  tmux("load-buffer -b burst " .. quote(folder .. "/burst"))
  tmux "paste-buffer -r -b burst"
  type_text "count"
  keys "Enter"
  shows(t, "no key of 12,000 is lost", "> count\n500\n", 30)
end

local function test_plain(t)
  start(80, 24, "TERM=dumb")
  wait ">"
  type_text "a = 5"
  keys "Enter"
  type_text "a + 1"
  keys "Enter"
  shows(t, "a dumb terminal", "> a + 1\n6\n")
  start(80, 24, "NO_COLOR=1")
  wait ">"
  type_text "'text' .. 1"
  keys "Enter"
  shows(t, "without colours", "text1")
  t.ok("no colour is written", not screen "-e":find "\27%[3[0-9]m")
end

return function(t)
  program = t.host and t.host:find "lunette" and t.host
  if not program or not os.execute "command -v tmux > /dev/null 2>&1" then return end
  if program:sub(1, 1) ~= "/" then program = read("pwd"):match "[^\n]*" .. "/" .. program end
  folder = os.tmpname()
  os.remove(folder)
  os.execute("mkdir -p " .. quote(folder))
  for _, test in ipairs {test_entries, test_lines, test_paste, test_editing, test_completion, test_commands,
    test_errors, test_interrupts, test_keys_kept, test_plain} do
    test(t)
  end
  tmux "kill-server"
  os.execute("rm -rf " .. quote(folder))
end
