/* Any text, cut into short messages: the parts joined are the text, none is longer than its coding
 * allows, and each is whole characters. Counted here by other means than there. */
#include <stdlib.h>
#include <string.h>

#include "notice/sms_text.h"

/* Units of a part, by its bytes alone: a lead byte of four bytes makes a surrogate pair. */
static size_t ucs2(const struct sms_part *p)
{
	size_t units = 0;

	for (size_t i = 0; i < p->n; i++) {
		unsigned char b = (unsigned char)p->at[i];

		units += (b & 0xC0) == 0x80 ? 0 : b >= 0xF0 ? 2 : 1;
	}
	return units;
}

static size_t septets(const struct sms_part *p)
{
	size_t units = 0;

	for (size_t i = 0; i < p->n; i++) {
		ASSERT((unsigned char)p->at[i] < 0x80 && p->at[i] != '`');
		units += strchr("[\\]^{|}~", p->at[i]) ? 2 : 1;
	}
	return units;
}

static void check(const char *text, const struct sms_text *t)
{
	size_t alone = t->coding == SMS_UCS2 ? 70 : 160, joined = t->coding == SMS_UCS2 ? 67 : 153;
	size_t used = 0;

	ASSERT(t->n >= 1 && t->n <= SMS_PARTS_MAX);
	for (size_t i = 0; i < t->n; i++) {
		const struct sms_part *p = &t->parts[i];
		size_t units = t->coding == SMS_UCS2 ? ucs2(p) : septets(p);

		ASSERT(p->at == text + used && p->n > 0);
		ASSERT(((unsigned char)p->at[0] & 0xC0) != 0x80);
		ASSERT(units == p->units && units <= (t->n == 1 ? alone : joined));
		/* no part is left short where one more character would have fitted */
		ASSERT(i + 1 == t->n || units >= joined - 1);
		used += p->n;
	}
	ASSERT(used == strlen(text));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = calloc(1, size + 1), udh[SMS_UDH_MAX];
	struct sms_text t;

	ASSERT(text);
	if (size > 0)
		memcpy(text, data, size);
	if (sms_split(text, &t) == ERR_OK)
		check(text, &t);
	sms_udh(sms_reference(text), 255, 255, udh);
	ASSERT(strlen(udh) == 12);
	free(text);
	return 0;
}
