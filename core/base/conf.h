#pragma once
/* Settings: one INI file, each key overridden by YUFU_<SECTION>_<KEY>; a secret may instead name a
 * file (<key>_file). Parsed by GLib's GKeyFile. Immutable after opening. */
#include "base/str.h"

struct conf;

/* path may be NULL: only the environment counts then. A file that does not parse is an error. */
MUST_USE enum err conf_open(const char *path, struct conf **out, struct problem *why);
void conf_free(struct conf **c);

/* The value, or fallback (may be NULL) when neither file nor environment has it. Lives as long as
 * c. */
const char *conf_text(struct conf *c, const char *section, const char *key, const char *fallback);
/* A whole number in [min, max]; another text is ERR_BAD_VALUE with a problem that names the key. */
MUST_USE enum err conf_int(struct conf *c, const char *section, const char *key, int64_t min,
	int64_t max, int64_t fallback, int64_t *out, struct problem *why);
/* The content of the file named by <key>_file, or else the value of <key>; surrounding white space
 * is cut off a value, and trailing newlines off a file. ERR_NOT_CONFIGURED when there is neither.
 */
MUST_USE enum err conf_secret(
	struct conf *c, const char *section, const char *key, struct buf *out);
