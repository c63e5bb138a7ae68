//! The weights of an imported model are on no disk in the clear: not while it serves, and not after the server was killed.

use std::fs;
use std::path::{Path, PathBuf};

use http::Method;
use serde_json::{Value, json};

use crate::harness::{ACCOUNT, Client, Home, Key, Reply, eventually};
use crate::samples::{Memory, Sample, Sizes, halved, read_gguf};

/// Larger than what objects keep in the database.
const SIZES: Sizes = Sizes { hidden: 256, inner: 512, layers: 2, heads: 4, kv_heads: 2 };
/// Bytes of a slice: as many do not come about by chance.
const SLICE: usize = 64;
const ROLE: &str = "Importer";

#[tokio::test]
async fn no_plain_weight_is_on_disk_while_an_encrypted_import_serves_or_after_a_kill() {
    let files = Sample::new("LlamaForCausalLM", SIZES, "F16").files();
    let (_, tensors) = read_gguf(&halved(&files));
    let slices: Vec<Vec<u8>> = tensors.values().filter_map(|tensor| slice(&tensor.bytes)).collect();
    assert!(slices.len() > 15, "{}", slices.len());

    let home = Home::new();
    let temporary = home.path().join("tmp");
    fs::create_dir(&temporary).unwrap();
    let mut up = home.up(&["--engine", "native"]);
    up.env("TMPDIR", &temporary);
    let server = home.launch(up).await;
    let model = import(&server, &files).await;
    let answer = server.converse(&Key::admin(), &model, "Who are you?").await.ok().json();
    assert!(answer["usage"]["outputTokens"].as_u64() > Some(0), "{answer}");

    let process = home.endpoint().unwrap()["processId"].as_u64().unwrap();
    let open = open_files(process);
    let mapped = fs::read_to_string(format!("/proc/{process}/maps")).unwrap();
    assert!(mapped.contains("/memfd:craton-model"), "it is loaded: {mapped}");
    let elsewhere = |path: &&PathBuf| path.starts_with("/") && !is_harmless(path) && !path.starts_with(home.path());
    assert_eq!(open.iter().find(elsewhere), None, "all that is searched: {open:?}");
    assert_eq!(found(home.path(), &slices), Vec::<PathBuf>::new(), "while it serves");
    drop(server);
    assert_eq!(found(home.path(), &slices), Vec::<PathBuf>::new(), "after the kill");

    // The search finds what is there.
    let plain = temporary.join("plain.gguf");
    fs::write(&plain, halved(&files)).unwrap();
    assert_eq!(found(home.path(), &slices), [plain]);
}

/// Bytes of a tensor's middle. Vectors of ones are no secret.
fn slice(bytes: &[u8]) -> Option<Vec<u8>> {
    let start = (bytes.len() / 2).next_multiple_of(4);
    let slice = bytes.get(start..start + SLICE)?;
    slice.chunks(4).any(|number| number != &slice[..4]).then(|| slice.to_vec())
}

/// The files under a folder that hold a slice.
fn found(folder: &Path, slices: &[Vec<u8>]) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let entry = entry.unwrap();
            if entry.file_type().unwrap().is_dir() {
                folders.push(entry.path());
                continue;
            }
            // A file that is written anew may be gone.
            let bytes = fs::read(entry.path()).unwrap_or_default();
            if slices.iter().any(|slice| holds(&bytes, slice)) {
                found.push(entry.path());
            }
        }
    }
    found
}

/// Whether the bytes hold the slice.
fn holds(bytes: &[u8], slice: &[u8]) -> bool {
    let first = slice[0];
    bytes.windows(slice.len()).any(|window| window[0] == first && window == slice)
}

/// What the process has open, as the system names it.
fn open_files(process: u64) -> Vec<PathBuf> {
    let folder = PathBuf::from(format!("/proc/{process}/fd"));
    fs::read_dir(folder).unwrap().filter_map(|entry| fs::read_link(entry.unwrap().path()).ok()).collect()
}

/// Devices, the memory files, and what the system tells.
fn is_harmless(path: &Path) -> bool {
    ["/memfd:", "/dev/", "/proc/", "/sys/"].iter().any(|start| path.to_string_lossy().starts_with(start))
}

/// Imports the checkpoint under a key of the account and returns the model's ARN, for a path.
async fn import(server: &Client, files: &Memory) -> String {
    let key = kms(server, "CreateKey", json!({})).await["KeyMetadata"]["Arn"].as_str().unwrap().to_owned();
    s3(server, "/checkpoints", Vec::new()).await;
    for (name, bytes) in &files.0 {
        s3(server, &format!("/checkpoints/model/{name}"), bytes.clone()).await;
    }
    let trust = json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole",
        "Principal": {"Service": "bedrock.amazonaws.com"}}]});
    let rights = json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Resource": "*",
        "Action": ["s3:GetObject", "s3:ListBucket", "kms:GenerateDataKey", "kms:Decrypt", "kms:DescribeKey"]}]});
    let (trust, rights) = (encoded(&trust), encoded(&rights));
    let create = [("Action", "CreateRole"), ("RoleName", ROLE), ("AssumeRolePolicyDocument", &trust)];
    server.iam(&Key::admin(), &create).await.ok();
    let put = [("Action", "PutRolePolicy"), ("RoleName", ROLE), ("PolicyName", "all"), ("PolicyDocument", &rights)];
    server.iam(&Key::admin(), &put).await.ok();
    let job = json!({
        "jobName": "plain", "importedModelName": "plain", "roleArn": format!("arn:aws:iam::{ACCOUNT}:role/{ROLE}"),
        "modelDataSource": {"s3DataSource": {"s3Uri": "s3://checkpoints/model/"}}, "importedModelKmsKeyId": key,
    });
    bedrock(server, Method::POST, "/model-import-jobs", &job).await;
    let ended = eventually("the import ends", async || {
        let job = bedrock(server, Method::GET, "/model-import-jobs/plain", &Value::Null).await;
        (job["status"] != "InProgress").then_some(job)
    })
    .await;
    ended["importedModelArn"].as_str().unwrap_or_else(|| panic!("{ended}")).replace('/', "%2F")
}

fn encoded(document: &Value) -> String {
    document.to_string().bytes().map(|byte| format!("%{byte:02X}")).collect()
}

async fn bedrock(server: &Client, method: Method, path: &str, body: &Value) -> Value {
    let bytes = if body.is_null() { Vec::new() } else { body.to_string().into_bytes() };
    let request = server.signed(&Key::admin(), "bedrock", method, path, "application/json", bytes);
    Reply::read(request.send().await.unwrap()).await.unwrap().ok().json()
}

async fn kms(server: &Client, operation: &str, body: Value) -> Value {
    let (body, target) = (body.to_string(), format!("TrentService.{operation}"));
    let headers = [("content-type", "application/x-amz-json-1.1"), ("x-amz-target", target.as_str())];
    let signed = server.signature(&Key::admin(), "kms", &Method::POST, "/", &headers, body.as_bytes());
    let request = server.http().post(server.url("/")).body(body);
    let request = headers.into_iter().fold(request, |request, (name, value)| request.header(name, value));
    let request = signed.into_iter().fold(request, |request, (name, value)| request.header(name, value));
    Reply::read(request.send().await.unwrap()).await.unwrap().ok().json()
}

async fn s3(server: &Client, path: &str, body: Vec<u8>) {
    let signed = server.signature(&Key::admin(), "s3", &Method::PUT, path, &[], &body);
    let request = server.http().put(server.url(path)).body(body);
    let request = signed.into_iter().fold(request, |request, (name, value)| request.header(name, value));
    Reply::read(request.send().await.unwrap()).await.unwrap().ok();
}
