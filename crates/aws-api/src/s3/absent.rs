//! Settings that AWS's buckets may have and Craton's have not: they are answered as for a bucket that has none.

use s3s::dto::*;

use super::Craton;
use super::convert::bucket;
use super::errors::Told;
use super::table::{Asked, Done, done};

/// Each function asks for the bucket under the name of its permission, then says that there is no such setting.
macro_rules! absent {
    ($($name:ident($input:ident, $action:literal) -> $output:ident = $answer:expr;)*) => {
        $(pub(crate) async fn $name(s3: &Craton, asked: Asked<$input>) -> Done<$output> {
            let Asked { ctx, input, .. } = asked;
            s3.objects.bucket_for(&ctx, &bucket(input.bucket, input.expected_bucket_owner), $action).await?;
            $answer
        })*
    };
}

absent! {
    acceleration(GetBucketAccelerateConfigurationInput, "s3:GetAccelerateConfiguration")
        -> GetBucketAccelerateConfigurationOutput = done(GetBucketAccelerateConfigurationOutput::default());
    logging(GetBucketLoggingInput, "s3:GetBucketLogging")
        -> GetBucketLoggingOutput = done(GetBucketLoggingOutput::default());
    notification(GetBucketNotificationConfigurationInput, "s3:GetBucketNotification")
        -> GetBucketNotificationConfigurationOutput = done(GetBucketNotificationConfigurationOutput::default());
    request_payment(GetBucketRequestPaymentInput, "s3:GetBucketRequestPayment")
        -> GetBucketRequestPaymentOutput = done(GetBucketRequestPaymentOutput {
            payer: Some(Payer::from_static(Payer::BUCKET_OWNER)),
        });
    analytics(ListBucketAnalyticsConfigurationsInput, "s3:GetAnalyticsConfiguration")
        -> ListBucketAnalyticsConfigurationsOutput = done(ListBucketAnalyticsConfigurationsOutput {
            is_truncated: Some(false),
            ..ListBucketAnalyticsConfigurationsOutput::default()
        });
    inventory(ListBucketInventoryConfigurationsInput, "s3:GetInventoryConfiguration")
        -> ListBucketInventoryConfigurationsOutput = done(ListBucketInventoryConfigurationsOutput {
            is_truncated: Some(false),
            ..ListBucketInventoryConfigurationsOutput::default()
        });
    metrics(ListBucketMetricsConfigurationsInput, "s3:GetMetricsConfiguration")
        -> ListBucketMetricsConfigurationsOutput = done(ListBucketMetricsConfigurationsOutput {
            is_truncated: Some(false),
            ..ListBucketMetricsConfigurationsOutput::default()
        });
    lifecycle(GetBucketLifecycleConfigurationInput, "s3:GetLifecycleConfiguration")
        -> GetBucketLifecycleConfigurationOutput
        = none("NoSuchLifecycleConfiguration", "The lifecycle configuration does not exist");
    replication(GetBucketReplicationInput, "s3:GetReplicationConfiguration") -> GetBucketReplicationOutput
        = none("ReplicationConfigurationNotFoundError", "The replication configuration was not found");
    website(GetBucketWebsiteInput, "s3:GetBucketWebsite") -> GetBucketWebsiteOutput
        = none("NoSuchWebsiteConfiguration", "The specified bucket does not have a website configuration");
}

/// Removing a setting succeeds where there is none.
macro_rules! removed {
    ($($name:ident($input:ident, $action:literal) -> $output:ident;)*) => {
        $(pub(crate) async fn $name(s3: &Craton, asked: Asked<$input>) -> Done<$output> {
            let Asked { ctx, input, .. } = asked;
            s3.objects.bucket_for(&ctx, &bucket(input.bucket, input.expected_bucket_owner), $action).await?;
            done($output {})
        })*
    };
}

removed! {
    no_lifecycle(DeleteBucketLifecycleInput, "s3:PutLifecycleConfiguration") -> DeleteBucketLifecycleOutput;
    no_replication(DeleteBucketReplicationInput, "s3:PutReplicationConfiguration") -> DeleteBucketReplicationOutput;
    no_website(DeleteBucketWebsiteInput, "s3:DeleteBucketWebsite") -> DeleteBucketWebsiteOutput;
}

fn none<T>(code: &'static str, message: &'static str) -> Done<T> {
    Err(Told::new(404, code, message))
}

pub(crate) async fn tiering(
    s3: &Craton,
    asked: Asked<ListBucketIntelligentTieringConfigurationsInput>,
) -> Done<ListBucketIntelligentTieringConfigurationsOutput> {
    let Asked { ctx, input, .. } = asked;
    let action = "s3:GetIntelligentTieringConfiguration";
    s3.objects.bucket_for(&ctx, &bucket(input.bucket, None), action).await?;
    done(ListBucketIntelligentTieringConfigurationsOutput {
        is_truncated: Some(false),
        ..ListBucketIntelligentTieringConfigurationsOutput::default()
    })
}
