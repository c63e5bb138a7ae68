//! The managed policies of AWS that matter to what Craton serves. The documents are written after what AWS says its
//! policies allow (AWS Managed Policy Reference), for the services that Craton knows.

use std::sync::{Arc, LazyLock};

use base::{Error, Result, Timestamp};
use sha2::{Digest as _, Sha256};

use super::policies::{Policy, PolicyVersion};
use crate::policy::{Attached, Document, Kind};

/// The ARN of AWS's policy for administrators.
pub(crate) const ADMINISTRATOR_ACCESS: &str = "arn:aws:iam::aws:policy/AdministratorAccess";

/// 2015-02-06T18:40:00Z, when AWS made the first of them.
const CREATED: Timestamp = Timestamp(1_423_248_000_000);

const PREFIX: &str = "arn:aws:iam::aws:policy";

/// A policy of AWS.
pub(crate) struct AwsPolicy {
    path: &'static str,
    name: &'static str,
    description: &'static str,
    document: &'static str,
}

impl AwsPolicy {
    pub(crate) fn arn(&self) -> String {
        format!("{PREFIX}{}{}", self.path, self.name)
    }

    pub(crate) fn policy(&self) -> Policy {
        Policy {
            id: id(self.name),
            name: self.name.to_owned(),
            path: self.path.to_owned(),
            arn: self.arn(),
            description: Some(self.description.to_owned()),
            tags: Vec::new(),
            default_version: "v1".to_owned(),
            attachments: 0,
            boundary_uses: 0,
            created: CREATED,
            updated: CREATED,
        }
    }

    pub(crate) fn version(&self) -> PolicyVersion {
        PolicyVersion { id: "v1".to_owned(), document: self.document.to_owned(), default: true, created: CREATED }
    }
}

/// Whether `arn` is of a policy of AWS, known or not.
pub(crate) fn is_arn(arn: &str) -> bool {
    arn.starts_with("arn:aws:iam::aws:policy/")
}

/// The policy of AWS with this ARN.
pub(crate) fn find(arn: &str) -> Option<&'static AwsPolicy> {
    ALL.iter().find(|policy| arn.starts_with(PREFIX) && policy.arn() == arn)
}

/// The policy with this ARN, compiled.
///
/// # Errors
/// Internal, where there is no such policy: only what exists is attached.
pub(crate) fn attached(arn: &str) -> Result<Attached> {
    static COMPILED: LazyLock<Vec<(String, Option<Arc<Document>>)>> = LazyLock::new(|| {
        let compile = |policy: &AwsPolicy| Document::parse(Kind::Managed, policy.document).ok().map(Arc::new);
        ALL.iter().map(|policy| (policy.arn(), compile(policy))).collect()
    });
    let document = COMPILED.iter().find(|(known, _)| known == arn).and_then(|(_, document)| document.as_ref());
    let document = document.ok_or_else(|| Error::internal(format!("there is no policy `{arn}`")))?;
    Ok(Attached { id: arn.into(), document: Arc::clone(document) })
}

/// An id that is always the same for a name.
fn id(name: &str) -> String {
    const LETTERS: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    let hash = Sha256::digest(name.as_bytes());
    let letters = hash.iter().take(17).map(|byte| char::from(LETTERS[usize::from(byte % 32)]));
    format!("ANPA{}", letters.collect::<String>())
}

/// All of them.
pub(crate) const ALL: &[AwsPolicy] = &[
    AwsPolicy {
        path: "/",
        name: "AdministratorAccess",
        description: "Provides full access to AWS services and resources.",
        document: r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}"#,
    },
    AwsPolicy {
        path: "/",
        name: "PowerUserAccess",
        description: "Provides full access to AWS services and resources, but does not allow management of Users and \
                      groups.",
        document: r#"{"Version":"2012-10-17","Statement":[
{"Effect":"Allow","NotAction":["iam:*","organizations:*","account:*","craton:CreateAccount"],"Resource":"*"},
{"Effect":"Allow","Action":["account:GetAccountInformation","account:GetPrimaryEmail","account:ListRegions",
"iam:CreateServiceLinkedRole","iam:DeleteServiceLinkedRole","iam:ListRoles",
"organizations:DescribeEffectivePolicy","organizations:DescribeOrganization"],"Resource":"*"}]}"#,
    },
    AwsPolicy {
        path: "/",
        name: "ReadOnlyAccess",
        description: "Provides read-only access to AWS services and resources.",
        document: r#"{"Version":"2012-10-17","Statement":[{"Sid":"ReadOnlyActions","Effect":"Allow","Action":[
"bedrock:Get*","bedrock:List*","cloudtrail:Describe*","cloudtrail:Get*","cloudtrail:List*","cloudtrail:LookupEvents",
"iam:Generate*","iam:Get*","iam:List*","iam:Simulate*","kms:Describe*","kms:Get*","kms:List*",
"lambda:Get*","lambda:List*","logs:Describe*","logs:FilterLogEvents","logs:Get*","logs:ListTagsForResource",
"logs:ListTagsLogGroup","logs:StartQuery","logs:StopQuery","logs:TestMetricFilter","organizations:Describe*",
"organizations:List*","qbusiness:Get*","qbusiness:List*","s3:DescribeJob","s3:Get*","s3:List*",
"sagemaker:Describe*","sagemaker:GetSearchSuggestions","sagemaker:List*","sagemaker:Search",
"secretsmanager:DescribeSecret","secretsmanager:GetResourcePolicy","secretsmanager:List*",
"sts:GetAccessKeyInfo","sts:GetCallerIdentity","sts:GetSessionToken","textract:GetAdapter","textract:ListAdapters",
"craton:Get*","craton:List*"],"Resource":"*"}]}"#,
    },
    AwsPolicy {
        path: "/",
        name: "SecurityAudit",
        description: "The security audit template grants access to read security configuration metadata. It is useful \
                      for software that audits the configuration of an AWS account.",
        document: r#"{"Version":"2012-10-17","Statement":[{"Sid":"BaseSecurityAuditStatement","Effect":"Allow","Action":[
"bedrock:GetCustomModel","bedrock:GetModelInvocationLoggingConfiguration","bedrock:List*","cloudtrail:DescribeTrails",
"cloudtrail:GetEventSelectors","cloudtrail:GetTrail*","cloudtrail:ListTags","cloudtrail:ListTrails",
"cloudtrail:LookupEvents","iam:GenerateCredentialReport","iam:GenerateServiceLastAccessedDetails","iam:Get*",
"iam:List*","iam:SimulateCustomPolicy","iam:SimulatePrincipalPolicy","kms:Describe*","kms:GetKeyPolicy",
"kms:GetKeyRotationStatus","kms:List*","lambda:GetAccountSettings","lambda:GetFunctionConfiguration",
"lambda:GetPolicy","lambda:List*","logs:Describe*","logs:ListTagsLogGroup","organizations:Describe*",
"organizations:List*","s3:GetAccelerateConfiguration","s3:GetAccountPublicAccessBlock","s3:GetBucket*",
"s3:GetEncryptionConfiguration","s3:GetLifecycleConfiguration","s3:GetObjectAcl","s3:GetObjectVersionAcl",
"s3:ListAllMyBuckets","sagemaker:Describe*","sagemaker:List*","secretsmanager:DescribeSecret",
"secretsmanager:GetResourcePolicy","secretsmanager:ListSecretVersionIds","secretsmanager:ListSecrets"],
"Resource":"*"}]}"#,
    },
    AwsPolicy {
        path: "/job-function/",
        name: "ViewOnlyAccess",
        description: "This policy grants permissions to view resources and basic metadata across all AWS services.",
        document: r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":[
"cloudtrail:DescribeTrails","cloudtrail:LookupEvents","iam:GetAccountSummary","iam:GetLoginProfile","iam:List*",
"kms:ListAliases","kms:ListGrants","kms:ListKeyPolicies","kms:ListKeys","lambda:List*","logs:Describe*",
"organizations:List*","s3:ListAllMyBuckets","s3:ListBucket","sagemaker:Describe*","sagemaker:List*",
"secretsmanager:ListSecrets"],"Resource":"*"}]}"#,
    },
    AwsPolicy {
        path: "/",
        name: "IAMFullAccess",
        description: "Provides full access to IAM via the AWS Management Console.",
        document: r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["iam:*",
"organizations:DescribeAccount","organizations:DescribeOrganization","organizations:DescribeOrganizationalUnit",
"organizations:DescribePolicy","organizations:ListChildren","organizations:ListParents",
"organizations:ListPoliciesForTarget","organizations:ListRoots","organizations:ListPolicies",
"organizations:ListTargetsForPolicy"],"Resource":"*"}]}"#,
    },
    AwsPolicy {
        path: "/",
        name: "IAMReadOnlyAccess",
        description: "Provides read only access to IAM via the AWS Management Console.",
        document: r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["iam:GenerateCredentialReport",
"iam:GenerateServiceLastAccessedDetails","iam:Get*","iam:List*","iam:SimulateCustomPolicy",
"iam:SimulatePrincipalPolicy"],"Resource":"*"}]}"#,
    },
    AwsPolicy {
        path: "/",
        name: "IAMUserChangePassword",
        description: "Provides the ability for an IAM user to change their own password.",
        document: r#"{"Version":"2012-10-17","Statement":[
{"Effect":"Allow","Action":["iam:ChangePassword"],"Resource":["arn:aws:iam::*:user/${aws:username}"]},
{"Effect":"Allow","Action":["iam:GetAccountPasswordPolicy"],"Resource":"*"}]}"#,
    },
    AwsPolicy {
        path: "/",
        name: "IAMSelfManageServiceSpecificCredentials",
        description: "Allows an IAM user to manage their own Service Specific Credentials.",
        document: r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":[
"iam:CreateServiceSpecificCredential","iam:ListServiceSpecificCredentials","iam:UpdateServiceSpecificCredential",
"iam:DeleteServiceSpecificCredential","iam:ResetServiceSpecificCredential"],
"Resource":"arn:aws:iam::*:user/${aws:username}"}]}"#,
    },
    AwsPolicy {
        path: "/",
        name: "AmazonS3FullAccess",
        description: "Provides full access to all buckets via the AWS Management Console.",
        document: r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["s3:*","s3-object-lambda:*"],
"Resource":"*"}]}"#,
    },
    AwsPolicy {
        path: "/",
        name: "AmazonS3ReadOnlyAccess",
        description: "Provides read only access to all buckets via the AWS Management Console.",
        document: r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["s3:Get*","s3:List*",
"s3:Describe*","s3-object-lambda:Get*","s3-object-lambda:List*"],"Resource":"*"}]}"#,
    },
    AwsPolicy {
        path: "/",
        name: "AmazonBedrockFullAccess",
        description: "Provides full access to Amazon Bedrock as well as limited access to related services that are \
                      required by it",
        document: r#"{"Version":"2012-10-17","Statement":[
{"Sid":"BedrockAll","Effect":"Allow","Action":["bedrock:*"],"Resource":"*"},
{"Sid":"DescribeKey","Effect":"Allow","Action":["kms:DescribeKey"],"Resource":"arn:*:kms:*:::*"},
{"Sid":"APIsWithAllResourceAccess","Effect":"Allow","Action":["iam:ListRoles","ec2:DescribeVpcs",
"ec2:DescribeSubnets","ec2:DescribeSecurityGroups"],"Resource":"*"},
{"Sid":"PassRoleToBedrock","Effect":"Allow","Action":["iam:PassRole"],
"Resource":"arn:aws:iam::*:role/*AmazonBedrock*",
"Condition":{"StringEquals":{"iam:PassedToService":["bedrock.amazonaws.com"]}}}]}"#,
    },
    AwsPolicy {
        path: "/",
        name: "AmazonBedrockReadOnly",
        description: "Provides read only access to Amazon Bedrock",
        document: r#"{"Version":"2012-10-17","Statement":[{"Sid":"AmazonBedrockReadOnly","Effect":"Allow","Action":[
"bedrock:Get*","bedrock:List*"],"Resource":"*"}]}"#,
    },
    AwsPolicy {
        path: "/",
        name: "AmazonBedrockLimitedAccess",
        description: "Provides limited access to Amazon Bedrock as well as to related services that are required by it",
        document: r#"{"Version":"2012-10-17","Statement":[{"Sid":"BedrockAPIs","Effect":"Allow","Action":[
"bedrock:Get*","bedrock:List*","bedrock:CallWithBearerToken","bedrock:BatchDeleteEvaluationJob",
"bedrock:CreateEvaluationJob","bedrock:CreateGuardrail","bedrock:CreateGuardrailVersion",
"bedrock:CreateInferenceProfile","bedrock:CreateModelCopyJob","bedrock:CreateModelCustomizationJob",
"bedrock:CreateModelImportJob","bedrock:CreateModelInvocationJob","bedrock:CreatePromptRouter",
"bedrock:CreateProvisionedModelThroughput","bedrock:DeleteCustomModel","bedrock:DeleteGuardrail",
"bedrock:DeleteImportedModel","bedrock:DeleteInferenceProfile","bedrock:DeletePromptRouter",
"bedrock:DeleteProvisionedModelThroughput","bedrock:StopEvaluationJob","bedrock:StopModelCustomizationJob",
"bedrock:StopModelInvocationJob","bedrock:TagResource","bedrock:UntagResource","bedrock:UpdateGuardrail",
"bedrock:UpdateProvisionedModelThroughput","bedrock:ApplyGuardrail","bedrock:InvokeModel",
"bedrock:InvokeModelWithResponseStream"],"Resource":"*"},
{"Sid":"DescribeKey","Effect":"Allow","Action":["kms:DescribeKey"],"Resource":"arn:*:kms:*:::*"}]}"#,
    },
    AwsPolicy {
        path: "/",
        name: "AmazonSageMakerFullAccess",
        description: "Provides full access to Amazon SageMaker via the AWS Management Console and SDK. Also provides \
                      select access to related services (e.g., S3, ECR, CloudWatch Logs).",
        document: r#"{"Version":"2012-10-17","Statement":[
{"Sid":"AllowAllSageMaker","Effect":"Allow","Action":["sagemaker:*"],"Resource":"*"},
{"Sid":"AllowRelatedServices","Effect":"Allow","Action":["iam:ListRoles","kms:DescribeKey","kms:ListAliases",
"lambda:ListFunctions","logs:CreateLogDelivery","logs:CreateLogGroup","logs:CreateLogStream","logs:DeleteLogDelivery",
"logs:Describe*","logs:GetLogDelivery","logs:GetLogEvents","logs:ListLogDeliveries","logs:PutLogEvents",
"logs:PutResourcePolicy","logs:UpdateLogDelivery","secretsmanager:ListSecrets"],"Resource":"*"},
{"Sid":"AllowSecretManagerActions","Effect":"Allow","Action":["secretsmanager:DescribeSecret",
"secretsmanager:GetSecretValue","secretsmanager:CreateSecret"],
"Resource":["arn:aws:secretsmanager:*:*:secret:AmazonSageMaker-*"]},
{"Sid":"AllowReadOnlySecretManagerActions","Effect":"Allow","Action":["secretsmanager:DescribeSecret",
"secretsmanager:GetSecretValue"],"Resource":"*","Condition":{"StringEquals":
{"secretsmanager:ResourceTag/SageMaker":"true"}}},
{"Sid":"AllowS3ObjectActions","Effect":"Allow","Action":["s3:GetObject","s3:PutObject","s3:DeleteObject",
"s3:AbortMultipartUpload"],"Resource":["arn:aws:s3:::*SageMaker*","arn:aws:s3:::*Sagemaker*",
"arn:aws:s3:::*sagemaker*","arn:aws:s3:::*aws-glue*"]},
{"Sid":"AllowS3GetObjectWithSageMakerExistingObjectTag","Effect":"Allow","Action":["s3:GetObject"],
"Resource":["arn:aws:s3:::*"],"Condition":{"StringEqualsIgnoreCase":{"s3:ExistingObjectTag/SageMaker":"true"}}},
{"Sid":"AllowS3BucketActions","Effect":"Allow","Action":["s3:CreateBucket","s3:GetBucketLocation","s3:ListBucket",
"s3:ListAllMyBuckets","s3:GetBucketCors","s3:PutBucketCors"],"Resource":["arn:aws:s3:::*"]},
{"Sid":"AllowLambdaInvokeFunction","Effect":"Allow","Action":["lambda:InvokeFunction"],
"Resource":["arn:aws:lambda:*:*:function:*SageMaker*","arn:aws:lambda:*:*:function:*sagemaker*",
"arn:aws:lambda:*:*:function:*Sagemaker*","arn:aws:lambda:*:*:function:*LabelingFunction*"]},
{"Sid":"AllowPassRoleForSageMakerRoles","Effect":"Allow","Action":["iam:PassRole"],
"Resource":"arn:aws:iam::*:role/*AmazonSageMaker*","Condition":{"StringEquals":{"iam:PassedToService":[
"glue.amazonaws.com","robomaker.amazonaws.com","states.amazonaws.com"]}}},
{"Sid":"AllowPassRoleToSageMaker","Effect":"Allow","Action":["iam:PassRole"],"Resource":"arn:aws:iam::*:role/*",
"Condition":{"StringEquals":{"iam:PassedToService":"sagemaker.amazonaws.com"}}}]}"#,
    },
    AwsPolicy {
        path: "/",
        name: "AmazonSageMakerReadOnly",
        description: "Provides read only access to Amazon SageMaker via the AWS Management Console and SDK.",
        document: r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["sagemaker:BatchGetMetrics",
"sagemaker:BatchGetRecord","sagemaker:Describe*","sagemaker:GetRecord","sagemaker:GetSearchSuggestions",
"sagemaker:List*","sagemaker:Search"],"Resource":"*"}]}"#,
    },
    AwsPolicy {
        path: "/",
        name: "SecretsManagerReadWrite",
        description: "Provides read/write access to AWS Secrets Manager via the AWS Management Console.",
        document: r#"{"Version":"2012-10-17","Statement":[
{"Sid":"BasePermissions","Effect":"Allow","Action":["secretsmanager:*","kms:DescribeKey","kms:ListAliases",
"kms:ListKeys","lambda:ListFunctions"],"Resource":"*"},
{"Sid":"LambdaPermissions","Effect":"Allow","Action":["lambda:AddPermission","lambda:CreateFunction",
"lambda:GetFunction","lambda:InvokeFunction","lambda:UpdateFunctionConfiguration"],
"Resource":"arn:aws:lambda:*:*:function:SecretsManager*"}]}"#,
    },
    AwsPolicy {
        path: "/",
        name: "AWSKeyManagementServicePowerUser",
        description: "Provides access to AWS Key Management Service (KMS).",
        document: r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["kms:CreateAlias","kms:CreateKey",
"kms:DeleteAlias","kms:Describe*","kms:GenerateRandom","kms:Get*","kms:List*","kms:TagResource","kms:UntagResource",
"iam:ListGroups","iam:ListRoles","iam:ListUsers"],"Resource":"*"}]}"#,
    },
    AwsPolicy {
        path: "/",
        name: "AWSLambda_FullAccess",
        description: "Grants full access to AWS Lambda service, AWS Lambda console features, and other related AWS \
                      services.",
        document: r#"{"Version":"2012-10-17","Statement":[
{"Effect":"Allow","Action":["iam:GetPolicy","iam:GetPolicyVersion","iam:GetRole","iam:GetRolePolicy",
"iam:ListAttachedRolePolicies","iam:ListRolePolicies","iam:ListRoles","kms:ListAliases","lambda:*",
"logs:DescribeLogGroups"],"Resource":"*"},
{"Effect":"Allow","Action":"iam:PassRole","Resource":"*","Condition":{"StringEquals":
{"iam:PassedToService":"lambda.amazonaws.com"}}},
{"Effect":"Allow","Action":["logs:DescribeLogStreams","logs:GetLogEvents","logs:FilterLogEvents","logs:StartLiveTail",
"logs:StopLiveTail"],"Resource":"arn:aws:logs:*:*:log-group:/aws/lambda/*"}]}"#,
    },
    AwsPolicy {
        path: "/",
        name: "AWSLambda_ReadOnlyAccess",
        description: "Grants read-only access to AWS Lambda service, AWS Lambda console features, and other related \
                      AWS services.",
        document: r#"{"Version":"2012-10-17","Statement":[
{"Effect":"Allow","Action":["iam:GetPolicy","iam:GetPolicyVersion","iam:GetRole","iam:GetRolePolicy",
"iam:ListAttachedRolePolicies","iam:ListRolePolicies","iam:ListRoles","kms:ListAliases","lambda:Get*","lambda:List*",
"logs:DescribeLogGroups"],"Resource":"*"},
{"Effect":"Allow","Action":["logs:DescribeLogStreams","logs:GetLogEvents","logs:FilterLogEvents","logs:StartLiveTail",
"logs:StopLiveTail"],"Resource":"arn:aws:logs:*:*:log-group:/aws/lambda/*"}]}"#,
    },
    AwsPolicy {
        path: "/service-role/",
        name: "AWSLambdaBasicExecutionRole",
        description: "Provides write permissions to CloudWatch Logs.",
        document: r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["logs:CreateLogGroup",
"logs:CreateLogStream","logs:PutLogEvents"],"Resource":"*"}]}"#,
    },
    AwsPolicy {
        path: "/",
        name: "CloudWatchLogsFullAccess",
        description: "Provides full access to CloudWatch Logs",
        document: r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["logs:*",
"cloudwatch:GenerateQuery"],"Resource":"*"}]}"#,
    },
    AwsPolicy {
        path: "/",
        name: "CloudWatchLogsReadOnlyAccess",
        description: "Provides read only access to CloudWatch Logs",
        document: r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["logs:Describe*","logs:Get*",
"logs:List*","logs:StartQuery","logs:StopQuery","logs:TestMetricFilter","logs:FilterLogEvents","logs:StartLiveTail",
"logs:StopLiveTail","cloudwatch:GenerateQuery"],"Resource":"*"}]}"#,
    },
    AwsPolicy {
        path: "/",
        name: "AWSCloudTrail_FullAccess",
        description: "Provides full access to AWS CloudTrail.",
        document: r#"{"Version":"2012-10-17","Statement":[
{"Effect":"Allow","Action":"cloudtrail:*","Resource":"*"},
{"Effect":"Allow","Action":["iam:ListRoles","iam:GetRolePolicy","iam:GetUser","kms:ListKeys","kms:ListAliases",
"lambda:ListFunctions","logs:DescribeLogGroups","s3:ListAllMyBuckets"],"Resource":"*"},
{"Effect":"Allow","Action":"iam:PassRole","Resource":"*","Condition":{"StringEquals":
{"iam:PassedToService":"cloudtrail.amazonaws.com"}}}]}"#,
    },
    AwsPolicy {
        path: "/",
        name: "AWSCloudTrail_ReadOnlyAccess",
        description: "Provides read-only access to AWS CloudTrail.",
        document: r#"{"Version":"2012-10-17","Statement":[{"Sid":"CloudTrailReadOnly","Effect":"Allow","Action":[
"cloudtrail:Get*","cloudtrail:Describe*","cloudtrail:List*","cloudtrail:LookupEvents"],"Resource":"*"}]}"#,
    },
    AwsPolicy {
        path: "/",
        name: "AWSOrganizationsFullAccess",
        description: "Provides full access to AWS Organizations.",
        document: r#"{"Version":"2012-10-17","Statement":[
{"Sid":"AWSOrganizationsFullAccess","Effect":"Allow","Action":"organizations:*","Resource":"*"},
{"Sid":"AWSOrganizationsFullAccessCreateSLR","Effect":"Allow","Action":"iam:CreateServiceLinkedRole",
"Resource":"arn:aws:iam::*:role/aws-service-role/organizations.amazonaws.com/*",
"Condition":{"StringEquals":{"iam:AWSServiceName":"organizations.amazonaws.com"}}}]}"#,
    },
    AwsPolicy {
        path: "/",
        name: "AWSOrganizationsReadOnlyAccess",
        description: "Provides read-only access to AWS Organizations.",
        document: r#"{"Version":"2012-10-17","Statement":[{"Sid":"AWSOrganizationsReadOnly","Effect":"Allow","Action":[
"organizations:Describe*","organizations:List*"],"Resource":"*"}]}"#,
    },
    AwsPolicy {
        path: "/",
        name: "AmazonTextractFullAccess",
        description: "Access to all Amazon Textract APIs",
        document: r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["textract:*"],"Resource":"*"}]}"#,
    },
    AwsPolicy {
        path: "/",
        name: "AWSDenyAll",
        description: "Deny all access.",
        document: r#"{"Version":"2012-10-17","Statement":[{"Sid":"DenyAll","Effect":"Deny","Action":["*"],
"Resource":"*"}]}"#,
    },
    AwsPolicy {
        path: "/",
        name: "AWSCompromisedKeyQuarantineV3",
        description: "Denies access to certain actions, applied by the AWS team in the event that an IAM user's \
                      credentials have been compromised or publicly exposed.",
        document: r#"{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":["iam:AddUserToGroup",
"iam:AttachGroupPolicy","iam:AttachRolePolicy","iam:AttachUserPolicy","iam:ChangePassword","iam:CreateAccessKey",
"iam:CreateInstanceProfile","iam:CreateLoginProfile","iam:CreatePolicyVersion","iam:CreateRole","iam:CreateUser",
"iam:DetachUserPolicy","iam:PassRole","iam:PutGroupPolicy","iam:PutRolePolicy","iam:PutUserPermissionsBoundary",
"iam:PutUserPolicy","iam:SetDefaultPolicyVersion","iam:UpdateAccessKey","iam:UpdateAccountPasswordPolicy",
"iam:UpdateAssumeRolePolicy","iam:UpdateLoginProfile","iam:UpdateUser","lambda:AddLayerVersionPermission",
"lambda:AddPermission","lambda:CreateFunction","lambda:GetPolicy","lambda:PutProvisionedConcurrencyConfig",
"lambda:TagResource","lambda:UntagResource","lambda:UpdateFunctionCode","organizations:CreateAccount",
"organizations:CreateOrganization","organizations:InviteAccountToOrganization","s3:DeleteBucket","s3:DeleteObject",
"s3:DeleteObjectVersion","s3:PutLifecycleConfiguration","s3:PutBucketAcl","s3:PutBucketOwnershipControls",
"s3:DeleteBucketPolicy","s3:ObjectOwnerOverrideToBucketOwner","s3:PutAccountPublicAccessBlock","s3:PutBucketPolicy",
"s3:ListAllMyBuckets","bedrock:CreateModelInvocationJob","bedrock:InvokeModel",
"bedrock:InvokeModelWithResponseStream","bedrock:PutFoundationModelEntitlement","sagemaker:CreateEndpointConfig",
"sagemaker:CreateProcessingJob","sagemaker:CreateTrainingJob"],"Resource":["*"]}]}"#,
    },
];

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_policy_is_valid_and_named_once() {
        let mut arns = HashSet::new();
        for policy in ALL {
            let arn = policy.arn();
            attached(&arn).unwrap_or_else(|error| panic!("{arn}: {error:?}"));
            assert_eq!(Document::parse(Kind::Managed, policy.document).err(), None, "{arn}");
            assert!(find(&arn).is_some() && is_arn(&arn) && arns.insert(arn));
        }
        assert!(find("arn:aws:iam::aws:policy/Nothing").is_none() && attached("arn:aws:iam::aws:policy/x").is_err());
    }
}
