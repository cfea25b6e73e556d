-- Whether a packed hour has every reading: only then can it prove that a meter was not read at an instant.
ALTER TABLE reading_hour ADD COLUMN IF NOT EXISTS thinned BOOLEAN NOT NULL DEFAULT 1
 COMMENT '1: readings may have been left out ([storage] raw_spacing_s), or it was packed before this was told';
