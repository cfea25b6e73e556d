/* Signatures of the stand-in of WeChat Pay, and those it demands. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/rand.h"
#include "sim/svc_wechat.h"

#define CLOCK_SKEW_S 300
#define SCHEME "WECHATPAY2-SHA256-RSA2048 "
#define PROBE "WECHATPAY/SIGNTEST/"

static struct wx_signer public_key(const struct svc *s)
{
	return (struct wx_signer){ s->platform_key_id, s->platform_private };
}

static struct wx_signer certificate(const struct svc *s, size_t i)
{
	return (struct wx_signer){ s->wechat->certs[i].serial, s->wechat->certs[i].key };
}

struct wx_signer wx_signer_now(struct svc *s)
{
	const char *name;
	struct wx_signer by;

	pthread_mutex_lock(&s->lock);
	name = svc_text(wx_state(s), "signer");
	if (str_eq(name, "b") && s->wechat->cert_n == 2)
		by = certificate(s, 1);
	else if ((str_eq(name, "a") || !s->platform_key_id[0]) && s->wechat->cert_n)
		by = certificate(s, 0);
	else
		by = public_key(s);
	pthread_mutex_unlock(&s->lock);
	return by;
}

static bool find_certificate(struct svc *s, const char *serial, struct wx_signer *out)
{
	bool found = false;

	pthread_mutex_lock(&s->lock);
	for (size_t i = 0; i < s->wechat->cert_n && !found; i++)
		if (wx_is_listed(s, i) && (!serial || str_eq(s->wechat->certs[i].serial, serial))) {
			*out = certificate(s, i);
			found = true;
		}
	pthread_mutex_unlock(&s->lock);
	return found;
}

/* Without a name an answer is signed by a certificate, where there are any. */
bool wx_signer_of(struct svc *s, const char *serial, struct wx_signer *out)
{
	struct wx_signer now;

	if (serial && serial[0] && str_eq(serial, s->platform_key_id)) {
		*out = public_key(s);
		return true;
	}
	if (serial)
		return find_certificate(s, serial, out);
	now = wx_signer_now(s);
	if (now.key != s->platform_private) {
		*out = now;
		return true;
	}
	return find_certificate(s, NULL, out);
}

void wx_signature_free(struct wx_signature *s)
{
	buf_free(&s->signature);
}

void wx_sign(const struct wx_signer *by, const char *body, struct wx_spoil spoil,
	struct wx_signature *out)
{
	AUTO(buf_free) struct buf message = { 0 };
	char noise[49];

	snprintf(out->timestamp, sizeof(out->timestamp), "%lld", (long long)(utc_now().ms / 1000));
	rand_hex(out->nonce, 16);
	if (spoil.probe) {
		rand_hex(noise, 24);
		buf_printf(&out->signature, PROBE "%s", noise);
		return;
	}
	buf_printf(&message, "%s\n%s\n%s%s\n", out->timestamp, out->nonce,
		spoil.forged ? "forged" : "", body);
	ASSERT(crypt_sign(by->key, message.text, message.len, &out->signature) == ERR_OK);
}

/* ---- the caller ---- */

struct authorization {
	char mchid[33], nonce_str[65], timestamp[24], serial_no[65], signature[1024];
};

static bool take_pair(
	struct authorization *a, const char *name, size_t name_n, const char *value, size_t value_n)
{
	const struct {
		const char *name;
		char *dst;
		size_t size;
	} pairs[] = {
		{ "mchid", a->mchid, sizeof(a->mchid) },
		{ "nonce_str", a->nonce_str, sizeof(a->nonce_str) },
		{ "timestamp", a->timestamp, sizeof(a->timestamp) },
		{ "serial_no", a->serial_no, sizeof(a->serial_no) },
		{ "signature", a->signature, sizeof(a->signature) },
	};

	for (size_t i = 0; i < ARRAY_LEN(pairs); i++)
		if (strlen(pairs[i].name) == name_n && memcmp(pairs[i].name, name, name_n) == 0) {
			if (pairs[i].dst[0] || value_n >= pairs[i].size)
				return false;
			memcpy(pairs[i].dst, value, value_n);
			pairs[i].dst[value_n] = '\0';
			return true;
		}
	return false;
}

/* name="value",name="value" in any order, each once. */
static bool read_authorization(const char *text, struct authorization *out)
{
	struct authorization a = { .mchid = "" };

	if (!text || !str_starts(text, SCHEME))
		return false;
	for (const char *s = text + strlen(SCHEME); *s;) {
		const char *eq = strchr(s, '='), *end;

		if (!eq || eq[1] != '"')
			return false;
		end = strchr(eq + 2, '"');
		if (!end || !take_pair(&a, s, (size_t)(eq - s), eq + 2, (size_t)(end - eq - 2)))
			return false;
		s = end + 1;
		if (*s == ',' && s[1])
			s++;
		else if (*s)
			return false;
	}
	*out = a;
	return a.mchid[0] && a.nonce_str[0] && a.timestamp[0] && a.serial_no[0] && a.signature[0];
}

static bool nonce_is_good(const char *nonce)
{
	size_t n = strlen(nonce);

	return n <= 32 && strspn(nonce, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
					"abcdefghijklmnopqrstuvwxyz") == n;
}

static bool signature_is_good(
	const struct svc *s, const struct http_request *req, const struct authorization *a)
{
	AUTO(buf_free) struct buf message = { 0 };
	size_t n;
	const char *body = http_body(req, &n);

	buf_printf(&message, "%s\n%s\n%s\n%s\n", http_method(req), http_raw_target(req),
		a->timestamp, a->nonce_str);
	buf_add(&message, body, n);
	buf_adds(&message, "\n");
	return crypt_verify(s->merchant_public, message.text, message.len, a->signature) == ERR_OK;
}

bool wx_check_caller(
	struct svc *s, const struct http_request *req, struct utc now, struct wx_answer *a)
{
	const char *agent = http_header(req, "User-Agent"), *accept = http_header(req, "Accept");
	struct authorization auth;
	struct wx_signer by;
	int64_t t;

	if (!agent || !agent[0] || !accept ||
		(!strstr(accept, "application/json") && !strstr(accept, "*/*")))
		wx_refuse(a, 400, "PARAM_ERROR", "请求头缺少 User-Agent 或 Accept");
	else if (!read_authorization(http_header(req, "Authorization"), &auth))
		wx_refuse(a, 401, "SIGN_ERROR", "Authorization 格式错误");
	else if (!str_eq(auth.mchid, s->mch_id) || !str_eq(auth.serial_no, s->merchant_serial))
		wx_refuse(a, 401, "SIGN_ERROR", "商户号或证书序列号错误");
	else if (i64_parse(auth.timestamp, 0, INT64_C(99999999999), &t) != ERR_OK ||
		 llabs((long long)(now.ms / 1000 - t)) > CLOCK_SKEW_S)
		wx_refuse(a, 401, "SIGN_ERROR", "时间戳偏差超过5分钟");
	else if (!nonce_is_good(auth.nonce_str))
		wx_refuse(a, 401, "SIGN_ERROR", "随机串错误");
	else if (!signature_is_good(s, req, &auth))
		wx_refuse(a, 401, "SIGN_ERROR", "签名错误");
	else if (!wx_signer_of(s, http_header(req, "Wechatpay-Serial"), &by))
		wx_refuse(a, 400, "PARAM_ERROR", "Wechatpay-Serial 与平台公钥或平台证书不符");
	else
		return true;
	return false;
}
