-- screen.lua: a real screen for tests of the prompt: tmux holds the terminal, and what its screen shows is
-- what counts.
--
--   local screen = dofile "tests/support/screen.lua"
--   if not screen.open(t) then return end    -- no program, or no tmux
--   screen.start(80, 24)
--   screen.enter "1 + 1"
--   screen.shows(t, "a value", "> 1 + 1\n2\n")
--   screen.close()

local screen = {
  folder = nil -- of the test's own: the program runs in it
}

local program, socket
local started = 0 -- each screen is a server of its own

local function quote(text) return "'" .. text:gsub("'", "'\\''") .. "'" end

local function read(command)
  local pipe = io.popen(command .. " 2>/dev/null")
  local text = pipe:read "a"
  pipe:close()
  return text
end

local function tmux(command) return read("LC_ALL=C.UTF-8 tmux -u -f /dev/null -L " .. socket .. " " .. command) end

--- A new screen with the program on it; `setting`: variables of its environment, NAME=value;
-- `options`: of the program.
function screen.start(columns, rows, setting, options)
  if socket then tmux "kill-server" end
  started = started + 1
  socket = ("%s-%d"):format(screen.folder:match "[^/]*$", started)
  local folder = quote(screen.folder)
  tmux(("new-session -d -x %d -y %d %s"):format(columns or 80, rows or 24, quote(
    ("cd %s && env XDG_STATE_HOME=%s XDG_CONFIG_HOME=%s %s %s %s; sleep 60"):format(folder, folder, folder,
      setting or "", quote(program), options or ""))))
  screen.wait ">"
end

function screen.text(flags) return tmux("capture-pane -p " .. (flags or "")) end

-- The rows of the screen without empty ones at the end.
local function rows() return (screen.text():gsub("%s+$", "")) end

local tick = 0.02

--- Waits until the screen satisfies `f` (or holds the text); says whether it came to that.
function screen.wait(f, seconds)
  local text = type(f) == "string" and f
  local test = text and function(s) return s:find(text, 1, true) end or f
  for _ = 1, (seconds or 5) / tick do
    if test(screen.text()) then return true end
    os.execute("sleep " .. tick)
  end
  return false
end

function screen.resize(columns, height) tmux(("resize-window -x %d -y %d"):format(columns, height)) end

--- Types a text; enter: and the Enter key.
function screen.type(text) tmux("send-keys -l -- " .. quote((text:gsub(";$", "\\;")))) end
function screen.keys(...) tmux("send-keys " .. table.concat({...}, " ")) end
function screen.enter(text)
  screen.type(text)
  screen.keys "Enter"
end

--- The bytes of a text as the terminal sends them, after what is waited for in seconds.
function screen.bytes(text, seconds)
  if seconds then os.execute("sleep " .. seconds) end
  tmux("send-keys -H " .. text:gsub(".", function(c) return ("%02x "):format(c:byte()) end))
end

--- Pastes a text; raw: as keys, not as a paste.
function screen.paste(text, raw)
  local name = screen.folder .. "/paste"
  local f = io.open(name, "w")
  f:write(text)
  f:close()
  tmux(("load-buffer %s"):format(quote(name)))
  tmux(raw and "paste-buffer -r" or "paste-buffer -p")
end

--- A check that the screen comes to show it.
function screen.shows(t, name, what, seconds)
  local found = screen.wait(what, seconds)
  return t.ok(name, found, not found and "the screen:\n" .. rows() or nil)
end

--- False where there is no program to test, or no tmux.
function screen.open(t)
  program = t.host and t.host:find "lunette" and t.host
  if not program or not os.execute "command -v tmux > /dev/null 2>&1" then return false end
  if program:sub(1, 1) ~= "/" then program = read("pwd"):match "[^\n]*" .. "/" .. program end
  screen.folder = os.tmpname()
  os.remove(screen.folder)
  return os.execute("mkdir -p " .. quote(screen.folder))
end

function screen.close()
  tmux "kill-server"
  socket = nil
  os.execute("rm -rf " .. quote(screen.folder))
end

return screen
