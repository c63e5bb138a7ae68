//! Signing certificates of users.

use aws_wire::Nothing;
use aws_wire::generated::iam::{
    DeleteSigningCertificateRequest, ListSigningCertificatesRequest, ListSigningCertificatesResponse,
    SigningCertificate, UpdateSigningCertificateRequest, UploadSigningCertificateRequest,
    UploadSigningCertificateResponse,
};
use identity::iam::signing_certificates as domain;

use super::access_keys::{settable, status};
use super::shapes::{page_request, rest};
use crate::body::full;
use crate::call::Answer;
use crate::dispatch::AwsCall;

pub(super) async fn upload(call: AwsCall) -> Answer {
    let input: UploadSigningCertificateRequest = call.decode()?;
    let (user, body) = (input.user_name.as_deref(), &input.certificate_body);
    let kept = call.api.identity().upload_signing_certificate(&call.ctx, user, body).await?;
    Ok(call.encode(&UploadSigningCertificateResponse { certificate: certificate(kept) }).map(full))
}

pub(super) async fn update(call: AwsCall) -> Answer {
    let input: UpdateSigningCertificateRequest = call.decode()?;
    let (user, id) = (input.user_name.as_deref(), &input.certificate_id);
    call.api.identity().update_signing_certificate(&call.ctx, user, id, settable(&input.status)?).await?;
    Ok(call.encode(&Nothing {}).map(full))
}

pub(super) async fn list(call: AwsCall) -> Answer {
    let input: ListSigningCertificatesRequest = call.decode()?;
    let request = page_request(input.max_items, input.marker.as_deref())?;
    let user = input.user_name.as_deref();
    let page = call.api.identity().list_signing_certificates(&call.ctx, user, &request).await?;
    let (is_truncated, marker) = rest(&page);
    let certificates = page.items.into_iter().map(certificate).collect();
    Ok(call.encode(&ListSigningCertificatesResponse { certificates, is_truncated, marker }).map(full))
}

pub(super) async fn delete(call: AwsCall) -> Answer {
    let input: DeleteSigningCertificateRequest = call.decode()?;
    let (user, id) = (input.user_name.as_deref(), &input.certificate_id);
    call.api.identity().delete_signing_certificate(&call.ctx, user, id).await?;
    Ok(call.encode(&Nothing {}).map(full))
}

fn certificate(kept: domain::SigningCertificate) -> SigningCertificate {
    SigningCertificate {
        user_name: kept.user_name,
        certificate_id: kept.id,
        certificate_body: kept.body,
        status: status(kept.status),
        upload_date: Some(kept.created.into()),
    }
}
