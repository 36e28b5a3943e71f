-- options.lua: tests of lunette.options: checks of option tables and suggestions.

local core = require "lunette.core"
local check_options = require "lunette.options"

local function test_options(t)
  local names = {"label", "color", "width", "batch_size"}
  t.eq("suggest a swapped letter", core.suggest("lable", names), "label")
  t.eq("suggest across spelling", core.suggest("batchSize", names), "batch_size")
  t.eq("suggest from a beginning", core.suggest("batch", names), "batch_size")
  t.eq("suggest nothing far away", core.suggest("momentum", names), nil)
  t.eq("check lets nil be an empty table", next(check_options("f", nil, names)), nil)
  local given = {label = "a"}
  t.ok("check returns what was given", check_options("f", given, names) == given)
  t.raises("check names the nearest option", "f: unknown option 'colr'; did you mean 'color'%?",
    function() check_options("f", {colr = 1}, names) end)
  t.raises("check lists the options", "unknown option 'zzz'; the options are label, color",
    function() check_options("f", {zzz = 1}, names) end)
  t.raises("check reports the first by name", "unknown option 'aaa'",
    function() check_options("f", {zzz = 1, aaa = 1, mmm = 1}, names) end)
  t.raises("check refuses a list", "entry %[1%]", function() check_options("f", {5}, names) end)
  t.raises("check refuses a number", "f: options must be a table .*got number",
    function() check_options("f", 5, names) end)
  local _, message = pcall(function()
    local function f() check_options("f", {x = 1}, names) end
    f()
  end)
  t.ok("check blames the caller's line",
    message:find("^[^\n]*options%.lua:%d+: f: unknown"), message)
end

return function(t)
  test_options(t)
end
