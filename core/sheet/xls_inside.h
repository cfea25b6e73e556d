#pragma once
/* Inside the reader of .xls: the compound file around it, and bytes in little-endian order. */
#include "base/str.h"

struct bytes { /* borrowed */
	const unsigned char *at;
	size_t n;
};

/* Little-endian numbers at an offset; the caller has checked that they are there. */
uint16_t u16_at(struct bytes b, size_t at);
uint32_t u32_at(struct bytes b, size_t at);

/* A stream of a compound file (MS-CFB) by its name, in one piece. ERR_NOT_FOUND when there is none
 * of that name, ERR_BAD_VALUE when the file is damaged. */
MUST_USE enum err ole_stream(
	struct bytes file, const char *name, struct buf *out, struct problem *why);

/* Appends a UTF-16 unit as UTF-8; *high keeps the first half of a pair between calls. */
void utf16_add(struct buf *out, uint16_t unit, uint16_t *high);
