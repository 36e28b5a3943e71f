-- data.lua: tests of lunette.data: data sets by name, loaders, splits.

local lunette = require "lunette"
local tensor, data = lunette.tensor, lunette.data
local files = dofile "tests/support/folder.lua"

local function sorted(list)
  table.sort(list)
  return list
end

-- What a loader gives in one epoch, the first tensor's rows as numbers.
local function walk(loader)
  local all, sizes = {}, {}
  for x in loader do
    sizes[#sizes + 1] = #x
    for _, v in ipairs(x:tolist()) do all[#all + 1] = v end
  end
  return table.concat(all, " "), table.concat(sizes, " "), all
end

local function test_batches(t)
  local x, y = tensor.arange(1, 10), tensor.arange(1, 10) * 10
  local loader = data.batches(x, y, {batch_size = 4})
  t.eq("batches are counted", #loader, 3)
  local all, sizes = walk(loader)
  t.eq("all rows in order", all, "1 2 3 4 5 6 7 8 9 10")
  t.eq("the last batch is smaller", sizes, "4 4 2")
  for a, b in loader do t.ok("y goes with x", b == a * 10) end
  loader = data.batches(x, {batch_size = 4, drop_last = true})
  t.eq("without the rest", #loader, 2)
  t.eq("without the rest", select(2, walk(loader)), "4 4")
  t.eq("32 by default", select(2, walk(data.batches(tensor.arange(1, 70)))), "32 32 6")
  t.eq("no rows, no batches", #data.batches(tensor.zeros(0, 3)), 0)
  for _ in data.batches(tensor.zeros(0, 3)) do t.ok("no rows, no turn", false) end
  local n = 0
  for a, b, c in data.batches(x, y, x * 2, {batch_size = 5}) do
    n = n + 1
    t.ok("any number of tensors", b == a * 10 and c == a * 2)
  end
  t.eq("turns", n, 2)
  t.ok("prints", tostring(loader) == "loader of 2 batches: 10 rows, batch_size 4, the rest dropped", tostring(loader))
end

local function test_shuffling(t)
  local x = tensor.arange(1, 100)
  tensor.manual_seed(7)
  local loader = data.batches(x, {batch_size = 30, shuffle = true})
  local first, _, list = walk(loader)
  t.eq("every row once", table.concat(sorted(list), " "), walk(data.batches(x)))
  t.ok("in another order", first ~= walk(data.batches(x)))
  local second = walk(loader)
  t.ok("each epoch in a new one", second ~= first)
  tensor.manual_seed(7)
  tensor.rand(3)
  local again = data.batches(x, {batch_size = 7, shuffle = true})
  t.ok("the seed decides, not other draws nor the batch size", walk(again) == first and walk(again) == second)
  local own = data.batches(x, {shuffle = true, seed = 3})
  local before = tensor.get_rng_state()
  local a, b = walk(own), walk(own)
  t.ok("a seed of its own", a ~= b and table.concat(before, " ") == table.concat(tensor.get_rng_state(), " "))
  tensor.manual_seed(99)
  own = data.batches(x, {shuffle = true, seed = 3})
  t.ok("gives its orders whatever the other seed", walk(own) == a and walk(own) == b)
  t.ok("another seed, another order", walk(data.batches(x, {shuffle = true, seed = 4})) ~= a)
end

local function test_loops(t)
  local loader = data.batches(tensor.arange(1, 10), {batch_size = 3})
  for _ in loader do break end -- luacheck: ignore 512
  t.eq("a loop after a break is whole", walk(loader), "1 2 3 4 5 6 7 8 9 10")
  t.raises("a loader in itself", "in use by a loop inside this one", function()
    for _ in loader do walk(loader) end
  end)
  t.raises("a loader in itself, broken off", "in use by a loop inside this one", function()
    for _ in loader do
      for _ in loader do break end -- luacheck: ignore 512
    end
  end)
  t.eq("and it goes on afterwards", walk(loader), "1 2 3 4 5 6 7 8 9 10")
  local other, n = data.batches(tensor.arange(1, 10), {batch_size = 3}), 0
  for _ in loader do
    for _ in other do n = n + 1 end
  end
  t.eq("two loaders nest", n, 16)
  n = 0
  for _ in loader do
    local _ <close> = tensor.scope()
    n = n + 1
  end
  t.eq("scopes do not disturb", n, 4)
  pcall(function() for _ in loader do error "stop" end end)
  t.eq("an error neither", walk(loader), "1 2 3 4 5 6 7 8 9 10")
end

local function test_bytes(t)
  local x = tensor.arange(0, 255):to("uint8"):reshape(64, 1, 2, 2)
  local y = tensor.arange(1, 64):to "uint8"
  for a, b in data.batches(x, y, {batch_size = 64}) do
    t.eq("images become float32", a.dtype, "float32")
    t.eq("labels stay", b.dtype, "uint8")
    local exact = true
    for i, v in ipairs(a:flatten():tolist()) do exact = exact and v == string.unpack("f", string.pack("f", (i - 1) / 255)) end
    t.ok("by 255, rounded once", exact)
  end
  t.eq("or stay bytes", data.batches(x, {scale = false})().dtype, "uint8")
  t.eq("a list of bytes stays", data.batches(y)().dtype, "uint8")
  t.eq("integers stay", data.batches(x:to "int64")().dtype, "int64")
  t.ok("the set itself stays", x.dtype == "uint8" and x:max() == 255)
end

local function test_bad_batches(t)
  local x, y = tensor.zeros(5, 2), tensor.zeros(5)
  local function bad(name, pattern, ...) t.raises("batches " .. name, "data.batches: " .. pattern, data.batches, ...) end
  bad("of nothing", "argument 1 is a nil")
  bad("of a table", "argument 1 is a table", {1, 2})
  bad("of a number after x", "argument 2 is a number", x, 32)
  bad("with something after the options", "argument 2", x, {}, 3)
  bad("of other lengths", "x has 5 rows and y 4; they must be equal", x, tensor.zeros(4))
  bad("of a single number", "x is a single number", tensor(1.5))
  bad("with a wrong option", "unknown option 'batchsize'; did you mean 'batch_size'", x, y, {batchsize = 3})
  bad("of size 0", "batch_size is 0; a whole number from 1", x, {batch_size = 0})
  bad("of size 2.5", "batch_size is 2.5", x, {batch_size = 2.5})
  bad("with shuffle = 1", "shuffle is 1; true or false", x, {shuffle = 1})
  bad("with a seed of text", "seed is abc", x, {seed = "abc"})
  bad("of a set whose y is a table", "y is a table; .*tensor%(…%)", {x = x, y = {1, 2, 3, 4, 5}})
  t.raises("a loader's wrong field", "no field 'next'", function() return data.batches(x).next end)
  t.raises("a wrong function", "data has no field 'bathces'; did you mean data.batches", function() return data.bathces end)
end

-- ---- splits ---------------------------------------------------------------------------------------

local function classes(counts)
  local list = {}
  for c, n in ipairs(counts) do
    for _ = 1, n do list[#list + 1] = c end
  end
  return tensor(list)
end

local function test_split(t)
  local y = classes {50, 30, 20}
  local x = tensor.arange(1, 100):unsqueeze(-1)
  tensor.manual_seed(1)
  local a, b = data.split(x, y, 0.2)
  t.ok("sizes", #a == 80 and #b == 20)
  for c, n in ipairs {10, 6, 4} do t.eq("class " .. c, b.y:eq(c):sum(), n) end
  local all = {}
  for _, part in ipairs {a, b} do
    for i = 1, #part do
      all[#all + 1] = part.x[{i, 1}]
      t.ok("y goes with x", part.y[i] == y[part.x[{i, 1}]])
    end
  end
  t.eq("every row once", table.concat(sorted(all), " "), table.concat(tensor.arange(1, 100):tolist(), " "))
  local _, c = data.split(x, y, 0.2)
  t.ok("the next split differs", c.x ~= b.x)
  tensor.manual_seed(1)
  _, c = data.split(x, y, 0.2)
  t.ok("the seed decides", c.x == b.x)
  local _, d = data.split(x, y, 0.2, {seed = 5})
  local _, e = data.split(x, y, 0.2, {seed = 5})
  t.ok("a seed of its own", d.x == e.x and d.x ~= b.x)
  local _, f = data.split(tensor.zeros(30, 2), classes {10, 10, 10}, 0.25)
  local shares = {}
  for k = 1, 3 do shares[k] = f.y:eq(k):sum() end
  t.ok("the parts of rows that are left are shared out", #f == 8 and table.concat(sorted(shares)) == "233", table.concat(shares))
  local _, g = data.split(x, y, 0.5, {stratify = false, seed = 2})
  t.ok("without strata", #g == 50)
  local h, i = data.split({x = x, y = y, classes = {"a", "b", "c"}}, 0.1)
  t.ok("of a data set", #h == 90 and #i == 10 and i.classes[2] == "b")
  h, i = data.split(x, 0.3)
  t.ok("of x alone", #h == 70 and #i == 30 and i.y == nil)
  h, i = data.split(x, tensor.rand(100), 0.3)
  t.ok("of values", #h == 70 and #i == 30 and i.y.dtype == "float32")
end

local function test_bad_split(t)
  local x, y = tensor.zeros(10, 2), classes {5, 5}
  local function bad(name, pattern, ...) t.raises("split " .. name, "data.split: " .. pattern, data.split, ...) end
  bad("without a fraction", "the fraction is nil", x, y)
  bad("of 1.5", "the fraction is 1.5; a number between 0 and 1", x, y, 1.5)
  bad("of 20", "the fraction is 20", x, y, 20)
  bad("that leaves nothing", "0.001 of 10 rows leaves one part empty", x, y, 0.001)
  bad("of other lengths", "x has 10 rows and y 9", x, y:narrow(1, 1, 9), 0.5)
  bad("stratified by values", "stratify wants a y of classes", x, tensor.rand(10), 0.5, {stratify = true})
  bad("stratified by nothing", ".*not none", x, 0.5, {stratify = true})
  bad("with a wrong option", "unknown option 'stratfy'; did you mean 'stratify'", x, y, 0.5, {stratfy = true})
end

-- ---- data sets by name ----------------------------------------------------------------------------

local function test_known(t)
  local images, labels, write = "train-images-idx3-ubyte", "train-labels-idx1-ubyte", files.write
  local function idx(shape, body) return files.idx(8, shape, body) end
  local folder = files.path ""
  write(images, idx({3, 2, 2}, "abcdefghijkl"))
  write(labels, idx({3}, "\0\9\4"))
  t.raises("a set with a file missing", "has no file t10k%-images%-idx3%-ubyte", data.load, "mnist", {dir = folder})
  write("t10k-images-idx3-ubyte", idx({1, 2, 2}, "mnop"))
  write("t10k-labels-idx1-ubyte", idx({1}, "\7"))
  files.shell("gzip " .. images)
  local train, test = data.load("mnist", {dir = folder})
  t.ok("x is [N,1,H,W] of bytes", train.x.dtype == "uint8" and train.x.shape == tensor.list {3, 1, 2, 2})
  t.ok("labels count from 1", train.y == tensor {1, 10, 5} and train.y.dtype == "int64")
  t.ok("classes have names", train.classes[train.y[2]] == "9" and #train == 3)
  t.ok("the test set", #test == 1 and test.y[1] == 8 and test.x[{1, 1, 2, 2}] == ("p"):byte())
  t.raises("a data set's wrong field", "no field 'X'; did you mean x", function() return train.X end)
  local n = 0
  for x, y in data.batches(train, {batch_size = 2}) do
    n = n + 1
    t.ok("a set in batches", x.dtype == "float32" and #x == #y)
  end
  t.eq("two batches", n, 2)
  write(labels, idx({2}, "\0\9"))
  t.raises("labels too few", "one uint8 label for each of 3 images", data.load, "mnist", {dir = folder})
  write(labels, idx({3}, "\0\9\10"))
  t.raises("a label too large", "holds the label 10; 0..9 are known", data.load, "mnist", {dir = folder})
  write(labels, idx({3}, "\0\9"))
  t.raises("a file cut off", "data.load: .*truncated: the header promises 3 = 3 bytes", data.load, "mnist", {dir = folder})
  t.raises("a set that is not there", "there is no train%-images.*/nowhere; give the folder", data.load, "mnist", {dir = "/nowhere"})
  t.raises("a set misspelt", 'did you mean "fashion%-mnist"', data.load, "fashion_mnist")
  t.raises("a set unknown", "there are fashion%-mnist and mnist", data.load, "imagenet")
  t.raises("a wrong option", "unknown option 'folder'", data.load, "mnist", {folder = "x"})
end

local function test_real(t)
  local f = io.open "/usr/share/datasets/fashion-mnist/train-images-idx3-ubyte.gz"
  if not f then return end
  f:close()
  local train, test = data.load "fashion-mnist"
  t.ok("fashion-mnist", train.x.shape == tensor.list {60000, 1, 28, 28} and #test == 10000)
  t.eq("its first image", train.classes[train.y[1]], "Ankle boot")
  for c = 1, 10 do t.eq("images of class " .. c, train.y:eq(c):sum(), 6000) end
  t.near("its mean", train.x:float():mean() / 255, 0.2860405797, 1e-6)
end

return function(t)
  test_batches(t)
  test_shuffling(t)
  test_loops(t)
  test_bytes(t)
  test_bad_batches(t)
  test_split(t)
  test_bad_split(t)
  files.in_folder(test_known)(t)
  test_real(t)
end
