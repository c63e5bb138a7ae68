use ::store::testing::each_backend;
use base::ErrorKind;

use super::*;
use crate::testing::Deployment;

#[tokio::test]
async fn an_imported_model_is_found_by_name_id_and_arn_and_only_where_it_is() {
    each_backend(async |store| {
        let deployment = Deployment::start_on(store.clone(), tempfile::tempdir().unwrap(), |_| {}).await;
        let (models, ctx) = (&deployment.models, &deployment.ctx);
        store
            .write(|tx| async move {
                let sql = "INSERT INTO model_imported (account, region, id, name, architecture, instruct, job_id, job_name,
                             source_uri, kms_key_arn, created_at)
                           VALUES ($1, $2, 'abcdefghijk1', 'mine', 'mistral', TRUE, 'abcdefghijk2', 'job', 's3://b/m/', NULL, 5)";
                tx.execute(sql, params![ctx.account(), ctx.region()]).await
            })
            .await
            .unwrap();
        let arn = format!("arn:aws:bedrock:{}:{}:imported-model/abcdefghijk1", ctx.region(), ctx.account());
        for identifier in ["mine", "abcdefghijk1", &arn] {
            let model = models.imported_model(ctx, identifier).await.unwrap();
            assert_eq!((model.arn.to_string(), model.name.as_str()), (arn.clone(), "mine"), "{identifier}");
            assert!(model.job_arn.to_string().ends_with(":model-import-job/abcdefghijk2"));
        }
        for other in ["mini", "arn:aws:bedrock:us-west-2:111111111111:imported-model/abcdefghijk1"] {
            let missing = models.imported_model(ctx, other).await.unwrap_err();
            assert_eq!(missing.kind, ErrorKind::NotFound, "{other}");
        }
        let elsewhere = deployment.context("222222222222", "eu-west-1").await;
        assert_eq!(models.imported_model(&elsewhere, "mine").await.unwrap_err().kind, ErrorKind::NotFound);
    })
    .await;
}
