-- prompt/commands/files.lua: %run, %save, %history, %cd, %autoreload.

local commands = require "lunette.prompt.commands"
local console = require "lunette.console"

local function complain(...) io.stderr:write("error: ", (...):format(select(2, ...)), "\n") end

commands.add("run", "FILE [ARGS]", "runs a script; its globals stay", function(rest)
  local file, args = rest:match "^(%S+)%s*(.*)$"
  if not file then return complain "give a file: %%run script.lua" end
  local chunk, problem = loadfile(file, "t")
  if not chunk then return complain("%s", problem) end
  local list = {[0] = file}
  for word in args:gmatch "%S+" do list[#list + 1] = word end
  return function()
    local before = rawget(_G, "arg")
    rawset(_G, "arg", list)
    local values = table.pack(chunk(table.unpack(list)))
    rawset(_G, "arg", before)
    return table.unpack(values, 1, values.n)
  end
end)

-- "3-9", "3", "3 5-7" as a list of numbers.
local function numbers(text, most)
  local list = {}
  for from, to in text:gmatch "(%d+)%-?(%d*)" do
    from = tonumber(from)
    for n = from, math.min(tonumber(to) or from, most) do list[#list + 1] = n end
  end
  return list
end

-- Does the prompt alone understand this entry?
local function is_command(text) return text:find "^[%%!?]" or text:find "%?%s*$" end

commands.add("save", "FILE [N-M]", "writes entries as a script that runs", function(rest)
  local session = require "lunette.prompt.session"
  local file, which = rest:match "^(%S+)%s*(.*)$"
  if not file then return complain "give a file: %%save work.lua 3-9" end
  local list = numbers(which == "" and "1-" .. session.count - 1 or which, session.count - 1)
  local lines = {'local lunette = require "lunette"',
    "local tensor, nn, optim, data = lunette.tensor, lunette.nn, lunette.optim, lunette.data", ""}
  for _, n in ipairs(list) do
    local text = session.In[n]
    if text and not is_command(text) then
      if console.compile("return " .. text, "=") then text = ("print(%s)"):format(text:gsub(";%s*$", "")) end
      lines[#lines + 1] = text
    end
  end
  if #lines == 3 then return complain("%s: there are no entries to save; this is number %d", which, session.count) end
  local out, problem = io.open(file, "w")
  if not out then return complain("%s", problem) end
  out:write(table.concat(lines, "\n"), "\n")
  out:close()
  print(("%s: %d %s"):format(file, #lines - 3, #lines == 4 and "entry" or "entries"))
end)

commands.add("history", "[N-M]", "the entries of this session", function(rest)
  local session = require "lunette.prompt.session"
  for _, n in ipairs(numbers(rest == "" and "1-" .. session.count - 1 or rest, session.count - 1)) do
    print(("[%d] %s"):format(n, (session.In[n]:gsub("\n", "\n    "))))
  end
end)

local last_folder

commands.add("cd", "[FOLDER]", "goes to a folder; without one home, with - back", function(rest)
  local to = rest == "" and os.getenv "HOME" or rest:gsub("^~", os.getenv "HOME" or "~")
  if to == "-" then to = last_folder end
  if not to then return complain "there is no folder to go back to" end
  local from = console.folder()
  local done, problem = console.folder(to)
  if not done then return complain("%s", problem) end
  last_folder = from
  print(console.folder())
end)

commands.add("autoreload", "on | off", "takes new functions from changed files of modules, and keeps data", function(rest)
  local reload = require "lunette.prompt.reload"
  if rest == "on" or rest == "off" then
    reload.set(rest == "on")
  elseif rest ~= "" then
    return complain "%%autoreload takes on or off"
  end
  print(reload.is_on and "changed modules are reloaded before each entry" or "modules stay as they were loaded")
end)
