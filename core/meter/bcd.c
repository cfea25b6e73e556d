#include "meter/bcd.h"

#include <stdio.h>
#include <string.h>

#define BCD_MAX 9 /* bytes: 18 digits fit int64_t */

uint8_t byte_sum(const uint8_t *bytes, size_t n)
{
	unsigned sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += bytes[i];
	return (uint8_t)sum;
}

enum err bcd_get(const uint8_t *bytes, size_t n, bool with_sign, int64_t *out)
{
	int64_t v = 0;
	bool negative = with_sign && n > 0 && (bytes[n - 1] & 0x80);

	if (n > BCD_MAX)
		return ERR_OUT_OF_RANGE;
	for (size_t i = n; i-- > 0;) {
		unsigned b = bytes[i];

		if (negative && i == n - 1)
			b &= 0x7F;
		if (b >> 4 > 9 || (b & 15) > 9)
			return ERR_PROTOCOL;
		v = v * 100 + (b >> 4) * 10 + (b & 15);
	}
	*out = negative ? -v : v;
	return ERR_OK;
}

enum err bcd_put(int64_t value, size_t n, bool with_sign, uint8_t *bytes)
{
	uint64_t left = value < 0 ? -(uint64_t)value : (uint64_t)value;

	if (n > BCD_MAX || (value < 0 && !with_sign))
		return ERR_OUT_OF_RANGE;
	for (size_t i = 0; i < n; i++, left /= 100)
		bytes[i] = (uint8_t)(left % 100 / 10 << 4 | left % 10);
	if (left > 0 || (with_sign && n > 0 && (bytes[n - 1] & 0x80)))
		return ERR_OUT_OF_RANGE;
	if (value < 0)
		bytes[n - 1] |= 0x80;
	return ERR_OK;
}

void bcd_text(const uint8_t *bytes, size_t n, char *out)
{
	for (size_t i = 0; i < n; i++)
		snprintf(out + 2 * i, 3, "%02X", bytes[n - 1 - i]);
}

enum err bcd_parse(const char *text, size_t n, uint8_t *bytes)
{
	if (strlen(text) != 2 * n || strspn(text, "0123456789") != 2 * n)
		return ERR_BAD_VALUE;
	for (size_t i = 0; i < n; i++)
		bytes[n - 1 - i] = (uint8_t)((text[2 * i] - '0') << 4 | (text[2 * i + 1] - '0'));
	return ERR_OK;
}

size_t frame_find(const uint8_t *bytes, size_t n, size_t *at,
	size_t (*frame_at)(const uint8_t *, size_t), bool (*is_right)(const uint8_t *, size_t))
{
	size_t spoiled = 0;

	for (size_t i = 0; i < n; i++) {
		size_t length = frame_at(bytes + i, n - i);

		if (length > 0 && is_right(bytes + i, length)) {
			*at = i;
			return length;
		}
		if (length > 0 && spoiled == 0) {
			*at = i;
			spoiled = length;
		}
	}
	return spoiled;
}
