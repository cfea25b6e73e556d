/* What each message says before it is sent: by the code that makes it, with sample values or those
 * of an account. Nothing is written or sent. */
#include <stdlib.h>

#include "domain/duty.h"
#include "domain/live.h"
#include "domain/notice.h"
#include "domain/noticetemplate.h"
#include "domain/servicestate.h"
#include "fcgi/handlers.h"
#include "fcgi/views.h"
#include "notice/notice.h"
#include "notice/own_text.h"
#include "notice/wechat_template.h"

#define SOON_MS (INT64_C(30) * 60 * 1000) /* the sample's cut */
#define SAMPLE_FEN 10000

enum purses { ANY_PURSE, UTILITY_PURSE, ELECTRICITY_PURSE, FEE_PURSE, NO_PURSE };

/* Whom each kind is for. */
static const struct told {
	const char *kind, *occasion; /* NULL: it has one text only */
	const char *audience;
	enum purses purses;
} tolds[] = {
	{ "low1", NULL, "tenant", UTILITY_PURSE },
	{ "low2", NULL, "tenant", UTILITY_PURSE },
	{ "arrears", "cut", "tenant", UTILITY_PURSE },
	{ "arrears", "uncut", "tenant", UTILITY_PURSE },
	{ "overload", NULL, "tenant", ELECTRICITY_PURSE },
	{ "overload_lock", NULL, "tenant", ELECTRICITY_PURSE },
	{ "restored", NULL, "tenant", ANY_PURSE },
	{ "recharged", NULL, "tenant", ANY_PURSE },
	{ "fee_low", NULL, "tenant", FEE_PURSE },
	{ "fee_due", NULL, "tenant", FEE_PURSE },
	{ "fee_short", NULL, "tenant", FEE_PURSE },
	{ "fee", NULL, "tenant", FEE_PURSE },
	{ "invoice_issued", NULL, "tenant", ANY_PURSE },
	{ "invoice_refused", NULL, "tenant", ANY_PURSE },
	{ "login_code", NULL, "login", NO_PURSE },
	{ "alarm", NULL, "duty", NO_PURSE },
};

static bool for_purse(const struct told *t, const char *purpose)
{
	bool fee = str_eq(purpose, "fee");

	switch (t->purses) {
	case ANY_PURSE:
		return true;
	case UTILITY_PURSE:
		return !fee;
	case ELECTRICITY_PURSE:
		return str_eq(purpose, "electricity");
	case FEE_PURSE:
		return fee;
	case NO_PURSE:
		break;
	}
	return false;
}

/* A shop that is nobody's. */
static struct account sample_of(const struct told *t)
{
	struct account a = { .purpose = "electricity",
		.zone = "Asia/Shanghai",
		.room = "A-101",
		.balance = { 18 * NANO_PER_YUAN + 50 * NANO_PER_FEN } };

	if (t->purses == FEE_PURSE)
		ASSERT(str_copy(a.purpose, sizeof(a.purpose), "fee"));
	if (str_eq(t->kind, "arrears") || str_eq(t->kind, "fee") || str_eq(t->kind, "fee_short"))
		a.balance.nano = -a.balance.nano;
	return a;
}

/* ---- one message ---- */

struct made {
	const struct told *told;
	const char *language;
	const struct account *account; /* NULL: samples */
	const struct rows *templates;
	struct utc now;
};

static enum err tenant_message(const struct made *m, struct buf *page, json_t **params)
{
	struct account a = m->account ? *m->account : sample_of(m->told);
	struct notice_of n = { .kind = m->told->kind, .amount_fen = SAMPLE_FEN };

	ASSERT(str_copy(a.language, sizeof(a.language), m->language));
	if (!m->account)
		ASSERT(str_copy(a.tenant_name, sizeof(a.tenant_name),
			str_eq(m->language, "en") ? "Noodle shop" : "面馆"));
	if (m->told->occasion && str_eq(m->told->occasion, "cut"))
		n.cut_at.ms = m->now.ms + SOON_MS;
	return notice_make(&a, &n, m->now, page, params);
}

static json_t *parts_json(struct buf *text)
{
	struct sms_text parts;
	size_t units = 0;

	if (!own_text_parts(text, &parts))
		return json_null();
	for (size_t i = 0; i < parts.n; i++)
		units += parts.parts[i].units;
	return json_pack("{s:s, s:I, s:I}", "coding", parts.coding == SMS_GSM7 ? "gsm7" : "ucs2",
		"units", (json_int_t)units, "parts", (json_int_t)parts.n);
}

/* The fields of a WeChat message, or what does not fit. */
static void add_fields(
	json_t *way, const struct notice_template *t, const json_t *params, struct utc now)
{
	const struct notice_kind *kind = notice_kind_find(t->kind);
	struct wechat_template template = { .n = 0 };
	AUTO(json_free) json_t *data = NULL;
	struct problem why = { 0 };
	json_t *list = json_array();
	const char *name;
	json_t *field;

	if (kind && wechat_fields_read(t->fields, kind, &template, &why) == ERR_OK)
		data = wechat_data(&template, params, now, &why);
	json_object_foreach(data, name, field)
	{
		json_array_append_new(list, json_pack("{s:s, s:O}", "name", name, "value",
						    json_object_get(field, "value")));
	}
	json_object_set_new(way, "fields", list);
	json_object_set_new(way, "why", data ? json_null() : json_string(why.text));
}

static json_t *way_json(const struct notice_template *t, const json_t *params, struct utc now)
{
	const struct notice_channel *c = notice_channel_find(t->way);
	AUTO(buf_free) struct buf text = { 0 };
	json_t *way = json_pack("{s:s, s:s, s:o, s:o}", "way", t->way, "medium",
		c ? c->medium : "sms", "template", json_text_or_null(t->template),
		"template_language", json_text_or_null(t->template_language));

	if (c && str_eq(c->medium, "wechat")) {
		add_fields(way, t, params, now);
		return way;
	}
	/* in the language that goes out, which is that of the template */
	if (!own_text(t->kind, t->template_language, params, t->sign, &text))
		return way;
	json_object_set_new(way, "sms", parts_json(&text));
	json_object_set_new(way, "text", json_string(text.text));
	return way;
}

static json_t *ways_json(const struct made *m, const json_t *params)
{
	const struct notice_template *t = m->templates->at;
	json_t *ways = json_array();

	for (size_t i = 0; i < m->templates->n; i++)
		if (str_eq(t[i].kind, m->told->kind) && str_eq(t[i].language, m->language))
			json_array_append_new(ways, way_json(&t[i], params, m->now));
	return ways;
}

/* Without any way it is our words all the same. */
static enum err message_json(const struct made *m, json_t **out)
{
	AUTO(json_free) json_t *params = NULL;
	AUTO(buf_free) struct buf page = { 0 }, text = { 0 };
	enum err e = ERR_OK;
	json_t *sms;

	if (str_eq(m->told->audience, "tenant"))
		e = tenant_message(m, &page, &params);
	else if (str_eq(m->told->kind, "alarm"))
		params = duty_params("G1", "gateway_silent", m->language);
	else
		params = json_pack("{s:s}", "code", "382915");
	if (e != ERR_OK)
		return e;
	if (!own_text(m->told->kind, m->language, params, "", &text))
		return ERR_INTERNAL;
	sms = parts_json(&text);
	*out = json_pack("{s:s, s:s, s:o, s:o, s:o}", "language", m->language, "text", text.text,
		"sms", sms, "page", page.len ? json_string(page.text) : json_null(), "ways",
		ways_json(m, params));
	return ERR_OK;
}

static enum err kind_json(struct made *m, json_t *items)
{
	static const char *const languages[] = { "zh", "en" };
	json_t *messages = json_array(), *one = NULL;
	enum err e = ERR_OK;

	for (size_t l = 0; e == ERR_OK && l < ARRAY_LEN(languages); l++) {
		m->language = languages[l];
		e = message_json(m, &one);
		if (e == ERR_OK)
			json_array_append_new(messages, one);
	}
	json_array_append_new(
		items, json_pack("{s:s, s:o, s:s, s:o}", "kind", m->told->kind, "occasion",
			       m->told->occasion ? json_string(m->told->occasion) : json_null(),
			       "audience", m->told->audience, "messages", messages));
	return e;
}

/* ---- the answer ---- */

static json_t *states_json(const struct rows *rows)
{
	const struct service_state *s = rows->at;
	json_t *list = json_array();

	for (size_t i = 0; i < rows->n; i++) {
		const struct notice_channel *c = notice_channel_find(s[i].name);

		if (c)
			json_array_append_new(list,
				json_pack("{s:s, s:s, s:b, s:o, s:o}", "way", s[i].name, "medium",
					c->medium, "on", str_eq(s[i].state, "on") ? 1 : 0, "why",
					json_text_or_null(s[i].why), "seen_at",
					json_utc(s[i].seen_at)));
	}
	return list;
}

static json_t *whose_json(const struct account *a)
{
	return json_pack("{s:I, s:s, s:s, s:s, s:s, s:o}", "id", (json_int_t)a->id, "purpose",
		a->purpose, "room", a->room, "name", a->tenant_name, "language", a->language,
		"balance", json_money(a->balance));
}

static enum err answer_kinds(struct request *r, const struct account *account, struct answer *a)
{
	AUTO(rows_free) struct rows templates = { 0 }, states = { 0 };
	struct made m = { .account = account, .templates = &templates, .now = r->now };
	AUTO(json_free) json_t *items = json_array();
	enum err e = notice_templates(r->db, &templates);

	if (e == ERR_OK)
		e = service_state_list(r->db, &states);
	for (size_t i = 0; e == ERR_OK && i < ARRAY_LEN(tolds); i++) {
		m.told = &tolds[i];
		if (!account || for_purse(m.told, account->purpose))
			e = kind_json(&m, items);
	}
	if (e == ERR_OK)
		a->json = json_pack("{s:o, s:o, s:O}", "account",
			account ? whose_json(account) : json_null(), "ways", states_json(&states),
			"items", items);
	return e;
}

enum err notice_kinds_show(struct request *r, struct answer *a)
{
	return answer_kinds(r, NULL, a);
}

enum err account_notice_kinds(struct request *r, struct answer *a)
{
	struct live_account found;
	struct account account;
	enum err e = live_account(r->db, caller_site(r), r->object, &found);

	if (e == ERR_OK)
		e = account_get(r->db, r->object, &account);
	return e == ERR_OK ? answer_kinds(r, &account, a) : e;
}
