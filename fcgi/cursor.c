#include "fcgi/cursor.h"

#include <openssl/crypto.h>
#include <sodium.h>
#include <string.h>

#include "web/crypt.h"

#define SEAL 12
#define BASE64 sodium_base64_VARIANT_URLSAFE_NO_PADDING
#define IS_NUMBER 'n'
#define IS_TEXT 't'

_Static_assert(LIST_KEYS *(LIST_TEXT_MAX + 2) <= CURSOR_BYTES_MAX, "texts fit");
_Static_assert((SEAL + CURSOR_BYTES_MAX) * 4 / 3 + 4 <= CURSOR_MAX, "the text fits");

static size_t number_pack(int64_t v, uint8_t *out)
{
	for (int i = 0; i < 8; i++)
		out[i] = (uint8_t)((uint64_t)v >> (56 - 8 * i));
	return 8;
}

static int64_t number_unpack(const uint8_t *at)
{
	uint64_t v = 0;

	for (int i = 0; i < 8; i++)
		v = v << 8 | at[i];
	return (int64_t)v;
}

size_t place_pack(const struct list_place *place, uint8_t out[static CURSOR_BYTES_MAX])
{
	size_t n = 0;

	for (size_t i = 0; i < place->n; i++) {
		const struct list_key *k = &place->keys[i];
		size_t len = strlen(k->text);

		out[n++] = k->is_text ? IS_TEXT : IS_NUMBER;
		if (k->is_text) { /* with its NUL */
			memcpy(out + n, k->text, len + 1);
			n += len + 1;
		} else {
			n += number_pack(k->number, out + n);
		}
	}
	return n;
}

/* One key; how many bytes it took, or 0. */
static size_t key_unpack(const uint8_t *at, size_t n, struct list_key *k)
{
	const uint8_t *end;

	*k = (struct list_key){ 0 };
	if (n >= 9 && at[0] == IS_NUMBER) {
		k->number = number_unpack(at + 1);
		return 9;
	}
	if (n < 2 || at[0] != IS_TEXT)
		return 0;
	end = memchr(at + 1, 0, n - 1);
	if (!end || end - at > LIST_TEXT_MAX)
		return 0;
	k->is_text = true;
	memcpy(k->text, at + 1, (size_t)(end - at));
	return (size_t)(end - at) + 1;
}

enum err place_unpack(const uint8_t *bytes, size_t n, struct list_place *out)
{
	struct list_place place = { 0 };
	size_t at = 0;

	while (at < n && place.n < LIST_KEYS) {
		size_t took = key_unpack(bytes + at, n - at, &place.keys[place.n++]);

		if (took == 0)
			return ERR_BAD_CURSOR;
		at += took;
	}
	if (at != n || place.n == 0)
		return ERR_BAD_CURSOR;
	*out = place;
	return ERR_OK;
}

static void seal(const struct buf *key, const char *scope, const uint8_t *bytes, size_t n,
	uint8_t out[static SHA256_LEN])
{
	AUTO(buf_free) struct buf b = { 0 };

	buf_printf(&b, "cursor\n%s\n", scope);
	buf_add(&b, (const char *)bytes, n);
	hmac_sha256(key->text, key->len, b.text, b.len, out);
}

void cursor_write(const struct buf *key, const char *scope, const struct list_place *place,
	char out[static CURSOR_MAX])
{
	uint8_t bytes[SEAL + CURSOR_BYTES_MAX], mac[SHA256_LEN];
	size_t n = place_pack(place, bytes + SEAL);

	seal(key, scope, bytes + SEAL, n, mac);
	memcpy(bytes, mac, SEAL);
	sodium_bin2base64(out, CURSOR_MAX, bytes, SEAL + n, BASE64);
}

enum err cursor_read(
	const struct buf *key, const char *scope, const char *text, struct list_place *out)
{
	uint8_t bytes[SEAL + CURSOR_BYTES_MAX], mac[SHA256_LEN];
	const char *end;
	size_t n = 0;

	if (sodium_base642bin(bytes, sizeof(bytes), text, strlen(text), NULL, &n, &end, BASE64) !=
			0 ||
		*end || n <= SEAL)
		return ERR_BAD_CURSOR;
	seal(key, scope, bytes + SEAL, n - SEAL, mac);
	if (CRYPTO_memcmp(bytes, mac, SEAL) != 0)
		return ERR_BAD_CURSOR;
	return place_unpack(bytes + SEAL, n - SEAL, out);
}
