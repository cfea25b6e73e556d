/* Bills of the stand-in: two files in GB18030, in a ZIP file behind an address of half a minute. */
#include <iconv.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zip.h>

#include "base/rand.h"
#include "sim/svc_alipay_inside.h"
#include "sim/svc_bill.h"

#define URL_MS 30000
#define DAY_MS 86400000
#define BEIJING_MS 28800000

static const char dashes[] = "-----------------------------------------";
static const char columns[] =
	"支付宝交易号,商户订单号,业务类型,商品名称,创建时间,完成时间,门店编号,门店名称,操作员,"
	"终端号,"
	"对方账户,订单金额（元）,商家实收（元）,支付宝红包（元）,集分宝（元）,支付宝优惠（元）,"
	"商家优惠（元）,券核销金额（元）,券名称,商家红包消费金额（元）,卡消费金额（元）,"
	"退款批次号/请求号,服务费（元）,分润（元）,备注";
static const char summary_columns[] =
	"门店编号,门店名称,交易订单总笔数,退款订单总笔数,订单金额（元）,商家实收（元）,"
	"支付宝优惠（元）,"
	"商家优惠（元）,卡消费金额（元）,服务费（元）,分润（元）,实收净额（元）";

/* ---- the address ---- */

static struct svc_verdict no_bill(void)
{
	return svc_alipay_refused("isp.bill_not_exist", "账单不存在");
}

/* With the lock held. */
static void remember(struct svc_alipay *a, struct day day, struct utc now, char token[static 33])
{
	struct svc_alipay_bill *b = &a->bills[a->next_bill++ % SVC_ALIPAY_BILLS];

	rand_hex(b->token, 16);
	b->day = day;
	b->until_ms = now.ms + URL_MS;
	memcpy(token, b->token, 33);
}

/* Unlike the real one it has the bill of the present day as well, so that nobody must wait. */
struct svc_verdict svc_alipay_bill_url(
	struct svc *s, const struct svc_call *c, struct utc now, json_t *answer)
{
	static const char *const names[] = { "bill_type", "bill_date", NULL };
	struct svc_bill_row *rows = NULL;
	struct day day;
	char token[33], url[600];
	size_t n;

	if (json_only(c->biz, names, NULL) != ERR_OK ||
		!str_eq(svc_text(c->biz, "bill_type"), "trade") ||
		day_parse(svc_text(c->biz, "bill_date"), &day) != ERR_OK ||
		day.days > (now.ms + BEIJING_MS) / DAY_MS)
		return svc_alipay_refused("isv.invalid-parameter", "入参不合法");
	if (svc_mode_take(s, SVC_ALIPAY, "bill_late", NULL))
		return no_bill();
	n = svc_bill_rows(s, SVC_ALIPAY, day, &rows);
	free(rows);
	if (n == 0)
		return no_bill();
	pthread_mutex_lock(&s->lock);
	remember(s->alipay, day, now, token);
	pthread_mutex_unlock(&s->lock);
	snprintf(
		url, sizeof(url), "http://%.400s/sandbox/alipay/bill.zip?token=%s", c->host, token);
	svc_set_text(answer, "bill_download_url", url);
	return svc_alipay_done();
}

/* ---- the text ---- */

struct sums {
	int64_t payments, refunds, paid_fen, refunded_fen, fee_fen;
};

/* Cents of a fee, as the bill shows it: kept with a minus. */
static int64_t fee_fen(const struct svc_bill_row *r)
{
	int64_t nano = r->fee_nano < 0 ? -r->fee_nano : r->fee_nano;
	int64_t fen = (nano + 5000000) / 10000000;

	return r->refund ? fen : -fen;
}

static void yuan(int64_t fen, char out[static 40])
{
	char text[32];

	svc_yuan(fen < 0 ? -fen : fen, text);
	snprintf(out, 40, "%s%s", fen < 0 ? "-" : "", text);
}

static void add_row(const struct svc_bill_row *r, struct sums *sums, struct buf *out)
{
	int64_t fen = r->refund ? -r->amount_fen : r->amount_fen;
	char amount[40], fee[40], when[40];

	yuan(fen, amount);
	yuan(fee_fen(r), fee);
	svc_beijing((struct utc){ r->at_ms }, false, when);
	buf_printf(out,
		"%s\t,%s\t,%s,%s,%s,%s,\t,\t,\t,\t,*女士(138****0000),%s,%s,0.00,0.00,0.00,0.00,"
		"0.00,,0.00\t,0.00,%s\t,%s,0.00,\n",
		r->transaction_id, r->out_trade_no, r->refund ? "退款" : "交易", r->description,
		when, when, amount, amount, r->refund ? r->out_refund_no : "", fee);
	*(r->refund ? &sums->refunds : &sums->payments) += 1;
	*(r->refund ? &sums->refunded_fen : &sums->paid_fen) += r->amount_fen;
	sums->fee_fen += fee_fen(r);
}

static void begin(
	const struct svc *s, const char *title, const char *list, struct day day, struct buf *out)
{
	int y, m, d, y2, m2, d2;

	civil_date(day.days, &y, &m, &d);
	civil_date(day.days + 1, &y2, &m2, &d2);
	buf_printf(out,
		"#支付宝%s查询\n#账号：[%s0156]\n"
		"#起始日期：[%04d年%02d月%02d日 00:00:00]   "
		"终止日期：[%04d年%02d月%02d日 00:00:00]\n#%s%s%s\n",
		title, s->seller_id, y, m, d, y2, m2, d2, dashes, list, dashes);
}

static void detail(const struct svc *s, struct day day, const struct svc_bill_row *rows, size_t n,
	struct sums *sums, struct buf *out)
{
	char paid[40], refunded[40];

	begin(s, "业务明细", "业务明细列表", day, out);
	buf_printf(out, "%s\n", columns);
	for (size_t i = 0; i < n; i++)
		add_row(&rows[i], sums, out);
	yuan(sums->paid_fen, paid);
	yuan(-sums->refunded_fen, refunded);
	buf_printf(out,
		"#%s业务明细列表结束%s\n#交易合计：%lld笔，商家实收共%s元，商家优惠共0.00元\n"
		"#退款合计：%lld笔，商家实收退款共%s元，商家优惠退款共0.00元\n",
		dashes, dashes, (long long)sums->payments, paid, (long long)sums->refunds,
		refunded);
}

static void summary(const struct svc *s, struct day day, const struct sums *sums, struct buf *out)
{
	int64_t net_fen = sums->paid_fen - sums->refunded_fen;
	char net[40], fee[40], rest[40];

	yuan(net_fen, net);
	yuan(sums->fee_fen, fee);
	yuan(net_fen + sums->fee_fen, rest);
	begin(s, "业务汇总", "业务汇总列表", day, out);
	buf_printf(out,
		"%s\n合计\t,\t,%lld,%lld,%s,%s,0.00,0.00,0.00,%s,0.00,%s\n"
		"#%s业务汇总列表结束%s\n",
		summary_columns, (long long)sums->payments, (long long)sums->refunds, net, net, fee,
		rest, dashes, dashes);
}

/* ---- the file ---- */

static void to_gb18030(const struct buf *in, struct buf *out)
{
	iconv_t c = iconv_open("GB18030", "UTF-8");
	char *from = in->text, part[4096];
	size_t left = in->len;

	ASSERT(c != (iconv_t)-1);
	buf_adds(out, "");
	while (left > 0) {
		char *to = part;
		size_t room = sizeof(part), before = left;

		(void)iconv(c, &from, &left, &to, &room);
		buf_add(out, part, (size_t)(to - part));
		ASSERT(left < before);
	}
	iconv_close(c);
}

/* The name goes in as bytes of GBK, without the mark of UTF-8. */
static void put_file(zip_t *z, const char *name, const struct buf *text, struct buf *store)
{
	AUTO(buf_free) struct buf raw_name = { 0 };
	struct buf utf8_name = { .text = (char *)name, .len = strlen(name) };
	zip_source_t *source;

	to_gb18030(&utf8_name, &raw_name);
	to_gb18030(text, store);
	source = zip_source_buffer(z, store->text, store->len, 0);
	ASSERT(source && zip_file_add(z, raw_name.text, source, ZIP_FL_ENC_GUESS) >= 0);
}

static void read_back(zip_source_t *source, struct buf *out)
{
	char part[4096];
	zip_int64_t n;

	ASSERT(zip_source_open(source) == 0);
	while ((n = zip_source_read(source, part, sizeof(part))) > 0)
		buf_add(out, part, (size_t)n);
	zip_source_close(source);
}

static void pack(
	const char *prefix, const struct buf *details, const struct buf *summaries, struct buf *out)
{
	AUTO(buf_free) struct buf first = { 0 };
	AUTO(buf_free) struct buf second = { 0 };
	zip_source_t *source = zip_source_buffer_create(NULL, 0, 0, NULL);
	zip_t *z;
	char name[128];

	ASSERT(source);
	z = zip_open_from_source(source, ZIP_TRUNCATE, NULL);
	ASSERT(z);
	zip_source_keep(source);
	snprintf(name, sizeof(name), "%s_业务明细.csv", prefix);
	put_file(z, name, details, &first);
	snprintf(name, sizeof(name), "%s_业务明细(汇总).csv", prefix);
	put_file(z, name, summaries, &second);
	ASSERT(zip_close(z) == 0);
	read_back(source, out);
	zip_source_free(source);
}

static bool day_of_token(struct svc *s, const char *token, struct utc now, struct day *out)
{
	bool found = false;

	pthread_mutex_lock(&s->lock);
	for (size_t i = 0; token && token[0] && i < SVC_ALIPAY_BILLS; i++) {
		const struct svc_alipay_bill *b = &s->alipay->bills[i];

		if (str_eq(b->token, token) && now.ms <= b->until_ms) {
			*out = b->day;
			found = true;
		}
	}
	pthread_mutex_unlock(&s->lock);
	return found;
}

static void make_bill(struct svc *s, struct day day, struct buf *out)
{
	AUTO(buf_free) struct buf details = { 0 };
	AUTO(buf_free) struct buf summaries = { 0 };
	struct svc_bill_row *rows = NULL;
	size_t n = svc_bill_rows(s, SVC_ALIPAY, day, &rows);
	struct sums sums = { 0 };
	char prefix[64], date[DAY_TEXT_MAX];

	detail(s, day, rows, n, &sums, &details);
	if (svc_mode_take(s, SVC_ALIPAY, "bill_wrong_sum", NULL))
		sums.payments++;
	summary(s, day, &sums, &summaries);
	snprintf(prefix, sizeof(prefix), "%.20s0156_%s", s->seller_id, day_text(day, date));
	pack(prefix, &details, &summaries, out);
	free(rows);
}

void svc_alipay_bill_file(void *ctx, const struct http_request *req, struct http_reply *reply)
{
	AUTO(buf_free) struct buf zip = { 0 };
	struct svc *s = ctx;
	struct day day;

	if (!day_of_token(s, http_query(req, "token"), utc_now(), &day)) {
		http_answer(reply, 404, "text/plain", "expired", 7);
		return;
	}
	make_bill(s, day, &zip);
	if (svc_mode_take(s, SVC_ALIPAY, "bill_damaged", NULL))
		zip.len -= zip.len / 3;
	http_answer(reply, 200, "application/zip", zip.text, zip.len);
}
