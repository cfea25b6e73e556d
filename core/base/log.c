#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/str.h"

/* The two settings of the log, written once at start. */
static const char *log_program = "yufu";
static enum log_level log_least = LOG_LEVEL_INFO;
static _Thread_local char log_prefix[64];

void log_open(const char *program, enum log_level level)
{
	log_program = program;
	log_least = level;
}

void log_context(const char *text)
{
	snprintf(log_prefix, sizeof(log_prefix), "%s", text ? text : "");
}

/* Control characters would let an input forge lines. */
static void make_printable(char *s)
{
	for (; *s; s++)
		if ((unsigned char)*s < 0x20 || *s == 0x7f)
			*s = '?';
}

void log_line(enum log_level level, const char *fmt, ...)
{
	static const char *const names[] = { "error", "warn", "info", "debug" };
	char now[UTC_TEXT_MAX], words[900], line[1100];
	va_list ap;
	int n;

	if (level > log_least)
		return;
	va_start(ap, fmt);
	vsnprintf(words, sizeof(words), fmt, ap);
	va_end(ap);
	make_printable(words);
	n = snprintf(line, sizeof(line), "t=%s level=%s in=%s %s%s%s\n", utc_text(utc_now(), now),
		names[level], log_program, log_prefix, log_prefix[0] ? " " : "", words);
	if (n < 0)
		return;
	if ((size_t)n >= sizeof(line)) {
		n = (int)sizeof(line) - 1;
		line[n - 1] = '\n';
	}
	/* One write, so that lines of several threads stay whole. Nobody to tell if it fails. */
	if (write(STDERR_FILENO, line, (size_t)n) < 0)
		return;
}

const char *log_phone(const char *phone, char buf[static 24])
{
	size_t n = strlen(phone);

	if (n < 8 || n > 20)
		snprintf(buf, 24, "****");
	else
		snprintf(buf, 24, "%.3s****%s", phone, phone + n - 4);
	return buf;
}
