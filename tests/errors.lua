-- errors.lua: wrong programs. Each gives an error of a sentence or two that names the cause and the
-- repair, nothing aborts, and afterwards all works as before: in this process, at the prompt, and in
-- processes of their own (all of them with LUNETTE_FULL=1).

local lunette = require "lunette"
local tensor, nn, optim = lunette.tensor, lunette.nn, lunette.optim

local folder

local x = "local x = tensor{{1, 2, 3}, {4, 5, 6}} "
local leaf = "local w = tensor({1, 2, 3}, {requires_grad = true}) "

-- A program and a pattern of its message. FOLDER is where the files below are.
local programs = {
  -- shapes
  { x .. "return x:float():matmul(x:float())", "matmul: .*%[2,3%].*%[2,3%].*equal" },
  { x .. "return x + tensor{1, 2}", "add: shapes %[2,3%] and %[2%] do not go together: .* must be equal, or one of them 1" },
  { x .. "return x:reshape(4, 2)", "reshape: %[2,3%] has 6 elements, but %[4,2%] holds 8" },
  { x .. "return tensor.cat({x, x.T}, 1)", "cat: .*%[2,3%].*%[3,2%]" },
  { x .. "return tensor.stack{x, x.T}", "stack: .*%[2,3%].*%[3,2%]" },
  { x .. "return x:expand(4, 3)", "expand: .*only sizes of 1 grow" },
  { x .. "return x:permute(1, 1)", "permute: dim.*twice" },
  { x .. "return x:narrow(1, 2, 2)", "narrow: .*beyond dimension 1 of %[2,3%]" },
  { x .. "return x:sum(3)", "dimension 3 of a tensor with 2 dimensions" },
  { x .. "return x:sum(0)", "dimensions count from 1" },
  { x .. "return x:item()", "item: the tensor is %[2,3%]" },
  { x .. "return x > 2", "for a mask write x:gt" },
  { "return tensor.zeros(0, 3):max()", "max: there is nothing to choose from" },
  { "return tensor.mse_loss(tensor.ones(3, 1), tensor.ones(3))", "mse_loss: .*%[3,1%].*%[3%]" },
  { "return tensor.conv2d(tensor.ones(8, 3, 32, 32), tensor.ones(16, 1, 5, 5))",
    "conv2d: input has 3 channels %[8,3,32,32%] but weight %[16,1,5,5%] wants 1 %(groups=1%)" },
  { "return tensor.conv2d(tensor.ones(1, 1, 2, 2), tensor.ones(1, 1, 5, 5))", "conv2d: .*5 does not fit an input of 2" },
  { "return tensor.ones(1, 1, 2, 2):max_pool2d(3)", "max_pool2d: .*3" },
  { "return nn.BatchNorm2d(3)(tensor.ones(2, 4, 5, 5))", "BatchNorm2d.*4.*3" },
  { "return nn.Linear(784, 10)(tensor.ones(2, 392))", "Linear 784 %-> 10.*%[2,392%] wants 784 in its last dimension" },
  { "return nn.LSTM(4, 5)(tensor.ones(2, 3, 6))", "LSTM 4 %-> 5.*%[2,3,6%]" },
  { "return tensor.zeros(1 << 40, 1 << 40)", "more elements than can be counted; check the sizes" },
  { "return tensor.ones(1):expand(1 << 40, 1 << 40)", "more elements than can be counted" },
  { "return tensor.zeros(-1)", "size %-1 in dimension 1: sizes are not negative" },
  { "return tensor.zeros(2.5)", "zeros: size is 2.5; a whole number is wanted" },
  { "return tensor.zeros(0 / 0)", "zeros: size is .*nan; a whole number is wanted" },
  { "return tensor.zeros(1 << 62, 4)", "more elements than can be counted" },
  -- types and values
  { x .. "return x:add_(0.5)", "add_: the result is float32 and does not fit a tensor of int64; x = x:float%(%) first" },
  { x .. "x[1] = 2.5", "2.5 does not fit an int64 tensor; x = x:float%(%) first" },
  { x .. "return x:to 'flot'", 'no type "flot"; float32, float64' },
  { x .. "return x // 0", "floor_divide: .*0" },
  { "return tensor([[1, 2], [3, 4]])", "is a long string in Lua, a matrix is {{1, 2}, {3, 4}}" },
  { "return tensor{1, nil, 3}", "a list has a hole" },
  { "return tensor{{1, 2}, {3}}", "rows differ in length: 2 and 1" },
  { "local t = {} t[1] = t return tensor(t)", "nested too deep" },
  { "return tensor.ones(2):requires_grad_():long():requires_grad_()", "gradients need float32 or float64" },
  { "return tensor.ones(2):half() + 1", "float16 is stored, not computed with; x:float%(%) converts" },
  -- indices and labels
  { x .. "return x[0]", "index 0 in dimension 1: positions count from 1 %(the last is %-1%)" },
  { x .. "return x[3]", "index 3 in dimension 1: x is %[2,3%], so 1..2 or %-2..%-1" },
  { x .. "return x['1:']", "write : for all, or 2: to leave out the first" },
  { x .. "return x[tensor{true}]", "mask of shape %[1%]" },
  { x .. "x[tensor{1, 7}] = 0", "index 7 in dimension 1" },
  { "return tensor.cross_entropy(tensor.randn(3, 4), tensor{1, 0, 2})",
    "cross_entropy: target 0 at row 2 is not a class 1..4; classes count from 1 %(labels from a file that counts from 0: add 1%)" },
  { "return tensor.cross_entropy(tensor.randn(3, 4), tensor{1, 5, 2})", "target 5 at row 2 is not a class 1..4" },
  { "return nn.Embedding(5, 2)(tensor{1, 0})", "0.*1..5" },
  { "return tensor.ones(3):gather(1, tensor{4})", "gather: .*4.*" },
  -- arguments and names
  { x .. "return x:sum(1, {keepdims = true})", "unknown option 'keepdims'; did you mean keepdim%?" },
  { x .. "return x:exp(1)", "exp: 2 arguments given, it takes 1" },
  { x .. "return x.sum()", "methods take a colon: x:sum%(%)" },
  { x .. "return x:summ()", "did you mean sum%?" },
  { x .. "return x:add '1'", "add: y wants a tensor, got string" },
  { x .. "x.foo = 1", "no field 'foo' that can be set" },
  { "return tensor:zeros(2)", "functions of the library take a dot: tensor.zeros" },
  { "return nn.Relu()", "did you mean nn.ReLU%?" },
  { "return nn.Sequential(nn.Linear(2, 2), nn.ReLU)", "nn.ReLU%(%)" },
  { "return nn.Linear(3, 4, {bais = false})", "unknown option 'bais'; did you mean.*bias" },
  { "return tensor.dropout(tensor.ones(2), 2)", "dropout: .*2" },
  { "return tensor.randint(5, 1, {2})", "randint: .*5.*1" },
  { "return tensor.arange(1, 5, 0)", "arange: step is 0" },
  { "tensor.set_num_threads(1000)", "1000 threads; 1..64 are possible" },
  { "tensor.no_grad(true)", "no_grad: takes a function" },
  -- gradients
  { leaf .. "w:mul_(2)", "mul_: this tensor is a leaf .*inside tensor.no_grad" },
  { leaf .. "return (w * 2):backward()", "gradients start from a single value; use y:sum%(%):backward" },
  { leaf .. "local y = (w * w):sum() y:backward() y:backward()", "{retain_graph = true}" },
  { "tensor.ones(1):backward()", "does not depend on any tensor with requires_grad" },
  { leaf .. "local y = w:exp() y:add_(1) y:sum():backward()", "changed in place by add_ .*change a copy instead" },
  { "local net = nn.Linear(2, 2) optim.SGD(net, {lr = 0.1}):step()", "call loss:backward%(%) before opt:step" },
  { "local y do local _ <close> = tensor.scope() y = tensor{1} end return y + 1", "released by the scope .*scope:keep%(t%) keeps it" },
  -- files
  { "return tensor.read_idx 'FOLDER/nothing'", "nothing: .*[Nn]o such file" },
  { "return tensor.read_idx 'FOLDER/short.idx'", "short.idx.*" },
  { "return tensor.read_idx 'FOLDER'", "FOLDER: this is a folder, a file is wanted" },
  { "return tensor.read_image 'FOLDER/bad.jpg'", "bad.jpg.*" },
  { "return tensor.read_image 'FOLDER/short.idx'", "short.idx.*" },
  { "return tensor.load 'FOLDER/bad.safetensors'", "bad.safetensors.*" },
  -- too much
  { "return tensor.zeros(1 << 45)", "out of memory: 128.0 TB more do not fit .*free tensors or raise tensor.memory_limit" },
  { "local function f() return 1 + f() end return f()", "stack overflow" },
  { "local function f(...) return pcall(f, tensor.ones(1), ...) end error(tostring(select(2, f())))", "" },
  { "local s = ('x'):rep(1 << 40)", "resulting string too large" },
  { "local co = coroutine.wrap(function() tensor.no_grad(function() error 'boom' end) end) co()", "boom" },
}

local function write(name, text)
  local f <close> = assert(io.open(folder .. "/" .. name, "wb"))
  f:write(text)
end

local function make_files()
  folder = os.tmpname()
  os.remove(folder)
  assert(os.execute("mkdir '" .. folder .. "'"))
  write("short.idx", "\0\0\8\3\0\0\0\10\0\0\0\28\0\0\0\28" .. ("x"):rep(100))
  -- a Huffman table of 16 x 255 codes, which old readers wrote beyond their array
  write("bad.jpg", "\255\216\255\196\0\31\0" .. ("\255"):rep(16) .. ("\0"):rep(12) .. "\255\217")
  write("bad.safetensors", "\255\255\255\255\255\255\255\127{}")
end

-- The bits of a training step, which no error may change.
local function probe()
  tensor.manual_seed(5)
  local net = nn.Sequential(nn.Linear(6, 8), nn.Tanh(), nn.Dropout(0.5), nn.Linear(8, 3))
  local opt = optim.Adam(net)
  local data = tensor.randn(4, 6)
  net(data):cross_entropy(tensor { 1, 2, 3, 1 }):backward()
  opt:step()
  local list = {}
  for _, p in net:named_parameters() do list[#list + 1] = p:detach() end
  return tensor.hash(list)
end

local function code_of(p) return (p[1]:gsub("FOLDER", folder)) end

local function pattern_of(p)
  return (p[2]:gsub("FOLDER", function() return (folder:gsub("%p", "%%%0")) end))
end

local function first_line(message) return (tostring(message):gsub("^[^:]*:%d+: ", ""):gsub("\n.*", "")) end

local function test_here(t)
  local env = setmetatable({ tensor = tensor, nn = nn, optim = optim }, { __index = _G })
  local before = probe()
  for i, p in ipairs(programs) do
    local code = code_of(p)
    local done, message = pcall(assert(load(code, "=program", "t", env)))
    local text = first_line(message)
    local _, sentences = text:gsub("[.;:]%s", "")
    t.ok("program " .. i .. " fails", not done, code)
    t.ok("program " .. i .. " says why", text:find(pattern_of(p)) ~= nil, text)
    t.ok("program " .. i .. " says it shortly", #text < 330 and sentences < 6, text)
    if not t.eq("program " .. i .. " changes nothing", probe(), before) then return end
    t.ok("program " .. i .. " leaves recording on", tensor.is_grad_enabled())
  end
end

-- Runs the program with arguments; gives exit status and what it wrote, errors too.
local function run(t, arguments, input)
  write("in", input or "")
  local _, how, status = os.execute(("'%s' %s < '%s/in' > '%s/out' 2>&1"):format(t.host, arguments, folder, folder))
  local f <close> = assert(io.open(folder .. "/out"))
  return how == "exit" and status or 128 + status, f:read "a"
end

-- All programs in one session: every one is answered, and the prompt lives.
local function test_prompt(t)
  local lines = {}
  for i, p in ipairs(programs) do
    lines[#lines + 1] = "do " .. code_of(p) .. " end"
    lines[#lines + 1] = "print('alive " .. i .. "')"
  end
  lines[#lines + 1] = "print(tensor.ones(3):sum())"
  local status, out = run(t, "-i", table.concat(lines, "\n") .. "\n")
  t.eq("the prompt: exit", status, 0)
  local at = 1
  for i = 1, #programs do
    local from, to = out:find(("\nalive %d\n"):format(i), at, true)
    if not t.ok("the prompt lives after program " .. i, from, out:sub(at, at + 500)) then return end
    t.ok("the prompt answers program " .. i, out:sub(at, from):find("\nerror: ", 1, true), out:sub(at, to))
    at = to
  end
  t.ok("the prompt computes on", out:find("\n3.0000\n", at, true))
end

local function test_processes(t)
  for i, p in ipairs(programs) do
    if os.getenv "LUNETTE_FULL" or i % 10 == 0 or p[2] == "stack overflow" then
      local head = package.preload.lunette and "" or "local l = require 'lunette' tensor, nn, optim = l.tensor, l.nn, l.optim "
      write("program.lua", head .. code_of(p))
      local status, out = run(t, "'" .. folder .. "/program.lua'")
      t.eq("process " .. i .. ": exit", status, 1)
      t.ok("process " .. i .. ": message", out:find(pattern_of(p)) ~= nil, out)
    end
  end
end

return function(t)
  make_files()
  test_here(t)
  if package.preload.lunette then test_prompt(t) end
  test_processes(t)
  os.execute("rm -rf '" .. folder .. "'")
end
