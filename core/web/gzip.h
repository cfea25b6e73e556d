#pragma once
/* gzip files, on zlib. */
#include "base/str.h"

/* One whole gzip file of at most max bytes when unpacked. ERR_PROTOCOL: it is broken, or followed
 * by anything; ERR_TOO_LARGE. The caller frees *out, which is empty after an error. */
MUST_USE enum err gzip_unpack(const void *bytes, size_t n, size_t max, struct buf *out);
