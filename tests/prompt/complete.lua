-- complete.lua: the completer, asked at random places of real programs, whole and mangled: it always
-- answers, in good form, and changes nothing. LUNETTE_FUZZ=N asks more often.

local rounds = 20 * tonumber(os.getenv "LUNETTE_FUZZ" or 20)
local seed = tonumber(os.getenv "LUNETTE_FUZZ_SEED" or 1)

local function programs()
  local list = {}
  for path in io.popen "ls examples/*.lua nn/*.lua nn/layers/*.lua scripts/*.lua tests/tensor/t*.lua":lines() do
    local file = assert(io.open(path))
    list[#list + 1] = file:read "a"
    file:close()
  end
  list[#list + 1] = "?tensor.con\n%time x = nn.Linear(2, {b"
  list[#list + 1] = 'require "lunette.n'
  list[#list + 1] = "io.open('/usr/s"
  return list
end

local pieces = {"tensor.", "nn.", ":", ".", "{", "(", "[", '"', "'", "[[", "--", "%time ", "?", "::", "..", "\\", "\0", "\255", "é", "\n",
  "net", "net.", "x:", "x.", "_G.", "package.loaded.", "string.format(", "nn.Conv2d(1, 2, 3, {", "data.load(", "~/", "cycle.", "strange."}

local random = 1
local function draw(n) -- minimal standard (Park and Miller 1988)
  random = random * 48271 % 2147483647
  return random % n + 1
end

local function mangled(text)
  for _ = 1, draw(4) do
    local at = draw(#text + 1)
    local cut = draw(3) == 1 and draw(20) or 0
    text = text:sub(1, at - 1) .. pieces[draw(#pieces)] .. text:sub(at + cut)
  end
  return text
end

-- What is wrong with an answer; nil when nothing is.
local function fault(text, cursor, from, list)
  if math.type(from) ~= "integer" or from < 1 or from > cursor + 1 then return "from is " .. tostring(from) end
  if type(list) ~= "table" then return "no list" end
  for _, item in ipairs(list) do
    for i = 1, 3 do
      if type(item[i]) ~= "string" then return ("part %d of a candidate is a %s"):format(i, type(item[i])) end
    end
    if item[1]:find "[%c]" or item[3]:find "\n" then return ("%q is not on one line"):format(item[1]) end
    local typed = text:sub(from, cursor)
    if item[1]:sub(1, #typed) ~= typed then return ("%q does not begin with %q"):format(item[1], typed) end
  end
end

local function globals()
  local names = {}
  for name in next, _G do names[#names + 1] = tostring(name) end
  table.sort(names)
  return table.concat(names, " ")
end

-- The first candidate for a text with the cursor at its end.
local function best(complete, text)
  local _, list = complete.at(text, #text)
  return list[1] and list[1][1]
end

local function test_places(t, complete)
  local lunette = require "lunette"
  rawset(_G, "deep_net", lunette.nn.Sequential(lunette.nn.Linear(2, 3), lunette.nn.ReLU()))
  rawset(_G, "endless", setmetatable({}, {__index = function() while true do end end}))
  rawset(_G, "plain", setmetatable({inner = {}}, {__index = {base = {name = 1}}}))
  rawset(_G, "slow", setmetatable({}, {__tostring = function() while true do end end, class = {}}))
  t.eq("behind a position", best(complete, "deep_net[1].wei"), "weight")
  t.eq("from the end", best(complete, "deep_net[-1].forw"), "forward")
  t.eq("behind a key", best(complete, "plain['base'].na"), "name")
  t.eq("through a table of fields", best(complete, "plain.base.na"), "name")
  t.eq("options of a method", best(complete, "deep_net:fit(x, y, {epo"), "epochs = ")
  t.eq("no code of the user's runs", best(complete, "endless.x.y"), nil)
  t.eq("and none for ever", best(complete, "slo"), nil)
  t.eq("files for the shell", best(complete, "!ls /usr/shar"), "/usr/share/")
  for _, name in ipairs {"deep_net", "endless", "plain", "slow"} do rawset(_G, name, nil) end
end

return function(t)
  if not pcall(require, "lunette.console") then return end
  local lunette = require "lunette"
  local complete = require "lunette.prompt.complete"
  local g = _G
  rawset(g, "net", lunette.nn.Sequential(lunette.nn.Linear(2, 3), lunette.nn.ReLU()))
  rawset(g, "x", lunette.tensor.ones(2))
  rawset(g, "cycle", setmetatable({}, {__index = function(c) return c end}))
  rawset(g, "strange", setmetatable({[1] = 2, ["a b"] = 3, ["é"] = 4, good = 5}, {__metatable = "none",
    __index = function() error {} end, __tostring = function() return 5 end}))
  for _, name in ipairs {"tensor", "nn", "optim", "data", "metrics", "plot", "progress", "help"} do
    rawset(g, name, rawget(g, name) or lunette[name]) -- as the first use of each does
  end
  local list, before, problems, found = programs(), globals(), 0, 0
  random = seed * 7919 % 2147483646 + 1
  for _ = 1, rounds do
    local text = list[draw(#list)]
    local first = draw(#text)
    text = text:sub(first, first + draw(400))
    if draw(2) == 1 then text = mangled(text) end
    local cursor = draw(#text + 1) - 1
    local done, from, candidates = pcall(complete.at, text, cursor)
    local problem = not done and tostring(from) or fault(text, cursor, from, candidates)
    if problem then
      problems = problems + 1
      if problems < 10 then t.ok(("complete.at(%q, %d)"):format(text, cursor), false, problem) end
    end
    found = found + (done and #candidates or 0)
  end
  test_places(t, complete)
  t.eq("the completer answers", problems, 0)
  t.ok("and finds things", found > rounds, found)
  t.eq("no global is made", globals(), before)
  for _, name in ipairs {"net", "x", "cycle", "strange"} do rawset(g, name, nil) end
end
