#!/usr/bin/env bash
# Writes doc/benchmark.md: Lunette beside PyTorch in one sitting, by the peers' script (compare.py in
# the folder of shared inputs; it needs Debian's python3-torch) and by tests/beside/beside.py. Takes about
# ten minutes on a quiet machine.
set -eu
cd "$(dirname "$0")/.."
unset OPENBLAS_CORETYPE OPENBLAS_L2_SIZE
compare="/usr/bin/python3 ${LUNETTE_SHARED:-../shared}/peers/compare.py --rounds 3 --budget ${BUDGET:-0.8}"
rows=mlp_b32,mlp_b512,cnn_b32,cnn_b128,overhead_forward,overhead_backward
rows=$rows,micro_add_1m,micro_exp_1m,micro_softmax_1024,micro_matmul_1024
more=micro_tanh_1m,micro_gelu_1m,micro_sum_1m,micro_sum_dim1_1024,micro_layer_norm_1024
more=$more,micro_transpose_copy_1024,micro_sort_1m,micro_randn_1m,micro_conv3x3_32x64x28,micro_gather_rows

table() { printf '```\n'; "$@"; printf '```\n\n'; }

{
  cat <<'TEXT'
# Beside PyTorch

Written by `tests/benchmark.sh`, which runs both sides in turn on one machine: the smallest times of
three rounds in milliseconds, and the ratio of PyTorch's to ours (above 1: Lunette is faster). A training
step is zero the gradients, forward, loss, backward, Adam step; float32.

TEXT
  printf 'PyTorch %s, %s processors. Lunette: %s.\n\n' \
    "$(/usr/bin/python3 -c 'import torch; print(torch.__version__)')" "$(nproc)" \
    "$(build/lunette -e 'local b = tensor.build() print(("SIMD level %s, BLAS core type %s"):format(b.simd, b.blas))')"
  for threads in 1 2; do
    table $compare --threads $threads --only $rows
    table $compare --threads $threads --only $more
  done
  cat <<'TEXT'
With one thread PyTorch's own loops keep to one, but its OpenBLAS does not: it takes every processor. The
same rows with `OPENBLAS_NUM_THREADS=1`, which holds both sides to one:

TEXT
  table env OPENBLAS_NUM_THREADS=1 $compare --threads 1 --only mlp_b32,mlp_b512,micro_matmul_1024
  cat <<'TEXT'
## Layers

Written by `tests/beside/beside.py` from `tests/beside/layers.txt`, which has the shapes and both sides'
calls: the smallest times of a call over rounds taken in turn, in microseconds, forward alone and forward
and backward together, and the ratio of PyTorch's to ours. Attention is PyTorch's by its product, softmax
and product, which is what its layer does; PyTorch's products keep to as many threads as its loops.

TEXT
  table tests/beside/beside.py --rounds 3 --budget 0.03 tests/beside/layers.txt
} >doc/benchmark.md.new
mv doc/benchmark.md.new doc/benchmark.md
cat doc/benchmark.md
