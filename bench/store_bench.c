/* What raw readings cost: bytes on disk and bytes written for each, rows a second, and the time to
 * read one meter's day and its month by hour, warm and after the server was started anew. A day and
 * an hour of readings a minute of 2,000 meters go the way of the poller's sink, in order of time,
 * with the upkeep of the worker after each hour. Prints one line of JSON.
 * Run by tests/support/mariadb.sh with YUFU_MARIADB_AGAIN=1, so that SHUTDOWN is a restart. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <dirent.h>
#include <time.h>

#include "base/log.h"
#include "db/migrate.h"
#include "domain/readings.h"
#include "domain/storage.h"
#include "domain/usage.h"

#define METERS 2000
#define BATCH 200 /* of the sink */
#define HOURS 25
#define MINUTE INT64_C(60000)
#define HOUR (60 * MINUTE)
#define START INT64_C(1795305600000) /* midnight, UTC */
#define END (START + HOURS * HOUR)
#define MONTH_HOURS 744
#define MONTH_METERS 200
#define READS 25
#define MUST(x) ((x) == ERR_OK ? (void)0 : assert_failed(#x, __FILE__, __LINE__))

static const struct storage_rules rules = { .raw_days = STORAGE_RAW_DAYS };
static struct db_settings settings;

static int64_t mono_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

struct value_row {
	int64_t v;
};
SHAPE(value_shape, struct value_row, FIELD(struct value_row, v));
#define STATUS(name)                                                                               \
	{                                                                                          \
		"SELECT CAST(variable_value AS SIGNED) AS v FROM information_schema.global_status" \
		" WHERE variable_name = '" name "'",                                               \
			&value_shape                                                               \
	}
static const struct query Q_DATA = STATUS("innodb_data_written");
static const struct query Q_LOG = STATUS("innodb_os_log_written");
static const struct query Q_DIRTY = STATUS("innodb_buffer_pool_pages_dirty");
static const struct query Q_HOT = { "SELECT COUNT(*) AS v FROM reading", &value_shape };
static const struct query Q_ALL = {
	"SELECT (SELECT COUNT(*) FROM reading) + (SELECT CAST(SUM(n) AS SIGNED) FROM reading_hour)"
	" AS v",
	&value_shape
};

static int64_t value(struct db *db, const struct query *q)
{
	struct value_row row = { 0 };

	MUST(db_one(db, q, NO_ARGS, &row));
	return row.v;
}

/* ---- meters ---- */

struct load {
	int64_t second; /* of the minute at which it is read */
	int64_t level_w, power_w;
	int64_t micro_wh; /* ever used */
};

static uint64_t seed = 20261130;

static int64_t lot(int64_t below)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (int64_t)(seed % (uint64_t)below);
}

static void loads_make(struct load *l)
{
	for (int i = 0; i < METERS; i++)
		l[i] = (struct load){ .second = lot(58), .micro_wh = lot(INT64_C(9000000000000)) };
}

/* A minute of a shop: every tenth is empty; else things are switched now and then, and the load
 * trembles by some percent. The register counts in steps of 10 Wh. */
static void load_pass(struct load *l, int i)
{
	if (i % 10 == 0)
		return;
	if (l->level_w == 0 || lot(15) == 0)
		l->level_w = 60 + lot(40) * lot(150);
	l->power_w = l->level_w + l->level_w * (lot(61) - 30) / 1000;
	l->micro_wh += l->power_w * 1000000 / 60;
}

static struct reading_row reading_of(const struct load *l, int i, int64_t minute)
{
	struct reading_row r = { .meter_id = i + 1,
		.read_at = { minute + l->second * 1000 + lot(400) + lot(400) + lot(400) },
		.register_milli = { l->micro_wh / 10000000 * 10 },
		.power_w = l->power_w };

	snprintf(r.verdict, sizeof(r.verdict), "%s",
		verdict_word(lot(1000) == 0 ? VERDICT_REPEATED : VERDICT_ACCEPTED));
	return r;
}

/* ---- writing ---- */

struct batch {
	struct reading_row rows[BATCH];
	size_t n;
};

static enum err batch_tx(struct db *db, void *ctx)
{
	const struct batch *b = ctx;

	return readings_store(db, b->rows, b->n);
}

/* Meters of one batch are far apart, as those of many buses are. A few do not answer. */
static void minute_store(struct db *db, struct load *l, int64_t minute)
{
	for (int b = 0; b < METERS / BATCH; b++) {
		struct batch batch = { .n = 0 };

		for (int i = b; i < METERS; i += METERS / BATCH) {
			load_pass(&l[i], i);
			if (lot(200) > 0)
				batch.rows[batch.n++] = reading_of(&l[i], i, minute);
		}
		MUST(db_tx(db, batch_tx, &batch));
	}
}

struct figures {
	int64_t readings, insert_us, pack_us;
	int64_t data, log; /* bytes written */
	int64_t disk, hot; /* bytes on disk: of all readings; of rows */
	int64_t hot_readings;
	int64_t day_cold, day_warm, month_cold, month_warm; /* us */
};

static void day_store(struct db *db, struct db *worker, struct figures *f)
{
	struct load *loads = calloc(METERS, sizeof(*loads));

	ASSERT(loads);
	loads_make(loads);
	MUST(storage_upkeep(worker, &rules, (struct utc){ START }));
	for (int64_t minute = START; minute < END; minute += MINUTE) {
		int64_t at = mono_us();

		minute_store(db, loads, minute);
		f->insert_us += mono_us() - at;
		if ((minute - START) % HOUR != 6 * MINUTE)
			continue;
		at = mono_us();
		MUST(storage_upkeep(worker, &rules, (struct utc){ minute }));
		f->pack_us += mono_us() - at;
	}
	free(loads);
}

/* Everything that is only in memory goes to disk. */
static void flush(struct db *db)
{
	MUST(db_run(db, "SET GLOBAL innodb_max_dirty_pages_pct_lwm = 0"));
	MUST(db_run(db, "SET GLOBAL innodb_max_dirty_pages_pct = 0"));
	MUST(db_run(db, "SET GLOBAL innodb_io_capacity = 2000"));
	for (int i = 0; i < 300 && value(db, &Q_DIRTY) > 20; i++)
		mono_sleep_until(mono_ms() + 100);
}

/* Bytes that files of a table take, its partitions included. */
static int64_t files_size(const char *folder, const char *table, bool alone)
{
	DIR *d = opendir(folder);
	int64_t sum = 0;

	ASSERT(d);
	for (const struct dirent *f = readdir(d); f; f = readdir(d)) {
		size_t n = strlen(table);
		char path[600];
		struct stat s;

		snprintf(path, sizeof(path), "%s/%s", folder, f->d_name);
		if (str_starts(f->d_name, table) && (f->d_name[n] == '#' || f->d_name[n] == '.') &&
			(!alone || f->d_name[n] == '.') && stat(path, &s) == 0 &&
			strstr(f->d_name, ".ibd"))
			sum += s.st_blocks * INT64_C(512);
	}
	closedir(d);
	return sum;
}

static void disk_measure(struct db *db, struct figures *f)
{
	char folder[200];
	const char *slash = strrchr(settings.socket, '/');

	ASSERT(slash);
	snprintf(folder, sizeof(folder), "%.*s/data/yufu", (int)(slash - settings.socket),
		settings.socket);
	flush(db);
	f->data = value(db, &Q_DATA) - f->data;
	f->log = value(db, &Q_LOG) - f->log;
	f->readings = value(db, &Q_ALL);
	f->hot_readings = value(db, &Q_HOT);
	f->hot = files_size(folder, "reading", false) + files_size(folder, "reading_packing", true);
	f->disk = f->hot + files_size(folder, "reading_hour", false);
}

/* ---- reading ---- */

/* So many months of hours that one meter's does not lie in memory with its neighbour's. */
static void months_make(struct db *db)
{
	char sql[300];

	MUST(db_run(db, "SET foreign_key_checks = 0"));
	MUST(db_run(db, "INSERT INTO meter (id, code, gateway_id, unit, model, utility,"
			" supply_point_id) SELECT seq, CONCAT('M', seq), 1, seq, 'acrel-ddsy1352',"
			" 'electricity', seq FROM seq_1_to_2000"));
	snprintf(sql, sizeof(sql),
		"INSERT INTO usage_hour (meter_id, hour_at, qty_milli, charge_nano, least_w, "
		"most_w)"
		" SELECT m.seq, %" PRId64
		" + h.seq * 3600000, 1000, 658300000, 40, 2300 FROM seq_0_to_%d h JOIN"
		" seq_1_to_%d m ORDER BY h.seq, m.seq",
		START, MONTH_HOURS - 1, MONTH_METERS);
	MUST(db_run(db, sql));
}

static int64_t day_us(struct db *db, int64_t meter)
{
	AUTO(rows_free) struct rows rows = { 0 };
	int64_t began = mono_us();

	MUST(readings_newest(db, meter, (struct utc){ END - 24 * HOUR }, (struct utc){ END },
		VERDICTS_ALL, 10000, &rows));
	began = mono_us() - began;
	ASSERT(rows.n > 1350 && rows.n <= 1440);
	return began;
}

static int64_t month_us(struct db *db, int64_t meter)
{
	AUTO(rows_free) struct rows rows = { 0 };
	int64_t began = mono_us();

	MUST(usage_hours(db, meter, 0, (struct utc){ START },
		(struct utc){ START + MONTH_HOURS * HOUR }, &rows));
	began = mono_us() - began;
	ASSERT(rows.n == MONTH_HOURS);
	return began;
}

static int by_number(const void *a, const void *b)
{
	const int64_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

/* Median over meters far from each other; cold: each is read for the first time. */
static int64_t read_median(
	struct db *db, int64_t (*read)(struct db *, int64_t), int64_t meters, bool warm)
{
	int64_t us[READS];

	for (int64_t i = 0; i < READS; i++) {
		int64_t meter = 1 + (i * 977 + 13) % meters;

		if (warm)
			(void)read(db, meter);
		us[i] = read(db, meter);
	}
	qsort(us, READS, sizeof(us[0]), by_number);
	return us[READS / 2];
}

static struct db *restart(struct db *db)
{
	int64_t give_up = mono_ms() + 60000;

	MUST(db_run(db, "SHUTDOWN"));
	db_free(&db);
	log_open("store_bench", LOG_LEVEL_ERROR);
	mono_sleep_until(mono_ms() + 500);
	db = db_open(&settings);
	while (db_run(db, "SELECT 1 INTO @one") != ERR_OK) {
		ASSERT(mono_ms() < give_up);
		mono_sleep_until(mono_ms() + 100);
	}
	return db;
}

static void print(const struct figures *f)
{
	printf("{\"readings\": %" PRId64 ", \"disk_per_100\": %" PRId64
	       ", \"packed_per_100\": %" PRId64 ", \"hot_per_100\": %" PRId64
	       ", \"hot_readings\": %" PRId64 ", \"pages_written\": %" PRId64
	       ", \"log_written\": %" PRId64 ", \"stored_per_s\": %" PRId64
	       ", \"packed_per_s\": %" PRId64 ", \"day_warm_us\": %" PRId64
	       ", \"day_cold_us\": %" PRId64 ", \"month_warm_us\": %" PRId64
	       ", \"month_cold_us\": %" PRId64 "}\n",
		f->readings, f->disk * 100 / f->readings,
		(f->disk - f->hot) * 100 / (f->readings - f->hot_readings),
		f->hot * 100 / f->hot_readings, f->hot_readings, f->data / f->readings,
		f->log / f->readings, f->readings * 1000000 / f->insert_us,
		(f->readings - f->hot_readings) * 1000000 / f->pack_us, f->day_warm, f->day_cold,
		f->month_warm, f->month_cold);
}

int main(void)
{
	const char *socket = getenv("YUFU_TEST_SOCKET");
	struct figures f = { 0 };
	struct problem why = { 0 };
	struct db *db, *worker;

	log_open("store_bench", LOG_LEVEL_WARN);
	db_library_open();
	settings = (struct db_settings){ .user = "root", .name = "yufu" };
	if (!socket || !str_copy(settings.socket, sizeof(settings.socket), socket)) {
		fprintf(stderr, "no database: run this by tests/support/mariadb.sh run PROGRAM\n");
		return 1;
	}
	db = db_open(&settings);
	worker = db_open(&settings);
	if (migrate_run(db, SOURCE_DIR "/migrations", &why) != ERR_OK)
		assert_failed(why.text, __FILE__, __LINE__);
	f.data = value(db, &Q_DATA);
	f.log = value(db, &Q_LOG);
	day_store(db, worker, &f);
	disk_measure(db, &f);
	months_make(db);
	f.day_warm = read_median(db, day_us, METERS, true);
	f.month_warm = read_median(db, month_us, MONTH_METERS, true);
	db_free(&worker);
	db = restart(db);
	f.day_cold = read_median(db, day_us, METERS, false);
	f.month_cold = read_median(db, month_us, MONTH_METERS, false);
	print(&f);
	db_free(&db);
	return 0;
}
