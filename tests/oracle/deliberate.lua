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
}

local any_of_equals = "which of several equal elements is meant is not said; that of a stable sort here"

-- Functions and types left out or different: patterns of the directory's name and of the case's id, and
-- the reason.
local omitted = {
  {"^char$", "", "there is no int8"},
  {"^short$", "", "there is no int16"},
  {"^nn%.functional%.avg_pool", "^int64", "the mean of integers is float32"},
  {"^topk$", "^int64", any_of_equals},
  {"^kthvalue$", "^int64", any_of_equals},
  {"^linspace$", "^int64", "PyTorch's rounding is not even monotonic"},
}

--- Why a case differs on purpose, or nil.
function deliberate.reason(directory, case)
  for _, rule in ipairs(omitted) do
    if directory:find(rule[1]) and case.id:find(rule[2]) then return rule[3] end
  end
  for _, rule in ipairs(case.expect_error and accepted or {}) do
    if tostring(case.message):find(rule[1]) then return rule[2] end
  end
end

return deliberate
