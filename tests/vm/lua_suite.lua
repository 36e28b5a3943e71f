-- lua_suite.lua: Lua's own suite under the program. Runs with LUA_TESTES set to the folder `testes` of
-- Lua 5.4.4.

local outside = dofile "tests/support/program.lua"
local shell, quote, has = outside.shell, outside.quote, outside.has

-- Lua's own suite. Without --allow-binary, exactly the files listed fail: at these lines they load
-- what string.dump made.
local function test_suite(t, testes)
  local function in_testes(args) return shell(("cd %s && %s %s"):format(quote(testes), quote(outside.program), args)) end
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
  local testes = os.getenv "LUA_TESTES"
  if not testes or not outside.open(t) then return end
  test_suite(t, testes)
  outside.close()
end
