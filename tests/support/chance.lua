-- chance.lua: draws for tests, the same in every Lua and on every machine: Knuth's generator of MMIX, linear
-- and congruential modulo 2^64, of which the upper bits are taken.

--- The draws that start from a seed: whole(a, b) and whole(n), both ends included, the latter from 1;
--- pick(list); uniform() from 0 up to but not 1.
return function(seed)
  local state = seed

  local function bits(n)
    state = state * 6364136223846793005 + 1442695040888963407
    return state >> (64 - n)
  end

  local function whole(a, b)
    if b == nil then a, b = 1, a end
    return a + bits(31) % (b - a + 1)
  end

  return {
    whole = whole,
    pick = function(list) return list[whole(1, #list)] end,
    uniform = function() return bits(53) / (1 << 53) end,
  }
end
