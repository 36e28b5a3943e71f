-- prompt/commands/prof.lua: %prof: where the time of a piece of code goes, by op and by line.

local commands = require "lunette.prompt.commands"
local console = require "lunette.console"
local core = require "lunette.core"
local errors = require "lunette.prompt.errors"

local tensor = core.tensor

local MOST = 15 -- rows of a table

local function by_time(list)
  table.sort(list, function(a, b)
    if a[3] ~= b[3] then return a[3] > b[3] end
    return a[1] < b[1]
  end)
  return list
end

-- Rows {name, calls, seconds} under a heading, with the share of all the time; `note` ends a row.
local function show(heading, list, whole, note)
  local widest = #heading
  for i = 1, math.min(#list, MOST) do widest = math.max(widest, #list[i][1]) end
  local row = "  %-" .. widest .. "s  %9s  %10s  %6s"
  print(row:format(heading, "calls", "ms", "share"))
  for i, item in ipairs(list) do
    if i > MOST then
      print(("  ... %d more"):format(#list - MOST))
      break
    end
    local text = row:format(item[1], ("%d"):format(item[2]), ("%.2f"):format(item[3] * 1e3),
      ("%.1f%%"):format(100 * item[3] / whole))
    print(text .. note(item, console.columns() - #text - 3))
  end
end

local function nothing() return "" end

-- What stands in the line, as far as there is room.
local function source(item, room) return "  " .. errors.line_at(item[1], room) end

local function report(ops, lines, whole)
  local list, inside = {}, 0
  for place, item in next, lines do
    list[#list + 1] = {place == "" and "(elsewhere)" or place:sub(1, -3), item[1], item[2]}
    inside = inside + item[2]
  end
  print(("%.2f ms, of which %.2f in tensors"):format(whole * 1e3, inside * 1e3))
  if #ops > 0 then show("op", by_time(ops), whole, nothing) end
  if #list > 0 then show("line", by_time(list), whole, source) end
end

-- An expression is made a statement: a call that is returned would leave no line of the user's.
local function compiled(code)
  if code == "" then return commands.compiled(code, "prof") end
  return require("lunette.prompt.session").compile("do local _ = " .. code .. "\nend") or commands.compiled(code, "prof")
end

commands.add("prof", "CODE", "runs it once; where the time went, by op and by line", function(code)
  local chunk = compiled(code)
  if not chunk then return end
  return function()
    core.profile(true)
    local start, whole, ops, lines = tensor.now(), nil, nil, nil
    local guard <close> = setmetatable({}, {__close = function()
      whole = tensor.now() - start
      ops, lines = core.profile(false)
    end})
    chunk()
    getmetatable(guard).__close()
    report(ops, lines or {}, whole)
  end
end)
