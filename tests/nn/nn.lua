-- nn.lua: tests of modules: registration, names, state, printing, errors; layers and losses against
-- figures of PyTorch 1.13.

local lunette = require "lunette"
local tensor, nn = lunette.tensor, lunette.nn

-- sin(0.37 i + 0.1), i from 0, in a shape, float64.
local function seq(...)
  local shape, n, list = {...}, 1, {}
  for _, size in ipairs(shape) do n = n * size end
  for i = 1, n do list[i] = math.sin(0.37 * (i - 1) + 0.1) end
  return tensor(list, {dtype = "float64"}):reshape(shape)
end

-- Parameter k, from 0, gets 0.5 cos(0.21 i + k), i from 0.
local function fill(module)
  module:double()
  local k = 0
  for _, p in module:named_parameters() do
    local list = {}
    for i = 1, p:numel() do list[i] = 0.5 * math.cos(0.21 * (i - 1) + k) end
    p:detach():copy_(tensor(list, {dtype = "float64"}):reshape(p.shape))
    k = k + 1
  end
  return module
end

local function names(iterate)
  local list = {}
  for name in iterate do list[#list + 1] = name end
  return table.concat(list, " ")
end

local function near_all(t, name, got, want, tolerance)
  local list = got:reshape(-1):tolist()
  local worst = #list == #want and 0 or math.huge
  for i, v in ipairs(want) do worst = math.max(worst, math.abs((list[i] or math.huge) - v)) end
  t.ok(name, worst <= (tolerance or 1e-9), ("differs by %g"):format(worst))
end

-- ---- layers ----------------------------------------------------------------------------------------------

local function test_layers(t)
  local function check(name, module, x, want) near_all(t, name, (module(x)), want) end
  check("Linear", fill(nn.Linear(3, 2)), seq(2, 3), {0.8814989539, 0.5532425827, 1.6510653204, 1.1193404415})
  check("Conv2d with groups", fill(nn.Conv2d(2, 2, 2, {padding = 1, groups = 2})), seq(1, 2, 2, 2), {
    0.3104852264, 0.4987018356, 0.4769138821, 0.6198172992, 1.2595006871, 0.9237446073, 0.6342931488,
    1.1000033998, 0.7379591537, 0.2268204364, 0.3761503049, 0.3185554946, 0.4621253506, 0.8752595753,
    0.5532618479, 0.3586782841, 0.5294481093, 0.3221497829})
  check("Conv2d, same", fill(nn.Conv2d(1, 1, 2, {padding = "same"})), seq(1, 1, 2, 3),
    {1.3726832097, 1.6925739273, 1.0665841338, 1.2269538996, 1.2244056361, 0.7346310104})
  check("ConvTranspose2d", fill(nn.ConvTranspose2d(2, 1, 2, {stride = 2, output_padding = 1})),
    seq(1, 2, 1, 2), {0.5685786618, 0.5042276656, 0.8088387458, 0.7243872641, 0.2701511529, 0.4295917756,
    0.3479503564, 0.6199774786, 0.5001969645, 0.2701511529, 0.2701511529, 0.2701511529, 0.2701511529,
    0.2701511529, 0.2701511529})
  check("MaxPool2d", nn.MaxPool2d(2), seq(1, 1, 4, 4),
    {0.9999576465, 0.9356160016, 0.0815021518, -0.5917155806})
  check("AvgPool2d", nn.AvgPool2d(2, {stride = 1, padding = 1, count_include_pad = false}), seq(1, 1, 2, 2),
    {0.0998334166, 0.276359851, 0.4528862854, 0.4222382683, 0.5582447059, 0.6942511435, 0.74464312,
    0.8401295608, 0.9356160016})
  check("LayerNorm", fill(nn.LayerNorm {2, 2}), seq(2, 2, 2), {-0.4560830334, 0.0132634489, 0.3447479924,
    0.4534924896, 0.7865221689, 0.5225803084, -0.0130016539, -0.6547666031})
  check("BatchNorm2d", fill(nn.BatchNorm2d(2)), seq(2, 2, 1, 2), {-0.4393387278, 0.0418350303,
    0.2653199586, 0.7884532247, 0.7874354943, 0.690672815, 0.2313205734, -0.5790549543})
  check("GELU", nn.GELU(), seq(4), {0.0538862558, 0.3055554415, 0.5746829844, 0.7721307031})
  check("GELU, tanh", nn.GELU "tanh", seq(4), {0.0538862233, 0.3055434666, 0.5746155854, 0.7720007576})
  check("SiLU", nn.SiLU(), seq(4), {0.0524063187, 0.2768608237, 0.5048757373, 0.6719718187})
  check("Softplus", nn.Softplus(2, 3), tensor({-1, 0.5, 1.6}, {dtype = "float64"}), {0.063464005521, 0.656630843759, 1.6})
  check("LeakyReLU", nn.LeakyReLU(0.2), tensor({-1, 2}, {dtype = "float64"}), {-0.2, 2})
  check("LogSoftmax", nn.LogSoftmax(-1), seq(2, 2),
    {-0.8851741517, -0.532121283, -0.7931855407, -0.6022126591})
  check("Embedding", fill(nn.Embedding(3, 2)), tensor {3, 1},
    {0.5 * math.cos(0.84), 0.5 * math.cos(1.05), 0.5, 0.5 * math.cos(0.21)})
  t.eq("Flatten", nn.Flatten()(seq(2, 3, 4)).shape, tensor.list {2, 12})
  t.eq("Unflatten", nn.Unflatten(-1, {3, 4})(seq(2, 12)).shape, tensor.list {2, 3, 4})
end

local function test_batch_norm(t)
  local norm = fill(nn.BatchNorm1d(2))
  near_all(t, "BatchNorm1d in training", norm(seq(3, 2)),
    {-0.4096312601, -0.5149449205, 0.4415319256, 0.5294374257, 0.7785527933, 0.5150365966})
  near_all(t, "running mean", norm.running_mean, {0.0614811394, 0.0772487334})
  near_all(t, "running variance", norm.running_var, {0.9215198115, 0.9076619699})
  t.eq("batches counted", norm.num_batches_tracked:item(), 1)
  near_all(t, "BatchNorm1d in evaluation", norm:eval()(seq(3, 2)),
    {0.290127058, 0.3693186227, 0.6259782345, 0.6170962895, 0.7589596144, 0.613679721})
  t.eq("evaluation moves nothing", norm.num_batches_tracked:item(), 1)
end

local function test_lstm(t)
  local lstm = fill(nn.LSTM(2, 2, {num_layers = 2, bidirectional = true}))
  local out, state = lstm(seq(1, 3, 2))
  near_all(t, "LSTM output", out, {0.1271267811, 0.1504052918, -0.1861326667, -0.1646227158, 0.164986331,
    0.2225204694, -0.1714314249, -0.1565843849, 0.1591080601, 0.2545426867, -0.112866217, -0.1041904729})
  near_all(t, "LSTM h", state.h, {-0.1057572026, -0.0999902803, 0.5274553637, 0.4336493465, 0.1591080601,
    0.2545426867, -0.1861326667, -0.1646227158})
  near_all(t, "LSTM c", state.c, {-0.6375461278, -0.6091930338, 1.3065973387, 1.3351640468, 0.2338024024,
    0.3880134608, -0.5713904709, -0.4119252185})
  t.eq("LSTM names", names(lstm:named_parameters()), "weight_ih_l0 weight_hh_l0 bias_ih_l0 bias_hh_l0 "
    .. "weight_ih_l0_reverse weight_hh_l0_reverse bias_ih_l0_reverse bias_hh_l0_reverse weight_ih_l1 "
    .. "weight_hh_l1 bias_ih_l1 bias_hh_l1 weight_ih_l1_reverse weight_hh_l1_reverse bias_ih_l1_reverse "
    .. "bias_hh_l1_reverse")
  local one = fill(nn.LSTM(2, 2))
  out = one(seq(2, 2, 2), {h = seq(1, 2, 2), c = seq(1, 2, 2) * 0.5})
  near_all(t, "LSTM with a state", out, {-0.0748172343, -0.0640694445, -0.0977088545, -0.090954053,
    -0.0418166827, -0.0432284175, -0.1134704392, -0.1066848382})
  local last = fill(nn.LSTM(2, 2, {return_sequences = false}))
  t.ok("the last step alone", tensor.allclose(last(seq(2, 3, 2)), one(seq(2, 3, 2))["..., 3, :"]))
  t.raises("a wrong state", "state%.h is %[2,2,2%]; %[1,2,2%] is wanted",
    function() one(seq(2, 2, 2), {h = seq(2, 2, 2), c = seq(2, 2, 2)}) end)
end

local function test_losses(t)
  local x, y, z = seq(3, 4), tensor {1, 4, 2}, seq(3, 4):abs()
  t.near("CrossEntropyLoss", nn.CrossEntropyLoss()(x, y), 1.651702896, 1e-9)
  local weight = tensor({1, 2, 3, 4}, {dtype = "float64"})
  t.near("with weights", nn.CrossEntropyLoss {weight = weight, label_smoothing = 0.1}(x, y), 1.6373675499, 1e-9)
  t.near("with ignored class", nn.CrossEntropyLoss {ignore_index = 2, reduction = "sum"}(x, y), 3.6395079047, 1e-9)
  t.near("NLLLoss", nn.NLLLoss()(nn.LogSoftmax()(x), y), 1.651702896, 1e-9)
  t.near("MSELoss", nn.MSELoss()(x, z), 0.396274195, 1e-9)
  t.near("L1Loss", nn.L1Loss "sum"(x, z), 3.5055231553, 1e-9)
  t.near("BCEWithLogitsLoss", nn.BCEWithLogitsLoss()(x, z), 0.6462288182, 1e-9)
  t.near("BCELoss", nn.BCELoss()(z * 0.9 + 0.05, z), 0.4499947981, 1e-9)
end

-- ---- registration and names ------------------------------------------------------------------------------

local Residual = nn.class "Residual"

function Residual:init(width, options)
  self.first = nn.Linear(width, width, {bias = false})
  self.norm = nn.BatchNorm1d(width)
  self.gain = nn.Parameter(tensor.zeros(width))
  self:register_buffer("seen", tensor.zeros(1))
  self.blocks = {}
  for i = 1, options and options.extra or 0 do self.blocks[i] = nn.Linear(width, width) end
end

function Residual:forward(x)
  local h = self.norm(self.first(x)):relu()
  for _, block in ipairs(self.blocks) do h = block(h):relu() end
  return x + self.gain * h
end

local function test_registration(t)
  local net = nn.Sequential(nn.Linear(5, 4), Residual(4, {extra = 2}),
    function(x) return x:mean(-1) end, nn.Linear(1, 1))
  t.eq("names in order of assignment", names(net:named_parameters()),
    "1.weight 1.bias 2.first.weight 2.norm.weight 2.norm.bias 2.gain 2.blocks.1.weight 2.blocks.1.bias "
    .. "2.blocks.2.weight 2.blocks.2.bias 4.weight 4.bias")
  t.eq("buffers", names(net:named_buffers()),
    "2.norm.running_mean 2.norm.running_var 2.norm.num_batches_tracked 2.seen")
  t.eq("children", names(net:named_children()), "1 2 3 4")
  t.eq("modules", names(net:named_modules()), "1 2 2.first 2.norm 2.blocks.1 2.blocks.2 3 4")
  t.eq("number of parameters", net:num_parameters(), 24 + 16 + 8 + 4 + 40 + 2)
  net[2].first = nn.Linear(4, 4, {bias = false})
  t.eq("re-assigning keeps the place", names(net[2]:named_parameters()):match "^%S+", "first.weight")
  net[1].weight:requires_grad_(false)
  t.eq("a frozen parameter stays one", #net:parameters(), 12)
  t.eq("but is not trained", net:num_parameters(true), 94 - 20)
  local tied = nn.Sequential(nn.Linear(3, 3), nn.Linear(3, 3))
  tied[2].weight = tied[1].weight
  t.eq("shared parameters count once", names(tied:named_parameters()), "1.weight 1.bias 2.bias")
  t.ok("a field gives the same tensor each time", rawequal(tied[1].weight, tied[2].weight))
  t.eq("negative positions", net[-1], net[4])
  t.eq("#net", #net, 4)
  local list = nn.ModuleList {nn.ReLU(), nn.Tanh()}
  t.eq("ModuleList", #list:append(nn.Linear(2, 2)), 3)
  list[1] = function(x) return x end
  t.eq("a function in a place of a list", tostring(list[1]):match "^function", "function")
  t.eq("false is no layer", #nn.Sequential(nn.ReLU(), false, nn.Tanh()), 2)
end

local function test_modes(t)
  local net = nn.Sequential(nn.Linear(4, 4), nn.Dropout(0.5), nn.Sequential(nn.Dropout(0.5)))
  t.ok("training at first", net.training and net[3][1].training)
  net:eval()
  t.ok("eval reaches all", not net.training and not net[3][1].training)
  local x = tensor.randn(3, 4)
  t.ok("dropout passes on in evaluation", net(x) == net[1](x))
  net:train()
  local y = nn.Dropout(0.5)(tensor.ones(1000))
  t.ok("dropout in training", y:eq(0):any() and y:eq(2):any() and (y:eq(0) | y:eq(2)):all())
  local seen = {}
  net:apply(function(m) seen[#seen + 1] = m._name end)
  t.eq("apply goes from the inside out", table.concat(seen, " "), "Linear Dropout Dropout Sequential Sequential")
  net(x):sum():backward()
  t.ok("gradients", net[1].weight.grad ~= nil)
  net:zero_grad()
  t.eq("zero_grad", net[1].weight.grad, nil)
  net:double()
  t.eq("to float64", net[1].weight.dtype, "float64")
  t.ok("still a leaf that is trained", net[1].weight.is_leaf and net[1].weight.requires_grad)
end

local function test_first_values(t)
  tensor.manual_seed(3)
  local a = nn.Linear(400, 300)
  tensor.manual_seed(3)
  tensor.randn(10)
  local b = nn.Linear(400, 300)
  t.ok("first values do not depend on other draws", a.weight == b.weight)
  t.ok("bounds of Linear", a.weight:abs():max():item() <= 0.05 and a.weight:abs():max():item() > 0.0499)
  t.near("spread of Linear", a.weight:detach():std(), 0.05 / math.sqrt(3), 2e-4)
  local w = tensor.empty(200, 100, 3, 3)
  t.near("kaiming_normal_", nn.init.kaiming_normal_(w, {nonlinearity = "relu"}):std(), math.sqrt(2 / 900), 5e-4)
  t.near("xavier_uniform_", nn.init.xavier_uniform_(w):std(), math.sqrt(2 / 2700), 2e-4)
  t.near("normal_", nn.init.normal_(w, 3, 0.5):mean(), 3, 1e-2)
  t.raises("a gain that is not there", "did you mean relu", function() nn.init.calculate_gain "rellu" end)
  local e = nn.Embedding(5, 3, {padding_idx = 2})
  t.ok("the padding row is zero", e.weight:detach()[2]:eq(0):all())
end

-- ---- state -------------------------------------------------------------------------------------------------

local function test_state(t)
  local a = nn.Sequential(nn.Linear(2, 3), nn.ReLU(), Residual(3, {extra = 1}))
  local b = nn.Sequential(nn.Linear(2, 3), nn.ReLU(), Residual(3, {extra = 1}))
  local list = {}
  for name in pairs(a:state_dict()) do list[#list + 1] = name end
  t.eq("state in order", table.concat(list, " "), "1.weight 1.bias 3.first.weight 3.norm.weight 3.norm.bias "
    .. "3.norm.running_mean 3.norm.running_var 3.norm.num_batches_tracked 3.gain 3.seen 3.blocks.1.weight "
    .. "3.blocks.1.bias")
  local x = tensor.randn(4, 2)
  a(x)
  b:load_state_dict(a:state_dict())
  t.ok("loading makes them equal", a:eval()(x) == b:eval()(x))
  t.raises("missing and unknown names", '1 tensor has no place in the model: "9.weight" %[1%]; .*'
    .. '11 tensors have not been given: "1.bias"', function()
    b:load_state_dict {["1.weight"] = tensor.zeros(3, 2), ["9.weight"] = tensor.zeros(1)}
  end)
  t.raises("another shape", '"1.weight" %[3,1%] where the model has %[3,2%]', function()
    b:load_state_dict({["1.weight"] = tensor.zeros(3, 1)}, {strict = false})
  end)
  b:load_state_dict({["1.weight"] = tensor.zeros(3, 2)}, {strict = false})
  t.ok("strict = false takes what fits", b[1].weight:eq(0):all() and b[1].bias == a[1].bias)
end

local function test_files(t)
  local stem = os.tmpname()
  local path = stem .. ".safetensors"
  local a = nn.Sequential(nn.Linear(2, 3), nn.ReLU(), Residual(3, {extra = 1}))
  a:save(path, {verbose = false})
  local file, list = tensor.load(path), {}
  for name in pairs(file) do list[#list + 1] = name end
  table.sort(list)
  t.eq("names in files count positions from 0", table.concat(list, " "), "0.bias 0.weight 2.blocks.0.bias "
    .. "2.blocks.0.weight 2.first.weight 2.gain 2.norm.bias 2.norm.num_batches_tracked 2.norm.running_mean "
    .. "2.norm.running_var 2.norm.weight 2.seen")
  local b = nn.Sequential(nn.Linear(2, 3), nn.ReLU(), Residual(3, {extra = 1})):load(path, {verbose = false})
  t.ok("what was saved is loaded", b[1].weight == a[1].weight and b[3].blocks[1].bias == a[3].blocks[1].bias)
  t.raises("a file of another model", "no place in the model",
    function() nn.Sequential(nn.Linear(2, 3)):load(path, {verbose = false}) end)
  nn.Sequential(nn.Linear(2, 3)):load(path, {skip = "2.*", verbose = false})
  os.remove(path)
  os.remove(stem)
end

-- ---- printing ----------------------------------------------------------------------------------------------

local function test_printing(t)
  local net = nn.Sequential(nn.Conv2d(1, 32, 3, {padding = 1}), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(),
    nn.Linear(6272, 10))
  t.eq("a model prints", tostring(net), table.concat({
    "Sequential (training)                 63,050 parameters",
    "  1: Conv2d(1, 32, 3, {padding = 1})     320",
    "  2: ReLU()",
    "  3: MaxPool2d(2)",
    "  4: Flatten()",
    "  5: Linear(6272, 10)                 62,730"}, "\n"))
  local text = require "lunette.nn.summary".text(net, {1, 28, 28}, "float32")
  t.ok("summary has shapes", text:find("%[N, 32, 28, 28%]") and text:find("%[N, 10%]") and text:find "63,050")
  t.ok("summary leaves the mode", net.training and net[5].training)
  t.eq("a class prints", tostring(nn.Linear), "class nn.Linear")
end

-- ---- errors ----------------------------------------------------------------------------------------------

local function test_errors_of_construction(t)
  local function bad(name, pattern, f) t.raises(name, pattern, f) end
  bad("unknown option", "nn.Linear: unknown option 'bais'; did you mean bias%? %(in_features, out_features",
    function() nn.Linear(3, 4, {bais = false}) end)
  bad("missing argument", "nn.Linear: out_features is missing", function() nn.Linear(3) end)
  bad("a fraction", "nn.Linear: in_features is 2.5; a whole number", function() nn.Linear(2.5, 1) end)
  bad("surplus arguments", "5 arguments given, it takes 4", function() nn.Linear(1, 2, true, "float32", 5) end)
  bad("a class for a layer", "argument 2 is the class nn.ReLU, not a layer; write nn.ReLU%(%)",
    function() nn.Sequential(nn.Linear(3, 4), nn.ReLU) end)
  bad("nil in Sequential", "argument 2 is nil %(a misspelt name%?%); use false",
    function() nn.Sequential(nn.ReLU(), nil, nn.ReLU()) end)
  bad("a misspelt layer", "nn has no field 'Relu'; did you mean nn.ReLU%?", function() return nn.Relu end)
  bad("a layer called with a tensor", "nn.ReLU: called with a tensor", function() nn.ReLU(tensor.zeros(2)) end)
  bad("a colon in front of a class", "constructors take a dot: nn.ReLU", function() nn:ReLU() end)
  bad("groups that do not divide", "groups = 2 does not divide", function() nn.Conv2d(3, 4, 1, {groups = 2}) end)
  local Dotted = nn.class "Dotted"
  function Dotted.forward(x) return x end
  bad("forward with a dot", "Dotted.forward is declared with '%.', so its first parameter 'x' receives the "
    .. "layer; declare function Dotted:forward", function() Dotted() end)
  local conv = nn.Conv2d(1, 1, 3)
  bad("a layer from outside", "function at position 1 uses the layer 'conv' from outside",
    function() nn.Sequential(function(x) return x + conv(x) end) end)
  local gain = nn.Parameter(tensor.ones(1))
  bad("a parameter from outside", "uses the parameter 'gain' from outside",
    function() nn.Sequential(function(x) return x * gain end) end)
  local hidden, relu = {conv = nn.Linear(1, 1)}, nn.ReLU()
  t.eq("a layer without parameters may come from outside",
    nn.Sequential(function(x) return relu(x) end)(tensor {-1.0, 2.0}), tensor {0.0, 2.0})
  bad("a layer from outside, at the call", "function at position 1 uses the layer 'Linear' from outside",
    function() nn.Sequential(function(x) return hidden.conv(x) end)(tensor.zeros(1)) end)
  bad("a class without forward", "Empty has no forward", function() nn.class "Empty"()(tensor.zeros(1)) end)
end

local function test_errors_of_calls(t)
  local function bad(name, pattern, f) t.raises(name, pattern, f) end
  local mlp = nn.Sequential(nn.Flatten(), nn.Linear(784, 128), nn.ReLU())
  bad("the path of a layer", "nn%.lua:%d+: Sequential > 2 %(Linear 784 %-> 128%): input %[2,392%] wants 784 in "
    .. "its last dimension", function() local _ = mlp(tensor.zeros(2, 392)) end)
  bad("a layer alone", "nn%.lua:%d+: Linear 3 %-> 4: input %[2,5%] wants 3",
    function() local _ = nn.Linear(3, 4)(tensor.zeros(2, 5)) end)
  local Deep = nn.class "Deep"
  function Deep:init() self.body = nn.Sequential(nn.ReLU(), nn.Linear(5, 4)) end
  function Deep:forward(x) return self.body(x) end
  bad("the path through a tail call", "Deep > body > 2 %(Linear 5 %-> 4%)",
    function() local _ = Deep()(tensor.zeros(2, 3)) end)
  bad("channels", "Conv2d 3 %-> 8: input %[1,1,5,5%] has 1 channels", function()
    local _ = nn.Conv2d(3, 8, 3)(tensor.zeros(1, 1, 5, 5))
  end)
  bad("an image without channels", "%[N,C,H,W%] or %[C,H,W%]", function()
    local _ = nn.Conv2d(1, 8, 3)(tensor.zeros(5, 5))
  end)
  bad("a dot for a colon", "forward: called with '%.', so self is a tensor; write net%(x%)",
    function() mlp.forward(tensor.zeros(2, 784)) end)
  bad("position 0", "position 0 of a Sequential of 3; positions count from 1", function() return mlp[0] end)
  bad("a tensor in a parameter's place", "weight is a parameter, and this tensor is none; assign nn.Parameter",
    function() mlp[2].weight = tensor.zeros(1) end)
  bad("a field named as a method", "'parameters' is a method of modules", function() mlp.parameters = 1 end)
  local Own = nn.class "Own"
  function Own:forward(x) return x:nothing() + self.nothing end
  local _, message = pcall(function() local _ = Own()(tensor.zeros(1)) end)
  t.ok("errors of own code keep their place", message:find "^[^:]*nn%.lua:%d+: tensor has no", message)
  bad("after an error the next call is explained too", "Linear 3 %-> 4: input",
    function() local _ = nn.Linear(3, 4)(tensor.zeros(2, 5)) end)
  local waiting = coroutine.wrap(function()
    return nn.Sequential(function(x) coroutine.yield() return x end)(tensor.zeros(1))
  end)
  waiting()
  t.ok("while a function in a coroutine waits, others run", nn.Linear(3, 4)(tensor.zeros(2, 3)))
  bad("and are explained", "Linear 3 %-> 4: input", function() local _ = nn.Linear(3, 4)(tensor.zeros(2, 5)) end)
  local Careful = nn.class "Careful"
  function Careful:init()
    self.odd = nn.Sequential(function() error "odd" end)
    self.body = nn.Linear(2, 2)
  end
  function Careful:forward(x) return self.body(pcall(self.odd, x) and 0 or x) end
  t.ok("a forward may catch the error of a function", Careful()(tensor.zeros(1, 2)))
end

local function test_classes(t)
  local Squared = nn.class("Squared", nn.Linear)
  function Squared:forward(x) return nn.Linear.forward(self, x) ^ 2 end
  local layer = Squared(2, 3)
  local x = tensor.randn(4, 2)
  t.ok("a class on top of a layer", layer(x) == tensor.linear(x, layer.weight, layer.bias) ^ 2)
  t.eq("prints with its arguments", tostring(layer):match "^[^)]*%)", "Squared(2, 3)")
  t.ok("forward and a call are the same", layer:forward(x) == layer(x))
  do
    local _ <close> = tensor.scope()
    layer.last = tensor.ones(2)
    layer.last = layer.last + 1
  end
  t.eq("fields outlive a scope", layer.last, tensor {2.0, 2.0})
  local Net = nn.class "Net"
  function Net:init() self.one, self.two = nn.Linear(1, 1), nn.Linear(1, 1) end
  function Net:forward(y) return self.two(y), self.one(y) end
  t.eq("several results", select("#", Net()(tensor.zeros(1, 1))), 2)
  t.raises("a class has a name", 'nn.class "Net"', function() nn.class() end)
end

return function(t)
  test_layers(t)
  test_batch_norm(t)
  test_lstm(t)
  test_losses(t)
  test_registration(t)
  test_modes(t)
  test_first_values(t)
  test_state(t)
  test_files(t)
  test_printing(t)
  test_errors_of_construction(t)
  test_errors_of_calls(t)
  test_classes(t)
end
