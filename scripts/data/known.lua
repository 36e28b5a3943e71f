-- known.lua: data sets by name: where their files are, what is in them.

local core = require "lunette.core"
local fail = require "lunette.nn.fail"
local check_options = require "lunette.options"
local set = require "lunette.data.set"

local tensor = core.tensor

local known = {}

local digits = {"0", "1", "2", "3", "4", "5", "6", "7", "8", "9"}

local sets = {
  ["fashion-mnist"] = {
    package = "dataset-fashion-mnist",
    folder = "/usr/share/datasets/fashion-mnist",
    classes = {"T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"},
  },
  mnist = {classes = digits, names_are_digits = true},
}
local names = {"fashion-mnist", "mnist"}

local said = {} -- data sets that were announced

-- ---- finding files -------------------------------------------------------------------------------------

local function exists(path)
  local f = io.open(path, "rb")
  if f then f:close() end
  return f ~= nil
end

-- The file of a part ("train-images-idx3-ubyte") in a folder, packed or not.
local function find_file(folder, part)
  for _, name in ipairs {part, (part:gsub("%-idx", ".idx"))} do
    for _, ending in ipairs {".gz", ""} do
      local path = folder .. "/" .. name .. ending
      if exists(path) then return path end
    end
  end
end

local parts = {"train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"}

-- Paths of the four files if the first is in the folder; a file that is missing beside it is an error.
local function files_in(name, folder)
  local paths = {}
  for i, part in ipairs(parts) do
    paths[i] = find_file(folder, part)
    if not paths[i] and i == 1 then return nil end
    if not paths[i] then fail.raise("data.load: %s: %s has no file %s(.gz)", name, folder, part) end
  end
  return paths
end

local function folders_of(name, about, dir)
  if dir then return {dir} end
  local base, list = os.getenv "LUNETTE_DATA", {}
  if base then list[1] = base .. "/" .. name end
  if about.folder then list[#list + 1] = about.folder elseif base then list[#list + 1] = base end
  return list
end

local function find(name, about, dir)
  local folders = folders_of(name, about, dir)
  for _, folder in ipairs(folders) do
    local paths = files_in(name, folder)
    if paths then return paths end
  end
  local looked = #folders > 0 and " in " .. table.concat(folders, " or ") or ""
  local get = about.package and not dir and "apt install " .. about.package
    or "give the folder that holds it: {dir = \"…\"}, or the environment's LUNETTE_DATA"
  fail.raise("data.load: %s: there is no %s(.gz)%s; %s", name, parts[1], looked, get)
end

-- ---- reading -------------------------------------------------------------------------------------------

local function read_idx(path)
  local done, result = pcall(tensor.read_idx, path)
  if done then return result end
  if type(result) ~= "string" then error(result, 0) end
  fail.raise("data.load: %s", (result:gsub("^read_idx: ", "")))
end

-- x uint8 [N,1,H,W], y int64 [N] from 1.
local function read_part(name, images, labels, classes)
  local x, y = read_idx(images), read_idx(labels)
  if x.dtype ~= "uint8" or x:dim() ~= 3 then
    fail.raise("data.load: %s: %s holds %s %s; images are uint8 [N,H,W]", name, images, x.dtype, tostring(x.shape))
  end
  if y.dtype ~= "uint8" or y:dim() ~= 1 or #y ~= #x then
    fail.raise("data.load: %s: %s holds %s %s; one uint8 label for each of %d images is wanted", name, labels, y.dtype,
      tostring(y.shape), #x)
  end
  y = y:to "int64"
  if #y > 0 and y:max() >= #classes then
    fail.raise("data.load: %s: %s holds the label %d; 0..%d are known", name, labels, y:max(), #classes - 1)
  end
  return x:unsqueeze(2), y:add_(1)
end

local function announce(name, about, train, test)
  if said[name] then return end
  said[name] = true
  local size = tostring(tensor.list {table.unpack(train.x.shape, 2)}):gsub("{", "["):gsub("}", "]"):gsub(" ", "")
  io.stderr:write(("%s: %d + %d images %s; labels 0..%d in the files are classes 1..%d here%s\n"):format(name, #train,
    #test, size, #about.classes - 1, #about.classes, about.names_are_digits and ', named "0".."9"' or ""))
end

--- data.load(name, {dir =}): the training set and the test set of that name, {x =, y =, classes =}:
-- "fashion-mnist" (Debian's dataset-fashion-mnist), or "mnist" from a folder with its four IDX files.
-- x is uint8 [N,1,28,28]; y int64 [N], classes from 1.
-- example:
--   train, test = data.load "fashion-mnist" --> ...
--   #train, #test, train.x.shape, train.classes[1] --> 60000  10000  {60000, 1, 28, 28}  T-shirt/top
function known.load(name, options, ...)
  if select("#", ...) > 0 then fail.raise "data.load: takes a name and options" end
  local about = sets[name]
  if not about then
    local near = core.suggest(tostring(name), names)
    if name == nil then fail.raise("data.load: the name is missing; data.load \"%s\"", names[1]) end
    fail.raise("data.load: there is no data set '%s'%s", tostring(name),
      near and "; did you mean \"" .. near .. "\"?" or "; there are " .. table.concat(names, " and "))
  end
  options = check_options("data.load", options, {"dir"})
  if options.dir ~= nil and type(options.dir) ~= "string" then
    fail.raise("data.load: dir is a %s; the name of a folder is wanted", type(options.dir))
  end
  local paths = find(name, about, options.dir)
  local classes = tensor.list {table.unpack(about.classes)}
  local x, y = read_part(name, paths[1], paths[2], classes)
  local test_x, test_y = read_part(name, paths[3], paths[4], classes)
  local train, test = set.new(x, y, classes, name), set.new(test_x, test_y, classes, name .. " (test)")
  announce(name, about, train, test)
  return train, test
end

return known
