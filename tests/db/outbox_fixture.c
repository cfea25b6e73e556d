#include "outbox_fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <curl/curl.h>

#include "domain/outbox.h"
#include "sim/svc.h"
#include "tests/unit/pay_fixture.h"
#include "web/web.h"

struct db *root, *worker_db;
struct notice *notice;

static struct pay_files files;
static struct conf *sim_conf, *conf;
static struct http *http;
static struct svc *svc;
static char base[64];
static _Atomic int64_t moved_ms;
static int64_t phones;

struct utc __real_utc_now(void);
struct utc __wrap_utc_now(void);

struct utc __wrap_utc_now(void)
{
	struct utc t = __real_utc_now();

	t.ms += moved_ms;
	return t;
}

void later(int64_t s)
{
	moved_ms += s * 1000;
}

static const char services[] =
	"[wechat_pay]\nmch_id=1900000109\napp_id=wx8888888888888888\nserial=5157F09EFDC0\n"
	"public_key_id=PUB_KEY_ID_01\n"
	"[alipay]\napp_id=2021000000000109\nseller_id=2088000000000109\n"
	"[aliyun_sms]\naccess_key_id=LTAItest\nsign_name=测试\n"
	"[tencent_sms]\nsecret_id=AKIDtest\nsdk_app_id=1400000109\nsign_name=测试\n"
	"[sim]\npublic_base=http://pay.example\n"
	"wechat_merchant_public_key_file=%1$s/wechat_merchant_public.pem\n"
	"wechat_platform_private_key_file=%1$s/wechat_platform_private.pem\n"
	"alipay_app_public_key_file=%1$s/alipay_app_public.pem\n"
	"alipay_private_key_file=%1$s/alipay_private.pem\n"
	"api_v3_key_file=%1$s/wechat_api_v3_key\n"
	"access_key_secret_file=%1$s/aliyun_access_key_secret\n"
	"tencent_secret_key_file=%1$s/tencent_secret_key\n";

static const char platform[] =
	"[notice]\nkind_day=3\nalarm_hour=2\nsend_s=2\n"
	"[aliyun_sms]\nendpoint=%2$s/sandbox/aliyun/\naccess_key_id=LTAItest\n"
	"access_key_secret_file=%1$s/aliyun_access_key_secret\nsign_name=测试\n"
	"template_login_code=SMS_100001\ntemplate_low1=SMS_100002\ntemplate_arrears=SMS_100004\n"
	"template_low1_en=SMS_200002\ntemplate_recharged=SMS_100006\ntemplate_alarm=SMS_100015\n"
	"[tencent_sms]\nendpoint=%2$s/sandbox/tencent/\nsecret_id=AKIDtest\n"
	"secret_key_file=%1$s/tencent_secret_key\nsdk_app_id=1400000109\nsign_name=测试\n"
	"template_login_code=110001\ntemplate_low1=110002\ntemplate_arrears=110004\n"
	"template_recharged=110006\n";

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral" /* the two formats above */
static struct conf *settings(const char *format)
{
	AUTO(buf_free) struct buf ini = { 0 };

	buf_printf(&ini, format, files.dir, base);
	return files_conf(&files, ini.text);
}
#pragma GCC diagnostic pop

int messages_open(void **state)
{
	struct problem why = { 0 };

	curl_global_init(CURL_GLOBAL_DEFAULT);
	if (fixture_open(state) != 0)
		return -1;
	root = *state;
	worker_db = fixture_as("yufu_worker");
	files_make(&files);
	assert_int_equal(svc_make_keys(files.dir, NULL), ERR_OK);
	sim_conf = settings(services);
	assert_int_equal(http_open("127.0.0.1:0", &http, &why), ERR_OK);
	if (svc_start(sim_conf, http, &svc, &why) != ERR_OK)
		fail_msg("%s: %s", why.field, why.text);
	assert_int_equal(http_start(http, &why), ERR_OK);
	snprintf(base, sizeof(base), "http://127.0.0.1:%u", http_port(http));
	conf = settings(platform);
	notice_load(conf, &notice);
	return 0;
}

int messages_close(void **state)
{
	http_stop(&http);
	svc_stop(&svc);
	notice_free(&notice);
	conf_free(&conf);
	conf_free(&sim_conf);
	files_remove(&files);
	db_free(&worker_db);
	return fixture_close(state);
}

void behave(const char *service, const char *mode, int64_t times, int64_t value)
{
	AUTO(web_answer_free) struct web_answer a = { 0 };
	AUTO(json_free) json_t *j = json_pack("{s:s, s:s}", "service", service, "mode", mode);
	AUTO(text_free) char *text = NULL;
	char url[128];

	if (times > 0)
		json_object_set_new(j, "count", json_integer(times));
	if (value > 0)
		json_object_set_new(j, "value", json_integer(value));
	text = json_text(j);
	snprintf(url, sizeof(url), "%s/sim/services", base);
	assert_int_equal(web_call(&(struct web_request){ .method = "POST",
					  .url = url,
					  .headers = { "Content-Type: application/json" },
					  .body = text,
					  .body_len = strlen(text),
					  .deadline_ms = mono_ms() + 5000 },
				 &a, NULL),
		ERR_OK);
	assert_int_equal(a.status, 200);
}

static void run(enum err (*job)(struct tools *, struct utc), const char *name)
{
	struct tools t = { .db = worker_db,
		.notice = notice,
		.name = "test",
		.job = name,
		.site_base = "https://pay.example" };

	assert_int_equal(job(&t, utc_now()), ERR_OK);
}

void work(void)
{
	run(job_outbox, "outbox");
	run(job_send, "send:aliyun_sms");
	run(job_send, "send:tencent_sms");
}

void work_for(int64_t s)
{
	for (int64_t i = 0; i <= s; i += 10) {
		work();
		work();
		later(i < s ? 10 : 0);
	}
}

int64_t message_again(const char *phone, const char *kind)
{
	char once[64];
	struct utc now = utc_now();
	bool code = str_eq(kind, "login_code");

	snprintf(once, sizeof(once), "test:%s:%lld", phone, (long long)++phones);
	assert_int_equal(
		outbox_add(root,
			&(struct outbox_new){ .once_key = once,
				.recipient = phone,
				.template = kind,
				.params = "{\"shop\":\"A-1\",\"purse\":\"电费\",\"balance\":"
					  "\"1.00\",\"amount\":\"2.00\",\"time\":\"即刻\","
					  "\"code\":\"123456\"}",
				.not_before = now,
				.expires_at = { now.ms + (code ? 300000 : INT64_C(86400000)) } },
			now),
		ERR_OK);
	return db_insert_id(root);
}

struct sent_to message_new(const char *kind, int64_t tenant_id, const char *language)
{
	struct sent_to m;

	snprintf(m.phone, sizeof(m.phone), "139%08u", (unsigned)++phones % 100000000);
	m.id = message_again(m.phone, kind);
	shop_set(root,
		"UPDATE outbox SET language = '%s', tenant_id = NULLIF(%lld, 0) WHERE id = %lld",
		language, (long long)tenant_id, (long long)m.id);
	return m;
}

struct text_row {
	char v[1001];
};
SHAPE(text_shape, struct text_row, FIELD(struct text_row, v));

/* Statements stay in the connection's cache by their address. */
static const char *one_text(const char *sql)
{
	static struct {
		struct query q;
		char sql[400];
	} kept[200];
	static size_t n;
	static struct text_row row;

	assert_true(n < ARRAY_LEN(kept));
	snprintf(kept[n].sql, sizeof(kept[n].sql), "%s", sql);
	kept[n].q = (struct query){ kept[n].sql, &text_shape };
	assert_int_equal(db_one(root, &kept[n++].q, NO_ARGS, &row), ERR_OK);
	return row.v;
}

const char *row_text(int64_t id, const char *column)
{
	char sql[200];

	snprintf(sql, sizeof(sql), "SELECT CAST(%s AS CHAR) AS v FROM outbox WHERE id = %lld",
		column, (long long)id);
	return one_text(sql);
}

int64_t row_number(int64_t id, const char *column)
{
	return strtoll(row_text(id, column), NULL, 10);
}

void assert_state(int64_t id, const char *state)
{
	assert_string_equal(row_text(id, "state"), state);
}

const char *attempts_of(int64_t id)
{
	char sql[300];

	snprintf(sql, sizeof(sql),
		"SELECT COALESCE(GROUP_CONCAT(CONCAT(way, ':', outcome) ORDER BY id SEPARATOR ' '),"
		" '') AS v FROM outbox_try WHERE outbox_id = %lld",
		(long long)id);
	return one_text(sql);
}

size_t inbox_of(const char *phone, const char *service, char text[static 600])
{
	AUTO(web_answer_free) struct web_answer a = { 0 };
	AUTO(json_free) json_t *j = NULL;
	const json_t *m;
	char url[128];
	size_t i, n = 0;

	text[0] = '\0';
	snprintf(url, sizeof(url), "%s/sandbox/sms.json?phone=%s", base, phone);
	assert_int_equal(web_call(&(struct web_request){ .method = "GET",
					  .url = url,
					  .deadline_ms = mono_ms() + 5000 },
				 &a, NULL),
		ERR_OK);
	assert_int_equal(json_parse(a.body.text, a.body.len, &j, NULL), ERR_OK);
	json_array_foreach(json_object_get(j, "items"), i, m)
	{
		const char *s = json_string_value(json_object_get(m, "service"));

		if (service[0] && !str_eq(s, service))
			continue;
		if (n++ == 0)
			snprintf(text, 600, "%s", json_string_value(json_object_get(m, "text")));
	}
	return n;
}
