#pragma once
/* common_passwords.txt: one a line, lower case, sorted by bytes; ends with a NUL that does not
 * count. */
#include <stddef.h>

extern const unsigned char password_common[];
extern const size_t password_common_size;
