/* One simulated hour: use, readings good and bad, payments, the desk, prices, switching, sealing.
 */
#include "seeded.h"

#include <stdlib.h>
#include <string.h>

#include "domain/act.h"
#include "domain/bookday.h"
#include "domain/order.h"
#include "domain/sale.h"
#include "shop_fixture.h"

#define REPORTS_MAX METERS_MAX

struct batch {
	struct report r[REPORTS_MAX];
	struct smeter *m[REPORTS_MAX];
	const char *verdict[REPORTS_MAX]; /* that it must get */
	size_t n;
};

static int64_t lot(struct world *w, int64_t min, int64_t max)
{
	return lots_between(&w->lots, min, max);
}

/* ---- readings ---- */

static void report_add(
	struct batch *b, struct smeter *m, int64_t at, int64_t reg, const char *verdict)
{
	struct report *r = &b->r[b->n];

	assert_true(b->n < REPORTS_MAX);
	*r = (struct report){ .meter_id = m->id,
		.group_id = 7,
		.device = 1,
		.has_reading = true,
		.has_register = true,
		.most_per_hour = 100000,
		.step = 10,
		.comm = COMM_OK };
	snprintf(r->code, sizeof(r->code), "M%lld", (long long)m->id);
	snprintf(r->observed, sizeof(r->observed), "%s", m->on ? "on" : "off");
	r->now = (struct meter_now){ .meter_id = m->id,
		.read_at = { at },
		.register_milli = { reg },
		.sharp_milli = { -1 },
		.peak_milli = { -1 },
		.flat_milli = { -1 },
		.valley_milli = { -1 },
		.power_w = m->hour_use,
		.phases = 1 };
	b->verdict[b->n] = verdict;
	b->m[b->n++] = m;
}

struct verdict_row {
	char verdict[12];
};
SHAPE(verdict_shape, struct verdict_row, FIELD(struct verdict_row, verdict));
static const struct query Q_VERDICT = {
	"SELECT verdict FROM reading WHERE meter_id = ? AND read_at = ?", &verdict_shape
};

static void verdict_is(struct world *w, const struct smeter *m, int64_t at, const char *want)
{
	struct verdict_row row;

	assert_int_equal(
		db_one(w->root, &Q_VERDICT, ARGS(arg_i64(m->id), arg_i64(at)), &row), ERR_OK);
	CHECK(w, str_eq(row.verdict, want), "meter %lld: %s, not %s", (long long)m->id, row.verdict,
		want);
}

/* One transaction, which the model goes through as well. Sometimes the sink gets all of it again,
 * as after an answer to COMMIT that was lost. */
static void part_sink(struct world *w, struct batch *b, size_t from, size_t n)
{
	assert_int_equal(sink_batch(w->sink, &b->r[from], n), ERR_OK);
	w->readings += (int64_t)n;
	for (size_t i = from; i < from + n; i++) {
		if (str_eq(b->verdict[i], "accepted"))
			model_reading(w, b->m[i], b->r[i].now.read_at.ms,
				b->r[i].now.register_milli.milli);
		else
			verdict_is(w, b->m[i], b->r[i].now.read_at.ms, b->verdict[i]);
	}
	model_post(w);
	if (lot(w, 0, 19) > 0)
		return;
	for (size_t i = from; i < from + n; i++) /* what waits for its tariff is no repetition */
		if (b->m[i]->last_at < b->r[i].now.read_at.ms)
			return;
	assert_int_equal(sink_batch(w->sink, &b->r[from], n), ERR_OK);
}

static void batch_sink(struct world *w, struct batch *b)
{
	for (size_t i = 0; i < b->n; i += SINK_BATCH)
		part_sink(w, b, i, b->n - i < SINK_BATCH ? b->n - i : SINK_BATCH);
}

/* A reading that must not count. The last good one stands. */
static void bad_reading(struct world *w, struct batch *b, struct smeter *m, int64_t at)
{
	if (!m->last_at || m->last_reg < 100000 || at <= m->last_at)
		return;
	switch (lot(w, 0, 3)) {
	case 0:
		report_add(b, m, at, m->last_reg - 5000, "backwards");
		break;
	case 1:
		report_add(b, m, at, m->last_reg + 500000000, "implausible");
		break;
	case 2:
		report_add(b, m, m->last_at - lot(w, 1, 1000), m->last_reg - 1, "late");
		break;
	default:
		report_add(b, m, at, m->last_reg + 1, "identity");
		b->r[b->n - 1].other_serial = true;
	}
}

/* Silent meters catch up in one long interval. */
static bool reads(struct world *w, struct smeter *m)
{
	if (m->hours_silent > 0) {
		m->hours_silent--;
		return false;
	}
	if (lot(w, 0, 399) == 0)
		m->hours_silent = (size_t)lot(w, 1, 80);
	return lot(w, 0, 99) < 40;
}

static void use_flows(struct world *w)
{
	for (size_t i = 0; i < w->meters_n; i++) {
		struct smeter *m = &w->meters[i];

		m->hour_use = m->on && lot(w, 0, 9) ? lot(w, 0, m->most) : 0;
	}
}

/* Two turns of the bus: one inside the hour, one at its end. */
static void readings_play(struct world *w, int64_t hour)
{
	struct batch *b = calloc(1, sizeof(*b)), *bad = calloc(1, sizeof(*bad));

	ASSERT(b && bad);
	for (size_t i = 0; i < w->meters_n; i++) {
		struct smeter *m = &w->meters[i];
		int64_t offset = lot(w, 1, 50 * MINUTE);

		if (reads(w, m))
			report_add(b, m, hour + offset, m->reg + m->hour_use * offset / HOUR,
				"accepted");
		if (lot(w, 0, 199) == 0)
			bad_reading(w, bad, m, hour + 50 * MINUTE + lot(w, 1, 1000));
	}
	batch_sink(w, b);
	batch_sink(w, bad);
	for (size_t i = 0; i < w->meters_n; i++)
		w->meters[i].reg += w->meters[i].hour_use;
	free(b);
	free(bad);
}

/* ---- money ---- */

static void notify(struct world *w, const struct order *o, const char *transaction, int64_t fen,
	enum credit_outcome want)
{
	struct payment p = { .service = "wechat",
		.out_trade_no = o->out_trade_no,
		.transaction_id = transaction,
		.amount_fen = fen,
		.currency = "CNY",
		.paid_at = seeded_now };
	enum credit_outcome got;

	assert_int_equal(order_credit(w->api, &p, "notify", seeded_now, &got), ERR_OK);
	CHECK(w, got == want, "order %lld: %s, not %s", (long long)o->id, credit_outcome_word(got),
		credit_outcome_word(want));
}

/* Notifies come late, twice, with another amount, or once more for the same order. */
static void recharge(struct world *w, struct purse *p)
{
	struct order_new n = { .account_id = p->id,
		.amount_fen = lot(w, 100, 8000),
		.channel = "wechat_native",
		.service = "wechat",
		.payer_address = "203.0.113.7" };
	char transaction[32], second[32];
	struct problem why = { 0 };
	struct order o;

	assert_int_equal(order_create(w->api, &n, seeded_now, &o, &why), ERR_OK);
	snprintf(transaction, sizeof(transaction), "t%lld", (long long)++w->trades);
	snprintf(second, sizeof(second), "s%lld", (long long)w->trades);
	if (lot(w, 0, 9) == 0)
		notify(w, &o, transaction, n.amount_fen + 1, CREDIT_AMOUNT);
	if (lot(w, 0, 9) == 0)
		assert_int_equal(order_closed(w->api, o.id, seeded_now), ERR_OK);
	notify(w, &o, transaction, n.amount_fen, CREDIT_DONE);
	model_credit(w, p, n.amount_fen * FEN);
	for (int64_t i = lot(w, 0, 2); i > 0; i--)
		notify(w, &o, transaction, n.amount_fen, CREDIT_REPEATED);
	if (lot(w, 0, 19) == 0)
		notify(w, &o, second, n.amount_fen, CREDIT_SECOND);
	w->recharges++;
}

static void recharges_play(struct world *w)
{
	for (size_t i = 0; i < w->purses_n; i++) {
		struct purse *p = &w->purses[i];
		int64_t chance = p->level == LEVEL_OK ? 400 : p->level == LEVEL_ARREARS ? 8 : 40;

		if (lot(w, 1, chance) == 1)
			recharge(w, p);
		if (p->level == LEVEL_ARREARS && p->emergency_limit && lot(w, 0, 5) == 0 &&
			!p->emergency && p->balance <= 0 &&
			p->balance > -p->limit - p->emergency_limit) {
			assert_int_equal(
				account_take_emergency(w->api, p->id, "user:1", seeded_now),
				ERR_OK);
			p->emergency = true;
			p->level = LEVEL_LOW2;
		}
	}
}

static void sale(struct world *w)
{
	struct sale_line lines[2];
	struct purse *p[2];
	char once[32];
	struct sale_new n = { .user_id = w->user,
		.actor = "user:5",
		.method = lot(w, 0, 1) ? "cash" : "transfer",
		.lines = lines,
		.n = w->purses_n > 1 ? (size_t)lot(w, 1, 2) : 1,
		.note = "",
		.once_key = once };
	struct problem why = { 0 };
	struct sale s;
	size_t first = (size_t)lot(w, 0, (int64_t)w->purses_n - 1);

	snprintf(once, sizeof(once), "sale:%lld", (long long)++w->trades);
	for (size_t i = 0; i < n.n; i++) {
		p[i] = &w->purses[(first + i) % w->purses_n];
		lines[i] =
			(struct sale_line){ .account_id = p[i]->id, .amount_fen = lot(w, 1, 5000) };
		n.tendered_fen += lines[i].amount_fen;
	}
	for (int64_t i = lot(w, 0, 1); i >= 0; i--) /* once more: the same receipt */
		assert_int_equal(sale_create(w->api, &n, seeded_now, &s, &why), ERR_OK);
	for (size_t i = 0; i < n.n; i++)
		p[i]->balance += lines[i].amount_fen * FEN;
	for (size_t i = 0; i < n.n; i++)
		model_level(w, p[i]);
}

static void desk_play(struct world *w, int hour)
{
	struct problem why = { 0 };
	struct shift s;

	if (hour == 9) {
		assert_int_equal(shift_open(w->api, w->user, seeded_now, &s), ERR_OK);
		w->shift = s.id;
	}
	if (!w->shift)
		return;
	if (lot(w, 0, 2) == 0)
		sale(w);
	if (hour == 17) {
		assert_int_equal(shift_current(w->api, w->user, &s), ERR_OK);
		assert_int_equal(
			shift_close(w->api, w->shift, w->user,
				s.cash_fen + lot(w, -1, 1) * lot(w, 0, 1) * (s.cash_fen > 0),
				seeded_now, &s, &why),
			ERR_OK);
		w->shift = 0;
	}
}

/* ---- prices, contracts, wishes ---- */

static void new_version(struct world *w, int64_t from)
{
	size_t i = (size_t)lot(w, 0, TARIFFS - 1);
	AUTO(buf_free) struct buf sql = { 0 };

	/* Only behind the last one. */
	if (strstr(w->tariffs[i].doc.text + 100, "effective_from") || w->tariffs[i].revision > 1)
		return;
	w->tariffs[i].revision++;
	world_tariff_text(w, i, from);
	buf_printf(&sql, "UPDATE tariff SET doc = '%s]}', revision = revision + 1 WHERE id = %lld",
		w->tariffs[i].doc.text, (long long)w->tariffs[i].id);
	fixture_sql(w->root, sql.text);
}

static void assign(struct world *w, struct smeter *m, int64_t from)
{
	struct assignment *a = &m->tariffs[m->tariffs_n];

	if (m->tariffs_n == ARRAY_LEN(m->tariffs) || (m->tariffs_n > 0 && a[-1].from >= from))
		return;
	a->tariff = m->water ? 0 : (size_t)lot(w, 1, TARIFFS - 1);
	a->from = from;
	m->tariffs_n++;
	shop_set(w->root, "INSERT INTO meter_tariff VALUES (%lld, %lld, %lld)", (long long)m->id,
		(long long)from, (long long)w->tariffs[a->tariff].id);
}

static void prices_play(struct world *w)
{
	struct smeter *m = &w->meters[lot(w, 0, (int64_t)w->meters_n - 1)];

	if (lot(w, 0, 99) == 0)
		new_version(w, seeded_now.ms + lot(w, HOUR, 3 * DAY));
	if (lot(w, 0, 9) == 0)
		assign(w, m, seeded_now.ms + lot(w, HOUR, 3 * DAY));
	for (size_t i = 0; i < w->meters_n; i++)
		if (w->meters[i].tariffs_n == 0 && lot(w, 0, 29) == 0)
			/* Use that waited is priced by it; what was only measured is not priced
			 * again. */
			assign(w, &w->meters[i],
				w->meters[i].billed && w->meters[i].holds_n ? w->start - 4 * DAY
									     : seeded_now.ms);
}

struct wish {
	struct smeter *m;
	int64_t keep;
	bool manual;
};

static enum err wish_tx(struct db *db, void *ctx)
{
	const struct wish *x = ctx;
	enum err e = supply_keep_set(
		db, x->m->point, (struct utc){ x->keep }, "a test", "user:5", seeded_now);

	if (e != ERR_OK)
		return e;
	return x->manual ? supply_block_set(db, x->m->point, BLOCK_MANUAL, "", "user:5", "a test",
				   seeded_now)
			 : supply_block_clear(db, x->m->point, BLOCK_MANUAL, "", seeded_now);
}

/* What the worker does every few seconds. */
static void keeps_play(struct world *w)
{
	assert_int_equal(supply_keeps_end(w->worker, seeded_now), ERR_OK);
	for (size_t i = 0; i < w->meters_n; i++)
		if (w->meters[i].keep_until && w->meters[i].keep_until <= seeded_now.ms)
			w->meters[i].keep_until = 0;
}

static void wishes_play(struct world *w)
{
	struct wish x = { .m = &w->meters[lot(w, 0, (int64_t)w->meters_n - 1)] };

	keeps_play(w);
	if (lot(w, 0, 9) > 0)
		return;
	x.keep = lot(w, 0, 2) ? 0 : seeded_now.ms + lot(w, HOUR, DAY);
	x.manual = lot(w, 0, 2) == 0;
	assert_int_equal(db_tx(w->api, wish_tx, &x), ERR_OK);
	x.m->keep_until = x.keep;
	x.m->manual = x.manual;
}

/* ---- switching ---- */

/* No act against what is desired, and only where there is cause. */
static void act_is_right(struct world *w, const struct smeter *m, const struct act_order *o)
{
	const struct hold *h = model_hold(m, seeded_now.ms);
	bool arrears = m->charged && h && w->purses[h->purse].level == LEVEL_ARREARS;
	bool kept = m->keep_until > seeded_now.ms;
	bool off = m->manual || (arrears && !kept);

	CHECK(w, o->on == !off, "act on meter %lld: %s", (long long)m->id, o->on ? "on" : "off");
	CHECK(w, o->on != m->on, "act on meter %lld that is so already", (long long)m->id);
}

/* The relay does it, refuses, or does one of both and nobody knows. */
static void act_run(struct world *w, struct smeter *m, const struct act_order *o)
{
	int64_t luck = lot(w, 0, 19);
	struct act_end end = { .lease = w->lease,
		.act_id = o->act_id,
		.result = luck == 0   ? ACT_RESULT_REFUSED
			  : luck == 1 ? ACT_RESULT_UNKNOWN
				      : ACT_RESULT_DONE,
		.error = luck < 2 ? "a fault" : "",
		.now = { seeded_now.ms + 500 } };

	act_is_right(w, m, o);
	if (luck != 0 && (luck != 1 || lot(w, 0, 1)))
		m->on = o->on;
	end.observed = luck < 2 ? "" : m->on ? "on" : "off";
	if (luck == 2) /* the poller is killed before it can say so */
		return;
	assert_int_equal(act_end(w->poller, &end), ERR_OK);
	w->acts++;
}

static void point_play(struct world *w, struct smeter *m)
{
	struct act_ask ask = { .lease = w->lease,
		.supply_point_id = m->point,
		.identity = IDENTITY_SURE,
		.now = seeded_now };
	struct act_order o;

	assert_int_equal(act_begin(w->poller, &ask, &o), ERR_OK);
	if (o.answer == ANSWER_GO)
		act_run(w, m, &o);
	CHECK(w, o.answer != ANSWER_LATER || o.word[0], "point %lld is deferred for no reason",
		(long long)m->point);
}

static void clock_of_poller(struct world *w)
{
	char sql[64];

	snprintf(sql, sizeof(sql), "SET timestamp = %lld.%03lld", (long long)seeded_now.ms / 1000,
		(long long)seeded_now.ms % 1000);
	fixture_sql(w->poller, sql);
}

static void acts_play(struct world *w)
{
	AUTO(rows_free) struct rows due = { 0 };
	struct batch *b = calloc(1, sizeof(*b));
	const struct act_due *d;

	ASSERT(b);
	/* The worker has sent what there was. */
	fixture_sql(w->root, "DELETE FROM outbox WHERE state = 'sent'");
	shop_set(w->root,
		"UPDATE outbox SET state = 'sent', sent_at = %lld WHERE state = 'pending'",
		(long long)seeded_now.ms);
	clock_of_poller(w);
	assert_int_equal(acts_due(w->poller, &due), ERR_OK);
	d = due.at;
	for (size_t i = 0; i < due.n; i++) {
		struct smeter *m = &w->meters[d[i].meter_id - 1];

		if (m->hours_silent == 0)
			report_add(
				b, m, seeded_now.ms - 1000 + (int64_t)i % 500, m->reg, "accepted");
	}
	for (size_t i = 1; i < b->n; i++)
		for (size_t k = i; k > 0 && b->r[k - 1].meter_id > b->r[k].meter_id; k--) {
			struct report r = b->r[k];
			struct smeter *m = b->m[k];

			b->r[k] = b->r[k - 1];
			b->m[k] = b->m[k - 1];
			b->r[k - 1] = r;
			b->m[k - 1] = m;
		}
	batch_sink(w, b);
	for (size_t i = 0; i < due.n; i++)
		if (w->meters[d[i].meter_id - 1].hours_silent == 0)
			point_play(w, &w->meters[d[i].meter_id - 1]);
	free(b);
}

/* ---- the hour ---- */

void play_hour(struct world *w, int64_t hour)
{
	int local = zone_local(w->zone, (struct utc){ hour }).second / 3600;

	seeded_now.ms = hour + 52 * MINUTE;
	if (lot(w, 0, 23) == 0)
		world_sink(w);
	use_flows(w);
	readings_play(w, hour);
	seeded_now.ms += MINUTE;
	recharges_play(w);
	desk_play(w, local);
	prices_play(w);
	wishes_play(w);
	seeded_now.ms = hour + HOUR - 2 * MINUTE;
	acts_play(w);
	seeded_now.ms += MINUTE;
	keeps_play(w);
	assert_int_equal(bookday_seal_due(w->worker, seeded_now), ERR_OK);
}
