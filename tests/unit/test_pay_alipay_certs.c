/* Alipay's certificate mode: serials, chains, and the stand-in's certificate that is renewed. */
#include "cmock.h"

#include <openssl/pem.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "alipay_fixture.h"
#include "pay/alipay_inside.h"
#include "sim/svc_cert.h"

static struct stage stage;

static int setup(void **state)
{
	(void)state;
	stage_open(&stage, true);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	stage_close(&stage);
	return 0;
}

static void read_pem(const char *name, struct buf *out)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/%s", stage.files.dir, name);
	assert_int_equal(file_read(path, 65536, out), ERR_OK);
}

static const char *text(const json_t *j, const char *key)
{
	const char *v = json_string_value(json_object_get(j, key));

	assert_non_null(v);
	return v;
}

static void write_pem(X509 *x, struct buf *out)
{
	BIO *bio = BIO_new(BIO_s_mem());
	char *data = NULL;
	long n;

	assert_int_equal(PEM_write_bio_X509(bio, x), 1);
	n = BIO_get_mem_data(bio, &data);
	buf_add(out, data, (size_t)n);
	BIO_free(bio);
}

static X509 *first_of(const struct buf *pem)
{
	BIO *bio = BIO_new_mem_buf(pem->text, (int)pem->len);
	X509 *x = PEM_read_bio_X509(bio, NULL, NULL, NULL);

	BIO_free(bio);
	assert_non_null(x);
	return x;
}

/* ---- serials ---- */

/* The certificates of the vectors are not of our key, so their serials are asked for one by one. */
static void test_serials_of_others(void **state)
{
	AUTO(json_free) json_t *keys = vector("public_keys");
	AUTO(json_free) json_t *want = vector("alipay_cert_sn");
	const json_t *a = json_object_get(keys, "alipay");
	AUTO(buf_free) struct buf roots = { 0 };
	AUTO(alipay_certs_free) struct alipay_certs *c = NULL;
	AUTO(crypt_key_free) EVP_PKEY *key = EVP_RSA_gen(2048);
	AUTO(svc_cert_free)
	X509 *own = svc_cert_make(
		&(struct svc_cert_new){ "Yufu", "test", "own", key, NULL, key, false });
	AUTO(buf_free) struct buf app = { 0 };
	AUTO(buf_free) struct buf alipay = { 0 };
	struct problem why = { 0 };
	const char *app_cert = text(a, "appCert"), *their_cert = text(a, "alipayCert");
	char sn[SVC_SN_MAX];

	(void)state;
	buf_printf(&roots, "%s\n%s", text(a, "rootCert"), text(a, "caCert"));
	buf_adds(&alipay, their_cert);
	write_pem(own, &app);
	assert_int_equal(
		alipay_certs_open(&(struct alipay_cert_files){ app, alipay, roots }, key, &c, NULL),
		ERR_OK);
	assert_string_equal(alipay_root_cert_sn(c), text(want, "alipay_root_cert_sn"));
	svc_cert_sn(own, sn);
	assert_string_equal(alipay_app_cert_sn(c), sn);
	/* a certificate is only looked at further when its serial is the one that was asked for */
	assert_int_equal(alipay_certs_trust(c, text(want, "app_cert_sn"), app_cert,
				 strlen(app_cert), utc_now(), &why),
		ERR_BAD_SIGNATURE);
	assert_string_equal(why.text, "the certificate is not Alipay's");
	assert_int_equal(alipay_certs_trust(c, text(want, "alipay_cert_sn"), app_cert,
				 strlen(app_cert), utc_now(), &why),
		ERR_BAD_SIGNATURE);
	assert_string_equal(why.text, "the certificate has another serial");
	assert_int_equal(alipay_certs_trust(c, text(want, "alipay_cert_sn"), text(a, "alipayCert"),
				 strlen(text(a, "alipayCert")), utc_now(), &why),
		ERR_OK);
}

/* The root that signs by another algorithm does not count. */
static void test_serials_of_ours(void **state)
{
	AUTO(buf_free) struct buf root = { 0 };
	const char *sn = alipay_root_cert_sn(stage.pay->alipay->certs);
	const char *second;

	(void)state;
	read_pem("alipay_root_cert.pem", &root);
	second = strstr(root.text + 1, "-----BEGIN CERTIFICATE");
	assert_non_null(second);
	assert_int_equal(strlen(sn), ALIPAY_SN_LEN);
	assert_true(alipay_is_sn(sn));
	assert_false(alipay_is_sn("zz"));
}

/* ---- chains ---- */

static enum err trust(const struct buf *pem, struct utc now, struct problem *why)
{
	AUTO(svc_cert_free) X509 *x = first_of(pem);
	char sn[SVC_SN_MAX];

	svc_cert_sn(x, sn);
	return alipay_certs_trust(stage.receiver->alipay->certs, sn, pem->text, pem->len, now, why);
}

static void test_chains(void **state)
{
	AUTO(buf_free) struct buf next = { 0 };
	AUTO(buf_free) struct buf app = { 0 };
	AUTO(buf_free) struct buf fake = { 0 };
	AUTO(svc_cert_free) X509 *real = NULL;
	AUTO(svc_cert_free) X509 *forged = NULL;
	struct utc now = utc_now();
	struct problem why = { 0 };

	(void)state;
	read_pem("alipay_next_cert.pem", &next);
	read_pem("alipay_app_cert.pem", &app);
	real = first_of(&next);
	forged = svc_cert_forge(real);
	write_pem(forged, &fake);
	assert_int_equal(trust(&fake, now, &why), ERR_BAD_SIGNATURE);
	assert_string_equal(why.text, "the certificate's chain does not end in the root file");
	/* a merchant's certificate comes from the same root */
	assert_int_equal(trust(&app, now, &why), ERR_BAD_SIGNATURE);
	assert_string_equal(why.text, "the certificate is not Alipay's");
	/* before and after its time */
	assert_int_equal(trust(&next, (struct utc){ now.ms - 3 * INT64_C(86400000) }, &why),
		ERR_BAD_SIGNATURE);
	assert_int_equal(trust(&next, (struct utc){ now.ms + 11 * 365 * INT64_C(86400000) }, &why),
		ERR_BAD_SIGNATURE);
	assert_int_equal(alipay_certs_trust(stage.receiver->alipay->certs,
				 "00000000000000000000000000000000", "nothing", 7, now, &why),
		ERR_BAD_SIGNATURE);
}

/* ---- with the stand-in ---- */

static struct pay_event ask(const char *no)
{
	struct pay_event ev = { 0 };
	struct problem why = { 0 };

	if (pay_query(stage.pay, "alipay", no, utc_now(), soon(), &ev, &why) != ERR_OK)
		fail_msg("%s: %s", why.field, why.text);
	return ev;
}

static void test_payment(void **state)
{
	char no[33], url[4096], token[40];
	struct pay_order o = stage_paid(&stage, no);
	struct problem why = { 0 };

	(void)state;
	assert_int_equal(ask(no).state, PAY_PAID);
	o = stage_order(no);
	assert_int_equal(stage_try(&stage, "alipay_qr", &o, url, &why), ERR_OK);
	stage_visit(&stage, url, token);
	assert_int_equal(pay_close(stage.pay, "alipay", no, utc_now(), soon(), &why), ERR_OK);
}

static void test_answers_unknown(void **state)
{
	static const char *const modes[] = { "answer_forged", "answer_twice", "answer_unsigned" };
	struct pay_event ev;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(modes); i++) {
		stage_mode(&stage, modes[i], 1, 0);
		assert_int_equal(
			pay_query(stage.pay, "alipay", "YFALI1", utc_now(), soon(), &ev, NULL),
			ERR_UNKNOWN);
	}
	stage_mode(&stage, "normal", 0, 0);
}

/* A platform in public-key mode is turned down, and so is one with another root. */
static void test_other_modes(void **state)
{
	static const char *const wrong[] = { "alipay_public_key_file=%1$s/alipay_public.pem\n",
		"app_cert_file=%1$s/alipay_app_cert.pem\nalipay_cert_file=%1$s/alipay_cert.pem\n"
		"alipay_root_cert_file=%1$s/alipay_cert.pem\n" };
	static const char *const codes[] = { "isv.invalid-app-cert-sn",
		"isv.invalid-alipay-root-cert-sn" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
		AUTO(buf_free) struct buf keys = { 0 };
		AUTO(conf_free) struct conf *conf = NULL;
		AUTO(pay_free) struct pay *other = NULL;
		struct problem why = { 0 };
		struct pay_event ev;

		buf_printf(&keys, "private_key_file=%s/alipay_app_private.pem\n", stage.files.dir);
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
		buf_printf(&keys, wrong[i], stage.files.dir);
#pragma GCC diagnostic pop
		conf = stage_conf(&stage, keys.text);
		pay_load(conf, &other);
		/* in public-key mode the answer's serial does not matter, and it is believed */
		assert_int_equal(
			pay_query(other, "alipay", "YFALI00000001", utc_now(), soon(), &ev, &why),
			ERR_REFUSED);
		assert_string_equal(why.field, codes[i]);
	}
}

static void *asker(void *arg)
{
	struct pay_event ev;
	int *good = arg;

	for (int i = 0; i < 20; i++)
		if (pay_query(stage.pay, "alipay", "YFALI00000001", utc_now(), soon(), &ev, NULL) ==
			ERR_OK)
			++*good;
	return NULL;
}

/* Alipay begins to sign with another certificate: it is fetched once, checked and believed, by the
 * caller when an answer names it and by the receiver when a notify does. */
static void test_renewal(void **state)
{
	pthread_t threads[4];
	int good[4] = { 0 };
	char no[33], url[4096], token[40];
	struct pay_order o = stage_order(no);
	struct pay_event ev;
	struct problem why = { 0 };

	(void)state;
	stage_mode(&stage, "rotate_certificate", 1, 0);
	/* it is certain which certificate signs once one answer has come */
	assert_int_equal(stage_try(&stage, "alipay_qr", &o, url, &why), ERR_OK);
	stage_mode(&stage, "normal", 0, 0);
	for (size_t i = 0; i < ARRAY_LEN(threads); i++)
		assert_int_equal(pthread_create(&threads[i], NULL, asker, &good[i]), 0);
	for (size_t i = 0; i < ARRAY_LEN(threads); i++) {
		pthread_join(threads[i], NULL);
		assert_int_equal(good[i], 20);
	}
	stage_visit(&stage, url, token);
	assert_int_equal(stage_press(&stage, token), 200);
	assert_int_equal(stage_wait(no, 1, &ev), 1);
	assert_int_equal(ev.state, PAY_PAID);
	assert_int_equal(ask(no).state, PAY_PAID);
}

/* A download that was forged makes nobody believe the answer, nor that another is asked for at
 * once.
 */
static void test_forged_renewal(void **state)
{
	AUTO(pay_free) struct pay *other = NULL;
	struct pay_event ev;
	struct problem why = { 0 };

	(void)state;
	pay_load(stage.pay_conf, &other);
	stage_mode(&stage, "forged_certificate", 0, 0);
	assert_int_equal(pay_query(other, "alipay", "YFALI00000001", utc_now(), soon(), &ev, &why),
		ERR_UNKNOWN);
	assert_non_null(strstr(why.text, "chain"));
	stage_mode(&stage, "normal", 0, 0);
	assert_int_equal(pay_query(other, "alipay", "YFALI00000001", utc_now(), soon(), &ev, &why),
		ERR_UNKNOWN);
	assert_non_null(strstr(why.text, "just now"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_serials_of_others),
		cmocka_unit_test(test_serials_of_ours),
		cmocka_unit_test(test_chains),
		cmocka_unit_test(test_payment),
		cmocka_unit_test(test_answers_unknown),
		cmocka_unit_test(test_other_modes),
		cmocka_unit_test(test_renewal),
		cmocka_unit_test(test_forged_renewal),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
