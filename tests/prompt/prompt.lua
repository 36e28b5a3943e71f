-- prompt.lua: tests of the prompt without a terminal: entries from a pipe. screen.lua types.

local outside = dofile "tests/support/program.lua"
local run, has = outside.run, outside.has

local entries = [[
1 + 1
x = {1, 2, 3, name = "n"}
x
for i = 1, 2 do
print(i)
end
{1,
2}
error "boom"
local function f() error "deep" end f()
y = 1 @ 2
nil, "a", 2.5
= 5
print = nil
7
]]

local function test_prompt(t)
  local code, out, err = run("-i", entries)
  t.eq("the prompt ends well", code, 0)
  t.ok("it shows values", has(out, "> 1 + 1\n2\n") and has(out, "> nil, \"a\", 2.5\nnil\ta\t2.5\n") and
    has(out, "> = 5\n5\n"), out)
  t.ok("tables are shown", has(out, "> x\n{1, 2, 3, name = \"n\"}\n"), out)
  t.ok("entries go on", has(out, ">> print(i)\n>> end\n1\n2\n") and has(out, "> {1,\n>> 2}\n{1, 2}\n"), out)
  t.ok("it survives errors", has(err, "error: boom\n") and has(err, "unexpected symbol near '@'"), err)
  t.ok("a traceback shows the user's frames", has(err,
    "error: deep\n  In[7]:1 in f\n    local function f() error \"deep\" end f()\n"), err)
  t.ok("nothing is coloured", not has(out .. err, "\27"))
  t.ok("it needs no print", out:find "\n7\n> \n$", out)
  local long = "t = {} for i = 1, 12 do t[i] = setmetatable({}, {__tostring = function() return ('y'):rep(59) end}) end\n"
    .. "for i = 1, 12 do t['name_' .. i] = t[i] end\nt\n"
  local _, names = select(2, run("-i", long)):gsub("name_%d+ = y+[,}\n]", "")
  t.eq("a long table is shown", names, 12)
  local items = select(2, run("-i", "{tensor.ones(2, 3), nn.Linear(2, 3)}\n"))
  t.ok("tensors and models in a table say what they are", items:find "{float32 %[2,3%].*, Linear%(2, 3%)", items)
  t.eq("a script does not load it", select(2, run {"-e", "print(package.loaded['lunette.prompt'], package.loaded.lunette)"}),
    "nil\tnil\n")
  t.ok("commands are known", has(select(2, run("-i", "%who\nx = 3\n%who\n")), "no variables yet"))
  t.ok("nothing is cut where there is no screen", not has(select(2, run("-i",
    "t = {} for i = 1, 59 do t[i] = ('word'):rep(20) end\nt\n")), "more lines"))
  t.eq("prompts can be set", select(2, run({"-e", "_PROMPT, _PROMPT2 = 'A', 'B'", "-i"}, "do\nend\n")):match "\n(.*)",
    "Ado\nBend\nA\n")
  t.eq("a bad prompt is no harm", (run({"-e", "_PROMPT = setmetatable({}, {__tostring = error})", "-i"}, "1\n")), 0)
  local noise = {}
  for i = 1, 20000 do noise[i] = string.char((i * 7919 + i * i) % 256) end
  t.eq("it takes any bytes", (run("-i", table.concat(noise))), 0)
end

local function test_commands(t)
  local code = "x = tensor.randn(4)\n%prof for i = 1, 7 do local y = x:exp() + 1 end\n%prof error 'no'\n%prof x:cos()\n"
  local _, out, err = run("-i", code)
  t.ok("%prof counts ops", out:find "\n  exp +7 +%d" and out:find "\n  add +7 +%d", out)
  t.ok("and lines", out:find "\n  In%[2%]:1 +14 .*for i = 1, 7", out)
  t.ok("an error ends it", has(err, "error: no") and out:find "\n  cos +1 " and select(2, out:gsub("exp", "")) == 2, out)
  _, out = run("-i", "a = tensor.zeros(1000, 1000)\nb = {} for i = 1, 3 do b[i] = tensor.ones(500, 500) end\n" ..
    "c = a:view(-1); d = tensor.ones(10)\n%mem\na, c = nil\n%mem\n")
  local all, fewer = out:match "%%mem\n(.-)> a, c = nil\n> %%mem\n(.*)$"
  t.ok("%mem by lines", all and all:find "\n  In%[1%]:1 +1 +4%.0  a = tensor" and all:find "\n  In%[2%]:1 +3 +3%.0  b = ", out)
  t.ok("and only what lives", fewer and not fewer:find "In%[1%]" and fewer:find "In%[2%]:1 +3 +3%.0", out)
  _, out = run("-i", "x = tensor({1 / 3, 2}, {dtype = 'float64'})\n%precision 9\nx\n%precision\n"
    .. "{1 / 3, 2.5, 1e-12}, 1 / 3\n%precision off\nx\n1 / 3\n")
  t.ok("%precision", has(out, (" %.9f"):format(0.333333333)) and has(out, "9 decimals, plain numbers too\n")
    and has(out, "{0.333333333, 2.5, 1.0e-12}\t0.333333333\n") and has(out, " 0.3333\n") == false
    and has(out, " 0.3333  2.0000\n") and has(out, "\n0.33333333333333\n"), out)
  t.ok("of float64 to the last digit", has(select(2, run("-i", "%precision 12\n(tensor.ones(2):double() / 3)\n")),
    (" %.12f"):format(1 / 3)))
  _, out, err = run("-i", "%precision 0\n%prof\n%time\n?%prof\nhelp '%cd'\n%nothing\n%save x.lua 7-3\n"
    .. "%seed 5\n%seed\n%help timeit\n??string.rep\n% who\n%plot nosuch\n")
  t.ok("wrong use", has(err, "from 1 to 16") and select(2, err:gsub("give the code", "")) == 2, err)
  t.ok("says what is missing", has(err, "7-3: there are no entries to save") and has(err, "as in %prof net(x)")
    and has(err, "as in %time net(x)") and has(err, "follows % at once"), err)
  t.ok("the entry on the screen is no frame", has(err, "error: nosuch is not defined\n") and not has(err, "%plot nosuch"), err)
  t.ok("%seed tells", has(out, "> %seed\n5\n"), out)
  t.ok("help on one command", has(out, "> %help timeit\n%timeit CODE\n  runs it many times"), out)
  t.ok("Lua's own functions are in its manual", has(out, "manual.html#pdf-string.rep"), out)
  t.ok("help for commands", has(out, "%prof CODE\n  runs it once") and has(out, "%cd [FOLDER]\n  "), out)
end

local function test_locals(t)
  local _, out, err = run("-i", [[
local k <const>, m = 5, 6
k
k + m
m = 7
k = 8
local a, b, c = 1
a, b, c
local k = 9
k
local f <close> = setmetatable({}, {__close = function() print "closed" end})
f
%reset
b
]])
  t.ok("a constant is a value", has(out, "> k\n5\n> k + m\n11\n"), out)
  t.ok("and stays one", has(err, "attempt to assign to const variable 'k'") and select(2, err:gsub("const", "")) == 1, err)
  t.ok("what was declared may be nil", has(out, "> a, b, c\n1\tnil\tnil\n"), out)
  t.ok("a constant can be declared anew", has(out, "> k\n9\n"), out)
  t.ok("<close> is for its entry", has(out, "closed\n") and has(err, "f is not defined"), out)
  t.ok("%reset forgets them", has(err, "b is not defined"), err)
end

local function test_notes(t)
  local function notes(code)
    return select(2, select(3, run("-i", "m, f = tensor{true, false}, tensor{1.5}\n" .. code .. "\n")):gsub("note: ", ""))
  end
  for code, n in pairs {["if m then end"] = 1, ["x = not m"] = 1, ["x = m and f"] = 1, ["m:sum() == 1"] = 0, ["f:sum() == 1"] = 1,
    ["if f then end"] = 0, ["if m:any() then end"] = 0, ["x = m & ~m"] = 0, ["if m[1] then end"] = 0, ["t = {m = 1} x = not t.m"] = 0} do
    t.eq("notes on " .. code, notes(code), n)
  end
end

local function test_lines(t)
  local fit = require("lunette.lines").fit
  local text = "one two three four\nfive\n  name      what it is for\n  x = 1\nsix"
  t.eq("text that fits stays", fit(text, 80), text)
  t.eq("and without a width", fit(text), text)
  t.eq("else it is broken", fit(text, 16), "one two three\nfour five\n  name      what\n    it is for\n  x = 1\nsix")
  t.eq("items go on", fit("a b\n\n  name  what it\n        is for\n  next\n\nend", 14), "a b\n\n  name  what\n    it is for\n  next\n\nend")
  t.eq("below a column", fit("  name  what it is for", 20), "  name  what it is\n        for")
end

return function(t)
  if not outside.open(t) then return end
  test_prompt(t)
  test_commands(t)
  test_locals(t)
  test_notes(t)
  test_lines(t)
  outside.close()
end
