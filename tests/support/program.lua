-- program.lua: the program `lunette` from outside, as a subprocess through the shell: for tests of it.
--
--   local outside = dofile "tests/support/program.lua"
--   if not outside.open(t) then return end    -- no program: under stock Lua
--   local status, output, errors = outside.run({"-e", "print(1)"}, input)
--   outside.close()
--
-- The program is $LUNETTE, or else the one that runs the test.

local outside = {
  program = nil, -- its path
  folder = nil,  -- a folder of the test's own, for scripts and for what the program keeps
}

function outside.read_file(path)
  local file = io.open(path, "rb")
  if not file then return "" end
  local text = file:read "a"
  file:close()
  return text
end

function outside.write_file(path, text)
  local file = assert(io.open(path, "wb"))
  file:write(text)
  file:close()
end

function outside.quote(word) return "'" .. word:gsub("'", "'\\''") .. "'" end

-- Runs a shell line; returns exit status, standard output, standard error.
function outside.shell(line, input)
  local folder = outside.folder
  local out, err, inp = folder .. "/out", folder .. "/err", folder .. "/in"
  outside.write_file(inp, input or "")
  local _, how, status = os.execute(("exec < %s > %s 2> %s; %s"):format(inp, out, err, line))
  return how == "exit" and status or 128 + status, outside.read_file(out), outside.read_file(err)
end

-- Runs the program: arguments as one shell string, or a list of words.
function outside.run(args, input)
  if type(args) == "table" then
    local words = {}
    for i, word in ipairs(args) do words[i] = outside.quote(word) end
    args = table.concat(words, " ")
  end
  return outside.shell(outside.quote(outside.program) .. " " .. args, input)
end

-- Writes a script into the folder; returns its path.
function outside.script(name, text)
  local path = outside.folder .. "/" .. name
  outside.write_file(path, text)
  return path
end

function outside.has(text, part) return text:find(part, 1, true) ~= nil end

-- Finds the program and makes the folder; false when there is no program.
function outside.open(t)
  local program = os.getenv "LUNETTE" or t.host and t.host:find "lunette" and t.host
  if not program then return false end
  if program:find "/" and program:sub(1, 1) ~= "/" then
    local pwd = io.popen "pwd"
    program = pwd:read "l" .. "/" .. program
    pwd:close()
  end
  outside.program, outside.folder = program, os.tmpname()
  os.remove(outside.folder)
  os.execute("mkdir -p " .. outside.quote(outside.folder))
  return true
end

function outside.close() os.execute("rm -rf " .. outside.quote(outside.folder)) end

return outside
