-- Runs the suite: every file of the folders below, one for each room of the house, and the programs in C
-- (tests/core, tests/terminal) when they are built. Usage: lunette tests/run.lua [--no-core] [name ...]
-- A name is a file's ("optim") or a folder's ("nn/"). Ends with "N passed, N failed".

require "lunette"

local passed, failed = 0, 0
local current = "?"

local function fail(name, message)
  failed = failed + 1
  print(("FAIL %s: %s%s"):format(current, name, message and ": " .. tostring(message) or ""))
end

local t = {}

function t.ok(name, condition, message)
  if condition then passed = passed + 1 else fail(name, message) end
  return condition
end

local function show(v) return type(v) == "string" and ("%q"):format(v) or tostring(v) end

function t.eq(name, got, want)
  return t.ok(name, got == want, ("got %s, want %s"):format(show(got), show(want)))
end

function t.near(name, got, want, tolerance)
  got = type(got) == "userdata" and got:item() or got
  local d = math.abs(got - want)
  return t.ok(name, d <= (tolerance or 1e-6), ("got %.9g, want %.9g"):format(got, want))
end

-- f must raise an error that contains `pattern` (a Lua pattern).
function t.raises(name, pattern, f, ...)
  local done, message = pcall(f, ...)
  if done then return t.ok(name, false, "no error was raised") end
  message = tostring(message)
  return t.ok(name, message:find(pattern) ~= nil, "the error was: " .. message)
end

-- The folder of real inputs, or nil where there is none.
local shared = os.getenv "LUNETTE_SHARED" or "../shared"
local probe = io.open(shared .. "/data/README.md")
if probe then probe:close() end
t.shared = probe and shared or nil
t.host = arg[-1] or "lunette"

local function lines(command)
  local list, pipe = {}, assert(io.popen(command))
  for line in pipe:lines() do list[#list + 1] = line end
  return list, pipe:close()
end

local function run_file(path)
  current = path:match "([^/]+)%.lua$"
  local chunk, problem = loadfile(path)
  if not chunk then return fail("load", problem) end
  local done, test = xpcall(chunk, debug.traceback)
  if not done then return fail("load", test) end
  if type(test) ~= "function" then return end
  local before, start = passed + failed, os.clock()
  local ok, message = xpcall(test, debug.traceback, t)
  if not ok then fail("stopped", message) end
  print(("%-12s %6d checks  %6.1fs"):format(current, passed + failed - before, os.clock() - start))
end

-- A program of its own: its last line counts; lines that start with blanks are figures.
local function run_program(path)
  current = path:match "([^/]+/[^/]+)$"
  local out = lines(path .. " 2>&1")
  local p, f = (out[#out] or ""):match "(%d+) passed, (%d+) failed"
  if not p then return fail("stopped", table.concat(out, "\n")) end
  for _, line in ipairs(out) do
    if line:find "FAIL" or line:find "^  " then print(line) end
  end
  passed, failed = passed + tonumber(p), failed + tonumber(f)
  print(("%-12s %6d checks"):format(current, p + f))
end

local folders = "tests/tensor tests/vm tests/nn tests/scripts tests/prompt"
local only, core = {}, true
for _, name in ipairs(arg) do
  if name == "--no-core" then core = false else only[name] = true end
end

for _, path in ipairs(lines(("find %s -name '*.lua' | LC_ALL=C sort"):format(folders))) do
  local folder, name = path:match "([^/]+/)([^/]+)%.lua$"
  if not next(only) or only[name] or only[folder] then run_file(path) end
end
for _, path in ipairs(core and lines "ls build/tests/core/* build/tests/terminal/* 2>/dev/null | grep -v '\\.'" or {}) do
  if not next(only) or only[path:match "([^/]+/[^/]+)$"] then run_program(path) end
end

print(("%d passed, %d failed"):format(passed, failed))
os.exit(failed == 0 and 0 or 1, true)
