-- Tensors as plain tables, for tests that hold them against a naive model.

local plain = {}

-- Elements of a shape.
function plain.size(shape)
  local n = 1
  for _, s in ipairs(shape) do n = n * s end
  return n
end

-- The elements of x in rows, as one list.
function plain.flat(x)
  local out = {}
  local function go(v)
    if type(v) ~= "table" then out[#out + 1] = v return end
    for _, e in ipairs(v) do go(e) end
  end
  go(x:tolist())
  return out
end

-- Does x have this shape, and element(i) as its i-th element in rows, for all i?
function plain.same(x, shape, element)
  if x:dim() ~= #shape then return false end
  for d, s in ipairs(shape) do
    if x:size(d) ~= s then return false end
  end
  local values = plain.flat(x)
  for i, v in ipairs(values) do
    if v ~= element(i) then return false end
  end
  return #values == plain.size(shape)
end

return plain
