/* The report of energy and money: every row ties, whatever the span, and every kind of entry has
 * its place in it. */
#include "shop_fixture.h"

#include <stdio.h>
#include <string.h>

#include "domain/account.h"
#include "domain/bookday.h"
#include "domain/charge.h"
#include "domain/chart.h"
#include "domain/entry.h"
#include "domain/monthsum.h"
#include "report/energy_money.h"
#include "report/report.h"

#define HOUR INT64_C(3600000)
#define DAY (24 * HOUR)
#define MIDNIGHT INT64_C(1795363200000) /* 2026-11-23T00:00 at the shops */
#define AT(day, hour) (MIDNIGHT + ((day)-23) * DAY + (hour)*HOUR)
#define NOV(n) ((struct day){ 20757 + (n) })
#define YUAN(n) ((n)*NANO_PER_YUAN)

static struct tariffs *tariffs;

struct one {
	const struct shop *s;
	int64_t at, reg;
};

static enum err read_tx(struct db *db, void *ctx)
{
	const struct one *o = ctx;
	AUTO(charges_free) struct charges sum = { 0 };
	struct charge_reading r = { .meter_id = o->s->meter,
		.at = { o->at },
		.reg = { o->reg },
		.most_per_hour = 100000000 };
	struct settled last = { 0 };
	enum err e = settled_lock(db, r.meter_id, &last);

	if (e == ERR_OK)
		e = charge_settle(db, tariffs, &r, &last, &sum);
	return e == ERR_OK ? charge_post(db, &sum, r.at) : e;
}

static void read_at(struct db *db, const struct shop *s, int64_t at, int64_t reg)
{
	assert_int_equal(db_tx(db, read_tx, &(struct one){ s, at, reg }), ERR_OK);
}

struct move {
	const struct shop *s;
	const char *kind, *against;
	int n; /* of November */
	int64_t yuan;
};

static enum err move_tx(struct db *db, void *ctx)
{
	const struct move *m = ctx;
	char once[64];
	int64_t other, id;
	enum err e = account_company(db, m->against, &other);

	snprintf(once, sizeof(once), "%s:%lld:%d", m->kind, (long long)m->s->account, m->n);
	return e == ERR_OK ? entry_post(db,
				     &(struct entry){ .kind = m->kind,
					     .once_key = once,
					     .reference = "",
					     .actor = "test",
					     .memo = "",
					     .site_id = m->s->site,
					     .book_day = NOV(m->n),
					     .at = { AT(m->n, 12) } },
				     (struct posting[]){ { m->s->account, { YUAN(m->yuan) }, true },
					     { other, { -YUAN(m->yuan) }, false } },
				     2, &id)
			   : e;
}

static void moved(struct db *db, const struct shop *s, const char *kind, const char *against, int n,
	int64_t yuan)
{
	assert_int_equal(db_tx(db, move_tx, &(struct move){ s, kind, against, n, yuan }), ERR_OK);
}

/* A shop whose purse holds nothing that was not posted. */
static struct shop empty_shop(struct db *db, int n)
{
	struct shop s = shop_make(db, n);

	shop_set(db, "UPDATE account SET balance_nano = 0 WHERE id = %lld", (long long)s.account);
	return s;
}

/* The only row of a span; it ties. */
static struct energy_money_row row_of(struct db *db, const struct shop *s, int from, int to)
{
	AUTO(energy_money_free) struct energy_money r = { 0 };
	struct energy_money_row row;
	int64_t sum;

	assert_int_equal(energy_money(db, s->site, s->site, NOV(from), NOV(to), &r), ERR_OK);
	assert_int_equal(r.rows.n, 1);
	row = *(const struct energy_money_row *)r.rows.at;
	assert_int_equal(row.account_id, s->account);
	sum = row.opening.nano;
	for (unsigned i = 0; i < MOVE__MAX; i++)
		sum += row.moves[i].nano;
	assert_int_equal(sum, row.closing.nano);
	return row;
}

/* 2 kWh in the night of the 21st at 0.312, then 1 kWh each in two nights. */
static void a_row_ties_for_any_span_before_and_after_sealing(void **state)
{
	struct db *db = *state;
	struct shop s = empty_shop(db, 1);
	struct energy_money_row before, after;

	moved(db, &s, "opening", "opening", 21, 50);
	read_at(db, &s, AT(21, 0), 1000);
	read_at(db, &s, AT(21, 2), 3000);
	moved(db, &s, "sale", "bank", 22, 20);
	moved(db, &s, "refund", "refund_due", 22, -5);
	read_at(db, &s, AT(22, 0), 3000);
	read_at(db, &s, AT(22, 2), 4000);
	moved(db, &s, "correction", "energy", 23, 1);
	read_at(db, &s, AT(23, 0), 4000);
	read_at(db, &s, AT(23, 1), 5000);

	before = row_of(db, &s, 22, 22);
	assert_int_equal(before.opening.nano, YUAN(50) - 2 * 312000000);
	assert_int_equal(before.moves[MOVE_RECHARGE].nano, YUAN(20));
	assert_int_equal(before.moves[MOVE_REFUND].nano, -YUAN(5));
	assert_int_equal(before.moves[MOVE_ENERGY].nano, -312000000);
	assert_int_equal(before.closing.nano, YUAN(65) - 3 * 312000000);
	assert_int_equal(before.qty.milli, 1000);
	for (int from = 20; from <= 24; from++)
		for (int to = from; to <= 24; to++)
			(void)row_of(db, &s, from, to);

	for (int n = 21; n <= 22; n++) {
		struct book_day sealed;
		struct problem why = { 0 };

		if (bookday_seal(db, s.site, NOV(n), (struct utc){ AT(23, 3) }, &sealed, &why) !=
			ERR_OK)
			fail_msg("%d: %s", n, why.text);
	}
	after = row_of(db, &s, 22, 22);
	assert_memory_equal(&after.moves, &before.moves, sizeof(after.moves));
	assert_int_equal(after.opening.nano, before.opening.nano);
	assert_int_equal(after.closing.nano, before.closing.nano);
}

static void late_energy_has_a_column_of_its_own(void **state)
{
	struct db *db = *state;
	struct shop s = empty_shop(db, 2);
	struct energy_money_row row;
	struct book_day sealed;

	moved(db, &s, "opening", "opening", 21, 50);
	read_at(db, &s, AT(21, 0), 1000);
	assert_int_equal(
		bookday_seal(db, s.site, NOV(21), (struct utc){ AT(22, 3) }, &sealed, NULL),
		ERR_OK);
	read_at(db, &s, AT(22, 8), 5000); /* 3 kWh of the 21st, 1 of the 22nd */
	row = row_of(db, &s, 22, 22);
	assert_true(row.moves[MOVE_LATE].nano < 0);
	assert_true(row.moves[MOVE_ENERGY].nano < 0);
	assert_int_equal(row.qty.milli, 4000);
	(void)row_of(db, &s, 21, 21);
}

static void registers_are_the_last_settled_ones(void **state)
{
	struct db *db = *state;
	struct shop s = empty_shop(db, 3);
	AUTO(energy_money_free) struct energy_money r = { 0 };
	const struct energy_money_meter *m;

	read_at(db, &s, AT(21, 0), 1000);
	read_at(db, &s, AT(21, 2), 3000);
	read_at(db, &s, AT(22, 2), 4000);
	read_at(db, &s, AT(23, 2), 7000);
	assert_int_equal(energy_money(db, s.site, s.site, NOV(22), NOV(22), &r), ERR_OK);
	assert_int_equal(r.meters.n, 1);
	m = r.meters.at;
	assert_int_equal(m->meter_id, s.meter);
	assert_int_equal(m->opening_register.milli, 3000);
	assert_int_equal(m->closing_register.milli, 4000);
}

/* What reports that read sums tell of a span, one after the other. */
static void told(
	struct db *db, const struct shop *s, struct day from, struct day to, struct buf *out)
{
	static const char *const names[] = { "usage-month", "purchases", "energy-money", "debtors",
		"carbon" };

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		struct report_ask ask = { .report = report_find(names[i], strlen(names[i])),
			.from = from,
			.to = to,
			.site = "",
			.caller_site = s->site,
			.by = "",
			.format = "csv",
			.now = { AT(40, 0) } };
		struct report_file file = { 0 };
		struct problem why = { 0 };
		char chunk[4096];
		size_t n;

		if (report_make(db, &ask, &file, &why) != ERR_OK)
			fail_msg("%s: %s", names[i], why.text);
		while ((n = fread(chunk, 1, sizeof(chunk), file.file)) > 0)
			buf_add(out, chunk, n);
		fclose(file.file);
	}
}

static void spans_told(struct db *db, const struct shop *s, struct buf *out)
{
	static const int days[] = { -9, 1, 21, 22, 30, 31, 40 }; /* November begins and ends */

	for (size_t i = 0; i < ARRAY_LEN(days); i++)
		for (size_t k = i; k < ARRAY_LEN(days); k++)
			told(db, s, NOV(days[i]), NOV(days[k]), out);
}

static void seal(struct db *db, const struct shop *s, int n)
{
	struct book_day sealed;
	struct problem why = { 0 };

	if (bookday_seal(db, s->site, NOV(n), (struct utc){ AT(n + 1, 3) }, &sealed, &why) !=
		ERR_OK)
		fail_msg("%d: %s", n, why.text);
}

static void sum_all(struct db *db)
{
	int64_t n;

	do
		assert_int_equal(monthsum_run(db, (struct utc){ AT(40, 0) }, 3, &n), ERR_OK);
	while (n > 0);
}

/* A month that is over, with money of several kinds, late energy and a debt, and one that is not.
 */
static void sums_of_a_month_change_nothing(void **state)
{
	struct db *db = *state;
	struct shop s = empty_shop(db, 4);
	AUTO(buf_free) struct buf days = { 0 };
	AUTO(buf_free) struct buf sums = { 0 };
	AUTO(buf_free) struct buf other = { 0 };
	struct day reach;

	moved(db, &s, "opening", "opening", 21, 2);
	read_at(db, &s, AT(21, 0), 1000);
	read_at(db, &s, AT(21, 2), 3000);
	seal(db, &s, 21);
	read_at(db, &s, AT(22, 8), 15000); /* much of it is late for the 21st */
	moved(db, &s, "sale", "bank", 22, 3);
	for (int n = 22; n <= 29; n++)
		seal(db, &s, n);
	read_at(db, &s, AT(30, 4), 25000);
	sum_all(db);
	assert_int_equal(monthsum_to(db, s.site, &reach), ERR_OK);
	assert_int_equal(reach.days, NOV(0).days); /* November is not over */
	spans_told(db, &s, &days);
	seal(db, &s, 30);
	read_at(db, &s, AT(31, 4), 26000);
	moved(db, &s, "correction", "energy", 31, 1);
	days.len = 0;
	spans_told(db, &s, &days);
	sum_all(db);
	assert_int_equal(monthsum_to(db, s.site, &reach), ERR_OK);
	assert_int_equal(reach.days, NOV(30).days);
	spans_told(db, &s, &sums);
	if (days.len != sums.len || memcmp(days.text, sums.text, days.len) != 0)
		fail_msg("%.6000s\n%.6000s", days.text, sums.text);
	/* They are what is read. */
	shop_set(db, "UPDATE usage_month SET charge_nano = charge_nano + 1 WHERE site_id = %lld",
		(long long)s.site);
	told(db, &s, NOV(1), NOV(30), &other);
	assert_null(memmem(sums.text, sums.len, other.text, other.len));
	shop_set(db, "UPDATE usage_month SET charge_nano = charge_nano - 1 WHERE site_id = %lld",
		(long long)s.site);
}

static void every_kind_of_entry_has_its_place(void **state)
{
	static const char *const no_purse[] = { "suspense", "shift", "refund_paid", "purchase_done",
		"meter_use", "bill_adjust", "channel_fee", "service_payout" };
	enum movement_class c;

	(void)state;
	for (size_t i = 0; i < entry_kinds_n; i++) {
		bool purse = true;

		for (size_t k = 0; k < ARRAY_LEN(no_purse); k++)
			purse = purse && strcmp(no_purse[k], entry_kinds[i].name) != 0;
		if (purse && movement_of(entry_kinds[i].name, &c) != ERR_OK)
			fail_msg("%s has no column", entry_kinds[i].name);
	}
	assert_int_equal(movement_of("nothing", &c), ERR_NOT_FOUND);
}

static int open_all(void **state)
{
	tariffs = tariffs_open();
	return fixture_open(state);
}

static int close_all(void **state)
{
	tariffs_free(&tariffs);
	return fixture_close(state);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_row_ties_for_any_span_before_and_after_sealing),
		cmocka_unit_test(late_energy_has_a_column_of_its_own),
		cmocka_unit_test(registers_are_the_last_settled_ones),
		cmocka_unit_test(sums_of_a_month_change_nothing),
		cmocka_unit_test(every_kind_of_entry_has_its_place),
	};

	return cmocka_run_group_tests(tests, open_all, close_all);
}
