#include "base/err.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

static const struct {
	const char *word;
	const char *text;
	int http;
} errors[ERR__MAX] = {
#define ERR(name, status, w, t) [ERR_##name] = { .word = w, .text = t, .http = status },
#include "base/err.def"
#undef ERR
};

const char *err_word(enum err e)
{
	return e < ERR__MAX ? errors[e].word : "internal";
}

int err_http(enum err e)
{
	return e < ERR__MAX ? errors[e].http : 500;
}

const char *err_text(enum err e)
{
	return e < ERR__MAX ? errors[e].text : "our fault";
}

static const struct {
	const char *en, *zh;
} hints[ERR__MAX] = {
#define HINT(name, e, z) [ERR_##name] = { .en = e, .zh = z },
#include "base/hint.def"
#undef HINT
};

const char *err_hint(enum err e, bool chinese)
{
	const char *hint = e >= ERR__MAX ? NULL : chinese ? hints[e].zh : hints[e].en;

	return hint ? hint : "";
}

enum err problem_set(struct problem *p, enum err e, const char *field, const char *fmt, ...)
{
	va_list ap;

	if (!p)
		return e;
	snprintf(p->field, sizeof(p->field), "%s", field ? field : "");
	va_start(ap, fmt);
	vsnprintf(p->text, sizeof(p->text), fmt, ap);
	va_end(ap);
	return e;
}

void assert_failed(const char *what, const char *file, int line)
{
	fprintf(stderr, "level=fatal what=\"assertion failed: %s\" at=%s:%d\n", what, file, line);
	abort();
}
