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

return function(t)
  if not outside.open(t) then return end
  test_prompt(t)
  outside.close()
end
