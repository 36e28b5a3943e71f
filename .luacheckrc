std = "lua54"
max_line_length = 140
-- Examples are programs of the lunette host, where the library's names are globals.
files["examples"] = { read_globals = { "tensor", "nn", "optim", "data", "text", "metrics", "plot", "runs", "progress", "help" } }
-- It puts functions of the prompt into the place of Lua's.
files["scripts/prompt/input.lua"] = { ignore = { "122" } }
