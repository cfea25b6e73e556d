#pragma once
/* What pages of the sandbox are made of; texts are escaped unless they are constants. */
#include "base/str.h"
#include "sim/http.h"

void page_begin(struct buf *b, const char *title);
void page_paragraph(struct buf *b, const char *text);
void page_pair(struct buf *b, const char *name, const char *value); /* in a <dl> */
void page_hidden(struct buf *b, const char *name, const char *value);
void page_finish(struct buf *b, int status, struct http_reply *reply);
