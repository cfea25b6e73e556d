/* Each report over a day, a month and a year of a large site: how long it takes (the answer begins
 * when the file is whole), processor time of this program and of the server, and how much memory
 * this program needs at most. The year is made by statements: each meter has a tenant, a purse, use
 * in three rates and an entry for each day, two recharges a month, and hours in its last month.
 * Prints one line of JSON. report_bench [METERS [DAYS [again]]], run by tests/support/mariadb.sh;
 * "again": in a database that was filled before. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "db/migrate.h"
#include "domain/monthsum.h"
#include "report/report.h"

#define MUST(x) ((x) == ERR_OK ? (void)0 : assert_failed(#x, __FILE__, __LINE__))
#define FIRST "'2025-01-01'"
#define FIRST_MS "1735660800000" /* of the site */
#define LAST_MS "1767193200000"	 /* the last hour of 2025-12-31 */

static int64_t meters = 10000, days = 365;

static int64_t memory_kb(void)
{
	struct rusage u;

	getrusage(RUSAGE_SELF, &u);
	return u.ru_maxrss;
}

static int64_t own_cpu_ms(void)
{
	struct rusage u;

	getrusage(RUSAGE_SELF, &u);
	return (int64_t)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1000 +
	       (u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1000;
}

static long server; /* process id */

/* The first line of a file; "" when there is none. */
static void first_line(const char *path, char *out, int most)
{
	FILE *f = fopen(path, "r");

	if (!f || !fgets(out, most, f))
		out[0] = '\0';
	if (f)
		fclose(f);
}

/* Processor time that the server has taken; 0 when it cannot be seen. */
static int64_t server_cpu_ms(void)
{
	char path[64], line[1024], *at;
	long user, sys;

	snprintf(path, sizeof(path), "/proc/%ld/stat", server);
	first_line(path, line, sizeof(line));
	at = strrchr(line, ')'); /* the second field, a name, ends there; user time is the 14th */
	for (int field = 2; at && field < 14; field++)
		at = strchr(at + 1, ' ');
	if (!at)
		return 0;
	user = strtol(at, &at, 10);
	sys = strtol(at, NULL, 10);
	return (user + sys) * 1000 / sysconf(_SC_CLK_TCK);
}

struct pid_row {
	char path[200];
};
SHAPE(pid_shape, struct pid_row, FIELD(struct pid_row, path));
static const struct query Q_PID = { "SELECT @@pid_file AS path", &pid_shape };

static void server_find(struct db *db)
{
	struct pid_row row;
	char line[32];

	MUST(db_one(db, &Q_PID, NO_ARGS, &row));
	first_line(row.path, line, sizeof(line));
	server = strtol(line, NULL, 10);
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
	"INSERT INTO meter (id, code, gateway_id, unit, model, utility, role, area_id, parent_id,"
	" supply_point_id) SELECT seq, CONCAT('M', seq), 1 + seq MOD 500, seq, 'x', 'electricity',"
	" IF(seq <= 100, 'incomer', 'tenant'), 1 + seq MOD 100, IF(seq <= 100, NULL,"
	" 1 + seq MOD 100), seq FROM seq_1_to_@M",
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
/* In the order of the keys, and secondary keys afterwards: else it takes hours. */
static const char *const year[] = {
	"ALTER TABLE usage_day DROP KEY unsealed, DROP KEY account_day, DROP KEY tariff_version",
	"INSERT INTO usage_day (meter_id, day, contract_id, account_id, tariff_id, version_at, "
	"rate,"
	" tier, price_micro, qty_milli, charge_nano, sealed, book_day) SELECT m.seq, " FIRST
	" + INTERVAL d.seq DAY, m.seq, m.seq, 1, 1, ELT(r.seq, 'flat', 'peak', 'valley'), 1,"
	" 300000 * r.seq, 1000 + (m.seq * 7 + d.seq * 37) MOD 4000,"
	" (1000 + (m.seq * 7 + d.seq * 37) MOD 4000) * 300000 * r.seq, 1, " FIRST
	" + INTERVAL d.seq DAY FROM seq_1_to_@M m STRAIGHT_JOIN seq_0_to_@D d STRAIGHT_JOIN"
	" seq_1_to_3 r",
	"ALTER TABLE usage_day ADD KEY unsealed (sealed, book_day, meter_id),"
	" ADD KEY account_day (account_id, day), ADD KEY tariff_version (tariff_id, version_at)",
	"INSERT INTO entry (id, site_id, kind, once_key, actor, book_day, created_at)"
	" SELECT d.seq * @M + m.seq, 1, 'energy', CONCAT('seal:', d.seq, ':', m.seq), "
	"'system', " FIRST
	" + INTERVAL d.seq DAY, 1 FROM seq_0_to_@D d STRAIGHT_JOIN seq_1_to_@M m",
	"INSERT INTO posting (entry_id, line, account_id, amount_nano)"
	" SELECT d.seq * @M + m.seq, l.seq, IF(l.seq = 1, m.seq, 1000001),"
	" CAST((1000 + (m.seq * 7 + d.seq * 37) MOD 4000) * 1800000 AS SIGNED)"
	" * IF(l.seq = 1, -1, 1)"
	" FROM seq_0_to_@D d STRAIGHT_JOIN seq_1_to_@M m STRAIGHT_JOIN seq_1_to_2 l",
	"INSERT INTO entry (id, site_id, kind, once_key, actor, book_day, created_at)"
	" SELECT 10000000 + d.seq * @M + m.seq, 1, 'recharge', CONCAT('pay:', d.seq, ':', m.seq),"
	" 'system', " FIRST " + INTERVAL d.seq * 15 DAY, 1 FROM seq_0_to_23 d STRAIGHT_JOIN"
	" seq_1_to_@M m WHERE d.seq * 15 <= @D",
	"INSERT INTO posting (entry_id, line, account_id, amount_nano)"
	" SELECT 10000000 + d.seq * @M + m.seq, l.seq, IF(l.seq = 1, m.seq, 1000002),"
	" IF(m.seq MOD 20, 100, 60) * 1000000000 * IF(l.seq = 1, 1, -1) FROM seq_0_to_23 d"
	" STRAIGHT_JOIN seq_1_to_@M m STRAIGHT_JOIN seq_1_to_2 l WHERE d.seq * 15 <= @D",
	"UPDATE account a JOIN (SELECT account_id, SUM(amount_nano) AS sum FROM posting"
	" GROUP BY account_id) p ON p.account_id = a.id SET a.balance_nano = p.sum"
	" WHERE a.kind = 'purse'",
	"INSERT INTO settlement (meter_id, from_at, to_at, from_milli, to_milli, charge_nano,"
	" evidence) SELECT m.seq, d.seq * 2592000000 + " FIRST_MS
	", (d.seq + 1) * 2592000000 + " FIRST_MS
	", d.seq * 90000, (d.seq + 1) * 90000, 0, '' FROM seq_1_to_@M m STRAIGHT_JOIN"
	" seq_0_to_11 d WHERE d.seq * 30 <= @D",
	"INSERT INTO usage_hour (meter_id, hour_at, qty_milli, charge_nano, least_w, most_w)"
	" SELECT m.seq, " LAST_MS " - h.seq * 3600000, (m.seq + h.seq) MOD 3000, 0, 100, 1000"
	" FROM seq_1_to_@M m STRAIGHT_JOIN seq_0_to_767 h WHERE h.seq <= @D * 24",
	"ANALYZE TABLE entry, posting, usage_day, account, settlement, usage_hour", NULL
};

/* As the worker does it. */
static void sum_months(struct db *db)
{
	int64_t began = mono_ms(), at_server = server_cpu_ms(), sum = 0, n;

	do {
		MUST(monthsum_run(db, (struct utc){ 1 }, 30, &n));
		sum += n;
	} while (n > 0);
	fprintf(stderr, "%" PRId64 " days summed: %" PRId64 " ms, cpu of the server %" PRId64 "\n",
		sum, mono_ms() - began, server_cpu_ms() - at_server);
}

static void one(struct db *db, const struct report_kind *report, const char *by, const char *format,
	int64_t span, bool *more)
{
	struct report_ask ask = { .report = report,
		.site = "",
		.by = by,
		.format = format,
		.now = { INT64_C(1800000000000) } };
	struct report_file file = { 0 };
	struct problem why = { 0 };
	int64_t began = mono_ms(), cpu = own_cpu_ms(), at_server = server_cpu_ms();
	enum err e;

	MUST(day_parse("2025-12-31", &ask.to));
	ask.from.days = ask.to.days - (int32_t)span + 1;
	e = report_make(db, &ask, &file, &why);
	printf("%s{\"name\": \"%s\", \"by\": \"%s\", \"format\": \"%s\", \"days\": %" PRId64
	       ", \"ms\": %" PRId64 ", \"cpu_ms\": %" PRId64 ", \"server_cpu_ms\": %" PRId64
	       ", \"most_kb\": %" PRId64,
		*more ? ", " : "", report->name, by, format, span, mono_ms() - began,
		own_cpu_ms() - cpu, server_cpu_ms() - at_server, memory_kb());
	*more = true;
	fprintf(stderr,
		"%s %s %s %" PRId64 " days: %" PRId64 " ms, cpu %" PRId64 " + %" PRId64 "\n",
		report->name, by, format, span, mono_ms() - began, own_cpu_ms() - cpu,
		server_cpu_ms() - at_server);
	if (e != ERR_OK) { /* more rows than an answer has */
		printf(", \"refused\": \"%s\"}", err_word(e));
		return;
	}
	MUST(fseek(file.file, 0, SEEK_END) == 0 ? ERR_OK : ERR_INTERNAL);
	printf(", \"bytes\": %ld}", ftell(file.file));
	fclose(file.file);
}

/* The spans that a report has, a year at most. */
static void spans(struct db *db, const struct report_kind *report, const char *by, bool *more)
{
	static const int64_t asked[] = { 1, 31, 92, 365 };

	for (size_t i = 0; i < ARRAY_LEN(asked); i++)
		if (asked[i] <= report->days_most && (asked[i] != 92 || report->days_most == 92))
			one(db, report, by, "csv", asked[i], more);
}

static void measure(struct db *db)
{
	static const char *const groups[] = { "meter", "shop", "area", "rate" };
	static const char *const sheets[] = { "vending-day", "purchases", "energy-money",
		"usage-month", "carbon" };
	const char *only = getenv("YUFU_BENCH_REPORT");
	bool more = false;

	for (size_t i = 0; i < reports_n; i++) {
		if (only && !str_eq(only, reports[i].name))
			continue;
		for (size_t k = 0; k < (reports[i].by ? ARRAY_LEN(groups) : 1); k++)
			if (k < 3 || !str_eq(reports[i].name, "usage-hour"))
				spans(db, &reports[i], reports[i].by ? groups[k] : "", &more);
	}
	for (size_t i = 0; i < (only ? 0 : ARRAY_LEN(sheets)); i++)
		one(db, report_find(sheets[i], strlen(sheets[i])), "", "xlsx", 365, &more);
}

int main(int argc, char **argv)
{
	const char *socket = getenv("YUFU_TEST_SOCKET");
	struct db_settings settings = { .user = "root", .name = "yufu", .answer_s = 600 };
	struct problem why = { 0 };
	struct db *db;
	int64_t began = mono_ms();

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
	server_find(db);
	if (migrate_run(db, SOURCE_DIR "/migrations", &why) != ERR_OK)
		assert_failed(why.text, __FILE__, __LINE__);
	days--; /* sequences begin with 0 */
	for (size_t i = 0; argc < 4 && places[i]; i++)
		fill(db, places[i]);
	for (size_t i = 0; argc < 4 && year[i]; i++)
		fill(db, year[i]);
	sum_months(db);
	db_free(&db); /* reports have a connection of their own */
	db = db_open(&settings);
	printf("{\"meters\": %" PRId64 ", \"days\": %" PRId64 ", \"made_ms\": %" PRId64
	       ", \"before_kb\": %" PRId64 ", \"reports\": [",
		meters, days + 1, mono_ms() - began, memory_kb());
	measure(db);
	printf("]}\n");
	db_free(&db);
	return 0;
}
