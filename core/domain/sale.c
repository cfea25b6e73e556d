#include "domain/sale.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "domain/audit.h"
#include "domain/debt.h"
#include "domain/event.h"
#include "domain/notice.h"
#include "domain/order.h"
#include "domain/rechargeblock.h"
#include "domain/setting.h"

#define POSTINGS_MAX                                                                               \
	(2 * SALE_LINES_MAX + 2) /* money, service, and of each line purse and debt                \
				  */

#define F(member) FIELD(struct sale, member)
SHAPE(sale_shape, struct sale, F(id), F(shift_id), F(method), F(total_fen), F(tendered_fen),
	F(note), F(created_at), F(entry_id), F(reprints), F(site_id), F(zone));
#undef F
#define F(member) FIELD(struct sale_line, member)
SHAPE(line_shape, struct sale_line, F(account_id), F(amount_fen), F(service_fen), F(debt_fen));
#undef F

#define SALES                                                                                      \
	"SELECT s.id, s.shift_id, s.method, s.total_fen, s.tendered_fen, s.note, s.created_at,"    \
	" s.entry_id, s.reprints, e.site_id, t.zone FROM sale s JOIN entry e ON e.id ="            \
	" s.entry_id JOIN site t ON t.id = e.site_id WHERE "

static const struct query Q_ADD = { "INSERT INTO sale (shift_id, method, total_fen, tendered_fen,"
				    " note, created_at, once_key, entry_id)"
				    " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
	NULL };
static const struct query Q_LINE_ADD = {
	"INSERT INTO sale_line (sale_id, line, account_id, amount_fen, service_fen, debt_fen)"
	" VALUES (?, ?, ?, ?, ?, ?)",
	NULL
};
static const struct query Q_BY_KEY = { SALES "s.once_key = ?", &sale_shape };
static const struct query Q_GET = { SALES "? IN (0, e.site_id) AND s.id = ?", &sale_shape };
static const struct query Q_LINES = {
	"SELECT account_id, amount_fen, service_fen, debt_fen FROM sale_line WHERE sale_id = ?"
	" ORDER BY line",
	&line_shape
};
static const struct query Q_REPRINT = { "UPDATE sale SET reprints = reprints + 1 WHERE id = ?",
	NULL };

#define F(member) FIELD(struct sale_listed, member)
SHAPE(listed_shape, struct sale_listed, F(id), F(shift_id), F(method), F(total_fen), F(created_at),
	F(entry_id), F(reprints), F(zone), F(shops), F(reversed_by));
#undef F
#define SHOPS                                                                                      \
	" FROM sale_line l JOIN account a ON a.id = l.account_id"                                  \
	" JOIN contract c ON c.id = a.contract_id JOIN tenant n ON n.id = c.tenant_id"             \
	" WHERE l.sale_id = s.id"
const struct listing sale_listing = {
	.all = { "SELECT s.id, s.shift_id, s.method, s.total_fen, s.created_at, s.entry_id,"
		 " s.reprints, t.zone, (SELECT LEFT(GROUP_CONCAT(CONCAT_WS(' ', NULLIF(n.room, ''),"
		 " n.name) ORDER BY l.line SEPARATOR '; '), 512)" SHOPS ") AS shops,"
		 " COALESCE(v.reversal_id, 0) AS reversed_by FROM sale s"
		 " JOIN shift h ON h.id = s.shift_id JOIN entry e ON e.id = s.entry_id"
		 " JOIN site t ON t.id = e.site_id LEFT JOIN reversal v ON v.entry_id = s.entry_id"
		 " WHERE h.user_id = ?",
		&listed_shape },
	.sorts = { { "id", "s.id" }, { "total_fen", "s.total_fen" } },
	.order = "-id",
	.filters = { { "shift_id", FILTER_ID, "s.shift_id = ?" },
		{ "method", FILTER_WORD, "s.method = ?", "cash pos transfer" },
		{ "from", FILTER_FROM, "s.created_at >= ?" },
		{ "to", FILTER_TO, "s.created_at < ?" },
		{ "q", FILTER_TEXT,
			"EXISTS (SELECT 1" SHOPS
			" AND (LOCATE(?, n.room) OR LOCATE(?, n.name) OR LOCATE(?, n.phone)))" } },
};

struct selling {
	const struct sale_new *n;
	int64_t total_fen;
	struct utc now;
	struct problem *why;
	struct sale *out;
	/* found and worked out inside the transaction */
	struct account accounts[SALE_LINES_MAX];
	struct sale_line lines[SALE_LINES_MAX];
	struct posting p[POSTINGS_MAX];
	size_t p_n;
};

static const char *line_field(size_t i, const char *member, char buf[static 48])
{
	snprintf(buf, 48, "lines[%zu].%s", i, member);
	return buf;
}

static enum err lines_check(const struct sale_new *n, int64_t *total_fen, struct problem *why)
{
	int64_t total = 0;
	char field[48];

	if (n->n < 1 || n->n > SALE_LINES_MAX)
		return problem_set(
			why, ERR_OUT_OF_RANGE, "lines", "from 1 to %d lines", SALE_LINES_MAX);
	for (size_t i = 0; i < n->n; i++) {
		if (n->lines[i].amount_fen < 1)
			return problem_set(why, ERR_AMOUNT_SMALL,
				line_field(i, "amount_fen", field), "at least 1 fen");
		if (n->lines[i].amount_fen > SALE_LINE_MOST_FEN)
			return problem_set(why, ERR_AMOUNT_LARGE,
				line_field(i, "amount_fen", field), "at most %d fen",
				SALE_LINE_MOST_FEN);
		for (size_t k = 0; k < i; k++)
			if (n->lines[k].account_id == n->lines[i].account_id)
				return problem_set(
					why, ERR_BAD_VALUE, "lines", "an account stands twice");
		total += n->lines[i].amount_fen;
	}
	*total_fen = total;
	return ERR_OK;
}

static enum err tender_check(const struct selling *s)
{
	const struct sale_new *n = s->n;

	if (n->tendered_fen < s->total_fen)
		return problem_set(
			s->why, ERR_AMOUNT_SMALL, "tendered_fen", "less was tendered than sold");
	if (!str_eq(n->method, "cash") && n->tendered_fen != s->total_fen)
		return problem_set(s->why, ERR_BAD_VALUE, "tendered_fen",
			"only cash gives change; tender the total");
	return ERR_OK;
}

/* ---- the same request again ---- */

static bool same_lines(const struct sale_new *n, const struct rows *rows)
{
	const struct sale_line *l = rows->at;

	if (rows->n != n->n)
		return false;
	for (size_t i = 0; i < n->n; i++)
		if (l[i].account_id != n->lines[i].account_id ||
			l[i].amount_fen != n->lines[i].amount_fen)
			return false;
	return true;
}

/* ERR_NOT_FOUND: the key was not used yet. */
static enum err sold_before(struct db *db, const struct selling *s)
{
	AUTO(rows_free) struct rows lines = { 0 };
	struct sale first;
	enum err e = db_one(db, &Q_BY_KEY, ARGS(arg_text(s->n->once_key)), &first);

	if (e == ERR_OK)
		e = sale_lines(db, first.id, &lines);
	if (e != ERR_OK)
		return e;
	if (!same_lines(s->n, &lines) || !str_eq(first.method, s->n->method) ||
		first.tendered_fen != s->n->tendered_fen || !str_eq(first.note, s->n->note))
		return problem_set(s->why, ERR_IDEMPOTENCY, "Idempotency-Key",
			"this key was used for another sale");
	*s->out = first;
	return ERR_OK;
}

/* ---- what is sold to whom ---- */

/* Ascending, as whoever moves money locks them; then in the order sold. */
static enum err accounts_lock(struct db *db, struct selling *s)
{
	size_t order[SALE_LINES_MAX];
	enum err e = ERR_OK;

	for (size_t i = 0; i < s->n->n; i++) {
		size_t k = i;

		for (; k > 0 && s->n->lines[order[k - 1]].account_id > s->n->lines[i].account_id;
			k--)
			order[k] = order[k - 1];
		order[k] = i;
	}
	for (size_t k = 0; e == ERR_OK && k < s->n->n; k++) {
		const struct sale_line *l = &s->n->lines[order[k]];

		e = account_lock(db, l->account_id, &s->accounts[order[k]]);
		if (e == ERR_NOT_FOUND)
			return problem_set(s->why, e, "account_id", "there is no account %" PRId64,
				l->account_id);
	}
	return e;
}

static enum err accounts_check(struct db *db, const struct selling *s)
{
	char field[48];
	int64_t most_fen = 0;
	enum err e = setting_get(db, s->accounts[0].site_id, SETTING_ORDER_MAX_FEN, &most_fen);

	for (size_t i = 0; e == ERR_OK && i < s->n->n; i++) {
		const struct account *a = &s->accounts[i];

		if (a->closed)
			return problem_set(s->why, ERR_CONFLICT, line_field(i, "account_id", field),
				"the account is closed");
		if (a->site_id != s->accounts[0].site_id)
			return problem_set(s->why, ERR_BAD_VALUE,
				line_field(i, "account_id", field),
				"the accounts of one sale are of one site");
		if (s->n->lines[i].amount_fen > most_fen)
			return problem_set(s->why, ERR_AMOUNT_LARGE,
				line_field(i, "amount_fen", field), "at most %" PRId64 " fen",
				most_fen);
		e = recharge_block_check(db, a->id, line_field(i, "account_id", field), s->why);
		if (e == ERR_OK)
			e = balance_cap_check(db, a, s->n->lines[i].amount_fen,
				line_field(i, "amount_fen", field), s->why);
	}
	return e;
}

/* ---- the entry ---- */

static enum err money_account(struct db *db, const char *method, int64_t shift_id, int64_t *id)
{
	if (str_eq(method, "cash"))
		return shift_drawer(db, shift_id, id);
	return account_company(db, str_eq(method, "pos") ? "clearing:pos" : "bank", id);
}

static enum err add(struct selling *s, int64_t account_id, int64_t fen, bool purse)
{
	struct posting *p = &s->p[s->p_n];

	if (fen == 0 && !purse)
		return ERR_OK;
	s->p_n++;
	*p = (struct posting){ .account_id = account_id, .purse = purse };
	return money_from_fen(fen, &p->amount);
}

static enum err debt_post(struct db *db, struct selling *s, size_t i)
{
	char code[DEBT_CODE_MAX];
	int64_t id = 0;
	enum err e;

	if (!s->lines[i].debt_fen)
		return ERR_OK;
	e = account_company(db, debt_code(s->accounts[i].contract_id, code), &id);
	return e == ERR_OK ? add(s, id, s->lines[i].debt_fen, false) : e;
}

static enum err line_post(struct db *db, struct selling *s, size_t i, int64_t service_permille)
{
	struct split_terms t = { .service_permille = service_permille };
	struct sale_line *l = &s->lines[i];
	struct split part;
	enum err e = debt_terms(db, s->accounts[i].contract_id, &t);

	if (e != ERR_OK)
		return e;
	for (size_t k = 0; k < i; k++) /* what the lines before have paid off */
		if (s->accounts[k].contract_id == s->accounts[i].contract_id)
			t.debt_left_fen -= s->lines[k].debt_fen;
	part = payment_split(s->n->lines[i].amount_fen, &t);
	*l = s->n->lines[i];
	l->service_fen = part.service_fen;
	l->debt_fen = part.debt_fen;
	e = add(s, l->account_id, part.purse_fen, true);
	return e == ERR_OK ? debt_post(db, s, i) : e;
}

static enum err postings_make(struct db *db, struct selling *s, int64_t shift_id)
{
	int64_t money = 0, service = 0, permille = 0, fen = 0;
	enum err e = money_account(db, s->n->method, shift_id, &money);

	s->p_n = 0;
	if (e == ERR_OK)
		e = setting_get(
			db, s->accounts[0].site_id, SETTING_SERVICE_CHARGE_PERMILLE, &permille);
	if (e == ERR_OK)
		e = add(s, money, -s->total_fen, false);
	for (size_t i = 0; e == ERR_OK && i < s->n->n; i++) {
		e = line_post(db, s, i, permille);
		fen += s->lines[i].service_fen;
	}
	if (e == ERR_OK && fen)
		e = account_company(db, "service", &service);
	return e == ERR_OK ? add(s, service, fen, false) : e;
}

static enum err sale_post(
	struct db *db, const struct selling *s, int64_t shift_id, int64_t *entry_id)
{
	char reference[32];
	struct day day;
	enum err e = account_book_day(&s->accounts[0], s->now, &day);

	snprintf(reference, sizeof(reference), "shift:%" PRId64, shift_id);
	if (e != ERR_OK)
		return e;
	return entry_post(db,
		&(struct entry){ .kind = "sale",
			.once_key = s->n->once_key,
			.reference = reference,
			.actor = s->n->actor,
			.memo = s->n->note,
			.site_id = s->accounts[0].site_id,
			.book_day = day,
			.at = s->now },
		s->p, s->p_n, entry_id);
}

/* Levels, blocks and the tenants' notices after the money has moved, accounts in the order sold. */
static enum err sold_apply(struct db *db, const struct selling *s)
{
	enum err e = ERR_OK;

	for (size_t i = 0; e == ERR_OK && i < s->n->n; i++) {
		const struct sale_line *l = &s->lines[i];
		struct account a;

		e = account_changed(db, l->account_id, s->now);
		if (e == ERR_OK)
			e = account_get(db, l->account_id, &a);
		if (e == ERR_OK)
			e = notice_add(db, &a, "recharged",
				l->amount_fen - l->service_fen - l->debt_fen, s->now);
	}
	return e;
}

static json_t *sale_event(const struct selling *s, int64_t sale_id)
{
	json_t *lines = json_array();

	for (size_t i = 0; i < s->n->n; i++)
		json_array_append_new(lines,
			json_pack("{s:I, s:I}", "account_id", (json_int_t)s->lines[i].account_id,
				"amount_fen", (json_int_t)s->lines[i].amount_fen));
	return json_pack("{s:I, s:s, s:I, s:o}", "sale_id", (json_int_t)sale_id, "method",
		s->n->method, "total_fen", (json_int_t)s->total_fen, "lines", lines);
}

static enum err receipt_write(
	struct db *db, const struct selling *s, int64_t shift_id, int64_t entry_id)
{
	int64_t sale_id = 0;
	enum err e = db_exec(db, &Q_ADD,
		ARGS(arg_i64(shift_id), arg_text(s->n->method), arg_i64(s->total_fen),
			arg_i64(s->n->tendered_fen), arg_text(s->n->note), arg_utc(s->now),
			arg_text(s->n->once_key), arg_i64(entry_id)),
		NULL);

	if (e == ERR_OK)
		sale_id = db_insert_id(db);
	for (size_t i = 0; e == ERR_OK && i < s->n->n; i++) {
		const struct sale_line *l = &s->lines[i];

		e = db_exec(db, &Q_LINE_ADD,
			ARGS(arg_i64(sale_id), arg_i64((int64_t)i + 1), arg_i64(l->account_id),
				arg_i64(l->amount_fen), arg_i64(l->service_fen),
				arg_i64(l->debt_fen)),
			NULL);
	}
	if (e == ERR_OK)
		e = audit_add(db,
			&(struct audit){ s->n->actor, "", "sale.create", "sale", sale_id, NULL },
			sale_event(s, sale_id), s->now);
	if (e == ERR_OK)
		e = event_add(
			db, "sale.created", s->accounts[0].site_id, sale_event(s, sale_id), s->now);
	return e == ERR_OK ? db_one(db, &Q_BY_KEY, ARGS(arg_text(s->n->once_key)), s->out) : e;
}

static enum err sale_tx(struct db *db, void *ctx)
{
	struct selling *s = ctx;
	int64_t entry_id = 0;
	struct shift shift;
	enum err e = sold_before(db, s);

	if (e != ERR_NOT_FOUND)
		return e;
	e = shift_lock(db, s->n->user_id, &shift);
	if (e == ERR_OK)
		e = accounts_lock(db, s);
	if (e == ERR_OK)
		e = accounts_check(db, s);
	if (e == ERR_OK)
		e = tender_check(s);
	if (e == ERR_OK)
		e = postings_make(db, s, shift.id);
	if (e == ERR_OK)
		e = sale_post(db, s, shift.id, &entry_id);
	if (e == ERR_ALREADY) /* another request with this key was faster */
		return sold_before(db, s);
	if (e == ERR_OK)
		e = sold_apply(db, s);
	return e == ERR_OK ? receipt_write(db, s, shift.id, entry_id) : e;
}

enum err sale_create(struct db *db, const struct sale_new *n, struct utc now, struct sale *out,
	struct problem *why)
{
	struct selling s = { .n = n, .now = now, .why = why, .out = out };
	enum err e = lines_check(n, &s.total_fen, why);

	if (e != ERR_OK)
		return e;
	e = db_tx(db, sale_tx, &s);
	if (e == ERR_OK)
		log_info("sale=%" PRId64 " method=%s total_fen=%" PRId64, out->id, n->method,
			s.total_fen);
	return e;
}

enum err sale_lines(struct db *db, int64_t sale_id, struct rows *out)
{
	return db_list(db, &Q_LINES, ARGS(arg_i64(sale_id)), out);
}

struct reprinting {
	int64_t site_id, id;
	const char *actor, *address;
	struct utc now;
	struct sale *out;
};

static enum err reprint_tx(struct db *db, void *ctx)
{
	const struct reprinting *r = ctx;
	enum err e = db_one(db, &Q_GET, ARGS(arg_i64(r->site_id), arg_i64(r->id)), r->out);

	if (e == ERR_OK)
		e = db_exec(db, &Q_REPRINT, ARGS(arg_i64(r->id)), NULL);
	if (e == ERR_OK)
		e = db_one(db, &Q_GET, ARGS(arg_i64(r->site_id), arg_i64(r->id)), r->out);
	return e == ERR_OK ? audit_add(db,
				     &(struct audit){ r->actor, r->address, "sale.reprint", "sale",
					     r->id, NULL },
				     NULL, r->now)
			   : e;
}

enum err sale_reprint(struct db *db, int64_t site_id, int64_t id, const char *actor,
	const char *address, struct utc now, struct sale *out)
{
	return db_tx(db, reprint_tx, &(struct reprinting){ site_id, id, actor, address, now, out });
}
