-- prompt/init.lua: lunette.prompt: what the prompt does with an entry, on a terminal and from a pipe. The
-- prompt in C calls prepare, then runs what that returns, then show or report; and complete while one is typed.

local commands = require "lunette.prompt.commands"
local console = require "lunette.console"
local core = require "lunette.core"
local complete = require "lunette.prompt.complete"
local errors = require "lunette.prompt.errors"
local locals = require "lunette.prompt.locals"
local reload = require "lunette.prompt.reload"
local session = require "lunette.prompt.session"
local traps = require "lunette.lint.traps"
local values = require "lunette.prompt.values"

if console.terminal() then
  require "lunette.prompt.input".install()
  require "lunette.prompt.inside".install()
end

core.origins(true) -- for %mem

local prompt = {complete = complete.at, code = commands.code, caught = errors.caught}

--- The function that runs the user's init.lua, $XDG_CONFIG_HOME/lunette/init.lua (~/.config by default);
-- nothing when there is none, or it is no Lua.
function prompt.init()
  local folder, home = os.getenv "XDG_CONFIG_HOME", os.getenv "HOME"
  if not (folder and folder:find "^/") then folder = home and home .. "/.config" end
  local path = folder and folder .. "/lunette/init.lua"
  local file = path and io.open(path)
  if not file then return end
  file:close()
  local chunk, message = loadfile(path, "t")
  if not chunk then return prompt.report(message) end
  return function() chunk(path) end
end

--- text -> the function to run, or nothing when all is done: the text was blank, wrong, or a command.
function prompt.prepare(text)
  if not text:find "%S" then return end
  session.begin(text)
  reload.check()
  core.print_width(console.columns())
  local command, rest = commands.find(text)
  if command then return commands.call(command, rest) end
  local chunk, message = session.compile(text)
  if chunk then return chunk end
  errors.report_syntax(message, text)
end

-- What the tensor of that name holds; nil where it is none.
local function kind_of(name)
  local value = rawget(_G, name)
  if not core.tensor.is_tensor(value) then return nil end
  return value.dtype == "bool" and value:numel() > 1 and "mask" or value.dtype:find "float" and "floats" or "integers"
end

-- What the entry does may not be what was meant.
local function show_notes()
  for _, note in ipairs(traps.find(session.In[session.current] or "", kind_of)) do errors.note(note[2]) end
  local name = locals.unused(session.name())
  if name then
    errors.note(("%s was closed at the end of this entry, as <close> says; put do … end around all that uses it"):format(name))
  end
end

--- The values of an entry: kept as _ and Out[n], and shown unless the entry ends in a semicolon.
function prompt.show(...)
  core.rest()
  show_notes()
  if select("#", ...) == 0 then return end
  session.keep(...)
  if not session.is_quiet() then values.show(...) end
end

--- An error of an entry: what `caught` made of it, or a text where there was no memory for that.
function prompt.report(problem)
  if type(problem) ~= "table" then problem = {message = tostring(problem), frames = {}} end
  session.fail(problem)
  errors.report(problem)
end

return prompt
