-- lines.lua: tests of lunette.lines: text that fits a width.

local lines = require "lunette.lines"

return function(t)
  t.eq("a short text is one line", lines.wrap("one two", 20), "one two")
  t.eq("a text breaks at blanks", lines.wrap("one two three", 7), "one two\nthree")
  t.eq("indents", lines.wrap("one two three", 7, " ", "  "), " one\n  two\n  three")
  t.eq("a long word stays whole", lines.wrap("a unbreakable b", 4), "a\nunbreakable\nb")
  t.eq("characters count, not bytes", lines.wrap("äöü äöü", 7), "äöü äöü")
  t.eq("bytes that are no text", lines.wrap("\xff\xff a", 4), "\xff\xff a")
  t.eq("a line that fits is whole", lines.cut("abcde", 5), "abcde")
  t.eq("a longer one is cut", lines.cut("abcdef", 5), "abcd…")
  t.eq("no width, no cut", lines.cut("abcdef", nil), "abcdef")
end
