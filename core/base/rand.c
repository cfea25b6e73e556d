#include "base/rand.h"

#include <sys/random.h>

#include "base/str.h"

void rand_bytes(void *out, size_t n)
{
	uint8_t *p = out;

	while (n > 0) {
		ssize_t got = getrandom(p, n, 0);

		ASSERT(got > 0);
		p += got;
		n -= (size_t)got;
	}
}

void rand_hex(char *out, size_t n)
{
	uint8_t b[64];

	ASSERT(n <= sizeof(b));
	rand_bytes(b, n);
	hex_encode(b, n, out);
}

uint32_t rand_below(uint32_t below)
{
	uint32_t v;

	rand_bytes(&v, sizeof(v));
	return v % below;
}
