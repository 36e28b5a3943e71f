-- cli_globals.lua: tests of the program's globals: found lazily, strict from the first touch on.

local outside = dofile "tests/support/program.lua"
local run, has, script = outside.run, outside.has, outside.script

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
  t.eq("a toolkit may be required first", select(2, run {"-e",
    "print(require 'lunette.args' ~= nil, require 'lunette.core'.tensor == tensor)"}), "true\ttrue\n")
  t.ok("one that is not there is an error", has(select(3, run {"-e", "require 'lunette.nothing'"}),
    "no Lunette module of that name"))
  script("oldlib.lua", "return {unpack = unpack or table.unpack}")
  t.eq("installed libraries may ask for names", select(2, run {"-e",
    ("package.path = %q local _ = tensor print(require 'oldlib'.unpack {7})"):format(outside.folder .. "/?.lua")}), "7\n")
end

return function(t)
  if not outside.open(t) then return end
  test_globals(t)
  outside.close()
end
