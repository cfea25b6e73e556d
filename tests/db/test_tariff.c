/* Tariffs, ratios and decisions on readings, as the API's own user: what is settled keeps its
 * price, and a register counts for what people said of it. */
#include "shop_fixture.h"

#include <stdio.h>
#include <string.h>

#include "ctl/verify.h"
#include "domain/approval.h"
#include "domain/reading.h"
#include "domain/register.h"
#include "domain/role.h"
#include "domain/tariff.h"

#define MINUTE INT64_C(60000)
#define HOUR INT64_C(3600000)
#define DAY INT64_C(86400000)

struct world {
	struct db *root;
	struct db *poller;
	struct db *api;
	struct tariffs *tariffs;
	int shops;
};

static int open_world(void **state)
{
	static struct world w;

	if (fixture_open((void **)&w.root) != 0 || roles_install(w.root) != ERR_OK)
		return -1;
	w.poller = fixture_as("yufu_poller");
	w.api = fixture_as("yufu_api");
	w.tariffs = tariffs_open();
	*state = &w;
	return 0;
}

static int close_world(void **state)
{
	struct world *w = *state;

	tariffs_free(&w->tariffs);
	db_free(&w->api);
	db_free(&w->poller);
	return fixture_close((void **)&w->root);
}

static struct shop new_shop(struct world *w)
{
	return shop_make(w->root, ++w->shops);
}

static struct utc now(void)
{
	return (struct utc){ SHOP_T0 + 10 * DAY };
}

/* ---- what the poller does ---- */

struct one {
	struct world *w;
	struct charge_reading r;
	enum verdict verdict;
};

static enum err one_tx(struct db *db, void *ctx)
{
	struct one *o = ctx;
	AUTO(charges_free) struct charges sum = { 0 };
	struct settled last = { 0 };
	enum err e = settled_lock(db, o->r.meter_id, &last);
	struct reading_facts f = { .at = o->r.at,
		.reg = o->r.reg,
		.most_per_hour = o->r.most_per_hour,
		.has_last = last.read_at.ms != 0,
		.last_at = last.read_at,
		.last_reg = last.register_milli };
	struct reading_row row = {
		.meter_id = o->r.meter_id, .read_at = o->r.at, .register_milli = o->r.reg
	};

	if (e != ERR_OK)
		return e;
	o->verdict = reading_judge(&f);
	snprintf(row.verdict, sizeof(row.verdict), "%s", verdict_word(o->verdict));
	e = readings_store(db, &row, 1);
	if (e == ERR_OK && o->verdict == VERDICT_ACCEPTED) {
		e = charge_settle(db, o->w->tariffs, &o->r, &last, &sum);
		e = e == ERR_NOT_FOUND ? ERR_OK : e;
	}
	return e == ERR_OK ? charge_post(db, &sum, o->r.at) : e;
}

static enum verdict read_at(struct world *w, const struct shop *s, int64_t at, int64_t reg)
{
	struct one o = { w,
		{ .meter_id = s->meter, .at = { at }, .reg = { reg }, .most_per_hour = 100000 },
		VERDICT_ACCEPTED };

	assert_int_equal(db_tx(w->poller, one_tx, &o), ERR_OK);
	return o.verdict;
}

static int64_t charged(struct world *w, const struct shop *s)
{
	return SHOP_OPENING - shop_number(w->root,
				      "SELECT balance_nano AS v FROM account WHERE id = %lld",
				      s->account);
}

/* ---- tariffs ---- */

#define FLAT(code, versions)                                                                       \
	"{\"code\": \"" code                                                                       \
	"\", \"name\": \"n\", \"utility\": \"electricity\", \"versions\": [" versions "]}"
#define VERSION(from, price)                                                                       \
	"{\"effective_from\": \"" from "\", \"calendar\": [{\"slots\": [[\"00:00\", \"flat\"]]}]," \
	" \"prices\": {\"flat\": [\"" price "\"]}}"

static enum err put(
	struct world *w, const char *text, int64_t site, int64_t *id, struct problem *why)
{
	AUTO(json_free) json_t *doc = NULL;

	assert_int_equal(json_parse(text, strlen(text), &doc, NULL), ERR_OK);
	return tariff_put(w->api,
		&(struct tariff_change){ .doc = doc,
			.site_id = site,
			.actor = "user:1",
			.address = "",
			.now = now() },
		id, why);
}

static enum err assign(
	struct world *w, const struct shop *s, int64_t tariff, int64_t from, struct problem *why)
{
	return tariff_assign(w->api,
		&(struct tariff_assign){ .meter_id = s->meter,
			.tariff_id = tariff,
			.from = { from },
			.actor = "user:1",
			.address = "",
			.now = now() },
		why);
}

static void test_a_revision_for_each_change(void **state)
{
	struct world *w = *state;
	struct shop s;
	struct problem why = { 0 };
	struct tariff_row row;
	json_t *doc = NULL;
	int64_t id = 0, again = 0;

	s = new_shop(w);
	assert_int_equal(
		put(w, FLAT("rev", VERSION("2026-01-01T00:00:00+08:00", "0.5")), 0, &id, &why),
		ERR_OK);
	assert_int_equal(
		put(w, FLAT("rev", VERSION("2026-01-01T00:00:00+08:00", "0.5")), 0, &again, &why),
		ERR_OK);
	assert_int_equal(again, id);
	assert_int_equal(
		shop_number(w->root, "SELECT revision AS v FROM tariff WHERE id = %lld", id), 1);
	assert_int_equal(
		put(w, FLAT("rev", VERSION("2026-01-01T00:00:00+08:00", "0.6")), 0, &again, &why),
		ERR_OK);
	assert_int_equal(tariff_read(w->api, id, 0, now(), &row, &doc), ERR_OK);
	assert_int_equal(row.revision, 2);
	assert_string_equal(row.code, "rev");
	json_decref(doc);
	assert_int_equal(
		shop_number(w->root,
			"SELECT COUNT(*) AS v FROM tariff_revision WHERE tariff_id = %lld", id),
		2);
	/* Not a tariff, not for electricity any more once a meter has it: the path is told, nothing
	 * changes. */
	shop_set(w->root,
		"INSERT INTO meter_tariff (meter_id, from_at, tariff_id) VALUES (%lld, %lld, %lld)",
		(long long)s.meter, (long long)(SHOP_T0 + 1000 * DAY), (long long)id);
	assert_int_equal(
		put(w, FLAT("rev", VERSION("2026-01-01T00:00:00+08:00", "-1")), 0, &again, &why),
		ERR_BAD_VALUE);
	assert_string_equal(why.field, "versions[0].prices.flat[0]");
	assert_int_equal(put(w,
				 "{\"code\": \"rev\", \"name\": \"n\", \"utility\": \"water\","
				 " \"versions\": [" VERSION("2026-01-01T00:00:00+08:00", "1") "]}",
				 0, &again, &why),
		ERR_CONFLICT);
	assert_string_equal(why.field, "utility");
	assert_int_equal(
		put(w,
			"{\"code\": \"rev\", \"name\": \"n\", \"utility\": "
			"\"electricity\", \"versions\": [{\"effective_from\":"
			" \"2026-01-01T00:00:00Z\", \"calendar\": [{\"slots\": [[\"00:00\","
			" \"a-rate-name-of-thirty-three-bytes\"]]}], \"prices\":"
			" {\"a-rate-name-of-thirty-three-bytes\": [\"1\"]}}]}",
			0, &again, &why),
		ERR_OUT_OF_RANGE);
	assert_string_equal(why.field, "versions[0].prices");
	assert_int_equal(
		shop_number(w->root, "SELECT revision AS v FROM tariff WHERE id = %lld", id), 2);
}

/* Priced at 0.5 up to the third day: only what begins later may change. */
static void test_settled_prices_stay(void **state)
{
	struct world *w = *state;
	struct shop s = new_shop(w);
	struct problem why = { 0 };
	int64_t id = 0, before;
	static const struct {
		const char *file;
		enum err want;
		const char *field;
	} cases[] = {
		{ FLAT("keep", VERSION("2026-01-01T00:00:00+08:00", "0.7")), ERR_CONFLICT,
			"versions[0]" },
		{ FLAT("keep", VERSION("2026-02-01T00:00:00+08:00", "0.5")), ERR_CONFLICT,
			"versions[0]" },
		{ FLAT("keep", VERSION("2026-01-01T00:00:00+08:00", "0.5") "," VERSION(
				       "2026-11-24T00:00:00+08:00", "0.7")),
			ERR_CONFLICT, "versions[1].effective_from" },
		{ "{\"code\": \"keep\", \"name\": \"n\", \"utility\": \"electricity\","
		  " \"holidays\": [\"2026-11-23\"], \"versions\": [" VERSION(
			  "2026-01-01T00:00:00+08:00", "0.5") "]}",
			ERR_CONFLICT, "holidays" },
		{ "{\"code\": \"keep\", \"name\": \"n\", \"utility\": \"electricity\","
		  " \"holidays\": [\"2027-01-01\"], \"versions\": [" VERSION(
			  "2026-01-01T00:00:00+08:00",
			  "0.5") "," VERSION("2026-12-01T00:00:00+08:00", "0.7") "]}",
			ERR_OK, "" },
		{ FLAT("keep", VERSION("2026-01-01T00:00:00+08:00", "0.5")), ERR_OK, "" },
	};

	assert_int_equal(
		put(w, FLAT("keep", VERSION("2026-01-01T00:00:00+08:00", "0.5")), 0, &id, &why),
		ERR_OK);
	shop_set(w->root, "DELETE FROM meter_tariff WHERE meter_id = %lld", (long long)s.meter);
	assert_int_equal(assign(w, &s, id, 1767196800000, &why), ERR_OK);
	assert_int_equal(read_at(w, &s, SHOP_T0, 1000), VERDICT_ACCEPTED);
	assert_int_equal(read_at(w, &s, SHOP_T0 + 3 * DAY, 5000), VERDICT_ACCEPTED);
	before = charged(w, &s);
	assert_int_equal(before, 4000 * 500000);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		int64_t same = 0;

		why = (struct problem){ 0 };
		assert_int_equal(put(w, cases[i].file, 0, &same, &why), cases[i].want);
		if (cases[i].want != ERR_OK)
			assert_string_equal(why.field, cases[i].field);
		else
			assert_int_equal(same, id);
	}
	assert_int_equal(charged(w, &s), before);
	/* Staff of another site may not change what this one has. */
	assert_int_equal(
		put(w,
			FLAT("keep", VERSION("2026-01-01T00:00:00+08:00", "0.5") "," VERSION(
					     "2027-01-01T00:00:00+08:00", "0.7")),
			s.site + 1000, &id, &why),
		ERR_FORBIDDEN);
}

static void test_assigned_from_a_time_on(void **state)
{
	struct world *w = *state;
	struct shop s = new_shop(w);
	AUTO(rows_free) struct rows rows = { 0 };
	struct problem why = { 0 };
	int64_t id = 0, water = 0;
	const struct assigned *a;

	assert_int_equal(
		put(w, FLAT("dear", VERSION("2026-01-01T00:00:00+08:00", "2")), 0, &id, &why),
		ERR_OK);
	assert_int_equal(read_at(w, &s, SHOP_T0, 1000), ERR_OK);
	assert_int_equal(read_at(w, &s, SHOP_T0 + HOUR, 1000), ERR_OK);
	/* Not into what is settled, not before the tariff begins, not of another utility. */
	assert_int_equal(assign(w, &s, id, SHOP_T0 + HOUR - 1, &why), ERR_CONFLICT);
	assert_string_equal(why.field, "from");
	assert_int_equal(
		put(w, FLAT("later", VERSION("2027-01-01T00:00:00+08:00", "2")), 0, &water, &why),
		ERR_OK);
	assert_int_equal(assign(w, &s, water, SHOP_T0 + 2 * HOUR, &why), ERR_CONFLICT);
	assert_string_equal(why.field, "from");
	assert_int_equal(put(w,
				 "{\"code\": \"wet\", \"name\": \"n\", \"utility\": \"water\","
				 " \"versions\": [" VERSION("2026-01-01T00:00:00+08:00", "1") "]}",
				 0, &water, &why),
		ERR_OK);
	assert_int_equal(assign(w, &s, water, SHOP_T0 + 2 * HOUR, &why), ERR_CONFLICT);
	assert_string_equal(why.field, "tariff_id");
	assert_int_equal(assign(w, &s, 999999, SHOP_T0 + 2 * HOUR, &why), ERR_BAD_VALUE);
	/* One kWh in the hour before, one in the hour after. */
	assert_int_equal(assign(w, &s, id, SHOP_T0 + 2 * HOUR, &why), ERR_OK);
	assert_int_equal(assign(w, &s, id, SHOP_T0 + 2 * HOUR, &why), ERR_OK);
	assert_int_equal(read_at(w, &s, SHOP_T0 + 3 * HOUR, 3000), ERR_OK);
	assert_int_equal(shop_number(w->root,
				 "SELECT SUM(qty_milli) AS v FROM usage_day WHERE price_micro = "
				 "2000000 AND meter_id = %lld",
				 s.meter),
		1000);
	assert_int_equal(tariff_of_meter(w->api, s.meter, &rows), ERR_OK);
	assert_int_equal(rows.n, 2);
	a = rows.at;
	assert_int_equal(a[1].tariff_id, id);
	assert_int_equal(a[1].from_at.ms, SHOP_T0 + 2 * HOUR);
}

static int64_t staff(struct world *w, const char *name)
{
	shop_set(w->root,
		"INSERT INTO user (username, kind, role_id) SELECT '%s', 'staff', id FROM role"
		" WHERE code = 'finance'",
		name);
	return shop_number(w->root, "SELECT MAX(id) AS v FROM user", 0);
}

static enum err approve(struct world *w, int64_t id, int64_t user)
{
	struct approval out;

	return approval_decide(w->api,
		&(struct approval_decision){ .id = id,
			.user_id = user,
			.actor = "user:2",
			.address = "",
			.approve = true,
			.note = "",
			.now = { now().ms + HOUR } },
		&out, NULL);
}

static int64_t assigned_count(struct world *w, const struct shop *s)
{
	return shop_number(
		w->root, "SELECT COUNT(*) AS v FROM meter_tariff WHERE meter_id = %lld", s->meter);
}

/* Another tariff is another price: far above the limit it takes two persons. */
static void test_a_dear_tariff_waits_for_a_second_person(void **state)
{
	struct world *w = *state;
	struct shop s = new_shop(w);
	struct problem why = { 0 };
	int64_t near = 0, step = 0, far = 0, id = 0;
	int64_t asker = staff(w, "asks"), other = staff(w, "approves");
	struct tariff_assign a = { .meter_id = s.meter,
		.from = { now().ms + MINUTE },
		.actor = "user:1",
		.address = "",
		.now = now(),
		.guard = { PRICE_ALONE, 0, &id, asker, "dear:1" } };

	shop_set(w->root, "DELETE FROM meter_tariff WHERE meter_id = %lld", (long long)s.meter);
	assert_int_equal(put(w, FLAT("d0", VERSION("2026-01-01T00:00:00+08:00", "0.5")), 0,
				 &a.tariff_id, &why),
		ERR_OK);
	assert_int_equal(
		put(w, FLAT("d1", VERSION("2026-01-01T00:00:00+08:00", "0.6")), 0, &near, &why),
		ERR_OK);
	assert_int_equal(
		put(w, FLAT("d1b", VERSION("2026-01-01T00:00:00+08:00", "0.7")), 0, &step, &why),
		ERR_OK);
	assert_int_equal(
		put(w, FLAT("d2", VERSION("2026-01-01T00:00:00+08:00", "0.8")), 0, &far, &why),
		ERR_OK);
	/* The first tariff moves nothing; the second by a fifth, as the site allows. */
	assert_int_equal(tariff_assign(w->api, &a, &why), ERR_OK);
	a.tariff_id = near;
	a.from.ms += MINUTE;
	assert_int_equal(tariff_assign(w->api, &a, &why), ERR_OK);
	assert_int_equal(assigned_count(w, &s), 2);
	/* Nor does one step after the other at the same time get further. */
	a.tariff_id = step;
	assert_int_equal(tariff_assign(w->api, &a, &why), ERR_NEEDS_APPROVAL);
	a.tariff_id = far;
	a.from.ms += MINUTE;
	assert_int_equal(tariff_assign(w->api, &a, &why), ERR_NEEDS_APPROVAL);
	a.guard.above = PRICE_SECOND;
	assert_int_equal(tariff_assign(w->api, &a, &why), ERR_OK);
	assert_int_not_equal(id, 0);
	assert_int_equal(assigned_count(w, &s), 2);
	/* What was asked is approved, not what its tariff became meanwhile. */
	assert_int_equal(
		put(w, FLAT("d2", VERSION("2026-01-01T00:00:00+08:00", "3")), 0, &far, &why),
		ERR_OK);
	assert_int_equal(approve(w, id, asker), ERR_FORBIDDEN);
	assert_int_equal(approve(w, id, other), ERR_CONFLICT);
	assert_int_equal(
		put(w, FLAT("d2", VERSION("2026-01-01T00:00:00+08:00", "0.8")), 0, &far, &why),
		ERR_OK);
	assert_int_equal(approve(w, id, other), ERR_OK);
	assert_int_equal(assigned_count(w, &s), 3);
	/* Its time had come before: from the approval on. */
	assert_int_equal(shop_number(w->root,
				 "SELECT MAX(from_at) AS v FROM meter_tariff WHERE meter_id = %lld",
				 s.meter),
		now().ms + HOUR);
}

/* A meter without tariff waits; a tariff from before its energy charges all of it once. */
static void test_a_tariff_for_what_waited(void **state)
{
	struct world *w = *state;
	struct shop s = new_shop(w);
	struct problem why = { 0 };
	int64_t id = 0;

	assert_int_equal(
		put(w, FLAT("wait", VERSION("2026-01-01T00:00:00+08:00", "1")), 0, &id, &why),
		ERR_OK);
	shop_set(w->root, "DELETE FROM meter_tariff WHERE meter_id = %lld", (long long)s.meter);
	assert_int_equal(read_at(w, &s, SHOP_T0, 1000), VERDICT_ACCEPTED);
	assert_int_equal(read_at(w, &s, SHOP_T0 + HOUR, 2000), VERDICT_ACCEPTED);
	assert_int_equal(charged(w, &s), 0);
	assert_int_equal(assign(w, &s, id, SHOP_T0 - DAY, &why), ERR_OK);
	assert_int_equal(read_at(w, &s, SHOP_T0 + 2 * HOUR, 2500), VERDICT_ACCEPTED);
	assert_int_equal(charged(w, &s), 1500 * INT64_C(1000000));
}

static void test_what_if(void **state)
{
	struct world *w = *state;
	struct shop s = new_shop(w);
	struct problem why = { 0 };
	struct what_if question = { .from = { SHOP_T0 }, .to = { SHOP_T0 + DAY } };
	char text[MONEY_TEXT_MAX];
	json_t *out = NULL;
	int64_t id = 0;

	assert_int_equal(
		put(w, FLAT("if", VERSION("2026-01-01T00:00:00+08:00", "3")), 0, &id, &why),
		ERR_OK);
	assert_int_equal(read_at(w, &s, SHOP_T0, 1000), VERDICT_ACCEPTED);
	assert_int_equal(read_at(w, &s, SHOP_T0 + HOUR, 2000), VERDICT_ACCEPTED);
	assert_int_equal(read_at(w, &s, SHOP_T0 + 2 * HOUR, 2000), VERDICT_ACCEPTED);
	assert_int_equal(read_at(w, &s, SHOP_T0 + 3 * HOUR, 4000), VERDICT_ACCEPTED);
	question.tariff_id = id;
	question.meter_id = s.meter;
	assert_int_equal(tariff_what_if(w->api, &question, &out, &why), ERR_OK);
	assert_int_equal(json_integer_value(json_object_get(out, "energy_wh")), 3000);
	assert_string_equal(json_string_value(json_object_get(out, "charge")), "9.000000000");
	assert_string_equal(json_string_value(json_object_get(out, "charged")),
		money_text((struct money){ charged(w, &s) }, text));
	json_decref(out);
}

/* A file that is not kept is tried, is refused by the path in it, and stays unkept. */
static void test_what_if_of_a_draft(void **state)
{
	struct world *w = *state;
	struct shop s = new_shop(w);
	struct problem why = { 0 };
	struct what_if question = {
		.meter_id = s.meter, .from = { SHOP_T0 }, .to = { SHOP_T0 + DAY }
	};
	AUTO(json_free)
	json_t *good =
		json_loads(FLAT("draft", VERSION("2026-01-01T00:00:00+08:00", "4")), 0, NULL);
	AUTO(json_free)
	json_t *bad =
		json_loads(FLAT("draft", VERSION("2026-01-01T00:00:00+08:00", "-4")), 0, NULL);
	AUTO(json_free) json_t *out = NULL;

	assert_int_equal(read_at(w, &s, SHOP_T0, 1000), VERDICT_ACCEPTED);
	assert_int_equal(read_at(w, &s, SHOP_T0 + HOUR, 2000), VERDICT_ACCEPTED);
	question.doc = bad;
	assert_int_not_equal(tariff_what_if(w->api, &question, &out, &why), ERR_OK);
	assert_non_null(strstr(why.field, "prices"));
	question.doc = good;
	assert_int_equal(tariff_what_if(w->api, &question, &out, &why), ERR_OK);
	assert_string_equal(json_string_value(json_object_get(out, "charge")), "4.000000000");
	assert_int_equal(
		shop_number(w->root,
			"SELECT COUNT(*) AS v FROM tariff WHERE code = 'draft' AND id > %lld", 0LL),
		0);
}

/* ---- registers ---- */

static enum err ratio(
	struct world *w, const struct shop *s, int64_t ct, int64_t from, struct problem *why)
{
	return ratio_set(w->api,
		&(struct ratio_change){ .meter_id = s->meter,
			.ct = ct,
			.pt = 1,
			.from = { from },
			.reason = "r",
			.actor = "user:1",
			.address = "",
			.now = now() },
		why);
}

static void test_other_transformers(void **state)
{
	struct world *w = *state;
	struct shop s = new_shop(w);
	AUTO(rows_free) struct rows rows = { 0 };
	struct problem why = { 0 };

	assert_int_equal(read_at(w, &s, SHOP_T0, 1000), VERDICT_ACCEPTED);
	assert_int_equal(read_at(w, &s, SHOP_T0 + HOUR, 2000), VERDICT_ACCEPTED);
	assert_int_equal(ratio(w, &s, 0, SHOP_T0 + 2 * HOUR, &why), ERR_OUT_OF_RANGE);
	assert_int_equal(ratio(w, &s, -5, SHOP_T0 + 2 * HOUR, &why), ERR_OUT_OF_RANGE);
	assert_int_equal(ratio(w, &s, RATIO_MAX + 1, SHOP_T0 + 2 * HOUR, &why), ERR_OUT_OF_RANGE);
	assert_int_equal(ratio(w, &s, 40, SHOP_T0 + HOUR - 1, &why), ERR_CONFLICT);
	assert_string_equal(why.field, "from");
	assert_int_equal(ratio(w, &s, 40, SHOP_T0 + 2 * HOUR, &why), ERR_OK);
	assert_int_equal(ratio(w, &s, 40, SHOP_T0 + 2 * HOUR, &why), ERR_OK);
	assert_int_equal(ratio(w, &s, 30, SHOP_T0 + 2 * HOUR, &why), ERR_CONFLICT);
	assert_int_equal(read_at(w, &s, SHOP_T0 + 3 * HOUR, 4000), VERDICT_ACCEPTED);
	assert_int_equal(
		shop_number(w->root,
			"SELECT SUM(qty_milli) AS v FROM usage_day WHERE meter_id = %lld", s.meter),
		1000 + 1000 + 40 * 1000);
	assert_int_equal(ratio_list(w->api, s.meter, &rows), ERR_OK);
	assert_int_equal(rows.n, 2);
	assert_int_equal(((const struct meter_ratio *)rows.at)[0].ct, 1);
	assert_int_equal(((const struct meter_ratio *)rows.at)[1].ct, 40);
}

static enum err decide(struct world *w, const struct shop *s, enum decision action, int64_t at,
	struct problem *why)
{
	return reading_decide(w->api,
		&(struct reading_decide){ .meter_id = s->meter,
			.action = action,
			.read_at = { at },
			.reason = "seen on site",
			.actor = "user:1",
			.address = "",
			.now = now() },
		why);
}

static int64_t use(struct world *w, const struct shop *s)
{
	return shop_number(w->root,
		"SELECT COALESCE(SUM(qty_milli), 0) AS v FROM usage_day WHERE meter_id = %lld",
		s->meter);
}

static void test_a_jump_is_real_or_a_new_base(void **state)
{
	struct world *w = *state;
	struct shop s = new_shop(w), other = new_shop(w);
	struct problem why = { 0 };
	int64_t at = SHOP_T0 + HOUR;

	assert_int_equal(read_at(w, &s, SHOP_T0, 1000), VERDICT_ACCEPTED);
	assert_int_equal(read_at(w, &s, at, 9000000), VERDICT_IMPLAUSIBLE);
	assert_int_equal(charged(w, &s), 0);
	assert_int_equal(decide(w, &s, DECISION_ACCEPT, at + 1, &why), ERR_NOT_FOUND);
	assert_int_equal(decide(w, &s, DECISION_ACCEPT, SHOP_T0, &why), ERR_CONFLICT);
	assert_int_equal(decide(w, &s, DECISION_ACCEPT, at, &why), ERR_OK);
	assert_int_equal(use(w, &s), 8999000);
	assert_true(charged(w, &s) > 0);
	assert_int_equal(
		shop_number(w->root,
			"SELECT kind = 'jump' AS v FROM settlement WHERE meter_id = %lld", s.meter),
		1);
	/* Once more, or otherwise: nothing. */
	assert_int_equal(decide(w, &s, DECISION_ACCEPT, at, &why), ERR_OK);
	assert_int_equal(decide(w, &s, DECISION_REBASE, at, &why), ERR_CONFLICT);
	assert_int_equal(use(w, &s), 8999000);
	assert_int_equal(read_at(w, &s, at + MINUTE, 9000500), VERDICT_ACCEPTED);
	assert_int_equal(use(w, &s), 8999500);

	assert_int_equal(read_at(w, &other, SHOP_T0, 1000), VERDICT_ACCEPTED);
	assert_int_equal(read_at(w, &other, at, 9000000), VERDICT_IMPLAUSIBLE);
	assert_int_equal(decide(w, &other, DECISION_REBASE, at, &why), ERR_OK);
	assert_int_equal(charged(w, &other), 0);
	assert_int_equal(use(w, &other), 0);
	assert_int_equal(shop_number(w->root,
				 "SELECT kind = 'rebase' AND from_milli = 1000 AND to_milli = "
				 "9000000 AND qty_milli = 0 AS v FROM settlement WHERE meter_id = "
				 "%lld",
				 other.meter),
		1);
	assert_int_equal(read_at(w, &other, at + MINUTE, 9000500), VERDICT_ACCEPTED);
	assert_int_equal(use(w, &other), 500);
	assert_int_equal(shop_number(w->root,
				 "SELECT COUNT(*) AS v FROM audit WHERE action = 'reading.decide' "
				 "AND object = CONCAT('meter:', %lld)",
				 other.meter),
		1);
}

/* Who decides sees both registers; once it is decided the meter is not in the list any more. */
static void test_readings_in_doubt_are_listed(void **state)
{
	struct world *w = *state;
	struct shop s = new_shop(w);
	struct list_ask ask = list_ask_of(&meter_doubt_listing, "code", false, 100);
	AUTO(rows_free) struct rows before = { 0 };
	AUTO(rows_free) struct rows after = { 0 };
	struct list_place next;
	struct problem why = { 0 };
	const struct meter_doubt *d;
	size_t i = 0;

	assert_int_equal(read_at(w, &s, SHOP_T0, 5000), VERDICT_ACCEPTED);
	assert_int_equal(read_at(w, &s, SHOP_T0 + HOUR, 100), VERDICT_BACKWARDS);
	shop_set(w->root,
		"INSERT INTO meter_state (meter_id, read_at, register_milli, verdict)"
		" VALUES (%lld, %lld, 100, 'backwards') ON DUPLICATE KEY UPDATE"
		" read_at = VALUES(read_at), register_milli = 100, verdict = 'backwards'",
		(long long)s.meter, (long long)(SHOP_T0 + HOUR));
	assert_int_equal(db_page(w->api, &meter_doubt_listing, &ask,
				 ARGS(arg_utc(now()), arg_i64(0)), &before, &next),
		ERR_OK);
	d = before.at;
	while (i < before.n && d[i].meter_id != s.meter)
		i++;
	assert_true(i < before.n);
	assert_string_equal(d[i].verdict, "backwards");
	assert_int_equal(d[i].settled_milli.milli, 5000);
	assert_int_equal(d[i].register_milli.milli, 100);
	assert_int_equal(decide(w, &s, DECISION_REBASE, d[i].read_at.ms, &why), ERR_OK);
	assert_int_equal(db_page(w->api, &meter_doubt_listing, &ask,
				 ARGS(arg_utc(now()), arg_i64(0)), &after, &next),
		ERR_OK);
	assert_int_equal(after.n, before.n - 1);
}

static void test_a_fall_is_a_new_base_or_a_roll_over(void **state)
{
	struct world *w = *state;
	struct shop s = new_shop(w);
	struct problem why = { 0 };
	int64_t at = SHOP_T0 + HOUR;
	struct capacity_change c = { .meter_id = s.meter,
		.capacity = { 1000000000 },
		.reason = "six digits",
		.actor = "user:1",
		.address = "",
		.now = now() };

	assert_int_equal(read_at(w, &s, SHOP_T0, 5000), VERDICT_ACCEPTED);
	assert_int_equal(read_at(w, &s, at, 100), VERDICT_BACKWARDS);
	assert_int_equal(decide(w, &s, DECISION_ACCEPT, at, &why), ERR_CONFLICT);
	assert_string_equal(why.field, "action");
	assert_int_equal(decide(w, &s, DECISION_REBASE, at, &why), ERR_OK);
	assert_int_equal(charged(w, &s), 0);
	assert_int_equal(read_at(w, &s, at + HOUR, 700), VERDICT_ACCEPTED);
	assert_int_equal(use(w, &s), 600);
	c.capacity.milli = 500;
	assert_int_equal(capacity_set(w->api, &c, &why), ERR_CONFLICT);
	/* Far from its end, but a person knows better. */
	c.capacity.milli = 100000;
	assert_int_equal(capacity_set(w->api, &c, &why), ERR_OK);
	assert_int_equal(read_at(w, &s, at + 2 * HOUR, 300), VERDICT_BACKWARDS);
	assert_int_equal(decide(w, &s, DECISION_ACCEPT, at + 2 * HOUR, &why), ERR_OK);
	assert_int_equal(use(w, &s), 600 + 100000 - 700 + 300);
}

/* All of this ties. */
static void test_verified(void **state)
{
	struct world *w = *state;
	AUTO(json_free) json_t *list = json_array();
	struct db *verifier = fixture_as("root");
	char *text;

	assert_int_equal(verify_run(verifier, list), ERR_OK);
	for (size_t i = json_array_size(list); i > 0; i--) {
		const char *check =
			json_string_value(json_object_get(json_array_get(list, i - 1), "check"));

		/* Purses of the fixture begin with money that no entry put in. */
		if (str_starts(check, "balance_is"))
			json_array_remove(list, i - 1);
	}
	text = json_text(list);
	assert_string_equal(text, "[]");
	free(text);
	db_free(&verifier);
	(void)w;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_revision_for_each_change),
		cmocka_unit_test(test_settled_prices_stay),
		cmocka_unit_test(test_assigned_from_a_time_on),
		cmocka_unit_test(test_a_dear_tariff_waits_for_a_second_person),
		cmocka_unit_test(test_a_tariff_for_what_waited),
		cmocka_unit_test(test_what_if),
		cmocka_unit_test(test_what_if_of_a_draft),
		cmocka_unit_test(test_other_transformers),
		cmocka_unit_test(test_a_jump_is_real_or_a_new_base),
		cmocka_unit_test(test_readings_in_doubt_are_listed),
		cmocka_unit_test(test_a_fall_is_a_new_base_or_a_roll_over),
		cmocka_unit_test(test_verified),
	};

	return cmocka_run_group_tests(tests, open_world, close_world);
}
