#pragma once
/* What a password must be: long enough, and not one that is tried first. Nothing about kinds of
 * characters, as NIST SP 800-63B has it: such rules make passwords that are alike. */
#include "base/err.h"

#define PASSWORD_MIN 8	 /* characters */
#define PASSWORD_MAX 128 /* bytes */

/* ERR_OUT_OF_RANGE for one that is too short or too long; ERR_BAD_VALUE for one of the common ones
 * (upper and lower case alike), for one character or the name of the user again and again, and for
 * bytes that are no UTF-8. field: what why names. */
MUST_USE enum err password_rules(
	const char *password, const char *username, const char *field, struct problem *why);
