/* Any bytes as receipts of short messages. The first byte chooses the service. What is accepted
 * must be usable: texts end, and each has a fate. */
#include <string.h>

#include "notice/notice.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct notice_delivery list[NOTICE_RECEIPTS_MAX];
	const char *body = (const char *)data + 1;
	struct problem why = { 0 };
	size_t n = 0;
	enum err e;

	if (size < 1)
		return 0;
	e = (data[0] % 2 ? notice_receipts_tencent : notice_receipts_aliyun)(
		body, size - 1, list, NOTICE_RECEIPTS_MAX, &n, &why);
	ASSERT(e == ERR_OK || n == 0);
	ASSERT(n <= NOTICE_RECEIPTS_MAX);
	for (size_t i = 0; i < n; i++) {
		ASSERT(memchr(list[i].recipient, '\0', sizeof(list[i].recipient)));
		ASSERT(memchr(list[i].provider_ref, '\0', sizeof(list[i].provider_ref)));
		ASSERT(memchr(list[i].out_id, '\0', sizeof(list[i].out_id)));
		ASSERT(list[i].fate <= FATE_NEVER_SENT && list[i].at.ms >= 0);
	}
	return 0;
}
