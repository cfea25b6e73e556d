#include "domain/notice.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/notice_words.h"
#include "base/zone.h"
#include "domain/outbox.h"

#define NOTICE_LIFE_MS (24 * 3600 * 1000LL)
#define PHONE_MAX 20
#define SOON_MS 60000	      /* a cut within this is "now" */
#define UNCUT "arrears_uncut" /* words of a notice "arrears" where nothing will be cut */

struct contacts_row {
	char contacts[801];
};
SHAPE(contacts_shape, struct contacts_row, FIELD(struct contacts_row, contacts));

static const struct query Q_ADD = {
	"INSERT INTO notice (account_id, kind, text, created_at) VALUES (?, ?, ?, ?)", NULL
};
static const struct query Q_CONTACTS = { "SELECT contacts FROM tenant WHERE id = ?",
	&contacts_shape };

static const char *purpose_word(const char *purpose, bool zh)
{
	if (str_eq(purpose, "water"))
		return zh ? "水费" : "water";
	if (str_eq(purpose, "fee"))
		return zh ? "物业费" : "the property fee";
	return zh ? "电费" : "electricity";
}

/* What a notice is made of. */
struct words {
	const char *words; /* row of base/notice_words.c */
	char balance[MONEY_TEXT_MAX], amount[MONEY_TEXT_MAX];
	char when[40];
};

static bool notice_text(const struct account *a, const struct words *w, struct buf *out)
{
	const struct notice_words *words = notice_words_find(w->words);
	bool zh = !str_eq(a->language, "en");
	char shop[400];
	const struct word_value v[] = {
		{ "{shop}", shop },
		{ "{purse}", purpose_word(a->purpose, zh) },
		{ "{balance}", w->balance },
		{ "{amount}", w->amount },
		{ "{time}", w->when },
	};

	snprintf(shop, sizeof(shop), "%s %s", a->room, a->tenant_name);
	if (!words)
		return false;
	notice_words_fill(zh ? words->zh : words->en, v, ARRAY_LEN(v), out);
	return true;
}

static enum err send_to(struct db *db, const struct account *a, int64_t notice_id,
	const char *phone, const char *kind, const char *params, struct utc now)
{
	char once[64];

	snprintf(once, sizeof(once), "notice:%" PRId64 ":%s", notice_id, phone);
	return outbox_add(db,
		&(struct outbox_new){ .once_key = once,
			.notice_id = notice_id,
			.tenant_id = a->tenant_id,
			.language = a->language,
			.recipient = phone,
			.template = kind,
			.params = params,
			.not_before = now,
			.expires_at = { now.ms + NOTICE_LIFE_MS } },
		now);
}

/* The tenant's phone and every further contact, each once. */
static enum err send_to_all(struct db *db, const struct account *a, int64_t notice_id,
	const char *kind, const char *params, struct utc now)
{
	struct contacts_row row;
	char *save = NULL;
	enum err e = db_one(db, &Q_CONTACTS, ARGS(arg_i64(a->tenant_id)), &row);

	if (e == ERR_OK && a->phone[0])
		e = send_to(db, a, notice_id, a->phone, kind, params, now);
	if (e != ERR_OK)
		return e;
	for (char *p = strtok_r(row.contacts, "; ", &save); p && e == ERR_OK;
		p = strtok_r(NULL, "; ", &save))
		if (strlen(p) <= PHONE_MAX)
			e = send_to(db, a, notice_id, p, kind, params, now);
	return e;
}

/* "now", or a local time: "at 11-23 07:00". */
static enum err when_text(
	const struct account *a, struct utc at, struct utc now, char *out, size_t size)
{
	AUTO(zone_free) struct zone *z = NULL;
	bool zh = !str_eq(a->language, "en");
	int year, month, day;
	struct local l;
	enum err e = zone_open(a->zone, &z);

	if (e != ERR_OK)
		return e;
	l = zone_local(z, at);
	civil_date(l.day.days, &year, &month, &day);
	if (at.ms <= now.ms + SOON_MS)
		snprintf(out, size, "%s", zh ? "即刻" : "now");
	else if (zh)
		snprintf(out, size, "%d月%d日%02d:%02d", month, day, l.second / 3600,
			l.second / 60 % 60);
	else
		snprintf(out, size, "at %02d-%02d %02d:%02d", month, day, l.second / 3600,
			l.second / 60 % 60);
	return ERR_OK;
}

static enum err arrears_words(
	const struct account *a, const struct notice_of *n, struct utc now, struct words *w)
{
	if (n->cut_at.ms)
		return when_text(a, n->cut_at, now, w->when, sizeof(w->when));
	w->words = UNCUT;
	snprintf(w->when, sizeof(w->when), "%s",
		str_eq(a->language, "en") ? "not for now" : "暂不断供");
	return ERR_OK;
}

enum err notice_make(const struct account *a, const struct notice_of *n, struct utc now,
	struct buf *text, json_t **params)
{
	struct words w = { .words = n->kind };
	struct money amount = { 0 };
	enum err e = money_from_fen(n->amount_fen, &amount);

	if (e == ERR_OK && str_eq(n->kind, "arrears"))
		e = arrears_words(a, n, now, &w);
	if (e != ERR_OK)
		return e;
	money_text2(a->balance, w.balance);
	if (!str_eq(n->kind, "arrears"))
		money_text2(amount, w.amount);
	if (!notice_text(a, &w, text))
		return ERR_INTERNAL;
	*params = json_pack("{s:s, s:s, s:s, s:s, s:s}", "shop", a->room, "purse",
		purpose_word(a->purpose, !str_eq(a->language, "en")), "balance", w.balance,
		"amount", w.amount, "time", w.when);
	return *params ? ERR_OK : ERR_INTERNAL;
}

static enum err add(
	struct db *db, const struct account *a, const struct notice_of *n, struct utc now)
{
	AUTO(json_free) json_t *params = NULL;
	AUTO(buf_free) struct buf text = { 0 };
	char *packed;
	int64_t id;
	enum err e;

	ASSERT(db_in_tx(db));
	e = notice_make(a, n, now, &text, &params);
	if (e == ERR_OK)
		e = db_exec(db, &Q_ADD,
			ARGS(arg_i64(a->id), arg_text(n->kind), arg_text(text.text), arg_utc(now)),
			NULL);
	if (e != ERR_OK)
		return e;
	id = db_insert_id(db);
	packed = json_text(params);
	e = send_to_all(db, a, id, n->kind, packed, now);
	free(packed);
	return e;
}

enum err notice_add(struct db *db, const struct account *a, const char *kind, int64_t amount_fen,
	struct utc now)
{
	return add(db, a, &(struct notice_of){ .kind = kind, .amount_fen = amount_fen }, now);
}

enum err notice_add_arrears(
	struct db *db, const struct account *a, struct utc cut_at, struct utc now)
{
	return add(db, a, &(struct notice_of){ .kind = "arrears", .cut_at = cut_at }, now);
}
