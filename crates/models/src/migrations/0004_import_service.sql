-- The service that the role of an import is for: whoever lets models be hosted passes it to another one than an import.
ALTER TABLE model_import_jobs ADD COLUMN service TEXT NOT NULL DEFAULT 'bedrock.amazonaws.com';
