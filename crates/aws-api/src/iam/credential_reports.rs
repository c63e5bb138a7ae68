//! The credential report.

use aws_wire::Blob;
use aws_wire::generated::iam::{
    GenerateCredentialReportResponse, GetCredentialReportResponse, ReportFormatType, ReportStateType,
};

use crate::body::full;
use crate::call::Answer;
use crate::dispatch::AwsCall;

pub(super) async fn generate(call: AwsCall) -> Answer {
    let first = call.api.identity().generate_credential_report(&call.ctx).await?;
    let output = match first {
        true => GenerateCredentialReportResponse {
            state: Some(ReportStateType::Started),
            description: Some("No report exists. Starting a new report generation task".to_owned()),
        },
        false => GenerateCredentialReportResponse { state: Some(ReportStateType::Complete), description: None },
    };
    Ok(call.encode(&output).map(full))
}

pub(super) async fn get(call: AwsCall) -> Answer {
    let report = call.api.identity().credential_report(&call.ctx).await?;
    let output = GetCredentialReportResponse {
        content: Some(Blob(report.content.into())),
        report_format: Some(ReportFormatType::TextCsv),
        generated_time: Some(report.made.into()),
    };
    Ok(call.encode(&output).map(full))
}
