-- values.lua: wrong programs: types and values that do not fit.
-- Each is a program and a pattern of its message.

local x = "local x = tensor{{1, 2, 3}, {4, 5, 6}} "

return {
  {"tensor.ones(3, 2):bfloat16():pdist()", "bfloat16 is stored, not computed with; x:float%(%) converts"},
  {x .. "local y = x:add_(0.5)",
    "add_: the result is float32 and does not fit a tensor of int64; x = x:float%(%) first"},
  {x .. "x[1] = 2.5", "2.5 does not fit an int64 tensor; x = x:float%(%) first"},
  {x .. "local y = x:to 'flot'", 'no type "flot"; float32, float64'},
  {x .. "local y = x // 0", "floor_divide: .*0"},
  {"local y = tensor([[1, 2], [3, 4]])", "is a long string in Lua, a matrix is {{1, 2}, {3, 4}}"},
  {"local y = tensor{1, nil, 3}", "a list has a hole"},
  {"local y = tensor{{1, 2}, {3}}", "rows differ in length: 2 and 1"},
  {"local t = {} t[1] = t local y = tensor(t)", "nested too deep"},
  {"local y = tensor.ones(2):requires_grad_():long():requires_grad_()", "gradients need float32 or float64"},
  {"local y = tensor.ones(2):half() + 1", "float16 is stored, not computed with; x:float%(%) converts"},
  {"local y = tensor(nil)", "tensor: got nil %(a misspelt name%?%)"},
  {"local y = tensor(1, 2)",
    "tensor: the second argument is an option table; rows go into one table: tensor{{1, 2}, {3, 4}}"},
  {"local y = tensor()", "tensor: takes a number or a table of numbers"},
  {"local y = tensor('abc')", "tensor: got the string \"abc\""},
  {"local y = tensor(print)", "elements are numbers or booleans, got function"},
  {"local y = tensor{1, {2}}", "lists of different depth"},
  {"local t = {} for _ = 1, 100000 do t = {t} end local y = tensor(t)", "nested too deep"},
  {x .. "x[1] = {1, 2, 3}", "not table; tensor{...} makes a tensor of a table"},
  {x .. "x[1] = nil", "not nil"},
  {x .. "local y = x + nil", "add: y is missing"},
  {x .. "local y = x + {1, 2, 3}", "add: y is a table; tensor{...} makes a tensor of it"},
  {x .. "local y = math.floor(x)", "number expected, got tensor"},
  {"local y = tensor.bernoulli(tensor{2.0})", "bernoulli: 2 is no probability; from 0 to 1 is wanted"},
  {"local y = tensor.normal(0, -1, {2})", "normal: std is %-1"},
  {"tensor.manual_seed()", "manual_seed: the number is missing"},
  {"tensor.manual_seed('a')", "manual_seed: a whole number is wanted, got a"},
}
