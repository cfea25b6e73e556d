/* The text of WeChat's bills: UTF-8 with a BOM, CRLF, a line of names, lines of cells that begin
 * with a backtick and are parted by ",`" (so that a comma may stand in a cell), a line of names of
 * sums and a line of sums. Columns differ by the age of a merchant and are found by name. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pay/wechat_inside.h"

#define CELLS_MAX 64

struct table {
	char *at; /* what has not been read */
	size_t line;
	char *heads[CELLS_MAX], *cells[CELLS_MAX];
	size_t head_n, cell_n;
};

enum kind { LINE_NAMES, LINE_CELLS, LINE_END };

static enum err broken(const struct table *t, const char *what, struct problem *why)
{
	return problem_set(why, ERR_PROTOCOL, "", "line %zu of the bill: %s", t->line, what);
}

/* The next line that is not empty; NULL at the end. */
static char *next_line(struct table *t)
{
	while (*t->at) {
		char *line = t->at;
		size_t n = strcspn(line, "\n");

		t->at += n + (line[n] == '\n');
		t->line++;
		line[n] = '\0';
		if (n > 0 && line[n - 1] == '\r')
			line[n - 1] = '\0';
		if (line[0])
			return line;
	}
	return NULL;
}

/* Cuts a line at each mark; false when there are too many parts. */
static bool cut(char *line, const char *mark, char *parts[CELLS_MAX], size_t *n)
{
	*n = 0;
	for (char *next; line; line = next) {
		if (*n == CELLS_MAX)
			return false;
		next = strstr(line, mark);
		if (next) {
			*next = '\0';
			next += strlen(mark);
		}
		parts[(*n)++] = line;
	}
	return true;
}

static enum err next(struct table *t, enum kind *kind, struct problem *why)
{
	char *line = next_line(t);
	bool ok;

	*kind = LINE_END;
	if (!line)
		return ERR_OK;
	*kind = line[0] == '`' ? LINE_CELLS : LINE_NAMES;
	ok = *kind == LINE_CELLS ? cut(line + 1, ",`", t->cells, &t->cell_n)
				 : cut(line, ",", t->heads, &t->head_n);
	if (!ok)
		return broken(t, "too many columns", why);
	if (*kind == LINE_CELLS && t->cell_n != t->head_n)
		return broken(t, "not as many cells as columns", why);
	return ERR_OK;
}

/* The cell under a name, or under its older name; NULL: there is no such column. */
static const char *cell(const struct table *t, const char *name, const char *older)
{
	for (size_t i = 0; i < t->head_n; i++)
		if (str_eq(t->heads[i], name))
			return t->cells[i];
	return older ? cell(t, older, NULL) : NULL;
}

/* Reads one line's cells into what ctx is. */
typedef enum err (*line_fn)(void *ctx, const struct table *t, struct problem *why);

static enum err read_lines(
	struct table *t, void *ctx, line_fn row, line_fn sums, struct problem *why)
{
	enum kind kind;
	enum err e = next(t, &kind, why);

	if (e == ERR_OK && kind != LINE_NAMES)
		e = broken(t, "names of columns are missing", why);
	while (e == ERR_OK && (e = next(t, &kind, why)) == ERR_OK && kind == LINE_CELLS)
		e = row(ctx, t, why);
	if (e == ERR_OK && kind != LINE_NAMES)
		e = broken(t, "the sums are missing", why);
	if (e == ERR_OK)
		e = next(t, &kind, why);
	if (e == ERR_OK && kind != LINE_CELLS)
		e = broken(t, "the sums are missing", why);
	if (e == ERR_OK)
		e = sums(ctx, t, why);
	if (e == ERR_OK)
		e = next(t, &kind, why);
	if (e == ERR_OK && kind != LINE_END)
		e = broken(t, "more follows the sums", why);
	return e;
}

static enum err read_sheet(
	const char *text, size_t n, void *ctx, line_fn row, line_fn sums, struct problem *why)
{
	AUTO(buf_free) struct buf copy = { 0 };
	struct table t = { .line = 0 };

	if (memchr(text, '\0', n))
		return problem_set(why, ERR_PROTOCOL, "", "the bill is no text");
	buf_adds(&copy, "");
	buf_add(&copy, text, n);
	t.at = copy.text + (str_starts(copy.text, "\xef\xbb\xbf") ? 3 : 0);
	return read_lines(&t, ctx, row, sums, why);
}

/* ---- cells ---- */

static enum err copy_cell(const struct table *t, const char *name, const char *older, char *dst,
	size_t size, struct problem *why)
{
	const char *v = cell(t, name, older);

	if (!v || !str_copy(dst, size, v))
		return broken(t, v ? "a cell is too long" : "a column is missing", why);
	return ERR_OK;
}

/* A number of something that need not be there: "0" stands for none. */
static enum err copy_number(
	const struct table *t, const char *name, char dst[static PAY_ID_MAX], struct problem *why)
{
	enum err e = copy_cell(t, name, NULL, dst, PAY_ID_MAX, why);

	if (e == ERR_OK && str_eq(dst, "0"))
		dst[0] = '\0';
	return e;
}

static enum err fen_cell(const struct table *t, const char *name, const char *older, int64_t *out,
	struct problem *why)
{
	const char *v = cell(t, name, older);

	if (!v || fen_parse(v, out) != ERR_OK)
		return broken(
			t, v ? "no amount in yuan and fen" : "a column of amounts is missing", why);
	return ERR_OK;
}

static enum err money_cell(
	const struct table *t, const char *name, struct money *out, struct problem *why)
{
	const char *v = cell(t, name, NULL);

	if (!v || money_parse(v, out) != ERR_OK)
		return broken(t, v ? "no amount" : "a column of amounts is missing", why);
	return ERR_OK;
}

static enum err time_cell(
	const struct table *t, const char *name, struct utc *out, struct problem *why)
{
	const char *v = cell(t, name, NULL);

	if (!v || beijing_parse_plain(v, out) != ERR_OK)
		return broken(t, v ? "no time" : "the column of times is missing", why);
	return ERR_OK;
}

static enum err count_cell(const struct table *t, const char *name, size_t n, struct problem *why)
{
	const char *v = cell(t, name, NULL);
	int64_t count;

	if (!v || i64_parse(v, 0, INT64_MAX, &count) != ERR_OK || (uint64_t)count != n)
		return broken(t, "it states another number of lines", why);
	return ERR_OK;
}

/* One more row; the array doubles. */
static void *grow(void *rows, size_t n, size_t size)
{
	if (n & (n - 1))
		return rows;
	rows = realloc(rows, (n ? 2 * n : 1) * size);
	ASSERT(rows);
	return rows;
}

/* ---- trade bill ---- */

struct trade {
	const char *mch_id;
	struct pay_bill bill;
	int64_t paid_fen, refunded_fen; /* as summed here */
	struct money fee;
};

static enum err check_trade(
	const struct trade *x, const struct table *t, const char *state, struct problem *why)
{
	const char *merchant = cell(t, "商户号", NULL), *currency = cell(t, "货币种类", NULL);

	if (merchant && !str_eq(merchant, x->mch_id))
		return broken(t, "of another merchant", why);
	if (currency && !str_eq(currency, "CNY"))
		return broken(t, "not in CNY", why);
	if (!str_eq(state, "SUCCESS") && !str_eq(state, "REFUND") && !str_eq(state, "REVOKED"))
		return broken(t, "neither a payment nor a refund", why);
	return ERR_OK;
}

static enum err read_refund_cells(
	const struct table *t, struct pay_bill_row *r, struct problem *why)
{
	enum err e = copy_number(t, "商户退款单号", r->out_refund_no, why);

	if (e == ERR_OK)
		e = copy_number(t, "微信退款单号", r->refund_id, why);
	if (e == ERR_OK)
		e = copy_cell(t, "退款状态", NULL, r->state, sizeof(r->state), why);
	if (e == ERR_OK)
		e = fen_cell(t, "申请退款金额", "退款金额", &r->amount_fen, why);
	return e;
}

static enum err read_trade(
	const struct trade *x, const struct table *t, struct pay_bill_row *out, struct problem *why)
{
	struct pay_bill_row r = { .refund = false };
	enum err e = copy_cell(t, "交易状态", NULL, r.state, sizeof(r.state), why);

	if (e == ERR_OK)
		e = check_trade(x, t, r.state, why);
	r.refund = !str_eq(r.state, "SUCCESS");
	if (e == ERR_OK)
		e = time_cell(t, "交易时间", &r.at, why);
	if (e == ERR_OK)
		e = copy_number(t, "商户订单号", r.out_trade_no, why);
	if (e == ERR_OK)
		e = copy_number(t, "微信订单号", r.transaction_id, why);
	if (e == ERR_OK)
		e = money_cell(t, "手续费", &r.fee, why);
	if (e == ERR_OK)
		e = r.refund ? read_refund_cells(t, &r, why)
			     : fen_cell(t, "订单金额", "总金额", &r.amount_fen, why);
	if (e == ERR_OK)
		*out = r;
	return e;
}

static enum err add_trade(void *ctx, const struct table *t, struct problem *why)
{
	struct trade *x = ctx;
	struct pay_bill_row r;
	int64_t *sum;
	enum err e = read_trade(x, t, &r, why);

	if (e != ERR_OK)
		return e;
	sum = r.refund ? &x->refunded_fen : &x->paid_fen;
	if (__builtin_add_overflow(*sum, r.amount_fen, sum) ||
		money_add(x->fee, r.fee, &x->fee) != ERR_OK)
		return broken(t, "more money than there is", why);
	x->bill.rows = grow(x->bill.rows, x->bill.n, sizeof(r));
	x->bill.rows[x->bill.n++] = r;
	return ERR_OK;
}

/* The sum of fees is told in whole fen, those of the lines to five decimals. */
static bool fees_agree(struct money sum, struct money stated)
{
	struct money d;

	return money_sub(sum, stated, &d) == ERR_OK && d.nano > -NANO_PER_FEN &&
	       d.nano < NANO_PER_FEN;
}

static enum err check_trade_sums(void *ctx, const struct table *t, struct problem *why)
{
	struct trade *x = ctx;
	enum err e = count_cell(t, "总交易单数", x->bill.n, why);

	if (e == ERR_OK)
		e = fen_cell(t, "订单总金额", "总交易额", &x->bill.paid_fen, why);
	if (e == ERR_OK)
		e = fen_cell(t, "申请退款总金额", "退款总金额", &x->bill.refunded_fen, why);
	if (e == ERR_OK)
		e = money_cell(t, "手续费总金额", &x->bill.fee, why);
	if (e != ERR_OK)
		return e;
	if (x->bill.paid_fen != x->paid_fen || x->bill.refunded_fen != x->refunded_fen ||
		!fees_agree(x->fee, x->bill.fee))
		return broken(t, "its sums are not those of its lines", why);
	return ERR_OK;
}

enum err wechat_trade_sheet(
	const char *mch_id, const char *text, size_t n, struct pay_bill *out, struct problem *why)
{
	struct trade x = { .mch_id = mch_id };
	enum err e = read_sheet(text, n, &x, add_trade, check_trade_sums, why);

	if (e == ERR_OK)
		*out = x.bill;
	else
		pay_bill_free(&x.bill);
	return e;
}

/* ---- fund bill ---- */

struct fund {
	struct pay_fund_bill bill;
	int64_t income_fen, expense_fen; /* as summed here */
	size_t incomes, expenses;
};

static enum err read_direction(const struct table *t, bool *income, struct problem *why)
{
	const char *v = cell(t, "收支类型", NULL);

	if (!v || (!str_eq(v, "收入") && !str_eq(v, "支出")))
		return broken(t, "neither income nor expense", why);
	*income = str_eq(v, "收入");
	return ERR_OK;
}

static enum err read_fund(const struct table *t, struct pay_fund_row *out, struct problem *why)
{
	struct pay_fund_row r = { .income = false };
	const struct {
		const char *name;
		char *dst;
		size_t size;
	} texts[] = {
		{ "微信支付业务单号", r.trade_id, sizeof(r.trade_id) },
		{ "资金流水单号", r.flow_id, sizeof(r.flow_id) },
		{ "业务名称", r.name, sizeof(r.name) },
		{ "业务类型", r.kind, sizeof(r.kind) },
		{ "业务凭证号", r.voucher, sizeof(r.voucher) },
	};
	enum err e = time_cell(t, "记账时间", &r.at, why);

	for (size_t i = 0; i < ARRAY_LEN(texts) && e == ERR_OK; i++)
		e = copy_cell(t, texts[i].name, NULL, texts[i].dst, texts[i].size, why);
	if (e == ERR_OK)
		e = read_direction(t, &r.income, why);
	if (e == ERR_OK)
		e = fen_cell(t, "收支金额(元)", "收支金额（元）", &r.amount_fen, why);
	if (e == ERR_OK)
		e = money_cell(t, cell(t, "账户结余(元)", NULL) ? "账户结余(元)" : "账户结余（元）",
			&r.balance, why);
	if (e == ERR_OK)
		*out = r;
	return e;
}

static enum err add_fund(void *ctx, const struct table *t, struct problem *why)
{
	struct fund *x = ctx;
	struct pay_fund_row r;
	int64_t *sum;
	enum err e = read_fund(t, &r, why);

	if (e != ERR_OK)
		return e;
	sum = r.income ? &x->income_fen : &x->expense_fen;
	++*(r.income ? &x->incomes : &x->expenses);
	if (__builtin_add_overflow(*sum, r.amount_fen, sum))
		return broken(t, "more money than there is", why);
	x->bill.rows = grow(x->bill.rows, x->bill.n, sizeof(r));
	x->bill.rows[x->bill.n++] = r;
	return ERR_OK;
}

static enum err check_fund_sums(void *ctx, const struct table *t, struct problem *why)
{
	struct fund *x = ctx;
	enum err e = count_cell(t, "资金流水总笔数", x->bill.n, why);

	if (e == ERR_OK)
		e = count_cell(t, "收入笔数", x->incomes, why);
	if (e == ERR_OK)
		e = fen_cell(t, "收入金额", NULL, &x->bill.income_fen, why);
	if (e == ERR_OK)
		e = count_cell(t, "支出笔数", x->expenses, why);
	if (e == ERR_OK)
		e = fen_cell(t, "支出金额", NULL, &x->bill.expense_fen, why);
	if (e != ERR_OK)
		return e;
	if (x->bill.income_fen != x->income_fen || x->bill.expense_fen != x->expense_fen)
		return broken(t, "its sums are not those of its lines", why);
	return ERR_OK;
}

enum err wechat_fund_sheet(
	const char *text, size_t n, struct pay_fund_bill *out, struct problem *why)
{
	struct fund x = { .incomes = 0 };
	enum err e = read_sheet(text, n, &x, add_fund, check_fund_sums, why);

	if (e == ERR_OK)
		*out = x.bill;
	else
		pay_fund_bill_free(&x.bill);
	return e;
}
