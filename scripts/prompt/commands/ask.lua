-- prompt/commands/ask.lua: ?x, ??x, ?pat*, ?? words.

local commands = require "lunette.prompt.commands"
local core = require "lunette.core"
local lines = require "lunette.lines"

local function value_of(chain)
  return pcall(function()
    local v = require("lunette.prompt.session").env()
    for name in chain:gmatch "[%w_]+" do v = v[name] end
    return v
  end)
end

local function show_help(chain)
  local help = require "lunette.help"
  local known, value = value_of(chain)
  if known and value ~= nil then return help(value) end
  help(chain:match "[%w_]+$" or chain)
end

local function show_source(chain)
  local known, value = value_of(chain)
  if not known or type(value) ~= "function" then
    io.stderr:write(("error: %s is no function; ?%s explains it\n"):format(chain, chain))
    return
  end
  local info = debug.getinfo(value, "S")
  local session = require "lunette.prompt.session"
  local text = session.text_of(info.short_src)
  if not text and info.source:sub(1, 1) == "@" then
    local file = io.open(info.source:sub(2))
    text = file and file:read "a"
    if file then file:close() end
  end
  if not text then
    print(("%s is written in C"):format(chain))
    return show_help(chain)
  end
  print(("-- %s:%d"):format(info.short_src, info.linedefined))
  local n = 0
  for line in (text .. "\n"):gmatch "([^\n]*)\n" do
    n = n + 1
    if n >= info.linedefined and n <= info.lastlinedefined then print(line) end
  end
end

-- All names of the libraries: "tensor.cat", "x:cat" once.
local function all_names()
  local names, seen = {}, {}
  local function add(prefix, t)
    for key, value in next, t do
      local name = type(key) == "string" and prefix .. key
      if name and not seen[name] and not key:find "^_" then
        seen[name] = true
        names[#names + 1] = {name = name, key = key, value = value}
      end
    end
  end
  local lunette = require "lunette"
  for _, library in ipairs {"tensor", "nn", "optim", "data", "metrics", "plot"} do add(library .. ".", lunette[library]) end
  add("x:", core.methods)
  table.sort(names, function(a, b) return a.name < b.name end)
  return names
end

local function doc_line(value) return require("lunette.help").line(value) end

local function list(names)
  if #names == 0 then print "nothing found" end
  for i, n in ipairs(names) do
    if i > 60 then
      print(("... %d more"):format(#names - 60))
      break
    end
    print(lines.cut(("  %-32s %s"):format(n.name, doc_line(n.value)), core.terminal(1)))
  end
end

-- ?conv*: names by a pattern of the shell's kind.
local function show_names(pattern)
  local lua = "^" .. pattern:gsub("[%^%$%(%)%%%.%[%]%+%-]", "%%%0"):gsub("%*", ".*"):gsub("%?", ".") .. "$"
  local found = {}
  for _, n in ipairs(all_names()) do
    if n.key:find(lua) or n.name:find(lua) then found[#found + 1] = n end
  end
  list(found)
end

-- ?? words: names whose line of documentation has all the words.
local function search(words)
  local found = {}
  for _, n in ipairs(all_names()) do
    local text = (n.name .. " " .. doc_line(n.value)):lower()
    local all = true
    for word in words:lower():gmatch "%S+" do all = all and text:find(word, 1, true) end
    if all then found[#found + 1] = n end
  end
  list(found)
end

local intro = [[
Lunette in one minute. Enter runs an entry when it is whole; Up brings earlier ones back.

  x = tensor{{1, 2, 3}, {4, 5, 6}}      from 1: x[2], x[{2, 3}], x["1, 2:3"]
  x:sum(1)   x / 2   x:matmul(x.T)      methods take a colon
  w = tensor.randn(3, {requires_grad = true})
  (w * w):sum():backward()   w.grad
  net = nn.Sequential(nn.Flatten(), nn.Linear(784, 10))
  train, test = data.load "fashion-mnist"
  net:fit(train.x, train.y, {epochs = 1, loss = "cross_entropy"})

?x explains x, Tab completes, %help lists the commands, Ctrl-C stops anything, Ctrl-D leaves.]]

commands.mark("?", function(text)
  local marks, what = text:match "^(%?+)%s*(.-)%s*$"
  what = what:gsub("[%(%)]*$", "")
  if what:find "^%%" then return require "lunette.help"(what) end
  if what == "" or what == "intro" then return print(lines.fit(intro, core.terminal(1))) end
  if marks == "??" and (what:find "%s" or text:find "^%?%?%s") then return search(what) end
  if what:find "[*?]" then return show_names(what) end
  if marks == "??" then return show_source(what) end
  show_help(what)
end)
