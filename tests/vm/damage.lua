-- damage.lua: small files of every kind that is read, cut at every byte and with every byte changed: each
-- reads as something whole, or is an error that names the file's reader.

local lunette = require "lunette"
local files = require "tests.support.folder"
local tensor = lunette.tensor
local path, write, read = files.path, files.write, files.read

-- name -> {bytes, reader}
local function originals()
  local x = tensor.arange(6):view(2, 3)
  tensor.save(path "a.safetensors", {w = x:float(), ["b.c"] = tensor {true, false}}, {metadata = {format = "pt"}})
  tensor.save(path "a.npy", x:to "int32")
  tensor.save(path "b.npy", x:double().T)
  local list = {["safetensors"] = tensor.load, ["npy"] = tensor.load}
  local all = {
    {"a.safetensors", list.safetensors}, {"a.npy", list.npy}, {"b.npy", list.npy},
    {"a.idx", tensor.read_idx}, {"a.idx.gz", tensor.read_idx}, {"a.jpg", tensor.read_image},
  }
  write("a.idx", files.idx(8, {2, 3}, "abcdef"))
  write("b.idx", files.idx(13, {2}, "abcdefgh"))
  files.shell "gzip -c b.idx > a.idx.gz"
  write("a.jpg", files.tiny_jpeg)
  for _, channels in ipairs {1, 3, 4} do
    local name = channels .. ".png"
    tensor.write_image(path(name), tensor.linspace(0, 1, channels * 12):view(channels, 3, 4))
    all[#all + 1] = {name, tensor.read_image}
  end
  return all
end

local function try(t, name, reader, bytes)
  local done, y = pcall(reader, write("broken-" .. name, bytes))
  if not done then return type(y) == "string" or t.ok(name, false, "an error that is a " .. type(y)) end
  for _, x in pairs(tensor.is_tensor(y) and {y} or y) do tostring(x:contiguous()) end
end

return files.in_folder(function(t)
  for _, item in ipairs(originals()) do
    local name, reader = item[1], item[2]
    local bytes = read(path(name))
    local before = tensor.memory().tensors
    for at = 0, #bytes - 1 do
      local head, byte, tail = bytes:sub(1, at), bytes:byte(at + 1), bytes:sub(at + 2)
      try(t, name, reader, head)
      for _, new in ipairs {byte ~ 1 << at % 8, 0xff - byte, at % 2 * 255} do
        try(t, name, reader, head .. string.char(new) .. tail)
      end
      try(t, name, reader, head .. tail)
      try(t, name, reader, head .. string.char(byte, at * 7 % 256) .. tail)
    end
    local done = pcall(reader, path(name))
    t.ok(name .. " is read whole", done)
    collectgarbage()
    collectgarbage()
    t.ok(name .. " leaves nothing", tensor.memory().tensors <= before + 4, tensor.memory().tensors - before)
  end
end)
