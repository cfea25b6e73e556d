#include "fcgi/token.h"

#include <jwt.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"

#define ISSUER "yufu"
#define AUDIENCE "yufu-api"
#define USE "access"
#define LEEWAY_S 60
#define LIFE_MAX_S (20 * 60)

static void jwt_done(jwt_t **j)
{
	if (*j)
		jwt_free(*j);
}

enum err token_make(const struct buf *key, const struct token *t, struct utc now, char **out)
{
	AUTO(jwt_done) jwt_t *j = NULL;
	char sub[24];
	long s = (long)(now.ms / 1000);
	char *text;

	ASSERT(key->len >= TOKEN_KEY_MIN);
	snprintf(sub, sizeof(sub), "%lld", (long long)t->user_id);
	if (jwt_new(&j) ||
		jwt_set_alg(j, JWT_ALG_HS256, (unsigned char *)key->text, (int)key->len) ||
		jwt_add_grant(j, "iss", ISSUER) || jwt_add_grant(j, "aud", AUDIENCE) ||
		jwt_add_grant(j, "use", USE) || jwt_add_grant(j, "sub", sub) ||
		jwt_add_grant(j, "sid", t->family) || jwt_add_grant_int(j, "iat", s) ||
		jwt_add_grant_int(j, "exp", s + TOKEN_LIFE_S))
		return ERR_INTERNAL;
	text = jwt_encode_str(j); /* by malloc(), as no other allocator was set */
	if (!text)
		return ERR_INTERNAL;
	*out = text;
	return ERR_OK;
}

/* A base64url part of n characters as a JSON object, or NULL. */
static json_t *part_json(const char *part, size_t n)
{
	char bytes[TOKEN_MAX];
	const char *end;
	size_t len;
	json_t *j = NULL;

	if (sodium_base642bin((unsigned char *)bytes, sizeof(bytes), part, n, NULL, &len, &end,
		    sodium_base64_VARIANT_URLSAFE_NO_PADDING) != 0 ||
		end != part + n)
		return NULL;
	if (json_parse(bytes, len, &j, NULL) != ERR_OK)
		return NULL;
	if (!json_is_object(j))
		json_free(&j);
	return j;
}

static bool text_is(const json_t *o, const char *key, const char *want)
{
	const char *v = json_string_value(json_object_get(o, key));

	return v && str_eq(v, want);
}

/* Seconds of a claim; false unless it is an integer, -1 if it is absent. */
static bool claim_time(const json_t *claims, const char *key, int64_t *out)
{
	const json_t *v = json_object_get(claims, key);

	*out = json_is_integer(v) ? json_integer_value(v) : -1;
	return !v || (json_is_integer(v) && *out >= 0);
}

static enum err check_times(const json_t *claims, int64_t now)
{
	int64_t exp, nbf, iat;

	if (!claim_time(claims, "exp", &exp) || !claim_time(claims, "nbf", &nbf) ||
		!claim_time(claims, "iat", &iat))
		return ERR_UNAUTHORIZED;
	if (exp < 0 || exp > now + LIFE_MAX_S || nbf > now + LEEWAY_S || iat > now + LEEWAY_S)
		return ERR_UNAUTHORIZED;
	return exp > now ? ERR_OK : ERR_TOKEN_EXPIRED;
}

static bool read_subject(const json_t *claims, struct token *t)
{
	const char *sub = json_string_value(json_object_get(claims, "sub"));
	const char *sid = json_string_value(json_object_get(claims, "sid"));

	return sub && sid && sub[0] >= '1' && sub[0] <= '9' &&
	       i64_parse(sub, 1, INT64_MAX, &t->user_id) == ERR_OK && sid[0] &&
	       str_copy(t->family, sizeof(t->family), sid);
}

static bool signature_is_good(const struct buf *key, const char *text)
{
	AUTO(jwt_done) jwt_t *j = NULL;

	if (key->len < TOKEN_KEY_MIN ||
		jwt_decode(&j, text, (const unsigned char *)key->text, (int)key->len) != 0)
		return false;
	return jwt_get_alg(j) == JWT_ALG_HS256;
}

enum err token_check(const struct buf *key, const char *text, struct utc now, struct token *out)
{
	AUTO(json_free) json_t *header = NULL;
	AUTO(json_free) json_t *claims = NULL;
	struct token t = { 0 };
	const char *dot1, *dot2;
	enum err e;

	if (strnlen(text, TOKEN_MAX + 1) > TOKEN_MAX)
		return ERR_UNAUTHORIZED;
	dot1 = strchr(text, '.');
	dot2 = dot1 ? strchr(dot1 + 1, '.') : NULL;
	if (!dot2 || strchr(dot2 + 1, '.'))
		return ERR_UNAUTHORIZED;
	header = part_json(text, (size_t)(dot1 - text));
	if (!header || !text_is(header, "alg", "HS256") || !text_is(header, "typ", "JWT"))
		return ERR_UNAUTHORIZED;
	if (!signature_is_good(key, text))
		return ERR_UNAUTHORIZED;
	claims = part_json(dot1 + 1, (size_t)(dot2 - dot1 - 1));
	if (!claims || !text_is(claims, "iss", ISSUER) || !text_is(claims, "aud", AUDIENCE) ||
		!text_is(claims, "use", USE) || !read_subject(claims, &t))
		return ERR_UNAUTHORIZED;
	e = check_times(claims, now.ms / 1000);
	if (e == ERR_OK)
		*out = t;
	return e;
}
