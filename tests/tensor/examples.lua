-- examples.lua: every example in the documentation runs at the prompt and prints what it says.
--
-- An example is lines as a learner types them. After --> stands what the prompt prints for an entry:
--
--   m = tensor{{1, 2}, {3, 4}}
--   m:sum() --> 10
--   m:t() --> int64 [2,2]
--     1  3
--     2  4
--
-- On one line, line breaks and runs of blanks count as one blank; the output of the last entry may run
-- over several lines, then they are the prompt's lines. An entry without --> prints nothing. Where
-- figures differ from run to run (times), ... stands for any text. Every example begins with fresh
-- variables and the seed of a new session.

local core = require "lunette.core"
local outside = dofile "tests/support/program.lua"

-- ---- an example as entries ---------------------------------------------------------------------------

-- text -> list of {code =, want =}, one for each line of code.
local function parse(text)
  local list, last = {}, 0
  for line in (text .. "\n"):gmatch "(.-)\n" do
    local code, want = line:match "^(.-)%s*%-%->%s?(.*)$"
    list[#list + 1] = {code = code or line, want = want}
    if want then last = #list end
  end
  if last == 0 then return nil end
  for i = last + 1, #list do
    list[last].want = list[last].want .. "\n" .. list[i].code
    list[i] = nil
  end
  return list
end

local function squeezed(text) return (text:gsub("%s+", " "):gsub("^ ", ""):gsub(" $", "")) end
local function trimmed(text) return (text:gsub("[ \t]+\n", "\n"):gsub("%s+$", "")) end

-- Are the texts the same, where ... in the second stands for anything?
local function same(got, want)
  local pattern = want:gsub("%p", "%%%0"):gsub("%%%.%%%.%%%.", ".*")
  return got:find("^" .. pattern .. "$") ~= nil
end

local function agrees(got, want)
  if want:find "\n" then return same(trimmed(got), trimmed(want)) end
  return same(squeezed(got), squeezed(want))
end

-- ---- a session -----------------------------------------------------------------------------------------

-- Marks of the prompts, so that entries and what they print can be told apart.
local FIRST, NEXT = "\1", "\2"

local start = [[
_PROMPT, _PROMPT2 = "\1", "\2"
io.stdout:setvbuf "no"
do
  local names, known = 0, {}
  function os.tmpname()
    names = names + 1
    return ("%s/example%d"):format(FOLDER, names)
  end
  for key in next, _G do known[key] = true end
  function fresh()
    for key in next, _G do
      if not known[key] and key ~= "fresh" and key ~= "In" and key ~= "Out" then rawset(_G, key, nil) end
    end
    tensor.manual_seed(1)
    tensor.set_printoptions{precision = 4}
  end
end
]]

-- What each line of the examples prints, in one session at the prompt.
local function run(examples)
  local lines = {}
  for _, example in ipairs(examples) do
    lines[#lines + 1] = "fresh()"
    for _, entry in ipairs(example.entries) do lines[#lines + 1] = entry.code end
  end
  local program, folder = outside.quote(outside.program), outside.quote(outside.folder)
  local first = outside.quote((start:gsub("FOLDER", folder)))
  local _, out = outside.shell(("cd %s && %s -e %s -i 2>&1"):format(folder, program, first),
    table.concat(lines, "\n") .. "\n")
  local printed, at = {}, 0
  for part in out:gmatch("[" .. FIRST .. NEXT .. "]([^" .. FIRST .. NEXT .. "]*)") do
    at = at + 1
    if lines[at] then printed[at] = part:sub(#lines[at] + 2) end
  end
  return printed
end

local function check(t, examples)
  local printed, at = run(examples), 0
  for _, example in ipairs(examples) do
    at = at + 1
    for _, entry in ipairs(example.entries) do
      at = at + 1
      local got = printed[at] or "nothing: the session ended"
      t.ok(example.name, agrees(got, entry.want or ""),
        ("%s prints\n%s\nand should print\n%s"):format(entry.code, trimmed(got), entry.want or "nothing"))
    end
  end
end

-- ---- what has examples -----------------------------------------------------------------------------------

-- Adds the example of a name to the list; a public name without one is a failure.
local function add(t, list, name, text)
  if not t.ok(name .. " has an example", text ~= nil) then return end
  local entries = parse(text)
  if t.ok(name .. " says what it prints", entries ~= nil, "there is no --> in its example") then
    list[#list + 1] = {name = name, entries = entries}
  end
end

-- The example of a row with another of its names; nil where it calls the row in no way that has this name.
local function renamed(row, alias)
  local from, as_method = row.name:gsub("%.", "%%."), row.name:find "%." or alias:find "%."
  local text, n = row.example:gsub("tensor%." .. from .. "%f[^%w_]", "tensor." .. alias)
  if as_method then return n > 0 and text or nil end
  text = text:gsub("([%w_%]%)}]:)" .. from .. "%f[^%w_]", "%1" .. alias)
  return text ~= row.example and text or nil
end

local function test_ops(t)
  local list = {}
  for _, row in ipairs(core.ops()) do
    if not row.hidden then
      add(t, list, row.name, row.example)
      for alias in (row.example and row.aliases or ""):gmatch "%S+" do
        t.ok(alias .. " is there", core.functions[alias] ~= nil)
        local text = renamed(row, alias)
        if text then add(t, list, alias, text) end
      end
    end
  end
  check(t, list)
end

-- Functions, layers, losses, optimizers, methods. Charts are drawn where the plot module is built.
local function test_public(t)
  local list, draws = {}, pcall(require, "lunette.canvas")
  for _, found in ipairs(require("lunette.help.public").all()) do
    local charts = found.name:find "^plot%." or found.name:find "^chart:" or found.name:find "^figure:"
    if draws or not charts then add(t, list, found.name, found.example) end
  end
  check(t, list)
end

-- A wrong expectation is found: in one line, in several, where nothing is said and where an error comes.
local function test_failures(t)
  local wrong = {"1 + 1 --> 3", "tensor{1, 2} --> int64 [2]\n  1  3", "1 + 1\n2 + 2 --> 4", "nobody() --> 1",
    "tensor{{1, 2}} --> int64 [1,2]\n 1  2", "12345 --> 1...4"}
  for i, text in ipairs(wrong) do
    local failed = 0
    local quiet = {ok = function(_, condition) failed = failed + (condition and 0 or 1) end}
    check(quiet, {{name = "planted", entries = parse(text)}})
    t.eq("planted " .. i, failed, 1)
  end
end

return function(t)
  if not outside.open(t) then return end
  test_failures(t)
  test_ops(t)
  test_public(t)
  outside.close()
end
