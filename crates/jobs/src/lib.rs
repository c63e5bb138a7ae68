//! Durable jobs: leases, checkpoints, retries, cancellation, schedules, progress.
