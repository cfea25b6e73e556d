#include "domain/noticetemplate.h"

#define F(member) FIELD(struct notice_template, member)
SHAPE(template_shape, struct notice_template, F(way), F(kind), F(language), F(template),
	F(template_language), F(sign), F(fields), F(seen_at));
#undef F
static const struct query Q_PUT = {
	"INSERT INTO notice_template (way, kind, language, template, template_language, sign,"
	" fields, seen_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON DUPLICATE KEY UPDATE"
	" template = VALUES(template), template_language = VALUES(template_language),"
	" sign = VALUES(sign), fields = VALUES(fields), seen_at = VALUES(seen_at)",
	NULL
};
static const struct query Q_LIST = {
	"SELECT n.way, n.kind, n.language, n.template, n.template_language, n.sign, n.fields,"
	" n.seen_at FROM notice_template n JOIN service_state s ON s.name = n.way"
	" WHERE s.state = 'on' AND n.seen_at >= s.seen_at ORDER BY n.kind, n.language, n.way",
	&template_shape
};

enum err notice_templates_put(struct db *db, const struct notice_template *list, size_t n)
{
	return n ? db_bulk(db, &Q_PUT, &template_shape, list, n) : ERR_OK;
}

enum err notice_templates(struct db *db, struct rows *out)
{
	return db_list(db, &Q_LIST, NO_ARGS, out);
}
