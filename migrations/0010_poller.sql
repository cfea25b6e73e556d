-- Indexes for the questions that the poller asks many times a second.
ALTER TABLE meter_state ADD KEY IF NOT EXISTS read_wanted (read_wanted_at);
ALTER TABLE supply_act ADD KEY IF NOT EXISTS created (created_at);
ALTER TABLE supply_act ADD KEY IF NOT EXISTS supply_point (supply_point_id, id);
