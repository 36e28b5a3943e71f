-- The convolutional network of fashion_cnn.lua with the training loop written out: ten lines.
-- lunette examples/by_hand.lua [--epochs N] [--seed N] [--threads N] [--limit N] [--out DIR]
-- --threads 0 is one for each processor, --limit 0 all images. Saves the model; the last line on
-- stdout is a record in JSON.

local lunette = require "lunette"
local tensor, nn, optim, data = lunette.tensor, lunette.nn, lunette.optim, lunette.data
local metrics, progress = lunette.metrics, lunette.progress

local args = lunette.args {epochs = 3, seed = 1, threads = 0, limit = 0, out = "out"}
tensor.manual_seed(args.seed)
tensor.set_num_threads(args.threads)
lunette.args.folder(args.out)

local train, test = data.load "fashion-mnist"
local x, y = train.x, train.y
if args.limit > 0 then x, y = x[{{1, args.limit}}], y[{{1, args.limit}}] end

local net = nn.Sequential(
  nn.Conv2d(1, 32, 3), nn.ReLU(), nn.MaxPool2d(2),
  nn.Conv2d(32, 64, 3), nn.ReLU(), nn.MaxPool2d(2),
  nn.Conv2d(64, 64, 3), nn.ReLU(),
  nn.Flatten(), nn.Linear(576, 64), nn.ReLU(),
  nn.Linear(64, 10))
local opt = optim.Adam(net, {lr = 2e-3})
local loader = data.batches(x, y, {batch_size = 32, shuffle = true})
local start = tensor.now()

for epoch = 1, args.epochs do
  opt:set_lr(2e-3 - 1.8e-3 * (epoch - 1) / math.max(args.epochs - 1, 1)) -- falls to a tenth
  local mean = metrics.mean()
  for images, classes in progress(loader, {desc = "epoch " .. epoch}) do
    local loss = net(images):cross_entropy(classes)
    opt:zero_grad()
    loss:backward()
    opt:step()
    mean:add(loss, #images)
  end
  print(("epoch %d: loss %.4f"):format(epoch, mean:value()))
end

local seconds = tensor.now() - start
net:save(args.out .. "/by_hand.safetensors")
local accuracy = metrics.accuracy(net:predict(test.x), test.y)
print(('{"example": "by_hand", "test_accuracy": %.4f, "seconds": %.2f, "epochs": %d, "seed": %d, '
  .. '"weights": "%s"}'):format(accuracy, seconds, args.epochs, args.seed, tensor.hash(net:parameters())))
