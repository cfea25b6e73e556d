/* Every listing of the API: each order, both ways, from the first row and behind one, with all its
 * filters and with none, is a statement that the API's own user may run. */
#include "db_fixture.h"

#include "domain/attempt.h"
#include "fcgi/list.h"

static struct db *api;

static struct arg value_of(const struct list_filter *f)
{
	return f->kind == FILTER_TEXT || f->kind == FILTER_WORD ? arg_text("x")
	       : f->kind == FILTER_DAY				? arg_text("2026-11-22")
								: arg_i64(1);
}

static void run(const struct route *r, const struct list_ask *ask)
{
	const struct listing *l = r->listing;
	struct arg args[8] = { 0 };
	AUTO(rows_free) struct rows rows = { 0 };
	struct list_place next;
	size_t n = 0;
	enum err e;

	for (const char *s = l->all.sql; *s; s++)
		if (*s == '?')
			args[n++] = arg_i64(0);
	e = db_page(api, l, ask, args, n, &rows, &next);
	if (e != ERR_OK)
		fail_msg("%s by %s: %s", r->path, ask->sort->name, err_word(e));
}

static void run_all(const struct route *r, struct list_ask *ask)
{
	struct list_ask filtered = *ask;

	run(r, ask);
	for (size_t i = 0; i < LIST_FILTERS_MAX && r->listing->filters[i].name; i++)
		filtered.filters[i] = value_of(&r->listing->filters[i]);
	run(r, &filtered);
}

static void every_order_of_every_list_runs(void **state)
{
	const struct list_sort *sort;

	(void)state;
	for (size_t i = 0; i < routes_n; i++) {
		const struct listing *l = routes[i].listing;

		if (!l || !l->all.sql)
			continue;
		for (size_t k = 0; (sort = listing_sort_at(l, k)) != NULL; k++) {
			struct list_ask ask = { .sort = sort, .limit = 1 };

			run_all(&routes[i], &ask);
			ask.down = true;
			ask.after.n = sort == &l->sorts[0] ? 1 : 2;
			run_all(&routes[i], &ask);
		}
	}
}

/* Ids in the order of the pages. */
static size_t walk(const struct listing *l, const char *sort, bool down, int limit, int64_t *ids)
{
	struct list_ask ask = list_ask_of(l, sort, down, limit);
	struct list_place next;
	size_t n = 0;

	do {
		AUTO(rows_free) struct rows rows = { 0 };
		const struct attempt *t;

		assert_int_equal(db_page(api, l, &ask, ARGS(arg_i64(0)), &rows, &next), ERR_OK);
		assert_true(rows.n <= (size_t)limit);
		t = rows.at;
		for (size_t i = 0; i < rows.n; i++)
			ids[n++] = t[i].id;
		ask.after = next;
	} while (next.n);
	return n;
}

/* Nine rows of three instants: a page may end between rows that are equal in what they are sorted
 * by. */
static void pages_end_between_equals(void **state)
{
	static const int64_t up[] = { 7, 8, 9, 4, 5, 6, 1, 2, 3 };
	int64_t ids[32];

	fixture_sql(*state,
		"INSERT INTO attempt (id, site_id, kind, account_id, amount_fen, code, why, actor,"
		" at) SELECT seq, 0, 'sale', 0, 1, 'x', 'x', 'x', 100 - 10 * CEIL(seq / 3)"
		" FROM seq_1_to_9");
	for (int limit = 1; limit <= 10; limit++) {
		assert_int_equal(walk(&attempt_listing, "at", false, limit, ids), 9);
		for (size_t i = 0; i < 9; i++)
			assert_int_equal(ids[i], up[i]);
		assert_int_equal(walk(&attempt_listing, "at", true, limit, ids), 9);
		for (size_t i = 0; i < 9; i++)
			assert_int_equal(ids[i], up[8 - i]);
	}
}

static void rows_that_come_in_move_nothing(void **state)
{
	struct list_ask ask = list_ask_of(&attempt_listing, "at", true, 4);
	AUTO(rows_free) struct rows first = { 0 };
	AUTO(rows_free) struct rows second = { 0 };
	const struct attempt *t;
	struct list_place next;

	assert_int_equal(
		db_page(api, &attempt_listing, &ask, ARGS(arg_i64(0)), &first, &next), ERR_OK);
	ask.after = next;
	fixture_sql(*state,
		"INSERT INTO attempt (id, site_id, kind, account_id, amount_fen, code, why, actor,"
		" at) VALUES (10, 0, 'sale', 0, 1, 'x', 'x', 'x', 1000)");
	assert_int_equal(
		db_page(api, &attempt_listing, &ask, ARGS(arg_i64(0)), &second, &next), ERR_OK);
	t = second.at;
	assert_int_equal(second.n, 4);
	assert_int_equal(t[0].id, 5);
	assert_int_equal(t[3].id, 8);
}

static int open_all(void **state)
{
	if (fixture_open(state) != 0)
		return -1;
	api = fixture_as("yufu_api");
	return 0;
}

static int close_all(void **state)
{
	db_free(&api);
	return fixture_close(state);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_order_of_every_list_runs),
		cmocka_unit_test(pages_end_between_equals),
		cmocka_unit_test(rows_that_come_in_move_nothing),
	};

	return cmocka_run_group_tests(tests, open_all, close_all);
}
