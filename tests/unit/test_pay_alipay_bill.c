/* Bills of Alipay as their files really look, and files that are none. */
#include "cmock.h"

#include <iconv.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zip.h>

#include "pay/alipay_inside.h"

#define DASHES "-----------------------------------------"
#define HEAD                                                                                             \
	"#支付宝业务明细查询\r\n#账号：[20880000000000010156]\r\n"                           \
	"#起始日期：[2026年11月22日 00:00:00]   终止日期：[2026年11月23日 00:00:00]\r\n" \
	"#" DASHES "业务明细列表" DASHES "\r\n"
#define COLUMNS                                                                                                                       \
	"支付宝交易号,商户订单号,业务类型,商品名称,创建时间,完成时间,门店编号,门店名称,操作员," \
	"终端号,对方账户,订单金额（元）,商家实收（元）,支付宝红包（元）,集分宝（元）,"             \
	"支付宝优惠（元）,"                                                                                                   \
	"商家优惠（元）,券核销金额（元）,券名称,商家红包消费金额（元）,卡消费金额（元）,"        \
	"退款批次号/请求号,服务费（元）,分润（元）,备注\r\n"
#define PAID                                                                                       \
	"2026112222001400990000000001\t,YF20261122000011\t,交易\t,A-103 面馆,电费,充值,"   \
	"2026-11-22 10:13:10,2026-11-22 10:13:18,\t,\t,\t,\t,*女士(138****0000),"                \
	"50.00,50.00,0.00,0.00,0.00,0.00,0.00,,0.00\t,0.00,\t,-0.30,0.00,备注\r\n"
#define REFUNDED                                                                                   \
	"2026112222001400990000000001\t,YF20261122000011\t,退款\t,A-103 面馆,电费,充值,"   \
	"2026-11-22 11:00:00,2026-11-22 11:00:01,\t,\t,\t,\t,*女士(138****0000),"                \
	"-12.00,-12.00,0.00,0.00,0.00,0.00,0.00,,0.00\t,0.00,YFR001\t,0.07,0.00,\r\n"
#define END "#" DASHES "业务明细列表结束" DASHES "\r\n"
#define SUMS                                                                                       \
	"#交易合计：1笔，商家实收共50.00元，商家优惠共0.00元\r\n"              \
	"#退款合计：1笔，商家实收退款共-12.00元，商家优惠退款共0.00元\r\n" \
	"#导出时间：[2026年11月23日 05:46:49]\r\n"
#define DETAIL HEAD COLUMNS PAID REFUNDED END SUMS
#define SUMMARY_HEAD                                                                                                                        \
	"#支付宝业务汇总查询\r\n门店编号,门店名称,交易订单总笔数,退款订单总笔数,订单金额（元）,"      \
	"商家实收（元）,支付宝优惠（元）,商家优惠（元）,卡消费金额（元）,服务费（元）,分润（元）," \
	"实收净额（元）\r\n"
#define SUMMARY                                                                                    \
	SUMMARY_HEAD "合计\t,\t,1,1,38.00,38.00,0.00,0.00,0.00,-0.23,0.00,37.77\r\n"             \
		     "#" DASHES "业务汇总列表结束" DASHES "\r\n"

static struct day day;

static int setup(void **state)
{
	(void)state;
	day = day_of(2026, 11, 22);
	return 0;
}

static enum err parse(
	const char *detail, const char *summary, struct pay_bill *out, struct problem *why)
{
	AUTO(buf_free) struct buf d = { 0 };
	AUTO(buf_free) struct buf s = { 0 };

	buf_adds(&d, detail);
	buf_adds(&s, summary ? summary : "");
	return alipay_bill_parse(d.text, summary ? s.text : NULL, day, out, why);
}

static void check(const struct pay_bill *b)
{
	assert_int_equal(b->n, 2);
	assert_false(b->rows[0].refund);
	assert_string_equal(b->rows[0].transaction_id, "2026112222001400990000000001");
	assert_string_equal(b->rows[0].out_trade_no, "YF20261122000011");
	assert_string_equal(b->rows[0].out_refund_no, "");
	assert_int_equal(b->rows[0].amount_fen, 5000);
	assert_int_equal(b->rows[0].fee.nano, 30 * NANO_PER_FEN);
	assert_int_equal(b->rows[0].at.ms, INT64_C(1795313598000));
	assert_true(b->rows[1].refund);
	assert_string_equal(b->rows[1].out_refund_no, "YFR001");
	assert_int_equal(b->rows[1].amount_fen, 1200);
	assert_int_equal(b->rows[1].fee.nano, -7 * NANO_PER_FEN);
	assert_int_equal(b->paid_fen, 5000);
	assert_int_equal(b->refunded_fen, 1200);
	assert_int_equal(b->fee.nano, 23 * NANO_PER_FEN);
}

static void test_good(void **state)
{
	static const struct {
		const char *detail, *summary;
	} bills[] = {
		{ DETAIL, SUMMARY },
		{ DETAIL, NULL },
		/* no sums at all, and sums before refunds */
		{ HEAD COLUMNS PAID REFUNDED END, NULL },
		{ DETAIL, SUMMARY_HEAD "合计,,1,1,50.00,50.00,0,0,0,0.30,0,0\n" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bills); i++) {
		AUTO(pay_bill_free) struct pay_bill b = { 0 };
		struct problem why = { 0 };

		if (parse(bills[i].detail, bills[i].summary, &b, &why) != ERR_OK)
			fail_msg("bill %zu: %s", i, why.text);
		check(&b);
	}
}

static void test_empty(void **state)
{
	AUTO(pay_bill_free) struct pay_bill b = { 0 };

	(void)state;
	assert_int_equal(
		parse(HEAD COLUMNS END "#交易合计：0笔，商家实收共0.00元，商家优惠共0.00元\n", NULL,
			&b, NULL),
		ERR_OK);
	assert_int_equal(b.n, 0);
}

static void test_bad(void **state)
{
	static const struct {
		const char *detail, *summary, *says;
	} bills[] = {
		{ "", NULL, "no beginning" },
		{ "no bill at all", NULL, "no beginning" },
		{ HEAD COLUMNS PAID REFUNDED, NULL, "no end" },
		{ HEAD END, NULL, "no beginning" },
		{ HEAD COLUMNS PAID END SUMS, NULL, "sums below" },
		{ HEAD COLUMNS PAID PAID REFUNDED END SUMS, NULL, "sums below" },
		{ HEAD "支付宝交易号,商户订单号\n" PAID END, NULL, "no column" },
		{ HEAD COLUMNS "a,b,c\n" END, NULL, "too few" },
		{ DETAIL, SUMMARY_HEAD "合计,,2,1,38.00,38.00,0,0,0,-0.23,0,0\n", "summary" },
		{ DETAIL, SUMMARY_HEAD "合计,,1,1,38.01,38.01,0,0,0,-0.23,0,0\n", "summary" },
		{ DETAIL, SUMMARY_HEAD "合计,,1,1,38.00,38.00,0,0,0,-0.24,0,0\n", "summary" },
		{ DETAIL, SUMMARY_HEAD "合计,,x,1,38.00,38.00,0,0,0,-0.23,0,0\n", "understood" },
		{ "#起始日期：[2026年11月21日 00:00:00]\n" DETAIL, NULL, "another day" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bills); i++) {
		AUTO(pay_bill_free) struct pay_bill b = { 0 };
		struct problem why = { 0 };

		if (parse(bills[i].detail, bills[i].summary, &b, &why) != ERR_PROTOCOL ||
			!strstr(why.text, bills[i].says))
			fail_msg("bill %zu: %s", i, why.text);
		assert_null(b.rows);
	}
}

/* One cell of the payment replaced by another. */
static void test_bad_cells(void **state)
{
	static const struct {
		const char *from, *to;
	} changes[] = {
		{ "50.00,50.00", "5o.00,50.00" },
		{ "50.00,50.00", "50.001,50.00" },
		{ "50.00,50.00", "-50.00,50.00" },
		{ "50.00,50.00", "99999999999999.00,50.00" },
		{ "2026-11-22 10:13:18", "yesterday" },
		{ "-0.30", "free" },
		{ "YF20261122000011",
			"YF2026112200001100000000000000000000000000000000000000000000000000000" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(changes); i++) {
		AUTO(pay_bill_free) struct pay_bill b = { 0 };
		AUTO(buf_free) struct buf text = { 0 };
		const char *at = strstr(PAID, changes[i].from);

		assert_non_null(at);
		buf_adds(&text, HEAD COLUMNS);
		buf_add(&text, PAID, strlen(PAID) - strlen(at));
		buf_printf(&text, "%s%s" END, changes[i].to, at + strlen(changes[i].from));
		if (parse(text.text, NULL, &b, NULL) != ERR_PROTOCOL)
			fail_msg("%s was taken", changes[i].to);
	}
}

/* ---- the ZIP file ---- */

struct packed {
	const char *name;
	struct buf text; /* as it stands in the file */
};

static void to_gb18030(const char *text, struct buf *out)
{
	iconv_t c = iconv_open("GB18030", "UTF-8");
	size_t left = strlen(text), room = 2 * left + 16;
	char *from = (char *)text, *store = malloc(room), *to = store;

	assert_true(c != (iconv_t)-1 && store);
	assert_true(iconv(c, &from, &left, &to, &room) != (size_t)-1);
	buf_add(out, store, (size_t)(to - store));
	buf_adds(out, "");
	free(store);
	iconv_close(c);
}

static void pack(const struct packed *files, size_t n, struct buf *out)
{
	zip_source_t *to = zip_source_buffer_create(NULL, 0, 0, NULL);
	zip_t *z = zip_open_from_source(to, ZIP_TRUNCATE, NULL);
	char part[4096];
	zip_int64_t got;

	assert_non_null(z);
	zip_source_keep(to);
	for (size_t i = 0; i < n; i++) {
		AUTO(buf_free) struct buf name = { 0 };
		zip_source_t *s = zip_source_buffer(z, files[i].text.text, files[i].text.len, 0);

		to_gb18030(files[i].name, &name);
		assert_true(zip_file_add(z, name.text, s, ZIP_FL_ENC_GUESS) >= 0);
	}
	assert_int_equal(zip_close(z), 0);
	assert_int_equal(zip_source_open(to), 0);
	while ((got = zip_source_read(to, part, sizeof(part))) > 0)
		buf_add(out, part, (size_t)got);
	zip_source_close(to);
	zip_source_free(to);
}

static void pack_bill(struct buf *out)
{
	struct packed files[] = { { "x_业务明细(汇总).csv", { 0 } }, { "x_业务明细.csv", { 0 } } };

	to_gb18030(SUMMARY, &files[0].text);
	to_gb18030(DETAIL, &files[1].text);
	pack(files, 2, out);
	buf_free(&files[0].text);
	buf_free(&files[1].text);
}

static void test_zip(void **state)
{
	AUTO(pay_bill_free) struct pay_bill b = { 0 };
	AUTO(buf_free) struct buf zip = { 0 };
	struct problem why = { 0 };

	(void)state;
	pack_bill(&zip);
	if (alipay_bill_read(zip.text, zip.len, day, &b, &why) != ERR_OK)
		fail_msg("%s", why.text);
	check(&b);
}

static void test_zip_damaged(void **state)
{
	AUTO(buf_free) struct buf zip = { 0 };
	size_t taken = 0;

	(void)state;
	pack_bill(&zip);
	for (size_t cut = 1; cut <= zip.len; cut += 5) {
		AUTO(pay_bill_free) struct pay_bill b = { 0 };

		assert_int_equal(
			alipay_bill_read(zip.text, zip.len - cut, day, &b, NULL), ERR_PROTOCOL);
	}
	for (size_t at = 0; at < zip.len; at++) {
		AUTO(pay_bill_free) struct pay_bill b = { 0 };

		zip.text[at] ^= 0x55;
		if (alipay_bill_read(zip.text, zip.len, day, &b, NULL) == ERR_OK) {
			check(&b); /* a byte that does not matter, as of the date of a file */
			taken++;
		}
		zip.text[at] ^= 0x55;
	}
	assert_true(taken < zip.len / 4);
}

/* Few bytes that become many, too many files, none, the same twice, text that is no text. */
static void test_zip_strange(void **state)
{
	struct packed bomb = { "x_业务明细.csv", { 0 } };
	struct packed many[20];
	AUTO(buf_free) struct buf zip = { 0 };
	AUTO(buf_free) struct buf crowd = { 0 };
	AUTO(buf_free) struct buf odd = { 0 };
	AUTO(buf_free) struct buf nul = { 0 };
	AUTO(pay_bill_free) struct pay_bill b = { 0 };
	static char zeros[1 << 20];
	char names[20][16];
	struct problem why = { 0 };

	(void)state;
	memset(zeros, ' ', sizeof(zeros));
	for (int i = 0; i < 70; i++)
		buf_add(&bomb.text, zeros, sizeof(zeros));
	pack(&bomb, 1, &zip);
	assert_true(zip.len < 200000);
	assert_int_equal(alipay_bill_read(zip.text, zip.len, day, &b, &why), ERR_PROTOCOL);
	assert_non_null(strstr(why.text, "more than a bill"));
	buf_free(&bomb.text);
	bomb.text = (struct buf){ 0 };
	for (size_t i = 0; i < ARRAY_LEN(many); i++) {
		snprintf(names[i], sizeof(names[i]), "%zu.csv", i);
		many[i] = (struct packed){ names[i], { .text = zeros, .len = 10 } };
	}
	pack(many, 20, &crowd);
	assert_int_equal(alipay_bill_read(crowd.text, crowd.len, day, &b, NULL), ERR_PROTOCOL);
	crowd.len = 0;
	pack(many, 2, &crowd);
	assert_int_equal(alipay_bill_read(crowd.text, crowd.len, day, &b, NULL), ERR_PROTOCOL);
	many[0].text = (struct buf){ .text = (char *)"\xff\xff\xff\xff", .len = 4 };
	pack(many, 1, &odd);
	assert_int_equal(alipay_bill_read(odd.text, odd.len, day, &b, NULL), ERR_PROTOCOL);
	many[0].text = (struct buf){ .text = (char *)"#\0#", .len = 3 };
	pack(many, 1, &nul);
	assert_int_equal(alipay_bill_read(nul.text, nul.len, day, &b, NULL), ERR_PROTOCOL);
	assert_int_equal(alipay_bill_read("<html>", 6, day, &b, NULL), ERR_PROTOCOL);
	assert_int_equal(alipay_bill_read("", 0, day, &b, NULL), ERR_PROTOCOL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_empty),
		cmocka_unit_test(test_bad),
		cmocka_unit_test(test_bad_cells),
		cmocka_unit_test(test_zip),
		cmocka_unit_test(test_zip_damaged),
		cmocka_unit_test(test_zip_strange),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}
