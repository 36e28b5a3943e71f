-- What the fuzz has reached: which subjects gave a result, and which parameters of the rows were given in a
-- call that did, by position or by name.

local coverage = {}

local given = {} -- row's name -> parameter -> true
local succeeded = {} -- subject -> true

-- Names of a row's parameters, in order.
local function parameters(row)
  local names = {}
  for name in row.sig:match("%((.*)%)%s*%->"):gmatch "([%w_]+): %a+" do names[#names + 1] = name end
  return names
end

--- Notes that a call of the subject gave a result. row: of the op that was called, if it was one.
function coverage.note(subject, row, args)
  succeeded[subject] = true
  if not row then return end
  local seen = given[row.name] or {}
  given[row.name] = seen
  for i, name in ipairs(parameters(row)) do
    if args[i] ~= nil then seen[name] = true end
  end
  local last = args[args.n]
  if type(last) == "table" and not getmetatable(last) then
    for key in next, last do
      if type(key) == "string" then seen[key] = true end
    end
  end
end

local function line(what, list)
  if #list > 0 then print(("%s: %s"):format(what, table.concat(list, ", "))) end
end

--- Prints what was not reached. subjects: a list of {name, row}.
function coverage.report(subjects)
  local without, never = {}, {}
  for _, s in ipairs(subjects) do
    if not succeeded[s.name] then without[#without + 1] = s.name end
    for _, name in ipairs(s.row and succeeded[s.name] and parameters(s.row) or {}) do
      if not given[s.row.name][name] then never[#never + 1] = s.row.name .. "." .. name end
    end
  end
  line("no result", without)
  line("parameters not given in a call with a result", never)
end

return coverage
