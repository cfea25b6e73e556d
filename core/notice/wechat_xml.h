#pragma once
/* Small XML documents without document types, so without entities of their own. */
#include "base/str.h"

/* Calls text() at the end of each element with its path below the root ("List/TemplateId") and its
 * text, and open() at the start of each. ERR_BAD_VALUE: not well-formed, a document type, a root of
 * another name, too deep, or too much text. */
struct wechat_xml {
	const char *root;
	void (*open)(void *ctx, const char *path);
	void (*text)(void *ctx, const char *path, const char *text);
	void *ctx;
};
MUST_USE enum err wechat_xml_read(
	const struct wechat_xml *x, const char *xml, size_t n, struct problem *why);
