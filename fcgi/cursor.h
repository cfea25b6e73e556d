#pragma once
/* Cursors of lists: where a page ended, as text for the caller to bring back. It is sealed with the
 * key of the API and bound to one list and order, so that no other text is taken for one. It opens
 * nothing: what a caller may see is decided by the query each time. */
#include "db/listing.h"

#define CURSOR_MAX 2900 /* bytes of its text, with the NUL */

/* scope: the path and order that it belongs to. */
void cursor_write(const struct buf *key, const char *scope, const struct list_place *place,
	char out[static CURSOR_MAX]);
/* ERR_BAD_CURSOR for what cursor_write() did not make with this key and scope. */
MUST_USE enum err cursor_read(
	const struct buf *key, const char *scope, const char *text, struct list_place *out);

/* What is sealed, without its seal. */
#define CURSOR_BYTES_MAX 2100
size_t place_pack(const struct list_place *place, uint8_t out[static CURSOR_BYTES_MAX]);
MUST_USE enum err place_unpack(const uint8_t *bytes, size_t n, struct list_place *out);
