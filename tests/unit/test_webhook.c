/* What a webhook may reach, how it signs, and when it tries again. */
#include "cmock.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

#include "domain/event.h"
#include "fcgi/schema.h"
#include "rules/retry.h"
#include "web/address.h"
#include "web/web.h"
#include "web/webhook_sign.h"

static enum address_kind kind_of(const char *text)
{
	struct sockaddr_in four = { .sin_family = AF_INET };
	struct sockaddr_in6 six = { .sin6_family = AF_INET6 };

	if (inet_pton(AF_INET, text, &four.sin_addr) == 1)
		return address_kind((const struct sockaddr *)(const void *)&four);
	assert_int_equal(inet_pton(AF_INET6, text, &six.sin6_addr), 1);
	return address_kind((const struct sockaddr *)(const void *)&six);
}

static void addresses_are_told_apart(void **state)
{
	static const struct {
		const char *text;
		enum address_kind want;
	} rows[] = {
		{ "1.1.1.1", ADDRESS_PUBLIC },
		{ "9.255.255.255", ADDRESS_PUBLIC },
		{ "11.0.0.0", ADDRESS_PUBLIC },
		{ "172.15.255.255", ADDRESS_PUBLIC },
		{ "172.32.0.0", ADDRESS_PUBLIC },
		{ "223.255.255.255", ADDRESS_PUBLIC },
		{ "2606:4700::1111", ADDRESS_PUBLIC },
		{ "127.0.0.1", ADDRESS_LOOPBACK },
		{ "127.255.0.3", ADDRESS_LOOPBACK },
		{ "::1", ADDRESS_LOOPBACK },
		{ "::ffff:127.0.0.1", ADDRESS_LOOPBACK },
		{ "10.0.0.1", ADDRESS_PRIVATE },
		{ "172.16.0.1", ADDRESS_PRIVATE },
		{ "172.31.255.255", ADDRESS_PRIVATE },
		{ "192.168.1.1", ADDRESS_PRIVATE },
		{ "100.64.0.1", ADDRESS_PRIVATE },
		{ "fd12::1", ADDRESS_PRIVATE },
		{ "::ffff:10.1.2.3", ADDRESS_PRIVATE },
		{ "64:ff9b::c0a8:101", ADDRESS_PRIVATE },
		{ "2002:0a00:0001::1", ADDRESS_PRIVATE },
		{ "169.254.169.254", ADDRESS_NEVER },
		{ "::ffff:169.254.169.254", ADDRESS_NEVER },
		{ "100.100.100.200", ADDRESS_NEVER },
		{ "0.0.0.0", ADDRESS_NEVER },
		{ "0.1.2.3", ADDRESS_NEVER },
		{ "224.0.0.1", ADDRESS_NEVER },
		{ "255.255.255.255", ADDRESS_NEVER },
		{ "::", ADDRESS_NEVER },
		{ "fe80::1", ADDRESS_NEVER },
		{ "ff02::1", ADDRESS_NEVER },
		{ "2001:db8::1", ADDRESS_NEVER },
		{ "2001:0:1::1", ADDRESS_NEVER },
		{ "::7f00:1", ADDRESS_NEVER },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (kind_of(rows[i].text) != rows[i].want)
			fail_msg("%s is %d", rows[i].text, (int)kind_of(rows[i].text));
}

static void urls_of_others_are_checked(void **state)
{
	static const struct {
		const char *url;
		bool may, may_private;
	} rows[] = {
		{ "https://erp.example.com/yufu?key=1", true, true },
		{ "https://203.0.114.1:8443/", true, true },
		{ "http://127.0.0.1:9000/x", true, true },
		{ "http://[::1]:9000/x", true, true },
		{ "http://localhost/x", true, true },
		{ "https://10.0.0.7/x", false, true },
		{ "https://[fd00::7]/x", false, true },
		{ "http://10.0.0.7/x", false, false },
		{ "http://erp.example.com/", false, false },
		{ "https://127.0.0.2/", false, false },
		{ "https://169.254.169.254/latest/meta-data", false, false },
		{ "https://[fe80::1]/", false, false },
		{ "https://[::ffff:169.254.169.254]/", false, false },
		{ "https://2852039166/", false, false },
		{ "https://0xa9fea9fe/", false, false },
		{ "https://user:pw@erp.example.com/", false, false },
		{ "https://erp.example.com/#x", false, false },
		{ "https://erp.example.com/a b", false, false },
		{ "https://erp.example.com/\r\nX: y", false, false },
		{ "https://电.example.com/", false, false },
		{ "ftp://erp.example.com/", false, false },
		{ "file:///etc/passwd", false, false },
		{ "//erp.example.com/", false, false },
		{ "https://", false, false },
		{ "", false, false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct problem why = { 0 };

		if ((web_url_check(rows[i].url, WEB_PUBLIC, &why) == ERR_OK) != rows[i].may)
			fail_msg("%s, public only", rows[i].url);
		if ((web_url_check(rows[i].url, WEB_PRIVATE, &why) == ERR_OK) !=
			rows[i].may_private)
			fail_msg("%s, private too", rows[i].url);
	}
}

/* A name is judged by what it resolves to, when the connection is made. */
static void a_name_that_leads_home_is_not_followed(void **state)
{
	struct web_request req = { .method = "GET",
		.url = "https://localhost.:1/",
		.deadline_ms = mono_ms() + 5000,
		.reach = WEB_PRIVATE };
	AUTO(web_answer_free) struct web_answer answer = { 0 };
	struct problem why = { 0 };

	(void)state;
	assert_int_equal(web_call(&req, &answer, &why), ERR_UNAVAILABLE);
	if (!strstr(why.text, "resolve")) /* not every machine knows the name with its dot */
		assert_string_equal(why.text, "this address is not reached from here");
}

/* The values are those of `printf %s '1795342029.{"a":1}' | openssl dgst -sha256 -hmac KEY`. */
static void signatures(void **state)
{
	static const char one[] =
		"v1=c381e2fc4fc12d98534273ef995054b84a77ea11d4ef835d9e20e777afcbc578";
	static const char both[] =
		"v1=c381e2fc4fc12d98534273ef995054b84a77ea11d4ef835d9e20e777afcbc578,v1="
		"15460f8f6bc9093e32a66358b0d00716bc1f16c1816117d254f68aedb999e24e";
	char out[WEBHOOK_SIGNATURES_MAX];

	(void)state;
	webhook_sign("whsec_one", "", 1795342029, "{\"a\":1}", 7, out);
	assert_string_equal(out, one);
	webhook_sign("whsec_one", "whsec_two", 1795342029, "{\"a\":1}", 7, out);
	assert_string_equal(out, both);
}

static void tries_are_spread_over_three_days(void **state)
{
	static const int64_t pauses[] = { 10, 60, 300, 1800, 7200, 21600, 43200, 43200 };
	const struct utc since = { 1795342029000 };
	struct utc now = since, next;
	int64_t tries = 1;

	(void)state;
	for (; retry_next(tries, since, now, 100, &next); tries++) {
		int64_t want = tries <= 8 ? pauses[tries - 1] : 43200;

		assert_int_equal(next.ms - now.ms, want * 1000);
		now = next;
	}
	assert_in_range(tries, 11, 13);
	assert_true(now.ms <= since.ms + RETRY_FOR_MS);
	assert_true(now.ms + 43200 * INT64_C(1000) > since.ms + RETRY_FOR_MS);
	retry_next(1, since, since, 0, &next);
	assert_int_equal(next.ms - since.ms, 9000);
	retry_next(1, since, since, RETRY_JITTER - 1, &next);
	assert_int_equal(next.ms - since.ms, 11000);
}

static void whoever_fails_rests(void **state)
{
	(void)state;
	assert_int_equal(retry_rest_ms(0), 0);
	assert_int_equal(retry_rest_ms(1), 1000);
	assert_int_equal(retry_rest_ms(4), 8000);
	assert_int_equal(retry_rest_ms(9), 256000);
	assert_int_equal(retry_rest_ms(10), 300000);
	assert_int_equal(retry_rest_ms(INT64_MAX), 300000);
}

/* The document names the kinds that there are. */
static void kinds_are_documented(void **state)
{
	AUTO(schemas_free) struct schemas *s = schemas_open();
	static const char *const shapes[] = { "webhook_new", "webhook_change", "webhook",
		"webhook_made" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(shapes); i++) {
		const json_t *list = json_object_get(schemas_json(s), shapes[i]);

		list = json_object_get(json_object_get(list, "properties"), "events");
		list = json_object_get(json_object_get(list, "items"), "enum");
		assert_int_equal(json_array_size(list), event_kind_count + 1);
		for (size_t k = 0; k < event_kind_count; k++)
			assert_string_equal(json_string_value(json_array_get(list, k + 1)),
				event_kinds[k].name);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(addresses_are_told_apart),
		cmocka_unit_test(urls_of_others_are_checked),
		cmocka_unit_test(a_name_that_leads_home_is_not_followed),
		cmocka_unit_test(signatures),
		cmocka_unit_test(tries_are_spread_over_three_days),
		cmocka_unit_test(whoever_fails_rests),
		cmocka_unit_test(kinds_are_documented),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
