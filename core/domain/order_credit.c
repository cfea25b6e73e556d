#include "domain/order.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/log.h"
#include "domain/alarm.h"
#include "domain/debt.h"
#include "domain/event.h"
#include "domain/notice.h"
#include "domain/supplypoint.h"
#include "domain/unmatched.h"

struct flag_row {
	int64_t n;
};
SHAPE(flag_shape, struct flag_row, FIELD(struct flag_row, n));

static const struct query Q_PAID = { "UPDATE pay_order SET paid_after_close = (state = 'closed'), "
				     "state = 'paid', transaction_id = ?,"
				     " paid_at = ?, credited_at = ?, entry_id = ?, supply_was_off "
				     "= ?, query_at = 0 WHERE id = ?",
	NULL };
static const struct query Q_NOTIFY = { "INSERT INTO pay_notify (service, received_at, "
				       "out_trade_no, transaction_id, outcome, detail)"
				       " VALUES (?, ?, ?, ?, ?, ?)",
	NULL };
static const struct query Q_IS_OFF = {
	"SELECT COUNT(*) AS n FROM account a" SUPPLIES_OF_PURSE
	" WHERE a.id = ? AND p.switchable = 1 AND (p.observed = 'off' OR p.desired = 'off')"
	" AND (a.purpose <> 'fee' OR EXISTS (SELECT 1 FROM block b WHERE b.supply_point_id = p.id"
	" AND b.kind = 'fee' AND b.cause = CONCAT('account:', a.id)))",
	&flag_shape
};

const char *credit_outcome_word(enum credit_outcome o)
{
	static const char *const words[CREDIT_OUTCOME__MAX] = {
		[CREDIT_DONE] = "credited",
		[CREDIT_REPEATED] = "repeated",
		[CREDIT_SECOND] = "second_payment",
		[CREDIT_UNKNOWN_ORDER] = "unknown_order",
		[CREDIT_AMOUNT] = "amount",
	};

	return o < CREDIT_OUTCOME__MAX ? words[o] : "";
}

struct credit {
	const struct payment *p;
	const char *via;
	struct utc now;
	enum credit_outcome outcome;
};

struct recharge { /* where the money goes */
	const char *kind;
	int64_t account_id;
	bool purse;
	int64_t debt_id; /* agreed repayment of old debt, if any */
	int64_t debt_fen;
};

/* clearing(service) -> to; the one-time key is the service's own transaction number. */
static enum err recharge_post(struct db *db, const struct credit *c, const struct order *o,
	const struct account *a, const struct recharge *to, int64_t *entry_id)
{
	char once[128], reference[32], clearing[32], actor[16];
	struct posting p[3] = { 0 };
	struct day day;
	enum err e;

	snprintf(once, sizeof(once), "recharge:%s:%s", c->p->service, c->p->transaction_id);
	snprintf(reference, sizeof(reference), "order:%" PRId64, o->id);
	snprintf(clearing, sizeof(clearing), "clearing:%s", c->p->service);
	snprintf(actor, sizeof(actor), "%s", c->via);
	p[1] = (struct posting){ .account_id = to->account_id, .purse = to->purse };
	p[2].account_id = to->debt_id;
	e = money_from_fen(-o->amount_fen, &p[0].amount);
	if (e == ERR_OK)
		e = money_from_fen(o->amount_fen - to->debt_fen, &p[1].amount);
	if (e == ERR_OK)
		e = money_from_fen(to->debt_fen, &p[2].amount);
	if (e == ERR_OK)
		e = account_book_day(a, c->now, &day);
	if (e == ERR_OK)
		e = account_company(db, clearing, &p[0].account_id);
	if (e != ERR_OK)
		return e;
	return entry_post(db,
		&(struct entry){ .kind = to->kind,
			.once_key = once,
			.reference = reference,
			.actor = actor,
			.memo = o->out_trade_no,
			.site_id = a->site_id,
			.book_day = day,
			.at = c->now },
		p, to->debt_fen ? 3 : 2, entry_id);
}

/* The order was paid before by another transaction: the money is real, nobody's yet. */
static enum err second_payment(
	struct db *db, struct credit *c, const struct order *o, const struct account *a)
{
	struct recharge to = { .kind = "suspense" };
	int64_t entry_id;
	enum err e = account_company(db, "suspense", &to.account_id);

	if (e == ERR_OK)
		e = recharge_post(db, c, o, a, &to, &entry_id);
	if (e == ERR_ALREADY) {
		c->outcome = CREDIT_REPEATED;
		return ERR_OK;
	}
	c->outcome = CREDIT_SECOND;
	if (e == ERR_OK)
		e = unmatched_keep(db,
			&(struct unmatched_new){ UNMATCHED_OF(c->p), .order_id = o->id,
				.why = "second_payment", .suspense_entry_id = entry_id },
			c->now, NULL);
	if (e != ERR_OK)
		return e;
	return alarm_raise(db,
		&(struct alarm_new){ "payment_second", "urgent", "order", o->id, o->out_trade_no,
			"a second payment arrived for one order; it lies in suspense" },
		c->now);
}

/* To the purse, less what was agreed for old debt. */
static enum err recharge_of(
	struct db *db, const struct order *o, const struct account *a, struct recharge *out)
{
	struct split_terms t = { 0 };
	char code[DEBT_CODE_MAX];
	enum err e = debt_terms(db, a->contract_id, &t);

	*out = (struct recharge){ .kind = "recharge", .account_id = a->id, .purse = true };
	if (e == ERR_OK)
		out->debt_fen = payment_split(o->amount_fen, &t).debt_fen;
	if (e == ERR_OK && out->debt_fen)
		e = account_company(db, debt_code(a->contract_id, code), &out->debt_id);
	return e;
}

static json_t *paid_event(const struct credit *c, const struct order *o)
{
	return json_pack("{s:I, s:s, s:I, s:I, s:s, s:s, s:o}", "order_id", (json_int_t)o->id,
		"out_trade_no", o->out_trade_no, "account_id", (json_int_t)o->account_id,
		"amount_fen", (json_int_t)o->amount_fen, "channel", o->channel, "transaction_id",
		c->p->transaction_id, "paid_at", json_utc(c->p->paid_at));
}

static enum err first_payment(
	struct db *db, struct credit *c, const struct order *o, struct account *a)
{
	struct flag_row off;
	struct recharge to;
	int64_t entry_id = 0;
	enum err e = recharge_of(db, o, a, &to);

	if (e == ERR_OK)
		e = recharge_post(db, c, o, a, &to, &entry_id);
	if (e == ERR_ALREADY) { /* this very transaction, under another order number: never twice */
		c->outcome = CREDIT_REPEATED;
		return ERR_OK;
	}
	if (e == ERR_OK)
		e = db_one(db, &Q_IS_OFF, ARGS(arg_i64(o->account_id)), &off);
	if (e == ERR_OK)
		e = db_exec(db, &Q_PAID,
			ARGS(arg_text(c->p->transaction_id), arg_utc(c->p->paid_at),
				arg_utc(c->now), arg_i64(entry_id), arg_i64(off.n > 0),
				arg_i64(o->id)),
			NULL);
	if (e == ERR_OK)
		e = account_changed(db, o->account_id, c->now);
	if (e == ERR_OK)
		e = account_get(db, o->account_id, a); /* the balance that the receipt names */
	if (e == ERR_OK)
		e = notice_add(db, a, "recharged", o->amount_fen - to.debt_fen, c->now);
	if (e == ERR_OK)
		e = unmatched_matched(
			db, c->p->service, c->p->transaction_id, o->id, c->via, c->now);
	if (e == ERR_OK)
		e = event_add(db, "order.paid", a->site_id, paid_event(c, o), c->now);
	if (e == ERR_OK)
		c->outcome = CREDIT_DONE;
	return e;
}

/* Kept until a person, or a better word of the service, settles it. What was settled raises no
 * alarm again. */
static enum err not_creditable(struct db *db, struct credit *c, enum credit_outcome outcome,
	const struct order *o, const char *text)
{
	bool amount = outcome == CREDIT_AMOUNT, open = true;
	int64_t order_id = amount ? o->id : 0;
	enum err e = ERR_OK;

	c->outcome = outcome;
	if (!amount || !str_eq(o->transaction_id, c->p->transaction_id))
		e = unmatched_keep(db,
			&(struct unmatched_new){ UNMATCHED_OF(c->p), .order_id = order_id,
				.why = amount ? "amount" : "unknown_order" },
			c->now, &open);
	if (e != ERR_OK || !open)
		return e;
	return alarm_raise(db,
		&(struct alarm_new){ amount ? "payment_amount" : "payment_unknown_order", "urgent",
			"order", order_id, c->p->out_trade_no, text },
		c->now);
}

/* The account first, then its order: as whoever observes a supply locks them. */
static enum err credit_order(struct db *db, struct credit *c)
{
	struct account a;
	struct order o;
	enum err e = order_find(db, c->p->out_trade_no, &o);

	if (e == ERR_NOT_FOUND || (e == ERR_OK && !str_eq(o.service, c->p->service)))
		return not_creditable(db, c, CREDIT_UNKNOWN_ORDER, &o,
			"a payment arrived for an order that we do not know");
	if (e != ERR_OK)
		return e;
	if (o.amount_fen != c->p->amount_fen || !str_eq(c->p->currency, "CNY"))
		return not_creditable(db, c, CREDIT_AMOUNT, &o,
			"the amount or currency paid differs from the order; not credited");
	e = account_lock(db, o.account_id, &a);
	if (e == ERR_OK)
		e = order_lock(db, o.id, &o);
	if (e != ERR_OK)
		return e;
	if (str_eq(o.state, "paid") && str_eq(o.transaction_id, c->p->transaction_id)) {
		c->outcome = CREDIT_REPEATED;
		return ERR_OK;
	}
	return str_eq(o.state, "paid") ? second_payment(db, c, &o, &a)
				       : first_payment(db, c, &o, &a);
}

static enum err credit_tx(struct db *db, void *ctx)
{
	struct credit *c = ctx;
	enum err e = credit_order(db, c);

	if (e != ERR_OK)
		return e;
	if (str_eq(c->via, "query") && c->outcome == CREDIT_REPEATED)
		return ERR_OK; /* nothing arrived, and nothing happened */
	return db_exec(db, &Q_NOTIFY,
		ARGS(arg_text(c->p->service), arg_utc(c->now), arg_text(c->p->out_trade_no),
			arg_text(c->p->transaction_id), arg_text(credit_outcome_word(c->outcome)),
			arg_text(c->via)),
		NULL);
}

enum err order_credit(struct db *db, const struct payment *p, const char *via, struct utc now,
	enum credit_outcome *out)
{
	struct credit c = { .p = p, .via = via, .now = now };
	enum err e = db_tx(db, credit_tx, &c);

	if (e != ERR_OK)
		return e;
	log_info("order=%s service=%s via=%s outcome=%s", p->out_trade_no, p->service, via,
		credit_outcome_word(c.outcome));
	*out = c.outcome;
	return ERR_OK;
}

enum err order_notify_refused(struct db *db, const char *service, const char *out_trade_no,
	const char *outcome, const char *detail, struct utc now)
{
	char trade_no[64], words[400];

	/* From outside and not verified: cut to what fits. */
	snprintf(trade_no, sizeof(trade_no), "%.63s", out_trade_no);
	snprintf(words, sizeof(words), "%.399s", detail);
	return db_exec(db, &Q_NOTIFY,
		ARGS(arg_text(service), arg_utc(now), arg_text(trade_no), arg_text(""),
			arg_text(outcome), arg_text(words)),
		NULL);
}
