#include "domain/ledger.h"

#include "domain/scope.h"

#define F(member) FIELD(struct ledger_entry, member)
SHAPE(entry_shape, struct ledger_entry, F(id), F(site_id), F(kind), F(reference), F(actor),
	F(book_day), F(created_at), F(memo), F(amount), F(reversed_by), F(reverses), F(account_id),
	F(tenant_id), F(tenant_code), F(tenant_name), F(room));
#undef F
#define COLUMNS                                                                                    \
	"SELECT e.id, e.site_id, e.kind, e.reference, e.actor, e.book_day, e.created_at, e.memo,"  \
	" (SELECT CAST(COALESCE(SUM(GREATEST(0, g.amount_nano)), 0) AS SIGNED) FROM posting g"     \
	" WHERE g.entry_id = e.id) AS amount, COALESCE(r.reversal_id, 0) AS reversed_by,"          \
	" COALESCE(v.entry_id, 0) AS reverses, COALESCE(k.id, 0) AS account_id,"                   \
	" COALESCE(t.id, 0) AS tenant_id, COALESCE(t.code, '') AS tenant_code,"                    \
	" COALESCE(t.name, '') AS tenant_name, COALESCE(t.room, '') AS room"
#define BESIDE                                                                                     \
	" LEFT JOIN reversal r ON r.entry_id = e.id LEFT JOIN reversal v ON v.reversal_id = e.id"  \
	" LEFT JOIN account k ON k.id = (SELECT MIN(n.account_id) FROM posting n JOIN account w"   \
	" ON w.id = n.account_id WHERE n.entry_id = e.id AND w.contract_id IS NOT NULL)"           \
	" LEFT JOIN contract c ON c.id = k.contract_id LEFT JOIN tenant t ON t.id = c.tenant_id"
static const struct query Q_GET = {
	COLUMNS " FROM entry e" BESIDE " WHERE ? IN (0, e.site_id) AND e.id = ?", &entry_shape
};
static const struct query Q_FIND = { COLUMNS " FROM entry e" BESIDE " WHERE e.once_key = ?",
	&entry_shape };
const struct listing ledger_listing = {
	.all = { COLUMNS " FROM entry e" BESIDE
			 " WHERE ? IN (0, e.site_id, " SEEN_ENTRY("e.id") ")",
		&entry_shape },
	.sorts = { { "id", "e.id" }, { "book_day", "e.book_day" } },
	.order = "-id",
	.filters = { { "account_id", FILTER_ID,
			     "e.id IN (SELECT w.entry_id FROM posting w WHERE w.account_id = ?)" },
		{ "kind", FILTER_TEXT, "e.kind = ?" }, { "actor", FILTER_TEXT, "e.actor = ?" },
		{ "reference", FILTER_TEXT, "e.reference = ?" },
		{ "from", FILTER_DAY, "e.book_day >= ?" }, { "to", FILTER_DAY, "e.book_day <= ?" },
		{ "site_id", FILTER_ID, "e.site_id = ?" } },
};

#define F(member) FIELD(struct ledger_posting, member)
SHAPE(posting_shape, struct ledger_posting, F(account_id), F(code), F(kind), F(amount));
#undef F
static const struct query Q_POSTINGS = {
	"SELECT p.account_id, a.code, a.kind, p.amount_nano AS amount FROM posting p"
	" JOIN account a ON a.id = p.account_id WHERE p.entry_id = ? ORDER BY p.line",
	&posting_shape
};

struct sum_row {
	struct money sum;
};
SHAPE(sum_shape, struct sum_row, FIELD(struct sum_row, sum));
static const struct query Q_SUM = {
	"SELECT CAST(COALESCE(SUM(p.amount_nano), 0) AS SIGNED) AS sum FROM account a"
	" JOIN posting p ON p.account_id = a.id WHERE a.code = ?",
	&sum_shape
};

enum err ledger_get(struct db *db, int64_t site_id, int64_t id, struct ledger_entry *out)
{
	return db_one(db, &Q_GET, ARGS(arg_i64(site_id), arg_i64(id)), out);
}

enum err ledger_find(struct db *db, const char *once_key, struct ledger_entry *out)
{
	return db_one(db, &Q_FIND, ARGS(arg_text(once_key)), out);
}

enum err ledger_postings(struct db *db, int64_t entry_id, struct rows *out)
{
	return db_list(db, &Q_POSTINGS, ARGS(arg_i64(entry_id)), out);
}

enum err ledger_sum(struct db *db, const char *code, struct money *out)
{
	struct sum_row row;
	enum err e = db_one(db, &Q_SUM, ARGS(arg_text(code)), &row);

	if (e == ERR_OK)
		*out = row.sum;
	return e;
}
