-- options.lua: checks of option tables and name suggestions, for every function that takes options.

local options = {}

-- Edit distance with neighbouring letters exchanged counted as one edit.
local function distance(a, b)
  local before, above = {}, {}
  for j = 0, #b do above[j] = j end
  for i = 1, #a do
    local row = {[0] = i}
    for j = 1, #b do
      local cost = a:byte(i) == b:byte(j) and 0 or 1
      row[j] = math.min(above[j] + 1, row[j - 1] + 1, above[j - 1] + cost)
      if i > 1 and j > 1 and a:byte(i) == b:byte(j - 1) and a:byte(i - 1) == b:byte(j) then
        row[j] = math.min(row[j], before[j - 2] + 1)
      end
    end
    before, above = above, row
  end
  return above[#b]
end

-- Name without case, underscores and dashes: `batchSize` is close to `batch_size`.
local function plain(name) return (name:lower():gsub("[_%-]", "")) end

--- The entry of `list` nearest to `name`, or nil when none is near. Earlier entries win ties.
function options.suggest(name, list)
  if type(name) ~= "string" or #name > 64 then return nil end
  local wanted, best, least = plain(name), nil, math.huge
  for _, candidate in ipairs(list) do
    local have = plain(candidate)
    local d = distance(wanted, have)
    local starts = #wanted >= 3 and have:sub(1, #wanted) == wanted
    if d > math.max(1, #have // 3) then d = starts and #have or math.huge end
    if d < least then best, least = candidate, d end
  end
  return best
end

local function raise(message, level) error(message, level == 0 and 0 or level + 1) end

--- Checks that `given` (nil or a table) has only the names in the list `allowed`.
-- Returns `given`, or an empty table for nil. Errors name `where`, the function the user called;
-- `level` is as for `error`, counted from the caller of `check` (default 2: its caller).
function options.check(where, given, allowed, level)
  level = level or 2
  if level > 0 then level = level + 1 end
  if given == nil then return {} end
  if type(given) ~= "table" then
    raise(("%s: options must be a table like {%s = …}, got %s"):format(
      where, allowed[1] or "name", type(given)), level)
  end
  local known = {}
  for _, name in ipairs(allowed) do known[name] = true end
  local unknown = {}
  for name in pairs(given) do
    if not known[name] then
      if type(name) ~= "string" then
        raise(("%s: options have names ({%s = …}), but this table has an entry [%s]"):format(
          where, allowed[1] or "name", tostring(name)), level)
      end
      unknown[#unknown + 1] = name
    end
  end
  if #unknown == 0 then return given end
  table.sort(unknown)
  local near = options.suggest(unknown[1], allowed)
  local repair = near and ("did you mean '" .. near .. "'?")
    or #allowed == 0 and "it takes no options"
    or "the options are " .. table.concat(allowed, ", ")
  raise(("%s: unknown option '%s'; %s"):format(where, unknown[1], repair), level)
end

return options
