//! Encrypting, decrypting, data keys and random bytes.

use aws_wire::Blob;
use aws_wire::generated::kms::{
    self as wire, DecryptRequest, DecryptResponse, EncryptRequest, EncryptResponse, EncryptionAlgorithmSpec,
    GenerateDataKeyRequest, GenerateDataKeyResponse, GenerateDataKeyWithoutPlaintextRequest,
    GenerateDataKeyWithoutPlaintextResponse, GenerateRandomRequest, GenerateRandomResponse, ReEncryptRequest,
    ReEncryptResponse,
};
use base::Error;
use bytes::Bytes;
use identity::kms::{DataKeySpec, KeyRef};

use super::{context, kms, options, refuse};
use crate::body::full;
use crate::call::Answer;
use crate::dispatch::AwsCall;
use crate::errors::Failure;

const ALGORITHM: Option<EncryptionAlgorithmSpec> = Some(EncryptionAlgorithmSpec::SymmetricDefault);

pub(super) async fn encrypt(call: AwsCall) -> Answer {
    let input: EncryptRequest = call.decode()?;
    check_algorithm(input.encryption_algorithm, &input.key_id)?;
    let (key, context) = (KeyRef::parse(&input.key_id)?, context(input.encryption_context));
    let options = options(input.grant_tokens, input.dry_run);
    let done = kms(&call).encrypt(&call.ctx, &key, &input.plaintext.0, &context, &options).await?;
    let output = EncryptResponse {
        ciphertext_blob: Some(blob(&done.ciphertext)),
        key_id: Some(done.key_arn),
        encryption_algorithm: ALGORITHM,
    };
    Ok(call.encode(&output).map(full))
}

pub(super) async fn decrypt(call: AwsCall) -> Answer {
    let input: DecryptRequest = call.decode()?;
    refuse(input.recipient.as_ref(), "Recipient")?;
    refuse(input.dry_run_modifiers.as_ref().filter(|modifiers| !modifiers.is_empty()), "DryRunModifiers")?;
    check_algorithm(input.encryption_algorithm, input.key_id.as_deref().unwrap_or("The key"))?;
    let ciphertext = needed(input.ciphertext_blob)?;
    let key = input.key_id.as_deref().map(KeyRef::parse).transpose()?;
    let (context, options) = (context(input.encryption_context), options(input.grant_tokens, input.dry_run));
    let done = kms(&call).decrypt_with(&call.ctx, &ciphertext, &context, key.as_ref(), &options).await?;
    let output = DecryptResponse {
        key_id: Some(done.key_arn),
        plaintext: Some(blob(&done.plaintext)),
        encryption_algorithm: ALGORITHM,
        ..DecryptResponse::default()
    };
    Ok(call.encode(&output).map(full))
}

pub(super) async fn re_encrypt(call: AwsCall) -> Answer {
    let input: ReEncryptRequest = call.decode()?;
    refuse(input.dry_run_modifiers.as_ref().filter(|modifiers| !modifiers.is_empty()), "DryRunModifiers")?;
    check_algorithm(input.source_encryption_algorithm, input.source_key_id.as_deref().unwrap_or("The key"))?;
    check_algorithm(input.destination_encryption_algorithm, &input.destination_key_id)?;
    let ciphertext = needed(input.ciphertext_blob)?;
    let source = input.source_key_id.as_deref().map(KeyRef::parse).transpose()?;
    let destination = KeyRef::parse(&input.destination_key_id)?;
    let (from, to) = (context(input.source_encryption_context), context(input.destination_encryption_context));
    let options = options(input.grant_tokens, input.dry_run);
    let done =
        kms(&call).re_encrypt(&call.ctx, &ciphertext, (source.as_ref(), &from), (&destination, &to), &options).await?;
    let output = ReEncryptResponse {
        ciphertext_blob: Some(blob(&done.ciphertext)),
        source_key_id: Some(done.source_arn),
        key_id: Some(done.destination_arn),
        source_encryption_algorithm: ALGORITHM,
        destination_encryption_algorithm: ALGORITHM,
        ..ReEncryptResponse::default()
    };
    Ok(call.encode(&output).map(full))
}

pub(super) async fn generate_data_key(call: AwsCall) -> Answer {
    let input: GenerateDataKeyRequest = call.decode()?;
    refuse(input.recipient.as_ref(), "Recipient")?;
    let (key, spec) = (KeyRef::parse(&input.key_id)?, spec(input.key_spec, input.number_of_bytes)?);
    let (context, options) = (context(input.encryption_context), options(input.grant_tokens, input.dry_run));
    let made = kms(&call).generate_data_key_with(&call.ctx, &key, &context, spec, &options).await?;
    let output = GenerateDataKeyResponse {
        ciphertext_blob: Some(blob(&made.ciphertext)),
        plaintext: Some(blob(&made.plaintext)),
        key_id: Some(made.key_arn),
        ..GenerateDataKeyResponse::default()
    };
    Ok(call.encode(&output).map(full))
}

pub(super) async fn generate_data_key_without_plaintext(call: AwsCall) -> Answer {
    let input: GenerateDataKeyWithoutPlaintextRequest = call.decode()?;
    let (key, spec) = (KeyRef::parse(&input.key_id)?, spec(input.key_spec, input.number_of_bytes)?);
    let (context, options) = (context(input.encryption_context), options(input.grant_tokens, input.dry_run));
    let made = kms(&call).generate_data_key_without_plaintext(&call.ctx, &key, &context, spec, &options).await?;
    let output = GenerateDataKeyWithoutPlaintextResponse {
        ciphertext_blob: Some(blob(&made.ciphertext)),
        key_id: Some(made.key_arn),
        ..GenerateDataKeyWithoutPlaintextResponse::default()
    };
    Ok(call.encode(&output).map(full))
}

pub(super) async fn generate_random(call: AwsCall) -> Answer {
    let input: GenerateRandomRequest = call.decode()?;
    refuse(input.recipient.as_ref(), "Recipient")?;
    refuse(input.custom_key_store_id.as_ref(), "CustomKeyStoreId")?;
    let bytes = input.number_of_bytes.ok_or_else(|| Error::invalid("NumberOfBytes is required."))?;
    let random = kms(&call).generate_random(&call.ctx, usize::try_from(bytes).unwrap_or_default()).await?;
    let output = GenerateRandomResponse { plaintext: Some(blob(&random)), ..GenerateRandomResponse::default() };
    Ok(call.encode(&output).map(full))
}

fn blob(bytes: &[u8]) -> Blob {
    Blob(Bytes::copy_from_slice(bytes))
}

fn needed(ciphertext: Option<Blob>) -> Result<Bytes, Failure> {
    let missing = || {
        Error::invalid(
            "1 validation error detected: Value null at 'ciphertextBlob' failed to satisfy constraint: Member must not \
             be null",
        )
    };
    Ok(ciphertext.ok_or_else(missing)?.0)
}

fn spec(spec: Option<wire::DataKeySpec>, bytes: Option<i32>) -> Result<DataKeySpec, Failure> {
    match (spec, bytes) {
        (Some(wire::DataKeySpec::Aes256), None) => Ok(DataKeySpec::Aes256),
        (Some(wire::DataKeySpec::Aes128), None) => Ok(DataKeySpec::Aes128),
        (None, Some(bytes)) => Ok(DataKeySpec::Bytes(usize::try_from(bytes).unwrap_or_default())),
        _ => Err(Error::invalid("Please specify either number of bytes or key spec.").into()),
    }
}

/// Symmetric keys have one algorithm.
fn check_algorithm(algorithm: Option<EncryptionAlgorithmSpec>, key: &str) -> Result<(), Failure> {
    match algorithm.filter(|algorithm| Some(*algorithm) != ALGORITHM) {
        Some(algorithm) => Err(Failure::Wire(aws_wire::WireError::with_status(
            400,
            "InvalidKeyUsageException",
            format!("Algorithm {algorithm} is incompatible with key spec SYMMETRIC_DEFAULT: {key}"),
        ))),
        None => Ok(()),
    }
}
