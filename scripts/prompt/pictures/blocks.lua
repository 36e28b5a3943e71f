-- prompt/pictures/blocks.lua: texts of a known width in columns, from which blocks of lines are put together.

local width = require "lunette.console".width

local blocks = {}

--- The text in one line of at most so many columns; what is too long ends in "…".
function blocks.cut(text, columns)
  text = text:gsub("%c+", " ")
  if width(text) <= columns then return text end
  while text ~= "" and width(text) >= columns do text = text:gsub("[^\x80-\xbf][\x80-\xbf]*$", "") end
  return text .. "…"
end

--- The text between blanks, or before them, or after them.
function blocks.centered(text, columns)
  local room = math.max(columns - width(text), 0)
  return (" "):rep(room // 2) .. text .. (" "):rep(room - room // 2)
end

function blocks.left(text, columns) return text .. (" "):rep(columns - width(text)) end

function blocks.right(text, columns) return (" "):rep(columns - width(text)) .. text end

--- Joins the lines of two blocks side by side; those of `a` are `wide` columns.
function blocks.beside(a, wide, b)
  local out = {}
  for i = 1, math.max(#a, #b) do out[i] = (a[i] or (" "):rep(wide)) .. (b[i] and "  " .. b[i] or "") end
  return out
end

return blocks
