/* A real history, in which one row at a time is changed by hand: yufu verify must name that row,
 * and must find nothing once it is put back. */
#include "damage.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "ctl/verify.h"
#include "shop_fixture.h"

#define HOURS 80
#define SEED 203

struct utc seeded_now;

struct utc __wrap_utc_now(void);
struct utc __wrap_utc_now(void)
{
	return seeded_now;
}

static struct world *w;

/* ---- doing and undoing ---- */

/* Runs statements separated by semicolons. */
static void run_all(const char *text)
{
	char *all = strdup(text), *save = NULL;

	ASSERT(all);
	for (char *s = strtok_r(all, ";", &save); s; s = strtok_r(NULL, ";", &save))
		fixture_sql(w->root, s);
	free(all);
}

static void each_table(const char *tables, const char *format)
{
	char *all = strdup(tables), *save = NULL;

	ASSERT(all);
	for (char *t = strtok_r(all, " ", &save); t; t = strtok_r(NULL, " ", &save)) {
		AUTO(buf_free) struct buf sql = { 0 };

		for (const char *f = format; *f; f++) /* % stands for the table */
			buf_add(&sql, *f == '%' ? t : f, *f == '%' ? strlen(t) : 1);
		run_all(sql.text);
	}
	free(all);
}

struct text_row {
	char v[300];
};
SHAPE(text_shape, struct text_row, FIELD(struct text_row, v));

static const struct query Q_OBJECT = { "SELECT COALESCE(@object, '') AS v", &text_shape };

static json_t *findings(void)
{
	json_t *list = json_array();

	assert_int_equal(verify_run(w->root, list), ERR_OK);
	return list;
}

static bool is_found(const json_t *list, const char *check, const char *object)
{
	size_t i;
	const json_t *f;

	json_array_foreach(list, i, f)
	{
		if (str_eq(json_string_value(json_object_get(f, "check")), check) &&
			str_eq(json_string_value(json_object_get(f, "object")), object))
			return true;
	}
	return false;
}

static void damage(void **state)
{
	const struct damage *d = *state;
	AUTO(buf_free) struct buf pick = { 0 }, object = { 0 };
	AUTO(json_free) json_t *list = NULL;
	struct text_row named;
	int64_t rows;

	buf_printf(&pick, "SELECT %s", d->pick);
	run_all("SET @m = NULL, @e = NULL, @a = NULL, @o = NULL, @d = NULL, @s = NULL, @h = NULL, "
		"@c ="
		" NULL");
	fixture_sql(w->root, pick.text);
	rows = FIXTURE_VALUE(
		w->root, "SELECT COALESCE(@m, @e, @a, @o, @d, @s, @h, @c) IS NOT NULL AS v");
	assert_int_equal(rows, 1); /* the history has such a row */
	each_table(d->tables, "CREATE TEMPORARY TABLE kept_% SELECT * FROM %");
	run_all(d->harm);
	buf_printf(&object, "SET @object = CAST(%s AS CHAR)", d->object);
	fixture_sql(w->root, object.text);
	assert_int_equal(db_one(w->root, &Q_OBJECT, NO_ARGS, &named), ERR_OK);
	list = findings();
	each_table(d->tables,
		"DELETE FROM %;INSERT INTO % SELECT * FROM kept_%;DROP TEMPORARY TABLE kept_%");
	if (!is_found(list, d->check, named.v))
		fail_msg("%s of %s is not among %s", d->check, named.v, json_text(list));
}

static void nothing_is_found(void **state)
{
	AUTO(json_free) json_t *list = findings();

	(void)state;
	if (json_array_size(list) > 0)
		fail_msg("%s", json_text(list));
}

/* A cheap tariff was in force for two days and is taken away again: charge, evidence, day, hour,
 * entry, balance and hash all agree with each other, and with nothing else. */
static void consistent_forgery(void **state)
{
	AUTO(json_free) json_t *list = NULL;
	size_t wrong = 0, other = 0, i;
	const json_t *f;

	(void)state;
	fixture_sql(w->root, "CREATE TEMPORARY TABLE kept_tariff SELECT * FROM tariff");
	fixture_sql(w->root,
		"UPDATE tariff SET revision = revision + 1000, doc = REGEXP_REPLACE(doc,"
		" '\"[0-9]\\\\.[0-9]{4}\"', '\"0.0100\"')");
	for (int64_t hour = HOURS + PAST_HOURS; hour < HOURS + PAST_HOURS + 48; hour++)
		play_hour(w, w->start + hour * HOUR);
	fixture_sql(w->root, "UPDATE tariff t JOIN kept_tariff k ON k.id = t.id SET t.doc = k.doc");
	list = findings();
	json_array_foreach(list, i, f)
	{
		const char *check = json_string_value(json_object_get(f, "check"));

		wrong += str_eq(check, "charge_is_what_the_tariff_says");
		/* None of the books knows. */
		other += str_eq(check, "balance_is_postings_minus_open_charges") ||
			 str_eq(check, "sealed_use_is_posted") ||
			 str_eq(check, "charge_is_quantity_times_price") ||
			 str_eq(check, "sealed_day_has_its_hash");
	}
	assert_true(wrong > 20);
	assert_int_equal(other, 0);
}

#define CASES_MAX 400

/* No worker runs here: one message of the history is sent as one would. */
static void message_leaves(void)
{
	fixture_sql(w->root, "INSERT INTO outbox (once_key, notice_id, recipient, template, params,"
			     " state, way, next_at, expires_at, sent_at, created_at)"
			     " SELECT 'damage', n.id, '13800000001', n.kind, '{}', 'sent',"
			     " 'aliyun_sms', n.created_at, n.created_at, n.created_at, n.created_at"
			     " FROM notice n ORDER BY n.id LIMIT 1");
	fixture_sql(w->root, "INSERT INTO outbox_try (outbox_id, way, phone, kind, at, outcome)"
			     " SELECT id, way, recipient, template, sent_at, 'done' FROM outbox"
			     " WHERE once_key = 'damage'");
}

int main(void)
{
	const struct damages *all[] = { &damages_of_use, &damages_of_money, &damages_of_life,
		&damages_of_pay, &damages_of_bills };
	static struct CMUnitTest tests[CASES_MAX + 3] = { { "nothing_is_found", nothing_is_found,
		NULL, NULL, NULL } };
	size_t n = 1;
	int failed;

	for (size_t k = 0; k < ARRAY_LEN(all); k++)
		for (size_t i = 0; i < all[k]->n && n <= CASES_MAX; i++)
			tests[n++] = (struct CMUnitTest){ all[k]->list[i].name, damage, NULL, NULL,
				(void *)(uintptr_t)&all[k]->list[i] };
	tests[n++] =
		(struct CMUnitTest){ "and_nothing_at_the_end", nothing_is_found, NULL, NULL, NULL };
	tests[n++] =
		(struct CMUnitTest){ "consistent_forgery", consistent_forgery, NULL, NULL, NULL };
	log_open("test", LOG_LEVEL_ERROR);
	db_library_open();
	w = world_open(SEED, 14, true);
	for (int64_t hour = 0; hour < HOURS; hour++)
		play_hour(w, w->start + hour * HOUR);
	past_make(w);
	bills_make(w);
	message_leaves();
	fixture_sql(w->root, "SET FOREIGN_KEY_CHECKS = 0");
	failed = _cmocka_run_group_tests("damage", tests, n, NULL, NULL);
	world_free(&w);
	return failed;
}
