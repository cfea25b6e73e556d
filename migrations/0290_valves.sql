-- Valves that are stuck half-way are looked for every few seconds, also among very many supply points.
ALTER TABLE supply_point ADD KEY IF NOT EXISTS observed (observed, observed_since);
