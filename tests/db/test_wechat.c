/* Messages through WeChat against the stand-in over real sockets, with the database users' own
 * rights: one access token for all, kept sealed; who can be reached; bindings. */
#include "db_fixture.h"

#include <dirent.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "domain/wechat.h"
#include "notice/channel.h"
#include "notice/wechat_people.h"
#include "notice/wechat_sender.h"
#include "sim/svc.h"
#include "sim/svc_mp.h"
#include "web/web.h"

#define OA "wx8888888888888888"
#define MINI "wx7777777777777777"
#define THREADS 12

static char dir[64], base[64];
static struct http *http;
static struct svc *svc;
static struct conf *conf;
static struct notice *notice;
static struct db *api, *worker;

/* ---- the platform and its stand-in ---- */

static void write_settings(const char *path)
{
	struct db_settings s = fixture_settings("yufu_worker");
	int kept = dup(STDOUT_FILENO);

	fflush(stdout);
	assert_non_null(freopen(path, "we", stdout));
	svc_print_settings(dir, base, base);
	printf("[database]\nsocket=%s\nuser=%s\nname=%s\n", s.socket, s.user, s.name);
	fflush(stdout);
	assert_true(dup2(kept, STDOUT_FILENO) >= 0);
	close(kept);
}

/* A port that is free now: the stand-in tells events to an address that it must know before. */
static void choose_port(void)
{
	struct http *h = NULL;

	assert_int_equal(http_open("127.0.0.1:0", &h, NULL), ERR_OK);
	assert_int_equal(http_start(h, NULL), ERR_OK);
	snprintf(base, sizeof(base), "http://127.0.0.1:%u", http_port(h));
	http_stop(&h);
}

static int open_all(void **state)
{
	struct problem why = { 0 };
	char path[128];

	if (fixture_open(state) != 0)
		return -1;
	(void)!str_copy(dir, sizeof(dir), "/tmp/yufu-wechat.XXXXXX");
	assert_non_null(mkdtemp(dir));
	assert_int_equal(svc_make_keys(dir, NULL), ERR_OK);
	choose_port();
	snprintf(path, sizeof(path), "%s/conf", dir);
	write_settings(path);
	assert_int_equal(conf_open(path, &conf, &why), ERR_OK);
	assert_int_equal(http_open(base + strlen("http://"), &http, &why), ERR_OK);
	if (svc_start(conf, http, &svc, &why) != ERR_OK)
		fail_msg("%s: %s", why.field, why.text);
	assert_int_equal(http_start(http, &why), ERR_OK);
	notice_load(conf, &notice);
	api = fixture_as("yufu_api");
	worker = fixture_as("yufu_worker");
	fixture_sql(*state, "INSERT INTO user (id, username, kind) VALUES (7, '13800000007',"
			    " 'tenant'), (8, '13800000008', 'tenant'), (9, 'boss', 'staff')");
	return 0;
}

static void remove_dir(void)
{
	DIR *d = opendir(dir);
	struct dirent *e;
	char path[400];

	while (d && (e = readdir(d))) {
		snprintf(path, sizeof(path), "%s/%s", dir, e->d_name);
		if (e->d_name[0] != '.')
			unlink(path);
	}
	if (d)
		closedir(d);
	rmdir(dir);
}

static int close_all(void **state)
{
	notice_free(&notice);
	http_stop(&http);
	svc_stop(&svc);
	conf_free(&conf);
	db_free(&api);
	db_free(&worker);
	remove_dir();
	return fixture_close(state);
}

/* ---- the stand-in, as a test talks to it ---- */

static json_t *ask(const char *method, const char *path, const char *body)
{
	AUTO(web_answer_free) struct web_answer a = { 0 };
	char url[256];
	json_t *j = NULL;

	snprintf(url, sizeof(url), "%s%s", base, path);
	assert_int_equal(web_call(&(struct web_request){ .method = method,
					  .url = url,
					  .headers = { "Content-Type: application/json" },
					  .body = body,
					  .body_len = body ? strlen(body) : 0,
					  .deadline_ms = mono_ms() + 10000 },
				 &a, NULL),
		ERR_OK);
	assert_int_equal(a.status, 200);
	assert_int_equal(json_parse(a.body.text, a.body.len, &j, NULL), ERR_OK);
	return j;
}

static void command(const char *body)
{
	AUTO(json_free) json_t *j = ask("POST", "/sim/wechat", body);
}

static int64_t asked(const char *app, const char *what)
{
	AUTO(json_free) json_t *j = ask("GET", "/sim/wechat", NULL);

	return json_integer_value(json_object_get(json_object_get(j, app), what));
}

static void person(enum mp_kind kind, int n, char openid[static MP_OPENID_MAX])
{
	mp_openid(&(struct mp_app){ .app_id = kind == MP_OA ? OA : MINI }, n, openid);
}

static size_t messages_of(const char *openid)
{
	AUTO(json_free) json_t *j = ask("GET", "/sandbox/wechat-messages.json", NULL);
	const json_t *m;
	size_t i, n = 0;

	json_array_foreach(json_object_get(j, "items"), i, m) n +=
		str_eq(json_string_value(json_object_get(m, "openid")), openid);
	return n;
}

/* ---- sending ---- */

static struct notice_result send_as(const struct notice *n, const char *channel, const char *openid,
	const char *kind, const char *out_id)
{
	AUTO(json_free)
	json_t *params = json_pack("{s:s, s:s, s:s, s:s, s:s}", "shop", "A-105", "purse", "电费",
		"balance", "-3.18", "amount", "50.00", "time", "即刻");
	struct notice_result r = { .outcome = NOTICE_UNKNOWN };

	notice_channel_find(channel)->send(n,
		&(struct notice_message){ .recipient = openid,
			.kind = kind,
			.language = "zh",
			.params = params,
			.out_id = out_id,
			.url = "https://pay.example/recharge" },
		utc_now(), mono_ms() + 5000, &r);
	return r;
}

static void test_every_kind_arrives(void **state)
{
	static const char *const kinds[] = { "low1", "low2", "arrears", "recharged" };
	char openid[MP_OPENID_MAX];

	(void)state;
	person(MP_OA, 1, openid);
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		struct notice_result r = send_as(notice, "wechat_oa", openid, kinds[i], "");

		assert_int_equal(r.outcome, NOTICE_DONE);
		assert_true(strlen(r.provider_ref) == 19); /* 64 bits, as text */
	}
	assert_int_equal(messages_of(openid), ARRAY_LEN(kinds));
	assert_string_equal(
		send_as(notice, "wechat_oa", openid, "overload", "").code, "not_configured");
	assert_string_equal(send_as(notice, "wechat_oa", "a b", "low1", "").code, "bad_openid");
}

/* The same number of ours twice within ten minutes is one message. */
static void test_once(void **state)
{
	struct notice_result a, b;
	char openid[MP_OPENID_MAX];

	(void)state;
	person(MP_OA, 2, openid);
	a = send_as(notice, "wechat_oa", openid, "low1", "yufu-1");
	b = send_as(notice, "wechat_oa", openid, "low1", "yufu-1");
	assert_string_equal(a.provider_ref, b.provider_ref);
	assert_int_equal(messages_of(openid), 1);
}

static void test_codes(void **state)
{
	static const struct {
		int code;
		bool retry, next_day, unreachable;
	} cases[] = {
		{ -1, true, false, false },
		{ 45011, true, false, false },
		{ 45009, false, true, false },
		{ 43004, false, false, true },
		{ 40003, false, false, true },
		{ 43101, false, false, true },
		{ 47003, false, false, false },
		{ 48001, false, false, false },
		{ 40164, false, false, false },
		{ 40037, false, false, false },
		{ 12345, false, false, false },
	};
	char openid[MP_OPENID_MAX], body[80], word[16];

	(void)state;
	person(MP_OA, 3, openid);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct notice_result r;

		snprintf(body, sizeof(body), "{\"errcode\": %d}", cases[i].code);
		command(body);
		r = send_as(notice, "wechat_oa", openid, "low1", "");
		snprintf(word, sizeof(word), "%d", cases[i].code);
		assert_int_equal(r.outcome, NOTICE_REFUSED);
		assert_string_equal(r.code, word);
		assert_int_equal(r.retry, cases[i].retry);
		assert_int_equal(r.next_day, cases[i].next_day);
		assert_int_equal(r.unreachable, cases[i].unreachable);
	}
	assert_int_equal(messages_of(openid), 0);
}

static void test_broken_answers(void **state)
{
	struct notice_result r;
	char openid[MP_OPENID_MAX];

	(void)state;
	person(MP_OA, 4, openid);
	{
		AUTO(json_free)
		json_t *j = ask("POST", "/sim/services",
			"{\"service\": \"mp\", \"mode\": \"answer_500\", \"count\": 1}");
	}
	r = send_as(notice, "wechat_oa", openid, "low1", "");
	assert_int_equal(r.outcome, NOTICE_UNKNOWN);
	{
		AUTO(json_free)
		json_t *j = ask("POST", "/sim/services",
			"{\"service\": \"mp\", \"mode\": \"answer_hang_up\", \"count\": 1}");
	}
	r = send_as(notice, "wechat_oa", openid, "low1", "yufu-9");
	assert_int_equal(r.outcome, NOTICE_UNKNOWN);
	/* it had arrived; said again with the same number it does not arrive twice */
	assert_int_equal(
		send_as(notice, "wechat_oa", openid, "low1", "yufu-9").outcome, NOTICE_DONE);
	assert_int_equal(messages_of(openid), 1);
}

/* ---- the access token ---- */

static void *send_in_thread(void *arg)
{
	char openid[MP_OPENID_MAX];
	struct notice_result r;

	person(MP_OA, 5, openid);
	r = send_as(arg, "wechat_oa", openid, "low1", "");
	db_thread_end();
	return (void *)(uintptr_t)(r.outcome == NOTICE_DONE);
}

/* Several processes, several threads each, nobody has a token: one asks for it. */
static void test_one_refresh(void **state)
{
	struct notice *n[THREADS / 4];
	pthread_t threads[THREADS];
	int64_t before;
	void *ok;

	fixture_sql(*state, "DELETE FROM wechat_token");
	before = asked("mp", "token_asked");
	for (size_t i = 0; i < ARRAY_LEN(n); i++)
		notice_load(conf, &n[i]);
	for (size_t i = 0; i < THREADS; i++)
		assert_int_equal(
			pthread_create(&threads[i], NULL, send_in_thread, n[i % ARRAY_LEN(n)]), 0);
	for (size_t i = 0; i < THREADS; i++) {
		pthread_join(threads[i], &ok);
		assert_non_null(ok);
	}
	for (size_t i = 0; i < ARRAY_LEN(n); i++)
		notice_free(&n[i]);
	assert_int_equal(asked("mp", "token_asked"), before + 1);
}

/* WeChat knows the token no more: got anew once, and the message goes. */
static void test_killed_token(void **state)
{
	char openid[MP_OPENID_MAX];
	int64_t before;

	(void)state;
	person(MP_OA, 5, openid);
	assert_int_equal(send_as(notice, "wechat_oa", openid, "low1", "").outcome, NOTICE_DONE);
	before = asked("mp", "token_asked");
	command("{\"kill_token\": true}");
	assert_int_equal(send_as(notice, "wechat_oa", openid, "low1", "").outcome, NOTICE_DONE);
	assert_int_equal(asked("mp", "token_asked"), before + 1);
	/* turned down again and again: asked once each time, never forced */
	command("{\"errcode\": 40001, \"count\": 2}");
	assert_string_equal(send_as(notice, "wechat_oa", openid, "low1", "").code, "40001");
	assert_int_equal(asked("mp", "token_asked"), before + 2);
}

/* In the last five minutes of a token the next one is handed out, and both count. */
static void test_next_token(void **state)
{
	AUTO(notice_free) struct notice *other = NULL;
	char openid[MP_OPENID_MAX];
	int64_t made;

	person(MP_OA, 5, openid);
	notice_load(conf, &other);
	assert_int_equal(send_as(other, "wechat_oa", openid, "low1", "").outcome, NOTICE_DONE);
	made = asked("mp", "token_made");
	command("{\"age_token_s\": 7000}");
	fixture_sql(*state, "UPDATE wechat_token SET renew_at = 1");
	{
		AUTO(notice_free) struct notice *fresh = NULL;

		notice_load(conf, &fresh);
		assert_int_equal(
			send_as(fresh, "wechat_oa", openid, "low1", "").outcome, NOTICE_DONE);
	}
	assert_int_equal(asked("mp", "token_made"), made + 1);
	/* who still holds the old one needs no other */
	assert_int_equal(send_as(other, "wechat_oa", openid, "low1", "").outcome, NOTICE_DONE);
}

struct text_row {
	char v[2001];
};
SHAPE(text_shape, struct text_row, FIELD(struct text_row, v));

static void test_token_at_rest(void **state)
{
	static const struct query q = { "SELECT sealed AS v FROM wechat_token WHERE app_id = ?",
		&text_shape };
	AUTO(buf_free) struct buf token = { 0 };
	struct db_settings s = fixture_settings("yufu_worker");
	struct wechat_app *app = NULL;
	struct wechat_sender *sender;
	struct text_row row;
	int64_t before;

	assert_int_equal(wechat_app_load(conf, WECHAT_OA, &app, NULL), ERR_OK);
	sender = wechat_sender_open(app, &s);
	assert_int_equal(
		wechat_token_get(sender, NULL, utc_now(), mono_ms() + 5000, &token, NULL), ERR_OK);
	assert_int_equal(db_one(*state, &q, ARGS(arg_text(OA)), &row), ERR_OK);
	assert_true(strlen(row.v) > token.len);
	assert_null(strstr(row.v, token.text));
	wechat_sender_free(&sender);
	/* another secret cannot open it: it asks, and is told that the secret is wrong */
	before = asked("mp", "token_asked");
	app->secret[0] = app->secret[0] == 'a' ? 'b' : 'a';
	sender = wechat_sender_open(app, &s);
	assert_int_equal(wechat_token_get(sender, NULL, utc_now(), mono_ms() + 2000, &token, NULL),
		ERR_REFUSED);
	assert_int_equal(asked("mp", "token_asked"), before);
	wechat_sender_free(&sender);
	wechat_app_free(&app);
}

/* ---- permissions ---- */

static struct wechat_left left_of(int64_t user_id, const char *template_id)
{
	AUTO(rows_free) struct rows rows = { 0 };
	const struct wechat_left *l;

	assert_int_equal(wechat_left_list(api, user_id, &rows), ERR_OK);
	l = rows.at;
	for (size_t i = 0; i < rows.n; i++)
		if (str_eq(l[i].template_id, template_id))
			return l[i];
	return (struct wechat_left){ .remaining = -1 };
}

static const struct audit who = { .actor = "user:7", .address = "192.0.2.7" };

static void test_permissions(void **state)
{
	char openid[MP_OPENID_MAX], found[WECHAT_OPENID_BYTES], body[200];
	struct wechat_who w = { MINI, openid };

	(void)state;
	person(MP_MINI, 1, openid);
	assert_int_equal(wechat_bind(api, &who, 7, MINI, openid, utc_now(), NULL), ERR_OK);
	assert_int_equal(
		wechat_reach(worker, "13800000007", MINI, "MINI_BALANCE", true, utc_now(), found),
		ERR_NOT_FOUND);
	/* two accepts, two messages, no third */
	snprintf(body, sizeof(body),
		"{\"app\": \"mini\", \"openid\": \"%s\", \"allow\": \"MINI_BALANCE\"}", openid);
	for (int i = 0; i < 2; i++) {
		command(body);
		assert_int_equal(wechat_permission_add(api, w, "MINI_BALANCE", utc_now()), ERR_OK);
	}
	assert_int_equal(
		wechat_reach(worker, "13800000007", MINI, "MINI_BALANCE", true, utc_now(), found),
		ERR_OK);
	assert_string_equal(found, openid);
	assert_int_equal(send_as(notice, "wechat_mini", openid, "low1", "").outcome, NOTICE_DONE);
	assert_int_equal(left_of(7, "MINI_BALANCE").remaining, 1);
	assert_int_equal(send_as(notice, "wechat_mini", openid, "low1", "").outcome, NOTICE_DONE);
	assert_int_equal(left_of(7, "MINI_BALANCE").remaining, 0);
	/* counted too many: the refusal corrects it */
	assert_int_equal(wechat_permission_add(api, w, "MINI_BALANCE", utc_now()), ERR_OK);
	assert_true(send_as(notice, "wechat_mini", openid, "low1", "").unreachable);
	assert_int_equal(left_of(7, "MINI_BALANCE").remaining, 0);
	assert_int_equal(
		wechat_reach(worker, "13800000007", MINI, "MINI_BALANCE", true, utc_now(), found),
		ERR_NOT_FOUND);
	assert_int_equal(messages_of(openid), 2);
}

/* ---- bindings ---- */

static void test_bindings(void **state)
{
	AUTO(rows_free) struct rows rows = { 0 };
	struct problem why = { 0 };
	struct utc now = utc_now(), day = { now.ms + 24 * 3600 * 1000 };
	char found[WECHAT_OPENID_BYTES];
	struct wechat_who w = { OA, "oSEVEN" };
	struct user u;

	assert_int_equal(wechat_user(api, OA, "oSEVEN", &u), ERR_NOT_FOUND);
	assert_int_equal(wechat_bind(api, &who, 7, OA, "oSEVEN", now, &why), ERR_OK);
	assert_int_equal(wechat_bind(api, &who, 7, OA, "oSEVEN", now, &why), ERR_OK);
	assert_int_equal(wechat_bind(api, &who, 8, OA, "oSEVEN", now, &why), ERR_CONFLICT);
	assert_string_equal(why.field, "openid");
	assert_int_equal(wechat_bind(api, &who, 7, OA, "oOTHER", now, &why), ERR_CONFLICT);
	assert_string_equal(why.field, "user");
	assert_int_equal(wechat_user(api, OA, "oSEVEN", &u), ERR_OK);
	assert_int_equal(u.id, 7);
	assert_int_equal(wechat_user(api, MINI, "oSEVEN", &u), ERR_NOT_FOUND);
	/* openids are other openids by case */
	assert_int_equal(wechat_user(api, OA, "oseven", &u), ERR_NOT_FOUND);

	assert_int_equal(wechat_reach(worker, "13800000007", OA, "", false, now, found), ERR_OK);
	assert_string_equal(found, "oSEVEN");
	assert_int_equal(wechat_person_reach(api, w, "unfollowed", now), ERR_OK);
	assert_int_equal(
		wechat_reach(worker, "13800000007", OA, "", false, day, found), ERR_NOT_FOUND);
	assert_int_equal(wechat_person_reach(worker, w, "refused", now), ERR_OK);
	assert_int_equal(
		wechat_reach(worker, "13800000007", OA, "", false, now, found), ERR_NOT_FOUND);
	assert_int_equal(wechat_reach(worker, "13800000007", OA, "", false, day, found), ERR_OK);
	assert_int_equal(wechat_person_reach(api, w, "", now), ERR_OK);
	assert_int_equal(wechat_reach(worker, "13800000007", OA, "", false, now, found), ERR_OK);

	fixture_sql(*state, "UPDATE user SET disabled = 1 WHERE id = 7");
	assert_int_equal(wechat_user(api, OA, "oSEVEN", &u), ERR_NOT_FOUND);
	assert_int_equal(
		wechat_reach(worker, "13800000007", OA, "", false, now, found), ERR_NOT_FOUND);
	fixture_sql(*state, "UPDATE user SET disabled = 0 WHERE id = 7");

	assert_int_equal(wechat_unbind(api, &who, 7, now), ERR_OK);
	assert_int_equal(wechat_unbind(api, &who, 7, now), ERR_NOT_FOUND);
	assert_int_equal(wechat_bindings(api, 7, now, &rows), ERR_OK);
	assert_int_equal(rows.n, 0);
	assert_int_equal(wechat_bind(api, &who, 8, OA, "oSEVEN", now, &why), ERR_OK);
	/* one row for each change, without the openid */
	assert_int_equal(
		FIXTURE_VALUE(*state, "SELECT COUNT(*) AS v FROM audit WHERE object = 'user:7'"
				      " AND action IN ('wechat.bind', 'wechat.unbind')"),
		3);
	assert_int_equal(FIXTURE_VALUE(*state,
				 "SELECT COUNT(*) AS v FROM audit WHERE detail LIKE '%oSEVEN%'"),
		0);
}

/* ---- what became of messages ---- */

static void add_sent(struct db *db, const char *ref)
{
	static const struct query row = {
		"INSERT INTO outbox (once_key, recipient, template, params, state, way, next_at,"
		" expires_at, provider_ref, created_at) VALUES (?, '13800000001', 'low1', '{}',"
		" 'sent', 'wechat_oa', 0, 0, ?, 0)",
		NULL
	};
	static const struct query try = {
		"INSERT INTO outbox_try (outbox_id, way, phone, kind, at, outcome, provider_ref)"
		" VALUES (?, 'wechat_oa', '13800000001', 'low1', 0, 'done', ?)",
		NULL
	};

	assert_int_equal(db_exec(db, &row, ARGS(arg_text(ref), arg_text(ref)), NULL), ERR_OK);
	assert_int_equal(
		db_exec(db, &try, ARGS(arg_i64(db_insert_id(db)), arg_text(ref)), NULL), ERR_OK);
}

static void test_deliveries(void **state)
{
	struct utc now = utc_now(), late = { now.ms + 601000 };
	static const char sha[] =
		"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

	add_sent(*state, "101");
	add_sent(*state, "102");
	assert_int_equal(wechat_delivery_add(api, OA, "101", true, "success", now), ERR_OK);
	assert_int_equal(
		wechat_delivery_add(api, OA, "102", false, "failed:user block", now), ERR_OK);
	assert_int_equal(
		wechat_delivery_add(api, OA, "103", false, "failed:user block", now), ERR_OK);
	assert_int_equal(
		wechat_delivery_add(api, OA, "103", false, "failed:user block", now), ERR_OK);
	assert_int_equal(wechat_deliveries_apply(worker, now), ERR_OK);
	assert_int_equal(
		FIXTURE_VALUE(*state, "SELECT COUNT(*) AS v FROM outbox WHERE provider_ref ="
				      " '101' AND state = 'delivered'"),
		1);
	assert_int_equal(
		FIXTURE_VALUE(*state, "SELECT COUNT(*) AS v FROM outbox WHERE provider_ref ="
				      " '102' AND state = 'undelivered' AND error ="
				      " 'failed:user block'"),
		1);
	/* told before our commit: it waits, then it is of nobody */
	add_sent(*state, "103");
	assert_int_equal(wechat_deliveries_apply(worker, now), ERR_OK);
	assert_int_equal(
		FIXTURE_VALUE(*state, "SELECT COUNT(*) AS v FROM outbox WHERE provider_ref ="
				      " '103' AND state = 'undelivered'"),
		1);
	assert_int_equal(wechat_delivery_add(api, OA, "104", true, "success", now), ERR_OK);
	assert_int_equal(wechat_deliveries_apply(worker, late), ERR_OK);
	assert_int_equal(FIXTURE_VALUE(*state,
				 "SELECT COUNT(*) AS v FROM wechat_delivery WHERE applied_at = 0"),
		0);
	assert_int_equal(wechat_event_once(api, sha, now), ERR_OK);
	assert_int_equal(wechat_event_once(api, sha, now), ERR_ALREADY);
	assert_int_equal(
		wechat_purge(worker, (struct utc){ now.ms + 8 * 24 * 3600 * INT64_C(1000) }),
		ERR_OK);
	assert_int_equal(FIXTURE_VALUE(*state, "SELECT COUNT(*) AS v FROM wechat_event"), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_kind_arrives),
		cmocka_unit_test(test_once),
		cmocka_unit_test(test_codes),
		cmocka_unit_test(test_broken_answers),
		cmocka_unit_test(test_one_refresh),
		cmocka_unit_test(test_killed_token),
		cmocka_unit_test(test_next_token),
		cmocka_unit_test(test_token_at_rest),
		cmocka_unit_test(test_permissions),
		cmocka_unit_test(test_bindings),
		cmocka_unit_test(test_deliveries),
	};

	return cmocka_run_group_tests(tests, open_all, close_all);
}
