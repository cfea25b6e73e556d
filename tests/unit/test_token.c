/* Every way in which a token can be wrong; libjwt alone would take most of them. */
#include "cmock.h"

#include <sodium.h>
#include <string.h>

#include "fcgi/token.h"

#define NOW ((struct utc){ INT64_C(1795384417000) })
#define S 1795384417
#define HEADER "{\"alg\":\"HS256\",\"typ\":\"JWT\"}"
#define KEY "0123456789abcdef0123456789abcdef"

static const struct buf key = { .text = (char *)(uintptr_t)KEY, .len = 32 };

static void part(struct buf *out, const void *bytes, size_t n)
{
	char text[8192];

	assert_non_null(sodium_bin2base64(
		text, sizeof(text), bytes, n, sodium_base64_VARIANT_URLSAFE_NO_PADDING));
	buf_adds(out, text);
}

static void sign(struct buf *b, const char *with, size_t with_n)
{
	unsigned char mac[crypto_auth_hmacsha256_BYTES];
	crypto_auth_hmacsha256_state st;

	crypto_auth_hmacsha256_init(&st, (const unsigned char *)with, with_n);
	crypto_auth_hmacsha256_update(&st, (const unsigned char *)b->text, b->len);
	crypto_auth_hmacsha256_final(&st, mac);
	buf_adds(b, ".");
	part(b, mac, sizeof(mac));
}

static enum err check(const char *header, const char *claims, const char *with)
{
	AUTO(buf_free) struct buf b = { 0 };
	struct token t = { 0 };
	enum err e;

	part(&b, header, strlen(header));
	buf_adds(&b, ".");
	part(&b, claims, strlen(claims));
	sign(&b, with, strlen(with));
	e = token_check(&key, b.text, NOW, &t);
	if (e == ERR_OK)
		assert_true(t.user_id == 7 && str_eq(t.family, "f00d"));
	else
		assert_int_equal(t.user_id, 0);
	return e;
}

/* The claims of a good token but for one text, which is exchanged. */
static const char *claims(const char *old, const char *new)
{
	static char text[512];
	static const char good[] = "{\"iss\":\"yufu\",\"aud\":\"yufu-api\",\"use\":\"access\","
				   "\"sub\":\"7\",\"sid\":\"f00d\",\"iat\":1795384410,"
				   "\"exp\":1795385000}";
	const char *at = strstr(good, old);

	assert_non_null(at);
	snprintf(text, sizeof(text), "%.*s%s%s", (int)(at - good), good, new, at + strlen(old));
	return text;
}

static void test_good(void **state)
{
	(void)state;
	assert_int_equal(check(HEADER, claims("", ""), KEY), ERR_OK);
	assert_int_equal(check(HEADER, claims("1795385000", "1795385617"), KEY), ERR_OK);
}

static void test_made_is_taken(void **state)
{
	struct token t = { 42, "abc" }, got;
	char *text = NULL;

	(void)state;
	assert_int_equal(token_make(&key, &t, NOW, &text), ERR_OK);
	assert_int_equal(token_check(&key, text, NOW, &got), ERR_OK);
	assert_int_equal(got.user_id, 42);
	assert_string_equal(got.family, "abc");
	assert_int_equal(token_check(&key, text, (struct utc){ NOW.ms + 899000 }, &got), ERR_OK);
	assert_int_equal(
		token_check(&key, text, (struct utc){ NOW.ms + 900000 }, &got), ERR_TOKEN_EXPIRED);
	free(text);
}

static void test_claims(void **state)
{
	static const struct {
		const char *old, *new;
		enum err want;
	} rows[] = {
		{ ",\"exp\":1795385000", "", ERR_UNAUTHORIZED },
		{ "1795385000", "\"1795385000\"", ERR_UNAUTHORIZED },
		{ "1795385000", "1795385000.5", ERR_UNAUTHORIZED },
		{ "1795385000", "1e30", ERR_UNAUTHORIZED },
		{ "1795385000", "null", ERR_UNAUTHORIZED },
		{ "1795385000", "true", ERR_UNAUTHORIZED },
		{ "1795385000", "-1", ERR_UNAUTHORIZED },
		{ "1795385000", "9999999999", ERR_UNAUTHORIZED },
		{ "1795385000", "1795385618", ERR_UNAUTHORIZED },
		{ "1795385000", "99999999999999999999", ERR_UNAUTHORIZED },
		{ "1795385000", "1795384417", ERR_TOKEN_EXPIRED },
		{ "1795385000", "0", ERR_TOKEN_EXPIRED },
		{ "1795384410", "1795384478", ERR_UNAUTHORIZED },
		{ "1795384410", "1795384477", ERR_OK },
		{ "1795384410", "\"1795384410\"", ERR_UNAUTHORIZED },
		{ "\"iat\"", "\"nbf\":1795384478,\"iat\"", ERR_UNAUTHORIZED },
		{ "\"iat\"", "\"nbf\":\"x\",\"iat\"", ERR_UNAUTHORIZED },
		{ "\"iss\":\"yufu\"", "\"iss\":\"other\"", ERR_UNAUTHORIZED },
		{ "\"iss\":\"yufu\",", "", ERR_UNAUTHORIZED },
		{ "yufu-api", "yufu", ERR_UNAUTHORIZED },
		{ "\"yufu-api\"", "[\"yufu-api\"]", ERR_UNAUTHORIZED },
		{ "access", "refresh", ERR_UNAUTHORIZED },
		{ "\"use\":\"access\",", "", ERR_UNAUTHORIZED },
		{ "\"sub\":\"7\"", "\"sub\":7", ERR_UNAUTHORIZED },
		{ "\"sub\":\"7\",", "", ERR_UNAUTHORIZED },
		{ "\"7\"", "\"-7\"", ERR_UNAUTHORIZED },
		{ "\"7\"", "\"0\"", ERR_UNAUTHORIZED },
		{ "\"7\"", "\"07\"", ERR_UNAUTHORIZED },
		{ "\"7\"", "\"7 OR 1\"", ERR_UNAUTHORIZED },
		{ "\"7\"", "\"99999999999999999999\"", ERR_UNAUTHORIZED },
		{ "\"sid\":\"f00d\",", "", ERR_UNAUTHORIZED },
		{ "f00d", "", ERR_UNAUTHORIZED },
		{ "f00d", "0123456789012345678901234567890123456789", ERR_UNAUTHORIZED },
		{ "\"sub\":\"7\"", "\"sub\":\"8\",\"sub\":\"7\"", ERR_UNAUTHORIZED },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		enum err e = check(HEADER, claims(rows[i].old, rows[i].new), KEY);

		if (e != rows[i].want)
			fail_msg("row %zu (%s): %s", i, rows[i].new, err_word(e));
	}
}

static void test_headers(void **state)
{
	static const char *const headers[] = {
		"{\"alg\":\"none\",\"typ\":\"JWT\"}",
		"{\"alg\":\"HS512\",\"typ\":\"JWT\"}",
		"{\"alg\":\"HS384\",\"typ\":\"JWT\"}",
		"{\"alg\":\"RS256\",\"typ\":\"JWT\"}",
		"{\"alg\":\"hs256\",\"typ\":\"JWT\"}",
		"{\"alg\":\"HS256\"}",
		"{\"alg\":\"HS256\",\"typ\":\"jwt\"}",
		"{\"alg\":[\"HS256\"],\"typ\":\"JWT\"}",
		"{\"alg\":\"none\",\"alg\":\"HS256\",\"typ\":\"JWT\"}",
		"[\"HS256\",\"JWT\"]",
		"\"HS256\"",
		"{",
		"",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(headers); i++)
		if (check(headers[i], claims("", ""), KEY) != ERR_UNAUTHORIZED)
			fail_msg("header %s", headers[i]);
}

static void test_keys(void **state)
{
	static const char *const keys[] = { "0123456789abcdef0123456789abcdeF", "", "0",
		"0123456789abcdef0123456789abcdef0" };
	const struct buf short_key = { .text = (char *)(uintptr_t)KEY, .len = 31 };
	const struct buf no_key = { 0 };
	struct token t;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(keys); i++)
		assert_int_equal(check(HEADER, claims("", ""), keys[i]), ERR_UNAUTHORIZED);
	/* A verifier without a real key trusts nobody. */
	assert_int_equal(
		token_check(&short_key, "eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0.e30.", NOW, &t),
		ERR_UNAUTHORIZED);
	assert_int_equal(token_check(&no_key, "eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0.e30.", NOW, &t),
		ERR_UNAUTHORIZED);
}

static void test_shapes(void **state)
{
	static const char *const texts[] = { "", ".", "..", "...", "a.b.c", "a.b", "a.b.c.d",
		"eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0.e30.",
		"eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.e30.",
		"eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.e30.AAAA",
		"eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9..", "\xff\xfe.\x01.\x02" };
	AUTO(buf_free) struct buf good = { 0 };
	char *text = NULL, *huge = malloc(100001);
	struct token t = { 7, "f00d" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		if (token_check(&key, texts[i], NOW, &t) != ERR_UNAUTHORIZED)
			fail_msg("text %s", texts[i]);
	assert_non_null(huge);
	memset(huge, 'a', 100000);
	huge[100000] = '\0';
	huge[10] = huge[20] = '.';
	assert_int_equal(token_check(&key, huge, NOW, &t), ERR_UNAUTHORIZED);
	free(huge);
	/* Cut, lengthened, and each character changed. */
	assert_int_equal(token_make(&key, &t, NOW, &text), ERR_OK);
	buf_adds(&good, text);
	free(text);
	for (size_t i = 0; i < good.len; i++) {
		char c = good.text[i];

		good.text[i] = c == 'B' ? 'C' : 'B';
		/* The last character of a signature holds four bits that count, and two that
		 * must be zero. */
		assert_int_equal(token_check(&key, good.text, NOW, &t), ERR_UNAUTHORIZED);
		good.text[i] = '\0';
		assert_int_equal(token_check(&key, good.text, NOW, &t), ERR_UNAUTHORIZED);
		good.text[i] = c;
	}
	assert_int_equal(token_check(&key, good.text, NOW, &t), ERR_OK);
	buf_adds(&good, "A");
	assert_int_equal(token_check(&key, good.text, NOW, &t), ERR_UNAUTHORIZED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_made_is_taken),
		cmocka_unit_test(test_claims),
		cmocka_unit_test(test_headers),
		cmocka_unit_test(test_keys),
		cmocka_unit_test(test_shapes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
