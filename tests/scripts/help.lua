-- help.lua: tests of help, progress and the options of programs.

local lunette = require "lunette"
local tensor, nn, optim, help = lunette.tensor, lunette.nn, lunette.optim, lunette.help

local function test_help(t)
  local function has(name, x, ...)
    local text = help.text(x)
    for _, part in ipairs {...} do t.ok(name, text:find(part, 1, true), text) end
  end
  has("a function of the library", tensor.matmul, "matmul(x: tensor, y: tensor)")
  has("a method", tensor.zeros(2).sum, "sum(x: tensor, dim: dims?")
  has("an op by name", "softmax", "softmax(x: tensor, dim: dim, dtype: dtype?)")
  has("an alias", "concat", "cat(tensors: tensors", "also: concat")
  has("an op in place", "add_", "add(x: tensor")
  has("a layer's class", nn.Linear, "nn.Linear(in_features: size", "y = x W' + b")
  has("a layer", nn.Conv2d(1, 1, 1), "nn.Conv2d(", "padding may be")
  has("an optimizer", optim.Adam, "optim.Adam(params", "every parameter moves by")
  has("an optimizer in use", optim.Adam(nn.Linear(1, 1)), "optim.Adam(params")
  has("a method of modules", nn.Module.named_parameters, "for name, p in net:named_parameters()")
  has("fit", nn.Linear(1, 1).fit, "Trains the model", "validation_split")
  has("a layer by name", "nn.LSTM", "nn.LSTM(input_size")
  has("a layer by short name", "Dropout", "nn.Dropout(p")
  has("a field", "shape", "the sizes of all dimensions")
  has("a field by its full name", "x.grad", "the gradient of a leaf", "example:")
  has("a function that is no op", tensor.no_grad, "without recording", "--> false")
  has("a chart's method", lunette.plot.line({1, 2}).xlim, "the limits of the x axis")
  has("a tensor", tensor.zeros(2, 3), "float32 [2,3]")
  has("a module", nn, "lunette.nn", "Sequential")
  has("nothing", nil, "help(nn.Linear)")
  has("a misspelt name", "sofmax", "did you mean softmax?")
  local Own = nn.class "Own"
  --- Doubles its input.
  function Own:forward(x) return x * 2 end -- luacheck: ignore self
  has("an own function", Own._forward, "Doubles its input.")
end

local function test_progress(t)
  local progress, out = lunette.progress, {}
  local keep = io.stderr
  local sink = {write = function(_, ...)
    for _, text in ipairs {...} do out[#out + 1] = text end
  end}
  rawset(io, "stderr", sink)
  local sum = 0
  local done, message = pcall(function()
    for i in progress(4, {desc = "count"}) do sum = sum + i end
    for x in progress({5, 6}, {desc = "list"}) do sum = sum + x end
    for _ in progress(string.gmatch("a b c", "%a")) do sum = sum + 1 end
    for i in progress(3) do
      if i == 2 then break end
    end
  end)
  rawset(io, "stderr", keep)
  t.ok("walks", done, message)
  t.eq("all values come", sum, 24)
  local text = table.concat(out)
  t.ok("says what and how many", text:find "count  4/4" and text:find "list  2/2", text)
  t.raises("no loop over nothing", "cannot walk through a nil", function() progress(nil) end)
end

local function test_args(t)
  local args = require "lunette.args"
  local got = args({epochs = 5, lr = 0.1, out = "out", fast = false, batch_size = 8},
    {"--epochs", "3", "--lr=1", "--fast", "--batch-size=16"})
  t.eq("a whole number", got.epochs, 3)
  t.eq("a number", math.type(got.lr), "float")
  t.eq("a switch", got.fast, true)
  t.eq("a default", got.out, "out")
  t.eq("dashes", got.batch_size, 16)
  t.raises("an unknown field", "args has no 'epoch'; did you mean epochs", function() return got.epoch end)
end

return function(t)
  test_help(t)
  test_progress(t)
  test_args(t)
end
