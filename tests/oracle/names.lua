-- names.lua: where PyTorch's names and argument orders are not Lunette's, as rules.

local names = {}

-- Words of Lua.
names.keywords = {["repeat"] = "rep", ["end"] = "stop", ["and"] = "logical_and", ["or"] = "logical_or",
  ["not"] = "logical_not"}

-- a __rsub__ b is b - a.
names.reflected = {add = "add", sub = "sub", mul = "mul", div = "div", truediv = "div", floordiv = "floor_divide",
  mod = "remainder", pow = "pow", matmul = "matmul", ["and"] = "bitwise_and", ["or"] = "bitwise_or",
  xor = "bitwise_xor", lshift = "bitwise_left_shift", rshift = "bitwise_right_shift"}

-- Names under nn.functional that mean something else than the method of that name.
names.functional = {unfold = "im2col", fold = "col2im"}

-- Keywords for the same thing: any of a group stands for the one that the signature has.
names.synonyms = {
  {"dim", "dims", "axis", "axes"}, {"size", "sizes", "shape", "output_size"}, {"p", "ord"},
  {"src", "source", "values", "value"}, {"stop", "end"}, {"sizes", "repeats"},
  {"split_size_or_sections", "split_size", "sections", "indices_or_sections", "indices", "size", "sizes"},
}

-- Says where or how a result is kept, not what it is.
names.dropped = {device = true, layout = true, memory_format = true, pin_memory = true, requires_grad = true,
  non_blocking = true, compute_mode = true, sorted = true}

local function order(text)
  local list = {}
  for name in text:gmatch "[%w_]+" do list[#list + 1] = name end
  return list
end

-- Positional arguments in PyTorch's order where it has more than Lunette, or another order.
names.orders = {
  var = order "input dim unbiased keepdim", std = order "input dim unbiased keepdim",
  var_mean = order "input dim unbiased keepdim", std_mean = order "input dim unbiased keepdim",
  cdist = order "x1 x2 p compute_mode",
  arange = order "start end step", slice = order "input dim start end step",
  slice_scatter = order "input src dim start end step",
  cross_entropy = order "input target weight size_average ignore_index reduce reduction label_smoothing",
  nll_loss = order "input target weight size_average ignore_index reduce reduction",
  binary_cross_entropy = order "input target weight size_average reduce reduction",
  binary_cross_entropy_with_logits = order "input target weight size_average reduce reduction pos_weight",
  mse_loss = order "input target size_average reduce reduction",
  l1_loss = order "input target size_average reduce reduction",
  kl_div = order "input target size_average reduce reduction log_target",
  smooth_l1_loss = order "input target size_average reduce reduction beta",
  soft_margin_loss = order "input target size_average reduce reduction",
  multilabel_margin_loss = order "input target size_average reduce reduction",
  multilabel_soft_margin_loss = order "input target weight size_average reduce reduction",
  multi_margin_loss = order "input target p margin weight size_average reduce reduction",
  hinge_embedding_loss = order "input target margin size_average reduce reduction",
  cosine_embedding_loss = order "input1 input2 target margin size_average reduce reduction",
  margin_ranking_loss = order "input1 input2 target margin size_average reduce reduction",
  poisson_nll_loss = order "input target log_input full size_average eps reduce reduction",
  triplet_margin_loss = order "anchor positive negative margin p eps swap size_average reduce reduction",
  topk = order "input k dim largest sorted",
}

-- Samples that are taken through another function first: of a product, for the inverse of a matrix
-- that is not of full rank.
names.through = {["linalg.pinv.singular"] = function(a, b) return a:matmul(b.mT) end}

-- Classes of losses take the options of the function of the same meaning.
names.loss_functions = {
  CrossEntropyLoss = "cross_entropy", NLLLoss = "nll_loss", BCELoss = "binary_cross_entropy",
  BCEWithLogitsLoss = "binary_cross_entropy_with_logits", MSELoss = "mse_loss", L1Loss = "l1_loss",
  KLDivLoss = "kl_div", SmoothL1Loss = "smooth_l1_loss", SoftMarginLoss = "soft_margin_loss",
  MultiLabelMarginLoss = "multilabel_margin_loss", MultiLabelSoftMarginLoss = "multilabel_soft_margin_loss",
  MultiMarginLoss = "multi_margin_loss", HingeEmbeddingLoss = "hinge_embedding_loss",
  CosineEmbeddingLoss = "cosine_embedding_loss", MarginRankingLoss = "margin_ranking_loss",
  CTCLoss = "ctc_loss", PoissonNLLLoss = "poisson_nll_loss", TripletMarginLoss = "triplet_margin_loss",
}

-- Constructors with arguments that Lunette's do not have.
names.constructors = {
  LSTM = order "input_size hidden_size num_layers bias batch_first dropout bidirectional proj_size",
  GRU = order "input_size hidden_size num_layers bias batch_first dropout bidirectional",
  RNN = order "input_size hidden_size num_layers nonlinearity bias batch_first dropout bidirectional",
  TransformerEncoderLayer = order
    "d_model nhead dim_feedforward dropout activation layer_norm_eps batch_first norm_first",
  Transformer = order("d_model nhead num_encoder_layers num_decoder_layers dim_feedforward dropout activation "
    .. "custom_encoder custom_decoder layer_norm_eps batch_first norm_first"),
  TransformerDecoderLayer = order
    "d_model nhead dim_feedforward dropout activation layer_norm_eps batch_first norm_first",
  MultiheadAttention = order
    "embed_dim num_heads dropout bias add_bias_kv add_zero_attn kdim vdim batch_first",
  Embedding = order "num_embeddings embedding_dim padding_idx max_norm norm_type scale_grad_by_freq sparse",
  EmbeddingBag = order
    "num_embeddings embedding_dim max_norm norm_type scale_grad_by_freq mode sparse _weight include_last_offset padding_idx",
}

-- Layers over sequences, batch first here; PyTorch's take the steps first unless told otherwise: in all of
-- their tensors, or in the first.
names.sequences = {LSTM = "first", GRU = "first", RNN = "first", MultiheadAttention = "all",
  TransformerEncoderLayer = "all", TransformerDecoderLayer = "all", TransformerEncoder = "all",
  TransformerDecoder = "all", Transformer = "all"}

-- Parameters that are a class, a token or a position whatever their kind says.
names.positions = {indices = true, ignore_index = true, padding_idx = true, blank = true}

-- In a list of output sizes: as many as the input has.
names.whole = -1

-- What functions written in Lua take; the others say it in their rows.
names.written = {
  "equal(x: tensor, y: tensor) -> equal: bool",
  "cov(x: tensor, *, correction: int, fweights: tensor, aweights: tensor) -> y: tensor",
  "corrcoef(x: tensor) -> y: tensor",
  "histogramdd(x: tensor, bins: list, *, range: list, weight: tensor, density: bool) -> hist: tensor, bin_edges: tensors",
  "block_diag(...) -> y: tensor",
  "broadcast_shapes(...) -> shape: sizes",
  "new_zeros(x: tensor, size: sizes, *, dtype: dtype) -> y: tensor",
  "new_ones(x: tensor, size: sizes, *, dtype: dtype) -> y: tensor",
  "new_empty(x: tensor, size: sizes, *, dtype: dtype) -> y: tensor",
  "new_full(x: tensor, size: sizes, fill_value: scalar, *, dtype: dtype) -> y: tensor",
}

return names
