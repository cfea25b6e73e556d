/* Form coding, base64, keys, addresses: what the services' bytes pass through. */
#include "cmock.h"

#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <string.h>

#include "web/crypt.h"
#include "web/form.h"
#include "web/web.h"

static void test_form(void **state)
{
	static const char text[] = "b=2+2&a=%E7%94%B5&c=&d&e=%2520";
	AUTO(form_free) struct form f = { .n = 0 };
	AUTO(buf_free) struct buf out = { 0 };

	(void)state;
	assert_int_equal(form_decode(text, strlen(text), &f, NULL), ERR_OK);
	assert_int_equal(f.n, 5);
	assert_string_equal(form_get(&f, "a"), "电");
	assert_string_equal(form_get(&f, "b"), "2 2");
	assert_string_equal(form_get(&f, "d"), "");
	assert_string_equal(form_get(&f, "e"), "%20"); /* decoded once */
	assert_null(form_get(&f, "x"));
	form_encode(&f, &out);
	assert_string_equal(out.text, "a=%E7%94%B5&b=2%202&c=&d=&e=%2520");
	assert_int_equal(form_add(&f, "a", "again"), ERR_CONFLICT);
}

static void test_form_refuses(void **state)
{
	static const char *const bad[] = { "a=1&a=2", "a=%", "a=%4", "a=%zz", "a=%00", "=1", "&",
		"a=1&&b=2", "a=% 4" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct form f = { .n = 0 };
		struct problem why = { 0 };

		assert_int_equal(form_decode(bad[i], strlen(bad[i]), &f, &why), ERR_BAD_VALUE);
		assert_true(why.text[0] != '\0');
	}
}

static void test_form_full(void **state)
{
	AUTO(buf_free) struct buf text = { 0 };
	struct form f = { .n = 0 };

	(void)state;
	for (int i = 0; i <= FORM_PAIRS_MAX; i++)
		buf_printf(&text, "%sn%d=1", i ? "&" : "", i);
	assert_int_equal(form_decode(text.text, text.len, &f, NULL), ERR_TOO_LARGE);
}

static void test_base64(void **state)
{
	static const struct {
		const char *plain, *coded;
	} pairs[] = { { "", "" }, { "f", "Zg==" }, { "fo", "Zm8=" }, { "foo", "Zm9v" },
		{ "foob", "Zm9vYg==" } };
	static const char *const bad[] = { "Z", "Zg=", "Zg", "Z===", "Zg==Zg==", "Zm 9v", "Zm9\n",
		"=Zg=", "-_-_" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(pairs); i++) {
		AUTO(buf_free) struct buf coded = { 0 };
		AUTO(buf_free) struct buf plain = { 0 };

		base64_encode(pairs[i].plain, strlen(pairs[i].plain), &coded);
		assert_string_equal(coded.text, pairs[i].coded);
		assert_int_equal(base64_decode(coded.text, coded.len, &plain), ERR_OK);
		assert_string_equal(plain.text, pairs[i].plain);
	}
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		AUTO(buf_free) struct buf plain = { 0 };

		assert_int_equal(base64_decode(bad[i], strlen(bad[i]), &plain), ERR_BAD_VALUE);
	}
}

/* Longer than the pieces that are coded at a time. */
static void test_base64_long(void **state)
{
	AUTO(buf_free) struct buf coded = { 0 };
	AUTO(buf_free) struct buf plain = { 0 };
	uint8_t bytes[1000];

	(void)state;
	rand_bytes(bytes, sizeof(bytes));
	base64_encode(bytes, sizeof(bytes), &coded);
	assert_int_equal(base64_decode(coded.text, coded.len, &plain), ERR_OK);
	assert_int_equal(plain.len, sizeof(bytes));
	assert_memory_equal(plain.text, bytes, sizeof(bytes));
}

static void pem_of(EVP_PKEY *key, struct buf *out)
{
	BIO *bio = BIO_new(BIO_s_mem());
	char *text;
	long n;

	assert_int_equal(PEM_write_bio_PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL), 1);
	n = BIO_get_mem_data(bio, &text);
	buf_add(out, text, (size_t)n);
	BIO_free(bio);
}

static void test_keys(void **state)
{
	AUTO(crypt_key_free) EVP_PKEY *key = EVP_RSA_gen(2048);
	AUTO(crypt_key_free) EVP_PKEY *small = EVP_RSA_gen(1024);
	AUTO(crypt_key_free) EVP_PKEY *curve = EVP_EC_gen("P-256");
	AUTO(crypt_key_free) EVP_PKEY *back = NULL;
	AUTO(buf_free) struct buf pem = { 0 };
	AUTO(buf_free) struct buf small_pem = { 0 };
	AUTO(buf_free) struct buf curve_pem = { 0 };
	AUTO(buf_free) struct buf sign = { 0 };

	(void)state;
	pem_of(key, &pem);
	pem_of(small, &small_pem);
	pem_of(curve, &curve_pem);
	assert_int_equal(crypt_private_key(pem.text, pem.len, &back), ERR_OK);
	assert_int_equal(crypt_sign(back, "text", 4, &sign), ERR_OK);
	assert_int_equal(crypt_verify(key, "text", 4, sign.text), ERR_OK);
	assert_int_equal(crypt_verify(key, "texT", 4, sign.text), ERR_BAD_SIGNATURE);
	assert_int_equal(crypt_verify(key, "text", 4, ""), ERR_BAD_SIGNATURE);
	assert_int_equal(crypt_verify(small, "text", 4, sign.text), ERR_BAD_SIGNATURE);
	assert_int_equal(crypt_private_key(small_pem.text, small_pem.len, &(EVP_PKEY *){ 0 }),
		ERR_BAD_VALUE);
	assert_int_equal(crypt_private_key(curve_pem.text, curve_pem.len, &(EVP_PKEY *){ 0 }),
		ERR_BAD_VALUE);
	assert_int_equal(crypt_private_key("nonsense", 8, &(EVP_PKEY *){ 0 }), ERR_BAD_VALUE);
	assert_int_equal(crypt_public_key(pem.text, pem.len, &(EVP_PKEY *){ 0 }), ERR_BAD_VALUE);
}

/* Alipay's console hands out bare base64. */
static void test_bare_keys(void **state)
{
	AUTO(crypt_key_free) EVP_PKEY *key = EVP_RSA_gen(2048);
	AUTO(crypt_key_free) EVP_PKEY *public_key = NULL;
	AUTO(crypt_key_free) EVP_PKEY *private_key = NULL;
	AUTO(buf_free) struct buf text = { 0 };
	AUTO(buf_free) struct buf secret = { 0 };
	AUTO(buf_free) struct buf sign = { 0 };
	unsigned char *der = NULL;
	int n = i2d_PUBKEY(key, &der);

	(void)state;
	base64_encode(der, (size_t)n, &text);
	OPENSSL_free(der);
	der = NULL;
	n = i2d_PrivateKey(key, &der);
	base64_encode(der, (size_t)n, &secret);
	OPENSSL_free(der);
	assert_int_equal(crypt_public_key(text.text, text.len, &public_key), ERR_OK);
	assert_int_equal(crypt_private_key(secret.text, secret.len, &private_key), ERR_OK);
	assert_int_equal(crypt_sign(private_key, "x", 1, &sign), ERR_OK);
	assert_int_equal(crypt_verify(public_key, "x", 1, sign.text), ERR_OK);
}

static void test_addresses(void **state)
{
	static const char *const good[] = { "https://api.mch.weixin.qq.com",
		"https://x.example/a?b", "http://127.0.0.1:8080/x", "http://localhost/",
		"http://[::1]:1/" };
	static const char *const bad[] = { "http://api.mch.weixin.qq.com", "ftp://127.0.0.1/",
		"http://127.0.0.1.evil.example/", "http://127.0.0.1@evil.example/",
		"https://user:secret@x.example/", "https://x.example/#part", "x", "",
		"file:///etc/passwd" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(good); i++)
		assert_true(web_url_allowed(good[i]));
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_false(web_url_allowed(bad[i]));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_form),
		cmocka_unit_test(test_form_refuses),
		cmocka_unit_test(test_form_full),
		cmocka_unit_test(test_base64),
		cmocka_unit_test(test_base64_long),
		cmocka_unit_test(test_keys),
		cmocka_unit_test(test_bare_keys),
		cmocka_unit_test(test_addresses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
