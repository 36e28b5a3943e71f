-- safetensors.lua: tests of archives: tensors by name in .safetensors files.

local lunette = require "lunette"
local tensor = lunette.tensor
local files = dofile "tests/support/folder.lua"

local path, write, read, exists = files.path, files.write, files.read, files.exists

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

-- Files that the format forbids; every one must be refused.

local f32 = '{"dtype":"F32","shape":[1],"data_offsets":[0,4]}'

local function entry(dtype, shape, offsets)
  return ('{"dtype":"%s","shape":[%s],"data_offsets":[%s]}'):format(dtype, shape, offsets)
end

local function raw(t, name, pattern, bytes)
  t.raises("safetensors " .. name, "load: .*" .. pattern, tensor.load, write("bad.safetensors", bytes))
end

local function bad(t, name, pattern, header, body) raw(t, name, pattern, archive(header, body or "\0\0\0\0")) end

local function test_bad_starts(t)
  raw(t, "empty", "only 0 bytes", "")
  raw(t, "short", "only 5 bytes", "\1\0\0\0\0")
  raw(t, "length beyond the file", "header should have 5000 bytes", string.pack("<I8", 5000) .. "{}")
  raw(t, "length of 2^64 - 1", "header should have", string.pack("<i8", -1) .. "{}")
  raw(t, "length zero", "begin with {", string.pack("<I8", 0) .. "{}")
end

-- JSON as the header may not have it.
local function test_bad_headers(t)
  bad(t, "no brace first", "begin with {", " {}", "")
  bad(t, "a byte order mark", "begin with {", "\xef\xbb\xbf{}", "")
  bad(t, "a list", "begin with {", "[]", "")
  bad(t, "no JSON", "no JSON", '{"a":' .. f32)
  bad(t, "a trailing comma", "no JSON", '{"a":' .. f32 .. ",}")
  bad(t, "a missing colon", "no JSON", '{"a"' .. f32 .. "}")
  bad(t, "cut in a string", "control character", '{"a')
  bad(t, "cut after a backslash", "ends within a string", '{"a\\')
  bad(t, "more after the JSON", "more follows", '{"a":' .. f32 .. "}{}")
  bad(t, "a name twice", 'name "a" comes twice', ('{"a":%s,"a":%s}'):format(f32, entry("F32", "1", "4,8")), ("\0"):rep(8))
  bad(t, "one name in two spellings", 'name "a" comes twice', ('{"a":%s,"\\u0061":%s}'):format(f32, entry("F32", "1", "4,8")),
    ("\0"):rep(8))
  bad(t, "a zero character", "zero character", '{"a\\u0000":' .. f32 .. "}")
  bad(t, "a zero byte", "control character", '{"a\0":' .. f32 .. "}")
  bad(t, "bad UTF-8", "not UTF%-8", '{"\xff":' .. f32 .. "}")
  bad(t, "overlong UTF-8", "not UTF%-8", '{"\xc0\xaf":' .. f32 .. "}")
  bad(t, "a surrogate in UTF-8", "not UTF%-8", '{"\xed\xa0\x80":' .. f32 .. "}")
  bad(t, "deep nesting", "nested deeper", '{"a":' .. ("["):rep(100000))
  bad(t, "millions of values", "more than 2097152 values", '{"a":{"shape":[' .. ("1,"):rep(2200000) .. "1]}}")
end

-- Descriptions of tensors.
local function test_bad_entries(t)
  bad(t, "a field twice", '"dtype" twice', '{"a":{"dtype":"F32","dtype":"F32","shape":[1],"data_offsets":[0,4]}}')
  bad(t, "an unknown field", 'field "x"', '{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4],"x":1}}')
  bad(t, "a missing field", "lacks", '{"a":{"dtype":"F32","shape":[1]}}')
  bad(t, "an unknown type", "type F8_E4M3", '{"a":' .. entry("F8_E4M3", "4", "0,4") .. "}")
  bad(t, "a type in small letters", "type f32", '{"a":' .. entry("f32", "1", "0,4") .. "}")
  bad(t, "a type that is no string", "elements of type", '{"a":{"dtype":1,"shape":[1],"data_offsets":[0,4]}}')
  bad(t, "an entry that is no object", "no description", '{"a":[1]}')
  bad(t, "a shape that is no list", "shape is no list", '{"a":{"dtype":"F32","shape":1,"data_offsets":[0,4]}}')
  bad(t, "a negative size", "byte 0x2d", '{"a":' .. entry("F32", "-1", "0,4") .. "}")
  bad(t, "a fraction", "byte 0x2e", '{"a":' .. entry("F32", "1.0", "0,4") .. "}")
  bad(t, "an exponent", "byte 0x65", '{"a":' .. entry("F32", "1e0", "0,4") .. "}")
  bad(t, "a leading zero", "leading zero", '{"a":' .. entry("F32", "01", "0,4") .. "}")
  bad(t, "true", "byte 0x74", '{"a":' .. entry("F32", "true", "0,4") .. "}")
  bad(t, "null", "byte 0x6e", '{"a":null}')
  bad(t, "a string as a size", "whole numbers", '{"a":' .. entry("F32", '"1"', "0,4") .. "}")
  bad(t, "three offsets", "two numbers", '{"a":' .. entry("F32", "1", "0,4,8") .. "}")
  bad(t, "one offset", "two numbers", '{"a":' .. entry("F32", "1", "4") .. "}")
  bad(t, "offsets backwards", "takes 4 bytes", '{"a":' .. entry("F32", "1", "4,0") .. "}")
  bad(t, "offsets of another length", "takes 8 bytes", '{"a":' .. entry("F32", "2", "0,4") .. "}")
  bad(t, "an overflowing shape", "too large", '{"a":' .. entry("F32", "9007199254740992,9007199254740992", "0,0") .. "}")
  bad(t, "an overflowing byte count", "too large", '{"a":' .. entry("F64", "9007199254740992,1024", "0,0") .. "}", "")
  bad(t, "a size beyond 2^53", "below 2%^53", '{"a":' .. entry("F32", "18446744073709551617", "0,4") .. "}")
  bad(t, "thirteen dimensions", "more than 12", '{"a":' .. entry("F32", "1" .. (",1"):rep(12), "0,4") .. "}")
end

-- Places of the data in the file.
local function test_bad_layouts(t)
  bad(t, "a hole", "there is a hole", ('{"a":%s,"b":%s}'):format(f32, entry("F32", "1", "8,12")), ("\0"):rep(12))
  bad(t, "a hole at the front", "there is a hole", '{"a":' .. entry("F32", "1", "4,8") .. "}", ("\0"):rep(8))
  bad(t, "an overlap", "overlap", ('{"a":%s,"b":%s}'):format(f32, entry("F32", "1", "2,6")), ("\0"):rep(6))
  bad(t, "one place for two", "overlap", ('{"a":%s,"b":%s}'):format(f32, f32))
  bad(t, "truncated data", "truncated: the header promises 4 bytes of data, the file has 3", '{"a":' .. f32 .. "}", "\0\0\0")
  bad(t, "bytes behind the data", "1 bytes follow", '{"a":' .. f32 .. "}", "\0\0\0\0x")
  bad(t, "bytes and no tensor", "4 bytes follow", "{}")
  bad(t, "a bool of 7", "a bool is 0 or 1", '{"a":' .. entry("BOOL", "4", "0,4") .. "}", "\0\1\7\0")
end

local function test_bad_metadata(t)
  bad(t, "metadata of numbers", 'metadata__ "a" is no string', '{"__metadata__":{"a":1}}', "")
  bad(t, "metadata that is no object", "metadata__ is no object", '{"__metadata__":["a"]}', "")
  bad(t, "metadata twice", "comes twice", '{"__metadata__":{"a":"1"},"__metadata__":{}}', "")
  bad(t, "a key of the metadata twice", "comes twice", '{"__metadata__":{"a":"1","a":"2"}}', "")
end

local function test_bad_saves(t)
  local x = tensor {1.0}
  local function refused(name, pattern, ...) t.raises("save " .. name, pattern, tensor.save, ...) end
  refused("without a name", "save: the file's name is a nil")
  refused("under another ending", "a.txt ends neither in .safetensors nor in .npy", path "a.txt", {a = x})
  refused("as a picture", "write_image writes a PNG", path "a.png", x)
  refused("of a tensor in an archive", "tensors by name, .*got a tensor", path "never.safetensors", x)
  refused("of a table in npy", "holds one tensor, got a table", path "never.npy", {x})
  refused("of a number", "'a' is a number", path "never.safetensors", {a = 1})
  refused("of tensors without names", "tensors are saved by name", path "never.safetensors", {x})
  refused("of a broken list", "entry 1 of the list is no pair", path "never.safetensors", {{x, "a"}})
  refused("of a name twice", 'name "a" comes twice', path "never.safetensors", {{"a", x}, {"a", x}})
  refused("of the reserved name", "taken by the format", path "never.safetensors", {__metadata__ = x})
  refused("of a name with a zero", "zero byte", path "never.safetensors", {["a\0b"] = x})
  refused("of a name that is no text", "not UTF%-8", path "never.safetensors", {["\xff"] = x})
  refused("with an unknown option", "unknown option 'meta'; did you mean 'metadata'", path "never.safetensors", {a = x}, {meta = {}})
  refused("with metadata of numbers", "metadata 'a' is a number", path "never.safetensors", {a = x}, {metadata = {a = 1}})
  refused("into no folder", "there is no folder .*/absent", path "absent/a.npy", x)
  refused("with a zero in the path", "zero byte", path "a\0.npy", x)
  t.raises("load with a wrong ending", "read_image reads images", tensor.load, path "a.png")
  t.raises("load of Python's pickles", "safetensors.torch.save_file", tensor.load, path "model.pt")
  t.ok("nothing was left", not exists(path "never.safetensors") and not exists(path "never.npy"))
end

-- ---- real files -----------------------------------------------------------------------------------

local function test_shared(t)
  if not t.shared then return end
  local base = t.shared .. "/data/"
  local all, metadata = tensor.load(base .. "mobilenet_v2/model.safetensors")
  local values = 0
  for _, w in pairs(all) do values = values + w:numel() end
  t.ok("a real archive", #all == 266 and values == 2619461 and metadata.format == "pt")
end

return files.in_folder(function(t)
  test_safetensors(t)
  test_safetensors_writing(t)
  test_bad_starts(t)
  test_bad_headers(t)
  test_bad_entries(t)
  test_bad_layouts(t)
  test_bad_metadata(t)
  test_bad_saves(t)
  test_shared(t)
end)
