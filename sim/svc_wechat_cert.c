/* Platform certificates of the stand-in of WeChat Pay, and what is set on command. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/rand.h"
#include "sim/svc_wechat.h"

/* ---- keys ---- */

static void cert_free(struct wx_cert *c)
{
	crypt_key_free(&c->key);
	buf_free(&c->pem);
}

static enum err load_cert(
	struct conf *conf, const char *name, struct wx_cert *out, struct problem *why)
{
	AUTO(buf_wipe) struct buf text = { 0 };
	AUTO(crypt_key_free) EVP_PKEY *public_key = NULL;
	struct wx_cert c = { .serial = "" };
	char secret[40];
	enum err e;

	snprintf(secret, sizeof(secret), "%s_key", name);
	e = conf_secret(conf, "sim", name, &c.pem);
	if (e == ERR_OK)
		e = conf_secret(conf, "sim", secret, &text);
	if (e == ERR_OK)
		e = crypt_certificate(c.pem.text, c.pem.len, &public_key, c.serial);
	if (e == ERR_OK)
		e = crypt_certificate_span(c.pem.text, c.pem.len, &c.from_ms, &c.until_ms);
	if (e == ERR_OK)
		e = crypt_private_key(text.text, text.len, &c.key);
	if (e != ERR_OK) {
		cert_free(&c);
		return problem_set(why, ERR_NOT_CONFIGURED, name,
			"[sim] %s_file and %s_file are no certificate and key", name, secret);
	}
	*out = c;
	return ERR_OK;
}

enum err svc_wechat_load(struct conf *conf, struct svc_wechat **out, struct problem *why)
{
	static const char *const names[WX_CERTS] = { "wechat_cert_a", "wechat_cert_b" };
	AUTO(svc_wechat_free) struct svc_wechat *w = calloc(1, sizeof(*w));
	char file[40];

	ASSERT(w);
	for (size_t i = 0; i < WX_CERTS; i++) {
		enum err e;

		snprintf(file, sizeof(file), "%s_file", names[i]);
		if (!conf_text(conf, "sim", file, NULL))
			break; /* a merchant of today: the public key only */
		e = load_cert(conf, names[i], &w->certs[i], why);
		if (e != ERR_OK)
			return e;
		w->cert_n++;
	}
	*out = w;
	w = NULL;
	return ERR_OK;
}

void svc_wechat_free(struct svc_wechat **w)
{
	if (!*w)
		return;
	for (size_t i = 0; i < WX_CERTS; i++)
		cert_free(&(*w)->certs[i]);
	free(*w);
	*w = NULL;
}

/* ---- on command ---- */

json_t *wx_state(struct svc *s)
{
	json_t *j = json_object_get(s->state, "wechat");

	if (!j) {
		j = json_pack("{s:s}", "listed", "a");
		ASSERT(json_object_set_new(s->state, "wechat", j) == 0);
	}
	return j;
}

bool wx_is_listed(struct svc *s, size_t i)
{
	return strchr(svc_text(wx_state(s), "listed"), i == 0 ? 'a' : 'b') != NULL;
}

static bool is_one_of(const char *word, const char *const words[])
{
	for (size_t i = 0; words[i]; i++)
		if (str_eq(words[i], word))
			return true;
	return false;
}

/* {"signer": "public_key" "a" "b", "listed": "a" "b" "ab" "none", "bills_today": bool,
 * "refund": {"out_refund_no", "status"}} */
struct command {
	const char *signer, *listed, *refund_no, *status;
	bool bills_today, has_bills_today;
};

static enum err read_command(const json_t *j, struct command *c, struct problem *why)
{
	static const char *const names[] = { "signer", "listed", "bills_today", "refund", NULL };
	static const char *const signers[] = { "public_key", "a", "b", NULL };
	static const char *const lists[] = { "a", "b", "ab", "none", NULL };
	static const char *const ends[] = { "SUCCESS", "ABNORMAL", "CLOSED", NULL };
	const json_t *refund = json_object_get(j, "refund");
	enum field_need need = refund ? FIELD_REQUIRED : FIELD_OPTIONAL;
	enum err e = json_only(j, names, why);

	if (e == ERR_OK)
		e = json_get_text(j, "signer", FIELD_OPTIONAL, 16, &c->signer, why);
	if (e == ERR_OK)
		e = json_get_text(j, "listed", FIELD_OPTIONAL, 16, &c->listed, why);
	if (e == ERR_OK && refund)
		e = json_get_text(refund, "out_refund_no", need, 64, &c->refund_no, why);
	if (e == ERR_OK && refund)
		e = json_get_text(refund, "status", need, 16, &c->status, why);
	c->has_bills_today = json_object_get(j, "bills_today") != NULL;
	if (e == ERR_OK)
		e = json_get_bool(j, "bills_today", FIELD_OPTIONAL, &c->bills_today, why);
	if (e != ERR_OK)
		return e;
	if ((c->signer && !is_one_of(c->signer, signers)) ||
		(c->listed && !is_one_of(c->listed, lists)) ||
		(c->status && !is_one_of(c->status, ends)))
		return problem_set(why, ERR_BAD_VALUE, "", "no such word");
	return ERR_OK;
}

void svc_wechat_command(void *ctx, const struct http_request *req, struct http_reply *reply)
{
	AUTO(json_free) json_t *j = NULL;
	struct svc *s = ctx;
	struct command c = { .signer = NULL };
	struct problem why = { 0 };
	json_t *state;
	enum err e = http_body_json(req, &j, &why);

	if (e == ERR_OK)
		e = read_command(j, &c, &why);
	if (e != ERR_OK) {
		http_answer_problem(reply, e, &why);
		return;
	}
	pthread_mutex_lock(&s->lock);
	state = wx_state(s);
	if (c.signer)
		svc_set_text(state, "signer", c.signer);
	if (c.listed)
		svc_set_text(state, "listed", c.listed);
	if (c.has_bills_today)
		svc_set_int(s->state, "bills_today", c.bills_today);
	if (c.refund_no && !wx_refund_end(s, c.refund_no, c.status, utc_now()))
		e = problem_set(&why, ERR_NOT_FOUND, "out_refund_no", "no such refund");
	svc_save(s);
	state = json_deep_copy(state);
	json_object_del(state, "bills");
	pthread_mutex_unlock(&s->lock);
	if (e == ERR_OK)
		http_answer_json(reply, 200, state);
	else
		http_answer_problem(reply, e, &why);
	if (e != ERR_OK)
		json_decref(state);
}

/* ---- GET /v3/certificates ---- */

static json_t *sealed(const struct svc *s, const struct wx_cert *c)
{
	AUTO(buf_free) struct buf text = { 0 };
	char nonce[13];

	rand_hex(nonce, 6);
	ASSERT(gcm_seal(&(struct gcm){ s->api_v3_key.text, nonce, "certificate" }, c->pem.text,
		       c->pem.len, &text) == ERR_OK);
	return json_pack("{s:s, s:s, s:s, s:s}", "algorithm", "AEAD_AES_256_GCM", "nonce", nonce,
		"associated_data", "certificate", "ciphertext", text.text);
}

void wx_certificates(struct svc *s, struct wx_answer *a)
{
	json_t *data = json_array();

	pthread_mutex_lock(&s->lock);
	for (size_t i = 0; i < s->wechat->cert_n; i++) {
		const struct wx_cert *c = &s->wechat->certs[i];
		char from[40], until[40];

		if (!wx_is_listed(s, i))
			continue;
		svc_beijing((struct utc){ c->from_ms }, true, from);
		svc_beijing((struct utc){ c->until_ms }, true, until);
		json_array_append_new(data,
			json_pack("{s:s, s:s, s:s, s:o}", "serial_no", c->serial, "effective_time",
				from, "expire_time", until, "encrypt_certificate", sealed(s, c)));
	}
	pthread_mutex_unlock(&s->lock);
	if (json_array_size(data)) {
		a->status = 200;
		a->body = json_pack("{s:o}", "data", data);
		return;
	}
	json_decref(data);
	wx_refuse(a, 404, "RESOURCE_NOT_EXISTS",
		"无可用的平台证书，请在商户平台-API安全申请使用微信支付公钥");
}
