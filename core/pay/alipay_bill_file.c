/* The lines of Alipay's bill: marks and sums in lines that begin with '#', rows by the names of
 * their columns, and a second file with the sums. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pay/alipay_inside.h"

#define COLUMNS_MAX 512 /* commas in a name count too */
#define ROWS_STEP 256

enum column {
	COL_TRADE_NO,
	COL_OUT_TRADE_NO,
	COL_TYPE,
	COL_NAME,
	COL_CREATED,
	COL_DONE,
	COL_AMOUNT,
	COL_RECEIVED,
	COL_REQUEST_NO,
	COL_FEE,
	COL__MAX,
};

/* Without what follows an opening bracket: "订单金额（元）". */
static const char *const names[COL__MAX] = {
	[COL_TRADE_NO] = "支付宝交易号",
	[COL_OUT_TRADE_NO] = "商户订单号",
	[COL_TYPE] = "业务类型",
	[COL_NAME] = "商品名称",
	[COL_CREATED] = "创建时间",
	[COL_DONE] = "完成时间",
	[COL_AMOUNT] = "订单金额",
	[COL_RECEIVED] = "商家实收",
	[COL_REQUEST_NO] = "退款批次号/请求号",
	[COL_FEE] = "服务费",
};

struct totals { /* what one side says; -1: it does not */
	int64_t payments, refunds;
	struct money paid, refunded; /* received of payments, given back by refunds */
	struct money paid_fee, refunded_fee;
};

struct reader {
	struct day day;
	bool in_list, ended;
	int place[COL__MAX];
	int columns; /* 0: no header yet */
	struct pay_bill bill;
	struct totals sum;  /* of the rows */
	struct totals said; /* by the lines at the end */
	size_t line;
};

static enum err bad(const struct reader *r, struct problem *why, const char *what)
{
	return problem_set(why, ERR_PROTOCOL, "bill", "line %zu: %s", r->line, what);
}

/* ---- cells ---- */

static char *trim(char *s)
{
	size_t n;

	s += strspn(s, " \t");
	n = strlen(s);
	while (n > 0 && strchr(" \t\r", s[n - 1]))
		s[--n] = '\0';
	return s;
}

/* Cuts a line at its commas; more cells than fit stay together in the last one. */
static int split(char *line, char *cells[static COLUMNS_MAX])
{
	int n = 0;

	for (char *s = line; s;) {
		char *comma = n + 1 < COLUMNS_MAX ? strchr(s, ',') : NULL;

		cells[n++] = s;
		if (comma)
			*comma = '\0';
		s = comma ? comma + 1 : NULL;
	}
	for (int i = 0; i < n; i++)
		cells[i] = trim(cells[i]);
	return n;
}

/* The place of a name in a header, -1 if it is not there. */
static int place_of(char *const *cells, int n, const char *name)
{
	size_t len = strlen(name);

	for (int i = 0; i < n; i++)
		if (str_starts(cells[i], name) &&
			(!cells[i][len] || str_starts(cells[i] + len, "（") ||
				cells[i][len] == '('))
			return i;
	return -1;
}

static enum err read_header(struct reader *r, char *line, struct problem *why)
{
	char *cells[COLUMNS_MAX];

	r->columns = split(line, cells);
	for (int c = 0; c < COL__MAX; c++) {
		r->place[c] = place_of(cells, r->columns, names[c]);
		if (r->place[c] < 0)
			return problem_set(why, ERR_PROTOCOL, "bill", "line %zu: no column %s",
				r->line, names[c]);
	}
	return ERR_OK;
}

/* ---- rows ---- */

/* A name with commas in it makes more cells than there are columns; what stands before it is
 * counted from the left, what stands behind it from the right. */
static const char *cell(const struct reader *r, char *const *cells, int n, enum column c)
{
	int at = r->place[c];

	return cells[at > r->place[COL_NAME] ? at + n - r->columns : at];
}

/* Of either sign; an empty cell is nothing. */
static enum err money_of(const char *text, struct money *out)
{
	*out = (struct money){ 0 };
	if (!text[0])
		return ERR_OK;
	if (money_parse(text, out) != ERR_OK || out->nano == INT64_MIN)
		return ERR_BAD_VALUE;
	return ERR_OK;
}

static struct money absolute(struct money m)
{
	return (struct money){ m.nano < 0 ? -m.nano : m.nano };
}

static enum err add_to(struct money *sum, struct money m)
{
	return money_add(*sum, m, sum);
}

static void keep(struct pay_bill *b, const struct pay_bill_row *row)
{
	if (b->n % ROWS_STEP == 0) {
		b->rows = realloc(b->rows, (b->n + ROWS_STEP) * sizeof(*b->rows));
		ASSERT(b->rows);
	}
	b->rows[b->n++] = *row;
}

static enum err count(struct reader *r, const struct pay_bill_row *row, struct money received)
{
	struct totals *t = &r->sum;
	enum err e = add_to(row->refund ? &t->refunded : &t->paid, absolute(received));

	if (e == ERR_OK)
		e = add_to(row->refund ? &t->refunded_fee : &t->paid_fee, absolute(row->fee));
	if (e == ERR_OK)
		e = add_to(&r->bill.fee, row->fee);
	*(row->refund ? &t->refunds : &t->payments) += 1;
	*(row->refund ? &r->bill.refunded_fen : &r->bill.paid_fen) += row->amount_fen;
	return e;
}

static enum err read_texts(
	const struct reader *r, char *const *cells, int n, struct pay_bill_row *row)
{
	const char *done = cell(r, cells, n, COL_DONE);

	if (!done[0])
		done = cell(r, cells, n, COL_CREATED);
	if (beijing_parse_plain(done, &row->at) != ERR_OK ||
		!str_copy(row->out_trade_no, PAY_ID_MAX, cell(r, cells, n, COL_OUT_TRADE_NO)) ||
		!str_copy(row->transaction_id, PAY_ID_MAX, cell(r, cells, n, COL_TRADE_NO)) ||
		!str_copy(row->state, sizeof(row->state), cell(r, cells, n, COL_TYPE)))
		return ERR_BAD_VALUE;
	return str_copy(row->out_refund_no, PAY_ID_MAX, cell(r, cells, n, COL_REQUEST_NO))
		       ? ERR_OK
		       : ERR_BAD_VALUE;
}

/* Refunds stand there with a minus, and some bills show fees with one too. The kind of the row
 * tells which way the money went: a fee is kept of a payment and given back with a refund. */
static enum err read_row(struct reader *r, char *line, struct problem *why)
{
	char *cells[COLUMNS_MAX];
	int n = split(line, cells);
	struct pay_bill_row row = { 0 };
	struct money amount, received, fee;

	if (n < r->columns)
		return bad(r, why, "too few cells");
	if (read_texts(r, cells, n, &row) != ERR_OK)
		return bad(r, why, "a number or time that is not understood");
	if (money_of(cell(r, cells, n, COL_AMOUNT), &amount) != ERR_OK ||
		money_of(cell(r, cells, n, COL_RECEIVED), &received) != ERR_OK ||
		money_of(cell(r, cells, n, COL_FEE), &fee) != ERR_OK ||
		amount.nano % NANO_PER_FEN != 0)
		return bad(r, why, "an amount that is not understood");
	row.refund = str_eq(row.state, "退款");
	if (!row.refund) {
		row.out_refund_no[0] = '\0';
		if (amount.nano < 0)
			return bad(r, why, "a payment below zero");
	}
	row.amount_fen = absolute(amount).nano / NANO_PER_FEN;
	row.fee = absolute(fee);
	if (row.refund)
		row.fee.nano = -row.fee.nano;
	if (count(r, &row, received) != ERR_OK)
		return bad(r, why, "sums that leave their range");
	keep(&r->bill, &row);
	return ERR_OK;
}

/* ---- lines with '#' ---- */

/* The text between two marks as a number of money or rows; false if it is not there. */
static bool between(const char *line, const char *from, const char *to, struct money *out)
{
	const char *a = strstr(line, from), *b;
	char text[40];

	a = a ? a + strlen(from) : NULL;
	b = a ? strstr(a, to) : NULL;
	if (!b || (size_t)(b - a) >= sizeof(text))
		return false;
	snprintf(text, sizeof(text), "%.*s", (int)(b - a), a);
	return money_of(text, out) == ERR_OK;
}

/* "#交易合计：6笔，商家实收共0.06元，商家优惠共0.00元" */
static void read_total(const char *line, int64_t *rows, struct money *sum)
{
	struct money n, m;

	if (!between(line, "：", "笔", &n) || !between(line, "共", "元", &m))
		return;
	*rows = n.nano / NANO_PER_YUAN;
	*sum = absolute(m);
}

/* "#起始日期：[2026年11月22日 00:00:00]   终止日期：[…]" must begin with the day. */
static bool is_of_day(const char *line, struct day day)
{
	int y, m, d;
	char text[40];

	civil_date(day.days, &y, &m, &d);
	snprintf(text, sizeof(text), "[%04d年%02d月%02d日", y, m, d);
	return !strstr(line, "年") || strstr(line, text);
}

static enum err read_mark(struct reader *r, const char *line, struct problem *why)
{
	if (strstr(line, "列表结束"))
		r->ended = true;
	else if (strstr(line, "业务明细列表"))
		r->in_list = true;
	else if (str_starts(line, "#起始日期") && !is_of_day(line, r->day))
		return bad(r, why, "the bill of another day");
	else if (str_starts(line, "#交易合计"))
		read_total(line, &r->said.payments, &r->said.paid);
	else if (str_starts(line, "#退款合计"))
		read_total(line, &r->said.refunds, &r->said.refunded);
	return ERR_OK;
}

static enum err read_line(struct reader *r, char *line, struct problem *why)
{
	line = trim(line);
	if (line[0] == '#')
		return read_mark(r, line, why);
	if (!line[0] || !r->in_list || r->ended)
		return ERR_OK;
	return r->columns ? read_row(r, line, why) : read_header(r, line, why);
}

/* ---- the other file ---- */

/* The sums are after refunds in some bills and before them in others. */
static bool fits(struct money said, struct money of_payments, struct money of_refunds)
{
	int64_t net = of_payments.nano - of_refunds.nano, have = absolute(said).nano;

	return have == of_payments.nano || have == (net < 0 ? -net : net);
}

struct summary {
	int payments, refunds, received, fee; /* places */
	int columns;
};

static void read_summary_header(char *line, struct summary *s)
{
	char *cells[COLUMNS_MAX];
	int n = split(line, cells);

	s->payments = place_of(cells, n, "交易订单总笔数");
	s->refunds = place_of(cells, n, "退款订单总笔数");
	s->received = place_of(cells, n, "商家实收");
	s->fee = place_of(cells, n, "服务费");
	if (s->payments >= 0 && s->refunds >= 0 && s->received >= 0 && s->fee >= 0)
		s->columns = n;
}

static enum err check_summary_row(
	const struct reader *r, const struct summary *s, char *line, struct problem *why)
{
	char *cells[COLUMNS_MAX];
	int64_t payments, refunds;
	struct money received, fee;
	int n = split(line, cells);

	if (n < s->columns || i64_parse(cells[s->payments], 0, INT64_MAX, &payments) != ERR_OK ||
		i64_parse(cells[s->refunds], 0, INT64_MAX, &refunds) != ERR_OK ||
		money_of(cells[s->received], &received) != ERR_OK ||
		money_of(cells[s->fee], &fee) != ERR_OK)
		return problem_set(why, ERR_PROTOCOL, "bill", "sums that are not understood");
	if (payments != r->sum.payments || refunds != r->sum.refunds ||
		!fits(received, r->sum.paid, r->sum.refunded) ||
		!fits(fee, r->sum.paid_fee, r->sum.refunded_fee))
		return problem_set(
			why, ERR_PROTOCOL, "bill", "the rows do not add up to the summary");
	return ERR_OK;
}

static enum err check_summary(const struct reader *r, char *text, struct problem *why)
{
	struct summary s = { .columns = 0 };
	char *rest = text, *line;

	while ((line = strsep(&rest, "\n"))) {
		line = trim(line);
		if (line[0] == '#' || !line[0])
			continue;
		if (!s.columns)
			read_summary_header(line, &s);
		else if (str_starts(line, "合计"))
			return check_summary_row(r, &s, line, why);
	}
	return ERR_OK; /* it says no sums */
}

/* ---- both ---- */

static enum err check_said(const struct reader *r, struct problem *why)
{
	const struct totals *said = &r->said, *sum = &r->sum;

	if ((said->payments >= 0 &&
		    (said->payments != sum->payments || said->paid.nano != sum->paid.nano)) ||
		(said->refunds >= 0 && (said->refunds != sum->refunds ||
					       said->refunded.nano != sum->refunded.nano)))
		return problem_set(
			why, ERR_PROTOCOL, "bill", "the rows do not add up to the sums below them");
	return ERR_OK;
}

static void reader_free(struct reader *r)
{
	pay_bill_free(&r->bill);
}

enum err alipay_bill_parse(
	char *detail, char *summary, struct day day, struct pay_bill *out, struct problem *why)
{
	AUTO(reader_free)
	struct reader r = { .day = day, .said = { -1, -1, { 0 }, { 0 }, { 0 }, { 0 } } };
	char *rest = detail, *line;
	enum err e = ERR_OK;

	while (e == ERR_OK && (line = strsep(&rest, "\n"))) {
		r.line++;
		e = read_line(&r, line, why);
	}
	if (e == ERR_OK && (!r.ended || !r.columns))
		e = problem_set(why, ERR_PROTOCOL, "bill", "the list has no beginning or no end");
	if (e == ERR_OK)
		e = check_said(&r, why);
	if (e == ERR_OK && summary)
		e = check_summary(&r, summary, why);
	if (e != ERR_OK)
		return e;
	*out = r.bill;
	r.bill = (struct pay_bill){ 0 };
	return ERR_OK;
}
