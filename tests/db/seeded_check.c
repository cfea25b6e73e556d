/* What must hold after each hour, each sealed day, and at the end: the tables against the model,
 * and against each other. */
#include "seeded.h"

#include <stdlib.h>
#include <string.h>

#include "ctl/verify.h"

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
static const struct query Q_POSTED = {
	"SELECT p.account_id AS id, CAST(SUM(p.amount_nano) AS SIGNED) AS sum FROM posting p"
	" JOIN account a ON a.id = p.account_id AND a.kind = 'purse' WHERE p.entry_id > ?"
	" GROUP BY p.account_id",
	&sum_shape
};
static const struct query Q_OPEN = {
	"SELECT account_id AS id, CAST(SUM(charge_nano) AS SIGNED) AS sum FROM usage_day"
	" WHERE sealed = 0 AND account_id <> 0 GROUP BY account_id",
	&sum_shape
};
static const struct query Q_LAST_ENTRY = { "SELECT COALESCE(MAX(id), 0) AS id FROM entry",
	&id_shape };

struct purse_row {
	int64_t id, balance;
	char level[8];
	bool emergency;
};
#define F(member) FIELD(struct purse_row, member)
SHAPE(purse_shape, struct purse_row, F(id), F(balance), F(level), F(emergency));
#undef F
static const struct query Q_PURSES = {
	"SELECT id, balance_nano AS balance, level, emergency_at > 0 AS emergency FROM account"
	" WHERE kind = 'purse' ORDER BY id",
	&purse_shape
};

static struct purse *purse_of(struct world *w, int64_t id)
{
	CHECK(w, id > 1000 && id <= 1000 + (int64_t)w->purses_n, "no purse %lld", (long long)id);
	return &w->purses[id - 1001];
}

static void list(
	struct world *w, const struct query *q, const struct arg *args, size_t n, struct rows *out)
{
	assert_int_equal(db_list(w->root, q, args, n, out), ERR_OK);
}

static void entries_check(struct world *w)
{
	AUTO(rows_free) struct rows uneven = { 0 }, posted = { 0 };
	const struct sum_row *r;
	struct id_row last;

	list(w, &Q_UNEVEN, ARGS(arg_i64(w->last_entry)), &uneven);
	CHECK(w, uneven.n == 0, "entry %lld does not sum to zero",
		(long long)((const struct sum_row *)uneven.at)->id);
	list(w, &Q_POSTED, ARGS(arg_i64(w->last_entry)), &posted);
	r = posted.at;
	for (size_t i = 0; i < posted.n; i++)
		purse_of(w, r[i].id)->postings += r[i].sum;
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
		CHECK(w, str_eq(r[i].level, level_word(p->level)), "purse %lld is %s, should be %s",
			(long long)p->id, r[i].level, level_word(p->level));
		CHECK(w, r[i].emergency == p->emergency, "emergency credit of purse %lld",
			(long long)p->id);
	}
}

/* ---- use ---- */

struct use_row {
	char day[DAY_TEXT_MAX];
	int64_t contract_id, account_id, tariff_id, version_at;
	char rate[33];
	int64_t tier, price_micro, qty, charge;
};
#define F(member) FIELD(struct use_row, member)
SHAPE(use_shape, struct use_row, F(day), F(contract_id), F(account_id), F(tariff_id), F(version_at),
	F(rate), F(tier), F(price_micro), F(qty), F(charge));
#undef F
static const struct query Q_USE = {
	"SELECT CAST(u.day AS CHAR) AS day, contract_id, account_id, tariff_id, version_at, rate,"
	" tier, price_micro, CAST(SUM(qty_milli) AS SIGNED) AS qty, CAST(SUM(charge_nano) AS "
	"SIGNED)"
	" AS charge FROM usage_day u WHERE meter_id = ? AND u.day BETWEEN ? AND ? GROUP BY u.day,"
	" contract_id, account_id, tariff_id, version_at, rate, tier, price_micro",
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

/* The days that were settled since the last look; older ones cannot change any more. */
static void use_check(struct world *w, struct smeter *m)
{
	AUTO(rows_free) struct rows rows = { 0 };
	char from[DAY_TEXT_MAX], to[DAY_TEXT_MAX];
	const struct use_row *r;
	size_t want = 0, kept = 0;

	if (m->touched_to == 0)
		return;
	list(w, &Q_USE,
		ARGS(arg_i64(m->id), arg_text(day_text((struct day){ m->touched_from }, from)),
			arg_text(day_text((struct day){ m->touched_to }, to))),
		&rows);
	r = rows.at;
	for (size_t i = 0; i < rows.n; i++)
		line_check(w, m, &r[i]);
	for (size_t i = 0; i < m->lines_n; i++) {
		want += m->lines[i].day >= m->touched_from;
		if (m->lines[i].day >= m->touched_to - 4)
			m->lines[kept++] = m->lines[i];
	}
	CHECK(w, rows.n == want, "meter %lld since %s: %zu rows, should be %zu", (long long)m->id,
		from, rows.n, want);
	m->lines_n = kept;
	m->touched_to = 0;
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
	" b.kind SEPARATOR ',') FROM block b WHERE b.supply_point_id = p.id), '') AS blocks"
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
	bool off = m->manual || (arrears && m->keep_until <= seeded_now.ms);
	char blocks[200] = "";

	if (m->manual)
		snprintf(blocks, sizeof(blocks), "manual%s", arrears ? "," : "");
	if (arrears)
		snprintf(blocks + strlen(blocks), sizeof(blocks) - strlen(blocks),
			"arrears account:%lld", (long long)w->purses[h->purse].id);
	CHECK(w, str_eq(r->blocks, blocks), "point %lld is blocked by \"%s\", should be by \"%s\"",
		(long long)r->id, r->blocks, blocks);
	CHECK(w, str_eq(r->desired, off ? "off" : "on"), "point %lld should be %s, not %s",
		(long long)r->id, off ? "off" : "on", r->desired);
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
static const struct query Q_NOTICES = { "SELECT id, account_id, kind FROM notice WHERE id > ? AND "
					"kind IN ('low1', 'low2', 'arrears')"
					" ORDER BY id",
	&notice_shape };

static void notices_check(struct world *w)
{
	AUTO(rows_free) struct rows rows = { 0 };
	const struct notice_row *r;

	list(w, &Q_NOTICES, ARGS(arg_i64(w->last_notice)), &rows);
	r = rows.at;
	for (size_t i = 0; i < rows.n && i < w->news_n; i++)
		CHECK(w,
			r[i].account_id == w->news[i].account && str_eq(r[i].kind, w->news[i].kind),
			"notice %s of %lld, should be %s of %lld", r[i].kind,
			(long long)r[i].account_id, w->news[i].kind, (long long)w->news[i].account);
	CHECK(w, rows.n == w->news_n, "%zu notices, should be %zu", rows.n, w->news_n);
	if (rows.n)
		w->last_notice = r[rows.n - 1].id;
	w->news_n = 0;
}

/* ---- the identity of a day ---- */

struct day_row {
	int64_t id;
	int64_t recharge, sale, opening, energy, late, other, later, open_later, used;
};
#define F(member) FIELD(struct day_row, member)
SHAPE(day_shape, struct day_row, F(id), F(recharge), F(sale), F(opening), F(energy), F(late),
	F(other), F(later), F(open_later), F(used));
#undef F
#define SUM_OF(what) "CAST(COALESCE(SUM(IF(" what ", p.amount_nano, 0)), 0) AS SIGNED)"
static const struct query Q_DAY = { "SELECT a.id, " SUM_OF(
					    "e.book_day = d.day AND e.kind = "
					    "'recharge'") " AS recharge, " SUM_OF("e"
										  "."
										  "b"
										  "o"
										  "o"
										  "k"
										  "_"
										  "d"
										  "a"
										  "y"
										  " "
										  "="
										  " "
										  "d"
										  "."
										  "d"
										  "a"
										  "y"
										  " "
										  "A"
										  "N"
										  "D"
										  " "
										  "e"
										  "."
										  "k"
										  "i"
										  "n"
										  "d"
										  " "
										  "="
										  " "
										  "'"
										  "s"
										  "a"
										  "l"
										  "e"
										  "'") " AS "
										       "sale,"
										       " " SUM_OF("e."
												  "boo"
												  "k_"
												  "day"
												  " = "
												  "d."
												  "day"
												  " AN"
												  "D "
												  "e."
												  "kin"
												  "d "
												  "= "
												  "'op"
												  "eni"
												  "ng"
												  "'") " AS opening, " SUM_OF("e.book_day = d.day AND e.kind IN ('energy', 'water')") " AS energy, " SUM_OF("e.book_day = d.day AND e.kind = 'late_charge'") " AS late, " SUM_OF("e.book_day = d.day "
																																		 "AND e.kind NOT IN "
																																		 "('recharge', "
																																		 "'sale', 'opening', "
																																		 "'energy', 'water',"
																																		 " 'late_charge')") " A"
																																				    "S "
																																				    "ot"
																																				    "he"
																																				    "r,"
																																				    " " SUM_OF(
																																					    "e.book_day > "
																																					    "d.day") " AS "
																																						     "later"
																																						     ","
																																						     " CAST"
																																						     "(COAL"
																																						     "ESCE("
																																						     "(SELE"
																																						     "CT "
																																						     "SUM("
																																						     "u."
																																						     "charg"
																																						     "e_"
																																						     "nano)"
																																						     " FROM"
																																						     " usag"
																																						     "e_"
																																						     "day "
																																						     "u "
																																						     "WHERE"
																																						     " u."
																																						     "seale"
																																						     "d = "
																																						     "0 AND"
																																						     " u."
																																						     "accou"
																																						     "nt_"
																																						     "id = "
																																						     "a.id)"
																																						     ", 0) "
																																						     "AS "
																																						     "SIGNE"
																																						     "D) "
																																						     "AS "
																																						     "open_"
																																						     "later"
																																						     ","
																																						     " CAST"
																																						     "(COAL"
																																						     "ESCE("
																																						     "(SELE"
																																						     "CT "
																																						     "SUM("
																																						     "u."
																																						     "charg"
																																						     "e_"
																																						     "nano)"
																																						     " FROM"
																																						     " usag"
																																						     "e_"
																																						     "day "
																																						     "u "
																																						     "WHERE"
																																						     " u."
																																						     "accou"
																																						     "nt_"
																																						     "id = "
																																						     "a.id "
																																						     "AND"
																																						     " u."
																																						     "book_"
																																						     "day "
																																						     "= "
																																						     "d."
																																						     "day),"
																																						     " 0) "
																																						     "AS "
																																						     "SIGNE"
																																						     "D) "
																																						     "AS "
																																						     "used"
																																						     " FROM"
																																						     " ("
																																						     "SELEC"
																																						     "T "
																																						     "CAST("
																																						     "? AS "
																																						     "DATE)"
																																						     " AS "
																																						     "day) "
																																						     "d "
																																						     "JOIN "
																																						     "accou"
																																						     "nt a "
																																						     "ON "
																																						     "a."
																																						     "kind "
																																						     "= "
																																						     "'purs"
																																						     "e'"
																																						     " LEFT"
																																						     " JOIN"
																																						     " post"
																																						     "ing "
																																						     "p ON "
																																						     "p."
																																						     "accou"
																																						     "nt_"
																																						     "id = "
																																						     "a.id"
																																						     " LEFT"
																																						     " JOIN"
																																						     " entr"
																																						     "y e "
																																						     "ON "
																																						     "e.id "
																																						     "= "
																																						     "p."
																																						     "entry"
																																						     "_id "
																																						     "GROUP"
																																						     " BY "
																																						     "a.id,"
																																						     " d."
																																						     "day",
	&day_shape };
static const struct query Q_SEALED = { "SELECT COALESCE(DATEDIFF(MAX(day), '1970-01-01'), 0) AS id "
				       "FROM book_day WHERE sealed_at > 0",
	&id_shape };
static const struct query Q_REGISTERS = {
	"SELECT meter_id AS id, register_milli AS sum FROM settled WHERE read_at > 0", &sum_shape
};

/* opening + what came - what was used = closing. The day's charges are posted, all of them. */
static void identity_check(struct world *w, struct day day)
{
	AUTO(rows_free) struct rows rows = { 0 };
	char text[DAY_TEXT_MAX];
	const struct day_row *r;

	list(w, &Q_DAY, ARGS(arg_text(day_text(day, text))), &rows);
	r = rows.at;
	for (size_t i = 0; i < rows.n; i++) {
		struct purse *p = purse_of(w, r[i].id);
		int64_t closing = p->balance - r[i].later + r[i].open_later;
		int64_t flow = r[i].recharge + r[i].sale + r[i].opening + r[i].energy + r[i].late;

		CHECK(w, r[i].other == 0, "purse %lld on %s: entries of unknown kind",
			(long long)p->id, text);
		CHECK(w, p->closing + flow == closing,
			"purse %lld on %s: opening %lld, flow %lld, closing %lld", (long long)p->id,
			text, (long long)p->closing, (long long)flow, (long long)closing);
		CHECK(w, r[i].energy + r[i].late == -r[i].used,
			"purse %lld on %s: posted %lld, used %lld", (long long)p->id, text,
			(long long)(r[i].energy + r[i].late), (long long)r[i].used);
		p->closing = closing;
	}
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
	identity_check(w, (struct day){ w->sealed });
	registers_check(w);
}

/* ---- the whole ---- */

void check_hour(struct world *w)
{
	entries_check(w);
	purses_check(w);
	for (size_t i = 0; i < w->meters_n; i++)
		use_check(w, &w->meters[i]);
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
