/* Normalisation: the rows of the family. */
#include "norm.h"

static Op rows[] = {
    {.sig = "batch_norm(x: tensor, running_mean: tensor?, running_var: tensor?, weight: tensor?, "
            "bias: tensor?, training: bool=false, momentum: float=0.1, eps: float=1e-5) -> "
            "y: tensor",
     .doc = "Each channel less its mean, divided by its standard deviation, times weight plus "
            "bias. x: [N,C,...]; all others: [C]. In training, mean and variance are those of x, "
            "and the running ones, where given, move towards them in place by the share momentum "
            "(the running variance towards the unbiased one); x must have more than one value a "
            "channel. Otherwise the running ones are used. eps is added to the variance. Ioffe & "
            "Szegedy 2015, arXiv:1502.03167.",
     .test = "{{randn(4,3), {training = true}}, {randn(2,3,4), tensor.zeros(3), tensor.ones(3), "
             "rand(3) + 0.5, randn(3), true}, {randn(2,3,2,2), randn(3):float(), rand(3):float() + "
             "0.5, rand(3) + 0.5, randn(3)}, {randn(3,2), randn(2):float(), rand(2):float() + 0.5, "
             "{eps = 0.1}}}",
     .ref = "reference.batch_norm",
     .save = SAVE_XS | SAVE_Y(1) | SAVE_Y(2),
     .infer = batch_norm_infer,
     .run = batch_norm_run,
     .grad = batch_norm_grad,
     .compose = batch_norm_compose},
    {.sig = "batch_norm_dx(g: tensor, x: tensor, mean: tensor, rstd: tensor, weight: tensor?, "
            "training: bool=false) -> dx: tensor, dw: tensor, db: tensor",
     .doc = "Gradients of batch_norm for x, weight and bias.",
     .test = "{{randn(4,3), randn(4,3), randn(3), rand(3) + 0.5, rand(3), true}, "
             "{randn(2,3,2), randn(2,3,2), randn(3), rand(3) + 0.5}}",
     .ref = "reference.batch_norm_dx",
     .flags = OP_HIDDEN,
     .infer = batch_norm_dx_infer,
     .run = batch_norm_dx_run},
    {.sig = "layer_norm(x: tensor, normalized_shape: ints, weight: tensor?, bias: tensor?, "
            "eps: float=1e-5) -> y: tensor",
     .doc = "Each sample less its mean, divided by its standard deviation, times weight plus bias, "
            "over the last dimensions of x, whose sizes are normalized_shape; weight and bias have "
            "that shape. eps is added to the variance. Ba, Kiros & Hinton 2016, arXiv:1607.06450.",
     .test = "{{randn(2,3), 3}, {randn(2,3,4), {3,4}, randn(3,4), randn(3,4)}, {randn(2,3,4), {4}, "
             "rand(4) + 0.5, {eps = 0.1}}}",
     .ref = "reference.layer_norm",
     .save = SAVE_XS | SAVE_Y(1) | SAVE_Y(2),
     .infer = layer_norm_infer,
     .run = layer_norm_run,
     .grad = layer_norm_grad,
     .compose = layer_norm_compose},
    {.sig = "layer_norm_dx(g: tensor, x: tensor, mean: tensor, rstd: tensor, weight: tensor?, "
            "normalized_shape: ints, affine: bool=true) -> dx: tensor, dw: tensor, db: tensor",
     .doc = "Gradients of layer_norm for x, and, if affine, for weight and bias.",
     .test = "{{randn(4,3), randn(4,3), randn(4), rand(4) + 0.5, rand(3), 3}, "
             "{randn(2,3,2), randn(2,3,2), randn(2), rand(2) + 0.5, nil, {3,2}}}",
     .ref = "reference.layer_norm_dx",
     .flags = OP_HIDDEN,
     .infer = layer_norm_dx_infer,
     .run = layer_norm_dx_run},
};

FAMILY(norm, rows);
