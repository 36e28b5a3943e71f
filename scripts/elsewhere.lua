-- elsewhere.lua: names that other libraries have and this one has not, and how the same is written
-- here: what errors about missing fields say, by library. Methods of tensors and options of calls stand
-- in vm/bind/suggest.c.

local processor = "computing is on the processor"
local lists = "tensor{1, 2} makes one, of a table of numbers"
local types = "float32 is the usual type; {dtype = \"float64\"} asks for another, net:double() converts a network"
local mixed = "tensor.promotion() shows the types of results"
local nowhere = "there is no such part"

local elsewhere = {
  tensor = {
    cuda = processor, device = processor,
    tensor = lists, Tensor = lists, as_tensor = lists, from_numpy = lists, FloatTensor = lists,
    DoubleTensor = lists, LongTensor = lists, array = lists,
    Size = "sizes are lists, {2, 3}, and x.shape is one",
    nn = "the layers are in nn",
    optim = "the optimizers are in optim",
    F = "its functions stand in tensor: tensor.relu(x)",
    functional = "its functions stand in tensor: tensor.relu(x)",
    utils = "data.batches(x, y, {batch_size = 32}) walks through data",
    autograd = "tensor.grad, jacobian, hessian, vjp, jvp and hvp differentiate, tensor.custom makes functions",
    inference_mode = "tensor.no_grad(function() … end) records nothing",
    set_grad_enabled = "tensor.no_grad(f) and tensor.enable_grad(f) run a function",
    set_default_dtype = types, get_default_dtype = types, set_default_tensor_type = types,
    promote_types = mixed, result_type = mixed, can_cast = mixed,
    is_floating_point = "x.dtype is the name of its type, float32 for example",
    seed = "tensor.manual_seed(1) sets the seed, tensor.initial_seed() tells it",
    Generator = "tensor.manual_seed(1) sets the seed, get_rng_state and set_rng_state keep the state",
    pi = "it is math.pi", e = "it is math.exp(1)", inf = "it is math.huge", nan = "it is 0/0",
    symeig = "it is tensor.linalg.eigh", eig = "symmetric matrices have tensor.linalg.eigh",
    solve = "it is tensor.linalg.solve(A, B)", lstsq = "it is tensor.linalg.lstsq(A, B)",
    complex = "numbers are real", fft = "numbers are real", sparse_coo_tensor = "tensors are dense",
    jit = nowhere, compile = nowhere, vmap = nowhere, func = nowhere, distributions = nowhere,
    distributed = nowhere, onnx = nowhere, quantization = nowhere, stft = nowhere,
    save_model = "net:save \"net.safetensors\" saves a model",
  },
  nn = {
    ModuleDict = "layers are fields: self.head = nn.Linear(4, 2); a table of layers in a field counts too",
    ParameterList = "a list of parameters in a field counts: self.list = {nn.Parameter(x)}",
    ParameterDict = "a table of parameters in a field counts: self.table = {w = nn.Parameter(x)}",
    DataParallel = "the threads share the work by themselves; tensor.set_num_threads sets how many",
  },
  ["nn.utils"] = {rnn = "recurrent layers take the lengths of the sequences: lstm(x, state, lengths)"},
  data = {
    DataLoader = "data.batches(x, y, {batch_size = 32, shuffle = true}) walks through data",
    TensorDataset = "data.batches(x, y, {batch_size = 32}) takes tensors",
    random_split = "data.split(x, y, 0.1) gives two data sets",
  },
  optim = {
    EMA = "optim.AveragedWeights(net, {decay = 0.999}) keeps a running mean of the weights",
    swa_utils = "optim.AveragedWeights(net) keeps the mean of the weights",
  },
}

for _, dtype in ipairs {"float32", "float64", "int64", "int32", "uint8", "float16", "bfloat16"} do
  elsewhere.tensor[dtype] = ("types are given by name: {dtype = \"%s\"}, x:to \"%s\""):format(dtype, dtype)
end

return elsewhere
