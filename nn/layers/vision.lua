-- vision.lua: images of another size, channels as places, and edges around images.

local core = require "lunette.core"
local fail = require "lunette.nn.fail"
local layer = require "lunette.nn.layer"

local tensor = core.tensor
local layers = {}

-- ---- size --------------------------------------------------------------------------------------------------

--- Sequences [N,C,L], images [N,C,H,W] or volumes [N,C,D,H,W] of another size, or the input's times
-- scale_factor; see tensor.interpolate.
-- example: nn.Upsample{scale_factor = 2}(tensor{{{1.0, 3.0}}}) --> float32 [1,1,4]  1.0  1.0  3.0  3.0
layers.Upsample = layer("Upsample", "size: any?, scale_factor: any?, "
  .. "mode: string{nearest|linear|bilinear|bicubic|trilinear}=nearest, align_corners: bool?, "
  .. "recompute_scale_factor: bool?")

function layers.Upsample:forward(x)
  local o = self._options
  return tensor.interpolate(x, {size = o.size, scale_factor = o.scale_factor, mode = o.mode,
    align_corners = o.align_corners, recompute_scale_factor = o.recompute_scale_factor})
end

--- Upsample by the nearest places. x: [N,C,H,W].
-- example: nn.UpsamplingNearest2d{scale_factor = 2}(tensor{{{{1.0, 3.0}}}}) --> float32 [1,1,2,4]
--     1.0  1.0  3.0  3.0
--     1.0  1.0  3.0  3.0
layers.UpsamplingNearest2d = layer("UpsamplingNearest2d", "size: any?, scale_factor: any?")

function layers.UpsamplingNearest2d:forward(x)
  return tensor.upsample_nearest(x, {size = self._options.size, scale_factor = self._options.scale_factor})
end

--- Upsample by bilinear weights with align_corners. x: [N,C,H,W].
-- example: nn.UpsamplingBilinear2d{size = {1, 3}}(tensor{{{{1.0, 3.0}}}}) --> float32 [1,1,1,3]  1.0  2.0  3.0
layers.UpsamplingBilinear2d = layer("UpsamplingBilinear2d", "size: any?, scale_factor: any?")

function layers.UpsamplingBilinear2d:forward(x)
  return tensor.upsample_bilinear(x, {size = self._options.size, scale_factor = self._options.scale_factor})
end

-- ---- patches -----------------------------------------------------------------------------------------------

--- The patches under a sliding window as columns: [N,C,H,W] -> [N, C times kernel area, windows].
-- example: nn.Unfold{1, 2}(tensor{{{{1, 2, 3}}}}) --> int64 [1,2,2]
--     1  2
--     2  3
layers.Unfold = layer("Unfold", "kernel_size: sizes{2}, dilation: sizes{2}=1, padding: counts{2}=0, stride: sizes{2}=1")

function layers.Unfold:forward(x)
  local o = self._options
  return tensor.im2col(x, o.kernel_size, o.dilation, o.padding, o.stride)
end

--- The sum of patches at their places in images of output_size: [N, C times kernel area, windows] ->
-- [N,C,H,W]. What Unfold takes apart.
-- example: nn.Fold({1, 3}, {1, 2})(tensor{{{1.0, 2.0}, {2.0, 3.0}}}) --> float32 [1,1,1,3]  1.0  4.0  3.0
layers.Fold = layer("Fold", "output_size: sizes{2}, kernel_size: sizes{2}, dilation: sizes{2}=1, "
  .. "padding: counts{2}=0, stride: sizes{2}=1")

function layers.Fold:forward(x)
  local o = self._options
  return tensor.fold(x, o.output_size, o.kernel_size, o.dilation, o.padding, o.stride)
end

-- ---- channels ----------------------------------------------------------------------------------------------

--- Channels become places: [N, C r r, H, W] -> [N, C, H r, W r].
-- example: nn.PixelShuffle(2)(tensor.arange(4):view(1, 4, 1, 1)) --> int64 [1,1,2,2]
--     1  2
--     3  4
layers.PixelShuffle = layer("PixelShuffle", "upscale_factor: size")
function layers.PixelShuffle:forward(x) return tensor.pixel_shuffle(x, self._options.upscale_factor) end

--- Places become channels: [N, C, H r, W r] -> [N, C r r, H, W].
-- example: nn.PixelUnshuffle(2)(tensor.arange(4):view(1, 1, 2, 2)).shape --> {1, 4, 1, 1}
layers.PixelUnshuffle = layer("PixelUnshuffle", "downscale_factor: size")
function layers.PixelUnshuffle:forward(x) return tensor.pixel_unshuffle(x, self._options.downscale_factor) end

--- Channels in groups change to groups in channels: [N, groups k, ...] -> [N, k groups, ...].
-- example: nn.ChannelShuffle(2)(tensor.arange(4):view(1, 4, 1)):flatten() --> int64 [4]  1  3  2  4
layers.ChannelShuffle = layer("ChannelShuffle", "groups: size")
function layers.ChannelShuffle:forward(x) return tensor.channel_shuffle(x, self._options.groups) end

-- ---- edges -------------------------------------------------------------------------------------------------

-- {left, right, top, bottom, ...} from one number or 2 n of them; below 0 cuts off.
local function edges(name, n, given)
  local list = {}
  for i = 1, 2 * n do
    local v = type(given) == "table" and #given == 2 * n and given[i] or given
    list[i] = type(v) == "number" and math.tointeger(v)
      or fail.raise("nn.%s: padding is one whole number or a list of %d", name, 2 * n)
  end
  return list
end

local function pad(name, n, mode)
  local Pad = layer(name, mode == "constant" and name ~= "ZeroPad2d" and "padding: any, value: float"
    or "padding: any", nil, 1)
  function Pad:build(o) self.padding = edges(name, n, o.padding) end -- luacheck: ignore self
  function Pad:forward(x)
    if mode == "constant" then return x:pad(self.padding, mode, self._options.value or 0) end
    return x:pad(self.padding, mode)
  end
  return Pad
end

--- Zeros around images: {left, right, top, bottom} or one number; below 0 cuts off. x: [..., H, W].
-- example: nn.ZeroPad2d(1)(tensor{{{1, 2}}}) --> int64 [1,3,4]
--     0  0  0  0
--     0  1  2  0
--     0  0  0  0
layers.ZeroPad2d = pad("ZeroPad2d", 2, "constant")

--- A value at the ends of sequences: {left, right} or one number. x: [..., L].
-- example: nn.ConstantPad1d({1, 2}, 9)(tensor{{1, 2}}) --> int64 [1,5]  9  1  2  9  9
layers.ConstantPad1d = pad("ConstantPad1d", 1, "constant")

--- A value around images: {left, right, top, bottom} or one number. x: [..., H, W].
-- example: nn.ConstantPad2d(1, 9)(tensor{{{1, 2}}}) --> int64 [1,3,4]
--     9  9  9  9
--     9  1  2  9
--     9  9  9  9
layers.ConstantPad2d = pad("ConstantPad2d", 2, "constant")

--- A value around volumes: {left, right, top, bottom, front, back} or one number. x: [..., D, H, W].
-- example: nn.ConstantPad3d(1, 9)(tensor.zeros(1, 2, 3, 4)).shape --> {1, 4, 5, 6}
layers.ConstantPad3d = pad("ConstantPad3d", 3, "constant")

--- Sequences reflected at their ends: {left, right} or one number. x: [N,C,L].
-- example: nn.ReflectionPad1d(2)(tensor{{{1, 2, 3}}}) --> int64 [1,1,7]  3  2  1  2  3  2  1
layers.ReflectionPad1d = pad("ReflectionPad1d", 1, "reflect")

--- Images reflected at their edges: {left, right, top, bottom} or one number. x: [N,C,H,W].
-- example: nn.ReflectionPad2d{1, 1, 0, 0}(tensor{{{{1, 2, 3}}}}) --> int64 [1,1,1,5]  2  1  2  3  2
layers.ReflectionPad2d = pad("ReflectionPad2d", 2, "reflect")

--- Volumes reflected at their faces: six numbers or one. x: [N,C,D,H,W].
-- example: nn.ReflectionPad3d(1)(tensor.zeros(1, 1, 2, 3, 4)).shape --> {1, 1, 4, 5, 6}
layers.ReflectionPad3d = pad("ReflectionPad3d", 3, "reflect")

--- The outermost values repeated: {left, right} or one number. x: [N,C,L].
-- example: nn.ReplicationPad1d(2)(tensor{{{1, 2, 3}}}) --> int64 [1,1,7]  1  1  1  2  3  3  3
layers.ReplicationPad1d = pad("ReplicationPad1d", 1, "replicate")

--- The outermost values repeated: {left, right, top, bottom} or one number. x: [N,C,H,W].
-- example: nn.ReplicationPad2d(1)(tensor{{{{1, 2}}}}) --> int64 [1,1,3,4]
--     1  1  2  2
--     1  1  2  2
--     1  1  2  2
layers.ReplicationPad2d = pad("ReplicationPad2d", 2, "replicate")

--- The outermost values repeated: six numbers or one. x: [N,C,D,H,W].
-- example: nn.ReplicationPad3d(1)(tensor.zeros(1, 1, 2, 3, 4)).shape --> {1, 1, 4, 5, 6}
layers.ReplicationPad3d = pad("ReplicationPad3d", 3, "replicate")

return layers
