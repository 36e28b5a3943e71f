-- What scripts/tour.lua types, and the words between.

local head = [[
# The prompt in five minutes

Written by `make tour`, which types all of this at `build/lunette` on a real screen and copies what is
seen. `?intro` is the shortest form, `%help` lists the commands.

![the menu of completion](prompt-completion.png)]]

local sections = {
  {title = "Values", text = [[
An expression shows its value; no `print` is needed. Positions count from 1. `_` is the last value, `Out[n]`
an earlier one, and a `;` at the end keeps quiet. A large tensor shows its corners below a summary.]],
    "x = tensor{{1, 2, 3}, {4, 5, 6}}",
    "x",
    "x[2], x[{2, 3}], x.shape",
    "x:float():mean(1)",
    "_ * 2",
    "tensor.randn(1000, 50)",
    "{x, name = 'a table', inner = {1, 2, {}}}",
    "y = x / 2;",
  },
  {title = "Local variables, entries of several lines", text = [[
An outermost `local` lives on in the next entry. Enter runs an entry when it is whole and adds a line when
it is not; Up brings it back whole, to be edited in any of its lines. A pasted program waits for Enter.]],
    "local half = y:sum()",
    "half",
    "for i, row in ipairs(x) do\nprint(i, row:sum())\nend",
  },
  {title = "Help", text = [[
`?x` explains, `??x` shows the source, `?pat*` lists names, `?? words` searches; Tab completes names, methods,
options inside a call's table, files in quotes, modules in `require`.]],
    "?x.softmax",
    "?conv*2d",
    "?? cross entropy",
  },
  {title = "Errors", text = [[
An error names the cause and the repair. Your own frames come first, with their source; `%tb` shows all.]],
    "x[3]",
    "z = x @ x.T",
    "tenser.ones(2)",
    "nn.Linear(3, 4, {bais = false})",
    "function forward(v)\nreturn v:matmul(x)\nend",
    "forward(y)",
    "if x:eq(y) then print 'equal' end",
  },
  {title = "A model", text = [[
`fit` says what it does and returns the history; a figure that is an entry's value is shown where the terminal
can (kitty, iTerm2, sixel, else in characters) and is always a file.]],
    'train, test = data.load "fashion-mnist"',
    "net = nn.Sequential(nn.Flatten(), nn.Linear(784, 64), nn.ReLU(), nn.Linear(64, 10))",
    "net",
    'h = net:fit(train.x, train.y, {epochs = 2, metrics = {"accuracy"}, validation_split = 0.1})',
    "h.loss",
    'net:evaluate(test.x, test.y).accuracy',
    "plot.history(h)",
    after = "![training, and its curves](prompt-training.png)",
  },
  {title = "Commands", text = [[
Lines that no Lua statement could be. `%help` lists them all.]],
    "%time net:predict(test.x);",
    "%timeit x:exp()",
    "%prof net:predict(test.x);",
    "%plot h.loss",
    "%who",
    "!echo $((6 * 7)) from the shell",
    "%save work.lua 1-4",
    "!cat work.lua",
    "%help",
  },
  {title = "Ctrl-C", text = [[
Stops anything at the next block, products, endless loops and coroutines alike, and keeps what you have.
During `fit` it opens a prompt between two steps: look at anything, change the learning rate, `continue`,
or `stop` with the history so far.]],
    {type = "while true do pcall(function() while true do end end) end", keys = "Enter", sleep = 0.5},
    {keys = "C-c", prompt = true},
    "half",
    {type = "h = net:fit(train.x, train.y, {epochs = 5})", keys = "Enter", sleep = 1.5},
    {keys = "C-c", wait = "fit>", sleep = 0.3},
    {type = "optimizer:set_lr(1e-4)", keys = "Enter", sleep = 0.3},
    {type = "stop", keys = "Enter", sleep = 0.3, prompt = true},
    "#h.loss",
  },
}

local shots = {
  {file = "prompt-completion.png", columns = 96, rows = 16,
    "x = tensor.randn(4, 3)",
    {type = "x:log", keys = "Tab", sleep = 0.3}, {keys = "Tab", sleep = 0.1}, {keys = "Tab", sleep = 0.3}},
  {file = "prompt-error.png", columns = 104, rows = 24,
    "x = tensor{{1, 2, 3}, {4, 5, 6}}",
    "z = x @ x.T",
    "function forward(v)\nlocal w = v / 2\nreturn w:matmul(x)\nend",
    "forward(x)",
    "x:summ()",
    "if x:gt(2) then print 'large' end"},
  {file = "prompt-help.png", columns = 116, rows = 30,
    "?tensor.softmax", "function twice(v)\nreturn v * 2 -- two of it\nend", "twice??", "?*Norm*"},
  {file = "prompt-training.png", columns = 112, rows = 48,
    'train = data.load "fashion-mnist"',
    "net = nn.Sequential(nn.Flatten(), nn.Linear(784, 64), nn.ReLU(), nn.Linear(64, 10))",
    'h = net:fit(train.x, train.y, {epochs = 4, metrics = {"accuracy"}, validation_split = 0.1})',
    "plot.history(h)",
    {type = "net:fit(train.x, train.y, {epochs = 2})", keys = "Enter", sleep = 1.5}},
}

return {head = head, sections = sections, shots = shots}
