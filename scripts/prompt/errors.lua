-- prompt/errors.lua: errors at the prompt: the message, then the user's own frames with their source.

local console = require "lunette.console"
local core = require "lunette.core"
local fail = require "lunette.nn.fail"
local lines = require "lunette.lines"
local locals = require "lunette.prompt.locals"
local session = require "lunette.prompt.session"

local errors = {}

local FRAMES, LEVELS = 6, 200

local red, faint, plain = "\27[31m", "\27[90m", "\27[0m"

local function colored(color, text)
  return console.colors() and color .. text .. plain or text
end

-- ---- while the frames stand ----------------------------------------------------------------------------

local function is_library(info) return fail.is_library(info.source) or console.is_library(info.source) end

local function frame_of(info)
  return {source = info.source, chunk = info.short_src, line = info.currentline, name = info.name,
    what = info.what, library = is_library(info)}
end

--- The message handler of entries: what `report` needs.
function errors.caught(message)
  local problem = {message = message, frames = {}}
  if type(message) ~= "string" then
    local meta = getmetatable(message)
    local has_text = type(meta) == "table" and rawget(meta, "__tostring") or type(message) == "number"
    problem.message = has_text and tostring(message) or ("(error object is a %s value)"):format(type(message))
  end
  for level = 2, LEVELS do
    local info = debug.getinfo(level, "Snl")
    if not info then break end
    if info.currentline > 0 then problem.frames[#problem.frames + 1] = frame_of(info) end
  end
  return problem
end

-- ---- showing -------------------------------------------------------------------------------------------

local function line_of(text, n)
  local i = 0
  for line in (text .. "\n"):gmatch "([^\n]*)\n" do
    i = i + 1
    if i == n then return line end
  end
end

-- The source line of a frame, without its indentation.
local function source_line(frame)
  local text = session.text_of(frame.chunk)
  if not text and frame.source:sub(1, 1) == "@" then
    local file = io.open(frame.source:sub(2))
    if file then
      text = file:read "a"
      file:close()
    end
  end
  local line = text and line_of(text, frame.line)
  return line and line:match "^%s*(.-)%s*$"
end

-- Is this frame the entry itself, of one line: nothing that is not on the screen just above?
local function is_obvious(frame)
  local text = frame.chunk == session.name() and session.text_of(frame.chunk)
  return frame.what == "main" and text and not text:find "\n"
end

--- The source line at a place such as In[3]:2 or work.lua:7, cut to so many columns; "" when it cannot be
-- read or there is no room.
function errors.line_at(place, room)
  local chunk, n = place:match "^(.*):(%d+)$"
  local text = chunk and room >= 10 and source_line {chunk = chunk, source = "@" .. chunk, line = tonumber(n)}
  local long = text and utf8.len(text)
  return not text and "" or long and long > room and text:sub(1, utf8.offset(text, room) - 1) .. "…" or text
end

local function frame_text(frame)
  local where = ("%s:%d"):format(frame.chunk, frame.line)
  local inside = frame.name and frame.what ~= "main" and (" in %s"):format(frame.name) or ""
  local source = source_line(frame)
  return "  " .. where .. inside .. (source and source ~= "" and "\n    " .. colored(faint, source) or "")
end

-- Without "In[3]:1: " where the entry stands on the screen just above.
local function shortened(message)
  local name = session.name() .. ":1: "
  local text = session.In[session.current] or ""
  while not text:find "\n" and message:sub(1, #name) == name do message = message:sub(#name + 1) end
  return message
end

-- A variable that was declared with <close> lived in its entry only.
local function explained(message)
  local place, name = message:match "^(.-)([%a_][%w_]*) is not defined"
  local fate = name and locals.fate(name)
  return fate and place .. fate or message
end

local function write(...)
  io.stdout:flush()
  io.stderr:write(...)
  io.stderr:flush()
end

-- A remark below a message, broken to fit the terminal.
local function remark(text, indent)
  local columns = core.terminal(2)
  if not columns or #text < columns then return text end
  return lines.wrap(text:match "^%s*(.*)$", columns, indent, indent .. "  ")
end

-- The message, its first line broken to fit the terminal; what follows it may be source.
local function fitted(message)
  local columns = core.terminal(2)
  local first, rest = message:match "^([^\n]*)(.*)$"
  if not columns or #first < columns - #"error: " then return message end
  return lines.wrap("error: " .. first, columns, "", "  "):sub(#"error: " + 1) .. rest
end

--- Shows an error. `whole`: with the frames of the library and all of the user's.
function errors.report(problem, whole)
  local out = {colored(red, "error: ") .. fitted(explained(shortened(problem.message)))}
  local shown, folded = 0, 0
  for _, frame in ipairs(problem.frames) do
    if whole or not frame.library and not is_obvious(frame) then
      shown = shown + 1
      if whole or shown <= FRAMES then out[#out + 1] = frame_text(frame) end
    elseif frame.library then
      folded = folded + 1
    end
  end
  if not whole and shown > FRAMES then
    out[#out + 1] = colored(faint, ("  ... %d more frames; %%tb shows all"):format(shown - FRAMES))
  elseif not whole and folded > 0 and shown > 0 then
    out[#out + 1] = colored(faint, ("  (%d frame%s of the library; %%tb shows all)"):format(folded, folded == 1 and "" or "s"))
  end
  write(table.concat(out, "\n"), "\n")
end

--- A remark on an entry that ran.
function errors.note(text) write(colored(faint, remark("note: " .. text, "")), "\n") end

-- Where in a line the token stands that the message complains of.
local function caret(line, message)
  local near = message:match "near '(.*)'$"
  if not near or near == "<eof>" then return nil end
  local at, found
  repeat
    local next_at = line:find(near, (at or 0) + 1, true)
    at, found = next_at, next_at or found
  until not next_at
  return found
end

--- Shows what the compiler says of an entry, with the place.
function errors.report_syntax(message, text)
  local first, hint = message:match "^([^\n]*)\n(.*)$"
  local n, what = (first or message):match "^In%[%d+%]:(%d+): (.*)$"
  if not n then return write(colored(red, "error: "), message, "\n") end
  local line = line_of(text, tonumber(n)) or ""
  local at = caret(line, what)
  local out = {colored(red, "error: ") .. what}
  if text:find "\n" then out[1] = ("%sline %s: %s"):format(colored(red, "error: "), n, what) end
  if text:find "\n" or at then out[#out + 1] = "  " .. line end
  if at then out[#out + 1] = "  " .. (" "):rep(console.width(line:sub(1, at - 1))) .. colored(red, "^") end
  out[#out + 1] = hint and remark(hint, "  ")
  write(table.concat(out, "\n"), "\n")
  session.fail {message = message, frames = {}}
end

return errors
