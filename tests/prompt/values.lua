-- values.lua: how the prompt shows values: tables sorted, safe from cycles, cut; the summaries of large
-- tensors, against sums and counts made here.

local tensor = require "lunette".tensor

local function naive(list)
  local lo, hi, sum, n, nan, inf, zeros = math.huge, -math.huge, 0, 0, 0, 0, 0
  for _, v in ipairs(list) do
    if v ~= v then
      nan = nan + 1
    elseif v == math.huge or v == -math.huge then
      inf = inf + 1
    else
      lo, hi, sum, n = math.min(lo, v), math.max(hi, v), sum + v, n + 1
      if v == 0 then zeros = zeros + 1 end
    end
  end
  return {min = lo, max = hi, mean = sum / n, NaN = nan, inf = inf, zeros = zeros}
end

local function test_summary(t)
  local summary = require "lunette.prompt.summary"
  local list = {}
  for i = 1, 1000 do list[i] = (i * 7919 % 1013 - 500) / 8 end
  list[3], list[4], list[500], list[7], list[8], list[900] = 0 / 0, 0 / 0, 1 / 0, -1 / 0, 0, 0
  for _, dtype in ipairs {"float32", "float64", "bfloat16", "int64", "int32", "uint8"} do
    local values = {}
    for i, v in ipairs(list) do
      local whole = v == v and v ~= 1 / 0 and v ~= -1 / 0 and math.floor(v) or 0
      values[i] = dtype:find "float" and v or dtype == "uint8" and whole % 200 or whole
    end
    local x = tensor(values):to(dtype)
    local want, text = naive(x:double():tolist()), summary.of(x, 200)
    for _, name in ipairs {"min", "mean", "max"} do
      local got = tonumber(text:match(name .. " (%S+)"))
      t.ok(dtype .. " " .. name, got and math.abs(got - want[name]) <= 6e-4 * math.abs(want[name]) + 1e-6, text)
    end
    for _, name in ipairs {"NaN", "inf", "zeros"} do
      t.eq(dtype .. " " .. name, tonumber(text:match(name .. " (%d+)") or 0), want[name])
    end
  end
  t.eq("bool", summary.of(tensor.arange(800):gt(600), 80), "true 200 (25%)")
  t.eq("percentages go where room is short", summary.of(tensor.zeros(500), 30), "min 0 · mean 0 · max 0 · zeros 500")
  t.eq("nothing finite", summary.of(tensor.full({30, 30}, 0 / 0), 80), "NaN 900 (100%)")
  local x = tensor.randn(500, {requires_grad = true})
  t.ok("no history grows", summary.of(x, 80) and x.grad == nil and x.is_leaf)
end

local function test_tables(t)
  local text = require("lunette.prompt.values").text
  local cycle = {1, name = "n"}
  cycle.self = cycle
  t.eq("a cycle", text(cycle), '{1, name = "n", self = {cycle}}')
  local shared = {1}
  t.eq("twice is no cycle", text {shared, shared}, "{{1}, {1}}")
  t.eq("keys in order", text {b = 1, a = 2, [10] = 3, [true] = 4, ["not"] = 5, [2.5] = 6},
    '{[2.5] = 6, [10] = 3, a = 2, b = 1, ["not"] = 5, [true] = 4}')
  t.eq("deep", text {{{{{{}}}}}}, "{{{{{...}}}}}")
  t.eq("what is inside says what it is", text {tensor.ones(2, 3), tensor(2.5), print, "a\n\27\"b"},
    '{float32 [2,3], 2.5, function, "a\\n\\27\\"b"}')
  local long = {name = 1}
  for i = 1, 500 do long[i] = i end
  local shown = text(long, 60)
  t.ok("a long list is cut, its fields are not", shown:find "59,\n? *%.%.%. 441 more,%s+name = 1\n}$", shown)
  for line in shown:gmatch "[^\n]+" do t.ok("and no line is wider than the terminal", #line <= 60, line) end
  t.eq("a long text is cut", #text(("x"):rep(1000)), 120 + #'"" .. 880 bytes')
end

local function test_width(t)
  local core = require "lunette.core"
  for _, columns in ipairs {30, 40, 80, 160} do
    core.print_width(columns)
    for _, x in ipairs {tensor.arange(300), tensor.randn(30), tensor.randn(7, 9), tensor.randn(5, 40), tensor.arange(5000)} do
      for line in tostring(x):gmatch "[^\n]+" do
        if #line > columns then return t.ok("a line fits into " .. columns, false, line) end
      end
    end
  end
  t.ok("lines of tensors fit", true)
  core.print_width(100)
end

return function(t)
  test_width(t)
  if not pcall(require, "lunette.console") then return end
  test_summary(t)
  test_tables(t)
end
