#include "db/shape.h"

static const struct field id_fields[] = { FIELD(struct id_row, id) };
const struct shape id_shape = { id_fields, ARRAY_LEN(id_fields), sizeof(struct id_row) };

static json_t *field_json(const struct field *f, const void *at)
{
	switch (f->kind) {
	case KIND_I64:
		return json_integer(*(const int64_t *)at);
	case KIND_I32:
		return json_integer(*(const int32_t *)at);
	case KIND_BOOL:
		return json_boolean(*(const bool *)at);
	case KIND_TEXT:
		return json_text_or_null(at);
	case KIND_BORROWED:
		return json_text_or_null(*(const char *const *)at);
	case KIND_MONEY:
		return json_money(*(const struct money *)at);
	case KIND_QTY:
		return json_integer(((const struct qty *)at)->milli);
	case KIND_PRICE:
		return json_price(*(const struct price *)at);
	case KIND_UTC:
		return json_utc(*(const struct utc *)at);
	case KIND_BLOB:
		break;
	}
	return NULL;
}

json_t *shape_json(const struct shape *s, const void *row)
{
	json_t *o = json_object();

	for (size_t i = 0; i < s->n; i++)
		if (s->fields[i].kind != KIND_BLOB)
			json_object_set_new(o, s->fields[i].name,
				field_json(&s->fields[i], (const char *)row + s->fields[i].at));
	return o;
}
