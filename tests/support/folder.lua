-- folder.lua: a folder that a test may fill with files and that goes away after it.

local files = {}

local folder

function files.path(name) return folder .. "/" .. name end

--- Writes bytes to a file of the folder; its path.
function files.write(name, bytes)
  local f = assert(io.open(files.path(name), "wb"))
  f:write(bytes)
  f:close()
  return files.path(name)
end

function files.read(file)
  local f = assert(io.open(file, "rb"))
  local bytes = f:read "a"
  f:close()
  return bytes
end

function files.exists(file)
  local f = io.open(file)
  if f then f:close() end
  return f ~= nil
end

--- Runs a command in the folder.
function files.shell(command) return os.execute("cd '" .. folder .. "' && " .. command) end

--- How many files of the folder, hidden ones too, have `part` in their name.
function files.parts()
  local pipe = io.popen("ls -A '" .. folder .. "' | grep -c part")
  local n = pipe:read "n"
  pipe:close()
  return n
end

--- A test that runs in a fresh folder.
function files.in_folder(test)
  return function(t)
    folder = os.tmpname()
    os.remove(folder)
    assert(os.execute("mkdir " .. folder))
    local done, message = xpcall(test, debug.traceback, t)
    os.execute("rm -rf " .. folder)
    if not done then error(message, 0) end
  end
end

--- The bytes of an IDX file.
function files.idx(code, shape, body)
  local head = string.pack("BBBB", 0, 0, code, #shape)
  for _, n in ipairs(shape) do head = head .. string.pack(">I4", n) end
  return head .. body
end

--- From hexadecimal digits, spaces between them ignored.
function files.from_hex(text)
  return (text:gsub("%s", ""):gsub("..", function(h) return string.char(tonumber(h, 16)) end))
end

--- 16 x 8 pixels of grey: row r, column c (from 0) is near 20 r + 5 c.
files.tiny_jpeg = files.from_hex [[
  ffd8ffe000104a46494600010100000100010000ffdb0043000302020302020303030304030304050805050404050a070706080c0a0c0c0b0a0b0b
  0d0e12100d0e110e0b0b1016101113141515150c0f171816141812141514ffc0000b080008001001011100ffc40014000100000000000000000000
  000000000007ffc4001910000105000000000000000000000000000006082432a2ffda0008010100003f001348b49a42c8d69169348593ffd9]]

return files
