//! Replicas, cores, caches and GPUs.

use anyhow::{Context as _, Result};
use cli::UpArgs;
use inference::{CoreSet, LoadOptions};

use super::{File, size};

/// The most bytes of kept prefixes on disk, where nothing else is asked for.
const SNAPSHOTS: u64 = 2 << 30;

/// How many bytes of beginnings of prompts are kept on disk; 0: none.
///
/// # Errors
/// A size that cannot be read.
pub(super) fn snapshot_bytes(args: &UpArgs, file: &File) -> Result<u64> {
    let given = args.prefix_snapshots_size.as_ref().or(file.prefix_snapshots_size.as_ref());
    let bytes = given.map_or(Ok(SNAPSHOTS), |text| size("prefix_snapshots_size", text))?;
    let are_kept = args.prefix_snapshots.or(file.prefix_snapshots).unwrap_or(false);
    Ok(if are_kept { bytes } else { 0 })
}

/// The options that these settings give, over the defaults.
///
/// # Errors
/// A setting that cannot be read or goes with another one not.
pub(super) fn resolve(args: &UpArgs, file: &File) -> Result<LoadOptions> {
    let text = |given: &Option<String>, other: &Option<String>| given.clone().or_else(|| other.clone());
    let default = LoadOptions::default();
    let cores = text(&args.cores, &file.cores).map_or(Ok(Vec::new()), |sets| cores(&sets))?;
    let prefix_cache = text(&args.prefix_cache, &file.prefix_cache);
    let options = LoadOptions {
        replicas: args.replicas.or(file.replicas).unwrap_or(cores.len().max(1) as u32),
        cores,
        cache_type: text(&args.cache_type, &file.cache_type).map_or(Ok(default.cache_type), |name| name.parse())?,
        attention: args.one_pass_attention.or(file.one_pass_attention),
        prefix_cache_bytes: prefix_cache.map_or(Ok(default.prefix_cache_bytes), |text| size("prefix_cache", &text))?,
        shared_cells: args.shared_cells.or(file.shared_cells).unwrap_or(default.shared_cells),
        split: text(&args.gpu_split, &file.gpu_split).map_or(Ok(default.split), |name| name.parse())?,
        main_gpu: args.main_gpu.or(file.main_gpu).unwrap_or(default.main_gpu),
        tensor_split: text(&args.gpu_shares, &file.gpu_shares).map_or(Ok(Vec::new()), |text| shares(&text))?,
        ..default
    };
    options.validate()?;
    Ok(options)
}

fn cores(text: &str) -> Result<Vec<CoreSet>> {
    Ok(text.split(':').map(str::parse).collect::<inference::Result<_>>()?)
}

fn shares(text: &str) -> Result<Vec<f32>> {
    let share = |part: &str| part.trim().parse::<f32>().ok();
    let all: Option<Vec<f32>> = text.split(',').map(share).collect();
    all.with_context(|| format!("`{text}` are no shares for `gpu_shares`\nhint: write one number a GPU, as `3,1`"))
}
