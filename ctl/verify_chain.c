/* The hash chain of the sealed book days, recomputed: the server writes the canonical text of every
 * entry and posting, here it is only hashed, a batch of days and of lines at a time. */
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "ctl/verify.h"

#define SHA256_BYTES 32
#define HEX (2 * SHA256_BYTES)
#define DAYS_BATCH 500
#define ENTRIES_BATCH 200

struct sealed_row {
	int64_t site_id;
	char day[16];
	int64_t entries;
	struct utc sealed_at;
	char sha256[HEX + 1];
	char prev_sha256[HEX + 1];
	int64_t follows; /* the row before is the day before of the same site, and sealed */
	char before[HEX + 1];
};
#define F(member) FIELD(struct sealed_row, member)
SHAPE(sealed_shape, struct sealed_row, F(site_id), F(day), F(entries), F(sealed_at), F(sha256),
	F(prev_sha256), F(follows), F(before));
#undef F
/* Days in order of site and time. One that is closed and not sealed yet is the last of its site. */
static const struct query Q_DAYS = {
	"SELECT b.site_id, b.day, b.entries, b.sealed_at, b.sha256, b.prev_sha256,"
	" IF(y.sealed_at > 0 OR NOT EXISTS (SELECT 1 FROM book_day x WHERE x.site_id ="
	" b.site_id AND x.day < b.day), 1, 0) AS follows,"
	" COALESCE(y.sha256, REPEAT('0', 64)) AS `before` FROM book_day b"
	" LEFT JOIN book_day y ON y.site_id = b.site_id AND y.day = b.day - INTERVAL 1 DAY"
	" WHERE b.site_id > ? OR b.site_id = ? AND b.day > ?"
	" ORDER BY b.site_id, b.day LIMIT ?",
	&sealed_shape
};

struct text_row {
	int64_t id;
	int64_t is_entry;
	char text[2400];
};
#define F(member) FIELD(struct text_row, member)
SHAPE(text_shape, struct text_row, F(id), F(is_entry), F(text));
#undef F
/* The texts of the next entries of a day with their postings. */
static const struct query Q_TEXT = {
	"SELECT t.id, t.line = -1 AS is_entry, t.text FROM (WITH few AS (SELECT s.id FROM entry s"
	" WHERE s.site_id = ? AND s.book_day = ? AND s.id > ? ORDER BY s.id LIMIT 200)"
	" SELECT e.id, -1 AS line, CONCAT('entry ', e.id, ' ', OCTET_LENGTH(e.kind), ':', e.kind,"
	" ' ', OCTET_LENGTH(e.once_key), ':', e.once_key,"
	" ' ', OCTET_LENGTH(e.reference), ':', e.reference,"
	" ' ', OCTET_LENGTH(e.actor), ':', e.actor, ' ', e.book_day, ' ', e.created_at,"
	" ' ', OCTET_LENGTH(e.memo), ':', e.memo, '\n') AS text FROM few JOIN entry e ON e.id = "
	"few.id"
	" UNION ALL SELECT p.entry_id, p.line, CONCAT('posting ', p.line, ' ', p.account_id, ' ',"
	" p.amount_nano, '\n') FROM few JOIN posting p ON p.entry_id = few.id) t ORDER BY t.id, "
	"t.line",
	&text_shape
};

struct hashing {
	EVP_MD_CTX *md;
	int64_t entries;
};

static void hash_free(struct hashing *h)
{
	EVP_MD_CTX_free(h->md);
}

static void hash_add(struct hashing *h, const char *text)
{
	ASSERT(EVP_DigestUpdate(h->md, text, strlen(text)) == 1);
}

static void hash_end(struct hashing *h, char hex[static HEX + 1])
{
	unsigned char digest[SHA256_BYTES];

	ASSERT(EVP_DigestFinal_ex(h->md, digest, NULL) == 1);
	for (size_t i = 0; i < SHA256_BYTES; i++)
		snprintf(hex + 2 * i, 3, "%02x", digest[i]);
}

static enum err day_hash(
	struct db *db, const struct sealed_row *s, char hex[static HEX + 1], int64_t *entries)
{
	AUTO(hash_free) struct hashing h = { .md = EVP_MD_CTX_new() };
	int64_t after = 0, before;
	enum err e = ERR_OK;

	ASSERT(h.md && EVP_DigestInit_ex(h.md, EVP_sha256(), NULL) == 1);
	hash_add(&h, s->prev_sha256);
	hash_add(&h, "\n");
	do {
		AUTO(rows_free) struct rows rows = { 0 };
		const struct text_row *t;

		before = h.entries;
		e = db_list(db, &Q_TEXT,
			ARGS(arg_i64(s->site_id), arg_text(s->day), arg_i64(after)), &rows);
		t = rows.at;
		for (size_t i = 0; e == ERR_OK && i < rows.n; i++) {
			hash_add(&h, t[i].text);
			h.entries += t[i].is_entry;
			after = t[i].id;
		}
	} while (e == ERR_OK && h.entries - before == ENTRIES_BATCH);
	hash_end(&h, hex);
	*entries = h.entries;
	return e;
}

static enum err day_check(struct db *db, const struct sealed_row *s, json_t *findings)
{
	char object[64], hex[HEX + 1], have[24], want[24];
	int64_t entries = 0;
	enum err e = ERR_OK;

	snprintf(object, sizeof(object), "book_day:%lld:%s", (long long)s->site_id, s->day);
	if (!str_eq(s->before, s->prev_sha256))
		finding_add(findings, "sealed_day_follows_the_one_before", object, s->prev_sha256,
			s->before);
	if (!s->follows)
		finding_add(findings, "no_day_is_skipped", object, "no sealed day before",
			"its day before");
	if (!s->sealed_at.ms)
		return ERR_OK;
	e = day_hash(db, s, hex, &entries);
	if (e != ERR_OK)
		return e;
	if (!str_eq(hex, s->sha256))
		finding_add(findings, "sealed_day_has_its_hash", object, s->sha256, hex);
	snprintf(have, sizeof(have), "%lld", (long long)s->entries);
	snprintf(want, sizeof(want), "%lld", (long long)entries);
	if (entries != s->entries)
		finding_add(findings, "sealed_day_has_all_its_entries", object, have, want);
	return ERR_OK;
}

enum err verify_chain(struct db *db, json_t *findings)
{
	struct sealed_row last = { .day = "0001-01-01" };
	size_t n;

	do {
		AUTO(rows_free) struct rows days = { 0 };
		const struct sealed_row *s;
		enum err e = db_list(db, &Q_DAYS,
			ARGS(arg_i64(last.site_id), arg_i64(last.site_id), arg_text(last.day),
				arg_i64(DAYS_BATCH)),
			&days);

		s = days.at;
		n = days.n;
		for (size_t i = 0; e == ERR_OK && i < n; i++)
			e = day_check(db, &s[i], findings);
		if (e != ERR_OK)
			return e;
		if (n > 0)
			last = s[n - 1];
	} while (n == DAYS_BATCH);
	return ERR_OK;
}
