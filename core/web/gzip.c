#include "web/gzip.h"

#include <limits.h>
#include <zlib.h>

#define GZIP_ONLY (16 + MAX_WBITS)
#define PIECE 16384

/* Unpacks until the end of the file, of the input, or of what is allowed. */
static enum err run(z_stream *z, size_t max, struct buf *out)
{
	unsigned char piece[PIECE];
	int end;

	do {
		z->next_out = piece;
		z->avail_out = sizeof(piece);
		end = inflate(z, Z_NO_FLUSH);
		if (end != Z_OK && end != Z_STREAM_END)
			return ERR_PROTOCOL;
		if (out->len + sizeof(piece) - z->avail_out > max)
			return ERR_TOO_LARGE;
		buf_add(out, (const char *)piece, sizeof(piece) - z->avail_out);
	} while (end != Z_STREAM_END);
	return z->avail_in == 0 ? ERR_OK : ERR_PROTOCOL;
}

enum err gzip_unpack(const void *bytes, size_t n, size_t max, struct buf *out)
{
	AUTO(buf_free) struct buf text = { 0 };
	z_stream z = { .next_in = (z_const Bytef *)bytes, .avail_in = (uInt)n };
	enum err e;

	if (n > UINT_MAX)
		return ERR_TOO_LARGE;
	ASSERT(inflateInit2(&z, GZIP_ONLY) == Z_OK);
	e = run(&z, max, &text);
	inflateEnd(&z);
	if (e != ERR_OK)
		return e;
	buf_adds(&text, "");
	*out = text;
	text = (struct buf){ 0 };
	return ERR_OK;
}
