-- images.lua: tests of pictures, PNG, JPEG and BMP, and of files of all formats with mistakes at random.
-- The pictures that are read are built here byte by byte.

local lunette = require "lunette"
local tensor = lunette.tensor
local files = dofile "tests/support/folder.lua"

local path, write, read, shell, idx, tiny_jpeg = files.path, files.write, files.read, files.shell, files.idx, files.tiny_jpeg

-- ---- images ---------------------------------------------------------------------------------------

local function crc32(s)
  local crc = 0xffffffff
  for i = 1, #s do
    crc = crc ~ s:byte(i)
    for _ = 1, 8 do crc = (crc >> 1) ~ (0xedb88320 & -(crc & 1)) end
  end
  return crc ~ 0xffffffff
end

local function adler32(s)
  local a, b = 1, 0
  for i = 1, #s do
    a = (a + s:byte(i)) % 65521
    b = (b + a) % 65521
  end
  return b << 16 | a
end

local function chunk(kind, body) return string.pack(">I4", #body) .. kind .. body .. string.pack(">I4", crc32(kind .. body)) end

local signature = "\x89PNG\r\n\x1a\n"

-- A PNG whose rows (with their filter bytes) are stored without compression.
local function png(width, height, color, rows, head)
  local packed = "\x78\x01\1" .. string.pack("<I2I2", #rows, ~#rows & 0xffff) .. rows .. string.pack(">I4", adler32(rows))
  return signature .. chunk("IHDR", head or string.pack(">I4I4BBBBB", width, height, 8, color, 0, 0, 0))
    .. chunk("IDAT", packed) .. chunk("IEND", "")
end

local function test_png(t)
  local x = tensor.read_image(write("a.png", png(2, 2, 2, "\0abcdef\0ghijkl")))
  t.ok("png colours become planes", x.dtype == "uint8" and x:tolist()[1][2][1] == ("g"):byte()
    and x == tensor({{{97, 100}, {103, 106}}, {{98, 101}, {104, 107}}, {{99, 102}, {105, 108}}}, {dtype = "uint8"}))
  t.ok("png grey", tensor.read_image(write("g.png", png(2, 1, 0, "\0\7\9"))) == tensor({{{7, 9}}}, {dtype = "uint8"}))
  t.ok("png filters", tensor.read_image(write("f.png", png(2, 2, 0, "\1\5\5\2\1\1"))) == tensor({{{5, 10}, {6, 11}}}, {dtype = "uint8"}))
  local three = tensor.read_image(path "g.png", {channels = 3})
  t.ok("grey as colour", three.shape == tensor.list {3, 1, 2} and three[1] == three[3])
  t.ok("with opacity", tensor.read_image(path "a.png", {channels = 4})[4]:eq(255):all())
  t.eq("colour as grey", tensor.read_image(path "a.png", {channels = 1})[{1, 1, 1}], (97 * 77 + 98 * 150 + 99 * 29) >> 8)
  t.raises("channels are 1, 3, 4", "channels is 1 .grey", tensor.read_image, path "a.png", {channels = 2})
  t.raises("options are checked", "unknown option 'chanels'", tensor.read_image, path "a.png", {chanels = 3})
  for c = 1, 4 do
    local y = tensor.randint(0, 255, {c, 13, 7}):to "uint8"
    tensor.write_image(path "w.png", y)
    t.ok(("png of %d channels"):format(c), c == 2 or tensor.read_image(path "w.png") == y)
  end
  tensor.write_image(path "v.png", tensor {{0, 0.5, 1.0}})
  t.ok("floats from 0 to 1", tensor.read_image(path "v.png") == tensor({{{0, 128, 255}}}, {dtype = "uint8"}))
  local bytes = read(path "v.png")
  t.eq("png head", bytes:sub(1, 33), signature .. chunk("IHDR", string.pack(">I4I4BBBBB", 3, 1, 8, 0, 0, 0, 0)))
end

local function test_bad_png(t)
  local function bad(name, pattern, bytes)
    t.raises("png " .. name, "read_image: .*" .. pattern, tensor.read_image, write("bad.png", bytes))
  end
  local good = png(2, 2, 2, "\0abcdef\0ghijkl")
  bad("empty", "not an image", "")
  bad("a GIF", "not an image", "GIF89a" .. ("\0"):rep(50))
  bad("cut off", "truncated", good:sub(1, -9))
  bad("cut in a chunk", "truncated", good:sub(1, 50))
  bad("with one bit changed", "check sum", good:sub(1, 60) .. string.char(good:byte(61) ~ 4) .. good:sub(62))
  bad("without a head", "IHDR", signature .. chunk("IDAT", "x") .. chunk("IEND", ""))
  bad("of rows too few", "cannot be decoded", png(2, 3, 2, "\0abcdef\0ghijkl"))
  bad("of no width", "cannot be decoded", png(0, 2, 2, "\0"))
  bad("of 2^31 pixels in a row", "cannot be decoded", png(0x7fffffff, 1, 2, "\0"))
  bad("of 16384 x 16384 pixels", "at most", png(16384, 16384, 0, "\0"))
  bad("of a strange filter", "cannot be decoded", png(2, 1, 0, "\9ab"))
end

local function test_jpeg(t)
  local x = tensor.read_image(write("a.jpg", tiny_jpeg))
  t.ok("jpeg shape", x.shape == tensor.list {1, 8, 16})
  local want = tensor.arange(0, 7):unsqueeze(-1) * 20 + tensor.arange(0, 15) * 5
  t.ok("jpeg values", (x[1]:to "int64" - want):abs():max() <= 2)
  local function bad(name, pattern, bytes)
    t.raises("jpeg " .. name, "read_image: .*" .. pattern, tensor.read_image, write("bad.jpg", bytes))
  end
  local at = tiny_jpeg:find("\xff\xc4", 1, true)
  local after = at + 2 + string.unpack(">I2", tiny_jpeg, at + 2)
  local codes = ("\xff"):rep(1) .. ("\0"):rep(13) .. "\1\1"
  bad("of 257 codes", "more than 256 codes", tiny_jpeg:sub(1, at - 1) .. "\xff\xc4" .. string.pack(">I2", 2 + 17 + 257) .. "\0"
    .. codes .. ("\0"):rep(257) .. tiny_jpeg:sub(after))
  bad("of a table cut short", "table of the JPEG is truncated", tiny_jpeg:sub(1, at - 1) .. "\xff\xc4\0\5\0\0\0" .. tiny_jpeg:sub(after))
  bad("cut off", "no end mark", tiny_jpeg:sub(1, -3))
  bad("cut in a segment", "truncated within", tiny_jpeg:sub(1, 40))
  bad("without a picture", "holds no picture", "\xff\xd8\xff\xd9")
  bad("with bytes between its segments", "no JPEG marker", tiny_jpeg:sub(1, 2) .. "x" .. tiny_jpeg:sub(3))
  bad("of two heads only", "cannot stand", "\xff\xd8\xff\xd8\xff\xd9")
end

local function bmp(width, height, bits, rows, extra)
  local at = 54 + #(extra or "")
  return "BM" .. string.pack("<I4I2I2I4", at + #rows, 0, 0, at)
    .. string.pack("<I4i4i4I2I2I4I4i4i4I4I4", 40, width, height, 1, bits, 0, #rows, 0, 0, 0, 0) .. (extra or "") .. rows
end

local function test_bmp(t)
  local rows = "abcdef\0\0ghijkl\0\0" -- from the bottom up, blue first
  local x = tensor.read_image(write("a.bmp", bmp(2, 2, 24, rows)))
  t.ok("bmp", x == tensor({{{105, 108}, {99, 102}}, {{104, 107}, {98, 101}}, {{103, 106}, {97, 100}}}, {dtype = "uint8"}))
  t.ok("bmp from the top down", tensor.read_image(write("a.bmp", bmp(2, -2, 24, rows)))[{1, 1, 1}] == 99)
  local function bad(name, pattern, bytes)
    t.raises("bmp " .. name, "read_image: .*" .. pattern, tensor.read_image, write("bad.bmp", bytes))
  end
  bad("without its last row", "rows of the BMP are missing", bmp(2, 2, 24, rows:sub(1, 8)))
  bad("of a billion rows", "rows of the BMP are missing", bmp(2, 1000000000, 24, rows))
  bad("of the least height", "truncated", bmp(2, -2147483648, 24, rows))
  bad("of 7 bits", "1, 4, 8, 16, 24 or 32", bmp(2, 2, 7, rows))
  bad("cut in its head", "truncated", "BM1234567890")
end

local function test_bad_pictures(t)
  local function bad(name, pattern, ...) t.raises("picture " .. name, pattern, tensor.write_image, path "p.png", ...) end
  bad("of one dimension", "is %[3%]; an image is", tensor.zeros(3))
  bad("of a batch", "one of a batch is x%[1%]", tensor.zeros(2, 1, 3, 3))
  bad("with channels last", "permute%(3, 1, 2%)", tensor.zeros(20, 20, 3))
  bad("of integers", "uint8 %(0 to 255%)", tensor.zeros(3, 3, {dtype = "int64"}))
  bad("of values from -1", "%(x %+ 1%) / 2", tensor.zeros(3, 3) - 1)
  bad("of NaN", "holds %-?nan", tensor.zeros(3, 3) / 0)
  bad("without pixels", "0 x 3 pixels", tensor.zeros(3, 0))
  bad("of nothing", "the second argument is missing")
  bad("of a table", "is table; a tensor is wanted", {})
  t.raises("picture in no folder", "there is no folder", tensor.write_image, path "absent/p.png", tensor.zeros(3, 3))
end

-- ---- files with mistakes at random ----------------------------------------------------------------

local random = require "tests.support.chance"(12345).whole

local function mutate(bytes)
  for _ = 1, random(4) do
    local at = random(#bytes)
    local kind = random(5)
    if kind == 1 then
      bytes = bytes:sub(1, at - 1) .. string.char(bytes:byte(at) ~ (1 << random(8) - 1)) .. bytes:sub(at + 1)
    elseif kind == 2 then
      bytes = bytes:sub(1, at - 1) .. string.char(({0, 255, 127, 128, 196, 34, 91, 123})[random(8)]) .. bytes:sub(at + 1)
    elseif kind == 3 then
      bytes = bytes:sub(1, at - 1) .. bytes:sub(at + random(16))
    elseif kind == 4 then
      bytes = bytes:sub(1, at) .. bytes:sub(random(#bytes), -1):sub(1, random(16)) .. bytes:sub(at + 1)
    elseif random(4) == 1 and at > 1 then
      bytes = bytes:sub(1, at)
    end
    if #bytes == 0 then return "x" end
  end
  return bytes
end

-- The check sums of a PNG's chunks, made right, so that its decoder is reached.
local function with_sums(bytes)
  local at, parts = 9, {bytes:sub(1, 8)}
  while at + 11 <= #bytes do
    local n = string.unpack(">I4", bytes, at)
    if at + 11 + n > #bytes then break end
    parts[#parts + 1] = chunk(bytes:sub(at + 4, at + 7), bytes:sub(at + 8, at + 7 + n))
    at = at + 12 + n
  end
  return table.concat(parts) .. bytes:sub(at)
end

local function test_mutations(t)
  tensor.save(path "s.safetensors", {a = tensor {1.0, 2}, b = tensor {{true}}, c = tensor.zeros(0, 2)}, {metadata = {k = "v"}})
  tensor.save(path "s.npy", tensor {{1, 2, 3}})
  write("s-idx", idx(13, {2, 3}, ("abcd"):rep(6)))
  shell "gzip -k s-idx"
  local jobs = {
    {"safetensors", tensor.load, read(path "s.safetensors")}, {"npy", tensor.load, read(path "s.npy")},
    {"idx", tensor.read_idx, read(path "s-idx")}, {"gz", tensor.read_idx, read(path "s-idx.gz")},
    {"jpg", tensor.read_image, tiny_jpeg}, {"png", tensor.read_image, png(3, 2, 2, "\1abcdefghi\4jklmnopqr")},
    {"bmp", tensor.read_image, bmp(2, 2, 24, "abcdef\0\0ghijkl\0\0")},
  }
  for _, job in ipairs(jobs) do
    local refused, count = 0, os.getenv "LUNETTE_FUZZ" and 1000 or 300
    for _ = 1, count do
      local bytes = mutate(job[3])
      local done, message = pcall(job[2], write("mutant." .. job[1], job[1] == "png" and with_sums(bytes) or bytes))
      if not done then
        refused = refused + 1
        if type(message) ~= "string" or not message:find "mutant" then t.ok("mutant " .. job[1], false, message) end
      end
    end
    t.ok("mutants of " .. job[1], refused > 20 and refused <= count, refused)
  end
end

-- ---- real files -----------------------------------------------------------------------------------

local function test_shared(t)
  if not t.shared then return end
  local base = t.shared .. "/data/"
  local f = io.open(base .. "mobilenet_v2/expected.json")
  local text = f:read "a"
  f:close()
  for _, name in ipairs {"chelsea.png", "coffee.png", "rocket.jpg"} do
    local z = tensor.read_image(base .. "mobilenet_v2/" .. name):double()
    local r, g, b = text:match('"' .. name:gsub("%p", "%%%0") .. '": {.-"pixels_mean": %[%s*([%d.]+),%s*([%d.]+),%s*([%d.]+)')
    for c, want in ipairs {r, g, b} do t.near(name .. " mean", z[c]:mean(), tonumber(want), name:find "jpg" and 0.05 or 1e-6) end
  end
end

return files.in_folder(function(t)
  test_png(t)
  test_bad_png(t)
  test_jpeg(t)
  test_bmp(t)
  test_bad_pictures(t)
  test_mutations(t)
  test_shared(t)
end)
