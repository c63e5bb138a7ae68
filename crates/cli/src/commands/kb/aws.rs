//! The AWS operations that the commands need.

use anyhow::{Context as _, Result, bail};
use http::Method;
use serde_json::{Value, json};

use crate::client::{Client, xml_text};
use crate::commands::segment;
use crate::fields::text;

/// The role that knowledge bases read as where nothing else is said.
pub(super) const ROLE: &str = "CratonKnowledgeBases";
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

/// Whether a data source is handed its documents, and so has nothing to read in.
pub(super) async fn is_custom(client: &Client, base: &str, source: &str) -> Result<bool> {
    let found = bedrock(client, Method::GET, &source_path(base, source), None).await?;
    Ok(found["dataSource"]["dataSourceConfiguration"]["type"] == "CUSTOM")
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

/// The ARN of the role that reads a bucket, which is made where it is not there. It may read the bucket from now on, and
/// decrypt with the bucket's key.
pub(super) async fn role(client: &Client, bucket: &str) -> Result<String> {
    let key = key_of(client, bucket).await?;
    let made = match iam(client, "GetRole", &[("RoleName", ROLE)]).await {
        Ok(found) => found,
        Err(_) => {
            let role =
                [("RoleName", ROLE), ("AssumeRolePolicyDocument", TRUST), ("Description", "Readers of documents")];
            iam(client, "CreateRole", &role).await.with_context(|| format!("cannot make the role `{ROLE}`"))?
        }
    };
    let mut policy = json!({ "Version": "2012-10-17", "Statement": [
        {
            "Effect": "Allow",
            "Action": ["s3:GetObject", "s3:ListBucket"],
            "Resource": [format!("arn:aws:s3:::{bucket}"), format!("arn:aws:s3:::{bucket}/*")],
        },
        { "Effect": "Allow", "Action": "bedrock:InvokeModel", "Resource": "*" },
    ] });
    if let (Some(key), Some(statements)) = (key, policy["Statement"].as_array_mut()) {
        statements.push(json!({ "Effect": "Allow", "Action": "kms:Decrypt", "Resource": key }));
    }
    let put = [("RoleName", ROLE), ("PolicyName", bucket), ("PolicyDocument", &policy.to_string())];
    iam(client, "PutRolePolicy", &put)
        .await
        .with_context(|| format!("cannot let the role `{ROLE}` read `{bucket}`"))?;
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
