#include "domain/service.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/rand.h"
#include "domain/audit.h"

#define KEY_BYTES 32
#define HINT_CHARS 8

#define F(member) FIELD(struct service, member)
SHAPE(service_shape, struct service, F(id), F(username), F(name), F(role_id), F(role), F(site_id),
	F(areas), F(disabled), F(hint), F(addresses), F(expires_at), F(made_at), F(used_at));
#undef F
#define SERVICES                                                                                   \
	"SELECT u.id, u.username, u.name, u.role_id, r.code AS role,"                              \
	" COALESCE(u.site_id, 0) AS site_id, COALESCE((SELECT"                                     \
	" GROUP_CONCAT(a.area_id ORDER BY a.area_id) FROM user_area a WHERE a.user_id = u.id), "   \
	"'')"                                                                                      \
	" AS areas, u.disabled, k.hint, k.addresses, k.expires_at, k.made_at, k.used_at"           \
	" FROM user u JOIN role r ON r.id = u.role_id JOIN service_key k ON k.user_id = u.id"      \
	" WHERE ? IN (0, u.site_id)"
const struct listing service_listing = {
	.all = { SERVICES, &service_shape },
	.sorts = { { "id", "u.id" }, { "username", "u.username" }, { "name", "u.name" },
		{ "made_at", "k.made_at" } },
	.order = "id",
	.filters = { { "site_id", FILTER_ID, "u.site_id = ?" },
		{ "role_id", FILTER_ID, "u.role_id = ?" },
		{ "revoked", FILTER_FLAG, "u.disabled = ?" },
		{ "q", FILTER_TEXT, "LOCATE(?, u.username) OR LOCATE(?, u.name)" } },
};
static const struct query Q_GET = { SERVICES " AND u.id = ?", &service_shape };

static const struct query Q_ADD = {
	"INSERT INTO service_key (user_id, key_sha256, hint, expires_at, addresses, made_at)"
	" VALUES (?, ?, ?, ?, ?, ?)",
	NULL
};
static const struct query Q_REKEY = {
	"UPDATE service_key SET key_sha256 = ?, hint = ?, made_at = ?, used_at = 0"
	" WHERE user_id = ?",
	NULL
};
static const struct query Q_REVOKE = {
	"UPDATE service_key SET revoked_at = IF(revoked_at = 0, ?, revoked_at) WHERE user_id = ?",
	NULL
};
static const struct query Q_DISABLE = { "UPDATE user SET disabled = 1 WHERE id = ?", NULL };

struct found {
	int64_t id;
	char addresses[1601];
	struct utc used_at;
};
SHAPE(found_shape, struct found, FIELD(struct found, id), FIELD(struct found, addresses),
	FIELD(struct found, used_at));
static const struct query Q_FIND = {
	"SELECT k.user_id AS id, k.addresses, k.used_at FROM service_key k"
	" WHERE k.key_sha256 = ? AND k.revoked_at = 0 AND (k.expires_at = 0 OR k.expires_at > ?)",
	&found_shape
};
static const struct query Q_USED = { "UPDATE service_key SET used_at = ? WHERE user_id = ?", NULL };

enum err service_get(struct db *db, int64_t site_id, int64_t id, struct service *out)
{
	return db_one(db, &Q_GET, ARGS(arg_i64(site_id), arg_i64(id)), out);
}

/* ---- keys ---- */

static void key_sha256(const char *key, char out[static 65])
{
	unsigned char hash[crypto_hash_sha256_BYTES];

	crypto_hash_sha256(hash, (const unsigned char *)key, strlen(key));
	hex_encode(hash, sizeof(hash), out);
}

static void key_make(
	char key[static SERVICE_KEY_MAX], char sha[static 65], char hint[static HINT_CHARS + 4])
{
	char hex[2 * KEY_BYTES + 1];

	rand_hex(hex, KEY_BYTES);
	snprintf(key, SERVICE_KEY_MAX, SERVICE_KEY_PREFIX "%s", hex);
	snprintf(hint, HINT_CHARS + 4, "%.*s", HINT_CHARS, key);
	key_sha256(key, sha);
	sodium_memzero(hex, sizeof(hex));
}

struct changing {
	int64_t id;
	const struct service_new *n;
	const struct staff_act *by;
	char *key;
	struct problem *why;
};

static enum err audit(struct db *db, const struct changing *g, const char *action)
{
	const struct staff_act *by = g->by;

	return audit_add(db, &(struct audit){ by->actor, by->address, action, "user", g->id, NULL },
		NULL, by->now);
}

static enum err add_tx(struct db *db, void *ctx)
{
	struct changing *g = ctx;
	char sha[65], hint[HINT_CHARS + 4];
	enum err e = staff_insert(db, &g->n->user, g->by, &g->id, g->why);

	if (e != ERR_OK)
		return e;
	key_make(g->key, sha, hint);
	return db_exec(db, &Q_ADD,
		ARGS(arg_i64(g->id), arg_text(sha), arg_text(hint), arg_utc(g->n->expires_at),
			arg_text(g->n->addresses), arg_utc(g->by->now)),
		NULL);
}

enum err service_add(struct db *db, const struct service_new *n, const struct staff_act *by,
	int64_t *id, char key[static SERVICE_KEY_MAX], struct problem *why)
{
	struct changing g = { .n = n, .by = by, .key = key, .why = why };
	enum err e = db_tx(db, add_tx, &g);

	*id = g.id;
	return e;
}

static enum err manageable(struct db *db, const struct changing *g, struct staff *had)
{
	enum err e = staff_manageable(db, g->id, g->by, had, g->why);

	return e == ERR_OK && !str_eq(had->kind, "service") ? ERR_NOT_FOUND : e;
}

static enum err rekey_tx(struct db *db, void *ctx)
{
	struct changing *g = ctx;
	char sha[65], hint[HINT_CHARS + 4];
	struct staff had;
	enum err e = manageable(db, g, &had);

	if (e == ERR_OK && had.disabled)
		return problem_set(g->why, ERR_CONFLICT, "", "it is revoked");
	if (e != ERR_OK)
		return e;
	key_make(g->key, sha, hint);
	e = db_exec(db, &Q_REKEY,
		ARGS(arg_text(sha), arg_text(hint), arg_utc(g->by->now), arg_i64(g->id)), NULL);
	return e == ERR_OK ? audit(db, g, "service.rekey") : e;
}

enum err service_rekey(struct db *db, int64_t id, const struct staff_act *by,
	char key[static SERVICE_KEY_MAX], struct problem *why)
{
	return db_tx(
		db, rekey_tx, &(struct changing){ .id = id, .by = by, .key = key, .why = why });
}

static enum err revoke_tx(struct db *db, void *ctx)
{
	struct changing *g = ctx;
	struct staff had;
	enum err e = manageable(db, g, &had);

	if (e == ERR_OK)
		e = db_exec(db, &Q_REVOKE, ARGS(arg_utc(g->by->now), arg_i64(g->id)), NULL);
	if (e == ERR_OK)
		e = db_exec(db, &Q_DISABLE, ARGS(arg_i64(g->id)), NULL);
	return e == ERR_OK ? audit(db, g, "service.revoke") : e;
}

enum err service_revoke(struct db *db, int64_t id, const struct staff_act *by, struct problem *why)
{
	return db_tx(db, revoke_tx, &(struct changing){ .id = id, .by = by, .why = why });
}

/* ---- requests ---- */

/* Is address among those parted by commas? */
static bool may_come_from(const char *addresses, const char *address)
{
	size_t n = strlen(address);

	if (!addresses[0])
		return true;
	for (const char *s = addresses; *s;) {
		size_t k = strcspn(s, ",");

		if (k == n && memcmp(s, address, n) == 0)
			return true;
		s += k + (s[k] == ',');
	}
	return false;
}

enum err service_check(struct db *db, const char *key, const char *address, const char *permission,
	struct utc now, struct user *out)
{
	struct found f;
	char sha[65];
	enum err e;

	if (strlen(key) != SERVICE_KEY_MAX - 1)
		return ERR_UNAUTHORIZED;
	key_sha256(key, sha);
	e = db_one(db, &Q_FIND, ARGS(arg_text(sha), arg_utc(now)), &f);
	if (e == ERR_NOT_FOUND)
		return ERR_UNAUTHORIZED;
	if (e == ERR_OK && !may_come_from(f.addresses, address)) {
		log_warn("service=%lld refused address=%s", (long long)f.id, address);
		return ERR_UNAUTHORIZED;
	}
	if (e == ERR_OK && now.ms - f.used_at.ms >= 60000)
		e = db_exec(db, &Q_USED, ARGS(arg_utc(now), arg_i64(f.id)), NULL);
	return e == ERR_OK ? user_check_service(db, f.id, permission, out) : e;
}
