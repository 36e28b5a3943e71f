-- sanitized.lua: is this a build with AddressSanitizer? It is slower, and keeps freed blocks for a while.

local maps <close> = io.open "/proc/self/maps"
return maps ~= nil and maps:read "a":find("libasan", 1, true) ~= nil
