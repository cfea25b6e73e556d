/* A real history, in which one row at a time is changed by hand: yufu verify must name that row,
 * and must find nothing once all is as it was. */
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

/* ---- doing, looking, undoing ---- */

/* Runs statements separated by semicolons. */
static enum err run_all(struct db *db, const char *text)
{
	char *all = strdup(text), *save = NULL;
	enum err e = ERR_OK;

	ASSERT(all);
	for (char *s = strtok_r(all, ";", &save); e == ERR_OK && s; s = strtok_r(NULL, ";", &save))
		e = db_run(db, s);
	free(all);
	return e;
}

static const struct query Q_HAS_ROW = {
	"SELECT COALESCE(@m, @e, @a, @o, @d, @s, @h, @c) IS NOT NULL AS id", &id_shape
};

/* has_row: whether the history has such a row; only then is anything changed. */
static enum err harm_do(struct db *db, const struct damage *d, bool *has_row)
{
	AUTO(buf_free) struct buf pick = { 0 };
	struct id_row has = { 0 };
	enum err e = db_run(db, "SET @m = NULL, @e = NULL, @a = NULL, @o = NULL, @d = NULL,"
				" @s = NULL, @h = NULL, @c = NULL");

	buf_printf(&pick, "SELECT %s", d->pick);
	if (e == ERR_OK)
		e = db_run(db, pick.text);
	if (e == ERR_OK)
		e = db_one(db, &Q_HAS_ROW, NO_ARGS, &has);
	*has_row = has.id;
	return e == ERR_OK && has.id ? run_all(db, d->harm) : e;
}

struct text_row {
	char v[300];
};
SHAPE(text_shape, struct text_row, FIELD(struct text_row, v));

static const struct query Q_OBJECT = { "SELECT COALESCE(@object, '') AS v", &text_shape };

static enum err object_name(struct db *db, const struct damage *d, struct text_row *out)
{
	AUTO(buf_free) struct buf set = { 0 };
	enum err e;

	buf_printf(&set, "SET @object = CAST(%s AS CHAR)", d->object);
	e = db_run(db, set.text);
	return e == ERR_OK ? db_one(db, &Q_OBJECT, NO_ARGS, out) : e;
}

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

struct trial {
	const struct damage *d;
	json_t *list;
	struct text_row object;
	bool has_row, found;
};

/* The parts of yufu verify, up to the one that says it; first the one that found the damage before
 * this one, because those of one subject stand together. */
static enum err look(struct db *db, struct trial *t)
{
	static size_t likely;
	size_t first = likely;
	enum err e = ERR_OK;

	for (size_t i = 0; e == ERR_OK && !t->found && i <= VERIFY_PARTS; i++) {
		size_t part = i == 0 ? first : i - 1;

		if (i > 0 && part == first)
			continue;
		e = verify_parts[part](db, t->list);
		t->found = is_found(t->list, t->d->check, t->object.v);
		likely = part;
	}
	return e;
}

#define UNDONE ERR_CONFLICT /* no transaction of a damage is ever committed */

static enum err trial_tx(struct db *db, void *ctx)
{
	struct trial *t = ctx;
	enum err e = harm_do(db, t->d, &t->has_row);

	if (e == ERR_OK && t->has_row)
		e = object_name(db, t->d, &t->object);
	if (e == ERR_OK && t->has_row)
		e = look(db, t);
	return e == ERR_OK ? UNDONE : e;
}

static void damage(void **state)
{
	AUTO(json_free) json_t *list = json_array();
	struct trial t = { .d = *state, .list = list };

	assert_int_equal(db_tx(w->root, trial_tx, &t), UNDONE);
	assert_true(t.has_row);
	if (!t.found)
		fail_msg("%s of %s is not among %s", t.d->check, t.object.v, json_text(list));
}

/* ---- many at once ---- */

#define CASES_MAX 400

static const struct damage *cases[CASES_MAX];
static size_t cases_n;

/* Adds the tables of a damage to those in use; false: one of them is. */
static bool tables_take(struct buf *used, const char *tables)
{
	char *all = strdup(tables), *save = NULL;
	bool unused = true;

	ASSERT(all);
	for (char *t = strtok_r(all, " ", &save); t && unused; t = strtok_r(NULL, " ", &save)) {
		char word[80];

		snprintf(word, sizeof(word), " %s ", t);
		unused = !used->len || !strstr(used->text, word);
	}
	free(all);
	if (unused)
		buf_printf(used, " %s ", tables);
	return unused;
}

struct group {
	bool done[CASES_MAX];
	size_t left;
	json_t *list;
};

static enum err group_tx(struct db *db, void *ctx)
{
	AUTO(buf_free) struct buf used = { 0 };
	struct group *g = ctx;
	enum err e = ERR_OK;
	bool has_row;

	for (size_t i = 0; e == ERR_OK && i < cases_n; i++) {
		if (g->done[i] || !tables_take(&used, cases[i]->tables))
			continue;
		g->done[i] = true;
		g->left--;
		e = harm_do(db, cases[i], &has_row);
	}
	for (size_t i = 0; e == ERR_OK && i < VERIFY_PARTS; i++)
		e = verify_parts[i](db, g->list);
	return e == ERR_OK ? UNDONE : e;
}

/* Whatever is damaged, all parts come to their end: as many damages at once as touch different
 * tables. */
static void nothing_breaks_it_off(void **state)
{
	struct group g = { .left = cases_n };

	(void)state;
	while (g.left > 0) {
		AUTO(json_free) json_t *list = json_array();

		g.list = list;
		assert_int_equal(db_tx(w->root, group_tx, &g), UNDONE);
		assert_true(json_array_size(list) > 0);
	}
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

/* What a damage does is seen by the connection that did it, and by no other; it may think for long.
 */
static void stay_in_transaction(void)
{
	fixture_sql(w->root, "SET FOREIGN_KEY_CHECKS = 0");
	fixture_sql(w->root, "SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ");
	fixture_sql(w->root, "SET SESSION idle_transaction_timeout = 0");
}

int main(void)
{
	const struct damages *all[] = { &damages_of_use, &damages_of_money, &damages_of_life,
		&damages_of_pay, &damages_of_bills };
	static struct CMUnitTest tests[CASES_MAX + 4] = { { "nothing_is_found", nothing_is_found,
		NULL, NULL, NULL } };
	size_t n = 1;
	int failed;

	for (size_t k = 0; k < ARRAY_LEN(all); k++)
		for (size_t i = 0; i < all[k]->n && cases_n < CASES_MAX; i++) {
			cases[cases_n++] = &all[k]->list[i];
			tests[n++] = (struct CMUnitTest){ all[k]->list[i].name, damage, NULL, NULL,
				(void *)(uintptr_t)&all[k]->list[i] };
		}
	tests[n++] = (struct CMUnitTest){ "nothing_breaks_it_off", nothing_breaks_it_off, NULL,
		NULL, NULL };
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
	stay_in_transaction();
	failed = _cmocka_run_group_tests("damage", tests, n, NULL, NULL);
	world_free(&w);
	return failed;
}
