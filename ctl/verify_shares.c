/* Shares worked out once more: each line of a day was split among those who share it by their
 * weights, whole thousandths, what is left going one by one to the largest fractions, to the owner
 * before nobody. One line of one day is held at a time. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "base/zone.h"
#include "ctl/verify.h"

#define RUNS_BATCH 500

struct run {
	int64_t group_id;
	char day[DAY_TEXT_MAX];
	int64_t version;
};
#define F(member) FIELD(struct run, member)
SHAPE(run_shape, struct run, F(group_id), F(day), F(version));
#undef F
static const struct query Q_RUNS = {
	"SELECT group_id, day, version FROM share_run WHERE (group_id, day, version) > (?, ?, ?)"
	" ORDER BY group_id, day, version LIMIT ?",
	&run_shape
};

struct line { /* of the use that was split */
	int64_t meter_id;
	char rate[129];
	int64_t tier, price;
	int64_t of;  /* what was split */
	int64_t ofs; /* how many say otherwise */
	bool priced;
};
#define F(member) FIELD(struct line, member)
SHAPE(line_shape, struct line, F(meter_id), F(rate), F(tier), F(price), F(of), F(ofs), F(priced));
#undef F
static const struct query Q_LINES = {
	"SELECT l.meter_id, l.rate, l.tier, l.price_micro AS price, MAX(l.of_milli) AS `of`,"
	" COUNT(DISTINCT l.of_milli) - 1 AS ofs, l.tier > 0 AS priced FROM share_line l WHERE "
	"l.group_id = ? AND"
	" l.day = ? AND l.version = ? GROUP BY l.meter_id, l.rate, l.tier, l.price_micro",
	&line_shape
};

struct part {
	int64_t contract_id; /* 0: the owner, who is the last */
	int64_t weight, of_weight;
	int64_t qty;
	int64_t want, fraction; /* worked out */
};
struct part_row {
	int64_t contract_id;
	int64_t weight, of_weight;
	int64_t qty;
};
#define F(member) FIELD(struct part_row, member)
SHAPE(part_shape, struct part_row, F(contract_id), F(weight), F(of_weight), F(qty));
#undef F
static const struct query Q_PARTS = {
	"SELECT p.contract_id, p.weight, p.of_weight, COALESCE(l.qty_milli, 0) AS qty FROM "
	"share_part p"
	" LEFT JOIN share_line l ON l.group_id = p.group_id AND l.day = p.day AND l.version ="
	" p.version AND l.contract_id = p.contract_id AND l.meter_id = ? AND l.rate = ? AND l.tier "
	"= ?"
	" AND l.price_micro = ? WHERE p.group_id = ? AND p.day = ? AND p.version = ? UNION ALL"
	" SELECT 9223372036854775807, 0, 1, COALESCE((SELECT l.qty_milli FROM share_line l WHERE"
	" l.meter_id = ? AND l.rate = ? AND l.tier = ? AND l.price_micro = ? AND l.group_id = ? AND"
	" l.day = ? AND l.version = ? AND l.contract_id = 0), 0) ORDER BY contract_id",
	&part_shape
};

static void found(json_t *findings, const char *check, const struct run *r, const struct line *l,
	int64_t contract_id, int64_t have, int64_t want)
{
	char object[280], a[24], b[24];

	snprintf(object, sizeof(object),
		"share_line:%" PRId64 ":%s:%" PRId64 ":%" PRId64 ":%s:%" PRId64 ":%" PRId64,
		r->group_id, r->day, r->version, l->meter_id, l->rate, l->tier, contract_id);
	snprintf(a, sizeof(a), "%" PRId64, have);
	snprintf(b, sizeof(b), "%" PRId64, want);
	finding_add(findings, check, object, a, b);
}

/* Rounds every part down; how much is left then. The owner's weight is what the others lack. */
static int64_t round_down(struct part *p, size_t n, int64_t of, int64_t whole)
{
	int64_t left = of, rest = whole;

	for (size_t i = 0; i + 1 < n; i++)
		rest -= p[i].weight;
	p[n - 1].weight = rest;
	for (size_t i = 0; i < n; i++) {
		__int128 exact = (__int128)of * p[i].weight;

		p[i].want = (int64_t)(exact / whole);
		p[i].fraction = (int64_t)(exact % whole);
		left -= p[i].want;
	}
	return left;
}

/* One to each of the largest fractions; of equal ones to who stands first. */
static void round_up(struct part *p, size_t n, int64_t left)
{
	while (left-- > 0) {
		size_t best = 0;

		for (size_t i = 1; i < n; i++)
			if (p[i].fraction > p[best].fraction)
				best = i;
		p[best].want++;
		p[best].fraction = -1;
	}
}

static void line_check(
	json_t *findings, const struct run *r, const struct line *l, struct part *p, size_t n)
{
	int64_t whole = n > 1 ? p[0].of_weight : 1, sum = 0;

	for (size_t i = 0; i + 1 < n; i++) {
		if (p[i].of_weight != whole || p[i].weight < 0 || p[i].weight > whole - sum) {
			found(findings, "share_weights_are_of_one_whole", r, l, p[i].contract_id,
				p[i].weight, p[i].of_weight);
			return;
		}
		sum += p[i].weight;
		if (!l->priced) /* use without a price is the owner's */
			p[i].weight = 0;
	}
	round_up(p, n, round_down(p, n, l->of, whole));
	for (size_t i = 0; i < n; i++)
		if (p[i].qty != p[i].want)
			found(findings, "share_is_split_by_weight", r, l,
				i + 1 < n ? p[i].contract_id : 0, p[i].qty, p[i].want);
	if (l->ofs)
		found(findings, "share_line_is_of_one_quantity", r, l, 0, l->ofs + 1, 1);
}

static enum err line_load(
	struct db *db, const struct run *r, const struct line *l, json_t *findings)
{
	AUTO(rows_free) struct rows rows = { 0 };
	const struct part_row *row;
	struct part *parts;
	enum err e = db_list(db, &Q_PARTS,
		ARGS(arg_i64(l->meter_id), arg_text(l->rate), arg_i64(l->tier), arg_i64(l->price),
			arg_i64(r->group_id), arg_text(r->day), arg_i64(r->version),
			arg_i64(l->meter_id), arg_text(l->rate), arg_i64(l->tier),
			arg_i64(l->price), arg_i64(r->group_id), arg_text(r->day),
			arg_i64(r->version)),
		&rows);

	if (e != ERR_OK)
		return e;
	row = rows.at;
	parts = calloc(rows.n, sizeof(*parts));
	ASSERT(parts);
	for (size_t i = 0; i < rows.n; i++)
		parts[i] = (struct part){ .contract_id = row[i].contract_id,
			.weight = row[i].weight,
			.of_weight = row[i].of_weight,
			.qty = row[i].qty };
	line_check(findings, r, l, parts, rows.n);
	free(parts);
	return ERR_OK;
}

static enum err run_check(struct db *db, const struct run *r, json_t *findings)
{
	AUTO(rows_free) struct rows lines = { 0 };
	enum err e = db_list(db, &Q_LINES,
		ARGS(arg_i64(r->group_id), arg_text(r->day), arg_i64(r->version)), &lines);
	const struct line *l = lines.at;

	for (size_t i = 0; e == ERR_OK && i < lines.n; i++)
		e = line_load(db, r, &l[i], findings);
	return e;
}

enum err verify_shares(struct db *db, json_t *findings)
{
	struct run last = { .day = "0001-01-01" };
	size_t n;

	do {
		AUTO(rows_free) struct rows rows = { 0 };
		const struct run *r;
		enum err e = db_list(db, &Q_RUNS,
			ARGS(arg_i64(last.group_id), arg_text(last.day), arg_i64(last.version),
				arg_i64(RUNS_BATCH)),
			&rows);

		r = rows.at;
		n = rows.n;
		for (size_t i = 0; e == ERR_OK && i < n; i++)
			e = run_check(db, &r[i], findings);
		if (e != ERR_OK)
			return e;
		if (n > 0)
			last = r[n - 1];
	} while (n == RUNS_BATCH);
	return ERR_OK;
}
