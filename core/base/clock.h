#pragma once
/* Instants. Stored and passed as UTC milliseconds; rules never ask the time, they are told. */
#include "base/err.h"

struct utc {
	int64_t ms; /* since 1970-01-01T00:00:00Z; 0 means "never" where a column may be absent */
};

#define UTC_TEXT_MAX 32

struct utc utc_now(void);
int64_t mono_ms(void); /* for waiting; does not jump */
/* Sleeps until mono_ms() reaches deadline_ms or the process gets a signal. */
void mono_sleep_until(int64_t deadline_ms);

/* RFC 3339. Text out is "2026-11-22T10:07:09.123Z"; text in needs an offset or Z, may leave
 * out the fraction, and is refused unless it is a real instant of the years 1970..9999. */
const char *utc_text(struct utc t, char buf[static UTC_TEXT_MAX]);
MUST_USE enum err utc_parse(const char *text, struct utc *out);

/* Days of the proleptic Gregorian calendar, counted from 1970-01-01. */
int64_t civil_days(int year, int month, int day);
void civil_date(int64_t days, int *year, int *month, int *day);
