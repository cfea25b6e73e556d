/* Bills of the stand-in of WeChat Pay: a ticket with a hash and a link, then the file. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "base/money.h"
#include "base/rand.h"
#include "sim/svc_bill.h"
#include "sim/svc_wechat.h"
#include "web/form.h"

#define BOM "\xef\xbb\xbf"
#define LINK_MS (5 * INT64_C(60000))
#define DAYS_BACK 92
#define DAY_MS INT64_C(86400000)
#define BEIJING_MS INT64_C(28800000)

struct rows {
	struct svc_bill_row *rows;
	size_t n;
};

static void rows_free(struct rows *r)
{
	free(r->rows);
}

/* ---- what stands in it ---- */

static void fee_text(int64_t nano, char out[static MONEY_TEXT_MAX])
{
	money_text((struct money){ nano }, out);
	out[strlen(out) - 4] = '\0'; /* five of nine decimals */
}

static void trade_line(
	const struct svc *s, const struct svc_bill_row *r, const char *state, struct buf *out)
{
	char when[40], paid[32] = "0.00", back[32] = "0.00", fee[MONEY_TEXT_MAX];

	svc_beijing((struct utc){ r->at_ms }, false, when);
	svc_yuan(r->amount_fen, r->refund ? back : paid);
	fee_text(r->fee_nano, fee);
	buf_printf(out,
		"`%s,`%s,`%s,`0,`,`%s,`%s,`oSandboxPayer0000000000001,`NATIVE,`%s,`OTHERS,`CNY,"
		"`%s,`0.00,`%s,`%s,`%s,`0.00,`%s,`%s,`%s,`,`%s,`0.60%%,`%s,`%s,`\r\n",
		when, s->wechat_app_id, s->mch_id, r->transaction_id, r->out_trade_no, state, paid,
		r->refund ? r->refund_id : "0", r->refund ? r->out_refund_no : "0", back,
		r->refund ? "ORIGINAL" : "", r->refund ? r->state : "", r->description, fee, paid,
		back);
}

/* type: ALL, SUCCESS, REFUND. */
static void trade_text(
	const struct svc *s, const struct rows *rows, const char *type, struct buf *out)
{
	int64_t paid = 0, back = 0, fee = 0;
	char paid_text[32], back_text[32], fee_sum[MONEY_TEXT_MAX];
	size_t n = 0;

	buf_adds(out,
		BOM "交易时间,公众账号ID,商户号,特约商户号,设备号,微信订单号,商户订单号,用户标识,"
		    "交易类型,交易状态,付款银行,货币种类,应结订单金额,代金券金额,微信退款单号,"
		    "商户退款单号,退款金额,充值券退款金额,退款类型,退款状态,商品名称,商户数据包,"
		    "手续费,费率,订单金额,申请退款金额,费率备注\r\n");
	for (size_t i = 0; i < rows->n; i++) {
		const struct svc_bill_row *r = &rows->rows[i];
		const char *state = r->refund ? "REFUND" : "SUCCESS";

		if (!str_eq(type, "ALL") && !str_eq(type, state))
			continue;
		trade_line(s, r, state, out);
		*(r->refund ? &back : &paid) += r->amount_fen;
		fee += r->fee_nano;
		n++;
	}
	svc_yuan(paid, paid_text);
	svc_yuan(back, back_text);
	fee_text(fee, fee_sum);
	buf_printf(out,
		"总交易单数,应结订单总金额,退款总金额,充值券退款总金额,手续费总金额,订单总金额,"
		"申请退款总金额\r\n`%zu,`%s,`%s,`0.00,`%s,`%s,`%s\r\n",
		n, paid_text, back_text, fee_sum, paid_text, back_text);
}

struct flow {
	int64_t balance_fen, income_fen, expense_fen;
	size_t incomes, expenses;
};

static void flow_line(const struct svc_bill_row *r, const char *name, bool income, int64_t fen,
	struct flow *f, struct buf *out)
{
	char when[40], sum[32], balance[32];

	if (fen == 0)
		return;
	f->balance_fen += income ? fen : -fen;
	*(income ? &f->income_fen : &f->expense_fen) += fen;
	++*(income ? &f->incomes : &f->expenses);
	svc_beijing((struct utc){ r->at_ms }, false, when);
	svc_yuan(fen, sum);
	svc_yuan(f->balance_fen, balance);
	buf_printf(out, "`%s,`%s,`%s%zu,`%s,`%s,`%s,`%s,`%s,`system,`,`%s\r\n", when,
		r->refund ? r->refund_id : r->transaction_id, r->transaction_id,
		f->incomes + f->expenses, name, name, income ? "收入" : "支出", sum, balance,
		r->refund ? r->out_refund_no : r->out_trade_no);
}

static int64_t whole_fen(int64_t nano)
{
	return (llabs(nano) + NANO_PER_FEN / 2) / NANO_PER_FEN;
}

static void fund_text(const struct rows *rows, struct buf *out)
{
	struct flow f = { .balance_fen = 100000000 };
	char in[32], ex[32];

	buf_adds(out, BOM
		"记账时间,微信支付业务单号,资金流水单号,业务名称,业务类型,收支类型,收支金额(元),"
		"账户结余(元),资金变更提交申请人,备注,业务凭证号\r\n");
	for (size_t i = 0; i < rows->n; i++) {
		const struct svc_bill_row *r = &rows->rows[i];

		flow_line(r, r->refund ? "退款" : "交易", !r->refund, r->amount_fen, &f, out);
		flow_line(r, r->refund ? "退还手续费" : "扣除交易手续费", r->refund,
			whole_fen(r->fee_nano), &f, out);
	}
	svc_yuan(f.income_fen, in);
	svc_yuan(f.expense_fen, ex);
	buf_printf(out,
		"资金流水总笔数,收入笔数,收入金额,支出笔数,支出金额\r\n`%zu,`%zu,`%s,`%zu,`%s\r\n",
		f.incomes + f.expenses, f.incomes, in, f.expenses, ex);
}

/* ---- the ticket ---- */

/* A token with characters that must stay percent-encoded on the request line. */
static void new_token(char out[static 64])
{
	unsigned char noise[18];
	AUTO(buf_free) struct buf text = { 0 };

	rand_bytes(noise, sizeof(noise));
	base64_encode(noise, sizeof(noise), &text);
	snprintf(out, 64, "%s/+==", text.text);
}

/* With the lock held: files whose links are over leave. */
static json_t *files(struct svc *s, struct utc now)
{
	json_t *all = json_object_get(wx_state(s), "bills"), *f;
	const char *key;
	void *next;

	if (!all) {
		all = json_object();
		ASSERT(json_object_set_new(wx_state(s), "bills", all) == 0);
	}
	json_object_foreach_safe(all, next, key, f)
	{
		if (svc_int(f, "until_ms") < now.ms)
			json_object_del(all, key);
	}
	return all;
}

static void answer_ticket(struct svc *s, const struct http_request *req, const struct buf *text,
	struct utc now, struct wx_answer *a)
{
	AUTO(buf_free) struct buf url = { 0 };
	const char *host = http_header(req, "Host");
	char token[64], hash[SHA1_HEX];

	new_token(token);
	sha1_hex(text->text, text->len, hash);
	if (svc_mode_take(s, SVC_WECHAT, "bill_wrong_hash", NULL))
		hash[0] = hash[0] == '0' ? '1' : '0';
	if (svc_mode_take(s, SVC_WECHAT, "bill_elsewhere", NULL))
		host = "127.0.0.1:9";
	buf_printf(&url, "http://%s/sandbox/wechat/v3/billdownload/file?token=", host ? host : "");
	percent_encode(token, &url);
	buf_adds(&url, "&tartype=gzip");
	pthread_mutex_lock(&s->lock);
	json_object_set_new(files(s, now), token,
		json_pack("{s:s, s:I}", "text", text->text, "until_ms",
			(json_int_t)(now.ms + LINK_MS)));
	pthread_mutex_unlock(&s->lock);
	a->status = 200;
	a->body = json_pack("{s:s, s:s, s:s}", "hash_type", "SHA1", "hash_value", hash,
		"download_url", url.text);
}

static bool is_type(const char *type)
{
	return str_eq(type, "ALL") || str_eq(type, "SUCCESS") || str_eq(type, "REFUND");
}

/* Bills are kept for three months. */
static bool may_ask(struct svc *s, struct day day, struct utc now, struct wx_answer *a)
{
	int64_t from_ms = day.days * DAY_MS - BEIJING_MS, age_ms = now.ms - from_ms;
	bool busy = svc_mode_take(s, SVC_WECHAT, "bill_creating", NULL);

	if (age_ms < 0 || age_ms > DAYS_BACK * DAY_MS)
		wx_refuse(a, 400, "PARAM_ERROR", "账单日期错误");
	else if (busy || !svc_bill_is_made(s, day, now))
		wx_refuse(a, 400, "STATEMENT_CREATING", "账单生成中");
	else
		return true;
	return false;
}

void wx_bill(struct svc *s, const struct http_request *req, bool funds, struct utc now,
	struct wx_answer *a)
{
	AUTO(rows_free) struct rows rows = { 0 };
	AUTO(buf_free) struct buf text = { 0 };
	const char *date = http_query(req, "bill_date"), *packed = http_query(req, "tar_type");
	const char *type = http_query(req, funds ? "account_type" : "bill_type");
	struct day day;

	if (!type)
		type = funds ? "BASIC" : "ALL";
	if (!date || day_parse(date, &day) != ERR_OK || !packed || !str_eq(packed, "GZIP") ||
		(funds ? !str_eq(type, "BASIC") : !is_type(type))) {
		wx_refuse(a, 400, "PARAM_ERROR", "参数错误");
		return;
	}
	if (!may_ask(s, day, now, a))
		return;
	rows.n = svc_bill_rows(s, SVC_WECHAT, day, &rows.rows);
	if (rows.n == 0) {
		wx_refuse(a, 400, "NO_STATEMENT_EXIST", "账单不存在");
		return;
	}
	if (funds)
		fund_text(&rows, &text);
	else
		trade_text(s, &rows, type, &text);
	answer_ticket(s, req, &text, now, a);
}

/* ---- the file ---- */

static void pack(const char *text, struct buf *out)
{
	z_stream z = { .next_in = (z_const Bytef *)text, .avail_in = (uInt)strlen(text) };
	unsigned char piece[16384];
	int end;

	ASSERT(deflateInit2(&z, Z_DEFAULT_COMPRESSION, Z_DEFLATED, 16 + MAX_WBITS, 8,
		       Z_DEFAULT_STRATEGY) == Z_OK);
	do {
		z.next_out = piece;
		z.avail_out = sizeof(piece);
		end = deflate(&z, Z_FINISH);
		ASSERT(end == Z_OK || end == Z_STREAM_END);
		buf_add(out, (const char *)piece, sizeof(piece) - z.avail_out);
	} while (end != Z_STREAM_END);
	deflateEnd(&z);
}

void wx_bill_file(
	struct svc *s, const struct http_request *req, struct utc now, struct wx_answer *a)
{
	const char *token = http_query(req, "token");
	const json_t *f;

	pthread_mutex_lock(&s->lock);
	f = json_object_get(files(s, now), token ? token : "");
	if (f) {
		a->status = 200;
		pack(svc_text(f, "text"), &a->file);
	}
	pthread_mutex_unlock(&s->lock);
	if (!f)
		wx_refuse(a, 400, "INVALID_REQUEST", "下载链接已失效");
}
