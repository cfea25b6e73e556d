/* What gateways that dial in send besides replies: told apart from them wherever it stands. */
#include "cmock.h"

#include <string.h>

#include "meter/dialin.h"

static struct dial_patterns patterns(const char *id, const char *registration, const char *beats)
{
	struct dial_patterns p;
	struct problem why = { 0 };

	if (dial_patterns_read(id, registration, beats, &p, &why) != ERR_OK)
		fail_msg("%s: %s", why.field, why.text);
	return p;
}

static void test_templates(void **state)
{
	static const struct {
		const char *id, *registration, *beats, *field;
	} bad[] = {
		{ "", "", "", "address" },
		{ "xyz", "{hex}", "", "registration" },
		{ "D4A", "{hex}", "", "registration" }, /* half a byte */
		{ "1", "\\xZZ", "", "registration" },
		{ "1", "abc\\", "", "registration" },
		{ "1", "\\q", "", "registration" },
		{ "1", "", "a b c d e f g h i", "heartbeat" },
		{ "1", "", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
			"heartbeat" },
	};
	struct dial_patterns p = patterns("D4:AD-20", "{hex}\\x00{id}\\r\\n", "  \\xfe \\\\  ");

	(void)state;
	assert_int_equal(p.n, 3);
	assert_int_equal(p.at[0].n, 14);
	assert_memory_equal(p.at[0].bytes, "\xD4\xAD\x20\0D4:AD-20\r\n", 14);
	assert_int_equal(p.at[1].n, 1);
	assert_int_equal(p.at[1].bytes[0], 0xFE);
	assert_int_equal(p.at[2].bytes[0], '\\');
	p = patterns("860123456789012", "", "");
	assert_memory_equal(p.at[0].bytes, "860123456789012", 15);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct problem why = { 0 };

		assert_int_equal(
			dial_patterns_read(bad[i].id, bad[i].registration, bad[i].beats, &p, &why),
			ERR_BAD_VALUE);
		assert_string_equal(why.field, bad[i].field);
	}
}

static enum dial_hello hello(const struct dial_patterns *p, const char *s)
{
	return dial_hello(p, (const uint8_t *)s, strlen(s));
}

static void test_who_dials(void **state)
{
	struct dial_patterns one = patterns("DTU-1", "", "ping");
	struct dial_patterns ten = patterns("DTU-10", "", "ping");

	(void)state;
	assert_int_equal(hello(&one, ""), DIAL_MORE);
	assert_int_equal(hello(&one, "DT"), DIAL_MORE);
	assert_int_equal(hello(&one, "DTU-1"), DIAL_KNOWN);
	assert_int_equal(hello(&ten, "DTU-1"), DIAL_MORE);
	assert_int_equal(hello(&one, "DTU-10"), DIAL_OTHER); /* the name of another */
	assert_int_equal(hello(&ten, "DTU-10"), DIAL_KNOWN);
	assert_int_equal(hello(&one, "DTU-2"), DIAL_OTHER);
	assert_int_equal(hello(&one, "ping"), DIAL_MORE);
	assert_int_equal(hello(&one, "pingpi"), DIAL_MORE);
	assert_int_equal(hello(&one, "pingDTU-1pingpi"), DIAL_KNOWN);
	assert_int_equal(hello(&one, "GET / HTTP/1.1\r\n"), DIAL_OTHER);
}

/* A reply of unit 1 to a read of two registers. */
static size_t reply(uint8_t *out, uint8_t unit)
{
	static const uint8_t body[] = { 0, 3, 4, 0x12, 0x34, 0x56, 0x78 };
	uint16_t crc;

	memcpy(out, body, sizeof(body));
	out[0] = unit;
	crc = frame_crc(out, sizeof(body));
	out[7] = (uint8_t)crc;
	out[8] = (uint8_t)(crc >> 8);
	return 9;
}

/* Feeds the bytes one by one: until the last there is nothing to see, and then the reply is. */
static void must_find(const struct dial_patterns *p, const uint8_t *bytes, size_t n, size_t last)
{
	uint8_t out[FRAME_MAX], expected[9];
	size_t out_n = 0, used = 0;

	reply(expected, 1);
	for (size_t k = 0; k < n; k++)
		if (k < last)
			if (dial_frame(p, bytes, k, out, &out_n, &used) != DIAL_WAIT)
				fail_msg("%zu of %zu bytes, heartbeat %02x", k, n,
					p->at[1].bytes[0]);
	assert_int_equal(dial_frame(p, bytes, n, out, &out_n, &used), DIAL_FRAME);
	assert_int_equal(out_n, 9);
	assert_memory_equal(out, expected, 9);
	assert_true(used <= n);
	assert_true(dial_is_quiet(p, bytes + used, n - used));
}

/* The heartbeat at every place of the stream: before, amid and behind the reply. */
static void test_heartbeats_anywhere(void **state)
{
	static const char *const beats[] = { "ping", "\\x00\\x01", "\\x01\\x03\\x04",
		"DTU-1\\r\\n" };

	(void)state;
	for (size_t b = 0; b < ARRAY_LEN(beats); b++) {
		struct dial_patterns p = patterns("DTU-1", "", beats[b]);
		const struct dial_pattern *beat = &p.at[1];

		for (size_t at = 0; at <= 9; at++) {
			uint8_t whole[9], bytes[9 + DIAL_PATTERN_MAX];
			size_t n = reply(whole, 1) + beat->n;

			memcpy(bytes, whole, at);
			memcpy(bytes + at, beat->bytes, beat->n);
			memcpy(bytes + at + beat->n, whole + at, 9 - at);
			must_find(&p, bytes, n, at == 9 ? 9 : n);
		}
	}
}

static void test_registration_before_every_packet(void **state)
{
	struct dial_patterns p = patterns("DTU-1", "", "");
	uint8_t bytes[64];
	size_t n = 10;

	(void)state;
	memcpy(bytes, "DTU-1DTU-1", n);
	n += reply(bytes + n, 1);
	must_find(&p, bytes, n, n);
}

static void test_a_short_heartbeat_is_not_sought_amid_a_reply(void **state)
{
	struct dial_patterns p = patterns("DTU-1", "", "\\x34");
	uint8_t bytes[16], out[FRAME_MAX];
	size_t n = reply(bytes, 1), out_n = 0, used = 0;

	(void)state;
	must_find(&p, bytes, n, n); /* it has that byte as data */
	bytes[5] ^= 1;
	assert_int_equal(dial_frame(&p, bytes, n, out, &out_n, &used), DIAL_JUNK);
}

static void test_late_replies_come_as_frames_of_their_own(void **state)
{
	struct dial_patterns p = patterns("DTU-1", "", "ping");
	uint8_t bytes[32], out[FRAME_MAX];
	size_t n = reply(bytes, 9), out_n = 0, used = 0;

	(void)state;
	n += reply(bytes + n, 1);
	assert_int_equal(dial_frame(&p, bytes, n, out, &out_n, &used), DIAL_FRAME);
	assert_int_equal(out[0], 9);
	assert_int_equal(used, 9);
	must_find(&p, bytes + used, n - used, n - used);
}

static void test_junk_and_silence(void **state)
{
	struct dial_patterns p = patterns("DTU-1", "", "ping");
	const uint8_t *ping = (const uint8_t *)"pingpi";
	uint8_t out[FRAME_MAX], junk[40];
	size_t out_n = 0, used = 0;

	(void)state;
	memset(junk, 0xA5, sizeof(junk));
	assert_int_equal(dial_frame(&p, junk, sizeof(junk), out, &out_n, &used), DIAL_JUNK);
	assert_false(dial_is_quiet(&p, junk, sizeof(junk)));
	assert_int_equal(dial_frame(&p, ping, 6, out, &out_n, &used), DIAL_WAIT);
	assert_true(dial_is_quiet(&p, ping, 6));
	assert_int_equal(dial_tail(&p, ping, 6), 2);
	assert_int_equal(dial_tail(&p, ping, 4), 0);
	assert_int_equal(dial_tail(&p, (const uint8_t *)"xxDTU", 5), 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_templates),
		cmocka_unit_test(test_who_dials),
		cmocka_unit_test(test_heartbeats_anywhere),
		cmocka_unit_test(test_registration_before_every_packet),
		cmocka_unit_test(test_a_short_heartbeat_is_not_sought_amid_a_reply),
		cmocka_unit_test(test_late_replies_come_as_frames_of_their_own),
		cmocka_unit_test(test_junk_and_silence),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
