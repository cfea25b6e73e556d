/* Compound files, as MS-CFB describes them: chains of sectors that make streams. Every chain is
 * followed for at most as many steps as the file has sectors. */
#include "sheet/xls_inside.h"

#include <string.h>

#define HEADER 512
#define HEADER_FATS 109
#define END_OF_CHAIN 0xFFFFFFFAU /* and what lies above: no sector */
#define ENTRY 128

uint16_t u16_at(struct bytes b, size_t at)
{
	return (uint16_t)(b.at[at] | b.at[at + 1] << 8);
}

uint32_t u32_at(struct bytes b, size_t at)
{
	return (uint32_t)u16_at(b, at) | (uint32_t)u16_at(b, at + 2) << 16;
}

void utf16_add(struct buf *out, uint16_t unit, uint16_t *high)
{
	uint32_t c = unit;
	unsigned char u[4];
	size_t n = 0;

	if (unit >= 0xD800 && unit <= 0xDBFF) {
		*high = unit;
		return;
	}
	if (unit >= 0xDC00 && unit <= 0xDFFF)
		c = *high ? 0x10000 + ((uint32_t)(*high - 0xD800) << 10) + (unit - 0xDC00U)
			  : 0xFFFD;
	*high = 0;
	if (c == 0)
		return;
	if (c < 0x80) {
		u[n++] = (unsigned char)c;
	} else if (c < 0x800) {
		u[n++] = (unsigned char)(0xC0 | c >> 6);
		u[n++] = (unsigned char)(0x80 | (c & 0x3F));
	} else if (c < 0x10000) {
		u[n++] = (unsigned char)(0xE0 | c >> 12);
		u[n++] = (unsigned char)(0x80 | (c >> 6 & 0x3F));
		u[n++] = (unsigned char)(0x80 | (c & 0x3F));
	} else {
		u[n++] = (unsigned char)(0xF0 | c >> 18);
		u[n++] = (unsigned char)(0x80 | (c >> 12 & 0x3F));
		u[n++] = (unsigned char)(0x80 | (c >> 6 & 0x3F));
		u[n++] = (unsigned char)(0x80 | (c & 0x3F));
	}
	buf_add(out, (const char *)u, n);
}

struct ole {
	struct bytes file;
	size_t sector;	/* bytes */
	size_t sectors; /* that the file has */
	struct buf fat; /* 4 bytes a sector: the one behind it */
};

static void ole_free(struct ole *o)
{
	buf_free(&o->fat);
}

static enum err damaged(struct problem *why)
{
	return problem_set(why, ERR_BAD_VALUE, "", "the file is damaged");
}

static bool sector_bytes(const struct ole *o, uint32_t i, struct bytes *out)
{
	if (i >= o->sectors)
		return false;
	out->at = o->file.at + HEADER + (size_t)i * o->sector;
	out->n = o->file.n - HEADER - (size_t)i * o->sector;
	if (out->n > o->sector)
		out->n = o->sector;
	return true;
}

static bool add_sector(const struct ole *o, uint32_t i, struct buf *out)
{
	struct bytes b;

	if (!sector_bytes(o, i, &b) || b.n != o->sector)
		return false;
	buf_add(out, (const char *)b.at, b.n);
	return true;
}

static struct bytes of_buf(const struct buf *b)
{
	return (struct bytes){ (const unsigned char *)b->text, b->len };
}

/* The FAT: first sectors named in the header, further ones in a chain of their own. */
static bool fat_read(struct ole *o)
{
	uint32_t next = u32_at(o->file, 68);
	struct bytes b;

	for (size_t i = 0; i < HEADER_FATS; i++) {
		uint32_t s = u32_at(o->file, 76 + 4 * i);

		if (s < END_OF_CHAIN && !add_sector(o, s, &o->fat))
			return false;
	}
	for (size_t steps = 0; next < END_OF_CHAIN; steps++) {
		if (steps > o->sectors || !sector_bytes(o, next, &b) || b.n != o->sector)
			return false;
		for (size_t i = 0; i + 8 <= o->sector; i += 4)
			if (u32_at(b, i) < END_OF_CHAIN && !add_sector(o, u32_at(b, i), &o->fat))
				return false;
		next = u32_at(b, o->sector - 4);
	}
	return true;
}

static bool next_of(const struct buf *fat, uint32_t *i)
{
	if ((size_t)*i * 4 + 4 > fat->len)
		return false;
	*i = u32_at(of_buf(fat), (size_t)*i * 4);
	return true;
}

/* All sectors of a chain; the last one may be cut off by the end of the file. */
static bool chain_read(const struct ole *o, uint32_t first, struct buf *out)
{
	struct bytes b;

	for (size_t steps = 0; first < END_OF_CHAIN; steps++) {
		if (steps > o->sectors || !sector_bytes(o, first, &b))
			return false;
		buf_add(out, (const char *)b.at, b.n);
		if (!next_of(&o->fat, &first))
			return false;
	}
	return true;
}

static bool ole_open(struct bytes file, struct ole *out)
{
	uint16_t shift;

	if (file.n < HEADER)
		return false;
	shift = u16_at(file, 30);
	if ((shift != 9 && shift != 12) || u16_at(file, 32) != 6)
		return false;
	*out = (struct ole){ .file = file, .sector = (size_t)1 << shift };
	out->sectors = (file.n - HEADER + out->sector - 1) / out->sector;
	return fat_read(out);
}

struct entry {
	uint32_t first;
	uint32_t size;
};

static bool named(struct bytes e, const char *name)
{
	size_t n = strlen(name);

	if (u16_at(e, 64) != 2 * (n + 1))
		return false;
	for (size_t i = 0; i < n; i++)
		if (u16_at(e, 2 * i) != (unsigned char)name[i])
			return false;
	return true;
}

/* By its name; an empty one means the root, which holds the small streams. */
static bool find(const struct buf *directory, const char *name, struct entry *out)
{
	for (size_t i = 0; i + ENTRY <= directory->len; i += ENTRY) {
		struct bytes e = { (const unsigned char *)directory->text + i, ENTRY };

		if (name[0] ? e.at[66] == 2 && named(e, name) : e.at[66] == 5) {
			*out = (struct entry){ u32_at(e, 116), u32_at(e, 120) };
			return true;
		}
	}
	return false;
}

/* Streams below the limit lie in sectors of 64 bytes inside the root's stream. */
static bool small_read(
	const struct ole *o, const struct buf *directory, struct entry e, struct buf *out)
{
	AUTO(buf_free) struct buf fat = { 0 };
	AUTO(buf_free) struct buf sectors = { 0 };
	struct entry root;

	if (!find(directory, "", &root) || !chain_read(o, root.first, &sectors) ||
		!chain_read(o, u32_at(o->file, 60), &fat))
		return false;
	for (size_t steps = 0; e.first < END_OF_CHAIN; steps++) {
		size_t at = (size_t)e.first * 64;

		if (steps > sectors.len / 64 || at + 64 > sectors.len)
			return false;
		buf_add(out, sectors.text + at, 64);
		if (!next_of(&fat, &e.first))
			return false;
	}
	return true;
}

enum err ole_stream(struct bytes file, const char *name, struct buf *out, struct problem *why)
{
	AUTO(ole_free) struct ole o = { .sector = 0 };
	AUTO(buf_free) struct buf directory = { 0 };
	struct entry e;
	bool ok;

	if (!ole_open(file, &o) || !chain_read(&o, u32_at(file, 48), &directory))
		return damaged(why);
	if (!find(&directory, name, &e))
		return ERR_NOT_FOUND;
	ok = e.size < u32_at(file, 56) ? small_read(&o, &directory, e, out)
				       : chain_read(&o, e.first, out);
	if (!ok || out->len < e.size)
		return damaged(why);
	out->len = e.size;
	return ERR_OK;
}
