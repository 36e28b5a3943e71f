-- Linear algebra: factors put together again, results that are unique up to signs, gradients through
-- them, singular matrices, empty ones, errors.

local lunette = require "lunette"
local gradcheck = require "lunette.gradcheck"
local tensor = lunette.tensor
local linalg = tensor.linalg

local function rand(...) return tensor.randn({ ... }, { dtype = "float64" }) end
local function flip(x) return x:transpose(-1, -2) end
local function eye(n) return tensor.eye(n, { dtype = "float64" }) end
local function distance(a, b) return a:numel() == 0 and 0 or (a - b):abs():max():item() end

local shapes = { { 3, 3 }, { 5, 3 }, { 3, 5 }, { 1, 1 }, { 40, 33 }, { 2, 4, 3 }, { 2, 3, 4, 4 }, { 1, 6 } }

-- A = Q R, orthonormal columns, an upper triangle.
local function check_qr(t, x, mode)
  local q, r = linalg.qr(x, mode)
  local name = ("qr %s %s"):format(mode, tostring(x.shape))
  t.ok(name .. " product", distance(q:matmul(r), x) < 1e-12)
  t.ok(name .. " columns", distance(flip(q):matmul(q), eye(q:size(-1)):expand_as(flip(q):matmul(q))) < 1e-12)
  t.ok(name .. " triangle", distance(r, r:triu()) == 0)
end

local function check_svd(t, x, full)
  local u, s, vh = linalg.svd(x, full)
  local name = ("svd %s %s"):format(tostring(full), tostring(x.shape))
  local k = s:size(-1)
  local middle = u:narrow(-1, 1, k) * s:unsqueeze(-2)
  t.ok(name .. " product", distance(middle:matmul(vh:narrow(-2, 1, k)), x) < 1e-12)
  t.ok(name .. " left", distance(flip(u):matmul(u), eye(u:size(-1)):expand_as(flip(u):matmul(u))) < 1e-12)
  t.ok(name .. " right", distance(vh:matmul(flip(vh)), eye(vh:size(-2)):expand_as(vh:matmul(flip(vh)))) < 1e-12)
  t.ok(name .. " values", distance(linalg.svdvals(x), s) < 1e-12 and distance(s, (s:sort(-1, true))) == 0)
end

local function factors(t)
  for _, shape in ipairs(shapes) do
    local x = rand(table.unpack(shape))
    check_qr(t, x, "reduced")
    check_qr(t, x, "complete")
    check_svd(t, x, false)
    check_svd(t, x, true)
    local p, l, u = linalg.lu(x)
    t.ok("lu " .. tostring(x.shape), distance(p:matmul(l):matmul(u), x) < 1e-12)
    local y = linalg.pinv(x)
    t.ok("pinv " .. tostring(x.shape), distance(x:matmul(y):matmul(x), x) < 1e-10 and distance(y:matmul(x):matmul(y), y) < 1e-10
      and distance(flip(x:matmul(y)), x:matmul(y)) < 1e-10)
  end
  for _, n in ipairs { 1, 2, 7, 50 } do
    local a = rand(2, n, n)
    local sym = a + flip(a)
    local w, v = linalg.eigh(sym)
    t.ok("eigh " .. n, distance(v:matmul(w:unsqueeze(-1) * flip(v)), sym) < 1e-11)
    t.ok("eigh upper " .. n, distance(linalg.eigvalsh(sym, "U"), w) < 1e-11)
    local spd = a:matmul(flip(a)) + eye(n)
    local l = tensor.cholesky(spd)
    t.ok("cholesky " .. n, distance(l:matmul(flip(l)), spd) < 1e-11 and distance(l, l:tril()) == 0)
    t.ok("cholesky upper " .. n, distance(linalg.cholesky(spd, true), flip(l)) < 1e-12)
    t.ok("cholesky_solve " .. n, distance(spd:matmul(a:cholesky_solve(l)), a) < 1e-9)
    t.ok("inverse " .. n, distance(spd:inverse():matmul(spd), eye(n):expand_as(spd)) < 1e-9)
    local sign, log = spd:slogdet()
    t.ok("slogdet " .. n, distance(log, linalg.eigvalsh(spd):log():sum(-1)) < 1e-9 and sign:eq(1):all())
  end
end

-- Only the triangle that is named is read.
local function triangles(t)
  local a = rand(4, 4) + eye(4) * 6
  local sym = a:tril() + flip(a:tril(-1))
  t.ok("eigh reads the lower triangle", distance(linalg.eigvalsh(a), linalg.eigvalsh(sym)) < 1e-12)
  t.ok("eigh reads the upper triangle", distance(linalg.eigvalsh(flip(a), "U"), linalg.eigvalsh(sym)) < 1e-12)
  t.ok("cholesky reads the lower triangle", distance(tensor.cholesky(a), tensor.cholesky(sym)) == 0)
  local b = rand(4, 2)
  t.ok("solve_triangular reads one triangle",
    distance(linalg.solve_triangular(a, b, true), linalg.solve_triangular(a:triu(), b, true)) == 0)
end

-- What is unique only up to signs has derivatives all the same.
local function gradients(t)
  local function check(name, f, ...)
    local inputs = { ... }
    for _, x in ipairs(inputs) do x:requires_grad_() end
    local ok, message = gradcheck(f, inputs, { order = 2, tolerance2 = 1e-4 })
    t.ok("gradient of " .. name, ok, message)
  end
  local a, tall = rand(3, 3) + eye(3) * 3, rand(4, 3)
  check("a projection", function(x)
    local u = linalg.svd(x, false)
    return u:matmul(flip(u))
  end, tall)
  check("the nuclear norm", function(x) return x:norm("nuc") end, a)
  check("a root of a matrix", function(x)
    local w, v = linalg.eigh(x:matmul(flip(x)))
    return v:matmul(w:sqrt():unsqueeze(-1) * flip(v))
  end, a)
  check("logdet by Cholesky", function(x)
    return (x:matmul(flip(x)) + eye(3)):cholesky():diagonal():log():sum() * 2
  end, a)
  check("det of a matrix of rank 2", tensor.det, tensor { { 1, 2, 3 }, { 2, 4, 6 }, { 1, 0, 1 } }:double())
  check("det of a matrix of rank 1", tensor.det, tensor { { 1, 2, 3 }, { 2, 4, 6 }, { 3, 6, 9 } }:double())
  check("least squares", function(x, y) return (linalg.lstsq(x, y)) end, tall, rand(4, 2))
  local q, r = linalg.qr(tall, "complete")
  t.ok("complete qr has no gradient", not pcall(function() (q:sum() + r:sum()):backward() end))
end

local function singular(t)
  local zero, one = tensor.zeros(2, 2), tensor { { 1., 2. }, { 2., 4. } }
  t.ok("det 0", zero:det():item() == 0 and math.abs(one:det():item()) < 1e-6)
  local sign, log = zero:slogdet()
  t.ok("slogdet 0", sign:item() == 0 and log:item() == -math.huge)
  t.ok("logdet of a negative determinant", tostring(tensor { { 0., 1. }, { 1., 0. } }:logdet():item()):find "nan")
  t.ok("cond of a singular matrix", linalg.cond(one, 1):item() == math.huge)
  t.ok("rank", linalg.matrix_rank(one) == 1 and linalg.matrix_rank(zero) == 0 and linalg.matrix_rank(tensor.eye(3)) == 3)
  local _, info = linalg.inv_ex(tensor.stack { tensor.eye(2), one })
  t.ok("inv_ex", info == tensor({ 0, 2 }, { dtype = "int32" }))
  local _, bad = linalg.cholesky_ex(-tensor.eye(3))
  t.ok("cholesky_ex", bad == 1)
  t.ok("least norm", distance(linalg.lstsq(one, tensor { { 1. }, { 2. } }), tensor { { 0.2 }, { 0.4 } }) < 1e-6)
end

local function empty(t)
  local none = tensor.zeros(0, 3, 3)
  t.ok("no matrices", linalg.inv(none).shape == none.shape and none:det().shape[1] == 0 and linalg.eigvalsh(none).shape[2] == 3)
  t.ok("det of nothing", tensor.zeros(0, 0):det():item() == 1)
  local u, s, vh = linalg.svd(tensor.zeros(3, 0))
  t.ok("svd of nothing", u == tensor.eye(3) and s:numel() == 0 and vh:numel() == 0)
  t.ok("solve nothing", linalg.solve(tensor.zeros(0, 0), tensor.zeros(0, 2)).shape[2] == 2)
  t.ok("pinv of nothing", linalg.pinv(tensor.zeros(0, 3)).shape[1] == 3)
  t.ok("exp of nothing", tensor.zeros(0, 0):matrix_exp():numel() == 0)
  t.ok("a product over nothing", tensor.zeros(2, 0):matmul(tensor.zeros(0, 3)) == tensor.zeros(2, 3))
  local row = tensor.ones(1, 3):requires_grad_()
  row:mm(tensor.zeros(3, 0)):sum():backward()
  t.ok("the gradient of a product without columns", row.grad == tensor.zeros(1, 3))
  t.ok("a sum of nothing", tensor.einsum("ij,j->i", tensor.zeros(2, 0), tensor.zeros(0)) == tensor.zeros(2))
end

local function exponential(t)
  local spin = tensor { { 0., -1. }, { 1., 0. } }
  for _, angle in ipairs { 0.001, 0.2, 1, 3, 40 } do
    local want = tensor({ { math.cos(angle), -math.sin(angle) }, { math.sin(angle), math.cos(angle) } }, { dtype = "float64" })
    t.ok("a rotation by " .. angle, distance(linalg.matrix_exp(spin:double() * angle), want) < 1e-13 * math.max(1, angle))
    t.ok("a rotation by " .. angle .. " in float32", distance(linalg.matrix_exp(spin * angle), want) < 1e-6 * math.max(1, angle))
  end
  t.ok("exp of nan", linalg.matrix_exp(spin * (0 / 0)):isnan():all())
end

local function names(t)
  local a = rand(3, 3) + eye(3) * 4
  t.ok("plain and dotted names", distance(a:inverse(), linalg.inv(a)) == 0 and distance(a:det(), linalg.det(a)) == 0)
  t.raises("an unknown name", "did you mean tensor.linalg.solve", function() return linalg.solv end)
  t.ok("operands one by one", distance(tensor.einsum("ij,jk->ik", a, a), tensor.einsum("ij,jk->ik", { a, a })) == 0)
end

local function errors(t)
  local function raises(pattern, f, ...)
    local args = table.pack(...)
    t.raises(pattern, pattern, function() f(table.unpack(args, 1, args.n)) end)
  end
  local a, singular_one = tensor.eye(3), tensor.stack { tensor.eye(2), tensor.zeros(2, 2) }
  raises("matrix 2 of the batch: the matrix is singular: pivot 1", linalg.solve, singular_one, tensor.ones(2, 2))
  raises("linalg.lstsq and linalg.pinv take any", tensor.inverse, tensor.zeros(2, 2))
  raises("leading minor of order 2", tensor.cholesky, tensor { { 1., 2. }, { 2., 1. } })
  raises("the last two sizes must be equal", tensor.det, tensor.ones(2, 3))
  raises("a matrix %[m,n%] or a batch", linalg.svd, tensor.ones(3))
  raises("values that are not finite", linalg.eigh, tensor { { 0 / 0, 1 }, { 1, 2 } })
  raises("equally many rows", linalg.solve, a, tensor.ones(2, 2))
  raises("batch sizes 2 and 3", linalg.solve, tensor.eye(2):expand(2, 2, 2), tensor.ones(3, 2, 2))
  raises("full rank", linalg.lstsq, tensor { { 1., 0. }, { 0., 0. }, { 0., 0. } }, tensor.ones(3, 1), { driver = "gels" })
  raises("pivot 9 is not a row", tensor.lu_unpack, a, tensor { 1, 2, 9 })
  raises("more operands", tensor.einsum, "ij,jk", a)
  raises("fewer operands", tensor.einsum, "ij", a, a)
  raises("in no operand", tensor.einsum, "ij->ik", a)
  raises("meets one of size 3", tensor.einsum, "ij,jk->ik", a, tensor.ones(2, 2))
  raises("two lists of dimensions", tensor.tensordot, a, a, { { 1, 2 } })
  raises("two dimensions", linalg.matrix_norm, a, 1, { 1 })
  raises("vector has no norm", linalg.norm, tensor.ones(3), "nuc")
  raises("matrix 1 is %[2,3%] and matrix 2 is %[2,2%]", tensor.chain_matmul, tensor.ones(2, 3), tensor.ones(2, 2))
end

-- The same bits whatever the team, for one large matrix and many small ones.
local function threads(t)
  local large, small = rand(120, 120), rand(300, 5, 5)
  local before, hashes = tensor.get_num_threads(), {}
  for n = 1, 3 do
    tensor.set_num_threads(n)
    local all = {}
    for _, x in ipairs { large, small } do
      for _, name in ipairs { "inv", "svdvals", "pinv", "det", "matrix_exp", "eigvalsh" } do all[#all + 1] = linalg[name](x) end
      all[#all + 1] = linalg.qr(x)
      all[#all + 1] = linalg.solve(x, x)
    end
    hashes[n] = tensor.hash(all)
  end
  tensor.set_num_threads(before)
  t.ok("bits of 1, 2 and 3 threads", hashes[1] == hashes[2] and hashes[1] == hashes[3])
end

return function(t)
  tensor.manual_seed(3)
  factors(t)
  triangles(t)
  gradients(t)
  singular(t)
  empty(t)
  exponential(t)
  names(t)
  errors(t)
  threads(t)
end
