-- tensor.lua: what a user meets in a tensor: single values, comparison, indexing, types, printing,
-- lists, arguments. views.lua holds views and indices against a naive model.

local lunette = require "lunette"
local core = require "lunette.core"
local tensor = lunette.tensor

local function text(v)
  if type(v) ~= "table" then return tostring(v) end
  local parts = {}
  for i = 1, #v do parts[i] = text(v[i]) end
  return "{" .. table.concat(parts, ",") .. "}"
end

-- x as nested lists in one string, its type before it.
local function plain(x) return tensor.is_tensor(x) and x.dtype .. " " .. text(x:tolist()) or tostring(x) end

local function matrix() return tensor { { 1, 2, 3 }, { 4, 5, 6 } } end

-- ---- single values -------------------------------------------------------------------------------

local function test_single_values(t)
  local x = matrix()
  t.eq("an element is an integer", math.type(x[{ 2, 1 }]), "integer")
  t.ok("the lecturer's line", x[{ 2, 1 }] == 4 and ({ "a", "b", "c" })[x[2]:argmax()] == "c" and not x:gt(9):any())
  t.eq("chained", x[-1][-1], 6)
  t.eq("of floats", math.type(x:float()[{ 1, 1 }]), "float")
  t.eq("of masks", x:gt(3)[{ 2, 1 }], true)
  t.eq("sum of integers", math.type(x:sum()), "integer")
  t.eq("count of a mask", x:gt(3):sum(), 3)
  t.eq("argmax", x:argmax(), 6)
  t.eq("max", x:max(), 6)
  t.eq("any", x:gt(5):any(), true)
  t.eq("all", x:gt(5):all(), false)
  local mean = x:mean()
  t.ok("a float reduction stays a tensor", tensor.is_tensor(mean) and mean:dim() == 0)
  t.eq("and prints as a number", tostring(mean), "3.5")
  t.eq("and takes part in arithmetic", (mean * 2):item(), 7.0)
  t.eq("numbers answer item", x:sum():item(), 21)
  t.eq("booleans too", x:gt(0):all():item(), true)
  t.raises("and nothing else", "attempt to index a number value", function() return x:sum().shape end)
  t.ok("select gives a tensor", tensor.is_tensor(tensor { 7, 8 }:select(1, 1)))
  local w = tensor({ 1, 2, 3 }, { requires_grad = true })
  t.ok("a pick keeps its graph", tensor.is_tensor(w[1]) and w[1]:dim() == 0 and w[1].requires_grad)
  t.ok("inside no_grad too", tensor.no_grad(function() return tensor.is_tensor(w[1]) end))
  t.eq("detached it is a number", w:detach()[1], 1.0)
  t.eq("an integer result of it is one", w:argmax(), 3)
  t.eq("a mask of it too", w[1]:gt(0), true)
  t.raises("item of many", "item: the tensor is %[2,3%]", x.item, x)
end

-- ---- comparison ------------------------------------------------------------------------------------

local function test_comparison(t)
  local x = matrix()
  t.eq("equal values", x == matrix(), true)
  t.eq("of another type", x == matrix():double(), true)
  t.eq("other values", x == x + 1, false)
  t.eq("other shape", tensor { 1, 1 } == tensor { { 1, 1 } }, false)
  t.eq("NaN equals nothing", tensor { 0 / 0 } == tensor { 0 / 0 }, false)
  t.eq("large integers are exact", tensor { 1 << 60 } == tensor { (1 << 60) + 1 }, false)
  t.eq("views are walked", x.T == tensor { { 1, 4 }, { 2, 5 }, { 3, 6 } }, true)
  t.eq("with a number: never", x == 2, false)
  t.eq("masks", plain(x:lt(3)), "bool {{true,true,false},{false,false,false}}")
  t.eq("joined", plain(x:gt(1) & x:lt(3) | ~x:ne(6)), "bool {{false,true,false},{false,false,true}}")
  t.eq("single values order", tensor(1) < tensor { 2 } and tensor(2.5) >= 2.5 and (tensor(3) < 2) == false, true)
  t.eq("large integers order", tensor((1 << 60) + 1) > tensor(1 << 60), true)
  t.raises("x > 2", "%[2,3%] tensor with a number.*x:gt", function() return x > 2 end)
  t.raises("x <= 2", "x:le", function() return x <= 2 end)
  t.raises("x < y", "x:lt", function() return x < matrix() end)
end

-- ---- indexing ---------------------------------------------------------------------------------------

-- What an index of x = {{1,2,3},{4,5,6}} gives.
local reads = {
  { 2, "{4,5,6}" }, { -2, "{1,2,3}" }, { 2.0, "{4,5,6}" }, { { 2, 3 }, "6" }, { { -1, -1 }, "6" }, { {}, "{{1,2,3},{4,5,6}}" },
  { { {} }, "{{1,2,3},{4,5,6}}" }, { { {}, 2 }, "{2,5}" }, { { { 2 } }, "{{4,5,6}}" }, { { {}, { 2, 3 } }, "{{2,3},{5,6}}" },
  { { {}, { 1, 3, 2 } }, "{{1,3},{4,6}}" }, { { {}, { -2, -1 } }, "{{2,3},{5,6}}" }, { { {}, { 2, 9 } }, "{{2,3},{5,6}}" },
  { { {}, { 3, 2 } }, "{{},{}}" }, { { "...", 1 }, "{1,4}" }, { { 1, "..." }, "{1,2,3}" }, { { 1, "...", 2 }, "2" },
  { "2", "{4,5,6}" }, { "1, 2:3", "{2,3}" }, { ":, -1", "{3,6}" }, { "..., 1", "{1,4}" }, { "::2", "{{1,2,3}}" },
  { ":, ::2", "{{1,3},{4,6}}" }, { "2:", "{{4,5,6}}" }, { ":1", "{{1,2,3}}" }, { ":-2", "{{1,2,3}}" }, { "1:2:2", "{{1,2,3}}" },
  { " 2 , 1 ", "4" }, { tensor { 2, 1, 2 }, "{{4,5,6},{1,2,3},{4,5,6}}" }, { tensor { -1 }, "{{4,5,6}}" },
  { tensor({ 2 }, { dtype = "uint8" }), "{{4,5,6}}" }, { tensor({ 2 }, { dtype = "int32" }), "{{4,5,6}}" },
  { tensor { false, true }, "{{4,5,6}}" }, { matrix():gt(4), "{5,6}" }, { { {}, tensor { true, false, true } }, "{{1,3},{4,6}}" },
  { { 2, tensor { 3, 1 } }, "{6,4}" }, { { tensor { 1, 2 }, tensor { 3, 1 } }, "{3,4}" },
  { { tensor { { 1, 2 } }, 2 }, "{{2,5}}" }, { { tensor { 1, 2 }, { 1, 2 } }, "{{1,2},{4,5}}" },
}

local wrong_reads = {
  { 0, "index 0 in dimension 1: positions count from 1" }, { 3, "index 3 in dimension 1: x is %[2,3%], so 1..2 or %-2..%-1" },
  { -3, "index %-3 in dimension 1" }, { { 1, 4 }, "index 4 in dimension 2" }, { { 1, 2, 3 }, "3 parts .* 2 dimensions" },
  { "1:", "1: is everything" }, { ":-1", ":%-1 is everything" }, { "0", "index 0" }, { "0:1", "count from 1" },
  { "2:x", "comma is wanted" }, { "2 3", "comma is wanted" }, { "1:2:", "step after the second" }, { "1:2:0", "steps are positive" },
  { "1,,2", "a number, a range" }, { 1.5, "1.5 is not a whole number" }, { { { 1, 2, 0 } }, "steps are positive" },
  { { { 0, 1 } }, "count from 1" }, { { { 1, 2, 1, 1 } }, "a range is {first, last}" }, { { "...", "..." }, "at most one" },
  { true, "an index is a whole number" }, { print, "got function" }, { tensor { 3 }, "index 3 in dimension 1" },
  { tensor { 0 }, "index 0 in dimension 1: positions count from 1" }, { tensor { 1.0 }, "float32; positions are integers" },
  { tensor { true }, "a mask of shape %[1%]" }, { { tensor { 1, 2 }, tensor { 1, 2, 3 } }, "%[2%] and %[3%] do not go together" },
}

local function test_reading(t)
  local x = matrix()
  for i, case in ipairs(reads) do
    local got = x[case[1]]
    t.eq("read " .. i, tensor.is_tensor(got) and text(got:tolist()) or tostring(got), case[2])
  end
  for i, case in ipairs(wrong_reads) do t.raises("wrong read " .. i, case[2], function() return x[case[1]] end) end
  t.raises("nil", "got nil", function() return x[nil] end)
  t.raises("a field that is none", "no method or field 'foo'", function() return x.foo end)
  t.raises("a method misspelt", "did you mean sum", function() return x:summ() end)
end

local function test_writing(t)
  local x
  local function is(name, want) t.eq("write " .. name, text(x:long():tolist()), want) end
  local function fresh() x = tensor.zeros(2, 3) end
  fresh() x[1] = 5 is("a row", "{{5,5,5},{0,0,0}}")
  fresh() x[{ 2, -1 }] = 7 is("an element", "{{0,0,0},{0,0,7}}")
  fresh() x["2, 2:3"] = 8 is("a string", "{{0,0,0},{0,8,8}}")
  fresh() x[{ {}, 2 }] = tensor { 1.0, 2.0 } is("a column", "{{0,1,0},{0,2,0}}")
  fresh() x[{}] = 3 is("all", "{{3,3,3},{3,3,3}}")
  fresh() x["..."] = tensor { 1, 2, 3 } is("broadcast", "{{1,2,3},{1,2,3}}")
  fresh() x[{ {}, { 1, 3, 2 } }] = 4 is("a step", "{{4,0,4},{4,0,4}}")
  fresh() x[tensor { { true, false, true }, { false, true, false } }] = 6 is("a mask", "{{6,0,6},{0,6,0}}")
  fresh() x[tensor { { true, false, true }, { false, true, false } }] = tensor { 1, 2, 3 } is("a mask, values", "{{1,0,2},{0,3,0}}")
  fresh() x[tensor { 2, 1 }] = tensor { { 1, 2, 3 }, { 4, 5, 6 } } is("rows", "{{4,5,6},{1,2,3}}")
  fresh() x[{ tensor { 1, 2 }, tensor { 3, 1 } }] = tensor { 8, 9 } is("places", "{{0,0,8},{9,0,0}}")
  fresh() x[{ 2, tensor { 1, 3 } }] = tensor { 5, 6 } is("mixed", "{{0,0,0},{5,0,6}}")
  fresh() x.T[1] = tensor { 1, 2 } is("through a view", "{{1,0,0},{2,0,0}}")
  fresh() x[1] = x[2] + 1 x[2] = x[1] is("of itself", "{{1,1,1},{1,1,1}}")
  x = tensor { 1, 2, 3, 4 } x["2:4"] = x["1:3"] is("overlapping", "{1,1,2,3}")
  x = tensor { 1, 2 } x[1] = 2.0 is("a whole float in integers", "{2,2}")
  local y = tensor { 1, 2, 3 }
  local wrong = {
    { 1, 2.5, "2.5 does not fit an int64 tensor; x = x:float%(%) first" }, { 1, "a", "not string" }, { 1, { 1 }, "tensor{...} makes" },
    { 4, 1, "index 4" }, { 0, 1, "index 0" }, { true, 1, "an index is" }, { {}, tensor { 1, 2 }, "%[2%]" }, { "foo", 1, "no field 'foo'" },
    { tensor { 1, 2 }, tensor { 1, 2, 3 }, "%[3%]" }, { 1, 1 / 0, "inf does not fit" }, { 1, 2 ^ 80, "does not fit" },
    { "requires_grad", true, "x:requires_grad_%(%)" }, { "grad", 5, "a tensor is wanted" }, { "grad", tensor { 1 }, "shape %[1%]" },
    { "shape", {}, "no field 'shape' that can be set" },
  }
  for i, case in ipairs(wrong) do t.raises("wrong write " .. i, case[3], function() y[case[1]] = case[2] end) end
  t.raises("300 in uint8", "300 does not fit", function() tensor.zeros(2, { dtype = "uint8" })[1] = 300 end)
  t.raises("-1 in uint8", "%-1 does not fit", function() return tensor({ -1 }, { dtype = "uint8" }) end)
  t.eq("nothing was written", text(y:tolist()), "{1,2,3}")
end

-- ---- types -------------------------------------------------------------------------------------------

-- PyTorch's rules, by hand: rows and columns float32 float64 int64 int32 uint8 bool.
local types = { "float32", "float64", "int64", "int32", "uint8", "bool" }
local promoted = {
  "float32 float64 float32 float32 float32 float32",
  "float64 float64 float64 float64 float64 float64",
  "float32 float64 int64 int64 int64 int64",
  "float32 float64 int64 int32 int32 int32",
  "float32 float64 int64 int32 uint8 uint8",
  "float32 float64 int64 int32 uint8 bool",
}

local function test_promotion(t)
  local class = { float32 = 2, float64 = 2, int64 = 1, int32 = 1, uint8 = 1, bool = 0 }
  for i, a in ipairs(types) do
    local j = 0
    for want in promoted[i]:gmatch "%S+" do
      j = j + 1
      local b = types[j]
      local x, y = tensor.ones(2, { dtype = a }), tensor.ones(2, { dtype = b })
      t.eq(a .. " + " .. b, (x + y).dtype, want)
      t.eq(a .. " * " .. b, (x * y).dtype, want)
      t.eq("cat of " .. a .. " and " .. b, tensor.cat({ x, y }).dtype, want)
      -- a tensor without dimensions counts only by its class
      local single = tensor(1, { dtype = b })
      t.eq(a .. " + single " .. b, (x + single).dtype, class[b] > class[a] and b or a)
    end
  end
  for _, a in ipairs(types) do
    local x = tensor.ones(2, { dtype = a })
    t.eq(a .. " + 1", (x + 1).dtype, a == "bool" and "int64" or a)
    t.eq(a .. " + 0.5", (x + 0.5).dtype, class[a] == 2 and a or "float32")
    t.eq(a .. " / 2", (x / 2).dtype, class[a] == 2 and a or "float32")
    t.eq("mean of " .. a, x:mean().dtype, class[a] == 2 and a or "float32")
    t.eq(a .. ":exp()", x:exp().dtype, class[a] == 2 and a or "float32")
    t.ok("promotion() names " .. a, tensor.promotion():find(a, 1, true))
  end
  t.eq("matmul", matrix():matmul(tensor.ones(3, 1)).dtype, "float32")
  t.eq("sum of bytes", math.type(tensor.ones(300, { dtype = "uint8" }):sum()), "integer")
  t.eq("sum of bytes does not wrap", tensor.ones(300, { dtype = "uint8" }):sum(), 300)
end

local function test_construction(t)
  local cases = {
    { { 1, 2 }, "int64 {1,2}" }, { { 1, 2.5 }, "float32 {1.0,2.5}" }, { { true, false }, "bool {true,false}" },
    { { true, 2 }, "int64 {1,2}" }, { {}, "float32 {}" }, { { {}, {} }, "float32 {{},{}}" }, { { { { 1 } } }, "int64 {{{1}}}" },
    { { tensor { 1, 2 }, tensor { 3, 4 } }, "int64 {{1,2},{3,4}}" }, { { tensor { 1, 2 }, { 3, 4.5 } }, "float32 {{1.0,2.0},{3.0,4.5}}" },
  }
  for i, case in ipairs(cases) do t.eq("tensor " .. i, plain(tensor(case[1])), case[2]) end
  t.eq("of a number", plain(tensor(3)), "int64 3")
  t.eq("dtype", plain(tensor({ 1, 2 }, { dtype = "float64" })), "float64 {1.0,2.0}")
  t.eq("half types", plain(tensor({ 1, 65504, 1e-8 }, { dtype = "float16" })), "float16 {1.0,65504.0,0.0}")
  t.eq("requires_grad makes floats", tensor({ 1 }, { requires_grad = true }).dtype, "float32")
  local wrong = {
    { { 1, nil, 3 }, "hole" }, { { { 1, 2 }, { 3 } }, "rows differ in length: 2 and 1" },
    { { 1, { 2 } }, "depth" }, { { { 1 }, 2 }, "depth" },
    { { 1, "2" }, 'string "2"' }, { "1, 2],[3", "%[%[...%]%] is a long string" }, { { 1, dtype = "int32" }, "name 'dtype'" },
    { { print }, "got function" }, { { [1] = 1, [3] = 3 }, "hole" }, { { tensor { 1 }, tensor { 1, 2 } }, "differ in shape" },
  }
  for i, case in ipairs(wrong) do t.raises("wrong tensor " .. i, case[2], tensor, case[1]) end
  t.raises("rows as arguments", "rows go into one table", tensor, { 1, 2 }, { 3, 4 })
  t.raises("three arguments", "takes a number or a table", tensor, 1, 2, 3)
  t.raises("nothing", "takes a number or a table", tensor)
  t.raises("a wrong option", "unknown option 'dytpe'", tensor, { 1 }, { dytpe = "int32" })
  t.raises("a wrong type", 'no type "flot"', tensor, { 1 }, { dtype = "flot" })
  t.raises("a fraction in integers", "2.5 does not fit", tensor, { 2.5 }, { dtype = "int64" })
  t.raises("too deep", "nested too deep", tensor, { { { { { { { { { { { { { 1 } } } } } } } } } } } } })
end

-- ---- printing ----------------------------------------------------------------------------------------

local function test_printing(t)
  local function is(name, x, want) t.eq("prints " .. name, tostring(x), want) end
  is("integers", tensor { { 1, 20 }, { -3, 4 } }, "int64 [2,2]\n   1  20\n  -3   4")
  is("floats", tensor { 1, 2.5 }, "float32 [2]\n  1.0  2.5")
  is("four decimals", tensor { 1, 1 / 3 }, "float32 [2]\n  1.0000  0.3333")
  is("bools", tensor { true, false }, "bool [2]\n   true  false")
  is("not numbers", tensor { 1.5, 0 / 0, 1 / 0, -1 / 0 }, "float32 [4]\n   1.5   nan   inf  -inf")
  is("one scale", tensor { 100000.0, 250000.0 }, "float32 [2] x 1e5\n  1.0  2.5")
  is("small ones", tensor { 0.001, 0.0025 }, "float32 [2] x 1e-3\n  1.0  2.5")
  is("a leaf", tensor({ 1.5 }, { requires_grad = true }), "float32 [1] requires_grad\n  1.5")
  is("nothing", tensor.zeros(0, 3), "float32 [0,3]")
  is("a cube", tensor { { { 1 }, { 2 } }, { { 3 }, { 4 } } }, "int64 [2,2,1]\n  1\n  2\n\n  3\n  4")
  is("a single float", tensor(2.5), "2.5")
  is("a tiny one", tensor(1.5e-7), "1.5e-07")
  is("a single integer", tensor(7), "7")
  is("a single leaf", tensor(1.0, { requires_grad = true }), "1.0 requires_grad")
  is("a view", tensor { { 1, 2 }, { 3, 4 } }.T, "int64 [2,2]\n  1  3\n  2  4")
  is("far apart", tensor { 123456789.0, 0.5 }, "float32 [2]\n  1.2346e+08  5.0000e-01")
  is("a long row", tensor.ones(30), "float32 [30]\n" .. ("  1.0"):rep(20) .. "\n" .. ("  1.0"):rep(10))
  is("wide rows", tensor.ones(2, 30), "float32 [2,30]\n  1.0  1.0  1.0  ...  1.0  1.0  1.0\n"
    .. "  1.0  1.0  1.0  ...  1.0  1.0  1.0")
  is("corners", tensor.arange(1000), "int64 [1000]\n     1     2     3  ...   998   999  1000")
  local long = tostring(tensor.arange(10000):reshape(100, 100))
  t.ok("corners of a matrix", #long < 400 and long:find "\n  %.%.%.\n" and long:find "  10000$", long)
  t.eq("joins strings", "x = " .. tensor(2.5) .. ", s = " .. tensor.zeros(2, 3).shape, "x = 2.5, s = {2, 3}")
end

-- ---- lists, loops, fields -----------------------------------------------------------------------------

local function test_fields(t)
  local x = matrix()
  t.eq("shape prints", tostring(x.shape), "{2, 3}")
  t.ok("shape compares", x.shape == tensor.zeros(2, 3).shape and x.shape ~= x.T.shape)
  t.ok("shape indexes", x.shape[1] == 2 and x.shape[-1] == 3 and #x.shape == 2 and x:shape()[2] == 3)
  t.raises("shape from 0", "count from 1", function() return x.shape[0] end)
  t.raises("shape too far", "position 4 of a list of 2", function() return x.shape[4] end)
  t.eq("shape unpacks", select("#", table.unpack(x.shape)), 2)
  t.eq("zeros of a shape", tostring(tensor.zeros(x.shape).shape), "{2, 3}")
  t.eq("#x", #x, 2)
  t.raises("# of a single", "without dimensions", function() return #tensor(1) end)
  local a, b = x:size()
  t.ok("size", a == 2 and b == 3 and x:size(-1) == 3 and x:numel() == 6 and x:dim() == 2 and x.ndim == 2)
  t.ok("T", x.T == x:transpose(1, 2) and x.dtype == "int64" and not x.requires_grad and x.is_leaf and x.grad == nil)
  local rows, sum = 0, 0
  for i, row in ipairs(x) do rows, sum = rows + i, sum + row:sum() end
  for i, row in pairs(x) do rows, sum = rows + i, sum + row:sum() end
  t.ok("ipairs and pairs", rows == 6 and sum == 42)
  local p, q, r = table.unpack(x[2])
  t.ok("table.unpack", p == 4 and q == 5 and r == 6)
  t.eq("one too far is an error elsewhere", pcall(function() return x[3] end), false)
  local list = x:tolist()
  t.ok("tolist", #list == 2 and list[2][3] == 6 and math.type(list[1][1]) == "integer" and tensor(2.5):tolist() == 2.5)
  t.raises("a library name misspelt", "did you mean tensor.zeros", function() return tensor.zeross end)
end

-- ---- arguments -----------------------------------------------------------------------------------------

local keywords = "and break do else elseif end false for function goto if in local nil not or repeat return then true until while"

local function test_arguments(t)
  local x = matrix()
  t.eq("an option table", plain(x:sum(2, { keepdim = true })), "int64 {{6},{15}}")
  t.eq("positions", plain(x:sum(2, true)), "int64 {{6},{15}}")
  t.eq("names only", plain(tensor.sum { x = x, dim = 2 }), "int64 {6,15}")
  t.eq("a list is data", x:sum { 1, 2 }, 21)
  t.eq("nil is the default", plain(x:sum(nil, nil)), "21")
  t.eq("a whole float counts", plain(tensor.zeros(4 / 2)), "float32 {0.0,0.0}")
  t.eq("a scalar option", plain(tensor { 1, 2 }:add(1, { alpha = 3 })), "int64 {4,5}")
  local wrong = {
    { "sum: unknown option 'keepdims'; did you mean keepdim", x.sum, x, 1, { keepdims = true } },
    { "sum: 5 arguments given, it takes 4", x.sum, x, 1, true, "float32", 5 },
    { "sum: .*among its elements", x.sum, x, { 1, keepdim = true } },
    { "sum: dim is given twice", x.sum, x, 1, { dim = 1 } },
    { "sum: dim.* hole", x.sum, x, { 1, nil, 2 } },
    { "sum: keepdim wants true or false, got number", x.sum, x, 1, 1 },
    { "dimension 3 of a tensor with 2 dimensions", x.sum, x, 3 },
    { "dimension 0: dimensions count from 1", x.sum, x, 0 },
    { "sum: called without its tensor; methods take a colon", x.sum },
    { "reshape: the first argument is number.*take a colon", x.reshape, 2, 3 },
    { "zeros: called with a colon.*tensor.zeros", tensor.zeros, tensor, 2 },
    { "exp: 2 arguments given, it takes 1", x.exp, x, x },
    { "cat: tensors is a list of tensors", tensor.cat, x, x },
    { "cat: element 2 of the list is nil", tensor.cat, { x, nil, x } },
    { "zeros: size is 2.5; a whole number is wanted", tensor.zeros, 2.5 },
    { "zeros: size wants a whole number, got string", tensor.zeros, "3" },
    { "to: dtype is a name", x.to, x, 3 },
    { "add: y wants a tensor, got string", x.add, x, "1" },
    { "add: y is a table; tensor{...} makes", x.add, x, { 1, 2 } },
    { "reduction is one of none, mean, sum; got all", tensor.mse_loss, tensor.ones(2), tensor.ones(2), { reduction = "all" } },
  }
  for i, case in ipairs(wrong) do t.raises("wrong call " .. i, case[1], case[2], table.unpack(case, 3)) end
  local reserved = {}
  for word in keywords:gmatch "%a+" do reserved[word] = true end
  for _, row in ipairs(core.ops()) do
    t.ok(row.name .. " is no keyword", not reserved[row.name])
    for _, p in ipairs(row.params) do t.ok(row.name .. "'s " .. p.name .. " is no keyword", not reserved[p.name]) end
  end
end

return function(t)
  test_single_values(t)
  test_comparison(t)
  test_reading(t)
  test_writing(t)
  test_promotion(t)
  test_construction(t)
  test_printing(t)
  test_fields(t)
  test_arguments(t)
end
