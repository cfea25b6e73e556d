#include "cmock.h"

#include <string.h>

#include "rules/supply.h"

#define NOW INT64_C(1800000000000)

/* The table of the rules, row by row, in the order of precedence. */
static const struct row {
	const char *reason;
	enum supply_want want;
	bool gated;
} rows[] = {
	{ "safety", WANT_OFF, false },
	{ "manual", WANT_OFF, false },
	{ "vacant", WANT_OFF, false },
	{ "protected", WANT_ON, false },
	{ "overload", WANT_OFF, true },
	{ "sub_tenant", WANT_OFF, false },
	{ "keep", WANT_ON, false },
	{ "schedule", WANT_OFF, true },
	{ "fee", WANT_OFF, true },
	{ "arrears", WANT_OFF, true },
};

static void hold(struct supply_facts *f, const char *reason)
{
	enum block_kind k;

	if (strcmp(reason, "protected") == 0)
		f->protected_load = true;
	else if (strcmp(reason, "keep") == 0)
		f->keep_until.ms = NOW + 1;
	else if (block_parse(reason, &k) == ERR_OK)
		f->blocks[k] = true;
	else
		fail_msg("no such row: %s", reason);
}

static void expect(const struct supply_facts *f, const struct row *row)
{
	struct supply_decision d = supply_decide(f);

	assert_string_equal(d.reason, row->reason);
	assert_int_equal(d.want, row->want);
	assert_int_equal(d.gated, row->gated);
}

static void each_row_and_pair(void **state)
{
	(void)state;
	for (enum billing b = BILLING_ACCOUNT; b <= BILLING_METER; b++)
		for (size_t i = 0; i < ARRAY_LEN(rows); i++)
			for (size_t j = i; j < ARRAY_LEN(rows); j++) {
				struct supply_facts f = { .billing = b, .now = { NOW } };

				hold(&f, rows[i].reason);
				hold(&f, rows[j].reason);
				expect(&f, &rows[i]);
			}
}

static void everything_at_once_is_safety(void **state)
{
	struct supply_facts f = { .now = { NOW } };

	(void)state;
	for (size_t i = ARRAY_LEN(rows); i > 0; i--) {
		hold(&f, rows[i - 1].reason);
		expect(&f, &rows[i - 1]);
	}
}

static void nothing_in_the_way(void **state)
{
	static const enum supply_want wants[BILLING__MAX] = {
		[BILLING_ACCOUNT] = WANT_ON,
		[BILLING_METER] = WANT_AUTO,
		[BILLING_POSTPAID] = WANT_ON,
		[BILLING_NONE] = WANT_ON,
	};

	(void)state;
	for (enum billing b = 0; b < BILLING__MAX; b++) {
		struct supply_facts f = { .billing = b, .now = { NOW } };

		expect(&f, &(struct row){ "none", wants[b], false });
	}
}

static void never_cut_for_money_without_prepayment(void **state)
{
	static const enum billing billings[] = { BILLING_POSTPAID, BILLING_NONE };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(billings); i++) {
		struct supply_facts f = { .billing = billings[i], .now = { NOW } };

		hold(&f, "fee");
		hold(&f, "arrears");
		expect(&f, &(struct row){ "none", WANT_ON, false });
		hold(&f, "schedule");
		expect(&f, &(struct row){ "schedule", WANT_OFF, true });
	}
}

static void keep_ends_at_its_end(void **state)
{
	struct supply_facts f = { .now = { NOW }, .keep_until = { NOW } };

	(void)state;
	hold(&f, "arrears");
	f.keep_until.ms = NOW;
	expect(&f, &(struct row){ "arrears", WANT_OFF, true });
	f.keep_until.ms = NOW + 1;
	expect(&f, &(struct row){ "keep", WANT_ON, false });
}

/* The table once more, slowly, as a person reads it aloud: by kinds of block as a set of bits. */
static const char *read_aloud(unsigned set, bool keep, bool is_protected, enum billing b)
{
	static const char *const before_protected[] = { "safety", "manual", "vacant" };
	static const char *const after_protected[] = { "overload", "sub_tenant" };
	static const char *const money[] = { "fee", "arrears" };
	enum block_kind k = BLOCK__MAX;

	for (size_t i = 0; i < ARRAY_LEN(before_protected); i++)
		if (block_parse(before_protected[i], &k) == ERR_OK && (set >> k & 1))
			return before_protected[i];
	if (is_protected)
		return "protected";
	for (size_t i = 0; i < ARRAY_LEN(after_protected); i++)
		if (block_parse(after_protected[i], &k) == ERR_OK && (set >> k & 1))
			return after_protected[i];
	if (keep)
		return "keep";
	if (set >> BLOCK_SCHEDULE & 1)
		return "schedule";
	if (b == BILLING_POSTPAID || b == BILLING_NONE)
		return "none";
	for (size_t i = 0; i < ARRAY_LEN(money); i++)
		if (block_parse(money[i], &k) == ERR_OK && (set >> k & 1))
			return money[i];
	return "none";
}

static struct row row_of(const char *reason, enum billing b)
{
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (strcmp(rows[i].reason, reason) == 0)
			return rows[i];
	return (struct row){ "none", b == BILLING_METER ? WANT_AUTO : WANT_ON, false };
}

/* Every set of blocks, with and without keep and protection, in every billing mode: 4096. */
static void everything_that_can_be(void **state)
{
	(void)state;
	for (unsigned set = 0; set < 1u << BLOCK__MAX; set++)
		for (unsigned more = 0; more < 4; more++)
			for (enum billing b = 0; b < BILLING__MAX; b++) {
				struct supply_facts f = { .billing = b,
					.now = { NOW },
					.keep_until = { more & 1 ? NOW + 1 : NOW },
					.protected_load = more & 2 };
				struct row row =
					row_of(read_aloud(set, more & 1, f.protected_load, b), b);

				for (enum block_kind k = 0; k < BLOCK__MAX; k++)
					f.blocks[k] = set >> k & 1;
				expect(&f, &row);
			}
}

static const struct gate_facts open_gate = {
	.reason = "arrears",
	.now = { NOW },
	.read_at = { NOW - 1000 },
	.plausible = true,
	.identity_sure = true,
	.warned = true,
	.lease_held = true,
	.clock_sane = true,
};

enum doubt {
	STALE,
	IMPLAUSIBLE,
	IDENTITY,
	QUIET,
	UNWARNED,
	PROTECTED,
	PAYMENT,
	LEASE,
	CLOCK,
	BRAKE,
	DOUBT__MAX
};

static const char *const doubt_words[DOUBT__MAX] = { "stale", "implausible", "identity", "quiet",
	"unwarned", "protected", "payment", "lease", "clock", "brake" };

static void raise_doubt(struct gate_facts *f, enum doubt d)
{
	switch (d) {
	case STALE:
		f->read_at.ms = NOW - GATE_FRESH_MS - 1;
		break;
	case IMPLAUSIBLE:
		f->plausible = false;
		break;
	case IDENTITY:
		f->identity_sure = false;
		break;
	case QUIET:
		f->quiet = true;
		break;
	case UNWARNED:
		f->warned = false;
		break;
	case PROTECTED:
		f->protected_load = true;
		break;
	case PAYMENT:
		f->payment_in_flight = true;
		break;
	case LEASE:
		f->lease_held = false;
		break;
	case CLOCK:
		f->clock_sane = false;
		break;
	case BRAKE:
		f->brake = true;
		break;
	case DOUBT__MAX:
		break;
	}
}

/* Which doubts stop a cut for which reason. */
static bool stops(const char *reason, enum doubt d)
{
	if (strcmp(reason, "overload") == 0)
		return d != QUIET && d != UNWARNED && d != PAYMENT && d != BRAKE;
	if (strcmp(reason, "schedule") == 0)
		return d != QUIET && d != UNWARNED && d != PAYMENT;
	return true;
}

static void each_doubt_and_pair(void **state)
{
	static const char *const reasons[] = { "arrears", "fee", "schedule", "overload" };

	(void)state;
	for (size_t r = 0; r < ARRAY_LEN(reasons); r++)
		for (enum doubt a = 0; a < DOUBT__MAX; a++)
			for (enum doubt b = a; b < DOUBT__MAX; b++) {
				struct gate_facts f = open_gate;
				const char *expected = "go";

				f.reason = reasons[r];
				assert_string_equal(trip_gate(&f), "go");
				raise_doubt(&f, a);
				raise_doubt(&f, b);
				if (stops(f.reason, a))
					expected = doubt_words[a];
				else if (stops(f.reason, b))
					expected = doubt_words[b];
				assert_string_equal(trip_gate(&f), expected);
			}
}

/* Every set of doubts for every reason, and for one that nobody knows: 5120. The word is that of
 * the first doubt that counts. */
static void every_set_of_doubts(void **state)
{
	static const char *const reasons[] = { "arrears", "fee", "schedule", "overload", "other" };

	(void)state;
	for (size_t r = 0; r < ARRAY_LEN(reasons); r++)
		for (unsigned set = 0; set < 1u << DOUBT__MAX; set++) {
			struct gate_facts f = open_gate;
			const char *expected = "go";

			f.reason = reasons[r];
			for (enum doubt d = DOUBT__MAX; d-- > 0;) {
				if (!(set >> d & 1))
					continue;
				raise_doubt(&f, d);
				if (stops(f.reason, d))
					expected = doubt_words[d];
			}
			assert_string_equal(trip_gate(&f), expected);
		}
}

static void freshness_has_two_edges(void **state)
{
	struct gate_facts f = open_gate;

	(void)state;
	f.read_at.ms = NOW - GATE_FRESH_MS;
	assert_string_equal(trip_gate(&f), "go");
	f.read_at.ms--;
	assert_string_equal(trip_gate(&f), "stale");
	f.read_at.ms = 0; /* never read */
	assert_string_equal(trip_gate(&f), "stale");
	f.read_at.ms = NOW + 60000; /* from the future: one of the two clocks is wrong */
	assert_string_equal(trip_gate(&f), "stale");
}

static void words_come_back(void **state)
{
	enum block_kind k;
	enum billing b;
	enum supply_want w;

	(void)state;
	for (enum block_kind i = 0; i < BLOCK__MAX; i++) {
		assert_int_equal(block_parse(block_word(i), &k), ERR_OK);
		assert_int_equal(k, i);
	}
	for (enum billing i = 0; i < BILLING__MAX; i++) {
		assert_int_equal(billing_parse(billing_word(i), &b), ERR_OK);
		assert_int_equal(b, i);
	}
	for (enum supply_want i = 0; i < WANT__MAX; i++) {
		assert_int_equal(want_parse(want_word(i), &w), ERR_OK);
		assert_int_equal(w, i);
	}
	assert_int_equal(block_parse("", &k), ERR_BAD_VALUE);
	assert_int_equal(billing_parse("prepaid", &b), ERR_BAD_VALUE);
	assert_int_equal(want_parse("close", &w), ERR_BAD_VALUE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_row_and_pair),
		cmocka_unit_test(everything_at_once_is_safety),
		cmocka_unit_test(nothing_in_the_way),
		cmocka_unit_test(never_cut_for_money_without_prepayment),
		cmocka_unit_test(keep_ends_at_its_end),
		cmocka_unit_test(everything_that_can_be),
		cmocka_unit_test(each_doubt_and_pair),
		cmocka_unit_test(every_set_of_doubts),
		cmocka_unit_test(freshness_has_two_edges),
		cmocka_unit_test(words_come_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
