/* Files of arrays and images. */
#include "bind.h"

void files_open(lua_State *L, int lib) { (void)L, (void)lib; }
