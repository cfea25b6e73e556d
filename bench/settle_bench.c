/* Settlements per second against the ceiling of this database: what settlement sends is recorded
 * once, call by call, and then sent again without any rule, in the same transactions, to a database
 * in the same state. Prints one line of JSON. Run by tests/support/mariadb.sh. */
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "db/migrate.h"
#include "domain/charge.h"
#include "domain/reading.h"
#include "rules/settle.h"

#define SETS 4	   /* of meters: one a connection, or all of them on one */
#define METERS 100 /* of a set: one transaction */
#define ROUNDS 20
#define TURNS 3
#define MINUTE INT64_C(60000)
#define START INT64_C(1795342029000)
#define MUST(x) ((x) == ERR_OK ? (void)0 : assert_failed(#x, __FILE__, __LINE__))

static const char tariff_text[] =
	"{\"code\": \"tou\", \"name\": \"tou\", \"utility\": \"electricity\", \"versions\": [{"
	"\"effective_from\": \"2026-01-01T00:00:00+08:00\", \"tier_cycle\": \"month\","
	" \"tiers_upto_kwh\": [\"260\", \"600\"], \"calendar\": [{\"days\": \"workday\", \"slots\":"
	" [[\"00:00\", \"valley\"], [\"08:00\", \"peak\"], [\"18:00\", \"flat\"]]}, {\"slots\":"
	" [[\"00:00\", \"flat\"]]}], \"prices\": {\"peak\": [\"1.0987\", \"1.1487\", \"1.3987\"],"
	" \"flat\": [\"0.6583\", \"0.7083\", \"0.9583\"], \"valley\": [\"0.312\", \"0.362\","
	" \"0.612\"]}}]}";

/* ---- the tape ---- */

enum call_kind { CALL_EXEC, CALL_ONE, CALL_LIST, CALL_BULK };
struct call {
	enum call_kind kind;
	const struct query *q;
	const struct shape *shape;
	struct arg *args;
	void *rows; /* of a bulk */
	size_t n;
};
struct tape {
	struct call *calls;
	size_t n;
	size_t ends[ROUNDS + 1]; /* of each transaction */
	size_t ends_n;
};

static _Thread_local struct tape *recording;

static struct call *tape_add(enum call_kind kind, const struct query *q)
{
	struct tape *t = recording;

	if (t->n % 1024 == 0) {
		t->calls = reallocarray(t->calls, t->n + 1024, sizeof(*t->calls));
		ASSERT(t->calls);
	}
	t->calls[t->n] = (struct call){ .kind = kind, .q = q };
	return &t->calls[t->n++];
}

static void args_keep(struct call *c, const struct arg *args, size_t n)
{
	c->n = n;
	c->args = calloc(n ? n : 1, sizeof(*args));
	ASSERT(c->args);
	for (size_t i = 0; i < n; i++) {
		c->args[i] = args[i];
		if (args[i].kind == ARG_TEXT) {
			c->args[i].text = strndup(args[i].text, args[i].n);
			ASSERT(c->args[i].text);
		}
	}
}

enum err __real_db_exec(
	struct db *db, const struct query *q, const struct arg *args, size_t n, int64_t *affected);
enum err __wrap_db_exec(
	struct db *db, const struct query *q, const struct arg *args, size_t n, int64_t *affected);
enum err __wrap_db_exec(
	struct db *db, const struct query *q, const struct arg *args, size_t n, int64_t *affected)
{
	if (recording)
		args_keep(tape_add(CALL_EXEC, q), args, n);
	return __real_db_exec(db, q, args, n, affected);
}

enum err __real_db_one(
	struct db *db, const struct query *q, const struct arg *args, size_t n, void *row);
enum err __wrap_db_one(
	struct db *db, const struct query *q, const struct arg *args, size_t n, void *row);
enum err __wrap_db_one(
	struct db *db, const struct query *q, const struct arg *args, size_t n, void *row)
{
	if (recording)
		args_keep(tape_add(CALL_ONE, q), args, n);
	return __real_db_one(db, q, args, n, row);
}

enum err __real_db_list(
	struct db *db, const struct query *q, const struct arg *args, size_t n, struct rows *out);
enum err __wrap_db_list(
	struct db *db, const struct query *q, const struct arg *args, size_t n, struct rows *out);
enum err __wrap_db_list(
	struct db *db, const struct query *q, const struct arg *args, size_t n, struct rows *out)
{
	if (recording)
		args_keep(tape_add(CALL_LIST, q), args, n);
	return __real_db_list(db, q, args, n, out);
}

static void borrowed_keep(const struct call *c)
{
	for (size_t i = 0; i < c->n; i++)
		for (size_t k = 0; k < c->shape->n; k++) {
			const char **at = (void *)((char *)c->rows + i * c->shape->size +
						   c->shape->fields[k].at);

			if (c->shape->fields[k].kind != KIND_BORROWED)
				continue;
			*at = strdup(*at);
			ASSERT(*at);
		}
}

enum err __real_db_bulk(struct db *db, const struct query *q, const struct shape *shape,
	const void *rows, size_t n);
enum err __wrap_db_bulk(struct db *db, const struct query *q, const struct shape *shape,
	const void *rows, size_t n);
enum err __wrap_db_bulk(
	struct db *db, const struct query *q, const struct shape *shape, const void *rows, size_t n)
{
	if (recording && n > 0) {
		struct call *c = tape_add(CALL_BULK, q);

		c->shape = shape;
		c->n = n;
		c->rows = malloc(n * shape->size);
		ASSERT(c->rows);
		memcpy(c->rows, rows, n * shape->size);
		borrowed_keep(c);
	}
	return __real_db_bulk(db, q, shape, rows, n);
}

static enum err call_again(struct db *db, const struct call *c)
{
	AUTO(rows_free) struct rows rows = { 0 };
	enum err e = ERR_OK;

	switch (c->kind) {
	case CALL_EXEC:
		e = __real_db_exec(db, c->q, c->args, c->n, NULL);
		break;
	case CALL_BULK:
		e = __real_db_bulk(db, c->q, c->shape, c->rows, c->n);
		break;
	case CALL_ONE:
	case CALL_LIST:
		e = __real_db_list(db, c->q, c->args, c->n, &rows);
		break;
	}
	return e == ERR_NOT_FOUND || e == ERR_ALREADY ? ERR_OK : e;
}

/* ---- one transaction: a reading of each meter of a set ---- */

struct lane {
	int set;
	int round;
	struct db *db;
	struct tariffs *tariffs;
	struct tape *tape;
};

static int64_t meter_of(int set, int i)
{
	return 1 + set * METERS + i;
}

static void reading_take(
	const struct lane *l, int64_t meter, struct charge_batch *b, struct reading_row *row)
{
	const struct charge_reading r = { .meter_id = meter,
		.at = { START + l->round * MINUTE + meter % 997 },
		.reg = { 1000000 + l->round * (20 + meter % 13) },
		.most_per_hour = 100000 };
	const struct settled *last = charge_last(b, meter);
	const struct reading_facts f = { .at = r.at,
		.reg = r.reg,
		.most_per_hour = r.most_per_hour,
		.has_last = last->read_at.ms != 0,
		.last_at = last->read_at,
		.last_reg = last->register_milli };

	ASSERT(reading_judge(&f) == VERDICT_ACCEPTED);
	*row = (struct reading_row){ .meter_id = meter, .read_at = r.at, .register_milli = r.reg };
	memcpy(row->verdict, "accepted", sizeof("accepted"));
	charge_take(b, &r);
}

static enum err settle_tx(struct db *db, void *ctx)
{
	const struct lane *l = ctx;
	AUTO(charge_close) struct charge_batch *b = charge_open(l->tariffs);
	struct reading_row rows[METERS];
	int64_t ids[METERS];
	enum err e;

	for (int i = 0; i < METERS; i++)
		ids[i] = meter_of(l->set, i);
	e = charge_lock(db, b, ids, METERS);
	for (int i = 0; e == ERR_OK && i < METERS; i++)
		reading_take(l, ids[i], b, &rows[i]);
	if (e == ERR_OK)
		e = charge_run(db, b);
	if (e == ERR_OK)
		e = readings_store(db, rows, METERS);
	if (e != ERR_OK)
		return e;
	return charge_post(db, charge_sums(b), (struct utc){ START + l->round * MINUTE });
}

static enum err replay_tx(struct db *db, void *ctx)
{
	const struct lane *l = ctx;
	enum err e = ERR_OK;

	for (size_t i = l->tape->ends[l->round]; e == ERR_OK && i < l->tape->ends[l->round + 1];
		i++)
		e = call_again(db, &l->tape->calls[i]);
	return e;
}

/* ---- the database ---- */

static struct db_settings settings;

static struct db *connect_anew(void)
{
	return db_open(&settings);
}

static void sql(struct db *db, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void sql(struct db *db, const char *format, ...)
{
	char text[2000];
	va_list ap;

	va_start(ap, format);
	vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	MUST(db_run(db, text));
}

static void meters_make(struct db *db)
{
	const int n = SETS * METERS;

	sql(db, "INSERT INTO bus_group (id) VALUES (7)");
	sql(db, "INSERT INTO site (id, code, name, zone) VALUES (1, 'S', 'S', 'Asia/Shanghai')");
	sql(db, "INSERT INTO gateway (id, code, name, site_id, transport, address, bus_group_id)"
		" VALUES (1, 'G', 'G', 1, 'modbus-tcp', '127.0.0.1:1', 7)");
	sql(db,
		"INSERT INTO tariff (id, code, name, utility, doc) VALUES (1, 't', 't',"
		" 'electricity', '%s')",
		tariff_text);
	sql(db,
		"INSERT INTO supply_point (id, code, site_id, utility, switchable) SELECT seq,"
		" CONCAT('P', seq), 1, 'electricity', 1 FROM seq_1_to_%d",
		n);
	sql(db,
		"INSERT INTO meter (id, code, gateway_id, unit, model, utility, supply_point_id)"
		" SELECT seq, CONCAT('M', seq), 1, seq, 'acrel-ddsy1352', 'electricity', seq FROM"
		" seq_1_to_%d",
		n);
	sql(db,
		"INSERT INTO tenant (id, code, name, site_id) SELECT seq, CONCAT('T', seq), 'T', 1"
		" FROM seq_1_to_%d",
		n);
	sql(db,
		"INSERT INTO contract (id, code, tenant_id, start_at) SELECT seq, CONCAT('C', seq),"
		" seq, 1 FROM seq_1_to_%d",
		n);
	sql(db,
		"INSERT INTO account (id, code, kind, contract_id, purpose, balance_nano) SELECT"
		" 1000 + seq, CONCAT('purse:', seq, ':electricity'), 'purse', seq, 'electricity',"
		" 1000000000000 FROM seq_1_to_%d",
		n);
	sql(db,
		"INSERT INTO contract_point (contract_id, supply_point_id, account_id, from_at)"
		" SELECT seq, seq, 1000 + seq, 1 FROM seq_1_to_%d",
		n);
	sql(db,
		"INSERT INTO meter_tariff (meter_id, from_at, tariff_id) SELECT seq, 1, 1 FROM"
		" seq_1_to_%d",
		n);
}

/* Everything as it was before the first minute: each meter has its base. */
static void database_make(void)
{
	struct problem why = { 0 };
	struct db *db = connect_anew();

	sql(db, "DROP DATABASE yufu");
	sql(db, "CREATE DATABASE yufu CHARACTER SET utf8mb4 COLLATE utf8mb4_bin");
	db_free(&db);
	db = connect_anew();
	if (migrate_run(db, SOURCE_DIR "/migrations", &why) != ERR_OK)
		assert_failed(why.text, __FILE__, __LINE__);
	meters_make(db);
	for (int set = 0; set < SETS; set++) {
		struct lane l = { .set = set, .db = db, .tariffs = tariffs_open() };

		MUST(db_tx(db, settle_tx, &l));
		tariffs_free(&l.tariffs);
	}
	db_free(&db);
}

/* ---- passes ---- */

struct pass {
	struct tape *tapes; /* of each set: replayed, or NULL: settled */
	int connections;
	pthread_barrier_t start;
};
struct runner {
	struct pass *pass;
	int first; /* set; then every `connections`-th */
};

static void *run_sets(void *ctx)
{
	const struct runner *r = ctx;
	struct db *db = connect_anew();
	struct tariffs *tariffs = tariffs_open();

	MUST(db_run(db, "SELECT 1 INTO @one"));
	pthread_barrier_wait(&r->pass->start);
	for (int round = 1; round <= ROUNDS; round++)
		for (int set = r->first; set < SETS; set += r->pass->connections) {
			struct lane l = { set, round, db, tariffs, NULL };

			if (r->pass->tapes) {
				l.tape = &r->pass->tapes[set];
				l.round--;
			}
			MUST(db_tx(db, r->pass->tapes ? replay_tx : settle_tx, &l));
		}
	tariffs_free(&tariffs);
	db_free(&db);
	db_thread_end();
	return NULL;
}

/* Readings a second. */
static int64_t pass_run(struct tape *tapes, int connections)
{
	struct pass p = { .tapes = tapes, .connections = connections };
	struct runner runners[SETS];
	pthread_t threads[SETS];
	int64_t began, ms;

	database_make();
	pthread_barrier_init(&p.start, NULL, (unsigned)connections + 1);
	for (int i = 0; i < connections; i++) {
		runners[i] = (struct runner){ &p, i };
		ASSERT(pthread_create(&threads[i], NULL, run_sets, &runners[i]) == 0);
	}
	pthread_barrier_wait(&p.start);
	began = mono_ms();
	for (int i = 0; i < connections; i++)
		pthread_join(threads[i], NULL);
	ms = mono_ms() - began;
	pthread_barrier_destroy(&p.start);
	return INT64_C(1000) * SETS * METERS * ROUNDS / (ms ? ms : 1);
}

static void tapes_record(struct tape *tapes)
{
	struct db *db = connect_anew();
	struct tariffs *tariffs;

	database_make();
	db_free(&db);
	db = connect_anew();
	tariffs = tariffs_open();
	for (int round = 1; round <= ROUNDS; round++)
		for (int set = 0; set < SETS; set++) {
			struct lane l = { set, round, db, tariffs, NULL };

			recording = &tapes[set];
			MUST(db_tx(db, settle_tx, &l));
			recording = NULL;
			tapes[set].ends[round] = tapes[set].n;
		}
	tariffs_free(&tariffs);
	db_free(&db);
}

/* ---- the rule alone ---- */

static enum err take(void *ctx, const struct segment *s)
{
	return money_add(*(struct money *)ctx, s->charge, ctx);
}

/* Nanoseconds for a reading a minute. */
static int64_t rule_ns(void)
{
	AUTO(json_free) json_t *doc = NULL;
	AUTO(zone_free) struct zone *z = NULL;
	AUTO(tariff_free) struct tariff *t = NULL;
	struct tier_use use = { 0 };
	struct money sum = { 0 };
	const int64_t n = 2000000;
	int64_t began;

	MUST(json_parse(tariff_text, sizeof(tariff_text) - 1, &doc, NULL));
	MUST(zone_open("Asia/Shanghai", &z));
	MUST(tariff_parse(doc, z, &t, NULL));
	began = mono_ms();
	for (int64_t i = 0; i < n; i++)
		MUST(settle_interval(t, (struct utc){ START + i * MINUTE },
			(struct utc){ START + (i + 1) * MINUTE }, (struct qty){ 20 + i % 13 }, &use,
			(struct segment_sink){ take, &sum }));
	return (mono_ms() - began) * 1000000 / n;
}

static int by_size(const void *a, const void *b)
{
	const int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

static int64_t median(int64_t *v, size_t n)
{
	qsort(v, n, sizeof(*v), by_size);
	return v[n / 2];
}

int main(void)
{
	static const int connections[] = { 1, SETS };
	struct tape tapes[SETS] = { 0 };
	const char *socket = getenv("YUFU_TEST_SOCKET");
	int64_t done[2][TURNS], most[2][TURNS], permille[2][TURNS];
	size_t calls = 0;

	log_open("settle_bench", LOG_LEVEL_ERROR);
	if (!socket || !str_copy(settings.socket, sizeof(settings.socket), socket))
		assert_failed("YUFU_TEST_SOCKET", __FILE__, __LINE__);
	memcpy(settings.user, "root", sizeof("root"));
	memcpy(settings.name, "yufu", sizeof("yufu"));
	db_library_open();
	tapes_record(tapes);
	for (int set = 0; set < SETS; set++)
		calls += tapes[set].n;
	/* Each turn measures both, one after the other: what else the machine does hits both. */
	for (int turn = 0; turn < TURNS; turn++)
		for (size_t c = 0; c < ARRAY_LEN(connections); c++) {
			done[c][turn] = pass_run(NULL, connections[c]);
			most[c][turn] = pass_run(tapes, connections[c]);
			permille[c][turn] = 1000 * done[c][turn] / most[c][turn];
		}
	printf("{\"rule_ns\": %" PRId64 ", \"statements\": %zu", rule_ns(),
		calls / ((size_t)SETS * ROUNDS));
	for (size_t c = 0; c < ARRAY_LEN(connections); c++)
		printf(", \"settled_%d\": %" PRId64 ", \"ceiling_%d\": %" PRId64
		       ", \"permille_%d\": %" PRId64,
			connections[c], median(done[c], TURNS), connections[c],
			median(most[c], TURNS), connections[c], median(permille[c], TURNS));
	printf("}\n");
	return 0;
}
