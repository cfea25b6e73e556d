/* Shared energy: what a day of a group costs each of its contracts, worked out once more from the
 * use of its sources, by a second largest remainder. */
#include "seeded.h"

#include <stdlib.h>
#include <string.h>

#include "domain/share.h"
#include "domain/sharerun.h"

#define WAIT (72 * HOUR)
#define LOOK_BACK 12 /* days in which late energy is looked for */

static int32_t today(const struct world *w)
{
	return zone_local(w->zone, seeded_now).day.days;
}

static struct share_actor clerk(void)
{
	return (struct share_actor){ .actor = "user:5", .address = "", .now = seeded_now };
}

/* ---- groups ---- */

/* Some open contracts, and their weights. */
static void targets_draw(struct world *w, struct share_set *s, const char *basis)
{
	size_t from = (size_t)lot(w, 0, (int64_t)w->contracts_n - 1);
	size_t most = (size_t)lot(w, 1, ARRAY_LEN(s->at));

	s->n = 0;
	for (size_t i = 0; i < w->contracts_n && s->n < most; i++) {
		size_t k = (from + i) % w->contracts_n;

		if (w->contracts[k].ended)
			continue;
		s->at[s->n].contract = k;
		s->at[s->n++].weight = str_eq(basis, "ratio")  ? lot(w, 1, 1000000 / 6)
				       : str_eq(basis, "area") ? w->contracts[k].area
							       : 1;
	}
}

static size_t targets_list(const struct world *w, const struct share_set *s, const char *basis,
	struct share_target_new *out)
{
	for (size_t i = 0; i < s->n; i++)
		out[i] = (struct share_target_new){ .contract_id =
							    w->contracts[s->at[i].contract].id,
			.has_ratio = str_eq(basis, "ratio"),
			.ratio_ppm = str_eq(basis, "ratio") ? s->at[i].weight : 0 };
	return s->n;
}

static void group_make(struct world *w, const char *basis, bool fee, const size_t *meters, size_t n)
{
	struct share_model *g = &w->shares[w->shares_n++];
	struct share_source_new sources[ARRAY_LEN(g->sources)];
	struct share_target_new targets[ARRAY_LEN(g->sets[0].at)];
	struct share_actor by = clerk();
	char once[48];
	struct share_new new = { .site_id = 1,
		.name = "shared",
		.utility = "electricity",
		.basis = basis,
		.kind = str_eq(basis, "area") ? "loss" : "public",
		.purse = fee ? "fee" : "utility",
		.has_from = true,
		.from = { today(w) },
		.sources = sources,
		.sources_n = n,
		.targets = targets,
		.once_key = once_key(w, "share", once) };
	struct problem why = { 0 };
	enum err e;

	*g = (struct share_model){ .basis = basis, .fee = fee, .run_to = today(w) - 1 };
	for (size_t i = 0; i < n; i++) {
		g->sources[i].meter = meters[i];
		g->sources[i].sign = str_eq(basis, "area") && i > 0 ? -1 : 1;
		sources[i] =
			(struct share_source_new){ w->meters[meters[i]].id, g->sources[i].sign };
	}
	g->sources_n = n;
	g->sets[0].from = today(w);
	targets_draw(w, &g->sets[g->sets_n++], basis);
	new.targets_n = targets_list(w, &g->sets[0], basis, targets);
	e = share_add(w->api, &new, &by, &g->id, &why);
	CHECK(w, e == ERR_OK, "share group: %s %s %s", err_word(e), why.field, why.text);
}

void shares_make(struct world *w)
{
	if (w->meters_n < SHARE_METERS)
		return;
	group_make(w, "ratio", false, (size_t[]){ 1 }, 1);
	group_make(w, "equal", lot(w, 0, 1), (size_t[]){ 2, 3 }, 2);
	group_make(w, "area", false, (size_t[]){ 0, 4, 5, 6 }, 4);
}

/* Other sharers from tomorrow on. */
static void edit_play(struct world *w)
{
	struct share_model *g = &w->shares[lot(w, 0, (int64_t)w->shares_n - 1)];
	struct share_set *s = &g->sets[g->sets_n];
	struct share_target_new targets[ARRAY_LEN(s->at)];
	struct share_change c = { .id = g->id, .targets = targets };
	struct share_actor by = clerk();
	struct problem why = { 0 };
	enum err e;

	if (g->sets_n == ARRAY_LEN(g->sets) || s[-1].from > today(w))
		return;
	s->from = today(w) + 1;
	targets_draw(w, s, g->basis);
	c.targets_n = targets_list(w, s, g->basis, targets);
	if (s->n == 0)
		return;
	e = share_edit(w->api, &c, &by, &why);
	CHECK(w, e == ERR_OK, "sharers: %s %s %s", err_word(e), why.field, why.text);
	g->sets_n++;
}

/* ---- use of the sources on a day ---- */

struct line_row {
	char rate[129];
	int64_t tier, price, priced, qty, charge;
};
#define F(member) FIELD(struct line_row, member)
SHAPE(line_shape, struct line_row, F(rate), F(tier), F(price), F(priced), F(qty), F(charge));
#undef F
static const struct query Q_LINES = {
	"SELECT rate, tier, price_micro AS price, tariff_id <> 0 AS priced,"
	" CAST(SUM(qty_milli) AS SIGNED) AS qty, CAST(SUM(charge_nano) AS SIGNED) AS charge"
	" FROM usage_day WHERE meter_id = ? AND day = ? GROUP BY rate, tier, price_micro,"
	" tariff_id <> 0 ORDER BY rate, tier, price_micro, priced",
	&line_shape
};

struct cake { /* what is shared */
	struct line_row at[400];
	size_t n;
	int64_t seen, seen_charge, net;
};

static void source_add(struct world *w, struct cake *c, const struct share_model *g, size_t i,
	const char *day, size_t *first)
{
	AUTO(rows_free) struct rows rows = { 0 };
	const struct smeter *m = &w->meters[g->sources[i].meter];
	const struct line_row *r;

	assert_int_equal(
		db_list(w->root, &Q_LINES, ARGS(arg_i64(m->id), arg_text(day)), &rows), ERR_OK);
	r = rows.at;
	for (size_t k = 0; k < rows.n; k++) {
		c->seen += r[k].qty;
		c->seen_charge += r[k].charge;
		c->net += g->sources[i].sign * r[k].qty;
		if (g->sources[i].sign < 0 || (*first && *first != i + 1))
			continue;
		if (r[k].qty > 0 && str_eq(g->basis, "area"))
			*first = i + 1;
		assert_true(c->n < ARRAY_LEN(c->at));
		c->at[c->n++] = r[k];
	}
}

/* Gives whole parts: what is cut off goes to those who lost most. parts[n] is the owner's. */
static void split(int64_t q, int64_t whole, const int64_t *weights, size_t n, int64_t *parts)
{
	__int128 lost[64];
	int64_t left = q, owner = whole;

	assert_true(n + 1 < ARRAY_LEN(lost));
	for (size_t i = 0; i < n; i++)
		owner -= weights[i];
	for (size_t i = 0; i <= n; i++) {
		__int128 exact = (__int128)q * (i < n ? weights[i] : owner);

		parts[i] = (int64_t)(exact / whole);
		lost[i] = exact - (__int128)parts[i] * whole;
		left -= parts[i];
	}
	for (; left > 0; left--) {
		size_t most = 0;

		for (size_t i = 1; i <= n; i++)
			if (lost[i] > lost[most])
				most = i;
		parts[most]++;
		lost[most] = -1;
	}
}

/* The net use is laid over the lines that there are. */
static void net_lay(struct cake *c)
{
	int64_t weights[60], parts[61], whole = 0;

	if (c->net <= 0) {
		c->n = 0;
		return;
	}
	assert_true(c->n < ARRAY_LEN(weights));
	for (size_t i = 0; i < c->n; i++)
		whole += weights[i] = c->at[i].qty;
	if (c->n == 0)
		return;
	split(c->net, whole, weights, c->n, parts);
	for (size_t i = 0; i < c->n; i++)
		c->at[i].qty = parts[i];
}

static struct cake *cake_make(struct world *w, const struct share_model *g, int32_t day)
{
	struct cake *c = calloc(1, sizeof(*c));
	char text[DAY_TEXT_MAX];
	size_t first = 0;

	ASSERT(c);
	day_text((struct day){ day }, text);
	for (size_t i = 0; i < g->sources_n; i++)
		source_add(w, c, g, i, text, &first);
	if (str_eq(g->basis, "area"))
		net_lay(c);
	return c;
}

/* ---- a day ---- */

struct piece {
	size_t contract;
	int64_t weight, qty, charge, before;
};

struct sharing {
	struct piece at[ARRAY_LEN(((struct share_set *)0)->at)];
	size_t n;
	int64_t whole, qty, charge, owner, owner_charge;
};

static struct share_day *day_of_group(struct share_model *g, int32_t day)
{
	for (size_t i = g->days_n; i > 0; i--)
		if (g->days[i - 1].day == day)
			return &g->days[i - 1];
	return NULL;
}

static int64_t before_of(const struct share_day *d, size_t contract)
{
	for (size_t i = 0; d && i < d->n; i++)
		if (d->at[i].contract == contract)
			return d->at[i].charge;
	return 0;
}

static int64_t later(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

/* Seconds of the day in which the contract was in force, times its weight. */
static void weigh(struct world *w, struct share_model *g, int32_t day, struct sharing *s)
{
	int64_t begins = zone_day_start(w->zone, (struct day){ day }).ms, whole = 0;
	int64_t ends = zone_day_start(w->zone, (struct day){ day + 1 }).ms;
	const struct share_day *last = day_of_group(g, day);
	const struct share_set *set = g->sets;

	for (size_t i = 1; i < g->sets_n && g->sets[i].from <= day; i++)
		set = &g->sets[i];
	for (size_t i = 0; i < set->n; i++) {
		const struct contract *c = &w->contracts[set->at[i].contract];
		int64_t to = c->ended && c->ended < ends ? c->ended : ends;
		int64_t seconds = later(0, to - later(c->started, begins)) / 1000;
		int64_t before = before_of(last, set->at[i].contract);

		if (seconds == 0 && before == 0)
			continue;
		whole += seconds ? set->at[i].weight : 0;
		s->at[s->n++] = (struct piece){ set->at[i].contract, set->at[i].weight * seconds, 0,
			0, before };
	}
	whole = str_eq(g->basis, "ratio") ? 1000000 : whole ? whole : 1;
	s->whole = whole * ((ends - begins) / 1000);
	for (size_t i = 1; i < s->n; i++) /* by contract */
		for (size_t k = i; k > 0 && w->contracts[s->at[k - 1].contract].id >
						    w->contracts[s->at[k].contract].id;
			k--) {
			struct piece t = s->at[k];

			s->at[k] = s->at[k - 1];
			s->at[k - 1] = t;
		}
}

static void line_share(struct sharing *s, const struct line_row *l)
{
	int64_t weights[ARRAY_LEN(s->at)], parts[ARRAY_LEN(s->at) + 1];

	for (size_t i = 0; i < s->n; i++)
		weights[i] = l->priced ? s->at[i].weight : 0;
	split(l->qty, s->whole, weights, s->n, parts);
	for (size_t i = 0; i < s->n; i++) {
		s->at[i].qty += parts[i];
		s->at[i].charge += parts[i] * l->price;
	}
	s->owner += parts[s->n];
	s->owner_charge += parts[s->n] * l->price;
	s->qty += l->qty;
	s->charge += l->qty * l->price;
}

/* ---- what the tables say of it ---- */

struct run_row {
	int64_t group_id;
	char day[DAY_TEXT_MAX];
	int64_t version, seen, seen_charge, net, qty, charge, owner, owner_charge;
};
#define F(member) FIELD(struct run_row, member)
SHAPE(run_shape, struct run_row, F(group_id), F(day), F(version), F(seen), F(seen_charge), F(net),
	F(qty), F(charge), F(owner), F(owner_charge));
#undef F
static const struct query Q_RUNS = {
	"SELECT group_id, CAST(day AS CHAR) AS day, version, seen_milli AS seen, seen_nano AS"
	" seen_charge, net_milli AS net, qty_milli AS qty, charge_nano AS charge, owner_milli AS"
	" owner, owner_nano AS owner_charge FROM share_run WHERE run_at = ?"
	" ORDER BY version > 1, group_id, day",
	&run_shape
};
struct part_row {
	int64_t contract_id, account_id, weight, of_weight, qty, charge, line_qty, line_charge;
};
#define F(member) FIELD(struct part_row, member)
SHAPE(part_shape, struct part_row, F(contract_id), F(account_id), F(weight), F(of_weight), F(qty),
	F(charge), F(line_qty), F(line_charge));
#undef F
static const struct query Q_PARTS = {
	"SELECT p.contract_id, p.account_id, p.weight, p.of_weight, p.qty_milli AS qty,"
	" p.charge_nano AS charge, CAST(COALESCE(SUM(l.qty_milli), 0) AS SIGNED) AS line_qty,"
	" CAST(COALESCE(SUM(l.charge_nano), 0) AS SIGNED) AS line_charge FROM share_part p"
	" LEFT JOIN share_line l ON l.group_id = p.group_id AND l.day = p.day AND l.version ="
	" p.version AND l.contract_id = p.contract_id WHERE p.group_id = ? AND p.day = ?"
	" AND p.version = ? GROUP BY p.contract_id ORDER BY p.contract_id",
	&part_shape
};

static struct share_model *group_of(struct world *w, int64_t id)
{
	for (size_t i = 0; i < w->shares_n; i++)
		if (w->shares[i].id == id)
			return &w->shares[i];
	return NULL;
}

static void parts_check(struct world *w, const struct run_row *r, const struct sharing *s)
{
	AUTO(rows_free) struct rows rows = { 0 };
	const struct part_row *p;

	assert_int_equal(
		db_list(w->root, &Q_PARTS,
			ARGS(arg_i64(r->group_id), arg_text(r->day), arg_i64(r->version)), &rows),
		ERR_OK);
	p = rows.at;
	CHECK(w, rows.n == s->n, "share %lld on %s: %zu parts, should be %zu",
		(long long)r->group_id, r->day, rows.n, s->n);
	for (size_t i = 0; i < rows.n; i++) {
		const struct piece *q = &s->at[i];

		CHECK(w,
			p[i].contract_id == w->contracts[q->contract].id &&
				p[i].weight == q->weight && p[i].of_weight == s->whole &&
				p[i].qty == q->qty && p[i].charge == q->charge,
			"share %lld on %s: contract %lld has %lld for %lld, should be %lld for "
			"%lld",
			(long long)r->group_id, r->day, (long long)p[i].contract_id,
			(long long)p[i].qty, (long long)p[i].charge, (long long)q->qty,
			(long long)q->charge);
		CHECK(w, p[i].line_qty == p[i].qty && p[i].line_charge == p[i].charge,
			"share %lld on %s: the lines of contract %lld do not sum to its part",
			(long long)r->group_id, r->day, (long long)p[i].contract_id);
	}
}

static void run_check(struct world *w, const struct run_row *r, const struct sharing *s,
	const struct cake *c, const struct share_model *g)
{
	int64_t qty = s->owner, charge = s->owner_charge, all = 0;

	for (size_t i = 0; i < s->n; i++) {
		qty += s->at[i].qty;
		charge += s->at[i].charge;
	}
	for (size_t i = 0; i < c->n; i++)
		all += c->at[i].qty;
	CHECK(w, qty == r->qty && charge == r->charge && all == r->qty,
		"share %lld on %s: parts do not sum to the whole", (long long)r->group_id, r->day);
	CHECK(w, !str_eq(g->basis, "area") || r->qty == later(0, c->net) || c->n == 0,
		"share %lld on %s: %lld of net %lld", (long long)r->group_id, r->day,
		(long long)r->qty, (long long)c->net);
	CHECK(w,
		r->seen == c->seen && r->seen_charge == c->seen_charge && r->net == c->net &&
			r->owner == s->owner && r->owner_charge == s->owner_charge,
		"share %lld on %s: owner %lld of %lld, should be %lld of %lld",
		(long long)r->group_id, r->day, (long long)r->owner, (long long)r->net,
		(long long)s->owner, (long long)c->net);
}

/* ---- money ---- */

static void part_post(struct world *w, const struct share_model *g, const struct piece *q)
{
	struct contract *c = &w->contracts[q->contract];
	int64_t amount = q->charge - q->before;
	struct purse *p;

	if (amount)
		book(w, "share", amount);
	if (c->ended && c->ended <= seeded_now.ms) {
		c->debt += amount;
		book_of(w, "debt", c->id, -amount);
		return;
	}
	p = purse_of_contract(w, c->id, g->fee ? "fee" : "electricity");
	CHECK(w, p, "contract %lld has no purse for its share", (long long)c->id);
	if (amount == 0)
		return;
	purse_move(p, -amount, SUBSIDY_GOES_FIRST);
	model_level(w, p);
}

static void day_remember(
	struct share_model *g, int32_t day, const struct run_row *r, const struct sharing *s)
{
	struct share_day *d = day_of_group(g, day);

	if (!d) {
		assert_true(g->days_n < ARRAY_LEN(g->days));
		d = &g->days[g->days_n++];
	}
	*d = (struct share_day){ .day = day,
		.version = r->version,
		.seen = r->seen,
		.seen_charge = r->seen_charge,
		.n = s->n };
	for (size_t i = 0; i < s->n; i++) {
		d->at[i].contract = s->at[i].contract;
		d->at[i].charge = s->at[i].charge;
	}
}

static void run_take(struct world *w, const struct run_row *r)
{
	struct share_model *g = group_of(w, r->group_id);
	const struct share_day *last;
	struct sharing s = { 0 };
	struct day day;
	struct cake *c;

	CHECK(w, g, "no share group %lld", (long long)r->group_id);
	assert_int_equal(day_parse(r->day, &day), ERR_OK);
	last = day_of_group(g, day.days);
	CHECK(w,
		r->version == (last ? last->version : 0) + 1 && (last || day.days == g->run_to + 1),
		"share %lld on %s: version %lld out of turn", (long long)r->group_id, r->day,
		(long long)r->version);
	c = cake_make(w, g, day.days);
	weigh(w, g, day.days, &s);
	for (size_t i = 0; i < c->n; i++)
		if (c->at[i].qty)
			line_share(&s, &c->at[i]);
	run_check(w, r, &s, c, g);
	parts_check(w, r, &s);
	for (size_t i = 0; i < s.n; i++)
		part_post(w, g, &s.at[i]);
	day_remember(g, day.days, r, &s);
	if (r->version == 1)
		g->run_to = day.days;
	happened(w, r->version > 1	       ? EVENT_SHARE_LATE
		    : str_eq(g->basis, "area") ? EVENT_SHARE_LOSS
					       : EVENT_SHARE);
	if (c->net < 0)
		happened(w, EVENT_SHARE_NEGATIVE);
	free(c);
}

/* ---- nothing was forgotten ---- */

static bool all_read(const struct world *w, const struct share_model *g, int64_t ends)
{
	for (size_t i = 0; i < g->sources_n; i++)
		if (w->meters[g->sources[i].meter].last_at < ends)
			return false;
	return true;
}

static void due_check(struct world *w, const struct share_model *g)
{
	int64_t ends = zone_day_start(w->zone, (struct day){ g->run_to + 2 }).ms;
	bool due = seeded_now.ms >= ends && (all_read(w, g, ends) || seeded_now.ms >= ends + WAIT);

	CHECK(w, !due, "share %lld: a day is due and was not shared", (long long)g->id);
	for (size_t i = g->days_n; i > 0 && g->days_n - i < LOOK_BACK; i--) {
		const struct share_day *d = &g->days[i - 1];
		struct cake *c = cake_make(w, g, d->day);

		CHECK(w, c->seen == d->seen && c->seen_charge == d->seen_charge,
			"share %lld: late energy of a day was not shared", (long long)g->id);
		free(c);
	}
}

void shares_play(struct world *w)
{
	AUTO(rows_free) struct rows runs = { 0 };
	const struct run_row *r;

	if (w->shares_n == 0)
		return;
	if (lot(w, 0, 99) == 0)
		edit_play(w);
	assert_int_equal(shares_due(w->worker, seeded_now), ERR_OK);
	assert_int_equal(db_list(w->root, &Q_RUNS, ARGS(arg_utc(seeded_now)), &runs), ERR_OK);
	r = runs.at;
	for (size_t i = 0; i < runs.n; i++)
		run_take(w, &r[i]);
	if (lot(w, 0, 3) == 0)
		due_check(w, &w->shares[lot(w, 0, (int64_t)w->shares_n - 1)]);
}
