-- A small network of two layers, 784-128-10, learns ten kinds of clothes (Fashion-MNIST).
-- lunette examples/fashion_mlp.lua [--epochs N] [--seed N] [--threads N] [--limit N] [--out DIR]
-- --threads 0 is one for each processor, --limit 0 all images. Writes curves.png; the last line on
-- stdout is a record in JSON.

local lunette = require "lunette"
local tensor, nn, data, plot = lunette.tensor, lunette.nn, lunette.data, lunette.plot

local args = lunette.args {epochs = 5, seed = 1, threads = 0, limit = 0, out = "out"}
tensor.manual_seed(args.seed)
tensor.set_num_threads(args.threads)
lunette.args.folder(args.out)

local train, test = data.load "fashion-mnist"
local x, y = train.x, train.y
if args.limit > 0 then x, y = x[{{1, args.limit}}], y[{{1, args.limit}}] end

local net = nn.Sequential(nn.Flatten(), nn.Linear(784, 128), nn.ReLU(), nn.Linear(128, 10))
print(net)

local start = tensor.now()
local history = net:fit(x, y, {epochs = args.epochs, validation_split = 0.1})
local seconds = tensor.now() - start
plot.history(history):save(args.out .. "/curves.png")

local scores = net:evaluate(test.x, test.y)
print(("test loss %.4f, accuracy %.4f"):format(scores.loss, scores.accuracy))
print(('{"example": "fashion_mlp", "test_accuracy": %.4f, "seconds": %.2f, "epochs": %d, "seed": %d, '
  .. '"weights": "%s"}'):format(scores.accuracy, seconds, args.epochs, args.seed, tensor.hash(net:parameters())))
