-- prompt/session.lua: what lasts from entry to entry: In, Out, _, and variables declared `local`.

local console = require "lunette.console"
local core = require "lunette.core"
local locals = require "lunette.prompt.locals"

local session = {
  count = 0,    -- entries so far
  current = 0,  -- the number of the one that runs: another, while one inside of it does
  level = nil,  -- inside of what runs: {env =, own = its names, answer =}
  In = {},      -- their texts
  problem = nil -- the last error
}

-- Results by entry number. Large tensors are held weakly: the list is no reason to keep them.
local LARGE = 16 << 20 -- bytes
local strong, weak = {}, setmetatable({}, {__mode = "v"})

session.Out = setmetatable({}, {
  __index = function(_, n)
    if strong[n] ~= nil then return strong[n] end
    return weak[n]
  end,
  __newindex = function() error("Out is filled by the prompt; it cannot be assigned", 2) end,
  __len = function() return session.count end,
  __pairs = function()
    local all = {}
    for n = 1, session.count do
      local v = strong[n]
      if v == nil then v = weak[n] end
      all[n] = v
    end
    return next, all
  end,
  __tostring = function()
    local numbers = {}
    for n = 1, session.count do
      if strong[n] ~= nil or weak[n] ~= nil then numbers[#numbers + 1] = ("[%d]"):format(n) end
    end
    return "Out" .. table.concat(numbers, " ")
  end,
})

local function is_large(value)
  if not core.tensor.is_tensor(value) then return false end
  return value:numel() * 4 > LARGE
end

--- A new entry: its number and text.
function session.begin(text)
  session.count = session.count + 1
  session.current = session.count
  session.In[session.count] = text
  if session.count == 1 then
    rawset(_G, "In", session.In)
    rawset(_G, "Out", session.Out)
  end
end

--- How messages name entry n.
function session.name(n) return ("In[%d]"):format(n or session.current) end

--- The text of the entry that a chunk name stands for; nil for other chunks.
function session.text_of(name)
  local n = name:match "^In%[(%d+)%]$"
  return n and session.In[tonumber(n)]
end

--- The table in which the prompt's names are found.
function session.env() return session.level and session.level.env or _G end

--- The function of an entry, with its outermost locals made variables of the session; or nil and a
-- message. `text` may be a part of the entry (%time f()).
function session.compile(text)
  local body, head = locals.rewrite(text, session.name())
  local chunk, message, open = console.compile(body, session.name())
  if chunk and head ~= "" then
    body = body:gsub("^=", "")
    chunk = load(head .. "return " .. body, "=" .. session.name(), "t")
    if not chunk then chunk, message = load(head .. body, "=" .. session.name(), "t") end
  end
  if not chunk then return nil, message, open end
  if session.level then debug.setupvalue(chunk, 1, session.level.env) end
  return chunk
end

local function ends_in_semicolon(text)
  local tokens = console.tokens(text)
  for i = #tokens, 1, -1 do
    if tokens[i].kind ~= "comment" then return tokens[i].text == ";" end
  end
end

--- Does the entry end in a semicolon?
function session.is_quiet() return ends_in_semicolon(session.In[session.current]) end

--- Keeps the values of the entry as _ (with __ and ___ the ones before) and Out[n].
function session.keep(first, ...)
  if first == nil and select("#", ...) == 0 then return end
  local g = _G
  rawset(g, "___", rawget(g, "__"))
  rawset(g, "__", rawget(g, "_"))
  rawset(g, "_", first)
  if core.tensor.is_tensor(first) then core.keep(first) end
  if is_large(first) then weak[session.current] = first else strong[session.current] = first end
end

function session.fail(problem) session.problem = problem end

return session
