-- deliberate.lua: where Lunette means to differ from PyTorch, as rules over cases. doc/differences.md
-- explains each to people who come from PyTorch.

local deliberate = {}

-- Calls that raise in PyTorch and give a result here: a pattern of PyTorch's message, and the reason.
local accepted = {
  {"must be Tensor, not %a+", "a number stands for a tensor wherever an op takes several"},
  {"invalid combination of arguments %- got %(%a+, %a+%)", "a number stands for a tensor wherever an op takes several"},
  {"^descriptor '__r%a+__'", "a number stands for a tensor wherever an op takes several"},
  {"^'int' object has no attribute", "a number stands for a tensor wherever an op takes several"},
  {"Expected dtype int64 for index", "integers of any type index"},
  {"must be int, not float", "a float with a whole value is a whole number, as everywhere in Lua"},
  {"Input dtype must be either a floating point", "the mean of integers is float32"},
  {"inconsistent with step sign", "a range that leads away from its end is empty"},
  {"Expected self.dtype to be equal to src.dtype", "what is written takes the type of the tensor written to"},
  {"only supports a 0%-dimensional value tensor", "a tensor of one element is a single value"},
}

-- Functions and types left out: a pattern of the directory's name, and the reason.
local omitted = {
  {"^char$", "there is no int8"},
  {"^short$", "there is no int16"},
}

--- Why a case differs on purpose, or nil.
function deliberate.reason(directory, case)
  for _, rule in ipairs(omitted) do
    if directory:find(rule[1]) then return rule[2] end
  end
  for _, rule in ipairs(case.expect_error and accepted or {}) do
    if tostring(case.message):find(rule[1]) then return rule[2] end
  end
end

return deliberate
