#include "meter/keys.h"

#include <string.h>

static enum err key_parse(
	const char *text, uint8_t out[static 4], const char *field, struct problem *why)
{
	size_t n = 0;

	if (strlen(text) != 8 || hex_decode(text, out, 4, &n) != ERR_OK || n != 4)
		return problem_set(why, ERR_BAD_VALUE, field, "must be eight hex digits");
	return ERR_OK;
}

static void forget(struct buf *b)
{
	if (b->text)
		explicit_bzero(b->text, b->len);
	buf_free(b);
}

enum err dlt645_keys_read(struct conf *c, struct dlt645_keys *out, struct problem *why)
{
	AUTO(forget) struct buf password = { 0 };
	struct dlt645_keys keys = { 0 };
	const char *operator_code = conf_text(c, "dlt645", "operator", "00000000");
	enum err e = conf_secret(c, "dlt645", "password", &password);

	*out = keys;
	if (e == ERR_NOT_CONFIGURED)
		return ERR_OK;
	if (e != ERR_OK)
		return problem_set(why, e, "dlt645.password", "the password cannot be read");
	keys.given = true;
	e = key_parse(password.text ? password.text : "", keys.password, "dlt645.password", why);
	if (e == ERR_OK)
		e = key_parse(operator_code, keys.operator_code, "dlt645.operator", why);
	if (e == ERR_OK)
		*out = keys;
	explicit_bzero(&keys, sizeof(keys));
	return e;
}
