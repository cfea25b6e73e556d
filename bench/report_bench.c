/* Reports over a year of a large site: how long each takes, and how much memory the program that
 * makes it needs at most. The year is made by statements: each meter has a purse, use in three
 * rates and an entry for each day, and two recharges a month. Prints one line of JSON. report_bench
 * [METERS [DAYS]], run by tests/support/mariadb.sh. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "base/log.h"
#include "db/migrate.h"
#include "report/report.h"

#define MUST(x) ((x) == ERR_OK ? (void)0 : assert_failed(#x, __FILE__, __LINE__))
#define FIRST "'2025-01-01'"

static int64_t meters = 10000, days = 365;

static int64_t mono_now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static int64_t memory_kb(void)
{
	struct rusage u;

	getrusage(RUSAGE_SELF, &u);
	return u.ru_maxrss;
}

/* M is the number of meters, D that of days. */
static void fill(struct db *db, const char *sql)
{
	AUTO(buf_free) struct buf b = { 0 };

	for (; *sql; sql++)
		if (*sql == '@')
			buf_printf(&b, "%" PRId64, *++sql == 'M' ? meters : days);
		else
			buf_add(&b, sql, 1);
	MUST(db_run(db, b.text));
}

static const char *const places[] = { "SET SESSION foreign_key_checks = 0, unique_checks = 0",
	"INSERT INTO site (id, code, name, zone) VALUES (1, 'S', 'S', 'Asia/Shanghai')",
	"INSERT INTO area (code, name, site_id) SELECT CONCAT('A', seq), 'A', 1 FROM seq_1_to_100",
	"INSERT INTO gateway (code, name, site_id, transport, address)"
	" SELECT CONCAT('G', seq), 'G', 1, 'modbus-tcp', 'x:1' FROM seq_1_to_500",
	"INSERT INTO supply_point (id, code, site_id, utility) SELECT seq, CONCAT('P', seq), 1,"
	" 'electricity' FROM seq_1_to_@M",
	"INSERT INTO meter (id, code, gateway_id, unit, model, utility, area_id, supply_point_id)"
	" SELECT seq, CONCAT('M', seq), 1 + seq MOD 500, seq, 'x', 'electricity', 1 + seq MOD 100, "
	"seq"
	" FROM seq_1_to_@M",
	"INSERT INTO tenant (id, code, name, room, site_id) SELECT seq, CONCAT('T', seq),"
	" CONCAT('Shop ', seq), seq, 1 FROM seq_1_to_@M",
	"INSERT INTO contract (id, code, tenant_id, start_at) SELECT seq, CONCAT('C', seq), seq, 1"
	" FROM seq_1_to_@M",
	"INSERT INTO account (id, code, kind, contract_id, purpose) SELECT seq,"
	" CONCAT('purse:', seq, ':electricity'), 'purse', seq, 'electricity' FROM seq_1_to_@M",
	"INSERT INTO account (id, code, kind) VALUES (1000001, 'energy', 'energy'),"
	" (1000002, 'clearing:wechat', 'clearing')",
	"INSERT INTO contract_point (contract_id, supply_point_id, account_id, from_at)"
	" SELECT seq, seq, seq, 1 FROM seq_1_to_@M",
	"INSERT INTO book_day (site_id, day, closed_at, sealed_at, prev_sha256)"
	" SELECT 1, " FIRST " + INTERVAL seq DAY, 1, 1, '' FROM seq_0_to_@D",
	NULL };
/* A day after the other, as sealing does it. */
static const char *const year[] = {
	"INSERT INTO usage_day (meter_id, day, contract_id, account_id, tariff_id, version_at, "
	"rate,"
	" tier, price_micro, qty_milli, charge_nano, sealed, book_day) SELECT m.seq, " FIRST
	" + INTERVAL d.seq DAY, m.seq, m.seq, 1, 1, ELT(r.seq, 'flat', 'peak', 'valley'), 1,"
	" 300000 * r.seq, 1000 + (m.seq * 7 + d.seq) MOD 9000,"
	" (1000 + (m.seq * 7 + d.seq) MOD 9000) * 300000 * r.seq, 1, " FIRST " + INTERVAL d.seq DAY"
	" FROM seq_0_to_@D d STRAIGHT_JOIN seq_1_to_@M m STRAIGHT_JOIN seq_1_to_3 r",
	"INSERT INTO entry (id, site_id, kind, once_key, actor, book_day, created_at)"
	" SELECT d.seq * @M + m.seq, 1, 'energy', CONCAT('seal:', d.seq, ':', m.seq), "
	"'system', " FIRST
	" + INTERVAL d.seq DAY, 1 FROM seq_0_to_@D d STRAIGHT_JOIN seq_1_to_@M m",
	"INSERT INTO posting (entry_id, line, account_id, amount_nano)"
	" SELECT d.seq * @M + m.seq, l.seq, IF(l.seq = 1, m.seq, 1000001),"
	" CAST((1000 + (m.seq * 7 + d.seq) MOD 9000) * 1800000 AS SIGNED) * IF(l.seq = 1, -1, 1)"
	" FROM seq_0_to_@D d STRAIGHT_JOIN seq_1_to_@M m STRAIGHT_JOIN seq_1_to_2 l",
	"INSERT INTO entry (id, site_id, kind, once_key, actor, book_day, created_at)"
	" SELECT 10000000 + d.seq * @M + m.seq, 1, 'recharge', CONCAT('pay:', d.seq, ':', m.seq),"
	" 'system', " FIRST " + INTERVAL d.seq * 15 DAY, 1 FROM seq_0_to_23 d STRAIGHT_JOIN"
	" seq_1_to_@M m WHERE d.seq * 15 <= @D",
	"INSERT INTO posting (entry_id, line, account_id, amount_nano)"
	" SELECT 10000000 + d.seq * @M + m.seq, l.seq, IF(l.seq = 1, m.seq, 1000002),"
	" 100000000000 * IF(l.seq = 1, 1, -1) FROM seq_0_to_23 d STRAIGHT_JOIN seq_1_to_@M m"
	" STRAIGHT_JOIN seq_1_to_2 l WHERE d.seq * 15 <= @D",
	"UPDATE account a JOIN (SELECT account_id, SUM(amount_nano) AS sum FROM posting"
	" GROUP BY account_id) p ON p.account_id = a.id SET a.balance_nano = p.sum"
	" WHERE a.kind = 'purse'",
	"ANALYZE TABLE entry, posting, usage_day, account", NULL
};

static void one(struct db *db, const char *name, const char *by, const char *format, int64_t span)
{
	struct report_ask ask = { .report = report_find(name, strlen(name)),
		.site = "",
		.by = by,
		.format = format,
		.now = { INT64_C(1800000000000) } };
	struct report_file file = { 0 };
	struct problem why = { 0 };
	int64_t began = mono_now_ms();
	enum err e;

	MUST(day_parse("2025-12-31", &ask.to));
	ask.from.days = ask.to.days - (int32_t)span + 1;
	e = report_make(db, &ask, &file, &why);
	if (e != ERR_OK)
		fprintf(stderr, "%s %s: %s %s\n", name, format, err_word(e), why.text);
	MUST(e);
	MUST(fseek(file.file, 0, SEEK_END) == 0 ? ERR_OK : ERR_INTERNAL);
	fprintf(stderr, "%s %s %lld ms\n", name, format, (long long)(mono_now_ms() - began));
	printf("{\"name\": \"%s\", \"format\": \"%s\", \"days\": %" PRId64 ", \"ms\": %" PRId64
	       ", \"bytes\": %ld, \"most_kb\": %" PRId64 "}",
		name, format, span, mono_now_ms() - began, ftell(file.file), memory_kb());
	fclose(file.file);
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name, *by, *format;
		int64_t days;
	} asked[] = { { "vending-month", "", "xlsx", 365 }, { "vending-day", "", "xlsx", 365 },
		{ "purchases", "", "xlsx", 365 }, { "energy-money", "", "json", 365 },
		{ "energy-money", "", "xlsx", 365 }, { "usage-month", "", "json", 365 },
		{ "usage-month", "", "xlsx", 365 }, { "usage-month", "area", "csv", 365 },
		{ "usage-day", "rate", "xlsx", 365 }, { "usage-day", "", "csv", 31 },
		{ "carbon", "", "xlsx", 365 }, { "debtors", "", "xlsx", 1 } };
	const char *socket = getenv("YUFU_TEST_SOCKET");
	struct db_settings settings = { .user = "root", .name = "yufu", .answer_s = 600 };
	struct problem why = { 0 };
	struct db *db;
	int64_t began = mono_now_ms();

	log_open("report_bench", LOG_LEVEL_WARN);
	db_library_open();
	if (argc > 1)
		meters = strtoll(argv[1], NULL, 10);
	if (argc > 2)
		days = strtoll(argv[2], NULL, 10);
	if (!socket || !str_copy(settings.socket, sizeof(settings.socket), socket)) {
		fprintf(stderr, "no database: run this by tests/support/mariadb.sh run PROGRAM\n");
		return 1;
	}
	db = db_open(&settings);
	if (migrate_run(db, SOURCE_DIR "/migrations", &why) != ERR_OK)
		assert_failed(why.text, __FILE__, __LINE__);
	for (size_t i = 0; places[i]; i++)
		fill(db, places[i]);
	days--; /* sequences begin with 0 */
	for (size_t i = 0; year[i]; i++)
		fill(db, year[i]);
	db_free(&db); /* reports have a connection of their own */
	db = db_open(&settings);
	printf("{\"meters\": %" PRId64 ", \"days\": %" PRId64 ", \"made_ms\": %" PRId64
	       ", \"before_kb\": %" PRId64 ", \"reports\": [",
		meters, days + 1, mono_now_ms() - began, memory_kb());
	for (size_t i = 0; i < ARRAY_LEN(asked); i++) {
		printf("%s", i ? ", " : "");
		one(db, asked[i].name, asked[i].by, asked[i].format, asked[i].days);
	}
	printf("]}\n");
	db_free(&db);
	return 0;
}
