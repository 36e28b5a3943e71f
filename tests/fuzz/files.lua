-- Subjects of the fuzz: files of arrays and images, whole ones that were damaged: bytes changed, cut
-- out, put in, or of another file.

local lunette = require "lunette"
local values = require "tests.fuzz.values"
local tensor = lunette.tensor
local chance, pick, random = values.chance, values.pick, math.random

local function bytes_of(path)
  local f <close> = assert(io.open(path, "rb"))
  return f:read "a"
end

local function write(path, bytes)
  local f <close> = assert(io.open(path, "wb"))
  f:write(bytes)
end

local function idx(x)
  local shape = table.pack(table.unpack(x.shape))
  local bytes = string.pack(">I2BB", 0, 8, shape.n)
  for _, size in ipairs(shape) do bytes = bytes .. string.pack(">I4", size) end
  for _, v in ipairs(x:reshape(-1):tolist()) do bytes = bytes .. string.char(v) end
  return bytes
end

-- Whole files by ending: a few of each, made once.
local function originals(folder)
  local list = {}
  local function keep(ending, make)
    local path = folder .. "/whole" .. ending
    make(path)
    list[#list + 1] = { ending = ending, bytes = bytes_of(path) }
    os.remove(path)
  end
  local x = tensor.arange(24):view(2, 3, 4)
  for _, dtype in ipairs { "float32", "int64", "bool", "float16" } do
    keep(".safetensors", function(path)
      tensor.save(path, { a = x:to(dtype), b = tensor.ones(2), ["c.weight"] = tensor.zeros(0, 3) },
        { metadata = { format = "pt" } })
    end)
    if dtype ~= "bool" then keep(".npy", function(path) tensor.save(path, x:to(dtype)) end) end
  end
  for _, ending in ipairs { ".png", ".bmp", ".jpg" } do
    for _, channels in ipairs(ending == ".png" and { 1, 3, 4 } or { 3 }) do
      local picture = tensor.rand(channels, 9, 7)
      if pcall(tensor.write_image, folder .. "/probe" .. ending, picture) then
        keep(ending, function(path) tensor.write_image(path, picture) end)
      end
      os.remove(folder .. "/probe" .. ending)
    end
  end
  keep(".idx", function(path) write(path, idx(x)) end)
  keep(".idx.gz", function(path)
    write(path:sub(1, -4), idx(tensor.arange(200):view(10, 5, 4)))
    os.execute(("gzip -f '%s'"):format(path:sub(1, -4)))
  end)
  return list
end

local sizes = { "\0", "\xff", "\x7f", "\x80",
  "\xff\xff\xff\xff", "\x7f\xff\xff\xff", "\0\0\0\0\0\0\0\x80", "{", "}", '"', ",", "9999999999" }

local function damaged(bytes, others)
  for _ = 1, random(1, 4) do
    local at, way = random(0, math.min(#bytes, chance(0.6) and 120 or #bytes)), random(6)
    local head, tail = bytes:sub(1, at), bytes:sub(at + 1)
    if way == 1 then bytes = head .. string.char(random(0, 255)) .. tail:sub(2) end
    if way == 2 then bytes = head .. tail:sub(random(1, 9)) end
    if way == 3 then bytes = head end
    if way == 4 then bytes = head .. pick(sizes) .. tail:sub(chance(0.5) and 1 or 5) end
    if way == 5 then bytes = head .. bytes:sub(random(1, #bytes + 1)) end
    if way == 6 then
      local other = pick(others).bytes
      bytes = head .. other:sub(random(1, #other), random(1, #other)) .. tail
    end
    if #bytes == 0 then break end
  end
  return bytes
end

return function(add, try)
  local folder = os.tmpname()
  os.remove(folder)
  os.execute(("mkdir -p '%s'"):format(folder))
  local whole = originals(folder)
  local readers = { tensor.load, tensor.read_npy, tensor.read_image, tensor.read_idx }
  for k, original in ipairs(whole) do
    add(("file %d%s"):format(k, original.ending), function()
      local path = folder .. "/broken" .. original.ending
      write(path, chance(0.95) and damaged(original.bytes, whole) or original.bytes)
      for _, read in ipairs(readers) do
        local more = chance(0.05) and 1 or 0
        try("read " .. original.ending, read, { n = 1 + more, path, more > 0 and values.junk() or nil })
      end
      os.remove(path)
    end)
  end
  return function() os.execute(("rm -rf '%s'"):format(folder)) end
end
