/* Fetches the services' bills, each day from its hour on and until each is there, and compares them
 * with the books. The call to the service is between transactions, never inside one. */
#include <stdlib.h>

#include "base/log.h"
#include "domain/reconciliation.h"
#include "worker/jobs.h"

#define CALL_MS 30000 /* below RECONCILIATION_CLAIM_MS */
#define BILLS_MAX 5   /* in one run, of one service */

static struct reconciliation_rules rules_of(const struct tools *t, size_t service)
{
	return (struct reconciliation_rules){ .from_hour = t->bills->from_hour,
		.back_days = t->bills->back_days,
		.fee_per_10000 = t->bills->fee_per_10000[service] };
}

static struct bill_entry *entries_of(const struct pay_bill *b)
{
	struct bill_entry *rows = calloc(b->n + 1, sizeof(*rows));

	ASSERT(rows);
	for (size_t i = 0; i < b->n; i++) {
		const struct pay_bill_row *r = &b->rows[i];

		rows[i] = (struct bill_entry){ .refund = r->refund,
			.out_trade_no = r->out_trade_no,
			.transaction_id = r->transaction_id,
			.out_refund_no = r->out_refund_no,
			.refund_id = r->refund_id,
			.state = r->state,
			.amount_fen = r->amount_fen,
			.fee = r->fee,
			.at = r->at };
	}
	return rows;
}

static enum err keep(struct tools *t, const struct reconciliation *r, const struct pay_bill *b,
	const struct reconciliation_rules *rules)
{
	struct bill_entry *rows = entries_of(b);
	struct bill bill = { rows, b->n, b->paid_fen, b->refunded_fen, b->fee };
	enum err e = reconciliation_store(t->db, r, &bill, rules, utc_now());

	free(rows);
	if (e == ERR_PROTOCOL)
		return reconciliation_failed(t->db, r, e, "rows and sums differ", utc_now());
	return e == ERR_FENCED ? ERR_OK : e; /* then another worker keeps it */
}

static enum err fetch(
	struct tools *t, const struct reconciliation *r, const struct reconciliation_rules *rules)
{
	AUTO(pay_bill_free) struct pay_bill bill = { 0 };
	struct problem why = { 0 };
	struct day day;
	enum err e = day_parse(r->day, &day);

	if (e != ERR_OK)
		return e;
	e = pay_bill_get(t->pay, r->service, day, utc_now(), mono_ms() + CALL_MS, &bill, &why);
	if (e == ERR_OK)
		return keep(t, r, &bill, rules);
	log_warn("bill=%s day=%s had=%s code=%s why=\"%s\"", r->service, r->day, err_word(e),
		why.field, why.text);
	return reconciliation_failed(t->db, r, e, why.text, utc_now());
}

static enum err fetch_due(
	struct tools *t, const char *service, const struct reconciliation_rules *rules)
{
	struct reconciliation r;
	enum err e = ERR_OK;

	for (int i = 0; e == ERR_OK && i < BILLS_MAX; i++) {
		e = reconciliation_claim(t->db, service, t->name, utc_now(), &r);
		if (e == ERR_OK)
			e = fetch(t, &r, rules);
	}
	return e == ERR_NOT_FOUND ? ERR_OK : e;
}

enum err job_bills(struct tools *t, struct utc now)
{
	enum err e = ERR_OK;

	for (size_t i = 0; e == ERR_OK && i < pay_service_count; i++) {
		const char *service = pay_services[i].name;
		struct reconciliation_rules rules = rules_of(t, i);

		if (pay_off(t->pay, service))
			continue;
		e = reconciliation_plan(t->db, service, &rules, now);
		if (e == ERR_OK)
			e = fetch_due(t, service, &rules);
	}
	return e;
}

enum err job_bill_checks(struct tools *t, struct utc now)
{
	enum err e = ERR_OK;

	for (size_t i = 0; e == ERR_OK && i < pay_service_count; i++) {
		struct reconciliation_rules rules = rules_of(t, i);

		e = reconciliation_recheck(t->db, pay_services[i].name, &rules, now);
		if (e == ERR_OK)
			e = reconciliation_fees(t->db, pay_services[i].name, now);
	}
	return e;
}
