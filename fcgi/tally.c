#include "fcgi/tally.h"

#include <stdio.h>
#include <sys/mman.h>

#include "fcgi/mapped.h"

const int tally_bucket_ms[TALLY_BUCKETS] = { 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000,
	10000 };

struct tally *tally_open(const char *path, unsigned version)
{
	char name[256];
	int n = snprintf(name, sizeof(name), "%s.%08x", path, version);

	return mapped_open(n > 0 && (size_t)n < sizeof(name) ? name : "", sizeof(struct tally));
}

void tally_free(struct tally **t)
{
	if (*t)
		munmap(*t, sizeof(struct tally));
	*t = NULL;
}

void tally_add(struct tally *t, size_t route, int status, int64_t ms)
{
	size_t b = 0;

	ASSERT(route < TALLY_ROUTES && status >= 0 && status < TALLY_STATUS);
	while (b < TALLY_BUCKETS && ms > tally_bucket_ms[b])
		b++;
	atomic_fetch_add(&t->answers[route][status], 1);
	atomic_fetch_add(&t->took[route][b], 1);
	atomic_fetch_add(&t->took_ms[route], ms > 0 ? (unsigned long long)ms : 0);
}
