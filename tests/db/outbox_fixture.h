#pragma once
/* A worker's jobs of messages as they are, against the stand-ins of both services over real
 * sockets, with a clock that can be moved on. */
#include "shop_fixture.h"
#include "worker/jobs.h"

extern struct db *root, *worker_db;
extern struct notice *notice;

int messages_open(void **state);
int messages_close(void **state);

/* The clock runs; this moves it on. Programs and stand-ins see the same. */
void later(int64_t s);
/* How a service ("sms", "tencent") behaves, so often (-1: until it is changed). */
void behave(const char *service, const char *mode, int64_t times, int64_t value);
/* Chooses and sends what is due now, once; all that is due within the time. */
void work(void);
void work_for(int64_t s);

/* A message to a phone that no other test uses; a further copy of the same kind with again. */
struct sent_to {
	char phone[16];
	int64_t id; /* of the outbox */
};
struct sent_to message_new(const char *kind, int64_t tenant_id, const char *language);
int64_t message_again(const char *phone, const char *kind);
/* Of a row: state, way, error; the texts live until the next call. */
const char *row_text(int64_t id, const char *column);
int64_t row_number(int64_t id, const char *column);
void assert_state(int64_t id, const char *state);
/* Messages that a phone has. service "": of both. The last one's text. */
size_t inbox_of(const char *phone, const char *service, char text[static 600]);
/* "aliyun_sms:unknown tencent_sms:done": the attempts of a row. */
const char *attempts_of(int64_t id);
