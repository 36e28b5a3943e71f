-- resources.lua: wrong programs: more than there is: memory, depth, time.
-- Each is a program and a pattern of its message.

return {
  {"local y = tensor.zeros(1 << 45)",
    "out of memory: 128.0 TB more do not fit .*free tensors or raise tensor.memory_limit"},
  {"local function f() return 1 + f() end return f()", "stack overflow"},
  {"local function f(...) return pcall(f, tensor.ones(1), ...) end error(tostring(select(2, f())))", ""},
  {"local s = ('x'):rep(1 << 40)", "resulting string too large"},
  {"local co = coroutine.wrap(function() tensor.no_grad(function() error 'boom' end) end) co()", "boom"},
  {"local y = tensor.ones(1 << 16, 1):matmul(tensor.ones(1, 1 << 22))", "out of memory: 1.0 TB more do not fit"},
  {"local y = tensor.ones(4):expand(1 << 40, 4) + 1", "out of memory"},
  {"local y = tensor.ones(3):rep(1 << 50)", "out of memory"},
  {"local y = tensor.arange(1e18)", "more values than can be counted"},
  {"local y = nn.Linear(1 << 31, 1 << 31)", "more elements than can be counted"},
  {"local y = nn.Embedding(1 << 40, 512)", "out of memory"},
  {"local t = setmetatable({}, {}) getmetatable(t).__index = function(_, k) return t[k .. 'x'] end local y = t.a",
    "C stack overflow"},
  {"local y = assert(load('return ' .. ('('):rep(1000) .. '1' .. (')'):rep(1000)))", "C stack overflow"},
  {"local function f() return tensor.no_grad(f) end f()", "C stack overflow"},
  {"local y = ('x'):rep(1 << 31):rep(1 << 31)", "resulting string too large"},
  {"tensor.set_num_threads(65)", "65 threads; 1..64 are possible"},
  {"tensor.memory_limit(-1)", "memory_limit: %-1"},
}
