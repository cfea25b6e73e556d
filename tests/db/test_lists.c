/* Every listing of the API: each order, both ways, from the first row and behind one, with all its
 * filters and with none, is a statement that the API's own user may run. */
#include "db_fixture.h"

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
	const struct CMUnitTest tests[] = { cmocka_unit_test(every_order_of_every_list_runs) };

	return cmocka_run_group_tests(tests, open_all, close_all);
}
