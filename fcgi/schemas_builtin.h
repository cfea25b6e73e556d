#pragma once
/* schemas.json, as the build has put it into the program. */
#include <stddef.h>

extern const unsigned char schemas_builtin[];
extern const size_t schemas_builtin_size;
