/* What services of short messages have in common. */
#include <stdio.h>
#include <string.h>

#include "notice/channel.h"

#define BEIJING_MS (8 * 3600 * 1000)

void notice_split_endpoint(const char *endpoint, char host[static 256], char path[static 256])
{
	const char *h = strstr(endpoint, "://") + 3;
	size_t n = strcspn(h, "/");

	snprintf(host, 256, "%.*s", (int)n, h);
	snprintf(path, 256, "%s", h[n] ? h + n : "/");
}

bool notice_is_mobile(const char *phone)
{
	return strlen(phone) == 11 && strspn(phone, "0123456789") == 11 && phone[0] == '1' &&
	       phone[1] >= '3';
}

void notice_result_set(
	struct notice_result *out, enum notice_outcome outcome, bool retry, const char *code)
{
	*out = (struct notice_result){ .outcome = outcome, .retry = retry };
	snprintf(out->code, sizeof(out->code), "%s", code);
}

static bool code_fits(const char *name, const char *code)
{
	size_t n = strlen(name);

	return n && name[n - 1] == '*' ? strncmp(name, code, n - 1) == 0 : str_eq(name, code);
}

void notice_judge_code(
	const struct notice_code *codes, size_t n, const char *code, struct notice_result *out)
{
	size_t i = 0;

	while (i < n && !code_fits(codes[i].name, code))
		i++;
	notice_result_set(out, NOTICE_REFUSED, false, code);
	if (i == n)
		return;
	switch (codes[i].meaning) {
	case CODE_RETRY:
		out->retry = true;
		break;
	case CODE_NEXT_DAY:
		out->next_day = true;
		break;
	case CODE_UNREACHABLE:
		out->unreachable = true;
		break;
	case CODE_UNKNOWN:
		out->outcome = NOTICE_UNKNOWN;
		break;
	}
}

bool notice_beijing_parse(const char *text, struct utc *out)
{
	char rfc[32];

	if (strlen(text) != 19 || text[10] != ' ')
		return false;
	snprintf(rfc, sizeof(rfc), "%.10sT%sZ", text, text + 11);
	if (utc_parse(rfc, out) != ERR_OK)
		return false;
	out->ms -= BEIJING_MS;
	return out->ms > 0;
}
