-- Random calls of the standard functions that the program has its own of: patterns, rep, sort, concat, move
-- and coroutines. Prints what each gives, or its error, for comparison with stock Lua (tests/vm/stock.lua).
-- Usage: lunette|lua5.4 tests/fuzz/stock.lua SEED ROUNDS

local seed, rounds = tonumber(arg[1]), tonumber(arg[2])
local random = math.random
math.randomseed(seed)

local function pick(list) return list[random(#list)] end
local function chance(p) return random() < p end

-- ---- in words -----------------------------------------------------------------------------------------

local function show(v, depth)
  local kind = type(v)
  if kind == "string" then return #v > 300 and ("%q.. of %d"):format(v:sub(1, 300), #v) or ("%q"):format(v) end
  if kind == "number" or kind == "boolean" or kind == "nil" then return tostring(v) end
  if kind ~= "table" or (depth or 0) > 2 then return kind end
  local list = {}
  for k, e in next, v do list[#list + 1] = show(k, 3) .. "=" .. show(e, (depth or 0) + 1) end
  for i = 2, #list do -- by insertion: sort is under test
    local j = i
    while j > 1 and list[j] < list[j - 1] do
      list[j], list[j - 1], j = list[j - 1], list[j], j - 1
    end
  end
  local text = "{"
  for _, item in ipairs(list) do text = text .. item .. " " end
  return text .. "}"
end

local function report(name, ...)
  local text = name .. ":"
  for i = 1, select("#", ...) do text = text .. " " .. show((select(i, ...))) end
  io.write(text, "\n")
end

local function try(name, f, ...) report(name, pcall(f, ...)) end

-- ---- patterns -----------------------------------------------------------------------------------------

local letters = { "a", "a", "b", "b", "c", "1", " ", "%", "(", ")", "[", "]", "-", ".", "\0", "\xff", "A", "_" }
local singles = { "a", "b", "c", ".", "%a", "%d", "%s", "%w", "%W", "%A", "%p", "%x", "%u", "%l", "%c", "%g", "%%", "%.",
  "[ab]", "[^a]", "[a-c]", "[%w_]", "[^%s]", "[]]", "[^]]", "[a-]", "[%a-z]", "[-a]", "\0", "\xff", "[\0-\x7f]", "1" }
local odd = { "[", "[^", "[a", "%", "%f", "%f[%w]", "%f[a", "%b", "%b(", "%b()", "%bab", "%baa", "%1", "%2", "%0", "()", "(", ")", "^",
  "$", "[]", "[%", "%9", "*", "-", "[a-%a]", "(()", "%z", "%Z" }
local suffixes = { "", "", "", "", "*", "+", "-", "?" }

local function text(most)
  local list = ""
  for _ = 1, random(0, most) do list = list .. pick(letters) end
  return list
end

local function pattern(depth)
  local p = depth == 0 and chance(0.2) and "^" or ""
  for _ = 1, random(0, 4) do
    if chance(0.12) then
      p = p .. pick(odd)
    elseif depth < 3 and chance(0.2) then
      p = p .. "(" .. pattern(depth + 1) .. ")"
    else
      p = p .. pick(singles) .. pick(suffixes)
    end
  end
  return p .. (depth == 0 and chance(0.15) and "$" or "")
end

local places = { 0, -1, 1, 2, 3, -3, 100, -100, math.maxinteger, math.mininteger, 2.0, 1.5, "2", "x", 0 / 0, 2 ^ 63, true }

local function place() return chance(0.6) and random(-4, 9) or pick(places) end

local function junk()
  return pick { "a", 12, 1.5, -0.0, 0 / 0, true, false, {}, type, setmetatable({}, { __index = {}, __len = function() return 2 end }),
    setmetatable({}, { __tostring = function() return "t" end, __name = "mine" }), io.stdout, math.mininteger, "" }
end

local replacements = { "", "x", "%0", "%1", "%2%1", "%%", "%", "%x", "<%0>", "%9", 7, 1.5, "\0", true,
  function() end, function(...) return ... end, function() return {} end, function(a) return a and #a end,
  function() error "inside" end, function() error({}) end, { a = "A", b = 1, c = false }, { a = {} },
  setmetatable({}, { __index = function(_, k) return "<" .. tostring(k) .. ">" end }),
  setmetatable({}, { __index = function() error("no key", 0) end }) }

local strings = {
  function() try("find", string.find, text(12), pattern(0), chance(0.4) and place() or nil, chance(0.2)) end,
  function() try("match", string.match, text(12), pattern(0), chance(0.4) and place() or nil) end,
  function() try("gsub", string.gsub, text(12), pattern(0), pick(replacements), chance(0.3) and place() or nil) end,
  function()
    try("gmatch", function(...)
      local all, n = {}, 0
      for a, b, c in string.gmatch(...) do
        n = n + 1
        all[n] = { a, b, c }
      end
      return all
    end, text(12), pattern(0), chance(0.3) and place() or nil)
  end,
  -- nothing many times would take for ever with stock Lua
  function()
    try("rep", string.rep, text(4) .. (chance(0.9) and "a" or ""), random(-1, 6), chance(0.5) and text(3) or nil)
    try("rep", string.rep, "a", pick(places), chance(0.5) and text(3) or nil)
  end,
  function() try("rep", string.rep, pick { "", "ab" }, pick { 1 << 31, 1 << 40, math.maxinteger, 1 << 62 }, pick { "ab", "abcdefgh" }) end,
  function() try("any", string[pick { "find", "match", "gsub", "gmatch", "rep" }], junk(), junk(), junk(), junk()) end,
  function() -- at the border of what recursion is allowed; a failure there would take for ever
    local n, short = random(190, 260), random(4)
    local item = pick { "a?", "(a)", "a-", ".", "a*", "a", "()" }
    try("deep", string[pick { "find", "match" }], ("a"):rep(n), item:rep(random(190, n)))
    try("long", string[pick { "find", "match" }], ("a"):rep(20), item:rep(short) .. pick { "b", "$" })
  end,
}

-- ---- tables -------------------------------------------------------------------------------------------

local function value()
  local way = random(9)
  if way <= 5 then return random(-20, 20) end
  if way == 6 then return random() end
  if way == 7 then return text(3) end
  return chance(0.1) and junk() or random(5)
end

local function list(most, make)
  local t = {}
  for i = 1, random(0, most) do t[i] = make() end
  if chance(0.1) then t[random(1, most + 2)] = nil end
  return t
end

-- A table behind functions; where what is asked is noted, they may fail or change it, too.
local function proxy(t, notes)
  local patience = notes and chance(0.3) and random(30) or math.huge
  local function note(what, k)
    patience = patience - 1
    if notes then notes[#notes + 1] = what .. tostring(k) end
    if patience < 0 then error("enough of " .. what, 0) end
  end
  return setmetatable({}, {
    __index = function(_, k)
      note("r", k)
      return t[k]
    end,
    __newindex = function(_, k, v)
      note("w", k)
      if notes and chance(0.02) then t = {} end
      t[k] = v
    end,
    __len = function()
      note("#", "")
      return (not notes or chance(0.9)) and #t or pick { -1, 0, 5, 2.0, 1.5, "3", {} }
    end,
    __eq = function() return chance(0.5) end,
  })
end

local function tablelike(t, notes)
  if chance(0.04) then return junk() end
  return chance(0.3) and proxy(t, notes) or t
end

local function index()
  return chance(0.9) and random(-2, 8) or pick { math.maxinteger, math.mininteger, math.maxinteger - 1, "2", 1.5, 2.0, 0 }
end

local orders = { function(a, b) return a < b end, function(a, b) return a > b end, function(a, b) return a % 7 < b % 7 end,
  function(a, b) return tostring(a) < tostring(b) end }

local tables = {
  function()
    local t, notes = list(9, value), {}
    try("concat", table.concat, tablelike(t, notes), chance(0.5) and text(2) or nil, chance(0.4) and index() or nil,
      chance(0.4) and random(-2, 12) or nil)
    report("asked", notes)
  end,
  function()
    local t, u, notes = list(7, value), list(5, value), {}
    local a, b = tablelike(t, notes), tablelike(u, notes)
    local from = index()
    local last = chance(0.9) and math.type(from) == "integer" and from + random(-2, 6) or random(-2, 8)
    -- a move over half of all integers would take for ever, stock Lua's too
    if from ~= math.mininteger then
      try("move", table.move, a, from, last, index(), chance(0.5) and b or chance(0.3) and a or nil)
    end
    report("after", t, u, notes)
  end,
  function()
    local numbers = list(chance(0.2) and 90 or 12, chance(0.5) and function() return random(40) end or random)
    try("sort", table.sort, chance(0.2) and proxy(numbers) or numbers, chance(0.6) and pick(orders) or nil)
    report("after", numbers)
  end,
  function()
    local mixed = list(8, value)
    try("sort", table.sort, mixed, chance(0.2) and junk() or nil)
  end,
  function()
    local words = list(60, function() return text(5) end)
    try("sort", table.sort, words, chance(0.5) and pick(orders) or nil)
    report("after", words)
  end,
  function() try("any", table[pick { "concat", "sort", "move" }], junk(), junk(), junk(), junk()) end,
}

-- ---- coroutines ---------------------------------------------------------------------------------------

local function closer(log, name)
  return setmetatable({}, { __close = function(_, problem)
    log[#log + 1] = name .. " closes: " .. show(problem)
    if chance(0.3) then error("from " .. name, random(0, 2)) end
    if chance(0.1) and coroutine.isyieldable() then coroutine.yield("closing " .. name) end
  end })
end

local program

local function body(pool, log, depth)
  return function(...)
    report("starts with", ...)
    local _ <close> = chance(0.4) and closer(log, "c" .. depth) or nil
    program(pool, log, depth)
    if chance(0.2) then error(pick { "text", "text", 12, {}, false }, random(0, 2)) end
    return depth, chance(0.5)
  end
end

local function act(pool, log, depth)
  local way, co = random(9), pool[random(#pool + 1)]
  if way <= 2 and depth < 4 then
    pool[#pool + 1] = pick { coroutine.create, coroutine.wrap } (body(pool, log, depth + 1))
  elseif way <= 5 and co then
    if type(co) == "thread" then try("resume", coroutine.resume, co, random(9)) else try("wrapped", co, random(9)) end
  elseif way == 6 and coroutine.isyieldable() then
    report("yield", coroutine.yield(depth, "y"))
  elseif way == 7 and type(co) == "thread" then
    try("close", coroutine.close, co)
    report("status", coroutine.status(co))
  elseif way == 8 then
    try("any", coroutine[pick { "resume", "close", "wrap" }], junk(), junk())
  elseif chance(0.2) then
    try("self", coroutine[pick { "resume", "close" }], (coroutine.running()))
  end
end

function program(pool, log, depth)
  for _ = 1, random(0, 6) do act(pool, log, depth) end
end

local function coroutines()
  local pool, log = {}, {}
  for _ = 1, 4 do program(pool, log, 0) end
  report("closed", log)
end

-- ---- all ----------------------------------------------------------------------------------------------

for _ = 1, rounds do
  for _, f in ipairs(strings) do f() end
  for _, f in ipairs(tables) do f() end
  coroutines()
end
