-- What judges say of pairs of answers of two evaluation jobs, each once.
CREATE TABLE evaluations_duels (
    account TEXT NOT NULL,
    region TEXT NOT NULL,
    -- The jobs whose answers are compared.
    first_job TEXT NOT NULL,
    second_job TEXT NOT NULL,
    -- A hash of the judge and of what it was asked.
    asked TEXT NOT NULL,
    -- Which of the jobs' pairs, from 0.
    pair BIGINT NOT NULL,
    -- JSON, sealed.
    content BYTEA NOT NULL,
    PRIMARY KEY (account, region, first_job, second_job, asked, pair)
);
CREATE INDEX evaluations_duels_by_second ON evaluations_duels (account, region, second_job);
