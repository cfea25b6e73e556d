/* What each program may not do, asked of the server itself. */
#include "db_fixture.h"

#include <mysql.h>
#include <string.h>

static const char *const PROGRAMS[] = { "yufu_api", "yufu_poller", "yufu_worker" };

/* The server's error number for a statement as a user; 0 when it is allowed. */
static unsigned refusal(const char *user, const char *sql)
{
	struct db_settings s = fixture_settings(user);
	MYSQL *m = mysql_init(NULL);
	unsigned code;

	assert_non_null(m);
	if (!mysql_real_connect(m, "localhost", user, "", s.name, 0, s.socket, 0))
		fail_msg("%s cannot log in: %s", user, mysql_error(m));
	code = mysql_real_query(m, sql, strlen(sql)) == 0 ? 0 : mysql_errno(m);
	mysql_close(m);
	return code;
}

#define ER_TABLEACCESS_DENIED 1142
#define ER_COLUMNACCESS_DENIED 1143

static void assert_refused(const char *user, const char *sql)
{
	unsigned code = refusal(user, sql);

	if (code != ER_TABLEACCESS_DENIED && code != ER_COLUMNACCESS_DENIED)
		fail_msg("%s, answer %u: %s", user, code, sql);
}

static void nobody_changes_what_was_booked(void **state)
{
	static const char *const statements[] = {
		"UPDATE entry SET memo = 'x'",
		"DELETE FROM entry",
		"UPDATE posting SET amount_nano = 0",
		"DELETE FROM posting",
		"UPDATE audit SET actor = 'x'",
		"DELETE FROM audit",
		"UPDATE audit_chain SET sha256 = ''",
		"DELETE FROM audit_chain",
		"UPDATE alarm_event SET text = ''",
		"DELETE FROM alarm_event",
		"UPDATE settlement SET charge_nano = 0",
		"DELETE FROM settlement",
		"UPDATE pay_notify SET outcome = 'x'",
		"DELETE FROM pay_notify",
		"DELETE FROM account",
		"DELETE FROM pay_order",
		"DELETE FROM book_day",
		"UPDATE book_day SET prev_sha256 = ''",
		"UPDATE book_day SET day = '2026-01-01'",
		"UPDATE fee_charge SET amount_fen = 0",
		"DELETE FROM fee_charge",
		"DELETE FROM contract_fee",
		"UPDATE contract_fee SET monthly_fen = 0",
		"UPDATE share_run SET qty_milli = 0",
		"DELETE FROM share_part",
		"UPDATE share_line SET charge_nano = 0",
		"DELETE FROM share_line",
		"UPDATE reversal SET reason = ''",
		"DELETE FROM reversal",
		"DELETE FROM refund",
		"UPDATE refund SET amount_fen = 1",
		"UPDATE sale_line SET amount_fen = 1",
		"UPDATE sale SET total_fen = 1",
		"UPDATE attempt SET why = ''",
		"DELETE FROM attempt",
		"UPDATE contract_event SET steps = '[]'",
		"DELETE FROM contract_event",
		"UPDATE meter_change SET old_register_milli = 0",
		"DELETE FROM meter_change",
		"UPDATE typed_reading SET register_milli = 0",
		"DELETE FROM typed_reading",
		"DELETE FROM contract_point",
		"UPDATE bill_row SET amount_fen = 0",
		"DELETE FROM bill_row",
		"UPDATE bill_difference SET bill_fen = 0",
		"DELETE FROM bill_difference",
		"UPDATE service_payout SET amount_fen = 1",
		"DELETE FROM service_payout",
		"DELETE FROM reconciliation",
		"DROP TABLE entry",
		"ALTER TABLE posting ADD COLUMN x INT",
		"DELETE FROM usage_hour",
		"DELETE FROM reading_hour",
		"DELETE FROM reading",
		"UPDATE reading SET verdict = 'accepted'",
	};

	(void)state;
	for (size_t u = 0; u < ARRAY_LEN(PROGRAMS); u++)
		for (size_t i = 0; i < ARRAY_LEN(statements); i++)
			assert_refused(PROGRAMS[u], statements[i]);
}

static void the_poller_knows_nothing_of_people_and_books_nothing(void **state)
{
	(void)state;
	assert_refused("yufu_poller", "SELECT * FROM user");
	assert_refused("yufu_poller", "SELECT * FROM session");
	assert_refused("yufu_poller", "SELECT * FROM audit");
	assert_refused("yufu_poller",
		"INSERT INTO entry (kind, once_key, actor, book_day, created_at)"
		" VALUES ('sale', 'x', 'x', '2026-01-01', 1)");
	assert_refused("yufu_poller", "UPDATE pay_order SET state = 'paid'");
	assert_refused("yufu_poller", "UPDATE brake SET open_site = NULL");
	assert_refused("yufu_poller", "UPDATE tariff SET doc = ''");
	assert_refused("yufu_poller", "SELECT secret FROM webhook");
	assert_refused("yufu_poller", "SELECT payload FROM webhook_delivery");
	assert_refused("yufu_worker", "UPDATE webhook SET secret = ''");
	assert_refused("yufu_worker", "UPDATE webhook SET url = ''");
	assert_refused("yufu_api", "UPDATE webhook_delivery SET payload = ''");
	assert_refused("yufu_worker", "UPDATE webhook_delivery SET payload = ''");
	assert_refused("yufu_poller", "INSERT INTO book_day (site_id, day, closed_at, prev_sha256)"
				      " VALUES (1, '2026-01-01', 1, '')");
}

static void the_api_does_not_measure(void **state)
{
	(void)state;
	assert_refused("yufu_api", "INSERT INTO audit_chain VALUES (1, 1, '')");
	assert_refused("yufu_poller", "INSERT INTO audit_chain VALUES (1, 1, '')");
	assert_refused("yufu_api", "INSERT INTO reading VALUES (1, 1, 1, 1, 'accepted')");
	assert_refused("yufu_api", "UPDATE meter_state SET register_milli = 0");
	assert_refused("yufu_api", "TRUNCATE TABLE reading_packing");
	assert_refused("yufu_poller", "TRUNCATE TABLE reading_packing");
	assert_refused("yufu_poller", "INSERT INTO reading_hour VALUES (1, 1, 1, '')");
	assert_refused("yufu_poller", "ALTER TABLE reading TRUNCATE PARTITION slot0");
	assert_refused("yufu_api", "DELETE FROM settled");
	assert_refused("yufu_api", "UPDATE supply_act SET state = 'done'");
	assert_refused("yufu_api", "UPDATE meter_setting SET observed = 'off'");
	assert_refused("yufu_worker", "UPDATE meter_setting SET desired = ''");
	assert_refused("yufu_worker", "UPDATE meter_state SET register_milli = 0");
	assert_refused("yufu_worker", "UPDATE user SET password_hash = ''");
	assert_refused("yufu_api", "DELETE FROM usage_day");
	assert_refused("yufu_api", "UPDATE meter_ratio SET ct = 1");
	assert_refused("yufu_api", "UPDATE reading_decision SET action = 'accept'");
	assert_refused("yufu_api", "UPDATE tariff_revision SET doc = ''");
	assert_refused("yufu_api", "UPDATE wechat_token SET sealed = ''");
	assert_refused("yufu_worker", "DELETE FROM user_wechat");
	assert_refused("yufu_poller", "SELECT sealed FROM wechat_token");
	assert_refused("yufu_poller", "SELECT openid FROM user_wechat");
	assert_refused("yufu_worker", "UPDATE usage_day SET charge_nano = 0");
	assert_refused("yufu_worker", "UPDATE usage_hour SET charge_nano = 0");
}

/* The counterpart: the tests above would also pass if nobody could do anything. */
static void what_they_need_is_allowed(void **state)
{
	(void)state;
	assert_int_equal(refusal("yufu_api", "SELECT 1 FROM entry"), 0);
	assert_int_equal(refusal("yufu_api", "UPDATE account SET seen = seen + 1 WHERE id = 0"), 0);
	assert_int_equal(
		refusal("yufu_poller", "UPDATE bus_group SET seen = seen + 1 WHERE id = 0"), 0);
	assert_int_equal(
		refusal("yufu_poller", "UPDATE pay_order SET supply_restored_at = 1 WHERE id = 0"),
		0);
	assert_int_equal(refusal("yufu_worker", "SELECT 1 FROM outbox"), 0);
	assert_int_equal(refusal("yufu_api", "INSERT INTO audit (at, actor, action, object, detail)"
					     " VALUES (1, 'x', 'x.y', 'x', '{}')"),
		0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nobody_changes_what_was_booked),
		cmocka_unit_test(the_poller_knows_nothing_of_people_and_books_nothing),
		cmocka_unit_test(the_api_does_not_measure),
		cmocka_unit_test(what_they_need_is_allowed),
	};

	return cmocka_run_group_tests(tests, fixture_open, fixture_close);
}
