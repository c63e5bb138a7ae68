//! Embeds text with BERT-style encoders on the CPU.
