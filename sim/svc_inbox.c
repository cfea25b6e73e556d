#include "sim/svc_inbox.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/log.h"
#include "web/web.h"

#define INBOX_MAX 2000
#define PUSH_MS 5000
#define ROUND_MS 200
#define ARRIVES_MS 1000

bool svc_is_mobile(const char *p)
{
	return p && strlen(p) == 11 && strspn(p, "0123456789") == 11 && p[0] == '1' && p[1] >= '3';
}

static json_t *inbox(const struct svc *s)
{
	return json_object_get(s->state, "sms");
}

/* What will become of it: fate, when it is settled, and how often the receipt is pushed. */
static void plan(struct svc *s, enum svc_kind k, json_t *m, struct utc now)
{
	int64_t after_s = ARRIVES_MS / 1000, copies = 1, none = 0;
	bool failed = svc_mode_on(s, k, "receipt_failed", &none);

	if (svc_mode_on(s, k, "receipt_never", &none))
		copies = 0;
	if (svc_mode_on(s, k, "receipt_lost", &none))
		after_s = 1000000; /* nor does the service ever know */
	if (svc_mode_on(s, k, "receipt_late", &after_s) && after_s == 1)
		after_s = 10;
	none = 3;
	if (svc_mode_on(s, k, "receipt_duplicate", &none))
		copies = none;
	svc_set_text(m, "fate", "waiting");
	svc_set_text(m, "fate_then", failed ? "failed" : "delivered");
	svc_set_int(m, "fate_ms", now.ms + after_s * 1000);
	svc_set_int(m, "pushes", copies);
	svc_set_int(m, "push_ms", now.ms + after_s * 1000);
	svc_set_int(m, "push_tries", 0);
}

void svc_inbox_add(struct svc *s, const struct svc_message *m, struct utc now)
{
	const char *code =
		json_string_value(json_is_object(m->params) ? json_object_get(m->params, "code")
							    : json_array_get(m->params, 0));
	char full[900];
	json_t *o;

	snprintf(full, sizeof(full), "【%s】%s",
		m->service == SVC_TENCENT ? s->tencent_sign_name : s->sign_name, m->text);
	o = json_pack("{s:s, s:s, s:s, s:s, s:s, s:I, s:s, s:s}", "service", svc_word(m->service),
		"phone", m->phone, "text", full, "template", m->template, "code",
		m->is_code && code ? code : "", "at_ms", (json_int_t)now.ms, "biz_id", m->ref,
		"out_id", m->out_id);
	ASSERT(o);
	plan(s, m->service, o, now);
	json_array_insert_new(inbox(s), 0, o);
	while (json_array_size(inbox(s)) > INBOX_MAX)
		json_array_remove(inbox(s), json_array_size(inbox(s)) - 1);
	svc_save(s);
}

int svc_inbox_count(const struct svc *s, enum svc_kind k, const char *phone, const char *template,
	struct utc now, int64_t ms)
{
	const json_t *m;
	size_t i;
	int n = 0;

	json_array_foreach(inbox(s), i, m)
	{
		const char *service = svc_text(m, "service");

		n += svc_int(m, "at_ms") > now.ms - ms && str_eq(svc_text(m, "phone"), phone) &&
		     str_eq(service[0] ? service : "sms", svc_word(k)) &&
		     (!template[0] || str_eq(svc_text(m, "template"), template));
	}
	return n;
}

void svc_inbox_settle(struct svc *s, struct utc now)
{
	json_t *m;
	size_t i;

	json_array_foreach(inbox(s), i, m)
	{
		if (str_eq(svc_text(m, "fate"), "waiting") && svc_int(m, "fate_ms") <= now.ms)
			svc_set_text(m, "fate", svc_text(m, "fate_then"));
	}
}

/* ---- receipts ---- */

static json_t *receipt(const json_t *m, bool tencent)
{
	bool ok = str_eq(svc_text(m, "fate"), "delivered");
	char sent[40], at[40];

	svc_beijing((struct utc){ svc_int(m, "at_ms") }, false, sent);
	svc_beijing((struct utc){ svc_int(m, "fate_ms") }, false, at);
	if (tencent)
		return json_pack("[{s:s, s:s, s:s, s:s, s:s, s:s, s:s}]", "user_receive_time", at,
			"nationcode", "86", "mobile", svc_text(m, "phone"), "report_status",
			ok ? "SUCCESS" : "FAIL", "errmsg", ok ? "DELIVRD" : "UNDELIV",
			"description", ok ? "用户短信送达成功" : "用户短信未送达", "sid",
			svc_text(m, "biz_id"));
	return json_pack("[{s:s, s:s, s:s, s:b, s:s, s:s, s:s, s:s, s:s}]", "phone_number",
		svc_text(m, "phone"), "send_time", sent, "report_time", at, "success", ok,
		"err_code", ok ? "DELIVERED" : "MK:0001", "err_msg", ok ? "用户接收成功" : "空号",
		"sms_size", "1", "biz_id", svc_text(m, "biz_id"), "out_id", svc_text(m, "out_id"));
}

/* 200 and a number named code, or result 0: what the services take for "received". */
static bool is_received(const struct web_answer *a, bool tencent)
{
	AUTO(json_free) json_t *j = NULL;

	if (a->status != 200 || json_parse(a->body.text, a->body.len, &j, NULL) != ERR_OK)
		return false;
	return json_is_integer(json_object_get(j, tencent ? "result" : "code"));
}

/* Plans the next push before this one leaves; lets the lock go meanwhile. */
static void push(struct svc *s, json_t *message)
{
	static const int wait_s[] = { 60, 300, 600 };
	AUTO(json_free) json_t *m = json_incref(message);
	AUTO(web_answer_free) struct web_answer answer = { 0 };
	bool tencent = str_eq(svc_text(m, "service"), svc_word(SVC_TENCENT)), ok;
	AUTO(json_free) json_t *body = receipt(m, tencent);
	AUTO(text_free) char *text = json_text(body);
	const struct buf *secret = tencent ? &s->tencent_receipt_secret : &s->receipt_secret;
	size_t tries = (size_t)svc_int(m, "push_tries");
	char url[400];

	svc_set_int(m, "push_tries", (int64_t)tries + 1);
	svc_set_int(m, "push_ms", utc_now().ms + wait_s[tries < 3 ? tries : 2] * 1000);
	snprintf(url, sizeof(url), "%s/api/v1/notify/%s-sms/%s", s->public_base,
		tencent ? "tencent" : "aliyun", secret->text);
	pthread_mutex_unlock(&s->lock);
	ok = web_call(&(struct web_request){ .method = "POST",
			      .url = url,
			      .headers = { "Content-Type: application/json" },
			      .body = text,
			      .body_len = strlen(text),
			      .deadline_ms = mono_ms() + PUSH_MS },
		     &answer, NULL) == ERR_OK &&
	     is_received(&answer, tencent);
	pthread_mutex_lock(&s->lock);
	if (ok) {
		svc_set_int(m, "pushes", svc_int(m, "pushes") - 1);
		svc_set_int(m, "push_ms", utc_now().ms);
	}
	if (!ok && tries >= ARRAY_LEN(wait_s))
		svc_set_int(m, "pushes", 0);
	log_info("event=receipt_pushed service=%s try=%zu accepted=%d", svc_text(m, "service"),
		tries, ok);
}

static json_t *first_due(const struct svc *s, struct utc now)
{
	json_t *m;
	size_t i;

	json_array_foreach(inbox(s), i, m)
	{
		bool tencent = str_eq(svc_text(m, "service"), svc_word(SVC_TENCENT));

		if (svc_int(m, "pushes") > 0 && svc_int(m, "push_ms") <= now.ms &&
			!str_eq(svc_text(m, "fate"), "waiting") &&
			(tencent ? &s->tencent_receipt_secret : &s->receipt_secret)->len)
			return m;
	}
	return NULL;
}

void *svc_receipts(void *svc)
{
	struct svc *s = svc;

	pthread_mutex_lock(&s->lock);
	while (!s->stopping) {
		struct utc now = utc_now();
		struct timespec t;
		json_t *m;

		svc_inbox_settle(s, now);
		m = first_due(s, now);
		clock_gettime(CLOCK_REALTIME, &t);
		t.tv_nsec += ROUND_MS * 1000000L;
		t.tv_sec += t.tv_nsec / 1000000000;
		t.tv_nsec %= 1000000000;
		if (m)
			push(s, m);
		else
			pthread_cond_timedwait(&s->wake, &s->lock, &t);
	}
	pthread_mutex_unlock(&s->lock);
	return NULL;
}
