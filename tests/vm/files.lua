-- files.lua: tests of arrays in files, IDX and .npy, and of what goes wrong with files. Those that are
-- read are built here byte by byte; what was written is taken apart here.

local lunette = require "lunette"
local testing = require "tests.support.testing"
local tensor = lunette.tensor
local files = dofile "tests/support/folder.lua"

local path, write, read, exists, shell, idx = files.path, files.write, files.read, files.exists, files.shell, files.idx

-- ---- IDX ------------------------------------------------------------------------------------------

local function test_idx(t)
  local bytes = idx(8, {2, 3}, "\0\1\2\253\254\255")
  local x = tensor.read_idx(write("a-idx", bytes))
  t.eq("idx bytes stay uint8", x.dtype, "uint8")
  t.ok("idx values", x == tensor({{0, 1, 2}, {253, 254, 255}}, {dtype = "uint8"}))
  shell "gzip -k a-idx"
  t.ok("idx gzipped", tensor.read_idx(path "a-idx.gz") == x)
  local function values(name, code, format, list, dtype)
    local y = tensor.read_idx(write(name, idx(code, {#list}, string.pack((">" .. format):rep(#list), table.unpack(list)))))
    t.eq("idx type of " .. name, y.dtype, dtype)
    for i, v in ipairs(list) do t.eq(("idx %s %d"):format(name, i), y[i], v) end
  end
  values("signed bytes", 9, "i1", {-128, -1, 0, 127}, "int32")
  values("shorts", 11, "i2", {-32768, -2, 0, 32767}, "int32")
  values("ints", 12, "i4", {-2147483648, 7, 2147483647}, "int32")
  values("floats", 13, "f", {0.5, -1.25, 1024}, "float32")
  values("doubles", 14, "d", {0.1, -1e300}, "float64")
  t.ok("idx of no rows", tensor.read_idx(write("none", idx(8, {0, 28, 28}, ""))).shape == tensor.list {0, 28, 28})
end

local function test_bad_idx(t)
  local function bad(name, pattern, bytes)
    t.raises("idx " .. name, "read_idx: .*" .. pattern, tensor.read_idx, write("bad", bytes))
  end
  t.raises("idx missing", "read_idx: cannot open .*/absent: No such file", tensor.read_idx, path "absent")
  bad("empty", "not an IDX file", "")
  bad("text", "not an IDX file", "hello, world")
  bad("unknown type", "type 0x0a", idx(10, {1}, "\0"))
  bad("no dimensions", "0 dimensions", idx(8, {}, "x"))
  bad("many dimensions", "200 dimensions", "\0\0\8\200")
  bad("truncated in the sizes", "ends within the list of sizes", "\0\0\8\2\0\0\0\1\0")
  bad("truncated", "truncated: the header promises 60000x28x28 = 47040000 bytes, the file has 1234",
    idx(8, {60000, 28, 28}, ("x"):rep(1234)))
  bad("trailing bytes", "promises 2x2 = 4 bytes, but more follow", idx(8, {2, 2}, "12345"))
  bad("overflow", "more than can be counted", idx(14, {0xffffffff, 0xffffffff, 0xffffffff}, "x"))
  bad("huge", "truncated: the header promises 4294967295x1000", idx(8, {0xffffffff, 1000}, "x"))
  write("good-idx", idx(8, {100, 100}, ("abcdefghij"):rep(1000)))
  shell "gzip -k good-idx && head -c 40 good-idx.gz > short.gz"
  t.raises("idx gz truncated", "short.gz: truncated", tensor.read_idx, path "short.gz")
  local packed = read(path "good-idx.gz")
  t.raises("idx gz damaged", "damaged", tensor.read_idx, write("crc.gz", packed:sub(1, -8) .. "0000" .. packed:sub(-4)))
  t.raises("idx gz without its end", "no end", tensor.read_idx, write("end.gz", packed:sub(1, -5)))
  write("bomb-idx", idx(8, {0xffffffff, 100}, "x"))
  shell "gzip bomb-idx"
  t.raises("idx gz promise beyond its size", "cannot hold them", tensor.read_idx, path "bomb-idx.gz")
end

-- ---- npy ------------------------------------------------------------------------------------------

local function npy(version, header, body)
  local length = string.pack(version == 1 and "<I2" or "<I4", #header)
  return "\x93NUMPY" .. string.char(version, 0) .. length .. header .. body
end

local function npy_header(descr, fortran, shape)
  return ("{'descr': '%s', 'fortran_order': %s, 'shape': %s, }\n"):format(descr, fortran, shape)
end

local function test_npy(t)
  local function reads(name, version, header, body, want)
    t.ok("npy " .. name, tensor.load(write("a.npy", npy(version, header, body))) == want)
  end
  local six = string.pack("<ffffff", 1, 2, 3, 4, 5, 6)
  reads("C order", 1, npy_header("<f4", "False", "(2, 3)"), six, tensor {{1.0, 2, 3}, {4, 5, 6}})
  reads("Fortran order", 1, npy_header("<f4", "True", "(2, 3)"), six, tensor {{1.0, 3, 5}, {2, 4, 6}})
  reads("version 2", 2, npy_header("<f8", "False", "(1,)"), string.pack("<d", 0.1), tensor({0.1}, {dtype = "float64"}))
  reads("version 3, other quotes and order", 3, '{"shape":(2,),"fortran_order":False,"descr":"<i8"}',
    string.pack("<i8i8", -1, 1 << 60), tensor {-1, 1 << 60})
  reads("no dimensions", 1, npy_header("<i4", "False", "()"), string.pack("<i4", 7), tensor(7, {dtype = "int32"}))
  reads("bool", 1, npy_header("|b1", "False", "(2,)"), "\0\1", tensor {false, true})
  reads("empty", 1, npy_header("|u1", "True", "(0, 3)"), "", tensor.zeros(0, 3, {dtype = "uint8"}))
  local half = tensor.load(write("h.npy", npy(1, npy_header("<f2", "False", "(3,)"), string.pack("<I2I2I2", 0x3c00, 0xc000, 0x7bff))))
  t.ok("npy float16", half.dtype == "float16" and half:float() == tensor {1.0, -2, 65504})
end

local function test_npy_writing(t)
  for _, dtype in ipairs {"float32", "float64", "int64", "int32", "uint8", "float16"} do
    local x = tensor {{1, 2, 3}, {4, 5, 6}}:to(dtype)
    tensor.save(path "b.npy", x)
    local y = tensor.load(path "b.npy")
    t.ok("npy keeps " .. dtype, y.dtype == dtype and y:float() == x:float())
  end
  tensor.save(path "b.npy", tensor({1.5, -2}, {dtype = "float32"}))
  local bytes = read(path "b.npy")
  t.eq("npy magic", bytes:sub(1, 8), "\x93NUMPY\1\0")
  local length = string.unpack("<I2", bytes, 9)
  t.eq("npy header is a multiple of 64", (10 + length) % 64, 0)
  t.eq("npy header", bytes:sub(11, 10 + length):gsub("%s+$", ""), "{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }")
  t.eq("npy elements", bytes:sub(11 + length), string.pack("<ff", 1.5, -2))
  tensor.save(path "c.npy", tensor {{1, 2, 3}, {4, 5, 6}}.T)
  t.ok("npy of a view", tensor.load(path "c.npy") == tensor {{1, 4}, {2, 5}, {3, 6}})
  t.raises("npy has no bfloat16", "save: .*x:float%(%)", tensor.save, path "d.npy", tensor {1.0}:to "bfloat16")
end

local function test_bad_npy(t)
  local function bad(name, pattern, bytes)
    t.raises("npy " .. name, "load: .*" .. pattern, tensor.load, write("bad.npy", bytes))
  end
  local one = string.pack("<f", 1)
  bad("empty", "only 0 bytes", "")
  bad("other file", "does not begin with", ("x"):rep(100))
  bad("version", "version 9", npy(9, npy_header("<f4", "False", "(1,)"), one))
  bad("long header", "has 65535 bytes", "\x93NUMPY\1\0\xff\xff" .. ("x"):rep(70000))
  bad("header cut off", "within its header", "\x93NUMPY\1\0\x40\0{'descr'")
  bad("objects", "Python objects", npy(1, npy_header("|O", "False", "(1,)"), "xxxxxxxx"))
  bad("records", "several fields", npy(1, "{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,), }", one))
  bad("big endian", "elements of type '>f4'", npy(1, npy_header(">f4", "False", "(1,)"), one))
  bad("truncated", "wants more than the 4 bytes", npy(1, npy_header("<f4", "False", "(2,)"), one))
  bad("trailing", "takes 4 bytes, but 8 follow", npy(1, npy_header("<f4", "False", "(1,)"), one .. one))
  bad("overflow", "wants more", npy(1, npy_header("<f4", "False", "(4611686018427387904, 4)"), one))
  bad("size too large", "too large", npy(1, npy_header("<f4", "False", "(99999999999999999999,)"), one))
  bad("negative size", "header is not", npy(1, npy_header("<f4", "False", "(-1,)"), one))
  bad("thirteen dimensions", "more than 12", npy(1, npy_header("<f4", "False", "(" .. ("1,"):rep(13) .. ")"), one))
  bad("code", "header is not", npy(1, "__import__('os')", one))
  bad("twice", "header is not", npy(1, "{'shape': (1,), 'shape': (1,), 'descr': '<f4', 'fortran_order': False}", one))
  bad("no order", "header is not", npy(1, "{'shape': (1,), 'descr': '<f4'}", one))
  bad("zero byte", "header is not", npy(1, npy_header("<f4", "False", "(1,)") .. "\0x", one))
  bad("bool of 2", "element 2 of the array is 2", npy(1, npy_header("|b1", "False", "(2,)"), "\1\2"))
end

-- ---- what is no file, what fails half-way ---------------------------------------------------------

local function test_odd_files(t)
  shell "mkfifo pipe.npy && mkdir dir.npy && ln -s loop.npy loop.npy"
  for _, f in ipairs {tensor.load, tensor.read_npy, tensor.read_idx, tensor.read_image} do
    t.raises("a pipe is not read", "device or pipe", f, path "pipe.npy")
    t.raises("a folder is not read", "this is a folder", f, path "dir.npy")
    t.raises("a loop of links is not read", "cannot open", f, path "loop.npy")
  end
  t.raises("an endless device is not read", "device or pipe", tensor.read_idx, "/dev/zero")
  t.raises("a folder is not replaced", "is a folder", tensor.save, path "dir.npy", tensor {1})
  t.raises("a pipe is not replaced", "device or pipe", tensor.save, path "pipe.npy", tensor {1})
end

local function test_replacing(t)
  tensor.save(path "a.npy", tensor {1})
  shell "chmod 640 a.npy && ln -s a.npy link.npy"
  tensor.save(path "link.npy", tensor {2})
  t.ok("a link stays one and its file changes", tensor.load(path "a.npy") == tensor {2} and shell "test -L link.npy")
  t.eq("the mode stays", io.popen("stat -c %a " .. path "a.npy"):read "l", "640")
  shell "touch -d '1 hour ago' .a.npy.4194303.part && touch .a.npy.4194302.part .b.npy.4194303.part"
  tensor.save(path "a.npy", tensor {3})
  t.ok("what a killed writer left is swept", not exists(path ".a.npy.4194303.part"))
  t.ok("what is new or another's is not", exists(path ".a.npy.4194302.part") and exists(path ".b.npy.4194303.part"))
  shell "rm .*.part"
  t.raises("a list cannot hide NaN in a picture", "holds", tensor.write_image, path "a.png", tensor {{0 / 0}})
  t.eq("no part stays", files.parts(), 0)
  tensor.save("a-in-here.npy", tensor {4})
  t.ok("a name without a folder", tensor.load "a-in-here.npy" == tensor {4})
  os.remove "a-in-here.npy"
end

-- A disk that is full after 4 kB, and being killed at any moment.
local function test_hard_times(t)
  if not t.host:find "lunette$" then return end -- stock lua dies of SIGXFSZ
  tensor.save(path "w.safetensors", {a = tensor {1, 2, 3}})
  local command = "ulimit -f 8; %s -e 'print(pcall(tensor.save, \"%s\", {a = tensor.zeros(100000)}))' 2>&1"
  local pipe = io.popen(command:format(t.host, path "w.safetensors"))
  local said = pipe:read "a"
  pipe:close()
  t.ok("a full disk is an error", said:find "save: .*cannot write: File too large; what the file held before is still there", said)
  t.ok("and the old file stays", tensor.load(path "w.safetensors").a == tensor {1, 2, 3})
  t.eq("and no part", files.parts(), 0)
  local child = write("child.lua", ([[
    local x = tensor.ones(300000)
    for i = 1, 1000 do tensor.save(%q, {a = x * i, b = x * i}) end]]):format(path "k.safetensors"))
  local whole = true
  for i = 1, 6 do
    os.execute(("sh -c '%s %s & p=$!; sleep 0.%d; kill -9 $p; wait $p' 2>/dev/null"):format(t.host, child, 2 + i))
    if exists(path "k.safetensors") then
      local all = tensor.load(path "k.safetensors")
      whole = whole and all.a == all.b and #all.a == 300000
    end
  end
  shell "rm -f .*.part"
  t.ok("a file is whole however its writer died", whole and exists(path "k.safetensors"))
end

-- Every allocation fails once: an error or a result, and nothing is lost or left.
local function test_memory(t)
  local fail_at = testing.fail_at
  local png, jpeg = path "m.png", path "m.jpg"
  tensor.save(path "m.safetensors", {a = tensor {1, 2}, b = tensor {{1.5}}})
  tensor.save(path "m.npy", tensor {1, 2})
  tensor.write_image(png, tensor.zeros(3, 5, 4))
  write("m.jpg", files.tiny_jpeg)
  write("m-idx", idx(9, {4}, "abcd"))
  local view = tensor {{1.0, 2}, {3, 4}}.T
  local jobs = {
    load = function() tensor.load(path "m.safetensors") end, npy = function() tensor.load(path "m.npy") end,
    idx = function() tensor.read_idx(path "m-idx") end, png = function() tensor.read_image(png) end,
    jpeg = function() tensor.read_image(jpeg) end, save = function() tensor.save(path "m.safetensors", {a = view}) end,
    write = function() tensor.write_image(png, view / 4) end,
  }
  for _, name in ipairs {"load", "npy", "idx", "png", "jpeg", "save", "write"} do
    jobs[name]()
    collectgarbage()
    local before, n = tensor.memory().tensors, 0
    repeat
      n = n + 1
      fail_at(n)
      local done, message = pcall(jobs[name])
      fail_at(0)
      if not done and not tostring(message):find "memory" then t.ok("memory " .. name, false, message) end
    until done or n > 500
    collectgarbage()
    t.ok("memory may fail in " .. name, n > 1 and n <= 500 and tensor.memory().tensors <= before, n)
  end
  t.eq("no part stays", files.parts(), 0)
end

-- ---- real files -----------------------------------------------------------------------------------

local function test_shared(t)
  if not t.shared then return end
  local base = t.shared .. "/data/"
  local x, y = tensor.read_idx(base .. "mnist/train-images-idx3-ubyte.gz"), tensor.read_idx(base .. "mnist/train-labels-idx1-ubyte.gz")
  t.ok("mnist", x.shape == tensor.list {60000, 28, 28} and y.shape == tensor.list {60000})
  t.near("mnist's mean", x:float():mean() / 255, 0.1306604762, 1e-6)
  t.eq("mnist's first label", y[1], 5)
end

return files.in_folder(function(t)
  test_idx(t)
  test_bad_idx(t)
  test_npy(t)
  test_npy_writing(t)
  test_bad_npy(t)
  test_odd_files(t)
  test_replacing(t)
  test_hard_times(t)
  test_memory(t)
  test_shared(t)
end)
