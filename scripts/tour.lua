-- Writes doc/prompt.md and the screenshots beside it: types what stands in scripts/tour/pages.lua at the
-- prompt on a real screen (tmux), and copies what is seen. Usage: lunette scripts/tour.lua FOLDER

require "lunette"

local program = arg[-1]
local out = assert(arg[1], "usage: lunette scripts/tour.lua FOLDER")

local TICK = 0.05 -- seconds between looks at the screen

-- ---- the screen --------------------------------------------------------------------------------------

local function quote(text) return "'" .. text:gsub("'", "'\\''") .. "'" end

local function read(command)
  local pipe = assert(io.popen(command))
  local text = pipe:read "a"
  pipe:close()
  return text
end

local here = read("pwd"):match "[^\n]*"
if program:sub(1, 1) ~= "/" then program = here .. "/" .. program end

local folder, socket

local function tmux(command)
  return read("LC_ALL=C.UTF-8 tmux -u -f /dev/null -L " .. socket .. " " .. command .. " 2>/dev/null")
end

local function start(columns, rows, setting)
  folder = read("mktemp -d"):match "[^\n]*"
  socket = "tour" .. folder:match "[^.]*$"
  tmux(("new-session -d -x %d -y %d %s"):format(columns, rows, quote(
    ("cd %s && env -u NO_COLOR HOME=%s XDG_STATE_HOME=%s TERM=tmux-256color %s %s; sleep 60"):format(folder, folder, folder,
      setting, quote(program)))))
end

local function stop()
  tmux "kill-server"
  os.execute("rm -rf " .. folder)
end

local function screen(flags) return tmux("capture-pane -p -J " .. (flags or "")) end

local function sleep(seconds) os.execute("sleep " .. seconds) end

-- Waits for the prompt, or for a text.
local function wait(text)
  for _ = 1, 240 / TICK do
    local shown = screen():gsub("%s+$", "")
    if text and shown:find(text, 1, true) or not text and shown:find "\n[^\n]*>$" then return end
    sleep(TICK)
  end
  error("the screen never showed " .. (text or "a prompt") .. ":\n" .. screen())
end

-- ---- typing ------------------------------------------------------------------------------------------

-- Carries out one step of a page: a text is an entry; {type =, keys =, wait =, sleep =} is what it says.
local function step(what)
  if type(what) == "string" then
    for line in what:gmatch "[^\n]+" do
      tmux("send-keys -l -- " .. quote((line:gsub("^%s+", ""):gsub(";$", "\\;"))))
      tmux "send-keys Enter"
      sleep(TICK)
    end
    return wait()
  end
  if what.type then tmux("send-keys -l -- " .. quote(what.type)) end
  if what.keys then tmux("send-keys " .. what.keys) end
  if what.sleep then sleep(what.sleep) end
  if what.wait then wait(what.wait) end
  if what.prompt then wait() end
end

-- ---- pages -------------------------------------------------------------------------------------------

-- What is on the screen from row `from` on (counted from 0), without the prompt that waits.
local function rows_from(from)
  local rows = {}
  for row in (screen():gsub("%s+$", "") .. "\n"):gmatch "([^\n]*)\n" do rows[#rows + 1] = (row:gsub("%s+$", "")) end
  local waiting = rows[#rows] == ">" and 1 or 0
  return table.concat(rows, "\n", from + 1, #rows - waiting), #rows - waiting
end

-- The sections of the transcript, typed in one session.
local function transcript(pages)
  start(100, 900, "LUNETTE_IMAGES=off")
  wait()
  local parts, at = {pages.head}, 0
  for _, section in ipairs(pages.sections) do
    parts[#parts + 1] = "## " .. section.title
    parts[#parts + 1] = section.text
    for _, what in ipairs(section) do step(what) end
    local text
    text, at = rows_from(at)
    parts[#parts + 1] = "```text\n" .. text .. "\n```"
    if section.after then parts[#parts + 1] = section.after end
  end
  stop()
  return table.concat(parts, "\n\n") .. "\n"
end

local function screenshot(shot)
  start(shot.columns, shot.rows, "COLORTERM=truecolor LUNETTE_IMAGES=blocks")
  wait()
  for _, what in ipairs(shot) do step(what) end
  local cells = folder .. "/cells"
  tmux("capture-pane -p -e > " .. cells)
  assert(os.execute(("%s %s %s %d < %s"):format(quote(program), quote(here .. "/scripts/screenshot.lua"),
    quote(out .. "/" .. shot.file), shot.columns, cells)))
  stop()
end

local pages = dofile(here .. "/scripts/tour/pages.lua")
local page = transcript(pages)
local file = assert(io.open(out .. "/prompt.md", "w"))
file:write(page)
assert(file:close())
for _, shot in ipairs(pages.shots) do screenshot(shot) end
