-- watch.lua: the best epoch of a fit so far, by one of its figures: when to stop, and its weights.

local core = require "lunette.core"
local fail = require "lunette.nn.fail"

local tensor = core.tensor

local Watch = {}
Watch.__index = Watch

-- Is less of this figure better? "val_loss", "mse"
local function falls(name)
  return name:find "loss$" ~= nil or name:find "mae$" ~= nil or name:find "mse$" ~= nil
end

local function check_name(name, names)
  for _, known in ipairs(names) do
    if known == name then return end
  end
  local near = type(name) == "string" and core.suggest(name, names)
  fail.raise("fit: there is no figure '%s' to monitor%s (%s)", tostring(name),
    near and ("; did you mean '%s'?"):format(near) or "", table.concat(names, ", "))
end

--- The figure to go by, checked: the one named, else the loss on the data held out, else the loss.
function Watch.figure(name, names)
  local usual = "loss"
  for _, known in ipairs(names) do
    if known == "val_loss" then usual = known end
  end
  if name == nil then return usual end
  check_name(name, names)
  return name
end

--- new(model, name, patience, keep): watches a figure; keep: are the best weights put back?
function Watch.new(model, name, patience, keep)
  return setmetatable({model = model, patience = patience, name = name, falls = falls(name), keep = keep,
    wait = 0, saved = {}}, Watch)
end

--- "patience 3 on val_loss, the best kept"
function Watch:__tostring()
  local text = self.patience and ("patience %d on %s"):format(self.patience, self.name)
  if not self.keep then return text end
  return text and text .. ", the best kept" or ("the best %s kept"):format(self.name)
end

local function save(self)
  for name, t in pairs(self.model:state_dict()) do
    local copy = self.saved[name]
    if copy then copy:copy_(t) else self.saved[name] = core.keep(t:clone()) end
  end
end

--- Takes in the figures of an epoch; false when it is time to stop.
function Watch:add(epoch, values)
  local value = values[self.name]
  local better = value == value
  if better and self.best then
    if self.falls then better = value < self.best else better = value > self.best end
  end
  if better then
    self.best, self.epoch, self.wait = value, epoch, 0
    if self.keep then tensor.no_grad(save, self) end
    return true
  end
  self.wait = self.wait + 1
  self.is_over = self.patience ~= nil and self.wait >= self.patience
  return not self.is_over
end

--- Puts the best weights back where they are kept. Says what happened, nil when nothing did.
function Watch:finish()
  local parts = {}
  if self.is_over then
    parts[1] = ("stopped after %d epoch%s without a %s %s"):format(self.wait, self.wait == 1 and "" or "s",
      self.falls and "lower" or "higher", self.name)
  end
  if self.keep and self.best and self.wait > 0 then
    self.model:load_state_dict(self.saved)
    parts[#parts + 1] = ("the weights are those of epoch %d (%s %.4f)"):format(self.epoch, self.name, self.best)
  end
  return #parts > 0 and table.concat(parts, "; ") or nil
end

return Watch
