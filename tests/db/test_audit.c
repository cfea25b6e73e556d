/* The audit log: what a change leaves behind, and its chain of hashes. */
#include "shop_fixture.h"

#include <pthread.h>
#include <string.h>

#include "ctl/verify.h"
#include "domain/audit.h"
#include "domain/audit_view.h"
#include "domain/setting.h"
#include "domain/shift.h"

static const struct utc NOW = { SHOP_T0 };

static size_t findings(struct db *db, const char *check)
{
	AUTO(json_free) json_t *list = json_array();
	size_t n = 0, i;
	json_t *f;

	assert_int_equal(verify_audit(db, list), ERR_OK);
	json_array_foreach(list, i, f) n +=
		!check[0] || str_eq(json_string_value(json_object_get(f, "check")), check);
	return n;
}

static struct audit_row newest(struct db *db, struct rows *rows)
{
	struct list_ask ask = list_ask_of(&audit_listing, "id", true, 1);
	struct list_place next;

	assert_int_equal(db_page(db, &audit_listing, &ask, ARGS(arg_i64(0)), rows, &next), ERR_OK);
	assert_int_equal(rows->n, 1);
	return *(const struct audit_row *)rows->at;
}

static void assert_doc(const struct blob *b, const char *want)
{
	char text[400];

	assert_true(b->n < sizeof(text));
	memcpy(text, b->at ? (const char *)b->at : "", b->n);
	text[b->n] = '\0';
	assert_string_equal(text, want);
}

static void every_view_can_be_asked_by_the_programs(void **state)
{
	struct db *api = fixture_as("yufu_api"), *worker = fixture_as("yufu_worker");

	(void)state;
	assert_int_equal(audit_views_check(api), ERR_OK);
	assert_int_equal(audit_views_check(worker), ERR_OK);
	db_free(&api);
	db_free(&worker);
}

static void a_change_leaves_what_changed_and_nothing_else(void **state)
{
	struct db *db = *state, *api = fixture_as("yufu_api");
	AUTO(rows_free) struct rows rows = { 0 };
	struct shop s = shop_make(db, 1);
	struct setting_change c = { .site_id = s.site,
		.setting = SETTING_FEE_NOTICE_DAYS,
		.value = 7,
		.reason = "earlier",
		.once_key = "a",
		.user_id = 1,
		.actor = "user:1",
		.address = "10.0.0.1",
		.now = NOW };
	struct problem why = { 0 };
	int64_t approval = 0;
	struct audit_row u;

	db_request_set(api, "0123456789abcdef", "10.9.9.9", "");
	assert_int_equal(setting_put(api, &c, &approval, &why), ERR_OK);
	c.value = 8;
	assert_int_equal(setting_put(api, &c, &approval, &why), ERR_OK);
	u = newest(db, &rows);
	assert_string_equal(u.actor, "user:1");
	assert_string_equal(u.address, "10.0.0.1");
	assert_string_equal(u.action, "setting.edit");
	assert_string_equal(u.reason, "earlier");
	assert_string_equal(u.request_id, "0123456789abcdef");
	assert_int_equal(u.site_id, s.site);
	assert_doc(&u.before_doc, "{\"settings\":{\"fee_notice_days\":7}}");
	assert_doc(&u.after_doc, "{\"settings\":{\"fee_notice_days\":8}}");
	db_free(&api);
}

static void what_was_not_there_has_no_before(void **state)
{
	struct db *db = *state, *api = fixture_as("yufu_api");
	AUTO(rows_free) struct rows rows = { 0 };
	struct shift shift;
	struct audit_row u;

	shop_set(db, "INSERT INTO user (username, kind) VALUES ('c1', 'staff')");
	assert_int_equal(
		shift_open(api, shop_number(db, "SELECT MAX(id) AS v FROM user", 0), NOW, &shift),
		ERR_OK);
	u = newest(db, &rows);
	assert_string_equal(u.action, "shift.open");
	assert_int_equal(u.before_doc.n, 0);
	assert_non_null(strstr((const char *)u.after_doc.at, "\"closed_at\":0"));
	db_free(&api);
}

#define THREADS 4
#define EACH 40

static void *append(void *arg)
{
	struct db *api = fixture_as("yufu_api");
	struct audit a = { "user:2", "", "test.append", "thread", (int64_t)(intptr_t)arg, NULL };

	for (int i = 0; i < EACH; i++)
		assert_int_equal(audit_add(api, &a, NULL, NOW), ERR_OK);
	db_free(&api);
	db_thread_end();
	return NULL;
}

static void *chain(void *arg)
{
	struct db *worker = fixture_as("yufu_worker");
	struct audit_head head;
	int64_t added;

	(void)arg;
	for (int i = 0; i < EACH; i++)
		assert_int_equal(audit_chain(worker, false, &head, &added), ERR_OK);
	db_free(&worker);
	db_thread_end();
	return NULL;
}

static void rows_of_many_are_one_chain(void **state)
{
	struct db *db = *state, *worker = fixture_as("yufu_worker");
	pthread_t threads[THREADS + 2];
	struct audit_head head;
	int64_t added = 0;

	for (size_t i = 0; i < ARRAY_LEN(threads); i++)
		assert_int_equal(pthread_create(&threads[i], NULL, i < THREADS ? append : chain,
					 (void *)(intptr_t)(i + 1)),
			0);
	for (size_t i = 0; i < ARRAY_LEN(threads); i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(audit_chain(worker, true, &head, &added), ERR_OK);
	assert_int_equal(head.n, shop_number(db, "SELECT COUNT(*) AS v FROM audit", 0));
	assert_int_equal(shop_number(db, "SELECT MAX(n) AS v FROM audit_chain", 0), head.n);
	assert_int_equal(shop_number(db, "SELECT COUNT(*) AS v FROM audit_chain", 0), head.n);
	assert_int_equal(findings(db, ""), 0);
	db_free(&worker);
}

static void what_is_forged_is_found(void **state)
{
	struct db *db = *state;

	fixture_sql(db, "UPDATE audit SET actor = 'user:9' WHERE id = 10");
	assert_int_equal(findings(db, "audit_row_has_its_hash"), 1);
	fixture_sql(db, "UPDATE audit SET actor = 'user:2' WHERE id = 10");
	fixture_sql(db, "UPDATE audit SET reason = 'x' WHERE id = 11");
	assert_int_equal(findings(db, "audit_row_has_its_hash"), 1);
	fixture_sql(db, "UPDATE audit SET reason = '' WHERE id = 11");
	fixture_sql(db, "DELETE FROM audit_chain WHERE n = 5");
	assert_int_equal(findings(db, "audit_chain_has_no_gap"), 1);
	fixture_sql(db, "INSERT INTO audit (at, actor, action, object, detail) VALUES (1, 'user:1',"
			" 'x.y', 'meter:1', '{}')");
	assert_true(findings(db, "audit_row_is_chained") >= 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_view_can_be_asked_by_the_programs),
		cmocka_unit_test(a_change_leaves_what_changed_and_nothing_else),
		cmocka_unit_test(what_was_not_there_has_no_before),
		cmocka_unit_test(rows_of_many_are_one_chain),
		cmocka_unit_test(what_is_forged_is_found),
	};

	return cmocka_run_group_tests(tests, fixture_open, fixture_close);
}
