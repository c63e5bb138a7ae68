use std::io::Write as _;

use inference::LoadOptions;

use super::*;

fn machine() -> Machine {
    Machine { cores: 4, memory_bytes: 10 << 30, has_gpus: false, data_home: None, home: Some("/home/someone".into()) }
}

fn resolve(args: UpArgs) -> Result<Settings> {
    Settings::resolve(args, &machine())
}

#[test]
fn defaults_fit_the_machine() {
    let settings = resolve(UpArgs::default()).unwrap();
    assert_eq!(settings.listen.to_string(), "127.0.0.1:4566");
    assert_eq!(settings.models_dir, Path::new("/home/someone/.local/share/craton/models"));
    assert_eq!(settings.engine.prefill_threads, 4);
    assert_eq!(settings.engine.memory_budget, 7 << 30);
    assert_eq!(settings.tls, Tls::Off);
}

#[test]
fn the_room_of_models_is_that_of_a_server_here() {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    writeln!(file, "context = 100\nparallel = 3\nshared_cells = 7\nmemory_budget = \"2GiB\"").unwrap();
    let path = file.path().display().to_string();
    let room = |set: &[(&str, &str)]| {
        let variable = |name: &str| set.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned());
        ModelRoom::resolve(variable, &machine())
    };
    let load = LoadOptions { context_per_sequence: 4096, parallel: 8, ..LoadOptions::default() };
    assert_eq!(room(&[]).unwrap(), ModelRoom { memory_budget: 7 << 30, load });
    let set = [
        ("CRATON_CONFIG", &*path),
        ("CRATON_CONTEXT", "50"),
        ("CRATON_PARALLEL", ""),
        ("CRATON_CORES", "0:1"),
        ("CRATON_CACHE_TYPE", "q8_0"),
    ];
    let found = room(&set).unwrap();
    let (load, memory) = (found.load, found.memory_budget);
    assert_eq!((memory, load.context_per_sequence, load.parallel, load.shared_cells), (2 << 30, 50, 3, 7));
    assert_eq!((load.replicas, load.cache_type), (2, inference::CacheType::Q8_0));
    assert_eq!(room(&[("CRATON_MEMORY_BUDGET", "1GiB")]).unwrap().memory_budget, 1 << 30);
    assert!(room(&[("CRATON_PARALLEL", "0")]).is_err());
}

#[test]
fn arguments_win_over_the_file() {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    writeln!(file, "region = \"eu-west-1\"\nqueue = 3\nmax_body = \"2MiB\"").unwrap();
    let args = UpArgs { config: Some(file.path().into()), queue: Some(9), ..UpArgs::default() };
    let settings = resolve(args).unwrap();
    assert_eq!((settings.region.as_str(), settings.engine.queue, settings.limits.body), ("eu-west-1", 9, 2 << 20));
}

#[test]
fn prefixes_are_kept_on_disk_only_where_that_is_asked_for() {
    let bytes = |args: UpArgs| resolve(args).unwrap().engine.snapshot_bytes;
    assert_eq!(bytes(UpArgs::default()), 0);
    let size = Some("5MiB".to_owned());
    assert_eq!(bytes(UpArgs { prefix_snapshots_size: size.clone(), ..UpArgs::default() }), 0);
    assert_eq!(bytes(UpArgs { prefix_snapshots: Some(true), ..UpArgs::default() }), 2 << 30);
    let mut file = tempfile::NamedTempFile::new().unwrap();
    writeln!(file, "prefix_snapshots = true\nprefix_snapshots_size = \"5MiB\"").unwrap();
    let config = Some(file.path().into());
    assert_eq!(bytes(UpArgs { config: config.clone(), ..UpArgs::default() }), 5 << 20);
    assert_eq!(bytes(UpArgs { config, prefix_snapshots: Some(false), ..UpArgs::default() }), 0);
    let odd = UpArgs { prefix_snapshots_size: Some("much".to_owned()), ..UpArgs::default() };
    assert!(resolve(odd).unwrap_err().to_string().contains("`much`"));
}

#[test]
fn unknown_settings_are_named() {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    writeln!(file, "pasword = 1").unwrap();
    let error = resolve(UpArgs { config: Some(file.path().into()), ..UpArgs::default() }).unwrap_err();
    assert!(format!("{error:#}").contains("pasword"), "{error:#}");
}

#[test]
fn plain_remote_needs_a_word() {
    let open = UpArgs { listen: Some("0.0.0.0:1".parse().unwrap()), ..UpArgs::default() };
    assert!(resolve(open.clone()).unwrap_err().to_string().contains("TLS"));
    assert!(resolve(UpArgs { allow_plain_remote: Some(true), ..open.clone() }).is_ok());
    assert!(resolve(UpArgs { tls_self_signed: Some(true), ..open }).is_ok());
}

#[test]
fn issuers_are_public_unless_the_operator_says_otherwise() {
    assert!(!resolve(UpArgs::default()).unwrap().allow_private_issuers);
    assert!(resolve(UpArgs { allow_private_issuers: Some(true), ..UpArgs::default() }).unwrap().allow_private_issuers);
    let mut file = tempfile::NamedTempFile::new().unwrap();
    writeln!(file, "allow_private_issuers = true").unwrap();
    let from_file = UpArgs { config: Some(file.path().into()), ..UpArgs::default() };
    assert!(resolve(from_file.clone()).unwrap().allow_private_issuers);
    assert!(!resolve(UpArgs { allow_private_issuers: Some(false), ..from_file }).unwrap().allow_private_issuers);
}

#[test]
fn half_given_pairs_are_refused() {
    let half = UpArgs { root_access_key_id: Some("AKIAIOSFODNN7EXAMPLE".into()), ..UpArgs::default() };
    assert!(resolve(half).unwrap_err().to_string().contains("belong together"));
    let half = UpArgs { tls_cert: Some("a.pem".into()), ..UpArgs::default() };
    assert!(resolve(half).unwrap_err().to_string().contains("key"));
}

#[test]
fn sizes_have_units() {
    assert_eq!(size("x", "512MiB").unwrap(), 512 << 20);
    assert_eq!(size("x", "8gb").unwrap(), 8_000_000_000);
    assert_eq!(size("x", "42").unwrap(), 42);
    for bad in ["", "MiB", "-1", "1.5GiB", "3 parsecs", "99999999TiB"] {
        assert!(size("x", bad).is_err(), "{bad}");
    }
}

#[test]
fn replicas_and_caches_are_set_by_arguments_or_the_file() {
    let load = |args: UpArgs| resolve(args).unwrap().engine.load;
    assert_eq!(load(UpArgs::default()), LoadOptions::default());
    let mut file = tempfile::NamedTempFile::new().unwrap();
    writeln!(file, "cores = \"0-1:2,3\"\nprefix_cache = \"0\"\ncache_type = \"q8_0\"\ngpu_shares = \"3,1\"").unwrap();
    writeln!(file, "quota = \"requests=60\"\nshared_cells = 0\ngpu_split = \"row\"\nmain_gpu = 1").unwrap();
    let args = UpArgs { config: Some(file.path().into()), shared_cells: Some(4096), ..UpArgs::default() };
    let settings = resolve(args).unwrap().engine;
    let options = &settings.load;
    // One replica for each core set.
    assert_eq!((options.replicas, options.cores[1].to_string().as_str()), (2, "2-3"));
    assert_eq!((options.prefix_cache_bytes, options.shared_cells), (0, 4096));
    assert_eq!((options.cache_type, options.split), (inference::CacheType::Q8_0, inference::Split::Row));
    assert_eq!((options.main_gpu, &*options.tensor_split), (1, &[3.0, 1.0][..]));
    assert_eq!(settings.quota.requests_per_minute, Some(60));
    let gpus = || UpArgs { replica_gpus: Some("0, 2".into()), ..UpArgs::default() };
    // One replica for each GPU.
    let with_gpus = Settings::resolve(gpus(), &Machine { has_gpus: true, ..machine() }).unwrap().engine;
    assert_eq!((with_gpus.load.replicas, with_gpus.load.gpus, with_gpus.ignored), (2, vec![0, 2], None));
    let without = resolve(gpus()).unwrap().engine;
    assert!(
        without.load == LoadOptions::default() && without.ignored.is_some_and(|told| told.contains("replica_gpus"))
    );
    let more = resolve(UpArgs { replicas: Some(2), ..gpus() }).unwrap().engine.load;
    assert_eq!((more.replicas, more.copies_of_weights()), (2, 1));
}

#[test]
fn settings_of_engines_that_contradict_each_other_are_refused() {
    let refusal = |args: UpArgs| format!("{:#}", resolve(args).unwrap_err());
    let text = |text: &str| Some(text.to_owned());
    assert!(refusal(UpArgs { replicas: Some(0), ..UpArgs::default() }).contains("replicas"));
    assert!(refusal(UpArgs { replicas: Some(3), cores: text("0:1"), ..UpArgs::default() }).contains("2 core sets"));
    assert!(refusal(UpArgs { cores: text("0:0"), ..UpArgs::default() }).contains("core 0"));
    let steps = UpArgs { cache_type: text("q8_0"), one_pass_attention: Some(false), ..UpArgs::default() };
    assert!(refusal(steps).contains("one pass"));
    assert!(refusal(UpArgs { gpu_shares: text("a"), ..UpArgs::default() }).contains("gpu_shares"));
    assert!(refusal(UpArgs { replica_gpus: text("0,b"), ..UpArgs::default() }).contains("replica_gpus"));
    assert!(refusal(UpArgs { gpu_split: text("column"), ..UpArgs::default() }).contains("column"));
    assert!(refusal(UpArgs { quota: text("words=3"), ..UpArgs::default() }).contains("words=3"));
}

#[test]
fn static_batches_are_set_with_their_bounds() {
    let batching = |args: UpArgs| resolve(args).unwrap().engine.load.batching;
    let fixed =
        |size, wait, max_tokens| inference::Batching::Static { size, wait: Duration::from_millis(wait), max_tokens };
    let text = |text: &str| Some(text.to_owned());
    let of = |size, wait, max_tokens| UpArgs {
        batching: text("static"),
        static_size: size,
        static_wait: wait,
        static_max_tokens: max_tokens,
        ..UpArgs::default()
    };
    assert_eq!(batching(UpArgs { batching: text("continuous"), ..UpArgs::default() }), inference::Batching::Continuous);
    assert_eq!(batching(of(None, None, Some(16))), fixed(PARALLEL, 20, 16));
    assert_eq!(batching(UpArgs { parallel: Some(32), ..of(Some(32), Some(0), Some(4)) }), fixed(32, 0, 4));
    let mut file = tempfile::NamedTempFile::new().unwrap();
    writeln!(file, "parallel = 4\nbatching = \"static\"\nstatic_wait = 5\nstatic_max_tokens = 9").unwrap();
    let args = UpArgs { config: Some(file.path().into()), static_max_tokens: Some(3), ..UpArgs::default() };
    assert_eq!(batching(args), fixed(4, 5, 3));
    let refusal = |args: UpArgs| format!("{:#}", resolve(args).unwrap_err());
    for (args, says) in [
        (of(None, None, None), "`static_max_tokens` is missing"),
        (of(None, None, Some(0)), "`static_max_tokens` must be at least 1"),
        (of(Some(0), None, Some(4)), "`static_size` must be at least 1"),
        (of(Some(9), None, Some(4)), "`parallel` is 8"),
        (of(None, Some(60_001), Some(4)), "60000 ms"),
        (UpArgs { batching: text("dynamic"), ..UpArgs::default() }, "`dynamic` is no way to batch"),
        (UpArgs { static_size: Some(4), ..UpArgs::default() }, "set `batching` to `static`"),
    ] {
        let said = refusal(args);
        assert!(said.contains(says), "{said}");
    }
}
