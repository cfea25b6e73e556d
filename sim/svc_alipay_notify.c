/* What the stand-in of Alipay posts to a merchant: payments, refunds, ends. */
#include <iconv.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/rand.h"
#include "sim/svc_alipay_inside.h"
#include "web/web.h"

/* ---- queue ---- */

void svc_alipay_event_modes(struct svc *s, struct svc_event *e)
{
	e->copies = 3;
	e->late_s = 10;
	e->never = svc_mode_take(s, SVC_ALIPAY, "notify_never", NULL);
	if (!svc_mode_take(s, SVC_ALIPAY, "notify_duplicate", &e->copies))
		e->copies = 1;
	if (!svc_mode_take(s, SVC_ALIPAY, "notify_late", &e->late_s))
		e->late_s = 0;
}

/* What waits for its first try comes after the event: news in the wrong order. */
static void overtake(struct svc *s, const json_t *order, struct utc now)
{
	json_t *n;
	size_t i;

	json_array_foreach(json_object_get(s->state, "notifies"), i, n)
	{
		if (str_eq(svc_text(n, "service"), "alipay") && svc_int(n, "tries") == 0 &&
			str_eq(svc_text(n, "out_trade_no"), svc_text(order, "out_trade_no")))
			svc_set_int(n, "due_ms", now.ms + 1000);
	}
}

void svc_alipay_event(struct svc *s, const json_t *order, const struct svc_event *e, struct utc now)
{
	int64_t due = now.ms + e->late_s * 1000;

	if (e->never)
		return;
	overtake(s, order, now);
	for (int64_t i = 0; i < e->copies; i++) {
		char id[17];

		rand_hex(id, 8);
		ASSERT(json_array_append_new(json_object_get(s->state, "notifies"),
			       json_pack("{s:s, s:s, s:s, s:I, s:i, s:s, s:s}", "id", id, "service",
				       "alipay", "out_trade_no", svc_text(order, "out_trade_no"),
				       "due_ms", (json_int_t)due, "tries", 0, "event", e->name,
				       "refund_no", e->refund_no ? e->refund_no : "")) == 0);
	}
	pthread_cond_broadcast(&s->wake);
}

/* ---- what it says ---- */

struct texts {
	char yuan[32], refunded[32], created[40], paid[40], refunded_at[48], closed[40], sent[40],
		id[80], fund[96];
};

/* All refunds up to and with the one of the event, which tells how far it had got. */
static int64_t refunded_until(const json_t *order, const char *no, int64_t *at_ms)
{
	int64_t sum = 0;
	json_t *refund;
	size_t i;

	json_array_foreach(json_object_get(order, "refunds"), i, refund)
	{
		if (str_eq(svc_text(refund, "out_refund_no"), no))
			*at_ms = svc_int(refund, "ms");
	}
	json_array_foreach(json_object_get(order, "refunds"), i, refund)
	{
		if (svc_int(refund, "ms") && svc_int(refund, "ms") <= *at_ms)
			sum += svc_int(refund, "amount_fen");
	}
	return sum;
}

static void add(struct form *f, const char *name, const char *value)
{
	ASSERT(form_add(f, name, value) == ERR_OK);
}

static void time_of(int64_t ms, char out[static 40])
{
	svc_beijing((struct utc){ ms }, false, out);
}

/* What every notify says. notify_id is the same over the retries of one event. */
static void common(const struct svc *s, const json_t *order, const struct svc_delivery *d,
	struct texts *t, struct form *f)
{
	const char *app = d->other_app ? "2021000000000999" : s->alipay_app_id;

	svc_yuan(svc_int(order, "amount_fen") * (d->wrong_amount ? 100 : 1), t->yuan);
	time_of(svc_int(order, "created_ms"), t->created);
	time_of(utc_now().ms, t->sent);
	snprintf(t->id, sizeof(t->id), "%.32s%s%.32s", svc_alipay_trade_no(order),
		svc_text(d->notify, "event"), svc_text(d->notify, "refund_no"));
	snprintf(t->fund, sizeof(t->fund),
		"[{\"amount\":\"%s\",\"fundChannel\":\"ALIPAYACCOUNT\"}]", t->yuan);
	add(f, "app_id", app);
	add(f, "auth_app_id", app);
	add(f, "buyer_id", "2088000000000099");
	add(f, "buyer_logon_id", "138****0000");
	add(f, "charset", d->gbk ? "GBK" : "utf-8");
	add(f, "fund_bill_list", t->fund);
	add(f, "gmt_create", t->created);
	add(f, "invoice_amount", t->yuan);
	add(f, "notify_id", t->id);
	add(f, "notify_time", t->sent);
	add(f, "notify_type", "trade_status_sync");
	add(f, "out_trade_no", svc_text(order, "out_trade_no"));
	add(f, "point_amount", "0.00");
	add(f, "seller_id", d->other_seller ? "2088000000000999" : s->seller_id);
	add(f, "subject", svc_text(order, "description"));
	add(f, "total_amount", t->yuan);
	add(f, "trade_no", svc_alipay_trade_no(order));
	add(f, "version", "1.0");
}

static void add_paid(const json_t *order, struct texts *t, struct form *f)
{
	time_of(svc_int(order, "paid_ms"), t->paid);
	add(f, "buyer_pay_amount", t->yuan);
	add(f, "gmt_payment", t->paid);
	add(f, "receipt_amount", t->yuan);
}

/* On the address of the payment: in part successful once more, in full closed. */
static void add_refund(const json_t *order, const char *no, struct texts *t, struct form *f)
{
	int64_t at = 0, sum = refunded_until(order, no, &at);
	bool full = sum == svc_int(order, "amount_fen");
	char second[40];

	svc_yuan(sum, t->refunded);
	time_of(at, second);
	snprintf(t->refunded_at, sizeof(t->refunded_at), "%s.%03d", second, (int)(at % 1000));
	add(f, "gmt_refund", t->refunded_at);
	add(f, "out_biz_no", no);
	add(f, "refund_fee", t->refunded);
	add(f, "trade_status", full ? "TRADE_CLOSED" : "TRADE_SUCCESS");
	if (full) {
		time_of(at, t->closed);
		add(f, "gmt_close", t->closed);
	}
}

static void say(const struct svc *s, const json_t *order, const struct svc_delivery *d,
	struct texts *t, struct form *f)
{
	const char *event = svc_text(d->notify, "event");

	common(s, order, d, t, f);
	if (str_eq(event, "closed")) {
		time_of(svc_int(order, "closed_ms"), t->closed);
		add(f, "gmt_close", t->closed);
		add(f, "trade_status", "TRADE_CLOSED");
		return;
	}
	add_paid(order, t, f);
	if (str_eq(event, "refund"))
		add_refund(order, svc_text(d->notify, "refund_no"), t, f);
	else
		add(f, "trade_status", "TRADE_SUCCESS");
}

/* ---- how it is sent ---- */

/* Values in the charset that the notify states. */
static void to_gbk(struct form *f, struct buf *store)
{
	iconv_t c = iconv_open("GBK//TRANSLIT", "UTF-8");
	size_t place[FORM_PAIRS_MAX];

	ASSERT(c != (iconv_t)-1);
	for (size_t i = 0; i < f->n; i++) {
		char out[1024], *to = out, *from = (char *)f->pairs[i].value;
		size_t left = strlen(from), room = sizeof(out);

		ASSERT(iconv(c, &from, &left, &to, &room) != (size_t)-1);
		place[i] = store->len;
		buf_add(store, out, (size_t)(to - out));
		buf_add(store, "", 1);
	}
	for (size_t i = 0; i < f->n; i++)
		f->pairs[i].value = store->text + place[i];
	iconv_close(c);
}

/* All parameters but sign and sign_type, sorted by the form. */
static void sign_form(const struct svc *s, bool forged, struct form *f, struct buf *sign)
{
	AUTO(buf_free) struct buf content = { 0 };

	for (size_t i = 0; i < f->n; i++)
		buf_printf(&content, "%s%s=%s", i ? "&" : "", f->pairs[i].name, f->pairs[i].value);
	if (forged)
		buf_adds(&content, "&forged=1");
	ASSERT(crypt_sign(s->alipay->certs[s->alipay->current].key, content.text, content.len,
		       sign) == ERR_OK);
	add(f, "sign", sign->text);
	add(f, "sign_type", "RSA2");
}

bool svc_alipay_notify(const struct svc *s, const json_t *order, const struct svc_delivery *d)
{
	AUTO(web_answer_free) struct web_answer answer = { 0 };
	AUTO(buf_free) struct buf sign = { 0 };
	AUTO(buf_free) struct buf body = { 0 };
	AUTO(buf_free) struct buf gbk = { 0 };
	struct form f = { .n = 0 };
	struct texts t;
	struct problem why = { 0 };
	enum err e;

	if (!svc_text(order, "notify_url")[0])
		return true;
	say(s, order, d, &t, &f);
	if (s->alipay->by_cert)
		add(&f, "alipay_cert_sn", s->alipay->certs[s->alipay->current].sn);
	if (d->gbk)
		to_gbk(&f, &gbk);
	sign_form(s, d->forged, &f, &sign);
	form_encode(&f, &body);
	e = web_call(&(struct web_request){ .method = "POST",
			     .url = svc_text(order, "notify_url"),
			     .headers = { d->gbk ? "Content-Type: application/x-www-form-"
						   "urlencoded; charset=GBK"
						 : "Content-Type: application/x-www-form-"
						   "urlencoded; charset=utf-8" },
			     .body = body.text,
			     .body_len = body.len,
			     .deadline_ms = d->deadline_ms },
		&answer, &why);
	if (e != ERR_OK)
		log_warn("event=notify_failed service=alipay why=\"%s\"", why.text);
	return e == ERR_OK && answer.status == 200 && str_eq(answer.body.text, "success");
}
