#include "domain/adjust.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/log.h"
#include "domain/account.h"
#include "domain/audit.h"
#include "domain/debt.h"
#include "domain/ledger.h"
#include "domain/refund.h"
#include "domain/setting.h"

/* clang-format off */
const struct adjust_kind adjust_kinds[] = {
	{ "subsidy",     "subsidy",   ADJUST_SIGNED,   false, "spent first, never refunded" },
	{ "write_off",   "write_off", ADJUST_SIGNED,   true,  "what will never be paid" },
	{ "correction",  "",          ADJUST_SIGNED,   true,  "of what was charged, against that income" },
	{ "opening",     "opening",   ADJUST_SIGNED,   false, "carried in from elsewhere" },
	{ "debt",        "",          ADJUST_SIGNED,   true,  "arrears become agreed debt; negative: paid off from the purse" },
	{ "deposit_in",  "",          ADJUST_POSITIVE, false, "bank to deposit" },
	{ "deposit_out", "",          ADJUST_POSITIVE, true,  "deposit to purse" },
	{ "transfer",    "",          ADJUST_POSITIVE, true,  "to another purse of the contract" },
};
const size_t adjust_kinds_n = ARRAY_LEN(adjust_kinds);
/* clang-format on */

static const struct query Q_PURSES = {
	"SELECT id FROM account WHERE contract_id = ? AND kind = 'purse' ORDER BY id", &id_shape
};

struct adjusting {
	const struct adjust_new *n;
	const struct adjust_kind *kind;
	bool approved;
	struct utc now;
	struct problem *why;
	struct account account;
	struct posting p[2];
	char reference[32];
	char memo[801];
	struct booked out;
};

static const struct adjust_kind *kind_find(const char *name)
{
	for (size_t i = 0; i < adjust_kinds_n; i++)
		if (str_eq(adjust_kinds[i].name, name))
			return &adjust_kinds[i];
	return NULL;
}

static enum err input_check(struct adjusting *j)
{
	int64_t fen = j->n->amount_fen;

	j->kind = kind_find(j->n->kind);
	if (!j->kind)
		return problem_set(
			j->why, ERR_BAD_VALUE, "kind", "there is no adjustment of this kind");
	if (fen == 0 || (fen < 0 && j->kind->sign == ADJUST_POSITIVE))
		return problem_set(j->why, ERR_AMOUNT_SMALL, "amount_fen",
			fen ? "this kind goes one way only: more than 0" : "not 0");
	if (fen > ADJUST_MAX_FEN || fen < -ADJUST_MAX_FEN)
		return problem_set(j->why, ERR_AMOUNT_LARGE, "amount_fen",
			"at most %" PRId64 " fen", ADJUST_MAX_FEN);
	if (str_eq(j->kind->name, "transfer") != (j->n->to_account_id != 0))
		return problem_set(j->why, j->n->to_account_id ? ERR_BAD_VALUE : ERR_MISSING_FIELD,
			"to_account_id", "a transfer names the other purse, and nothing else does");
	return ERR_OK;
}

/* ---- what it is between ---- */

static const char *deposit_code(int64_t contract_id, char buf[static DEBT_CODE_MAX])
{
	snprintf(buf, DEBT_CODE_MAX, "deposit:%" PRId64, contract_id);
	return buf;
}

/* The income that a purse of this purpose is charged for. */
static const char *income_of(const struct account *a)
{
	if (str_eq(a->purpose, "fee"))
		return "property_fee";
	return str_eq(a->purpose, "water") ? "water" : "energy";
}

static enum err other_purse(struct db *db, struct adjusting *j)
{
	struct account to;
	enum err e = account_get(db, j->n->to_account_id, &to);

	if (e == ERR_NOT_FOUND || (e == ERR_OK && (to.contract_id != j->account.contract_id ||
							  to.id == j->account.id)))
		return problem_set(j->why, ERR_BAD_VALUE, "to_account_id",
			"this is not another purse of the same contract");
	j->p[1].account_id = j->n->to_account_id;
	j->p[1].purse = true;
	return e;
}

/* p[0] gives, p[1] gets a positive amount. */
static enum err sides(struct db *db, struct adjusting *j)
{
	int64_t contract = j->account.contract_id;
	const char *kind = j->kind->name;
	char code[DEBT_CODE_MAX];

	j->p[1].account_id = j->account.id;
	j->p[1].purse = true;
	if (j->kind->other[0])
		return account_company(db, j->kind->other, &j->p[0].account_id);
	if (str_eq(kind, "correction"))
		return account_company(db, income_of(&j->account), &j->p[0].account_id);
	if (str_eq(kind, "debt"))
		return account_company(db, debt_code(contract, code), &j->p[0].account_id);
	if (str_eq(kind, "deposit_out"))
		return account_company(db, deposit_code(contract, code), &j->p[0].account_id);
	if (str_eq(kind, "deposit_in")) {
		enum err e = account_company(db, "bank", &j->p[0].account_id);

		j->p[1].purse = false;
		return e == ERR_OK ? account_company(
					     db, deposit_code(contract, code), &j->p[1].account_id)
				   : e;
	}
	j->p[0].account_id = j->account.id;
	j->p[0].purse = true;
	return other_purse(db, j);
}

static enum err work_out(struct db *db, struct adjusting *j)
{
	enum err e = account_get(db, j->n->account_id, &j->account);

	if (e == ERR_OK && j->n->site_id && j->account.site_id != j->n->site_id)
		e = ERR_NOT_FOUND;
	if (e == ERR_NOT_FOUND)
		return problem_set(j->why, e, "id", "there is no such account");
	if (e != ERR_OK)
		return e;
	j->p[0] = j->p[1] = (struct posting){ 0 };
	snprintf(j->reference, sizeof(j->reference), "account:%" PRId64, j->account.id);
	snprintf(j->memo, sizeof(j->memo), "%s: %s", j->n->document, j->n->reason);
	e = sides(db, j);
	if (e == ERR_OK)
		e = money_from_fen(-j->n->amount_fen, &j->p[0].amount);
	return e == ERR_OK ? money_from_fen(j->n->amount_fen, &j->p[1].amount) : e;
}

/* ---- may it be ---- */

/* ERR_NOT_FOUND: the key was not used yet. */
static enum err adjusted_before(struct db *db, struct adjusting *j)
{
	AUTO(rows_free) struct rows rows = { 0 };
	const struct ledger_posting *p;
	struct ledger_entry first;
	enum err e = ledger_find(db, j->n->once_key, &first);

	if (e == ERR_OK)
		e = ledger_postings(db, first.id, &rows);
	if (e != ERR_OK)
		return e;
	p = rows.at;
	if (!str_eq(first.kind, j->kind->name) || !str_eq(first.reference, j->reference) ||
		!str_eq(first.memo, j->memo) || rows.n != 2 ||
		p[0].account_id != j->p[0].account_id || p[1].account_id != j->p[1].account_id ||
		p[1].amount.nano != j->p[1].amount.nano)
		return problem_set(j->why, ERR_IDEMPOTENCY, "Idempotency-Key",
			"this key was used for another request");
	j->out.entry_id = first.id;
	return ERR_OK;
}

static enum err needs_second(struct db *db, const struct adjusting *j, bool *out)
{
	int64_t limit = 0, fen = j->n->amount_fen;
	enum err e = setting_get(db, j->account.site_id, SETTING_ADJUSTMENT_LIMIT_FEN, &limit);

	if (e == ERR_OK)
		*out = !j->approved && (fen < 0 ? -fen : fen) > limit;
	return e;
}

/* All purses of the contract, ascending: deposit and debt are the contract's, so whoever takes from
 * them follows the other. The account is read anew. */
static enum err purses_lock(struct db *db, struct adjusting *j)
{
	AUTO(rows_free) struct rows purses = { 0 };
	int64_t own = j->account.id;
	enum err e = db_list(db, &Q_PURSES, ARGS(arg_i64(j->account.contract_id)), &purses);
	const struct id_row *p = purses.at;

	for (size_t i = 0; e == ERR_OK && i < purses.n; i++) {
		struct account a;

		e = account_lock(db, p[i].id, &a);
		if (e == ERR_OK && a.id == own)
			j->account = a;
	}
	return e;
}

static int64_t fen_up(int64_t nano)
{
	return nano <= 0 ? 0 : nano / NANO_PER_FEN + (nano % NANO_PER_FEN > 0);
}

/* How much there is to take, in fen; for kinds that take from something that ends. */
static enum err most(struct db *db, const struct adjusting *j, int64_t *out)
{
	const char *kind = j->kind->name;
	bool down = j->n->amount_fen < 0;
	char code[DEBT_CODE_MAX];
	struct money held;
	struct debt debt;
	enum err e = ERR_OK;

	*out = ADJUST_MAX_FEN;
	if (str_eq(kind, "transfer"))
		*out = refundable_fen(&j->account);
	if (str_eq(kind, "subsidy") && down)
		*out = j->account.subsidy.nano / NANO_PER_FEN;
	if (str_eq(kind, "debt") && !down)
		*out = fen_up(-j->account.balance.nano);
	if (str_eq(kind, "debt") && down) {
		e = debt_get(db, 0, j->account.contract_id, &debt);
		if (e == ERR_OK)
			*out = fen_up(debt.owed.nano);
	}
	if (str_eq(kind, "deposit_out")) {
		e = ledger_sum(db, deposit_code(j->account.contract_id, code), &held);
		if (e == ERR_OK)
			*out = held.nano / NANO_PER_FEN;
	}
	return e;
}

static enum err limits_check(struct db *db, const struct adjusting *j)
{
	int64_t fen = j->n->amount_fen < 0 ? -j->n->amount_fen : j->n->amount_fen, limit = 0;
	enum err e;

	if (j->account.closed && !j->kind->closed)
		return problem_set(j->why, ERR_CONFLICT, "id", "the account is closed");
	e = most(db, j, &limit);
	if (e == ERR_OK && fen > limit)
		return problem_set(j->why, ERR_AMOUNT_LARGE, "amount_fen",
			"%" PRId64 " fen are there for this", limit);
	return e;
}

/* ---- doing it ---- */

static enum err ask(struct db *db, struct adjusting *j)
{
	const struct adjust_new *n = j->n;
	AUTO(json_free)
	json_t *params = json_pack("{s:I, s:I, s:s, s:I, s:s, s:s}", "account_id",
		(json_int_t)n->account_id, "to_account_id", (json_int_t)n->to_account_id, "kind",
		n->kind, "amount_fen", (json_int_t)n->amount_fen, "document", n->document, "reason",
		n->reason);

	return approval_ask(db,
		&(struct approval_new){ .kind = "adjustment",
			.site_id = j->account.site_id,
			.object = j->reference,
			.params = params,
			.reason = n->reason,
			.user_id = n->user_id,
			.once_key = n->once_key },
		j->now, &j->out.approval_id, j->why);
}

static enum err follow(struct db *db, const struct adjusting *j)
{
	struct audit audit = { j->n->actor, j->n->address, "adjustment.create", j->reference, 0,
		NULL };
	enum err e = ERR_OK;

	for (size_t i = 0; e == ERR_OK && i < 2; i++)
		if (j->p[i].purse)
			e = account_changed(db, j->p[i].account_id, j->now);
	return e == ERR_OK ? audit_add(db, &audit,
				     json_pack("{s:s, s:I}", "kind", j->kind->name, "entry",
					     (json_int_t)j->out.entry_id),
				     j->now)
			   : e;
}

static enum err post(struct db *db, struct adjusting *j)
{
	struct day day;
	enum err e = account_book_day(&j->account, j->now, &day);

	if (e != ERR_OK)
		return e;
	e = entry_post(db,
		&(struct entry){ .kind = j->kind->name,
			.once_key = j->n->once_key,
			.reference = j->reference,
			.actor = j->n->actor,
			.memo = j->memo,
			.site_id = j->account.site_id,
			.book_day = day,
			.at = j->now },
		j->p, 2, &j->out.entry_id);
	if (e == ERR_ALREADY) /* another request with this key was faster */
		return adjusted_before(db, j);
	return e == ERR_OK ? follow(db, j) : e;
}

static enum err adjust_tx(struct db *db, void *ctx)
{
	struct adjusting *j = ctx;
	bool second = false;
	enum err e = work_out(db, j);

	j->out = (struct booked){ 0 };
	if (e != ERR_OK)
		return e;
	e = adjusted_before(db, j);
	if (e != ERR_NOT_FOUND)
		return e;
	e = purses_lock(db, j);
	if (e == ERR_OK)
		e = limits_check(db, j);
	if (e == ERR_OK)
		e = needs_second(db, j, &second);
	if (e != ERR_OK)
		return e;
	return second ? ask(db, j) : post(db, j);
}

enum err adjust_create(struct db *db, const struct adjust_new *n, struct utc now,
	struct booked *out, struct problem *why)
{
	struct adjusting j = { .n = n, .now = now, .why = why };
	enum err e = input_check(&j);

	if (e == ERR_OK)
		e = db_tx(db, adjust_tx, &j);
	if (e != ERR_OK)
		return e;
	log_info("adjustment=%s account=%" PRId64 " amount_fen=%" PRId64 " entry=%" PRId64
		 " approval=%" PRId64,
		n->kind, n->account_id, n->amount_fen, j.out.entry_id, j.out.approval_id);
	*out = j.out;
	return ERR_OK;
}

enum err adjust_approved(struct db *db, const struct approval *a, const json_t *params,
	const char *actor, struct utc now, struct problem *why)
{
	char once[32], asker[32];
	struct adjust_new n = { .account_id =
					json_integer_value(json_object_get(params, "account_id")),
		.to_account_id = json_integer_value(json_object_get(params, "to_account_id")),
		.site_id = a->site_id,
		.user_id = a->asked_by,
		.actor = asker,
		.address = "",
		.kind = json_string_value(json_object_get(params, "kind")),
		.amount_fen = json_integer_value(json_object_get(params, "amount_fen")),
		.document = json_string_value(json_object_get(params, "document")),
		.reason = a->reason,
		.once_key = once };
	struct adjusting j = { .n = &n, .approved = true, .now = now, .why = why };
	enum err e;

	(void)actor; /* stands in the approval */
	snprintf(once, sizeof(once), "approval:%" PRId64, a->id);
	snprintf(asker, sizeof(asker), "user:%" PRId64, a->asked_by);
	e = input_check(&j);
	return e == ERR_OK ? adjust_tx(db, &j) : e;
}
