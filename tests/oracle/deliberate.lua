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
local fractions = "what has fractions is float32 of integers"
local wraps = "differences of uint8 that PyTorch wraps around in the middle of a formula"
local rounded = "PyTorch's values are off by up to 1e-7"
local absent = "not there"

local function is_unsorted(case) return case.kwargs.sorted == false or case.args[2] == false end

local function is_dropped(case, problem)
  local p, training = case.kwargs.p, case.kwargs.training
  return p ~= 0 and p ~= 1 and training ~= false and problem and problem:find "off, max"
end

-- Functions, types and single cases left out or different: patterns of the directory's name and of the case's
-- id, the reason, and perhaps a pattern of what the comparison says, or a function of the case.
local omitted = {
  {"^char$", "", "there is no int8"},
  {"^short$", "", "there is no int16"},
  {"^nn%.functional%.avg_pool", "^int64", fractions, "dtype float32"},
  {"^nn%.functional%.local_response_norm$", "^int64", fractions, "dtype float32"},
  {"^masked%.logsumexp$", "int", fractions, "dtype float32"},
  {"^masked%.mean$", "^bool", "a mean is not cut off at true"},
  {"^topk$", "int", any_of_equals, "^out1"}, {"^topk$", "^bool", any_of_equals, "^out1"},
  {"^kthvalue$", "int", any_of_equals, "^out1"}, {"^kthvalue$", "^bool", any_of_equals, "^out1"},
  {"^mode$", "", any_of_equals, "^out1"},
  {"^masked%.arg", "", "positions are int64", "dtype int64 for"},
  {"^linspace$", "^u?int", "PyTorch's rounding is not even monotonic", "differ$"},
  {"^unique$", "", "values are sorted always", is_unsorted},
  {"^aminmax$", "", "a single value stays one with keepdim too", "shape %(%) for %(1,%)"},
  {"_loss$", "", "losses do not broadcast", "losses do not broadcast"},
  {"^scatter$", "int", "a fraction does not go where it does not fit", "does not fit an? u?int"},
  {"^index_add$", "^uint8", "a negative number does not go where it does not fit", "does not fit a uint8 tensor"},
  {"^histogram", "", "bins between falling edges mean nothing", "edges rise"},
  {"batch_norm", "", "one dimension has no channels", "channels in the second dimension"},
  {"^as_strided$", "^noncontig", "places count in the elements of x, not in what it is a view of"},
  {"^as_strided_scatter$", "", "PyTorch's gradient is not the derivative", "^g"},
  {"^__rpow__$", "", "the base has a gradient too, which PyTorch loses", "^g%a+1:"},
  {"^cholesky_inverse$", "", unread, "^g"}, {"^cholesky_solve$", "", unread, "^g"},
  {"^linalg%.norm%.subgradients", "", "a second derivative of 0 at zeros, where PyTorch has NaN", "^gg"},
  {"^masked%.logaddexp$", "", "a second derivative of 0 of what is not there, where PyTorch has NaN", "^gg"},
  {"polygamma", "int", "it is infinite at its poles", "inf$"},
  {"^special%.bessel_", "float64", rounded, "off, max"}, {"^special%.bessel_", "noncontig", rounded, "off, max"},
  {"^special%.airy_ai$", "", rounded, "off, max"},
  -- small integers
  {"^a[ln][ly]$", "^uint8", "whether all or any hold is a mask"},
  {"linear$", "^u?int", sums, "dtype int64 for u?int"},
  {"cum", "^u?int", sums, "dtype int64 for u?int"},
  {"_loss$", "^uint8", wraps, "off, max"}, {"pairwise_distance$", "^uint8", wraps, "off, max"},
  {"softmin%.with_dtype$", "^uint8", wraps, "off, max"},
  -- random
  {"^rand", "", drawn, "off, max"}, {"^rand", "", drawn, "differ$"}, {"^normal", "", drawn, "off, max"},
  {"^bernoulli$", "", drawn, "off, max"}, {"^multinomial$", "", drawn, "differ$"}, {"rrelu$", "", drawn, "off, max"},
  {"dropout", "", drawn, is_dropped}, {"fractional_max_pool", "", drawn, "off, max"},
  {"^empty", "", "memory not yet written is zeros"}, {"^new_empty", "", "memory not yet written is zeros"},
  -- left out
  {"^resize", "", in_place}, {"_lowrank$", "", absent}, {"^linalg%.ldl", "", absent},
  {"_scaled_dot_product_attention$", "", "the fused form never makes its weights"},
}

local function fits(condition, case, problem)
  if type(condition) == "function" then return condition(case, problem) end
  return condition == nil or problem and problem:find(condition)
end

--- Why a case differs on purpose, or nil. problem: what its comparison says, where that is known.
function deliberate.reason(directory, case, problem)
  for _, rule in ipairs(omitted) do
    local meant = directory:find(rule[1]) and case.id:find(rule[2])
    if meant and fits(rule[4], case, problem) then return rule[3] end
  end
  for _, rule in ipairs(case.expect_error and accepted or {}) do
    if tostring(case.message):find(rule[1]) then return rule[2] end
  end
end

return deliberate
