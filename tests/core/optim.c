/* Optimizer steps at every level against PyTorch 1.13.1's figures after three steps, float32 and
   float64.
   Made on Debian 12 by /usr/bin/python3 with

   import torch
   S, A, W = torch.optim.SGD, torch.optim.Adam, torch.optim.AdamW
   for make in (
       lambda p: S(p, 0.1),
       lambda p: S(p, 0.1, weight_decay=0.01),
       lambda p: S(p, 0.1, 0.9),
       lambda p: S(p, 0.1, 0.9, 0.5, 0.01),
       lambda p: S(p, 0.1, 0.9, 0, 0.01, nesterov=True),
       lambda p: S(p, 0.1, 0.9, maximize=True),
       lambda p: A(p, 0.1),
       lambda p: A(p, 0.1, (0.8, 0.9), 1e-3, 0.1),
       lambda p: A(p, 0.1, amsgrad=True),
       lambda p: A(p, 0.1, maximize=True),
       lambda p: W(p, 0.1),
       lambda p: W(p, 0.1, (0.8, 0.9), 1e-3, 0.3, amsgrad=True)):
     for t in (torch.float32, torch.float64):
       p = torch.tensor([1, -2, 0.5, 3, -0.25], dtype=t, requires_grad=True)
       o = make([p])
       for k in range(3):
         p.grad = torch.tensor([0.1, -0.7, 3, 0.001, -40], dtype=t) * (k - 0.5)
         o.step()
       print(p.tolist()) */
#include "check.h"

#include "../../tensor/op.h"

enum { N = 5, STEPS = 3, SGDS = 6, ADAMS = 6 };

static const double start[N] = {1, -2, 0.5, 3, -0.25}, slope[N] = {0.1, -0.7, 3, 0.001, -40};

typedef struct SgdStep {
  double lr, momentum, dampening, weight_decay;
  bool nesterov, maximize;
} SgdStep;

static const SgdStep sgds[SGDS] = {
    {.lr = 0.1},
    {.lr = 0.1, .weight_decay = 0.01},
    {.lr = 0.1, .momentum = 0.9},
    {.lr = 0.1, .momentum = 0.9, .dampening = 0.5, .weight_decay = 0.01},
    {.lr = 0.1, .momentum = 0.9, .weight_decay = 0.01, .nesterov = true},
    {.lr = 0.1, .momentum = 0.9, .maximize = true},
};

typedef struct AdamStep {
  double lr, beta1, beta2, eps, weight_decay;
  bool decoupled, maximize, amsgrad;
} AdamStep;

static const AdamStep adams[ADAMS] = {
    {0.1, 0.9, 0.999, 1e-8, 0, false, false, false},
    {0.1, 0.8, 0.9, 1e-3, 0.1, false, false, false},
    {0.1, 0.9, 0.999, 1e-8, 0, false, false, true},
    {0.1, 0.9, 0.999, 1e-8, 0, false, true, false},
    {0.1, 0.9, 0.999, 1e-8, 0.01, true, false, false},
    {0.1, 0.8, 0.9, 1e-3, 0.3, true, false, true},
};

static const float want_f32[SGDS + ADAMS][N] = {
    {0.9850000143051147f, -1.8949999809265137f, 0.049999963492155075f, 2.999850034713745f, 5.75f},
    {0.9819979667663574f, -1.8889710903167725f, 0.048351649194955826f, 2.990859031677246f,
     5.752747535705566f},
    {0.989050030708313f, -1.9233500957489014f, 0.17149996757507324f, 2.9998905658721924f,
     4.130000114440918f},
    {0.9971337914466858f, -2.0007264614105225f, 0.5366736054420471f, 2.987539529800415f,
     -0.76566082239151f},
    {0.9670764803886414f, -1.8097110986709595f, -0.2506697177886963f, 2.9756457805633545f,
     9.707371711730957f},
    {1.0109500885009766f, -2.0766499042510986f, 0.8285000324249268f, 3.0001094341278076f,
     -4.630000114440918f},
    {1.0352123975753784f, -2.035212278366089f, 0.5352123975753784f, 3.0352110862731934f,
     -0.28521236777305603f},
    {0.7165195941925049f, -1.9620881080627441f, 0.5189729332923889f, 2.7013843059539795f,
     -0.27354520559310913f},
    {1.0352123975753784f, -2.035212278366089f, 0.5352123975753784f, 3.0352110862731934f,
     -0.28521236777305603f},
    {0.9647876620292664f, -1.9647876024246216f, 0.46478763222694397f, 2.9647889137268066f,
     -0.21478763222694397f},
    {1.0320206880569458f, -2.0290236473083496f, 0.5335192680358887f, 3.0260252952575684f,
     -0.28426846861839294f},
    {0.929854691028595f, -1.8433685302734375f, 0.4744691848754883f, 2.7333152294158936f,
     -0.2463321089744568f},
};

static const double want_f64[SGDS + ADAMS][N] = {
    {0.9849999999999999, -1.895, 0.049999999999999975, 2.99985, 5.75},
    {0.981998004, -1.8889710329999998, 0.04835164949999995, 2.99085894705, 5.7527472502500006},
    {0.98905, -1.9233500000000003, 0.1715, 2.9998905000000002, 4.13},
    {0.9971339010000001, -2.00072655825, 0.536673612375, 2.9875393667625003, -0.7656610374375},
    {0.967076495436, -1.8097109623469998, -0.2506697205795, 2.97564581936595, 9.70737105671475},
    {1.01095, -2.0766500000000003, 0.8285, 3.0001094999999998, -4.63},
    {1.0352123644404296, -2.0352123753539995, 0.5352123767485117, 3.0352111039541465,
     -0.28521237714109715},
    {0.7165195897703571, -1.9620880791306416, 0.5189729380450386, 2.701384585368535,
     -0.2735452059663887},
    {1.0352123644404296, -2.0352123753539995, 0.5352123767485117, 3.0352111039541465,
     -0.28521237714109715},
    {0.9647876355595704, -1.9647876246460005, 0.46478762325148826, 2.9647888960458535,
     -0.21478762285890282},
    {1.0320207266372519, -2.0290237365174555, 0.5335192394077041, 3.0260254680047,
     -0.28426849004908916},
    {0.9298546105036556, -1.843368448100147, 0.4744691454180737, 2.733315033679054,
     -0.24633203358014816},
};

/* M elements, enough of them for whole vectors; equal by fives, so that the loops' ends are seen
   too. A list holds the parameter, its gradient and up to three tensors of state. */
enum { M = 43, KINDS = 5 };

static double at(const Tensor *x, int i) {
  return x->dtype == T_F32 ? (double)((float *)t_data(x))[i] : ((double *)t_data(x))[i];
}

static void put(Tensor *x, int i, double v) {
  if (x->dtype == T_F32)
    ((float *)t_data(x))[i] = (float)v;
  else
    ((double *)t_data(x))[i] = v;
}

static void begin(DType dtype, Tensor *x[KINDS]) {
  for (int k = 0; k < KINDS; k++) {
    x[k] = t_new(dtype, 1, (int64_t[]){M});
    for (int i = 0; i < M; i++) put(x[k], i, k == 0 ? start[i % N] : 0);
  }
}

static void take_step(const char *rule, int kinds, Tensor *x[KINDS], int step, int n,
                      const double *numbers) {
  for (int i = 0; i < M; i++) {
    double g = x[1]->dtype == T_F32 ? (double)((float)slope[i % N] * ((float)step - 0.5f))
                                    : slope[i % N] * (step - 0.5);
    put(x[1], i, g);
  }
  Call c;
  call_begin(&c, op_need(rule));
  call_inputs(&c, kinds);
  for (int k = 0; k < kinds; k++) c.x[k] = x[k];
  c.attr[0].tag = A_FLOATS;
  c.attr[0].n = (uint8_t)n;
  for (int k = 0; k < n; k++) c.attr[0].fv[k] = numbers[k];
  op_apply(&c);
}

static void sgd(const SgdStep *s, Tensor *x[KINDS], int step) {
  double turn = s->maximize ? -1 : 1, ahead = s->nesterov;
  if (s->momentum == 0) {
    take_step("sgd_step", 2, x, step, 3, (double[]){turn, s->weight_decay, s->lr});
    return;
  }
  take_step("momentum_step", 3, x, step, 7,
            (double[]){turn, s->weight_decay, s->lr, step == 0 ? 0 : s->momentum,
                       step == 0 ? 1 : 1 - s->dampening, s->nesterov ? s->momentum : 1, ahead});
}

static void adam(const AdamStep *s, Tensor *x[KINDS], int step) {
  double keep = s->decoupled ? 1 - s->lr * s->weight_decay : 1;
  double first = 1 - pow(s->beta1, step + 1), second = 1 - pow(s->beta2, step + 1);
  take_step(s->amsgrad ? "amsgrad_step" : "adam_step", s->amsgrad ? 5 : 4, x, step, 11,
            (double[]){s->maximize ? -1 : 1, s->decoupled ? 0 : s->weight_decay, keep, s->beta1,
                       1 - s->beta1, s->beta2, 1 - s->beta2, s->lr / first, 0, 1 / sqrt(second),
                       s->eps});
}

static void check_case(int which, DType dtype) {
  int mark = t_mark();
  Tensor *x[KINDS];
  begin(dtype, x);
  for (int step = 0; step < STEPS; step++) {
    if (which < SGDS)
      sgd(&sgds[which], x, step);
    else
      adam(&adams[which - SGDS], x, step);
  }
  double far = 0;
  for (int i = 0; i < M; i++) {
    far = fmax(far, dtype == T_F32 ? ulps_f32((float)at(x[0], i), (double)want_f32[which][i % N])
                                   : fabs(at(x[0], i) / want_f64[which][i % N] - 1));
  }
  check(far <= (dtype == T_F32 ? 4 : 1e-14), "case %d in %s at %s: %g from PyTorch", which,
        dtype_name(dtype), simd_name(simd_level()), far);
  t_leave(mark);
}

int main(void) {
  int machine = simd_level();
  for (simd_found = SIMD_BASE; simd_found <= machine; simd_found++) {
    for (int which = 0; which < SGDS + ADAMS; which++) {
      check_case(which, T_F32);
      check_case(which, T_F64);
    }
  }
  simd_found = machine;
  return checks_report("core/optim");
}
