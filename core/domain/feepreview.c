#include "domain/feepreview.h"

#include <stdlib.h>
#include <string.h>

#include "domain/fee_inside.h"
#include "domain/scope.h"

#define EARLIEST_ZONE_MS (INT64_C(14) * 3600 * 1000)

/* By days; whether a contract ended before the month is decided by the zone of its site. */
#define REACHES                                                                                    \
	" AND f.from_day <= ? AND (f.to_day IS NULL OR f.to_day >= GREATEST(f.from_day, ?))"       \
	" AND (c.end_at = 0 OR c.end_at > ?)"

const struct listing fee_preview_listing = {
	.all = { FEES "WHERE ? IN (0, t.site_id, " SEEN_CONTRACT("c.id") ")" REACHES, &fee_shape },
	.sorts = { { "id", "f.id" }, { "room", "t.room" }, { "balance", "a.balance_nano" } },
	.order = "balance",
	.filters = { { "site_id", FILTER_ID, "t.site_id = ?" },
		{ "contract_id", FILTER_ID, "c.id = ?" },
		{ "kind", FILTER_WORD, "f.kind = ?", "property_fee rent" },
		{ "q", FILTER_TEXT,
			"LOCATE(?, c.code) OR LOCATE(?, t.room) OR LOCATE(?, t.name)" } },
};

struct utc month_first_instant(struct month m)
{
	return (struct utc){ month_first(m).days * INT64_C(86400000) - EARLIEST_ZONE_MS };
}

struct reach {
	int64_t fee_id;
	int64_t account_id;
	int64_t monthly_fen;
	char from_day[DAY_TEXT_MAX];
	char to_day[DAY_TEXT_MAX];
	struct utc end_at;
	char zone[64];
	struct money balance, credit_limit, emergency_limit;
	struct utc emergency_at;
	int64_t charges;
	int64_t charged_fen;
};
#define F(member) FIELD(struct reach, member)
SHAPE(reach_shape, struct reach, F(fee_id), F(account_id), F(monthly_fen), F(from_day), F(to_day),
	F(end_at), F(zone), F(balance), F(credit_limit), F(emergency_limit), F(emergency_at),
	F(charges), F(charged_fen));
#undef F
static const struct query Q_REACH = {
	"SELECT f.id AS fee_id, f.account_id, f.monthly_fen, f.from_day, f.to_day, c.end_at,"
	" s.zone, a.balance_nano AS balance, a.credit_limit_nano AS credit_limit,"
	" a.emergency_limit_nano AS emergency_limit, a.emergency_at, COUNT(g.version) AS charges,"
	" CAST(COALESCE(SUM(g.amount_fen), 0) AS SIGNED) AS charged_fen FROM contract_fee f"
	" JOIN contract c ON c.id = f.contract_id JOIN tenant t ON t.id = c.tenant_id"
	" JOIN site s ON s.id = t.site_id JOIN account a ON a.id = f.account_id"
	" LEFT JOIN fee_charge g ON g.contract_fee_id = f.id AND g.month = ?"
	" WHERE ? IN (0, t.site_id, " SEEN_CONTRACT(
		"c.id") ") AND ? IN (0, t.site_id)" REACHES
			" GROUP BY f.id ORDER BY f.account_id, f.id",
	&reach_shape
};

static enum err reaching(struct db *db, const struct fee_preview_ask *ask, struct rows *out)
{
	char month[MONTH_TEXT_MAX], first[DAY_TEXT_MAX], last[DAY_TEXT_MAX];

	return db_list(db, &Q_REACH,
		ARGS(arg_text(month_text(ask->month, month)), arg_i64(ask->seen_site),
			arg_i64(ask->site_id), arg_text(day_text(month_last(ask->month), last)),
			arg_text(day_text(month_first(ask->month), first)),
			arg_utc(month_first_instant(ask->month))),
		out);
}

/* The zone of a row: nearly always that of the row before. */
struct zone_kept {
	struct zone *z;
	char name[64];
};

static void zone_kept_free(struct zone_kept *k)
{
	zone_free(&k->z);
}

static enum err zone_keep(struct zone_kept *k, const char *name)
{
	if (k->z && str_eq(k->name, name))
		return ERR_OK;
	zone_free(&k->z);
	ASSERT(str_copy(k->name, sizeof(k->name), name));
	return zone_open(name, &k->z);
}

static const char *state_of(
	const struct reach *f, const struct fee_preview_row *r, struct day until)
{
	if (f->charges > 0)
		return "charged";
	if (r->amount_fen == 0)
		return "nothing";
	return r->first.days > until.days ? "later" : "due";
}

/* A fee with a day in the month is put behind the others. */
static enum err add(struct fee_preview *p, const struct fee_preview_ask *ask, const struct reach *f,
	const struct zone *z)
{
	struct fee_preview_row r = { .fee_id = f->fee_id,
		.account_id = f->account_id,
		.charged_fen = f->charged_fen,
		.balance = f->balance };
	struct day today = zone_local(z, ask->now).day, until = today;
	struct fee_term term;
	enum err e = fee_term_of(
		&(struct fee_row){ f->monthly_fen, f->from_day, f->to_day, f->end_at }, z, &term);

	if (e != ERR_OK)
		return e;
	if (fee_days(&term, ask->month) == 0)
		return ERR_OK;
	if (ask->month.months > month_of(today).months) {
		p->begun = false;
		until = month_last(ask->month);
	}
	fee_span(&term, ask->month, &r.first, &r.last);
	r.amount_fen = fee_amount(&term, ask->month);
	r.state = state_of(f, &r, until);
	if (str_eq(r.state, "due"))
		r.due_fen = fee_left(&term, ask->month, f->charged_fen);
	p->at[p->n++] = r;
	return ERR_OK;
}

static void count(struct fee_preview *p, const struct fee_preview_row *r)
{
	if (str_eq(r->state, "due")) {
		p->due++;
		p->due_fen += r->due_fen;
	} else if (str_eq(r->state, "later")) {
		p->later++;
		p->later_fen += r->amount_fen;
	} else if (str_eq(r->state, "charged")) {
		p->charged++;
		p->charged_fen += r->charged_fen;
	}
}

/* The rows from the first on are of one purse. */
static enum err purse_after(struct fee_preview *p, size_t first, const struct reach *f)
{
	const struct account a = { .credit_limit = f->credit_limit,
		.emergency_limit = f->emergency_limit,
		.emergency_at = f->emergency_at };
	struct money due, after, floor, short_by = { 0 };
	int64_t fen = 0;
	enum err e;

	for (size_t i = first; i < p->n; i++)
		fen += p->at[i].due_fen;
	e = money_from_fen(fen, &due);
	if (e == ERR_OK)
		e = money_sub(f->balance, due, &after);
	if (e == ERR_OK)
		e = money_add(after, account_floor_credit(&a), &floor);
	if (e != ERR_OK)
		return e;
	if (floor.nano < 0)
		short_by.nano = -floor.nano;
	if (fen > 0 && short_by.nano > 0) {
		p->shorts++;
		e = money_add(p->short_by, short_by, &p->short_by);
	}
	for (size_t i = first; i < p->n; i++) {
		p->at[i].balance_after = after;
		p->at[i].short_by = short_by;
		count(p, &p->at[i]);
	}
	return e;
}

static int by_fee(const void *a, const void *b)
{
	const struct fee_preview_row *x = a, *y = b;

	return (x->fee_id > y->fee_id) - (x->fee_id < y->fee_id);
}

enum err fee_preview(struct db *db, const struct fee_preview_ask *ask, struct fee_preview *out)
{
	AUTO(zone_kept_free) struct zone_kept zone = { 0 };
	AUTO(rows_free) struct rows rows = { 0 };
	enum err e = reaching(db, ask, &rows);
	const struct reach *f = rows.at;
	size_t first = 0;

	*out = (struct fee_preview){ .begun = true };
	if (e != ERR_OK || rows.n == 0)
		return e;
	out->at = calloc(rows.n, sizeof(*out->at));
	ASSERT(out->at);
	for (size_t i = 0; e == ERR_OK && i < rows.n; i++) {
		e = zone_keep(&zone, f[i].zone);
		if (e == ERR_OK)
			e = add(out, ask, &f[i], zone.z);
		if (e != ERR_OK || (i + 1 < rows.n && f[i + 1].account_id == f[i].account_id))
			continue;
		e = purse_after(out, first, &f[i]);
		first = out->n;
	}
	qsort(out->at, out->n, sizeof(*out->at), by_fee);
	return e;
}

const struct fee_preview_row *fee_preview_find(const struct fee_preview *p, int64_t fee_id)
{
	const struct fee_preview_row key = { .fee_id = fee_id };

	return p->n ? bsearch(&key, p->at, p->n, sizeof(*p->at), by_fee) : NULL;
}

void fee_preview_free(struct fee_preview *p)
{
	free(p->at);
	*p = (struct fee_preview){ 0 };
}
