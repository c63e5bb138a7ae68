//! How requests come together, replicas, cores, caches and GPUs.

use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use cli::UpArgs;
use inference::{Batching, CoreSet, LoadOptions};

use super::{File, Machine, PARALLEL, positive, size};

/// How long a batch that is not full is waited for, in milliseconds, where nothing else is asked for.
const STATIC_WAIT_MS: u64 = 20;
/// The longest that may be asked for.
const MOST_WAIT_MS: u64 = 60_000;

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

/// What is asked for and does nothing on this machine, for the log.
pub(super) fn ignored(args: &UpArgs, file: &File, machine: &Machine) -> Option<&'static str> {
    let names_gpus = args.replica_gpus.is_some() || file.replica_gpus.is_some();
    (names_gpus && !machine.has_gpus).then_some("`replica_gpus` does nothing: this build computes on processors alone")
}

/// The options that these settings give, over the defaults. GPUs of replicas are checked, and left out where the build has
/// none: replicas then share one copy of the weights, and are no more than asked for otherwise.
///
/// # Errors
/// A setting that cannot be read or goes with another one not.
pub(super) fn resolve(args: &UpArgs, file: &File, machine: &Machine) -> Result<LoadOptions> {
    let text = |given: &Option<String>, other: &Option<String>| given.clone().or_else(|| other.clone());
    let default = LoadOptions::default();
    let cores = text(&args.cores, &file.cores).map_or(Ok(Vec::new()), |sets| cores(&sets))?;
    let gpus = text(&args.replica_gpus, &file.replica_gpus).map_or(Ok(Vec::new()), |text| gpus(&text))?;
    let prefix_cache = text(&args.prefix_cache, &file.prefix_cache);
    let (asked, core_sets) = (args.replicas.or(file.replicas), cores.len());
    let replicas = |places: usize| asked.unwrap_or(places.max(1) as u32);
    let options = LoadOptions {
        batching: batching(args, file)?,
        replicas: replicas(core_sets.max(gpus.len())),
        cores,
        cache_type: text(&args.cache_type, &file.cache_type).map_or(Ok(default.cache_type), |name| name.parse())?,
        attention: args.one_pass_attention.or(file.one_pass_attention),
        prefix_cache_bytes: prefix_cache.map_or(Ok(default.prefix_cache_bytes), |text| size("prefix_cache", &text))?,
        shared_cells: args.shared_cells.or(file.shared_cells).unwrap_or(default.shared_cells),
        split: text(&args.gpu_split, &file.gpu_split).map_or(Ok(default.split), |name| name.parse())?,
        main_gpu: args.main_gpu.or(file.main_gpu).unwrap_or(default.main_gpu),
        tensor_split: text(&args.gpu_shares, &file.gpu_shares).map_or(Ok(Vec::new()), |text| shares(&text))?,
        gpus,
        ..default
    };
    options.validate()?;
    Ok(match machine.has_gpus {
        true => options,
        false => LoadOptions { replicas: replicas(core_sets), gpus: Vec::new(), ..options },
    })
}

/// How requests come together: `static` batches are bounded, the others have no bounds to set.
fn batching(args: &UpArgs, file: &File) -> Result<Batching> {
    let (size, wait, tokens) = (
        args.static_size.or(file.static_size),
        args.static_wait.or(file.static_wait),
        args.static_max_tokens.or(file.static_max_tokens),
    );
    match args.batching.as_deref().or(file.batching.as_deref()).unwrap_or("continuous") {
        "continuous" if size.is_none() && wait.is_none() && tokens.is_none() => Ok(Batching::Continuous),
        "continuous" => bail!(
            "`static_size`, `static_wait` and `static_max_tokens` are of static batches\n\
             hint: set `batching` to `static`, or leave them out"
        ),
        "static" => {
            let parallel = args.parallel.or(file.parallel).unwrap_or(PARALLEL);
            let size = positive("static_size", size)?.unwrap_or(parallel);
            if size > parallel {
                bail!("`static_size` is {size} and `parallel` is {parallel}\nhint: a batch is decoded side by side");
            }
            let wait = wait.unwrap_or(STATIC_WAIT_MS);
            if wait > MOST_WAIT_MS {
                bail!("`static_wait` is {wait} ms and may be {MOST_WAIT_MS} ms");
            }
            let max_tokens = positive("static_max_tokens", tokens)?.context(
                "static batches bound every answer, and `static_max_tokens` is missing\n\
                 hint: set it to the most tokens that an answer needs, such as 16",
            )?;
            Ok(Batching::Static { size, wait: Duration::from_millis(wait), max_tokens })
        }
        other => bail!("`{other}` is no way to batch\nhint: use `continuous` or `static`"),
    }
}

fn cores(text: &str) -> Result<Vec<CoreSet>> {
    Ok(text.split(':').map(str::parse).collect::<inference::Result<_>>()?)
}

fn gpus(text: &str) -> Result<Vec<u32>> {
    let all: Option<Vec<u32>> = text.split(',').map(|part| part.trim().parse().ok()).collect();
    all.with_context(|| {
        format!("`{text}` are no GPUs for `replica_gpus`\nhint: write the number of one a replica, as `0,1`")
    })
}

fn shares(text: &str) -> Result<Vec<f32>> {
    let share = |part: &str| part.trim().parse::<f32>().ok();
    let all: Option<Vec<f32>> = text.split(',').map(share).collect();
    all.with_context(|| format!("`{text}` are no shares for `gpu_shares`\nhint: write one number a GPU, as `3,1`"))
}
