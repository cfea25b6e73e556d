-- Reports of payments and fees read the entries of their kinds and days, and none of the many charges between them.
ALTER TABLE entry ADD KEY IF NOT EXISTS site_kind_day (site_id, kind, book_day);
