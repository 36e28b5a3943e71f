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

return lines
