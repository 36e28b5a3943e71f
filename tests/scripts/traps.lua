-- traps.lua: the notes of lunette lint: every planted trap is found, look-alikes are not.

return function(t)
  if not (t.host and t.host:find "lunette") then return end
  local traps = require "lunette.lint.traps"

  local function finds(code, what)
    local notes = traps.find(code)
    t.ok(code, notes[1] ~= nil and notes[1][2]:find(what, 1, true), notes[1] and notes[1][2] or "no note")
  end

  local function silent(code)
    local notes = traps.find(code)
    t.ok(code, #notes == 0, notes[1] and notes[1][2])
  end

  finds("if x:gt(0) then f() end", "mask:any()")
  finds("while a[1].mask:eq(y) do end", "mask:any()")
  finds("if f() then elseif net(x):isnan() then end", "mask:any()")
  finds("local m = x:gt(0) and x:lt(3)", "joined by &")
  finds("m = ok or x:lt(3)", "joined by &")
  finds("m = not x:isnan()", "~mask")
  finds("if x:sum() == 6 then end", ":item()")
  finds("return x:mean(1) ~= 0.5", ":item()")
  finds("t = tensor [[1, 2], [3, 4]]", "{{1, 2}, {3, 4}}")
  finds("f = g\n(h or k)()", ";(")
  finds("for i = 1, 3 do\n  local out, state = net(x, state)\nend", "'state'")
  silent "if x:gt(0):any() then end"
  silent "if x:gt(0):sum() > 3 and y then end"
  silent "k = x:sum():item() == 3"
  silent "for x, y in loader do local a, b = f(x, y) end"
  silent "local out, state = net(x, state)"
  silent "s = [[a text, [1] with brackets]]"
  silent "-- if x:gt(0) then\nf(a)"
  silent "f(a,\n(b))"
  local notes = traps.find "a = 1\nb = 2\nif x:gt(0) then end"
  t.eq("the line is told", notes[1][1], 3)
end
