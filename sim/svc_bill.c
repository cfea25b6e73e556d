#include "sim/svc_bill.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DAY_MS 86400000
#define BEIJING_MS 28800000
#define FEE_PER_1000 6 /* 0.6 % */

struct bill {
	struct svc_bill_row *rows;
	size_t n;
	int64_t from_ms, to_ms;
};

static void copy(char *dst, size_t size, const json_t *from, const char *key)
{
	snprintf(dst, size, "%s", svc_text(from, key));
}

static void add(struct bill *b, const struct svc_bill_row *row)
{
	if (row->at_ms < b->from_ms || row->at_ms >= b->to_ms)
		return;
	b->rows = realloc(b->rows, (b->n + 1) * sizeof(*b->rows));
	ASSERT(b->rows);
	b->rows[b->n++] = *row;
}

static int64_t fee_nano(int64_t fen)
{
	return fen * FEE_PER_1000 * 10000;
}

static void add_order(struct bill *b, const json_t *order)
{
	struct svc_bill_row row = { .amount_fen = svc_int(order, "amount_fen"),
		.at_ms = svc_int(order, "paid_ms"),
		.state = "SUCCESS" };
	size_t i;
	json_t *refund;

	if (!row.at_ms)
		return;
	copy(row.out_trade_no, sizeof(row.out_trade_no), order, "out_trade_no");
	copy(row.transaction_id, sizeof(row.transaction_id), order, "transaction_id");
	copy(row.description, sizeof(row.description), order, "description");
	row.total_fen = row.amount_fen;
	row.fee_nano = fee_nano(row.amount_fen);
	add(b, &row);
	json_array_foreach(json_object_get(order, "refunds"), i, refund)
	{
		row.refund = true;
		row.amount_fen = svc_int(refund, "amount_fen");
		row.fee_nano = -fee_nano(row.amount_fen);
		row.at_ms = svc_int(refund, "ms");
		copy(row.out_refund_no, sizeof(row.out_refund_no), refund, "out_refund_no");
		copy(row.refund_id, sizeof(row.refund_id), refund, "refund_id");
		copy(row.state, sizeof(row.state), refund, "state");
		add(b, &row);
	}
}

static int by_time(const void *a, const void *b)
{
	const struct svc_bill_row *x = a, *y = b;

	return (x->at_ms > y->at_ms) - (x->at_ms < y->at_ms);
}

size_t svc_bill_rows(struct svc *s, enum svc_kind k, struct day day, struct svc_bill_row **out)
{
	struct bill b = { .from_ms = day.days * (int64_t)DAY_MS - BEIJING_MS };
	const char *key;
	json_t *order;

	b.to_ms = b.from_ms + DAY_MS;
	pthread_mutex_lock(&s->lock);
	json_object_foreach(json_object_get(s->state, "orders"), key, order)
	{
		if (str_eq(svc_text(order, "service"), svc_word(k)))
			add_order(&b, order);
	}
	pthread_mutex_unlock(&s->lock);
	if (b.n)
		qsort(b.rows, b.n, sizeof(*b.rows), by_time);
	*out = b.rows;
	return b.n;
}
