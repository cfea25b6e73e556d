/* The hash chain of the sealed book days, recomputed: the server writes the canonical text of every
 * entry and posting, here it is only hashed. One day is held in memory at a time. */
#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "ctl/verify.h"

#define HEX (2 * SHA256_DIGEST_LENGTH)

struct sealed_row {
	int64_t site_id;
	char day[16];
	int64_t entries;
	char sha256[HEX + 1];
	char prev_sha256[HEX + 1];
	int64_t follows; /* the row before is the day before of the same site */
	char before[HEX + 1];
};
#define F(member) FIELD(struct sealed_row, member)
SHAPE(sealed_shape, struct sealed_row, F(site_id), F(day), F(entries), F(sha256), F(prev_sha256),
	F(follows), F(before));
#undef F
static const struct query Q_SEALED = {
	"SELECT b.site_id, b.day, b.entries, b.sha256, b.prev_sha256,"
	" IF(y.day IS NOT NULL OR NOT EXISTS (SELECT 1 FROM book_day x WHERE x.site_id ="
	" b.site_id AND x.day < b.day), 1, 0) AS follows,"
	" COALESCE(y.sha256, REPEAT('0', 64)) AS `before` FROM book_day b"
	" LEFT JOIN book_day y ON y.site_id = b.site_id AND y.day = b.day - INTERVAL 1 DAY"
	" WHERE b.sealed_at > 0 ORDER BY b.site_id, b.day",
	&sealed_shape
};

struct text_row {
	int64_t is_entry;
	char text[2000];
};
SHAPE(text_shape, struct text_row, FIELD(struct text_row, is_entry), FIELD(struct text_row, text));
static const struct query Q_TEXT = {
	"SELECT t.line = -1 AS is_entry, t.text FROM ("
	"SELECT e.id, -1 AS line, CONCAT('entry ', e.id, ' ', OCTET_LENGTH(e.kind), ':', e.kind,"
	" ' ', OCTET_LENGTH(e.once_key), ':', e.once_key,"
	" ' ', OCTET_LENGTH(e.reference), ':', e.reference,"
	" ' ', OCTET_LENGTH(e.actor), ':', e.actor, ' ', e.book_day, ' ', e.created_at,"
	" ' ', OCTET_LENGTH(e.memo), ':', e.memo, '\n') AS text"
	" FROM entry e WHERE e.site_id = ? AND e.book_day = ?"
	" UNION ALL SELECT p.entry_id, p.line, CONCAT('posting ', p.line, ' ', p.account_id, ' ',"
	" p.amount_nano, '\n') FROM posting p JOIN entry e ON e.id = p.entry_id"
	" WHERE e.site_id = ? AND e.book_day = ?) t ORDER BY t.id, t.line",
	&text_shape
};

static void hash_rows(const struct sealed_row *s, const struct text_row *r, size_t n,
	char hex[static HEX + 1], int64_t *entries)
{
	unsigned char digest[SHA256_DIGEST_LENGTH];
	struct buf text = { 0 };

	*entries = 0;
	buf_printf(&text, "%s\n", s->prev_sha256);
	for (size_t i = 0; i < n; i++) {
		buf_adds(&text, r[i].text);
		*entries += r[i].is_entry;
	}
	SHA256((const unsigned char *)text.text, text.len, digest);
	for (size_t i = 0; i < SHA256_DIGEST_LENGTH; i++)
		snprintf(hex + 2 * i, 3, "%02x", digest[i]);
	buf_free(&text);
}

static enum err day_check(struct db *db, const struct sealed_row *s, json_t *findings)
{
	AUTO(rows_free) struct rows rows = { 0 };
	char object[64], hex[HEX + 1], have[24], want[24];
	int64_t entries;
	enum err e = db_list(db, &Q_TEXT,
		ARGS(arg_i64(s->site_id), arg_text(s->day), arg_i64(s->site_id), arg_text(s->day)),
		&rows);

	if (e != ERR_OK)
		return e;
	snprintf(object, sizeof(object), "book_day:%lld:%s", (long long)s->site_id, s->day);
	hash_rows(s, rows.at, rows.n, hex, &entries);
	if (!str_eq(hex, s->sha256))
		finding_add(findings, "sealed_day_has_its_hash", object, s->sha256, hex);
	if (!str_eq(s->before, s->prev_sha256))
		finding_add(findings, "sealed_day_follows_the_one_before", object, s->prev_sha256,
			s->before);
	if (!s->follows)
		finding_add(
			findings, "no_day_is_skipped", object, "no day before", "its day before");
	snprintf(have, sizeof(have), "%lld", (long long)s->entries);
	snprintf(want, sizeof(want), "%lld", (long long)entries);
	if (entries != s->entries)
		finding_add(findings, "sealed_day_has_all_its_entries", object, have, want);
	return ERR_OK;
}

enum err verify_chain(struct db *db, json_t *findings)
{
	AUTO(rows_free) struct rows days = { 0 };
	enum err e = db_list(db, &Q_SEALED, NO_ARGS, &days);
	const struct sealed_row *s = days.at;

	for (size_t i = 0; e == ERR_OK && i < days.n; i++)
		e = day_check(db, &s[i], findings);
	return e;
}
