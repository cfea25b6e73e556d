/* core/db against a real server: values keep their types and bytes, and every kind of failure is
 * named and, where it may be repeated, repeated. */
#include "db_fixture.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

struct thing {
	int64_t id;
	int32_t small;
	bool flag;
	char word[16];
	struct money cost;
	struct qty use;
	struct price price;
	struct utc at;
};
SHAPE(thing_shape, struct thing, FIELD(struct thing, id), FIELD(struct thing, small),
	FIELD(struct thing, flag), FIELD(struct thing, word), FIELD(struct thing, cost),
	FIELD(struct thing, use), FIELD(struct thing, price), FIELD(struct thing, at));

static const struct query Q_THING_ADD = {
	"INSERT INTO thing (id, small, flag, word, cost, `use`, price, at)"
	" VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
	NULL
};
static const struct query Q_THING = { "SELECT * FROM thing WHERE id = ?", &thing_shape };
static const struct query Q_THINGS = { "SELECT * FROM thing ORDER BY id", &thing_shape };
static const struct query Q_BUMP = { "UPDATE thing SET cost = cost + ? WHERE id = ?", NULL };
static const struct query Q_ONCE = { "INSERT INTO once (once_key) VALUES (?)", NULL };

static const struct thing SAMPLE = { .id = 7,
	.small = -3,
	.flag = true,
	.word = "供电中",
	.cost = { INT64_MIN },
	.use = { INT64_MAX },
	.price = { 658300 },
	.at = { 1795342029123 } };

static int tables_make(void **state)
{
	fixture_sql(*state,
		"CREATE OR REPLACE TABLE thing (id BIGINT PRIMARY KEY, small INT NOT NULL,"
		" flag BOOLEAN NOT NULL, word VARCHAR(16), cost BIGINT NOT NULL,"
		" `use` BIGINT NOT NULL, price BIGINT NOT NULL, at BIGINT NOT NULL)");
	fixture_sql(*state, "CREATE OR REPLACE TABLE once (once_key VARCHAR(32) PRIMARY KEY)");
	return 0;
}

static void add(struct db *db, const struct thing *t)
{
	assert_int_equal(db_exec(db, &Q_THING_ADD,
				 ARGS(arg_i64(t->id), arg_i64(t->small), arg_i64(t->flag),
					 arg_text(t->word), arg_money(t->cost), arg_qty(t->use),
					 arg_i64(t->price.micro), arg_utc(t->at)),
				 NULL),
		ERR_OK);
}

static void assert_thing(const struct thing *a, const struct thing *b)
{
	assert_int_equal(a->id, b->id);
	assert_int_equal(a->small, b->small);
	assert_int_equal(a->flag, b->flag);
	assert_string_equal(a->word, b->word);
	assert_int_equal(a->cost.nano, b->cost.nano);
	assert_int_equal(a->use.milli, b->use.milli);
	assert_int_equal(a->price.micro, b->price.micro);
	assert_int_equal(a->at.ms, b->at.ms);
}

struct parcel {
	int64_t id;
	struct blob bytes;
	struct blob more;
};
SHAPE(parcel_shape, struct parcel, FIELD(struct parcel, id), FIELD(struct parcel, bytes),
	FIELD(struct parcel, more));

static void blobs_come_back_as_they_went(void **state)
{
	static const struct query add = { "INSERT INTO parcel (id, bytes, more) VALUES (?, ?, ?)",
		NULL };
	static const struct query all = { "SELECT id, bytes, more FROM parcel ORDER BY id",
		&parcel_shape };
	static uint8_t large[70000];
	const uint8_t zero[] = { 0, 1, 0 };
	struct parcel in[40] = { { 0 } };
	AUTO(rows_free) struct rows out = { 0 };
	const struct parcel *got;

	fixture_sql(*state,
		"CREATE OR REPLACE TABLE parcel (id BIGINT PRIMARY KEY, bytes MEDIUMBLOB NOT NULL,"
		" more MEDIUMBLOB NOT NULL)");
	for (size_t i = 0; i < sizeof(large); i++)
		large[i] = (uint8_t)(i * 7 ^ i >> 8);
	for (size_t i = 0; i < ARRAY_LEN(in); i++)
		in[i] = (struct parcel){ (int64_t)i, { large, i * 1777 },
			{ i % 2 ? zero : large, i % 2 ? sizeof(zero) : 0 } };
	assert_int_equal(db_bulk(*state, &add, &parcel_shape, in, ARRAY_LEN(in)), ERR_OK);
	assert_int_equal(db_list(*state, &all, NO_ARGS, &out), ERR_OK);
	assert_int_equal(out.n, ARRAY_LEN(in));
	got = out.at;
	for (size_t i = 0; i < out.n; i++) {
		assert_int_equal(got[i].bytes.n, in[i].bytes.n);
		assert_memory_equal(got[i].bytes.at, in[i].bytes.at, in[i].bytes.n);
		assert_int_equal(got[i].more.n, in[i].more.n);
		if (got[i].more.n > 0)
			assert_memory_equal(got[i].more.at, in[i].more.at, in[i].more.n);
	}
}

static void values_come_back_as_they_went(void **state)
{
	struct thing got = { 0 };

	add(*state, &SAMPLE);
	assert_int_equal(db_one(*state, &Q_THING, ARGS(arg_i64(7)), &got), ERR_OK);
	assert_thing(&got, &SAMPLE);
}

static void null_reads_as_empty(void **state)
{
	struct thing got = { 0 };

	fixture_sql(*state, "INSERT INTO thing VALUES (9, 0, 0, NULL, 0, 0, 0, 0)");
	assert_int_equal(db_one(*state, &Q_THING, ARGS(arg_i64(9)), &got), ERR_OK);
	assert_string_equal(got.word, "");
}

static void text_that_does_not_fit_its_member_is_refused(void **state)
{
	struct thing got = { .id = -1 };

	fixture_sql(*state, "INSERT INTO thing VALUES (9, 0, 0, '0123456789abcdef', 0, 0, 0, 0)");
	assert_int_equal(db_one(*state, &Q_THING, ARGS(arg_i64(9)), &got), ERR_DB);
	assert_int_equal(got.id, -1);
}

static void quotes_are_only_text(void **state)
{
	struct thing t = SAMPLE, got = { 0 };

	assert_true(str_copy(t.word, sizeof(t.word), "'; DROP \\\"--"));
	add(*state, &t);
	assert_int_equal(db_one(*state, &Q_THING, ARGS(arg_i64(7)), &got), ERR_OK);
	assert_string_equal(got.word, t.word);
}

static void nothing_found_is_said(void **state)
{
	struct thing got;

	assert_int_equal(db_one(*state, &Q_THING, ARGS(arg_i64(404)), &got), ERR_NOT_FOUND);
}

static void strict_mode_refuses_too_long_text(void **state)
{
	enum err e = db_run(
		*state, "INSERT INTO thing VALUES (9, 0, 0, '0123456789abcdefg', 0, 0, 0, 0)");

	assert_int_equal(e, ERR_DB);
	assert_int_equal(FIXTURE_VALUE(*state, "SELECT COUNT(*) AS v FROM thing"), 0);
}

static void a_thousand_rows_go_in_one_statement(void **state)
{
	enum { N = 1000 };
	static struct thing many[N];
	AUTO(rows_free) struct rows got = { 0 };
	const struct thing *at;

	for (int i = 0; i < N; i++) {
		many[i] = SAMPLE;
		many[i].id = i;
		many[i].small = -i;
		many[i].flag = i % 2;
		snprintf(many[i].word, sizeof(many[i].word), "%.*s%u", i % 7, "abcdefg",
			(unsigned)i % 1000);
	}
	assert_int_equal(db_bulk(*state, &Q_THING_ADD, &thing_shape, many, N), ERR_OK);
	assert_int_equal(db_list(*state, &Q_THINGS, NO_ARGS, &got), ERR_OK);
	assert_int_equal(got.n, N);
	at = got.at;
	for (int i = 0; i < N; i++)
		assert_thing(&at[i], &many[i]);
}

static void a_bulk_with_a_double_key_says_so(void **state)
{
	struct thing two[2] = { SAMPLE, SAMPLE };

	assert_int_equal(db_bulk(*state, &Q_THING_ADD, &thing_shape, two, 2), ERR_ALREADY);
}

static void bulk_then_single_row_use_the_same_statement(void **state)
{
	struct thing t = SAMPLE;

	assert_int_equal(db_bulk(*state, &Q_THING_ADD, &thing_shape, &t, 1), ERR_OK);
	assert_int_equal(db_bulk(*state, &Q_THING_ADD, &thing_shape, &t, 1), ERR_ALREADY);
	t.id = 8;
	add(*state, &t);
	assert_int_equal(FIXTURE_VALUE(*state, "SELECT COUNT(*) AS v FROM thing"), 2);
}

static void wrong_columns_are_found_when_prepared(void **state)
{
	static const struct query wrong = { "SELECT small, id FROM thing", &thing_shape };

	assert_int_equal(db_check(*state, &wrong), ERR_DB);
	assert_int_equal(db_check(*state, &Q_THING), ERR_OK);
}

static void the_second_of_a_once_key_is_already(void **state)
{
	assert_int_equal(db_exec(*state, &Q_ONCE, ARGS(arg_text("wechat:1")), NULL), ERR_OK);
	assert_int_equal(db_exec(*state, &Q_ONCE, ARGS(arg_text("wechat:1")), NULL), ERR_ALREADY);
}

static enum err add_and_fail(struct db *db, void *ctx)
{
	(void)ctx;
	assert_true(db_in_tx(db));
	add(db, &SAMPLE);
	return ERR_CONFLICT;
}

static void an_error_inside_undoes_everything(void **state)
{
	assert_int_equal(db_tx(*state, add_and_fail, NULL), ERR_CONFLICT);
	assert_false(db_in_tx(*state));
	assert_int_equal(FIXTURE_VALUE(*state, "SELECT COUNT(*) AS v FROM thing"), 0);
}

static int64_t connection_id(struct db *db)
{
	return FIXTURE_VALUE(db, "SELECT CONNECTION_ID() AS v");
}

static void kill_connection(struct db *killer, int64_t id)
{
	char sql[48];

	snprintf(sql, sizeof(sql), "KILL %lld", (long long)id);
	fixture_sql(killer, sql);
}

static void a_read_survives_a_lost_connection(void **state)
{
	struct db *victim = fixture_as("root");
	int64_t before = connection_id(victim);

	kill_connection(*state, before);
	assert_int_not_equal(connection_id(victim), before);
	db_free(&victim);
}

static void a_write_says_that_the_connection_was_lost(void **state)
{
	struct db *victim = fixture_as("root");

	kill_connection(*state, connection_id(victim));
	assert_int_equal(db_exec(victim, &Q_ONCE, ARGS(arg_text("k")), NULL), ERR_UNAVAILABLE);
	assert_int_equal(db_exec(victim, &Q_ONCE, ARGS(arg_text("k")), NULL), ERR_OK);
	db_free(&victim);
}

struct lost_ctx {
	struct db *killer;
	int runs;
};

static enum err lose_first_time(struct db *db, void *ctx)
{
	struct lost_ctx *c = ctx;

	add(db, &SAMPLE);
	if (c->runs++ == 0)
		kill_connection(c->killer, connection_id(db));
	return db_exec(db, &Q_ONCE, ARGS(arg_text("paid")), NULL);
}

static void a_transaction_runs_again_after_a_lost_connection(void **state)
{
	struct db *victim = fixture_as("root");
	struct lost_ctx ctx = { .killer = *state };

	assert_int_equal(db_tx(victim, lose_first_time, &ctx), ERR_OK);
	assert_int_equal(ctx.runs, 2);
	assert_int_equal(FIXTURE_VALUE(*state, "SELECT COUNT(*) AS v FROM thing"), 1);
	assert_int_equal(FIXTURE_VALUE(*state, "SELECT COUNT(*) AS v FROM once"), 1);
	db_free(&victim);
}

static enum err bump_first(struct db *db, void *ctx)
{
	(void)ctx;
	return db_exec(db, &Q_BUMP, ARGS(arg_i64(1), arg_i64(SAMPLE.id)), NULL);
}

/* Stands still with a lock on the row until somebody else has had it. */
static enum err stand_still_first_time(struct db *db, void *ctx)
{
	struct lost_ctx *c = ctx;
	enum err e = bump_first(db, NULL);

	if (e == ERR_OK && c->runs++ == 0)
		assert_int_equal(db_tx(c->killer, bump_first, NULL), ERR_OK);
	return e == ERR_OK ? bump_first(db, NULL) : e;
}

static void who_stands_still_loses_its_locks(void **state)
{
	struct db *still = fixture_as("root");
	struct lost_ctx ctx = { .killer = *state };

	fixture_sql(*state, "INSERT INTO thing VALUES (7, 0, 0, '', 0, 0, 0, 0)");
	assert_int_equal(db_tx(still, stand_still_first_time, &ctx), ERR_OK);
	assert_int_equal(ctx.runs, 2);
	assert_int_equal(FIXTURE_VALUE(*state, "SELECT cost AS v FROM thing"), 3);
	db_free(&still);
}

/* Two transactions that take the same two rows in opposite order. */
struct crossing {
	pthread_barrier_t *both_have_one;
	int64_t first, second;
	int runs;
	enum err result;
};

static enum err cross(struct db *db, void *ctx)
{
	struct crossing *c = ctx;
	enum err e = db_exec(db, &Q_BUMP, ARGS(arg_i64(1), arg_i64(c->first)), NULL);

	if (e == ERR_OK && c->runs++ == 0)
		pthread_barrier_wait(c->both_have_one);
	return e == ERR_OK ? db_exec(db, &Q_BUMP, ARGS(arg_i64(1), arg_i64(c->second)), NULL) : e;
}

static void *cross_thread(void *arg)
{
	struct crossing *c = arg;
	struct db *db = fixture_as("root");

	c->result = db_tx(db, cross, c);
	db_free(&db);
	db_thread_end();
	return NULL;
}

static void a_deadlock_is_run_again(void **state)
{
	pthread_barrier_t barrier;
	struct crossing a = { &barrier, 1, 2, 0, ERR_INTERNAL };
	struct crossing b = { &barrier, 2, 1, 0, ERR_INTERNAL };
	pthread_t ta, tb;

	fixture_sql(*state, "INSERT INTO thing VALUES (1, 0, 0, '', 0, 0, 0, 0),"
			    " (2, 0, 0, '', 0, 0, 0, 0)");
	pthread_barrier_init(&barrier, NULL, 2);
	assert_int_equal(pthread_create(&ta, NULL, cross_thread, &a), 0);
	assert_int_equal(pthread_create(&tb, NULL, cross_thread, &b), 0);
	pthread_join(ta, NULL);
	pthread_join(tb, NULL);
	pthread_barrier_destroy(&barrier);
	assert_int_equal(a.result, ERR_OK);
	assert_int_equal(b.result, ERR_OK);
	assert_true(a.runs + b.runs >= 3); /* else there was no deadlock */
	assert_int_equal(FIXTURE_VALUE(*state, "SELECT SUM(cost) AS v FROM thing"), 4);
}

static enum err swallow_deadlock(struct db *db, void *ctx)
{
	(void)cross(db, ctx);
	return ERR_OK;
}

static void *swallow_thread(void *arg)
{
	struct crossing *c = arg;
	struct db *db = fixture_as("root");

	c->result = db_tx(db, swallow_deadlock, c);
	db_free(&db);
	db_thread_end();
	return NULL;
}

/* Code that overlooks a deadlock must not commit the half that came after it. */
static void an_overlooked_deadlock_commits_nothing_by_half(void **state)
{
	pthread_barrier_t barrier;
	struct crossing a = { &barrier, 1, 2, 0, ERR_INTERNAL };
	struct crossing b = { &barrier, 2, 1, 0, ERR_INTERNAL };
	pthread_t ta, tb;

	fixture_sql(*state, "INSERT INTO thing VALUES (1, 0, 0, '', 0, 0, 0, 0),"
			    " (2, 0, 0, '', 0, 0, 0, 0)");
	pthread_barrier_init(&barrier, NULL, 2);
	assert_int_equal(pthread_create(&ta, NULL, swallow_thread, &a), 0);
	assert_int_equal(pthread_create(&tb, NULL, swallow_thread, &b), 0);
	pthread_join(ta, NULL);
	pthread_join(tb, NULL);
	pthread_barrier_destroy(&barrier);
	assert_int_equal(FIXTURE_VALUE(*state, "SELECT SUM(cost) AS v FROM thing"), 4);
}

static void no_server_is_unavailable(void **state)
{
	struct db_settings s = fixture_settings("root");
	struct db *db;
	struct thing got;

	(void)state;
	assert_true(str_copy(s.socket, sizeof(s.socket), "/nonexistent/socket"));
	db = db_open(&s);
	assert_int_equal(db_one(db, &Q_THING, ARGS(arg_i64(1)), &got), ERR_UNAVAILABLE);
	db_free(&db);
}

#define FRESH(test) cmocka_unit_test_setup(test, tables_make)

int main(void)
{
	const struct CMUnitTest tests[] = {
		FRESH(values_come_back_as_they_went),
		cmocka_unit_test(blobs_come_back_as_they_went),
		FRESH(null_reads_as_empty),
		FRESH(text_that_does_not_fit_its_member_is_refused),
		FRESH(quotes_are_only_text),
		FRESH(nothing_found_is_said),
		FRESH(strict_mode_refuses_too_long_text),
		FRESH(a_thousand_rows_go_in_one_statement),
		FRESH(a_bulk_with_a_double_key_says_so),
		FRESH(bulk_then_single_row_use_the_same_statement),
		FRESH(wrong_columns_are_found_when_prepared),
		FRESH(the_second_of_a_once_key_is_already),
		FRESH(an_error_inside_undoes_everything),
		FRESH(a_read_survives_a_lost_connection),
		FRESH(a_write_says_that_the_connection_was_lost),
		FRESH(a_transaction_runs_again_after_a_lost_connection),
		FRESH(who_stands_still_loses_its_locks),
		FRESH(a_deadlock_is_run_again),
		FRESH(an_overlooked_deadlock_commits_nothing_by_half),
		FRESH(no_server_is_unavailable),
	};

	return cmocka_run_group_tests(tests, fixture_open, fixture_close);
}
