#include <errno.h>
#include <fcntl.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/rand.h"
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

enum err svc_make_keys(const char *dir, struct problem *why)
{
	static const char *const pairs[] = { "wechat_merchant", "wechat_platform", "alipay_app",
		"alipay" };
	enum err e = ERR_OK;

	if (mkdir(dir, 0700) != 0 && errno != EEXIST)
		return broken(dir, why);
	for (size_t i = 0; i < ARRAY_LEN(pairs) && e == ERR_OK; i++)
		e = make_pair(dir, pairs[i], why);
	if (e == ERR_OK)
		e = make_secret(dir, "wechat_api_v3_key", 16, why);
	if (e == ERR_OK)
		e = make_secret(dir, "aliyun_access_key_secret", 15, why);
	if (e == ERR_OK)
		e = make_secret(dir, "jwt_key", 32, why);
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
	       "notify_base=%s\n\n",
		public_base, dir, dir, public_base);
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
	printf("[sim]\n"
	       "public_base=%s\n"
	       "wechat_merchant_public_key_file=%s/wechat_merchant_public.pem\n"
	       "wechat_platform_private_key_file=%s/wechat_platform_private.pem\n"
	       "alipay_app_public_key_file=%s/alipay_app_public.pem\n"
	       "alipay_private_key_file=%s/alipay_private.pem\n"
	       "api_v3_key_file=%s/wechat_api_v3_key\n"
	       "access_key_secret_file=%s/aliyun_access_key_secret\n"
	       "tencent_secret_key_file=%s/tencent_secret_key\n",
		public_base, dir, dir, dir, dir, dir, dir, dir);
}
