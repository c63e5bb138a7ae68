//! Roles that belong to a service of AWS.

use base::{Error, Result};

use super::{Role, SESSION, store};
use crate::credentials::formats;
use crate::ctx::Ctx;
use crate::iam::errors::invalid_input;
use crate::iam::names::{arn, check_name};
use crate::open::Identity;

/// The names of the roles of services whose name does not follow from that of the service.
const NAMES: &[(&str, &str)] = &[
    ("access-analyzer", "AccessAnalyzer"),
    ("autoscaling", "AutoScaling"),
    ("bedrock", "AmazonBedrock"),
    ("cloudtrail", "CloudTrail"),
    ("ecs", "ECS"),
    ("elasticbeanstalk", "ElasticBeanstalk"),
    ("elasticloadbalancing", "ElasticLoadBalancing"),
    ("guardduty", "AmazonGuardDuty"),
    ("lex", "LexBots"),
    ("lexv2", "LexV2Bots"),
    ("opensearchservice", "AmazonOpenSearchService"),
    ("organizations", "Organizations"),
    ("qbusiness", "QBusiness"),
    ("rds", "RDS"),
    ("sagemaker", "AmazonSageMakerNotebooks"),
    ("spot", "EC2Spot"),
    ("sso", "SSO"),
    ("support", "Support"),
];

/// The same for the services that Application Auto Scaling scales (its User Guide, "Service-linked roles").
const SCALED: &[(&str, &str)] = &[
    ("appstream", "AppStreamFleet"),
    ("cassandra", "CassandraTable"),
    ("comprehend", "ComprehendEndpoint"),
    ("custom-resource", "CustomResource"),
    ("dynamodb", "DynamoDBTable"),
    ("ec2", "EC2SpotFleetRequest"),
    ("ecs", "ECSService"),
    ("elasticache", "ElastiCacheRG"),
    ("elasticmapreduce", "EMRInstanceGroup"),
    ("kafka", "KafkaCluster"),
    ("lambda", "LambdaConcurrency"),
    ("neptune", "NeptuneCluster"),
    ("rds", "RDSCluster"),
    ("sagemaker", "SageMakerEndpoint"),
    ("workspaces", "WorkSpacesPool"),
];

impl Identity {
    /// Makes the role of `service` (`autoscaling.amazonaws.com`), with which the service acts in the account.
    ///
    /// # Errors
    /// Invalid (`InvalidInput`), where `service` is not the name of a service, or its role is there already.
    pub async fn create_service_linked_role(
        &self,
        ctx: &Ctx,
        service: &str,
        description: Option<String>,
        suffix: Option<&str>,
    ) -> Result<Role> {
        let name = role_name(service, suffix)?;
        check_name("roleName", &name, 64)?;
        let path = format!("/aws-service-role/{service}/");
        let role = Role {
            id: formats::role_id(self.0.random.as_ref()),
            account: ctx.account().clone(),
            arn: arn(ctx.account(), "role", &path, &name),
            name,
            path,
            description,
            trust: format!(
                "{{\"Version\":\"2012-10-17\",\"Statement\":[{{\"Action\":[\"sts:AssumeRole\"],\"Effect\":\"Allow\",\
                 \"Principal\":{{\"Service\":[\"{service}\"]}}}}]}}"
            ),
            max_session: SESSION,
            boundary: None,
            service: Some(service.to_owned()),
            tags: Vec::new(),
            created: self.0.clock.now(),
            last_used: None,
        };
        store::insert_linked(&self.0.store, &role).await?;
        Ok(role)
    }

    /// Removes a service-linked role; gives the id of the deletion, which has succeeded then.
    ///
    /// # Errors
    /// NotFound, where there is no such role. Invalid (`InvalidInput`), where it is not linked to a service.
    pub async fn delete_service_linked_role(&self, ctx: &Ctx, name: &str) -> Result<String> {
        let role = self.get_role(ctx, name).await?;
        let Some(service) = &role.service else {
            return Err(invalid_input(format!("The role {name} is not a service-linked role."))
                .with_hint("`DeleteRole` removes it."));
        };
        let task = format!("task/aws-service-role/{service}/{name}/{}", self.0.random.uuid());
        store::delete_linked(&self.0.store, ctx.account(), name, &task).await?;
        self.forget_credentials();
        Ok(task)
    }

    /// Checks that a deletion was asked for: it has succeeded.
    ///
    /// # Errors
    /// NotFound, where it was not.
    pub async fn service_linked_role_deletion(&self, ctx: &Ctx, task: &str) -> Result<()> {
        if store::deletion_exists(&self.0.store, ctx.account(), task).await? {
            return Ok(());
        }
        Err(Error::not_found(format!("Deletion task {task} cannot be found.")))
    }
}

fn role_name(service: &str, suffix: Option<&str>) -> Result<String> {
    let label = service.strip_suffix(".amazonaws.com").unwrap_or_default();
    let first = label.split('.').next().unwrap_or_default();
    let is_label = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    if !label.split('.').all(is_label) {
        return Err(invalid_input(format!("Service {service} is not a service that can have a linked role."))
            .with_hint("Services are named like `autoscaling.amazonaws.com`."));
    }
    let known =
        |names: &[(&str, &str)]| names.iter().find(|(key, _)| *key == first).map(|(_, name)| (*name).to_owned());
    let name = match label.strip_suffix(".application-autoscaling").and_then(|_| known(SCALED)) {
        Some(scaled) => format!("ApplicationAutoScaling_{scaled}"),
        None => known(NAMES).unwrap_or_else(|| first[..1].to_uppercase() + &first[1..]),
    };
    Ok(match suffix {
        Some(suffix) => format!("AWSServiceRoleFor{name}_{suffix}"),
        None => format!("AWSServiceRoleFor{name}"),
    })
}
