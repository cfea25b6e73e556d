#pragma once
/* The API document, printed from the list of routes and the schemas. */
#include "base/str.h"
#include "fcgi/routes.h"
#include "fcgi/schema.h"

/* OpenAPI 3.1; the caller owns it. */
json_t *openapi_document(const struct schemas *s);
/* Adds a path for each report, from the operation that they share, which it takes over. */
void reports_document(json_t *paths, json_t *operation);
/* Adds to the answers of a route those that are problems; the components that they point to; and
 * the table of all codes with what to do about each, in both languages. The caller owns these. */
void problems_document(json_t *responses, const struct route *r);
json_t *problem_responses(void);
json_t *problem_table(void);
/* Adds an example to each JSON request and answer; those of named schemas go to shared. */
void examples_document(const struct schemas *s, json_t *paths, json_t *shared);
/* A JSON value as block-style YAML. */
void yaml_write(const json_t *j, struct buf *out);
