/* Money that a person moves: refunds, reversals, adjustments, allowances, each perhaps with the
 * word of a second person. What each answers is foreseen by the model. */
#include "seeded.h"

#include <string.h>

#include "domain/adjust.h"
#include "domain/allowance.h"
#include "domain/debt.h"
#include "domain/refund.h"
#include "domain/reversal.h"
#include "domain/sale.h"

static void answers(struct world *w, const char *what, enum err got, enum err want)
{
	CHECK(w, got == want, "%s: %s, not %s", what, err_word(got), err_word(want));
}

static int64_t fen_up(int64_t nano)
{
	return nano <= 0 ? 0 : (nano + FEN - 1) / FEN;
}

static struct purse *any_purse(struct world *w)
{
	return &w->purses[lot(w, 0, (int64_t)w->purses_n - 1)];
}

void deed_add(struct world *w, const struct deed *d)
{
	assert_true(w->deeds_n < DEEDS_MAX);
	w->deeds[w->deeds_n++] = *d;
}

/* One of the last of n, + 1. */
static size_t lately(struct world *w, size_t n)
{
	return (size_t)lot(w, n < REMEMBERED ? 1 : (int64_t)(n - REMEMBERED + 1), (int64_t)n);
}

static void ask(struct world *w, struct money_act a)
{
	a.asked_at = seeded_now.ms;
	assert_true(w->asked_n < REMEMBERED);
	w->asked[w->asked_n++] = a;
}

/* ---- refunds ---- */

static enum err refund_answer(const struct world *w, const struct money_act *a)
{
	const struct purse *p = &w->purses[a->purse];
	int64_t own = (p->balance - p->subsidy) / FEN;

	if (str_eq(a->word, "cash") && !w->shift)
		return ERR_SHIFT_CLOSED;
	if (p->balance - p->subsidy < 0 || a->fen > own)
		return ERR_AMOUNT_LARGE;
	if (a->order && a->fen > w->orders[a->order - 1].fen - w->orders[a->order - 1].refunded)
		return ERR_AMOUNT_LARGE;
	return ERR_OK;
}

static void refund_apply(struct world *w, const struct money_act *a, const struct refund *f)
{
	struct purse *p = &w->purses[a->purse];

	purse_move(p, -a->fen * FEN, SUBSIDY_STAYS);
	model_level(w, p);
	if (a->order)
		w->orders[a->order - 1].refunded += a->fen;
	assert_true(w->refunds_n < REFUNDS_MAX);
	w->refunds[w->refunds_n++] = (struct refund_model){ .id = f->id,
		.fen = a->fen,
		.at = seeded_now.ms,
		.purse = a->purse,
		.order = a->order,
		.open = !str_eq(a->word, "cash") };
	if (str_eq(a->word, "cash")) {
		book_of(w, "drawer", w->shift, a->fen * FEN);
		happened(w, EVENT_REFUND_CASH);
		return;
	}
	book(w, "refund_due", a->fen * FEN);
	happened(w, a->order ? EVENT_REFUND_SERVICE : EVENT_REFUND_BANK);
}

static enum err refund_do(struct world *w, struct money_act *a)
{
	char once[48];
	struct refund_new n = { .account_id = a->order ? 0 : w->purses[a->purse].id,
		.order_id = a->order ? w->orders[a->order - 1].id : 0,
		.user_id = w->user,
		.actor = "user:5",
		.address = "",
		.amount_fen = a->fen,
		.method = a->word,
		.reason = "a test",
		.once_key = once_key(w, "refund", once) };
	struct problem why = { 0 };
	struct refund f;
	enum err e = ERR_OK;

	for (int64_t again = lot(w, 0, 1); e == ERR_OK && again >= 0; again--)
		e = refund_create(w->api, &n, seeded_now, &f, &a->approval, &why);
	if (e == ERR_OK && !a->approval)
		refund_apply(w, a, &f);
	return e;
}

static void refund_play(struct world *w)
{
	struct purse *p = any_purse(w);
	struct money_act a = { .what = MONEY_REFUND, .word = lot(w, 0, 1) ? "cash" : "bank" };
	enum err want;

	if (w->asked_n == REMEMBERED)
		return;
	if (lot(w, 0, 2) == 0 && w->orders_n > 0) {
		a.order = lately(w, w->orders_n);
		a.word = "service";
		p = &w->purses[w->orders[a.order - 1].purse];
	}
	a.purse = (size_t)(p - w->purses);
	a.fen = lot(w, 1, p->balance > FEN ? p->balance / FEN : 100);
	if (a.order && lot(w, 0, 3))
		a.fen = lot(w, 1, w->orders[a.order - 1].fen);
	want = refund_answer(w, &a);
	answers(w, "refund", refund_do(w, &a), want);
	CHECK(w, want != ERR_OK || (a.approval != 0) == (a.fen > REFUND_LIMIT_FEN),
		"refund of %lld and the second person", (long long)a.fen);
	if (a.approval)
		ask(w, a);
}

/* The bank or the service has made it, or has not. */
static void refund_end(struct world *w, struct refund_model *r)
{
	struct refund_settling s = {
		.id = r->id, .done = lot(w, 0, 2), .note = "", .actor = "user:5", .address = ""
	};
	struct purse *p = &w->purses[r->purse];
	struct problem why = { 0 };
	struct refund f;

	for (int64_t again = lot(w, 0, 1); again >= 0; again--)
		answers(w, "settling a refund", refund_settle(w->api, &s, seeded_now, &f, &why),
			ERR_OK);
	s.done = !s.done;
	answers(w, "settling it the other way", refund_settle(w->api, &s, seeded_now, &f, &why),
		ERR_CONFLICT);
	r->open = false;
	r->failed = s.done;
	book(w, "refund_due", -r->fen * FEN);
	if (!r->failed) {
		book(w, r->order ? "clearing:wechat" : "bank", r->fen * FEN);
		return;
	}
	purse_move(p, r->fen * FEN, SUBSIDY_STAYS);
	model_level(w, p);
	if (r->order)
		w->orders[r->order - 1].refunded -= r->fen;
	happened(w, EVENT_REFUND_FAILED);
}

static void refund_ends_play(struct world *w)
{
	for (size_t i = w->refunds_n; i > 0 && w->refunds_n - i < REMEMBERED; i--)
		if (w->refunds[i - 1].open && lot(w, 0, 7) == 0) {
			refund_end(w, &w->refunds[i - 1]);
			return;
		}
}

/* ---- reversals ---- */

/* Was anything of the purse refunded since? */
static bool refunded_since(const struct world *w, size_t purse, int64_t at)
{
	for (size_t i = w->refunds_n; i > 0 && w->refunds[i - 1].at >= at; i--)
		if (w->refunds[i - 1].purse == purse && !w->refunds[i - 1].failed)
			return true;
	return false;
}

static enum err reversal_answer(const struct world *w, const struct deed *d)
{
	if (d->undone)
		return ERR_ALREADY;
	if (d->shift && !w->shift)
		return ERR_SHIFT_CLOSED;
	for (size_t i = 0; i < d->n; i++)
		if (w->purses[d->purses[i].purse].closed)
			return ERR_CONFLICT;
	for (size_t i = 0; i < d->n; i++) {
		size_t p = d->purses[i].purse;

		if (w->purses[p].balance - d->purses[i].nano < 0 && refunded_since(w, p, d->at))
			return ERR_CONFLICT;
	}
	return ERR_OK;
}

static void reversal_apply(struct world *w, struct deed *d)
{
	for (size_t i = 0; i < d->n; i++)
		purse_move(&w->purses[d->purses[i].purse], -d->purses[i].nano,
			d->subsidy ? SUBSIDY_GIVEN : SUBSIDY_STAYS);
	for (size_t i = 0; i < d->others_n; i++)
		book(w, d->others[i].code, -d->others[i].nano);
	for (size_t i = 0; i < d->debts_n; i++)
		w->contracts[d->debts[i].contract].debt += d->debts[i].nano;
	if (d->shift)
		book_of(w, "drawer", w->shift, d->total);
	for (size_t i = 0; i < d->n; i++)
		model_level(w, &w->purses[d->purses[i].purse]);
	d->undone = true;
	happened(w, EVENT_REVERSAL);
}

static void reversal_play(struct world *w)
{
	struct money_act a = { .what = MONEY_REVERSAL, .deed = lately(w, w->deeds_n) };
	struct deed *d = &w->deeds[a.deed - 1];
	char once[48];
	struct reversal_new new = { .entry_id = d->entry,
		.user_id = w->user,
		.actor = "user:5",
		.address = "",
		.reason = "a test",
		.once_key = once_key(w, "reverse", once) };
	struct problem why = { 0 };
	struct booked out;
	bool large = (d->total + FEN - 1) / FEN > REVERSAL_LIMIT_FEN;
	enum err want = d->undone ? ERR_ALREADY : large ? ERR_OK : reversal_answer(w, d);
	enum err got = reversal_create(w->api, &new, seeded_now, &out, &why);

	answers(w, "reversal", got, want);
	if (got != ERR_OK) {
		happened(w, EVENT_REVERSAL_REFUSED);
		return;
	}
	CHECK(w, (out.approval_id != 0) == large, "reversal of %lld and the second person",
		(long long)d->total);
	a.approval = out.approval_id;
	if (!large)
		reversal_apply(w, d);
	else if (w->asked_n < REMEMBERED)
		ask(w, a);
}

/* ---- adjustments ---- */

static const char *income_of(const struct purse *p)
{
	if (str_eq(p->purpose, "fee"))
		return "property_fee";
	return str_eq(p->purpose, "water") ? "water" : "energy";
}

/* How much there is to take. */
static int64_t adjust_most(const struct world *w, const struct money_act *a)
{
	const struct purse *p = &w->purses[a->purse];
	const struct contract *c = &w->contracts[p->of];
	bool down = a->fen < 0;

	if (str_eq(a->word, "transfer"))
		return p->balance > p->subsidy ? (p->balance - p->subsidy) / FEN : 0;
	if (str_eq(a->word, "subsidy") && down)
		return p->subsidy / FEN;
	if (str_eq(a->word, "debt"))
		return fen_up(down ? c->debt : -p->balance);
	if (str_eq(a->word, "deposit_out"))
		return c->deposit / FEN;
	return ADJUST_MAX_FEN;
}

static enum err adjust_answer(const struct world *w, const struct money_act *a)
{
	static const char *const open_only[] = { "subsidy", "opening", "deposit_in" };

	for (size_t i = 0; i < ARRAY_LEN(open_only); i++)
		if (w->purses[a->purse].closed && str_eq(a->word, open_only[i]))
			return ERR_CONFLICT;
	return (a->fen < 0 ? -a->fen : a->fen) > adjust_most(w, a) ? ERR_AMOUNT_LARGE : ERR_OK;
}

/* The account on the other side, from which the purse gets what is positive. */
static void other_side(struct world *w, const struct money_act *a, struct deed *d)
{
	struct purse *p = &w->purses[a->purse];
	struct contract *c = &w->contracts[p->of];
	int64_t nano = a->fen * FEN;
	const char *word = a->word;
	char code[48];

	snprintf(code, sizeof(code), "%s", str_eq(word, "correction") ? income_of(p) : word);
	if (str_eq(word, "debt")) {
		snprintf(code, sizeof(code), "debt:%lld", (long long)c->id);
		c->debt += nano;
		d->debts[d->debts_n].contract = p->of;
		d->debts[d->debts_n++].nano = -nano;
		happened(w, EVENT_DEBT_AGREED);
	}
	if (str_eq(word, "deposit_out"))
		snprintf(code, sizeof(code), "deposit:%lld", (long long)c->id);
	book(w, code, -nano);
	snprintf(d->others[d->others_n].code, sizeof(code), "%s", code);
	d->others[d->others_n++].nano = -nano;
}

static void deposit_in(struct world *w, const struct money_act *a)
{
	struct contract *c = &w->contracts[w->purses[a->purse].of];

	book(w, "bank", -a->fen * FEN);
	book_of(w, "deposit", c->id, a->fen * FEN);
	c->deposit += a->fen * FEN;
	happened(w, EVENT_DEPOSIT);
}

static void moved(struct world *w, struct deed *d, size_t purse, int64_t nano)
{
	d->purses[d->n].purse = purse;
	d->purses[d->n++].nano = nano;
	purse_move(&w->purses[purse], nano, d->subsidy ? SUBSIDY_GIVEN : SUBSIDY_STAYS);
}

static void adjust_apply(struct world *w, const struct money_act *a, int64_t entry)
{
	struct deed d = { .entry = entry,
		.at = seeded_now.ms,
		.total = (a->fen < 0 ? -a->fen : a->fen) * FEN,
		.subsidy = str_eq(a->word, "subsidy") };

	if (str_eq(a->word, "deposit_in")) {
		deposit_in(w, a);
		return;
	}
	if (str_eq(a->word, "transfer"))
		moved(w, &d, a->purse, -a->fen * FEN);
	else
		other_side(w, a, &d);
	moved(w, &d, str_eq(a->word, "transfer") ? a->to_purse : a->purse, a->fen * FEN);
	if (str_eq(a->word, "deposit_out"))
		w->contracts[w->purses[a->purse].of].deposit -= a->fen * FEN;
	else /* a deposit that is paid out again is not remembered */
		deed_add(w, &d);
	for (size_t i = 0; i < d.n; i++)
		model_level(w, &w->purses[d.purses[i].purse]);
	happened(w, d.subsidy			  ? EVENT_SUBSIDY
		    : str_eq(a->word, "transfer") ? EVENT_TRANSFER
						  : EVENT_ADJUSTMENT);
}

static struct purse *sibling(struct world *w, const struct purse *p)
{
	for (size_t i = 0; i < w->purses_n; i++)
		if (w->purses[i].of == p->of && &w->purses[i] != p)
			return &w->purses[i];
	return NULL;
}

/* A purse in the red, from a random one on. */
static struct purse *owing_purse(struct world *w)
{
	size_t from = (size_t)lot(w, 0, (int64_t)w->purses_n - 1);

	for (size_t i = 0; i < w->purses_n; i++) {
		struct purse *p = &w->purses[(from + i) % w->purses_n];

		if (p->balance < 0)
			return p;
	}
	return &w->purses[from];
}

static void adjust_play(struct world *w)
{
	static const char *const kinds[] = { "subsidy", "subsidy", "write_off", "correction",
		"opening", "debt", "debt", "deposit_in", "deposit_out", "transfer", "transfer" };
	const char *word = kinds[lot(w, 0, ARRAY_LEN(kinds) - 1)];
	bool debt = str_eq(word, "debt") && lot(w, 0, 3);
	struct purse *p = debt ? owing_purse(w) : any_purse(w), *to = sibling(w, p);
	struct money_act a = { .what = MONEY_ADJUST,
		.purse = (size_t)(p - w->purses),
		.word = word,
		.fen = debt && p->balance < 0 ? lot(w, 1, fen_up(-p->balance)) : lot(w, 1, 2500) };
	char once[48];
	struct adjust_new n = { .account_id = p->id,
		.user_id = w->user,
		.actor = "user:5",
		.address = "",
		.kind = a.word,
		.document = "D-1",
		.reason = "a test",
		.once_key = once_key(w, "adjust", once) };
	bool one_way = str_eq(a.word, "deposit_in") || str_eq(a.word, "deposit_out") ||
		       str_eq(a.word, "transfer");
	struct problem why = { 0 };
	struct booked out = { 0 };
	enum err want, got;

	if (w->asked_n == REMEMBERED || (str_eq(a.word, "transfer") && !to))
		return;
	if (str_eq(a.word, "transfer")) {
		a.to_purse = (size_t)(to - w->purses);
		n.to_account_id = to->id;
	}
	if (!one_way && !debt && lot(w, 0, 2) == 0)
		a.fen = -a.fen;
	n.amount_fen = a.fen;
	want = adjust_answer(w, &a);
	got = adjust_create(w->api, &n, seeded_now, &out, &why);
	answers(w, a.word, got, want);
	if (got != ERR_OK)
		return;
	a.approval = out.approval_id;
	CHECK(w, (out.approval_id != 0) == (a.fen > ADJUST_LIMIT_FEN || -a.fen > ADJUST_LIMIT_FEN),
		"%s of %lld and the second person", a.word, (long long)a.fen);
	if (a.approval)
		ask(w, a);
	else
		adjust_apply(w, &a, out.entry_id);
	if (got == ERR_OK && !a.approval) /* the answer was lost */
		answers(w, a.word, adjust_create(w->api, &n, seeded_now, &out, &why), ERR_OK);
}

/* ---- allowances ---- */

static int32_t month_now(const struct world *w)
{
	int year, month, day;

	civil_date(zone_local(w->zone, seeded_now).day.days, &year, &month, &day);
	return year * 12 + month - 1;
}

static void allowance_apply(struct world *w, const struct money_act *a)
{
	struct contract *c = &w->contracts[w->purses[a->purse].of];

	if (!c->allowance_month)
		c->allowance_month = month_now(w);
	c->allowance = a->fen * FEN;
	c->allowance_purse = a->purse;
}

static enum err allowance_answer(const struct world *w, const struct money_act *a)
{
	return w->purses[a->purse].closed ? ERR_CONFLICT : ERR_OK;
}

static void allowance_play(struct world *w)
{
	struct purse *p = any_purse(w);
	struct contract *c = &w->contracts[p->of];
	struct money_act a = {
		.what = MONEY_ALLOWANCE, .purse = (size_t)(p - w->purses), .fen = lot(w, 1, 2200)
	};
	char once[48];
	struct allowance_new n = { .contract_id = c->id,
		.unit = "yuan",
		.amount = { a.fen * 10 },
		.user_id = w->user,
		.actor = "user:5",
		.address = "",
		.reason = "a test",
		.once_key = once_key(w, "allow", once) };
	struct problem why = { 0 };
	enum err got;

	if (w->asked_n == REMEMBERED)
		return;
	if (c->allowance_month) /* it stays with its purse */
		a.purse = c->allowance_purse;
	n.account_id = w->purses[a.purse].id;
	got = allowance_set(w->api, &n, seeded_now, &a.approval, &why);
	answers(w, "allowance", got, allowance_answer(w, &a));
	if (got == ERR_OK && a.approval)
		ask(w, a);
	else if (got == ERR_OK)
		allowance_apply(w, &a);
}

/* One part of it after the other, and one look at the level. */
static void allowances_given(struct world *w)
{
	assert_int_equal(allowances_give(w->worker, seeded_now), ERR_OK);
	for (size_t i = 0; i < w->contracts_n; i++) {
		struct contract *c = &w->contracts[i];
		struct purse *p = &w->purses[c->allowance_purse];
		int64_t left = p->allowance;

		if (c->ended || !c->allowance_month || c->allowance_month >= month_now(w))
			continue;
		c->allowance_month = month_now(w);
		p->allowance = 0; /* what is left expires */
		purse_move(p, -left, SUBSIDY_GIVEN);
		purse_move(p, c->allowance, SUBSIDY_GIVEN);
		p->allowance = c->allowance < p->subsidy ? c->allowance : p->subsidy;
		book(w, "subsidy", left - c->allowance);
		model_level(w, p);
		happened(w, EVENT_ALLOWANCE);
	}
}

/* ---- the second person ---- */

static enum err act_answer_now(struct world *w, const struct money_act *a)
{
	if (seeded_now.ms - a->asked_at > APPROVAL_LIFE_MS)
		return ERR_CONFLICT;
	switch (a->what) {
	case MONEY_REFUND:
		return refund_answer(w, a);
	case MONEY_REVERSAL:
		return reversal_answer(w, &w->deeds[a->deed - 1]);
	case MONEY_ADJUST:
		return adjust_answer(w, a);
	case MONEY_ALLOWANCE:
		return allowance_answer(w, a);
	}
	return ERR_INTERNAL;
}

static const struct query Q_ENTRY = { "SELECT id FROM entry WHERE once_key = ?", &id_shape };
static const struct query Q_REFUND = { "SELECT id FROM refund WHERE once_key = ?", &id_shape };

/* What an approval has made, by its one-time key. */
static int64_t made_by(struct world *w, const struct query *q, int64_t approval)
{
	char once[48];
	struct id_row row;

	snprintf(once, sizeof(once), "approval:%lld", (long long)approval);
	assert_int_equal(db_one(w->root, q, ARGS(arg_text(once)), &row), ERR_OK);
	return row.id;
}

static void act_apply(struct world *w, const struct money_act *a)
{
	switch (a->what) {
	case MONEY_REFUND:
		refund_apply(w, a, &(struct refund){ .id = made_by(w, &Q_REFUND, a->approval) });
		break;
	case MONEY_REVERSAL:
		reversal_apply(w, &w->deeds[a->deed - 1]);
		break;
	case MONEY_ADJUST:
		adjust_apply(w, a, made_by(w, &Q_ENTRY, a->approval));
		break;
	case MONEY_ALLOWANCE:
		allowance_apply(w, a);
		break;
	}
}

static enum err decide(struct world *w, int64_t approval, int64_t user, bool approve)
{
	struct approval_decision d = { .id = approval,
		.user_id = user,
		.actor = "user:6",
		.address = "",
		.approve = approve,
		.note = "",
		.now = seeded_now };
	struct problem why = { 0 };
	struct approval out;

	return approval_decide(w->api, &d, &out, &why);
}

/* What cannot be done any more stays pending, and is rejected. */
static void second_person(struct world *w)
{
	size_t i = (size_t)lot(w, 0, (int64_t)w->asked_n - 1);
	struct money_act a = w->asked[i];
	enum err want;

	if (lot(w, 0, 4) == 0) {
		answers(w, "approving one's own", decide(w, a.approval, w->user, true),
			ERR_FORBIDDEN);
		happened(w, EVENT_SELF_APPROVAL_REFUSED);
	}
	if (lot(w, 0, 3) > 0) {
		want = act_answer_now(w, &a);
		answers(w, "approval", decide(w, a.approval, w->second, true), want);
		if (want == ERR_OK) {
			w->asked[i] = w->asked[--w->asked_n];
			act_apply(w, &a);
			happened(w, EVENT_APPROVED);
			return;
		}
	}
	answers(w, "rejection", decide(w, a.approval, w->second, false), ERR_OK);
	w->asked[i] = w->asked[--w->asked_n];
	happened(w, EVENT_REJECTED);
}

/* ---- the hour ---- */

struct agreeing {
	int64_t contract, permille, cap_fen;
};

static enum err agree_tx(struct db *db, void *ctx)
{
	const struct agreeing *a = ctx;
	struct problem why = { 0 };

	return debt_agree(db, a->contract, a->permille, a->cap_fen, &why);
}

/* Old debt is repaid with a share of each payment; nothing is agreed on once all is over. */
static void repayment_play(struct world *w)
{
	struct contract *c = &w->contracts[lot(w, 0, (int64_t)w->contracts_n - 1)];
	struct agreeing a = { c->id, lot(w, 0, 1000), lot(w, 0, 3000) };

	assert_int_equal(db_tx(w->api, agree_tx, &a), c->ended ? ERR_CONFLICT : ERR_OK);
	if (c->ended)
		return;
	c->permille = a.permille;
	c->cap_fen = a.cap_fen;
}

void money_play(struct world *w)
{
	allowances_given(w);
	if (lot(w, 0, 3) == 0)
		refund_play(w);
	refund_ends_play(w);
	if (w->deeds_n > 0 && lot(w, 0, 7) == 0)
		reversal_play(w);
	if (lot(w, 0, 2) == 0)
		adjust_play(w);
	if (lot(w, 0, 15) == 0)
		allowance_play(w);
	if (w->asked_n > 0 && lot(w, 0, 7) == 0)
		second_person(w);
	if (lot(w, 0, 15) == 0)
		repayment_play(w);
}
