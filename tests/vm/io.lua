-- io.lua: reading and writing files, which the program does by itself where it is much, says and does what
-- Lua's manual has.

local name = os.tmpname()

local function test_write(t)
  local f = io.open(name, "w")
  local long = ("z"):rep(3000000)
  t.eq("write returns the file", f:write("a", 3, 2.5, -0.0, "\n12 two\n", long, 1, "\nlast"), f)
  f:close()
  f = io.open(name)
  t.eq("numbers as by %d and %.14g", f:read(), "a32.5-0")
  t.eq("a number is read", f:read "n", 12)
  t.eq("nothing of nothing", f:read(0), "")
  t.eq("a line with its end", f:read "L", " two\n")
  t.ok("all the rest", f:read "*a" == long .. "1\nlast")
  t.eq("and then nothing", f:read "a", "")
  t.eq("no byte at the end", f:read(0), nil)
  f:seek "set"
  local first, number, missing, more = f:read("l", 2, "n", "a")
  t.ok("several formats, until one fails", first == "a32.5-0" and number == "12" and missing == nil and more == nil)
  f:close()
end

local function message(f, ...) return select(2, pcall(f, ...)) end

local function test_errors(t)
  local f = io.open(name)
  local function has(what, text, g, ...)
    local said = message(g, ...)
    t.ok(what, said:find(text, 1, true), said)
  end
  has("a wrong format", "bad argument #1 to 'read' (invalid format)", function() f:read "x" end)
  has("the second", "bad argument #2 to 'read' (invalid format)", function() f:read(1, "x") end)
  has("no format", "bad argument #1 to 'read' (string expected, got table)", function() io.read {} end)
  has("nothing to write", "bad argument #1 to 'write' (string expected, got nil)", function() f:write(nil) end)
  has("a function's argument", "bad argument #2 to 'write' (string expected, got nil)", function() io.write("", nil) end)
  has("no file", "bad argument #1 to 'write' (FILE* expected, got number)", function() f.write(3) end)
  t.eq("written to what is read", select(2, f:write "x"), "Bad file descriptor")
  t.eq("read from what is a folder", select(2, io.open("/tmp"):read "a"), "Is a directory")
  f:close()
  has("a closed file", "attempt to use a closed file", function() f:write "x" end)
end

local function test_defaults(t)
  local before = io.output()
  io.output(name)
  io.write(1, "\n", "rest")
  io.close()
  t.ok("the default file is closed", message(io.write, "x"):find "default output file is closed")
  io.output(before)
  io.input(name)
  t.eq("the default file is read", io.read(), "1")
  t.eq("to its end", io.read "a", "rest")
  io.close(io.input())
  io.input(io.stdin)
end

return function(t)
  for _, test in ipairs {test_write, test_errors, test_defaults} do test(t) end
  os.remove(name)
end
