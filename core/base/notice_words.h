#pragma once
/* What messages to people say: one text for each kind in each language, for the list of notices on
 * a tenant's page and for channels that send text of their own. {shop}, {purse}, {balance},
 * {amount} and {time} stand for values, {code} for a login code, {object} and
 * {what} for an alarm. Balance and amount are in yuan;
 * {time} is when supply is cut. */
#include "base/str.h"

struct notice_words {
	const char *kind;
	const char *zh;
	const char *en;
};
/* NULL: there are none for this kind. */
const struct notice_words *notice_words_find(const char *kind);

struct word_value {
	const char *name; /* "{shop}" */
	const char *value;
};
/* Appends the text with the values put in; what is not in the list stays as it is. */
void notice_words_fill(const char *text, const struct word_value *v, size_t n, struct buf *out);
