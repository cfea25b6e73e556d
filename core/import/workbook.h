#pragma once
/* Workbooks that we write: the template, and exports, which an import takes as they are. */
#include "import/book.h"

/* All sheets of a book, even empty ones, with Chinese headers, lists to choose from, and texts as
 * texts; with what the columns mean and an example for each on a further sheet 说明 if explained.
 */
MUST_USE enum err workbook_xlsx(const struct book *b, bool explained, struct buf *out);
/* One sheet. UTF-8 with its mark, CRLF; texts that a spreadsheet would run are guarded. */
void workbook_csv(const struct book *b, enum sheet_id sheet, struct buf *out);
