#include "domain/sharerun.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "domain/account.h"
#include "domain/alarm.h"
#include "domain/site.h"
#include "rules/share.h"

#define WAIT_MS (INT64_C(72) * 3600 * 1000)
#define DAYS_AT_ONCE 40
#define LATE_DAYS 2 /* late energy is looked for in book days so far back, and in all open ones */

/* ---- what is to be shared ---- */

struct source_line {  /* use of a source on the day, at one price */
	int64_t line; /* of the source */
	int64_t sign;
	int64_t meter_id;
	char rate[129];
	int64_t tier;
	struct price price;
	bool priced;
	struct qty qty;
	struct money charge;
};
#define F(member) FIELD(struct source_line, member)
SHAPE(line_shape, struct source_line, F(line), F(sign), F(meter_id), F(rate), F(tier), F(price),
	F(priced), F(qty), F(charge));
#undef F
static const struct query Q_LINES = {
	"SELECT s.line, s.sign, s.meter_id, u.rate, u.tier, u.price_micro AS price,"
	" u.tariff_id <> 0 AS priced, CAST(SUM(u.qty_milli) AS SIGNED) AS qty,"
	" CAST(SUM(u.charge_nano) AS SIGNED) AS charge FROM share_source s"
	" JOIN usage_day u ON u.meter_id = s.meter_id AND u.day = ? WHERE s.group_id = ?"
	" GROUP BY s.line, s.sign, s.meter_id, u.rate, u.tier, u.price_micro, u.tariff_id <> 0"
	" ORDER BY s.line, u.rate, u.tier, u.price_micro, priced",
	&line_shape
};

struct target_row { /* a sharer of the day, and what its last version said */
	int64_t contract_id;
	int64_t weight;
	struct utc start_at, end_at;
	struct money before;
};
#define F(member) FIELD(struct target_row, member)
SHAPE(target_shape, struct target_row, F(contract_id), F(weight), F(start_at), F(end_at),
	F(before));
#undef F
static const struct query Q_TARGETS = {
	"SELECT x.contract_id, x.weight, c.start_at, c.end_at, COALESCE(p.charge_nano, 0) AS"
	" `before` FROM share_target x JOIN contract c ON c.id = x.contract_id"
	" LEFT JOIN share_part p ON p.group_id = x.group_id AND p.day = ? AND p.version = ?"
	" AND p.contract_id = x.contract_id WHERE x.group_id = ? AND x.from_day ="
	" (SELECT MAX(y.from_day) FROM share_target y WHERE y.group_id = x.group_id"
	" AND y.from_day <= ?) ORDER BY x.contract_id",
	&target_shape
};

struct run_row {
	int64_t version;
	struct qty seen;
	struct money seen_charge;
};
#define F(member) FIELD(struct run_row, member)
SHAPE(run_shape, struct run_row, F(version), F(seen), F(seen_charge));
#undef F
static const struct query Q_LAST = {
	"SELECT version, seen_milli AS seen, seen_nano AS seen_charge FROM share_run"
	" WHERE group_id = ? AND day = ? ORDER BY version DESC LIMIT 1",
	&run_shape
};
static const struct query Q_LOCK = { "SELECT id FROM share_group WHERE id = ? FOR UPDATE",
	&id_shape };
static const struct query Q_UNREAD = {
	"SELECT COUNT(*) AS id FROM share_source s LEFT JOIN settled t ON t.meter_id = s.meter_id"
	" WHERE s.group_id = ? AND COALESCE(t.read_at, 0) < ?",
	&id_shape
};

/* ---- the work of one day ---- */

struct part_row {
	int64_t group_id;
	char day[DAY_TEXT_MAX];
	int64_t version;
	int64_t contract_id;
	int64_t weight, of_weight;
	struct qty qty_milli;
	struct money charge_nano;
	int64_t account_id;
	/* not columns */
	struct money before;
	bool ended; /* by now: it has no purse that could pay */
	int64_t entry_id;
};

struct line_row {
	int64_t group_id;
	char day[DAY_TEXT_MAX];
	int64_t version;
	int64_t contract_id;
	int64_t meter_id;
	char rate[129];
	int64_t tier;
	struct price price_micro;
	struct qty of_milli;
	struct qty qty_milli;
	struct money charge_nano;
};
#define F(member) FIELD(struct line_row, member)
SHAPE(line_row_shape, struct line_row, F(group_id), F(day), F(version), F(contract_id), F(meter_id),
	F(rate), F(tier), F(price_micro), F(of_milli), F(qty_milli), F(charge_nano));
#undef F

struct work {
	struct share_group group;
	struct day day;
	char day_text[DAY_TEXT_MAX];
	struct utc now;
	struct utc begins, ends; /* of the day */
	bool complete;
	struct run_row last, seen; /* version 0: none */
	int64_t version;
	struct rows lines;   /* struct source_line */
	struct rows targets; /* struct target_row */
	int64_t of_weight;
	struct part_row *parts; /* one for each target, by contract */
	size_t parts_n;
	struct sharer *sharers; /* room for the parts */
	struct line_row *out;
	size_t out_n, out_cap;
	struct qty net, qty, owner;
	struct money charge, owner_charge;
	bool unpriced;
};

static void work_clear(struct work *w)
{
	rows_free(&w->lines);
	rows_free(&w->targets);
	free(w->parts);
	free(w->sharers);
	free(w->out);
	w->parts = NULL;
	w->sharers = NULL;
	w->out = NULL;
	w->parts_n = w->out_n = w->out_cap = 0;
	w->net = w->qty = w->owner = (struct qty){ 0 };
	w->charge = w->owner_charge = (struct money){ 0 };
	w->unpriced = false;
}

static void *room(size_t n, size_t size)
{
	void *p = calloc(n ? n : 1, size);

	ASSERT(p);
	return p;
}

/* ---- weights ---- */

/* Whole seconds of the day in which the contract was in force. */
static int64_t seconds_in_force(const struct work *w, const struct target_row *t)
{
	int64_t from = t->start_at.ms > w->begins.ms ? t->start_at.ms : w->begins.ms;
	int64_t to = t->end_at.ms && t->end_at.ms < w->ends.ms ? t->end_at.ms : w->ends.ms;

	return to > from ? (to - from) / 1000 : 0;
}

/* Those who were there at some time of the day; their full weights make the whole, except for
 * ratios, which are parts of a fixed whole. */
static enum err weigh(struct work *w)
{
	const struct target_row *t = w->targets.at;
	int64_t seconds = (w->ends.ms - w->begins.ms) / 1000, whole = 0;

	w->parts = room(w->targets.n, sizeof(*w->parts));
	w->sharers = room(w->targets.n, sizeof(*w->sharers));
	for (size_t i = 0; i < w->targets.n; i++) {
		int64_t in_force = seconds_in_force(w, &t[i]);
		struct part_row *p = &w->parts[w->parts_n];

		if (in_force == 0 && t[i].before.nano == 0)
			continue;
		*p = (struct part_row){ .group_id = w->group.id,
			.version = w->version,
			.contract_id = t[i].contract_id,
			.before = t[i].before,
			.ended = t[i].end_at.ms && t[i].end_at.ms <= w->now.ms };
		memcpy(p->day, w->day_text, sizeof(p->day));
		if (__builtin_mul_overflow(t[i].weight, in_force, &p->weight))
			return ERR_OVERFLOW;
		if (in_force > 0 && __builtin_add_overflow(whole, t[i].weight, &whole))
			return ERR_OVERFLOW;
		w->parts_n++;
	}
	if (str_eq(w->group.basis, "ratio"))
		whole = SHARE_WHOLE;
	if (whole == 0) /* nobody: all is the owner's */
		whole = 1;
	if (__builtin_mul_overflow(whole, seconds, &w->of_weight))
		return ERR_OVERFLOW;
	for (size_t i = 0; i < w->parts_n; i++)
		w->parts[i].of_weight = w->of_weight;
	return ERR_OK;
}

/* ---- lines ---- */

static void out_add(struct work *w, const struct source_line *l, int64_t contract_id, struct qty q,
	struct money charge)
{
	struct line_row *o;

	if (w->out_n == w->out_cap) {
		w->out_cap = w->out_cap ? w->out_cap * 2 : 64;
		w->out = realloc(w->out, w->out_cap * sizeof(*w->out));
		ASSERT(w->out);
	}
	o = &w->out[w->out_n++];
	*o = (struct line_row){ .group_id = w->group.id,
		.version = w->version,
		.contract_id = contract_id,
		.meter_id = l->meter_id,
		.tier = l->tier,
		.price_micro = l->price,
		.of_milli = l->qty,
		.qty_milli = q,
		.charge_nano = charge };
	memcpy(o->day, w->day_text, sizeof(o->day));
	memcpy(o->rate, l->rate, sizeof(o->rate));
}

static enum err count(
	struct qty q, struct price p, struct qty *qty, struct money *sum, struct money *charge)
{
	enum err e = qty_charge(q, p, charge);

	if (e == ERR_OK)
		e = qty_add(*qty, q, qty);
	return e == ERR_OK ? money_add(*sum, *charge, sum) : e;
}

/* Parts stand by contract, and so do the sharers that come back. */
static enum err line_split(struct work *w, const struct source_line *l)
{
	struct money charge;
	struct qty owner = l->qty;
	enum err e = ERR_OK;

	for (size_t i = 0; i < w->parts_n; i++)
		w->sharers[i] = (struct sharer){ .id = w->parts[i].contract_id,
			.weight = l->priced ? w->parts[i].weight : 0 };
	if (l->qty.milli == 0)
		return ERR_OK;
	e = share_split(l->qty, w->of_weight, w->sharers, w->parts_n, &owner);
	for (size_t i = 0; e == ERR_OK && i < w->parts_n; i++) {
		struct part_row *p = &w->parts[i];
		struct qty q = w->sharers[i].part;

		e = count(q, l->price, &p->qty_milli, &p->charge_nano, &charge);
		if (e == ERR_OK && q.milli > 0)
			out_add(w, l, p->contract_id, q, charge);
	}
	if (e == ERR_OK)
		e = count(owner, l->price, &w->owner, &w->owner_charge, &charge);
	if (e == ERR_OK && owner.milli > 0)
		out_add(w, l, 0, owner, charge);
	if (e == ERR_OK)
		e = count(l->qty, l->price, &w->qty, &w->charge, &charge);
	w->unpriced = w->unpriced || !l->priced;
	return e;
}

/* Lays the net use over the n lines of one source, in the proportion of their own. */
static enum err net_spread(struct qty net, struct source_line *l, size_t n)
{
	struct sharer *s = room(n, sizeof(*s));
	struct qty left;
	int64_t total = 0;
	enum err e = ERR_OK;

	for (size_t i = 0; i < n; i++) {
		s[i] = (struct sharer){ .id = (int64_t)i, .weight = l[i].qty.milli };
		total += l[i].qty.milli;
	}
	e = share_split(net, total, s, n, &left);
	for (size_t i = 0; e == ERR_OK && i < n; i++)
		l[i].qty = s[i].part;
	free(s);
	return e;
}

/* The lines of the first source that counts up and had use. */
static struct source_line *price_lines(struct work *w, size_t *n)
{
	struct source_line *l = w->lines.at;
	size_t i = 0, k;

	while (i < w->lines.n && (l[i].sign < 0 || l[i].qty.milli <= 0))
		i++;
	for (k = i; k < w->lines.n && l[k].line == l[i].line;)
		k++;
	*n = k - i;
	return *n ? &l[i] : NULL;
}

/* Sums what there is, and what the signs make of it. */
static enum err net_sum(struct work *w, bool *down)
{
	const struct source_line *l = w->lines.at;
	enum err e = ERR_OK;

	*down = false;
	w->seen = (struct run_row){ .version = w->version };
	for (size_t i = 0; e == ERR_OK && i < w->lines.n; i++) {
		*down = *down || l[i].sign < 0;
		e = qty_add(w->seen.seen, l[i].qty, &w->seen.seen);
		if (e == ERR_OK)
			e = money_add(w->seen.seen_charge, l[i].charge, &w->seen.seen_charge);
		if (e == ERR_OK)
			e = l[i].sign < 0 ? qty_sub(w->net, l[i].qty, &w->net)
					  : qty_add(w->net, l[i].qty, &w->net);
	}
	return e;
}

static enum err split_all(struct work *w)
{
	struct source_line *l = w->lines.at;
	size_t n = w->lines.n;
	bool down;
	enum err e = net_sum(w, &down);

	if (e == ERR_OK && down) {
		l = price_lines(w, &n);
		if (w->net.milli <= 0)
			n = 0;
		if (n > 0)
			e = net_spread(w->net, l, n);
	}
	for (size_t i = 0; e == ERR_OK && i < n; i++)
		e = line_split(w, &l[i]);
	return e;
}

/* ---- books ---- */

static enum err part_account(struct db *db, const struct work *w, struct part_row *p)
{
	char code[48];

	if (!p->ended)
		return purse_of(db, p->contract_id,
			str_eq(w->group.purse, "fee") ? "fee" : w->group.utility, &p->account_id);
	snprintf(code, sizeof(code), "debt:%" PRId64, p->contract_id);
	return account_company(db, code, &p->account_id);
}

static int by_account(const void *a, const void *b)
{
	const struct part_row *x = a, *y = b;

	return (x->account_id > y->account_id) - (x->account_id < y->account_id);
}

static enum err part_post(
	struct db *db, const struct work *w, struct part_row *p, int64_t income, struct day today)
{
	char once[96], reference[40], memo[320];
	struct money amount, taken;
	enum err e = money_sub(p->charge_nano, p->before, &amount);

	if (e == ERR_OK)
		e = money_sub((struct money){ 0 }, amount, &taken);
	if (e != ERR_OK || amount.nano == 0)
		return e;
	snprintf(once, sizeof(once), "share:%" PRId64 ":%s:%" PRId64 ":%" PRId64, w->group.id,
		w->day_text, p->account_id, w->version);
	snprintf(reference, sizeof(reference), "share:%" PRId64, w->group.id);
	snprintf(memo, sizeof(memo), "%s %s", w->day_text, w->group.name);
	e = entry_post(db,
		&(struct entry){ .kind = "share",
			.once_key = once,
			.reference = reference,
			.actor = "system",
			.memo = memo,
			.site_id = w->group.site_id,
			.book_day = today,
			.at = w->now },
		(struct posting[]){
			{ p->account_id, taken, !p->ended }, { income, amount, false } },
		2, &p->entry_id);
	if (e != ERR_ALREADY)
		return e;
	log_error("once_key=%s was posted, but its version was not written", once);
	return ERR_INTERNAL;
}

/* Purses in ascending order, all before the first supply point is locked. */
static enum err parts_post(struct db *db, struct work *w)
{
	struct day today;
	int64_t income;
	enum err e = site_day(db, w->group.site_id, w->now, &today);

	if (e == ERR_OK)
		e = account_company(db, "share", &income);
	for (size_t i = 0; e == ERR_OK && i < w->parts_n; i++)
		e = part_account(db, w, &w->parts[i]);
	if (w->parts_n > 0)
		qsort(w->parts, w->parts_n, sizeof(*w->parts), by_account);
	for (size_t i = 0; e == ERR_OK && i < w->parts_n; i++)
		e = part_post(db, w, &w->parts[i], income, today);
	for (size_t i = 0; e == ERR_OK && i < w->parts_n; i++)
		if (w->parts[i].entry_id && !w->parts[i].ended)
			e = account_changed(db, w->parts[i].account_id, w->now);
	return e;
}

static const struct query Q_RUN_ADD = {
	"INSERT INTO share_run (group_id, day, version, run_at, seen_milli, seen_nano, complete,"
	" net_milli, qty_milli, charge_nano, owner_milli, owner_nano)"
	" VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
	NULL
};
static const struct query Q_PART_ADD = {
	"INSERT INTO share_part (group_id, day, version, contract_id, weight, of_weight, qty_milli,"
	" charge_nano, account_id, entry_id) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
	NULL
};
static const struct query Q_LINE_ADD = {
	"INSERT INTO share_line (group_id, day, version, contract_id, meter_id, rate, tier,"
	" price_micro, of_milli, qty_milli, charge_nano) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
	NULL
};
static const struct query Q_RUN_TO = { "UPDATE share_group SET run_to = ? WHERE id = ?", NULL };

static enum err evidence_write(struct db *db, const struct work *w)
{
	enum err e = db_exec(db, &Q_RUN_ADD,
		ARGS(arg_i64(w->group.id), arg_text(w->day_text), arg_i64(w->version),
			arg_utc(w->now), arg_qty(w->seen.seen), arg_money(w->seen.seen_charge),
			arg_i64(w->complete), arg_qty(w->net), arg_qty(w->qty),
			arg_money(w->charge), arg_qty(w->owner), arg_money(w->owner_charge)),
		NULL);

	for (size_t i = 0; e == ERR_OK && i < w->parts_n; i++) {
		const struct part_row *p = &w->parts[i];

		e = db_exec(db, &Q_PART_ADD,
			ARGS(arg_i64(p->group_id), arg_text(p->day), arg_i64(p->version),
				arg_i64(p->contract_id), arg_i64(p->weight), arg_i64(p->of_weight),
				arg_qty(p->qty_milli), arg_money(p->charge_nano),
				arg_i64(p->account_id), arg_id(p->entry_id)),
			NULL);
	}
	if (e == ERR_OK && w->out_n > 0)
		e = db_bulk(db, &Q_LINE_ADD, &line_row_shape, w->out, w->out_n);
	if (e == ERR_OK && w->version == 1)
		e = db_exec(db, &Q_RUN_TO, ARGS(arg_text(w->day_text), arg_i64(w->group.id)), NULL);
	return e;
}

static enum err alarm_set(
	struct db *db, const struct work *w, const char *kind, bool on, const char *text)
{
	if (!on)
		return alarm_clear(db, kind, "share_group", w->group.id, w->now);
	return alarm_raise(db,
		&(struct alarm_new){
			kind, "warn", "share_group", w->group.id, w->group.name, text },
		w->now);
}

static enum err alarms_set(struct db *db, const struct work *w)
{
	char text[160];
	enum err e;

	snprintf(text, sizeof(text), "%s: less was measured above than below; nothing was shared",
		w->day_text);
	e = alarm_set(db, w, "share_negative", w->net.milli < 0, text);
	snprintf(
		text, sizeof(text), "%s: use without a price was left with the owner", w->day_text);
	return e == ERR_OK ? alarm_set(db, w, "share_unpriced", w->unpriced, text) : e;
}

/* ---- one day ---- */

struct day_job {
	struct work w;
	int64_t group_id;
	enum share_outcome out;
};

static enum err group_load(struct db *db, struct day_job *j)
{
	AUTO(zone_free) struct zone *z = NULL;
	AUTO(rows_free) struct rows found = { 0 };
	struct work *w = &j->w;
	struct id_row locked;
	enum err e = db_one(db, &Q_LOCK, ARGS(arg_i64(j->group_id)), &locked);

	if (e == ERR_OK)
		e = share_groups(db, 0, j->group_id, &found);
	if (e == ERR_OK && found.n == 0)
		return ERR_NOT_FOUND;
	if (e != ERR_OK)
		return e;
	w->group = *(const struct share_group *)found.at;
	e = zone_open(w->group.zone, &z);
	if (e != ERR_OK)
		return e;
	day_text(w->day, w->day_text);
	w->begins = zone_day_start(z, w->day);
	w->ends = zone_day_start(z, (struct day){ w->day.days + 1 });
	return ERR_OK;
}

/* Days are shared in order; a day that was shared may be corrected. */
static enum err turn_find(struct db *db, struct day_job *j, bool *mine)
{
	struct work *w = &j->w;
	struct day from, run_to, to = { INT32_MAX };
	enum err e = day_parse(w->group.run_to, &run_to);

	if (e == ERR_OK)
		e = day_parse(w->group.from_day, &from);
	if (e == ERR_OK && w->group.to_day[0])
		e = day_parse(w->group.to_day, &to);
	if (e != ERR_OK)
		return e;
	*mine = w->day.days >= from.days && w->day.days <= to.days &&
		w->day.days <= run_to.days + 1 && w->now.ms >= w->ends.ms;
	w->last = (struct run_row){ 0 };
	e = db_one(db, &Q_LAST, ARGS(arg_i64(w->group.id), arg_text(w->day_text)), &w->last);
	w->version = w->last.version + 1;
	return e == ERR_NOT_FOUND ? ERR_OK : e;
}

static enum err is_final(struct db *db, struct work *w, bool *out)
{
	struct id_row unread;
	enum err e = db_one(db, &Q_UNREAD, ARGS(arg_i64(w->group.id), arg_utc(w->ends)), &unread);

	if (e != ERR_OK)
		return e;
	w->complete = unread.id == 0;
	*out = w->complete || w->last.version > 0 || w->now.ms >= w->ends.ms + WAIT_MS;
	return ERR_OK;
}

static enum err day_load(struct db *db, struct work *w)
{
	enum err e =
		db_list(db, &Q_LINES, ARGS(arg_text(w->day_text), arg_i64(w->group.id)), &w->lines);

	if (e == ERR_OK)
		e = db_list(db, &Q_TARGETS,
			ARGS(arg_text(w->day_text), arg_i64(w->last.version), arg_i64(w->group.id),
				arg_text(w->day_text)),
			&w->targets);
	if (e == ERR_OK)
		e = weigh(w);
	return e == ERR_OK ? split_all(w) : e;
}

static enum err day_tx(struct db *db, void *ctx)
{
	struct day_job *j = ctx;
	struct work *w = &j->w;
	bool mine = false, final = false;
	enum err e;

	work_clear(w); /* a former run of this transaction */
	j->out = SHARE_SAME;
	e = group_load(db, j);
	if (e == ERR_OK)
		e = turn_find(db, j, &mine);
	if (e != ERR_OK || !mine)
		return e;
	e = is_final(db, w, &final);
	if (e != ERR_OK || !final) {
		j->out = SHARE_WAITS;
		return e;
	}
	e = day_load(db, w);
	if (e != ERR_OK)
		return e;
	if (w->last.version > 0 && w->last.seen.milli == w->seen.seen.milli &&
		w->last.seen_charge.nano == w->seen.seen_charge.nano)
		return ERR_OK;
	e = parts_post(db, w);
	if (e == ERR_OK)
		e = evidence_write(db, w);
	if (e == ERR_OK)
		e = alarms_set(db, w);
	j->out = SHARE_DONE;
	return e;
}

enum err share_day(
	struct db *db, int64_t group_id, struct day day, struct utc now, enum share_outcome *out)
{
	struct day_job j = { .w = { .day = day, .now = now }, .group_id = group_id };
	enum err e = db_tx(db, day_tx, &j);

	if (e == ERR_OK)
		*out = j.out;
	if (e == ERR_OK && j.out == SHARE_DONE)
		log_info("share_group=%" PRId64 " day=%s version=%" PRId64 " qty=%" PRId64
			 " owner=%" PRId64,
			group_id, j.w.day_text, j.w.version, j.w.qty.milli, j.w.owner.milli);
	work_clear(&j.w);
	return e;
}

/* ---- what is due ---- */

struct late_row {
	int64_t group_id;
	char day[DAY_TEXT_MAX];
};
SHAPE(late_shape, struct late_row, FIELD(struct late_row, group_id), FIELD(struct late_row, day));
/* Days of use of sources that were shared, with rows of open book days or young ones, and whose use
 * is not what was seen. */
static const struct query Q_LATE = {
	"SELECT c.group_id, c.day FROM (SELECT DISTINCT s.group_id, u.day FROM usage_day u"
	" JOIN share_source s ON s.meter_id = u.meter_id JOIN share_group g ON g.id = s.group_id"
	" WHERE u.sealed = 0 AND u.day BETWEEN g.from_day AND g.run_to"
	" UNION SELECT DISTINCT s.group_id, u.day FROM usage_day u"
	" JOIN share_source s ON s.meter_id = u.meter_id JOIN share_group g ON g.id = s.group_id"
	" WHERE u.sealed = 1 AND u.book_day >= ? AND u.day BETWEEN g.from_day AND g.run_to) c"
	" JOIN share_run r ON r.group_id = c.group_id AND r.day = c.day AND r.version ="
	" (SELECT MAX(v.version) FROM share_run v WHERE v.group_id = c.group_id AND v.day = c.day)"
	" WHERE (r.seen_milli, r.seen_nano) <> (SELECT COALESCE(SUM(x.qty_milli), 0),"
	" COALESCE(SUM(x.charge_nano), 0) FROM share_source y JOIN usage_day x"
	" ON x.meter_id = y.meter_id AND x.day = c.day WHERE y.group_id = c.group_id)"
	" ORDER BY c.group_id, c.day LIMIT 1000",
	&late_shape
};

/* The days of one group that are over, until one has to wait. */
static enum err group_due(struct db *db, const struct share_group *g, struct utc now)
{
	AUTO(zone_free) struct zone *z = NULL;
	enum share_outcome out = SHARE_DONE;
	struct day day, last, to;
	enum err e = zone_open(g->zone, &z);

	if (e == ERR_OK)
		e = day_parse(g->run_to, &day);
	if (e == ERR_OK && g->to_day[0])
		e = day_parse(g->to_day, &to);
	if (e != ERR_OK)
		return e;
	last.days = zone_local(z, now).day.days - 1;
	if (g->to_day[0] && to.days < last.days)
		last = to;
	if (last.days > day.days + DAYS_AT_ONCE)
		last.days = day.days + DAYS_AT_ONCE;
	while (e == ERR_OK && out == SHARE_DONE && day.days < last.days) {
		day.days++;
		e = share_day(db, g->id, day, now, &out);
	}
	return e;
}

static enum err late_due(struct db *db, struct utc now)
{
	AUTO(rows_free) struct rows late = { 0 };
	struct day since = { (int32_t)(now.ms / 86400000) - LATE_DAYS };
	char text[DAY_TEXT_MAX];
	enum share_outcome out;
	enum err first = db_list(db, &Q_LATE, ARGS(arg_text(day_text(since, text))), &late);
	const struct late_row *l = late.at;

	for (size_t i = 0; i < late.n; i++) {
		struct day day;
		enum err e = day_parse(l[i].day, &day);

		if (e == ERR_OK)
			e = share_day(db, l[i].group_id, day, now, &out);
		if (e != ERR_OK)
			log_error("share_group=%" PRId64 " day=%s was not corrected: %s",
				l[i].group_id, l[i].day, err_word(e));
		if (first == ERR_OK)
			first = e;
	}
	return first;
}

/* What keeps one group from being shared must not keep the others. */
enum err shares_due(struct db *db, struct utc now)
{
	AUTO(rows_free) struct rows groups = { 0 };
	enum err first = share_groups(db, 0, 0, &groups);
	const struct share_group *g = groups.at;
	enum err e;

	for (size_t i = 0; i < groups.n; i++) {
		e = group_due(db, &g[i], now);
		if (e != ERR_OK)
			log_error(
				"share_group=%" PRId64 " was not shared: %s", g[i].id, err_word(e));
		if (first == ERR_OK)
			first = e;
	}
	e = late_due(db, now);
	return first == ERR_OK ? e : first;
}

/* ---- reading ---- */

#define F(member) FIELD(struct share_part, member)
SHAPE(part_shape, struct share_part, F(group_id), F(group_name), F(kind), F(basis), F(utility),
	F(day), F(version), F(complete), F(contract_id), F(contract_code), F(tenant_id),
	F(tenant_code), F(tenant_name), F(room), F(account_id), F(weight), F(of_weight), F(qty),
	F(charge), F(total), F(total_charge));
#undef F
#define LAST_VERSION                                                                               \
	" = (SELECT MAX(v.version) FROM share_run v WHERE v.group_id = r.group_id AND v.day = "    \
	"r.day)"
#define SPAN " WHERE ? IN (0, r.group_id) AND r.day BETWEEN ? AND ? AND r.version" LAST_VERSION
#define MINE                                                                                       \
	" AND (? = 0 OR EXISTS (SELECT 1 FROM contract mc JOIN user_tenant mu ON mu.tenant_id ="   \
	" mc.tenant_id WHERE mu.user_id = ? AND mc.id = p.contract_id))"
static const struct query Q_PARTS = {
	"SELECT g.id AS group_id, g.name AS group_name, g.kind, g.basis, g.utility, r.day,"
	" r.version, r.complete, p.contract_id, c.code AS contract_code, t.id AS tenant_id,"
	" t.code AS tenant_code, t.name AS tenant_name, t.room, p.account_id, p.weight,"
	" p.of_weight, p.qty_milli AS qty, p.charge_nano AS charge, r.qty_milli AS total,"
	" r.charge_nano AS total_charge FROM share_run r JOIN share_group g ON g.id = r.group_id"
	" JOIN share_part p ON p.group_id = r.group_id AND p.day = r.day AND p.version = r.version"
	" JOIN contract c ON c.id = p.contract_id JOIN tenant t ON t.id = c.tenant_id" SPAN MINE
	" ORDER BY r.day DESC, r.group_id, p.contract_id LIMIT 20000",
	&part_shape
};

#define F(member) FIELD(struct share_line, member)
SHAPE(share_line_shape, struct share_line, F(group_id), F(day), F(contract_id), F(meter_id),
	F(meter_code), F(meter_name), F(rate), F(tier), F(price), F(of), F(qty), F(charge));
#undef F
static const struct query Q_SHARE_LINES = {
	"SELECT r.group_id, r.day, p.contract_id, p.meter_id, m.code AS meter_code, m.name AS"
	" meter_name, p.rate, p.tier, p.price_micro AS price, p.of_milli AS `of`, p.qty_milli AS"
	" qty, p.charge_nano AS charge FROM share_run r JOIN share_line p ON p.group_id ="
	" r.group_id AND p.day = r.day AND p.version = r.version JOIN meter m ON m.id ="
	" p.meter_id" SPAN MINE
	" ORDER BY r.day DESC, r.group_id, p.contract_id, p.meter_id, p.rate, p.tier, p.price_micro"
	" LIMIT 100000",
	&share_line_shape
};

#define F(member) FIELD(struct share_sum, member)
SHAPE(sum_shape, struct share_sum, F(group_id), F(day), F(version), F(complete), F(run_at), F(net),
	F(qty), F(owner), F(charge), F(owner_charge));
#undef F
static const struct query Q_SUMS = {
	"SELECT r.group_id, r.day, r.version, r.complete, r.run_at, r.net_milli AS net,"
	" r.qty_milli AS qty, r.owner_milli AS owner, r.charge_nano AS charge,"
	" r.owner_nano AS owner_charge FROM share_run r" SPAN " ORDER BY r.day DESC, r.group_id",
	&sum_shape
};

enum err share_parts(struct db *db, const struct share_span *s, struct rows *out)
{
	char from[DAY_TEXT_MAX], to[DAY_TEXT_MAX];

	return db_list(db, &Q_PARTS,
		ARGS(arg_i64(s->group_id), arg_text(day_text(s->from, from)),
			arg_text(day_text(s->to, to)), arg_i64(s->user_id), arg_i64(s->user_id)),
		out);
}

enum err share_lines(struct db *db, const struct share_span *s, struct rows *out)
{
	char from[DAY_TEXT_MAX], to[DAY_TEXT_MAX];

	return db_list(db, &Q_SHARE_LINES,
		ARGS(arg_i64(s->group_id), arg_text(day_text(s->from, from)),
			arg_text(day_text(s->to, to)), arg_i64(s->user_id), arg_i64(s->user_id)),
		out);
}

enum err share_sums(struct db *db, const struct share_span *s, struct rows *out)
{
	char from[DAY_TEXT_MAX], to[DAY_TEXT_MAX];

	return db_list(db, &Q_SUMS,
		ARGS(arg_i64(s->group_id), arg_text(day_text(s->from, from)),
			arg_text(day_text(s->to, to))),
		out);
}
