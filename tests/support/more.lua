-- Argument lists for rows beside those that stand in them, where one would be long or would tell a reader
-- of the row nothing new: so that every option of every row is met. In the form of a row's `test`.

return {
  -- ---- reductions -------------------------------------------------------------------------------------
  sum = "{{ints(2,3), 2, {dtype = 'float64'}}, {randn(2,3,4), {2}, true}}",
  mean = "{{ints(2,3), 2, {dtype = 'float64'}}, {randn(2,3,4), {3,1}, true}}",
  prod = "{{ints(2,3), 2, {dtype = 'float64'}}, {randn(2,3,2), 2}}",
  nansum = "{{ints(2,3), 2, {dtype = 'float64'}}}",
  nanmean = "{{randn(2,3):float(), 2, {dtype = 'float64'}}}",
  cumsum = "{{ints(2,3), 2, {dtype = 'float64'}}, {randn(2,3,4), 2}}",
  cumprod = "{{ints(2,3), 2, {dtype = 'float64'}}}",
  var = "{{randn(2,3), 2, {unbiased = false}}, {randn(2,4,2), {1,2}, {correction = 2}}}",
  std = "{{randn(2,3), 2, {unbiased = false}}, {randn(2,4,2), {1,2}, {correction = 2}}}",
  nanmedian = "{{randn(2,5), 2, true}}",
  nanquantile = "{{randn(2,5), 0.3, 2, {keepdim = true, interpolation = 'lower'}}, "
    .. "{randn(2,5), {0.3, 0.6}, 2, {interpolation = 'higher'}}, "
    .. "{randn(5), 0.3, {interpolation = 'nearest'}}, {randn(2,5), 0.7, 1, {interpolation = 'midpoint'}}}",
  cumulative_trapezoid = "{{randn(3,2), {dim = 1}}}",
  add = "{{randn(2,3), randn(3), 2.5}, {randn(2,1), randn(3), -2}}",
  sub = "{{randn(2,3), randn(3), 2.5}, {randn(2,1), randn(3), -2}}",

  -- ---- places -----------------------------------------------------------------------------------------
  index_reduce = "{{randn(3), 1, tensor{2,2}, randn(2), 'amax'}, {randn(3,2), 1, tensor{3,1,3}, randn(3,2), 'sum'}}",
  bag_sum = "{{randn(4,3), tensor{1,3,2,3}, tensor{0,1,4}, rand(4):float(), false}}",
  linear = "{{randn(4), randn(3,4), randn(3)}, {randn(2,2,4), randn(3,4)}}",

  -- ---- random, where it is left out -------------------------------------------------------------------
  dropout2d = "{{randn(2,3,2,2), 0.5, false}}",
  dropout3d = "{{randn(2,3,2,2,2), 0.5, false}}",
  feature_alpha_dropout = "{{randn(2,3,2), 0.5, false}}",
  cumsum_back = "{{randn(2,3):float(), 2, {dtype = 'float64'}}}",

  -- ---- matrices ----------------------------------------------------------------------------------------
  ["linalg.diagonal"] = "{{randn(3,4,2), {dim1 = 1, dim2 = 2}}, {randn(3,4,2), -1, 3, 1}}",
  ["linalg.matrix_norm"] = "{{randn(2,3):float(), {dtype = 'float64'}}}",
  ["linalg.norm"] = "{{randn(3):float(), {dtype = 'float64'}}}",
  ["linalg.inv_ex"] = "{{well(2), {check_errors = true}}}",
  ["linalg.cholesky_ex"] = "{{spd(2), {check_errors = true}}}",
  ["linalg.solve_ex"] = "{{well(2), randn(2,1), {check_errors = true}}}",
  ["linalg.lu_factor_ex"] = "{{well(2), {check_errors = true}}}",
  ["linalg.pinv"] = "{{well(2), {atol = 1e-6}}}",
  svd = "{{randn(2,3), {some = false, compute_uv = false}}}",
  lstsq = "{{randn(4,3), randn(4,1), 1e-12, 'gelss'}, {randn(4,3), randn(4,1), nil, 'gelsd'}, "
    .. "{randn(4,3), randn(4,1), nil, 'gels'}}",

  -- ---- convolution -------------------------------------------------------------------------------------
  conv1d = "{{randn(2,4,6), randn(6,2,3), randn(6), {groups = 2, stride = 2, padding = 1}}, "
    .. "{randn(1,4,7), randn(2,4,2), nil, {padding = 'same', dilation = 2}}, "
    .. "{randn(1,3,5), randn(3,1,2), {groups = 3, padding = 'valid'}}}",
  conv2d = "{{randn(1,4,5,4), randn(4,2,2,3), randn(4), {groups = 2, dilation = {2,1}, stride = {1,2}, padding = {1,0}}}, "
    .. "{randn(1,2,5,5), randn(3,2,3,3), nil, {padding = 'same'}}, {randn(1,2,4,4), randn(4,1,3,3), randn(4), {groups = 2, padding = 2}}}",
  conv3d = "{{randn(1,2,3,4,3), randn(2,1,2,2,2), randn(2), {groups = 2, padding = 1, stride = {1,2,1}}}, "
    .. "{randn(1,2,3,4,3), randn(2,2,2,1,2), nil, {dilation = {1,2,1}}}}",
  conv_transpose1d = "{{randn(1,4,4), randn(4,3,2), randn(6), {stride = 2, groups = 2, dilation = 2, output_padding = 1}}}",
  conv_transpose2d = "{{randn(1,2,3,3), randn(2,2,2,2), randn(2), {dilation = {2,1}, stride = {1,2}}}, "
    .. "{randn(1,2,3,3), randn(2,1,3,2), nil, {stride = 2, padding = 1}}}",
  conv_transpose3d = "{{randn(1,2,2,3,2), randn(2,1,2,2,2), randn(2), {groups = 2, stride = {1,2,1}, padding = {0,1,0}}}}",
  convolve2d_dw = "{{randn(1,4,5,4), randn(1,2,2,2), {2,1}, {1,0}, {1,2}, 2, {4,2}}}",

  -- ---- pooling -----------------------------------------------------------------------------------------
  max_pool1d = "{{randn(2,2,7), 3, 2, 1, {dilation = 2, ceil_mode = true}}, {randn(2,7), 2}}",
  max_pool2d = "{{randn(1,2,5,6), {2,3}, {2,1}, {1,1}, {ceil_mode = true}}, {randn(2,5,5), 2, {dilation = 2}}}",
  max_pool3d = "{{randn(1,1,4,4,5), 2, {2,1,2}, {1,0,1}, {ceil_mode = true}}}",
  avg_pool1d = "{{randn(2,2,7), 3, 2, 1, {ceil_mode = true, count_include_pad = false}}, {randn(2,7), 2}}",
  avg_pool2d = "{{randn(1,2,5,6), {2,3}, {2,2}, {1,1}, {ceil_mode = true, count_include_pad = false}}, "
    .. "{randn(2,5,5), 3, 2, {divisor_override = 5, ceil_mode = true}}}",
  avg_pool3d = "{{randn(1,1,4,4,5), 2, {2,2,2}, {1,0,1}, {ceil_mode = true, count_include_pad = false}}}",
  max_unpool1d = "{{randn(1,2,3), tensor{{{2,3,6},{1,4,5}}}, 2, 2, 0}, "
    .. "{randn(1,1,3), tensor{{{1,3,6}}}, 2, {output_size = {7}}}, {randn(1,1,3), tensor{{{1,2,4}}}, 2, {padding = 1}}}",
  max_unpool2d = "{{randn(1,1,2,2), tensor{{{{1,3},{7,9}}}}, 2, 1, 0}, {randn(1,1,2,2), tensor{{{{1,2},{3,4}}}}, 2, 2, 1}}",
  max_unpool3d = "{{randn(1,1,1,2,2), tensor{{{{{1,3},{9,20}}}}}, 2, 2, 0, {output_size = {2,5,4}}}, "
    .. "{randn(1,1,2,2,2), tensor{{{{{1,2},{3,4}},{{5,6},{7,8}}}}}, 2, {padding = 1}}}",
  lp_pool1d = "{{rand(1,2,6) + 0.5, 2, 4, 3, true}}",
  lp_pool2d = "{{rand(1,2,4,5) + 0.5, 2, {2,3}, {2,2}, true}}",
  max_windows_dx = "{{randn(1,1,2,2), tensor({{{{0,2},{6,8}}}}, {dtype='int32'}), {2,2}, {2,2}, {0,0}, {1,1}, true, {3,3}}}",
  max_windows_pick = "{{randn(1,1,3,3), tensor({{{{0,2},{6,8}}}}, {dtype='int32'}), {2,2}, {2,2}, {0,0}, {1,1}, true}}",
  avg_windows_dx = "{{randn(1,2,2,2), {3,3}, {2,2}, {1,1}, {1,1}, true, false, 0, {3,3}}, "
    .. "{randn(1,1,2,2), {2,2}, {2,2}, {0,0}, {1,1}, false, true, 3, {4,5}}}",
  adaptive_avg_pool2d = "{{randn(1,2,5,4), {3,-1}}, {randn(2,3,3), {4,2}}}",
  adaptive_max_pool2d = "{{randn(1,2,5,4), {3,-1}}, {randn(2,3,3), {4,2}}}",

  -- ---- pictures ----------------------------------------------------------------------------------------
  resample_dx = "{{randn(2,6), 2, 4, 'linear', true}, {randn(2,6), 2, 4, 'nearest'}, {randn(2,6), 2, 4, 'exact'}, "
    .. "{randn(2,6), 2, 4, 'linear', false, 1.4}}",

  -- ---- normalisation -----------------------------------------------------------------------------------
  batch_norm = "{{randn(4,3), tensor.zeros(3), tensor.ones(3), {training = true, momentum = 0.4}}}",
  instance_norm = "{{randn(2,3,4), tensor.zeros(3), tensor.ones(3), nil, nil, true, 0.4, 0.1}}",
  normalize = "{{randn(2,3), {eps = 3, p = 1}}}",
  cosine_similarity = "{{randn(2,3), randn(2,3), {eps = 1.2}}}",
  pairwise_distance = "{{randn(2,3), randn(3), {eps = 0.5}}, {randn(2,3), randn(2,3), 3}}",
  cdist = "{{randn(2,3), randn(4,3), {compute_mode = 'donot_use_mm_for_euclid_dist'}}, {randn(2,3), randn(4,3), math.huge}}",

  -- ---- losses ------------------------------------------------------------------------------------------
  nll_loss = "{{randn(3,4), tensor{1,4,2}, rand(4) + 0.5, {reduction = 'sum'}}}",
  logits_loss = "{{randn(2,3), rand(2,3) * 0.8 + 0.1, 'sum'}}",
  probability_loss = "{{rand(2,3) * 0.8 + 0.1, rand(2,3) * 0.8 + 0.1, 'sum'}}",
  score_loss = "{{randn(3,4), tensor{1,4,2}, rand(4):float() + 0.5, 2, 'sum'}}",
  kl_div = "{{randn(2,3), rand(2,3) + 0.1, 'none'}, {randn(2,3), randn(2,3), 'none', true}}",
  poisson_nll_loss = "{{rand(4) + 0.5, rand(4) * 4 + 1.1, {log_input = false, eps = 0.5, reduction = 'none'}}}",
  gaussian_nll_loss = "{{randn(2,3), randn(2,3), rand(2,3) + 0.5, {eps = 0.2}}}",
  hinge_embedding_loss = "{{rand(4), tensor{1, -1, 1, -1}, 0.4, 'none'}}",
  soft_margin_loss = "{{randn(4), tensor{1, -1, 1, -1}, 'sum'}}",
  margin_ranking_loss = "{{randn(4), randn(4), tensor{1, -1, 1, -1}, 0.3, 'none'}}",
  cosine_embedding_loss = "{{randn(3,4), randn(3,4), tensor{1, -1, 1}, -0.9, 'sum'}}",
  triplet_margin_loss = "{{randn(3,4), randn(3,4), randn(3,4), 2.5, 2, 0.1, {reduction = 'sum'}}}",
  multi_margin_loss = "{{randn(3,4), tensor{1,4,2}, {reduction = 'sum'}}}",
  multilabel_margin_loss = "{{randn(2,4), tensor{{2,4,0,1},{1,0,0,0}}, 'sum'}}",
  multilabel_soft_margin_loss = "{{randn(2,4), mask(2,4):double(), nil, 'sum'}}",
  ctc_loss = "{{randn(3,2,3), tensor{{2,2,2},{3,2,3}}, tensor{3,3}, tensor{3,2}, {zero_infinity = true, reduction = 'sum'}}}",
}
