-- errors.lua: wrong programs. Each gives an error of a sentence or two that names the cause and the
-- repair, at the user's line; nothing aborts, and afterwards all works as before: in this process, at
-- the prompt, and as scripts of their own (all of them with LUNETTE_FULL=1). The programs are in
-- tests/wrong/, by topic.

local lunette = require "lunette"
local outside = dofile "tests/support/program.lua"
local tensor, nn, optim = lunette.tensor, lunette.nn, lunette.optim

local programs = {}
for _, topic in ipairs {"shapes", "values", "places", "names", "gradients", "files", "training", "resources"} do
  for _, program in ipairs(dofile("tests/wrong/" .. topic .. ".lua")) do programs[#programs + 1] = program end
end
local foreign = dofile "tests/wrong/syntax.lua"

local folder

local function write(name, text) outside.write_file(folder .. "/" .. name, text) end

local function big_endian(n) return (">I4"):pack(n) end

local function make_files()
  folder = os.tmpname()
  os.remove(folder)
  assert(os.execute("mkdir '" .. folder .. "'"))
  write("short.idx", "\0\0\8\3\0\0\0\10\0\0\0\28\0\0\0\28" .. ("x"):rep(100))
  -- a Huffman table of 16 x 255 codes, which old readers wrote beyond their array
  write("bad.jpg", "\255\216\255\196\0\31\0" .. ("\255"):rep(16) .. ("\0"):rep(12) .. "\255\217")
  -- a picture of 2^31 - 1 by 2^31 - 1, and one whose data is missing
  local header = "IHDR" .. big_endian(0x7fffffff) .. big_endian(0x7fffffff) .. "\8\2\0\0\0"
  write("huge.png", "\137PNG\r\n\26\n" .. big_endian(13) .. header .. big_endian(0))
  header = "IHDR" .. big_endian(4) .. big_endian(4) .. "\8\2\0\0\0"
  write("bad.png", "\137PNG\r\n\26\n" .. big_endian(13) .. header .. big_endian(0))
  write("bad.safetensors", "\255\255\255\255\255\255\255\127{}")
  write("bad.npy", "\147NUMPY\1\0\255\255{")
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

local function first_line(message) return (tostring(message):gsub("\n.*", "")) end

-- Short enough: a few sentences. Paths and places are not counted (stock coroutine.wrap adds one each).
local function check_length(t, name, text)
  text = text:gsub(folder:gsub("%p", "%%%0"), ""):gsub("program:1: ", "")
  local _, sentences = text:gsub("[.;]%s", "")
  t.ok(name .. " says it shortly", #text < 380 and sentences < 5, text)
end

-- Did the main chunk itself raise the message, and not a function that it returned from or Lua?
local function has_place(code) return not code:find "return " and not code:find "wrap" end

local function test_here(t)
  local env = setmetatable({ tensor = tensor, nn = nn, optim = optim, data = lunette.data, lunette = lunette },
    { __index = _G })
  local before = probe()
  for i, p in ipairs(programs) do
    local code = code_of(p)
    local done, message = pcall(assert(load(code, "=program", "t", env)))
    local text = first_line(message)
    t.ok("program " .. i .. " fails", not done, code)
    t.ok("program " .. i .. " says why", text:find(pattern_of(p)) ~= nil, code .. " -> " .. text)
    t.ok("program " .. i .. " says where", not has_place(code) or text:find "^program:1: ", text)
    check_length(t, "program " .. i, text)
    if not t.eq("program " .. i .. " changes nothing", probe(), before) then return end
    t.ok("program " .. i .. " leaves recording on", tensor.is_grad_enabled())
  end
end

-- All programs in one session: every one is answered, and the prompt lives.
local function test_prompt(t)
  local lines = {}
  for i, p in ipairs(programs) do
    lines[#lines + 1] = "do " .. code_of(p) .. " end"
    lines[#lines + 1] = "print('alive " .. i .. "')"
  end
  lines[#lines + 1] = "print(tensor.ones(3):sum())"
  local status, out = outside.run("-e 'lunette = require [[lunette]]' -i 2>&1", table.concat(lines, "\n") .. "\n")
  t.eq("the prompt: exit", status, 0)
  local at = 1
  for i = 1, #programs do
    local from, to = out:find(("\nalive %d\n"):format(i), at, true)
    if not t.ok("the prompt lives after program " .. i, from, out:sub(at, at + 500)) then return end
    t.ok("the prompt answers program " .. i, out:sub(at, from):find("\nerror: ", 1, true), out:sub(at, to))
    at = to
  end
  t.ok("the prompt computes on", out:find("\n3.0\n", at, true))
end

-- As a script: exit code 1, the message on stderr with the script's line, a short traceback without
-- frames of the library.
local function test_scripts(t)
  for i, p in ipairs(programs) do
    if os.getenv "LUNETTE_FULL" or i % 12 == 0 then
      local path = outside.script("program.lua", "local lunette = require 'lunette' " .. code_of(p))
      local status, _, err = outside.run({path})
      t.eq("script " .. i .. ": exit", status, 1)
      t.ok("script " .. i .. ": message", err:find(pattern_of(p)) ~= nil, err)
      t.ok("script " .. i .. ": where", not has_place(p[1]) or err:find(path .. ":1: ", 1, true), err)
      local _, frames = err:gsub("\n", "")
      t.ok("script " .. i .. ": traceback", frames < 30 and not err:find "/nn/[%w_/]*%.lua" and
        not err:find "/scripts/[%w_/]*%.lua", err)
    end
  end
end

-- ---- other languages -----------------------------------------------------------------------------------

local function check_foreign(t, name, p, text)
  t.ok(name .. " is refused", text:find(p[2]), p[1] .. " -> " .. text)
  if p[3] then
    t.ok(name .. " gets its hint", text:find("\n  hint: " .. p[3], 1, true), p[1] .. " -> " .. text)
  else
    t.ok(name .. " gets no hint", not text:find "hint:", p[1] .. " -> " .. text)
  end
end

local function test_foreign(t)
  for i, p in ipairs(foreign) do
    local path = outside.script("foreign.lua", "-- a script\n" .. p[1] .. "\n")
    local status, _, err = outside.run({path})
    t.eq("script " .. i .. ": exit", status, 1)
    check_foreign(t, "script " .. i, p, err)
  end
  local lines = {}
  for i, p in ipairs(foreign) do
    lines[#lines + 1] = p[1]
    lines[#lines + 1] = "print('alive " .. i .. "')"
  end
  local _, out = outside.run("-i 2>&1", table.concat(lines, "\n") .. "\n")
  local at = 1
  for i, p in ipairs(foreign) do
    local from, to = out:find(("\nalive %d\n"):format(i), at, true)
    if not t.ok("entry " .. i .. " ends", from, p[1] .. " -> " .. out:sub(at, at + 500)) then return end
    local text = out:sub(at, from)
    if text:find(p[2]) then -- where an entry differs from a script, Lua says it otherwise
      check_foreign(t, "entry " .. i, p, text)
    else
      t.ok("entry " .. i .. " gets its hint", not p[3] or text:find("\n  hint: " .. p[3], 1, true), text)
    end
    at = to
  end
end

-- ---- what needs a process of its own ------------------------------------------------------------------------

local alone = {
  -- memory: Lua's own objects are under the limit too
  {"tensor.memory_limit(3e8) local t = {} for i = 1, 1e12 do t[i] = ('x'):rep(1e6 + i) end", "not enough memory: .*286 MB"},
  {"tensor.memory_limit(3e8) local t = {} for i = 1, 1e12 do t[i] = {} end", "not enough memory: .*286 MB"},
  {"tensor.memory_limit(3e8) local t = {} for i = 1, 1e12 do t[i] = tensor.zeros(1e6) end", "out of memory: .*286.1 MB"},
  {"tensor.memory_limit(3e8) local t = {} for i = 1, 1e12 do t[i] = tensor.zeros(1) end", "out of memory: .*286.1 MB"},
  {"tensor.memory_limit(1e17) local y = tensor.ones(1 << 45)", "128.0 TB more do not fit in the .* that the system has free"},
  {"local function g() coroutine.wrap(g)() end g()", "alone.lua:1: C stack overflow"},
  -- notes
  {"local x = tensor.randn(2, 3):requires_grad_() for _ = 1, 2 do x:softmax(-1):cross_entropy(tensor{1, 2}) end error 'end'",
    "note: [^\n]*:1: cross_entropy: the input went through softmax before[^\n]*\n[^\n]*: end"},
  {"local net, x = nn.Sequential(nn.Flatten(), nn.Linear(4, 2)), tensor.ones(4, 2, 2):to 'uint8' "
    .. "net:fit(x, tensor{1, 2, 1, 2}, {verbose = false}) net:predict(x) io.stderr:write 'fit ' net(x) net(x) error 'end'",
    "^fit note: the model was trained on bytes as 0..1[^\n]*\n[^\n]*: end"},
  -- fit keeps what it has
  {[[local net, x = nn.Linear(2, 2), tensor.ones(4, 2)
    local done, why = pcall(net.fit, net, x, tensor{1, 2, 1, 2}, {epochs = 5, batch_size = 2, verbose = false,
      callbacks = function(epoch) if epoch == 3 then x:fill_(0 / 0) end end})
    error(#net.history.loss .. ' epochs; ' .. why)]], "3 epochs; .*fit stopped at epoch 4, step 1: the loss is NaN"},
  -- names of Lua's that a user takes
  {"table, string, type, next = 1, 2, 3, 4 print(nn.Linear(2, 2)) error(tostring(nn.Linear(2, 2)(tensor.ones(2)).shape))",
    "{2}"},
}

local function test_alone(t)
  for i, p in ipairs(alone) do
    local status, _, err = outside.run({outside.script("alone.lua", p[1])})
    t.eq("alone " .. i .. ": exit", status, 1)
    t.ok("alone " .. i .. ": message", err:find(p[2]) ~= nil, err)
  end
  local graph = [[
    local x = tensor({1.0}, {requires_grad = true})
    local function chain() local y = x for _ = 1, 1e6 do y = y + 1 end return y end
    chain():sum():backward()
    local y = chain()
    y = nil
    collectgarbage()
    print(x.grad:item())]]
  local status, out, err = outside.shell(("ulimit -s 512; %s %s"):format(outside.quote(outside.program),
    outside.quote(outside.script("graph.lua", graph))))
  t.ok("a million nodes on a small stack", status == 0 and out == "1.0\n", out .. err)
end

return function(t)
  make_files()
  test_here(t)
  if outside.open(t) then
    test_prompt(t)
    test_scripts(t)
    test_foreign(t)
    test_alone(t)
    outside.close()
  end
  os.execute("rm -rf '" .. folder .. "'")
end
