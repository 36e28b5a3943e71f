-- Subjects of the fuzz: layers and losses made with random options and called, optimizers and schedules
-- that step. Arguments are drawn by the signatures of their constructors (nn/signature.lua).

local lunette = require "lunette"
local values = require "tests.fuzz.values"
local tensor, nn, optim = lunette.tensor, lunette.nn, lunette.optim
local chance, pick, random = values.chance, values.pick, math.random

-- ---- arguments of constructors ----------------------------------------------------------------------

local function size() return chance(0.9) and pick { 1, 2, 2, 3, 4, 4, 6 } or values.number() end
local function share() return chance(0.9) and random() or values.number() end

local function several(param, draw)
  if chance(0.6) then return draw() end
  local list = {}
  for i = 1, chance(0.9) and math.tointeger(tonumber(param.inside)) or random(0, 4) do list[i] = draw() end
  return list
end

local by_kind = {
  size = size, int = function() return random(-2, 4) end, dim = function() return random(-3, 3) end,
  count = function() return chance(0.9) and random(0, 2) or values.number() end,
  float = function() return chance(0.7) and random() or values.number() end,
  share = share, rate = share, decay = share,
  bool = function() return chance(0.5) end,
  dtype = function() return pick { "float32", "float32", "float64", "int64", "float16" } end,
  list = function() return { size(), size() } end,
  string = function(param)
    local words = {}
    for word in (param.inside or "sum"):gmatch "[^|]+" do words[#words + 1] = word end
    return pick(words)
  end,
  sizes = function(param) return several(param, size) end,
  counts = function(param) return several(param, function() return random(0, 2) end) end,
  ints = function(param) return several(param, function() return random(-1, 3) end) end,
  rates = function(param) return several(param, share) end,
  decays = function(param) return several(param, share) end,
  any = function(param)
    if param.name:find "^%a+coder_layer$" then
      local layer = param.name:find "^en" and nn.TransformerEncoderLayer or nn.TransformerDecoderLayer
      return layer(4, 2, { dim_feedforward = 3 })
    end
    return chance(0.5) and size() or values.junk()
  end,
  table = function() return { size(), size() } end,
}

local function draw(param)
  if param.name:find "layers$" then return random(0, 3) end -- of a million, each is made
  if chance(0.02) then return values.junk() end
  return (by_kind[param.kind] or values.junk)(param)
end

-- {n =, ...}: the required ones by position (all but the first `given`), some of the others by name.
local function arguments(signature, first)
  local args, options = { n = 0 }, {}
  for i, param in ipairs(signature.params) do
    if i == 1 and first ~= nil then
      args[1], args.n = first, 1
    elseif not param.optional and args.n == i - 1 then
      args[i], args.n = draw(param), i
    elseif chance(0.3) then
      options[param.name] = draw(param)
    end
  end
  args.n = args.n + 1
  args[args.n] = options
  return args
end

-- ---- layers -------------------------------------------------------------------------------------------

-- Sizes that layers of small options often fit.
local function input(rank)
  local shape = {}
  for d = 1, rank or random(0, 5) do shape[d] = pick { 1, 2, 2, 3, 4, 4, 6 } end
  if chance(0.2) then return tensor.randint(1, 4, shape) end
  local x = tensor.randn(shape, { dtype = chance(0.8) and "float32" or "float64" })
  return chance(0.5) and x:requires_grad_() or x
end

local function inputs(name)
  local shape_of = name:match "(%d)d$"
  local args = { n = random(1, 3) }
  for i = 1, args.n do
    args[i] = chance(0.9) and input(chance(0.8) and shape_of and shape_of + random(1, 2) or nil) or values.junk()
  end
  if args.n > 1 and chance(0.5) and tensor.is_tensor(args[1]) then args[2] = tensor.randn(args[1].shape) end
  return args
end

local methods = { "train", "eval", "parameters", "named_parameters", "state_dict", "zero_grad", "modules",
  "children", "requires_grad_", "double", "float", "half" }

local function summary(net, ...)
  tostring(net)
  return net:summary(...)
end

local function add_layers(add, try)
  local names = {}
  for name, class in next, nn do
    if type(class) == "table" and type(rawget(class, "_signature")) == "table" then names[#names + 1] = name end
  end
  table.sort(names)
  for _, name in ipairs(names) do
    local class = nn[name]
    add("nn." .. name, function()
      local net
      try("nn." .. name, function(...) net = class(...) end, arguments(class._signature))
      if not net then return end
      for _ = 1, 3 do try(name .. " forward", net, inputs(name)) end
      local method = pick(methods)
      try(name .. ":" .. method, function(...) return net[method](net, ...) end, { n = random(0, 1), values.junk() })
      if chance(0.1) then try("summary", summary, { n = 2, net, values.shape() }) end
      if chance(0.3) then
        local state
        pcall(function() state = net:state_dict() end)
        try(name .. ":load_state_dict", function(...) net:load_state_dict(...) end,
          { n = 2, chance(0.5) and state or values.junk(), chance(0.5) and { strict = chance(0.5) } or nil })
        try(name .. " forward", net, inputs(name))
      end
    end)
  end
end

-- ---- optimizers -----------------------------------------------------------------------------------------

local function parameters()
  local list = {}
  for i = 1, random(1, 3) do
    local x = tensor.randn(values.shape(), { dtype = chance(0.7) and "float32" or "float64" }):requires_grad_()
    if chance(0.8) then (x * values.number()):sum():backward() end
    list[i] = x
  end
  if chance(0.1) then list[#list + 1] = values.junk() end
  if chance(0.1) then list[#list + 1] = list[1] end
  return chance(0.1) and { { params = list, lr = values.number() } } or list
end

-- Changes between steps that a program may make.
local function disturb(list, opt)
  local way, p = random(6), list[1]
  if way == 1 then p.grad = tensor.randn(values.shape()) end
  if way == 2 then opt.param_groups[1].lr = values.junk() end
  if way == 3 then p:detach():mul_(values.number()) end
  if way == 4 then opt:load_state_dict(opt:state_dict()) end
  if way == 5 then opt:load_state_dict(values.junk()) end
  if way == 6 then opt:zero_grad() end
end

local function add_optimizers(add, try)
  for name, class in next, optim do
    local signature = type(class) == "table" and rawget(class, "signature")
    if signature then
      add("optim." .. name, function()
        local list, opt = parameters(), nil
        try("optim." .. name, function(...) opt = class(...) end, arguments(signature, list))
        if not opt then return end
        local asked = 0
        local function loss() -- a step of 2^40 iterations ends too
          asked = asked + 1
          if asked > 1000 then error "enough" end
          local sum = (list[1] * list[1]):sum()
          sum:backward()
          return sum
        end
        for _ = 1, 3 do
          try("step", function(f) return opt:step(f) end,
            { n = 1, (name == "LBFGS" or chance(0.2)) and loss or chance(0.1) and values.junk() or nil })
          try("disturb", disturb, { n = 2, list, opt })
        end
        try("tostring", tostring, { n = 1, opt })
      end)
    end
  end
end

local function several_schedules(opt)
  local list = {}
  for i = 1, random(0, 3) do
    list[i] = chance(0.95) and optim.lr_scheduler.ExponentialLR(opt, random()) or values.junk()
  end
  return list
end

local function add_schedules(add, try)
  for name, class in next, optim.lr_scheduler do
    add("lr_scheduler." .. name, function()
      local opt, schedule = optim.SGD({ tensor.ones(2):requires_grad_() }, { lr = random(), momentum = 0.5 }), nil
      local signature = type(class) == "table" and rawget(class, "signature")
      local list = several_schedules(opt)
      local args = signature and arguments(signature, opt) or name == "ChainedScheduler" and { n = 1, list }
        or { n = 3, opt, list, chance(0.8) and { random(0, 3) } or values.junk() }
      try("lr_scheduler." .. name, function(...) schedule = class(...) end, args)
      for _ = 1, schedule and 4 or 0 do
        try("step", function(...) schedule:step(...) return tostring(schedule) end,
          { n = chance(0.3) and 1 or 0, values.number() })
      end
    end)
  end
end

return function(add, try)
  add_layers(add, try)
  add_optimizers(add, try)
  add_schedules(add, try)
end
