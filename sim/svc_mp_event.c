/* Events to the platform's server URL, plain or sealed, as WeChat signs them. */
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/rand.h"
#include "sim/svc_mp.h"
#include "web/web.h"

#define POST_MS 5000
#define TRIES 3
#define PAD 32

static int by_bytes(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void sha1_of(const char **texts, size_t n, char out[static 41])
{
	AUTO(buf_free) struct buf all = { 0 };
	unsigned char md[20];

	qsort(texts, n, sizeof(*texts), by_bytes);
	for (size_t i = 0; i < n; i++)
		buf_adds(&all, texts[i]);
	ASSERT(EVP_Digest(all.text, all.len, md, NULL, EVP_sha1(), NULL) == 1);
	hex_encode(md, sizeof(md), out);
}

/* base64 of AES-256-CBC over random(16) length(4) XML app id, padded to 32 bytes. */
static void seal(const struct mp_app *app, const char *xml, struct buf *out)
{
	AUTO(buf_free) struct buf plain = { 0 };
	AUTO(buf_free) struct buf cipher = { 0 };
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	const unsigned char *key = (const unsigned char *)app->aes_key;
	char head[20], pad[PAD];
	size_t n = strlen(xml), fill;
	int len = 0, last = 0;

	rand_bytes(head, 16);
	for (int i = 0; i < 4; i++)
		head[16 + i] = (char)(n >> (24 - 8 * i));
	buf_add(&plain, head, sizeof(head));
	buf_adds(&plain, xml);
	buf_adds(&plain, app->app_id);
	fill = PAD - plain.len % PAD;
	memset(pad, (int)fill, sizeof(pad));
	buf_add(&plain, pad, fill);
	buf_add(&cipher, plain.text, plain.len);
	ASSERT(ctx && EVP_EncryptInit_ex(ctx, EVP_aes_256_cbc(), NULL, key, key) == 1 &&
		EVP_CIPHER_CTX_set_padding(ctx, 0) == 1 &&
		EVP_EncryptUpdate(ctx, (unsigned char *)cipher.text, &len,
			(const unsigned char *)plain.text, (int)plain.len) == 1 &&
		EVP_EncryptFinal_ex(ctx, (unsigned char *)cipher.text + len, &last) == 1);
	EVP_CIPHER_CTX_free(ctx);
	base64_encode(cipher.text, cipher.len, out);
}

/* ---- XML ---- */

static void add_member(struct buf *b, const char *name, const json_t *v)
{
	if (json_is_string(v))
		buf_printf(b, "<%s><![CDATA[%s]]></%s>", name, json_string_value(v), name);
	else
		buf_printf(b, "<%s>%lld</%s>", name, (long long)json_integer_value(v), name);
}

/* Members of a subscribe event lie in a list of their own. */
static const char *list_of(const char *event)
{
	if (str_eq(event, "subscribe_msg_popup_event"))
		return "SubscribeMsgPopupEvent";
	if (str_eq(event, "subscribe_msg_change_event"))
		return "SubscribeMsgChangeEvent";
	return str_eq(event, "subscribe_msg_sent_event") ? "SubscribeMsgSentEvent" : NULL;
}

static void write_xml(const json_t *e, struct buf *b)
{
	const char *list = list_of(svc_text(e, "event")), *name;
	const json_t *v;

	buf_printf(b,
		"<xml><ToUserName><![CDATA[gh_sandbox]]></ToUserName>"
		"<FromUserName><![CDATA[%s]]></FromUserName><CreateTime>%lld</CreateTime>"
		"<MsgType><![CDATA[event]]></MsgType><Event><![CDATA[%s]]></Event>",
		svc_text(e, "openid"), (long long)svc_int(e, "created"), svc_text(e, "event"));
	if (list)
		buf_printf(b, "<%s><List>", list);
	json_object_foreach(json_object_get(e, "members"), name, v)
	{
		add_member(b, name, v);
	}
	if (list)
		buf_printf(b, "</List></%s>", list);
	buf_adds(b, "</xml>");
}

/* ---- posting ---- */

static int post(const struct mp_app *app, const json_t *e)
{
	AUTO(web_answer_free) struct web_answer answer = { 0 };
	AUTO(buf_free) struct buf xml = { 0 };
	AUTO(buf_free) struct buf sealed = { 0 };
	AUTO(buf_free) struct buf url = { 0 };
	char timestamp[24], nonce[17], signature[41];
	bool forged = json_is_true(json_object_get(e, "forged"));
	const char *plain[3] = { forged ? "another-token" : app->token, timestamp, nonce };

	snprintf(timestamp, sizeof(timestamp), "%lld", (long long)(utc_now().ms / 1000));
	rand_hex(nonce, 8);
	write_xml(e, &xml);
	sha1_of(plain, 3, signature);
	buf_printf(&url, "%s?signature=%s&timestamp=%s&nonce=%s&openid=%s", app->event_url,
		signature, timestamp, nonce, svc_text(e, "openid"));
	if (app->is_sealed) {
		const char *texts[4];

		seal(app, xml.text, &sealed);
		texts[0] = forged ? "another-token" : app->token;
		texts[1] = timestamp;
		texts[2] = nonce;
		texts[3] = sealed.text;
		sha1_of(texts, 4, signature);
		buf_printf(&url, "&encrypt_type=aes&msg_signature=%s", signature);
		xml.len = 0;
		buf_printf(&xml,
			"<xml><ToUserName><![CDATA[gh_sandbox]]></ToUserName>"
			"<Encrypt><![CDATA[%s]]></Encrypt></xml>",
			sealed.text);
	}
	if (web_call(&(struct web_request){ .method = "POST",
			     .url = url.text,
			     .headers = { "Content-Type: text/xml" },
			     .body = xml.text,
			     .body_len = xml.len,
			     .deadline_ms = mono_ms() + POST_MS },
		    &answer, NULL) != ERR_OK)
		return 0;
	return answer.status == 200 && !str_eq(answer.body.text, "success") ? 1 : answer.status;
}

void mp_event_queue(struct svc_mp *mp, enum mp_kind app, const char *openid, const char *event,
	json_t *members, bool forged)
{
	json_array_append_new(mp->events,
		json_pack("{s:s, s:s, s:s, s:I, s:o, s:b, s:i}", "app", mp_word(app), "openid",
			openid, "event", event, "created", (json_int_t)(utc_now().ms / 1000),
			"members", members ? members : json_object(), "forged", forged, "tries",
			0));
	pthread_cond_broadcast(&mp->wake);
}

/* Three tries, one after the other. */
static int deliver(const struct mp_app *app, const json_t *e)
{
	int status = 0;

	for (int i = 0; i < TRIES && status != 200; i++)
		status = post(app, e);
	return status;
}

void *mp_event_poster(void *arg)
{
	struct svc_mp *mp = arg;

	pthread_mutex_lock(&mp->lock);
	while (!mp->stopping) {
		AUTO(json_free) json_t *e = NULL;
		const struct mp_app *app;
		int status;

		if (json_array_size(mp->events) == 0) {
			pthread_cond_wait(&mp->wake, &mp->lock);
			continue;
		}
		e = json_incref(json_array_get(mp->events, 0));
		json_array_remove(mp->events, 0);
		app = &mp->apps[str_eq(svc_text(e, "app"), "mp") ? MP_OA : MP_MINI];
		if (!app->token[0])
			continue;
		pthread_mutex_unlock(&mp->lock); /* what post() reads never changes */
		status = deliver(app, e);
		log_info("event=wechat_event_posted kind=%s status=%d", svc_text(e, "event"),
			status);
		pthread_mutex_lock(&mp->lock);
		mp->last_status = status;
		mp->posted++;
	}
	pthread_mutex_unlock(&mp->lock);
	return NULL;
}
