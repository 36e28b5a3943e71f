-- The fuzz of the binding, a process of its own: every op of the catalogue, every other function and
-- method, indexing and construction, layers, optimizers, damaged files and small programs, with random
-- arguments. Nothing but Lua errors may come out of any call, no tensor may be lost, and results must be
-- whole.
-- Usage: lunette tests/fuzz/calls.lua LOG ROUNDS SEED SECONDS [NAME [ROUND]]
-- LOG holds the call that runs. All is gone through once, and again with the next seed until SECONDS are
-- over. NAME and ROUND repeat one subject (or those of a pattern) or one call, and print it.

local lunette = require "lunette"
local core = require "lunette.core"
local cases = require "tests.support.cases"
local testing = require "tests.support.testing"
local coverage = require "tests.fuzz.coverage"
local values = require "tests.fuzz.values"
local tensor = lunette.tensor
local chance, pick, describe = values.chance, values.pick, values.describe
local fail_at = testing.fail_at

local path, rounds, seed, seconds, only, only_round = table.unpack(arg)
rounds, seed, seconds, only_round = tonumber(rounds), tonumber(seed), tonumber(seconds), tonumber(only_round)
local log = assert(io.open(path, "w"))
local calls, errors, problems = 0, 0, 0

local function problem(...)
  problems = problems + 1
  print("FAIL " .. string.format(...))
end

-- ---- one call -------------------------------------------------------------------------------------

local subject, round, current_row -- what runs

local function note(what, args)
  local list = {}
  for i = 1, args.n do list[i] = describe(args[i]) end
  local text = ("%s seed %d round %d: %s(%s)"):format(subject, seed, round, what, table.concat(list, ", "))
  log:seek "set"
  log:write(text:sub(1, 1000), "\n")
  log:flush()
  if only_round then print(text) end
end

-- Everything that a result holds is read once; gradients run through it, perhaps twice.
local function touch(y)
  if not tensor.is_tensor(y) or y:numel() > 50000 then return end
  tostring(y)
  tensor.hash { y:contiguous() }
  if y.requires_grad and y.dtype:find "^float[36]" then
    local way = math.random(3)
    if way == 1 then
      y:sum():backward()
    elseif way == 2 then
      y:backward(tensor.ones(y.shape):to(y.dtype), { retain_graph = true })
      y:backward(values.junk())
    else
      y:sum():backward { create_graph = true }
    end
  end
end

local function second_order(y, args)
  for i = 1, args.n do
    local x = args[i]
    if tensor.is_tensor(x) and x.requires_grad and tensor.is_tensor(y) and y.requires_grad and y:numel() < 5000 then
      local g = tensor.grad((y * y):sum(), x, { create_graph = true })
      if g and g.requires_grad then touch((g * g):sum()) end
    end
  end
end

local function check_error(what, message)
  errors = errors + 1
  if only_round then print("  error: " .. tostring(message)) end
  if type(message) ~= "string" and what ~= "error" then problem("%s round %d: an error that is a %s", subject, round, type(message)) end
end

local function guarded(what, f, ...)
  local failing = chance(0.1)
  if failing then fail_at(math.random(12), chance(0.3)) end
  local results = table.pack(pcall(f, ...))
  fail_at(0)
  if not results[1] then check_error(what, results[2]) end
  return results
end

local function try(what, f, args)
  calls = calls + 1
  note(what, args)
  local results = guarded(what, f, table.unpack(args, 1, args.n))
  if not results[1] then return end
  coverage.note(subject, current_row, args)
  for i = 2, results.n do
    local y = results[i]
    guarded("touch", touch, y)
    if type(y) == "table" and not getmetatable(y) then
      for _, part in ipairs(y) do guarded("touch", touch, part) end
    end
  end
  if chance(0.3) then guarded("second order", second_order, results[2], args) end
end

-- ---- subjects: {name, run, row}; run makes and runs the calls of one round -----------------------------------

local subjects, ends = {}, {} -- ends: what is called when all is done
local function add(name, f, row) subjects[#subjects + 1] = { name = name, run = f, row = row } end

local function add_row(row)
  local f = (row.hidden and core.hidden or core.functions)[row.name]
  if not f then return end -- for the suite alone
  local written = row.inplace and not row.hidden and core.functions[row.name .. "_"]
  add(row.name, function()
    local args
    if row.test and chance(0.6) then
      local case = pick(cases.of(row)) -- made anew: calls may write to it
      args = values.changed(case, cases.count(case), row)
    else
      args = values.by_signature(row)
    end
    if written and chance(0.3) then
      if tensor.is_tensor(args[1]) and chance(0.7) then args[1] = args[1]:detach():clone() end
      try(row.name .. "_", written, args)
    elseif row.has_compose and chance(0.1) then
      try("composed " .. row.name, function(...) return testing.composed(row.name, ...) end, args)
    else
      try(row.name, f, args)
    end
  end, row)
end

-- What changes the process, writes files, or would change the fuzz itself.
local denied = {}
for name in ([[memory_limit set_num_threads manual_seed save write_image write_npy list make_folder
  write_archive strict ops watch]]):gmatch "%S+" do denied[name] = true end

local function add_functions(label, functions)
  local names = {}
  for name, f in next, functions do
    if type(name) == "string" and type(f) == "function" and not denied[name] then names[#names + 1] = name end
  end
  table.sort(names)
  for _, name in ipairs(names) do
    local f = functions[name]
    add(label .. name, function()
      local args = { n = math.random(0, 4) }
      for i = 1, args.n do args[i] = i == 1 and chance(0.7) and values.tensor() or values.junk() end
      try(label .. name, f, args)
    end)
  end
end

local function add_all()
  local is_op = {}
  for _, row in ipairs(core.ops()) do
    add_row(row)
    for name in (row.name .. " " .. row.name .. "_ " .. (row.aliases or "")):gmatch "%S+" do is_op[name] = true end
  end
  local function others(functions)
    local list = {}
    for name, f in next, functions do list[name] = not is_op[name] and f or nil end
    return list
  end
  add_functions("tensor.", others(tensor))
  add_functions("x:", others(core.methods))
  add_functions("core.", core)
  add_functions("x.", core.meta)
  add_functions("shape.", getmetatable(tensor.ones(2).shape))
  add_functions("scope.", getmetatable(tensor.scope()))
  for _, file in ipairs { "networks", "graphs", "files" } do
    ends[#ends + 1] = require("tests.fuzz." .. file)(add, try)
  end
  add("read x[k]", function()
    local x = values.tensor()
    try("index", function(a, k) return a[k] end, { n = 2, x, values.key(x) })
  end)
  add("write x[k]", function()
    local x = values.tensor()
    local k = values.key(x)
    local known, part = pcall(function() return x[k] end)
    local v = chance(0.3) and values.junk() or chance(0.5) and values.number()
      or values.tensor(known and tensor.is_tensor(part) and part.shape or nil)
    if chance(0.1) then v = x end
    try("store", function(a, key, e) a[key] = e return a end, { n = 3, chance(0.8) and x:detach():clone() or x, k, v })
  end)
  add("tensor{}", function()
    local options = chance(0.7) and { dtype = pick { "float64", "uint8", "bool", "float16" } } or values.junk()
    try("tensor", tensor, { n = math.random(1, 2), values.junk(), options })
  end)
end

-- ---- all --------------------------------------------------------------------------------------------

-- Tensors that live. What gradient functions held is let go when the core is entered after a collection,
-- one function after the other where they held each other's results.
local function settled()
  local before, now
  repeat
    before = now
    collectgarbage()
    tensor.ones(1)
    collectgarbage()
    now = tensor.memory().tensors
  until now == before
  return now
end

local function hash_of(text)
  local h = 5381
  for i = 1, #text do h = (h * 33 + text:byte(i)) & 0xffffffff end
  return h
end

local function run_rounds(s)
  for r = only_round or 1, only_round or rounds do
    subject, round, current_row = s.name, r, s.row
    tensor.manual_seed(hash_of(s.name) * 1000003 + seed * 7919 + r)
    tensor.set_detect_anomaly(false) -- by a call before
    s.run()
  end
  return settled()
end

-- One pass over all; tensors that live, at first.
local function pass(before)
  for _, s in ipairs(subjects) do
    if not only or s.name == only or s.name:find("^" .. only .. "$") then
      local after = run_rounds(s)
      -- what is made once and kept is made in the first run
      if after > before then
        local again = run_rounds(s)
        if again > after then problem("%s: %d tensors are lost in %d rounds", s.name, again - after, rounds) end
        after = again
      end
      before = after
    end
  end
  return before
end

tensor.memory_limit(200 << 20)
add_all()
local alive, start = settled(), os.time()
repeat
  alive = pass(alive)
  seed = seed + 1
until os.time() - start >= seconds
for _, f in ipairs(ends) do f() end
log:close()
if not only then coverage.report(subjects) end
print(("%d calls, %d errors, %d problems"):format(calls, errors, problems))
