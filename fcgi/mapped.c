#include "fcgi/mapped.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/err.h"
#include "base/log.h"

static void *map(int fd, size_t size)
{
	int flags = fd < 0 ? MAP_PRIVATE | MAP_ANONYMOUS : MAP_SHARED;
	void *at = mmap(NULL, size, PROT_READ | PROT_WRITE, flags, fd, 0);

	return at == MAP_FAILED ? NULL : at;
}

void *mapped_open(const char *path, size_t size)
{
	void *at = NULL;
	int fd = path[0] ? open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600) : -1;

	/* A hole of that length: it begins as zeros, and whoever comes second changes nothing. */
	if (fd >= 0 && ftruncate(fd, (off_t)size) == 0)
		at = map(fd, size);
	if (fd >= 0)
		close(fd);
	if (!at) {
		if (path[0])
			log_warn("file=%s shared=no", path);
		at = map(-1, size);
	}
	ASSERT(at);
	return at;
}
