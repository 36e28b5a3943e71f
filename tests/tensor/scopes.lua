-- scopes.lua: tensor.no_grad and tensor.scope: nesting, coroutines, errors, what survives.

local lunette = require "lunette"
local tensor = lunette.tensor

local function leaf(values) return tensor(values, { dtype = "float64", requires_grad = true }) end

local function near(t, name, got, want)
  got = got:reshape(-1):tolist()
  for i, v in ipairs(want) do t.near(name .. " " .. i, got[i], v, 1e-9) end
end

local function test_no_grad(t)
  local x = leaf { 1 }
  local function records() return (x * 2).requires_grad end
  t.eq("returns what the function does", select("#", tensor.no_grad(function(...) return ... end, 1, nil, nil)), 3)
  local inner, nested, enabled = tensor.no_grad(function()
    return records(), tensor.no_grad(records), tensor.enable_grad(records)
  end)
  t.ok("nested", inner == false and nested == false and enabled == true and records())
  t.eq("an error passes", select(2, pcall(tensor.no_grad, error, "boom")), "boom")
  t.ok("and recording is on again", records() and tensor.is_grad_enabled())
  t.raises("takes a function", "no_grad: takes a function", tensor.no_grad, true)
  local co = coroutine.wrap(function()
    tensor.no_grad(function()
      coroutine.yield(records())
      coroutine.yield(records())
    end)
    coroutine.yield(records())
  end)
  t.ok("belongs to its coroutine", not co() and records() and not co() and records() and co())
  local other = tensor.no_grad(function() return coroutine.wrap(records)() end)
  t.eq("a coroutine begins with recording on", other, true)
  do
    local abandoned = coroutine.create(function() tensor.no_grad(coroutine.yield) end)
    coroutine.resume(abandoned)
  end
  collectgarbage()
  collectgarbage()
  t.ok("one that is never ended", coroutine.wrap(records)() and records())
end

local function test_scope(t)
  local kept, lost, grad, line, outer
  local x = leaf { 1, 2 }
  do
    local scope <close> = tensor.scope()
    lost = x * 2
    kept = scope:keep(x * 3)
    do
      local inner <close> = tensor.scope()
      outer = inner:keep(lost * 2)
    end
    (lost * 5):sum():backward()
    line = debug.getinfo(1, "l").currentline
  end
  grad = x.grad
  local closed = "released by the scope that closed at line " .. line
  t.raises("a closed handle in an op", closed, function() return lost + 1 end)
  t.raises("in a method", closed, function() return lost:sum() end)
  t.raises("in a field", closed, function() return lost.shape end)
  t.raises("in an index", closed, function() return lost[1] end)
  t.raises("in an assignment", closed, function() lost[1] = 1 end)
  t.raises("in a list", closed, function() return tensor.cat { lost, lost } end)
  t.ok("still prints", tostring(lost):find "released" and lost == lost)
  near(t, ".grad survives", grad, { 10, 10 })
  kept:sum():backward()
  near(t, "the graph of what is kept too", x.grad, { 13, 13 })
  near(t, "kept by the inner scope", outer:detach(), { 4, 8 })
end

local function test_scope_lets_go(t)
  collectgarbage()
  local before = tensor.memory().handles
  for _ = 1, 3 do
    local scope <close> = tensor.scope()
    local x = leaf { 1, 2 }
    scope:keep(x * 3);
    (x * 2):sum():backward()
  end
  collectgarbage()
  t.eq("a scope leaves nothing behind", tensor.memory().handles, before)
end

-- A finalizer may close the scope of a tensor that is being read.
local function test_closed_by_finalizers(t)
  local ways = {
    function(x) return x:tolist() end,
    function(x) return tostring(x) end,
    function(x) return x.shape end,
    function(x) return (tensor.cat({ x, x }) + x:sum()):exp() end,
    function(x) return tensor { x, x } end,
    function(x) return x[{ 1, {} }].T end,
    function(x) return x == x:clone() end,
    function(x) return tensor.grad((x:requires_grad_() * x):sum(), { x }) end,
  }
  local good = true
  for _, way in ipairs(ways) do
    for _ = 1, 60 do
      local scope = tensor.scope()
      local x, close = tensor.rand(40, 3), getmetatable(scope).__close
      for _ = 1, 3 do
        setmetatable({}, { __gc = function() close(scope) end })
      end
      local done, message = pcall(way, x)
      good = good and (done or message:find "released by the scope") and true
      close(scope)
    end
  end
  t.ok("a scope closed by a finalizer", good)
end

-- Metamethods in the hands of a script.
local function test_metamethods(t)
  local x = tensor.ones(2)
  local wrong = { nil, 1, "x", {}, io.stdout, x, tensor.scope(), coroutine.create(print) }
  local good = true
  for _, object in ipairs { x, tensor.scope(), x.shape } do
    for _, name in ipairs { "__gc", "__close", "__tostring", "__index", "__newindex", "__len", "__concat", "__eq", "__call" } do
      local f = getmetatable(object)[name]
      for i = 1, type(f) == "function" and 8 or 0 do
        for k = 1, 8 do
          local done, message = pcall(f, wrong[i], wrong[k], wrong[9 - k])
          good = good and (done or type(message) == "string")
        end
      end
    end
  end
  t.ok("metamethods with wrong arguments", good)
end

local function test_scope_ends(t)
  local lost
  local co = coroutine.wrap(function()
    local _ <close> = tensor.scope()
    coroutine.yield()
    return 1
  end)
  co()
  local mine = tensor { 1 }
  co()
  t.eq("a scope belongs to its coroutine", mine[1], 1)
  local done = pcall(function()
    local _ <close> = tensor.scope()
    lost = tensor { 1 }
    error "x"
  end)
  t.ok("an error closes it", not done and not pcall(function() return lost[1] end))
end

return function(t)
  test_no_grad(t)
  test_scope(t)
  test_scope_lets_go(t)
  test_scope_ends(t)
  test_closed_by_finalizers(t)
  test_metamethods(t)
end
