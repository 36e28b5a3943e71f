-- args.lua: lunette.args: options of a program on the command line, typed by their defaults.
--
--   local args = require "lunette".args {epochs = 5, lr = 1e-3, out = "out"}
--   $ lunette train.lua --epochs 3 --lr=0.01
--
-- example:
--   args = require("lunette").args
--   args({epochs = 5, lr = 0.1}, {"--epochs", "3"}).epochs --> 3

local core = require "lunette.core"

local function list(defaults)
  local names = {}
  for name in next, defaults do names[#names + 1] = name end
  table.sort(names)
  return names
end

local function flags(names)
  local out = {}
  for i, name in ipairs(names) do out[i] = "--" .. name:gsub("_", "-") end
  return table.concat(out, " ")
end

-- What is wrong with a command line is said without a traceback.
local function stop(message)
  io.stderr:write(message, "\n")
  os.exit(2, true)
end

local wanted = {integer = "a whole number", float = "a number", string = "a text", boolean = "true or false"}

local function kind_of(value) return math.type(value) or type(value) end

local function convert(name, default, text)
  local kind = kind_of(default)
  if kind == "string" then return text end
  if kind == "boolean" then
    if text == "true" or text == "false" then return text == "true" end
  elseif kind == "integer" then
    local v = math.tointeger(tonumber(text))
    if v then return v end
  elseif tonumber(text) then
    return tonumber(text) + 0.0
  end
  stop(("--%s wants %s, got '%s'"):format(name, wanted[kind], text))
end

-- The comment at the head of the program's file.
local function head_comment()
  local script = rawget(_G, "arg") and rawget(_G, "arg")[0]
  local file = script and io.open(script)
  local lines = {}
  if not file then return lines end
  for line in file:lines() do
    local text = line:match "^%-%-%s?(.*)$"
    if not text then break end
    lines[#lines + 1] = text
  end
  file:close()
  return lines
end

local function usage(defaults, names)
  local lines = head_comment()
  if #lines > 0 then lines[#lines + 1] = "" end
  lines[#lines + 1] = "options, with their defaults:"
  for _, name in ipairs(names) do
    lines[#lines + 1] = ("  --%-14s %s"):format(name:gsub("_", "-"), tostring(defaults[name]))
  end
  print(table.concat(lines, "\n"))
  os.exit(0, true)
end

-- A table of the values that refuses unknown names.
local function strict(values, names)
  return setmetatable(values, {__index = function(_, key)
    local near = core.suggest(tostring(key), names)
    error(("args has no '%s'%s"):format(tostring(key), near and "; did you mean " .. near .. "?" or ""), 2)
  end})
end

--- args(defaults, given): the values of the program's options; `given` is the list of words, the
-- global `arg` by default. --name value and --name=value; a default that is true or false makes a
-- switch, --name or --name=false. Unknown options end the program with a suggestion; --help prints the
-- comment at the head of the program and lists them.
local function read(defaults, given)
  given = given or rawget(_G, "arg") or {}
  local names, values = list(defaults), {}
  for name, value in next, defaults do values[name] = value end
  local i = 1
  while i <= #given do
    local word = given[i]
    local flag, text = word:match "^%-%-([%w_%-]+)=(.*)$"
    flag = flag or word:match "^%-%-([%w_%-]+)$"
    if flag == "help" or word == "-h" then usage(defaults, names) end
    if not flag then stop(("'%s' is no option; the options are %s"):format(word, flags(names))) end
    local name = flag:gsub("%-", "_")
    if defaults[name] == nil then
      local near = core.suggest(name, names)
      stop(("unknown option --%s; %s"):format(flag, near and "did you mean --" .. near:gsub("_", "-") .. "?"
        or "the options are " .. flags(names)))
    end
    if not text and type(defaults[name]) == "boolean" then
      text = "true"
    elseif not text then
      i = i + 1
      text = given[i]
      if not text then stop(("--%s wants %s after it"):format(flag, wanted[kind_of(defaults[name])])) end
    end
    values[name] = convert(flag, defaults[name], text)
    i = i + 1
  end
  return strict(values, names)
end

--- folder(path): makes a folder, with those above it, unless it is there. Returns path.
local function folder(path)
  local made, problem = core.make_folder(path)
  if not made then stop("cannot make the folder " .. problem) end
  return path
end

return setmetatable({folder = folder}, {__call = function(_, ...) return read(...) end})
