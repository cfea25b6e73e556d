#include "domain/user.h"

#include <semaphore.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/rand.h"
#include "domain/audit.h"
#include "domain/totp.h"

#define HASH_PASSES 2
#define HASH_BYTES (19456UL * 1024)
#define HASHES_AT_ONCE 4
#define FREE_FAILURES 5

SHAPE(user_shape, struct user, FIELD(struct user, id), FIELD(struct user, username),
	FIELD(struct user, kind), FIELD(struct user, name), FIELD(struct user, phone),
	FIELD(struct user, role), FIELD(struct user, site_id), FIELD(struct user, in_areas),
	FIELD(struct user, disabled), FIELD(struct user, password_old), FIELD(struct user, may));

#define USER_COLUMNS                                                                               \
	"SELECT u.id, u.username, u.kind, u.name, u.phone, COALESCE(r.code, '') AS role,"          \
	" COALESCE(u.site_id, 0) AS site_id, EXISTS (SELECT 1 FROM user_area ua"                   \
	" WHERE ua.user_id = u.id) AS in_areas, u.disabled, u.password_old,"
#define USER_TABLES " FROM user u LEFT JOIN role r ON r.id = u.role_id"

static const struct query Q_GET = { USER_COLUMNS " 0 AS may" USER_TABLES " WHERE u.id = ?",
	&user_shape };
static const struct query Q_CHECK = { USER_COLUMNS
	" ? = '' OR EXISTS (SELECT 1 FROM role_permission p WHERE p.role_id = u.role_id"
	" AND p.permission = ?) AS may" USER_TABLES " WHERE u.id = ? AND NOT u.disabled AND EXISTS"
	" (SELECT 1 FROM session s WHERE s.family = ? AND s.user_id = u.id"
	" AND s.revoked_at = 0)",
	&user_shape };
static const struct query Q_CHECK_SERVICE = { USER_COLUMNS
	" ? = '' OR EXISTS (SELECT 1 FROM role_permission p WHERE p.role_id = u.role_id"
	" AND p.permission = ?) AS may" USER_TABLES " WHERE u.id = ? AND NOT u.disabled"
	" AND u.kind = 'service'",
	&user_shape };

struct secret {
	int64_t id;
	char username[257];
	char password_hash[PASSWORD_HASH_MAX + 1];
	bool disabled;
	int64_t failures;
	struct utc locked_until;
};
SHAPE(secret_shape, struct secret, FIELD(struct secret, id), FIELD(struct secret, username),
	FIELD(struct secret, password_hash), FIELD(struct secret, disabled),
	FIELD(struct secret, failures), FIELD(struct secret, locked_until));
#define SECRET                                                                                     \
	"SELECT id, username, password_hash, disabled, failures, locked_until FROM user WHERE "
static const struct query Q_SECRET = { SECRET "username = ?", &secret_shape };
static const struct query Q_SECRET_OF = { SECRET "id = ?", &secret_shape };
/* Assignments run from left to right: the second sees the new count. */
static const struct query Q_FAILED = {
	"UPDATE user SET failures = failures + 1, locked_until = IF(failures >= ?,"
	" ? + LEAST(3600000, 30000 << LEAST(failures - ?, 7)), locked_until) WHERE id = ?",
	NULL
};
static const struct query Q_SUCCEEDED = {
	"UPDATE user SET failures = 0, locked_until = 0 WHERE id = ? AND failures > 0", NULL
};
/* With a second factor the password alone is no success. */
static const struct query Q_PASSWORD_RIGHT = {
	"UPDATE user SET failures = 0, locked_until = 0 WHERE id = ? AND failures > 0 AND NOT "
	"EXISTS"
	" (SELECT 1 FROM user_totp t WHERE t.user_id = user.id AND t.confirmed_at > 0)",
	NULL
};

/* At most four hashes at a time: 76 MiB, and the other threads keep a processor. */
static sem_t hash_places;
__attribute__((constructor)) static void hash_places_open(void)
{
	ASSERT(sem_init(&hash_places, 0, HASHES_AT_ONCE) == 0);
	ASSERT(sodium_init() >= 0);
}

enum err password_hash(const char *password, char out[static PASSWORD_HASH_MAX])
{
	_Static_assert(crypto_pwhash_STRBYTES <= PASSWORD_HASH_MAX, "room for the hash");

	if (strlen(password) > PASSWORD_MAX)
		return ERR_TOO_LARGE;
	if (crypto_pwhash_str_alg(out, password, strlen(password), HASH_PASSES, HASH_BYTES,
		    crypto_pwhash_ALG_ARGON2ID13) != 0)
		return ERR_UNAVAILABLE;
	return ERR_OK;
}

/* An unknown user costs the same time: the password is hashed against nothing. */
static enum err password_check(const char *hash, const char *password)
{
	char dummy[PASSWORD_HASH_MAX];
	enum err e;

	if (sem_trywait(&hash_places) != 0)
		return ERR_UNAVAILABLE;
	if (!hash[0]) {
		e = password_hash(password, dummy);
		if (e == ERR_OK)
			e = ERR_WRONG_PASSWORD;
	} else {
		e = crypto_pwhash_str_verify(hash, password, strlen(password)) == 0
			    ? ERR_OK
			    : ERR_WRONG_PASSWORD;
	}
	sem_post(&hash_places);
	return e;
}

static enum err login_failed(struct db *db, const struct secret *s, struct utc now)
{
	enum err e = ERR_OK;

	if (s->id)
		e = db_exec(db, &Q_FAILED,
			ARGS(arg_i64(FREE_FAILURES), arg_utc(now), arg_i64(FREE_FAILURES),
				arg_i64(s->id)),
			NULL);
	return e == ERR_OK ? ERR_WRONG_PASSWORD : e;
}

/* Is it the password of this user (id 0: of nobody)? Wrong ones are counted. */
static enum err secret_check(
	struct db *db, const struct secret *s, const char *password, struct utc now)
{
	enum err e;

	if (strlen(password) > PASSWORD_MAX)
		return ERR_WRONG_PASSWORD;
	if (s->locked_until.ms > now.ms)
		return ERR_LOCKED;
	e = password_check(s->password_hash, password);
	if (e == ERR_OK && s->disabled)
		return ERR_WRONG_PASSWORD;
	return e == ERR_WRONG_PASSWORD ? login_failed(db, s, now) : e;
}

enum err user_login(
	struct db *db, const char *username, const char *password, struct utc now, struct user *out)
{
	struct secret s = { 0 };
	enum err e = db_one(db, &Q_SECRET, ARGS(arg_text(username)), &s);

	if (e == ERR_OK || e == ERR_NOT_FOUND)
		e = secret_check(db, &s, password, now);
	if (e == ERR_OK && s.failures > 0)
		e = db_exec(db, &Q_PASSWORD_RIGHT, ARGS(arg_i64(s.id)), NULL);
	return e == ERR_OK ? user_get(db, s.id, out) : e;
}

/* ---- a password of one's own ---- */

static const struct query Q_PASSWORD = {
	"UPDATE user SET password_hash = ?, password_old = 0, password_at = ?, failures = 0"
	" WHERE id = ?",
	NULL
};
static const struct query Q_END_OTHERS = {
	"UPDATE session SET revoked_at = ? WHERE user_id = ? AND family <> ? AND revoked_at = 0",
	NULL
};

enum err user_password_is(
	struct db *db, int64_t id, const char *password, struct utc now, struct problem *why)
{
	struct secret s = { 0 };
	enum err e = db_one(db, &Q_SECRET_OF, ARGS(arg_i64(id)), &s);

	if (e == ERR_OK)
		e = secret_check(db, &s, password, now);
	return e == ERR_WRONG_PASSWORD
		       ? problem_set(why, e, "password", "this is not your password")
		       : e;
}

struct changing {
	const struct password_change *c;
	char hash[PASSWORD_HASH_MAX];
};

static enum err change_tx(struct db *db, void *ctx)
{
	const struct changing *g = ctx;
	const struct password_change *c = g->c;
	enum err e = db_exec(db, &Q_PASSWORD,
		ARGS(arg_text(g->hash), arg_utc(c->now), arg_i64(c->user_id)), NULL);

	if (e == ERR_OK)
		e = db_exec(db, &Q_END_OTHERS,
			ARGS(arg_utc(c->now), arg_i64(c->user_id), arg_text(c->family)), NULL);
	return e == ERR_OK ? audit_add(db,
				     &(struct audit){ c->actor, c->address, "user.password", "user",
					     c->user_id, NULL },
				     NULL, c->now)
			   : e;
}

enum err user_password_change(struct db *db, const struct password_change *c, struct problem *why)
{
	struct changing g = { .c = c };
	struct secret s = { 0 };
	enum err e = db_one(db, &Q_SECRET_OF, ARGS(arg_i64(c->user_id)), &s);

	if (e == ERR_OK)
		e = secret_check(db, &s, c->old_password, c->now);
	if (e == ERR_WRONG_PASSWORD)
		return problem_set(why, e, "old_password", "this is not your password");
	if (e == ERR_OK)
		e = password_rules(c->new_password, s.username, "new_password", why);
	if (e == ERR_OK && str_eq(c->old_password, c->new_password))
		return problem_set(why, ERR_BAD_VALUE, "new_password", "this is the old one");
	if (e == ERR_OK)
		e = password_hash(c->new_password, g.hash);
	return e == ERR_OK ? db_tx(db, change_tx, &g) : e;
}

void password_make(char out[static PASSWORD_MADE_MAX])
{
	static const char letters[] = "abcdefghjkmnpqrstuvwxyz23456789";

	for (size_t i = 0; i < PASSWORD_MADE_MAX - 1; i++)
		out[i] = letters[rand_below(sizeof(letters) - 1)];
	out[PASSWORD_MADE_MAX - 1] = '\0';
}

enum err user_get(struct db *db, int64_t id, struct user *out)
{
	return db_one(db, &Q_GET, ARGS(arg_i64(id)), out);
}

enum err user_check(
	struct db *db, int64_t id, const char *family, const char *permission, struct user *out)
{
	enum err e = db_one(db, &Q_CHECK,
		ARGS(arg_text(permission), arg_text(permission), arg_i64(id), arg_text(family)),
		out);

	return e == ERR_NOT_FOUND ? ERR_UNAUTHORIZED : e;
}

enum err user_check_service(struct db *db, int64_t id, const char *permission, struct user *out)
{
	enum err e = db_one(db, &Q_CHECK_SERVICE,
		ARGS(arg_text(permission), arg_text(permission), arg_i64(id)), out);

	return e == ERR_NOT_FOUND ? ERR_UNAUTHORIZED : e;
}

struct factor {
	int64_t user_id;
	const unsigned char *key;
	const char *code;
	struct utc now;
};

static enum err factor_tx(struct db *db, void *ctx)
{
	const struct factor *f = ctx;
	enum err e = totp_check(db, f->user_id, f->key, f->code, f->now);

	return e == ERR_OK ? db_exec(db, &Q_SUCCEEDED, ARGS(arg_i64(f->user_id)), NULL) : e;
}

enum err user_second_factor(
	struct db *db, int64_t id, const unsigned char *key, const char *code, struct utc now)
{
	bool on = false;
	enum err e = totp_is_on(db, id, &on);

	if (e != ERR_OK || !on)
		return e;
	if (!code[0])
		return ERR_CODE_REQUIRED;
	e = db_tx(db, factor_tx, &(struct factor){ id, key, code, now });
	if (e != ERR_WRONG_CODE)
		return e;
	e = login_failed(db, &(struct secret){ .id = id }, now);
	return e == ERR_WRONG_PASSWORD ? ERR_WRONG_CODE : e;
}

SHAPE(permission_shape, struct permission, FIELD(struct permission, permission));
static const struct query Q_PERMISSIONS = {
	"SELECT p.permission FROM role_permission p JOIN user u ON u.role_id = p.role_id"
	" WHERE u.id = ? ORDER BY p.permission",
	&permission_shape
};

enum err user_permissions(struct db *db, int64_t id, struct rows *out)
{
	return db_list(db, &Q_PERMISSIONS, ARGS(arg_i64(id)), out);
}

SHAPE(area_shape, struct user_area, FIELD(struct user_area, id), FIELD(struct user_area, code),
	FIELD(struct user_area, name));
static const struct query Q_AREAS = {
	"SELECT a.id, a.code, a.name FROM user_area ua JOIN area a ON a.id = ua.area_id"
	" WHERE ua.user_id = ? ORDER BY a.id",
	&area_shape
};

enum err user_areas(struct db *db, int64_t id, struct rows *out)
{
	return db_list(db, &Q_AREAS, ARGS(arg_i64(id)), out);
}

static const struct field user_tenant_fields[] = { FIELD(struct user_tenant, id),
	FIELD(struct user_tenant, code), FIELD(struct user_tenant, name),
	FIELD(struct user_tenant, room), FIELD(struct user_tenant, site_id) };
const struct shape user_tenant_shape = { .fields = user_tenant_fields,
	.n = ARRAY_LEN(user_tenant_fields),
	.size = sizeof(struct user_tenant) };
static const struct query Q_TENANTS = {
	"SELECT t.id, t.code, t.name, t.room, t.site_id FROM user_tenant ut"
	" JOIN tenant t ON t.id = ut.tenant_id WHERE ut.user_id = ? ORDER BY t.id",
	&user_tenant_shape
};

enum err user_tenants(struct db *db, int64_t id, struct rows *out)
{
	return db_list(db, &Q_TENANTS, ARGS(arg_i64(id)), out);
}

SHAPE(site_shape, struct site, FIELD(struct site, id), FIELD(struct site, code),
	FIELD(struct site, name), FIELD(struct site, zone));
static const struct query Q_SITE_STAFF = {
	"SELECT id, code, name, zone FROM site WHERE ? IN (0, id)", &site_shape
};
static const struct query Q_SITE_TENANT = {
	"SELECT s.id, s.code, s.name, s.zone FROM user_tenant ut JOIN tenant t ON t.id = "
	"ut.tenant_id"
	" JOIN site s ON s.id = t.site_id WHERE ut.user_id = ? ORDER BY t.id",
	&site_shape
};

enum err user_site(struct db *db, const struct user *u, struct site *out)
{
	AUTO(rows_free) struct rows r = { 0 };
	bool staff = str_eq(u->kind, "staff");
	enum err e = staff ? db_list(db, &Q_SITE_STAFF, ARGS(arg_i64(u->site_id)), &r)
			   : db_list(db, &Q_SITE_TENANT, ARGS(arg_i64(u->id)), &r);

	if (e != ERR_OK)
		return e;
	if (r.n == 0 || (staff && r.n > 1))
		return ERR_NOT_FOUND;
	*out = *(const struct site *)r.at;
	return ERR_OK;
}
