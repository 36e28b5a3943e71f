-- plot_ticks.lua: tests of tick values and texts against known lists, and of the colours.

local colors = require "lunette.plot.colors"
local ticks = require "lunette.plot.ticks"

local function joined(list) return table.concat(list, " ") end

local function rounded(list)
  local out = {}
  for i, v in ipairs(list) do out[i] = ("%.10g"):format(v) end
  return joined(out)
end

local function test_linear_ticks(t)
  local cases = {
    {0, 1, 5, "0 0.2 0.4 0.6 0.8 1"},
    {0, 100, 5, "0 20 40 60 80 100"},
    {-1, 1, 5, "-1 -0.5 0 0.5 1"},
    {0.803, 0.922, 5, "0.82 0.84 0.86 0.88 0.9 0.92"},
    {0, 7, 8, "0 1 2 3 4 5 6 7"},
    {-3e-5, 3e-5, 6, "-3e-05 -2e-05 -1e-05 0 1e-05 2e-05 3e-05"},
    {2000, 60000, 6, "10000 20000 30000 40000 50000 60000"},
  }
  for _, case in ipairs(cases) do
    local list = ticks.linear(case[1], case[2], case[3])
    t.eq(("ticks of %g..%g"):format(case[1], case[2]), rounded(list), case[4])
  end
  t.eq("ticks of epochs are whole", rounded((ticks.linear(0.9, 3.1, 8, true))), "1 2 3")
  t.eq("ticks of one epoch", rounded((ticks.linear(0.4, 1.6, 8, true))), "1")
  local good = true
  for i = 1, 300 do
    local lo = (i * 7919 % 1000 - 500) * 10.0 ^ (i % 13 - 6)
    local hi = lo + (i * 104729 % 997 + 1) * 10.0 ^ (i % 11 - 5)
    local list, step = ticks.linear(lo, hi, 6)
    local mantissa = ("%.6e"):format(step):match("^(%d)%.000000e")
    good = good and (mantissa == "1" or mantissa == "2" or mantissa == "5")
    good = good and #list >= 2 and #list <= 12
    for k, v in ipairs(list) do
      local slack = 1e-6 * step
      good = good and v >= lo - slack and v <= hi + slack
      good = good and (k == 1 or math.abs(v - list[k - 1] - step) < slack + 1e-9 * math.abs(v))
    end
    good = good and list[1] - step < lo and list[#list] + step > hi
  end
  t.ok("ticks are all multiples of 1, 2, 5 in range", good)
end

local function test_tick_texts(t)
  local function format(lo, hi, count)
    local list, step = ticks.linear(lo, hi, count)
    return joined(ticks.format(list, step))
  end
  t.eq("texts have equal decimals", format(0, 1, 5), "0.0 0.2 0.4 0.6 0.8 1.0")
  t.eq("texts have a real minus", format(-1, 1, 5), "−1.0 −0.5 0.0 0.5 1.0")
  t.eq("texts separate thousands", format(0, 60000, 3), "0 20,000 40,000 60,000")
  t.eq("four digits need no comma", format(0, 2000, 4), "0 500 1000 1500 2000")
  t.eq("large numbers", format(0, 2e9, 4), "0 0.5×10⁹ 1.0×10⁹ 1.5×10⁹ 2.0×10⁹")
  t.eq("small numbers", format(0, 2e-5, 4), "0 0.5×10⁻⁵ 1.0×10⁻⁵ 1.5×10⁻⁵ 2.0×10⁻⁵")
  t.eq("power of ten", ticks.power_of_ten(-12), "10⁻¹²")
end

local function test_log_ticks(t)
  local values, labels, minor = ticks.log(1e-3, 1e2, 8)
  t.eq("decades", rounded(values), "0.001 0.01 0.1 1 10 100")
  t.eq("decades as people write them", joined(labels), "0.001 0.01 0.1 1 10 100")
  t.eq("minor lines 2..9 of five decades", #minor, 40)
  values, labels = ticks.log(1e-6, 1e3, 10)
  t.eq("far decades as powers", labels[1] .. " " .. labels[#labels], "10⁻⁶ 10³")
  t.eq("all decades", #values, 10)
  t.eq("thinned decades", rounded((ticks.log(1e-6, 1e6, 5))), "1e-06 0.001 1 1000 1000000")
  t.eq("one decade has 1, 2, 5", rounded((ticks.log(1, 10, 6))), "1 2 5 10")
  t.eq("a part of a decade is linear", rounded((ticks.log(3.2, 4.1, 5))), "3.2 3.4 3.6 3.8 4")
end

local function test_colors(t)
  t.eq("viridis starts", colors.map("viridis", 0), "#440154")
  t.eq("viridis middle", colors.map("viridis", 0.5), "#21918C")
  t.eq("viridis ends", colors.map("viridis", 1), "#FDE725")
  t.eq("grey is linear", colors.map("grey", 0.2), "#333333")
  t.ok("black on white is 21:1", math.abs(colors.contrast("#000000", "#FFFFFF") - 21) < 1e-9)
  t.ok("#767676 on white is 4.54:1", math.abs(colors.contrast("#767676", "#FFFFFF") - 4.54) < 0.005)
  local least = math.huge
  for _, map in ipairs(colors.map_names) do
    for i = 0, 100 do
      local color = colors.map(map, i / 100)
      least = math.min(least, colors.contrast(colors.readable(color), color))
    end
  end
  t.ok("text on every map reads at 4.2:1 or better", least >= 4.2, least)
end

return function(t)
  test_linear_ticks(t)
  test_tick_texts(t)
  test_log_ticks(t)
  test_colors(t)
end
