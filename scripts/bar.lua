-- bar.lua: a progress bar on stderr: redrawn at most ten times a second on a terminal, one plain line
-- at the end anywhere else.

local core = require "lunette.core"
local lines = require "lunette.lines"

local Bar = {}
Bar.__index = Bar

local REDRAW = 0.1 -- seconds
local WIDTH = 20   -- of the bar itself

-- Is stderr a terminal on which a line can be drawn anew?
local function is_able()
  local term = os.getenv "TERM" or ""
  return term ~= "" and term ~= "dumb" and core.terminal(2) ~= nil
end

--- new(desc, total): total may be nil when it is not known.
function Bar.new(desc, total)
  return setmetatable({desc = desc, total = total, count = 0, on_terminal = is_able(),
    start = core.tensor.now(), drawn = 0, width = 0, open = false}, Bar)
end

local function seconds(s)
  if s < 60 then return ("%.1fs"):format(s) end
  return ("%dm%02ds"):format(s // 60, math.floor(s % 60))
end

local function each(s)
  if s < 0.001 then return ("%.0fus/step"):format(s * 1e6) end
  if s < 1 then return ("%.1fms/step"):format(s * 1e3) end
  return ("%.2fs/step"):format(s)
end

local function line(self, text, with_bar)
  local elapsed = core.tensor.now() - self.start
  local parts = {self.desc}
  if with_bar and self.total and self.total > 0 then
    local full = math.min(WIDTH, WIDTH * self.count // self.total)
    parts[#parts + 1] = ("━"):rep(full) .. ("─"):rep(WIDTH - full)
  end
  parts[#parts + 1] = self.total and ("%d/%d"):format(self.count, self.total) or tostring(self.count)
  parts[#parts + 1] = seconds(elapsed)
  if self.count > 0 then parts[#parts + 1] = each(elapsed / self.count) end
  if with_bar and self.total and self.count > 0 and elapsed > 2 then
    parts[#parts + 1] = seconds(elapsed / self.count * (self.total - self.count)) .. " left"
  end
  if text and text ~= "" then parts[#parts + 1] = text end
  return table.concat(parts, "  ")
end

-- Takes away what is drawn. A terminal that has become narrower has broken the line into several.
local function clear(self, columns)
  local above = math.max(0, (self.width - 1) // columns)
  io.stderr:write(above > 0 and ("\27[%dA\r\27[J"):format(above) or "\r\27[K")
  self.width = 0
end

--- Counts one more step. `text` (or a function that gives it) is shown at the end of the line.
function Bar:step(text)
  self.count = self.count + 1
  if not self.on_terminal then return end
  local now = core.tensor.now()
  if now - self.drawn < REDRAW then return end
  self.drawn, self.open = now, true
  if type(text) == "function" then text = text() end
  local columns = core.terminal(2) or 80
  clear(self, columns)
  local shown = lines.cut(line(self, text, true), columns - 1)
  io.stderr:write(shown)
  self.width = utf8.len(shown) or #shown
end

--- Ends the bar with its last line.
function Bar:finish(text)
  if self.on_terminal then clear(self, core.terminal(2) or 80) end
  io.stderr:write(line(self, text, false), "\n")
  self.open = false
end

--- Time that does not count: the loop held still.
function Bar:rest(duration) self.start = self.start + duration end

--- Leaves what is drawn and goes to a new line: after an error or a break.
function Bar:leave()
  if self.open then io.stderr:write "\n" end
  self.open = false
end

return Bar
