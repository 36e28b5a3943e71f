-- nn_layers.lua: tests of layers by what must hold: a layer against others that say the same, PyTorch's
-- names of parameters, masks, lengths, errors.

local lunette = require "lunette"
local tensor, nn = lunette.tensor, lunette.nn

local function near(t, name, a, b, tolerance)
  t.ok(name, tensor.allclose(a, b, {rtol = 0, atol = tolerance or 1e-5}), "the two differ")
end

local function names(module)
  local list = {}
  for name in module:named_parameters() do list[#list + 1] = name end
  return table.concat(list, " ")
end

-- ---- recurrent ---------------------------------------------------------------------------------------------

-- A batch with lengths must be as each sample alone, cut to its length.
local function test_lengths(t, kind)
  local net, x = nn[kind](3, 4, {num_layers = 2, bidirectional = true}), tensor.randn(3, 5, 3)
  local lengths = {5, 2, 3}
  local out, state = net(x, nil, lengths)
  local last = kind == "LSTM" and state.h or state
  for b, n in ipairs(lengths) do
    local alone, own = net(x[{{b, b}, {1, n}}])
    near(t, kind .. " with lengths, sample " .. b, out[{{b, b}, {1, n}}], alone)
    near(t, kind .. " with lengths, state " .. b, last[{{}, {b, b}}], kind == "LSTM" and own.h or own)
    if n < 5 then t.ok(kind .. " is 0 after the end", not out[{b, {n + 1, 5}}]:ne(0):any()) end
  end
  t.raises(kind .. " with a wrong length", "length of sample 2 is 9; the input has 5 steps",
    function() net(x, nil, {5, 9, 3}) end)
end

local function test_cells(t)
  local x, h, c = tensor.randn(2, 3), tensor.randn(2, 4), tensor.randn(2, 4)
  local net, cell = nn.GRU(3, 4), nn.GRUCell(3, 4)
  t.eq("names of a cell", names(cell), "weight_ih weight_hh bias_ih bias_hh")
  for name, p in cell:named_parameters() do p:detach():copy_(net[name .. "_l0"]) end
  near(t, "GRUCell is a step of GRU", cell(x, h), (net(x:unsqueeze(2), h:unsqueeze(1))):squeeze(2))
  near(t, "GRUCell of one sample", cell(x[1], h[1]), cell(x, h)[1])
  local one = nn.LSTMCell(3, 4)
  local h1, c1 = one(x, h, c)
  t.ok("LSTMCell gives h and c", h1.shape == tensor.list {2, 4} and c1.shape == tensor.list {2, 4})
  t.eq("RNN names", names(nn.RNN(2, 3, {bias = false, nonlinearity = "relu"})), "weight_ih_l0 weight_hh_l0")
end

-- ---- attention ---------------------------------------------------------------------------------------------

-- softmax(q k' / sqrt(E)) v with hidden keys, in plain ops.
local function plain(q, k, v, hidden)
  local s = q:matmul(k:transpose(-1, -2)) / math.sqrt(q:size(-1))
  if hidden then s = s:masked_fill(hidden, -math.huge) end
  return s:softmax(-1):matmul(v)
end

local function test_attention(t)
  local net, x = nn.MultiheadAttention(6, 2), tensor.randn(2, 4, 6)
  t.eq("names of attention", names(net), "in_proj_weight in_proj_bias out_proj.weight out_proj.bias")
  local all = tensor.linear(x, net.in_proj_weight, net.in_proj_bias)
  local parts = {}
  for i = 1, 3 do
    parts[i] = all:narrow(-1, 6 * (i - 1) + 1, 6):reshape(2, 4, 2, 3):transpose(2, 3)
  end
  local causal = tensor.ones(4, 4):triu(1):bool()
  local padding = tensor {{false, false, false, false}, {false, false, true, true}}
  local function want(hidden)
    local y = plain(parts[1], parts[2], parts[3], hidden)
    return net.out_proj(y:transpose(2, 3):reshape(2, 4, 6))
  end
  near(t, "attention", net(x, x, x), want())
  near(t, "attention with a mask", net(x, x, x, {attn_mask = causal}), want(causal))
  near(t, "causal attention", net(x, x, x, {is_causal = true}), want(causal))
  near(t, "attention with padding", net(x, x, x, {key_padding_mask = padding}),
    want(padding:unsqueeze(2):unsqueeze(2)))
  local _, weights = net(x, x, x, {need_weights = true})
  near(t, "weights sum to 1", weights:sum(-1), tensor.ones(2, 4))
  near(t, "keys and values of other widths",
    nn.MultiheadAttention(6, 2, {kdim = 5, vdim = 3})(x, tensor.randn(2, 7, 5), tensor.randn(2, 7, 3)):sum() * 0,
    tensor(0.0))
end

local function test_transformers(t)
  local one = nn.TransformerEncoderLayer(6, 2, 8, {dropout = 0, norm_first = true})
  t.eq("names of an encoder layer", names(one), "self_attn.in_proj_weight self_attn.in_proj_bias "
    .. "self_attn.out_proj.weight self_attn.out_proj.bias linear1.weight linear1.bias linear2.weight "
    .. "linear2.bias norm1.weight norm1.bias norm2.weight norm2.bias")
  local x = tensor.randn(2, 4, 6)
  local h = one.norm1(x)
  local y = x + one.self_attn(h, h, h)
  near(t, "an encoder layer", one(x), y + one.linear2(one.linear1(one.norm2(y)):relu()))
  local stack = nn.TransformerEncoder(one, 3)
  t.eq("layers of a stack have parameters of their own", #stack:parameters(), 36)
  local decoder = nn.TransformerDecoderLayer(6, 2, 8, {dropout = 0})
  t.eq("a decoder layer", decoder(x, tensor.randn(2, 5, 6)).shape, x.shape)
  local mask = tensor.ones(4, 4):triu(1):bool()
  t.ok("a mask by position", one(x, mask) == one(x, {src_mask = mask}) and one(x, mask) == one(x, {is_causal = true}))
  local model = nn.Transformer(6, 2, 1, 1, 8, {dropout = 0})
  t.ok("masks reach their parts", model(x, x, {tgt_is_causal = true}) == model(x, x, nil, mask)
    and model(x, x, {is_causal = true}) == model(x, x, mask) and model(x, x, mask) ~= model(x, x))
  t.raises("a misspelt mask", "unknown option 'src_msk'; did you mean src_mask", one, x, {src_msk = mask})
  t.raises("a mask that is none", "attn_mask is a boolean; a tensor", one.self_attn, x, x, x, {attn_mask = true})
  t.raises("a norm that is none", "a layer is wanted", nn.TransformerEncoder, one, 2, 3)
end

-- ---- tables ------------------------------------------------------------------------------------------------

local function test_embedding(t)
  local net, ids = nn.Embedding(5, 3, {padding_idx = 2}), tensor {{1, 2, 1}, {4, 2, 5}}
  net(ids):sum():backward()
  t.ok("the padding row gets no gradient", net.weight.grad == tensor {{2, 2, 2}, {0, 0, 0}, {0, 0, 0}, {1, 1, 1}, {1, 1, 1}})
  net = nn.Embedding(5, 3, {scale_grad_by_freq = true})
  net(ids):sum():backward()
  t.ok("gradients by frequency", net.weight.grad == tensor {{1, 1, 1}, {1, 1, 1}, {0, 0, 0}, {1, 1, 1}, {1, 1, 1}})
  net = nn.Embedding(2, 2, {max_norm = 1})
  net.weight:detach():copy_(tensor {{3, 4}, {3, 4}})
  near(t, "rows that are read are shortened", net(tensor {1}), tensor {{0.6, 0.8}})
  near(t, "others are not", net.weight[2], tensor {3.0, 4.0})
  local bag = nn.EmbeddingBag(5, 3)
  near(t, "the mean of a bag", bag(ids), tensor.embedding(ids, bag.weight):mean(2))
  near(t, "bags by offsets", bag(ids:reshape(-1), tensor {1, 4}), bag(ids))
end

-- ---- images ------------------------------------------------------------------------------------------------

local function test_images(t)
  local x = tensor.randn(2, 4, 6, 5)
  for _, k in ipairs {1, 2, 3, 4} do
    t.eq("padding same, kernel " .. k, nn.Conv2d(4, 3, k, {padding = "same"})(x).shape, tensor.list {2, 3, 6, 5})
  end
  local one = nn.Conv2d(4, 3, 3)
  near(t, "an image without a batch", one(x[1]), one(x)[1])
  local line = nn.Conv1d(4, 3, 3, {dilation = 2})
  near(t, "Conv1d is Conv2d of height 1", line(x[{{}, {}, 1}]),
    tensor.conv2d(x[{{}, {}, {1, 1}}], line.weight:unsqueeze(3), line.bias, {dilation = {1, 2}}):squeeze(3))
  local pool = nn.MaxPool2d(2, {return_indices = true})
  local y, places = pool(x)
  local back = nn.MaxUnpool2d(2)(y, places, {6, 5})
  near(t, "what is unpooled pools to the same", (pool(back:maximum(-100) + back:eq(0):float() * -100)), y)
  local drop = nn.Dropout2d(0.5)(tensor.ones(4, 8, 3, 3))
  local sums = drop:sum({3, 4})
  t.ok("channels are dropped whole", sums:eq(0):logical_or(sums:eq(18)):all() and sums:eq(0):any())
  local norm, u = nn.GroupNorm(4, 4), tensor.randn(2, 4, 3, 3)
  near(t, "groups of one channel are instances", norm(u), nn.InstanceNorm2d(4)(u))
  local kept = nn.InstanceNorm1d(3, {track_running_stats = true})
  kept(tensor.randn(4, 3, 50) * 2 + 5)
  near(t, "running statistics of instances", kept.running_mean, tensor.full({3}, 0.5), 0.1)
  t.eq("nothing in a batch", nn.BatchNorm2d(4)(tensor.zeros(0, 4, 2, 2)).shape, tensor.list {0, 4, 2, 2})
end

-- ---- losses ------------------------------------------------------------------------------------------------

local function test_losses(t)
  local a, p, n = tensor.randn(5, 3), tensor.randn(5, 3), tensor.randn(5, 3)
  near(t, "triplets by a distance", nn.TripletMarginWithDistanceLoss {margin = 2}(a, p, n),
    nn.TripletMarginLoss {margin = 2}(a, p, n))
  local ctc, logp = nn.CTCLoss(), tensor.randn(6, 2, 4):log_softmax(-1)
  near(t, "labels in rows or all in a row", ctc(logp, tensor {{2, 3}, {4, 1}}, {6, 5}, {2, 1}),
    ctc(logp, tensor {2, 3, 4}, tensor {6, 5}, tensor {2, 1}))
  t.raises("a blank among labels", "label 1 of sequence 1 is 1; labels are classes 1%.%.4 but for the blank, 1",
    function() ctc(logp, tensor {{1, 3}, {4, 2}}, {6, 5}, {2, 1}) end)
  local weight = tensor {1.0, 2, 3}
  local loss = nn.MultiMarginLoss {weight = weight}
  near(t, "weights are given on", loss(a, tensor {1, 2, 3, 1, 2}),
    tensor.multi_margin_loss(a, tensor {1, 2, 3, 1, 2}, {weight = weight}))
end

return function(t)
  tensor.manual_seed(3)
  for _, kind in ipairs {"LSTM", "GRU", "RNN"} do test_lengths(t, kind) end
  test_cells(t)
  test_attention(t)
  test_transformers(t)
  test_embedding(t)
  test_images(t)
  test_losses(t)
end
