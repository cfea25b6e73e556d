/* Any text as a cursor, and any bytes as what one holds: what is taken is written back the same. */
#include <stdlib.h>
#include <string.h>

#include "fcgi/cursor.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static char key_text[] = "0123456789abcdef0123456789abcdef";
	const struct buf key = { .text = key_text, .len = 32, .cap = 33 };
	struct list_place place, back;
	char *text = malloc(n + 1), again[CURSOR_MAX];
	uint8_t bytes[CURSOR_BYTES_MAX];

	ASSERT(text);
	memcpy(text, data, n);
	text[n] = '\0';
	if (cursor_read(&key, "scope", text, &place) == ERR_OK) {
		cursor_write(&key, "scope", &place, again);
		ASSERT(str_eq(text, again));
	}
	free(text);
	if (place_unpack(data, n, &place) != ERR_OK)
		return 0;
	ASSERT(place_pack(&place, bytes) == n && memcmp(bytes, data, n) == 0);
	cursor_write(&key, "scope", &place, again);
	ASSERT(cursor_read(&key, "scope", again, &back) == ERR_OK && back.n == place.n);
	return 0;
}
