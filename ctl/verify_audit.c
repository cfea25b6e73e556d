/* The audit log and its chain of hashes, recomputed: the server writes the text of every row, here
 * it is only hashed. */
#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "ctl/verify.h"

#define HEX 64
#define BATCH 1000

struct link_row {
	int64_t n;
	int64_t audit_id;
	int64_t is_there;
	char sha256[HEX + 1];
	struct blob text;
};
#define F(member) FIELD(struct link_row, member)
SHAPE(link_shape, struct link_row, F(n), F(audit_id), F(is_there), F(sha256), F(text));
#undef F
#define TEXT(column) " ' ', OCTET_LENGTH(a." column "), ':', a." column ","
static const struct query Q_LINKS = {
	"SELECT c.n, c.audit_id, a.id IS NOT NULL AS is_there,"
	" c.sha256, CONCAT('audit ', a.id, ' ', a.at," TEXT("actor") TEXT("address") TEXT(
		"action") TEXT("object") TEXT("outcome") " ' ', a.site_id," TEXT("request_id")
		TEXT("reason") TEXT("detail") TEXT(
			"before_doc") " ' ', OCTET_LENGTH(a.after_doc), ':', a.after_doc) AS text"
				      " FROM audit_chain c LEFT JOIN audit a ON a.id = c.audit_id "
				      "WHERE c.n > ?"
				      " ORDER BY c.n LIMIT ?",
	&link_shape
};
/* The worker chains a row within seconds; an hour later it has been forgotten, or came from
 * elsewhere with an old time. */
static const struct query Q_LOOSE = {
	"SELECT a.id FROM audit a LEFT JOIN audit_chain c ON c.audit_id = a.id WHERE c.n IS NULL"
	" AND a.at < (SELECT MAX(b.at) FROM audit_chain d JOIN audit b ON b.id = d.audit_id)"
	" - 3600000 ORDER BY a.id LIMIT 1000",
	&id_shape
};

static void link_hash(const char *before, const struct blob *text, char out[static HEX + 1])
{
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	unsigned char digest[HEX / 2];

	ASSERT(md && EVP_DigestInit_ex(md, EVP_sha256(), NULL) == 1);
	ASSERT(EVP_DigestUpdate(md, before, HEX) == 1 && EVP_DigestUpdate(md, "\n", 1) == 1);
	ASSERT(EVP_DigestUpdate(md, text->at, text->n) == 1);
	ASSERT(EVP_DigestFinal_ex(md, digest, NULL) == 1);
	EVP_MD_CTX_free(md);
	hex_encode(digest, sizeof(digest), out);
}

struct walk {
	int64_t n;
	char sha256[HEX + 1]; /* as the table has it: one bad row is one finding */
};

static void link_check(struct walk *w, const struct link_row *r, json_t *findings)
{
	char object[48], have[24], want[24], hash[HEX + 1];

	snprintf(object, sizeof(object), "audit:%lld", (long long)r->audit_id);
	if (r->n != w->n + 1) {
		snprintf(have, sizeof(have), "%lld", (long long)r->n);
		snprintf(want, sizeof(want), "%lld", (long long)w->n + 1);
		finding_add(findings, "audit_chain_has_no_gap", object, have, want);
	} else if (!r->is_there) {
		finding_add(findings, "audit_row_is_there", object, "no row", "a row");
	} else {
		link_hash(w->sha256, &r->text, hash);
		if (!str_eq(hash, r->sha256))
			finding_add(findings, "audit_row_has_its_hash", object, r->sha256, hash);
	}
	w->n = r->n;
	memcpy(w->sha256, r->sha256, sizeof(w->sha256));
}

static enum err loose_check(struct db *db, json_t *findings)
{
	AUTO(rows_free) struct rows rows = { 0 };
	enum err e = db_list(db, &Q_LOOSE, NO_ARGS, &rows);
	const struct id_row *r = rows.at;

	for (size_t i = 0; i < rows.n; i++) {
		char object[48];

		snprintf(object, sizeof(object), "audit:%lld", (long long)r[i].id);
		finding_add(findings, "audit_row_is_chained", object, "not in the chain",
			"chained within the hour");
	}
	return e;
}

enum err verify_audit(struct db *db, json_t *findings)
{
	struct walk w = { 0 };
	size_t n;

	memset(w.sha256, '0', HEX);
	do {
		AUTO(rows_free) struct rows rows = { 0 };
		const struct link_row *r;
		enum err e = db_list(db, &Q_LINKS, ARGS(arg_i64(w.n), arg_i64(BATCH)), &rows);

		if (e != ERR_OK)
			return e;
		n = rows.n;
		r = rows.at;
		for (size_t i = 0; i < n; i++)
			link_check(&w, &r[i], findings);
	} while (n == BATCH);
	return loose_check(db, findings);
}
