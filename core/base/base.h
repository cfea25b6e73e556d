#pragma once
/* What every file may use: integer types, a few attributes, nothing of metering. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MUST_USE __attribute__((warn_unused_result))
#define PRINTF_LIKE(fmt, args) __attribute__((format(printf, fmt, args)))
#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

/* AUTO(json_free) json_t *j = NULL;  calls json_free(&j) when j leaves its scope. */
#define AUTO(free_fn) __attribute__((cleanup(free_fn)))

/* For our own bugs only; stays in release builds and stops the process. */
#define ASSERT(x) ((x) ? (void)0 : assert_failed(#x, __FILE__, __LINE__))
_Noreturn void assert_failed(const char *what, const char *file, int line);
