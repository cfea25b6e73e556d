#include "web/form.h"

#include <stdlib.h>
#include <string.h>

void form_free(struct form *f)
{
	free(f->store);
	f->store = NULL;
	f->n = 0;
}

static size_t place_of(const struct form *f, const char *name)
{
	size_t i = 0;

	while (i < f->n && strcmp(f->pairs[i].name, name) < 0)
		i++;
	return i;
}

const char *form_get(const struct form *f, const char *name)
{
	size_t i = place_of(f, name);

	return i < f->n && str_eq(f->pairs[i].name, name) ? f->pairs[i].value : NULL;
}

enum err form_add(struct form *f, const char *name, const char *value)
{
	size_t i = place_of(f, name);

	if (i < f->n && str_eq(f->pairs[i].name, name))
		return ERR_CONFLICT;
	if (f->n == FORM_PAIRS_MAX)
		return ERR_TOO_LARGE;
	memmove(&f->pairs[i + 1], &f->pairs[i], (f->n - i) * sizeof(f->pairs[0]));
	f->pairs[i] = (struct form_pair){ name, value };
	f->n++;
	return ERR_OK;
}

/* Decodes [s, s+n) to *to, ends it with a NUL and moves *to behind it. */
static enum err decode_part(const char *s, size_t n, char **to)
{
	char *o = *to;

	for (size_t i = 0; i < n; i++) {
		char hex[3] = { 0 };
		uint8_t byte = (uint8_t)s[i];
		size_t got;

		if (s[i] == '+') {
			byte = ' ';
		} else if (s[i] == '%') {
			if (n - i < 3)
				return ERR_BAD_VALUE;
			memcpy(hex, s + i + 1, 2);
			if (hex_decode(hex, &byte, 1, &got) != ERR_OK || got != 1)
				return ERR_BAD_VALUE;
			i += 2;
		}
		if (!byte)
			return ERR_BAD_VALUE;
		*o++ = (char)byte;
	}
	*o++ = '\0';
	*to = o;
	return ERR_OK;
}

static enum err decode_pair(struct form *f, const char *s, size_t n, char **to, struct problem *why)
{
	const char *eq = memchr(s, '=', n);
	size_t name_n = eq ? (size_t)(eq - s) : n;
	char *name = *to, *value;
	enum err e;

	if (name_n == 0)
		return problem_set(why, ERR_BAD_VALUE, "", "a parameter without a name");
	if (decode_part(s, name_n, to) != ERR_OK)
		return problem_set(why, ERR_BAD_VALUE, "", "a name that cannot be decoded");
	value = *to;
	if (decode_part(eq ? eq + 1 : "", eq ? n - name_n - 1 : 0, to) != ERR_OK)
		return problem_set(why, ERR_BAD_VALUE, name, "a value that cannot be decoded");
	e = form_add(f, name, value);
	if (e == ERR_CONFLICT)
		return problem_set(why, ERR_BAD_VALUE, name, "the same parameter twice");
	if (e != ERR_OK)
		return problem_set(why, e, "", "more than %d parameters", FORM_PAIRS_MAX);
	return ERR_OK;
}

enum err form_decode(const char *text, size_t n, struct form *out, struct problem *why)
{
	AUTO(form_free) struct form f = { .n = 0 };
	const char *s = text, *end = text + n;
	char *to;
	enum err e;

	f.store = malloc(2 * n + 2); /* a pair needs at most its bytes and one NUL more */
	ASSERT(f.store);
	to = f.store;
	while (s < end) {
		const char *amp = memchr(s, '&', (size_t)(end - s));
		const char *stop = amp ? amp : end;

		e = decode_pair(&f, s, (size_t)(stop - s), &to, why);
		if (e != ERR_OK)
			return e;
		s = stop + 1;
	}
	*out = f;
	f.store = NULL;
	return ERR_OK;
}

void percent_encode(const char *text, struct buf *out)
{
	static const char hex[] = "0123456789ABCDEF";
	static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				    "0123456789-_.~";

	for (const char *s = text; *s; s++) {
		char code[3] = { '%', hex[(uint8_t)*s >> 4], hex[(uint8_t)*s & 15] };

		if (strchr(plain, *s))
			buf_add(out, s, 1);
		else
			buf_add(out, code, 3);
	}
}

void form_encode(const struct form *f, struct buf *out)
{
	buf_adds(out, "");
	for (size_t i = 0; i < f->n; i++) {
		if (i > 0)
			buf_adds(out, "&");
		percent_encode(f->pairs[i].name, out);
		buf_adds(out, "=");
		percent_encode(f->pairs[i].value, out);
	}
}
