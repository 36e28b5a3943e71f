-- recurrent.lua: LSTM, GRU and plain recurrent layers over sequences, batch first, and their cells.

local core = require "lunette.core"
local fail = require "lunette.nn.fail"
local init = require "lunette.nn.initial"
local layer = require "lunette.nn.layer"
local Parameter = require "lunette.nn.parameter"

local tensor = core.tensor
local layers = {}

-- What the kinds differ in: gates; run(x, h0, c0, names of the parameters, options) -> out, h, c.
local kinds = {
  LSTM = {gates = 4, run = function(self, x, h, c, p, lengths, reverse)
    return tensor.lstm(x, h, c, self[p[1]], self[p[2]], self[p[3]], self[p[4]], lengths, reverse)
  end},
  GRU = {gates = 3, run = function(self, x, h, _, p, lengths, reverse)
    return tensor.gru(x, h, self[p[1]], self[p[2]], self[p[3]], self[p[4]], lengths, reverse)
  end},
  RNN = {gates = 1, run = function(self, x, h, _, p, lengths, reverse)
    return tensor.rnn(x, h, self[p[1]], self[p[2]], self[p[3]], self[p[4]], lengths, reverse,
      self._options.nonlinearity)
  end},
}

-- Parameters of one layer in one direction, uniform in +-1/sqrt(hidden_size). Returns their names.
local function add_parameters(self, o, suffix, width, gates)
  local bound, n = 1 / math.sqrt(o.hidden_size), gates * o.hidden_size
  local list = {"weight_ih" .. suffix, "weight_hh" .. suffix, "bias_ih" .. suffix, "bias_hh" .. suffix}
  self[list[1]] = Parameter(init.new_uniform({n, width}, bound, o.dtype))
  self[list[2]] = Parameter(init.new_uniform({n, o.hidden_size}, bound, o.dtype))
  if o.bias then
    self[list[3]] = Parameter(init.new_uniform({n}, bound, o.dtype))
    self[list[4]] = Parameter(init.new_uniform({n}, bound, o.dtype))
  end
  return list
end

-- ---- over sequences ----------------------------------------------------------------------------------------

local function build(kind)
  return function(self, o)
    if not (o.dropout >= 0 and o.dropout <= 1) then
      fail.raise("%s: dropout is %g; a probability is between 0 and 1", self._signature.where, o.dropout)
    end
    self.input_size, self.hidden_size, self.num_layers = o.input_size, o.hidden_size, o.num_layers
    self.directions = o.bidirectional and 2 or 1
    self.names = {} -- of the parameters of each layer and direction, in the order of the state's rows
    for i = 0, o.num_layers - 1 do
      local width = i == 0 and o.input_size or self.directions * o.hidden_size
      table.insert(self.names, add_parameters(self, o, "_l" .. i, width, kind.gates))
      if o.bidirectional then
        table.insert(self.names, add_parameters(self, o, ("_l%d_reverse"):format(i), width, kind.gates))
      end
    end
  end
end

local function check_part(self, x, s, name)
  local n = self.num_layers * self.directions
  if not tensor.is_tensor(s) then fail.raise("%s: %s is a %s; a tensor is wanted", self._name, name, type(s)) end
  if s:dim() ~= 3 or s:size(1) ~= n or s:size(2) ~= x:size(1) or s:size(3) ~= self.hidden_size then
    fail.raise("%s: %s is %s; [%d,%d,%d] is wanted (layers, batch, hidden_size)", self._name, name,
      fail.shape(s), n, x:size(1), self.hidden_size)
  end
end

local function check_state(self, x, state, is_lstm)
  if state == nil then return end
  if not is_lstm then return check_part(self, x, state, "the state") end
  if type(state) ~= "table" or not (tensor.is_tensor(state.h) and tensor.is_tensor(state.c)) then
    fail.raise("LSTM: the state is {h = …, c = …}, as the layer returns it")
  end
  check_part(self, x, state.h, "state.h")
  check_part(self, x, state.c, "state.c")
end

-- All layers: out [B,T,directions * H], the last step [B,directions * H], lists of h and c by row.
local function run_layers(self, kind, x, h, c, lengths)
  local o, hs, cs = self._options, {}, {}
  local last
  for i = 0, self.num_layers - 1 do
    if i > 0 and o.dropout > 0 and self.training then x = tensor.dropout(x, o.dropout) end
    local outs, lasts = {}, {}
    for d = 1, self.directions do
      local row = i * self.directions + d
      outs[d], hs[row], cs[row] = kind.run(self, x, h and h:select(1, row), c and c:select(1, row),
        self.names[row], lengths, d == 2)
      lasts[d] = hs[row]
    end
    x = #outs == 2 and tensor.cat(outs, -1) or outs[1]
    last = #lasts == 2 and tensor.cat(lasts, -1) or lasts[1]
  end
  return x, last, hs, cs
end

local function forward(kind, is_lstm)
  return function(self, x, state, lengths)
    check_state(self, x, state, is_lstm)
    if type(lengths) == "table" then lengths = tensor(lengths) end
    local h, c = state, nil
    if is_lstm and state then h, c = state.h, state.c end
    local out, last, hs, cs = run_layers(self, kind, x, h, c, lengths)
    local y = self._options.return_sequences and out or last
    if is_lstm then return y, {h = tensor.stack(hs, 1), c = tensor.stack(cs, 1)} end
    return y, tensor.stack(hs, 1)
  end
end

local function explain(self, x)
  if not tensor.is_tensor(x) then return "its input is a " .. type(x) .. "; a tensor is wanted" end
  if x:dim() ~= 3 or x:size(3) ~= self.input_size then
    return ("input %s; [B,T,%d] is wanted (batch first)"):format(fail.shape(x), self.input_size)
  end
end

local function recurrent(name)
  local kind = kinds[name]
  local Layer = layer(name, "input_size: size, hidden_size: size, num_layers: size=1, "
    .. (name == "RNN" and "nonlinearity: string{tanh|relu}=tanh, " or "")
    .. "bias: bool=true, dropout: float=0.0, bidirectional: bool=false, return_sequences: bool=true, "
    .. "dtype: dtype=float32", nil, 1)
  Layer.build, Layer.forward, Layer._explain = build(kind), forward(kind, name == "LSTM"), explain
  function Layer:_acts_in_training() return self.num_layers > 1 and self._options.dropout > 0 end
  function Layer:_label() return ("%d -> %d"):format(self.input_size, self.hidden_size) end
  return Layer
end

--- Long short-term memory over sequences, batch first. x: [B,T,input_size], state: {h =, c =} each
-- [num_layers * directions, B, hidden_size], zero by default -> out: [B,T,directions * hidden_size],
-- state after the last step. {return_sequences = false}: the last step only, [B, directions *
-- hidden_size]. lstm(x, state, lengths): samples of unequal length, out is 0 after their ends. dropout
-- acts between layers. Parameters have PyTorch's names: weight_ih_l0: [4 hidden_size, input_size],
-- weight_hh_l0, bias_ih_l0, bias_hh_l0, with _reverse for the other direction; gates in the order
-- input, forget, cell, output; uniform in +-1/sqrt(hidden_size) at first.
-- example:
--   lstm = nn.LSTM(3, 5, {bidirectional = true})
--   out, state = lstm(tensor.zeros(8, 7, 3))
--   out.shape, state.h.shape, state.c.shape --> {8, 7, 10}  {2, 8, 5}  {2, 8, 5}
layers.LSTM = recurrent("LSTM")

--- Gated recurrent units over sequences, batch first: gru(x, h, lengths) -> out, h, with h of
-- [num_layers * directions, B, hidden_size]; see LSTM. weight_ih_l0: [3 hidden_size, input_size],
-- gates in the order reset, update, new.
-- example:
--   gru = nn.GRU(3, 5, {num_layers = 2})
--   out, h = gru(tensor.zeros(8, 7, 3))
--   out.shape, h.shape --> {8, 7, 5}  {2, 8, 5}
layers.GRU = recurrent("GRU")

--- A plain recurrent layer over sequences, batch first: rnn(x, h, lengths) -> out, h, with h of
-- [num_layers * directions, B, hidden_size]; see LSTM. nonlinearity: "tanh" or "relu".
-- example:
--   rnn = nn.RNN(3, 5)
--   out, h = rnn(tensor.zeros(8, 7, 3))
--   out.shape, h.shape --> {8, 7, 5}  {1, 8, 5}
layers.RNN = recurrent("RNN")

-- ---- one step ----------------------------------------------------------------------------------------------

local function cell(name, of)
  local kind = kinds[of]
  local Cell = layer(name, "input_size: size, hidden_size: size, bias: bool=true, "
    .. (of == "RNN" and "nonlinearity: string{tanh|relu}=tanh, " or "") .. "dtype: dtype=float32", nil, 1)

  function Cell:build(o)
    self.input_size, self.hidden_size = o.input_size, o.hidden_size
    self.names = add_parameters(self, o, "", o.input_size, kind.gates)
  end

  function Cell:forward(x, h, c)
    local single = x:dim() == 1
    local function batch(v) return v and single and v:unsqueeze(1) or v end
    local _, h1, c1 = kind.run(self, batch(x):unsqueeze(2), batch(h), batch(c), self.names)
    if single then h1, c1 = h1:squeeze(1), c1 and c1:squeeze(1) end
    return h1, c1
  end

  function Cell:_label() return ("%d -> %d"):format(self.input_size, self.hidden_size) end
  return Cell
end

--- One step of an LSTM: cell(x, h, c) -> h, c. x: [B,input_size] or [input_size], h, c:
-- [B,hidden_size], zero by default. weight_ih: [4 hidden_size, input_size], weight_hh, bias_ih, bias_hh.
-- example:
--   cell = nn.LSTMCell(3, 5)
--   h, c = cell(tensor.zeros(8, 3))
--   h, c = cell(tensor.zeros(8, 3), h, c)
--   h.shape, c.shape --> {8, 5}  {8, 5}
layers.LSTMCell = cell("LSTMCell", "LSTM")

--- One step of a GRU: cell(x, h) -> h. x: [B,input_size] or [input_size], h: [B,hidden_size], zero by
-- default. weight_ih: [3 hidden_size, input_size], weight_hh, bias_ih, bias_hh.
-- example:
--   cell = nn.GRUCell(3, 5)
--   h = cell(tensor.zeros(8, 3))
--   cell(tensor.zeros(8, 3), h).shape --> {8, 5}
layers.GRUCell = cell("GRUCell", "GRU")

--- One step of a plain recurrent layer: cell(x, h) -> h. x: [B,input_size] or [input_size], h:
-- [B,hidden_size], zero by default. nonlinearity: "tanh" or "relu".
-- example:
--   cell = nn.RNNCell(3, 5)
--   h = cell(tensor.zeros(8, 3))
--   cell(tensor.zeros(8, 3), h).shape --> {8, 5}
layers.RNNCell = cell("RNNCell", "RNN")

return layers
