#pragma once
/* The list of routes: everything that the API can do. */
#include "fcgi/api.h"

#define API_PREFIX "/api/v1"
#define XLSX_TYPE "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"

/* Who may call. A row that forgets to say is closed to everybody. */
enum perm {
	PERM_CLOSED,
	PERM_OPEN,   /* anyone */
	PERM_LOCAL,  /* anyone, and also without the prefix; nginx lets only this machine in */
	PERM_USER,   /* whoever is logged in */
	PERM_TENANT, /* a tenant; every query joins the caller's own shops */
	PERM_STAFF,  /* any member of staff; behind it: who has the permission of that name */
	PERM_METER_READ,
	PERM_METER_CONTROL,
	PERM_ACCOUNT_READ,
	PERM_TENANT_READ,
	PERM_ALARM_READ,
	PERM_SALE_CREATE,
	PERM_DAY_SEAL,
	PERM_REPORT_READ,
	PERM_ALARM_ACK,
	PERM_TARIFF_READ,
	PERM_TARIFF_EDIT,
	PERM_ENTRY_READ,
	PERM_ENTRY_REVERSE,
	PERM_REFUND_CREATE,
	PERM_ADJUSTMENT_CREATE,
	PERM_INVOICE_EDIT,
	PERM_APPROVAL_READ,
	PERM_CONTRACT_READ,
	PERM_CONTRACT_EDIT,
	PERM_METER_EDIT,
	PERM_SETTING_READ,
	PERM_SETTING_EDIT,
	PERM_FEE_READ,
	PERM_FEE_EDIT,
	PERM_SHARE_READ,
	PERM_SHARE_EDIT,
	PERM_SCHEDULE_EDIT,
	PERM_ACCOUNT_EDIT,
	PERM_WEBHOOK_MANAGE,
	PERM_RECONCILIATION_READ,
	PERM_RECONCILIATION_RESOLVE,
	PERM_NOTICE_READ,
	PERM_NOTICE_EDIT,
	PERM_DUTY_EDIT,
	PERM_IMPORT_RUN,
	PERM_AUDIT_READ,
	PERM_USER_MANAGE,
	PERM__MAX
};
const char *perm_word(enum perm p); /* "meter.read"; "" for those that are no permission */

enum param_kind {
	PARAM_ID,
	PARAM_TEXT,
	PARAM_DAY,
	PARAM_STEP,
	PARAM_FLAG,
	PARAM_FORMAT,	   /* of a report: json, xlsx, csv */
	PARAM_BOOK_FORMAT, /* of a workbook: xlsx, csv */
	PARAM_FILE_NAME,
	PARAM_NAMES,  /* texts with commas between; each is checked by who reads it */
	PARAM_CURSOR, /* checked by who reads it */
	PARAM_GROUP,  /* what a report is grouped by */
	PARAM_MONTH   /* 2026-11 */
};
struct param {
	const char *name;
	enum param_kind kind;
	bool required;
};

/* What a route is to staff who are confined to areas of their site. */
enum areas {
	AREAS_BY_ID,  /* open by the thing in its path (scope.h), closed when there is none */
	AREAS_LISTED, /* its queries carry the caller's areas */
	AREAS_SITE,   /* of the whole site, and open to them all the same; or their own */
	AREAS_REPORT, /* as the row of the report says */
};

enum body_kind {
	BODY_JSON, /* checked by the schema, when there is one */
	BODY_RAW,  /* the bytes are the message: notifies */
};

/* What polls ask with If-None-Match. */
enum etag {
	ETAG_NONE,
	ETAG_BODY,  /* by what the answer says, a member "at" of it aside */
	ETAG_METERS /* by live_version(), without making the answer */
};

struct route {
	const char *method;
	/* ":id" stands for a number, ":date" for a day, ":secret" and ":name" for a word,
	 * ":report" for a report */
	const char *path;
	enum perm perm;
	const char *body;   /* schema of the request; NULL: none */
	const char *answer; /* schema of the answer; NULL: no JSON */
	bool list;	    /* the answer is a list of these */
	int status;
	enum err (*run)(struct request *r, struct answer *a);
	bool idempotent;   /* needs Idempotency-Key */
	bool key_welcome;  /* takes one, but is safe to repeat without */
	bool approved;	   /* may answer 202 "approval_asked" instead: a second person decides */
	enum perm or_perm; /* who lacks perm may call with this; request.lesser says so */
	const char *help;
	struct param params[12];
	enum areas areas;
	bool first; /* open also to who must change the password */
	enum body_kind body_kind;
	bool any_query;	  /* the query is the sender's own: decoded, not checked */
	size_t body_most; /* a raw body, read when the caller may send it; 0: at most BODY_MAX */
	bool file;	  /* the answer is a workbook */
	bool lines;	  /* the answer is JSON, an object a line */
	/* Of a list that may be long: its pages, filters and orders; the handler takes its rows by
	 * list_rows(). NULL: it is short by nature, and answered whole. */
	const struct listing *listing;
	const char *totals; /* schema of a list's member "totals"; NULL: it has none */
	enum etag etag;
};

extern const struct route routes[];
extern const size_t routes_n;

/* The route of a method and path (prefix taken off), and the number in it (of a day: its days since
 * 1970-01-01; of a report: its place in the list, from 1). ERR_NOT_FOUND;
 * ERR_METHOD with the methods that there are in allow. */
MUST_USE enum err route_find(const char *method, const char *path, const struct route **out,
	int64_t *object, char allow[static 64]);

/* How large a body may be that is sent there, with the prefix; 0: not said. */
size_t route_body_most(const char *method, const char *path);

/* Checks one parameter by its kind. */
MUST_USE enum err param_check(const struct param *p, const char *v, struct problem *why);
json_t *param_schema(enum param_kind kind); /* in the API document; the caller owns it */

/* Decodes and checks a query string: unknown, missing and malformed parameters are refused. */
MUST_USE enum err route_params(
	const struct route *route, const char *query, struct form *out, struct problem *why);
