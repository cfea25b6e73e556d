/* Texts cut into short messages, by a table and by vectors that are not ours; and the words of
 * them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/json.h"
#include "base/notice_words.h"
#include "notice/channel.h"
#include "notice/sms_text.h"

static void repeat(struct buf *out, const char *text, int n)
{
	while (n-- > 0)
		buf_adds(out, text);
}

static void test_lengths(void **state)
{
	static const struct {
		const char *text;
		int n;
		const char *more;
		enum sms_coding coding;
		size_t parts, last;
	} cases[] = {
		{ "电", 1, "", SMS_UCS2, 1, 1 },
		{ "电", 70, "", SMS_UCS2, 1, 70 },
		{ "电", 71, "", SMS_UCS2, 2, 4 },
		{ "电", 134, "", SMS_UCS2, 2, 67 },
		{ "电", 135, "", SMS_UCS2, 3, 1 },
		{ "电", 670, "", SMS_UCS2, 10, 67 },
		{ "电", 66, "😀电电电电", SMS_UCS2, 2,
			6 }, /* the pair goes to the second part whole */
		{ "电", 68, "😀", SMS_UCS2, 1, 70 },
		{ "a", 160, "", SMS_GSM7, 1, 160 },
		{ "a", 161, "", SMS_GSM7, 2, 8 },
		{ "[", 80, "", SMS_GSM7, 1, 160 },
		{ "a", 152, "[aaaaaaa[", SMS_GSM7, 2,
			11 }, /* so does the escape with its character */
		{ "a", 70, "`", SMS_UCS2, 2, 4 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		AUTO(buf_free) struct buf text = { 0 };
		struct sms_text t;

		repeat(&text, cases[i].text, cases[i].n);
		buf_adds(&text, cases[i].more);
		assert_int_equal(sms_split(text.text, &t), ERR_OK);
		assert_int_equal(t.coding, cases[i].coding);
		assert_int_equal(t.n, cases[i].parts);
		assert_int_equal(t.parts[t.n - 1].units, cases[i].last);
	}
}

static void test_refused(void **state)
{
	AUTO(buf_free) struct buf text = { 0 };
	struct sms_text t;

	(void)state;
	assert_int_equal(sms_split("", &t), ERR_MISSING_FIELD);
	assert_int_equal(sms_split(" \n\u3000", &t), ERR_MISSING_FIELD);
	assert_int_equal(sms_split("a\tb", &t), ERR_BAD_VALUE);
	assert_int_equal(sms_split("\xE7\x94", &t), ERR_BAD_VALUE);
	assert_int_equal(sms_split("\xED\xA0\x80", &t), ERR_BAD_VALUE);
	assert_int_equal(sms_split("\xC0\x80", &t), ERR_BAD_VALUE);
	repeat(&text, "电", 671);
	assert_int_equal(sms_split(text.text, &t), ERR_TOO_LARGE);
}

static void test_vectors(void **state)
{
	AUTO(json_free)
	json_t *v = json_load_file(SOURCE_DIR "/tests/vectors/pay/sms_pdu_ucs2.json", 0, NULL);
	const json_t *joined = json_object_get(v, "long"),
		     *parts = json_object_get(joined, "parts");
	struct sms_text t;

	(void)state;
	assert_int_equal(
		sms_split(json_string_value(json_object_get(json_object_get(v, "single"), "text")),
			&t),
		ERR_OK);
	assert_int_equal(t.n, 1);
	assert_int_equal(t.parts[0].units, 22);
	assert_int_equal(sms_split(json_string_value(json_object_get(joined, "text")), &t), ERR_OK);
	assert_int_equal(t.n, json_array_size(parts));
	for (size_t i = 0; i < t.n; i++) {
		const char *text =
			json_string_value(json_object_get(json_array_get(parts, i), "text"));
		char udh[SMS_UDH_MAX];

		assert_int_equal(t.parts[i].n, strlen(text));
		assert_memory_equal(t.parts[i].at, text, t.parts[i].n);
		sms_udh(0xD3, t.n, i + 1, udh);
		assert_string_equal(
			udh, json_string_value(json_array_get(json_object_get(joined, "udh"), i)));
	}
	assert_int_equal(sms_reference("yufu-17"), sms_reference("yufu-17"));
	assert_int_not_equal(sms_reference("yufu-17"), sms_reference("yufu-18"));
}

/* Every kind has words, and the words ask for nothing that the kind has not. */
static void assert_words(const struct notice_kind *kind, const char *text)
{
	AUTO(buf_free) struct buf out = { 0 };
	struct word_value v[ARRAY_LEN(kind->params)];
	char names[ARRAY_LEN(kind->params)][24];
	size_t n = 0;

	for (; n < ARRAY_LEN(kind->params) && kind->params[n]; n++) {
		snprintf(names[n], sizeof(names[n]), "{%s}", kind->params[n]);
		v[n] = (struct word_value){ names[n], "value" };
	}
	notice_words_fill(text, v, n, &out);
	assert_null(strchr(out.text, '{'));
}

static void test_words(void **state)
{
	(void)state;
	for (size_t i = 0; i < notice_kind_count; i++) {
		const struct notice_words *w = notice_words_find(notice_kinds[i].name);

		if (!w)
			fail_msg("%s has no row in base/notice_words.c", notice_kinds[i].name);
		assert_words(&notice_kinds[i], w->zh);
		assert_words(&notice_kinds[i], w->en);
	}
	assert_null(notice_words_find("LOW1"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lengths),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_vectors),
		cmocka_unit_test(test_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
