-- prompt/reload.lua: %autoreload: before each entry the files of required modules that have changed are
-- read again. Their functions take the places of the old ones; data stays.
--
-- A changed file runs once more, aside. Old and new are then compared: by the fields of the module's
-- table (and of tables in it, classes too), and by the names of the file's local variables, which its
-- functions hold as upvalues. A function takes the place of the old one wherever that is held: in
-- modules, globals, and other functions. Tables, tensors and models stay, and the new functions get
-- them; a number, string or boolean stays if the session has changed it, else it is the file's.

local console = require "lunette.console"

local reload = {is_on = false}

local known = {} -- modules by name: {path =, at =, written =, plain = values of variables when last looked at}

-- ---- walking -------------------------------------------------------------------------------------------

-- Calls visit(f) for the functions reachable from a value, through tables, metatables and upvalues (not
-- those of a function whose visit gives false). With visit_table(t) for the tables; without it the walk
-- keeps to one module: the globals are not entered.
local function each_function(start, visit, visit_table)
  local seen, stack = {[_G] = not visit_table, [package.loaded] = not visit_table}, {start}
  local function push(v)
    local kind = type(v)
    if (kind == "table" or kind == "function") and not seen[v] then
      seen[v] = true
      stack[#stack + 1] = v
    end
  end
  while #stack > 0 do
    local v = table.remove(stack)
    if type(v) == "function" then
      local enter = visit(v) ~= false
      for i = 1, enter and 255 or 0 do
        local name, value = debug.getupvalue(v, i)
        if not name then break end
        push(value)
      end
    else
      if visit_table then visit_table(v) end
      for key, value in next, v do
        push(key)
        push(value)
      end
      push(debug.getmetatable(v))
    end
  end
end

local function source_of(f) return debug.getinfo(f, "S").source end

-- The variables of a file that the functions of a module hold, by name: {f, i, value}; false for a name
-- that stands for several.
local function variables_of(value, source, caught)
  local found, ids = {}, {}
  each_function({value, caught}, function(f)
    if source_of(f) ~= source then return false end
    for i = 1, 255 do
      local name, held = debug.getupvalue(f, i)
      if not name then break end
      local id = debug.upvalueid(f, i)
      if name ~= "_ENV" and ids[name] == nil then
        ids[name], found[name] = id, {f, i, held}
      elseif ids[name] ~= id then
        found[name] = false
      end
    end
  end)
  return found
end

local function is_plain(v)
  local kind = type(v)
  return kind == "number" or kind == "string" or kind == "boolean"
end

-- Numbers, strings and booleans of the variables and of the module's own fields.
local function plain_of(value, source)
  local plain = {}
  for name, v in next, variables_of(value, source) do
    if v and is_plain(v[3]) then plain["local " .. name] = v[3] end
  end
  if type(value) == "table" then
    for name, v in next, value do
      if is_plain(v) then plain[name] = v end
    end
  end
  return plain
end

-- ---- old and new ---------------------------------------------------------------------------------------

-- Puts the functions of `new` into the table `old`; swaps[f] is the new form of f.
local function merge(old, new, job)
  if old == new or job.seen[old] then return end
  job.seen[old] = true
  for key, value in next, new do
    local before = rawget(old, key)
    if before == nil then
      rawset(old, key, value)
    elseif type(before) == "function" and type(value) == "function" then
      if before ~= value and source_of(value) == job.source then
        job.swaps[before] = value
        rawset(old, key, value)
      end
    elseif type(before) == "table" and type(value) == "table" then
      merge(before, value, job)
    elseif old == job.module and is_plain(value) and before == job.plain[key] then
      rawset(old, key, value)
    end
  end
  local meta, new_meta = debug.getmetatable(old), debug.getmetatable(new)
  if type(meta) == "table" and type(new_meta) == "table" then merge(meta, new_meta, job) end
end

-- The variables of the new functions become those of the old, where they hold data.
local function join(old, new_value, caught, job)
  local fresh = variables_of(new_value, job.source, caught)
  for name, v in next, fresh do
    local o = old[name]
    if v and o then
      local before, value = o[3], v[3]
      if type(before) == "function" and type(value) == "function" then
        if source_of(value) == job.source then job.swaps[before] = value end
      elseif type(before) == "table" and type(value) == "table" then
        merge(before, value, job)
      end
      local taken = type(value) == "function" or is_plain(value) and before == job.plain["local " .. name]
      if taken then o[1] = nil end
    end
  end
  each_function({new_value, caught}, function(f)
    if source_of(f) ~= job.source then return false end
    for i = 1, 255 do
      local name = debug.getupvalue(f, i)
      if not name then break end
      local o = old[name]
      if o and o[1] and fresh[name] and debug.upvalueid(f, i) ~= debug.upvalueid(o[1], o[2]) then
        debug.upvaluejoin(f, i, o[1], o[2])
      end
    end
  end)
end

-- Whoever holds an old function gets the new one.
local function swap_everywhere(swaps)
  if next(swaps) == nil then return end
  each_function({_G, package.loaded}, function(f)
    for i = 1, 255 do
      local name, value = debug.getupvalue(f, i)
      if not name then break end
      if swaps[value] then debug.setupvalue(f, i, swaps[value]) end
    end
  end, function(t)
    for key, value in next, t do
      if swaps[value] then rawset(t, key, swaps[value]) end
    end
  end)
end

-- Runs the file aside: what it returns, and what it assigns to globals.
local function run_aside(name, module)
  local file, problem = io.open(module.at)
  if not file then return nil, problem end
  local text = file:read "a"
  file:close()
  local caught = {}
  local env = setmetatable({}, {__index = function(_, key)
    if caught[key] ~= nil then return caught[key] end
    return _G[key]
  end, __newindex = caught})
  local chunk, message = load(text, "@" .. module.path, "t", env)
  if not chunk then return nil, message end
  local done, value = pcall(chunk, name, module.path)
  if not done then return nil, value end
  debug.setupvalue(chunk, 1, _G)
  return caught, value
end

local function set_globals(caught, job)
  for key, value in next, caught do
    local before = rawget(_G, key)
    if type(before) == "table" and type(value) == "table" then
      merge(before, value, job)
    elseif before == nil or type(value) == "function" then
      if type(before) == "function" then job.swaps[before] = value end
      rawset(_G, key, value)
    end
  end
end

local function reload_module(name, module)
  local caught, value = run_aside(name, module)
  if not caught then return nil, value end
  local old = package.loaded[name]
  local source = "@" .. module.path
  local job = {source = source, swaps = {}, seen = {}, module = old, plain = module.plain}
  local globals = {}
  for key in next, caught do globals[key] = rawget(_G, key) end
  join(variables_of(old, source, globals), value, caught, job)
  if type(old) == "table" and type(value) == "table" then
    merge(old, value, job)
  elseif type(old) == "function" and type(value) == "function" then
    job.swaps[old] = value
    package.loaded[name] = value
  end
  set_globals(caught, job)
  swap_everywhere(job.swaps)
  module.plain = plain_of(package.loaded[name], source)
  local n = 0
  for _ in next, job.swaps do n = n + 1 end
  return n
end

-- ---- what is loaded --------------------------------------------------------------------------------------

local function look_at(name, value)
  local path = type(name) == "string" and not name:find "^lunette" and package.searchpath(name, package.path)
  if not path then return false end
  local at = path:find "^/" and path or console.folder() .. "/" .. path
  return {path = path, at = at, written = console.changed(at), plain = plain_of(value, "@" .. path)}
end

--- Looks at modules that are new, and, when on, reads changed files again; notes say what was done.
function reload.check()
  local names = {}
  for name, value in next, package.loaded do
    if known[name] == nil then known[name] = look_at(name, value) end
    if known[name] and reload.is_on then names[#names + 1] = name end
  end
  table.sort(names)
  for _, name in ipairs(names) do
    local module = known[name]
    local written = console.changed(module.at)
    if written and written ~= module.written then
      module.written = written
      local n, problem = reload_module(name, module)
      io.stderr:write(n and ("%s: %d function%s new\n"):format(name, n, n == 1 and " is" or "s are")
        or ("%s is as it was: %s\n"):format(name, tostring(problem)))
    end
  end
end

function reload.set(on)
  reload.is_on = on
  reload.check()
end

return reload
