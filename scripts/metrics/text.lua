-- text.lua: tables as text.

local text = {}

local function width(s) return utf8.len(s) or #s end

--- Cuts a text to a width, with … for what is lost.
function text.cut(s, most)
  if width(s) <= most then return s end
  local stop = utf8.offset(s, most)
  return s:sub(1, (stop or most) - 1) .. "…"
end

--- Rows of texts as lines: the first column to the left, the others to the right.
function text.align(rows)
  local widths, lines = {}, {}
  for _, row in ipairs(rows) do
    for i, cell in ipairs(row) do widths[i] = math.max(widths[i] or 0, width(cell)) end
  end
  for r, row in ipairs(rows) do
    local parts = {}
    for i, cell in ipairs(row) do
      local pad = (" "):rep(widths[i] - width(cell))
      parts[i] = i == 1 and cell .. pad or pad .. cell
    end
    lines[r] = table.concat(parts, "  "):gsub("%s+$", "")
  end
  return table.concat(lines, "\n")
end

return text
