-- deliberate.lua: where Lunette means to differ from PyTorch, as rules over cases. doc/differences.md
-- explains each to people who come from PyTorch.

local deliberate = {}

local numbers = "an element picked from a tensor is a number of Lua's, so numbers stand for tensors"

-- Calls that raise in PyTorch and give a result here: a pattern of PyTorch's message, and the reason.
local accepted = {
  {"must be Tensor, not %a+", numbers},
  {"invalid combination of arguments %- got %(%a+, %a+%)", numbers},
  {"Expected dtype int64 for index", "integers of any type index"},
  {"must be int, not float", "a float with a whole value is a whole number, as everywhere in Lua"},
  {"Input dtype must be either a floating point", "the mean of integers is float32"},
  {"Expected self.dtype to be equal to src.dtype", "what is written takes the type of the tensor written to"},
  {"should be the same$", "a float operand wins over integers"},
  {"only supports a 0%-dimensional value tensor", "a tensor of one element is a single value"},
  {"multinomial only supports floating", "integers weigh as well"},
}

local any_of_equals = "which of several equal elements is meant is not said; that of a stable sort here"
local drawn = "random numbers are streams of their own"
local in_place = "a shape does not change under others who hold the tensor"
local unread = "the gradient is 0 where the factor is not read"
local sums = "sums and products of integers are int64"
local absent = "not there"

-- Functions, types and single cases left out or different: patterns of the directory's name and of the case's
-- id, the reason, and perhaps a pattern of what the comparison says.
local omitted = {
  {"^char$", "", "there is no int8"},
  {"^short$", "", "there is no int16"},
  {"^nn%.functional%.avg_pool", "^int64", "the mean of integers is float32"},
  {"^topk$", "int", any_of_equals},
  {"^kthvalue$", "int", any_of_equals},
  {"^kthvalue$", "^bool", any_of_equals},
  {"^topk$", "^bool", any_of_equals},
  {"^mode$", "", any_of_equals, "^out1"},
  {"^linspace$", "^u?int", "PyTorch's rounding is not even monotonic"},
  {"^unique$", "", "values are sorted always", "off, max"},
  {"^aminmax$", "", "a single value stays one with keepdim too", "shape %(%) for %(1,%)"},
  {"", "", "losses do not broadcast", "losses do not broadcast"},
  {"", "", "a fraction or negative number does not go where it does not fit", "does not fit an? %w+ tensor"},
  {"^histogram$", "", "bins between falling edges mean nothing", "edges rise"},
  {"batch_norm", "", "one dimension has no channels", "channels in the second dimension"},
  {"feature_alpha_dropout", "", "a single value has no channels", "%[N,C,%.%.%.%] is wanted"},
  {"^as_strided$", "^noncontig", "places count in the elements of x, not in what it is a view of"},
  {"^as_strided_scatter$", "", "PyTorch's gradient is not the derivative", "^g"},
  {"^cholesky_", "", unread, "^g"},
  {"^linalg%.norm%.subgradients", "", "a second derivative of 0 at zeros, where PyTorch has NaN", "^gg"},
  {"polygamma", "int", "it is infinite at its poles"},
  {"^special%.bessel_", "float64", "PyTorch's values are off by up to 1e-7"},
  {"^special%.airy_ai$", "float64", "PyTorch's values are off by up to 1e-7"},
  {"^special%.[ab]", "noncontig", "PyTorch's values are off by up to 1e-7"},
  -- small integers
  {"^a[ln][ly]$", "^uint8", "whether all or any hold is a mask"},
  {"", "^u?int", sums, "dtype int64 for u?int"},
  {"", "^uint8", "differences of uint8 that PyTorch wraps around in the middle of a formula", "off, max"},
  {"interpolate", "^uint8", "what is computed is float32"},
  {"upsample", "^uint8", "what is computed is float32"},
  -- random
  {"^rand", "", drawn}, {"^normal", "", drawn}, {"^bernoulli$", "", drawn}, {"^multinomial$", "", drawn},
  {"dropout", "", drawn, "off, max"}, {"rrelu$", "", drawn}, {"fractional_max_pool", "", drawn},
  {"^empty", "", "memory not yet written is zeros"}, {"^new_empty", "", "memory not yet written is zeros"},
  -- left out
  {"^masked%.", "", absent}, {"^resize", "", in_place}, {"_lowrank$", "", absent}, {"^histogramdd$", "", absent},
  {"_scaled_dot_product_attention$", "", "the fused form never makes its weights"},
  {"^geqrf$", "", absent}, {"^ormqr$", "", absent}, {"^linalg%.ldl", "", absent},
  {"^m?[HT]$", "", "a single value has no rows", "absent"},
}

--- Why a case differs on purpose, or nil. problem: what its comparison says, where that is known.
function deliberate.reason(directory, case, problem)
  for _, rule in ipairs(omitted) do
    local meant = directory:find(rule[1]) and case.id:find(rule[2])
    if meant and (not rule[4] or problem and problem:find(rule[4])) then return rule[3] end
  end
  for _, rule in ipairs(case.expect_error and accepted or {}) do
    if tostring(case.message):find(rule[1]) then return rule[2] end
  end
end

return deliberate
