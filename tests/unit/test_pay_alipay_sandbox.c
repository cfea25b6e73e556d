/* Our client of Alipay against the stand-in over real sockets, in public-key mode. */
#include "cmock.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alipay_fixture.h"
#include "base/zone.h"
#include "web/form.h"

static struct stage stage;

static int setup(void **state)
{
	(void)state;
	stage_open(&stage, false);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	stage_close(&stage);
	return 0;
}

static struct pay_event ask(const char *no)
{
	struct pay_event ev = { 0 };
	struct problem why = { 0 };

	if (pay_query(stage.pay, "alipay", no, utc_now(), soon(), &ev, &why) != ERR_OK)
		fail_msg("%s: %s", why.field, why.text);
	assert_string_equal(ev.out_trade_no, no);
	return ev;
}

static enum err close_order(const char *no, struct problem *why)
{
	return pay_close(stage.pay, "alipay", no, utc_now(), soon(), why);
}

static void assert_refused(enum err e, const struct problem *why, const char *code)
{
	assert_string_equal(why->field, code);
	assert_int_equal(e, ERR_REFUSED);
}

/* ---- orders ---- */

/* What the order alone says, without the time and so the signature. */
static void fixed_part(const char *url, struct buf *out)
{
	AUTO(form_free) struct form f = { .n = 0 };
	const char *query = strchr(url, '?') + 1;

	assert_int_equal(form_decode(query, strlen(query), &f, NULL), ERR_OK);
	for (size_t i = 0; i < f.n; i++)
		if (!str_eq(f.pairs[i].name, "sign") && !str_eq(f.pairs[i].name, "timestamp"))
			buf_printf(out, "%s=%s\n", f.pairs[i].name, f.pairs[i].value);
}

static void test_browser_ways(void **state)
{
	static const struct {
		const char *channel, *method, *code;
	} ways[] = {
		{ "alipay_wap", "method=alipay.trade.wap.pay", "QUICK_WAP_WAY" },
		{ "alipay_page", "method=alipay.trade.page.pay", "FAST_INSTANT_TRADE_PAY" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(ways); i++) {
		AUTO(buf_free) struct buf first = { 0 };
		AUTO(buf_free) struct buf second = { 0 };
		char no[33], url[4096], token[40];
		struct pay_order o = stage_order(no);
		struct problem why = { 0 };
		struct pay_event ev;

		o.description = "A-103 / 好味=面馆&电费";
		o.return_url = "http://127.0.0.1:1/order/8";
		assert_int_equal(stage_try(&stage, ways[i].channel, &o, url, &why), ERR_OK);
		assert_non_null(strstr(url, ways[i].method));
		assert_non_null(strstr(url, ways[i].code));
		fixed_part(url, &first);
		assert_int_equal(stage_try(&stage, ways[i].channel, &o, url, &why), ERR_OK);
		fixed_part(url, &second);
		assert_string_equal(first.text, second.text);
		/* nothing is known of it before the payer comes */
		assert_int_equal(ask(no).state, PAY_NOT_EXIST);
		assert_refused(close_order(no, &why), &why, "ACQ.TRADE_NOT_EXIST");
		stage_visit(&stage, url, token);
		ev = ask(no);
		assert_int_equal(ev.state, PAY_NOT_PAID);
		assert_string_equal(ev.transaction_id, "");
		assert_int_equal(stage_press(&stage, token), 200);
		assert_int_equal(stage_wait(no, 1, &ev), 1);
		assert_int_equal(ev.state, PAY_PAID);
		assert_int_equal(ev.amount_fen, 5000);
		assert_string_equal(ask(no).transaction_id, ev.transaction_id);
		assert_refused(close_order(no, &why), &why, "ACQ.REASON_TRADE_STATUS_INVALID");
	}
}

static void test_qr_way(void **state)
{
	char no[33], first[4096], second[4096], token[40];
	struct pay_order o = stage_order(no);
	struct problem why = { 0 };
	struct pay_event ev;

	(void)state;
	assert_int_equal(stage_try(&stage, "alipay_qr", &o, first, &why), ERR_OK);
	assert_int_equal(ask(no).state, PAY_NOT_EXIST);
	assert_int_equal(stage_try(&stage, "alipay_qr", &o, second, &why), ERR_OK);
	assert_string_not_equal(first, second);
	o.amount_fen++;
	stage_visit(&stage, second, token);
	assert_refused(
		stage_try(&stage, "alipay_qr", &o, first, &why), &why, "ACQ.CONTEXT_INCONSISTENT");
	o.amount_fen--;
	assert_int_equal(stage_press(&stage, token), 200);
	assert_int_equal(stage_wait(no, 1, &ev), 1);
	assert_int_equal(ev.state, PAY_PAID);
	assert_refused(
		stage_try(&stage, "alipay_qr", &o, first, &why), &why, "ACQ.TRADE_HAS_SUCCESS");
}

/* Three hours later, by the file that the stand-in keeps. */
static void test_qr_dies(void **state)
{
	AUTO(buf_free) struct buf text = { 0 };
	AUTO(json_free) json_t *kept = NULL;
	AUTO(text_free) char *changed = NULL;
	char no[33], url[4096], token[40], key[96], path[128];
	struct pay_order o = stage_order(no);
	json_t *order;

	(void)state;
	o.expires_at.ms += INT64_C(5) * 3600000;
	assert_int_equal(stage_try(&stage, "alipay_qr", &o, url, NULL), ERR_OK);
	snprintf(path, sizeof(path), "%s/services.json", stage.files.dir);
	assert_int_equal(file_read(path, 1 << 22, &text), ERR_OK);
	assert_int_equal(json_parse(text.text, text.len, &kept, NULL), ERR_OK);
	snprintf(key, sizeof(key), "alipay:%s", no);
	order = json_object_get(json_object_get(kept, "orders"), key);
	assert_non_null(order);
	json_object_set_new(order, "token_ms", json_integer(utc_now().ms - 3 * 3600000));
	changed = json_text(kept);
	files_write(&stage.files, "services.json", changed, path);
	stage_restart(&stage);
	stage_visit(&stage, url, token);
	assert_int_equal(stage_press(&stage, token), 200); /* a page that says so */
	assert_int_equal(ask(no).state, PAY_NOT_EXIST);
	/* the order lives on: a new code */
	assert_int_equal(stage_try(&stage, "alipay_qr", &o, url, NULL), ERR_OK);
	stage_visit(&stage, url, token);
	stage_press(&stage, token);
	assert_int_equal(ask(no).state, PAY_PAID);
}

static void test_close(void **state)
{
	char no[33], url[4096], token[40];
	struct pay_order o = stage_order(no);
	struct problem why = { 0 };
	struct pay_event ev;

	(void)state;
	assert_int_equal(stage_try(&stage, "alipay_wap", &o, url, NULL), ERR_OK);
	stage_visit(&stage, url, token);
	assert_int_equal(close_order(no, &why), ERR_OK);
	assert_int_equal(ask(no).state, PAY_CLOSED);
	assert_int_equal(stage_press(&stage, token), 200);
	assert_int_equal(ask(no).state, PAY_CLOSED);
	assert_refused(close_order(no, &why), &why, "ACQ.REASON_TRADE_STATUS_INVALID");
	/* a wap trade tells its end, and that is no refund */
	assert_int_equal(stage_wait(no, 1, &ev), 1);
	assert_int_equal(ev.state, PAY_CLOSED);
	assert_string_equal(ev.transaction_id, "");
}

/* What the service would turn down. */
static void test_bounds(void **state)
{
	char no[33], url[4096], where[600];
	struct pay_order o = stage_order(no);
	struct problem why = { 0 };

	(void)state;
	o.expires_at.ms += 16 * INT64_C(86400000);
	assert_refused(
		stage_try(&stage, "alipay_qr", &o, url, &why), &why, "ACQ.INVALID_PARAMETER");
	o.expires_at.ms = utc_now().ms - 1000;
	assert_refused(
		stage_try(&stage, "alipay_qr", &o, url, &why), &why, "ACQ.INVALID_PARAMETER");
	assert_int_equal(stage_try(&stage, "alipay_page", &o, url, &why), ERR_OK);
	assert_int_equal(stage_fetch(url, NULL, NULL, where, NULL), 400);
	o = stage_order(no);
	o.description = "///";
	assert_int_equal(stage_try(&stage, "alipay_qr", &o, url, &why), ERR_OK);
}

/* ---- outcomes ---- */

static void test_unknown_outcomes(void **state)
{
	static const char *const modes[] = { "answer_500", "answer_busy", "answer_hang_up",
		"answer_forged", "answer_twice", "answer_unsigned" };
	struct pay_event ev;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(modes); i++) {
		char no[33], url[4096];
		struct pay_order o = stage_order(no);

		stage_mode(&stage, modes[i], 1, 0);
		if (pay_query(stage.pay, "alipay", no, utc_now(), soon(), &ev, NULL) != ERR_UNKNOWN)
			fail_msg("%s was believed", modes[i]);
		stage_mode(&stage, modes[i], 1, 0);
		assert_int_equal(stage_try(&stage, "alipay_qr", &o, url, NULL), ERR_UNKNOWN);
		/* it may have arrived: the same order again does no harm */
		assert_int_equal(stage_try(&stage, "alipay_qr", &o, url, NULL), ERR_OK);
	}
	stage_mode(&stage, "answer_slow", 1, 1);
	assert_int_equal(
		pay_query(stage.pay, "alipay", "YFALI1", utc_now(), mono_ms() + 100, &ev, NULL),
		ERR_UNKNOWN);
	stage_mode(&stage, "normal", 0, 0);
}

static void test_refused(void **state)
{
	char no[33], url[4096];
	struct pay_order o = stage_order(no);
	struct problem why = { 0 };

	(void)state;
	stage_mode(&stage, "refuse", 1, 0);
	assert_refused(stage_try(&stage, "alipay_qr", &o, url, &why), &why, "ACQ.ACCESS_FORBIDDEN");
	stage_mode(&stage, "normal", 0, 0);
}

/* An application has one mode: what talks like the other one is turned down. */
static void test_other_mode(void **state)
{
	AUTO(buf_free) struct buf keys = { 0 };
	AUTO(conf_free) struct conf *conf = NULL;
	AUTO(pay_free) struct pay *other = NULL;
	struct problem why = { 0 };
	struct pay_event ev;

	(void)state;
	buf_printf(&keys,
		"private_key_file=%1$s/alipay_app_private.pem\n"
		"app_cert_file=%1$s/alipay_app_cert.pem\nalipay_cert_file=%1$s/alipay_cert.pem\n"
		"alipay_root_cert_file=%1$s/alipay_root_cert.pem\n",
		stage.files.dir);
	conf = stage_conf(&stage, keys.text);
	pay_load(conf, &other);
	assert_refused(pay_query(other, "alipay", "YFALI00000001", utc_now(), soon(), &ev, &why),
		&why, "isv.invalid-app-cert-sn");
}

/* ---- refunds ---- */

static struct pay_refund refund_of(const struct pay_order *o, char no[static 33], int64_t fen)
{
	static int serial;

	snprintf(no, 33, "YFREF%08d", ++serial);
	return (struct pay_refund){ .out_trade_no = o->out_trade_no,
		.out_refund_no = no,
		.amount_fen = fen,
		.total_fen = o->amount_fen,
		.reason = "退租" };
}

static struct pay_refund_event refund(const struct pay_refund *r)
{
	struct pay_refund_event ev = { 0 };
	struct problem why = { 0 };

	if (pay_refund_open(stage.pay, "alipay", r, utc_now(), soon(), &ev, &why) != ERR_OK)
		fail_msg("%s: %s", why.field, why.text);
	assert_string_equal(ev.out_trade_no, r->out_trade_no);
	assert_string_equal(ev.out_refund_no, r->out_refund_no);
	return ev;
}

static struct pay_refund_event ask_refund(const struct pay_refund *r)
{
	struct pay_refund_event ev = { 0 };
	struct problem why = { 0 };

	if (pay_refund_query(stage.pay, "alipay", r, utc_now(), soon(), &ev, &why) != ERR_OK)
		fail_msg("%s: %s", why.field, why.text);
	return ev;
}

static enum err try_refund(
	const struct pay_refund *r, struct pay_refund_event *ev, struct problem *why)
{
	return pay_refund_open(stage.pay, "alipay", r, utc_now(), soon(), ev, why);
}

static void test_refunds(void **state)
{
	char no[33], first[33], second[33], third[33];
	struct pay_order o = stage_paid(&stage, no);
	struct pay_refund r = refund_of(&o, first, 1200), rest = refund_of(&o, second, 3800);
	struct pay_refund more = refund_of(&o, third, 1);
	struct pay_refund_event ev;
	struct pay_event told;
	struct problem why = { 0 };

	(void)state;
	assert_int_equal(ask_refund(&r).state, PAY_REFUND_NOT_EXIST);
	ev = refund(&r);
	assert_int_equal(ev.state, PAY_REFUND_DONE);
	assert_int_equal(ev.amount_fen, 1200);
	assert_true(ev.done_at.ms > 0);
	/* the same number again moves nothing */
	assert_int_equal(refund(&r).state, PAY_REFUND_DONE);
	assert_int_equal(ask_refund(&r).amount_fen, 1200);
	assert_int_equal(stage_wait(no, 2, &told), 2);
	assert_int_equal(told.state, PAY_REFUND);
	assert_int_equal(told.refund_fen, 1200);
	assert_string_equal(told.service_state, "TRADE_SUCCESS");
	/* a trade that is refunded in part still counts as paid when asked about */
	assert_int_equal(ask(no).state, PAY_PAID);
	assert_int_equal(refund(&rest).state, PAY_REFUND_DONE);
	assert_int_equal(stage_wait(no, 3, &told), 3);
	assert_int_equal(told.refund_fen, 5000);
	assert_string_equal(told.service_state, "TRADE_CLOSED");
	assert_int_equal(ask(no).state, PAY_REFUND);
	assert_int_equal(ask(no).refund_fen, 5000);
	assert_refused(try_refund(&more, &ev, &why), &why, "ACQ.TRADE_HAS_CLOSE");
	assert_int_equal(ev.state, PAY_REFUND_CLOSED);
}

static void test_refund_limits(void **state)
{
	char no[33], a[33], b[33], c[33];
	struct pay_order o = stage_paid(&stage, no), unpaid;
	struct pay_refund r = refund_of(&o, a, 3000), over = refund_of(&o, b, 2001), u;
	struct pay_refund_event ev;
	struct problem why = { 0 };

	(void)state;
	assert_int_equal(refund(&r).state, PAY_REFUND_DONE);
	assert_refused(try_refund(&over, &ev, &why), &why, "ACQ.REFUND_AMT_NOT_EQUAL_TOTAL");
	assert_int_equal(ev.state, PAY_REFUND_CLOSED);
	/* our number stands for another sum there: a person, and never "failed" */
	r.amount_fen = 2000;
	assert_int_equal(try_refund(&r, &ev, &why), ERR_OK);
	assert_int_equal(ev.state, PAY_REFUND_PERSON);
	assert_int_equal(ev.amount_fen, 3000);
	assert_int_equal(ask_refund(&r).state, PAY_REFUND_PERSON);
	unpaid = stage_order(no);
	u = refund_of(&unpaid, c, 1);
	assert_refused(try_refund(&u, &ev, &why), &why, "ACQ.TRADE_NOT_EXIST");
	assert_int_equal(ask_refund(&u).state, PAY_REFUND_NOT_EXIST);
}

/* The service acts and nobody hears of it; the same number again finds what was done. */
static void test_refund_unknown(void **state)
{
	static const char *const modes[] = { "answer_hang_up", "answer_forged", "answer_500",
		"answer_busy" };
	char no[33], number[33];
	struct pay_order o = stage_paid(&stage, no);
	struct pay_event told;
	struct pay_refund_event ev;
	int64_t sum = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(modes); i++) {
		struct pay_refund r = refund_of(&o, number, 100);

		stage_mode(&stage, modes[i], 1, 0);
		assert_int_equal(try_refund(&r, &ev, NULL), ERR_UNKNOWN);
		assert_int_equal(
			ask_refund(&r).state, i < 2 ? PAY_REFUND_DONE : PAY_REFUND_NOT_EXIST);
		assert_int_equal(refund(&r).state, PAY_REFUND_DONE);
		sum += 100;
	}
	assert_int_equal(stage_wait(no, 1 + ARRAY_LEN(modes), &told), 1 + ARRAY_LEN(modes));
	assert_int_equal(told.state, PAY_REFUND);
	assert_int_equal(sum, 400);
}

static void test_refund_pending(void **state)
{
	char no[33], number[33];
	struct pay_order o = stage_paid(&stage, no);
	struct pay_refund r = refund_of(&o, number, 700);
	struct pay_refund_event ev;
	struct problem why = { 0 };

	(void)state;
	/* accepted, but no money has moved and there is no record yet */
	stage_mode(&stage, "refund_pending", 1, 0);
	assert_int_equal(try_refund(&r, &ev, &why), ERR_UNKNOWN);
	assert_string_equal(why.field, "fund_change");
	assert_int_equal(ask_refund(&r).state, PAY_REFUND_NOT_EXIST);
	assert_int_equal(refund(&r).state, PAY_REFUND_DONE);
	stage_mode(&stage, "refuse", 1, 0);
	r = refund_of(&o, number, 700);
	assert_refused(try_refund(&r, &ev, &why), &why, "ACQ.SELLER_BALANCE_NOT_ENOUGH");
	assert_int_equal(ev.state, PAY_REFUND_PERSON);
	assert_int_equal(refund(&r).state, PAY_REFUND_DONE);
	stage_mode(&stage, "trade_finished", 1, 0);
	r = refund_of(&o, number, 700);
	assert_refused(try_refund(&r, &ev, &why), &why, "ACQ.TRADE_HAS_FINISHED");
	stage_mode(&stage, "trade_finished", 1, 0);
	assert_int_equal(ask(no).state, PAY_PAID);
	stage_mode(&stage, "normal", 0, 0);
}

/* ---- notifies ---- */

static void pay_in_mode(const char *name, int count, int value, char no[static 33])
{
	char url[4096], token[40];
	struct pay_order o = stage_order(no);

	assert_int_equal(stage_try(&stage, "alipay_wap", &o, url, NULL), ERR_OK);
	stage_visit(&stage, url, token);
	stage_mode(&stage, name, count, value);
	assert_int_equal(stage_press(&stage, token), 200);
}

static void test_notify_modes(void **state)
{
	struct pay_event ev = { 0 };
	char no[33];
	size_t conflicts;

	(void)state;
	pay_in_mode("notify_duplicate", 1, 8, no);
	assert_int_equal(stage_wait(no, 8, &ev), 8);
	pay_in_mode("notify_wrong_amount", 1, 0, no);
	assert_int_equal(stage_wait(no, 1, &ev), 1);
	assert_int_equal(ev.amount_fen, 500000);
	pay_in_mode("notify_gbk", 1, 0, no);
	assert_int_equal(stage_wait(no, 1, &ev), 1);
	assert_int_equal(ev.state, PAY_PAID);
	pay_in_mode("notify_forged", 1, 0, no);
	assert_true(stage_wait_refused(ERR_BAD_SIGNATURE, 1) >= 1);
	conflicts = stage_wait_refused(ERR_CONFLICT, 0);
	pay_in_mode("notify_other_seller", 1, 0, no);
	assert_true(stage_wait_refused(ERR_CONFLICT, conflicts + 1) > conflicts);
	pay_in_mode("notify_other_app", 1, 0, no);
	assert_true(stage_wait_refused(ERR_CONFLICT, conflicts + 2) > conflicts + 1);
	pay_in_mode("notify_never", 1, 0, no);
	assert_int_equal(ask(no).state, PAY_PAID);
	stage_mode(&stage, "normal", 0, 0);
}

/* The refund's notify comes before the payment's. */
static void test_notify_reordered(void **state)
{
	char no[33], number[33];
	struct pay_order o = stage_order(no);
	struct pay_refund r;
	struct pay_event ev;

	(void)state;
	pay_in_mode("notify_reordered", 1, 0, no);
	o.out_trade_no = no;
	r = refund_of(&o, number, 100);
	assert_int_equal(refund(&r).state, PAY_REFUND_DONE);
	assert_int_equal(stage_wait(no, 1, &ev), 1);
	assert_int_equal(ev.state, PAY_REFUND);
	assert_int_equal(stage_wait(no, 2, &ev), 2);
	assert_int_equal(ev.state, PAY_PAID);
}

/* ---- bills ---- */

static struct day today(void)
{
	return (struct day){ (int32_t)((utc_now().ms + 28800000) / 86400000) };
}

static enum err bill(struct day day, struct utc now, struct pay_bill *out, struct problem *why)
{
	return pay_bill_get(stage.pay, "alipay", day, now, soon(), out, why);
}

static const struct pay_bill_row *row_of(const struct pay_bill *b, const char *no, bool refund)
{
	for (size_t i = 0; i < b->n; i++)
		if (str_eq(b->rows[i].out_trade_no, no) && b->rows[i].refund == refund)
			return &b->rows[i];
	fail_msg("no row of %s", no);
	return NULL;
}

static void test_bill(void **state)
{
	AUTO(pay_bill_free) struct pay_bill b = { 0 };
	char no[33], number[33];
	struct pay_order o = stage_paid(&stage, no);
	struct pay_refund r = refund_of(&o, number, 1200);
	struct problem why = { 0 };
	const struct pay_bill_row *row;
	int64_t paid = 0, refunded = 0;

	(void)state;
	assert_int_equal(refund(&r).state, PAY_REFUND_DONE);
	if (bill(today(), utc_now(), &b, &why) != ERR_OK)
		fail_msg("%s: %s", why.field, why.text);
	row = row_of(&b, no, false);
	assert_int_equal(row->amount_fen, 5000);
	assert_int_equal(row->fee.nano, 30 * NANO_PER_FEN);
	assert_string_equal(row->transaction_id, ask(no).transaction_id);
	row = row_of(&b, no, true);
	assert_int_equal(row->amount_fen, 1200);
	assert_string_equal(row->out_refund_no, number);
	assert_int_equal(row->fee.nano, -7 * NANO_PER_FEN);
	for (size_t i = 0; i < b.n; i++)
		*(b.rows[i].refund ? &refunded : &paid) += b.rows[i].amount_fen;
	assert_int_equal(b.paid_fen, paid);
	assert_int_equal(b.refunded_fen, refunded);
}

static void test_bill_spoilt(void **state)
{
	AUTO(pay_bill_free) struct pay_bill b = { 0 };
	char no[33];
	struct problem why = { 0 };

	(void)state;
	stage_paid(&stage, no);
	stage_mode(&stage, "bill_damaged", 1, 0);
	assert_int_equal(bill(today(), utc_now(), &b, &why), ERR_PROTOCOL);
	stage_mode(&stage, "bill_wrong_sum", 1, 0);
	assert_int_equal(bill(today(), utc_now(), &b, &why), ERR_PROTOCOL);
	stage_mode(&stage, "bill_late", 1, 0);
	assert_int_equal(bill(today(), utc_now(), &b, &why), ERR_UNKNOWN);
	stage_mode(&stage, "answer_forged", 1, 0);
	assert_int_equal(bill(today(), utc_now(), &b, &why), ERR_UNKNOWN);
	stage_mode(&stage, "normal", 0, 0);
	assert_int_equal(bill(today(), utc_now(), &b, &why), ERR_OK);
	assert_true(b.n > 0);
}

/* There is no bill of a day without trades; until noon of the day after it may still come. */
static void test_bill_empty(void **state)
{
	AUTO(pay_bill_free) struct pay_bill b = { 0 };
	struct day day = { today().days - 3 };
	struct utc noon = { (day.days + 1) * INT64_C(86400000) + (12 - 8) * INT64_C(3600000) };
	struct utc before = { noon.ms - 1 };

	(void)state;
	assert_int_equal(bill(day, before, &b, NULL), ERR_UNKNOWN);
	assert_int_equal(bill(day, noon, &b, NULL), ERR_OK);
	assert_int_equal(b.n, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_browser_ways),
		cmocka_unit_test(test_qr_way),
		cmocka_unit_test(test_close),
		cmocka_unit_test(test_bounds),
		cmocka_unit_test(test_unknown_outcomes),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_other_mode),
		cmocka_unit_test(test_refunds),
		cmocka_unit_test(test_refund_limits),
		cmocka_unit_test(test_refund_unknown),
		cmocka_unit_test(test_refund_pending),
		cmocka_unit_test(test_notify_modes),
		cmocka_unit_test(test_notify_reordered),
		cmocka_unit_test(test_bill),
		cmocka_unit_test(test_bill_spoilt),
		cmocka_unit_test(test_bill_empty),
		cmocka_unit_test(test_qr_dies),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
