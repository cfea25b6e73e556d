/* The signature of Alibaba Cloud against its own published example and the SDK's answers. */
#include "cmock.h"

#include <stdio.h>
#include <string.h>

#include "notice/channel.h"
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
		cmocka_unit_test(test_kinds),
		cmocka_unit_test(test_settings),
		cmocka_unit_test(test_without_settings),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
