-- show.lua: the options of optimizers and schedules as text.

local function text(value)
  if type(value) == "number" then return ("%g"):format(value) end
  if type(value) ~= "table" then return type(value) == "function" and "a function" or tostring(value) end
  if #value == 1 then return text(value[1]) end
  local parts = {}
  for i, v in ipairs(value) do parts[i] = text(v) end
  return "{" .. table.concat(parts, ", ") .. "}"
end

-- Is it the default, or a list of it, one for each group?
local function is_usual(value, default)
  if text(value) == text(default) then return true end
  if type(value) ~= "table" or type(default) ~= "number" then return false end
  for _, v in ipairs(value) do
    if v ~= default then return false end
  end
  return true
end

local inner = {params = true, optimizer = true, schedulers = true}

--- "lr 0.1, momentum 0.9": lr, and the options that differ from the usual, by a signature.
return function(signature, values)
  local parts = {}
  for _, param in ipairs(signature.params) do
    local name, value = param.name, values[param.name]
    if value ~= nil and not inner[name] and (name == "lr" or not is_usual(value, param.default)) then
      parts[#parts + 1] = name .. " " .. text(value)
    end
  end
  return table.concat(parts, ", ")
end
