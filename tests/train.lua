-- train.lua: tests of fit, evaluate and predict.

local lunette = require "lunette"
local tensor, nn, optim = lunette.tensor, lunette.nn, lunette.optim

-- Runs f with what it writes on stderr kept: results of f, then the text.
local function captured(f)
  local out, keep = {}, io.stderr
  rawset(io, "stderr", {write = function(_, ...)
    for _, text in ipairs {...} do out[#out + 1] = text end
  end})
  local done, result = pcall(f)
  rawset(io, "stderr", keep)
  if not done then error(result, 0) end
  return result, table.concat(out)
end

-- Three clouds of points in the plane, classes 1..3.
local function clouds(n)
  tensor.manual_seed(7)
  local x, y = tensor.randn(n, 2), {}
  local rows = x:tolist()
  for i = 1, n do
    local c = (i - 1) % 3 + 1
    rows[i][1], rows[i][2] = rows[i][1] * 0.4 + 3 * math.cos(c * 2), rows[i][2] * 0.4 + 3 * math.sin(c * 2)
    y[i] = c
  end
  return tensor(rows), tensor(y)
end

local function classifier() return nn.Sequential(nn.Linear(2, 16), nn.ReLU(), nn.Linear(16, 3)) end

local function test_fit(t)
  local x, y = clouds(300)
  local net = classifier():eval()
  local h, text = captured(function()
    return net:fit(x, y, {epochs = 4, validation_split = 0.2, optimizer = optim.Adam(net, {lr = 1e-2})})
  end)
  t.ok("settings come first", text:find "^fit: Adam lr 0.01 · cross_entropy · accuracy · batch 32 · validation "
    .. "0.2 %(60 samples, every class alike%) · 240 samples, 8 steps an epoch", text)
  t.ok("a line for each epoch", text:find "\nepoch 4/4  8/8  [^\n]*loss %d[^\n]*val_accuracy %d", text)
  t.eq("history has all epochs", #h.val_accuracy, 4)
  t.ok("it learns", h.accuracy[-1] > 0.95 and h.loss[-1] < h.loss[1] / 2)
  t.ok("the mode is left", not net.training and not net[1].training)
  local scores = net:evaluate(x, y)
  t.ok("evaluate", scores.accuracy > 0.95)
  local right = net:predict(x):argmax(-1):eq(y):sum()
  t.near("predict agrees with evaluate", right / 300, scores.accuracy, 1e-12)
  t.ok("predict records nothing", not net:predict(x).requires_grad)
  t.ok("prediction does not depend on the batch", tensor.allclose(net:predict(x, {batch_size = 7}), net:predict(x)))
  t.eq("gradients are forgotten", net[1].weight.grad, nil)
end

-- The means of an epoch are those of a plain loop, weighted by samples.
local function test_means(t)
  local x, y = clouds(50)
  local net = classifier()
  local h = captured(function()
    return net:fit(x, y, {batch_size = 32, shuffle = false, optimizer = optim.SGD(net, 1e-30)})
  end)
  t.near("loss of an epoch", h.loss[1], net(x):cross_entropy(y):item(), 1e-5)
  t.near("accuracy of an epoch", h.accuracy[1], net:predict(x):argmax(-1):eq(y):sum() / 50, 1e-12)
  t.near("evaluate", net:evaluate(x, y, {batch_size = 9}).loss, h.loss[1], 1e-5)
end

local function test_repeats(t)
  local x, y = clouds(90)
  local function run(threads)
    tensor.set_num_threads(threads)
    tensor.manual_seed(5)
    local net = nn.Sequential(nn.Linear(2, 16), nn.ReLU(), nn.Dropout(0.2), nn.Linear(16, 3))
    captured(function() return net:fit(x, y, {epochs = 2, validation_split = 0.1}) end)
    return tensor.hash(net:parameters())
  end
  local before = tensor.get_num_threads()
  local a, b, c = run(1), run(1), run(2)
  tensor.set_num_threads(before)
  t.eq("the same seed, the same bits", a, b)
  t.eq("for two threads too", a, c)
end

-- A step by hand is a step of fit.
local function test_by_hand(t)
  local x, y = clouds(40)
  local function fresh()
    tensor.manual_seed(2)
    return classifier()
  end
  local a = fresh()
  captured(function() return a:fit(x, y, {batch_size = 10, shuffle = false}) end)
  local b = fresh()
  local opt = optim.Adam(b, {lr = 1e-3})
  for i = 1, 40, 10 do
    opt:zero_grad()
    b(x:narrow(1, i, 10)):cross_entropy(y:narrow(1, i, 10)):backward()
    opt:step()
  end
  t.ok("fit is the loop by hand", a[1].weight == b[1].weight and a[3].bias == b[3].bias)
end

local function test_kinds(t)
  tensor.manual_seed(1)
  local x = tensor.randn(64, 3)
  local line = nn.Linear(3, 1)
  local h = captured(function() return line:fit(x, x:sum(-1, true), {epochs = 60, optimizer = "sgd"}) end)
  t.ok("numbers are fitted with mse_loss", h.loss[-1] < 0.1 and h.accuracy == nil)
  local seen = {}
  captured(function()
    return line:fit(x, x:sum(-1, true), {epochs = 5, metrics = {"mae", {"most", function(p, y) return (p - y):abs():max() end}},
      loss = nn.L1Loss(), callbacks = {function(epoch, values, model)
        seen[epoch] = values.mae and values.most and model
        return epoch < 2
      end}})
  end)
  t.ok("callbacks see the values and stop", #seen == 2 and rawequal(seen[1], line))
  local _, text = captured(function() return line:fit({x = x, y = x:sum(-1, true)}, {verbose = false}) end)
  t.eq("verbose = false is silent", text, "")
  local net = classifier()
  local px, py = clouds(30)
  h = captured(function() return net:fit({x = px, y = py}, {validation_data = {px, py}}) end)
  t.eq("validation_data", #h.val_loss, 1)
  t.ok("a history prints", tostring(h):find "^history of 1 epoch  loss %d")
end

local function test_stratified(t)
  local Source = require "lunette.train.source"
  local y = {}
  for i = 1, 100 do y[i] = i <= 80 and 1 or 2 end
  tensor.manual_seed(1)
  local source = Source.read("fit", tensor.arange(100), tensor(y))
  local train, held = source:split("fit", 0.1)
  t.eq("rows of both", #train.rows + #held.rows, 100)
  local count = {0, 0}
  for _, i in ipairs(held.rows:tolist()) do count[y[i]] = count[y[i]] + 1 end
  t.ok("every class alike", count[1] == 8 and count[2] == 2)
  local all = tensor.cat({train.rows, held.rows}):tolist()
  table.sort(all)
  t.ok("each row once", tensor(all) == tensor.arange(100))
  tensor.manual_seed(1)
  local _, again = Source.read("fit", tensor.arange(100), tensor(y)):split("fit", 0.1)
  t.ok("the seed decides", held.rows == again.rows)
end

local function test_errors(t)
  local x, y = clouds(30)
  local net = classifier()
  local function bad(name, pattern, f) t.raises(name, pattern, f) end
  local before = tensor.hash(net:parameters())
  y[22] = 0
  bad("labels from 0", "train%.lua:%d+: cross_entropy: target 0 at row 22 is not a class 1%.%.3; classes count "
    .. "from 1 %(labels from a file that counts from 0: add 1%)", function() net:fit(x, y) end)
  y[22] = 4
  bad("too many classes", "target 4 at row 22 is not a class 1%.%.3; .* and the model gives 3 scores",
    function() net:fit(x, y) end)
  t.eq("nothing was trained", tensor.hash(net:parameters()), before)
  y[22] = 1
  bad("rows that differ", "fit: x has 30 rows and y 29", function() net:fit(x, y:narrow(1, 1, 29)) end)
  bad("unknown option", "fit: unknown option 'epoch'; did you mean 'epochs'", function() net:fit(x, y, {epoch = 1}) end)
  bad("a class for an optimizer", "write optim.Adam%(net, {lr", function() net:fit(x, y, {optimizer = optim.Adam}) end)
  bad("another model's optimizer", "holds no parameter of this model",
    function() net:fit(x, y, {optimizer = optim.Adam(classifier())}) end)
  bad("unknown loss", "there is no loss 'cross_entrpy'; did you mean 'cross_entropy'",
    function() net:fit(x, y, {loss = "cross_entrpy"}) end)
  bad("unknown metric", "there is no metric 'acuracy'; did you mean 'accuracy'",
    function() net:fit(x, y, {metrics = {"acuracy"}}) end)
  bad("a fraction of epochs", "epochs is 1.5; a whole number", function() net:fit(x, y, {epochs = 1.5}) end)
  bad("a split of all", "validation_split is 1", function() net:fit(x, y, {validation_split = 1}) end)
  bad("the wrong width", "Sequential > 1 %(Linear 2 %-> 16%): input %[1,3%] wants 2", function()
    net:fit(tensor.zeros(30, 3), y)
  end)
  bad("a dot for a colon", "fit: called with '%.'", function() net.fit(x, y) end)
  bad("no y", "fit: y is missing", function() net:fit(x) end)
  local huge = optim.SGD(net, 1e38)
  local message
  captured(function()
    message = select(2, pcall(net.fit, net, x, y, {epochs = 9, optimizer = huge}))
  end)
  t.ok("NaN stops", message:find "fit stopped at epoch %d, step %d: the loss is %a+%. The parameters are", message)
  t.ok("the mode is left after an error", net.training)
end

return function(t)
  test_fit(t)
  test_means(t)
  test_repeats(t)
  test_by_hand(t)
  test_kinds(t)
  test_stratified(t)
  test_errors(t)
end
