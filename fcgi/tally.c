#include "fcgi/tally.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/log.h"

const int tally_bucket_ms[TALLY_BUCKETS] = { 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000,
	10000 };

static struct tally *map(int fd)
{
	int flags = fd < 0 ? MAP_PRIVATE | MAP_ANONYMOUS : MAP_SHARED;
	void *at = mmap(NULL, sizeof(struct tally), PROT_READ | PROT_WRITE, flags, fd, 0);

	return at == MAP_FAILED ? NULL : at;
}

struct tally *tally_open(const char *path, unsigned version)
{
	char name[256];
	struct tally *t = NULL;
	int fd, n = snprintf(name, sizeof(name), "%s.%08x", path, version);

	fd = n > 0 && (size_t)n < sizeof(name)
		     ? open(name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600)
		     : -1;
	/* A hole as long as the counters: they begin at 0, and whoever comes second changes
	 * nothing. */
	if (fd >= 0 && ftruncate(fd, sizeof(struct tally)) == 0)
		t = map(fd);
	if (fd >= 0)
		close(fd);
	if (!t) {
		log_warn("figures=%s shared=no", path);
		t = map(-1);
	}
	ASSERT(t);
	return t;
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
