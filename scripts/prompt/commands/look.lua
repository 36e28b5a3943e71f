-- prompt/commands/look.lua: %who, %mem, %tb, %reset, %precision.

local commands = require "lunette.prompt.commands"
local core = require "lunette.core"
local values = require "lunette.prompt.values"

local own = {} -- globals that were there before the first entry
for name in next, _G do own[name] = true end
for _, name in ipairs {"In", "Out", "_", "__", "___", "tensor", "nn", "optim", "data", "metrics", "plot", "progress", "help"} do
  own[name] = true
end

local function variables()
  local names = {}
  for name in next, _G do
    if type(name) == "string" and not own[name] then names[#names + 1] = name end
  end
  table.sort(names)
  return names
end

local function size_of(value)
  if core.tensor.is_tensor(value) then
    return ("%s [%s]"):format(value.dtype, table.concat(value.shape, ",")), value:numel()
  end
  if type(value) == "table" then
    local meta = getmetatable(value)
    if type(meta) == "table" and rawget(meta, "class") then return tostring(value):match "^[^\n]*" end
    local n = 0
    for _ in next, value do n = n + 1 end
    return ("table of %d"):format(n)
  end
  if type(value) == "string" then return ("string of %d bytes"):format(#value) end
  if type(value) == "function" then return "function" end
  return tostring(value)
end

commands.add("who", "", "the session's variables, with shapes and sizes", function()
  local names = variables()
  if #names == 0 then return print "no variables yet" end
  for _, name in ipairs(names) do print(("  %-16s %s"):format(name, (size_of(rawget(_G, name))))) end
end)

local LINES = 20 -- of %mem

local function megabytes(bytes) return ("%.1f"):format(bytes / 1e6) end

-- Rows {place, count, bytes}: of data that lives, the line that made it.
local function show_origins(list, rest)
  local errors, console = require "lunette.prompt.errors", require "lunette.console"
  table.sort(list, function(a, b)
    if a[3] ~= b[3] then return a[3] > b[3] end
    return a[1] < b[1]
  end)
  local widest = #"smaller, and others"
  for i = 1, math.min(#list, LINES) do widest = math.max(widest, #list[i][1]) end
  local row = "  %-" .. widest .. "s  %7s  %9s"
  print(row:format("made at", "number", "MB"))
  for i = 1, math.min(#list, LINES) do
    local item = list[i]
    local text = row:format(item[1], item[2], megabytes(item[3]))
    print(text .. "  " .. errors.line_at(item[1], console.columns() - #text - 3))
  end
  for i = LINES + 1, #list do rest = rest + list[i][3] end
  print(row:format("smaller, and others", "", megabytes(rest)))
end

commands.add("mem", "", "memory of tensors, by the line that made them, and of Lua", function()
  collectgarbage()
  local m, list, rest = core.tensor.memory(), core.origins(), 0
  print(("tensors %d, %.1f MB (peak %.1f) · Lua %.1f MB"):format(m.tensors, m.bytes / 1e6, m.peak / 1e6,
    collectgarbage "count" / 1e3))
  for _, item in ipairs(list) do rest = rest - item[3] end
  if #list > 0 then show_origins(list, m.bytes + rest) end
end)

commands.add("tb", "", "the last error again, with all frames", function()
  local session, errors = require "lunette.prompt.session", require "lunette.prompt.errors"
  if not session.problem then return print "no error so far" end
  errors.report(session.problem, true)
end)

commands.add("reset", "", "forgets the session's variables", function()
  local names = variables()
  for _, name in ipairs(names) do rawset(_G, name, nil) end
  require("lunette.prompt.locals").forget()
  collectgarbage()
  print(("%d variables forgotten"):format(#names))
end)

-- The most decimals that are shown: `n` by tensors, `plain` by other numbers, nil for all.
local function set_precision(n, plain)
  core.print_precision(n)
  values.decimals = plain
end

commands.add("precision", "[N | off]", "the most decimals shown: 4 by tensors, or N by all numbers", function(rest)
  if rest == "off" then return set_precision(4, nil) end
  local n = math.tointeger(tonumber(rest))
  if rest == "" then
    print(("%d decimals, %s"):format(core.print_precision(), values.decimals and "plain numbers too"
      or "of tensors; plain numbers show all"))
  elseif n and n >= 1 and n <= 16 then
    set_precision(n, n)
  else
    io.stderr:write "error: %precision takes a whole number from 1 to 16, or off\n"
  end
end)
