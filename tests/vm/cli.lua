-- cli.lua: tests of the program `lunette` from outside: options, scripts, exit codes, messages, output.

local outside = dofile "tests/support/program.lua"
local run, shell, quote, has, script = outside.run, outside.shell, outside.quote, outside.has, outside.script

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
  t.eq("an error object with a text", err, outside.program .. ": an object\n")
  err = select(3, run {"-e", "error {}"})
  t.ok("an error object without", has(err, "(error object is a table value)"), err)
  t.eq("os.exit", (run {"-e", "os.exit(7)"}), 7)
  t.eq("os.exit(true, true)", (run {"-e", "os.exit(true, true)"}), 0)
  code, _, err = run {"-e", "x ="}
  t.ok("a syntax error", code == 1 and has(err, "(command line):1: unexpected symbol near <eof>"), err)
  t.eq("LUA_INIT", select(2, shell("LUA_INIT='x = arg[1]' " .. quote(outside.program) .. " - 3", "print(x)")), "3\n")
  t.eq("-E ignores it", select(2, shell("LUA_INIT='x = 1' " .. quote(outside.program) .. " -E -", "print(x)")), "nil\n")
  t.eq("LUA_INIT_5_4 comes first", select(2,
    shell("LUA_INIT='x = 1' LUA_INIT_5_4='x = 2' " .. quote(outside.program) .. " -e 'print(x)'")), "2\n")
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
  t.eq("a limit of file sizes is an error", select(2, shell(("ulimit -f 1; %s -e %s"):format(quote(outside.program),
    quote(("local f = io.open(%q, 'w') print(f:write(('x'):rep(1e6)))"):format(outside.folder .. "/big"))))),
    "nil\tFile too large\t27\n")
  t.eq("programs we start see usual signals", select(2, run {"-e", "os.execute 'yes | head -1'"}), "y\n")
end

return function(t)
  if not outside.open(t) then return end
  test_options(t)
  test_script(t)
  test_libraries(t)
  test_output(t)
  outside.close()
end
