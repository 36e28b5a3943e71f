-- prompt/commands/init.lua: lines that no Lua statement can be: ?x and x? for help, !cmd for the
-- shell, %name for the rest. A command is {name, doc, run = function(rest) ... end}; run may return a
-- function that is then run and shown as an entry is.

local commands = {}

local by_name, order = {}, {}

--- Adds a command. `use` shows its arguments: CODE, if it takes Lua.
function commands.add(name, use, doc, run)
  by_name[name] = {name = name, use = use, doc = doc, run = run}
  order[#order + 1] = by_name[name]
end

--- All of them, in the order in which they were added.
function commands.list() return order end

local function use_of(c) return "%" .. c.name .. (c.use ~= "" and " " .. c.use or "") end

--- What help says of a command; nil where there is none of that name.
function commands.text(name)
  local c = by_name[name]
  return c and ("%s\n  %s"):format(use_of(c), c.doc)
end

local marks = {} -- functions for "?", "!", in files of their own

function commands.mark(sign, run) marks[sign] = run end

-- Inside of what runs, these words end the prompt there.
local words = {["continue"] = true, stop = true, abort = true}

--- The command that a text is, and what follows its name; nil for Lua.
function commands.find(text)
  local first, word = text:sub(1, 1), text:match "^%s*(%a+)%s*$"
  if words[word] and require("lunette.prompt.session").level then
    return {run = function() require("lunette.prompt.inside").leave(word) end}, ""
  end
  if first == "!" then return {run = marks["!"]}, text:sub(2) end
  if first == "?" then return {run = marks["?"]}, text end
  local asked = text:match "^%s*([%a_][%w_.:]*)%?%??%s*$"
  if asked then return {run = marks["?"]}, (text:find "%?%?%s*$" and "??" or "?") .. asked end
  if first ~= "%" then return nil end
  local name, rest = text:match "^%%(%w*)%s*(.*)$"
  if by_name[name] then return by_name[name], rest end
  return {run = function()
    if name == "" then return io.stderr:write "error: a command's name follows % at once, as in %time; %help lists them\n" and nil end
    local names = {}
    for _, c in ipairs(order) do names[#names + 1] = c.name end
    local near = require("lunette.core").suggest(name, names)
    io.stderr:write(("error: there is no command %%%s%s; %%help lists them\n"):format(name,
      near and (", did you mean %%%s?"):format(near) or ""))
  end}, ""
end

--- The Lua that a command takes; nil where it takes none.
function commands.code(text)
  local name, rest = text:match "^%%(%w*)%s*(.*)$"
  local command = by_name[name]
  return command and command.use == "CODE" and rest or nil
end

--- The function of the Lua that a command of this name was given; nothing, with the error shown, when it is none.
function commands.compiled(code, name)
  local session, errors = require "lunette.prompt.session", require "lunette.prompt.errors"
  if code == "" then return io.stderr:write(("error: give the code, as in %%%s net(x)\n"):format(name)) and nil end
  local chunk, message = session.compile(code)
  if chunk then return chunk end
  errors.report_syntax(message, code)
end

--- Carries a command out.
function commands.call(command, rest) return command.run(rest) end

commands.mark("!", function(line)
  local done, how, code = os.execute(line)
  if not done then io.stderr:write(("(%s %s)\n"):format(how, code)) end
end)

-- What is printed below the list of commands: signs and what they do.
local signs = {{"?x  x?", "help on x"}, {"??x", "its source"}, {"?pat*", "names like that"},
  {"?? words", "search"}, {"!cmd", "the shell"}}

commands.add("help", "[NAME]", "this list, or help on one of it", function(rest)
  local core, lines = require "lunette.core", require "lunette.lines"
  local name = rest:match "^%%?(%a+)$"
  if name then return print(commands.text(name) or ("there is no command %%%s; %%help lists them"):format(name)) end
  local widest, columns = 0, core.terminal(1) or math.maxinteger
  for _, c in ipairs(order) do widest = math.max(widest, #use_of(c)) end
  local function show(use, doc)
    local head = ("  %-" .. widest .. "s  "):format(use)
    if #head > columns / 2 then
      print(lines.wrap(use .. "  " .. doc, columns, "", "  "))
    else
      print(lines.wrap(doc, columns, head, (" "):rep(#head)))
    end
  end
  for _, c in ipairs(order) do show(use_of(c), c.doc) end
  for _, sign in ipairs(signs) do show(sign[1], sign[2]) end
end)

package.loaded["lunette.prompt.commands"] = commands -- the files below add theirs
for _, file in ipairs {"ask", "timing", "prof", "files", "edit", "plot", "look"} do require("lunette.prompt.commands." .. file) end

return commands
