/* Each report over a day, a month and a year of a large site: how long it takes (the answer begins
 * when the file is whole), processor time of this program and of the server, and how much memory
 * this program needs at most. The year is made by statements: each meter has a tenant, two purses,
 * use in its rates and an entry for each day, a recharge a week, fees, hours in its last month;
 * some share public energy. Prints one line of JSON. report_bench [METERS [DAYS [RATES [again]]]],
 * run by tests/support/mariadb.sh; "again": in a database that was filled before.
 * YUFU_BENCH_REPORT, YUFU_BENCH_FORMAT, YUFU_BENCH_DAYS: of these only. */
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

static int64_t meters = 10000, days = 365, rates = 3;

/* What this program needed at most since the last memory_reset(). */
static int64_t memory_kb(void)
{
	char line[256];
	FILE *f = fopen("/proc/self/status", "r");
	int64_t kb = 0;

	while (f && fgets(line, sizeof(line), f))
		if (strncmp(line, "VmHWM:", 6) == 0)
			kb = strtoll(line + 6, NULL, 10);
	if (f)
		fclose(f);
	return kb;
}

static void memory_reset(void)
{
	FILE *f = fopen("/proc/self/clear_refs", "w");

	if (f) {
		fputs("5", f);
		fclose(f);
	}
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

/* @M is the number of meters, @D that of days, @R that of rates; @W what a meter uses in a week, @P
 * the price of its Wh in all rates together. */
static void fill(struct db *db, const char *sql)
{
	AUTO(buf_free) struct buf b = { 0 };
	int64_t price = 300000 * rates * (rates + 1) / 2;

	for (; *sql; sql++)
		if (*sql == '@')
			switch (*++sql) {
			case 'M':
				buf_printf(&b, "%" PRId64, meters);
				break;
			case 'D':
				buf_printf(&b, "%" PRId64, days);
				break;
			case 'R':
				buf_printf(&b, "%" PRId64, rates);
				break;
			case 'P':
				buf_printf(&b, "%" PRId64, price);
				break;
			default:
				buf_printf(&b, "%" PRId64, 7 * 3000 * price);
			}
		else
			buf_add(&b, sql, 1);
	MUST(db_run(db, b.text));
}

/* clang-format off */
static const char *const places[] = { "SET SESSION foreign_key_checks = 0, unique_checks = 0",
	"INSERT INTO site (id, code, name, zone) VALUES (1, 'S', 'S', 'Asia/Shanghai')",
	"INSERT INTO area (code, name, site_id) SELECT CONCAT('A', seq), 'A', 1 FROM seq_1_to_100",
	"INSERT INTO gateway (id, code, name, site_id, transport, address)"
	" SELECT seq, CONCAT('G', seq), 'G', 1, 'modbus-tcp', 'x:1' FROM seq_1_to_500",
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
	/* A purse for electricity and one for fees, from 500001 on. */
	"INSERT INTO account (id, code, kind, contract_id, purpose) SELECT seq,"
	" CONCAT('purse:', seq, ':electricity'), 'purse', seq, 'electricity' FROM seq_1_to_@M",
	"INSERT INTO account (id, code, kind, contract_id, purpose) SELECT 500000 + seq,"
	" CONCAT('purse:', seq, ':fee'), 'purse', seq, 'fee' FROM seq_1_to_@M",
	"INSERT INTO account (id, code, kind) VALUES (1000001, 'energy', 'energy'),"
	" (1000002, 'clearing:wechat', 'clearing'), (1000003, 'clearing:alipay', 'clearing'),"
	" (1000004, 'property_fee', 'property_fee'), (1000005, 'share', 'share'),"
	" (1000006, 'bank', 'bank'), (1000007, 'over_short', 'over_short')",
	"INSERT INTO contract_point (contract_id, supply_point_id, account_id, from_at)"
	" SELECT seq, seq, seq, 1 FROM seq_1_to_@M",
	"INSERT INTO book_day (site_id, day, closed_at, sealed_at, prev_sha256)"
	" SELECT 1, " FIRST " + INTERVAL seq DAY, 1, 1, '' FROM seq_0_to_@D",
	NULL };

/* In the order of the keys, and secondary keys afterwards: else it takes hours. */
#define ENTRIES "INSERT INTO entry (id, site_id, kind, once_key, actor, book_day, created_at) SELECT "
#define POSTINGS "INSERT INTO posting (entry_id, line, account_id, amount_nano) SELECT "
#define USED "(1000 + (m.seq * 7 + d.seq * 37) MOD 4000)"
static const char *const year[] = {
	"ALTER TABLE usage_day DROP KEY unsealed, DROP KEY account_day, DROP KEY tariff_version",
	"INSERT INTO usage_day (meter_id, day, contract_id, account_id, tariff_id, version_at, rate,"
	" tier, price_micro, qty_milli, charge_nano, sealed, book_day) SELECT m.seq, " FIRST
	" + INTERVAL d.seq DAY, m.seq, m.seq, 1, 1, ELT(r.seq, 'flat', 'peak', 'valley'), 1,"
	" 300000 * r.seq, " USED ", " USED " * 300000 * r.seq, 1, " FIRST
	" + INTERVAL d.seq DAY FROM seq_1_to_@M m STRAIGHT_JOIN seq_0_to_@D d STRAIGHT_JOIN"
	" seq_1_to_@R r",
	"ALTER TABLE usage_day ADD KEY unsealed (sealed, book_day, meter_id),"
	" ADD KEY account_day (account_id, day), ADD KEY tariff_version (tariff_id, version_at)",
	"ALTER TABLE entry DROP KEY once_key, DROP KEY book_day, DROP KEY site_day, DROP KEY kind",
	"ALTER TABLE posting DROP FOREIGN KEY posting_ibfk_2, DROP KEY account",
	/* A charge for each day. */
	ENTRIES "d.seq * @M + m.seq, 1, 'energy', CONCAT('seal:', d.seq, ':', m.seq), 'system', " FIRST
	" + INTERVAL d.seq DAY, 1 FROM seq_0_to_@D d STRAIGHT_JOIN seq_1_to_@M m",
	POSTINGS "d.seq * @M + m.seq, l.seq, IF(l.seq = 1, m.seq, 1000001), CAST(" USED " * @P AS SIGNED)"
	" * IF(l.seq = 1, -1, 1) FROM seq_0_to_@D d STRAIGHT_JOIN seq_1_to_@M m STRAIGHT_JOIN seq_1_to_2 l",
	/* A recharge a week, of some a tenth too little; one in ten at the desk, in two shifts a day. */
	ENTRIES "100000000 + w.seq * @M + m.seq, 1, IF(m.seq MOD 10, 'recharge', 'sale'),"
	" CONCAT('pay:', w.seq, ':', m.seq), 'system', " FIRST " + INTERVAL w.seq * 7 + m.seq MOD 7 DAY, 1"
	" FROM seq_0_to_51 w STRAIGHT_JOIN seq_1_to_@M m WHERE w.seq * 7 + m.seq MOD 7 <= @D",
	POSTINGS "100000000 + w.seq * @M + m.seq, l.seq, IF(l.seq = 1, m.seq, IF(m.seq MOD 10, 1000002 + m.seq MOD 3 DIV 2,"
	" 1001000 + 2 * (w.seq * 7 + m.seq MOD 7) + m.seq DIV 10 MOD 2)), @W * IF(m.seq MOD 20, 105, 90) DIV 100 * IF(l.seq = 1, 1, -1)"
	" FROM seq_0_to_51 w STRAIGHT_JOIN seq_1_to_@M m STRAIGHT_JOIN seq_1_to_2 l WHERE w.seq * 7 + m.seq MOD 7 <= @D",
	"INSERT INTO shift (id, user_id, opened_at, closed_at, counted_fen) SELECT 1 + s.seq, 1, " FIRST_MS " + s.seq * 43200000, "
	FIRST_MS " + (s.seq + 1) * 43200000 - 1, 0 FROM seq_0_to_729 s WHERE s.seq DIV 2 <= @D",
	"INSERT IGNORE INTO user (id, username, kind, name, password_hash, role_id) SELECT 1, 'bench', 'staff', '', '', MIN(id) FROM role",
	"INSERT INTO account (id, code, kind) SELECT 1001000 + s.seq, CONCAT('drawer:', 1 + s.seq), 'drawer' FROM seq_0_to_729 s",
	"INSERT INTO sale (shift_id, method, total_fen, tendered_fen, created_at, once_key, entry_id) SELECT"
	" 1 + 2 * (w.seq * 7 + m.seq MOD 7) + m.seq DIV 10 MOD 2, 'cash', @W DIV 10000000, @W DIV 10000000, 1,"
	" CONCAT('sale:', w.seq, ':', m.seq), 100000000 + w.seq * @M + m.seq FROM seq_0_to_51 w STRAIGHT_JOIN seq_1_to_@M m"
	" WHERE m.seq MOD 10 = 0 AND w.seq * 7 + m.seq MOD 7 <= @D",
	ENTRIES "300000000 + s.seq, 1, 'shift', CONCAT('shift:', 1 + s.seq), 'user:1', " FIRST " + INTERVAL s.seq DIV 2 DAY, 1"
	" FROM seq_0_to_729 s WHERE s.seq DIV 2 <= @D",
	/* A fee a month. */
	"INSERT INTO contract_fee (id, contract_id, account_id, kind, monthly_fen, from_day, created_at, actor, once_key)"
	" SELECT seq, seq, 500000 + seq, 'property_fee', 30000, " FIRST ", 1, 'system', seq FROM seq_1_to_@M",
	ENTRIES "400000000 + k.seq * @M + m.seq, 1, 'property_fee', CONCAT('fee:', k.seq, ':', m.seq), 'system', " FIRST
	" + INTERVAL k.seq MONTH, 1 FROM seq_0_to_11 k STRAIGHT_JOIN seq_1_to_@M m WHERE k.seq * 31 <= @D",
	POSTINGS "400000000 + k.seq * @M + m.seq, l.seq, IF(l.seq = 1, 500000 + m.seq, 1000004), 300000000000 * IF(l.seq = 1, -1, 1)"
	" FROM seq_0_to_11 k STRAIGHT_JOIN seq_1_to_@M m STRAIGHT_JOIN seq_1_to_2 l WHERE k.seq * 31 <= @D",
	"INSERT INTO fee_charge (contract_fee_id, month, version, days, amount_fen, entry_id) SELECT m.seq, LEFT(" FIRST
	" + INTERVAL k.seq MONTH, 7), 1, 30, 30000, 400000000 + k.seq * @M + m.seq FROM seq_1_to_@M m STRAIGHT_JOIN seq_0_to_11 k"
	" WHERE k.seq * 31 <= @D",
	/* ... paid in advance for the year, by nine in ten. */
	ENTRIES "500000000 + m.seq, 1, 'sale', CONCAT('feepay:', m.seq), 'system', " FIRST ", 1 FROM seq_1_to_@M m WHERE m.seq MOD 10",
	POSTINGS "500000000 + m.seq, l.seq, IF(l.seq = 1, 500000 + m.seq, 1000006), 3600000000000 * IF(l.seq = 1, 1, -1)"
	" FROM seq_1_to_@M m STRAIGHT_JOIN seq_1_to_2 l WHERE m.seq MOD 10",
	/* Twenty groups share a little of public energy among fifty each, day by day. */
	"INSERT INTO share_group (id, site_id, name, utility, basis, kind, purse, from_day, run_to, created_at, once_key)"
	" SELECT seq, 1, CONCAT('Group ', seq), 'electricity', 'equal', 'public', 'utility', " FIRST ", " FIRST ", 1, seq FROM seq_1_to_20",
	"INSERT INTO share_run (group_id, day, version, run_at, seen_milli, seen_nano, complete, net_milli, qty_milli, charge_nano,"
	" owner_milli, owner_nano) SELECT g.seq, " FIRST " + INTERVAL d.seq DAY, 1, " FIRST_MS " + (d.seq + 1) * 86400000 + 10800000,"
	" 50000, 50000, 1, 50000, 50000, 50000, 0, 0 FROM seq_1_to_20 g STRAIGHT_JOIN seq_0_to_@D d",
	"INSERT INTO share_part (group_id, day, version, contract_id, weight, of_weight, qty_milli, charge_nano, account_id, entry_id)"
	" SELECT g.seq, " FIRST " + INTERVAL d.seq DAY, 1, g.seq * 50 + p.seq - 50, 86400, 4320000, 1000, 1000, g.seq * 50 + p.seq - 50,"
	" 600000000 + d.seq * 1000 + g.seq * 50 + p.seq - 50 FROM seq_1_to_20 g STRAIGHT_JOIN seq_0_to_@D d STRAIGHT_JOIN seq_1_to_50 p",
	ENTRIES "600000000 + d.seq * 1000 + m.seq, 1, 'share', CONCAT('share:', d.seq, ':', m.seq), 'system', " FIRST
	" + INTERVAL LEAST(d.seq + 1, @D) DAY, 1 FROM seq_0_to_@D d STRAIGHT_JOIN seq_1_to_1000 m",
	POSTINGS "600000000 + d.seq * 1000 + m.seq, l.seq, IF(l.seq = 1, m.seq, 1000005), 1000 * IF(l.seq = 1, -1, 1)"
	" FROM seq_0_to_@D d STRAIGHT_JOIN seq_1_to_1000 m STRAIGHT_JOIN seq_1_to_2 l",
	"ALTER TABLE entry ADD UNIQUE KEY once_key (once_key), ADD KEY book_day (book_day), ADD KEY site_day (site_id, book_day),"
	" ADD KEY kind (kind, id)",
	"ALTER TABLE posting ADD KEY account (account_id, entry_id)",
	"UPDATE account a JOIN (SELECT account_id, SUM(amount_nano) AS sum FROM posting"
	" GROUP BY account_id) p ON p.account_id = a.id SET a.balance_nano = p.sum WHERE a.kind = 'purse'",
	"INSERT INTO settlement (meter_id, from_at, to_at, from_milli, to_milli, charge_nano, evidence)"
	" SELECT m.seq, d.seq * 86400000 + " FIRST_MS ", (d.seq + 1) * 86400000 + " FIRST_MS
	", d.seq * 3000, (d.seq + 1) * 3000, 0, '' FROM seq_1_to_@M m STRAIGHT_JOIN seq_0_to_@D d",
	/* A month by hour, for reports by hour. */
	"INSERT INTO usage_hour (meter_id, hour_at, qty_milli, charge_nano, least_w, most_w)"
	" SELECT m.seq, " LAST_MS " - (767 - h.seq) * 3600000, (m.seq + h.seq) MOD 3000, 0, 100, 1000"
	" FROM seq_1_to_@M m STRAIGHT_JOIN seq_0_to_767 h",
	/* An act a month, an outage a quarter of each meter, and one a month of each gateway. */
	"INSERT INTO supply_act (supply_point_id, meter_id, action, reason, state, epoch, created_at, done_at) SELECT m.seq, m.seq,"
	" IF(k.seq MOD 2, 'on', 'off'), 'arrears', 'done', 1, " FIRST_MS " + k.seq * 2592000000 + m.seq * 1000, "
	FIRST_MS " + k.seq * 2592000000 + m.seq * 1000 + 700 FROM seq_0_to_11 k STRAIGHT_JOIN seq_1_to_@M m",
	"INSERT INTO outage (object_kind, object_id, from_at, until_at) SELECT 'meter', m.seq, " FIRST_MS
	" + k.seq * 7776000000 + m.seq * 1000, " FIRST_MS " + k.seq * 7776000000 + m.seq * 1000 + 600000"
	" FROM seq_0_to_3 k STRAIGHT_JOIN seq_1_to_@M m",
	"INSERT INTO outage (object_kind, object_id, from_at, until_at) SELECT 'gateway', g.seq, " FIRST_MS
	" + k.seq * 2592000000 + g.seq * 1000, " FIRST_MS " + k.seq * 2592000000 + g.seq * 1000 + 600000"
	" FROM seq_0_to_11 k STRAIGHT_JOIN seq_1_to_500 g",
	"ANALYZE TABLE entry, posting, usage_day, account, settlement, usage_hour, share_part, fee_charge, sale, supply_act, outage",
	NULL };
/* clang-format on */

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
	int64_t began = mono_ms(), cpu = own_cpu_ms(), at_server = server_cpu_ms(), took, most;
	enum err e;

	MUST(day_parse("2025-12-31", &ask.to));
	ask.from.days = ask.to.days - (int32_t)span + 1;
	memory_reset();
	e = report_make(db, &ask, &file, &why);
	took = mono_ms() - began;
	cpu = own_cpu_ms() - cpu;
	at_server = server_cpu_ms() - at_server;
	most = memory_kb();
	printf("%s{\"name\": \"%s\", \"by\": \"%s\", \"format\": \"%s\", \"days\": %" PRId64
	       ", \"ms\": %" PRId64 ", \"cpu_ms\": %" PRId64 ", \"server_cpu_ms\": %" PRId64
	       ", \"most_kb\": %" PRId64,
		*more ? ", " : "", report->name, by, format, span, took, cpu, at_server, most);
	*more = true;
	if (e == ERR_OK) {
		MUST(fseek(file.file, 0, SEEK_END) == 0 ? ERR_OK : ERR_INTERNAL);
		printf(", \"bytes\": %ld}", ftell(file.file));
		fclose(file.file);
	} else { /* more rows than an answer has */
		printf(", \"refused\": \"%s\"}", err_word(e));
	}
	fprintf(stderr,
		"%s %s %s %" PRId64 " days: %" PRId64 " ms, cpu %" PRId64 " + %" PRId64 ", %" PRId64
		" kB %s %s\n",
		report->name, by, format, span, took, cpu, at_server, most,
		e == ERR_OK ? "" : err_word(e), why.text);
}

static bool wanted(const char *variable, const char *value)
{
	const char *only = getenv(variable);

	return !only || str_eq(only, value);
}

/* The spans that a report has, a year at most; the longest in each format. */
static void spans(struct db *db, const struct report_kind *report, const char *by, bool *more)
{
	static const int64_t asked[] = { 365, 31, 1 };
	static const char *const formats[] = { "csv", "json", "xlsx" };
	bool longest = true;
	char text[24];

	for (size_t i = 0; i < ARRAY_LEN(asked); i++) {
		snprintf(text, sizeof(text), "%" PRId64, asked[i]);
		if (asked[i] > report->days_most || !wanted("YUFU_BENCH_DAYS", text))
			continue;
		for (size_t k = 0; k < (longest ? ARRAY_LEN(formats) : 1); k++)
			if (wanted("YUFU_BENCH_FORMAT", formats[k]))
				one(db, report, by, formats[k], asked[i], more);
		longest = false;
	}
}

static void measure(struct db *db)
{
	static const char *const groups[] = { "meter", "shop", "area", "rate" };
	bool more = false;

	for (size_t i = 0; i < reports_n; i++) {
		if (!wanted("YUFU_BENCH_REPORT", reports[i].name))
			continue;
		for (size_t k = 0; k < (reports[i].by ? ARRAY_LEN(groups) : 1); k++)
			if (k < 3 || !str_eq(reports[i].name, "usage-hour"))
				spans(db, &reports[i], reports[i].by ? groups[k] : "", &more);
	}
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
	if (argc > 3)
		rates = strtoll(argv[3], NULL, 10);
	if (!socket || !str_copy(settings.socket, sizeof(settings.socket), socket)) {
		fprintf(stderr, "no database: run this by tests/support/mariadb.sh run PROGRAM\n");
		return 1;
	}
	db = db_open(&settings);
	server_find(db);
	if (migrate_run(db, SOURCE_DIR "/migrations", &why) != ERR_OK)
		assert_failed(why.text, __FILE__, __LINE__);
	days--; /* sequences begin with 0 */
	for (size_t i = 0; argc < 5 && places[i]; i++)
		fill(db, places[i]);
	for (size_t i = 0; argc < 5 && year[i]; i++)
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
