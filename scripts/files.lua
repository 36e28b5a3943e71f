-- files.lua: tensor.load and tensor.save: tensors by name in .safetensors files, one array in .npy.

local core = require "lunette.core"
local fail = require "lunette.nn.fail"
local check_options = require "lunette.options"

local tensor = core.tensor

local files = {}

-- Runs a function of the core; its error, which has the user's line already, names our function.
local function call(f, ...)
  local result = table.pack(pcall(f, ...))
  if result[1] then return table.unpack(result, 2, result.n) end
  if type(result[2]) ~= "string" then error(result[2], 0) end
  error((result[2]:gsub("read_npy:", "load:", 1):gsub("write_npy:", "save:", 1)), 0)
end

-- ---- archives: tables name -> tensor that pairs walks in the order of the file -----------------------

local most_shown = 12

local function describe(archive)
  local me = getmetatable(archive)
  local lines, values = {}, 0
  for name, t in pairs(archive) do
    values = values + t:numel()
    if #lines < most_shown then lines[#lines + 1] = ("  %s  %s %s"):format(name, t.dtype, t.shape) end
  end
  local n = #archive
  table.insert(lines, 1, ("%d tensor%s, %d values, from %s"):format(n, n == 1 and "" or "s", values, me.file))
  if n > most_shown then lines[#lines + 1] = ("  … and %d more"):format(n - most_shown) end
  return table.concat(lines, "\n")
end

-- The next name in order that still has a value.
local function step(state)
  local names = state.names
  repeat
    state.at = state.at + 1
    local name = names[state.at]
    if name ~= nil and rawget(state.archive, name) ~= nil then return name, rawget(state.archive, name) end
  until name == nil
end

local function new_archive(path, entries, notes)
  local archive, me, place = {}, {file = path, names = {}, metadata = {}}, {}
  local function add(_, name, t)
    if not place[name] then
      me.names[#me.names + 1] = name
      place[name] = true
    end
    rawset(archive, name, t)
  end
  for _, entry in ipairs(entries) do add(nil, entry[1], entry[2]) end
  for _, note in ipairs(notes) do me.metadata[note[1]] = note[2] end
  me.__newindex = add
  me.__pairs = function() return step, {names = me.names, archive = archive, at = 0} end
  me.__len = function()
    local n = 0
    for _, name in ipairs(me.names) do n = n + (rawget(archive, name) ~= nil and 1 or 0) end
    return n
  end
  me.__tostring = describe
  return setmetatable(archive, me)
end

-- ---- loading -----------------------------------------------------------------------------------------

local function ending(path) return path:match "%.([%w]+)$" end

local elsewhere = {
  png = "tensor.read_image reads images", jpg = "tensor.read_image reads images",
  jpeg = "tensor.read_image reads images", bmp = "tensor.read_image reads images",
  gz = "tensor.read_idx reads IDX files", pt = "in Python, safetensors.torch.save_file writes what can be read",
  pth = "in Python, safetensors.torch.save_file writes what can be read",
  bin = "in Python, safetensors.torch.save_file writes what can be read",
  npz = "in Python, numpy.save writes single arrays that can be read",
}

local function check_path(where, path)
  if type(path) ~= "string" then
    fail.raise("%s: the file's name is a %s; a string is wanted", where, type(path))
  end
  local kind = (ending(path) or ""):lower()
  if kind == "safetensors" or kind == "npy" then return kind end
  local repair = where == "load" and elsewhere[kind] or where == "save" and (kind == "png" or kind == "jpg")
    and "tensor.write_image writes a PNG"
  fail.raise("%s: %s ends neither in .safetensors nor in .npy%s", where, path,
    repair and "; " .. repair or "")
end

--- tensor.load(path): of a .safetensors file a table name -> tensor, names as in the file, which pairs
-- walks in the file's order, and its metadata, a table of strings; of a .npy file one tensor.
-- example:
--   path = os.tmpname() .. ".safetensors"
--   tensor.save(path, {weight = tensor{1.0, 2.0}})
--   tensor.load(path).weight --> float32 [2]  1.0  2.0
function files.load(path, ...)
  if select("#", ...) > 0 then fail.raise "load: takes only the file's name" end
  if check_path("load", path) == "npy" then return call(tensor.read_npy, path) end
  local archive = new_archive(path, call(core.read_archive, path))
  return archive, getmetatable(archive).metadata
end

-- ---- saving ------------------------------------------------------------------------------------------

local function bad_entry(name, value)
  fail.raise("save: '%s' is a %s; a table of tensors by name is wanted, or {{name, tensor}, …}",
    tostring(name), type(value))
end

-- A list of {name, tensor}: in the order of a list or of a table that has one, else sorted by name.
local function entries_of(given)
  local entries, me = {}, getmetatable(given)
  if #given > 0 and not (me and me.__pairs) then
    for i = 1, #given do
      local pair = given[i]
      if type(pair) ~= "table" or type(pair[1]) ~= "string" or not tensor.is_tensor(pair[2]) then
        fail.raise("save: entry %d of the list is no pair {name, tensor}%s", i,
          tensor.is_tensor(pair) and "; tensors are saved by name: {weight = t} or {{\"weight\", t}}" or "")
      end
      entries[i] = {pair[1], pair[2]}
    end
    return entries
  end
  for name, t in pairs(given) do
    if type(name) ~= "string" or not tensor.is_tensor(t) then bad_entry(name, t) end
    entries[#entries + 1] = {name, t}
  end
  if not (me and me.__pairs) then table.sort(entries, function(a, b) return a[1] < b[1] end) end
  return entries
end

local function notes_of(metadata)
  local notes = {}
  if metadata == nil then return notes end
  if type(metadata) ~= "table" then
    fail.raise("save: metadata is a %s; a table of strings by name is wanted", type(metadata))
  end
  for key, value in pairs(metadata) do
    if type(key) ~= "string" or type(value) ~= "string" then
      fail.raise("save: metadata '%s' is a %s; keys and values are strings", tostring(key), type(value))
    end
    notes[#notes + 1] = {key, value}
  end
  table.sort(notes, function(a, b) return a[1] < b[1] end)
  return notes
end

--- tensor.save(path, tensors, {metadata = {…}}): tensors by name to .safetensors, in the order of a list
-- {{name, tensor}, …} or sorted by name; tensor.save("x.npy", t): one tensor. The file under that name is
-- replaced only when the new one is whole and on the disk.
-- example:
--   path = os.tmpname() .. ".safetensors"
--   tensor.save(path, {weight = tensor{1.0, 2.0}})
--   tensor.load(path).weight --> float32 [2]  1.0  2.0
function files.save(path, value, options, ...)
  local kind = check_path("save", path)
  if select("#", ...) > 0 then fail.raise "save: takes a file's name, tensors and options" end
  if kind == "npy" then
    check_options("save", options, {})
    if not tensor.is_tensor(value) then
      fail.raise("save: a .npy file holds one tensor, got a %s; .safetensors holds tensors by name", type(value))
    end
    return call(tensor.write_npy, path, value)
  end
  options = check_options("save", options, {"metadata"})
  if type(value) ~= "table" then
    fail.raise("save: a .safetensors file holds tensors by name, {weight = t}, got a %s%s",
      tensor.is_tensor(value) and "tensor" or type(value), tensor.is_tensor(value) and "; .npy holds a single one" or "")
  end
  call(core.write_archive, path, entries_of(value), notes_of(options.metadata))
end

return files
