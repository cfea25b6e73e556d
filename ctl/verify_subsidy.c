/* What is left of subsidies and allowances. They are spent first, by every charge: so the order of
 * gifts and charges matters, and of a charge only this is known: not before its day began, and
 * before its book day was closed. Each purse that was ever given something is gone through twice,
 * with every charge as early and as late as it can have been: what is left lies between the two,
 * and mostly they are one. A batch of events is held at a time. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "ctl/verify.h"

#define ACCOUNTS_BATCH 256
#define EVENTS_BATCH 1000

struct purse {
	int64_t id;
	int64_t subsidy, allowance;
	bool given; /* ever */
};
#define F(member) FIELD(struct purse, member)
SHAPE(purse_shape, struct purse, F(id), F(subsidy), F(allowance), F(given));
#undef F
static const struct query Q_PURSES = {
	"SELECT a.id, a.subsidy_nano AS subsidy, a.allowance_nano AS allowance, EXISTS (SELECT 1"
	" FROM posting p JOIN entry e ON e.id = p.entry_id WHERE p.account_id = a.id AND e.kind IN"
	" ('subsidy', 'allowance')) AS given FROM account a WHERE a.kind = 'purse' AND a.id > ?"
	" ORDER BY a.id LIMIT ?",
	&purse_shape
};

/* What an entry does to the subsidy in a purse. */
enum effect { EFFECT_NONE, EFFECT_MOVES, EFFECT_ALLOWS, EFFECT_SPENDS, EFFECT_CHARGES };
struct event {
	struct utc at;
	int64_t id; /* of an entry; 0: charges */
	int64_t effect;
	int64_t nano; /* what it adds to the balance */
};
#define F(member) FIELD(struct event, member)
SHAPE(event_shape, struct event, F(at), F(id), F(effect), F(nano));
#undef F
/* Entries but those of charges, which took from the balance when they arose. */
#define ENTRIES                                                                                    \
	"SELECT e.created_at AS at, e.id, CASE WHEN COALESCE(x.kind, e.kind) IN ('subsidy',"       \
	" 'subsidy_back') THEN 1 WHEN COALESCE(x.kind, e.kind) = 'allowance' THEN 2 WHEN"          \
	" COALESCE(x.kind, e.kind) IN ('purchase', 'property_fee', 'rent', 'fee', 'share') THEN 3" \
	" ELSE 0 END AS effect, p.amount_nano AS nano FROM posting p JOIN entry e ON e.id ="       \
	" p.entry_id LEFT JOIN reversal r ON r.reversal_id = e.id LEFT JOIN entry x ON x.id ="     \
	" r.entry_id WHERE p.account_id = ? AND e.kind NOT IN ('energy', 'water', 'late_charge')"
#define CHARGES(at, on)                                                                            \
	" UNION ALL SELECT " at                                                                    \
	" AS at, 0, 4, CAST(-SUM(u.charge_nano) AS SIGNED) FROM usage_day u"                       \
	" JOIN meter m ON m.id = u.meter_id JOIN supply_point s ON s.id = m.supply_point_id LEFT"  \
	" JOIN book_day b ON b.site_id = s.site_id AND b.day = " on                                \
	" WHERE u.account_id = ? GROUP"                                                            \
	" BY " at
/* Fourteen hours before UTC midnight: the day has begun nowhere on earth. */
static const struct query Q_EARLY = { "SELECT * FROM (" ENTRIES CHARGES(
					      "(UNIX_TIMESTAMP(u.day) - 50400) * 1000",
					      "u.day") ") t WHERE (t.at, t.id) > (?, ?)"
						       " ORDER BY t.at, t.id LIMIT ?",
	&event_shape };
static const struct query Q_LATE = {
	"SELECT * FROM (" ENTRIES CHARGES("COALESCE(b.closed_at, 9223372036854775807)",
		"u.book_day") ") t WHERE (t.at, t.id) > (?, ?) ORDER BY t.at, t.id LIMIT ?",
	&event_shape
};

struct left {
	int64_t balance, subsidy, allowance;
};

static int64_t least(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

static int64_t most(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

static void apply(struct left *l, const struct event *e)
{
	l->balance += e->nano;
	if (e->effect == EFFECT_MOVES || e->effect == EFFECT_ALLOWS) {
		/* What only fills a negative balance is spent at once. */
		l->subsidy = most(0, l->subsidy + least(e->nano, most(0, l->balance)));
		if (e->effect == EFFECT_ALLOWS)
			l->allowance = most(0, l->allowance + e->nano);
		l->allowance = least(l->subsidy, l->allowance);
	} else if (e->effect != EFFECT_NONE) {
		l->subsidy = most(0, l->subsidy + least(0, e->nano));
		l->allowance = most(0, l->allowance + least(0, e->nano));
	}
}

static enum err go_through(
	struct db *db, const struct query *q, int64_t account_id, struct left *out)
{
	struct event last = { .at = { INT64_MIN } };
	size_t n;

	*out = (struct left){ 0 };
	do {
		AUTO(rows_free) struct rows rows = { 0 };
		const struct event *v;
		enum err e = db_list(db, q,
			ARGS(arg_i64(account_id), arg_i64(account_id), arg_utc(last.at),
				arg_i64(last.id), arg_i64(EVENTS_BATCH)),
			&rows);

		if (e != ERR_OK)
			return e;
		v = rows.at;
		n = rows.n;
		for (size_t i = 0; i < n; i++)
			apply(out, &v[i]);
		if (n > 0)
			last = v[n - 1];
	} while (n == EVENTS_BATCH);
	return ERR_OK;
}

static void between(
	json_t *findings, const char *check, int64_t account_id, int64_t have, int64_t a, int64_t b)
{
	char object[40], text[24], want[64];

	if (have >= least(a, b) && have <= most(a, b))
		return;
	snprintf(object, sizeof(object), "account:%" PRId64, account_id);
	snprintf(text, sizeof(text), "%" PRId64, have);
	snprintf(want, sizeof(want), "%" PRId64 " to %" PRId64, least(a, b), most(a, b));
	finding_add(findings, check, object, text, want);
}

static enum err purse_check(struct db *db, const struct purse *p, json_t *findings)
{
	struct left early = { 0 }, late = { 0 };
	enum err e = ERR_OK;

	if (p->given)
		e = go_through(db, &Q_EARLY, p->id, &early);
	if (p->given && e == ERR_OK)
		e = go_through(db, &Q_LATE, p->id, &late);
	if (e != ERR_OK)
		return e;
	between(findings, "subsidy_is_what_is_left", p->id, p->subsidy, early.subsidy,
		late.subsidy);
	between(findings, "allowance_is_what_is_left", p->id, p->allowance, early.allowance,
		late.allowance);
	return ERR_OK;
}

enum err verify_subsidy(struct db *db, json_t *findings)
{
	int64_t after = 0;
	size_t n;

	do {
		AUTO(rows_free) struct rows rows = { 0 };
		const struct purse *p;
		enum err e = db_list(
			db, &Q_PURSES, ARGS(arg_i64(after), arg_i64(ACCOUNTS_BATCH)), &rows);

		p = rows.at;
		n = rows.n;
		for (size_t i = 0; e == ERR_OK && i < n; i++) {
			e = purse_check(db, &p[i], findings);
			after = p[i].id;
		}
		if (e != ERR_OK)
			return e;
	} while (n == ACCOUNTS_BATCH);
	return ERR_OK;
}
