/* One simulated hour: use, readings good and bad, payments, the desk, prices, switching, sealing.
 */
#include "seeded.h"

#include <stdlib.h>
#include <string.h>

#include "domain/bookday.h"
#include "domain/monthsum.h"
#include "shop_fixture.h"

int64_t lot(struct world *w, int64_t min, int64_t max)
{
	return lots_between(&w->lots, min, max);
}

const char *once_key(struct world *w, const char *what, char buf[static 48])
{
	snprintf(buf, 48, "%s:%lld", what, (long long)++w->trades);
	return buf;
}

/* ---- readings ---- */

void report_add(struct batch *b, struct smeter *m, int64_t at, int64_t reg, const char *verdict)
{
	struct report *r = &b->r[b->n];

	assert_true(b->n < REPORTS_MAX);
	*r = (struct report){ .meter_id = m->id,
		.group_id = 7,
		.device = m->device,
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
	credit_show(m, r);
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
		credit_seen(b->m[i], &b->r[i]);
		load_watch(w, b->m[i], &b->r[i], str_eq(b->verdict[i], "accepted"));
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

void batch_sink(struct world *w, struct batch *b)
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
		if (m->device > 1 && lot(w, 0, 1)) /* of the device before, still on its way */
			b->r[b->n - 1].device--;
		else
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
	if (lot(w, 0, m->id < SHARE_METERS / 2 ? 199 : 399) == 0)
		m->hours_silent =
			(size_t)(m->id < SHARE_METERS / 2 ? lot(w, 70, 110) : lot(w, 1, 80));
	return lot(w, 0, 99) < 25;
}

static void use_flows(struct world *w)
{
	for (size_t i = 0; i < w->meters_n; i++) {
		struct smeter *m = &w->meters[i];

		m->hour_use = m->on && lot(w, 0, 9) ? lot(w, 0, m->most) : 0;
		credit_flows(m);
	}
	if (w->meters_n < SHARE_METERS || w->plain)
		return;
	w->meters[0].hour_use = lot(w, 0, 300); /* what is lost on the way down */
	if (!w->meters[0].on)
		return;
	for (size_t i = 4; i < SHARE_METERS - 1; i++)
		w->meters[0].hour_use += w->meters[i].hour_use * model_ratio(&w->meters[i]);
	w->meters[0].hour_use /= model_ratio(&w->meters[0]);
	if (seeded_now.ms / DAY % 6 == 0) /* it has a fault: less above than below */
		w->meters[0].hour_use /= 3;
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
	for (size_t i = 0; i < w->meters_n; i++) {
		w->meters[i].reg += w->meters[i].hour_use;
		credit_hour_ends(&w->meters[i]);
	}
	free(b);
	free(bad);
}

/* ---- prices ---- */

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

	if (m->credit.able || m->tariffs_n == ARRAY_LEN(m->tariffs) ||
		(m->tariffs_n > 0 && a[-1].from >= from))
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

/* ---- the hour ---- */

void play_hour(struct world *w, int64_t hour)
{
	int local = zone_local(w->zone, (struct utc){ hour }).second / 3600;
	int64_t summed;

	seeded_now.ms = hour + 52 * MINUTE;
	if (lot(w, 0, 23) == 0)
		world_sink(w);
	use_flows(w);
	readings_play(w, hour);
	seeded_now.ms += MINUTE;
	recharges_play(w);
	desk_play(w, local);
	if (!w->plain) {
		money_play(w);
		life_play(w);
	}
	if (!w->plain && lot(w, 0, 1)) { /* the worker is in no hurry */
		fees_play(w);
		shares_play(w);
	}
	prices_play(w);
	wishes_play(w);
	seeded_now.ms = hour + HOUR - 2 * MINUTE;
	supply_work(w);
	acts_play(w);
	if (!w->plain && lot(w, 0, 1))
		credits_play(w);
	seeded_now.ms = hour + HOUR - 1000;
	supply_work(w);
	assert_int_equal(bookday_seal_due(w->worker, seeded_now), ERR_OK);
	assert_int_equal(monthsum_run(w->worker, seeded_now, 1, &summed), ERR_OK);
}
