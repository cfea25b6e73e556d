#pragma once
/* What all threads of yufu-api share (immutable but for the counters), and what one request and its
 * answer are. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>

#include "base/zone.h"
#include "db/db.h"
#include "db/listing.h"
#include "domain/totp.h"
#include "domain/user.h"
#include "fcgi/schema.h"
#include "fcgi/tally.h"
#include "fcgi/token.h"
#include "notice/wechat_app.h"
#include "pay/pay.h"
#include "web/form.h"

#define BODY_MAX 65536
#define IMPORT_MAX (20u << 20)	      /* bytes of a workbook */
#define ROUTES_MAX (TALLY_ROUTES - 1) /* the last counts what has no route */
#define PAY_SERVICES_MAX 8

/* Who pushes receipts of short messages: a secret part of its path is all that it shows. */
enum receiver_kind { RECEIVER_ALIYUN, RECEIVER_TENCENT, RECEIVERS };

struct route;

struct api {
	struct conf *conf;
	struct db_settings db;
	struct limits *limits;
	struct pay *pay;
	struct schemas *schemas;
	char *document; /* OpenAPI, printed once: a shared json_t is not for threads */
	struct buf jwt_key;
	unsigned char totp_key[TOTP_KEY_BYTES];
	struct wechat_app *wechat[WECHAT__MAX]; /* NULL: off */
	struct problem wechat_off[WECHAT__MAX]; /* and why */
	atomic_int wechat_asking;		/* calls to WeChat that wait for its answer */
	char site_base[256];			/* public address of the site; "" unless set */
	char receipt_secrets[RECEIVERS][65];	/* "": no receipts are taken */
	const char *models_dir; /* the site's own model files, as the poller has them; NULL: none */
	/* How many requests wait for a payment service, by its place in pay_services, and how many
	 * may: a service that hangs takes no more threads than that. */
	atomic_int pay_waiting[PAY_SERVICES_MAX];
	int pay_waiting_most;
	bool check_answers;	   /* compare each answer with its schema and log what differs */
	atomic_int reports;	   /* being made */
	atomic_int files;	   /* of lists, being made */
	atomic_int imports;	   /* that run or wait */
	pthread_mutex_t importing; /* one workbook in memory at a time */
	struct tally *tally;	   /* of all processes here; route ROUTES_MAX: none */
};

MUST_USE enum err api_open(struct conf *conf, struct api **out, struct problem *why);
void api_free(struct api **api);

/* What is asked of a list (fcgi/list.h). */
struct list_state {
	const char *format; /* json, csv, xlsx */
	bool whole;	    /* all pages: a file without a limit */
	struct list_ask ask;
	struct list_place next; /* where the page ended; n is 0 when it was the last */
};

struct request {
	struct api *api;
	struct db *db;
	const struct route *route;
	struct utc now;
	char id[65]; /* for logs and problems */
	const char *method;
	const char *path;   /* without the prefix and without the query; percent-encoding refused */
	const char *query;  /* as sent */
	const char *remote; /* address of the client */
	const char *body;
	size_t body_n;
	enum err (*read_body)(struct request *r, size_t most, struct problem *why);
	void *incoming;	      /* for it; it is called once the caller may send a large body */
	enum err body_error;  /* why the body was not read; its words are in the answer */
	char *const *headers; /* FastCGI parameters, "NAME=value", NULL-terminated */
	int64_t object;	      /* :id, :date or :report (from 1) of the path; 0 if it has none */
	struct form params;   /* of the query, checked against the route */
	struct list_state list;
	json_t *json;	  /* of the body, checked against its schema; NULL if it has none */
	struct user user; /* the caller; id 0 where anyone may call */
	bool ran;	  /* its handler was called */
	bool lesser;	  /* the caller has the route's or_perm only */
	int64_t scope;	  /* caller_site() */
	char actor[32];	  /* "user:3" */
	char family[33];  /* session of the caller */
};

struct answer {
	int status;	    /* 0: that of the route */
	json_t *json;	    /* what the handler made */
	struct buf text;    /* or text of this type */
	FILE *file;	    /* or the rest of this file, of this type */
	char file_name[96]; /* under which to save it; "": it is shown */
	const char *type;   /* NULL: application/json */
	char etag[80];
	char allow[64];
	char location[1280]; /* of a redirect */
	char cookie[512];    /* Set-Cookie: its path may be most of site_base */
	json_t *more;	     /* further members of a problem */
	int retry_after;     /* seconds; 0: no such header */
	bool repeated;	     /* taken from the store of idempotent answers */
	struct problem why;
};
void answer_free(struct answer *a);
/* Makes it the problem e, with the words of a->why. */
void answer_problem(const struct request *r, struct answer *a, enum err e);

/* A parameter of the request ("HTTP_AUTHORIZATION"), or NULL. */
const char *request_header(const struct request *r, const char *name);

/* Does Accept-Language name Chinese before English? Where it names neither: otherwise, which is
 * true for files and reports, whose readers are the site's. */
bool request_chinese(const struct request *r, bool otherwise);
/* Counts it: by user where one is known, else by address; notifies and watchers are not counted.
 * ERR_TOO_MANY, with a->retry_after. */
MUST_USE enum err request_limited(struct request *r, struct answer *a);
/* The same for questions whose a meter is: by user, and by address. */
MUST_USE enum err request_limited_payee(struct request *r, struct answer *a);

/* Members of the checked body; absent ones give the fallback. Texts are borrowed. */
const char *body_text(const struct request *r, const char *key, const char *fallback);
int64_t body_int(const struct request *r, const char *key, int64_t fallback);
/* A local day of the body ("2026-11-22"); *given is false when there is none. ERR_BAD_VALUE for a
 * text that is no day. */
MUST_USE enum err body_day(const struct request *r, const char *key, bool *given, struct day *out,
	struct problem *why);
/* Checked query parameters; absent ones give 0 or "". */
int64_t param_int(const struct request *r, const char *name);
const char *param_text(const struct request *r, const char *name);
/* The site that a staff caller is confined to; 0: none. In a route of AREAS_LISTED also minus the
 * id of a caller who is confined to areas (scope.h): for queries, never to be compared. */
int64_t caller_site(const struct request *r);

/* The site that a staff request is about: the caller's own, or the one named (0: none), or the only
 * one. ERR_NOT_FOUND for another than the caller's; ERR_MISSING_FIELD when there are several. */
MUST_USE enum err request_site(
	const struct request *r, int64_t named, int64_t *out, struct problem *why);
/* The zone of the caller's site, in which days of parameters and times of files are meant; UTC for
 * who sees several. The caller frees. */
MUST_USE enum err request_zone(struct request *r, struct zone **out);
/* "<what>:<user>:<Idempotency-Key>": a once_key for what this request writes. */
#define ONCE_MAX 128
const char *request_once(const struct request *r, const char *what, char buf[static ONCE_MAX]);
/* The answer 202: it waits for a second person. */
void answer_approval(struct answer *a, int64_t approval_id);

/* {"items": […], "next": null}; takes over items. */
json_t *json_items(json_t *items);

/* Half-open span of the query's days from and to, in the zone of the caller's site (UTC when there
 * are several); 0 where a day is not given. */
MUST_USE enum err param_span(struct request *r, struct utc *from, struct utc *to);

/* From a request with method, path, query, headers and body to a whole answer (status set, text or
 * json or neither). Never fails: failures are answers. */
void api_handle(struct request *r, struct answer *a);
/* The answer as it leaves: header lines, an empty line, the body. */
void answer_write(const struct request *r, struct answer *a, struct buf *out);
