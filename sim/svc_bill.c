#include "sim/svc_bill.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/rand.h"

#define DAY_MS 86400000
#define BEIJING_MS 28800000
#define FEE_PER_1000 6	 /* 0.6 % */
#define MADE_MS 32400000 /* 09:00 of the day after */

struct bill {
	const struct svc *s;
	enum svc_kind kind;
	struct svc_bill_row *rows;
	size_t n;
	int64_t from_ms, to_ms;
};

static void copy(char *dst, size_t size, const json_t *from, const char *key)
{
	snprintf(dst, size, "%s", svc_text(from, key));
}

/* ---- doctored ---- */

static const char *const changes[] = { "remove", "amount", "fee", "twice", "add", NULL };

static json_t *doctored(const struct svc *s)
{
	return json_object_get(s->state, "doctored");
}

/* Does this command mean that row? Without a refund's number it means the payment. */
static bool is_meant(const json_t *d, enum svc_kind k, const struct svc_bill_row *row)
{
	return str_eq(svc_text(d, "service"), svc_word(k)) &&
	       str_eq(svc_text(d, "out_trade_no"), row->out_trade_no) &&
	       str_eq(svc_text(d, "out_refund_no"), row->refund ? row->out_refund_no : "");
}

/* How often the row stands in the bill after what was commanded. */
static int doctor(const struct bill *b, struct svc_bill_row *row)
{
	int times = 1;
	json_t *d;
	size_t i;

	json_array_foreach(doctored(b->s), i, d)
	{
		const char *change = svc_text(d, "change");

		if (!is_meant(d, b->kind, row))
			continue;
		if (str_eq(change, "remove"))
			times = 0;
		else if (str_eq(change, "twice"))
			times = 2;
		else if (str_eq(change, "amount"))
			row->amount_fen = svc_int(d, "amount_fen");
		else if (str_eq(change, "fee"))
			row->fee_nano = svc_int(d, "amount_fen") * 10000000;
	}
	return times;
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

static void add_doctored(struct bill *b, struct svc_bill_row row)
{
	for (int times = doctor(b, &row); times > 0; times--)
		add(b, &row);
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
	add_doctored(b, row);
	json_array_foreach(json_object_get(order, "refunds"), i, refund)
	{
		row.refund = true;
		row.amount_fen = svc_int(refund, "amount_fen");
		row.fee_nano = -fee_nano(row.amount_fen);
		row.at_ms = svc_int(refund, "ms");
		copy(row.out_refund_no, sizeof(row.out_refund_no), refund, "out_refund_no");
		copy(row.refund_id, sizeof(row.refund_id), refund, "refund_id");
		copy(row.state, sizeof(row.state), refund, "state");
		add_doctored(b, row);
	}
}

/* A payment or refund that never was. */
static void add_invented(struct bill *b, const json_t *d)
{
	struct svc_bill_row row = { .amount_fen = svc_int(d, "amount_fen"),
		.at_ms = svc_int(d, "ms"),
		.state = "SUCCESS" };

	copy(row.out_trade_no, sizeof(row.out_trade_no), d, "out_trade_no");
	copy(row.out_refund_no, sizeof(row.out_refund_no), d, "out_refund_no");
	copy(row.transaction_id, sizeof(row.transaction_id), d, "transaction_id");
	row.refund = row.out_refund_no[0] != '\0';
	if (row.refund)
		snprintf(row.refund_id, sizeof(row.refund_id), "50%.60s", row.transaction_id);
	row.total_fen = row.amount_fen;
	row.fee_nano = row.refund ? -fee_nano(row.amount_fen) : fee_nano(row.amount_fen);
	add(b, &row);
}

static int by_time(const void *a, const void *b)
{
	const struct svc_bill_row *x = a, *y = b;

	return (x->at_ms > y->at_ms) - (x->at_ms < y->at_ms);
}

size_t svc_bill_rows(struct svc *s, enum svc_kind k, struct day day, struct svc_bill_row **out)
{
	struct bill b = { .s = s, .kind = k, .from_ms = day.days * (int64_t)DAY_MS - BEIJING_MS };
	const char *key;
	json_t *order, *d;
	size_t i;

	b.to_ms = b.from_ms + DAY_MS;
	pthread_mutex_lock(&s->lock);
	json_object_foreach(json_object_get(s->state, "orders"), key, order)
	{
		if (str_eq(svc_text(order, "service"), svc_word(k)))
			add_order(&b, order);
	}
	json_array_foreach(doctored(s), i, d)
	{
		if (str_eq(svc_text(d, "change"), "add") &&
			str_eq(svc_text(d, "service"), svc_word(k)))
			add_invented(&b, d);
	}
	pthread_mutex_unlock(&s->lock);
	if (b.n)
		qsort(b.rows, b.n, sizeof(*b.rows), by_time);
	*out = b.rows;
	return b.n;
}

bool svc_bill_is_made(struct svc *s, struct day day, struct utc now)
{
	int64_t ms = day.days * (int64_t)DAY_MS - BEIJING_MS;
	bool today;

	pthread_mutex_lock(&s->lock);
	today = svc_int(s->state, "bills_today") != 0;
	pthread_mutex_unlock(&s->lock);
	return now.ms >= (today ? ms : ms + DAY_MS + MADE_MS);
}

/* ---- commands ---- */

static enum err check_change(const char *change, struct problem *why)
{
	for (size_t i = 0; changes[i]; i++)
		if (str_eq(changes[i], change))
			return ERR_OK;
	return problem_set(why, ERR_BAD_VALUE, "change", "remove, amount, fee, twice or add");
}

static enum err check_service(const char *service, struct problem *why)
{
	if (str_eq(service, svc_word(SVC_WECHAT)) || str_eq(service, svc_word(SVC_ALIPAY)))
		return ERR_OK;
	return problem_set(why, ERR_BAD_VALUE, "service", "wechat or alipay");
}

/* A number of the service's own for what never was. */
static void invented_id(const char *service, struct utc now, char out[static 40])
{
	snprintf(out, 40, "%s%013lld%08u", str_eq(service, "wechat") ? "4200009" : "2099",
		(long long)now.ms, (unsigned)rand_below(100000000));
}

static enum err command_read(const struct http_request *req, json_t **out, struct problem *why)
{
	static const char *const names[] = { "service", "out_trade_no", "out_refund_no", "change",
		"amount_fen", NULL };
	AUTO(json_free) json_t *body = NULL;
	const char *service = "", *no = "", *refund = "", *change = "";
	char id[40];
	int64_t fen = 0;
	struct utc now = utc_now();
	enum err e = http_body_json(req, &body, why);

	if (e == ERR_OK)
		e = json_only(body, names, why);
	if (e == ERR_OK)
		e = json_get_text(body, "service", FIELD_REQUIRED, 16, &service, why);
	if (e == ERR_OK)
		e = json_get_text(body, "out_trade_no", FIELD_REQUIRED, 64, &no, why);
	if (e == ERR_OK)
		e = json_get_text(body, "out_refund_no", FIELD_OPTIONAL, 64, &refund, why);
	if (e == ERR_OK)
		e = json_get_text(body, "change", FIELD_REQUIRED, 16, &change, why);
	if (e == ERR_OK)
		e = json_get_int(body, "amount_fen", FIELD_OPTIONAL, 0, 1000000000, &fen, why);
	if (e == ERR_OK)
		e = check_service(service, why);
	if (e == ERR_OK)
		e = check_change(change, why);
	if (e != ERR_OK)
		return e;
	invented_id(service, now, id);
	*out = json_pack("{s:s, s:s, s:s, s:s, s:I, s:I, s:s}", "service", service, "out_trade_no",
		no, "out_refund_no", refund, "change", change, "amount_fen", (json_int_t)fen, "ms",
		(json_int_t)now.ms, "transaction_id", id);
	return ERR_OK;
}

static void bills_doctor(struct svc *s, const struct http_request *req, struct http_reply *reply)
{
	struct problem why = { 0 };
	json_t *d = NULL;
	enum err e = command_read(req, &d, &why);

	if (e != ERR_OK) {
		http_answer_problem(reply, e, &why);
		return;
	}
	pthread_mutex_lock(&s->lock);
	if (!doctored(s))
		ASSERT(json_object_set_new(s->state, "doctored", json_array()) == 0);
	ASSERT(json_array_append(doctored(s), d) == 0);
	svc_save(s);
	pthread_mutex_unlock(&s->lock);
	http_answer_json(reply, 201, d);
}

void svc_bills(void *ctx, const struct http_request *req, struct http_reply *reply)
{
	struct svc *s = ctx;
	json_t *all;

	if (str_eq(http_method(req), "POST")) {
		bills_doctor(s, req, reply);
		return;
	}
	pthread_mutex_lock(&s->lock);
	if (str_eq(http_method(req), "DELETE")) {
		json_object_del(s->state, "doctored");
		svc_save(s);
	}
	all = doctored(s) ? json_deep_copy(doctored(s)) : json_array();
	pthread_mutex_unlock(&s->lock);
	http_answer_json(reply, 200, json_pack("{s:o}", "items", all));
}

void svc_bills_today(void *ctx, const struct http_request *req, struct http_reply *reply)
{
	static const char *const names[] = { "on", NULL };
	AUTO(json_free) json_t *body = NULL;
	struct problem why = { 0 };
	struct svc *s = ctx;
	bool on = false;
	enum err e = http_body_json(req, &body, &why);

	if (e == ERR_OK)
		e = json_only(body, names, &why);
	if (e == ERR_OK)
		e = json_get_bool(body, "on", FIELD_REQUIRED, &on, &why);
	if (e != ERR_OK) {
		http_answer_problem(reply, e, &why);
		return;
	}
	pthread_mutex_lock(&s->lock);
	svc_set_int(s->state, "bills_today", on);
	svc_save(s);
	pthread_mutex_unlock(&s->lock);
	http_answer_json(reply, 200, json_pack("{s:b}", "on", on));
}
