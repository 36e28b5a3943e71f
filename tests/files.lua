-- files.lua: tests of arrays and images in files: IDX, .npy, safetensors, PNG, JPEG, BMP. The files read
-- are built here byte by byte; what was written is taken apart here, or read by another program.

local lunette = require "lunette"
local tensor = lunette.tensor

local folder

local function path(name) return folder .. "/" .. name end

local function write(name, bytes)
  local f = assert(io.open(path(name), "wb"))
  f:write(bytes)
  f:close()
  return path(name)
end

local function read(file)
  local f = assert(io.open(file, "rb"))
  local bytes = f:read "a"
  f:close()
  return bytes
end

local function exists(file)
  local f = io.open(file)
  if f then f:close() end
  return f ~= nil
end

local function shell(command) return os.execute("cd '" .. folder .. "' && " .. command) end

-- Makes nothing but a folder that goes away again.
local function in_folder(test)
  return function(t)
    folder = os.tmpname()
    os.remove(folder)
    assert(os.execute("mkdir " .. folder))
    local done, message = xpcall(test, debug.traceback, t)
    os.execute("rm -rf " .. folder)
    if not done then error(message, 0) end
  end
end

-- ---- IDX ------------------------------------------------------------------------------------------

local function idx(code, shape, body)
  local head = string.pack("BBBB", 0, 0, code, #shape)
  for _, n in ipairs(shape) do head = head .. string.pack(">I4", n) end
  return head .. body
end

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

-- ---- safetensors ----------------------------------------------------------------------------------

local function archive(header, body) return string.pack("<I8", #header) .. header .. body end

local function test_safetensors(t)
  local header = '{"__metadata__":{"b":"2","a":"1\\u00e9\\n"},"w":{"dtype":"F32","shape":[2,2],"data_offsets":[8,24]},'
    .. '"i":{"data_offsets":[0,8],"shape":[1],"dtype":"I64"}, "e":{"dtype":"U8","shape":[0,3],"data_offsets":[24,24]},'
    .. '"h":{"dtype":"BF16","shape":[],"data_offsets":[24,26]}}   '
  local body = string.pack("<i8ffffI2", -5, 1, 2, 3, 4, 0x4040)
  local all, metadata = tensor.load(write("a.safetensors", archive(header, body)))
  t.ok("safetensors float32", all.w == tensor {{1.0, 2}, {3, 4}})
  t.ok("safetensors int64", all.i == tensor {-5})
  t.ok("safetensors of no rows", all.e.shape == tensor.list {0, 3} and all.e.dtype == "uint8")
  t.eq("safetensors bfloat16", all.h:float():item(), 3)
  t.eq("safetensors metadata", metadata.a .. metadata.b, "1\u{e9}\n2")
  local names = {}
  for name, x in pairs(all) do
    names[#names + 1] = name
    t.ok("safetensors pairs gives " .. name, rawequal(x, all[name]))
  end
  t.eq("safetensors order is the file's", table.concat(names, " "), "w i e h")
  t.eq("safetensors count", #all, 4)
  t.eq("safetensors of another name", all.x, nil)
  t.ok("safetensors prints", tostring(all):find "4 tensors, 6 values" and tostring(all):find "w  float32 {2, 2}")
  all.w, all.z = nil, tensor {1}
  names = {}
  for name in pairs(all) do names[#names + 1] = name end
  t.eq("safetensors table changes in order", table.concat(names, " ") .. #all, "i e h z4")
end

local function test_safetensors_writing(t)
  local x = {}
  for i, dtype in ipairs {"uint8", "float32", "bool", "float64", "int32", "int64", "float16", "bfloat16"} do
    x[i] = {dtype, tensor {{0, 1, 1}, {1, 0, 1}}:to(dtype)}
  end
  x[#x + 1] = {"a \"quoted\" name\n\\é", tensor {1.0, 2.0, 3.0}["1:3:2"]}
  tensor.save(path "b.safetensors", x, {metadata = {made = "here", by = "a test"}})
  local all, metadata = tensor.load(path "b.safetensors")
  local i = 0
  for name, y in pairs(all) do
    i = i + 1
    t.ok("saved and loaded " .. x[i][1], name == x[i][1] and y.dtype == x[i][2].dtype and y:float() == x[i][2]:float())
  end
  t.eq("saved all", i, #x)
  t.eq("saved metadata", metadata.made .. metadata.by, "herea test")
  local bytes = read(path "b.safetensors")
  local length = string.unpack("<I8", bytes)
  t.eq("the header is aligned", length % 8, 0)
  for first, dtype in bytes:sub(9, 8 + length):gmatch '"dtype":"(%u+%d*)","shape":%[[%d,]*%],"data_offsets":%[(%d+)' do
    local width = tonumber(first:match "%d+") or 8
    t.eq("aligned " .. first, tonumber(dtype) % (width // 8), 0)
  end
  tensor.save(path "c.safetensors", {b = tensor {1}, a = tensor {2}, c = tensor {3}})
  local names = {}
  for name in pairs((tensor.load(path "c.safetensors"))) do names[#names + 1] = name end
  t.eq("a plain table is saved by name", table.concat(names), "abc")
  tensor.save(path "d.safetensors", {})
  t.eq("nothing saves", #(tensor.load(path "d.safetensors")), 0)
  tensor.save(path "e.safetensors", all)
  t.ok("what was loaded saves as it was", (function()
    local again = tensor.load(path "e.safetensors")
    return #again == #all and again.int64 == all.int64
  end)())
end

-- Headers that the format forbids; every one must be refused.
local function test_bad_safetensors(t)
  local f32 = '{"dtype":"F32","shape":[1],"data_offsets":[0,4]}'
  local function entry(dtype, shape, offsets)
    return ('{"dtype":"%s","shape":[%s],"data_offsets":[%s]}'):format(dtype, shape, offsets)
  end
  local function bad(name, pattern, header, body)
    t.raises("safetensors " .. name, "load: .*" .. pattern, tensor.load,
      write("bad.safetensors", archive(header, body or "\0\0\0\0")))
  end
  local function raw(name, pattern, bytes)
    t.raises("safetensors " .. name, "load: .*" .. pattern, tensor.load, write("bad.safetensors", bytes))
  end
  raw("empty", "only 0 bytes", "")
  raw("short", "only 5 bytes", "\1\0\0\0\0")
  raw("length beyond the file", "header should have 5000 bytes", string.pack("<I8", 5000) .. "{}")
  raw("length of 2^64 - 1", "header should have", string.pack("<i8", -1) .. "{}")
  raw("length zero", "begin with {", string.pack("<I8", 0) .. "{}")
  bad("no brace first", "begin with {", " {}", "")
  bad("a byte order mark", "begin with {", "\xef\xbb\xbf{}", "")
  bad("a list", "begin with {", "[]", "")
  bad("no JSON", "no JSON", '{"a":' .. f32)
  bad("a trailing comma", "no JSON", '{"a":' .. f32 .. ",}")
  bad("a missing colon", "no JSON", '{"a"' .. f32 .. "}")
  bad("cut in a string", "control character", '{"a')
  bad("cut after a backslash", "ends within a string", '{"a\\')
  bad("more after the JSON", "more follows", '{"a":' .. f32 .. "}{}")
  bad("a name twice", 'name "a" comes twice', ('{"a":%s,"a":%s}'):format(f32, entry("F32", "1", "4,8")), ("\0"):rep(8))
  bad("one name in two spellings", 'name "a" comes twice', ('{"a":%s,"\\u0061":%s}'):format(f32, entry("F32", "1", "4,8")), ("\0"):rep(8))
  bad("a field twice", '"dtype" twice', '{"a":{"dtype":"F32","dtype":"F32","shape":[1],"data_offsets":[0,4]}}')
  bad("an unknown field", 'field "x"', '{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4],"x":1}}')
  bad("a missing field", "lacks", '{"a":{"dtype":"F32","shape":[1]}}')
  bad("an unknown type", "type F8_E4M3", '{"a":' .. entry("F8_E4M3", "4", "0,4") .. "}")
  bad("a type in small letters", "type f32", '{"a":' .. entry("f32", "1", "0,4") .. "}")
  bad("a type that is no string", "elements of type", '{"a":{"dtype":1,"shape":[1],"data_offsets":[0,4]}}')
  bad("an entry that is no object", "no description", '{"a":[1]}')
  bad("a shape that is no list", "shape is no list", '{"a":{"dtype":"F32","shape":1,"data_offsets":[0,4]}}')
  bad("a negative size", "byte 0x2d", '{"a":' .. entry("F32", "-1", "0,4") .. "}")
  bad("a fraction", "byte 0x2e", '{"a":' .. entry("F32", "1.0", "0,4") .. "}")
  bad("an exponent", "byte 0x65", '{"a":' .. entry("F32", "1e0", "0,4") .. "}")
  bad("a leading zero", "leading zero", '{"a":' .. entry("F32", "01", "0,4") .. "}")
  bad("true", "byte 0x74", '{"a":' .. entry("F32", "true", "0,4") .. "}")
  bad("null", "byte 0x6e", '{"a":null}')
  bad("a string as a size", "whole numbers", '{"a":' .. entry("F32", '"1"', "0,4") .. "}")
  bad("three offsets", "two numbers", '{"a":' .. entry("F32", "1", "0,4,8") .. "}")
  bad("one offset", "two numbers", '{"a":' .. entry("F32", "1", "4") .. "}")
  bad("offsets backwards", "takes 4 bytes", '{"a":' .. entry("F32", "1", "4,0") .. "}")
  bad("offsets of another length", "takes 8 bytes", '{"a":' .. entry("F32", "2", "0,4") .. "}")
  bad("an overflowing shape", "too large", '{"a":' .. entry("F32", "9007199254740992,9007199254740992", "0,0") .. "}")
  bad("an overflowing byte count", "too large", '{"a":' .. entry("F64", "9007199254740992,1024", "0,0") .. "}", "")
  bad("a size beyond 2^53", "below 2%^53", '{"a":' .. entry("F32", "18446744073709551617", "0,4") .. "}")
  bad("thirteen dimensions", "more than 12", '{"a":' .. entry("F32", "1" .. (",1"):rep(12), "0,4") .. "}")
  bad("a hole", "there is a hole", ('{"a":%s,"b":%s}'):format(f32, entry("F32", "1", "8,12")), ("\0"):rep(12))
  bad("a hole at the front", "there is a hole", '{"a":' .. entry("F32", "1", "4,8") .. "}", ("\0"):rep(8))
  bad("an overlap", "overlap", ('{"a":%s,"b":%s}'):format(f32, entry("F32", "1", "2,6")), ("\0"):rep(6))
  bad("one place for two", "overlap", ('{"a":%s,"b":%s}'):format(f32, f32))
  bad("truncated data", "truncated: the header promises 4 bytes of data, the file has 3", '{"a":' .. f32 .. "}", "\0\0\0")
  bad("bytes behind the data", "1 bytes follow", '{"a":' .. f32 .. "}", "\0\0\0\0x")
  bad("bytes and no tensor", "4 bytes follow", "{}")
  bad("metadata of numbers", 'metadata__ "a" is no string', '{"__metadata__":{"a":1}}', "")
  bad("metadata that is no object", "metadata__ is no object", '{"__metadata__":["a"]}', "")
  bad("metadata twice", "comes twice", '{"__metadata__":{"a":"1"},"__metadata__":{}}', "")
  bad("a key of the metadata twice", "comes twice", '{"__metadata__":{"a":"1","a":"2"}}', "")
  bad("a zero character", "zero character", '{"a\\u0000":' .. f32 .. "}")
  bad("a zero byte", "control character", '{"a\0":' .. f32 .. "}")
  bad("bad UTF-8", "not UTF%-8", '{"\xff":' .. f32 .. "}")
  bad("overlong UTF-8", "not UTF%-8", '{"\xc0\xaf":' .. f32 .. "}")
  bad("a surrogate in UTF-8", "not UTF%-8", '{"\xed\xa0\x80":' .. f32 .. "}")
  bad("deep nesting", "nested deeper", '{"a":' .. ("["):rep(100000))
  bad("a bool of 7", "a bool is 0 or 1", '{"a":' .. entry("BOOL", "4", "0,4") .. "}", "\0\1\7\0")
  bad("millions of values", "more than 2097152 values", '{"a":{"shape":[' .. ("1,"):rep(2200000) .. "1]}}")
end

local function test_bad_saves(t)
  local x = tensor {1.0}
  local function bad(name, pattern, ...) t.raises("save " .. name, pattern, tensor.save, ...) end
  bad("without a name", "save: the file's name is a nil")
  bad("under another ending", "a.txt ends neither in .safetensors nor in .npy", path "a.txt", {a = x})
  bad("as a picture", "write_image writes a PNG", path "a.png", x)
  bad("of a tensor in an archive", "tensors by name, .*got a tensor", path "never.safetensors", x)
  bad("of a table in npy", "holds one tensor, got a table", path "never.npy", {x})
  bad("of a number", "'a' is a number", path "never.safetensors", {a = 1})
  bad("of tensors without names", "tensors are saved by name", path "never.safetensors", {x})
  bad("of a broken list", "entry 1 of the list is no pair", path "never.safetensors", {{x, "a"}})
  bad("of a name twice", 'name "a" comes twice', path "never.safetensors", {{"a", x}, {"a", x}})
  bad("of the reserved name", "taken by the format", path "never.safetensors", {__metadata__ = x})
  bad("of a name with a zero", "zero byte", path "never.safetensors", {["a\0b"] = x})
  bad("of a name that is no text", "not UTF%-8", path "never.safetensors", {["\xff"] = x})
  bad("with an unknown option", "unknown option 'meta'; did you mean 'metadata'", path "never.safetensors", {a = x}, {meta = {}})
  bad("with metadata of numbers", "metadata 'a' is a number", path "never.safetensors", {a = x}, {metadata = {a = 1}})
  bad("into no folder", "there is no folder .*/absent", path "absent/a.npy", x)
  bad("with a zero in the path", "zero byte", path "a\0.npy", x)
  t.raises("load with a wrong ending", "read_image reads images", tensor.load, path "a.png")
  t.raises("load of Python's pickles", "safetensors.torch.save_file", tensor.load, path "model.pt")
  t.ok("nothing was left", not exists(path "never.safetensors") and not exists(path "never.npy"))
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
  local function parts() return (io.popen("ls -A " .. folder .. " | grep -c part"):read "n") end
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
  t.eq("no part stays", parts(), 0)
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
  t.eq("and no part", io.popen("ls -A " .. folder .. " | grep -c part"):read "n", 0)
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
  local fail_at = tensor.testing.fail_at
  local png, jpeg = path "m.png", path "m.jpg"
  tensor.save(path "m.safetensors", {a = tensor {1, 2}, b = tensor {{1.5}}})
  tensor.save(path "m.npy", tensor {1, 2})
  tensor.write_image(png, tensor.zeros(3, 5, 4))
  write("m.jpg", t.tiny_jpeg)
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
  t.eq("no part stays", io.popen("ls -A " .. folder .. " | grep -c part"):read "n", 0)
end

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

local function from_hex(s) return (s:gsub("%s", ""):gsub("..", function(h) return string.char(tonumber(h, 16)) end)) end

-- 16 x 8 grey: row r, column c is near 20 r + 5 c.
local tiny_jpeg = from_hex [[
  ffd8ffe000104a46494600010100000100010000ffdb0043000302020302020303030304030304050805050404050a070706080c0a0c0c0b0a0b0b
  0d0e12100d0e110e0b0b1016101113141515150c0f171816141812141514ffc0000b080008001001011100ffc40014000100000000000000000000
  000000000007ffc4001910000105000000000000000000000000000006082432a2ffda0008010100003f001348b49a42c8d69169348593ffd9]]

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

-- ---- real files -----------------------------------------------------------------------------------

local function test_shared(t)
  if not t.shared then return end
  local base = t.shared .. "/data/"
  local x, y = tensor.read_idx(base .. "mnist/train-images-idx3-ubyte.gz"), tensor.read_idx(base .. "mnist/train-labels-idx1-ubyte.gz")
  t.ok("mnist", x.shape == tensor.list {60000, 28, 28} and y.shape == tensor.list {60000})
  t.near("mnist's mean", x:float():mean() / 255, 0.1306604762, 1e-6)
  t.eq("mnist's first label", y[1], 5)
  local all, metadata = tensor.load(base .. "mobilenet_v2/model.safetensors")
  local values = 0
  for _, w in pairs(all) do values = values + w:numel() end
  t.ok("a real archive", #all == 266 and values == 2619461 and metadata.format == "pt")
  local f = io.open(base .. "mobilenet_v2/expected.json")
  local text = f:read "a"
  f:close()
  for _, name in ipairs {"chelsea.png", "coffee.png", "rocket.jpg"} do
    local z = tensor.read_image(base .. "mobilenet_v2/" .. name):double()
    local r, g, b = text:match('"' .. name:gsub("%p", "%%%0") .. '": {.-"pixels_mean": %[%s*([%d.]+),%s*([%d.]+),%s*([%d.]+)')
    for c, want in ipairs {r, g, b} do t.near(name .. " mean", z[c]:mean(), tonumber(want), name:find "jpg" and 0.05 or 1e-6) end
  end
end

return in_folder(function(t)
  t.tiny_jpeg = tiny_jpeg
  test_idx(t)
  test_bad_idx(t)
  test_npy(t)
  test_npy_writing(t)
  test_bad_npy(t)
  test_safetensors(t)
  test_safetensors_writing(t)
  test_bad_safetensors(t)
  test_bad_saves(t)
  test_odd_files(t)
  test_replacing(t)
  test_hard_times(t)
  test_memory(t)
  test_png(t)
  test_bad_png(t)
  test_jpeg(t)
  test_bmp(t)
  test_bad_pictures(t)
  test_shared(t)
end)
