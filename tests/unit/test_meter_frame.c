/* Modbus frames against published ones, and what every single byte of a reply is worth. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "meter/frame.h"

/* Frames as published, CRC last. */
static void published_frames_have_our_crc(void **state)
{
	static const char *const frames[] = {
		"01 03 02 00 00 30 44 66", /* Acrel's commissioning tool, status block */
		"01 03 30 01 00 06 9B 08", /* DTSD1352 manual, event record */
		"01 03 0C 12 01 08 0A 01 01 01 00 00 00 00 00 80 23",
		"01 04 00 00 00 02 71 CB", /* Eastron protocol paper, voltage */
		"01 04 04 43 66 33 34 1B 38",
		"01 83 02 C0 F1",		    /* Modbus over Serial Line, exception 2 */
		"01 10 00 1A 00 01 02 00 01 65 AA", /* DDS238 relay on */
		"00 03 02 00 00 08 44 65",	    /* USW ultrasonic water meter */
		"11 03 10 00 00 00 00 00 00 7E BD 00 00 00 00 00 01 F0 89 FA 75",
		"11 03 06 00 00 04 F7 00 40 5D 87",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(frames); i++) {
		uint8_t b[FRAME_MAX];
		size_t n = 0;

		assert_int_equal(hex_decode(frames[i], b, sizeof(b), &n), ERR_OK);
		assert_int_equal(frame_crc(b, n - 2), b[n - 2] | b[n - 1] << 8);
		assert_int_equal(frame_crc(b, n), 0);
	}
}

static void a_published_pair_is_taken(void **state)
{
	static const struct bus_request q = {
		.unit = 1, .function = 3, .address = 0x3001, .count = 6
	};
	uint8_t request[FRAME_MAX], golden[FRAME_MAX];
	uint16_t regs[6];
	size_t n = 0;

	(void)state;
	assert_int_equal(hex_decode("01 03 30 01 00 06 9B 08", golden, sizeof(golden), &n), ERR_OK);
	assert_int_equal(frame_build(FRAMING_RTU, &q, 0, request), n);
	assert_memory_equal(request, golden, n);
	assert_int_equal(hex_decode("01 03 0C 12 01 08 0A 01 01 01 00 00 00 00 00 80 23", golden,
				 sizeof(golden), &n),
		ERR_OK);
	assert_int_equal(frame_check_reply(FRAMING_RTU, &q, 0, golden, n, regs, NULL), ERR_OK);
	assert_int_equal(regs[0], 0x1201);
	assert_int_equal(regs[5], 0);
}

static void tcp_puts_a_header_in_front(void **state)
{
	static const uint16_t values[] = { 1, 0 };
	static const struct bus_request q = {
		.unit = 9, .function = 16, .address = 0x57, .count = 2, .values = values
	};
	static const uint8_t want[] = { 0x12, 0x34, 0, 0, 0, 11, 9, 16, 0, 0x57, 0, 2, 4, 0, 1, 0,
		0 };
	uint8_t request[FRAME_MAX];

	(void)state;
	assert_int_equal(frame_build(FRAMING_TCP, &q, 0x1234, request), sizeof(want));
	assert_memory_equal(request, want, sizeof(want));
}

/* Every byte of a reply that is not data must be what it is: change one, and the reply is refused.
 * Every shorter and longer piece is refused, too. */
static void no_byte_may_differ(void **state)
{
	static const struct bus_request q = {
		.unit = 1, .function = 3, .address = 0x10, .count = 2
	};
	static const uint8_t good[] = { 0, 7, 0, 0, 0, 7, 1, 3, 4, 0xAA, 0xBB, 0xCC, 0xDD };
	uint8_t bad[sizeof(good) + 1] = { 0 };
	uint16_t regs[2] = { 0 };

	(void)state;
	assert_int_equal(
		frame_check_reply(FRAMING_TCP, &q, 7, good, sizeof(good), regs, NULL), ERR_OK);
	assert_int_equal(regs[1], 0xCCDD);
	for (size_t i = 0; i < 9; i++)
		for (int bit = 0; bit < 8; bit++) {
			struct bus_error why = { 0 };

			memcpy(bad, good, sizeof(good));
			bad[i] ^= (uint8_t)(1 << bit);
			assert_int_not_equal(frame_check_reply(FRAMING_TCP, &q, 7, bad,
						     sizeof(good), regs, &why),
				ERR_OK);
			assert_true(why.text[0]);
		}
	memcpy(bad, good, sizeof(good));
	for (size_t n = 0; n <= sizeof(bad); n++)
		if (n != sizeof(good))
			assert_int_not_equal(
				frame_check_reply(FRAMING_TCP, &q, 7, bad, n, regs, NULL), ERR_OK);
	assert_int_equal(regs[1], 0xCCDD); /* never touched by a bad one */
}

static void exceptions_are_named(void **state)
{
	static const struct {
		uint8_t code;
		const char *text;
	} rows[] = {
		{ 1, "exception 1 at register 0x0061 (illegal function)" },
		{ 2, "exception 2 at register 0x0061 (illegal address)" },
		{ 6, "exception 6 at register 0x0061 (busy)" },
		{ 7, "exception 7 at register 0x0061 (unknown)" },
		{ 11, "exception 11 at register 0x0061 (meter does not answer its gateway)" },
		{ 255, "exception 255 at register 0x0061 (unknown)" },
	};
	static const struct bus_request q = {
		.unit = 1, .function = 3, .address = 0x61, .count = 2
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const uint8_t reply[] = { 0, 7, 0, 0, 0, 3, 1, 0x83, rows[i].code };
		struct bus_error why = { 0 };

		assert_int_equal(
			frame_check_reply(FRAMING_TCP, &q, 7, reply, sizeof(reply), NULL, &why),
			ERR_REFUSED);
		assert_int_equal(why.exception, rows[i].code);
		assert_string_equal(why.text, rows[i].text);
	}
}

/* Pairs of the examples in Modbus Application Protocol V1.1b3, chapter 6: request and reply without
 * unit and checksum. Coils count from the lowest bit of the first byte. */
static const struct {
	struct bus_request request;
	const char *sent, *reply;
	uint16_t regs[22];
} specified[] = {
	{ { .function = 1, .address = 0x13, .count = 19 }, "01 00 13 00 13", "01 03 CD 6B 05",
		{ 1, 0, 1, 1, 0, 0, 1, 1, 1, 1, 0, 1, 0, 1, 1, 0, 1, 0, 1 } },
	{ { .function = 2, .address = 0xC4, .count = 22 }, "02 00 C4 00 16", "02 03 AC DB 35",
		{ 0, 0, 1, 1, 0, 1, 0, 1, 1, 1, 0, 1, 1, 0, 1, 1, 1, 0, 1, 0, 1, 1 } },
	{ { .function = 3, .address = 0x6B, .count = 3 }, "03 00 6B 00 03",
		"03 06 02 2B 00 00 00 64", { 0x022B, 0, 0x64 } },
	{ { .function = 4, .address = 8, .count = 1 }, "04 00 08 00 01", "04 02 00 0A", { 10 } },
	{ { .function = 5, .address = 0xAC, .count = 1, .values = (const uint16_t[]){ 1 } },
		"05 00 AC FF 00", "05 00 AC FF 00", { 0 } },
	{ { .function = 6, .address = 1, .count = 1, .values = (const uint16_t[]){ 3 } },
		"06 00 01 00 03", "06 00 01 00 03", { 0 } },
	{ { .function = 15,
		  .address = 0x13,
		  .count = 10,
		  .values = (const uint16_t[]){ 1, 0, 1, 1, 0, 0, 1, 1, 1, 0 } },
		"0F 00 13 00 0A 02 CD 01", "0F 00 13 00 0A", { 0 } },
	{ { .function = 16, .address = 1, .count = 2, .values = (const uint16_t[]){ 10, 0x102 } },
		"10 00 01 00 02 04 00 0A 01 02", "10 00 01 00 02", { 0 } },
};

static size_t with_header(const char *hex, uint8_t frame[static FRAME_MAX])
{
	size_t n = 0;

	assert_int_equal(hex_decode(hex, frame + 7, FRAME_MAX - 7, &n), ERR_OK);
	memcpy(frame, (const uint8_t[]){ 0, 7, 0, 0, 0, (uint8_t)(n + 1), 9 }, 7);
	return n + 7;
}

static void functions_are_as_specified(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(specified); i++) {
		struct bus_request q = specified[i].request;
		uint8_t golden[FRAME_MAX], ours[FRAME_MAX];
		uint16_t regs[22] = { 0 };
		struct bus_error why = { 0 };
		size_t n = with_header(specified[i].sent, golden);

		q.unit = 9;
		assert_int_equal(frame_build(FRAMING_TCP, &q, 7, ours), n);
		assert_memory_equal(ours, golden, n);
		n = with_header(specified[i].reply, golden);
		assert_int_equal(frame_need(FRAMING_TCP, golden, n), n);
		if (frame_check_reply(FRAMING_TCP, &q, 7, golden, n, regs, &why) != ERR_OK)
			fail_msg("row %zu: %s", i, why.text);
		assert_memory_equal(regs, specified[i].regs, sizeof(regs));
		/* a bit of the header or of an echo changed, or a byte more or less */
		for (size_t at = 6; at < (q.function <= 4 ? 9 : n); at++) {
			golden[at] ^= 1;
			assert_int_not_equal(
				frame_check_reply(FRAMING_TCP, &q, 7, golden, n, regs, &why),
				ERR_OK);
			golden[at] ^= 1;
		}
		assert_int_not_equal(
			frame_check_reply(FRAMING_TCP, &q, 7, golden, n - 1, regs, &why), ERR_OK);
	}
}

/* A frame of the maker's own: what is known of its reply must be so, the rest may be anything. */
static void a_vendors_frame_is_sent_and_checked(void **state)
{
	static const uint8_t bytes[] = { 0x41, 0xDE, 0xAD };
	static const uint8_t reply[] = { 0x41, 0x01, 0x00, 0x00 };
	static const uint8_t fixed[] = { 0xff, 0xff, 0x00, 0x00 };
	static const struct bus_vendor vendor = { bytes, sizeof(bytes), reply, fixed,
		sizeof(reply) };
	static const struct bus_request q = { .unit = 9, .function = 0x41, .vendor = &vendor };
	uint8_t golden[FRAME_MAX], ours[FRAME_MAX];
	struct bus_error why = { 0 };
	size_t n = with_header("41 DE AD", golden);

	(void)state;
	assert_true(frame_is_vendor(&q));
	assert_int_equal(frame_build(FRAMING_TCP, &q, 7, ours), n);
	assert_memory_equal(ours, golden, n);
	assert_int_equal(frame_build(FRAMING_RTU, &q, 0, ours), 6);
	n = with_header("41 01 12 34", golden);
	assert_int_equal(frame_need_for(FRAMING_TCP, &q, golden, 8), n);
	assert_int_equal(frame_need_for(FRAMING_TCP, &q, golden, n), n);
	assert_int_equal(frame_need_for(FRAMING_RTU, &q, golden + 6, 2), 7);
	assert_int_equal(frame_check_reply(FRAMING_TCP, &q, 7, golden, n, NULL, &why), ERR_OK);
	n = with_header("41 02 12 34", golden);
	assert_int_equal(
		frame_check_reply(FRAMING_TCP, &q, 7, golden, n, NULL, &why), ERR_PROTOCOL);
	assert_string_equal(why.text, "reply with 0x02 instead of 0x01 in byte 1");
	n = with_header("41 01 12", golden);
	assert_int_equal(
		frame_check_reply(FRAMING_TCP, &q, 7, golden, n, NULL, &why), ERR_PROTOCOL);
	n = with_header("C1 01", golden);
	assert_int_equal(frame_need_for(FRAMING_TCP, &q, golden, n), n);
	assert_int_equal(frame_check_reply(FRAMING_TCP, &q, 7, golden, n, NULL, &why), ERR_REFUSED);
	assert_string_equal(why.text, "exception 1 to function 0x41 (illegal function)");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(published_frames_have_our_crc),
		cmocka_unit_test(a_published_pair_is_taken),
		cmocka_unit_test(tcp_puts_a_header_in_front),
		cmocka_unit_test(no_byte_may_differ),
		cmocka_unit_test(exceptions_are_named),
		cmocka_unit_test(functions_are_as_specified),
		cmocka_unit_test(a_vendors_frame_is_sent_and_checked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
