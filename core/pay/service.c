#include "pay/service.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#define BEIJING_OFFSET_S 28800

enum err setting_text(struct conf *conf, const char *section, const char *key, char *dst,
	size_t size, struct problem *why)
{
	const char *v = conf_text(conf, section, key, NULL);

	if (!v || !v[0])
		return problem_set(
			why, ERR_NOT_CONFIGURED, key, "[%s] %s is missing", section, key);
	if (!str_copy(dst, size, v))
		return problem_set(
			why, ERR_NOT_CONFIGURED, key, "[%s] %s is too long", section, key);
	return ERR_OK;
}

enum err setting_notify_url(struct conf *conf, const char *section, const char *path, char *dst,
	size_t size, struct problem *why)
{
	char base[200];
	size_t n;
	enum err e = setting_text(conf, section, "notify_base", base, sizeof(base), why);

	if (e != ERR_OK)
		return e;
	n = strlen(base);
	while (n > 0 && base[n - 1] == '/')
		base[--n] = '\0';
	if (!is_browser_url(base) || strchr(base, '?'))
		return problem_set(why, ERR_NOT_CONFIGURED, "notify_base",
			"[%s] notify_base must be http(s)://host[:port]", section);
	snprintf(dst, size, "%s%s", base, path);
	return ERR_OK;
}

enum err setting_private_key(struct conf *conf, const char *section, const char *key,
	EVP_PKEY **out, struct problem *why)
{
	AUTO(buf_wipe) struct buf text = { 0 };

	if (conf_secret(conf, section, key, &text) != ERR_OK ||
		crypt_private_key(text.text, text.len, out) != ERR_OK)
		return problem_set(why, ERR_NOT_CONFIGURED, key,
			"[%s] %s_file is no readable RSA private key", section, key);
	return ERR_OK;
}

enum err setting_public_key(struct conf *conf, const char *section, const char *key, EVP_PKEY **out,
	struct problem *why)
{
	AUTO(buf_free) struct buf text = { 0 };

	if (conf_secret(conf, section, key, &text) != ERR_OK ||
		crypt_public_key(text.text, text.len, out) != ERR_OK)
		return problem_set(why, ERR_NOT_CONFIGURED, key,
			"[%s] %s_file is no readable RSA public key", section, key);
	return ERR_OK;
}

static void beijing(struct utc t, char gap, const char *end, char out[static BEIJING_TEXT_MAX])
{
	int64_t s = t.ms / 1000 + BEIJING_OFFSET_S;
	int year, month, day, of_day = (int)(s % 86400);

	civil_date(s / 86400, &year, &month, &day);
	snprintf(out, BEIJING_TEXT_MAX, "%04d-%02d-%02d%c%02d:%02d:%02d%s", year, month, day, gap,
		of_day / 3600, of_day / 60 % 60, of_day % 60, end);
}

void beijing_rfc3339(struct utc t, char out[static BEIJING_TEXT_MAX])
{
	beijing(t, 'T', "+08:00", out);
}

void beijing_plain(struct utc t, char out[static BEIJING_TEXT_MAX])
{
	beijing(t, ' ', "", out);
}

enum err beijing_parse_plain(const char *text, struct utc *out)
{
	char rfc[32];

	if (strlen(text) != 19 || text[10] != ' ')
		return ERR_BAD_VALUE;
	snprintf(rfc, sizeof(rfc), "%.10sT%s+08:00", text, text + 11);
	return utc_parse(rfc, out);
}

enum err fen_parse(const char *yuan, int64_t *out)
{
	struct money m;
	enum err e = money_parse(yuan, &m);

	if (e != ERR_OK)
		return e;
	if (m.nano < 0 || m.nano % NANO_PER_FEN != 0)
		return ERR_BAD_VALUE;
	*out = m.nano / NANO_PER_FEN;
	return ERR_OK;
}

void fen_text(int64_t fen, char out[static MONEY_TEXT_MAX])
{
	snprintf(
		out, MONEY_TEXT_MAX, "%lld.%02lld", (long long)(fen / 100), (long long)(fen % 100));
}

size_t utf8_prefix(const char *text, size_t max)
{
	size_t n = strlen(text);

	if (n <= max)
		return n;
	n = max;
	while (n > 0 && ((uint8_t)text[n] & 0xc0) == 0x80)
		n--;
	return n;
}

bool media_type_is(const char *content_type, const char *type)
{
	size_t n = strlen(type);

	if (!content_type || strncasecmp(content_type, type, n) != 0)
		return false;
	return content_type[n] == '\0' || content_type[n] == ';' || content_type[n] == ' ';
}

bool is_browser_url(const char *url)
{
	if (!str_starts(url, "https://") && !str_starts(url, "http://"))
		return false;
	for (const char *s = url; *s; s++)
		if ((uint8_t)*s <= ' ' || *s == '"' || *s == '<' || *s == '>' || *s == 0x7f)
			return false;
	return true;
}

enum pay_state state_find(const struct state_word *list, size_t n, const char *word)
{
	for (size_t i = 0; i < n; i++)
		if (str_eq(list[i].word, word))
			return list[i].state;
	return PAY_UNKNOWN;
}
