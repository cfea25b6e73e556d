#pragma once
/* Inside core/sheet: numbers and dates as spreadsheets keep them. */
#include "base/err.h"

#define DECIMAL_MAX 64
/* "1.0E-2" to "0.01": plain, rounded to 15 digits that count. False: no number, or one that no
 * person would write out (beyond 10^30). */
MUST_USE bool decimal_text(const char *v, char out[static DECIMAL_MAX]);

/* A serial number of days to a date, a date with time, or a time. False outside 1900..9999. */
MUST_USE bool serial_text(const char *v, bool from_1904, char out[static DECIMAL_MAX]);

/* Does a number format show dates or times? By its number, or by its code. */
bool format_is_date(int64_t id);
bool format_code_is_date(const char *code);
