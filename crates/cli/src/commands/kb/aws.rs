//! The AWS operations that the commands need.

use anyhow::{Context as _, Result, bail};
use http::Method;
use serde_json::{Value, json};

use crate::client::{Client, xml_text};
use crate::commands::segment;
use crate::fields::text;

/// The role that knowledge bases read as where nothing else is said.
pub(super) const ROLE: &str = "CratonKnowledgeBases";
/// The policy of a role that reads no bucket; buckets, after which the others are called, have no capital letters.
const EMBEDDING: &str = "Embedding";
const TRUST: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"bedrock.amazonaws.com"},"Action":"sts:AssumeRole"}]}"#;
const BASES: &str = "/knowledgebases";

/// Calls an operation of bedrock-agent or bedrock-agent-runtime.
pub(super) async fn bedrock(client: &Client, method: Method, path: &str, input: Option<&Value>) -> Result<Value> {
    let body = input.map(serde_json::to_vec).transpose()?.unwrap_or_default();
    let answer = client.send("bedrock", method, path, body).await?.bytes().await?;
    if answer.is_empty() {
        return Ok(Value::Null);
    }
    serde_json::from_slice(&answer).context("the server's answer is not JSON")
}

/// The path of a knowledge base.
pub(super) fn path(id: &str) -> String {
    format!("{BASES}/{}", segment(id))
}

/// The path of a data source.
pub(super) fn source_path(base: &str, source: &str) -> String {
    format!("{}/datasources/{}", path(base), segment(source))
}

/// The id of the knowledge base that is called so, by its id or name.
pub(super) async fn find(client: &Client, named: &str) -> Result<String> {
    let all = bases(client).await?;
    if let Some(same) = all.iter().find(|base| base["knowledgeBaseId"] == named) {
        return Ok(text(same, "knowledgeBaseId"));
    }
    match all.iter().filter(|base| base["name"] == named).collect::<Vec<_>>().as_slice() {
        [] => bail!("there is no knowledge base `{named}`\nhint: `craton kb list` shows them"),
        [one] => Ok(text(one, "knowledgeBaseId")),
        many => bail!("{} knowledge bases are called `{named}`\nhint: name one by its id", many.len()),
    }
}

/// Every knowledge base.
pub(super) async fn bases(client: &Client) -> Result<Vec<Value>> {
    pages(client, Method::POST, &format!("{BASES}/"), "knowledgeBaseSummaries").await
}

/// The data sources of a knowledge base.
pub(super) async fn sources(client: &Client, base: &str) -> Result<Vec<Value>> {
    pages(client, Method::POST, &format!("{}/datasources/", path(base)), "dataSourceSummaries").await
}

/// The ids of the data sources of a knowledge base that are called so, by id or name; of all where nothing is named.
pub(super) async fn sources_called(
    client: &Client,
    (id, base): (&str, &str),
    wanted: Option<&str>,
    here: &str,
) -> Result<Vec<String>> {
    let mut sources = sources(client, id).await?;
    if let Some(wanted) = wanted {
        sources.retain(|source| source["dataSourceId"] == wanted || source["name"] == wanted);
    }
    if sources.is_empty() {
        let which = wanted.map_or_else(|| "no data source".to_owned(), |wanted| format!("no data source `{wanted}`"));
        bail!("the knowledge base `{base}` has {which}\nhint: `craton kb show {base}{here}` shows them");
    }
    Ok(sources.iter().map(|source| text(source, "dataSourceId")).collect())
}

/// The latest sync of a data source; `Null` where there was none.
pub(super) async fn latest_sync(client: &Client, base: &str, source: &str) -> Result<Value> {
    let input = json!({ "maxResults": 1, "sortBy": { "attribute": "STARTED_AT", "order": "DESCENDING" } });
    let path = format!("{}/ingestionjobs/", source_path(base, source));
    let mut listed = bedrock(client, Method::POST, &path, Some(&input)).await?;
    Ok(listed["ingestionJobSummaries"][0].take())
}

/// The documents of a data source.
pub(super) async fn documents(client: &Client, base: &str, source: &str) -> Result<Vec<Value>> {
    pages(client, Method::POST, &format!("{}/documents", source_path(base, source)), "documentDetails").await
}

/// The items of a listing, page by page.
async fn pages(client: &Client, method: Method, path: &str, items: &str) -> Result<Vec<Value>> {
    let (mut found, mut token) = (Vec::new(), Value::Null);
    loop {
        let mut input = json!({ "maxResults": 100 });
        if !token.is_null() {
            input["nextToken"] = token;
        }
        let mut page = bedrock(client, method.clone(), path, Some(&input)).await?;
        if let Value::Array(more) = page[items].take() {
            found.extend(more);
        }
        token = page["nextToken"].take();
        if token.is_null() {
            return Ok(found);
        }
    }
}

/// The syncs of a data source, the latest first, without the reasons of documents that failed.
pub(super) async fn syncs(client: &Client, base: &str, source: &str) -> Result<Vec<Value>> {
    let path = format!("{}/ingestionjobs/", source_path(base, source));
    pages(client, Method::POST, &path, "ingestionJobSummaries").await
}

/// A data source.
pub(super) async fn source(client: &Client, base: &str, source: &str) -> Result<Value> {
    Ok(bedrock(client, Method::GET, &source_path(base, source), None).await?["dataSource"].take())
}

/// Whether a data source is handed its documents, and so has nothing to read in.
pub(super) async fn is_custom(client: &Client, base: &str, source: &str) -> Result<bool> {
    Ok(self::source(client, base, source).await?["dataSourceConfiguration"]["type"] == "CUSTOM")
}

/// Makes a data source over a bucket and a prefix, or one that is handed its documents, and gives its id.
pub(super) async fn make_source(
    client: &Client,
    base: &str,
    name: &str,
    (place, chunking): (Option<(&str, &str)>, Option<Value>),
) -> Result<String> {
    let configuration = match place {
        Some((bucket, prefix)) => {
            let mut s3 = json!({ "bucketArn": format!("arn:aws:s3:::{bucket}") });
            if !prefix.is_empty() {
                s3["inclusionPrefixes"] = json!([prefix]);
            }
            json!({ "type": "S3", "s3Configuration": s3 })
        }
        None => json!({ "type": "CUSTOM" }),
    };
    let mut input = json!({ "name": name, "dataSourceConfiguration": configuration });
    if let Some(chunking) = chunking {
        input["vectorIngestionConfiguration"] = json!({ "chunkingConfiguration": chunking });
    }
    let made = bedrock(client, Method::PUT, &format!("{}/datasources/", path(base)), Some(&input)).await?;
    Ok(text(&made["dataSource"], "dataSourceId"))
}

/// The ARN of the account's own key that a bucket encrypts with; none where it has none.
async fn key_of(client: &Client, bucket: &str) -> Result<Option<String>> {
    let path = format!("/{}?encryption", segment(bucket));
    let told = client.send("s3", Method::GET, &path, Vec::new()).await;
    let told = told.with_context(|| format!("cannot tell how the bucket `{bucket}` encrypts"))?.text().await?;
    // Buckets name keys as they were told to: by an id or an alias, too.
    let Some(key) = xml_text(&told, "KMSMasterKeyID").filter(|key| !key.is_empty()) else { return Ok(None) };
    if key.starts_with("arn:") && key.contains(":key/") {
        return Ok(Some(key.to_owned()));
    }
    let headers = [("content-type", "application/x-amz-json-1.1"), ("x-amz-target", "TrentService.DescribeKey")];
    let body = serde_json::to_vec(&json!({ "KeyId": key }))?;
    let found = client.send_with("kms", Method::POST, "/", &headers, body).await;
    let found = found.with_context(|| format!("cannot find the bucket's key `{key}`"))?.bytes().await?;
    let found: Value = serde_json::from_slice(&found).context("the server's answer is not JSON")?;
    Ok(found["KeyMetadata"]["Arn"].as_str().map(str::to_owned))
}

/// The ARN of the role that knowledge bases read as, which is made where it is not there. It may embed from now on, read the
/// bucket, if there is one, and decrypt with the bucket's key.
pub(super) async fn role(client: &Client, bucket: Option<&str>) -> Result<String> {
    let key = match bucket {
        Some(bucket) => key_of(client, bucket).await?,
        None => None,
    };
    let made = match iam(client, "GetRole", &[("RoleName", ROLE)]).await {
        Ok(found) => found,
        Err(_) => {
            let role =
                [("RoleName", ROLE), ("AssumeRolePolicyDocument", TRUST), ("Description", "Readers of documents")];
            iam(client, "CreateRole", &role).await.with_context(|| format!("cannot make the role `{ROLE}`"))?
        }
    };
    let mut statements = vec![json!({ "Effect": "Allow", "Action": "bedrock:InvokeModel", "Resource": "*" })];
    if let Some(bucket) = bucket {
        statements.push(json!({
            "Effect": "Allow",
            "Action": ["s3:GetObject", "s3:ListBucket"],
            "Resource": [format!("arn:aws:s3:::{bucket}"), format!("arn:aws:s3:::{bucket}/*")],
        }));
    }
    if let Some(key) = key {
        statements.push(json!({ "Effect": "Allow", "Action": "kms:Decrypt", "Resource": key }));
    }
    let policy = json!({ "Version": "2012-10-17", "Statement": statements }).to_string();
    let put = [("RoleName", ROLE), ("PolicyName", bucket.unwrap_or(EMBEDDING)), ("PolicyDocument", &policy)];
    let what = bucket.map_or_else(|| "embed".to_owned(), |bucket| format!("read `{bucket}`"));
    iam(client, "PutRolePolicy", &put).await.with_context(|| format!("cannot let the role `{ROLE}` {what}"))?;
    Ok(xml_text(&made, "Arn").context("the server's answer names no role")?.to_owned())
}

async fn iam(client: &Client, action: &str, parameters: &[(&str, &str)]) -> Result<String> {
    let mut form = format!("Action={action}&Version=2010-05-08");
    for (name, value) in parameters {
        form.push_str(&format!("&{name}={}", segment(value)));
    }
    let headers = [("content-type", "application/x-www-form-urlencoded")];
    let response = client.send_with("iam", Method::POST, "/", &headers, form.into_bytes()).await?;
    Ok(response.text().await?)
}
