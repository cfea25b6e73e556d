/* Recharges through the services, the desk, its sales and its drawer. */
#include "seeded.h"

#include "domain/order.h"
#include "domain/sale.h"
#include "shop_fixture.h"

/* ---- recharges ---- */

static void notify(struct world *w, const char *out_trade_no, const char *transaction, int64_t fen,
	enum credit_outcome want)
{
	struct payment p = { .service = "wechat",
		.out_trade_no = out_trade_no,
		.transaction_id = transaction,
		.amount_fen = fen,
		.currency = "CNY",
		.paid_at = seeded_now };
	enum credit_outcome got;

	assert_int_equal(order_credit(w->api, &p, "notify", seeded_now, &got), ERR_OK);
	CHECK(w, got == want, "order %s: %s, not %s", out_trade_no, credit_outcome_word(got),
		credit_outcome_word(want));
}

static void credited(struct world *w, struct purse *p, int64_t fen)
{
	struct contract *c = &w->contracts[p->of];
	int64_t debt = debt_part(c, fen, fen);

	book(w, "clearing:wechat", -fen * FEN);
	book_of(w, "debt", c->id, debt * FEN);
	c->debt -= debt * FEN;
	if (debt)
		happened(w, EVENT_DEBT_REPAID);
	purse_move(p, (fen - debt) * FEN, SUBSIDY_STAYS);
	model_level(w, p);
	happened(w, EVENT_RECHARGE);
	w->recharges++;
}

static void order_make(struct world *w, const struct purse *p, int64_t fen, struct order *o)
{
	struct order_new n = { .account_id = p->id,
		.amount_fen = fen,
		.channel = "wechat_native",
		.service = "wechat",
		.payer_address = "203.0.113.7" };
	struct problem why = { 0 };

	assert_int_equal(order_create(w->api, &n, seeded_now, o, &why), ERR_OK);
}

/* Notifies come late, twice, with another amount, or once more for the same order. */
static void recharge(struct world *w, struct purse *p)
{
	char transaction[48], second[48];
	struct order o;
	int64_t fen = lot(w, 100, 8000);

	order_make(w, p, fen, &o);
	once_key(w, "t", transaction);
	once_key(w, "s", second);
	if (lot(w, 0, 9) == 0)
		notify(w, o.out_trade_no, transaction, fen + 1, CREDIT_AMOUNT);
	if (lot(w, 0, 9) == 0)
		assert_int_equal(order_closed(w->api, o.id, seeded_now), ERR_OK);
	notify(w, o.out_trade_no, transaction, fen, CREDIT_DONE);
	credited(w, p, fen);
	assert_true(w->orders_n < ORDERS_MAX);
	w->orders[w->orders_n++] =
		(struct paid_order){ .id = o.id, .fen = fen, .purse = (size_t)(p - w->purses) };
	for (int64_t i = lot(w, 0, 2); i > 0; i--)
		notify(w, o.out_trade_no, transaction, fen, CREDIT_REPEATED);
	if (lot(w, 0, 19) > 0)
		return;
	notify(w, o.out_trade_no, second, fen, CREDIT_SECOND);
	book(w, "clearing:wechat", -fen * FEN);
	book(w, "suspense", fen * FEN);
	happened(w, EVENT_SECOND_PAYMENT);
}

/* An order lapses, and is paid hours or days later, perhaps after its contract has ended. */
static void lapsed_play(struct world *w)
{
	struct purse *p = &w->purses[lot(w, 0, (int64_t)w->purses_n - 1)];
	char transaction[48];
	struct lapsed l;
	struct order o;

	if (w->lapsed_n < REMEMBERED && !p->closed && lot(w, 0, 14) == 0) {
		l.fen = lot(w, 100, 3000);
		order_make(w, p, l.fen, &o);
		assert_int_equal(order_closed(w->api, o.id, seeded_now), ERR_OK);
		l.order_id = o.id;
		l.purse = (size_t)(p - w->purses);
		snprintf(l.out_trade_no, sizeof(l.out_trade_no), "%s", o.out_trade_no);
		w->lapsed[w->lapsed_n++] = l;
	}
	if (w->lapsed_n == 0 || lot(w, 0, 29) > 0)
		return;
	l = w->lapsed[0];
	w->lapsed[0] = w->lapsed[--w->lapsed_n];
	notify(w, l.out_trade_no, once_key(w, "t", transaction), l.fen, CREDIT_DONE);
	credited(w, &w->purses[l.purse], l.fen);
	happened(w, EVENT_LAPSED_PAYMENT);
}

static void emergency_take(struct world *w, struct purse *p)
{
	bool helps = p->emergency_limit && !p->emergency && p->balance <= 0 &&
		     p->balance > -p->limit - p->emergency_limit;

	if (p->level != LEVEL_ARREARS || !helps || lot(w, 0, 5) > 0)
		return;
	assert_int_equal(account_take_emergency(w->api, p->id, "user:1", seeded_now), ERR_OK);
	p->emergency = true;
	p->level = LEVEL_LOW2;
	happened(w, EVENT_EMERGENCY);
}

void recharges_play(struct world *w)
{
	for (size_t i = 0; i < w->purses_n; i++) {
		struct purse *p = &w->purses[i];
		int64_t chance = p->level == LEVEL_OK ? 400 : p->level == LEVEL_ARREARS ? 8 : 40;

		if (p->closed)
			continue;
		if (lot(w, 1, chance) == 1)
			recharge(w, p);
		emergency_take(w, p);
	}
	lapsed_play(w);
}

/* ---- the desk ---- */

static void money_of(struct world *w, struct deed *d, const char *code, int64_t nano)
{
	book(w, code, nano);
	if (nano == 0)
		return;
	snprintf(d->others[d->others_n].code, sizeof(d->others[0].code), "%s", code);
	d->others[d->others_n++].nano = nano;
}

/* One line of a receipt: service charge, debt, the rest. */
static void line_sold(struct world *w, struct deed *d, struct purse *p, int64_t fen)
{
	struct contract *c = &w->contracts[p->of];
	int64_t service = fen * SERVICE_PERMILLE / 1000;
	int64_t debt = debt_part(c, fen, fen - service);
	char code[48];

	snprintf(code, sizeof(code), "debt:%lld", (long long)c->id);
	if (debt) {
		money_of(w, d, code, debt * FEN);
		d->debts[d->debts_n].contract = p->of;
		d->debts[d->debts_n++].nano = debt * FEN;
		happened(w, EVENT_DEBT_REPAID);
	}
	if (service)
		happened(w, EVENT_SERVICE_CHARGE);
	money_of(w, d, "service", service * FEN);
	c->debt -= debt * FEN;
	d->purses[d->n].purse = (size_t)(p - w->purses);
	d->purses[d->n++].nano = (fen - service - debt) * FEN;
	purse_move(p, (fen - service - debt) * FEN, SUBSIDY_STAYS);
}

static void sold(struct world *w, const struct sale_new *n, const struct sale *s)
{
	struct deed d = {
		.entry = s->entry_id, .at = seeded_now.ms, .total = n->tendered_fen * FEN
	};
	char drawer[48];

	snprintf(drawer, sizeof(drawer), "drawer:%lld", (long long)w->shift);
	if (str_eq(n->method, "cash"))
		d.shift = w->shift;
	book(w, d.shift ? drawer : str_eq(n->method, "pos") ? "clearing:pos" : "bank", -d.total);
	if (!d.shift) {
		snprintf(d.others[0].code, sizeof(d.others[0].code), "%s",
			str_eq(n->method, "pos") ? "clearing:pos" : "bank");
		d.others[d.others_n++].nano = -d.total;
	}
	for (size_t i = 0; i < n->n; i++)
		line_sold(w, &d, purse_by_id(w, n->lines[i].account_id), n->lines[i].amount_fen);
	for (size_t i = 0; i < n->n; i++)
		model_level(w, purse_by_id(w, n->lines[i].account_id));
	deed_add(w, &d);
	happened(w, EVENT_SALE);
}

static void sale(struct world *w)
{
	static const char *const methods[] = { "cash", "pos", "transfer" };
	struct sale_line lines[2];
	char once[48];
	struct sale_new n = { .user_id = w->user,
		.actor = "user:5",
		.method = methods[lot(w, 0, 2)],
		.lines = lines,
		.note = "",
		.once_key = once_key(w, "sale", once) };
	struct problem why = { 0 };
	struct sale s;
	size_t i = (size_t)lot(w, 0, (int64_t)w->purses_n - 1);

	for (int64_t most = lot(w, 1, 2); (int64_t)n.n < most && i < w->purses_n; i++) {
		if (w->purses[i].closed)
			continue;
		lines[n.n] = (struct sale_line){ .account_id = w->purses[i].id,
			.amount_fen = lot(w, 1, 5000) };
		n.tendered_fen += lines[n.n++].amount_fen;
	}
	if (n.n == 0)
		return;
	for (int64_t again = lot(w, 0, 1); again >= 0; again--) /* once more: the same receipt */
		assert_int_equal(sale_create(w->api, &n, seeded_now, &s, &why), ERR_OK);
	sold(w, &n, &s);
}

static void shift_end(struct world *w)
{
	struct problem why = { 0 };
	int64_t counted, cash;
	struct shift s;

	assert_int_equal(shift_current(w->api, w->user, &s), ERR_OK);
	cash = s.cash_fen;
	counted = cash + lot(w, -1, 1) * lot(w, 0, 1) * (cash > 0);
	assert_int_equal(
		shift_close(w->api, w->shift, w->user, counted, seeded_now, &s, &why), ERR_OK);
	book_of(w, "drawer", w->shift, cash * FEN);
	book(w, "bank", -counted * FEN);
	book(w, "over_short", (counted - cash) * FEN);
	w->shift = 0;
}

void desk_play(struct world *w, int hour)
{
	struct shift s;

	if (hour == 9 && !w->shift) {
		assert_int_equal(shift_open(w->api, w->user, seeded_now, &s), ERR_OK);
		w->shift = s.id;
	}
	if (!w->shift)
		return;
	if (lot(w, 0, 2) == 0)
		sale(w);
	if (hour == 17)
		shift_end(w);
}
