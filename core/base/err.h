#pragma once
#include "base/base.h"

enum err {
#define ERR(name, http, word, text) ERR_##name,
#include "base/err.def"
#undef ERR
	ERR__MAX
};

/* Word on the wire, HTTP status and English sentence of an error. */
const char *err_word(enum err e);
int err_http(enum err e);
const char *err_text(enum err e);
/* What to do about it, in English or Chinese. */
const char *err_hint(enum err e, bool chinese);

/* What is wrong with an input, and where: an answer for the sender, not a log line. */
struct problem {
	char field[128]; /* JSON path, column or parameter; empty if none fits */
	char text[256];	 /* one English sentence */
};

/* Fills the problem (may be NULL) and returns e, so that callers can return at once. */
enum err problem_set(struct problem *p, enum err e, const char *field, const char *fmt, ...)
	PRINTF_LIKE(4, 5);
