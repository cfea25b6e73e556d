/* How a setting gets into a meter: one row, one situation. */
#include "cmock.h"

#include <string.h>

#include "rules/metersetting.h"

#define NOW 1000000

static const struct {
	const char *state;
	bool unwanted, equal, refused, busy;
	int64_t desired_at, observed_at, sent_at, tries, try_at;
	enum setting_act act;
	const char *becomes;
	int64_t next; /* try_at */
} rows[] = {
	/* never read, or read before it was desired: read first */
	{ "desired", .act = SETTING_ACT_READ },
	{ "desired", .desired_at = 500, .observed_at = 499, .equal = true,
		.act = SETTING_ACT_READ },
	{ "desired", .desired_at = 500, .observed_at = 500, .equal = true, .act = SETTING_ACT_STATE,
		.becomes = "done" },
	{ "desired", .observed_at = 500, .act = SETTING_ACT_WRITE },
	{ "desired", .observed_at = 500, .busy = true, .act = SETTING_ACT_NOTHING },
	{ "desired", .observed_at = 500, .try_at = NOW + 1, .act = SETTING_ACT_NOTHING },
	{ "desired", .unwanted = true, .act = SETTING_ACT_STATE, .becomes = "none" },
	/* after a frame only a reading after it counts, whatever was answered */
	{ "sent", .sent_at = 600, .observed_at = 600, .equal = true, .act = SETTING_ACT_READ },
	{ "unknown", .sent_at = 600, .observed_at = 500, .act = SETTING_ACT_READ },
	{ "sent", .sent_at = 600, .observed_at = 601, .equal = true, .tries = 1,
		.act = SETTING_ACT_STATE, .becomes = "done" },
	{ "unknown", .sent_at = 600, .observed_at = 601, .equal = true, .refused = true, .tries = 9,
		.act = SETTING_ACT_STATE, .becomes = "done" },
	{ "unknown", .sent_at = 600, .observed_at = 601, .tries = 1, .act = SETTING_ACT_STATE,
		.becomes = "desired", .next = NOW + 2000 },
	{ "unknown", .sent_at = 600, .observed_at = 601, .tries = 3, .act = SETTING_ACT_STATE,
		.becomes = "desired", .next = NOW + 32000 },
	{ "unknown", .sent_at = 600, .observed_at = 601, .tries = 4, .refused = true,
		.act = SETTING_ACT_STATE, .becomes = "refused", .next = NOW + SETTING_REST_MS },
	{ "sent", .sent_at = 600, .observed_at = 601, .tries = 4, .act = SETTING_ACT_STATE,
		.becomes = "mismatch", .next = NOW + SETTING_REST_MS },
	/* over, unless somebody has changed it at the meter */
	{ "done", .observed_at = 601, .equal = true, .act = SETTING_ACT_NOTHING },
	{ "done", .observed_at = 601, .act = SETTING_ACT_STATE, .becomes = "desired" },
	{ "refused", .try_at = NOW + 1, .act = SETTING_ACT_NOTHING },
	{ "refused", .try_at = NOW + 1, .equal = true, .act = SETTING_ACT_STATE,
		.becomes = "done" },
	{ "mismatch", .try_at = NOW, .act = SETTING_ACT_STATE, .becomes = "desired" },
	{ "none", .unwanted = true, .act = SETTING_ACT_NOTHING },
	{ "none", .act = SETTING_ACT_STATE, .becomes = "desired" },
	{ "refused", .unwanted = true, .act = SETTING_ACT_STATE, .becomes = "none" },
};

static void each_situation(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct setting_facts f = { .wanted = !rows[i].unwanted,
			.equal = rows[i].equal,
			.desired_at = { rows[i].desired_at },
			.observed_at = { rows[i].observed_at },
			.sent_at = { rows[i].sent_at },
			.refused = rows[i].refused,
			.tries = rows[i].tries,
			.try_at = { rows[i].try_at },
			.busy = rows[i].busy,
			.clock = { NOW } };
		struct setting_step s;

		assert_int_equal(setting_state_parse(rows[i].state, &f.state), ERR_OK);
		s = setting_next(&f);
		if (s.act != rows[i].act)
			fail_msg("row %zu: act %d", i, s.act);
		if (s.act != SETTING_ACT_STATE)
			continue;
		if (strcmp(setting_state_word(s.state), rows[i].becomes) != 0)
			fail_msg("row %zu: %s", i, setting_state_word(s.state));
		assert_int_equal(s.try_at.ms, rows[i].next);
	}
}

/* A meter that never shows what is written gets a few frames only, and then rest. */
static void tries_are_bounded(void **state)
{
	struct setting_facts f = { .state = SETTING_DESIRED, .wanted = true, .clock = { NOW } };
	int frames = 0;

	(void)state;
	for (int i = 0; i < 100; i++) {
		struct setting_step s;

		f.clock.ms += 60000;
		s = setting_next(&f);
		if (s.act == SETTING_ACT_READ)
			f.observed_at = f.clock;
		if (s.act == SETTING_ACT_WRITE) {
			f.state = SETTING_SENT;
			f.sent_at = f.clock;
			f.tries++;
			frames++;
		}
		if (s.act == SETTING_ACT_STATE) {
			f.state = s.state;
			f.try_at = s.try_at;
			f.tries = s.anew ? 0 : f.tries;
		}
	}
	assert_int_equal(frames, SETTING_TRIES_MAX);
	assert_int_equal(f.state, SETTING_MISMATCH);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_situation),
		cmocka_unit_test(tries_are_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
