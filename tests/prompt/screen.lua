-- screen.lua: the prompt's editor, typed at through a real screen. screen_session.lua tests what entries
-- do, screen_interrupts.lua what Ctrl-C does.

local screen = dofile "tests/support/screen.lua"
local start, shows, keys, paste = screen.start, screen.shows, screen.keys, screen.paste
local type_text, enter = screen.type, screen.enter

-- ---- typing ------------------------------------------------------------------------------------------

local function test_entries(t)
  start(100, 40)
  shows(t, "it greets", "?intro to start")
  enter "1 + 1"
  shows(t, "a value is shown", "> 1 + 1\n2\n")
  enter "{1, 2, {b = 'n', a = {}}}"
  shows(t, "a table is shown, sorted", '\n{1, 2, {a = {}, b = "n"}}\n')
  enter "local hidden = 41"
  enter "hidden + 1"
  shows(t, "a local survives", "> hidden + 1\n42\n")
  enter "local fixed <const> = 7"
  enter "fixed = 8"
  shows(t, "a constant stays one", "attempt to assign to const variable 'fixed'")
  enter "local file <close> = io.open '/dev/null'"
  shows(t, "what <close> did is said", "note: file was closed at the end of this entry")
  enter "file:read()"
  shows(t, "also where it is used later", "error: file is not defined any more: it was declared with <close>")
  enter "'quiet';"
  enter "_ .. ' kept'"
  shows(t, "a semicolon shows nothing, and _ has the value", "> 'quiet';\n> _ .. ' kept'\nquiet kept\n")
  enter "Out[1]"
  shows(t, "Out has results by number", "> Out[1]\n2\n")
end

local function test_lines(t)
  start()
  enter "for i = 1, 2 do"
  shows(t, "an open entry goes on", "do\n>>")
  enter "print(i * 10)"
  enter "end"
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
  enter "2"
  shows(t, "Alt-Enter adds a line", "> 1 +\n>> 2\n3\n")
end

local function test_paste(t)
  start(80, 50)
  local lines = {"local total = 0", "for i = 1, 35 do"}
  for i = 1, 35 do lines[#lines + 1] = ("  if i == %d then total = total + %d end"):format(i, i) end
  lines[#lines + 1] = "end"
  lines[#lines + 1] = "print(total)"
  paste(table.concat(lines, "\n") .. "\n")
  shows(t, "a pasted loop waits", ">> print(total)")
  os.execute "sleep 0.2"
  t.ok("it does not run by itself", not screen.text():find("\n630", 1, true))
  keys "Enter"
  shows(t, "and runs as one entry", ">> print(total)\n630\n")
  paste "> y = 5\n> y * 2\n10\n"
  shows(t, "prompts are stripped from a session", "> y = 5\n>> y * 2\n")
  keys "Enter"
  paste "Lunette 0.1 · Lua 5.4\n> for i = 1, 2 do\n>>   y = y + i\n>> end\n>\nfit> y + 0.5\n8.5\n"
  shows(t, "and from one with a banner and a stopped fit", "> for i = 1, 2 do\n>>   y = y + i\n>> end\n>>\n>> y + 0.5\n")
  keys "C-c"
  paste ">>> y = 7\n>>> y\n7\n>>> # done\n"
  shows(t, "and from one of Python", "> y = 7\n>> y\n>> # done\n")
  keys "C-c"
end

local function test_editing(t)
  start()
  type_text "one two three"
  keys "C-w"
  keys "C-a"
  keys "C-y"
  shows(t, "what was cut is put back", "> threeone two")
  keys "C-u"
  type_text "a bb ccc"
  keys("C-w", "C-w")
  type_text "x "
  keys "C-y"
  shows(t, "cuts in a row are one", "> a x bb ccc")
  keys "M-y"
  shows(t, "Alt-Y takes an older one", "> a x threeone two")
  keys "C-u"
  type_text "f({(1)}, 2)"
  keys "C-]"
  type_text "g"
  shows(t, "Ctrl-] goes to the bracket's partner", "> fg({(1)}, 2)")
  keys "C-e"
  keys "C-u"
  type_text "'日本é' .. '👍🏽x'"
  keys("Left", "Left", "BSpace")
  keys "Enter"
  shows(t, "wide and combined characters are one each", "\n日本éx\n")
  enter "print('suggested')"
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
  screen.resize(50, 20)
  shows(t, "resizing draws the entry anew", ("x"):rep(50) .. "\n" .. ("x"):rep(50))
  keys "C-c"
  enter "6 * 7"
  shows(t, "and leaves the prompt whole", "> 6 * 7\n42\n")
end

local function test_completion(t)
  start()
  type_text "tensor.conv2"
  keys "Tab"
  shows(t, "one candidate is put in", "> tensor.conv2d")
  keys "C-u"
  type_text "nn.Conv2d(1, 8, 3, {st"
  keys "Tab"
  shows(t, "options of the call", "{stride =")
  keys "C-u"
  enter "x = tensor.ones(2)"
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
  enter "1"
  shows(t, "no candidate, no harm", "> 1\n1\n")
end

-- What is no key inserts nothing, however the line cuts it up.
local function test_sequences(t)
  start()
  local bytes = screen.bytes
  for _, unknown in ipairs {"\27[M !!", "\27[<0;10;5M", "\27[32;10;5M", "\27[I", "\27[O", "\27[[A", "\27OP", "\27[15~",
    "\27[25;2~", "\27[57358u", "\27[97;1:3u", "\27[1;2R", "\27]11;rgb:0000/0000/0000\27\\", "\27P1+r\27\\", "\27[?1u"} do
    bytes(unknown)
  end
  type_text "ab"
  shows(t, "mouse, focus, function keys, answers", "> ab\n")
  for _, part in ipairs {"\27", "[D", "\27[", "D", "\27", "OC", "\27[1;", "5D", "\27[20", "0~x\27[201~"} do bytes(part, 0.3) end
  shows(t, "arrows and a paste in pieces", "> xab\n")
  keys "C-c"
  for _, key in ipairs {"\27[97u", "\27[98;1u", "\27[233u", "\27[97;5u", "\27[99;1u", "\27[13;2u", "\27[27;1;100~", "\27[127u"} do
    bytes(key)
  end
  shows(t, "keys as numbers", "> c\n>> abé\n")
  keys "C-c"
  type_text "one two"
  bytes("\27", 0.2)
  bytes("b", 0.2)
  type_text "1"
  shows(t, "ESC and a key is Alt with it", "> one 1two\n")
  bytes("\27", 0.2)
  bytes("x", 0.2)
  shows(t, "or nothing more than the key", "> one 1xtwo\n")
  bytes("\27", 0.2)
  bytes("[", 0.2)
  bytes("2]", 0.2)
  shows(t, "a bracket typed after ESC is one", "> one 1x[2]two\n")
  keys "C-c"
  bytes "f = {\r    a = 1,\r\tb = 2}\r"
  enter "f.a + f.b"
  shows(t, "a paste without brackets is not indented twice", "> f = {\n>>     a = 1,\n>>   b = 2}\n> f.a + f.b\n3\n")
end

-- Resizing in each state leaves no pieces behind.
local function test_resizing(t)
  local function count(text)
    return function(s) return select(2, s:gsub(text, "")) == 1 end
  end
  for _, size in ipairs {{60, 24}, {40, 10}, {100, 24}} do
    start(80, 24)
    type_text("'" .. ("first "):rep(9) .. "' .. ")
    keys "M-Enter"
    type_text("'" .. ("a"):rep(60) .. "last'")
    keys("Left", "Left")
    screen.resize(size[1], size[2])
    shows(t, "an entry at width " .. size[1], function(s)
      return count "last'"(s) and count "\n> 'first"("\n" .. s)
    end)
    keys "C-c"
    enter "for i in progress(300, {desc = 'a description that is long, so that it is broken'}) do os.execute 'sleep 0.01' end"
    screen.wait "/300"
    screen.resize(80, 24)
    screen.resize(size[1], size[2])
    shows(t, "a progress bar at width " .. size[1], function(s) return count "\na description"(s) and count "\n[^\n]*300 "(s) end, 20)
  end
end

-- ---- errors -------------------------------------------------------------------------------------------

local function test_errors(t)
  start(90, 40)
  enter "y = 2 3 @"
  shows(t, "a caret at the place of a syntax error", "  y = 2 3 @\n        ^")
  enter "z = x @ y"
  shows(t, "a hint for another language's syntax", "        ^\n  hint:")
  paste "function deep(n)\n  if n == 0 then error 'bottom' end\n  deep(n - 1)\nend"
  keys "Enter"
  enter "deep(1)"
  shows(t, "frames of the user with their lines", "error: In[3]:2: bottom\n  In[3]:2 in ")
  shows(t, "and source", "    deep(n - 1)")
  enter "%tb"
  shows(t, "%tb repeats it", function(s) return select(2, s:gsub("error: In%[3%]:2: bottom", "")) == 2 end)
  enter "undefined_name"
  shows(t, "an undefined name", "undefined_name is not defined")
end

local function test_keys_kept(t)
  start(100, 30)
  enter "count = 0"
  paste(("count = count + 1 -- xx\r"):rep(500), true) -- 24 keys a line: 12,000
  enter "count"
  shows(t, "no key of 12,000 is lost", "> count\n500\n", 30)
end

local function test_plain(t)
  start(80, 24, "TERM=dumb")
  enter "a = 5"
  enter "a + 1"
  shows(t, "a dumb terminal", "> a + 1\n6\n")
  start(80, 24, "NO_COLOR=1")
  enter "'text' .. 1"
  shows(t, "without colours", "text1")
  t.ok("no colour is written", not screen.text "-e":find "\27%[3[0-9]m")
end

return function(t)
  if not screen.open(t) then return end
  for _, test in ipairs {test_entries, test_lines, test_paste, test_editing, test_completion, test_sequences, test_resizing, test_errors,
    test_keys_kept, test_plain} do
    test(t)
  end
  screen.close()
end
