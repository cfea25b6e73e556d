#include "notice/sms_text.h"

#include <stdio.h>
#include <string.h>

static const struct {
	size_t alone, joined;
} limits[] = { [SMS_GSM7] = { 160, 153 }, [SMS_UCS2] = { 70, 67 } };

/* One character of UTF-8: its bytes and code point. 0: none that may stand in a message. */
static size_t next_char(const char *text, uint32_t *code)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	unsigned char first = (unsigned char)text[0];
	size_t n = first < 0x80	  ? 1
		   : first < 0xC2 ? 0
		   : first < 0xE0 ? 2
		   : first < 0xF0 ? 3
		   : first < 0xF5 ? 4
				  : 0;
	uint32_t c = n < 2 ? first : first & (0x7FU >> n);

	for (size_t i = 1; i < n; i++) {
		if (((unsigned char)text[i] & 0xC0) != 0x80)
			return 0;
		c = c << 6 | ((unsigned char)text[i] & 0x3F);
	}
	if (n == 0 || c < least[n] || c > 0x10FFFF || (c >= 0xD800 && c < 0xE000))
		return 0;
	if ((c < 0x20 && c != '\n') || (c >= 0x7F && c < 0xA0))
		return 0;
	*code = c;
	return n;
}

static size_t units_of(uint32_t c, enum sms_coding coding)
{
	if (coding == SMS_UCS2)
		return c > 0xFFFF ? 2 : 1;
	return strchr("^{}\\[~]|", (int)c) ? 2 : 1;
}

/* The coding that all characters have, and how long the text is in it. */
static enum err measure(const char *text, enum sms_coding *coding, size_t *units)
{
	size_t septets = 0, words = 0, n;
	bool gsm7 = true, blank = true;
	uint32_t c = 0;

	for (; *text; text += n) {
		n = next_char(text, &c);
		if (n == 0)
			return ERR_BAD_VALUE;
		gsm7 = gsm7 && c < 0x80 && c != '`';
		blank = blank && (c == ' ' || c == '\n' || c == 0x3000 || c == 0xA0);
		septets += gsm7 ? units_of(c, SMS_GSM7) : 0;
		words += units_of(c, SMS_UCS2);
	}
	*coding = gsm7 ? SMS_GSM7 : SMS_UCS2;
	*units = gsm7 ? septets : words;
	return blank ? ERR_MISSING_FIELD : ERR_OK;
}

enum err sms_split(const char *text, struct sms_text *out)
{
	struct sms_text t = { .n = 1, .parts[0].at = text };
	struct sms_part *part = &t.parts[0];
	size_t whole = 0, limit, n;
	uint32_t c = 0;
	enum err e = measure(text, &t.coding, &whole);

	if (e != ERR_OK)
		return e;
	limit = whole <= limits[t.coding].alone ? whole : limits[t.coding].joined;
	for (; *text; text += n) {
		size_t units;

		n = next_char(text, &c);
		units = units_of(c, t.coding);
		if (part->units + units > limit) {
			if (t.n == SMS_PARTS_MAX)
				return ERR_TOO_LARGE;
			part = &t.parts[t.n++];
			part->at = text;
		}
		part->n += n;
		part->units += units;
	}
	*out = t;
	return ERR_OK;
}

void sms_udh(uint8_t reference, size_t total, size_t no, char out[static SMS_UDH_MAX])
{
	snprintf(out, SMS_UDH_MAX, "050003%02X%02X%02X", reference, (unsigned)(uint8_t)total,
		(unsigned)(uint8_t)no);
}

uint8_t sms_reference(const char *out_id)
{
	unsigned r = 0;

	for (; *out_id; out_id++)
		r = r * 31 + (unsigned char)*out_id;
	return (uint8_t)r;
}
