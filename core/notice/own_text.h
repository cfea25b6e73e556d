#pragma once
/* The text of a message in our own words: what a modem sends, and what a provider's template has to
 * be registered as. Pure. */
#include "base/json.h"
#include "notice/sms_text.h"

/* Signature, and the words of the kind (base/notice_words.h) with the parameters put in, on one
 * line. False: no such kind, or a parameter is missing. */
MUST_USE bool own_text(const char *kind, const char *language, const json_t *params,
	const char *sign, struct buf *out);
/* As short messages; may put another sign for one that a modem cannot send. The parts borrow from
 * the text. */
MUST_USE bool own_text_parts(struct buf *text, struct sms_text *out);
