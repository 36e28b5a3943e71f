-- history.lua: what a fit returns: lists of its figures, one value an epoch.

local core = require "lunette.core"

local tensor = core.tensor

local history = {}

--- "loss 0.2615", "lr 0.001"
function history.text(name, value) return (name == "lr" and "%s %.4g" or "%s %.4f"):format(name, value) end

local function summary(h)
  local n = #h.loss
  local parts = {("history of %d epoch%s"):format(n, n == 1 and "" or "s")}
  for _, name in ipairs(getmetatable(h).names) do
    if h[name] and #h[name] > 0 then parts[#parts + 1] = history.text(name, h[name][-1]) end
  end
  return table.concat(parts, "  ")
end

--- The names of the figures of settings `s`, in order.
function history.names(s)
  local names = {"loss"}
  for _, metric in ipairs(s.metrics) do names[#names + 1] = metric.name end
  if s.held then
    for i = 1, #names do names[#names + 1] = "val_" .. names[i] end
  end
  if s.schedule then names[#names + 1] = "lr" end
  return names
end

function history.new(s)
  local h, names = {}, history.names(s)
  for _, name in ipairs(names) do h[name] = tensor.list {} end
  return setmetatable(h, {__tostring = summary, names = names, is_history = true})
end

--- Adds the figures of an epoch by name.
function history.add(h, values, prefix)
  for name, value in next, values do
    local list = h[(prefix or "") .. name]
    list[#list + 1] = value
  end
end

--- The last figures by name.
function history.last(h)
  local values = {}
  for _, name in ipairs(getmetatable(h).names) do values[name] = h[name][-1] end
  return values
end

--- The model keeps the history of its last fit as model.history, so that an error or Ctrl-C does not
-- lose it; a field of the user's by that name stays.
function history.publish(model, h)
  local old = model.history
  local meta = type(old) == "table" and getmetatable(old)
  if old == nil or type(meta) == "table" and meta.is_history then model.history = h end
end

return history
