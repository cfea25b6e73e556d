#pragma once
/* Short messages inside the stand-ins: approved templates, an inbox instead of phones, receipts. */
#include "sim/svc_state.h"

struct svc_template {
	const char *kind;
	int number; /* SMS_1000<nn> and 1100<nn>; in English SMS_2000<nn> and 1200<nn> */
	const char *params[6];
	const char *text[2]; /* zh, en: variables as ${name} */
};
extern const struct svc_template svc_templates[];
extern const size_t svc_template_count;
void svc_template_code(const struct svc_template *t, enum svc_kind k, bool english, char out[16]);
/* The template of a code of a service; NULL: there is none. */
const struct svc_template *svc_template_find(enum svc_kind k, const char *code, bool *english);
/* What the phone shows; NULL if a variable is missing. params: an object, or a list in the order of
 * the template. The caller frees. */
char *svc_template_fill(const struct svc_template *t, bool english, const json_t *params);

struct svc_message {
	enum svc_kind service;
	const char *phone, *template, *text, *out_id, *ref;
	const json_t *params; /* for the code of a login code */
	bool is_code;
};
/* All with the lock held. */
void svc_inbox_add(struct svc *s, const struct svc_message *m, struct utc now);
/* Messages of a service and a template ("": of any) that a number got in the last while. */
int svc_inbox_count(const struct svc *s, enum svc_kind k, const char *phone, const char *template,
	struct utc now, int64_t ms);
/* Settles what is due: whether a message arrived. */
void svc_inbox_settle(struct svc *s, struct utc now);

/* Pushes receipts until svc_stop(). */
void *svc_receipts(void *svc);
bool svc_is_mobile(const char *phone);
