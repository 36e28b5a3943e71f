-- prompt/locals.lua: an entry's outermost `local` becomes a variable of the session. `local x <close>`
-- keeps its meaning, for its entry; `local x <const>` stays unassignable in later entries too.

local console = require "lunette.console"

local locals = {}

local constants = {} -- names, in order; their values are globals
local closed = {}    -- name -> the entry at whose end it was closed

-- Tokens without comments.
local function tokens_of(text)
  local list = {}
  for _, t in ipairs(console.tokens(text)) do
    if t.kind ~= "comment" then list[#list + 1] = t end
  end
  return list
end

-- The names that a declaration at tokens[i] ("local") declares, the last token of them, and the
-- attributes by name.
local function read_names(tokens, i)
  local names, attributes = {}, {}
  while true do
    i = i + 1
    local name = tokens[i]
    if not name or name.kind ~= "name" then return nil end
    names[#names + 1] = name.text
    if tokens[i + 1] and tokens[i + 1].text == "<" and tokens[i + 3] and tokens[i + 3].text == ">" then
      attributes[name.text] = tokens[i + 2].text
      i = i + 3
    end
    if not (tokens[i + 1] and tokens[i + 1].text == ",") then return names, i, attributes end
    i = i + 1
  end
end

-- Does the text name it again, after tokens[last]?
local function is_used(tokens, last, name)
  for i = last + 1, #tokens do
    if tokens[i].kind == "name" and tokens[i].text == name then return true end
  end
  return false
end

-- The edit that a declaration needs: {from, to, text}; bytes from..to are replaced.
local function edit_of(tokens, i, entry)
  local after = tokens[i + 1]
  if after and after.text == "function" then return {tokens[i].from, after.from - 1, ""} end
  local names, last, attributes = read_names(tokens, i)
  if not names then return nil end
  for _, name in ipairs(names) do
    if attributes[name] == "close" then
      for _, other in ipairs(names) do closed[other] = {entry = entry, used = is_used(tokens, last, other)} end
      return nil
    end
  end
  for _, name in ipairs(names) do
    closed[name] = nil
    constants[name] = attributes[name] == "const" or nil
    console.declare(name)
  end
  local assigned = tokens[last + 1] and tokens[last + 1].text == "="
  return {tokens[i].from, tokens[last].to, table.concat(names, ", ") .. (assigned and "" or " = nil;")}
end

-- `local x <const> = _ENV.x` for the constants that the text names, on its first line.
local function declared(tokens, own)
  local used, list = {}, {}
  for _, t in ipairs(tokens) do
    if t.kind == "name" and constants[t.text] and not own[t.text] and not used[t.text] then
      used[t.text] = true
      list[#list + 1] = ("local %s <const> = _ENV.%s "):format(t.text, t.text)
    end
  end
  return table.concat(list)
end

local function apply(text, edits)
  for i = #edits, 1, -1 do
    local from, to, new = table.unpack(edits[i])
    text = text:sub(1, from - 1) .. new .. text:sub(to + 1)
  end
  return text
end

--- The text with its declarations rewritten, byte for byte on the same lines; and what is to stand
-- before it on its first line, "" or the constants that it names. entry: its name.
function locals.rewrite(text, entry)
  local tokens = tokens_of(text)
  local depth, edits, own = 0, {}, {}
  for i, t in ipairs(tokens) do
    if depth == 0 and t.text == "local" and t.kind == "keyword" then
      local names = read_names(tokens, i)
      for _, name in ipairs(names or {}) do own[name], constants[name] = true, nil end
      edits[#edits + 1] = edit_of(tokens, i, entry)
    end
    depth = depth + t.nesting
  end
  return apply(text, edits), declared(tokens, own)
end

--- What became of a name that lived in one entry only, as a message says it; nil for other names.
function locals.fate(name)
  local was = closed[name]
  if not was then return nil end
  return ("%s is not defined any more: it was declared with <close>, and closed at the end of %s; put do … end around all "
    .. "that uses it, or leave <close> out"):format(name, was.entry)
end

--- A name that the entry declared with <close> and did not use; nil when there is none.
function locals.unused(entry)
  local found
  for name, was in pairs(closed) do
    if was.entry == entry and not was.used and (not found or name < found) then found = name end
  end
  return found
end

--- No name is declared any more.
function locals.forget()
  constants, closed = {}, {}
  console.declare()
end

return locals
