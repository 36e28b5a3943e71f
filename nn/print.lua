-- print.lua: the printed form of modules: a tree with constructors and parameter counts.

local class = require "lunette.nn.class"

local Module = class.Module

--- 93322 as "93,322".
local function grouped(n)
  local text = tostring(n):reverse():gsub("(%d%d%d)", "%1,"):reverse()
  return (text:gsub("^,", ""))
end

local function value_text(v)
  if type(v) == "string" then return '"' .. v .. '"' end
  if type(v) == "table" then
    local parts = {}
    for i, item in ipairs(v) do parts[i] = value_text(item) end
    return "{" .. table.concat(parts, ", ") .. "}"
  end
  if math.type(v) == "float" and v == math.floor(v) and math.abs(v) < 1e15 then
    return ("%.1f"):format(v)
  end
  return tostring(v)
end

local function same(a, b)
  if type(a) == "table" and type(b) == "table" and #a == #b then
    for i = 1, #a do
      if a[i] ~= b[i] then return false end
    end
    return true
  end
  return a == b
end

-- {2, 2} is printed as 2.
local function simple(v)
  if type(v) ~= "table" or #v == 0 then return v end
  for i = 2, #v do
    if v[i] ~= v[1] then return v end
  end
  return v[1]
end

--- "Conv2d(1, 32, 3, {padding = 1})" from the arguments that the constructor read: those without
-- default by position, the others by name where they differ.
local function constructor(module)
  local signature, given = module._signature, module._options
  if not (signature and given) then return module._name .. "()" end
  local plain, named = {}, {}
  for _, param in ipairs(signature.params) do
    local v = simple(given[param.name])
    if not param.optional or module._shown == param.name and v ~= nil then
      plain[#plain + 1] = value_text(v)
    elseif not same(v, param.default) then
      named[#named + 1] = param.name .. " = " .. value_text(v)
    end
  end
  if #named > 0 then plain[#plain + 1] = "{" .. table.concat(named, ", ") .. "}" end
  return module._name .. "(" .. table.concat(plain, ", ") .. ")"
end

local function own_count(module)
  local n = 0
  for _, entry in ipairs(module:_members()) do
    if entry.kind == "parameter" then n = n + entry.value:numel() end
  end
  return n
end

local function tree(lines, module, name, indent, seen)
  local head = ("  "):rep(indent) .. (name and name .. ": " or "")
  if seen[module] then
    lines[#lines + 1] = {head .. module._name .. " (the same as above)"}
    return
  end
  seen[module] = true
  local children = module:children()
  local text = #children > 0 and module._name or module._repr and module:_repr() or constructor(module)
  local count = own_count(module)
  lines[#lines + 1] = {head .. text, count > 0 and grouped(count) or ""}
  for child_name, child in module:named_children() do tree(lines, child, child_name, indent + 1, seen) end
end

function Module:__tostring()
  local lines, width, figures = {}, 0, 0
  tree(lines, self, nil, 0, {})
  local total = self:num_parameters()
  local mode = self.training and "training" or "evaluation"
  lines[1][1] = ("%s (%s)"):format(lines[1][1], mode)
  lines[1][2] = ("%s parameter%s"):format(grouped(total), total == 1 and "" or "s")
  if #lines == 1 then return lines[1][1] .. ", " .. lines[1][2] end
  for _, line in ipairs(lines) do
    width = math.max(width, utf8.len(line[1]) or #line[1])
    figures = math.max(figures, line[2] and #(line[2]:match "^[%d,]*") or 0)
  end
  local out = {}
  for i, line in ipairs(lines) do
    local count = line[2] or ""
    local digits = count:match "^[%d,]*"
    local pad = width - (utf8.len(line[1]) or #line[1]) + 2 + figures - #digits
    out[i] = count ~= "" and line[1] .. (" "):rep(pad) .. count or line[1]
  end
  return table.concat(out, "\n")
end

return {grouped = grouped, constructor = constructor}
