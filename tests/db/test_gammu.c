/* The GSM modem's channel before the tables of gammu-smsd, without its daemon: which modem is
 * taken, that a message is queued once whatever happens, and what is told of it. */
#include "db_fixture.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "notice/channel.h"

#define SMSD "smsd"

struct world {
	struct db *db; /* root, in the daemon's database */
	struct conf *conf;
	struct notice *notice;
};

static void run(struct db *db, char *text)
{
	char *save = NULL;

	for (char *s = strtok_r(text, ";", &save); s; s = strtok_r(NULL, ";", &save))
		if (strspn(s, " \n") < strlen(s))
			fixture_sql(db, s);
}

/* Comments of the file hold no semicolon. */
static void make_tables(struct db *db)
{
	AUTO(buf_free) struct buf file = { 0 };

	assert_int_equal(file_read(SOURCE_DIR "/tests/support/smsd.sql", 100000, &file), ERR_OK);
	fixture_sql(db, "DROP DATABASE IF EXISTS " SMSD);
	fixture_sql(db, "CREATE DATABASE " SMSD);
	fixture_sql(db, "USE " SMSD);
	run(db, file.text);
	fixture_sql(db,
		"GRANT SELECT, INSERT, UPDATE, DELETE ON " SMSD ".* TO 'yufu_worker'@'localhost'");
}

static int setup(void **state)
{
	struct world *w = calloc(1, sizeof(*w));
	struct db_settings s = fixture_settings("root");
	void *migrated;

	assert_int_equal(fixture_open(&migrated), 0);
	w->db = migrated;
	make_tables(w->db);
	setenv("YUFU_DATABASE_SOCKET", s.socket, 1);
	setenv("YUFU_DATABASE_USER", "yufu_worker", 1);
	setenv("YUFU_GAMMU_DATABASE", SMSD, 1);
	assert_int_equal(conf_open(NULL, &w->conf, NULL), ERR_OK);
	notice_load(w->conf, &w->notice);
	assert_null(gammu_off(w->notice));
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	struct world *w = *state;

	notice_free(&w->notice);
	conf_free(&w->conf);
	db_free(&w->db);
	free(w);
	return 0;
}

static int each(void **state)
{
	struct world *w = *state;

	fixture_sql(w->db, "DELETE FROM outbox");
	fixture_sql(w->db, "DELETE FROM outbox_multipart");
	fixture_sql(w->db, "DELETE FROM sentitems");
	fixture_sql(w->db, "DELETE FROM phones");
	fixture_sql(w->db, "INSERT INTO phones (ID, IMEI, IMSI, Client, Send, TimeOut) VALUES"
			   " ('m1', '1', '', '', 'yes', NOW() + INTERVAL 10 SECOND)");
	return 0;
}

static struct notice_result send_as(const struct world *w, const char *out_id, const char *shop)
{
	AUTO(json_free) json_t *params = json_pack("{s:s, s:s}", "shop", shop, "purse", "电费");
	struct notice_result r = { 0 };

	gammu_send(w->notice,
		&(struct notice_message){ .recipient = "13800000001",
			.kind = "restored",
			.language = "zh",
			.params = params,
			.out_id = out_id },
		utc_now(), mono_ms() + 5000, &r);
	return r;
}

static struct notice_delivery ask(const struct world *w, const char *out_id, const char *ref)
{
	struct notice_delivery d = { 0 };
	struct utc now = utc_now();

	assert_int_equal(
		gammu_look_up(w->notice,
			&(struct notice_message){ .recipient = "13800000001", .out_id = out_id },
			ref, now, now, mono_ms() + 5000, &d, NULL),
		ERR_OK);
	return d;
}

#define COUNT(w, what) FIXTURE_VALUE((w)->db, "SELECT COUNT(*) AS v FROM " what)

static void assert_down(const struct world *w)
{
	struct notice_result r = send_as(w, "n-down", "A1");

	assert_int_equal(r.outcome, NOTICE_REFUSED);
	assert_true(r.retry);
	assert_string_equal(r.code, "provider_down");
	assert_int_equal(COUNT(w, "outbox WHERE CreatorID = 'n-down'"), 0);
}

static void test_modems(void **state)
{
	struct world *w = *state;

	/* the least busy of those that are alive; one that was exchanged has an old row as well */
	fixture_sql(w->db, "INSERT INTO phones (ID, IMEI, IMSI, Client, Send, TimeOut) VALUES"
			   " ('m1', '9', '', '', 'yes', NOW() - INTERVAL 1 DAY),"
			   " ('m2', '2', '', '', 'yes', NOW() - INTERVAL 50 SECOND),"
			   " ('m3', '3', '', '', 'yes', NOW() - INTERVAL 10 MINUTE),"
			   " ('m4', '4', '', '', 'no', NOW() + INTERVAL 10 SECOND)");
	for (int i = 0; i < 4; i++) {
		char id[8];

		snprintf(id, sizeof(id), "n-%d", i);
		assert_int_equal(send_as(w, id, "A1").outcome, NOTICE_DONE);
	}
	assert_int_equal(COUNT(w, "outbox WHERE SenderID = 'm1'"), 2);
	assert_int_equal(COUNT(w, "outbox WHERE SenderID = 'm2'"), 2);
}

static void test_down(void **state)
{
	struct world *w = *state;

	fixture_sql(w->db, "UPDATE phones SET TimeOut = NOW() - INTERVAL 121 SECOND");
	assert_down(w);
	fixture_sql(w->db, "UPDATE phones SET TimeOut = NOW()");
	/* alive, and nothing moves */
	fixture_sql(w->db, "INSERT INTO outbox (CreatorID, SenderID, TextDecoded, SendingDateTime,"
			   " SendingTimeOut) VALUES ('other', 'm1', 'x', NOW() - INTERVAL 6 MINUTE,"
			   " NOW() - INTERVAL 6 MINUTE)");
	assert_down(w);
	fixture_sql(w->db, "DELETE FROM outbox");
	assert_int_equal(send_as(w, "n-1", "A1").outcome, NOTICE_DONE);
	/* alive, and everything fails */
	fixture_sql(w->db,
		"INSERT INTO outbox (CreatorID, SenderID, TextDecoded, Retries) VALUES"
		" ('other', 'm1', 'x', 1), ('other', 'm1', 'x', 1), ('other', 'm1', 'x', 2)");
	assert_down(w);
	fixture_sql(w->db, "DELETE FROM phones");
	assert_down(w);
}

/* The daemon's tables are gone, or we have no rights there: refused for now, so that another way is
 * taken. */
static void test_no_tables(void **state)
{
	struct world *w = *state;

	fixture_sql(w->db, "RENAME TABLE outbox TO outbox_gone");
	assert_int_equal(send_as(w, "n-1", "A1").outcome, NOTICE_REFUSED);
	fixture_sql(w->db, "RENAME TABLE outbox_gone TO outbox");
	assert_int_equal(send_as(w, "n-1", "A1").outcome, NOTICE_DONE);
}

static const char long_shop[] =
	"好味面馆好味面馆好味面馆好味面馆好味面馆好味面馆好味面馆好味面馆好味面馆好味面馆"
	"好味面馆好味面馆好味面馆好味面馆好味面馆好味面馆好味面馆好味面馆好味面馆好味面馆";

static void test_once(void **state)
{
	struct world *w = *state;
	struct notice_result first = send_as(w, "n-1", long_shop),
			     again = send_as(w, "n-1", long_shop);

	assert_string_equal(first.provider_ref, again.provider_ref);
	assert_int_equal(COUNT(w, "outbox"), 1);
	assert_int_equal(COUNT(w, "outbox_multipart"), 1);
	assert_int_equal(
		COUNT(w, "outbox WHERE SendingDateTime <= NOW() AND MultiPart = 'true'"), 1);
	/* the daemon has sent it */
	fixture_sql(w->db,
		"INSERT INTO sentitems (ID, DestinationNumber, CreatorID, Text, UDH,"
		" TextDecoded, SenderID) SELECT ID, DestinationNumber, CreatorID, '', '',"
		" '', 'm1' FROM outbox");
	fixture_sql(w->db, "DELETE FROM outbox");
	assert_string_equal(send_as(w, "n-1", long_shop).provider_ref, first.provider_ref);
	assert_int_equal(COUNT(w, "outbox"), 0);
	/* given up by the daemon, and asked for once more */
	fixture_sql(w->db, "UPDATE sentitems SET Status = 'SendingError'");
	assert_string_not_equal(send_as(w, "n-1", long_shop).provider_ref, first.provider_ref);
	assert_int_equal(COUNT(w, "outbox"), 1);
	/* numbers of another time are not ours */
	fixture_sql(w->db, "DELETE FROM outbox");
	fixture_sql(w->db,
		"UPDATE sentitems SET Status = 'SendingOK', InsertIntoDB = NOW() - INTERVAL 4 DAY");
	assert_int_equal(send_as(w, "n-1", long_shop).outcome, NOTICE_DONE);
	assert_int_equal(COUNT(w, "outbox"), 1);
}

static void *rival(void *arg)
{
	struct notice_result r = send_as(arg, "n-1", long_shop);

	assert_int_equal(r.outcome, NOTICE_DONE);
	db_thread_end();
	return NULL;
}

static void test_rivals(void **state)
{
	struct world *w = *state;
	pthread_t threads[8];

	for (size_t i = 0; i < ARRAY_LEN(threads); i++)
		assert_int_equal(pthread_create(&threads[i], NULL, rival, w), 0);
	for (size_t i = 0; i < ARRAY_LEN(threads); i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(COUNT(w, "outbox"), 1);
	assert_int_equal(COUNT(w, "outbox_multipart"), 1);
}

/* Tables as the package ships them know no transactions: a half-written message is never due, and
 * is written anew. */
static void test_half_written(void **state)
{
	struct world *w = *state;

	fixture_sql(w->db,
		"INSERT INTO outbox (CreatorID, DestinationNumber, SenderID, TextDecoded,"
		" SendingDateTime) VALUES ('n-1', '+8613800000001', 'm1', 'x', '2037-01-01')");
	assert_int_equal(send_as(w, "n-1", long_shop).outcome, NOTICE_DONE);
	assert_int_equal(COUNT(w, "outbox"), 1);
	assert_int_equal(
		COUNT(w, "outbox WHERE TextDecoded <> 'x' AND SendingDateTime <= NOW()"), 1);
}

static void assert_fate(
	const struct world *w, const char *ref, enum notice_fate fate, const char *code)
{
	struct notice_delivery d = ask(w, "n-1", ref);

	assert_int_equal(d.fate, fate);
	assert_string_equal(d.code, code);
}

#define AGE(minutes)                                                                               \
	"UPDATE outbox SET SendingTimeOut = SendingTimeOut - INTERVAL " minutes " MINUTE,"         \
	" InsertIntoDB = InsertIntoDB - INTERVAL " minutes " MINUTE"

static void test_waiting(void **state)
{
	struct world *w = *state;
	struct notice_result r;

	assert_fate(w, "", FATE_NEVER_SENT, "not_queued");
	assert_int_equal(send_as(w, "n-1", long_shop).outcome, NOTICE_DONE);
	assert_fate(w, "", FATE_WAITING, "queued");
	fixture_sql(w->db, AGE("6"));
	assert_fate(w, "", FATE_WAITING, "queued"); /* the modem is alive */
	fixture_sql(w->db, "UPDATE phones SET TimeOut = NOW() - INTERVAL 1 DAY");
	assert_fate(w, "", FATE_NEVER_SENT, "provider_down");
	assert_int_equal(COUNT(w, "outbox"), 0);
	assert_int_equal(COUNT(w, "outbox_multipart"), 0);
	/* where we know that it was queued, the same has failed */
	fixture_sql(w->db, "UPDATE phones SET TimeOut = NOW()");
	r = send_as(w, "n-1", long_shop);
	fixture_sql(w->db, AGE("61"));
	assert_fate(w, r.provider_ref, FATE_FAILED, "provider_down");
	assert_int_equal(COUNT(w, "outbox"), 0);
}

/* A daemon has it in its hands, or had it and lost its modem. */
static void test_begun(void **state)
{
	struct world *w = *state;

	assert_int_equal(send_as(w, "n-1", "A1").outcome, NOTICE_DONE);
	fixture_sql(w->db, "UPDATE phones SET TimeOut = NOW() - INTERVAL 1 DAY");
	fixture_sql(w->db, AGE("6"));
	fixture_sql(w->db, "UPDATE outbox SET SendingTimeOut = NOW() + INTERVAL 60 SECOND");
	assert_fate(w, "", FATE_WAITING, "queued");
	fixture_sql(
		w->db, "UPDATE outbox SET SendingTimeOut = NOW() - INTERVAL 1 SECOND, Retries = 1");
	fixture_sql(w->db,
		"INSERT INTO sentitems (ID, DestinationNumber, CreatorID, Text, UDH,"
		" TextDecoded, SenderID) SELECT ID, DestinationNumber, CreatorID, '', '',"
		" '', 'm1' FROM outbox");
	assert_fate(w, "", FATE_WAITING, "retrying"); /* a part of it is out */
	fixture_sql(w->db, "DELETE FROM sentitems");
	assert_fate(w, "", FATE_FAILED, "provider_down");
	assert_int_equal(COUNT(w, "outbox"), 0);
}

static void test_parts(void **state)
{
	static const struct {
		const char *first, *second;
		enum notice_fate fate;
		const char *code;
	} cases[] = {
		{ "SendingOK", "SendingOK", FATE_WAITING, "SendingOK" },
		{ "SendingOKNoReport", "SendingOKNoReport", FATE_WAITING, "SendingOKNoReport" },
		{ "DeliveryOK", "SendingOK", FATE_WAITING, "DeliveryOK" },
		{ "DeliveryOK", "DeliveryPending", FATE_WAITING, "DeliveryOK" },
		{ "DeliveryOK", "DeliveryOK", FATE_DELIVERED, "DeliveryOK" },
		{ "DeliveryOK", "DeliveryFailed", FATE_FAILED, "DeliveryFailed 70" },
		{ "SendingOK", "SendingError", FATE_FAILED, "SendingError" },
		{ "Error", "Error", FATE_FAILED, "Error" },
	};
	struct world *w = *state;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char sql[600];

		fixture_sql(w->db, "DELETE FROM sentitems");
		snprintf(sql, sizeof(sql),
			"INSERT INTO sentitems (ID, SequencePosition, DestinationNumber, "
			"CreatorID, Text,"
			" UDH, TextDecoded, SenderID, Status, StatusError) VALUES"
			" (7, 1, '+8613800000001', 'n-1', '', '', '', 'm1', '%s', -1),"
			" (7, 2, '+8613800000001', 'n-1', '', '', '', 'm1', '%s', 70)",
			cases[i].first, cases[i].second);
		fixture_sql(w->db, sql);
		assert_fate(w, "", cases[i].fate, cases[i].code);
		assert_fate(w, "7", cases[i].fate, cases[i].code);
		assert_fate(w, "8", FATE_NEVER_SENT, "not_queued");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_modems, each),
		cmocka_unit_test_setup(test_down, each),
		cmocka_unit_test_setup(test_no_tables, each),
		cmocka_unit_test_setup(test_once, each),
		cmocka_unit_test_setup(test_rivals, each),
		cmocka_unit_test_setup(test_half_written, each),
		cmocka_unit_test_setup(test_waiting, each),
		cmocka_unit_test_setup(test_begun, each),
		cmocka_unit_test_setup(test_parts, each),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
