/* The bills of WeChat Pay as text: what is read, and what is refused as contradicting itself. */
#include "cmock.h"

#include <stdio.h>
#include <string.h>

#include "pay/wechat_inside.h"
#include "pay_fixture.h"
#include "web/gzip.h"

#define MERCHANT "1900000001"

static void read_file(const char *name, struct buf *out)
{
	char path[512];

	snprintf(path, sizeof(path), SOURCE_DIR "/tests/vectors/pay/%s", name);
	assert_int_equal(file_read(path, 1 << 20, out), ERR_OK);
}

static void test_trade_vector(void **state)
{
	AUTO(json_free) json_t *v = vector("wechat_trade_bill");
	AUTO(buf_free) struct buf packed = { 0 };
	AUTO(buf_free) struct buf text = { 0 };
	AUTO(pay_bill_free) struct pay_bill bill = { 0 };
	char sha1[SHA1_HEX];
	json_t *row;
	size_t i;

	(void)state;
	read_file("wechat_trade_bill.csv.gz", &packed);
	assert_int_equal(gzip_unpack(packed.text, packed.len, 1 << 20, &text), ERR_OK);
	sha1_hex(text.text, text.len, sha1);
	assert_string_equal(sha1,
		json_string_value(json_object_get(json_object_get(v, "answer"), "hash_value")));
	assert_int_equal(wechat_trade_sheet(MERCHANT, text.text, text.len, &bill, NULL), ERR_OK);
	json_array_foreach(json_object_get(v, "parsed_fen"), i, row)
	{
		int64_t paid = json_integer_value(json_object_get(row, "order_fen"));
		int64_t back = json_integer_value(json_object_get(row, "refund_fen"));

		assert_string_equal(bill.rows[i].out_trade_no,
			json_string_value(json_object_get(row, "out_trade_no")));
		assert_int_equal(bill.rows[i].amount_fen, paid + back);
		assert_int_equal(bill.rows[i].refund, back > 0);
	}
	assert_int_equal(bill.n, i);
	assert_int_equal(bill.paid_fen, 5001);
	assert_int_equal(bill.refunded_fen, 1200);
	assert_int_equal(bill.fee.nano, 230000000);
}

static void test_trade_row(void **state)
{
	AUTO(buf_free) struct buf text = { 0 };
	AUTO(pay_bill_free) struct pay_bill bill = { 0 };
	const struct pay_bill_row *r;

	(void)state;
	read_file("wechat_trade_bill.csv", &text);
	assert_int_equal(wechat_trade_sheet(MERCHANT, text.text, text.len, &bill, NULL), ERR_OK);
	r = &bill.rows[0];
	assert_string_equal(r->transaction_id, "4200002026112200000000000001");
	assert_string_equal(r->state, "SUCCESS");
	assert_string_equal(r->out_refund_no, "");
	assert_int_equal(r->fee.nano, 300000000);
	assert_int_equal(r->at.ms, INT64_C(1795313598000));
	r = &bill.rows[2];
	assert_string_equal(r->out_refund_no, "YFR20261122000001");
	assert_string_equal(r->refund_id, "50300002026112200000000000001");
	assert_int_equal(r->fee.nano, -70000000);
}

static void test_broken_gzip(void **state)
{
	AUTO(buf_free) struct buf packed = { 0 };
	struct buf out = { 0 };

	(void)state;
	read_file("wechat_trade_bill.csv.gz", &packed);
	for (size_t n = 0; n < packed.len; n++)
		assert_int_equal(gzip_unpack(packed.text, n, 1 << 20, &out), ERR_PROTOCOL);
	assert_int_equal(gzip_unpack(packed.text, packed.len, 100, &out), ERR_TOO_LARGE);
	buf_adds(&packed, "x");
	assert_int_equal(gzip_unpack(packed.text, packed.len, 1 << 20, &out), ERR_PROTOCOL);
	assert_null(out.text);
}

/* The vector with one text replaced by another. */
static enum err changed(const char *from, const char *to, struct problem *why)
{
	AUTO(buf_free) struct buf text = { 0 };
	AUTO(buf_free) struct buf other = { 0 };
	AUTO(pay_bill_free) struct pay_bill bill = { 0 };
	const char *at;

	read_file("wechat_trade_bill.csv", &text);
	at = strstr(text.text, from);
	assert_non_null(at);
	buf_add(&other, text.text, (size_t)(at - text.text));
	buf_printf(&other, "%s%s", to, at + strlen(from));
	return wechat_trade_sheet(MERCHANT, other.text, other.len, &bill, why);
}

static void test_contradictions(void **state)
{
	static const struct {
		const char *from, *to;
	} cases[] = {
		{ "`50.00,`0.00,`\r", "`50.01,`0.00,`\r" }, /* another amount than the sum says */
		{ "`0.01,`0.00,`\r", "`0.011,`0.00,`\r" },  /* a tenth of a fen */
		{ "`0.01,`0.00,`\r", "`-0.01,`0.00,`\r" },  /* a negative one */
		{ "`0.01,`0.00,`\r", "`1e2,`0.00,`\r" },    /* no plain number */
		{ "`12.00,`\r", "`1.00,`\r" },		    /* of a refund */
		{ "`0.30000", "`0.35000" },		    /* of the fees */
		{ "`3,`50.01", "`4,`50.01" },		    /* another count */
		{ "`1900000001", "`1900000002" },	    /* another merchant */
		{ "`CNY", "`USD" },
		{ "`SUCCESS", "`PAID" },
		{ "2026-11-22 10:13:18", "2026-11-31 10:13:18" },
		{ "订单金额,申请退款金额", "订单額,申请退款金额" },   /* no such column */
		{ "`0.60%,`", "`0.60%,`x,`" },			      /* a cell too many */
		{ "总交易单数", "`总交易单数" },		      /* no names of the sums */
		{ "`3,`50.01,`12.00,`0.00,`0.23,`50.01,`12.00", "" }, /* no sums */
		{ "`3,`50.01", "`3,`50.01,`x" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct problem why = { 0 };

		if (changed(cases[i].from, cases[i].to, &why) != ERR_PROTOCOL)
			fail_msg("%s -> %s was taken", cases[i].from, cases[i].to);
		assert_true(why.text[0] != '\0');
	}
	/* what does not matter: line ends, a missing BOM, further columns */
	assert_int_equal(changed("\xef\xbb\xbf", "", NULL), ERR_OK);
	assert_int_equal(changed("\r\n", "\n", NULL), ERR_OK);
	assert_int_equal(changed("`水费,含逗号", "`水费,,含\"逗号\"", NULL), ERR_OK);
}

/* Merchants of old have fewer columns, with other names. */
static void test_old_columns(void **state)
{
	static const char text[] =
		"交易时间,微信订单号,商户订单号,交易状态,总金额,微信退款单号,商户退款单号,"
		"退款金额,退款状态,手续费\r\n"
		"`2026-11-22 10:13:18,`42,`YF1,`SUCCESS,`1.10,`0,`0,`0.00,`,`0.01000\r\n"
		"总交易单数,总交易额,退款总金额,手续费总金额\r\n`1,`1.10,`0.00,`0.01\r\n";
	AUTO(pay_bill_free) struct pay_bill bill = { 0 };

	(void)state;
	assert_int_equal(wechat_trade_sheet(MERCHANT, text, strlen(text), &bill, NULL), ERR_OK);
	assert_int_equal(bill.rows[0].amount_fen, 110);
}

#define FUND_NAMES                                                                                                     \
	"\xef\xbb\xbf记账时间,微信支付业务单号,资金流水单号,业务名称,业务类型,收支类型," \
	"收支金额(元),账户结余(元),资金变更提交申请人,备注,业务凭证号\r\n"
#define FUND_ROWS                                                                                        \
	"`2026-11-22 10:13:18,`4200001,`F1,`交易,`交易,`收入,`50.00,`150.00,`system,`,"            \
	"`YF1\r\n"                                                                                       \
	"`2026-11-22 10:13:18,`4200001,`F2,`扣除交易手续费,`扣除交易手续费,`支出,`0.30," \
	"`149.70,`system,`费率0.60%,含税,`YF1\r\n"                                                   \
	"`2026-11-22 23:00:00,`W1,`F3,`提现,`提现,`支出,`100.00,`49.70,`admin,`,`W1\r\n"
#define FUND_SUMS "资金流水总笔数,收入笔数,收入金额,支出笔数,支出金额\r\n"

static enum err fund(const char *text, struct pay_fund_bill *out)
{
	return wechat_fund_sheet(text, strlen(text), out, NULL);
}

static void test_funds(void **state)
{
	AUTO(pay_fund_bill_free) struct pay_fund_bill bill = { 0 };
	struct pay_fund_bill none = { 0 };

	(void)state;
	assert_int_equal(
		fund(FUND_NAMES FUND_ROWS FUND_SUMS "`3,`1,`50.00,`2,`100.30\r\n", &bill), ERR_OK);
	assert_int_equal(bill.n, 3);
	assert_true(bill.rows[0].income);
	assert_string_equal(bill.rows[1].name, "扣除交易手续费");
	assert_int_equal(bill.rows[1].amount_fen, 30);
	assert_string_equal(bill.rows[2].kind, "提现");
	assert_int_equal(bill.rows[2].amount_fen, 10000);
	assert_int_equal(bill.rows[2].balance.nano, INT64_C(49700000000));
	assert_int_equal(bill.expense_fen, 10030);
	assert_int_equal(fund(FUND_NAMES FUND_ROWS FUND_SUMS "`3,`1,`50.00,`2,`100.31\r\n", &none),
		ERR_PROTOCOL);
	assert_int_equal(fund(FUND_NAMES FUND_ROWS FUND_SUMS "`3,`2,`50.00,`1,`100.30\r\n", &none),
		ERR_PROTOCOL);
	assert_int_equal(fund(FUND_NAMES FUND_ROWS, &none), ERR_PROTOCOL);
	assert_int_equal(fund("", &none), ERR_PROTOCOL);
	assert_null(none.rows);
}

static void test_where_from(void **state)
{
	static const struct {
		const char *base, *url;
		bool allowed;
	} cases[] = {
		{ "https://api.mch.weixin.qq.com", "https://api.mch.weixin.qq.com/v3/x?token=1",
			true },
		{ "https://api2.mch.weixin.qq.com", "https://api.mch.weixin.qq.com/v3/x", true },
		{ "https://api.mch.weixin.qq.com", "http://api.mch.weixin.qq.com/v3/x", false },
		{ "https://api.mch.weixin.qq.com", "https://evil.example/v3/x", false },
		{ "https://api.mch.weixin.qq.com", "https://api.mch.weixin.qq.com.evil/x", false },
		{ "https://api.mch.weixin.qq.com", "https://api.mch.weixin.qq.com@evil/x", false },
		{ "https://api.mch.weixin.qq.com", "https://api.mch.weixin.qq.com:444/x", false },
		{ "https://api.mch.weixin.qq.com", "file:///etc/passwd", false },
		{ "http://127.0.0.1:81/sandbox", "http://127.0.0.1:81/v3/x", true },
		{ "http://127.0.0.1:81/sandbox", "http://127.0.0.1:82/v3/x", false },
		{ "http://127.0.0.1:81/sandbox", "https://api.mch.weixin.qq.com/v3/x", false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct wechat w = { .mch_id = MERCHANT };

		assert_true(str_copy(w.api_base, sizeof(w.api_base), cases[i].base));
		if (wechat_download_allowed(&w, cases[i].url) != cases[i].allowed)
			fail_msg("%s from %s", cases[i].url, cases[i].base);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_trade_vector),
		cmocka_unit_test(test_trade_row),
		cmocka_unit_test(test_broken_gzip),
		cmocka_unit_test(test_contradictions),
		cmocka_unit_test(test_old_columns),
		cmocka_unit_test(test_funds),
		cmocka_unit_test(test_where_from),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
