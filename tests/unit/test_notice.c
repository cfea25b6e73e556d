/* The signature of Alibaba Cloud against its own published example and the SDK's answers. */
#include "cmock.h"

#include <stdio.h>
#include <string.h>

#include "notice/channel.h"
#include "notice/own_text.h"
#include "pay_fixture.h"
#include "web/form.h"

static const char *text(const json_t *j, const char *key)
{
	const char *v = json_string_value(json_object_get(j, key));

	assert_non_null(v);
	return v;
}

/* The headers that are signed, lower-case and sorted: all but Authorization. */
static size_t headers_of(const json_t *c, struct form *sorted, struct acs3_header *out)
{
	const char *key;
	json_t *value;

	json_object_foreach(json_object_get(c, "headers"), key, value)
	{
		if (!str_eq(key, "Authorization"))
			assert_int_equal(form_add(sorted, key, json_string_value(value)), ERR_OK);
	}
	for (size_t i = 0; i < sorted->n; i++)
		out[i] = (struct acs3_header){ sorted->pairs[i].name, sorted->pairs[i].value };
	return sorted->n;
}

static void check(const json_t *c, const char *key_id, const char *secret)
{
	AUTO(buf_free) struct buf canonical = { 0 };
	AUTO(buf_free) struct buf query = { 0 };
	AUTO(buf_free) struct buf auth = { 0 };
	AUTO(form_free) struct form asked = { .n = 0 };
	const char *q = strchr(text(c, "url"), '?'), *body = text(c, "body");
	struct acs3_header headers[FORM_PAIRS_MAX];
	struct form sorted = { .n = 0 };
	char hash[SHA256_HEX];
	struct acs3 r = { .method = text(c, "method"), .path = "/", .headers = headers };

	assert_int_equal(form_decode(q + 1, strlen(q + 1), &asked, NULL), ERR_OK);
	form_encode(&asked, &query);
	sha256_hex(body, strlen(body), hash);
	r.query = query.text;
	r.header_count = headers_of(c, &sorted, headers);
	r.body_sha256 = hash;
	acs3_canonical(&r, &canonical);
	assert_string_equal(canonical.text, text(c, "canonical_request"));
	acs3_authorization(&r, key_id, secret, &auth);
	if (secret[0])
		assert_string_equal(
			auth.text, text(json_object_get(c, "headers"), "Authorization"));
}

static void test_signature(void **state)
{
	AUTO(json_free) json_t *v = vector("aliyun_sms_v3");
	const json_t *key = json_object_get(v, "key");

	(void)state;
	check(json_object_get(v, "parameters_in_query"), text(key, "accessKeyId"),
		text(key, "accessKeySecret"));
	check(json_object_get(v, "parameters_in_form_body"), text(key, "accessKeyId"),
		text(key, "accessKeySecret"));
	/* the vendor's example prints its secret as a name */
	check(json_object_get(v, "published"), "YourAccessKeyId", "YourAccessKeySecret");
}

/* TC3 of Tencent Cloud: its published example, and one that its SDK has signed. */
static void check_tc3(
	const json_t *c, const char *service, int64_t at_s, const char *id, const char *secret)
{
	AUTO(buf_free) struct buf canonical = { 0 };
	AUTO(buf_free) struct buf auth = { 0 };
	const json_t *h = json_object_get(c, "headers");
	const char *body = text(c, "body");
	struct tc3 r = { .service = service,
		.path = "/",
		.query = "",
		.content_type = text(h, "Content-Type"),
		.host = text(h, "Host"),
		.body = body,
		.body_len = strlen(body),
		.now = { at_s * 1000 + 999 } };

	tc3_canonical(&r, &canonical);
	assert_string_equal(canonical.text, text(c, "canonical_request"));
	if (!secret)
		return;
	tc3_authorization(&r, id, secret, &auth);
	assert_string_equal(auth.text, text(h, "Authorization"));
}

static void test_tc3(void **state)
{
	AUTO(json_free) json_t *v = vector("tencent_sms_tc3");
	const json_t *key = json_object_get(v, "key");

	(void)state;
	check_tc3(json_object_get(v, "throwaway"), "sms", 1795400000, text(key, "secretId"),
		text(key, "secretKey"));
	/* the secret of the vendor's documentation, made for it */
	check_tc3(json_object_get(v, "published"), "cvm", 1551113065,
		"AKIDz8krbsJ5yKBZQpn74WFkmLPx3EXAMPLE", "Gu5t9xGARNpq86cd98joQYCN3EXAMPLE");
}

/* A template in English where there is one, else the Chinese; the order of the ways. */
static void test_templates_and_order(void **state)
{
	static const char ini[] =
		"[notice]\norder=tencent_sms; nonsense;aliyun_sms\ncode_hour=4\nkind_day=0\n"
		"[aliyun_sms]\naccess_key_id=a\nsign_name=s\nendpoint=https://x.example/\n"
		"access_key_secret=k\ntemplate_low1=Z1\ntemplate_low1_en=E1\ntemplate_low2=Z2\n"
		"[tencent_sms]\nsecret_id=a\nsecret_key=k\nsdk_app_id=1\nsign_name=s\n"
		"endpoint=https://y.example/\ntemplate_low2_en=9\n";
	AUTO(conf_free) struct conf *conf = NULL;
	AUTO(notice_free) struct notice *n = NULL;
	const struct notice_channel *const *ways;
	struct pay_files files;
	struct notice_how how;
	size_t count;

	(void)state;
	files_make(&files);
	conf = files_conf(&files, ini);
	notice_load(conf, &n);
	ways = notice_ways(n, &count);
	assert_int_equal(count, 2);
	assert_string_equal(ways[0]->name, "tencent_sms");
	assert_string_equal(ways[1]->name, "aliyun_sms");
	assert_string_equal(notice_template(&n->aliyun->templates, "low1", "en"), "E1");
	assert_string_equal(notice_template(&n->aliyun->templates, "low1", "zh"), "Z1");
	assert_string_equal(notice_template(&n->aliyun->templates, "low2", "en"), "Z2");
	assert_null(notice_template(&n->aliyun->templates, "arrears", "en"));
	assert_true(ways[0]->serves(n, "low2", "en"));
	assert_false(ways[0]->serves(n, "low2", "zh"));
	assert_true(ways[1]->how(n, "low1", "en", &how));
	assert_string_equal(how.template, "E1");
	assert_string_equal(how.language, "en");
	assert_string_equal(how.sign, "s");
	assert_true(ways[1]->how(n, "low2", "en", &how));
	assert_string_equal(how.template, "Z2");
	assert_string_equal(how.language, "zh"); /* there is no other */
	assert_false(ways[1]->how(n, "arrears", "zh", &how));
	assert_false(ways[0]->how(n, "low2", "zh", &how));
	assert_false(notice_channel_find("gammu")->how(n, "low1", "zh", &how));
	assert_false(notice_channel_find("wechat_oa")->how(n, "low1", "zh", &how));
	assert_int_equal(notice_rules(n)->code_hour, 4);
	assert_int_equal(notice_rules(n)->kind_day, 40); /* 0 is no limit that can be */
	files_remove(&files);
}

/* Every kind has words of its own, and as many short messages as its text takes. */
static void test_own_texts(void **state)
{
	AUTO(json_free)
	json_t *params = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s}", "shop", "A-101",
		"purse", "电费", "balance", "18.50", "amount", "100.00", "time", "即刻", "code",
		"382915", "object", "G1", "what", "不通");
	AUTO(buf_free) struct buf one = { 0 };
	struct sms_text parts;

	(void)state;
	for (size_t i = 0; i < notice_kind_count; i++) {
		AUTO(buf_free) struct buf zh = { 0 }, en = { 0 };

		assert_true(own_text(notice_kinds[i].name, "zh", params, "", &zh));
		assert_true(own_text(notice_kinds[i].name, "en", params, "", &en));
		assert_null(strchr(zh.text, '{'));
		assert_null(strchr(en.text, '{'));
		assert_true(own_text_parts(&zh, &parts));
		assert_int_equal(parts.coding, SMS_UCS2);
	}
	assert_true(own_text("low1", "zh", params, "某物业", &one));
	assert_string_equal(one.text, "【某物业】A-101的电费余额还有18.50元，请留意充值。");
	assert_true(own_text_parts(&one, &parts));
	assert_int_equal(parts.n, 1);
	assert_false(own_text("nothing", "zh", params, "", &one));
	json_object_del(params, "balance");
	assert_false(own_text("low1", "zh", params, "", &one));
}

static void test_receipts(void **state)
{
	static const char aliyun[] =
		"[{\"phone_number\":\"13800000001\",\"send_time\":\"2026-11-30 10:00:00\","
		"\"report_time\":\"2026-11-30 "
		"10:00:05\",\"success\":true,\"err_code\":\"DELIVERED\","
		"\"err_msg\":\"x\",\"sms_size\":\"1\",\"biz_id\":\"9^0\",\"out_id\":\"yufu-7\"},"
		"{\"phone_number\":\"13800000002\",\"success\":false,\"err_code\":\"MK:0001\"}]";
	static const char tencent[] =
		"[{\"user_receive_time\":\"2026-11-30 10:00:05\",\"nationcode\":\"86\","
		"\"mobile\":\"13800000001\",\"report_status\":\"FAIL\",\"errmsg\":\"UNDELIV\","
		"\"description\":\"x\",\"sid\":\"2019:1\"}]";
	static const char *const bad[] = { "", "{}", "[1]", "[{}]", "[{\"success\":\"true\"}]",
		"[{\"report_status\":1}]", "[{\"success\":true}", "null" };
	struct notice_delivery d[4];
	size_t n;

	(void)state;
	assert_int_equal(notice_receipts_aliyun(aliyun, strlen(aliyun), d, 4, &n, NULL), ERR_OK);
	assert_int_equal(n, 2);
	assert_int_equal(d[0].fate, FATE_DELIVERED);
	assert_string_equal(d[0].provider_ref, "9^0");
	assert_string_equal(d[0].out_id, "yufu-7");
	assert_int_equal(d[0].at.ms, INT64_C(1796004005000)); /* Beijing time */
	assert_int_equal(d[1].fate, FATE_FAILED);
	assert_int_equal(d[1].at.ms, 0);
	assert_int_equal(notice_receipts_tencent(tencent, strlen(tencent), d, 4, &n, NULL), ERR_OK);
	assert_int_equal(n, 1);
	assert_int_equal(d[0].fate, FATE_FAILED);
	assert_string_equal(d[0].provider_ref, "2019:1");
	assert_string_equal(d[0].recipient, "13800000001");
	assert_int_equal(
		notice_receipts_aliyun(aliyun, strlen(aliyun), d, 1, &n, NULL), ERR_TOO_LARGE);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		assert_int_not_equal(
			notice_receipts_aliyun(bad[i], strlen(bad[i]), d, 4, &n, NULL), ERR_OK);
		assert_int_not_equal(
			notice_receipts_tencent(bad[i], strlen(bad[i]), d, 4, &n, NULL), ERR_OK);
		assert_int_equal(n, 0);
	}
}

static void test_codes(void **state)
{
	static const struct notice_code codes[] = { { "Throttling*", CODE_RETRY },
		{ "Full", CODE_NEXT_DAY }, { "NoPhone", CODE_UNREACHABLE },
		{ "Lost", CODE_UNKNOWN } };
	struct notice_result r;

	(void)state;
	notice_judge_code(codes, ARRAY_LEN(codes), "Throttling.User", &r);
	assert_true(r.outcome == NOTICE_REFUSED && r.retry);
	notice_judge_code(codes, ARRAY_LEN(codes), "Full", &r);
	assert_true(r.outcome == NOTICE_REFUSED && r.next_day && !r.retry);
	notice_judge_code(codes, ARRAY_LEN(codes), "NoPhone", &r);
	assert_true(r.outcome == NOTICE_REFUSED && r.unreachable);
	notice_judge_code(codes, ARRAY_LEN(codes), "Lost", &r);
	assert_int_equal(r.outcome, NOTICE_UNKNOWN);
	notice_judge_code(codes, ARRAY_LEN(codes), "isv.AMOUNT_NOT_ENOUGH", &r);
	assert_true(r.outcome == NOTICE_REFUSED && !r.retry && !r.next_day && !r.unreachable);
	assert_string_equal(r.code, "isv.AMOUNT_NOT_ENOUGH");
}

static void test_kinds(void **state)
{
	(void)state;
	assert_non_null(notice_kind_find("login_code"));
	assert_non_null(notice_kind_find("recharged"));
	assert_null(notice_kind_find("LOW1"));
	for (size_t i = 0; i < notice_channel_count; i++)
		assert_non_null(notice_channels[i].send);
}

static void test_settings(void **state)
{
	static const struct {
		const char *ini, *field;
	} bad[] = {
		{ "[aliyun_sms]\naccess_key_id=a\n", "endpoint" },
		{ "[aliyun_sms]\naccess_key_id=a\nsign_name=s\nendpoint=http://192.0.2.1/\n",
			"endpoint" },
		{ "[aliyun_sms]\naccess_key_id=a\nsign_name=s\nendpoint=https://x.example/\n",
			"access_key_secret" },
	};
	struct pay_files files;

	(void)state;
	files_make(&files);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		AUTO(conf_free) struct conf *conf = files_conf(&files, bad[i].ini);
		AUTO(notice_free) struct notice *n = NULL;

		notice_load(conf, &n);
		assert_non_null(notice_channel_find("aliyun_sms")->off(n));
		assert_string_equal(notice_channel_find("aliyun_sms")->off(n)->field, bad[i].field);
	}
	files_remove(&files);
}

/* No settings are no error: the message is refused, and says why. */
static void test_without_settings(void **state)
{
	AUTO(json_free) json_t *params = json_pack("{s:s}", "code", "123456");
	AUTO(notice_free) struct notice *n = NULL;
	AUTO(conf_free) struct conf *conf = NULL;
	struct notice_result r;

	(void)state;
	assert_int_equal(conf_open(NULL, &conf, NULL), ERR_OK);
	notice_load(conf, &n);
	notice_send_sms(n,
		&(struct notice_message){ .recipient = "13800000001",
			.kind = "login_code",
			.language = "zh",
			.params = params,
			.out_id = "" },
		utc_now(), mono_ms() + 1000, &r);
	assert_int_equal(r.outcome, NOTICE_REFUSED);
	assert_string_equal(r.code, "not_configured");
	assert_false(r.retry);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_signature),
		cmocka_unit_test(test_tc3),
		cmocka_unit_test(test_templates_and_order),
		cmocka_unit_test(test_own_texts),
		cmocka_unit_test(test_receipts),
		cmocka_unit_test(test_codes),
		cmocka_unit_test(test_kinds),
		cmocka_unit_test(test_settings),
		cmocka_unit_test(test_without_settings),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
