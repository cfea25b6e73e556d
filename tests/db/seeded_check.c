/* What must hold after each hour, each sealed day, and at the end: the tables against the model,
 * and against each other. */
#include "seeded.h"

#include <stdlib.h>
#include <string.h>

#include "ctl/verify.h"
#include "report/energy_money.h"

/* ---- books ---- */

struct sum_row {
	int64_t id;
	int64_t sum;
};
SHAPE(sum_shape, struct sum_row, FIELD(struct sum_row, id), FIELD(struct sum_row, sum));
static const struct query Q_UNEVEN = {
	"SELECT entry_id AS id, CAST(SUM(amount_nano) AS SIGNED) AS sum FROM posting WHERE "
	"entry_id > ?"
	" GROUP BY entry_id HAVING SUM(amount_nano) <> 0 OR COUNT(*) < 2",
	&sum_shape
};
struct posted_row {
	int64_t id;
	char code[129];
	int64_t sum;
};
#define F(member) FIELD(struct posted_row, member)
SHAPE(posted_shape, struct posted_row, F(id), F(code), F(sum));
#undef F
static const struct query Q_POSTED = {
	"SELECT p.account_id AS id, IF(a.kind = 'purse', '', a.code) AS code,"
	" CAST(SUM(p.amount_nano) AS SIGNED) AS sum FROM posting p"
	" JOIN account a ON a.id = p.account_id WHERE p.entry_id > ? GROUP BY p.account_id",
	&posted_shape
};
static const struct query Q_OPEN = {
	"SELECT account_id AS id, CAST(SUM(charge_nano) AS SIGNED) AS sum FROM usage_day"
	" WHERE sealed = 0 AND account_id <> 0 GROUP BY account_id",
	&sum_shape
};
static const struct query Q_LAST_ENTRY = { "SELECT COALESCE(MAX(id), 0) AS id FROM entry",
	&id_shape };

struct purse_row {
	int64_t id, balance, subsidy, allowance;
	char level[8];
	bool emergency;
};
#define F(member) FIELD(struct purse_row, member)
SHAPE(purse_shape, struct purse_row, F(id), F(balance), F(subsidy), F(allowance), F(level),
	F(emergency));
#undef F
static const struct query Q_PURSES = {
	"SELECT id, balance_nano AS balance, subsidy_nano AS subsidy, allowance_nano AS allowance,"
	" level, emergency_at > 0 AS emergency FROM account WHERE kind = 'purse' ORDER BY id",
	&purse_shape
};

static struct purse *purse_of(struct world *w, int64_t id)
{
	struct purse *p = purse_by_id(w, id);

	CHECK(w, p, "no purse %lld", (long long)id);
	return p;
}

static void list(
	struct world *w, const struct query *q, const struct arg *args, size_t n, struct rows *out)
{
	assert_int_equal(db_list(w->root, q, args, n, out), ERR_OK);
}

/* Energy and water come when days are sealed; entries sum to zero, so they are right when the
 * others are. */
static void books_check(struct world *w)
{
	for (size_t i = 0; i < w->books_n; i++) {
		const struct book *b = &w->books[i];

		if (str_eq(b->code, "energy") || str_eq(b->code, "water"))
			continue;
		CHECK(w, b->have == b->want, "account %s holds %lld, should hold %lld", b->code,
			(long long)b->have, (long long)b->want);
	}
}

static void book_have(struct world *w, const char *code, int64_t nano)
{
	size_t i = 0;

	book(w, code, 0);
	while (!str_eq(w->books[i].code, code))
		i++;
	w->books[i].have += nano;
}

static void entries_check(struct world *w)
{
	AUTO(rows_free) struct rows uneven = { 0 }, posted = { 0 };
	const struct posted_row *r;
	struct id_row last;

	list(w, &Q_UNEVEN, ARGS(arg_i64(w->last_entry)), &uneven);
	CHECK(w, uneven.n == 0, "entry %lld does not sum to zero",
		(long long)((const struct sum_row *)uneven.at)->id);
	list(w, &Q_POSTED, ARGS(arg_i64(w->last_entry)), &posted);
	r = posted.at;
	for (size_t i = 0; i < posted.n; i++) {
		if (r[i].code[0])
			book_have(w, r[i].code, r[i].sum);
		else
			purse_of(w, r[i].id)->postings += r[i].sum;
	}
	assert_int_equal(db_one(w->root, &Q_LAST_ENTRY, NO_ARGS, &last), ERR_OK);
	w->last_entry = last.id;
}

static int64_t open_of(const struct rows *open, int64_t id)
{
	const struct sum_row *r = open->at;

	for (size_t i = 0; i < open->n; i++)
		if (r[i].id == id)
			return r[i].sum;
	return 0;
}

/* Balance = the model's = postings - charges of open days; level = the model's. */
static void purses_check(struct world *w)
{
	AUTO(rows_free) struct rows purses = { 0 }, open = { 0 };
	const struct purse_row *r;

	list(w, &Q_PURSES, NO_ARGS, &purses);
	list(w, &Q_OPEN, NO_ARGS, &open);
	r = purses.at;
	assert_int_equal(purses.n, w->purses_n);
	for (size_t i = 0; i < purses.n; i++) {
		const struct purse *p = purse_of(w, r[i].id);

		CHECK(w, r[i].balance == p->balance, "purse %lld has %lld, should have %lld",
			(long long)p->id, (long long)r[i].balance, (long long)p->balance);
		CHECK(w, r[i].balance == p->postings - open_of(&open, p->id),
			"purse %lld: balance %lld, postings %lld, open %lld", (long long)p->id,
			(long long)r[i].balance, (long long)p->postings,
			(long long)open_of(&open, p->id));
		CHECK(w, r[i].subsidy == p->subsidy && r[i].allowance == p->allowance,
			"purse %lld: subsidy %lld and allowance %lld, should be %lld and %lld",
			(long long)p->id, (long long)r[i].subsidy, (long long)r[i].allowance,
			(long long)p->subsidy, (long long)p->allowance);
		CHECK(w, str_eq(r[i].level, level_word(p->level)), "purse %lld is %s, should be %s",
			(long long)p->id, r[i].level, level_word(p->level));
		CHECK(w, r[i].emergency == p->emergency, "emergency credit of purse %lld",
			(long long)p->id);
	}
}

/* ---- use ---- */

struct use_row {
	int64_t meter_id;
	char day[DAY_TEXT_MAX];
	int64_t contract_id, account_id, tariff_id, version_at;
	char rate[33];
	int64_t tier, price_micro, qty, charge;
};
#define F(member) FIELD(struct use_row, member)
SHAPE(use_shape, struct use_row, F(meter_id), F(day), F(contract_id), F(account_id), F(tariff_id),
	F(version_at), F(rate), F(tier), F(price_micro), F(qty), F(charge));
#undef F
/* Of each meter named, the days named. */
static const struct query Q_USE = {
	"SELECT STRAIGHT_JOIN u.meter_id, CAST(u.day AS CHAR) AS day, u.contract_id, u.account_id,"
	" u.tariff_id, u.version_at, u.rate, u.tier, u.price_micro,"
	" CAST(SUM(u.qty_milli) AS SIGNED) AS qty, CAST(SUM(u.charge_nano) AS SIGNED) AS charge"
	" FROM JSON_TABLE(?, '$[*]' COLUMNS (id BIGINT PATH '$[0]', first CHAR(10) PATH '$[1]',"
	" last CHAR(10) PATH '$[2]')) k JOIN usage_day u ON u.meter_id = k.id"
	" AND u.day BETWEEN CAST(k.first AS DATE) AND CAST(k.last AS DATE) GROUP BY u.meter_id,"
	" u.day, u.contract_id, u.account_id, u.tariff_id, u.version_at, u.rate, u.tier,"
	" u.price_micro ORDER BY u.meter_id",
	&use_shape
};

static void line_check(struct world *w, const struct smeter *m, const struct use_row *r)
{
	struct day d;

	assert_int_equal(day_parse(r->day, &d), ERR_OK);
	for (size_t i = 0; i < m->lines_n; i++) {
		const struct use_line *u = &m->lines[i];

		if (u->day != d.days || u->contract != r->contract_id ||
			u->account != r->account_id || u->tariff != r->tariff_id ||
			u->version != r->version_at || u->tier != r->tier ||
			u->price != r->price_micro || !str_eq(u->rate, r->rate))
			continue;
		CHECK(w, u->qty == r->qty && u->charge == r->charge,
			"meter %lld on %s at %s tier %lld: %lld and %lld, should be %lld and %lld",
			(long long)m->id, r->day, r->rate, (long long)r->tier, (long long)r->qty,
			(long long)r->charge, (long long)u->qty, (long long)u->charge);
		return;
	}
	CHECK(w, false, "meter %lld on %s at %s tier %lld: %lld that should not be",
		(long long)m->id, r->day, r->rate, (long long)r->tier, (long long)r->qty);
}

static void meter_use_check(struct world *w, struct smeter *m, const struct use_row *rows, size_t n)
{
	size_t want = 0, kept = 0;

	for (size_t i = 0; i < n; i++)
		line_check(w, m, &rows[i]);
	for (size_t i = 0; i < m->lines_n; i++) {
		want += m->lines[i].day >= m->touched_from;
		if (m->lines[i].day >= m->touched_to - 4)
			m->lines[kept++] = m->lines[i];
	}
	CHECK(w, n == want, "meter %lld since day %d: %zu rows, should be %zu", (long long)m->id,
		(int)m->touched_from, n, want);
	m->lines_n = kept;
	m->touched_to = 0;
}

static bool touched_list(const struct world *w, struct buf *out)
{
	char from[DAY_TEXT_MAX], to[DAY_TEXT_MAX];

	for (size_t i = 0; i < w->meters_n; i++) {
		const struct smeter *m = &w->meters[i];

		if (m->touched_to)
			buf_printf(out, "%s[%lld, \"%s\", \"%s\"]", out->len ? ", " : "[",
				(long long)m->id, day_text((struct day){ m->touched_from }, from),
				day_text((struct day){ m->touched_to }, to));
	}
	if (!out->len)
		return false;
	buf_printf(out, "]");
	return true;
}

/* The days that were settled since the last look; older ones cannot change any more. */
static void use_check(struct world *w)
{
	AUTO(rows_free) struct rows rows = { 0 };
	AUTO(buf_free) struct buf touched = { 0 };
	const struct use_row *r;
	size_t at = 0;

	if (!touched_list(w, &touched))
		return;
	list(w, &Q_USE, ARGS(arg_text(touched.text)), &rows);
	r = rows.at;
	for (size_t i = 0; i < w->meters_n; i++) {
		struct smeter *m = &w->meters[i];
		size_t first = at;

		while (at < rows.n && r[at].meter_id == m->id)
			at++;
		if (m->touched_to)
			meter_use_check(w, m, r + first, at - first);
	}
	assert_int_equal(at, rows.n);
}

/* ---- supply ---- */

struct point_row {
	int64_t id;
	char desired[8], observed[8], deferred[17];
	bool pending, switched_off;
	char blocks[200];
};
#define F(member) FIELD(struct point_row, member)
SHAPE(point_shape, struct point_row, F(id), F(desired), F(observed), F(deferred), F(pending),
	F(switched_off), F(blocks));
#undef F
static const struct query Q_POINTS = {
	"SELECT p.id, p.desired, p.observed, p.deferred, p.pending, p.desired = 'off' AS "
	"switched_off,"
	" COALESCE((SELECT GROUP_CONCAT(b.kind, IF(b.cause = '', '', CONCAT(' ', b.cause)) ORDER BY"
	" CAST(b.kind AS CHAR) SEPARATOR ',') FROM block b WHERE b.supply_point_id = p.id), '') AS "
	"blocks"
	" FROM supply_point p ORDER BY p.id",
	&point_shape
};

/* Every block has its cause, desired follows from blocks and keep, and what is pending says why it
 * was put off. */
static void point_check(struct world *w, const struct point_row *r)
{
	const struct smeter *m = &w->meters[r->id - 1];
	const struct hold *h = model_hold(m, seeded_now.ms);
	bool arrears = m->charged && h && w->purses[h->purse].level == LEVEL_ARREARS;
	bool off = supply_off(w, m);
	const char *want = off						       ? "off"
			   : m->keeps_credit && m->keep_until <= seeded_now.ms ? "auto"
									       : "on";
	char blocks[200] = "";

	if (arrears)
		snprintf(blocks, sizeof(blocks), ",arrears account:%lld",
			(long long)w->purses[h->purse].id);
	snprintf(blocks + strlen(blocks), sizeof(blocks) - strlen(blocks), "%s%s%s%s",
		m->manual ? ",manual" : "", m->load.blocked ? ",overload" : "",
		schedule_off(w, m) ? ",schedule" : "", m->vacant ? ",vacant" : "");
	memmove(blocks, blocks + (blocks[0] != '\0'), strlen(blocks) + !blocks[0]);
	CHECK(w, str_eq(r->blocks, blocks), "point %lld is blocked by \"%s\", should be by \"%s\"",
		(long long)r->id, r->blocks, blocks);
	CHECK(w, str_eq(r->desired, want), "point %lld should be %s, not %s", (long long)r->id,
		want, r->desired);
	CHECK(w, !r->deferred[0] || (r->pending && off), "point %lld is deferred (%s) without need",
		(long long)r->id, r->deferred);
}

static void points_check(struct world *w)
{
	AUTO(rows_free) struct rows rows = { 0 };
	const struct point_row *r;

	list(w, &Q_POINTS, NO_ARGS, &rows);
	r = rows.at;
	for (size_t i = 0; i < rows.n; i++)
		point_check(w, &r[i]);
}

/* ---- notices: one for each crossing, in their order ---- */

struct notice_row {
	int64_t id, account_id;
	char kind[25];
};
#define F(member) FIELD(struct notice_row, member)
SHAPE(notice_shape, struct notice_row, F(id), F(account_id), F(kind));
#undef F
static const struct query Q_NOTICES = {
	"SELECT id, account_id, kind FROM notice WHERE id > ? AND "
	"kind IN ('low1', 'low2', 'arrears', 'fee_low', 'fee_short')"
	" ORDER BY id",
	&notice_shape
};

/* The next that must come to an account; those of one account come in their order. */
static struct news *news_of(struct world *w, int64_t account)
{
	for (size_t i = 0; i < w->news_n; i++)
		if (w->news[i].account == account && w->news[i].kind)
			return &w->news[i];
	return NULL;
}

static void notices_check(struct world *w)
{
	AUTO(rows_free) struct rows rows = { 0 };
	const struct notice_row *r;

	list(w, &Q_NOTICES, ARGS(arg_i64(w->last_notice)), &rows);
	r = rows.at;
	for (size_t i = 0; i < rows.n; i++) {
		struct news *n = news_of(w, r[i].account_id);

		CHECK(w, n && str_eq(r[i].kind, n->kind), "notice %s of %lld, should be %s",
			r[i].kind, (long long)r[i].account_id, n ? n->kind : "none");
		n->kind = NULL;
	}
	CHECK(w, rows.n == w->news_n, "%zu notices, should be %zu", rows.n, w->news_n);
	if (rows.n)
		w->last_notice = r[rows.n - 1].id;
	w->news_n = 0;
}

/* ---- the identity of a day ---- */

struct flow_row {
	int64_t id;
	char kind[25]; /* of entry; "" those of later days */
	int64_t sum;
};
#define F(member) FIELD(struct flow_row, member)
SHAPE(flow_shape, struct flow_row, F(id), F(kind), F(sum));
#undef F
/* Later days are few: one, or two. */
static const struct query Q_FLOWS = {
	"SELECT p.account_id AS id, IF(e.book_day = ?, e.kind, '') AS kind,"
	" CAST(SUM(p.amount_nano) AS SIGNED) AS sum FROM entry e JOIN posting p ON p.entry_id = "
	"e.id"
	" JOIN account a ON a.id = p.account_id AND a.kind = 'purse'"
	" WHERE e.site_id = 1 AND e.book_day >= ? GROUP BY 1, 2",
	&flow_shape
};
static const struct query Q_USED = {
	"SELECT account_id AS id, CAST(SUM(charge_nano) AS SIGNED) AS sum FROM usage_day"
	" WHERE book_day = ? AND account_id <> 0 GROUP BY account_id",
	&sum_shape
};
static const struct query Q_SEALED = { "SELECT COALESCE(DATEDIFF(MAX(day), '1970-01-01'), 0) AS id "
				       "FROM book_day WHERE sealed_at > 0",
	&id_shape };
static const struct query Q_REGISTERS = {
	"SELECT meter_id AS id, register_milli AS sum FROM settled WHERE read_at > 0", &sum_shape
};

/* What moves a purse, by the classes of the report; by hand, once more. */
static const struct {
	const char *kind, *class;
} classes[] = {
	{ "recharge", "recharge" },
	{ "sale", "recharge" },
	{ "subsidy", "subsidy" },
	{ "allowance", "subsidy" },
	{ "subsidy_back", "subsidy" },
	{ "opening", "transfer" },
	{ "transfer", "transfer" },
	{ "deposit_out", "transfer" },
	{ "debt", "transfer" },
	{ "closing", "transfer" },
	{ "purchase", "transfer" },
	{ "purchase_failed", "transfer" },
	{ "meter_return", "transfer" },
	{ "energy", "energy" },
	{ "water", "energy" },
	{ "late_charge", "late" },
	{ "share", "share" },
	{ "property_fee", "fee" },
	{ "rent", "fee" },
	{ "refund", "refund" },
	{ "payout", "refund" },
	{ "correction", "correction" },
	{ "write_off", "correction" },
	{ "reversal", "reversal" },
};

static enum movement_class class_of(struct world *w, const char *kind)
{
	enum movement_class c = 0;
	size_t i = 0;

	while (i < ARRAY_LEN(classes) && !str_eq(classes[i].kind, kind))
		i++;
	CHECK(w, i < ARRAY_LEN(classes), "an entry of the kind %s moves a purse", kind);
	while (!str_eq(movement_word(c), classes[i].class))
		c++;
	return c;
}

struct day_flow {
	int64_t moves[MOVE__MAX], later, used;
};

static void flows_load(struct world *w, struct day day, struct day_flow *flows)
{
	AUTO(rows_free) struct rows rows = { 0 }, used = { 0 };
	char text[DAY_TEXT_MAX];
	struct arg d = arg_text(day_text(day, text));
	const struct flow_row *r;
	const struct sum_row *u;

	list(w, &Q_FLOWS, ARGS(d, d), &rows);
	r = rows.at;
	for (size_t i = 0; i < rows.n; i++) {
		struct day_flow *f = &flows[purse_of(w, r[i].id) - w->purses];

		*(r[i].kind[0] ? &f->moves[class_of(w, r[i].kind)] : &f->later) += r[i].sum;
	}
	list(w, &Q_USED, ARGS(d), &used);
	u = used.at;
	for (size_t i = 0; i < used.n; i++)
		flows[purse_of(w, u[i].id) - w->purses].used = u[i].sum;
}

/* opening + what came - what was used = closing. The day's charges are posted, all of them. */
static void identity_check(
	struct world *w, struct purse *p, const struct day_flow *f, int64_t open, const char *day)
{
	int64_t closing = p->balance - f->later + open, flow = 0;

	for (enum movement_class c = 0; c < MOVE__MAX; c++)
		flow += f->moves[c];
	CHECK(w, p->closing + flow == closing,
		"purse %lld on %s: opening %lld, flow %lld, closing %lld", (long long)p->id, day,
		(long long)p->closing, (long long)flow, (long long)closing);
	CHECK(w, f->moves[MOVE_ENERGY] + f->moves[MOVE_LATE] == -f->used,
		"purse %lld on %s: posted %lld, used %lld", (long long)p->id, day,
		(long long)(f->moves[MOVE_ENERGY] + f->moves[MOVE_LATE]), (long long)f->used);
	p->opening = p->closing;
	p->closing = closing;
}

/* The report says so too, in every row. */
static void report_check(struct world *w, struct day day, const struct day_flow *flows)
{
	AUTO(energy_money_free) struct energy_money r = { 0 };
	const struct energy_money_row *row;

	assert_int_equal(energy_money(w->root, 1, 1, day, day, &r), ERR_OK);
	CHECK(w, r.rows.n == w->purses_n, "%zu rows, should be %zu", r.rows.n, w->purses_n);
	row = r.rows.at;
	for (size_t i = 0; i < r.rows.n; i++) {
		const struct purse *p = purse_of(w, row[i].account_id);
		const struct day_flow *f = &flows[p - w->purses];
		int64_t sum = row[i].opening.nano;

		for (enum movement_class c = 0; c < MOVE__MAX; c++) {
			sum += row[i].moves[c].nano;
			CHECK(w, row[i].moves[c].nano == f->moves[c],
				"report of purse %lld: %s %lld, should be %lld", (long long)p->id,
				movement_word(c), (long long)row[i].moves[c].nano,
				(long long)f->moves[c]);
		}
		CHECK(w,
			sum == row[i].closing.nano && row[i].opening.nano == p->opening &&
				row[i].closing.nano == p->closing,
			"report of purse %lld: %lld to %lld, moved by %lld, should be %lld to %lld",
			(long long)p->id, (long long)row[i].opening.nano,
			(long long)row[i].closing.nano, (long long)(sum - row[i].opening.nano),
			(long long)p->opening, (long long)p->closing);
	}
}

static void day_check(struct world *w, struct day day)
{
	AUTO(rows_free) struct rows open = { 0 };
	struct day_flow *flows = calloc(w->purses_n, sizeof(*flows));
	char text[DAY_TEXT_MAX];

	ASSERT(flows);
	flows_load(w, day, flows);
	list(w, &Q_OPEN, NO_ARGS, &open);
	day_text(day, text);
	for (size_t i = 0; i < w->purses_n; i++)
		identity_check(w, &w->purses[i], &flows[i], open_of(&open, w->purses[i].id), text);
	report_check(w, day, flows);
	free(flows);
}

static void registers_check(struct world *w)
{
	AUTO(rows_free) struct rows rows = { 0 };
	const struct sum_row *r;

	list(w, &Q_REGISTERS, NO_ARGS, &rows);
	r = rows.at;
	for (size_t i = 0; i < rows.n; i++)
		CHECK(w, r[i].sum == w->meters[r[i].id - 1].last_reg,
			"meter %lld is settled up to %lld, should be %lld", (long long)r[i].id,
			(long long)r[i].sum, (long long)w->meters[r[i].id - 1].last_reg);
}

static void sealed_check(struct world *w)
{
	struct id_row last;

	assert_int_equal(db_one(w->root, &Q_SEALED, NO_ARGS, &last), ERR_OK);
	if (last.id <= w->sealed)
		return;
	CHECK(w, last.id == w->sealed + 1, "more than one day was sealed at once");
	w->sealed = (int32_t)last.id;
	day_check(w, (struct day){ w->sealed });
	registers_check(w);
}

/* ---- the whole ---- */

void check_hour(struct world *w)
{
	entries_check(w);
	use_check(w);
	books_check(w);
	purses_check(w);
	points_check(w);
	notices_check(w);
	sealed_check(w);
}

void check_end(struct world *w)
{
	AUTO(json_free) json_t *findings = json_array();
	AUTO(json_free) json_t *first = NULL;

	assert_int_equal(verify_run(w->root, findings), ERR_OK);
	first = json_incref(json_array_get(findings, 0));
	CHECK(w, json_array_size(findings) == 0, "%zu findings, first %s",
		json_array_size(findings), json_text(first));
	CHECK(w, w->sealed >= zone_local(w->zone, seeded_now).day.days - 2, "days stay open");
}
