-- lines.lua: text that fits a width: broken at blanks, or cut.

local lines = {}

local function width(text) return utf8.len(text) or #text end

--- Text in lines of at most `columns` columns, broken at blanks; the first begins with `indent`, the others
-- with `further` (default: indent). A longer word has a line of its own. Runs of blanks become one.
function lines.wrap(text, columns, indent, further)
  indent = indent or ""
  local out, line, empty = {}, indent, true
  for word in text:gmatch "%S+" do
    if not empty and width(line) + 1 + width(word) > columns then
      out[#out + 1] = line
      line, empty = further or indent, true
    end
    line = line .. (empty and "" or " ") .. word
    empty = false
  end
  out[#out + 1] = line
  return table.concat(out, "\n")
end

--- The beginning of a line that fits `columns` columns, with an ellipsis where something is left out.
-- nil for `columns`: the whole line.
function lines.cut(text, columns)
  local n = columns and utf8.len(text)
  if not n or n <= columns then return text end
  return text:sub(1, utf8.offset(text, math.max(columns, 1)) - 1) .. "…"
end

-- What stands before two blanks or more is a name, and what follows is about it.
local function head_of(line) return line:match "^(%s*%S+%s%s+)%S" or line:match "^%s*" end

-- A name and what is about it, in lines of its own.
local function item(head, text, columns)
  local indent = width(head) < columns / 2 and width(head) or #head:match "^%s*" + 2
  return lines.wrap(text, columns, head, (" "):rep(indent))
end

--- Text that fits the columns: lines that begin without a blank are paragraphs; the others stand alone,
-- or go on with the item above when they begin below what is about it. Unchanged where it fits, or
-- without a number of columns.
function lines.fit(text, columns)
  local out, longest, head, rest = {}, 0, nil, {}
  for line in (text .. "\n"):gmatch "(.-)\n" do longest = math.max(longest, width(line)) end
  if not columns or longest <= columns then return text end
  local function finish()
    local all = table.concat(rest, " ")
    if head and width(head .. all) <= columns then
      out[#out + 1] = head .. all
    elseif head then
      out[#out + 1] = item(head, all, columns)
    end
    head, rest = nil, {}
  end
  for line in (text .. "\n"):gmatch "(.-)\n" do
    local blanks = line:match "^%s*"
    local goes_on = head and (head == "" and blanks == "" or blanks ~= "" and #blanks == width(head) and head:find "%S")
    if not goes_on or line == "" then finish() end
    if line == "" then
      out[#out + 1] = ""
    else
      head = head or head_of(line)
      rest[#rest + 1] = line:sub(#(goes_on and blanks or head) + 1)
    end
  end
  finish()
  return table.concat(out, "\n")
end

return lines
