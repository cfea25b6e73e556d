/* Settings that the channels share: templates, order, limits. */
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "notice/channel.h"
#include "web/web.h"

enum notice_language notice_language_of(const char *word)
{
	return word && str_eq(word, "en") ? NOTICE_EN : NOTICE_ZH;
}

enum err notice_templates_load(
	struct conf *conf, const char *section, struct notice_templates *t, struct problem *why)
{
	static const char *const suffix[NOTICE__LANGUAGES] = { "", "_en" };

	for (size_t i = 0; i < notice_kind_count; i++)
		for (unsigned l = 0; l < NOTICE__LANGUAGES; l++) {
			char key[64];

			snprintf(
				key, sizeof(key), "template_%s%s", notice_kinds[i].name, suffix[l]);
			if (!str_copy(t->id[l][i], sizeof(t->id[l][i]),
				    conf_text(conf, section, key, "")))
				return problem_set(why, ERR_NOT_CONFIGURED, key,
					"[%s] %s is too long", section, key);
		}
	return ERR_OK;
}

const char *notice_template(
	const struct notice_templates *t, const char *kind, const char *language)
{
	const struct notice_kind *k = notice_kind_find(kind);
	const char *own, *zh;

	if (!k)
		return NULL;
	own = t->id[notice_language_of(language)][k - notice_kinds];
	zh = t->id[NOTICE_ZH][k - notice_kinds];
	return own[0] ? own : zh[0] ? zh : NULL;
}

bool notice_how_of(const struct notice_templates *t, const char *sign, const char *kind,
	const char *language, struct notice_how *out)
{
	const char *id = notice_template(t, kind, language);
	bool own = id && id == t->id[NOTICE_EN][notice_kind_find(kind) - notice_kinds];

	*out = (struct notice_how){ .language = "" };
	return id && str_copy(out->template, sizeof(out->template), id) &&
	       str_copy(out->language, sizeof(out->language), own ? "en" : "zh") &&
	       str_copy(out->sign, sizeof(out->sign), sign);
}

enum err notice_take(struct conf *conf, const char *section, const char *key, char *dst,
	size_t size, struct problem *why)
{
	const char *v = conf_text(conf, section, key, "");

	if (!v[0] || !str_copy(dst, size, v))
		return problem_set(why, ERR_NOT_CONFIGURED, key, "[%s] %s is missing or too long",
			section, key);
	return ERR_OK;
}

enum err notice_take_secret(struct conf *conf, const char *section, const char *key, char *dst,
	size_t size, struct problem *why)
{
	AUTO(buf_wipe) struct buf secret = { 0 };

	if (conf_secret(conf, section, key, &secret) != ERR_OK || !secret.len ||
		!str_copy(dst, size, secret.text))
		return problem_set(
			why, ERR_NOT_CONFIGURED, key, "[%s] %s_file is not readable", section, key);
	return ERR_OK;
}

enum err notice_take_address(
	struct conf *conf, const char *section, char dst[static 256], struct problem *why)
{
	enum err e = notice_take(conf, section, "endpoint", dst, 256, why);

	if (e == ERR_OK && (!web_url_allowed(dst) || strchr(dst, '?')))
		return problem_set(why, ERR_NOT_CONFIGURED, "endpoint",
			"[%s] endpoint must be https, or http to this machine", section);
	return e;
}

/* ---- order ---- */

static bool is_on(const struct notice *n, const struct notice_channel *c)
{
	return !c->off || !c->off(n);
}

static void add_way(struct notice *n, const struct notice_channel *c)
{
	for (size_t i = 0; i < n->ways_n; i++)
		if (n->ways[i] == c)
			return;
	if (is_on(n, c) && n->ways_n < ARRAY_LEN(n->ways))
		n->ways[n->ways_n++] = c;
}

/* A name that is none is logged and left out: the others still work. */
static void load_order(struct conf *conf, struct notice *n)
{
	char text[256], *save = NULL;

	if (!str_copy(text, sizeof(text), conf_text(conf, "notice", "order", "")))
		log_error("key=notice.order why=\"it is too long\"");
	for (char *w = strtok_r(text, "; ,", &save); w; w = strtok_r(NULL, "; ,", &save)) {
		const struct notice_channel *c = notice_channel_find(w);

		if (c)
			add_way(n, c);
		else
			log_error("key=notice.order why=\"there is no channel %.40s\"", w);
	}
	if (n->ways_n == 0)
		for (size_t i = 0; i < notice_channel_count; i++)
			add_way(n, &notice_channels[i]);
}

const struct notice_channel *const *notice_ways(const struct notice *notice, size_t *n)
{
	*n = notice->ways_n;
	return notice->ways;
}

/* ---- limits and times ---- */

static const struct {
	const char *key;
	int64_t min, max, shipped, unit;
	size_t at;
} numbers[] = {
#define NUMBER(key, member, min, max, shipped, unit)                                               \
	{                                                                                          \
		key, min, max, shipped, unit, offsetof(struct notice_rules, member)                \
	}
	NUMBER("code_minute", code_minute, 1, 10, 1, 1),
	NUMBER("code_hour", code_hour, 1, 100, 5, 1),
	NUMBER("code_day", code_day, 1, 1000, 10, 1),
	NUMBER("kind_day", kind_day, 1, 10000, 40, 1),
	NUMBER("alarm_hour", alarm_hour, 1, 1000, 10, 1),
	NUMBER("phone_day", phone_day, 1, 10000, 80, 1),
	NUMBER("all_day", all_day, 1, 10000000, 20000, 1),
	NUMBER("look_after_s", look_after_ms, 1, 3600, 30, 1000),
	NUMBER("receipt_after_s", receipt_after_ms, 1, 86400, 300, 1000),
	NUMBER("send_s", send_ms, 1, 20, 5, 1000),
#undef NUMBER
};

static void load_rules(struct conf *conf, struct notice *n)
{
	for (size_t i = 0; i < ARRAY_LEN(numbers); i++) {
		struct problem why = { 0 };
		int64_t v = numbers[i].shipped;

		if (conf_int(conf, "notice", numbers[i].key, numbers[i].min, numbers[i].max,
			    numbers[i].shipped, &v, &why) != ERR_OK) {
			log_error("key=notice.%s why=\"%s\"", numbers[i].key, why.text);
			v = numbers[i].shipped;
		}
		*(int64_t *)(void *)((char *)&n->rules + numbers[i].at) = v * numbers[i].unit;
	}
}

const struct notice_rules *notice_rules(const struct notice *notice)
{
	return &notice->rules;
}

void notice_settle(struct conf *conf, struct notice *n)
{
	load_order(conf, n);
	load_rules(conf, n);
}
