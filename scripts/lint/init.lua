-- lint/init.lua: lunette lint FILE...: notes on traps in scripts, as file:line: note.

local traps = require "lunette.lint.traps"

local lint = {}

--- Reads the files and prints what there is to note. Returns the number of notes.
function lint.run(files)
  local count = 0
  for _, name in ipairs(files) do
    local file, problem = io.open(name)
    if not file then error("lint: cannot open " .. problem, 0) end
    local text = file:read "a"
    file:close()
    for _, note in ipairs(traps.find(text)) do
      print(("%s:%d: %s"):format(name, note[1], note[2]))
      count = count + 1
    end
  end
  return count
end

return lint
