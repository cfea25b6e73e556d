/* Making the mall of a seed: a fresh database, tariffs drawn by lot, meters, tenants, purses. */
#include "seeded.h"

#include <stdlib.h>
#include <string.h>

#include "db/migrate.h"
#include "domain/account.h"
#include "domain/role.h"
#include "shop_fixture.h"

/* ---- tariffs by lot ---- */

static const char *const rates[] = { "peak", "flat", "valley" };

static void slots_draw(struct lots *l, struct buf *b)
{
	int64_t minute = 0;

	for (int i = 0; minute < 1440; i++) {
		buf_printf(b, "%s[\"%02d:%02d\",\"%s\"]", i ? "," : "[", (int)minute / 60,
			(int)minute % 60, rates[lots_between(l, 0, 2)]);
		minute += lots_between(l, 20, 900);
	}
	buf_adds(b, "]");
}

static void version_draw(struct lots *l, struct buf *b, bool water, bool flat, int64_t from)
{
	static const char *const cycles[] = { "none", "month", "year" };
	int tiers = flat ? 1 : (int)lots_between(l, 1, 3);
	char at[UTC_TEXT_MAX];

	buf_printf(b, "{\"effective_from\":\"%s\",\"tier_cycle\":\"%s\",",
		utc_text((struct utc){ from }, at), cycles[lots_between(l, 0, 2)]);
	if (tiers > 1)
		buf_printf(b, "\"tiers_upto_%s\":[\"%lld.5\"%s],", water ? "m3" : "kwh",
			(long long)lots_between(l, 5, 80), tiers > 2 ? ",\"120\"" : "");
	buf_adds(b, "\"calendar\":[{\"days\":\"weekend\",\"slots\":");
	slots_draw(l, b);
	buf_adds(b, "},{\"slots\":");
	slots_draw(l, b);
	buf_adds(b, "}],\"prices\":");
	for (int r = 0; r < 3; r++) {
		buf_printf(b, "%s\"%s\":", r ? "," : "{", rates[r]);
		for (int t = 0; t < tiers; t++)
			buf_printf(b, "%s\"%lld.%04lld\"", t ? "," : "[",
				(long long)lots_between(l, 0, 2),
				(long long)lots_between(l, 0, 9999));
		buf_adds(b, "]");
	}
	buf_adds(b, "}}");
}

/* The doc without its end, so that a version can follow. */
void world_tariff_text(struct world *w, size_t tariff, int64_t from)
{
	struct buf *b = &w->tariffs[tariff].doc;
	bool first = b->len == 0;

	if (first)
		buf_printf(b, "{\"code\":\"t%zu\",\"name\":\"t\",\"utility\":\"%s\",\"versions\":[",
			tariff, w->tariffs[tariff].water ? "water" : "electricity");
	buf_adds(b, first ? "" : ",");
	version_draw(&w->lots, b, w->tariffs[tariff].water, tariff == TARIFFS - 1, from);
	slow_tariff_free(&w->tariffs[tariff].slow);
	{
		AUTO(buf_free) struct buf whole = { 0 };

		buf_printf(&whole, "%s]}", b->text);
		assert_int_equal(
			slow_tariff_open(whole.text, whole.len, w->zone, &w->tariffs[tariff].slow),
			ERR_OK);
	}
}

static void tariffs_make(struct world *w)
{
	for (size_t i = 0; i < TARIFFS; i++) {
		AUTO(buf_free) struct buf sql = { 0 };

		w->tariffs[i].id = (int64_t)i + 1;
		w->tariffs[i].water = i == 0;
		world_tariff_text(w, i, w->start - 5 * DAY);
		if (lots_between(&w->lots, 0, 1))
			world_tariff_text(w, i,
				w->start + lots_between(&w->lots, DAY, 30 * DAY) / 60000 * 60000);
		buf_printf(&sql,
			"INSERT INTO tariff (id, code, name, utility, doc) VALUES (%zu, 't%zu', "
			"'t',"
			" '%s', '%s]}')",
			i + 1, i, w->tariffs[i].water ? "water" : "electricity",
			w->tariffs[i].doc.text);
		fixture_sql(w->root, sql.text);
	}
}

/* ---- meters and tenants ---- */

static void purse_make(struct world *w, bool water)
{
	long long n = (long long)w->contracts_n + 1;
	struct purse *p;

	shop_set(w->root,
		"INSERT INTO tenant (id, code, name, site_id, phone) VALUES (%lld, 'T%lld', 'T', 1,"
		" '13800000001')",
		n, n);
	shop_set(w->root,
		"INSERT INTO contract (id, code, tenant_id, start_at) VALUES (%lld, 'C%lld', %lld, "
		"1)",
		n, n, n);
	contract_new(w, n)->started = 1;
	p = purse_new(w, 1000 + n, n, water ? "water" : "electricity");
	p->warn1 = lots_between(&w->lots, 0, 2) * 20 * NANO_PER_YUAN;
	p->limit = lots_between(&w->lots, 0, 3) ? 0 : 5 * NANO_PER_YUAN;
	p->emergency_limit = lots_between(&w->lots, 0, 1) * 3 * NANO_PER_YUAN;
	p->warn2 = p->warn1 / 2;
	shop_set(w->root,
		"INSERT INTO account (id, code, kind, contract_id, purpose, credit_limit_nano,"
		" warn1_nano, warn2_nano, emergency_limit_nano) VALUES (%lld, 'purse:%lld:%s', "
		"'purse',"
		" %lld, '%s', %lld, %lld, %lld, %lld)",
		(long long)p->id, n, water ? "water" : "electricity", n,
		water ? "water" : "electricity", (long long)p->limit, (long long)p->warn1,
		(long long)p->warn2, (long long)p->emergency_limit);
}

/* Some purses pay for two meters, some meters are nobody's or only measured. */
static void meter_make(struct world *w)
{
	struct smeter *m = &w->meters[w->meters_n];
	long long n = (long long)++w->meters_n;
	bool shared = n < SHARE_METERS && !w->plain; /* see seeded_share.c */
	bool able = !w->plain && n > SHARE_METERS && n <= SHARE_METERS + CREDIT_METERS;
	int64_t lot = shared && n <= 4 ? 0 : able ? 2 : lots_between(&w->lots, shared ? 1 : 0, 19);
	const char *billing = lot == 0 ? "none" : lot == 1 ? "postpaid" : "account";
	struct assignment *a = &m->tariffs[0];

	*m = (struct smeter){ .id = n,
		.point = n,
		.water = lots_between(&w->lots, 0, 9) == 0 && !shared && !able,
		.credit = { .able = able,
			.adds = lots_between(&w->lots, 0, 1),
			.count = lots_between(&w->lots, 0, 9),
			.milli = lots_between(&w->lots, 0, 1) * 500 },
		.charged = lot > 1,
		.billed = lot > 0,
		.most = lots_between(&w->lots, 50, 3000),
		.reg = lots_between(&w->lots, 0, 1) ? lots_between(&w->lots, 0, 99999999) : 0,
		.device = 1,
		.on = true };
	shop_set(w->root,
		"INSERT INTO supply_point (id, code, site_id, utility, switchable, billing) VALUES"
		" (%lld, 'P%lld', 1, '%s', 1, '%s')",
		n, n, m->water ? "water" : "electricity", billing);
	shop_set(w->root,
		"INSERT INTO meter (id, code, gateway_id, unit, model, utility, supply_point_id,"
		" billing) VALUES (%lld, 'M%lld', %lld, '%lld', '%s', '%s', %lld, '%s')",
		n, n, 1 + n / 240, 1 + n % 240, m->water ? "xintai-water" : "acrel-ddsy1352",
		m->water ? "water" : "electricity", n, billing);
	m->tariffs_n = 1;
	a->tariff = m->water ? 0
		    : able   ? TARIFFS - 1
			     : (size_t)lots_between(&w->lots, 1, TARIFFS - 1);
	a->from = w->start - 4 * DAY;
	if (lots_between(&w->lots, 0, 9) == 0 && !able) /* assigned too late: use waits for it */
		m->tariffs_n = 0;
	else
		shop_set(w->root, "INSERT INTO meter_tariff VALUES (%lld, %lld, %lld)", n,
			(long long)a->from, (long long)w->tariffs[a->tariff].id);
	if (lot == 0)
		return;
	if (w->purses_n == 0 || m->water || able || w->meters[w->meters_n - 2].credit.able ||
		!str_eq(w->purses[w->purses_n - 1].purpose, "electricity") ||
		lots_between(&w->lots, 0, 4) > 0)
		purse_make(w, m->water);
	m->holds[m->holds_n++] =
		(struct hold){ (int64_t)w->purses_n, w->purses_n - 1, w->start - 3 * DAY, 0 };
	shop_set(w->root, "INSERT INTO contract_point VALUES (%lld, %lld, %lld, %lld, 0)",
		(long long)w->purses_n, n, (long long)w->purses[w->purses_n - 1].id,
		(long long)w->start - 3 * DAY);
}

struct opening {
	struct world *w;
	struct purse *p;
	int64_t nano;
};

static enum err opening_tx(struct db *db, void *ctx)
{
	const struct opening *o = ctx;
	char once[32];
	int64_t opening, id;
	enum err e = account_company(db, "opening", &opening);

	snprintf(once, sizeof(once), "opening:%lld", (long long)o->p->id);
	if (e == ERR_OK)
		e = entry_post(db,
			&(struct entry){ .kind = "opening",
				.once_key = once,
				.reference = "",
				.actor = "test",
				.memo = "",
				.site_id = 1,
				.book_day = zone_local(o->w->zone, seeded_now).day,
				.at = seeded_now },
			(struct posting[]){
				{ opening, { -o->nano }, false }, { o->p->id, { o->nano }, true } },
			2, &id);
	return e == ERR_OK ? account_changed(db, o->p->id, seeded_now) : e;
}

static void openings_make(struct world *w)
{
	for (size_t i = 0; i < w->purses_n; i++) {
		struct opening o = { w, &w->purses[i],
			lots_between(&w->lots, -300, 9000) * FEN * 10 };

		assert_int_equal(db_tx(w->root, opening_tx, &o), ERR_OK);
		purse_move(&w->purses[i], o.nano, SUBSIDY_STAYS);
		model_level(w, &w->purses[i]);
		book(w, "opening", -o.nano);
	}
}

/* ---- the whole ---- */

/* Near the end of a month, and where there is one, near a jump of the clock. */
static const struct {
	const char *zone;
	int year, month, day;
} places[] = {
	{ "Asia/Shanghai", 2026, 1, 20 },
	{ "Asia/Shanghai", 2026, 12, 20 },
	{ "Europe/Berlin", 2026, 3, 15 },
	{ "America/Sao_Paulo", 2018, 10, 20 },
	{ "Europe/Berlin", 2026, 10, 10 },
};

static void place_make(struct world *w)
{
	size_t i = (size_t)lots_between(&w->lots, 0, (int64_t)ARRAY_LEN(places) - 1);
	struct day day = day_of(places[i].year, places[i].month, places[i].day);

	w->zone_name = places[i].zone;
	assert_int_equal(zone_open(w->zone_name, &w->zone), ERR_OK);
	assert_int_equal(slow_tariff_open(NULL, 0, w->zone, &w->spread), ERR_OK);
	w->start = zone_day_start(w->zone, day).ms;
	w->sealed = day.days - 1;
	seeded_now.ms = w->start;
	shop_set(w->root,
		"INSERT INTO bus_group (id, owner, epoch, until_at) VALUES (7, 'test', 1, "
		"9000000000000)");
	shop_set(w->root, "INSERT INTO site (id, code, name, zone) VALUES (1, 'S', 'S', '%s')",
		w->zone_name);
	for (int g = 1; g <= 3; g++)
		shop_set(w->root,
			"INSERT INTO gateway (id, code, name, site_id, transport, address, "
			"bus_group_id) VALUES (%d, 'G%d', 'G', 1, 'modbus-tcp', '127.0.0.1:%d', 7)",
			g, g, g);
	assert_int_equal(roles_install(w->root), ERR_OK);
	shop_set(w->root, "INSERT INTO user (id, username, kind, role_id) SELECT 5, 'cashier',"
			  " 'staff', id FROM role WHERE code = 'admin'");
	shop_set(w->root, "INSERT INTO user (id, username, kind, role_id) SELECT 6, 'finance',"
			  " 'staff', id FROM role WHERE code = 'admin'");
	w->user = 5;
	w->second = 6;
	w->vacant_block = lots_between(&w->lots, 0, 1);
	shop_set(w->root,
		"INSERT INTO setting (site_id, name, value) VALUES (1, 'service_charge_permille', "
		"%d),"
		" (1, 'refund_limit_fen', %d), (1, 'reversal_limit_fen', %d),"
		" (1, 'adjustment_limit_fen', %d), (1, 'vacant_block', %d)",
		SERVICE_PERMILLE, REFUND_LIMIT_FEN, REVERSAL_LIMIT_FEN, ADJUST_LIMIT_FEN,
		w->vacant_block);
	/* The brake has tests of its own; here everybody may run dry in one hour. */
	shop_set(w->root, "INSERT INTO setting (site_id, name, value) VALUES (1, 'brake_count',"
			  " 1000000), (1, 'brake_percent', 100)");
}

static void database_make(struct world *w)
{
	static bool used; /* by a world before this one */
	bool is_made = getenv("YUFU_TEST_MIGRATED") && !used;
	struct problem why = { 0 };

	used = true;
	w->root = fixture_as("root");
	if (is_made)
		return;
	fixture_sql(w->root, "DROP DATABASE yufu");
	fixture_sql(w->root, "CREATE DATABASE yufu CHARACTER SET utf8mb4 COLLATE utf8mb4_bin");
	db_free(&w->root);
	w->root = fixture_as("root");
	if (migrate_run(w->root, SOURCE_DIR "/migrations", &why) != ERR_OK)
		fail_msg("migrations: %s: %s", why.field, why.text);
	fixture_users(w->root);
}

void world_sink(struct world *w)
{
	struct db_settings s = fixture_settings("yufu_poller");

	sink_free(&w->sink);
	w->sink = sink_open(&s, w->desk, w->holdings);
}

void seeded_fail(const struct world *w, const char *format, ...)
{
	char text[500];
	va_list ap;

	va_start(ap, format);
	vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	fail_msg("SEED=%llu at %lld: %s", (unsigned long long)w->seed, (long long)seeded_now.ms,
		text);
}

struct world *world_open(uint64_t seed, size_t meters, bool plain)
{
	struct world *w = calloc(1, sizeof(*w));

	ASSERT(w && meters <= METERS_MAX);
	w->seed = seed;
	w->plain = plain;
	w->lots = (struct lots){ seed * 2 + 1 };
	database_make(w);
	place_make(w);
	tariffs_make(w);
	for (size_t i = 0; i < meters; i++)
		meter_make(w);
	openings_make(w);
	w->poller = fixture_as("yufu_poller");
	w->api = fixture_as("yufu_api");
	w->worker = fixture_as("yufu_worker");
	w->desk = desk_open();
	w->holdings = holdings_open();
	w->lease = (struct lease){ .group_id = 7, .epoch = 1, .owner = "test" };
	holdings_add(w->holdings, &w->lease);
	world_sink(w);
	if (!plain) {
		fees_make(w);
		shares_make(w);
		quiet_make(w);
	}
	return w;
}

void world_free(struct world **w)
{
	if (!*w)
		return;
	for (size_t i = 0; i < TARIFFS; i++) {
		slow_tariff_free(&(*w)->tariffs[i].slow);
		buf_free(&(*w)->tariffs[i].doc);
	}
	for (size_t i = 0; i < (*w)->meters_n; i++)
		free((*w)->meters[i].lines);
	slow_tariff_free(&(*w)->spread);
	zone_free(&(*w)->zone);
	sink_free(&(*w)->sink);
	holdings_free(&(*w)->holdings);
	desk_free(&(*w)->desk);
	db_free(&(*w)->poller);
	db_free(&(*w)->api);
	db_free(&(*w)->worker);
	db_free(&(*w)->root);
	free(*w);
	*w = NULL;
}
