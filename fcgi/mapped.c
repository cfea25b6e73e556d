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

	/* It begins as zeros, and whoever comes second changes nothing: what is longer stays, for
	 * another may have it mapped. No hole: a full disk is found here, and not when it is
	 * written to. */
	if (fd >= 0 && posix_fallocate(fd, 0, (off_t)size) == 0)
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
