-- help/source.lua: what is written in the source: the comment above a definition and at the head of a
-- file, and the example with which such a comment may end:
--
--   --- Twice x.
--   -- example: twice(3) --> 6
--   local function twice(x) return 2 * x end
--
-- An example of several lines follows its mark, two blanks further to the right.

local source = {}

local files = {} -- by source, read once

-- The lines of the file that a chunk came from; nil when it came from no file.
function source.lines(chunk)
  if files[chunk] == nil then
    local file = chunk:sub(1, 1) == "@" and io.open(chunk:sub(2))
    local lines = file and {} or false
    if file then
      for line in file:lines() do lines[#lines + 1] = line end
      file:close()
    end
    files[chunk] = lines
  end
  return files[chunk] or nil
end

--- A comment's lines as its text and its example, nil where it has none.
function source.split(list)
  for i, line in ipairs(list) do
    local first = line:match "^example:%s*(.*)$"
    if first then
      local code = {}
      if first ~= "" then code[1] = first end
      for j = i + 1, #list do code[#code + 1] = list[j]:gsub("^  ", "") end
      return table.concat(list, "\n", 1, i - 1), table.concat(code, "\n")
    end
  end
  return table.concat(list, "\n")
end

--- The comment that ends above a line, without its dashes, as text and example; nil when there is none.
function source.above(chunk, at)
  local lines, found = source.lines(chunk), {}
  for i = at - 1, 1, -1 do
    local text = lines and lines[i]:match "^%s*%-%-%-?%s?(.*)$"
    if not text then break end
    table.insert(found, 1, text)
    if lines[i]:find "^%s*%-%-%-" then break end
  end
  if #found == 0 then return nil end
  return source.split(found)
end

--- The comment at the head of a file as text and example, without the file's name.
function source.head(chunk)
  local found = {}
  for _, line in ipairs(source.lines(chunk) or {}) do
    local text = line:match "^%-%-%s?(.*)$"
    if not text then break end
    found[#found + 1] = text
  end
  if #found == 0 then return nil end
  found[1] = found[1]:gsub("^[%w_/]+%.lua: ", "")
  return source.split(found)
end

--- The comment at the head of a module of the library, such as "lunette.data", as text and example.
function source.module(name)
  local done, _, file = pcall(package.searchers[2], name)
  if done and type(file) == "string" then return source.head("@" .. file) end
end

return source
