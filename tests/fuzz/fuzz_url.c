/* Any text as the address of a webhook: what is taken goes to where others may send us. */
#include <stdlib.h>
#include <string.h>

#include "web/web.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	char *url = malloc(n + 1);
	struct problem why = { 0 };

	ASSERT(url);
	memcpy(url, data, n);
	url[n] = '\0';
	if (web_url_check(url, WEB_PUBLIC, &why) == ERR_OK) {
		ASSERT(web_url_check(url, WEB_PRIVATE, &why) == ERR_OK);
		ASSERT(web_url_check(url, WEB_ANY, &why) == ERR_OK);
		ASSERT(web_url_allowed(url) && !strpbrk(url, " \r\n\t"));
	} else {
		ASSERT(why.text[0] && str_eq(why.field, "url"));
	}
	free(url);
	return 0;
}
