/* Tells those who watch which services this worker can use. */
#include <stdio.h>
#include <stdlib.h>

#include "domain/noticetemplate.h"
#include "domain/servicestate.h"
#include "worker/jobs.h"

/* Services are known by the section of their settings. */
static enum err put(struct tools *t, const char *name, const struct problem *off, struct utc now)
{
	char why[200] = "";

	if (off && off->field[0])
		snprintf(why, sizeof(why), "%.60s: %.120s", off->field, off->text);
	return service_state_put(
		t->db, str_eq(name, "wechat") ? "wechat_pay" : name, !off, why, now);
}

#define LANGUAGES 2
#define TEMPLATES_MAX 400

/* Which template each way has for a kind; more than there is room for are left out. */
static void add_template(struct notice_template *list, size_t *n, const struct notice *notice,
	const struct notice_channel *c, const char *kind, const char *language, struct utc now)
{
	struct notice_template *row = &list[*n];
	struct notice_how how;

	if (*n == TEMPLATES_MAX || !c->how(notice, kind, language, &how))
		return;
	*row = (struct notice_template){ .seen_at = now };
	if (str_copy(row->way, sizeof(row->way), c->name) &&
		str_copy(row->kind, sizeof(row->kind), kind) &&
		str_copy(row->language, sizeof(row->language), language) &&
		str_copy(row->template, sizeof(row->template), how.template) &&
		str_copy(row->template_language, sizeof(row->template_language), how.language) &&
		str_copy(row->sign, sizeof(row->sign), how.sign) &&
		str_copy(row->fields, sizeof(row->fields), how.fields))
		++*n;
}

static enum err put_templates(struct tools *t, struct utc now)
{
	static const char *const languages[LANGUAGES] = { "zh", "en" };
	struct notice_template *list = calloc(TEMPLATES_MAX, sizeof(*list));
	size_t n = 0;
	enum err e;

	ASSERT(list);
	for (size_t c = 0; c < notice_channel_count; c++)
		for (size_t k = 0; k < notice_kind_count; k++)
			for (size_t l = 0; l < LANGUAGES; l++)
				add_template(list, &n, t->notice, &notice_channels[c],
					notice_kinds[k].name, languages[l], now);
	e = notice_templates_put(t->db, list, n);
	free(list);
	return e;
}

enum err job_services(struct tools *t, struct utc now)
{
	enum err e = put_templates(t, now);

	for (size_t i = 0; e == ERR_OK && i < pay_service_count; i++)
		e = put(t, pay_services[i].name, pay_off(t->pay, pay_services[i].name), now);
	for (size_t i = 0; e == ERR_OK && i < notice_channel_count; i++)
		e = put(t, notice_channels[i].name, notice_channels[i].off(t->notice), now);
	return e;
}
