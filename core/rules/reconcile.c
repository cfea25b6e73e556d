#include "rules/reconcile.h"

#include <stdlib.h>
#include <string.h>

#include "base/str.h"

static const struct {
	const char *word;
	bool refund;
} kinds[DIFF__MAX] = {
	[DIFF_NONE] = { "", false },
	[DIFF_MISSING_HERE] = { "missing_here", false },
	[DIFF_SECOND] = { "second", false },
	[DIFF_MISSING_THERE] = { "missing_there", false },
	[DIFF_AMOUNT] = { "amount", false },
	[DIFF_REFERENCE] = { "reference", false },
	[DIFF_TWICE] = { "twice", false },
	[DIFF_FEE] = { "fee", false },
	[DIFF_REFUND_MISSING_HERE] = { "refund_missing_here", true },
	[DIFF_REFUND_MISSING_THERE] = { "refund_missing_there", true },
	[DIFF_REFUND_AMOUNT] = { "refund_amount", true },
	[DIFF_REFUND_STATE] = { "refund_state", true },
};

const char *difference_word(enum difference_kind k)
{
	return kinds[k].word;
}

enum difference_kind difference_find(const char *word)
{
	for (int k = DIFF_NONE + 1; k < DIFF__MAX; k++)
		if (str_eq(kinds[k].word, word))
			return (enum difference_kind)k;
	return DIFF_NONE;
}

bool difference_is_of_refund(enum difference_kind k)
{
	return kinds[k].refund;
}

void reconciled_free(struct reconciled *r)
{
	free(r->found);
	*r = (struct reconciled){ 0 };
}

/* ---- what is named by what ---- */

struct key { /* sorted by text, then by index */
	const char *text;
	size_t index;
};

struct keys {
	struct key *at;
	size_t n;
};

static void keys_free(struct keys *k)
{
	free(k->at);
}

static int by_key(const void *a, const void *b)
{
	const struct key *x = a, *y = b;
	int c = strcmp(x->text, y->text);

	return c ? c : (x->index > y->index) - (x->index < y->index);
}

static void keys_room(struct keys *k, size_t n)
{
	k->at = calloc(n ? n : 1, sizeof(*k->at));
	ASSERT(k->at);
}

static void keys_add(struct keys *k, const char *text, size_t index)
{
	if (text[0])
		k->at[k->n++] = (struct key){ text, index };
}

static void keys_sort(struct keys *k)
{
	if (k->n)
		qsort(k->at, k->n, sizeof(*k->at), by_key);
}

/* Where the first key of this text stands; k->n if there is none. */
static size_t keys_first(const struct keys *k, const char *text)
{
	size_t low = 0, high = k->n;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (strcmp(k->at[mid].text, text) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return low < k->n && str_eq(k->at[low].text, text) ? low : k->n;
}

static size_t keys_index(const struct keys *k, const char *text)
{
	size_t at = text[0] ? keys_first(k, text) : k->n;

	return at < k->n ? k->at[at].index : RECONCILE_NONE;
}

/* ---- the comparison ---- */

struct work {
	const struct bill_day *in;
	struct reconciled *out;
	struct keys payments, refunds;	     /* of the books */
	struct keys line_pays, line_refunds; /* of the bill */
	size_t room;
};

static void work_free(struct work *w)
{
	keys_free(&w->payments);
	keys_free(&w->refunds);
	keys_free(&w->line_pays);
	keys_free(&w->line_refunds);
}

static void index_all(struct work *w)
{
	const struct bill_day *in = w->in;

	keys_room(&w->payments, in->payments_n);
	keys_room(&w->refunds, in->refunds_n);
	keys_room(&w->line_pays, in->lines_n);
	keys_room(&w->line_refunds, in->lines_n);
	for (size_t i = 0; i < in->payments_n; i++)
		keys_add(&w->payments, in->payments[i].transaction_id, i);
	for (size_t i = 0; i < in->refunds_n; i++)
		keys_add(&w->refunds, in->refunds[i].out_refund_no, i);
	for (size_t i = 0; i < in->lines_n; i++) {
		const struct bill_line *l = &in->lines[i];

		if (l->refund)
			keys_add(&w->line_refunds, l->out_refund_no, i);
		else
			keys_add(&w->line_pays, l->transaction_id, i);
	}
	keys_sort(&w->payments);
	keys_sort(&w->refunds);
	keys_sort(&w->line_pays);
	keys_sort(&w->line_refunds);
}

static void found(struct work *w, const struct difference_found *f)
{
	struct reconciled *out = w->out;

	if (out->n == w->room) {
		w->room = w->room ? 2 * w->room : 16;
		out->found = realloc(out->found, w->room * sizeof(*out->found));
		ASSERT(out->found);
	}
	out->found[out->n++] = *f;
}

/* Which of the lines that name the same this one is. */
static size_t ordinal_of(const struct work *w, size_t line)
{
	const struct bill_line *l = &w->in->lines[line];
	const struct keys *k = l->refund ? &w->line_refunds : &w->line_pays;
	const char *text = l->refund ? l->out_refund_no : l->transaction_id;
	size_t first = text[0] ? keys_first(k, text) : k->n, n = 0;

	while (first + n < k->n && k->at[first + n].index < line &&
		str_eq(k->at[first + n].text, text))
		n++;
	return n;
}

/* Services round fees to fen, by rules of their own. */
static bool fee_is_agreed(const struct bill_day *in, const struct bill_line *l)
{
	__int128 want, off;

	if (in->fee_per_10000 == RECONCILE_NO_FEE)
		return true;
	want = (__int128)l->amount_fen * in->fee_per_10000 * (NANO_PER_FEN / 10000);
	off = l->fee.nano - want;
	return off < NANO_PER_FEN && off > -NANO_PER_FEN;
}

static enum difference_kind payment_kind(
	const struct bill_day *in, const struct bill_line *l, size_t booked)
{
	const struct booked_payment *p;

	if (booked == RECONCILE_NONE)
		return l->order == ORDER_PAID ? DIFF_SECOND : DIFF_MISSING_HERE;
	p = &in->payments[booked];
	if (l->amount_fen != p->amount_fen)
		return DIFF_AMOUNT;
	if (l->out_trade_no[0] && p->out_trade_no[0] && !str_eq(l->out_trade_no, p->out_trade_no))
		return DIFF_REFERENCE;
	return fee_is_agreed(in, l) ? DIFF_NONE : DIFF_FEE;
}

static enum difference_kind refund_kind(
	const struct bill_day *in, const struct bill_line *l, size_t booked)
{
	const struct booked_refund *r;

	if (booked == RECONCILE_NONE)
		return l->failed ? DIFF_NONE : DIFF_REFUND_MISSING_HERE;
	r = &in->refunds[booked];
	if (l->failed ? r->state == BOOKED_REFUND_DONE : r->state == BOOKED_REFUND_FAILED)
		return DIFF_REFUND_STATE;
	return l->failed || l->amount_fen == r->amount_fen ? DIFF_NONE : DIFF_REFUND_AMOUNT;
}

static void line_look(struct work *w, size_t line)
{
	const struct bill_line *l = &w->in->lines[line];
	struct difference_found f = { .line = line, .ordinal = ordinal_of(w, line) };

	f.booked = l->refund ? keys_index(&w->refunds, l->out_refund_no)
			     : keys_index(&w->payments, l->transaction_id);
	if (f.ordinal || l->before)
		f.kind = DIFF_TWICE;
	else
		f.kind = l->refund ? refund_kind(w->in, l, f.booked)
				   : payment_kind(w->in, l, f.booked);
	if (f.kind == DIFF_NONE)
		w->out->matched++;
	else
		found(w, &f);
}

/* Ours, of this day, on no bill: a difference, unless a bill that is to come may have it. */
static void absent(struct work *w, enum difference_kind kind, size_t booked, struct utc at)
{
	const struct bill_day *in = w->in;

	if (at.ms < in->from.ms || at.ms >= in->to.ms)
		return;
	if ((in->after_waits && at.ms >= in->to.ms - RECONCILE_EDGE_MS) ||
		(in->before_waits && at.ms < in->from.ms + RECONCILE_EDGE_MS))
		w->out->late++;
	else
		found(w, &(struct difference_found){
				 .kind = kind, .line = RECONCILE_NONE, .booked = booked });
}

static void books_look(struct work *w)
{
	const struct bill_day *in = w->in;

	for (size_t i = 0; i < in->payments_n; i++) {
		const struct booked_payment *p = &in->payments[i];

		if (!p->elsewhere && keys_index(&w->line_pays, p->transaction_id) == RECONCILE_NONE)
			absent(w, DIFF_MISSING_THERE, i, p->at);
	}
	for (size_t i = 0; i < in->refunds_n; i++) {
		const struct booked_refund *r = &in->refunds[i];

		if (r->state == BOOKED_REFUND_DONE && !r->elsewhere &&
			keys_index(&w->line_refunds, r->out_refund_no) == RECONCILE_NONE)
			absent(w, DIFF_REFUND_MISSING_THERE, i, r->at);
	}
}

void reconcile(const struct bill_day *in, struct reconciled *out)
{
	AUTO(work_free) struct work w = { .in = in, .out = out };

	*out = (struct reconciled){ 0 };
	index_all(&w);
	for (size_t i = 0; i < in->lines_n; i++)
		line_look(&w, i);
	books_look(&w);
}
