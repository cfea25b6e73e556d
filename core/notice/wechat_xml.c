#include "notice/wechat_xml.h"

#include <expat.h>
#include <string.h>

#define DEPTH_MAX 6
#define PATH_MAX_BYTES 160

struct reading {
	const struct wechat_xml *x;
	XML_Parser parser;
	int depth;
	char path[PATH_MAX_BYTES]; /* below the root */
	struct buf text;	   /* of the innermost element */
	bool refused;
};

static void parser_free(XML_Parser *p)
{
	if (*p)
		XML_ParserFree(*p);
}

static void refuse(struct reading *r)
{
	r->refused = true;
	(void)XML_StopParser(r->parser, XML_FALSE);
}

static void on_doctype(
	void *arg, const char *name, const char *sysid, const char *pubid, int internal)
{
	(void)name;
	(void)sysid;
	(void)pubid;
	(void)internal;
	refuse(arg);
}

static void on_start(void *arg, const char *name, const char **attributes)
{
	struct reading *r = arg;
	size_t n = strlen(r->path), more = strlen(name);

	(void)attributes;
	if (r->refused)
		return;
	if (++r->depth > DEPTH_MAX || n + more + 2 > sizeof(r->path) ||
		(r->depth == 1 && !str_eq(name, r->x->root))) {
		refuse(r);
		return;
	}
	r->text.len = 0;
	if (r->depth == 1)
		return;
	if (n)
		r->path[n++] = '/';
	memcpy(r->path + n, name, more + 1);
	r->x->open(r->x->ctx, r->path);
}

static void on_end(void *arg, const char *name)
{
	struct reading *r = arg;
	char *cut;

	(void)name;
	if (r->refused)
		return;
	if (r->depth-- > 1)
		r->x->text(r->x->ctx, r->path, r->text.len ? r->text.text : "");
	r->text.len = 0;
	cut = strrchr(r->path, '/');
	if (cut)
		*cut = '\0';
	else
		r->path[0] = '\0';
}

static void on_text(void *arg, const char *text, int n)
{
	struct reading *r = arg;

	if (!r->refused)
		buf_add(&r->text, text, (size_t)n);
}

enum err wechat_xml_read(const struct wechat_xml *x, const char *xml, size_t n, struct problem *why)
{
	AUTO(parser_free) XML_Parser p = XML_ParserCreate("UTF-8");
	struct reading r = { .x = x, .parser = p };
	bool ok;

	ASSERT(p);
	XML_SetUserData(p, &r);
	XML_SetElementHandler(p, on_start, on_end);
	XML_SetCharacterDataHandler(p, on_text);
	XML_SetStartDoctypeDeclHandler(p, on_doctype);
	ok = n <= INT32_MAX && XML_Parse(p, xml, (int)n, XML_TRUE) == XML_STATUS_OK && !r.refused;
	buf_free(&r.text);
	return ok ? ERR_OK
		  : problem_set(why, ERR_BAD_VALUE, "",
			    r.refused ? "this XML has a document type, another root, or is too deep"
				      : "this is not XML");
}
