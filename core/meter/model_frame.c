/* A vendor's frame as a template: "20 05 00 00 05 0A 01*3 {clock:10}", and what is known of its
 * reply: "20 ..*11". */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "meter/model_build.h"
#include "meter/model_parse.h"

static const char *const hole_words[] = { "clock", "amount", "number" };
_Static_assert(ARRAY_LEN(hole_words) == HOLE__MAX, "a word for each");

/* One word of the template: "20", "..", "{amount:4}", the first two perhaps with "*11". */
struct token {
	bool any; /* ".." */
	int hole; /* -1: none */
	uint8_t byte;
	unsigned times; /* bytes that it stands for */
};

static bool hole_read(const char *text, size_t n, struct token *t)
{
	const char *colon = memchr(text, ':', n);
	char size[8] = "";
	int64_t v = 0;
	int hole = 0;

	if (n < 4 || text[n - 1] != '}' || !colon || (size_t)(text + n - 1 - colon) > sizeof(size))
		return false;
	memcpy(size, colon + 1, (size_t)(text + n - 2 - colon));
	while (hole < HOLE__MAX &&
		(strlen(hole_words[hole]) != (size_t)(colon - text - 1) ||
			memcmp(hole_words[hole], text + 1, (size_t)(colon - text - 1)) != 0))
		hole++;
	if (hole == HOLE__MAX || i64_parse(size, 1, CLOCK_BYTES_MAX, &v) != ERR_OK)
		return false;
	t->hole = hole;
	t->times = (unsigned)v;
	return true;
}

static bool token_read(const char *text, size_t n, struct token *t)
{
	char copy[8] = "";
	int64_t times = 1;

	*t = (struct token){ .hole = -1, .times = 1 };
	if (text[0] == '{')
		return hole_read(text, n, t);
	if (n < 2 || n > 6 || (n > 2 && text[2] != '*'))
		return false;
	memcpy(copy, text, n);
	if (n > 2 && i64_parse(copy + 3, 1, MODEL_FRAME_MAX, &times) != ERR_OK)
		return false;
	copy[2] = '\0';
	t->times = (unsigned)times;
	t->any = str_eq(copy, "..");
	t->byte = (uint8_t)strtoul(copy, NULL, 16);
	return t->any || !copy[strspn(copy, "0123456789abcdefABCDEF")];
}

/* Where the next word begins, or NULL. */
static const char *next_token(const char *text, size_t *n)
{
	text += strspn(text, " ");
	*n = strcspn(text, " ");
	return *n ? text : NULL;
}

static bool send_put(struct model_frame *f, const struct token *t)
{
	if (t->any || f->n + t->times > MODEL_FRAME_MAX)
		return false;
	if (t->hole >= 0) {
		if (f->holes[t->hole].size)
			return false;
		f->holes[t->hole].at = f->n;
		f->holes[t->hole].size = (uint8_t)t->times;
	}
	memset(f->bytes + f->n, t->hole >= 0 ? 0 : t->byte, t->times);
	f->n = (uint8_t)(f->n + t->times);
	return true;
}

static bool reply_put(struct model_frame *f, const struct token *t)
{
	if (t->hole >= 0 || f->reply_n + t->times > MODEL_REPLY_MAX)
		return false;
	memset(f->reply + f->reply_n, t->byte, t->times);
	memset(f->fixed + f->reply_n, t->any ? 0 : 0xff, t->times);
	f->reply_n = (uint8_t)(f->reply_n + t->times);
	return true;
}

static bool read_template(const char *text, struct model_frame *f,
	bool (*put)(struct model_frame *, const struct token *))
{
	struct token t;
	size_t n;

	while ((text = next_token(text, &n))) {
		if (!token_read(text, n, &t) || !put(f, &t))
			return false;
		text += n;
	}
	return true;
}

static bool holes_fit(const struct model_frame *f, unsigned holes)
{
	for (unsigned i = 0; i < HOLE__MAX; i++)
		if ((f->holes[i].size > 0) != ((holes >> i) & 1))
			return false;
	return true;
}

enum err parse_frame(struct parse *ps, const json_t *obj, unsigned holes, struct model_frame *out)
{
	struct model_frame f = { 0 };
	const char *send = NULL, *reply = NULL;
	enum err e = field_text(ps, obj, "frame", FIELD_REQUIRED, 500, &send);

	if (e == ERR_OK)
		e = field_text(ps, obj, "reply", FIELD_REQUIRED, 200, &reply);
	if (e != ERR_OK)
		return e;
	if (!read_template(send, &f, send_put) || f.n < 1)
		return field_bad(ps, "frame", "must be bytes like \"20 05 00*4 {clock:10}\"");
	if (f.bytes[0] < 1 || f.bytes[0] > 0x7F)
		return field_bad(ps, "frame", "must begin with a function from 01 to 7F");
	if (!holes_fit(&f, holes))
		return field_bad(ps, "frame", "must have the holes for it, and no others");
	if (!read_template(reply, &f, reply_put) || f.reply_n < 2)
		return field_bad(ps, "reply", "must be two bytes or more, like \"20 ..*11\"");
	if (f.fixed[0] != 0xff || f.reply[0] != f.bytes[0])
		return field_bad(ps, "reply", "must begin with the function of the frame");
	*out = f;
	return ERR_OK;
}

void frame_fill(struct model_frame *f, enum model_hole hole, const uint8_t *bytes)
{
	memcpy(f->bytes + f->holes[hole].at, bytes, f->holes[hole].size);
}
