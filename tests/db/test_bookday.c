/* Sealing of book days against a real database, each program as its own user: settlement by the
 * poller's, sealing by the worker's and the API's. */
#include "shop_fixture.h"

#include <pthread.h>
#include <string.h>

#include "ctl/verify.h"
#include "domain/bookday.h"
#include "domain/charge.h"
#include "domain/place.h"
#include "domain/statement.h"
#include "domain/usage.h"

#define HOUR INT64_C(3600000)
#define DAY (24 * HOUR)
#define MIDNIGHT INT64_C(1795363200000) /* 2026-11-23T00:00 at the shops */
#define AT(day, hour) (MIDNIGHT + ((day)-23) * DAY + (hour)*HOUR)
#define NOV(n) ((struct day){ 20757 + (n) })

struct world {
	struct db *root, *poller, *worker, *api, *verifier;
	struct tariffs *tariffs;
	int shops;
};

static int open_world(void **state)
{
	static struct world w;

	if (fixture_open((void **)&w.root) != 0)
		return -1;
	w.poller = fixture_as("yufu_poller");
	w.worker = fixture_as("yufu_worker");
	w.api = fixture_as("yufu_api");
	w.verifier = fixture_as("root");
	w.tariffs = tariffs_open();
	*state = &w;
	return 0;
}

static int close_world(void **state)
{
	struct world *w = *state;

	tariffs_free(&w->tariffs);
	db_free(&w->poller);
	db_free(&w->worker);
	db_free(&w->api);
	db_free(&w->verifier);
	return fixture_close((void **)&w->root);
}

static struct shop new_shop(struct world *w)
{
	return shop_make(w->root, ++w->shops);
}

/* The second shop's meter and tenant move to the site of the first. */
static void join(struct world *w, const struct shop *first, struct shop *second)
{
	shop_set(w->root, "UPDATE supply_point SET site_id = %lld WHERE id = %lld",
		(long long)first->site, (long long)second->point);
	shop_set(w->root,
		"UPDATE tenant t JOIN contract c ON c.tenant_id = t.id SET t.site_id = %lld"
		" WHERE c.id = %lld",
		(long long)first->site, (long long)second->contract);
	second->site = first->site;
}

struct one {
	struct world *w;
	struct charge_reading r;
	void (*before_commit)(void *);
	void *arg;
};

static struct charge_reading reading_of(const struct shop *s, int64_t at, int64_t reg)
{
	return (struct charge_reading){
		.meter_id = s->meter, .at = { at }, .reg = { reg }, .most_per_hour = 100000000
	};
}

static enum err one_tx(struct db *db, void *ctx)
{
	struct one *o = ctx;
	AUTO(charges_free) struct charges sum = { 0 };
	struct settled last = { 0 };
	enum err e = settled_lock(db, o->r.meter_id, &last);

	if (e == ERR_OK)
		e = charge_settle(db, o->w->tariffs, &o->r, &last, &sum);
	if (e == ERR_OK)
		e = charge_post(db, &sum, o->r.at);
	if (e == ERR_OK && o->before_commit)
		o->before_commit(o->arg);
	return e;
}

static void read_at(struct world *w, const struct shop *s, int64_t at, int64_t reg)
{
	struct one o = { w, reading_of(s, at, reg), NULL, NULL };

	assert_int_equal(db_tx(w->poller, one_tx, &o), ERR_OK);
}

static int64_t balance(struct world *w, const struct shop *s)
{
	return shop_number(
		w->root, "SELECT balance_nano AS v FROM account WHERE id = %lld", s->account);
}

static int64_t entries(struct world *w, const struct shop *s)
{
	return shop_number(
		w->root, "SELECT COUNT(*) AS v FROM posting WHERE account_id = %lld", s->account);
}

/* balance = what it opened with + postings - charges of open days */
static void assert_identity(struct world *w, const struct shop *s)
{
	int64_t postings = shop_number(w->root,
		"SELECT COALESCE(SUM(amount_nano), 0) AS v FROM posting WHERE account_id = %lld",
		s->account);
	int64_t open = shop_number(w->root,
		"SELECT COALESCE(SUM(charge_nano), 0) AS v FROM usage_day WHERE sealed = 0 AND"
		" account_id = %lld",
		s->account);

	assert_int_equal(balance(w, s), SHOP_OPENING + postings - open);
}

/* How many findings there are of a check; "" counts all. Purses of the fixture open with money that
 * no entry brought, so that one check is left out. */
static size_t findings(struct world *w, const char *check)
{
	AUTO(json_free) json_t *list = json_array();
	json_t *f;
	size_t i, n = 0;

	assert_int_equal(verify_run(w->verifier, list), ERR_OK);
	json_array_foreach(list, i, f)
	{
		const char *name = json_string_value(json_object_get(f, "check"));

		if (str_eq(name, "balance_is_postings_minus_open_charges"))
			continue;
		if (!check[0])
			print_error(
				"%s %s\n", name, json_string_value(json_object_get(f, "object")));
		n += !check[0] || str_eq(name, check);
	}
	return n;
}

static enum err seal(struct world *w, const struct shop *s, struct day day, int64_t now)
{
	struct book_day sealed;
	struct problem why;

	return bookday_seal(w->api, s->site, day, (struct utc){ now }, &sealed, &why);
}

static struct statement statement(struct world *w, const struct shop *s, int64_t now)
{
	AUTO(zone_free) struct zone *z = NULL;
	struct statement out = { 0 };

	assert_int_equal(zone_open("Asia/Shanghai", &z), ERR_OK);
	assert_int_equal(statement_read(w->api, s->account, z, (struct utc){ AT(20, 0) },
				 (struct utc){ AT(30, 0) }, (struct utc){ now }, &out),
		ERR_OK);
	return out;
}

static void test_sealed_at_two(void **state)
{
	struct world *w = *state;
	struct shop s = new_shop(w);
	struct statement before, after;
	int64_t had;

	read_at(w, &s, AT(22, 12), 1000);
	read_at(w, &s, AT(23, 1), 4000);
	had = balance(w, &s);
	before = statement(w, &s, AT(23, 3));
	assert_int_equal(bookday_seal_due(w->worker, (struct utc){ AT(23, 2) - 1 }), ERR_OK);
	assert_int_equal(entries(w, &s), 0);
	assert_int_equal(bookday_seal_due(w->worker, (struct utc){ AT(23, 2) }), ERR_OK);
	assert_int_equal(entries(w, &s), 1);
	assert_int_equal(balance(w, &s), had);
	assert_identity(w, &s);
	/* The 23rd is still open. */
	assert_int_equal(bookday_seal_due(w->worker, (struct utc){ AT(23, 23) }), ERR_OK);
	assert_int_equal(entries(w, &s), 1);
	assert_int_equal(shop_number(w->root,
				 "SELECT COUNT(*) AS v FROM usage_day WHERE sealed = 1 AND day <> "
				 "'2026-11-22' AND meter_id = %lld",
				 s.meter),
		0);
	after = statement(w, &s, AT(23, 3));
	assert_int_equal(before.n, 2);
	assert_int_equal(after.n, 2);
	for (size_t i = 0; i < 2; i++) {
		assert_string_equal(after.at[i].kind, "energy");
		assert_string_equal(after.at[i].memo, before.at[i].memo);
		assert_int_equal(after.at[i].at.ms, before.at[i].at.ms);
		assert_int_equal(after.at[i].amount.nano, before.at[i].amount.nano);
		assert_int_equal(after.at[i].balance.nano, before.at[i].balance.nano);
		assert_int_equal(after.at[i].qty.milli, before.at[i].qty.milli);
	}
	assert_int_equal(after.at[0].entry_id, 0);
	assert_true(after.at[1].entry_id > 0);
	statement_free(&before);
	statement_free(&after);
	assert_int_equal(findings(w, ""), 0);
}

static void test_in_order_and_once(void **state)
{
	struct world *w = *state;
	struct shop s = new_shop(w);

	assert_int_equal(seal(w, &s, NOV(22), AT(23, 1)), ERR_CONFLICT); /* nothing was booked */
	read_at(w, &s, AT(21, 12), 1000);
	read_at(w, &s, AT(23, 1), 4000);
	assert_int_equal(seal(w, &s, NOV(22), AT(23, 1)), ERR_CONFLICT); /* the 21st is open */
	assert_int_equal(seal(w, &s, NOV(20), AT(23, 1)), ERR_CONFLICT);
	assert_int_equal(seal(w, &s, NOV(21), AT(22, 0) - 1), ERR_CONFLICT); /* not over */
	assert_int_equal(seal(w, &s, NOV(21), AT(23, 1)), ERR_OK);
	assert_int_equal(seal(w, &s, NOV(21), AT(23, 1)), ERR_OK);
	assert_int_equal(entries(w, &s), 1);
	assert_int_equal(seal(w, &s, NOV(22), AT(23, 1)), ERR_OK);
	assert_int_equal(seal(w, &s, NOV(23), AT(23, 1)), ERR_CONFLICT);
	assert_int_equal(entries(w, &s), 2);
	assert_identity(w, &s);
	/* A day without use is sealed too: the chain has no gap. */
	assert_int_equal(seal(w, &s, NOV(23), AT(26, 0)), ERR_OK);
	assert_int_equal(seal(w, &s, NOV(24), AT(26, 0)), ERR_OK);
	assert_int_equal(entries(w, &s), 3);
	assert_int_equal(shop_number(w->root,
				 "SELECT COUNT(*) AS v FROM book_day WHERE site_id = %lld", s.site),
		4);
	assert_int_equal(
		seal(w, &(struct shop){ .site = 999999 }, NOV(22), AT(26, 0)), ERR_NOT_FOUND);
	assert_int_equal(findings(w, ""), 0);
}

static void test_killed_between_batches(void **state)
{
	struct world *w = *state;
	struct shop a = new_shop(w), b = new_shop(w);
	struct utc now = { AT(23, 2) };
	int64_t after = 0, late;

	join(w, &a, &b);
	for (int i = 0; i < 2; i++) {
		read_at(w, i ? &b : &a, AT(22, 1), 1000);
		read_at(w, i ? &b : &a, AT(22, 20), 9000);
	}
	assert_int_equal(bookday_post(w->worker, a.site, NOV(22), now, 1, &after), ERR_CONFLICT);
	assert_int_equal(bookday_close(w->worker, a.site, NOV(22), now), ERR_OK);
	assert_int_equal(bookday_post(w->worker, a.site, NOV(22), now, 1, &after), ERR_OK);
	assert_int_equal(after, a.meter);
	assert_int_equal(entries(w, &a), 1);
	assert_int_equal(entries(w, &b), 0);
	assert_identity(w, &a);
	assert_identity(w, &b);
	assert_int_equal(findings(w, ""), 0);
	/* Meanwhile the day takes no more. */
	late = balance(w, &a);
	read_at(w, &a, AT(22, 23), 9500);
	assert_true(balance(w, &a) < late);
	assert_int_equal(shop_number(w->root,
				 "SELECT COUNT(*) AS v FROM usage_day WHERE sealed = 0 AND book_day"
				 " = '2026-11-22' AND meter_id = %lld",
				 a.meter),
		0);
	assert_identity(w, &a);
	/* Begun anew, by another program. */
	assert_int_equal(seal(w, &a, NOV(22), now.ms), ERR_OK);
	assert_int_equal(entries(w, &a), 1);
	assert_int_equal(entries(w, &b), 1);
	assert_identity(w, &a);
	assert_identity(w, &b);
	assert_int_equal(shop_number(w->root,
				 "SELECT entries AS v FROM book_day WHERE site_id = %lld", a.site),
		2);
	assert_int_equal(findings(w, ""), 0);
}

static void test_late_energy(void **state)
{
	struct world *w = *state;
	struct shop s = new_shop(w);
	AUTO(rows_free) struct rows lines = { 0 };
	const struct usage_line *l;
	struct statement st;
	int64_t qty = 0, charged;

	read_at(w, &s, AT(22, 1), 1000);
	read_at(w, &s, AT(22, 12), 3000);
	assert_int_equal(seal(w, &s, NOV(22), AT(23, 1)), ERR_OK);
	charged = balance(w, &s);
	/* Twelve hours of the 22nd and ten of the 23rd. */
	read_at(w, &s, AT(23, 10), 5200);
	assert_identity(w, &s);
	assert_true(balance(w, &s) < charged);
	assert_int_equal(
		shop_number(w->root,
			"SELECT SUM(qty_milli) AS v FROM usage_day WHERE meter_id = %lld AND"
			" day = '2026-11-22' AND book_day = '2026-11-23' AND sealed = 0",
			s.meter),
		1200);
	/* It was used on the 22nd, whoever asks. */
	assert_int_equal(usage_lines(w->api, s.meter, 0, NOV(22), NOV(22), &lines), ERR_OK);
	l = lines.at;
	for (size_t i = 0; i < lines.n; i++)
		qty += l[i].qty.milli;
	assert_int_equal(qty, 3200);
	for (int sealed = 0; sealed < 2; sealed++) {
		st = statement(w, &s, AT(24, 3));
		assert_int_equal(st.n, 3);
		for (size_t i = 0; i < 2; i++) {
			bool late = str_eq(st.at[i].kind, "late_charge");

			assert_string_equal(st.at[i].memo, late ? "2026-11-22" : "2026-11-23");
			assert_int_equal(st.at[i].qty.milli, late ? 1200 : 1000);
			assert_int_equal(st.at[i].at.ms, AT(24, 0) - 1);
		}
		assert_false(str_eq(st.at[0].kind, st.at[1].kind));
		assert_string_equal(st.at[2].memo, "2026-11-22");
		assert_int_equal(st.at[2].balance.nano, charged);
		assert_int_equal(st.closing.nano, balance(w, &s));
		statement_free(&st);
		if (!sealed)
			assert_int_equal(seal(w, &s, NOV(23), AT(24, 3)), ERR_OK);
	}
	assert_identity(w, &s);
	assert_int_equal(entries(w, &s), 3);
	assert_int_equal(findings(w, ""), 0);
	/* A reading that was kept for long arrives when even its own day is closed. */
	read_at(w, &s, AT(23, 11), 5300);
	assert_int_equal(
		shop_number(w->root,
			"SELECT SUM(qty_milli) AS v FROM usage_day WHERE meter_id = %lld AND"
			" book_day = '2026-11-24' AND sealed = 0",
			s.meter),
		100);
	assert_int_equal(seal(w, &s, NOV(24), AT(25, 3)), ERR_OK);
	assert_identity(w, &s);
	assert_int_equal(findings(w, ""), 0);
}

static void test_postpaid_is_frozen_without_entry(void **state)
{
	struct world *w = *state;
	struct shop s = new_shop(w);

	shop_set(w->root,
		"UPDATE meter m JOIN supply_point p ON p.id = m.supply_point_id SET m.billing ="
		" 'postpaid', p.billing = 'postpaid' WHERE m.id = %lld",
		(long long)s.meter);
	read_at(w, &s, AT(22, 1), 1000);
	read_at(w, &s, AT(22, 12), 3000);
	assert_int_equal(seal(w, &s, NOV(22), AT(23, 1)), ERR_OK);
	assert_int_equal(shop_number(w->root,
				 "SELECT COUNT(*) AS v FROM usage_day WHERE sealed = 0 AND meter_id"
				 " = %lld",
				 s.meter),
		0);
	assert_int_equal(shop_number(w->root,
				 "SELECT entries AS v FROM book_day WHERE site_id = %lld", s.site),
		0);
	assert_int_equal(findings(w, ""), 0);
}

struct opening {
	const struct shop *s;
	int64_t at;
};

static enum err opening_tx(struct db *db, void *ctx)
{
	const struct opening *o = ctx;

	return opening_add(db, o->s->account, (struct money){ 5 }, "system", (struct utc){ o->at });
}

static void test_a_sealed_day_takes_no_entry(void **state)
{
	struct world *w = *state;
	struct shop s = new_shop(w);

	read_at(w, &s, AT(22, 1), 1000);
	read_at(w, &s, AT(22, 12), 3000);
	assert_int_equal(seal(w, &s, NOV(22), AT(23, 1)), ERR_OK);
	assert_int_equal(
		db_tx(w->api, opening_tx, &(struct opening){ &s, AT(22, 23) }), ERR_CONFLICT);
	assert_int_equal(
		db_tx(w->api, opening_tx, &(struct opening){ &s, AT(21, 23) }), ERR_CONFLICT);
	assert_int_equal(entries(w, &s), 1);
	assert_int_equal(db_tx(w->api, opening_tx, &(struct opening){ &s, AT(23, 0) }), ERR_OK);
	/* A request that is repeated after the day was sealed still finds its entry. */
	assert_int_equal(seal(w, &s, NOV(23), AT(24, 1)), ERR_OK);
	assert_int_equal(
		db_tx(w->api, opening_tx, &(struct opening){ &s, AT(23, 0) }), ERR_ALREADY);
	assert_identity(w, &s);
	assert_int_equal(findings(w, ""), 0);
}

struct sealer {
	struct world *w;
	const struct shop *s;
	pthread_t thread;
	enum err result;
};

static void *sealer_run(void *arg)
{
	struct sealer *x = arg;
	struct book_day sealed;
	struct problem why;

	x->result = bookday_seal(
		x->w->worker, x->s->site, NOV(22), (struct utc){ AT(23, 2) }, &sealed, &why);
	db_thread_end();
	return NULL;
}

/* Runs inside the settlement's transaction: the seal begins, and has to wait for it. */
static void seal_meanwhile(void *arg)
{
	struct sealer *x = arg;
	int64_t deadline = mono_ms() + 20000;

	assert_int_equal(pthread_create(&x->thread, NULL, sealer_run, x), 0);
	while (!shop_number(x->w->root,
		       "SELECT CAST(variable_value AS SIGNED) AS v FROM"
		       " information_schema.global_status WHERE variable_name ="
		       " 'INNODB_ROW_LOCK_CURRENT_WAITS'",
		       0) &&
		mono_ms() < deadline)
		mono_sleep_until(mono_ms() + 5);
	assert_true(mono_ms() < deadline);
}

static void settle_while_sealing(struct world *w, const struct shop *s, int64_t at, int64_t reg)
{
	struct sealer x = { .w = w, .s = s, .result = ERR_INTERNAL };
	struct one o = { w, reading_of(s, at, reg), seal_meanwhile, &x };

	assert_int_equal(db_tx(w->poller, one_tx, &o), ERR_OK);
	assert_int_equal(pthread_join(x.thread, NULL), 0);
	assert_int_equal(x.result, ERR_OK);
	assert_identity(w, s);
	assert_int_equal(entries(w, s), 1);
	assert_int_equal(
		shop_number(w->root,
			"SELECT -SUM(amount_nano) AS v FROM posting WHERE account_id = %lld",
			s->account),
		SHOP_OPENING - balance(w, s));
	assert_int_equal(findings(w, ""), 0);
}

static void test_a_settlement_under_way_is_waited_for(void **state)
{
	struct world *w = *state;
	struct shop s = new_shop(w);

	read_at(w, &s, AT(22, 1), 1000);
	read_at(w, &s, AT(22, 12), 3000);
	settle_while_sealing(w, &s, AT(22, 23), 4000);
}

/* A meter that was never settled has no row to wait for, unless its first charge makes one. */
static void test_a_first_charge_is_waited_for(void **state)
{
	struct world *w = *state;
	struct shop s = new_shop(w), other = new_shop(w);

	join(w, &s, &other);
	read_at(w, &other, AT(22, 1), 1000);
	read_at(w, &other, AT(22, 12), 3000);
	shop_set(
		w->root, "UPDATE meter SET start_milli = 1000 WHERE id = %lld", (long long)s.meter);
	shop_set(w->root, "UPDATE contract_point SET from_at = %lld WHERE supply_point_id = %lld",
		(long long)AT(22, 0), (long long)s.point);
	settle_while_sealing(w, &s, AT(22, 23), 4000);
}

static void test_tampering_is_found(void **state)
{
	static const struct {
		const char *damage, *repair, *check;
	} rows[] = {
		{ "UPDATE entry SET memo = 'x' WHERE site_id = @site",
			"UPDATE entry SET memo = SUBSTRING(reference, 5) WHERE site_id = @site",
			"sealed_day_has_its_hash" },
		{ "UPDATE posting p JOIN entry e ON e.id = p.entry_id SET p.amount_nano ="
		  " p.amount_nano * 2 WHERE e.site_id = @site",
			"UPDATE posting p JOIN entry e ON e.id = p.entry_id SET p.amount_nano ="
			" p.amount_nano DIV 2 WHERE e.site_id = @site",
			"sealed_day_has_its_hash" },
		{ "UPDATE posting p JOIN entry e ON e.id = p.entry_id SET p.amount_nano ="
		  " p.amount_nano * 2 WHERE e.site_id = @site",
			"UPDATE posting p JOIN entry e ON e.id = p.entry_id SET p.amount_nano ="
			" p.amount_nano DIV 2 WHERE e.site_id = @site",
			"sealed_use_is_posted" },
		{ "UPDATE entry SET site_id = -site_id WHERE site_id = @site",
			"UPDATE entry SET site_id = -site_id WHERE site_id = -@site",
			"sealed_day_has_all_its_entries" },
		{ "UPDATE book_day SET prev_sha256 = REPEAT('1', 64) WHERE day = '2026-11-23' AND"
		  " site_id = @site",
			"UPDATE book_day b JOIN book_day y ON y.site_id = b.site_id AND y.day ="
			" '2026-11-22' SET b.prev_sha256 = y.sha256 WHERE b.day = '2026-11-23' AND"
			" b.site_id = @site",
			"sealed_day_follows_the_one_before" },
		{ "UPDATE usage_day SET sealed = 0 WHERE day = '2026-11-22' AND meter_id IN (SELECT"
		  " m.id FROM meter m JOIN supply_point p ON p.id = m.supply_point_id WHERE"
		  " p.site_id = @site)",
			"UPDATE usage_day SET sealed = 1 WHERE day = '2026-11-22' AND meter_id IN"
			" (SELECT m.id FROM meter m JOIN supply_point p ON p.id = m.supply_point_id"
			" WHERE p.site_id = @site)",
			"day_entry_has_its_sealed_use" },
		{ "UPDATE usage_day SET sealed = 0 WHERE day = '2026-11-22' AND meter_id IN (SELECT"
		  " m.id FROM meter m JOIN supply_point p ON p.id = m.supply_point_id WHERE"
		  " p.site_id = @site)",
			"UPDATE usage_day SET sealed = 1 WHERE day = '2026-11-22' AND meter_id IN"
			" (SELECT m.id FROM meter m JOIN supply_point p ON p.id = m.supply_point_id"
			" WHERE p.site_id = @site)",
			"sealed_day_has_no_open_charge" },
		{ "UPDATE book_day SET day = '2027-01-01' WHERE day = '2026-11-23' AND site_id ="
		  " @site",
			"UPDATE book_day SET day = '2026-11-23' WHERE day = '2027-01-01' AND"
			" site_id = @site",
			"no_day_is_skipped" },
		{ "UPDATE book_day SET day = '2027-01-01' WHERE day = '2026-11-23' AND site_id ="
		  " @site",
			"UPDATE book_day SET day = '2026-11-23' WHERE day = '2027-01-01' AND"
			" site_id = @site",
			"frozen_use_is_of_a_closed_day" },
	};
	struct world *w = *state;
	struct shop s = new_shop(w);

	read_at(w, &s, AT(22, 1), 1000);
	read_at(w, &s, AT(23, 12), 3000);
	assert_int_equal(seal(w, &s, NOV(22), AT(24, 1)), ERR_OK);
	assert_int_equal(seal(w, &s, NOV(23), AT(24, 1)), ERR_OK);
	assert_int_equal(findings(w, ""), 0);
	shop_set(w->root, "SET @site = %lld", (long long)s.site);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		fixture_sql(w->root, rows[i].damage);
		if (findings(w, rows[i].check) == 0)
			fail_msg("row %zu: %s does not find it", i, rows[i].check);
		fixture_sql(w->root, rows[i].repair);
		assert_int_equal(findings(w, ""), 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sealed_at_two),
		cmocka_unit_test(test_in_order_and_once),
		cmocka_unit_test(test_killed_between_batches),
		cmocka_unit_test(test_late_energy),
		cmocka_unit_test(test_postpaid_is_frozen_without_entry),
		cmocka_unit_test(test_a_sealed_day_takes_no_entry),
		cmocka_unit_test(test_a_settlement_under_way_is_waited_for),
		cmocka_unit_test(test_a_first_charge_is_waited_for),
		cmocka_unit_test(test_tampering_is_found),
	};

	return cmocka_run_group_tests(tests, open_world, close_world);
}
