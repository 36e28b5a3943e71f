-- init.lua: lunette.data: data sets by name, files of arrays and images, batches, splits.
--
--   local train, test = data.load "fashion-mnist"
--   for x, y in data.batches(train, {batch_size = 64, shuffle = true}) do … end

local core = require "lunette.core"
local fail = require "lunette.nn.fail"
local check_options = require "lunette.options"
local Loader = require "lunette.data.loader"
local known = require "lunette.data.known"
local rows = require "lunette.data.rows"
local set = require "lunette.data.set"

local tensor = core.tensor

local data = {batches = Loader.new, load = known.load}

--- data.idx(path): the tensor in an IDX file, gzipped or not, as it stands there.
-- example:
--   path = os.tmpname()
--   file = io.open(path, "wb")
--   file:write("\0\0\8\1\0\0\0\3\7\8\9"):close() --> true
--   data.idx(path) --> uint8 [3]  7  8  9
function data.idx(...) return tensor.read_idx(...) end

--- data.image(path, {channels =}): a PNG, JPEG or BMP as uint8 [C,H,W].
-- example:
--   path = os.tmpname() .. ".png"
--   tensor.write_image(path, tensor{{0.0, 1.0}})
--   data.image(path) --> uint8 [1,1,2]  0  255
function data.image(...) return tensor.read_image(...) end

-- ---- splitting -----------------------------------------------------------------------------------------

local function part(source, order, name)
  return set.new(source.x:index_select(1, order), source.y and source.y:index_select(1, order), source.classes, name)
end

local function read_split(x, ...)
  if set.is(x) then return x, ... end
  if tensor.is_tensor((...)) then return {x = x, y = (...)}, select(2, ...) end
  return {x = x}, ...
end

--- data.split(x, y, fraction, {stratify =, seed =}): two data sets of the rows, the second with a random
-- fraction of them; of a data set too: data.split(train, 0.1). With classes in y every class is split
-- alike, unless stratify = false. The order comes from the stream "data", or from a seed of its own.
-- example:
--   x, y = tensor.rand(10, 3), tensor{1, 1, 1, 1, 1, 2, 2, 2, 2, 2}
--   train, test = data.split(x, y, 0.2)
--   #train, #test, test.y:eq(1):sum() --> 8  2  1
function data.split(...)
  local source, fraction, options, surplus = read_split(...)
  set.check("data.split", {source.x, source.y}, {"x", "y"})
  if surplus ~= nil then fail.raise "data.split: takes x, y, a fraction and options" end
  options = check_options("data.split", options, {"stratify", "seed"})
  if type(fraction) ~= "number" or not (fraction > 0 and fraction < 1) then
    fail.raise("data.split: the fraction is %s; a number between 0 and 1 is wanted", tostring(fraction))
  end
  if options.stratify and not rows.has_classes(source.y) then
    fail.raise("data.split: stratify wants a y of classes, integers [N], not %s",
      source.y and source.y.dtype .. " " .. tostring(source.y.shape) or "none")
  end
  if options.seed ~= nil and not math.tointeger(options.seed) then
    fail.raise("data.split: the seed is %s; a whole number is wanted", tostring(options.seed))
  end
  local by_class = options.stratify ~= false and rows.has_classes(source.y)
  local n = #source.x
  local stay, out = rows.split(n, fraction, by_class and source.y or nil, options.seed)
  if #stay == 0 or #out == 0 then
    fail.raise("data.split: %g of %d rows leaves one part empty", fraction, n)
  end
  return part(source, stay, source.name), part(source, out, source.name and source.name .. " (held out)")
end

return core.strict(data, "data")
