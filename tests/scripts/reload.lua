-- reload.lua: %autoreload: functions of a changed file take their places, data stays.

local outside = dofile "tests/support/program.lua"

local before = [[
local M = {limit = 10, changed = 1, list = {1}}
local count, seen, RATE = 0, {}, 0.5
local function helper(x) return x + 1 end
function M.f(x)
  count = count + 1
  seen[#seen + 1] = x
  return helper(x) * RATE
end
function M.state() return count, #seen, RATE end
M.Net = require "lunette".nn.class "Net"
function M.Net:init() self.w = require "lunette".nn.Parameter(require "lunette".tensor.ones(2)) end
function M.Net:forward(x) return x * self.w end
function from_file() return "old" end
kept_global = kept_global or {}
return M
]]

local after = before:gsub("x %+ 1", "x + 100"):gsub("0%.5", "2"):gsub("x %* self%.w", "x * self.w + 7"):gsub('"old"', '"new"')
  :gsub("limit = 10", "limit = 20, added = true"):gsub("changed = 1", "changed = 3")
  :gsub("return M", "function M.more() return count + 1000 end\nreturn M")

local script = [[
package.path = "FOLDER/?.lua;" .. package.path
m = require "work"
net, x = m.Net(), tensor.ones(2)
held, wrapped = m.f, function(v) return held(v) end
pair = {m.f}
tensor.no_grad(function() net.w:fill_(3) end)
m.changed = 2; m.f(1); m.f(2)
%autoreload on
m.changed = 5
!sleep 0.02; cp FOLDER/after FOLDER/work.lua
m.f(1), held(1), wrapped(1), pair[1] == m.f
m.state()
m.more(), m.limit, m.added, m.changed, #m.list
net(x):tolist()[1], net.w:tolist()[1], from_file()
!sleep 0.02; cp FOLDER/wrong FOLDER/work.lua
m.f(1)
!sleep 0.02; cp FOLDER/before FOLDER/work.lua
m.f(1), net(x):tolist()[1], (m.state())
%autoreload off
!sleep 0.02; cp FOLDER/after FOLDER/work.lua
m.f(1)
]]

return function(t)
  if not outside.open(t) then return end
  for name, text in pairs {["work.lua"] = before, before = before, after = after, wrong = "return 1 +"} do
    outside.script(name, text)
  end
  local _, out, err = outside.run("-i", (script:gsub("FOLDER", outside.folder)))
  local function shows(name, entry, what)
    local at = select(2, out:find("> " .. entry .. "\n", 1, true))
    t.eq(name, at and out:sub(at + 1):match "^[^\n]*", what)
  end
  t.ok("it says so", err:find "work: %d+ functions? %a+ new\n", err)
  shows("functions are new, wherever they were held", "m.f(1), held(1), wrapped(1), pair[1] == m.f", "202\t202\t202\ttrue")
  shows("data stays; a constant is the file's", "m.state()", "5\t5\t2")
  shows("new functions share the data", "m.more(), m.limit, m.added, m.changed, #m.list", "1005\t20\ttrue\t5\t1")
  shows("classes too, with their weights", "net(x):tolist()[1], net.w:tolist()[1], from_file()", "10.0\t3.0\tnew")
  t.ok("a file that is wrong changes nothing", outside.has(err, "work is as it was: ") and
    outside.has(err, "unexpected symbol near <eof>"), err)
  local n = select(2, out:gsub("> m%.f%(1%)\n202\n", ""))
  t.eq("with it the old goes on", n, 1)
  shows("and back", "m.f(1), net(x):tolist()[1], (m.state())", "1.0\t3.0\t7")
  t.ok("off", out:find "> m%.f%(1%)\n1%.0\n", out)
  outside.close()
end
