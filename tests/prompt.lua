-- prompt.lua: tests of the prompt: entries from a pipe, keys on a terminal.

local outside = dofile "tests/support/program.lua"
local run, shell, quote = outside.run, outside.shell, outside.quote
local has, read_file = outside.has, outside.read_file

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
    "error: deep\nstack traceback:\n\t[C]: in function 'error'\n\tstdin:1: in local 'f'\n") and
    not has(err, "[C]: in ?"), err)
  t.ok("it needs no print", has(err, "error calling 'print'") and out:find "\n7\n> \n$", out)
  t.eq("prompts can be set", select(2, run({"-e", "_PROMPT, _PROMPT2 = 'A', 'B'", "-i"}, "do\nend\n")):match "\n(.*)",
    "Ado\nBend\nA\n")
  t.eq("a bad prompt is no harm", (run({"-e", "_PROMPT = setmetatable({}, {__tostring = error})", "-i"}, "1\n")), 0)
  local noise = {}
  for i = 1, 20000 do noise[i] = string.char((i * 7919 + i * i) % 256) end
  t.eq("it takes any bytes", (run("-i", table.concat(noise))), 0)
end

-- Types keys at the program on a terminal that `script` makes; "\1" in keys is a short wait.
local function type_keys(keys, setting)
  local parts = {}
  for part in (keys .. "\1"):gmatch "([^\1]*)\1" do
    parts[#parts + 1] = ("printf '%%b' %s; sleep 0.4"):format(quote(part:gsub("[%c\\]", function(c)
      return ("\\0%03o"):format(c:byte())
    end)))
  end
  local command = ("env %s XDG_STATE_HOME=%s %s"):format(setting or "TERM=xterm", outside.folder, quote(outside.program))
  local _, out = shell(("(sleep 0.5; %s) | script -qec %s /dev/null"):format(table.concat(parts, "; "), quote(command)))
  return out
end

local function test_terminal(t)
  if not os.execute "command -v script > /dev/null" then return end
  local out = type_keys "1+1\r\1x = 'a'\27[D\27[Db\27[H \27[F\r\1x\r\1\27[A\27[A\27[A\27[A\r\1\4"
  t.ok("a greeting", has(out, "Lunette") and has(out, "seed 1"), out)
  t.ok("keys edit the line", has(out, "\nba\r\n"), out)
  local _, twice = out:gsub("\n2\r\n", "")
  t.eq("history brings entries back", twice, 2)
  local history = outside.folder .. "/lunette/history"
  t.eq("history is kept", read_file(history), "1+1\n x = 'ba'\nx\n1+1\n")
  t.eq("for its owner only", select(2, shell("stat -c %a " .. quote(history))), "600\n")
  out = type_keys "'\195\164\230\188\162'\27[D\127\r\1#'\195\164x'\21u\23'w'\1\11\r\1for i = 1, 2 do\r\1\3'after'\r\1\4"
  t.ok("characters of several bytes", has(out, "\n\195\164\r\n"), out)
  t.ok("Ctrl-U and Ctrl-W cut", has(out, "\nw\r\n"), out)
  t.ok("Ctrl-C drops an entry", has(out, "^C") and has(out, "\nafter\r\n"), out)
  local loop = "while true do pcall(function() while true do end end) end"
  out = type_keys("z = 41\r\1" .. loop .. "\r\1\3\1\1z + 1\r\1\4")
  t.ok("Ctrl-C stops an entry, state is kept", has(out, "error: interrupted!") and has(out, "\n42\r\n"), out)
  out = type_keys("a = 5\r\1a + 1\r\1\4", "TERM=dumb")
  t.ok("a dumb terminal gets no escapes", has(out, "\n6\r\n") and not has(out, "\27"), out)
end

return function(t)
  if not outside.open(t) then return end
  test_prompt(t)
  test_terminal(t)
  outside.close()
end
