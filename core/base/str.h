#pragma once
/* Text in fixed buffers, and numbers that consume the whole text or are refused. */
#include "base/err.h"

void text_free(char **s); /* for AUTO(), of text from malloc() */

/* Copies; false (and an empty dst) when it does not fit. */
MUST_USE bool str_copy(char *dst, size_t size, const char *src);
/* Copies what fits, cut between characters of UTF-8. */
void str_cut(char *dst, size_t size, const char *src);
bool str_eq(const char *a, const char *b); /* both non-NULL */
bool str_starts(const char *s, const char *prefix);
/* The next word of a text that blanks separate; *text moves behind it. False: there is none, or it
 * does not fit (dst is as it was then). */
MUST_USE bool str_word(const char **text, char *dst, size_t size);

MUST_USE enum err i64_parse(const char *text, int64_t min, int64_t max, int64_t *out);

/* Lower-case hex of n bytes; out holds 2n+1. */
void hex_encode(const void *bytes, size_t n, char *out);
/* "0a ff" or "0AFF" (blanks allowed between bytes) to bytes. */
MUST_USE enum err hex_decode(const char *text, uint8_t *out, size_t size, size_t *n);

/* Growing text. Append never fails: running out of memory stops the process. */
struct buf {
	char *text; /* always NUL-terminated once something was appended, else NULL */
	size_t len;
	size_t cap;
};
void buf_free(struct buf *b);
void buf_add(struct buf *b, const char *text, size_t n);
void buf_adds(struct buf *b, const char *text);
void buf_printf(struct buf *b, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* Reads a whole file of at most max bytes; ERR_NOT_FOUND or ERR_TOO_LARGE otherwise. */
MUST_USE enum err file_read(const char *path, size_t max, struct buf *out);
/* The same from an open descriptor (a pipe, standard input), which stays open. */
MUST_USE enum err fd_read(int fd, size_t max, struct buf *out);
