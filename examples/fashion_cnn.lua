-- A convolutional network learns ten kinds of clothes from 60,000 photographs (Fashion-MNIST).
-- lunette examples/fashion_cnn.lua [--epochs N] [--seed N] [--threads N] [--limit N] [--out DIR]
-- --threads 0 is one for each processor, --limit 0 all images. Writes curves.png, confusion.png and
-- mistakes.png; the last line on stdout is a record in JSON.

local lunette = require "lunette"
local tensor, nn, optim, data = lunette.tensor, lunette.nn, lunette.optim, lunette.data
local metrics, plot = lunette.metrics, lunette.plot

local args = lunette.args {epochs = 5, seed = 1, threads = 0, limit = 0, out = "out"}
tensor.manual_seed(args.seed)
tensor.set_num_threads(args.threads)
lunette.args.folder(args.out)

-- ---- data: images in bytes, classes 1..10 ----------------------------------------------------------

local train, test = data.load "fashion-mnist"
local x, y = train.x, train.y
if args.limit > 0 then x, y = x[{{1, args.limit}}], y[{{1, args.limit}}] end

-- ---- the network -------------------------------------------------------------------------------------

local net = nn.Sequential(
  nn.Conv2d(1, 32, 3), nn.ReLU(), nn.MaxPool2d(2),   -- [N,32,13,13]
  nn.Conv2d(32, 64, 3), nn.ReLU(), nn.MaxPool2d(2),  -- [N,64,5,5]
  nn.Conv2d(64, 64, 3), nn.ReLU(),                   -- [N,64,3,3]
  nn.Flatten(), nn.Linear(576, 64), nn.ReLU(),
  nn.Linear(64, 10))
net:summary {1, 28, 28}

-- ---- training ------------------------------------------------------------------------------------------

-- The learning rate falls evenly from epoch to epoch, to a tenth in the last.
local function rate(epoch) return 2e-3 - 1.8e-3 * (epoch - 1) / math.max(args.epochs - 1, 1) end

local start = tensor.now()
local opt = optim.Adam(net, {lr = rate(1)})
local history = net:fit(x, y, {
  epochs = args.epochs, batch_size = 32, validation_split = 0.05,
  optimizer = opt, loss = "cross_entropy", metrics = {"accuracy"},
  callbacks = {function(epoch) opt:set_lr(rate(math.min(epoch + 1, args.epochs))) end}})
local seconds = tensor.now() - start

-- ---- what it has learned -----------------------------------------------------------------------------

local guess = net:predict(test.x):argmax(-1)
local accuracy = metrics.accuracy(guess, test.y)
print(metrics.report(guess, test.y, {names = test.classes}))

plot.history(history):save(args.out .. "/curves.png")
local matrix = metrics.confusion_matrix(guess, test.y, {names = test.classes})
plot.confusion(matrix, {names = test.classes, title = "Classes of the test images"}):save(args.out .. "/confusion.png")

local wrong = guess:ne(test.y):nonzero():flatten()   -- which test images were mistaken
local some = wrong[{{1, math.min(32, #wrong)}}]
local titles = {}
for i, row in ipairs(some:tolist()) do
  titles[i] = ("%s\n→ %s"):format(test.classes[test.y[row]], test.classes[guess[row]])
end
plot.images(test.x[some], {cols = 8, titles = titles, title = "Mistakes: true class → predicted class"})
  :save(args.out .. "/mistakes.png")

print(("%d of %d test images are mistaken; pictures are in %s: curves.png, confusion.png, mistakes.png")
  :format(#wrong, #test, args.out))
print "Now by hand: build/lunette opens the prompt; type  train, test = data.load \"fashion-mnist\""
print(('{"example": "fashion_cnn", "test_accuracy": %.4f, "seconds": %.2f, "epochs": %d, "seed": %d, '
  .. '"weights": "%s"}'):format(accuracy, seconds, args.epochs, args.seed, tensor.hash(net:parameters())))
