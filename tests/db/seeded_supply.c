/* Supply: what people wish, loads, schedules, holidays, and the acts of the poller. */
#include "seeded.h"

#include <stdlib.h>
#include <string.h>

#include "domain/act.h"
#include "domain/holiday.h"
#include "domain/overload.h"
#include "domain/timetable.h"
#include "shop_fixture.h"

/* ---- what should be ---- */

static struct local local_now(const struct world *w)
{
	return zone_local(w->zone, seeded_now);
}

/* 0 a day like others, 'h' a holiday, 'w' a workday, by the site's table. */
static char mark_of(const struct world *w, int32_t day)
{
	for (size_t i = 0; i < w->marks_n; i++)
		if (w->marks[i].day == day)
			return w->marks[i].kind;
	return 0;
}

static bool is_weekend(int32_t day)
{
	return day_weekday((struct day){ day }) >= 5;
}

bool schedule_off(const struct world *w, const struct smeter *m)
{
	struct local l = local_now(w);
	char mark = mark_of(w, l.day.days);
	enum day_sort sort = mark == 'h'			   ? SORT_HOLIDAY
			     : mark == 0 && is_weekend(l.day.days) ? SORT_WEEKEND
								   : SORT_WORKDAY;
	const struct timetable_day *d;
	bool off = false;

	if (!m->schedule)
		return false;
	d = &w->schedules[m->schedule - 1].table.days[sort];
	for (size_t i = 0; i < d->n; i++)
		if (d->at[i].minute * 60 <= l.second)
			off = d->at[i].off;
	return off;
}

static bool in_arrears(const struct world *w, const struct smeter *m)
{
	const struct hold *h = model_hold(m, seeded_now.ms);

	return m->charged && h && w->purses[h->purse].level == LEVEL_ARREARS;
}

bool supply_off(const struct world *w, const struct smeter *m)
{
	bool kept = m->keep_until > seeded_now.ms;

	return m->manual || m->vacant || m->load.blocked ||
	       (!kept && (schedule_off(w, m) || in_arrears(w, m)));
}

static bool only_for_money(const struct world *w, const struct smeter *m)
{
	return !m->manual && !m->vacant && !m->load.blocked && !schedule_off(w, m) &&
	       in_arrears(w, m);
}

/* Nobody is cut for money now. */
static bool is_quiet(const struct world *w)
{
	struct local l = local_now(w);
	char mark = mark_of(w, l.day.days);
	int minute = l.second / 60;

	if (mark == 'h' || (w->quiet_weekend && mark == 0 && is_weekend(l.day.days)))
		return true;
	if (w->quiet_from < w->quiet_to)
		return minute >= w->quiet_from && minute < w->quiet_to;
	return w->quiet_from > w->quiet_to && (minute >= w->quiet_from || minute < w->quiet_to);
}

/* ---- loads ---- */

/* A limit without delay: the first reading above it cuts. */
void load_watch(struct world *w, struct smeter *m, const struct report *r, bool good)
{
	int64_t at = r->now.read_at.ms;
	bool above = good && m->load.limit > 0 && r->now.power_w > m->load.limit;
	bool off = str_eq(r->observed, "off");

	if (r->device != m->device) /* says nothing of this one */
		return;
	if (at <= m->load.since || (!m->load.limit && !m->load.cut))
		return;
	if (m->load.cut && !m->load.blocked) { /* a person has lifted it */
		m->load.cut = m->load.locked = false;
		m->load.since = m->load.trips = m->load.trip_at = 0;
	}
	if (m->load.cut) {
		bool returns = off ? at >= m->load.since + m->load.retry_s * 1000 : good && !above;

		if (m->load.locked || (!returns && m->load.limit))
			return;
		if (m->load.limit && !off)
			m->load.trips--;
		m->load.cut = m->load.blocked = false;
		m->load.since = 0;
		happened(w, EVENT_OVERLOAD_RETURN);
		return;
	}
	if (!above)
		return;
	m->load.trips = m->load.trips > 0 && at - m->load.trip_at <= HOUR ? m->load.trips + 1 : 1;
	m->load.trip_at = m->load.since = at;
	m->load.locked = m->load.retry_s == 0 || m->load.trips > m->load.retries;
	m->load.cut = m->load.blocked = true;
	happened(w, m->load.locked ? EVENT_OVERLOAD_LOCK : EVENT_OVERLOAD);
}

static void limit_play(struct world *w)
{
	static const int64_t waits[] = { 0, 600, 7200 };
	struct smeter *m = &w->meters[lot(w, 0, (int64_t)w->meters_n - 1)];
	struct overload_setting s = { .meter_id = m->id,
		.limits = { lot(w, 0, 1) ? lot(w, m->most / 2, m->most) : 0, 0, waits[lot(w, 0, 2)],
			lot(w, 0, 2) },
		.actor = "user:5",
		.address = "",
		.reason = "a test",
		.now = seeded_now };
	struct problem why = { 0 };

	assert_int_equal(overload_set(w->api, &s, &why), ERR_OK);
	m->load.limit = s.limits.limit_w;
	m->load.retry_s = s.limits.retry_s;
	m->load.retries = s.limits.retries;
}

static enum err lift_tx(struct db *db, void *ctx)
{
	const struct smeter *m = ctx;

	return supply_block_clear(db, m->point, BLOCK_OVERLOAD, "", seeded_now);
}

/* Locks wait for a person. */
static void locks_play(struct world *w)
{
	for (size_t i = 0; i < w->meters_n; i++)
		if (w->meters[i].load.blocked && lot(w, 0, 29) == 0) {
			assert_int_equal(db_tx(w->api, lift_tx, &w->meters[i]), ERR_OK);
			w->meters[i].load.blocked = false;
		}
}

/* ---- schedules and days ---- */

static void table_draw(struct world *w, struct timetable *t)
{
	*t = (struct timetable){ 0 };
	for (enum day_sort s = 0; s < SORT__MAX; s++) {
		struct timetable_day *d = &t->days[s];
		int32_t minute = 0;

		if (lot(w, 0, 4) == 0)
			continue;
		/* Not where a clock may jump. */
		for (; minute < 1440 && d->n < 4; minute += 4 * 60 + 30 * (int32_t)lot(w, 0, 20)) {
			d->at[d->n].minute = minute;
			d->at[d->n++].off = lot(w, 0, 2) == 0;
		}
	}
}

static void schedule_save(struct world *w, size_t i)
{
	char code[48];
	struct timetable_edit e = { .id = w->schedules[i].id,
		.site_id = 1,
		.code = once_key(w, "t", code),
		.name = "hours",
		.table = &w->schedules[i].table,
		.actor = "user:5",
		.address = "",
		.now = seeded_now };

	table_draw(w, &w->schedules[i].table);
	assert_int_equal(timetable_save(w->api, &e, &w->schedules[i].id), ERR_OK);
}

static enum err give_tx(struct db *db, void *ctx)
{
	return timetable_give(db, ctx);
}

static void schedule_play(struct world *w)
{
	struct smeter *m = &w->meters[lot(w, 0, (int64_t)w->meters_n - 1)];
	size_t i = (size_t)lot(w, 0, ARRAY_LEN(w->schedules));
	struct timetable_give g = { .supply_point_id = m->point,
		.site_id = 1,
		.actor = "user:5",
		.address = "",
		.now = seeded_now };

	if (i > 0 && (!w->schedules[i - 1].id || lot(w, 0, 3) == 0))
		schedule_save(w, i - 1);
	g.timetable_id = i ? w->schedules[i - 1].id : 0;
	assert_int_equal(db_tx(w->api, give_tx, &g), ERR_OK);
	m->schedule = i;
	happened(w, i ? EVENT_SCHEDULE : EVENT_SCHEDULE_ENDED);
}

static void holiday_play(struct world *w)
{
	struct holiday_change c = { .site_id = 1,
		.day = { local_now(w).day.days + (int32_t)lot(w, 0, 5) },
		.kind = lot(w, 0, 1) ? SITE_DAY_HOLIDAY : SITE_DAY_WORKDAY,
		.name = "a day",
		.actor = "user:5",
		.address = "",
		.now = seeded_now };
	size_t i = 0;

	while (i < w->marks_n && w->marks[i].day != c.day.days)
		i++;
	if (i == ARRAY_LEN(w->marks))
		return;
	if (lot(w, 0, 4) == 0) {
		assert_int_equal(holiday_delete(w->api, &c), ERR_OK);
		if (i < w->marks_n)
			w->marks[i] = w->marks[--w->marks_n];
		return;
	}
	assert_int_equal(holiday_put(w->api, &c), ERR_OK);
	w->marks_n += i == w->marks_n;
	w->marks[i].day = c.day.days;
	w->marks[i].kind = c.kind == SITE_DAY_HOLIDAY ? 'h' : 'w';
	happened(w, EVENT_HOLIDAY);
}

void quiet_make(struct world *w)
{
	bool some = lot(w, 0, 1);

	w->quiet_from = some ? (int)lot(w, 20, 23) * 60 : 0;
	w->quiet_to = some ? (int)lot(w, 5, 8) * 60 : 0;
	w->quiet_weekend = lot(w, 0, 1);
	shop_set(w->root,
		"INSERT INTO setting (site_id, name, value) VALUES (1, 'quiet_from_min', %d),"
		" (1, 'quiet_to_min', %d), (1, 'quiet_weekend', %d)",
		w->quiet_from, w->quiet_to, w->quiet_weekend);
}

/* ---- wishes ---- */

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
void supply_work(struct world *w)
{
	assert_int_equal(timetables_run(w->worker, seeded_now), ERR_OK);
	assert_int_equal(supply_keeps_end(w->worker, seeded_now), ERR_OK);
	for (size_t i = 0; i < w->meters_n; i++)
		if (w->meters[i].keep_until && w->meters[i].keep_until <= seeded_now.ms)
			w->meters[i].keep_until = 0;
}

static void wish_play(struct world *w)
{
	struct wish x = { .m = &w->meters[lot(w, 0, (int64_t)w->meters_n - 1)] };

	if (lot(w, 0, 9) > 0)
		return;
	x.keep = lot(w, 0, 2) ? 0 : seeded_now.ms + lot(w, HOUR, DAY);
	x.manual = lot(w, 0, 2) == 0;
	assert_int_equal(db_tx(w->api, wish_tx, &x), ERR_OK);
	x.m->keep_until = x.keep;
	x.m->manual = x.manual;
	if (x.keep)
		happened(w, EVENT_KEEP);
	if (x.manual)
		happened(w, EVENT_MANUAL);
}

void wishes_play(struct world *w)
{
	wish_play(w);
	if (w->plain)
		return;
	if (lot(w, 0, 29) == 0)
		limit_play(w);
	locks_play(w);
	if (lot(w, 0, 29) == 0)
		schedule_play(w);
	if (lot(w, 0, 39) == 0)
		holiday_play(w);
}

/* ---- switching ---- */

/* No act against what is desired, and only where there is cause. */
static void act_is_right(struct world *w, const struct smeter *m, const struct act_order *o)
{
	const struct hold *h = model_hold(m, seeded_now.ms);
	bool arrears = m->charged && h && w->purses[h->purse].level == LEVEL_ARREARS;
	bool off = supply_off(w, m);

	CHECK(w, o->on == !off, "act on meter %lld: %s", (long long)m->id, o->on ? "on" : "off");
	CHECK(w, o->on || !arrears || !only_for_money(w, m) || !is_quiet(w),
		"act on meter %lld: off for money in a quiet time", (long long)m->id);
	if (!o->on && only_for_money(w, m))
		happened(w, EVENT_CUT);
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
	if (o.answer == ANSWER_LATER && str_eq(o.word, "quiet"))
		happened(w, EVENT_QUIET);
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

/* What the sender of messages does, at once: somebody may verify the mall meanwhile. */
static enum err messages_leave_tx(struct db *db, void *ctx)
{
	(void)ctx;
	fixture_sql(db, "DELETE FROM outbox_try");
	fixture_sql(db, "DELETE FROM outbox WHERE state = 'sent'");
	shop_set(db, "UPDATE outbox SET state = 'sent', sent_at = %lld WHERE state = 'pending'",
		(long long)seeded_now.ms);
	fixture_sql(db, "INSERT INTO outbox_try (outbox_id, way, phone, kind, at, outcome)"
			" SELECT id, 'aliyun_sms', recipient, template, sent_at, 'done'"
			" FROM outbox WHERE state = 'sent'");
	return ERR_OK;
}

void acts_play(struct world *w)
{
	AUTO(rows_free) struct rows due = { 0 };
	struct batch *b = calloc(1, sizeof(*b));
	const struct act_due *d;

	ASSERT(b);
	assert_int_equal(db_tx(w->root, messages_leave_tx, NULL), ERR_OK);
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
