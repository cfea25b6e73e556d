/* A bill against the books: each kind of difference by itself, and days of random payments whose
 * bills were doctored: every doctoring is found, nothing else is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "rules/reconcile.h"

#include <cmocka.h>

#define DAY_MS INT64_C(86400000)
#define FROM INT64_C(1795276800000)
#define NOON (FROM + DAY_MS / 2)
#define FEE(fen) ((struct money){ (fen)*60 * 1000 })

static struct bill_day day_of_one(const struct bill_line *line, const struct booked_payment *p)
{
	return (struct bill_day){ .lines = line,
		.lines_n = line ? 1 : 0,
		.payments = p,
		.payments_n = p ? 1 : 0,
		.from = { FROM },
		.to = { FROM + DAY_MS },
		.fee_per_10000 = 60 };
}

static void found_is(const struct bill_day *d, enum difference_kind want)
{
	AUTO(reconciled_free) struct reconciled r = { 0 };

	reconcile(d, &r);
	assert_int_equal(r.n, want == DIFF_NONE ? 0 : 1);
	if (r.n)
		assert_string_equal(difference_word(r.found[0].kind), difference_word(want));
	assert_int_equal(r.matched, want == DIFF_NONE ? d->lines_n : 0);
	assert_int_equal(r.late, 0);
}

static const struct bill_line LINE = { .transaction_id = "T1",
	.out_trade_no = "O1",
	.out_refund_no = "",
	.amount_fen = 5000,
	.fee = { 5000 * 60 * 1000 } };
static const struct booked_payment PAID = { "T1", "O1", 5000, { NOON }, false };

static void each_kind_of_payment(void **state)
{
	static const struct {
		const char *transaction, *order;
		int64_t amount, fee;
		enum order_known known;
		bool before;
		enum difference_kind want;
	} cases[] = {
		{ "T1", "O1", 5000, 300000000, ORDER_PAID, false, DIFF_NONE },
		{ "T1", "", 5000, 300000000, ORDER_PAID, false, DIFF_NONE },
		{ "T1", "O1", 5000, 309999999, ORDER_PAID, false, DIFF_NONE }, /* rounded to fen */
		{ "T1", "O1", 5000, 310000000, ORDER_PAID, false, DIFF_FEE },
		{ "T1", "O1", 5000, 290000000, ORDER_PAID, false, DIFF_FEE },
		{ "T1", "O1", 4999, 300000000, ORDER_PAID, false, DIFF_AMOUNT },
		{ "T1", "O1", 1, 0, ORDER_PAID, false, DIFF_AMOUNT },
		{ "T1", "O2", 5000, 300000000, ORDER_PAID, false, DIFF_REFERENCE },
		{ "T1", "O1", 5000, 300000000, ORDER_PAID, true, DIFF_TWICE },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct bill_line l = { .transaction_id = cases[i].transaction,
			.out_trade_no = cases[i].order,
			.out_refund_no = "",
			.amount_fen = cases[i].amount,
			.fee = { cases[i].fee },
			.before = cases[i].before,
			.order = cases[i].known };
		struct bill_day d = day_of_one(&l, &PAID);

		found_is(&d, cases[i].want);
	}
}

static void not_booked_here(void **state)
{
	struct booked_payment nobodys = { "T1", "", 5000, { NOON }, false };
	struct bill_line l = LINE;
	struct bill_day d = day_of_one(&l, &nobodys);

	(void)state;
	found_is(&d, DIFF_NONE); /* booked, to no order */
	d = day_of_one(&l, NULL);
	found_is(&d, DIFF_MISSING_HERE);
	l.order = ORDER_UNPAID;
	found_is(&d, DIFF_MISSING_HERE);
	l.order = ORDER_PAID;
	found_is(&d, DIFF_SECOND);
}

/* When a payment of ours is on no bill: at which time, what bills there are, and what is said. */
static void not_on_the_bill(void **state)
{
	static const struct {
		int64_t at;
		bool elsewhere, before_waits, after_waits;
		size_t found, late;
	} cases[] = {
		{ NOON, false, false, true, 1, 0 },
		{ NOON, true, false, true, 0, 0 },
		{ FROM + DAY_MS - 1000, false, false, true, 0, 1 }, /* 23:59:59 */
		{ FROM + DAY_MS - 1000, false, false, false, 1, 0 },
		{ FROM + DAY_MS - 1000, true, false, false, 0, 0 }, /* it was on the next */
		{ FROM, false, true, false, 0, 1 },
		{ FROM, false, false, false, 1, 0 },
		{ FROM - 1, false, false, false, 0, 0 }, /* another day's */
		{ FROM + DAY_MS, false, false, false, 0, 0 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		AUTO(reconciled_free) struct reconciled r = { 0 };
		struct booked_payment p = PAID;
		struct bill_day d = day_of_one(NULL, &p);

		p.at.ms = cases[i].at;
		p.elsewhere = cases[i].elsewhere;
		d.before_waits = cases[i].before_waits;
		d.after_waits = cases[i].after_waits;
		reconcile(&d, &r);
		assert_int_equal(r.n, cases[i].found);
		assert_int_equal(r.late, cases[i].late);
		if (r.n)
			assert_int_equal(r.found[0].kind, DIFF_MISSING_THERE);
	}
}

static void each_kind_of_refund(void **state)
{
	static const struct {
		const char *no;
		int64_t amount;
		bool failed, before;
		enum booked_refund_state booked;
		enum difference_kind want;
	} cases[] = {
		{ "R1", 700, false, false, BOOKED_REFUND_DONE, DIFF_NONE },
		{ "R1", 700, false, false, BOOKED_REFUND_OPEN, DIFF_NONE }, /* accepted there */
		{ "R1", 700, false, false, BOOKED_REFUND_FAILED, DIFF_REFUND_STATE },
		{ "R1", 700, true, false, BOOKED_REFUND_FAILED, DIFF_NONE },
		{ "R1", 700, true, false, BOOKED_REFUND_OPEN, DIFF_NONE },
		{ "R1", 700, true, false, BOOKED_REFUND_DONE, DIFF_REFUND_STATE },
		{ "R1", 701, false, false, BOOKED_REFUND_DONE, DIFF_REFUND_AMOUNT },
		{ "R1", 700, false, true, BOOKED_REFUND_DONE, DIFF_TWICE },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct bill_line l = { .refund = true,
			.transaction_id = "T1",
			.out_trade_no = "O1",
			.out_refund_no = cases[i].no,
			.amount_fen = cases[i].amount,
			.failed = cases[i].failed,
			.before = cases[i].before };
		struct booked_refund b = { "R1", 700, cases[i].booked, { NOON }, false };
		struct bill_day d = day_of_one(&l, NULL);

		d.refunds = &b;
		d.refunds_n = 1;
		found_is(&d, cases[i].want);
	}
}

static void a_refund_that_one_side_has_not(void **state)
{
	struct bill_line l = { .refund = true,
		.transaction_id = "T1",
		.out_trade_no = "O1",
		.out_refund_no = "",
		.amount_fen = 1 };
	struct booked_refund b = { "R1", 700, BOOKED_REFUND_DONE, { NOON }, false };
	struct bill_day d = day_of_one(&l, NULL);

	(void)state;
	found_is(&d, DIFF_REFUND_MISSING_HERE);
	l.failed = true;
	found_is(&d, DIFF_NONE);
	d = day_of_one(NULL, NULL);
	d.refunds = &b;
	d.refunds_n = 1;
	found_is(&d, DIFF_REFUND_MISSING_THERE);
	b.state = BOOKED_REFUND_OPEN; /* the service may accept it tomorrow */
	found_is(&d, DIFF_NONE);
	b.state = BOOKED_REFUND_FAILED;
	found_is(&d, DIFF_NONE);
}

static void the_same_line_again_is_another_difference(void **state)
{
	AUTO(reconciled_free) struct reconciled r = { 0 };
	struct bill_line l[3] = { LINE, LINE, LINE };
	struct bill_day d = day_of_one(l, &PAID);

	(void)state;
	d.lines_n = 3;
	reconcile(&d, &r);
	assert_int_equal(r.matched, 1);
	assert_int_equal(r.n, 2);
	for (size_t i = 0; i < 2; i++) {
		assert_int_equal(r.found[i].kind, DIFF_TWICE);
		assert_int_equal(r.found[i].ordinal, i + 1);
	}
}

static void words_are_one_each(void **state)
{
	(void)state;
	for (int k = DIFF_NONE + 1; k < DIFF__MAX; k++)
		assert_int_equal(difference_find(difference_word((enum difference_kind)k)), k);
	assert_int_equal(difference_find(""), DIFF_NONE);
	assert_int_equal(difference_find("gift"), DIFF_NONE);
}

/* ---- random days ---- */

#define MOST 60

struct play {
	struct bill_line lines[3 * MOST];
	struct booked_payment payments[MOST];
	struct booked_refund refunds[MOST];
	char names[4 * MOST][16];
	size_t lines_n, payments_n, refunds_n, names_n;
	size_t want[DIFF__MAX], late;
};

static uint64_t seed;
static size_t below(size_t n)
{
	seed = seed * 6364136223846793005u + 1442695040888963407u;
	return (size_t)((seed >> 33) % n);
}

static const char *name(struct play *p, const char *what)
{
	char *text = p->names[p->names_n++];

	snprintf(text, 16, "%s%zu", what, p->names_n);
	return text;
}

/* A payment that both sides have, then what may have happened to one of them. */
static void play_payment(struct play *p)
{
	static const enum difference_kind kinds[] = { DIFF_NONE, DIFF_NONE, DIFF_NONE, DIFF_AMOUNT,
		DIFF_REFERENCE, DIFF_TWICE, DIFF_FEE, DIFF_MISSING_HERE, DIFF_SECOND,
		DIFF_MISSING_THERE };
	enum difference_kind kind = kinds[below(ARRAY_LEN(kinds))];
	int64_t fen = 100 + (int64_t)below(1000000);
	struct bill_line l = { .transaction_id = name(p, "T"),
		.out_trade_no = name(p, "O"),
		.out_refund_no = "",
		.amount_fen = fen,
		.fee = FEE(fen),
		.order = ORDER_PAID };
	struct booked_payment b = { l.transaction_id, l.out_trade_no, fen,
		{ FROM + RECONCILE_EDGE_MS +
			(int64_t)below((size_t)(DAY_MS - 2 * RECONCILE_EDGE_MS)) },
		false };

	p->want[kind]++;
	if (kind == DIFF_AMOUNT)
		l.amount_fen += 1 + (int64_t)below(50);
	if (kind == DIFF_REFERENCE)
		l.out_trade_no = "other";
	if (kind == DIFF_FEE)
		l.fee.nano += NANO_PER_FEN;
	if (kind == DIFF_MISSING_HERE)
		l.order = below(2) ? ORDER_UNPAID : ORDER_UNKNOWN;
	if (kind != DIFF_MISSING_THERE)
		p->lines[p->lines_n++] = l;
	if (kind == DIFF_TWICE)
		p->lines[p->lines_n++] = l;
	if (kind != DIFF_MISSING_HERE && kind != DIFF_SECOND)
		p->payments[p->payments_n++] = b;
}

static void play_refund(struct play *p)
{
	static const enum difference_kind kinds[] = { DIFF_NONE, DIFF_NONE, DIFF_REFUND_AMOUNT,
		DIFF_REFUND_STATE, DIFF_REFUND_MISSING_HERE, DIFF_REFUND_MISSING_THERE };
	enum difference_kind kind = kinds[below(ARRAY_LEN(kinds))];
	int64_t fen = 1 + (int64_t)below(1000);
	struct bill_line l = { .refund = true,
		.transaction_id = "T",
		.out_trade_no = "O",
		.out_refund_no = name(p, "R"),
		.amount_fen = fen };
	struct booked_refund b = { l.out_refund_no, fen, BOOKED_REFUND_DONE, { NOON }, false };

	p->want[kind]++;
	if (kind == DIFF_REFUND_AMOUNT)
		l.amount_fen++;
	if (kind == DIFF_REFUND_STATE && below(2))
		l.failed = true;
	else if (kind == DIFF_REFUND_STATE)
		b.state = BOOKED_REFUND_FAILED;
	if (kind != DIFF_REFUND_MISSING_THERE)
		p->lines[p->lines_n++] = l;
	if (kind != DIFF_REFUND_MISSING_HERE)
		p->refunds[p->refunds_n++] = b;
}

static void shuffle(struct play *p)
{
	for (size_t i = p->lines_n; i > 1; i--) {
		size_t j = below(i);
		struct bill_line l = p->lines[i - 1];

		p->lines[i - 1] = p->lines[j];
		p->lines[j] = l;
	}
}

/* Each line is matched or in one difference, no line in two. */
static void lines_are_accounted_for(const struct play *p, const struct reconciled *r)
{
	size_t seen[3 * MOST] = { 0 }, in_differences = 0;

	for (size_t i = 0; i < r->n; i++)
		if (r->found[i].line != RECONCILE_NONE) {
			assert_int_equal(seen[r->found[i].line]++, 0);
			in_differences++;
		}
	assert_int_equal(r->matched + in_differences, p->lines_n);
}

static void every_difference_is_found_and_none_invented(void **state)
{
	(void)state;
	for (uint64_t run = 1; run <= 2000; run++) {
		AUTO(reconciled_free) struct reconciled r = { 0 };
		struct play p = { 0 };
		size_t got[DIFF__MAX] = { 0 };
		struct bill_day d;

		seed = run;
		for (size_t i = below(MOST / 2); i > 0; i--)
			play_payment(&p);
		for (size_t i = below(MOST / 2); i > 0; i--)
			play_refund(&p);
		shuffle(&p);
		d = (struct bill_day){ .lines = p.lines,
			.lines_n = p.lines_n,
			.payments = p.payments,
			.payments_n = p.payments_n,
			.refunds = p.refunds,
			.refunds_n = p.refunds_n,
			.from = { FROM },
			.to = { FROM + DAY_MS },
			.before_waits = below(2),
			.after_waits = below(2),
			.fee_per_10000 = 60 };
		reconcile(&d, &r);
		for (size_t i = 0; i < r.n; i++)
			got[r.found[i].kind]++;
		for (int k = DIFF_NONE + 1; k < DIFF__MAX; k++)
			if (got[k] != p.want[k])
				fail_msg("run %llu: %zu of %s, not %zu", (unsigned long long)run,
					got[k], difference_word((enum difference_kind)k),
					p.want[k]);
		assert_int_equal(r.late, 0);
		lines_are_accounted_for(&p, &r);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_kind_of_payment),
		cmocka_unit_test(not_booked_here),
		cmocka_unit_test(not_on_the_bill),
		cmocka_unit_test(each_kind_of_refund),
		cmocka_unit_test(a_refund_that_one_side_has_not),
		cmocka_unit_test(the_same_line_again_is_another_difference),
		cmocka_unit_test(words_are_one_each),
		cmocka_unit_test(every_difference_is_found_and_none_invented),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
