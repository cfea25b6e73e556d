#pragma once
/* How a text is cut into short messages. Pure: text in, parts out.
 *
 * A message of ASCII that the GSM 7-bit alphabet has goes in that: 160 septets, or 153 in each of
 * several parts, where ^ { } \ [ ~ ] | count two. Any other goes in UCS-2: 70 units of 16 bits, or
 * 67 a part, where characters beyond the basic plane count two. No character is cut in two. */
#include "base/str.h"

#define SMS_PARTS_MAX 10

enum sms_coding { SMS_GSM7, SMS_UCS2 };

struct sms_part {
	const char *at; /* into the text that was split */
	size_t n;	/* bytes */
	size_t units;	/* septets, or units of 16 bits */
};

struct sms_text {
	enum sms_coding coding;
	size_t n;
	struct sms_part parts[SMS_PARTS_MAX];
};

/* The parts borrow from the text. ERR_MISSING_FIELD an empty or blank text · ERR_BAD_VALUE not
 * UTF-8, or control characters other than line feeds · ERR_TOO_LARGE more than SMS_PARTS_MAX parts.
 */
MUST_USE enum err sms_split(const char *text, struct sms_text *out);

/* The header that joins parts: "050003" reference total number, in hex. no counts from 1. */
#define SMS_UDH_MAX 13
void sms_udh(uint8_t reference, size_t total, size_t no, char out[static SMS_UDH_MAX]);
/* A reference of a message by our name of it: the same for the same, another for the next. */
uint8_t sms_reference(const char *out_id);
