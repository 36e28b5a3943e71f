-- cli.lua: tests of the program `lunette` from outside: options, exit codes, messages, which code it
-- loads, Ctrl-C, globals, the prompt. They run it as a subprocess through the shell.
--
-- The program is $LUNETTE, or else the one that runs this test; under stock Lua there is nothing to
-- test then. With LUA_TESTES set to the folder `testes` of Lua 5.4.4, that suite is run too.

local program

local function read_file(path)
  local file = io.open(path, "rb")
  if not file then return "" end
  local text = file:read "a"
  file:close()
  return text
end

local function write_file(path, text)
  local file = assert(io.open(path, "wb"))
  file:write(text)
  file:close()
end

local function quote(word) return "'" .. word:gsub("'", "'\\''") .. "'" end

-- A folder of our own, for scripts and for what the program keeps.
local folder

-- Runs a shell line; returns exit status, standard output, standard error.
local function shell(line, input)
  local out, err, inp = folder .. "/out", folder .. "/err", folder .. "/in"
  write_file(inp, input or "")
  local _, how, status = os.execute(("exec < %s > %s 2> %s; %s"):format(inp, out, err, line))
  return how == "exit" and status or 128 + status, read_file(out), read_file(err)
end

-- Runs the program: arguments as one shell string, or a list of words.
local function run(args, input)
  if type(args) == "table" then
    local words = {}
    for i, word in ipairs(args) do words[i] = quote(word) end
    args = table.concat(words, " ")
  end
  return shell(quote(program) .. " " .. args, input)
end

local function script(name, text)
  local path = folder .. "/" .. name
  write_file(path, text)
  return path
end

-- Errors name the program as it was called.
local function has(text, part) return text:find(part, 1, true) ~= nil end

local function test_options(t)
  local code, out, err = run {"-e", "print(1)", "-eprint(2)", "-W", "-e", "warn 'w'"}
  t.eq("-e runs", out, "1\n2\n")
  t.eq("-W turns warnings on", err, "Lua warning: w\n")
  t.eq("exit 0", code, 0)
  code, out = run {"-l", "string", "-lm=math", "-e", "print(m.pi > 3, string.upper 'a')"}
  t.eq("-l requires", out, "true\tA\n")
  t.eq("-l exit", code, 0)
  code, out = run "-v"
  t.ok("-v names Lua", code == 0 and out:find "^Lunette %d.*Lua 5%.4.*PUC%-Rio\n$", out)
  t.eq("--version says the same", select(2, run "--version"), out)
  code, out = run "--help"
  t.ok("--help lists the options", code == 0 and has(out, "--allow-binary") and has(out, "--seed"))
  local wrong = {
    ["-h"] = "unrecognized option '-h'", ["---"] = "unrecognized option '---'", ["-vv"] = "'-vv'",
    ["-e"] = "'-e' needs argument", ["-l"] = "'-l' needs argument", ["--threads"] = "needs argument",
    ["--threads 0"] = "from 1 to 64, not '0'", ["--threads=x"] = "'--threads' wants a whole number",
    ["--seed -1"] = "'--seed' wants a whole number", ["--seeds 1"] = "unrecognized option '--seeds'",
  }
  for option, message in pairs(wrong) do
    code, out, err = run(option)
    t.ok("wrong option " .. option, code == 1 and out == "" and has(err, message) and
      has(err, "usage: "), err)
  end
  local registry = "local r = debug.getregistry() print(r['lunette.threads'], r['lunette.seed'])"
  t.eq("settings are left for the module", select(2, run {"--threads", "3", "--seed=5", "-e", registry}),
    "3\t5\n")
  t.eq("no settings by default", select(2, run {"-e", registry}), "nil\tnil\n")
  local _, one = run {"--seed", "random", "-e", registry}
  local _, two = run {"--seed", "random", "-e", registry}
  t.ok("a random seed is a number of its own", one:match "^nil\t%d+\n$" and one ~= two, one)
  t.eq("the collector is generational", select(2, run {"-e", "print(collectgarbage 'generational')"}),
    "generational\n")
end

local function test_script(t)
  local path = script("args.lua", "print(arg[-1], arg[0], #arg, ...) print(arg[-3])")
  local _, out = run {"-E", "-e", "", path, "-x", "b"}
  t.eq("arg has the options below 0", out, ("\t%s\t2\t-x\tb\n-E\n"):format(path))
  t.eq("- is the standard input", select(2, run("- a", "print(...)")), "a\n")
  t.eq("stdin is run as a script", select(2, run("", "print(1)\nprint(2)")), "1\n2\n")
  t.eq("-- ends the options", select(2, run({"--", path})), ("--\t%s\t0\nnil\n"):format(path))
  local code, _, err = run "nosuch.lua"
  t.eq("a missing script: exit", code, 1)
  t.ok("a missing script: message", has(err, "cannot open nosuch.lua"), err)
  code, _, err = run {"-e", "local function f() error 'boom' end f()"}
  t.eq("an error: exit", code, 1)
  t.ok("an error: message and traceback",
    has(err, ": (command line):1: boom\nstack traceback:\n\t[C]: in function 'error'"), err)
  err = select(3, run {"-e", "error(setmetatable({}, {__tostring = function() return 'an object' end}))"})
  t.eq("an error object with a text", err, program .. ": an object\n")
  err = select(3, run {"-e", "error {}"})
  t.ok("an error object without", has(err, "(error object is a table value)"), err)
  t.eq("os.exit", (run {"-e", "os.exit(7)"}), 7)
  t.eq("os.exit(true, true)", (run {"-e", "os.exit(true, true)"}), 0)
  code, _, err = run {"-e", "x ="}
  t.ok("a syntax error", code == 1 and has(err, "(command line):1: unexpected symbol near <eof>"), err)
  t.eq("LUA_INIT", select(2, shell("LUA_INIT='x = arg[1]' " .. quote(program) .. " - 3", "print(x)")), "3\n")
  t.eq("-E ignores it", select(2, shell("LUA_INIT='x = 1' " .. quote(program) .. " -E -", "print(x)")), "nil\n")
  t.eq("LUA_INIT_5_4 comes first", select(2,
    shell("LUA_INIT='x = 1' LUA_INIT_5_4='x = 2' " .. quote(program) .. " -e 'print(x)'")), "2\n")
end

local function test_binary(t)
  local path, module = folder .. "/chunk.luac", folder .. "/binmod.lua"
  write_file(path, string.dump(load "print 'ran' return 5"))
  write_file(module, string.dump(load "return 6"))
  local find = ("package.path = %q"):format(folder .. "/?.lua")
  local _, code, out, err
  code, out, err = run {path}
  t.ok("a script", code == 1 and out == "" and has(err, "--allow-binary") and has(err, path), err)
  code, _, err = run({}, string.dump(load "print 'ran'"))
  t.ok("the standard input", code == 1 and has(err, "--allow-binary"), err)
  local cases = {
    load = "load(string.dump(load 'return 1'))",
    ["load with mode b"] = "load(string.dump(load 'return 1'), 'x', 'b')",
    ["load by pieces"] = [[
      local piece = string.dump(load "return 1")
      return load(function() local p = piece piece = nil return p end)]],
    loadfile = ("loadfile(%q)"):format(path),
    ["loadfile with mode bt"] = ("loadfile(%q, 'bt')"):format(path),
    dofile = ("pcall(dofile, %q)"):format(path),
    require = find .. " return pcall(require, 'binmod')",
  }
  for name, text in pairs(cases) do
    if not text:find "return" or text:find "^load" then text = "return " .. text end
    text = ("local done, message = (function() %s end)() print(done or false, message)"):format(text)
    _, out = run {"-e", text}
    t.ok(name .. " refuses binary chunks", out:find "^false\t" and has(out, "--allow-binary"), out)
    _, out = run {"--allow-binary", "-e", text}
    t.ok(name .. " takes them when allowed", not out:find "^false" and not has(out, "binary"), out)
  end
  _, out = run {"-e", "print(load('\\27x', 'x', 't')) print(load('return 1', 'x', 'b'))"}
  t.eq("what mode asks for is answered as in Lua", out,
    "nil\tattempt to load a binary chunk (mode is 't')\nnil\tattempt to load a text chunk (mode is 'b')\n")
  t.eq("an allowed script runs", select(2, run {"--allow-binary", path}), "ran\n")
  _, out = run {"-e", [[
    print(load("return a, ...", "=n", "t", {a = 1})(2))
    print((load(function() return true end)))
    print(load "*")]]}
  t.eq("load keeps its arguments", out, "1\t2\nnil\n" ..
    "nil\t[string \"*\"]:1: unexpected symbol near '*'\n")
end

-- Runs Lua code, sends the signal once it has printed its first line, and returns exit status,
-- output, error and how many seconds it took to stop.
local function interrupt(code, again)
  local ready = folder .. "/ready"
  os.remove(ready)
  local line = ([[%s -e %s & pid=$!
    i=0; while [ ! -e %s ] && [ $i -lt 500 ]; do sleep 0.02; i=$((i+1)); done
    sleep 0.05; start=$(date +%%s%%N); kill -INT $pid; %s wait $pid; status=$?
    echo " took $((($(date +%%s%%N) - start) / 1000000))"; exit $status]]):format(
    quote(program), quote(("io.open(%q, 'w'):close() "):format(ready) .. code), ready,
    again and "sleep 0.1; kill -INT $pid;" or "")
  local status, out, err = shell(line)
  local took = tonumber(out:match " took (%d+)\n$") / 1000
  return status, out:gsub(" took %d+\n$", ""), err, took
end

local function test_interrupt(t)
  local endless = {
    ["a loop"] = "while true do end",
    ["pcall in a loop"] = "while true do pcall(function() while true do end end) end",
    ["coroutines without end"] = "while true do pcall(coroutine.wrap(function() while true do end end)) end",
    ["coroutines in coroutines"] =
      "local function f() while true do pcall(coroutine.wrap(f)) end end f()",
    ["a coroutine resumed for ever"] = [[
      local co = coroutine.create(function() while true do pcall(coroutine.yield) end end)
      while true do coroutine.resume(co) end]],
    ["a __close that does not end"] = [[
      local co = coroutine.create(function()
        local _ <close> = setmetatable({}, {__close = function() while true do end end})
        coroutine.yield()
      end)
      coroutine.resume(co)
      assert(coroutine.close(co))]],
    ["gsub with a function"] = "local s = ('x'):rep(1e6) while true do s:gsub('.', function() end) end",
    ["sort with a function"] = "table.sort({3, 2, 1}, function() while true do pcall(error) end end)",
    ["load by pieces"] = "assert(load(function() return 'x = 1 ' end))",
    ["a search of cubic time"] = "string.find(('a'):rep(1e6), '.-.-b')",
    ["pcall around tensor ops"] =
      "local x = tensor.ones(1000, 1000) while true do pcall(function() local _ = x:matmul(x) end) end",
    ["a plain search"] = "string.find(('a'):rep(8e6), ('a'):rep(4e6) .. 'b', 1, true)",
  }
  for name, code in pairs(endless) do
    local status, _, err, took = interrupt(code)
    t.eq(name .. ": exit", status, 130)
    t.ok(name .. ": message", has(err, "interrupted!"), err)
    t.ok(name .. ": stops", took < 10, took .. " s")
  end
  local status, out = interrupt "print(pcall(function() while true do end end)) print 'tidied'"
  t.eq("pcall may catch it and tidy up", out, "false\t(command line):1: interrupted!\ntidied\n")
  t.eq("and the exit status tells", status, 130)
  status, out = interrupt [[
    local x = tensor.ones(1000, 1000)
    print(pcall(function() while true do local _ = x:matmul(x) end end))
    print(x:matmul(x)[{1, 1}] == 1000)]]
  t.ok("tidying up may compute", status == 130 and has(out, "interrupted") and has(out, "\ntrue\n"), out)
  status, out = interrupt [[
    local co = coroutine.wrap(function()
      local _ <close> = setmetatable({}, {__close = function() print 'closed' end})
      while true do end
    end)
    co()]]
  t.ok("pending variables are closed", status == 130 and out == "closed\n", out)
  t.eq("a second one ends the process",
    (interrupt("pcall(function() while true do end end) for i = 1, 1e18 do local _ = i end", true)), 130)
  t.eq("a hook survives", select(2, run {"-e", [[
    local n = 0
    debug.sethook(function() n = n + 1 end, "l")
    coroutine.wrap(function() end)()
    local x = 1
    print(n > 0, debug.gethook() ~= nil)]]}), "true\ttrue\n")
end

local function test_coroutines(t)
  t.eq("wrap adds its position to an error", select(2, run {"-e", [[
    local f = coroutine.wrap(function() error("x", 0) end)
    print(pcall(function() f() end))
    print(pcall(f))]]}), "false\t(command line):2: x\nfalse\tcannot resume dead coroutine\n")
  t.eq("close", select(2, run {"-e", [[
    local co = coroutine.create(function()
      local _ <close> = setmetatable({}, {__close = function() error("in close", 0) end})
      coroutine.yield(1)
    end)
    print(coroutine.resume(co))
    print(coroutine.close(co))
    print(coroutine.status(co), coroutine.close(co))
    print(pcall(coroutine.close, coroutine.running()))
    print(pcall(coroutine.resume, 1))]]}), "true\t1\nfalse\tin close\ndead\ttrue\n" ..
    "false\tcannot close a running coroutine\n" ..
    "false\tbad argument #1 to 'coroutine.resume' (thread expected, got number)\n")
end

local function test_globals(t)
  local _, out = run {"-e", "print(x, rawget(_G, 'tensor'), tenser)"}
  t.eq("before a Lunette name, undefined globals are nil", out, "nil\tnil\tnil\n")
  local function read(name)
    local code = "local _ = tensor local length = 2 print(pcall(function() return %s end))"
    return select(2, run {"-e", code:format(name)})
  end
  local wanted = {
    lenght = "false\t(command line):1: lenght is not defined\n",
    tenosr = "false\t(command line):1: tenosr is not defined; did you mean tensor?\n",
    pirnt = "false\t(command line):1: pirnt is not defined; did you mean print?\n",
    None = "false\t(command line):1: None is not defined (Python's None is nil)\n",
    unpack = "false\t(command line):1: unpack is not defined (in Lua 5.4 it is table.unpack)\n",
    ["rawget(_G, 'lenght')"] = "true\tnil\n",
    ["type(tensor)"] = "true\ttable\n",
  }
  for name, text in pairs(wanted) do t.eq("reading " .. name, read(name), text) end
  t.ok("variables are suggested", has(read "length + lenght", "did you mean length?"))
  t.eq("globals may be assigned", select(2, run {"-e", "local _ = tensor x = 1 x = x + 1 print(x, _G.x)"}),
    "2\t2\n")
  t.eq("the user's own come first", select(2, run {"-e", "tensor = 1 print(tensor)"}), "1\n")
  t.ok("require makes strict too", has(select(3, run {"-e", "require 'lunette' print(nothing)"}),
    "nothing is not defined"))
  t.eq("it is one module", select(2, run {"-e", "print(require 'lunette'.tensor == tensor)"}), "true\n")
  script("oldlib.lua", "return {unpack = unpack or table.unpack}")
  t.eq("installed libraries may ask for names", select(2, run {"-e",
    ("package.path = %q local _ = tensor print(require 'oldlib'.unpack {7})"):format(folder .. "/?.lua")}), "7\n")
end

local function test_libraries(t)
  for _, name in ipairs {"cjson", "lpeg", "socket"} do
    local there = package.searchpath(name, package.cpath) or package.searchpath(name, package.path)
    if there then t.eq("require " .. name, (run {"-l", name, "-e", ""}), 0) end
  end
end

local function test_output(t)
  local code, _, err = run "-e 'print(1)' > /dev/full"
  t.ok("print on a full disk", code == 1 and has(err, "No space left"), err)
  code, _, err = run "-e 'io.write(1)' > /dev/full"
  t.ok("what is written at the end", code == 1 and has(err, "No space left"), err)
  _, _, err = run "-e 'while true do print(1) end' | head -1"
  t.ok("a closed pipe ends a script", has(err, "Broken pipe"), err)
  t.eq("a limit of file sizes is an error", select(2, shell(("ulimit -f 1; %s -e %s"):format(quote(program),
    quote(("local f = io.open(%q, 'w') print(f:write(('x'):rep(1e6)))"):format(folder .. "/big"))))),
    "nil\tFile too large\t27\n")
  t.eq("programs we start see usual signals", select(2, run {"-e", "os.execute 'yes | head -1'"}), "y\n")
end

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
  local command = ("env %s XDG_STATE_HOME=%s %s"):format(setting or "TERM=xterm", folder, quote(program))
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
  local history = folder .. "/lunette/history"
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

-- Lua's own suite. Without --allow-binary, exactly the files listed fail: at these lines they load
-- what string.dump made.
local function test_suite(t, testes)
  local function in_testes(args) return shell(("cd %s && %s %s"):format(quote(testes), quote(program), args)) end
  local code, out, err = in_testes "--allow-binary -e _U=true all.lua"
  t.ok("all.lua", code == 0 and has(out, "final OK !!!"), err)
  code, out, err = in_testes "--allow-binary main.lua"
  t.ok("main.lua", code == 0 and out:find "OK\n$", err)
  local needs_binary = {calls = 317, db = 982, errors = 256, files = 555}
  local files = {"api", "attrib", "bitwise", "bwcoercion", "calls", "closure", "code", "constructs", "coroutine",
    "cstack", "db", "errors", "events", "files", "gc", "gengc", "goto", "literals", "locals", "math", "nextvar",
    "pm", "sort", "strings", "tpack", "utf8", "vararg", "verybig"}
  for _, name in ipairs(files) do
    code, _, err = in_testes("-e '_U, _soft, _port, _nomsg = true, true, true, true' " .. name .. ".lua")
    local line = needs_binary[name]
    if line then
      t.ok(name .. ".lua stops where it loads a binary chunk",
        code == 1 and has(err, ("%s.lua:%d:"):format(name, line)), err)
    else
      t.ok(name .. ".lua in text mode", code == 0, err)
    end
  end
end

return function(t)
  local host = t.host and t.host:find "lunette" and t.host
  program = os.getenv "LUNETTE" or host
  if not program then return end
  if program:find "/" and program:sub(1, 1) ~= "/" then
    local pwd = io.popen "pwd"
    program = pwd:read "l" .. "/" .. program
    pwd:close()
  end
  folder = os.tmpname()
  os.remove(folder)
  os.execute("mkdir -p " .. quote(folder))
  test_options(t)
  test_script(t)
  test_binary(t)
  test_interrupt(t)
  test_coroutines(t)
  test_globals(t)
  test_libraries(t)
  test_output(t)
  test_prompt(t)
  test_terminal(t)
  local testes = os.getenv "LUA_TESTES"
  if testes then test_suite(t, testes) end
  os.execute("rm -rf " .. quote(folder))
end
