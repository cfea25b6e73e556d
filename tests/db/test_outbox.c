/* Messages from the outbox to the phone: by which way, how often, within which limits, and what is
 * said about them afterwards. */
#include "outbox_fixture.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "domain/duty.h"
#include "domain/outbox_view.h"
#include "domain/user.h"

static char text[600];

static void a_message_goes_by_the_first_way(void **state)
{
	struct sent_to zh = message_new("low1", 0, "zh"), en = message_new("low1", 0, "en");
	struct sent_to other = message_new("arrears", 0, "en");

	(void)state;
	work();
	assert_state(zh.id, "sent");
	assert_string_equal(row_text(zh.id, "way"), "aliyun_sms");
	assert_int_equal(inbox_of(zh.phone, "", text), 1);
	assert_string_equal(text, "【测试】A-1：电费余额还有 1.00 元，请留意充值。");
	assert_int_equal(inbox_of(en.phone, "", text), 1);
	assert_non_null(strstr(text, "Please recharge in time."));
	/* no English template: the Chinese */
	assert_int_equal(inbox_of(other.phone, "", text), 1);
	assert_non_null(strstr(text, "断供时间：即刻"));
	/* Sent once, and without a push its receipt is asked for. */
	work_for(30);
	assert_int_equal(inbox_of(zh.phone, "", text), 1);
	assert_state(zh.id, "sent");
	work_for(300);
	assert_state(zh.id, "delivered");
	assert_true(row_number(zh.id, "delivered_at") > 0);
	assert_string_equal(attempts_of(zh.id), "aliyun_sms:delivered");
}

static void refused_by_one_it_goes_by_the_next_at_once(void **state)
{
	struct sent_to m = message_new("low1", 0, "zh");

	(void)state;
	behave("sms", "refuse", 1, 0);
	work();
	work();
	assert_state(m.id, "sent");
	assert_string_equal(attempts_of(m.id), "aliyun_sms:refused tencent_sms:done");
	assert_int_equal(inbox_of(m.phone, "tencent", text), 1);
	assert_string_equal(text, "【测试】A-1：电费余额还有 1.00 元，请留意充值。");
	assert_int_equal(inbox_of(m.phone, "", text), 1);
	work_for(310);
	assert_state(m.id, "delivered");
	/* By nobody: it failed, and says why. */
	m = message_new("low1", 0, "zh");
	behave("sms", "refuse", 1, 0);
	behave("tencent", "refuse", 1, 0);
	work_for(10);
	assert_state(m.id, "failed");
	assert_string_equal(
		row_text(m.id, "error"), "FailedOperation.InsufficientBalanceInSmsPackage");
	assert_int_equal(inbox_of(m.phone, "", text), 0);
}

static void unknown_is_looked_up_before_it_is_repeated(void **state)
{
	struct sent_to m = message_new("low1", 0, "zh");

	(void)state;
	/* It was taken, and the connection broke: found there, not sent again. */
	behave("sms", "answer_hang_up", 1, 0);
	work();
	assert_state(m.id, "pending");
	assert_string_equal(attempts_of(m.id), "aliyun_sms:unknown");
	work_for(60);
	assert_state(m.id, "delivered");
	assert_int_equal(inbox_of(m.phone, "", text), 1);
	/* It was not: the service says so, and it is sent once. */
	m = message_new("low1", 0, "zh");
	behave("sms", "unsent_hang_up", 1, 0);
	work_for(60);
	assert_state(m.id, "sent");
	assert_string_equal(attempts_of(m.id), "aliyun_sms:never_sent aliyun_sms:done");
	assert_int_equal(inbox_of(m.phone, "", text), 1);
}

/* Tencent lists only what has been reported on: silence proves nothing. */
static void what_stays_unknown_is_repeated_once(void **state)
{
	struct sent_to m = message_new("low1", 0, "zh");

	(void)state;
	behave("sms", "refuse", 1, 0);
	work();
	behave("tencent", "unsent_hang_up", 1, 0);
	work();
	behave("tencent", "normal", -1, 0);
	assert_string_equal(attempts_of(m.id), "aliyun_sms:refused tencent_sms:unknown");
	work_for(900);
	assert_string_equal(
		attempts_of(m.id), "aliyun_sms:refused tencent_sms:unknown tencent_sms:delivered");
	assert_int_equal(inbox_of(m.phone, "", text), 1);
	/* Unknown for ever: two attempts, then a person decides. */
	m = message_new("low1", 0, "zh");
	behave("sms", "refuse", 1, 0);
	work();
	behave("tencent", "unsent_hang_up", 500, 0);
	work_for(3000);
	behave("tencent", "normal", -1, 0);
	assert_state(m.id, "unknown");
	assert_string_equal(
		attempts_of(m.id), "aliyun_sms:refused tencent_sms:unknown tencent_sms:unknown");
	assert_int_equal(inbox_of(m.phone, "", text), 0);
	work_for(120); /* a minute, and the way counts again */
}

static void failing_for_now_it_is_tried_again_then_goes_on(void **state)
{
	struct sent_to m = message_new("low1", 0, "zh");

	(void)state;
	behave("sms", "throttle", 2, 0);
	work();
	assert_state(m.id, "pending");
	work_for(60);
	assert_state(m.id, "sent");
	assert_string_equal(attempts_of(m.id), "aliyun_sms:retry aliyun_sms:retry aliyun_sms:done");
	m = message_new("low1", 0, "zh");
	behave("sms", "throttle", 100, 0);
	work_for(200);
	behave("sms", "normal", -1, 0);
	assert_int_equal(inbox_of(m.phone, "tencent", text), 1);
	assert_int_equal(inbox_of(m.phone, "", text), 1);
	work_for(400);
}

static void a_service_without_answers_is_left_out_for_a_minute(void **state)
{
	struct sent_to first[3], next;

	(void)state;
	for (size_t i = 0; i < 3; i++)
		first[i] = message_new("arrears", 0, "zh");
	behave("sms", "unsent_hang_up", 100, 0);
	work();
	next = message_new("arrears", 0, "zh");
	work();
	assert_int_equal(inbox_of(next.phone, "tencent", text), 1);
	assert_string_equal(attempts_of(next.id), "tencent_sms:done");
	behave("sms", "normal", -1, 0);
	work_for(120);
	/* What may have left by it did not go by another. */
	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(inbox_of(first[i].phone, "sms", text), 1);
		assert_int_equal(inbox_of(first[i].phone, "", text), 1);
	}
	next = message_new("arrears", 0, "zh");
	work();
	assert_int_equal(inbox_of(next.phone, "sms", text), 1);
}

static void budgets_are_kept(void **state)
{
	struct sent_to code = message_new("login_code", 0, "zh"), m;
	int64_t second, fourth;

	(void)state;
	work();
	assert_state(code.id, "sent");
	assert_string_equal(row_text(code.id, "params"), "{}");
	second = message_again(code.phone, "login_code");
	work();
	assert_state(second, "pending");
	assert_string_equal(row_text(second, "error"), "code_minute");
	work_for(70);
	assert_state(second, "sent");
	/* Three of a kind a day, here: the fourth waits until the first is a day old. */
	m = message_new("recharged", 0, "zh");
	message_again(m.phone, "recharged");
	message_again(m.phone, "recharged");
	fourth = message_again(m.phone, "recharged");
	work();
	assert_int_equal(inbox_of(m.phone, "", text), 3);
	assert_state(fourth, "pending");
	assert_string_equal(row_text(fourth, "error"), "kind_day");
	/* One that is good for less than that never leaves, and says why. */
	shop_set(root, "UPDATE outbox SET expires_at = %lld WHERE id = %lld",
		(long long)utc_now().ms + 5000, (long long)fourth);
	work_for(20);
	assert_state(fourth, "failed");
	assert_string_equal(row_text(fourth, "error"), "expired: kind_day");
	assert_int_equal(inbox_of(m.phone, "", text), 3);
}

static void a_code_that_is_too_old_is_not_sent(void **state)
{
	struct sent_to m = message_new("login_code", 0, "zh");

	(void)state;
	later(301);
	work();
	assert_state(m.id, "failed");
	assert_string_equal(row_text(m.id, "params"), "{}");
	assert_int_equal(inbox_of(m.phone, "", text), 0);
}

static int64_t tenant_of(const struct shop *s)
{
	return shop_number(
		root, "SELECT tenant_id AS v FROM contract WHERE id = %lld", s->contract);
}

/* Moves on to an hour of the clock in Shanghai. */
static void until_hour(int hour)
{
	int64_t second = (utc_now().ms / 1000 + 28800) % 86400;

	later((hour * 3600 + 86400 - second) % 86400 + 1);
}

static void warnings_wait_for_the_morning(void **state)
{
	struct shop s = shop_make(root, 1);
	struct sent_to low, arrears, code;
	int64_t expires, due;

	(void)state;
	until_hour(23);
	low = message_new("low1", tenant_of(&s), "zh");
	arrears = message_new("arrears", tenant_of(&s), "zh");
	code = message_new("login_code", tenant_of(&s), "zh");
	expires = row_number(low.id, "expires_at");
	work();
	assert_state(arrears.id, "sent");
	assert_state(code.id, "sent");
	assert_state(low.id, "pending");
	assert_string_equal(row_text(low.id, "error"), "quiet_hours");
	due = row_number(low.id, "next_at");
	assert_int_equal((due / 1000 + 28800) % 86400, 8 * 3600);
	assert_true(row_number(low.id, "expires_at") - expires >
		    8 * INT64_C(3600000)); /* good for as much longer */
	until_hour(7);
	work();
	assert_state(low.id, "pending");
	until_hour(8);
	work();
	work();
	assert_state(low.id, "sent");
	assert_int_equal(inbox_of(low.phone, "", text), 1);
	/* Equal hours: never quiet. */
	shop_set(root,
		"INSERT INTO setting (site_id, name, value) VALUES (%lld,"
		" 'notice_quiet_from_min', 480)",
		(long long)s.site);
	until_hour(23);
	low = message_new("low1", tenant_of(&s), "zh");
	work();
	assert_state(low.id, "sent");
}

static bool receive(int64_t id, const char *phone, bool delivered, const char *ref)
{
	char out_id[OUT_ID_MAX];
	bool moved = false;

	assert_int_equal(outbox_receive(worker_db,
				 &(struct outbox_receipt){ .way = "aliyun_sms",
					 .out_id = outbox_out_id(id, out_id),
					 .provider_ref = ref,
					 .phone = phone,
					 .delivered = delivered,
					 .code = "X" },
				 utc_now(), &moved),
		ERR_OK);
	return moved;
}

static void receipts_move_what_was_sent_once(void **state)
{
	struct sent_to m = message_new("low1", 0, "zh"), waiting;

	(void)state;
	assert_false(receive(m.id, m.phone, true, "")); /* not sent yet */
	work();
	assert_false(receive(m.id, "13000000000", true, "")); /* another's phone */
	assert_false(receive(999999, m.phone, true, ""));
	assert_state(m.id, "sent");
	assert_true(receive(m.id, m.phone, true, ""));
	assert_false(receive(m.id, m.phone, true, ""));
	assert_false(receive(m.id, m.phone, false, ""));
	assert_state(m.id, "delivered");
	/* What is unknown is not settled by a hint. */
	waiting = message_new("low1", 0, "zh");
	behave("sms", "unsent_hang_up", 1, 0);
	work();
	assert_false(receive(waiting.id, waiting.phone, true, ""));
	work_for(60);
	assert_state(waiting.id, "sent");
}

static void undelivered_arrears_go_by_the_next_way_once(void **state)
{
	struct sent_to m = message_new("arrears", 0, "zh"), low = message_new("low1", 0, "zh");

	(void)state;
	work();
	assert_true(receive(m.id, m.phone, false, ""));
	assert_true(receive(low.id, low.phone, false, ""));
	work();
	work();
	assert_state(low.id, "undelivered");
	assert_string_equal(attempts_of(m.id), "aliyun_sms:undelivered tencent_sms:done");
	assert_int_equal(inbox_of(m.phone, "tencent", text), 1);
	behave("tencent", "normal", -1, 0);
	work_for(310);
	assert_state(m.id, "delivered");
}

static void a_sender_that_dies_leaves_it_unknown(void **state)
{
	struct sent_to m = message_new("low1", 0, "zh");
	AUTO(rows_free) struct rows rows = { 0 };
	struct utc wait;
	const char *which;
	int64_t try_id;

	(void)state;
	assert_int_equal(outbox_hand(worker_db, m.id, "aliyun_sms"), ERR_OK);
	assert_int_equal(
		outbox_claim(worker_db, "dead", "aliyun_sms", utc_now(), 10, &rows), ERR_OK);
	assert_int_equal(rows.n, 1);
	assert_int_equal(outbox_begin(worker_db, rows.at, "aliyun_sms", NULL, utc_now(), &try_id,
				 &wait, &which),
		ERR_OK);
	work();
	assert_state(m.id, "sending");
	later(61);
	work_for(10);
	assert_string_equal(attempts_of(m.id), "aliyun_sms:never_sent aliyun_sms:done");
	assert_int_equal(inbox_of(m.phone, "", text), 1);
}

static void a_person_may_send_it_once_more(void **state)
{
	struct sent_to m = message_new("low1", 0, "zh"), code = message_new("login_code", 0, "zh");
	struct list_ask ask = list_ask_of(&outbox_listing, "id", true, 200);
	const struct arg any = arg_i64(0);
	struct list_place next;
	AUTO(rows_free) struct rows rows = { 0 }, attempts = { 0 };
	struct db *api = fixture_as("yufu_api");
	struct outbox_again again = {
		.id = m.id, .actor = "user:1", .address = "", .now = utc_now()
	};
	char masked[PHONE_MASKED_MAX];

	(void)state;
	assert_int_equal(outbox_retry(api, &again, NULL), ERR_CONFLICT); /* it is on its way */
	behave("sms", "refuse", 2, 0);
	behave("tencent", "refuse", 2, 0);
	work_for(10);
	assert_state(m.id, "failed");
	assert_int_equal(outbox_retry(api, &again, NULL), ERR_OK);
	work();
	assert_state(m.id, "sent");
	assert_int_equal(inbox_of(m.phone, "", text), 1);
	again.id = code.id;
	assert_int_equal(outbox_retry(api, &again, NULL), ERR_CONFLICT);
	again.id = 999999;
	assert_int_equal(outbox_retry(api, &again, NULL), ERR_NOT_FOUND);
	list_ask_filter(&ask, &outbox_listing, "state", arg_text("sent"));
	list_ask_filter(&ask, &outbox_listing, "kind", arg_text("low1"));
	assert_int_equal(
		db_page(api, &outbox_listing, &ask, ARGS(any, any, any, any), &rows, &next),
		ERR_OK);
	assert_int_equal(outbox_attempts(api, &rows, &attempts), ERR_OK);
	assert_true(rows.n > 0 && attempts.n >= 3);
	assert_string_equal(phone_masked("13800000001", masked), "138****0001");
	assert_string_equal(phone_masked("1380", masked), "****");
	db_free(&api);
}

/* By both, where a tenant wants that: one row each; a channel that is not there ends its row. */
static void split_in_two_each_goes_its_way(void **state)
{
	struct sent_to m = message_new("low1", 0, "zh");
	int64_t copy;

	(void)state;
	assert_int_equal(outbox_split(worker_db, m.id, utc_now()), ERR_OK);
	assert_int_equal(outbox_split(worker_db, m.id, utc_now()), ERR_OK);
	assert_string_equal(row_text(m.id, "medium"), "sms");
	copy = shop_number(root,
		"SELECT c.id AS v FROM outbox c JOIN outbox o ON c.once_key = CONCAT(o.once_key,"
		" ':wechat') AND c.medium = 'wechat' WHERE o.id = %lld",
		m.id);
	work();
	assert_state(m.id, "sent");
	assert_state(copy, "failed");
	assert_string_equal(row_text(copy, "error"), "no_way");
	assert_int_equal(inbox_of(m.phone, "", text), 1);
}

/* Both at once, each with several threads: every phone has its message once. */
static void *sender(void *name)
{
	struct db *db = fixture_as("yufu_worker");
	struct tools t = {
		.db = db, .notice = notice, .name = "many", .job = name, .site_base = ""
	};

	enum err e = ERR_OK;

	for (int i = 0; e == ERR_OK && i < 40; i++)
		e = str_eq(name, "outbox") ? job_outbox(&t, utc_now()) : job_send(&t, utc_now());
	if (e != ERR_OK)
		print_error("%s: %s\n", (const char *)name, err_word(e));
	db_free(&db);
	db_thread_end();
	return e == ERR_OK ? NULL : name;
}

static void many_workers_send_each_once(void **state)
{
	static const char *const jobs_of[] = { "outbox", "outbox", "send:aliyun_sms",
		"send:aliyun_sms", "send:aliyun_sms", "send:tencent_sms" };
	pthread_t threads[ARRAY_LEN(jobs_of)];
	struct sent_to m[60];
	const char *failed = NULL;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(m); i++)
		m[i] = message_new("low1", 0, "zh");
	for (size_t i = 0; i < ARRAY_LEN(threads); i++)
		assert_int_equal(
			pthread_create(&threads[i], NULL, sender, (void *)(uintptr_t)jobs_of[i]),
			0);
	/* None may outlive the test: the fixture goes with it. */
	for (size_t i = 0; i < ARRAY_LEN(threads); i++) {
		void *one = NULL;

		pthread_join(threads[i], &one);
		failed = one ? one : failed;
	}
	assert_null(failed);
	work();
	for (size_t i = 0; i < ARRAY_LEN(m); i++)
		assert_int_equal(inbox_of(m[i].phone, "", text), 1);
}

/* A service that hangs: what goes by the other does not wait for it. */
static void wait_until_sending(int64_t id)
{
	static const struct query q = { "SELECT id FROM outbox WHERE id = ? AND state = 'sending'",
		&id_shape };
	int64_t stop = mono_ms() + 20000;
	struct id_row row;

	while (db_one(root, &q, ARGS(arg_i64(id)), &row) != ERR_OK) {
		assert_true(mono_ms() < stop);
		mono_sleep_until(mono_ms() + 20);
	}
}

static void a_hung_service_delays_no_other(void **state)
{
	struct sent_to slow, quick;
	pthread_t thread;
	void *failed = NULL;

	(void)state;
	slow = message_new("alarm", 0, "zh"); /* Tencent has no template for it */
	shop_set(root,
		"UPDATE outbox SET params = '{\"object\":\"G1\",\"what\":\"网关无应答\"}'"
		" WHERE id = %lld",
		(long long)slow.id);
	work_for(0);
	assert_state(slow.id, "sent");
	behave("sms", "answer_slow", 20, 30);
	quick = message_new("low1", 0, "zh");
	shop_set(
		root, "UPDATE outbox SET way = 'tencent_sms' WHERE id = %lld", (long long)quick.id);
	shop_set(root,
		"INSERT INTO outbox_try (outbox_id, way, phone, kind, at, outcome) VALUES (%lld,"
		" 'aliyun_sms', '', 'low1', 1, 'refused')",
		(long long)quick.id);
	slow = message_new("low1", 0, "zh");
	shop_set(root, "UPDATE outbox SET way = 'aliyun_sms' WHERE id = %lld", (long long)slow.id);
	assert_int_equal(
		pthread_create(&thread, NULL, sender, (void *)(uintptr_t) "send:aliyun_sms"), 0);
	wait_until_sending(slow.id);
	{
		struct tools t = { .db = worker_db,
			.notice = notice,
			.name = "quick",
			.job = "send:tencent_sms",
			.site_base = "" };

		assert_int_equal(job_send(&t, utc_now()), ERR_OK);
		assert_state(quick.id, "sent");
		assert_state(slow.id, "sending"); /* it hangs still */
	}
	pthread_join(thread, &failed);
	assert_null(failed);
	behave("sms", "normal", -1, 0);
	work_for(200);
	assert_int_equal(inbox_of(slow.phone, "", text), 1);
}

/* ---- staff ---- */

static int64_t alarm_new(int64_t site, const char *severity)
{
	static int64_t n;

	shop_set(root,
		"INSERT INTO alarm (kind, severity, object_kind, object_id, object_code, text,"
		" raised_at, open_key) VALUES ('mass_trip', '%s', 'site', %lld, 'S1', 'x', 1, "
		"'k%lld')",
		severity, (long long)site, (long long)++n);
	return shop_number(root, "SELECT LAST_INSERT_ID() AS v", 0);
}

static int64_t told(const char *phone)
{
	char sql[200];

	snprintf(sql, sizeof(sql),
		"SELECT COUNT(*) AS v FROM outbox WHERE template = 'alarm' AND recipient = '%s'",
		phone);
	return shop_number(root, sql, 0);
}

static void urgent_alarms_reach_who_is_on_duty(void **state)
{
	struct shop s = shop_make(root, 2), other = shop_make(root, 3);
	struct duty list[] = {
		{ .phone = "13700000001", .weekdays = "1234567", .language = "zh" },
		{ .phone = "13700000002",
			.weekdays = "1234567",
			.kinds = "paid_dark;gateway_silent",
			.language = "zh" },
		{ .phone = "13700000003",
			.weekdays = "1234567",
			.from_min = 480,
			.to_min = 1200,
			.language = "en" },
	};
	struct duty_change c = { .site_id = s.site,
		.list = list,
		.n = 3,
		.actor = "user:1",
		.address = "",
		.now = utc_now() };
	struct db *api = fixture_as("yufu_api");
	struct problem why = { 0 };

	(void)state;
	until_hour(22);
	assert_int_equal(duty_put(api, &c, &why), ERR_OK);
	alarm_new(s.site, "urgent");
	alarm_new(s.site, "warn");
	alarm_new(other.site, "urgent");
	for (int i = 0; i < 3; i++)
		assert_int_equal(duty_tell(worker_db, utc_now()), ERR_OK);
	assert_int_equal(told("13700000001"), 1);
	assert_int_equal(told("13700000002"), 0); /* other kinds */
	assert_int_equal(told("13700000003"), 0); /* not at night */
	work();
	assert_int_equal(inbox_of("13700000001", "", text), 1);
	assert_string_equal(text, "【测试】告警：S1 批量断供已刹车，请处理。");
	shop_set(root, "UPDATE alarm SET acked_at = 1"); /* nobody is told of it again */
	/* Nobody on duty: it waits for who comes. */
	c.list = &list[2];
	c.n = 1;
	assert_int_equal(duty_put(api, &c, &why), ERR_OK);
	alarm_new(s.site, "urgent");
	assert_int_equal(duty_tell(worker_db, utc_now()), ERR_OK);
	assert_int_equal(told("13700000003"), 0);
	until_hour(9);
	assert_int_equal(duty_tell(worker_db, utc_now()), ERR_OK);
	assert_int_equal(duty_tell(worker_db, utc_now()), ERR_OK);
	assert_int_equal(told("13700000003"), 1);
	/* A list with a mistake changes nothing, and says where. */
	list[0].phone[0] = '2';
	c.list = list;
	c.n = 2;
	assert_int_equal(duty_put(api, &c, &why), ERR_BAD_VALUE);
	assert_string_equal(why.field, "items[0].phone");
	assert_int_equal(
		shop_number(root, "SELECT COUNT(*) AS v FROM duty WHERE site_id = %lld", s.site),
		1);
	db_free(&api);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_hung_service_delays_no_other), /* before the clock is moved */
		cmocka_unit_test(a_message_goes_by_the_first_way),
		cmocka_unit_test(refused_by_one_it_goes_by_the_next_at_once),
		cmocka_unit_test(unknown_is_looked_up_before_it_is_repeated),
		cmocka_unit_test(what_stays_unknown_is_repeated_once),
		cmocka_unit_test(failing_for_now_it_is_tried_again_then_goes_on),
		cmocka_unit_test(a_service_without_answers_is_left_out_for_a_minute),
		cmocka_unit_test(budgets_are_kept),
		cmocka_unit_test(a_code_that_is_too_old_is_not_sent),
		cmocka_unit_test(warnings_wait_for_the_morning),
		cmocka_unit_test(receipts_move_what_was_sent_once),
		cmocka_unit_test(undelivered_arrears_go_by_the_next_way_once),
		cmocka_unit_test(a_sender_that_dies_leaves_it_unknown),
		cmocka_unit_test(a_person_may_send_it_once_more),
		cmocka_unit_test(split_in_two_each_goes_its_way),
		cmocka_unit_test(many_workers_send_each_once),
		cmocka_unit_test(urgent_alarms_reach_who_is_on_duty),
	};

	return cmocka_run_group_tests(tests, messages_open, messages_close);
}
