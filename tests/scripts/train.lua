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

-- A schedule steps after each epoch or each batch; the history has the rates.
local function test_schedules(t)
  local x, y = clouds(60)
  local S = optim.lr_scheduler
  local function rates(h)
    local list = {}
    for i, lr in ipairs(h.lr) do list[i] = ("%g"):format(lr) end
    return table.concat(list, " ")
  end
  local net = classifier()
  local opt = optim.SGD(net, {lr = 0.1})
  local h, text = captured(function()
    return net:fit(x, y, {epochs = 4, optimizer = opt, schedule = S.StepLR(opt, 2), validation_split = 0.2})
  end)
  t.eq("the rates of an epoch", rates(h), "0.1 0.1 0.01 0.01")
  t.near("and the next", opt.param_groups[1].lr, 0.001, 1e-15)
  t.ok("are announced", text:find("SGD lr 0.1 · StepLR step_size 2 each epoch · ", 1, true), text)
  t.ok("and shown", text:find "val_accuracy %d%.%d+  lr 0%.01\n", text)
  t.ok("and printed", tostring(h):find "lr 0%.01$", tostring(h))
  net = classifier()
  opt = optim.SGD(net, {lr = 0.1})
  h = captured(function()
    return net:fit(x, y, {epochs = 2, batch_size = 20, schedule = S.ExponentialLR(opt, 0.5), schedule_every = "step"})
  end)
  t.eq("with every batch", rates(h), "0.025 0.003125")
  net = classifier()
  local steps
  captured(function()
    return net:fit(x, y, {epochs = 3, batch_size = 20, optimizer = "sgd", schedule = function(o, n)
      steps = S.OneCycleLR(o, {max_lr = 0.1, total_steps = n})
      return steps
    end})
  end)
  t.eq("a function makes one for all steps", steps.last_epoch, 9)
  net = classifier()
  opt = optim.SGD(net, {lr = 1e-30})
  h = captured(function()
    return net:fit(x, y, {epochs = 4, schedule = S.ReduceLROnPlateau(opt, {patience = 0, factor = 0.5, eps = 0})})
  end)
  t.eq("by the loss", rates(h), "1e-30 1e-30 5e-31 2.5e-31")
end

-- With clip_norm a step of SGD with lr 1 is no longer than that.
local function test_clipping(t)
  local x, y = clouds(30)
  for _, o in ipairs {{clip_norm = 0.01}, {clip_value = 0.001}} do
    local net = classifier()
    local before = {}
    for i, p in ipairs(net:parameters()) do before[i] = p:detach():clone() end
    captured(function()
      o.batch_size, o.optimizer = 30, optim.SGD(net, {lr = 1})
      return net:fit(x, y, o)
    end)
    local sum, most = 0, 0
    for i, p in ipairs(net:parameters()) do
      local move = p:detach() - before[i]
      sum, most = sum + move:square():sum():item(), math.max(most, move:abs():max():item())
    end
    local length = o.clip_norm and math.sqrt(sum) or most
    t.near("clipped", length / (o.clip_norm or o.clip_value), 1, 1e-3)
  end
end

-- The fifth epoch is the last good one: training stops, and its weights come back.
local function test_patience(t)
  local x, y = clouds(60)
  local function run(o)
    tensor.manual_seed(3)
    local net = classifier()
    local opt, kept = optim.SGD(net, {lr = 0.01}), {}
    o.epochs, o.optimizer, o.validation_data = 30, opt, {x, y}
    o.callbacks = function(epoch, _, model)
      kept[epoch] = tensor.hash(model:parameters())
      if epoch == 5 then
        opt:set_lr(0)
        tensor.no_grad(function() model[3].bias:add_(tensor {5.0, 0, 0}) end)
      end
    end
    local h, text = captured(function() return net:fit(x, y, o) end)
    return h, text, tensor.hash(net:parameters()), kept
  end
  local h, text, now, kept = run {patience = 3}
  t.eq("stops after three epochs without progress", #h.loss, 8)
  t.eq("with the best weights", now, kept[5])
  t.ok("and says so", text:find("fit: stopped after 3 epochs without a lower val_loss; the weights are those of epoch 5 (val_loss "
    .. ("%.4f"):format(h.val_loss[5]), 1, true), text)
  h, text, now, kept = run {patience = 3, keep_best = false, monitor = "loss"}
  t.ok("or with the last", now == kept[#h.loss] and text:find "patience 3 on loss" and not text:find "the weights are", text)
end

-- An optimizer that evaluates several times: straight to the least squares.
local function test_closure(t)
  tensor.manual_seed(1)
  local x = tensor.randn(50, 3)
  local line = nn.Linear(3, 1)
  local h = captured(function()
    return line:fit(x, x:sum(-1, true) + 2, {epochs = 3, batch_size = 50, optimizer = "lbfgs"})
  end)
  t.ok("L-BFGS fits", h.loss[-1] < 1e-8, tostring(h))
  t.near("to the right line", line.bias:item(), 2, 1e-3)
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
  test_schedules(t)
  test_clipping(t)
  test_patience(t)
  test_closure(t)
  test_stratified(t)
  test_errors(t)
end
