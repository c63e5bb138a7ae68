//! The AWS operations that the commands need.

use anyhow::{Context as _, Result};
use http::Method;
use serde_json::{Value, json};

use crate::client::{Client, xml_text};
use crate::commands::segment;

/// The role that endpoints are made as where nothing else is said.
pub(super) const ROLE: &str = "CratonEndpoints";
const TRUST: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"sagemaker.amazonaws.com"},"Action":"sts:AssumeRole"}]}"#;
const MARKETPLACE: &str = "/marketplace-model/endpoints";

/// Calls an operation of SageMaker.
pub(super) async fn sagemaker(client: &Client, operation: &str, input: &Value) -> Result<Value> {
    let target = format!("SageMaker.{operation}");
    let headers = [("content-type", "application/x-amz-json-1.1"), ("x-amz-target", target.as_str())];
    let response = client.send_with("sagemaker", Method::POST, "/", &headers, serde_json::to_vec(input)?).await?;
    read(response).await
}

async fn bedrock(client: &Client, method: Method, path: &str, input: Option<&Value>) -> Result<Value> {
    let body = input.map(serde_json::to_vec).transpose()?.unwrap_or_default();
    read(client.send("bedrock", method, path, body).await?).await
}

async fn read(response: reqwest::Response) -> Result<Value> {
    let body = response.bytes().await?;
    if body.is_empty() {
        return Ok(Value::Null);
    }
    serde_json::from_slice(&body).context("the server's answer is not JSON")
}

/// An endpoint, as SageMaker describes it.
pub(super) async fn describe(client: &Client, name: &str) -> Result<Value> {
    sagemaker(client, "DescribeEndpoint", &json!({ "EndpointName": name })).await
}

/// The configuration of an endpoint; `Null` where that is gone.
pub(super) async fn config_of(client: &Client, endpoint: &Value) -> Value {
    let input = json!({ "EndpointConfigName": endpoint["EndpointConfigName"] });
    sagemaker(client, "DescribeEndpointConfig", &input).await.unwrap_or_default()
}

/// Every endpoint, the latest first.
pub(super) async fn endpoints(client: &Client) -> Result<Vec<Value>> {
    let (mut found, mut token) = (Vec::new(), Value::Null);
    loop {
        let mut input = json!({ "SortBy": "CreationTime", "SortOrder": "Descending", "MaxResults": 100 });
        if !token.is_null() {
            input["NextToken"] = token;
        }
        let mut page = sagemaker(client, "ListEndpoints", &input).await?;
        if let Value::Array(more) = page["Endpoints"].take() {
            found.extend(more);
        }
        token = page["NextToken"].take();
        if token.is_null() {
            return Ok(found);
        }
    }
}

/// Every endpoint that Bedrock Marketplace manages.
pub(super) async fn managed(client: &Client) -> Result<Vec<Value>> {
    let (mut found, mut path) = (Vec::new(), format!("{MARKETPLACE}?maxResults=100"));
    loop {
        let mut page = bedrock(client, Method::GET, &path, None).await?;
        if let Value::Array(more) = page["marketplaceModelEndpoints"].take() {
            found.extend(more);
        }
        let Some(token) = page["nextToken"].as_str() else { return Ok(found) };
        path = format!("{MARKETPLACE}?maxResults=100&nextToken={}", segment(token));
    }
}

/// Makes an endpoint that Bedrock Marketplace manages, and gives it.
pub(super) async fn create_managed(client: &Client, input: &Value) -> Result<Value> {
    Ok(bedrock(client, Method::POST, MARKETPLACE, Some(input)).await?["marketplaceModelEndpoint"].take())
}

/// Deletes an endpoint that Bedrock Marketplace manages.
pub(super) async fn delete_managed(client: &Client, arn: &str) -> Result<()> {
    bedrock(client, Method::DELETE, &format!("{MARKETPLACE}/{}", segment(arn)), None).await.map(drop)
}

/// Makes a SageMaker endpoint one whose ARN Bedrock takes as a model id.
pub(super) async fn register(client: &Client, arn: &str, source: &str) -> Result<()> {
    let path = format!("{MARKETPLACE}/{}/registration", segment(arn));
    bedrock(client, Method::POST, &path, Some(&json!({ "modelSourceIdentifier": source }))).await.map(drop)
}

/// The ARN of the role that endpoints are made as, which is made where it is not there.
pub(super) async fn role(client: &Client) -> Result<String> {
    let made = match iam(client, "GetRole", &[("RoleName", ROLE)]).await {
        Ok(found) => found,
        Err(_) => {
            let role =
                [("RoleName", ROLE), ("AssumeRolePolicyDocument", TRUST), ("Description", "Endpoints of models")];
            iam(client, "CreateRole", &role).await.with_context(|| format!("cannot make the role `{ROLE}`"))?
        }
    };
    let arn = xml_text(&made, "Arn").context("the server's answer names no role")?;
    Ok(arn.to_owned())
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
