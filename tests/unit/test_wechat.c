/* What WeChat's account server tells, against known answers; which values fit which field; settings
 * that are half there. */
#include "cmock.h"

#include <stdio.h>
#include <string.h>

#include "notice/channel.h"
#include "notice/wechat_event.h"
#include "notice/wechat_inside.h"
#include "pay_fixture.h"

#define NOW ((struct utc){ INT64_C(1795400000000) })

static const char *text(const json_t *j, const char *key)
{
	const char *v = json_string_value(json_object_get(j, key));

	return v ? v : "";
}

static struct wechat_query query_of(const json_t *c)
{
	const json_t *q = json_object_get(c, "query");

	return (struct wechat_query){ text(q, "signature"), text(q, "timestamp"), text(q, "nonce"),
		text(q, "echostr"), text(q, "encrypt_type"), text(q, "msg_signature") };
}

/* The app of the vectors, in plain or in safe mode. */
static struct wechat_app *vector_app(const json_t *v, bool sealed)
{
	const json_t *key = json_object_get(v, "key");
	struct wechat_app *app = NULL;
	struct pay_files files;
	struct conf *conf;
	char ini[600];

	files_make(&files);
	snprintf(ini, sizeof(ini), "[wechat_mp]\napp_id=%s\napp_secret=abc\ntoken=%s\n%s%s\n",
		text(key, "appid"), text(key, "token"), sealed ? "encoding_aes_key=" : "",
		sealed ? text(key, "encodingAESKey") : "");
	conf = files_conf(&files, ini);
	assert_int_equal(wechat_app_load(conf, WECHAT_OA, &app, NULL), ERR_OK);
	conf_free(&conf);
	files_remove(&files);
	return app;
}

static void test_url_check(void **state)
{
	AUTO(json_free) json_t *v = vector("wechat_oa_event");
	AUTO(wechat_app_free) struct wechat_app *app = vector_app(v, true);
	struct wechat_query q = query_of(json_object_get(v, "url_check"));

	(void)state;
	assert_int_equal(wechat_echo_check(app, &q, NOW, NULL), ERR_OK);
	assert_int_equal(wechat_echo_check(app, &q, (struct utc){ NOW.ms + 601000 }, NULL),
		ERR_BAD_SIGNATURE);
	q.echostr = "<script>";
	assert_int_equal(wechat_echo_check(app, &q, NOW, NULL), ERR_BAD_VALUE);
	q.nonce = "1320562133";
	assert_int_equal(wechat_echo_check(app, &q, NOW, NULL), ERR_BAD_SIGNATURE);
	q.signature = "";
	assert_int_equal(wechat_echo_check(app, &q, NOW, NULL), ERR_BAD_SIGNATURE);
}

static void check_job_finish(const struct wechat_event *e)
{
	assert_string_equal(e->openid, "oTHROWAWAYopenid00000000001");
	assert_string_equal(e->type, "event");
	assert_string_equal(e->event, "TEMPLATESENDJOBFINISH");
	assert_string_equal(e->msg_id, "200163836");
	assert_string_equal(e->status, "success");
	assert_string_equal(e->created, "1795400000");
}

static void test_plain(void **state)
{
	AUTO(json_free) json_t *v = vector("wechat_oa_event");
	AUTO(wechat_app_free) struct wechat_app *app = vector_app(v, false);
	AUTO(wechat_app_free) struct wechat_app *strict = vector_app(v, true);
	const json_t *c = json_object_get(v, "plain");
	struct wechat_query q = query_of(c);
	const char *body = text(c, "body");
	struct wechat_event e;

	(void)state;
	assert_int_equal(wechat_event_read(app, &q, body, strlen(body), NOW, &e, NULL), ERR_OK);
	check_job_finish(&e);
	/* where messages are sealed, one in plain is not believed */
	assert_int_equal(wechat_event_read(strict, &q, body, strlen(body), NOW, &e, NULL),
		ERR_BAD_SIGNATURE);
	q.timestamp = "1795400001";
	assert_int_equal(
		wechat_event_read(app, &q, body, strlen(body), NOW, &e, NULL), ERR_BAD_SIGNATURE);
}

static void test_sealed(void **state)
{
	AUTO(json_free) json_t *v = vector("wechat_oa_event");
	AUTO(wechat_app_free) struct wechat_app *app = vector_app(v, true);
	AUTO(buf_free) struct buf xml = { 0 };
	AUTO(buf_free) struct buf changed = { 0 };
	const json_t *c = json_object_get(v, "encrypted");
	struct wechat_query q = query_of(c);
	const char *body = text(c, "body");
	struct wechat_event e;

	(void)state;
	assert_int_equal(wechat_event_read(app, &q, body, strlen(body), NOW, &e, NULL), ERR_OK);
	check_job_finish(&e);
	assert_int_equal(wechat_event_open(app, text(c, "Encrypt"), &xml, NULL), ERR_OK);
	assert_string_equal(xml.text, text(c, "decrypted"));
	/* the plain signature does not stand in for that over the sealed text */
	q.msg_signature = q.signature;
	assert_int_equal(
		wechat_event_read(app, &q, body, strlen(body), NOW, &e, NULL), ERR_BAD_SIGNATURE);
	/* one sign of the sealed text is another */
	q = query_of(c);
	buf_adds(&changed, body);
	strstr(changed.text, "0DOj")[1] = 'E';
	assert_int_equal(wechat_event_read(app, &q, changed.text, changed.len, NOW, &e, NULL),
		ERR_BAD_SIGNATURE);
	for (size_t n = 0; n < strlen(body); n++)
		assert_int_not_equal(wechat_event_read(app, &q, body, n, NOW, &e, NULL), ERR_OK);
}

/* Sealed for another app by the same key: not ours. */
static void test_other_app(void **state)
{
	AUTO(json_free) json_t *v = vector("wechat_oa_event");
	AUTO(wechat_app_free) struct wechat_app *app = vector_app(v, true);
	const json_t *c = json_object_get(v, "encrypted");
	const char *body = text(c, "body");
	struct wechat_query q = query_of(c);
	struct wechat_event e;

	(void)state;
	app->app_id[17] = '2';
	assert_int_equal(
		wechat_event_read(app, &q, body, strlen(body), NOW, &e, NULL), ERR_BAD_SIGNATURE);
	app->app_id[17] = '\0';
	assert_int_equal(
		wechat_event_read(app, &q, body, strlen(body), NOW, &e, NULL), ERR_BAD_SIGNATURE);
}

static void test_xml(void **state)
{
	static const struct {
		const char *xml;
		enum err want;
	} cases[] = {
		{ "<xml><FromUserName>o1</FromUserName><MsgType>event</MsgType></xml>", ERR_OK },
		{ "<xml><FromUserName>o1</FromUserName><MsgType>event</MsgType>", ERR_BAD_VALUE },
		{ "<!DOCTYPE xml [<!ENTITY a \"b\">]><xml><FromUserName>&a;</FromUserName>"
		  "<MsgType>event</MsgType></xml>",
			ERR_BAD_VALUE },
		{ "<!DOCTYPE xml SYSTEM \"file:///etc/passwd\"><xml/>", ERR_BAD_VALUE },
		{ "<html><FromUserName>o1</FromUserName><MsgType>event</MsgType></html>",
			ERR_BAD_VALUE },
		{ "<xml><MsgType>event</MsgType></xml>", ERR_BAD_VALUE },
		{ "<xml><FromUserName>o1</FromUserName><FromUserName>o2</FromUserName>"
		  "<MsgType>event</MsgType></xml>",
			ERR_BAD_VALUE },
		{ "<xml><FromUserName>a b</FromUserName><MsgType>event</MsgType></xml>",
			ERR_BAD_VALUE },
		{ "<xml><a><a><a><a><a><a/></a></a></a></a></a></xml>", ERR_BAD_VALUE },
		{ "", ERR_BAD_VALUE },
		{ "{}", ERR_BAD_VALUE },
	};
	struct wechat_event e;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		assert_int_equal(wechat_event_parse(cases[i].xml, strlen(cases[i].xml), &e, NULL),
			cases[i].want);
}

static void test_choices(void **state)
{
	static const char xml[] = "<xml><FromUserName>o1</FromUserName><MsgType>event</MsgType>"
				  "<Event>subscribe_msg_popup_event</Event><SubscribeMsgPopupEvent>"
				  "<List><TemplateId>T1</TemplateId><SubscribeStatusString>accept"
				  "</SubscribeStatusString><PopupScene>1</PopupScene></List>"
				  "<List><TemplateId>T2</TemplateId><SubscribeStatusString>reject"
				  "</SubscribeStatusString></List></SubscribeMsgPopupEvent></xml>";
	struct wechat_event e;

	(void)state;
	assert_int_equal(wechat_event_parse(xml, strlen(xml), &e, NULL), ERR_OK);
	assert_int_equal(e.n, 2);
	assert_string_equal(e.items[0].template_id, "T1");
	assert_string_equal(e.items[0].status, "accept");
	assert_string_equal(e.items[1].template_id, "T2");
	assert_string_equal(e.items[1].status, "reject");
}

/* ---- fields ---- */

static void test_fit(void **state)
{
	static const struct {
		const char *field, *value, *want; /* NULL: must not be sent */
	} cases[] = {
		{ "thing1", "A-105 阿诺咖啡", "A-105 阿诺咖啡" },
		{ "thing1", "一二三四五六七八九十一二三四五六七八九十",
			"一二三四五六七八九十一二三四五六七八九十" },
		{ "thing1", "一二三四五六七八九十一二三四五六七八九十一",
			"一二三四五六七八九十一二三四五六七八九…" },
		{ "thing12", "two\nlines\t", "two lines" },
		{ "thing1", "", NULL },
		{ "thing1", " ", NULL },
		{ "thing", "x", NULL },
		{ "nothing1", "x", NULL },
		{ "amount2", "50.00", "¥50.00" },
		{ "amount2", "-3.18", NULL },
		{ "amount2", "1.", NULL },
		{ "amount2", ".5", NULL },
		{ "amount2", "1.2.3", NULL },
		{ "amount2", "12345678901", NULL },
		{ "amount2", "五十", NULL },
		{ "character_string3", "-3.18", "-3.18" },
		{ "character_string3", "12345678901234567890123456789012345",
			"12345678901234567890123456789012" },
		{ "character_string3", "余额", NULL },
		{ "phrase4", "余额不足", "余额不足" },
		{ "phrase4", "余额不足提醒", NULL },
		{ "phrase4", "low", NULL },
		{ "time5", "2026年11月23日 10:13", "2026年11月23日 10:13" },
		{ "time5", "2026-11-23 10:13:20", "2026-11-23 10:13:20" },
		{ "time5", "10:13", "10:13" },
		{ "time5", "即刻", NULL },
		{ "date5", "2026年11月23日", "2026年11月23日" },
		{ "number6", "12.5", "12.5" },
		{ "letter7", "abc", "abc" },
		{ "letter7", "ab1", NULL },
		{ "phone_number8", "0854-1234567", "0854-1234567" },
		{ "name9", "一二三四五六七八九十一", "一二三四五六七八九…" },
		{ "const10", "提醒", "提醒" },
	};
	char out[WECHAT_VALUE_MAX];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		bool ok = wechat_fit(cases[i].field, cases[i].value, out);

		if (ok != (cases[i].want != NULL))
			fail_msg("%s \"%s\"", cases[i].field, cases[i].value);
		if (ok)
			assert_string_equal(out, cases[i].want);
	}
}

/* However long, whatever bytes: it fits, or it is not sent. */
static void test_fit_any(void **state)
{
	static const char *const parts[] = { "a", "é", "余", "😀", " ", "\n", "1", "." };
	static const char *const fields[] = { "thing1", "name1", "const1", "phrase1",
		"character_string1", "amount1" };
	unsigned seed = 1;
	char value[600], out[WECHAT_VALUE_MAX];

	(void)state;
	for (int run = 0; run < 20000; run++) {
		size_t n = 0, chars = 0;
		int want = run % 90;

		for (int i = 0; i < want; i++) {
			seed = seed * 1103515245 + 12345;
			n += (size_t)snprintf(
				value + n, sizeof(value) - n, "%s", parts[seed >> 16 & 7]);
		}
		value[n] = '\0';
		if (!wechat_fit(fields[run % (int)ARRAY_LEN(fields)], value, out))
			continue;
		for (const char *s = out; *s; s++)
			chars += ((unsigned char)*s & 0xC0) != 0x80;
		assert_true(chars > 0 && chars <= 32);
		{
			AUTO(json_free) json_t *whole = json_string(out); /* valid UTF-8 still */

			assert_non_null(whole);
		}
	}
}

static void test_data(void **state)
{
	AUTO(json_free)
	json_t *params = json_pack("{s:s, s:s, s:s, s:s}", "shop", "A-105", "purse", "电费",
		"balance", "-3.18", "time", "即刻");
	AUTO(json_free) json_t *data = NULL;
	AUTO(text_free) char *printed = NULL;
	AUTO(buf_free) struct buf fields = { 0 };
	struct wechat_template t = { .id = "T" };
	struct problem why = { 0 };

	(void)state;
	assert_int_equal(wechat_fields_read("thing1:shop,thing2:purse, character_string3:balance,"
					    "time4:sent_at,phrase5=余额不足",
				 notice_kind_find("arrears"), &t, &why),
		ERR_OK);
	wechat_fields_text(&t, &fields);
	assert_string_equal(fields.text, "thing1:shop,thing2:purse,character_string3:balance,"
					 "time4:sent_at,phrase5=余额不足");
	data = wechat_data(&t, params, NOW, &why);
	printed = json_text(data);
	assert_string_equal(printed,
		"{\"thing1\":{\"value\":\"A-105\"},\"thing2\":{\"value\":\"电费\"},"
		"\"character_string3\":{\"value\":\"-3.18\"},"
		"\"time4\":{\"value\":\"2026年11月23日 10:13\"},"
		"\"phrase5\":{\"value\":\"余额不足\"}}");
	/* a value that WeChat would refuse is named, and never sent */
	assert_int_equal(wechat_fields_read("thing1:shop,amount2:balance",
				 notice_kind_find("arrears"), &t, &why),
		ERR_OK);
	assert_null(wechat_data(&t, params, NOW, &why));
	assert_string_equal(why.field, "amount2");
}

static void test_codes(void **state)
{
	(void)state;
	assert_int_equal(wechat_advice(0), ADVICE_DONE);
	assert_int_equal(wechat_advice(-1), ADVICE_AGAIN);
	assert_int_equal(wechat_advice(42001), ADVICE_TOKEN);
	assert_int_equal(wechat_advice(43004), ADVICE_UNREACHABLE);
	assert_int_equal(wechat_advice(43101), ADVICE_USED_UP);
	assert_int_equal(wechat_advice(45009), ADVICE_NEXT_DAY);
	assert_int_equal(wechat_advice(47003), ADVICE_PERSON);
	assert_int_equal(wechat_advice(1), ADVICE_NO);
	assert_true(wechat_code_needs_person("40164"));
	assert_true(wechat_code_needs_person("bad_params"));
	assert_false(wechat_code_needs_person("43004"));
	assert_false(wechat_code_needs_person("timeout"));
}

/* ---- settings ---- */

#define APP "[wechat_mp]\napp_id=wx1\n"
static void test_settings(void **state)
{
	static const struct {
		const char *ini, *field;
	} bad[] = {
		{ "[wechat_mp]\n", "" },
		{ APP, "app_secret" },
		{ APP "app_secret=a b\n", "app_secret" },
		{ APP "app_secret=s\napi_base=http://192.0.2.1\n", "api_base" },
		{ APP "app_secret=s\nauthorize_base=ftp://x\n", "authorize_base" },
		{ APP "app_secret=s\nencoding_aes_key=abc\n", "token" },
		{ APP "app_secret=s\ntoken=t\nencoding_aes_key=abc\n", "encoding_aes_key" },
		{ APP "app_secret=s\ntemplate_low1=T\n", "fields_low1" },
		{ APP "app_secret=s\ntemplate_low1=T\nfields_low1=thing1:nothing\n",
			"fields_low1" },
		{ APP "app_secret=s\ntemplate_low1=T\nfields_low1=thing1\n", "fields_low1" },
		{ APP "app_secret=s\ntemplate_low1=T\nfields_low1=phrase1=too long a text\n",
			"fields_low1" },
		{ APP "app_secret=s\ntemplate_low1=T T\nfields_low1=thing1:shop\n",
			"template_low1" },
		{ APP "app_secret=s\ntemplate_low1=T\nsubscribe_low1=S\n", "subscribe_low1" },
		{ APP "app_secret_file=/nowhere\n", "app_secret" },
	};
	const struct notice_channel *oa = notice_channel_find("wechat_oa");
	struct pay_files files;

	(void)state;
	files_make(&files);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		AUTO(conf_free) struct conf *conf = files_conf(&files, bad[i].ini);
		AUTO(notice_free) struct notice *n = NULL;

		notice_load(conf, &n);
		assert_non_null(oa->off(n));
		assert_string_equal(oa->off(n)->field, bad[i].field);
		assert_true(oa->off(n)->text[0] != '\0');
		assert_false(oa->serves(n, "low1", "zh"));
	}
	{
		AUTO(conf_free)
		struct conf *conf = files_conf(
			&files, APP "app_secret=s\ntemplate_low1=T\nfields_low1=thing1:shop\n");
		AUTO(notice_free) struct notice *n = NULL;

		notice_load(conf, &n);
		assert_null(oa->off(n));
		assert_true(oa->serves(n, "low1", "zh"));
		assert_false(oa->serves(n, "low2", "zh"));
		assert_non_null(notice_channel_find("wechat_mini")->off(n));
	}
	files_remove(&files);
}

static void test_authorize(void **state)
{
	AUTO(json_free) json_t *v = vector("wechat_oa_event");
	AUTO(wechat_app_free) struct wechat_app *app = vector_app(v, false);
	AUTO(buf_free) struct buf url = { 0 };

	(void)state;
	wechat_authorize_url(app, "https://x.example/login?to=%2F", "abc1", &url);
	assert_string_equal(url.text,
		"https://open.weixin.qq.com/connect/oauth2/authorize?appid=wx0000000000000001"
		"&redirect_uri=https%3A%2F%2Fx.example%2Flogin%3Fto%3D%252F&response_type=code"
		"&scope=snsapi_base&state=abc1#wechat_redirect");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_url_check),
		cmocka_unit_test(test_plain),
		cmocka_unit_test(test_sealed),
		cmocka_unit_test(test_other_app),
		cmocka_unit_test(test_xml),
		cmocka_unit_test(test_choices),
		cmocka_unit_test(test_fit),
		cmocka_unit_test(test_fit_any),
		cmocka_unit_test(test_data),
		cmocka_unit_test(test_codes),
		cmocka_unit_test(test_settings),
		cmocka_unit_test(test_authorize),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
