#include <errno.h>
#include <fcntl.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/rand.h"
#include "sim/svc.h"
#include "sim/svc_cert.h"
#include "sim/svc_inbox.h"
#include "web/crypt.h"

static void file_close(FILE **f)
{
	if (*f)
		fclose(*f);
}

/* A new file that only its owner reads; NULL if it is there already or cannot be made. */
static FILE *file_new(const char *dir, const char *name)
{
	char path[512];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	return fd < 0 ? NULL : fdopen(fd, "w");
}

static enum err broken(const char *name, struct problem *why)
{
	return problem_set(why, ERR_INTERNAL, name, "cannot be written: %s", strerror(errno));
}

/* <name>_private.pem and <name>_public.pem */
static enum err make_pair(const char *dir, const char *name, struct problem *why)
{
	AUTO(crypt_key_free) EVP_PKEY *key = NULL;
	AUTO(file_close) FILE *private_file = NULL;
	AUTO(file_close) FILE *public_file = NULL;
	char private_name[64], public_name[64];

	snprintf(private_name, sizeof(private_name), "%s_private.pem", name);
	snprintf(public_name, sizeof(public_name), "%s_public.pem", name);
	private_file = file_new(dir, private_name);
	if (!private_file)
		return errno == EEXIST ? ERR_OK : broken(private_name, why);
	public_file = file_new(dir, public_name);
	key = EVP_RSA_gen(2048);
	if (!public_file || !key ||
		PEM_write_PKCS8PrivateKey(private_file, key, NULL, NULL, 0, NULL, NULL) != 1 ||
		PEM_write_PUBKEY(public_file, key) != 1)
		return broken(public_name, why);
	return ERR_OK;
}

static bool name_it(X509 *x)
{
	X509_NAME *name = X509_get_subject_name(x);

	return X509_NAME_add_entry_by_txt(
		       name, "C", MBSTRING_UTF8, (const unsigned char *)"CN", -1, -1, 0) == 1 &&
	       X509_NAME_add_entry_by_txt(name, "O", MBSTRING_UTF8,
		       (const unsigned char *)"Sandbox stand-in", -1, -1, 0) == 1 &&
	       X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8,
		       (const unsigned char *)"platform certificate", -1, -1, 0) == 1 &&
	       X509_set_issuer_name(x, name) == 1;
}

/* 40 hex digits, as the real ones have. */
static bool number_it(X509 *x)
{
	unsigned char serial[20];
	BIGNUM *bn;
	bool ok;

	rand_bytes(serial, sizeof(serial));
	serial[0] = 0x51;
	bn = BN_bin2bn(serial, sizeof(serial), NULL);
	ok = bn && BN_to_ASN1_INTEGER(bn, X509_get_serialNumber(x));
	BN_free(bn);
	return ok;
}

/* Signed by itself; from start_s (relative to now) for five years. */
static X509 *certificate(EVP_PKEY *key, long start_s)
{
	X509 *x = X509_new();

	if (x && X509_set_version(x, 2) == 1 && number_it(x) && name_it(x) &&
		X509_gmtime_adj(X509_getm_notBefore(x), start_s) &&
		X509_gmtime_adj(X509_getm_notAfter(x), start_s + 5 * 365 * 86400L) &&
		X509_set_pubkey(x, key) == 1 && X509_sign(x, key, EVP_sha256()) > 0)
		return x;
	X509_free(x);
	return NULL;
}

/* <name>.pem with a certificate for <name>_private.pem, which is there. */
static enum err make_certificate(
	const char *dir, const char *name, long start_s, struct problem *why)
{
	AUTO(crypt_key_free) EVP_PKEY *key = NULL;
	AUTO(buf_wipe) struct buf pem = { 0 };
	AUTO(svc_cert_free) X509 *x = NULL;
	AUTO(file_close) FILE *f = NULL;
	char path[512], file[64];

	snprintf(file, sizeof(file), "%s.pem", name);
	f = file_new(dir, file);
	if (!f)
		return errno == EEXIST ? ERR_OK : broken(file, why);
	snprintf(path, sizeof(path), "%s/%s_private.pem", dir, name);
	if (file_read(path, 65536, &pem) != ERR_OK ||
		crypt_private_key(pem.text, pem.len, &key) != ERR_OK)
		return broken(path, why);
	x = certificate(key, start_s);
	return x && PEM_write_X509(f, x) == 1 ? ERR_OK : broken(file, why);
}

/* 2n hex digits in a file. */
static enum err make_secret(const char *dir, const char *name, size_t n, struct problem *why)
{
	AUTO(file_close) FILE *f = file_new(dir, name);
	char hex[129];

	if (!f)
		return errno == EEXIST ? ERR_OK : broken(name, why);
	rand_hex(hex, n);
	return fputs(hex, f) < 0 ? broken(name, why) : ERR_OK;
}

/* What a console of WeChat hands out for the server URL: 43 letters and digits. */
static enum err make_aes_key(const char *dir, const char *name, struct problem *why)
{
	AUTO(file_close) FILE *f = file_new(dir, name);
	char hex[45];

	if (!f)
		return errno == EEXIST ? ERR_OK : broken(name, why);
	rand_hex(hex, 22);
	hex[43] = '\0';
	return fputs(hex, f) < 0 ? broken(name, why) : ERR_OK;
}

static enum err make_wechat(const char *dir, struct problem *why)
{
	enum err e = make_secret(dir, "wechat_mp_secret", 16, why);

	if (e == ERR_OK)
		e = make_secret(dir, "wechat_mp_token", 12, why);
	if (e == ERR_OK)
		e = make_aes_key(dir, "wechat_mp_aes_key", why);
	return e == ERR_OK ? make_secret(dir, "wechat_mini_secret", 16, why) : e;
}

static void print_wechat(const char *dir, const char *sim_base, const char *public_base)
{
	printf("[wechat_mp]\n"
	       "api_base=%s/sandbox/mp\n"
	       "authorize_base=%s/sandbox/mp/connect/oauth2/authorize\n"
	       "app_id=wx8888888888888888\n"
	       "app_secret_file=%s/wechat_mp_secret\n"
	       "token_file=%s/wechat_mp_token\n"
	       "encoding_aes_key_file=%s/wechat_mp_aes_key\n",
		sim_base, public_base, dir, dir, dir);
	printf("template_low1=OA_BALANCE\n"
	       "fields_low1=thing1:shop,thing2:purse,character_string3:balance,time4:sent_at\n"
	       "template_low2=OA_BALANCE\n"
	       "fields_low2=thing1:shop,thing2:purse,character_string3:balance,time4:sent_at\n"
	       "template_arrears=OA_ARREARS\n"
	       "fields_arrears=thing1:shop,thing2:purse,character_string3:balance,thing4:time\n"
	       "template_recharged=OA_RECHARGED\n"
	       "fields_recharged=thing1:shop,thing2:purse,amount3:amount,"
	       "character_string4:balance,time5:sent_at\n"
	       "subscribe_restored=OA_RESTORED\n"
	       "fields_restored=thing1:shop,thing2:purse,phrase3=已恢复\n\n");
	printf("[wechat_mini]\n"
	       "api_base=%s/sandbox/mp\n"
	       "app_id=wx7777777777777777\n"
	       "app_secret_file=%s/wechat_mini_secret\n"
	       "template_low1=MINI_BALANCE\n"
	       "fields_low1=thing1:shop,thing2:purse,character_string3:balance\n"
	       "template_recharged=MINI_RECHARGED\n"
	       "fields_recharged=thing1:shop,amount2:amount,time3:sent_at\n\n",
		sim_base, dir);
}

enum err svc_make_keys(const char *dir, struct problem *why)
{
	static const char *const pairs[] = { "wechat_merchant", "wechat_platform", "alipay_app",
		"alipay", "wechat_cert_a", "wechat_cert_b", "alipay_next" };
	enum err e = ERR_OK;

	if (mkdir(dir, 0700) != 0 && errno != EEXIST)
		return broken(dir, why);
	for (size_t i = 0; i < ARRAY_LEN(pairs) && e == ERR_OK; i++)
		e = make_pair(dir, pairs[i], why);
	if (e == ERR_OK)
		e = make_certificate(dir, "wechat_cert_a", -2 * 86400L, why);
	if (e == ERR_OK) /* the newer one */
		e = make_certificate(dir, "wechat_cert_b", -86400L, why);
	if (e == ERR_OK)
		e = svc_make_alipay_certs(dir, why);
	if (e == ERR_OK)
		e = make_secret(dir, "wechat_api_v3_key", 16, why);
	if (e == ERR_OK)
		e = make_secret(dir, "aliyun_access_key_secret", 15, why);
	if (e == ERR_OK)
		e = make_secret(dir, "jwt_key", 32, why);
	if (e == ERR_OK)
		e = make_wechat(dir, why);
	if (e == ERR_OK)
		e = make_secret(dir, "tencent_secret_key", 16, why);
	if (e == ERR_OK)
		e = make_secret(dir, "aliyun_receipt_secret", 16, why);
	if (e == ERR_OK)
		e = make_secret(dir, "tencent_receipt_secret", 16, why);
	return e;
}

static void print_templates(enum svc_kind k)
{
	for (size_t i = 0; i < svc_template_count; i++)
		for (int l = 0; l < 2; l++) {
			char code[16];

			svc_template_code(&svc_templates[i], k, l == 1, code);
			printf("template_%s%s=%s\n", svc_templates[i].kind, l ? "_en" : "", code);
		}
	printf("\n");
}

void svc_print_settings(const char *dir, const char *sim_base, const char *public_base)
{
	printf("[wechat_pay]\n"
	       "api_base=%s/sandbox/wechat\n"
	       "mch_id=1900000109\napp_id=wx8888888888888888\n"
	       "serial=5157F09EFDC096DE15EBE81A47057A7200000001\n"
	       "private_key_file=%s/wechat_merchant_private.pem\n"
	       "api_v3_key_file=%s/wechat_api_v3_key\n"
	       "public_key_id=PUB_KEY_ID_0119000001092026112200000000000001\n"
	       "public_key_file=%s/wechat_platform_public.pem\n"
	       "notify_base=%s\n"
	       "# the services refuse 127.0.0.1 as a payer's address\n"
	       "local_payer_ip=203.0.113.10\n\n",
		sim_base, dir, dir, dir, public_base);
	printf("[alipay]\n"
	       "gateway=%s/sandbox/alipay/gateway.do\n"
	       "app_id=2021000000000109\nseller_id=2088000000000109\n"
	       "private_key_file=%s/alipay_app_private.pem\n"
	       "alipay_public_key_file=%s/alipay_public.pem\n"
	       "# certificate mode: these three instead of alipay_public_key_file\n"
	       "#app_cert_file=%s/alipay_app_cert.pem\n"
	       "#alipay_cert_file=%s/alipay_cert.pem\n"
	       "#alipay_root_cert_file=%s/alipay_root_cert.pem\n"
	       "notify_base=%s\n\n",
		public_base, dir, dir, dir, dir, dir, public_base);
	printf("[aliyun_sms]\n"
	       "endpoint=%s/sandbox/aliyun/\n"
	       "access_key_id=LTAIsandbox\n"
	       "access_key_secret_file=%s/aliyun_access_key_secret\n"
	       "sign_name=星力城\n"
	       "receipt_secret_file=%s/aliyun_receipt_secret\n",
		sim_base, dir, dir);
	print_templates(SVC_SMS);
	printf("[tencent_sms]\n"
	       "endpoint=%s/sandbox/tencent/\n"
	       "secret_id=AKIDsandbox\n"
	       "secret_key_file=%s/tencent_secret_key\n"
	       "sdk_app_id=1400000109\nsign_name=星力城\n"
	       "receipt_secret_file=%s/tencent_receipt_secret\n",
		sim_base, dir, dir);
	print_templates(SVC_TENCENT);
	print_wechat(dir, sim_base, public_base);
	printf("[sim]\n"
	       "public_base=%s\n"
	       "wechat_merchant_public_key_file=%s/wechat_merchant_public.pem\n"
	       "wechat_platform_private_key_file=%s/wechat_platform_private.pem\n"
	       "wechat_cert_a_file=%s/wechat_cert_a.pem\n"
	       "wechat_cert_a_key_file=%s/wechat_cert_a_private.pem\n"
	       "wechat_cert_b_file=%s/wechat_cert_b.pem\n"
	       "wechat_cert_b_key_file=%s/wechat_cert_b_private.pem\n"
	       "alipay_app_public_key_file=%s/alipay_app_public.pem\n"
	       "alipay_private_key_file=%s/alipay_private.pem\n"
	       "alipay_next_private_key_file=%s/alipay_next_private.pem\n"
	       "alipay_next_cert_file=%s/alipay_next_cert.pem\n"
	       "api_v3_key_file=%s/wechat_api_v3_key\n"
	       "access_key_secret_file=%s/aliyun_access_key_secret\n"
	       "tencent_secret_key_file=%s/tencent_secret_key\n",
		public_base, dir, dir, dir, dir, dir, dir, dir, dir, dir, dir, dir, dir, dir);
}
