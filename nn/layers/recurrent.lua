-- recurrent.lua: LSTM over sequences, batch first.

local core = require "lunette.core"
local fail = require "lunette.nn.fail"
local init = require "lunette.nn.initial"
local layer = require "lunette.nn.layer"
local Parameter = require "lunette.nn.parameter"

local tensor = core.tensor

--- Long short-term memory over sequences, batch first. x: [B,T,input_size], state: {h =, c =} each
-- [num_layers * directions, B, hidden_size], zero by default -> out: [B,T,directions * hidden_size],
-- state after the last step. {return_sequences = false}: the last step only, [B, directions *
-- hidden_size]. dropout acts between layers. Parameters have PyTorch's names: weight_ih_l0:
-- [4 hidden_size, input_size], weight_hh_l0, bias_ih_l0, bias_hh_l0, with _reverse for the other
-- direction; gates in the order input, forget, cell, output; uniform in +-1/sqrt(hidden_size) at first.
local LSTM = layer("LSTM", "input_size: size, hidden_size: size, num_layers: size=1, bias: bool=true, "
  .. "dropout: float=0.0, bidirectional: bool=false, return_sequences: bool=true, dtype: dtype=float32")

local function add_direction(self, o, suffix, width)
  local bound, n = 1 / math.sqrt(o.hidden_size), 4 * o.hidden_size
  table.insert(self.names, {"weight_ih_" .. suffix, "weight_hh_" .. suffix, "bias_ih_" .. suffix,
    "bias_hh_" .. suffix})
  self["weight_ih_" .. suffix] = Parameter(init.new_uniform({n, width}, bound, o.dtype))
  self["weight_hh_" .. suffix] = Parameter(init.new_uniform({n, o.hidden_size}, bound, o.dtype))
  if o.bias then
    self["bias_ih_" .. suffix] = Parameter(init.new_uniform({n}, bound, o.dtype))
    self["bias_hh_" .. suffix] = Parameter(init.new_uniform({n}, bound, o.dtype))
  end
end

function LSTM:build(o)
  if not (o.dropout >= 0 and o.dropout <= 1) then
    fail.raise("nn.LSTM: dropout is %g; a probability is between 0 and 1", o.dropout)
  end
  self.input_size, self.hidden_size, self.num_layers = o.input_size, o.hidden_size, o.num_layers
  self.directions = o.bidirectional and 2 or 1
  self.names = {} -- of the parameters of each layer and direction, in the order of the state's rows
  for i = 0, o.num_layers - 1 do
    local width = i == 0 and o.input_size or self.directions * o.hidden_size
    add_direction(self, o, "l" .. i, width)
    if o.bidirectional then add_direction(self, o, ("l%d_reverse"):format(i), width) end
  end
end

-- One layer in one direction: out [B,T,H], h and c [B,H].
local function run(self, x, state, row)
  local h0 = state and state.h:select(1, row) or nil
  local c0 = state and state.c:select(1, row) or nil
  local names = self.names[row]
  return tensor.lstm(x, h0, c0, self[names[1]], self[names[2]], self[names[3]], self[names[4]])
end

local function check_state(self, x, state)
  if state == nil then return end
  if type(state) ~= "table" or not (tensor.is_tensor(state.h) and tensor.is_tensor(state.c)) then
    fail.raise("LSTM: the state is {h = …, c = …}, as the layer returns it")
  end
  local n = self.num_layers * self.directions
  for _, name in ipairs {"h", "c"} do
    local s = state[name]
    if s:dim() ~= 3 or s:size(1) ~= n or s:size(2) ~= x:size(1) or s:size(3) ~= self.hidden_size then
      fail.raise("LSTM: state.%s is %s; [%d,%d,%d] is wanted (layers, batch, hidden_size)", name,
        fail.shape(s), n, x:size(1), self.hidden_size)
    end
  end
end

function LSTM:forward(x, state)
  check_state(self, x, state)
  local o, hs, cs = self._options, {}, {}
  local y, last = x, nil -- y: what goes into the next layer
  for i = 0, self.num_layers - 1 do
    if i > 0 and o.dropout > 0 and self.training then y = tensor.dropout(y, o.dropout) end
    local row = i * self.directions + 1
    local out, h, c = run(self, y, state, row)
    hs[row], cs[row], last = h, c, h
    if self.directions == 2 then
      local back, hb, cb = run(self, y:flip(2), state, row + 1)
      hs[row + 1], cs[row + 1] = hb, cb
      out, last = tensor.cat({out, back:flip(2)}, -1), tensor.cat({h, hb}, -1)
    end
    y = out
  end
  return o.return_sequences and y or last, {h = tensor.stack(hs, 1), c = tensor.stack(cs, 1)}
end

function LSTM:_acts_in_training() return self.num_layers > 1 and self._options.dropout > 0 end

function LSTM:_label() return ("%d -> %d"):format(self.input_size, self.hidden_size) end

function LSTM:_explain(x)
  if not tensor.is_tensor(x) then return "its input is a " .. type(x) .. "; a tensor is wanted" end
  if x:dim() ~= 3 or x:size(3) ~= self.input_size then
    return ("input %s; [B,T,%d] is wanted (batch first)"):format(fail.shape(x), self.input_size)
  end
end

return {LSTM = LSTM}
