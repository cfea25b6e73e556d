#include "cmock.h"

#include <string.h>

#include "rules/purchase.h"

#define T0 INT64_C(1795342029000)
#define FEN 10 /* step of a register in 0.01 yuan */

/* A purchase of 50.00 yuan, the 13th, on a meter that had 198.56 left and may use 36 yuan an hour.
 */
static struct purchase_facts fifty(enum purchase_state s)
{
	return (struct purchase_facts){ .state = s,
		.count = 13,
		.amount_milli = 50000,
		.step_milli = FEN,
		.most_per_hour = 36000,
		.before = { { T0 }, 12, 198560, -1 },
		.sent_at = { T0 + 100 },
		.now = { { T0 + 60000 }, 12, 198560, -1 },
		.clock = { T0 + 60100 } };
}

static void what_is_done_next(void **state)
{
	static const struct {
		const char *what;
		enum purchase_state state;
		int64_t count, remaining; /* as read after a minute */
		bool refused;
		int64_t refusals;
		enum purchase_act act;
		const char *word;
	} rows[] = {
		/* clang-format off */
		{ "nothing was sent",        PURCHASE_DESIRED,  12, 198560, false, 0, PURCHASE_ACT_WRITE,    "" },
		{ "somebody else sold",      PURCHASE_DESIRED,  13, 248560, false, 0, PURCHASE_ACT_MISMATCH, "count" },
		{ "another meter, perhaps",  PURCHASE_DESIRED,   0,      0, false, 0, PURCHASE_ACT_MISMATCH, "count" },
		{ "it has arrived",          PURCHASE_SENT,     13, 248560, false, 0, PURCHASE_ACT_DONE,     "" },
		{ "the answer was lost",     PURCHASE_UNKNOWN,  13, 248560, false, 0, PURCHASE_ACT_DONE,     "" },
		{ "and 0.60 was used",       PURCHASE_UNKNOWN,  13, 247960, false, 0, PURCHASE_ACT_DONE,     "" },
		{ "and 0.61 was used",       PURCHASE_UNKNOWN,  13, 247950, false, 0, PURCHASE_ACT_DONE,     "" },
		{ "more than can be used",   PURCHASE_UNKNOWN,  13, 247949, false, 0, PURCHASE_ACT_MISMATCH, "remaining" },
		{ "one step more is noise",  PURCHASE_SENT,     13, 248570, false, 0, PURCHASE_ACT_DONE,     "" },
		{ "added, not set",          PURCHASE_SENT,     13, 447120, false, 0, PURCHASE_ACT_MISMATCH, "remaining" },
		{ "counted, nothing there",  PURCHASE_SENT,     13, 198560, false, 0, PURCHASE_ACT_MISMATCH, "remaining" },
		{ "the frame was lost",      PURCHASE_UNKNOWN,  12, 198560, false, 0, PURCHASE_ACT_AGAIN,    "" },
		{ "lost, and some was used", PURCHASE_UNKNOWN,  12, 198060, false, 0, PURCHASE_ACT_AGAIN,    "" },
		{ "amount without count",    PURCHASE_UNKNOWN,  12, 248560, false, 0, PURCHASE_ACT_MISMATCH, "half" },
		{ "refused once",            PURCHASE_SENT,     12, 198560, true,  0, PURCHASE_ACT_AGAIN,    "" },
		{ "refused three times",     PURCHASE_SENT,     12, 198560, true,  2, PURCHASE_ACT_FAILED,   "refused" },
		{ "refused, yet it is done", PURCHASE_SENT,     13, 248560, true,  2, PURCHASE_ACT_DONE,     "" },
		{ "count ran on",            PURCHASE_SENT,     14, 298560, false, 0, PURCHASE_ACT_MISMATCH, "count" },
		{ "count fell",              PURCHASE_UNKNOWN,  11, 198560, false, 0, PURCHASE_ACT_MISMATCH, "count" },
		{ "it is over",              PURCHASE_DONE,     13, 248560, false, 0, PURCHASE_ACT_NOTHING,  "" },
		{ "a person decides",        PURCHASE_MISMATCH, 13, 248560, false, 0, PURCHASE_ACT_NOTHING,  "" },
		/* clang-format on */
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct purchase_facts f = fifty(rows[i].state);
		struct purchase_step s;

		f.now.count = rows[i].count;
		f.now.remaining_milli = rows[i].remaining;
		f.refused = rows[i].refused;
		f.refusals = rows[i].refusals;
		s = purchase_next(&f);
		if (s.act != rows[i].act || strcmp(s.word, rows[i].word) != 0)
			fail_msg("%s: act %d %s", rows[i].what, (int)s.act, s.word);
	}
}

static void what_goes_into_the_registers(void **state)
{
	static const struct {
		bool adds, fresh;
		int64_t held, write;
		enum purchase_act act;
	} rows[] = {
		{ false, false, 198560, 248560, PURCHASE_ACT_WRITE },
		{ true, false, 198560, 50000, PURCHASE_ACT_WRITE },
		{ false, false, -3180, 46820, PURCHASE_ACT_WRITE }, /* repays what was overdrawn */
		{ true, false, -3180, 50000, PURCHASE_ACT_WRITE },
		{ false, false, -50010, 0, PURCHASE_ACT_FAILED }, /* no register for a minus */
		{ false, true, 198560, 50000, PURCHASE_ACT_WRITE },
		{ true, true, 20000, 30000, PURCHASE_ACT_WRITE },
		{ true, true, 198560, 0, PURCHASE_ACT_FAILED },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct purchase_facts f = fifty(PURCHASE_DESIRED);
		struct purchase_step s;

		f.adds = rows[i].adds;
		f.fresh = rows[i].fresh;
		f.now.remaining_milli = rows[i].held;
		s = purchase_next(&f);
		assert_int_equal(s.act, rows[i].act);
		if (s.act != PURCHASE_ACT_WRITE)
			continue;
		assert_int_equal(s.write_milli, rows[i].write);
		assert_int_equal(s.write_count, 13);
	}
}

static void a_reading_counts_only_when_it_is_later(void **state)
{
	struct purchase_facts f = fifty(PURCHASE_SENT);

	(void)state;
	f.now.at = f.sent_at; /* on its way while the frame was */
	assert_int_equal(purchase_next(&f).act, PURCHASE_ACT_READ);
	f.now.at.ms = 0;
	assert_int_equal(purchase_next(&f).act, PURCHASE_ACT_READ);
	f = fifty(PURCHASE_DESIRED);
	f.clock.ms = f.now.at.ms + PURCHASE_FRESH_MS + 1;
	assert_int_equal(purchase_next(&f).act, PURCHASE_ACT_READ);
	f.clock.ms = f.now.at.ms - PURCHASE_FRESH_MS - 1;
	assert_int_equal(purchase_next(&f).act, PURCHASE_ACT_READ);
}

static void the_total_is_compared_where_it_is_told(void **state)
{
	struct purchase_facts f = fifty(PURCHASE_SENT);

	(void)state;
	f.now.count = 13;
	f.now.remaining_milli = 248560;
	f.before.total_milli = 1000000;
	f.now.total_milli = 1050000;
	assert_int_equal(purchase_next(&f).act, PURCHASE_ACT_DONE);
	f.now.total_milli = 1000000;
	assert_string_equal(purchase_next(&f).word, "total");
	f.now.count = 12;
	f.now.remaining_milli = 198560;
	assert_int_equal(purchase_next(&f).act, PURCHASE_ACT_AGAIN);
	f.now.total_milli = 1050000; /* credited and at once used up? nobody knows */
	assert_string_equal(purchase_next(&f).word, "half");
}

/* ---- a meter, a poller and all that may go wrong ---- */

struct toy { /* a meter */
	bool adds, checks;
	int64_t count, remaining, total;
	int64_t credited; /* milli that reached it by purchases */
};

/* The power may fail between the two registers. */
static bool toy_write(struct toy *t, int64_t count, int64_t milli, bool power_fails)
{
	int64_t gain = t->adds ? milli : milli - t->remaining;

	if (t->checks && count != t->count + 1)
		return false;
	t->remaining += gain;
	t->credited += gain;
	if (power_fails)
		return true;
	t->total += gain;
	t->count = count;
	return true;
}

struct poller { /* what is in the database */
	struct purchase_facts f;
	int64_t clock;
	int64_t used, frames;
};

static void time_passes(struct lots *l, struct toy *t, struct poller *p)
{
	int64_t ms = lots_between(l, 1, 4000);
	int64_t use = lots_between(l, 0, 1) * lots_between(l, 0, p->f.most_per_hour * ms / 3600000);

	p->clock += ms;
	t->remaining -= use;
	p->used += use;
}

static void look(struct toy *t, struct poller *p)
{
	p->f.now = (struct credit_seen){ { p->clock }, t->count, t->remaining, t->total };
	p->f.clock.ms = p->clock;
}

/* Commits, sends, and hears or does not hear; the process may die at each step. */
static void write_frame(
	struct lots *l, struct toy *t, struct poller *p, const struct purchase_step *s, bool power)
{
	int64_t fate = lots_between(l, 0, 9);
	bool acted;

	if (fate == 0)
		return; /* died before COMMIT */
	p->f.before = p->f.now;
	p->f.sent_at = p->f.clock;
	p->f.state = PURCHASE_SENT;
	p->f.refused = false;
	if (fate <= 2)
		return; /* died before the frame left, or the frame was lost */
	if (lots_between(l, 0, 9) == 0) {
		p->f.refused = true;
		return;
	}
	acted = toy_write(t, s->write_count, s->write_milli, power);
	assert_true(acted); /* our own count is never refused */
	p->frames++;
	if (fate <= 5)
		p->f.state = PURCHASE_UNKNOWN; /* the answer was lost */
	if (fate == 6)
		p->f.now = p->f.before; /* what is read is forgotten */
}

static bool run_once(struct lots *l, bool adds, bool power)
{
	struct toy t = { .adds = adds,
		.checks = lots_between(l, 0, 1),
		.count = lots_between(l, 0, 100),
		.remaining = lots_between(l, -5000, 300000),
		.total = 1000000 };
	struct poller p = { .clock = T0 };
	bool over = false;

	p.f = (struct purchase_facts){ .state = PURCHASE_DESIRED,
		.count = t.count + 1,
		.amount_milli = lots_between(l, 600, 100000) * FEN,
		.adds = adds,
		.step_milli = FEN,
		.most_per_hour = 36000 };
	for (int i = 0; i < 2000 && !over; i++) {
		struct purchase_step s;

		time_passes(l, &t, &p);
		s = purchase_next(&p.f);
		switch (s.act) {
		case PURCHASE_ACT_READ:
			look(&t, &p);
			break;
		case PURCHASE_ACT_WRITE:
			p.f.clock.ms = p.clock;
			if (purchase_next(&p.f).act == PURCHASE_ACT_WRITE)
				write_frame(l, &t, &p, &s, power && lots_between(l, 0, 3) == 0);
			break;
		case PURCHASE_ACT_AGAIN:
			p.f.refusals += p.f.refused;
			p.f.state = PURCHASE_DESIRED;
			p.f.now.at.ms = 0;
			break;
		default:
			over = true;
			if (s.act == PURCHASE_ACT_DONE)
				assert_in_range(t.credited, (uint64_t)p.f.amount_milli,
					(uint64_t)(p.f.amount_milli + p.used));
			else if (s.act == PURCHASE_ACT_FAILED)
				assert_int_equal(t.credited, 0);
			else
				assert_true(power); /* a mismatch has a cause */
			assert_true(p.frames <= 1 || power);
		}
	}
	return over;
}

static void never_twice_and_never_lost(void **state)
{
	struct lots l = lots_open();

	(void)state;
	for (int i = 0; i < 20000; i++)
		assert_true(run_once(&l, i % 2, i % 4 >= 2));
}

/* ---- money ---- */

static void whole_steps_are_bought(void **state)
{
	static const struct {
		enum credit_kind kind;
		int64_t paid_nano, price_micro, step, milli, worth_nano;
	} rows[] = {
		/* clang-format off */
		{ CREDIT_IN_YUAN,  INT64_C(50000000000),      0, FEN, 50000, INT64_C(50000000000) },
		{ CREDIT_IN_YUAN,  INT64_C(50009999999),      0, FEN, 50000, INT64_C(50000000000) },
		{ CREDIT_IN_YUAN,  INT64_C(10000000),         0, FEN, 10,    INT64_C(10000000) },
		/* 10 yuan at 0.6583 are 15.19 kWh for 9.999577 yuan */
		{ CREDIT_IN_UNITS, INT64_C(10000000000), 658300, 10,  15190, INT64_C(9999577000) },
		/* 10 yuan at 3.10 are 3.2258 m3; the meter counts litres */
		{ CREDIT_IN_UNITS, INT64_C(10000000000), 3100000, 1,  3225,  INT64_C(9997500000) },
		/* clang-format on */
	};
	struct money worth;
	int64_t milli;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct money paid = { rows[i].paid_nano };
		struct price price = { rows[i].price_micro };

		assert_int_equal(
			purchase_convert(rows[i].kind, paid, price, rows[i].step, &milli, &worth),
			ERR_OK);
		assert_int_equal(milli, rows[i].milli);
		assert_int_equal(worth.nano, rows[i].worth_nano);
	}
	assert_int_equal(purchase_convert(CREDIT_IN_YUAN, (struct money){ 9999999 },
				 (struct price){ 0 }, FEN, &milli, &worth),
		ERR_OUT_OF_RANGE);
	assert_int_equal(purchase_convert(CREDIT_IN_UNITS, (struct money){ 9999999 },
				 (struct price){ 0 }, FEN, &milli, &worth),
		ERR_OUT_OF_RANGE);
	assert_int_equal(purchase_convert(CREDIT_IN_YUAN, (struct money){ -1 }, (struct price){ 0 },
				 FEN, &milli, &worth),
		ERR_OUT_OF_RANGE);
}

static void use_is_worth_what_was_paid(void **state)
{
	struct credit_book yuan = { CREDIT_IN_YUAN, 50000, { INT64_C(50000000000) }, { 0 } };
	/* 100 kWh, 40 of them at 0.50 and 60 at 0.60: 56 yuan */
	struct credit_book kwh = { CREDIT_IN_UNITS, 100000, { INT64_C(56000000000) }, { 600000 } };
	struct money m;

	(void)state;
	assert_int_equal(credit_use(&yuan, 1230, &m), ERR_OK);
	assert_int_equal(m.nano, INT64_C(1230000000));
	assert_int_equal(credit_use(&yuan, 60000, &m), ERR_OK); /* overdrawn */
	assert_int_equal(m.nano, INT64_C(60000000000));
	assert_int_equal(credit_use(&kwh, 25000, &m), ERR_OK);
	assert_int_equal(m.nano, INT64_C(14000000000));
	assert_int_equal(credit_use(&kwh, 100000, &m), ERR_OK);
	assert_int_equal(m.nano, INT64_C(56000000000));
	assert_int_equal(credit_use(&kwh, 101000, &m), ERR_OK); /* one more at the last price */
	assert_int_equal(m.nano, INT64_C(56600000000));
	kwh.remaining_milli = INT64_MAX;
	kwh.price.micro = INT64_MAX;
	assert_int_equal(credit_use(&kwh, -2000, &m), ERR_OVERFLOW);
}

/* However the use of units is cut into days, all that was paid is used at the end. */
static void use_by_days_sums_up(void **state)
{
	struct lots l = lots_open();

	(void)state;
	for (int i = 0; i < 2000; i++) {
		struct credit_book b = { CREDIT_IN_UNITS, lots_between(&l, 1, 500000),
			{ lots_between(&l, 0, 1000) * NANO_PER_YUAN }, { 658300 } };
		int64_t paid = b.worth.nano, taken = 0;

		while (b.remaining_milli > 0) {
			int64_t used = lots_between(&l, 0, b.remaining_milli);
			struct money m;

			assert_int_equal(credit_use(&b, used, &m), ERR_OK);
			assert_in_range(m.nano, 0, (uint64_t)b.worth.nano);
			b.worth.nano -= m.nano;
			b.remaining_milli -= used;
			taken += m.nano;
		}
		assert_int_equal(taken, paid);
	}
}

static void drift_is_a_share_and_not_pennies(void **state)
{
	struct money least = { NANO_PER_YUAN };
	struct money hundred = { INT64_C(100000000000) };

	(void)state;
	assert_false(credit_drifts((struct money){ INT64_C(105000000000) }, hundred, 50, least));
	assert_true(credit_drifts((struct money){ INT64_C(105000000001) }, hundred, 50, least));
	assert_true(credit_drifts((struct money){ INT64_C(94990000000) }, hundred, 50, least));
	assert_false(credit_drifts(least, (struct money){ 0 }, 50, least));
	assert_true(
		credit_drifts((struct money){ NANO_PER_YUAN + 1 }, (struct money){ 0 }, 50, least));
}

static void words_are_read_as_written(void **state)
{
	enum purchase_state s;

	(void)state;
	for (enum purchase_state i = 0; i < PURCHASE__MAX; i++) {
		assert_int_equal(purchase_parse(purchase_word(i), &s), ERR_OK);
		assert_int_equal(s, i);
	}
	assert_int_equal(purchase_parse("lost", &s), ERR_BAD_VALUE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_done_next),
		cmocka_unit_test(what_goes_into_the_registers),
		cmocka_unit_test(a_reading_counts_only_when_it_is_later),
		cmocka_unit_test(the_total_is_compared_where_it_is_told),
		cmocka_unit_test(never_twice_and_never_lost),
		cmocka_unit_test(whole_steps_are_bought),
		cmocka_unit_test(use_is_worth_what_was_paid),
		cmocka_unit_test(use_by_days_sums_up),
		cmocka_unit_test(drift_is_a_share_and_not_pennies),
		cmocka_unit_test(words_are_read_as_written),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
