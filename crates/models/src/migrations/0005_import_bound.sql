-- What an import asked to be kept to against its weights as they came; none where it asked for nothing.
ALTER TABLE model_import_jobs ADD COLUMN bound TEXT;
