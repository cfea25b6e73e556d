/* What a browser carries for us: it counts for that browser, for ten minutes, and unchanged. */
#include "cmock.h"

#include <string.h>

#include "fcgi/ticket.h"

#define NOW ((struct utc){ INT64_C(1795400000000) })
#define LATER(ms_) ((struct utc){ NOW.ms + (ms_) })

static char key_text[] = "0123456789abcdef0123456789abcdef";
static const struct buf key = { key_text, 32, 33 };
static char other_text[] = "0123456789abcdef0123456789abcdeX";
static const struct buf other = { other_text, 32, 33 };

static void test_state(void **state)
{
	char nonce[STATE_NONCE_MAX], nonce2[STATE_NONCE_MAX], s[STATE_MAX], s2[STATE_MAX];

	(void)state;
	state_make(&key, NOW, nonce, s);
	state_make(&key, NOW, nonce2, s2);
	assert_string_not_equal(s, s2);
	assert_true(strspn(s, "0123456789abcdef") == strlen(s));
	assert_true(state_is_good(&key, nonce, s, NOW));
	assert_true(state_is_good(&key, nonce, s, LATER(599000)));
	assert_false(state_is_good(&key, nonce, s, LATER(600000)));
	assert_false(state_is_good(&key, nonce2, s, NOW)); /* another browser's */
	assert_false(state_is_good(&key, nonce, s2, NOW));
	assert_false(state_is_good(&other, nonce, s, NOW));
	assert_false(state_is_good(&key, "", s, NOW));
	assert_false(state_is_good(&key, nonce, "", NOW));
	for (size_t i = 0; i < strlen(s); i++) {
		char was = s[i];

		s[i] = was == '0' ? '1' : '0';
		assert_false(state_is_good(&key, nonce, s, NOW));
		s[i] = was;
	}
}

static void test_ticket(void **state)
{
	AUTO(buf_free) struct buf t = { 0 };
	char app[33], openid[65];

	(void)state;
	ticket_make(&key, "wx1", "oABC-d_e", NOW, &t);
	assert_null(strstr(t.text, "oABC"));
	assert_int_equal(ticket_open(&key, t.text, LATER(599000), app, openid), ERR_OK);
	assert_string_equal(app, "wx1");
	assert_string_equal(openid, "oABC-d_e");
	assert_int_equal(ticket_open(&key, t.text, LATER(600000), app, openid), ERR_BAD_VALUE);
	assert_int_equal(ticket_open(&other, t.text, NOW, app, openid), ERR_BAD_VALUE);
	assert_int_equal(ticket_open(&key, "", NOW, app, openid), ERR_BAD_VALUE);
	for (size_t i = 0; i < t.len; i++) {
		char was = t.text[i];

		t.text[i] = was == 'A' ? 'B' : 'A';
		assert_int_equal(ticket_open(&key, t.text, NOW, app, openid), ERR_BAD_VALUE);
		t.text[i] = was;
	}
	for (; t.len > 0; t.text[--t.len] = '\0')
		if (t.len < 60)
			assert_int_equal(
				ticket_open(&key, t.text, NOW, app, openid), ERR_BAD_VALUE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_state),
		cmocka_unit_test(test_ticket),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
