-- cli_binary.lua: tests of which code the program loads: text, and binary chunks only when allowed.

local outside = dofile "tests/support/program.lua"
local run, has, write_file = outside.run, outside.has, outside.write_file

local function test_binary(t)
  local path, module = outside.folder .. "/chunk.luac", outside.folder .. "/binmod.lua"
  write_file(path, string.dump(load "print 'ran' return 5"))
  write_file(module, string.dump(load "return 6"))
  local find = ("package.path = %q"):format(outside.folder .. "/?.lua")
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

return function(t)
  if not outside.open(t) then return end
  test_binary(t)
  outside.close()
end
