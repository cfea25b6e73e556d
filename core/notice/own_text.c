#include "notice/own_text.h"

#include <stdio.h>
#include <string.h>

#include "base/notice_words.h"
#include "notice/notice.h"

/* Line ends and the like in a name must not stop the message. */
static void flatten(struct buf *text)
{
	for (size_t i = 0; i < text->len; i++)
		if ((unsigned char)text->text[i] < 0x20)
			text->text[i] = ' ';
}

bool own_text(const char *kind_name, const char *language, const json_t *params, const char *sign,
	struct buf *out)
{
	const struct notice_kind *kind = notice_kind_find(kind_name);
	const struct notice_words *words = notice_words_find(kind_name);
	struct word_value v[ARRAY_LEN(kind->params)];
	char names[ARRAY_LEN(kind->params)][24];
	size_t n = 0;

	if (!kind || !words)
		return false;
	for (; n < ARRAY_LEN(kind->params) && kind->params[n]; n++) {
		v[n].name = names[n];
		v[n].value = json_string_value(json_object_get(params, kind->params[n]));
		if (!v[n].value)
			return false;
		snprintf(names[n], sizeof(names[n]), "{%s}", kind->params[n]);
	}
	if (sign[0])
		buf_printf(out, "【%s】", sign);
	notice_words_fill(language && str_eq(language, "en") ? words->en : words->zh, v, n, out);
	flatten(out);
	return true;
}

/* gammu takes ~ in UCS-2 for the mark of blinking text: the full-width one stands for it there. */
static void widen_tildes(struct buf *text)
{
	struct buf wide = { 0 };

	for (const char *t = text->text; *t; t++)
		if (*t == '~')
			buf_adds(&wide, "～");
		else
			buf_add(&wide, t, 1);
	buf_free(text);
	*text = wide;
}

bool own_text_parts(struct buf *text, struct sms_text *out)
{
	enum err e = sms_split(text->text, out);

	if (e == ERR_OK && out->coding == SMS_UCS2 && strchr(text->text, '~')) {
		widen_tildes(text);
		e = sms_split(text->text, out);
	}
	return e == ERR_OK;
}
