-- totals.lua: sums of the loss and the metrics over batches, as means weighted by samples.

local Totals = {}
Totals.__index = Totals

--- new(metrics): a list of {name =, call =}.
function Totals.new(metrics)
  local self = {metrics = metrics, loss = 0.0, n = 0, sum = {}, count = {}}
  for i = 1, #metrics do self.sum[i], self.count[i] = 0, 0 end
  return setmetatable(self, Totals)
end

--- Adds a batch: its mean loss as a number, the output and the truth.
function Totals:add(loss, out, y)
  local rows = #out
  self.loss, self.n = self.loss + loss * rows, self.n + rows
  for i, metric in ipairs(self.metrics) do
    local sum, count = metric.call(out, y)
    self.sum[i], self.count[i] = self.sum[i] + sum, self.count[i] + count
  end
end

--- The means so far by name.
function Totals:values()
  local values = {loss = self.loss / self.n}
  for i, metric in ipairs(self.metrics) do values[metric.name] = self.sum[i] / self.count[i] end
  return values
end

--- "loss 0.2615  accuracy 0.9256", with a prefix for each name.
function Totals:text(prefix)
  local values = self:values()
  local parts = {("%sloss %.4f"):format(prefix or "", values.loss)}
  for _, metric in ipairs(self.metrics) do
    parts[#parts + 1] = ("%s%s %.4f"):format(prefix or "", metric.name, values[metric.name])
  end
  return table.concat(parts, "  ")
end

return Totals
