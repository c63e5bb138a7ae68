//! Traits of the engines that generate and embed, the scheduler, sampling, chat templates, and a deterministic fake.
