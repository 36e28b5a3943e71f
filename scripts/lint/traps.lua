-- lint/traps.lua: what Lua runs without a word though it does not mean what was meant. From tokens
-- alone, so a note is a guess: it never stops anything.

local console = require "lunette.console"

local traps = {}

local function set(words)
  local s = {}
  for word in words:gmatch "%S+" do s[word] = true end
  return s
end

local masks = set "gt lt ge le eq ne isnan isinf isfinite logical_and logical_or logical_not logical_xor"
local sums = set "sum mean prod min max norm std var amin amax"

-- ---- walking over tokens -----------------------------------------------------------------------------

-- For the bracket at tokens[i]: the index of its partner, or nil.
local function partner(tokens, i)
  local depth = 0
  for k = i, #tokens do
    if tokens[k].kind == "symbol" then depth = depth + tokens[k].nesting end
    if depth == 0 then return k end
  end
end

-- Where the operand that ends at tokens[i] starts: a chain of names, calls and indices.
local function operand_start(tokens, i)
  while i >= 1 do
    local t = tokens[i]
    if t.kind == "symbol" and t.nesting < 0 then
      local depth = 0
      while i >= 1 do
        if tokens[i].kind == "symbol" then depth = depth + tokens[i].nesting end
        if depth == 0 then break end
        i = i - 1
      end
    elseif t.kind ~= "name" and t.kind ~= "string" then
      return i + 1
    end
    local before = tokens[i - 1]
    if before and (before.text == ":" or before.text == ".") then
      i = i - 2
    elseif before and (before.kind == "name" or before.nesting < 0 and before.kind == "symbol") and tokens[i].nesting ~= 0 then
      i = i - 1
    else
      return i
    end
  end
  return 1
end

-- A call of a method of this set at tokens[i] (its colon): the indices where the whole chain starts
-- and ends, or nil.
local function method_call(tokens, i, names)
  if tokens[i].text ~= ":" or not (tokens[i + 1] and names[tokens[i + 1].text]) then return nil end
  local open = tokens[i + 2]
  if not open or open.text ~= "(" then return nil end
  local close = partner(tokens, i + 2)
  if close then return operand_start(tokens, i - 1), close end
end

local function text_at(tokens, i) return tokens[i] and tokens[i].text end

-- ---- the traps -----------------------------------------------------------------------------------------

local checks = {}

-- A mask at tokens[i]: what a comparison makes, or a name that is known to hold one. The first and the
-- last of its tokens.
local function mask_at(tokens, i, kind)
  local before, after = text_at(tokens, i - 1), text_at(tokens, i + 1)
  local alone = tokens[i].kind == "name" and before ~= "." and before ~= ":" and not (after and after:find "^[.:([{\"']")
  if alone and kind and kind(tokens[i].text) == "mask" then return i, i end
  return method_call(tokens, i, masks)
end

function checks.condition(tokens, i, _, _, kind)
  local start, close = mask_at(tokens, i, kind)
  if not start then return end
  local before, after = text_at(tokens, start - 1), text_at(tokens, close + 1)
  local asked = before == "if" or before == "while" or before == "elseif" or before == "until"
  if asked and (after == "then" or after == "do" or before == "until") then
    return "a mask of several elements is a value, and so always true; ask mask:any() or mask:all()"
  end
end

function checks.logic(tokens, i, _, _, kind)
  local start, close = mask_at(tokens, i, kind)
  if not start then return end
  local before, after = text_at(tokens, start - 1), text_at(tokens, close + 1)
  if before == "not" then return "`not mask` is false whatever is in the mask; ~mask turns it round" end
  if before == "and" or before == "or" or after == "and" or after == "or" then
    return "`and` and `or` choose one of two masks; masks are joined by & and |"
  end
end

function checks.equal(tokens, i, _, _, kind)
  local start, close = method_call(tokens, i, sums)
  if not close then return end
  local of = start == i - 1 and kind and kind(tokens[start].text)
  if of and of ~= "floats" then return end -- those give a number
  local sign, number = tokens[close + 1], tokens[close + 2]
  if sign and (sign.text == "==" or sign.text == "~=") and number and number.kind == "number" then
    return ("%s of floats is a tensor, which is never == a number; compare its :item()"):format(tokens[i + 1].text)
  end
end

function checks.matrix(tokens, i)
  local t = tokens[i]
  if t.kind == "string" and t.text:find "^%[%[[%d%s.,%-%[%]]+%]%]$" then
    return "[[...]] is a long string in Lua; a matrix is {{1, 2}, {3, 4}}"
  end
end

function checks.call(tokens, i, text)
  local t, before = tokens[i], tokens[i - 1]
  if t.text ~= "(" or not before or not text:sub(before.to + 1, t.from - 1):find "\n" then return end
  if before.kind == "name" or before.text == ")" or before.text == "]" or before.kind == "string" then
    return "this ( calls what ends the line above; write ;( to start a statement"
  end
end

-- local out, state = net(x, state) in a loop: the state outside stays as it was.
function checks.shadow(tokens, i, _, loops)
  if tokens[i].text ~= "local" or loops == 0 then return end
  local names, k = {}, i + 1
  while tokens[k] and tokens[k].kind == "name" do
    names[#names + 1] = tokens[k].text
    if text_at(tokens, k + 1) ~= "," then break end
    k = k + 2
  end
  if #names < 2 or text_at(tokens, k + 1) ~= "=" or text_at(tokens, k + 3) ~= "(" then return end
  local close = partner(tokens, k + 3)
  for j = k + 4, (close or 0) - 1 do
    for _, name in ipairs(names) do
      if tokens[j].text == name then
        return ("this makes a new '%s' in each round; the one outside stays as it was"):format(name)
      end
    end
  end
end

local order = {"condition", "logic", "equal", "matrix", "call", "shadow"}

-- ---- all of them ---------------------------------------------------------------------------------------

local function line_at(text, byte)
  return select(2, text:sub(1, byte):gsub("\n", "")) + 1
end

local ends_loop = {["for"] = 1, ["while"] = 1, ["repeat"] = 1}

--- Notes on a text: a list of {line, note}, in order.
function traps.find(text, kind)
  local tokens, notes, loops, open = {}, {}, 0, {}
  for _, t in ipairs(console.tokens(text)) do
    if t.kind ~= "comment" then tokens[#tokens + 1] = t end
  end
  for i, t in ipairs(tokens) do
    if t.kind == "keyword" then
      if ends_loop[t.text] then loops = loops + 1 end
      if t.text == "do" or t.text == "repeat" then open[#open + 1] = "loop" end
      if t.text == "function" or t.text == "then" then open[#open + 1] = "block" end
      if t.text == "end" or t.text == "until" or t.text == "elseif" then
        if table.remove(open) == "loop" then loops = math.max(loops - 1, 0) end
      end
    end
    for _, name in ipairs(order) do
      local note = checks[name](tokens, i, text, loops, kind)
      if note then notes[#notes + 1] = {line_at(text, t.from), note} end
    end
  end
  return notes
end

return traps
