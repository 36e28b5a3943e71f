-- places.lua: wrong programs: positions, ranges and labels that are not there.
-- Each is a program and a pattern of its message.

local x = "local x = tensor{{1, 2, 3}, {4, 5, 6}} "

return {
  {x .. "local y = x[0]", "index 0 in dimension 1: positions count from 1 %(the last is %-1%)"},
  {"local y = tensor.embedding_bag(tensor{1, 2}, tensor.ones(3, 2), tensor{1, math.mininteger})",
    "offset %-9223372036854775808 at 2; offsets begin at 1"},
  {"local y = tensor.one_hot(tensor{math.mininteger})", "one_hot: %-9223372036854775808 at element 1 is not a class"},
  {x .. "local y = x[3]", "index 3 in dimension 1: x is %[2,3%], so 1..2 or %-2..%-1"},
  {x .. "local y = x['1:']", "write : for all, or 2: to leave out the first"},
  {x .. "local y = x[tensor{true}]", "mask of shape %[1%]"},
  {x .. "local y = x[tensor(true)]", "a mask without dimensions picks nothing"},
  {x .. "x[tensor{1, 7}] = 0", "index 7 in dimension 1"},
  {"local y = tensor.cross_entropy(tensor.randn(3, 4), tensor{1, 0, 2})",
    "cross_entropy: target 0 at row 2 is not a class 1..4; classes count from 1 %(labels from a file that counts from 0: add 1%)"},
  {"local y = tensor.cross_entropy(tensor.randn(3, 4), tensor{1, 5, 2})", "target 5 at row 2 is not a class 1..4"},
  {"local y = nn.Embedding(5, 2)(tensor{1, 0})", "0.*1..5"},
  {"local y = tensor.ones(3):gather(1, tensor{4})", "gather: .*4.*"},
  {"local y = tensor.zeros(9, 2)[{3, 5}]", "so 1..2 or %-2..%-1; positions 3 to 5 of the first are x%[{{3, 5}}%]"},
  {"local y = tensor.zeros(9)[{3, 5}]", "of 1 dimension; positions 3 to 5 of the first are x%[{{3, 5}}%]"},
  {"local y = tensor.zeros(4, 2)[{3, 5}]", "so 1..2 or %-2..%-1%f[\n\0]"},
  {x .. "local y = x[{1, 2, 3}]", "an index of 3 parts for a tensor %[2,3%] of 2 dimensions"},
  {x .. "local y = x[1.5]", "index 1.5 is not a whole number"},
  {x .. "local y = x[nil]", "an index is a whole number, a range {first, last}, .*got nil"},
  {x .. "x[5] = 1", "index 5 in dimension 1: x is %[2,3%], so 1..2 or %-2..%-1"},
  {x .. "local y = x.shape[0]", "position 0 of a list of 2; positions count from 1, %-1 is the last"},
  {"local y = nn.Embedding(10, 4)(tensor{11})", "id 11 at position 1 is not 1..10"},
  {"local y = nn.Embedding(10, 4)(tensor{1.5})",
    "the index is float32; positions are integers %(x:long%(%) converts%)"},
}
