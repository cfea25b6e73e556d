#include "domain/bill.h"

#include <stdlib.h>
#include <string.h>

#define LINES_MAX 5000
#define PAGE 2000 /* intervals read at once */

/* ---- lines ---- */

struct line_row {
	int64_t meter_id;
	char meter_code[129];
	char utility[12];
	char day[DAY_TEXT_MAX];
	char book_day[DAY_TEXT_MAX];
	char rate[33];
	int64_t tier;
	struct price price;
	struct qty qty;
	struct money charge;
	bool sealed;
};
#define F(member) FIELD(struct line_row, member)
SHAPE(line_shape, struct line_row, F(meter_id), F(meter_code), F(utility), F(day), F(book_day),
	F(rate), F(tier), F(price), F(qty), F(charge), F(sealed));
#undef F
static const struct query Q_LINES = {
	"SELECT u.meter_id, m.code AS meter_code, m.utility, u.day, u.book_day, u.rate, u.tier,"
	" u.price_micro AS price, CAST(SUM(u.qty_milli) AS SIGNED) AS qty,"
	" CAST(SUM(u.charge_nano) AS SIGNED) AS charge, MIN(u.sealed) AS sealed FROM usage_day u"
	" JOIN meter m ON m.id = u.meter_id WHERE u.account_id = ? AND u.book_day BETWEEN ? AND ?"
	" GROUP BY u.book_day, u.meter_id, u.day, u.rate, u.tier, u.price_micro"
	" ORDER BY u.book_day, u.meter_id, u.day, u.rate, u.tier, u.price_micro LIMIT 5001",
	&line_shape
};
static const struct query Q_ACCOUNT = { "SELECT id FROM account WHERE id = ? FOR UPDATE",
	&id_shape };

/* How far the evidence of a meter goes at the moment of the lines. */
struct reach {
	struct utc until;
};
SHAPE(reach_shape, struct reach, FIELD(struct reach, until));
static const struct query Q_REACH = {
	"SELECT COALESCE(MAX(to_at), 0) AS until FROM settlement WHERE meter_id = ?", &reach_shape
};

void bill_free(struct bill *b)
{
	for (size_t i = 0; i < b->n; i++)
		free(b->at[i].runs);
	free(b->at);
	*b = (struct bill){ 0 };
}

struct bill_meter {
	int64_t id;
	struct utc from, to; /* of its lines' days */
	struct utc until;
};

struct billing_work {
	struct db *db;
	int64_t account_id;
	const struct zone *z;
	struct day from, to;
	struct bill bill;
	struct bill_meter *meters;
	size_t meters_n;
};

static enum err line_add(struct billing_work *w, const struct line_row *r)
{
	struct bill_line *l = &w->bill.at[w->bill.n++];

	*l = (struct bill_line){ .meter_id = r->meter_id,
		.tier = r->tier,
		.price = r->price,
		.qty = r->qty,
		.charge = r->charge,
		.sealed = r->sealed };
	memcpy(l->meter_code, r->meter_code, sizeof(l->meter_code));
	memcpy(l->utility, r->utility, sizeof(l->utility));
	memcpy(l->day, r->day, sizeof(l->day));
	memcpy(l->book_day, r->book_day, sizeof(l->book_day));
	memcpy(l->rate, r->rate, sizeof(l->rate));
	return money_add(w->bill.charge, r->charge, &w->bill.charge);
}

/* The time that a meter's lines lie in. */
static enum err meter_note(struct billing_work *w, const struct line_row *r)
{
	struct utc from, to;
	struct day day;
	size_t i = 0;
	enum err e = day_parse(r->day, &day);

	if (e != ERR_OK)
		return e;
	from = zone_day_start(w->z, day);
	to = zone_day_start(w->z, (struct day){ day.days + 1 });
	while (i < w->meters_n && w->meters[i].id != r->meter_id)
		i++;
	if (i == w->meters_n) {
		struct reach reach;

		w->meters = realloc(w->meters, (i + 1) * sizeof(*w->meters));
		ASSERT(w->meters);
		e = db_one(w->db, &Q_REACH, ARGS(arg_i64(r->meter_id)), &reach);
		w->meters[w->meters_n++] =
			(struct bill_meter){ r->meter_id, from, to, reach.until };
		return e;
	}
	if (from.ms < w->meters[i].from.ms)
		w->meters[i].from = from;
	if (to.ms > w->meters[i].to.ms)
		w->meters[i].to = to;
	return ERR_OK;
}

/* Whoever settles writes the account row last, and waits for this. */
static enum err lines_tx(struct db *db, void *ctx)
{
	struct billing_work *w = ctx;
	AUTO(rows_free) struct rows rows = { 0 };
	char from[DAY_TEXT_MAX], to[DAY_TEXT_MAX];
	const struct line_row *r;
	struct id_row account;
	enum err e = db_one(db, &Q_ACCOUNT, ARGS(arg_i64(w->account_id)), &account);

	bill_free(&w->bill);
	w->meters_n = 0;
	if (e == ERR_OK)
		e = db_list(db, &Q_LINES,
			ARGS(arg_i64(w->account_id), arg_text(day_text(w->from, from)),
				arg_text(day_text(w->to, to))),
			&rows);
	if (e == ERR_OK && rows.n > LINES_MAX)
		e = ERR_TOO_LARGE;
	if (e != ERR_OK)
		return e;
	w->bill.at = calloc(rows.n + 1, sizeof(*w->bill.at));
	ASSERT(w->bill.at);
	r = rows.at;
	for (size_t i = 0; e == ERR_OK && i < rows.n; i++) {
		e = line_add(w, &r[i]);
		if (e == ERR_OK)
			e = meter_note(w, &r[i]);
	}
	return e;
}

/* ---- the readings behind them ---- */

struct part { /* one line of the evidence of one interval */
	struct utc from_at, to_at;
	struct qty from_milli, to_milli, capacity_milli;
	int64_t ratio;
	int64_t parts; /* lines of that interval */
	char day[41];
	char book_day[41];
	char rate[129];
	int64_t tier;
	char price[129];
	struct qty qty;
};
#define F(member) FIELD(struct part, member)
SHAPE(part_shape, struct part, F(from_at), F(to_at), F(from_milli), F(to_milli), F(capacity_milli),
	F(ratio), F(parts), F(day), F(book_day), F(rate), F(tier), F(price), F(qty));
#undef F
static const struct query Q_PARTS = {
	"SELECT s.from_at, s.to_at, s.from_milli, s.to_milli, s.capacity_milli, s.ratio,"
	" JSON_LENGTH(s.evidence) AS parts, j.day, COALESCE(j.book_day, j.day) AS book_day, j.rate,"
	" j.tier, j.price, j.qty FROM (SELECT * FROM settlement WHERE meter_id = ? AND to_at > ?"
	" AND to_at <= ? AND account_id = ? AND kind <> 'rebase' ORDER BY to_at LIMIT ?) s,"
	" JSON_TABLE(s.evidence, '$[*]' COLUMNS (day VARCHAR(10) PATH '$[0]',"
	" rate VARCHAR(32) PATH '$[1]', tier BIGINT PATH '$[2]', price VARCHAR(32) PATH '$[3]',"
	" qty BIGINT PATH '$[4]', book_day VARCHAR(10) PATH '$[7]')) j ORDER BY s.to_at",
	&part_shape
};

static bool line_is(const struct bill_line *l, int64_t meter_id, const struct part *p)
{
	char price[MONEY_TEXT_MAX];

	return l->meter_id == meter_id && l->tier == p->tier && str_eq(l->day, p->day) &&
	       str_eq(l->rate, p->rate) && str_eq(l->book_day, p->book_day) &&
	       str_eq(price_text(l->price, price), p->price);
}

/* Beginning where the last one was found: neighbours in time are neighbours here. */
static struct bill_line *line_find(
	const struct bill *b, size_t *last, int64_t meter_id, const struct part *p)
{
	for (size_t i = 0; i < b->n; i++) {
		size_t k = (*last + i) % b->n;

		if (line_is(&b->at[k], meter_id, p)) {
			*last = k;
			return &b->at[k];
		}
	}
	return NULL;
}

/* Does the interval go on where the run ended? */
static bool goes_on(const struct bill_run *run, const struct part *p)
{
	return !run->part && p->parts == 1 && run->ratio == p->ratio &&
	       run->to_reg.milli == p->from_milli.milli && p->capacity_milli.milli == 0;
}

static enum err run_add(struct bill_line *l, const struct part *p)
{
	struct bill_run *run = l->runs_n ? &l->runs[l->runs_n - 1] : NULL;

	if (run && goes_on(run, p)) {
		run->to = p->to_at;
		run->to_reg = p->to_milli;
		return qty_add(run->qty, p->qty, &run->qty);
	}
	l->runs = realloc(l->runs, (l->runs_n + 1) * sizeof(*l->runs));
	ASSERT(l->runs);
	l->runs[l->runs_n++] = (struct bill_run){ .from = p->from_at,
		.to = p->to_at,
		.from_reg = p->from_milli,
		.to_reg = p->to_milli,
		.ratio = p->ratio,
		.rolled = p->capacity_milli.milli != 0,
		.part = p->parts > 1,
		.qty = p->qty };
	return ERR_OK;
}

/* One page; *after is moved on, to the end of time when there is no more. */
static enum err page_read(
	struct billing_work *w, const struct bill_meter *m, struct utc *after, size_t *last)
{
	AUTO(rows_free) struct rows rows = { 0 };
	enum err e = db_list(w->db, &Q_PARTS,
		ARGS(arg_i64(m->id), arg_utc(*after), arg_utc(m->until), arg_i64(w->account_id),
			arg_i64(PAGE)),
		&rows);
	const struct part *p = rows.at;

	if (e == ERR_OK && rows.n == 0)
		after->ms = INT64_MAX;
	for (size_t i = 0; e == ERR_OK && i < rows.n; i++) {
		struct bill_line *l = line_find(&w->bill, last, m->id, &p[i]);

		*after = p[i].from_at.ms < m->to.ms ? p[i].to_at : (struct utc){ INT64_MAX };
		if (l)
			e = run_add(l, &p[i]);
	}
	return e;
}

static enum err readings_find(struct billing_work *w)
{
	enum err e = ERR_OK;

	for (size_t i = 0; i < w->meters_n; i++) {
		struct utc after = w->meters[i].from;
		size_t last = 0;

		while (e == ERR_OK && after.ms < INT64_MAX)
			e = page_read(w, &w->meters[i], &after, &last);
	}
	return e;
}

static enum err explain(struct bill_line *l)
{
	struct qty sum = { 0 };
	enum err e = ERR_OK;

	for (size_t i = 0; e == ERR_OK && i < l->runs_n; i++)
		e = qty_add(sum, l->runs[i].qty, &sum);
	l->explained = e == ERR_OK && sum.milli == l->qty.milli;
	return e;
}

enum err bill_read(struct db *db, int64_t account_id, const struct zone *z, struct day from,
	struct day to, struct bill *out)
{
	struct billing_work w = {
		.db = db, .account_id = account_id, .z = z, .from = from, .to = to
	};
	enum err e = db_tx(db, lines_tx, &w);

	if (e == ERR_OK)
		e = readings_find(&w);
	for (size_t i = 0; e == ERR_OK && i < w.bill.n; i++)
		e = explain(&w.bill.at[i]);
	free(w.meters);
	if (e != ERR_OK)
		bill_free(&w.bill);
	else
		*out = w.bill;
	return e;
}
