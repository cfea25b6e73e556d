#pragma once
#include "base/base.h"

/* Random bytes from the kernel; stops the process if there are none. */
void rand_bytes(void *out, size_t n);
/* n random bytes as 2n hex digits and a NUL. */
void rand_hex(char *out, size_t n);
/* A number in [0, below), for jitter; below > 0. */
uint32_t rand_below(uint32_t below);
