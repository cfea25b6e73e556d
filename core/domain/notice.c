#include "domain/notice.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/zone.h"
#include "domain/outbox.h"

#define NOTICE_LIFE_MS (24 * 3600 * 1000LL)
#define PHONE_MAX 20
#define SOON_MS 60000	      /* a cut within this is "now" */
#define UNCUT "arrears_uncut" /* words of a notice "arrears" where nothing will be cut */

/* The list of notices: what stands in them, in both languages. Balance and amount are in yuan;
 * {when} is when supply is cut. */
static const struct {
	const char *kind;
	const char *zh;
	const char *en;
} notices[] = {
	{ "low1", "{shop}的{purse}余额还有{balance}元，请留意充值。",
		"{shop}: {balance} yuan left for {purse}. Please recharge in time." },
	{ "low2", "{shop}的{purse}余额只剩{balance}元，用完将自动断供，请尽快充值。",
		"{shop}: only {balance} yuan left for {purse}. Supply stops when it is used up." },
	{ "arrears", "{shop}的{purse}已用完（{balance}元），断供时间：{when}，充值后自动恢复。",
		"{shop}: {purse} is used up ({balance} yuan). Supply stops {when} and returns "
		"after a "
		"recharge." },
	{ UNCUT, "{shop}的{purse}已用完（{balance}元），请尽快充值。",
		"{shop}: {purse} is used up ({balance} yuan). Please recharge soon." },
	{ "overload", "{shop}用电超过功率限值，已断电，请减少负荷，稍后自动恢复。",
		"{shop}: the load was above its limit, supply is off. Reduce the load; it returns "
		"by itself." },
	{ "overload_lock", "{shop}用电多次超过功率限值，已断电，请联系物业恢复。",
		"{shop}: the load was above its limit too often. Supply stays off until the "
		"property "
		"office restores it." },
	{ "fee_low", "{shop}的{purse}余额还有{balance}元，请留意充值。",
		"{shop}: {balance} yuan left for {purse}. Please recharge in time." },
	{ "fee_due", "{shop}下月应缴{amount}元，{purse}余额{balance}元，不足扣缴，请在月初前充值。",
		"{shop}: {amount} yuan is due at the start of next month, and the balance of "
		"{purse} is "
		"{balance} "
		"yuan. Please recharge before." },
	{ "fee_short", "{shop}的{purse}余额不足（{balance}元），请尽快充值。",
		"{shop}: the balance of {purse} does not cover what was due ({balance} yuan). "
		"Please "
		"recharge soon." },
	{ "fee", "{shop}的{purse}欠费（{balance}元），即将断电，充值后自动恢复。",
		"{shop}: {purse} is unpaid ({balance} yuan). Electricity stops now and returns "
		"after a "
		"recharge." },
	{ "restored", "{shop}的{purse}已恢复供应。", "{shop}: supply is back for {purse}." },
	{ "recharged", "{shop}的{purse}已充值{amount}元，余额{balance}元。",
		"{shop}: {amount} yuan added for {purse}. Balance {balance} yuan." },
};

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
	const char *kind;  /* as stored, and of the SMS template */
	const char *words; /* row of the list */
	char balance[MONEY_TEXT_MAX], amount[MONEY_TEXT_MAX];
	char when[40];
};

struct filling {
	const char *name, *value;
};

/* Puts the values in for {name}; what does not fit is cut off. */
static void fill(const char *text, const struct filling *f, size_t n, char *out, size_t size)
{
	size_t used = 0;

	while (*text && used + 1 < size) {
		size_t i = 0;

		while (i < n && strncmp(text, f[i].name, strlen(f[i].name)) != 0)
			i++;
		if (i == n) {
			out[used++] = *text++;
			continue;
		}
		for (const char *v = f[i].value; *v && used + 1 < size; v++)
			out[used++] = *v;
		text += strlen(f[i].name);
	}
	out[used] = '\0';
}

static bool notice_text(const struct account *a, const struct words *w, char *out, size_t size)
{
	bool zh = !str_eq(a->language, "en");
	char shop[400];
	const struct filling f[] = {
		{ "{shop}", shop },
		{ "{purse}", purpose_word(a->purpose, zh) },
		{ "{balance}", w->balance },
		{ "{amount}", w->amount },
		{ "{when}", w->when },
	};

	snprintf(shop, sizeof(shop), "%s %s", a->room, a->tenant_name);
	for (size_t i = 0; i < ARRAY_LEN(notices); i++) {
		if (!str_eq(notices[i].kind, w->words))
			continue;
		fill(zh ? notices[i].zh : notices[i].en, f, ARRAY_LEN(f), out, size);
		return true;
	}
	return false;
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

static enum err add(struct db *db, const struct account *a, const struct words *w, struct utc now)
{
	AUTO(json_free) json_t *params = NULL;
	char text[1201], *packed;
	int64_t id;
	enum err e;

	ASSERT(db_in_tx(db));
	if (!notice_text(a, w, text, sizeof(text)))
		return ERR_INTERNAL;
	e = db_exec(db, &Q_ADD,
		ARGS(arg_i64(a->id), arg_text(w->kind), arg_text(text), arg_utc(now)), NULL);
	if (e != ERR_OK)
		return e;
	id = db_insert_id(db);
	params = json_pack("{s:s, s:s, s:s, s:s, s:s}", "shop", a->room, "purse",
		purpose_word(a->purpose, !str_eq(a->language, "en")), "balance", w->balance,
		"amount", w->amount, "time", w->when);
	packed = json_text(params);
	e = send_to_all(db, a, id, w->kind, packed, now);
	free(packed);
	return e;
}

enum err notice_add(struct db *db, const struct account *a, const char *kind, int64_t amount_fen,
	struct utc now)
{
	struct words w = { .kind = kind, .words = kind };
	struct money paid = { 0 };
	enum err e = money_from_fen(amount_fen, &paid);

	if (e != ERR_OK)
		return e;
	money_text2(a->balance, w.balance);
	money_text2(paid, w.amount);
	return add(db, a, &w, now);
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

enum err notice_add_arrears(
	struct db *db, const struct account *a, struct utc cut_at, struct utc now)
{
	struct words w = { .kind = "arrears", .words = cut_at.ms ? "arrears" : UNCUT };
	enum err e = ERR_OK;

	money_text2(a->balance, w.balance);
	if (cut_at.ms)
		e = when_text(a, cut_at, now, w.when, sizeof(w.when));
	else
		snprintf(w.when, sizeof(w.when), "%s",
			str_eq(a->language, "en") ? "not for now" : "暂不断供");
	return e == ERR_OK ? add(db, a, &w, now) : e;
}
