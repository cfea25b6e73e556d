#pragma once
/* One line per event, key=value, to standard error. No secrets, no bodies, no whole phone numbers.
 * error: someone must act · warn: odd, handled · info: business events · debug: off unless asked.
 */
#include "base/base.h"

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARN, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };

/* Name of the program, and the least important level still printed. Call once, at start. */
void log_open(const char *program, enum log_level level);
/* A word put before each line of this thread ("req=9f3c…", "bus=G1"); NULL takes it away. */
void log_context(const char *text);

void log_line(enum log_level level, const char *fmt, ...) PRINTF_LIKE(2, 3);
#define log_error(...) log_line(LOG_LEVEL_ERROR, __VA_ARGS__)
#define log_warn(...) log_line(LOG_LEVEL_WARN, __VA_ARGS__)
#define log_info(...) log_line(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_debug(...) log_line(LOG_LEVEL_DEBUG, __VA_ARGS__)

/* "138****0001" for logs; never more than that. */
const char *log_phone(const char *phone, char buf[static 24]);
