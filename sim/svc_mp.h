#pragma once
/* Stand-in of WeChat's service account and mini program: who logs in, access tokens, messages, and
 * events to the platform's server URL. Nothing of it is kept in a file: after a restart the tokens
 * of before are unknown, as after a change of the secret. */
#include "sim/svc_state.h"

enum mp_kind { MP_OA, MP_MINI, MP__MAX };

#define MP_PEOPLE 5
#define MP_OPENID_MAX 40

struct mp_app { /* texts live as long as the conf, or are ours */
	const char *app_id;
	char secret[130], token[40], aes_key[32];
	bool is_sealed;
	char event_url[512];
	char now_token[180], old_token[180];
	int64_t made_ms, old_until_ms;
	int64_t forced_ms, forced; /* the last time, and how often today */
	int64_t asked, made;	   /* times that a token was asked for, and made */
	int64_t refuse_code;	   /* answers to the next sends */
	int64_t refuse_left;
};

struct svc_mp {
	struct svc *svc;
	pthread_mutex_t lock; /* guards what follows */
	pthread_cond_t wake;
	bool stopping;
	struct mp_app apps[MP__MAX];
	json_t *codes;	  /* {code: {openid, app, at_ms, used, snapshot}} */
	json_t *people;	  /* {openid: {n, app, follows, blocked, permissions: {template: n}}} */
	json_t *messages; /* newest first */
	json_t *sent;	  /* {"openid/client_msg_id": {at_ms, msgid}} */
	json_t *events;	  /* to be posted */
	int64_t next_msgid;
	int64_t last_status; /* of the last event posted; 0: no answer */
	int64_t posted;
	pthread_t poster;
};

/* Names of the two apps in commands: "mp" and "mini". */
const char *mp_word(enum mp_kind k);
/* The n-th person (from 1) of an app. */
void mp_openid(const struct mp_app *app, int n, char out[static MP_OPENID_MAX]);
json_t *mp_person(const struct svc_mp *mp, const char *openid); /* NULL: nobody */

struct mp_template {
	enum mp_kind app;
	const char *id, *title;
	bool counted; /* a subscribe notice */
	const char *fields[8];
};
const struct mp_template *mp_template(enum mp_kind app, const char *id);

/* With the lock held: an event for the server URL of an app. members are added to it. Takes them.
 */
void mp_event_queue(struct svc_mp *mp, enum mp_kind app, const char *openid, const char *event,
	json_t *members, bool forged);
/* Posts what is queued until the end. */
void *mp_event_poster(void *mp);

/* Handlers; ctx is struct svc_mp. */
void mp_handle(void *ctx, const struct http_request *req, struct http_reply *reply);
void mp_authorize(void *ctx, const struct http_request *req, struct http_reply *reply);
void mp_choose(void *ctx, const struct http_request *req, struct http_reply *reply);
void mp_messages_page(void *ctx, const struct http_request *req, struct http_reply *reply);
void mp_messages_json(void *ctx, const struct http_request *req, struct http_reply *reply);
void mp_command(void *ctx, const struct http_request *req, struct http_reply *reply);
void mp_show(void *ctx, const struct http_request *req, struct http_reply *reply);

/* Registers the routes; *out is NULL without [wechat_mp] app_id. */
MUST_USE enum err svc_mp_start(struct conf *conf, struct http *http, struct svc *svc,
	struct svc_mp **out, struct problem *why);
void svc_mp_stop(struct svc_mp **mp);
