#include "base/str.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void text_free(char **s)
{
	free(*s);
}

bool str_copy(char *dst, size_t size, const char *src)
{
	size_t n = strlen(src);

	if (n >= size) {
		dst[0] = '\0';
		return false;
	}
	memcpy(dst, src, n + 1);
	return true;
}

void str_cut(char *dst, size_t size, const char *src)
{
	size_t n = strlen(src);

	if (n >= size)
		for (n = size - 1; n > 0 && ((unsigned char)src[n] & 0xC0) == 0x80; n--)
			;
	memcpy(dst, src, n);
	dst[n] = '\0';
}

bool str_eq(const char *a, const char *b)
{
	return strcmp(a, b) == 0;
}

bool str_starts(const char *s, const char *prefix)
{
	return strncmp(s, prefix, strlen(prefix)) == 0;
}

bool str_word(const char **text, char *dst, size_t size)
{
	size_t n;

	*text += strspn(*text, " ");
	n = strcspn(*text, " ");
	if (n == 0 || n >= size)
		return false;
	memcpy(dst, *text, n);
	dst[n] = '\0';
	*text += n;
	return true;
}

enum err i64_parse(const char *text, int64_t min, int64_t max, int64_t *out)
{
	char *end;
	long long v;

	if ((*text < '0' || *text > '9') && *text != '-')
		return ERR_BAD_VALUE;
	errno = 0;
	v = strtoll(text, &end, 10);
	if (*end || end == text)
		return ERR_BAD_VALUE;
	if (errno || v < min || v > max)
		return ERR_OUT_OF_RANGE;
	*out = v;
	return ERR_OK;
}

void hex_encode(const void *bytes, size_t n, char *out)
{
	static const char d[] = "0123456789abcdef";
	const uint8_t *b = bytes;

	for (size_t i = 0; i < n; i++) {
		out[2 * i] = d[b[i] >> 4];
		out[2 * i + 1] = d[b[i] & 15];
	}
	out[2 * n] = '\0';
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

enum err hex_decode(const char *text, uint8_t *out, size_t size, size_t *n)
{
	size_t k = 0;

	for (const char *s = text; *s;) {
		int hi, lo;

		if (*s == ' ') {
			s++;
			continue;
		}
		hi = hex_digit(s[0]);
		lo = hi < 0 ? -1 : hex_digit(s[1]);
		if (lo < 0)
			return ERR_BAD_VALUE;
		if (k >= size)
			return ERR_TOO_LARGE;
		out[k++] = (uint8_t)(hi << 4 | lo);
		s += 2;
	}
	*n = k;
	return ERR_OK;
}

void buf_free(struct buf *b)
{
	free(b->text);
	*b = (struct buf){ 0 };
}

static void buf_reserve(struct buf *b, size_t more)
{
	size_t cap = b->cap ? b->cap : 256;

	if (b->len + more + 1 <= b->cap)
		return;
	while (cap < b->len + more + 1)
		cap *= 2;
	b->text = realloc(b->text, cap);
	ASSERT(b->text);
	b->cap = cap;
}

void buf_add(struct buf *b, const char *text, size_t n)
{
	buf_reserve(b, n);
	memcpy(b->text + b->len, text, n);
	b->len += n;
	b->text[b->len] = '\0';
}

void buf_adds(struct buf *b, const char *text)
{
	buf_add(b, text, strlen(text));
}

void buf_printf(struct buf *b, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	ASSERT(n >= 0);
	buf_reserve(b, (size_t)n);
	va_start(ap, fmt);
	vsnprintf(b->text + b->len, (size_t)n + 1, fmt, ap);
	va_end(ap);
	b->len += (size_t)n;
}

static void fd_close(int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

enum err fd_read(int fd, size_t max, struct buf *out)
{
	AUTO(buf_free) struct buf b = { 0 };
	char chunk[8192];
	ssize_t n;

	while ((n = read(fd, chunk, sizeof(chunk))) > 0) {
		if (b.len + (size_t)n > max)
			return ERR_TOO_LARGE;
		buf_add(&b, chunk, (size_t)n);
	}
	if (n < 0)
		return ERR_INTERNAL;
	if (!b.text)
		buf_add(&b, "", 0);
	*out = b;
	b = (struct buf){ 0 };
	return ERR_OK;
}

enum err file_read(const char *path, size_t max, struct buf *out)
{
	AUTO(fd_close) int fd = open(path, O_RDONLY | O_CLOEXEC);

	return fd < 0 ? ERR_NOT_FOUND : fd_read(fd, max, out);
}
