-- prompt/commands/edit.lua: %load and %edit: texts from files in the editor, and in one of the user's own.

local commands = require "lunette.prompt.commands"
local console = require "lunette.console"
local errors = require "lunette.prompt.errors"
local session = require "lunette.prompt.session"

local function complain(...) io.stderr:write("error: ", (...):format(select(2, ...)), "\n") end

local function read(path)
  local file, problem = io.open(path)
  if not file then return nil, problem end
  local text, why = file:read "a"
  file:close()
  return text, why and ("%s: %s"):format(path, why)
end

commands.add("load", "FILE", "brings a file's text into the editor, as the next entry", function(rest)
  if rest == "" then return complain "give a file: %%load work.lua" end
  local text, problem = read(rest)
  if not text then return complain("%s", problem) end
  if text:find "%z" then return complain("%s is no text", rest) end
  if not console.edit((text:gsub("%s+$", ""))) then
    complain("there is no editor on this terminal; %%run %s runs the file", rest)
  end
end)

-- ---- %edit ----------------------------------------------------------------------------------------------

local function quoted(path) return "'" .. path:gsub("'", "'\\''") .. "'" end

local function first_set(...)
  for i = 1, select("#", ...) do
    local value = os.getenv((select(i, ...)))
    if value and value ~= "" then return value end
  end
  return "vi"
end

-- The user's editor on a file, at a line; was all well?
local function open_editor(path, line)
  local at = line and line > 1 and ("+%d "):format(line) or ""
  return os.execute(("%s %s%s"):format(first_set("VISUAL", "EDITOR"), at, quoted(path)))
end

local last = "" -- what was written last

-- Edits a text; what was written becomes the entry. Returns its function.
local function edit_text(text)
  local base = os.tmpname()
  local path = base .. ".lua"
  local file = assert(io.open(path, "w"))
  file:write(text, text ~= "" and "\n" or "")
  file:close()
  local done = open_editor(path)
  local written = done and read(path)
  os.remove(base)
  os.remove(path)
  if not written then return io.stderr:write "nothing is run: the editor did not end well\n" and nil end
  written = written:gsub("%s+$", "")
  if written == "" then return end
  last = written
  session.In[session.current] = written
  console.remember(written)
  local chunk, message = session.compile(written)
  if chunk then return chunk end
  errors.report_syntax(message, written)
end

local function edit_file(path, line)
  if not open_editor(path, line) then return io.stderr:write "nothing is run: the editor did not end well\n" and nil end
  local chunk, message = loadfile(path, "t")
  if chunk then return chunk end
  complain("%s", message)
end

-- The function under a name.
local function function_of(name)
  local done, value = pcall(function()
    local v = session.env()
    for part in name:gmatch "[%w_]+" do v = v[part] end
    return v
  end)
  if done and type(value) == "function" then return debug.getinfo(value, "S") end
end

commands.add("edit", "[N | NAME | FILE]", "opens your editor ($VISUAL, $EDITOR) and runs what was written", function(rest)
  if rest == "" then return edit_text(last) end
  if rest:find "^%d+$" then
    local text = session.In[tonumber(rest)]
    if not text then return complain("there is no entry %s", rest) end
    return edit_text(text)
  end
  local info = rest:find "^[%a_][%w_.]*$" and function_of(rest)
  local own = info and session.text_of(info.short_src)
  if own then return edit_text(own) end
  if info and info.source:sub(1, 1) == "@" then return edit_file(info.source:sub(2), info.linedefined) end
  if info then return complain("%s is written in C", rest) end
  if read(rest) or rest:find "%.lua$" then return edit_file(rest) end
  complain("%s is no entry, no function and no file", rest)
end)
