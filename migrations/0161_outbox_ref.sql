-- What became of a message is told by the provider's number of it.
ALTER TABLE outbox ADD KEY IF NOT EXISTS provider_ref (provider_ref);
