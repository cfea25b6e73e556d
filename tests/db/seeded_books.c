/* The model's own books: purses, company accounts, contracts. */
#include "seeded.h"

#include <string.h>

#include "shop_fixture.h"

static const char *const event_words[EVENT__MAX] = {
	[EVENT_RECHARGE] = "recharge",
	[EVENT_SECOND_PAYMENT] = "second payment",
	[EVENT_LAPSED_PAYMENT] = "payment of a lapsed order",
	[EVENT_SALE] = "sale",
	[EVENT_SERVICE_CHARGE] = "service charge",
	[EVENT_DEBT_REPAID] = "debt repaid",
	[EVENT_EMERGENCY] = "emergency credit",
	[EVENT_REFUND_CASH] = "refund in cash",
	[EVENT_REFUND_BANK] = "refund by bank",
	[EVENT_REFUND_SERVICE] = "refund of an order",
	[EVENT_REFUND_FAILED] = "failed refund",
	[EVENT_REVERSAL] = "reversal",
	[EVENT_REVERSAL_REFUSED] = "refused reversal",
	[EVENT_SUBSIDY] = "subsidy",
	[EVENT_ADJUSTMENT] = "adjustment",
	[EVENT_DEPOSIT] = "deposit",
	[EVENT_TRANSFER] = "transfer",
	[EVENT_DEBT_AGREED] = "debt agreed",
	[EVENT_ALLOWANCE] = "allowance",
	[EVENT_APPROVED] = "approval",
	[EVENT_REJECTED] = "rejection",
	[EVENT_SELF_APPROVAL_REFUSED] = "refused own approval",
	[EVENT_FEE] = "fee charged",
	[EVENT_FEE_ENDED] = "fee ended",
	[EVENT_FEE_RESUMED] = "fee resumed",
	[EVENT_CLOSED] = "closing",
	[EVENT_CLOSED_OFFLINE] = "closing offline",
	[EVENT_CHANGED] = "change of tenant",
	[EVENT_OPENED] = "opening",
	[EVENT_METER_ADDED] = "meter added",
	[EVENT_REOPENED] = "reopening",
	[EVENT_DEVICE] = "exchange of a device",
	[EVENT_DEVICE_UNDONE] = "exchange undone",
	[EVENT_RATIO] = "transformer ratio",
	[EVENT_SHARE] = "shared day",
	[EVENT_SHARE_LOSS] = "day of shared losses",
	[EVENT_SHARE_LATE] = "late share",
	[EVENT_SHARE_NEGATIVE] = "negative share",
	[EVENT_KEEP] = "keep",
	[EVENT_MANUAL] = "manual block",
	[EVENT_OVERLOAD] = "overload",
	[EVENT_OVERLOAD_LOCK] = "overload lock",
	[EVENT_OVERLOAD_RETURN] = "return from overload",
	[EVENT_SCHEDULE] = "schedule given",
	[EVENT_SCHEDULE_ENDED] = "schedule taken",
	[EVENT_HOLIDAY] = "marked day",
	[EVENT_QUIET] = "cut put off by quiet time",
	[EVENT_CUT] = "cut for arrears",
	[EVENT_TO_METER] = "credit into the meter",
	[EVENT_TO_ACCOUNT] = "credit out of the meter",
	[EVENT_PURCHASE] = "purchase",
	[EVENT_FRAME] = "purchase written",
	[EVENT_PURCHASE_LOST] = "lost answer",
	[EVENT_PURCHASE_DONE] = "purchase done",
	[EVENT_PURCHASE_FAILED] = "purchase failed",
	[EVENT_DECIDED] = "purchase decided",
	[EVENT_METER_USE] = "use in the meter",
};

const char *event_word(enum event e)
{
	return event_words[e];
}

void happened(struct world *w, enum event e)
{
	w->events[e]++;
}

/* ---- company accounts ---- */

void book(struct world *w, const char *code, int64_t nano)
{
	size_t i = 0;

	while (i < w->books_n && !str_eq(w->books[i].code, code))
		i++;
	if (i == w->books_n) {
		assert_true(w->books_n < BOOKS_MAX);
		snprintf(w->books[w->books_n++].code, sizeof(w->books[i].code), "%s", code);
	}
	w->books[i].want += nano;
}

void book_of(struct world *w, const char *what, int64_t id, int64_t nano)
{
	char code[48];

	snprintf(code, sizeof(code), "%s:%lld", what, (long long)id);
	book(w, code, nano);
}

/* ---- purses ---- */

static int64_t least(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

static int64_t not_negative(int64_t v)
{
	return v > 0 ? v : 0;
}

void purse_move(struct purse *p, int64_t nano, enum spending s)
{
	p->balance += nano;
	if (s == SUBSIDY_GIVEN)
		p->subsidy = not_negative(p->subsidy + least(nano, not_negative(p->balance)));
	if (s == SUBSIDY_GOES_FIRST && nano < 0)
		p->subsidy = not_negative(p->subsidy + nano);
	if (s == SUBSIDY_GOES_FIRST && nano < 0)
		p->allowance = not_negative(p->allowance + nano);
	if (s == SUBSIDY_GIVEN)
		p->allowance = least(p->allowance, p->subsidy);
}

struct purse *purse_by_id(struct world *w, int64_t id)
{
	return id > 0 && id < ACCOUNT_IDS && w->purse_at[id] ? &w->purses[w->purse_at[id] - 1]
							     : NULL;
}

struct purse *purse_new(struct world *w, int64_t id, int64_t contract, const char *purpose)
{
	struct purse *p = &w->purses[w->purses_n];

	assert_true(w->purses_n < PURSES_MAX && id < ACCOUNT_IDS);
	w->purse_at[id] = (uint16_t)++w->purses_n;
	*p = (struct purse){ .id = id,
		.contract = contract,
		.of = (size_t)(contract_of(w, contract) - w->contracts) };
	ASSERT(str_copy(p->purpose, sizeof(p->purpose), purpose));
	p->closed = w->contracts[p->of].ended != 0;
	return p;
}

static const struct query Q_PURSE = {
	"SELECT id FROM account WHERE contract_id = ? AND kind = 'purse' AND purpose = ?", &id_shape
};

struct purse *purse_of_contract(struct world *w, int64_t contract, const char *purpose)
{
	struct id_row row;
	struct purse *p;

	for (size_t i = 0; i < w->purses_n; i++)
		if (w->purses[i].contract == contract && str_eq(w->purses[i].purpose, purpose))
			return &w->purses[i];
	if (db_one(w->root, &Q_PURSE, ARGS(arg_i64(contract), arg_text(purpose)), &row) != ERR_OK)
		return NULL;
	p = purse_by_id(w, row.id);
	return p ? p : purse_new(w, row.id, contract, purpose);
}

int64_t purse_after(const struct world *w, int64_t contract, int64_t id)
{
	int64_t next = 0;

	for (size_t i = 0; i < w->purses_n; i++) {
		const struct purse *p = &w->purses[i];

		if (p->contract == contract && p->id > id && (next == 0 || p->id < next))
			next = p->id;
	}
	return next;
}

/* ---- contracts ---- */

struct contract *contract_new(struct world *w, int64_t id)
{
	struct contract *c = &w->contracts[w->contracts_n];

	assert_true(w->contracts_n < CONTRACTS_MAX);
	w->contracts_n++;
	*c = (struct contract){ .id = id, .started = seeded_now.ms, .area = lot(w, 1000, 99999) };
	shop_set(w->root,
		"UPDATE tenant SET floor_m2_milli = %lld WHERE id = (SELECT tenant_id FROM contract"
		" WHERE id = %lld)",
		(long long)c->area, (long long)id);
	return c;
}

struct contract *contract_of(struct world *w, int64_t id)
{
	size_t i = w->contracts_n;

	while (i > 0 && w->contracts[i - 1].id != id)
		i--;
	CHECK(w, i > 0, "no contract %lld", (long long)id);
	return &w->contracts[i - 1];
}

int64_t debt_part(const struct contract *c, int64_t fen, int64_t rest_fen)
{
	int64_t part = fen * c->permille / 1000;

	part = least(part, c->cap_fen);
	part = least(part, not_negative(c->debt) / FEN);
	return least(part, rest_fen);
}
