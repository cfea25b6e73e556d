/* yufu verify: recomputes balances and charges from first records. On purpose it shares nothing
 * with the code that posts and charges: only SQL over the tables, sums in DECIMAL. */
#include <stdio.h>
#include <stdlib.h>

#include "ctl/cmds.h"
#include "ctl/verify.h"

struct finding {
	char object[160];
	char have[48];
	char want[160];
};
SHAPE(finding_shape, struct finding, FIELD(struct finding, object), FIELD(struct finding, have),
	FIELD(struct finding, want));

/* The list of checks; each query names the rows that do not tie. */
static const struct {
	const char *name;
	struct query query;
} checks[] = {
	{ "entry_sums_to_zero",
		{ "SELECT CONCAT('entry:', e.id) AS object, CAST(COALESCE(SUM(p.amount_nano), 0) "
		  "AS CHAR)"
		  " AS have, '0' AS want FROM entry e LEFT JOIN posting p ON p.entry_id = e.id"
		  " GROUP BY e.id HAVING COALESCE(SUM(p.amount_nano), 0) <> 0 OR COUNT(p.line) < 2",
			&finding_shape } },
	{ "balance_is_postings_minus_open_charges",
		{ "SELECT CONCAT('account:', a.id) AS object, CAST(a.balance_nano AS CHAR) AS have,"
		  " CAST(COALESCE(p.total, 0) - COALESCE(u.total, 0) AS CHAR) AS want FROM account "
		  "a"
		  " LEFT JOIN (SELECT account_id, SUM(amount_nano) AS total FROM posting"
		  "  GROUP BY account_id) p ON p.account_id = a.id"
		  " LEFT JOIN (SELECT account_id, SUM(charge_nano) AS total FROM usage_day"
		  "  WHERE sealed = 0 GROUP BY account_id) u ON u.account_id = a.id"
		  " WHERE a.kind = 'purse'"
		  " AND a.balance_nano <> COALESCE(p.total, 0) - COALESCE(u.total, 0)",
			&finding_shape } },
	{ "charge_is_quantity_times_price",
		{ "SELECT CONCAT('usage_day:', meter_id, ':', day, ':', rate, ':', tier) AS object,"
		  " CAST(charge_nano AS CHAR) AS have, CAST(CAST(qty_milli AS DECIMAL(38)) * "
		  "price_micro"
		  " AS CHAR) AS want FROM usage_day WHERE (account_id <> 0 OR tariff_id <> 0)"
		  " AND charge_nano <> CAST(qty_milli AS DECIMAL(38)) * price_micro",
			&finding_shape } },
	{ "usage_is_register_growth",
		{ "SELECT CONCAT('meter:', s.meter_id) AS object, CAST(u.total AS CHAR) AS have,"
		  " CAST(s.total AS CHAR) AS want FROM (SELECT meter_id, SUM(to_milli - from_milli)"
		  "  AS total FROM settlement GROUP BY meter_id) s"
		  " LEFT JOIN (SELECT meter_id, SUM(qty_milli) AS total FROM usage_day"
		  "  GROUP BY meter_id) u ON u.meter_id = s.meter_id"
		  " WHERE COALESCE(u.total, 0) <> s.total",
			&finding_shape } },
	{ "settled_is_last_evidence", { "SELECT CONCAT('meter:', d.meter_id) AS object, "
					"CAST(d.register_milli AS CHAR) AS have,"
					" CAST(MAX(s.to_milli) AS CHAR) AS want FROM settled d"
					" JOIN settlement s ON s.meter_id = d.meter_id"
					" GROUP BY d.meter_id, d.register_milli HAVING "
					"d.register_milli <> MAX(s.to_milli)",
					      &finding_shape } },
	{ "paid_order_has_its_entry",
		{ "SELECT CONCAT('order:', o.id) AS object, COALESCE(CAST(SUM(p.amount_nano) AS "
		  "CHAR), '')"
		  " AS have, CAST(o.amount_fen * 10000000 AS CHAR) AS want FROM pay_order o"
		  " LEFT JOIN posting p ON p.entry_id = o.entry_id AND p.account_id = o.account_id"
		  " WHERE o.state = 'paid' GROUP BY o.id, o.amount_fen"
		  " HAVING COALESCE(SUM(p.amount_nano), 0) <> o.amount_fen * 10000000",
			&finding_shape } },
	{ "recharge_entry_has_its_order",
		{ "SELECT CONCAT('entry:', e.id) AS object, e.reference AS have, 'a paid order' AS "
		  "want"
		  " FROM entry e LEFT JOIN pay_order o ON o.entry_id = e.id AND o.state = 'paid'"
		  " WHERE e.kind = 'recharge' AND o.id IS NULL",
			&finding_shape } },
	/* Sealing, day of use and purse by purse: what was frozen is what was posted. */
	{ "sealed_use_is_posted",
		{ "SELECT u.once_key AS object, COALESCE(CAST(-p.amount_nano AS CHAR), 'no"
		  " entry') AS have, CAST(u.total AS CHAR) AS want FROM (SELECT d.account_id,"
		  "  d.book_day, CONCAT('day:', d.day, ':account:', d.account_id, ':meter:',"
		  "  d.meter_id, IF(d.book_day > d.day, CONCAT(':late:', d.book_day), '')) AS"
		  "  once_key, SUM(d.charge_nano) AS total FROM usage_day d WHERE d.sealed = 1"
		  "  AND d.account_id <> 0 GROUP BY d.account_id, d.meter_id, d.day, d.book_day) u"
		  " LEFT JOIN entry e ON e.once_key = u.once_key AND e.book_day = u.book_day"
		  " LEFT JOIN posting p ON p.entry_id = e.id AND p.account_id = u.account_id"
		  " WHERE p.amount_nano IS NULL OR -p.amount_nano <> u.total",
			&finding_shape } },
	{ "day_entry_has_its_sealed_use",
		{ "SELECT CONCAT('entry:', e.id) AS object, 'no sealed use' AS have, e.once_key AS"
		  " want FROM entry e LEFT JOIN (SELECT CONCAT('day:', d.day, ':account:',"
		  "  d.account_id, ':meter:', d.meter_id, IF(d.book_day > d.day, CONCAT(':late:',"
		  "  d.book_day), '')) AS once_key FROM usage_day d WHERE d.sealed = 1"
		  "  GROUP BY d.account_id, d.meter_id, d.day, d.book_day) u"
		  " ON u.once_key = e.once_key WHERE (e.kind IN ('energy', 'water', 'late_charge') "
		  "OR"
		  " e.once_key LIKE 'day:%') AND u.once_key IS NULL",
			&finding_shape } },
	{ "sealed_day_has_no_open_charge",
		{ "SELECT CONCAT('usage_day:', u.meter_id, ':', u.day, ':', u.book_day) AS object,"
		  " 'open' AS have, 'sealed' AS want FROM usage_day u JOIN meter m ON m.id ="
		  " u.meter_id JOIN supply_point p ON p.id = m.supply_point_id JOIN (SELECT "
		  "site_id,"
		  "  MAX(day) AS day FROM book_day WHERE sealed_at > 0 GROUP BY site_id) b"
		  " ON b.site_id = p.site_id AND b.day >= u.book_day WHERE u.sealed = 0",
			&finding_shape } },
	{ "frozen_use_is_of_a_closed_day",
		{ "SELECT CONCAT('usage_day:', u.meter_id, ':', u.day, ':', u.book_day) AS object,"
		  " 'sealed' AS have, 'open' AS want FROM usage_day u JOIN meter m ON m.id ="
		  " u.meter_id JOIN supply_point p ON p.id = m.supply_point_id LEFT JOIN book_day b"
		  " ON b.site_id = p.site_id AND b.day = u.book_day WHERE u.sealed = 1 AND b.day IS"
		  " NULL",
			&finding_shape } },
};

void finding_add(
	json_t *findings, const char *check, const char *object, const char *have, const char *want)
{
	json_array_append_new(findings, json_pack("{s:s, s:s, s:s, s:s}", "check", check, "object",
						object, "have", have, "want", want));
}

static enum err check_run(struct db *db, const char *name, const struct query *q, json_t *out)
{
	AUTO(rows_free) struct rows rows = { 0 };
	enum err e = db_list(db, q, NO_ARGS, &rows);
	const struct finding *f = rows.at;

	for (size_t i = 0; e == ERR_OK && i < rows.n; i++)
		finding_add(out, name, f[i].object, f[i].have, f[i].want);
	return e;
}

/* All checks see one moment of the database. */
static enum err verify_tx(struct db *db, void *ctx)
{
	json_t *findings = ctx;
	enum err e = ERR_OK;

	json_array_clear(findings);
	for (size_t i = 0; e == ERR_OK && i < ARRAY_LEN(checks); i++)
		e = check_run(db, checks[i].name, &checks[i].query, findings);
	return e == ERR_OK ? verify_chain(db, findings) : e;
}

static const struct query Q_ONE_MOMENT = {
	"SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ", NULL
};

enum err verify_run(struct db *db, json_t *findings)
{
	enum err e = db_exec(db, &Q_ONE_MOMENT, NO_ARGS, NULL);

	return e == ERR_OK ? db_tx(db, verify_tx, findings) : e;
}

int cmd_verify(struct conf *conf, struct db *db, int argc, char **argv)
{
	AUTO(json_free) json_t *findings = json_array();
	char *text;
	enum err e;

	(void)conf;
	(void)argv;
	if (argc != 1) {
		fprintf(stderr, "usage: yufu verify\n");
		return 2;
	}
	e = verify_run(db, findings);
	if (e != ERR_OK) {
		fprintf(stderr, "yufu verify: %s\n", err_text(e));
		return 2;
	}
	text = json_text(findings);
	puts(text);
	free(text);
	return json_array_size(findings) > 0;
}
