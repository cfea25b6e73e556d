#include "report/energy_money.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "report/columns.h"

static const char *const words[MOVE__MAX] = {
	[MOVE_RECHARGE] = "recharge",
	[MOVE_SUBSIDY] = "subsidy",
	[MOVE_TRANSFER] = "transfer",
	[MOVE_ENERGY] = "energy",
	[MOVE_SHARE] = "share",
	[MOVE_FEE] = "fee",
	[MOVE_REFUND] = "refund",
	[MOVE_LATE] = "late",
	[MOVE_CORRECTION] = "correction",
	[MOVE_REVERSAL] = "reversal",
};

const char *movement_word(enum movement_class m)
{
	return words[m];
}

/* Every kind of entry that can move a purse. */
static const struct {
	const char *kind;
	enum movement_class class;
} kinds[] = {
	{ "recharge", MOVE_RECHARGE },
	{ "sale", MOVE_RECHARGE },
	{ "found", MOVE_RECHARGE },
	{ "subsidy", MOVE_SUBSIDY },
	{ "allowance", MOVE_SUBSIDY },
	{ "opening", MOVE_TRANSFER },
	{ "transfer", MOVE_TRANSFER },
	{ "deposit_in", MOVE_TRANSFER },
	{ "deposit_out", MOVE_TRANSFER },
	{ "debt", MOVE_TRANSFER },
	{ "purchase", MOVE_TRANSFER },
	{ "purchase_failed", MOVE_TRANSFER },
	{ "meter_return", MOVE_TRANSFER },
	{ "energy", MOVE_ENERGY },
	{ "water", MOVE_ENERGY },
	{ "late_charge", MOVE_LATE },
	{ "share", MOVE_SHARE },
	{ "property_fee", MOVE_FEE },
	{ "rent", MOVE_FEE },
	{ "fee", MOVE_FEE },
	{ "refund", MOVE_REFUND },
	{ "refund_failed", MOVE_REFUND },
	{ "bill_refund", MOVE_REFUND },
	{ "correction", MOVE_CORRECTION },
	{ "write_off", MOVE_CORRECTION },
	{ "reversal", MOVE_REVERSAL },
	{ "closing", MOVE_TRANSFER },
	{ "payout", MOVE_REFUND },
	{ "subsidy_back", MOVE_SUBSIDY },
};

enum err movement_of(const char *entry_kind, enum movement_class *out)
{
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
		if (str_eq(kinds[i].kind, entry_kind)) {
			*out = kinds[i].class;
			return ERR_OK;
		}
	return ERR_NOT_FOUND;
}

struct part_row {
	int64_t account_id;
	char purpose[12];
	char tenant[257];
	char room[129];
	char what[25]; /* "=before" "=after" "=balance" "=open" "=late" "=qty", or the kind of entry
			*/
	struct money amount;
	struct qty qty;
};
#define F(member) FIELD(struct part_row, member)
SHAPE(part_shape, struct part_row, F(account_id), F(purpose), F(tenant), F(room), F(what),
	F(amount), F(qty));
#undef F
/* clang-format off */
#define WHOSE \
	" JOIN account a ON a.id = x.account_id JOIN contract c ON c.id = a.contract_id" \
	" JOIN tenant t ON t.id = c.tenant_id WHERE t.site_id = ? ORDER BY x.account_id"
#define POSTED(what, of_entry) \
	"SELECT account_id, " what " AS what, SUM(amount_nano) AS amount, 0 AS qty" \
	" FROM posting_month WHERE " IN_MONTHS " GROUP BY 1, 2" \
	" UNION ALL SELECT p.account_id, " of_entry ", SUM(p.amount_nano), 0 FROM entry e" \
	" JOIN posting p ON p.entry_id = e.id JOIN account b ON b.id = p.account_id" \
	" WHERE e.site_id = ? AND " DAYS_LEFT("e.book_day") " AND b.kind = 'purse' GROUP BY 1, 2"
/* One statement, so that all parts are of one moment. The arguments: see parts(). */
static const struct query Q_PARTS = {
	"SELECT x.account_id, a.purpose, t.name AS tenant, t.room, x.what,"
	" CAST(x.amount AS SIGNED) AS amount, CAST(x.qty AS SIGNED) AS qty FROM ("
	POSTED("'=before'", "'=before'") " UNION ALL " POSTED("kind", "e.kind") " UNION ALL "
	POSTED("'=after'", "'=after'")
	" UNION ALL SELECT u.account_id, CASE WHEN u.book_day < ? THEN '=before' WHEN u.book_day > ?"
	" THEN '=after' WHEN u.book_day > u.day THEN '=late' ELSE '=open' END,"
	" -SUM(u.charge_nano), 0 FROM usage_day u"
	" WHERE u.account_id > 0 AND u.sealed = 0 GROUP BY 1, 2"
	" UNION ALL SELECT account_id, '=qty', 0, SUM(qty_milli) FROM usage_month"
	" WHERE " IN_MONTHS " AND account_id > 0 GROUP BY 1"
	" UNION ALL SELECT u.account_id, '=qty', 0, SUM(u.qty_milli) FROM usage_day u"
	" WHERE " IN_DAYS " AND u.account_id > 0 GROUP BY 1"
	" UNION ALL SELECT b.id, '=balance', b.balance_nano, 0 FROM account b WHERE b.kind = 'purse'"
	") x JOIN account a ON a.id = x.account_id AND a.kind = 'purse'"
	" JOIN contract c ON c.id = a.contract_id JOIN tenant t ON t.id = c.tenant_id"
	" WHERE t.site_id = ?" SEES_CONTRACT("t.site_id", "c.id") " ORDER BY x.account_id",
	&part_shape
};
/* clang-format on */

#define F(member) FIELD(struct energy_money_meter, member)
SHAPE(meter_shape, struct energy_money_meter, F(account_id), F(meter_id), F(code),
	F(opening_register), F(closing_register));
#undef F
/* What ends by then and was booked before that day (the last line of the evidence names the book
 * day where it is another one): later readings do not change what is told of a span. */
#define SETTLED(what)                                                                              \
	"SELECT s." what " FROM settlement s WHERE s.meter_id = m.id AND s.to_at <= ?"             \
	" AND COALESCE(JSON_VALUE(s.evidence, '$[last][7]'), '') < ? ORDER BY s.to_at"
#define LAST SETTLED("to_milli") " DESC LIMIT 1"
#define FIRST SETTLED("from_milli") " LIMIT 1"
static const struct query Q_METERS = {
	"SELECT x.account_id, m.id AS meter_id, m.code,"
	" COALESCE((" LAST "), (" FIRST "), " REPORT_NONE_SQL ") AS opening_register,"
	" COALESCE((" LAST "), " REPORT_NONE_SQL ") AS closing_register"
	" FROM (SELECT DISTINCT account_id, supply_point_id FROM contract_point"
	" WHERE from_at < ? AND (to_at = 0 OR to_at > ?)) x"
	" JOIN meter m ON m.supply_point_id = x.supply_point_id" WHOSE ", m.id",
	&meter_shape
};

void energy_money_free(struct energy_money *r)
{
	rows_free(&r->rows);
	rows_free(&r->meters);
}

static enum err add(struct money *sum, struct money m)
{
	return money_add(*sum, m, sum);
}

/* Closing is the balance without what came after the span. */
static enum err take_part(const struct part_row *p, struct energy_money_row *row)
{
	enum movement_class class;

	if (str_eq(p->what, "=before"))
		return add(&row->opening, p->amount);
	if (str_eq(p->what, "=balance"))
		return add(&row->closing, p->amount);
	if (str_eq(p->what, "=after"))
		return money_sub(row->closing, p->amount, &row->closing);
	if (str_eq(p->what, "=qty"))
		return qty_add(row->qty, p->qty, &row->qty);
	if (str_eq(p->what, "=open"))
		return add(&row->moves[MOVE_ENERGY], p->amount);
	if (str_eq(p->what, "=late"))
		return add(&row->moves[MOVE_LATE], p->amount);
	if (movement_of(p->what, &class) != ERR_OK) {
		log_error("report=energy_money entry kind=%s is not known", p->what);
		return ERR_INTERNAL;
	}
	return add(&row->moves[class], p->amount);
}

struct fold { /* parts come by account */
	struct part_row part;
	struct rows *rows;
	size_t cap;
};

static enum err fold(void *ctx)
{
	struct fold *f = ctx;
	const struct part_row *p = &f->part;
	struct energy_money_row *last = f->rows->at;

	if (f->rows->n == f->cap) {
		f->cap = f->cap * 2 + 64;
		f->rows->at = reallocarray(f->rows->at, f->cap, sizeof(*last));
		ASSERT(f->rows->at);
	}
	last = f->rows->at;
	if (f->rows->n > 0)
		last += f->rows->n - 1;
	if (f->rows->n == 0 || last->account_id != p->account_id) {
		last = (struct energy_money_row *)f->rows->at + f->rows->n++;
		*last = (struct energy_money_row){ .account_id = p->account_id };
		memcpy(last->purpose, p->purpose, sizeof(last->purpose));
		memcpy(last->tenant, p->tenant, sizeof(last->tenant));
		memcpy(last->room, p->room, sizeof(last->room));
	}
	return take_part(p, last);
}

struct zone_row {
	char zone[64];
};
SHAPE(zone_shape, struct zone_row, FIELD(struct zone_row, zone));
static const struct query Q_ZONE = { "SELECT zone FROM site WHERE id = ?", &zone_shape };

static enum err meters(
	struct db *db, int64_t site_id, struct day from, struct day to, struct rows *out)
{
	AUTO(zone_free) struct zone *z = NULL;
	struct zone_row row;
	struct day after = { to.days + 1 };
	struct arg begins, ends, first_day, day_after;
	char first[DAY_TEXT_MAX], next[DAY_TEXT_MAX];
	enum err e = db_one(db, &Q_ZONE, ARGS(arg_i64(site_id)), &row);

	if (e == ERR_OK)
		e = zone_open(row.zone, &z);
	if (e != ERR_OK)
		return e;
	begins = arg_utc(zone_day_start(z, from));
	ends = arg_utc(zone_day_start(z, after));
	first_day = arg_text(day_text(from, first));
	day_after = arg_text(day_text(after, next));
	return db_list(db, &Q_METERS,
		ARGS(begins, first_day, ends, day_after, ends, day_after, ends, begins,
			arg_i64(site_id)),
		out);
}

/* The arguments of rows of a span: months, then days, which name the site again or not. */
static size_t span_args(
	struct arg *out, int64_t site_id, const struct report_sums *s, bool site_again)
{
	size_t n = 0;

	out[n++] = arg_i64(site_id);
	out[n++] = arg_i64(s->first);
	out[n++] = arg_i64(s->last);
	if (site_again)
		out[n++] = arg_i64(site_id);
	out[n++] = arg_text(s->head_first);
	out[n++] = arg_text(s->head_last);
	out[n++] = arg_text(s->tail_first);
	out[n++] = arg_text(s->tail_last);
	return n;
}

static enum err parts(struct db *db, int64_t site_id, int64_t scope, struct day from, struct day to,
	struct rows *out)
{
	struct fold f = { .rows = out };
	struct report_sums before, in, after;
	char first[DAY_TEXT_MAX], last[DAY_TEXT_MAX];
	struct arg args[40];
	size_t n = 0;
	enum err e = report_sums_find(
		db, site_id, day_of(1000, 1, 1), (struct day){ from.days - 1 }, &before);

	if (e == ERR_OK)
		e = report_sums_find(db, site_id, from, to, &in);
	if (e == ERR_OK)
		e = report_sums_find(
			db, site_id, (struct day){ to.days + 1 }, day_of(9999, 12, 31), &after);
	if (e != ERR_OK)
		return e;
	n += span_args(args + n, site_id, &before, true);
	n += span_args(args + n, site_id, &in, true);
	n += span_args(args + n, site_id, &after, true);
	args[n++] = arg_text(day_text(from, first));
	args[n++] = arg_text(day_text(to, last));
	n += span_args(args + n, site_id, &in, false);
	args[n++] = arg_i64(site_id);
	args[n++] = arg_i64(scope);
	return db_each(db, &Q_PARTS, args, n, &f.part, fold, &f);
}

enum err energy_money(struct db *db, int64_t site_id, int64_t scope, struct day from, struct day to,
	struct energy_money *out)
{
	AUTO(energy_money_free) struct energy_money r = { 0 };
	enum err e = parts(db, site_id, scope, from, to, &r.rows);

	if (e == ERR_OK)
		e = meters(db, site_id, from, to, &r.meters);
	if (e != ERR_OK)
		return e;
	*out = r;
	r = (struct energy_money){ 0 };
	return ERR_OK;
}
