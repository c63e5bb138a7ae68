use ::store::testing::each_backend;

use super::*;
use crate::iam::tags::Tagged;

const CERTIFICATE: &str = "-----BEGIN CERTIFICATE-----\nMAcwADAAAwEA\n-----END CERTIFICATE-----";
const OTHER: &str = "-----BEGIN CERTIFICATE-----\nMAgwADAAAwIAAQ==\n-----END CERTIFICATE-----";
const THIRD: &str = "-----BEGIN CERTIFICATE-----\nMAgwADAAAwIAAg==\n-----END CERTIFICATE-----";

fn tag(key: &str, value: &str) -> Tag {
    Tag { key: key.to_owned(), value: value.to_owned() }
}

#[tokio::test]
async fn providers_are_known_by_their_url_and_keep_what_they_are_given() {
    each_backend(async |store| {
        let d = Deployment::start(&store).await;
        let (identity, ctx) = (&d.identity, &d.ctx);
        let (url, tags) = ("https://issuer.example/tenant?x=1", vec![tag("team", "search")]);
        let made = identity.create_oidc_provider(ctx, url, vec!["one".to_owned()], Vec::new(), tags).await.unwrap();
        assert_eq!(made.arn, format!("arn:aws:iam::{}:oidc-provider/issuer.example/tenant", ctx.account()));
        assert_eq!(identity.get_oidc_provider(ctx, &made.arn).await.unwrap(), made);
        let again = identity.create_oidc_provider(ctx, url, Vec::new(), Vec::new(), Vec::new()).await;
        assert_eq!(kind(again), ErrorKind::AlreadyExists);
        identity.add_oidc_client_id(ctx, &made.arn, "two").await.unwrap();
        identity.remove_oidc_client_id(ctx, &made.arn, "one").await.unwrap();
        identity.set_oidc_thumbprints(ctx, &made.arn, vec!["a".repeat(40)]).await.unwrap();
        identity.tag(ctx, Tagged::OidcProvider(&made.arn), &[tag("team", "find")]).await.unwrap();
        let listed = identity.list_oidc_providers(ctx).await.unwrap();
        assert_eq!((listed[0].client_ids.as_slice(), listed[0].thumbprints.len()), (&["two".to_owned()][..], 1));
        assert_eq!(listed[0].tags, [tag("team", "find")]);
        let (other, _) = d.other_account().await;
        assert_eq!(kind(identity.get_oidc_provider(&other, &made.arn).await), ErrorKind::NotFound);
        identity.delete_oidc_provider(&other, &made.arn).await.unwrap();
        assert!(identity.get_oidc_provider(ctx, &made.arn).await.is_ok());
        identity.delete_oidc_provider(ctx, &made.arn).await.unwrap();
        assert_eq!(kind(identity.get_oidc_provider(ctx, &made.arn).await), ErrorKind::NotFound);
    })
    .await;
}

#[tokio::test]
async fn issuers_inside_the_network_are_the_operators_choice() {
    each_backend(async |store| {
        let d = Deployment::start(&store).await;
        let urls = ["http://issuer.example", "https://127.0.0.1:8443", "https://[::1]", "https://10.0.0.8/tenant"];
        for url in urls {
            let made = d.identity.create_oidc_provider(&d.ctx, url, Vec::new(), Vec::new(), Vec::new()).await;
            let error = made.unwrap_err();
            assert_eq!(error.kind, ErrorKind::Invalid);
            assert!(error.hint.unwrap().contains("--allow-private-issuers"), "{url}");
        }
        // What was decided for the process stays.
        let identity = d.second_process().await;
        identity.allow_private_issuers();
        for url in urls {
            identity.create_oidc_provider(&d.ctx, url, Vec::new(), Vec::new(), Vec::new()).await.unwrap();
        }
    })
    .await;
}

#[tokio::test]
async fn a_url_names_a_host() {
    each_backend(async |store| {
        let d = Deployment::start(&store).await;
        let long = format!("https://issuer.example/{}", "a".repeat(255));
        for url in ["", "issuer.example", "https://", "ftp://issuer.example", "https://a b", "https:///path", &long] {
            let made = d.identity.create_oidc_provider(&d.ctx, url, Vec::new(), Vec::new(), Vec::new()).await;
            assert_eq!(kind(made), ErrorKind::Invalid, "{url}");
        }
    })
    .await;
}

#[tokio::test]
async fn a_user_has_two_certificates_at_most() {
    each_backend(async |store| {
        let d = Deployment::start(&store).await;
        let (identity, ctx) = (&d.identity, &d.ctx);
        d.user("ada").await;
        let kept = identity.upload_signing_certificate(ctx, Some("ada"), CERTIFICATE).await.unwrap();
        let twice = identity.upload_signing_certificate(ctx, Some("ada"), CERTIFICATE).await;
        assert_eq!(kind(twice), ErrorKind::AlreadyExists);
        identity.upload_signing_certificate(ctx, Some("ada"), OTHER).await.unwrap();
        let third = identity.upload_signing_certificate(ctx, Some("ada"), THIRD).await.unwrap_err();
        assert_eq!(third.message, "Cannot exceed quota for CertificatesPerUser: 2");
        identity.update_signing_certificate(ctx, Some("ada"), &kept.id, Status::Inactive).await.unwrap();
        let page = identity.list_signing_certificates(ctx, Some("ada"), &first(10)).await.unwrap();
        let inactive = page.items.iter().filter(|one| one.status == Status::Inactive).count();
        assert_eq!((page.items.len(), inactive), (2, 1));
        let absent = identity.delete_signing_certificate(ctx, None, &kept.id).await;
        assert_eq!(kind(absent), ErrorKind::NotFound);
        for one in page.items {
            identity.delete_signing_certificate(ctx, Some("ada"), &one.id).await.unwrap();
        }
    })
    .await;
}

#[tokio::test]
async fn the_credential_report_is_made_anew() {
    each_backend(async |store| {
        let d = Deployment::start(&store).await;
        let (identity, ctx) = (&d.identity, &d.ctx);
        assert_eq!(identity.credential_report(ctx).await.unwrap_err().code, Some("ReportNotPresent"));
        assert!(identity.generate_credential_report(ctx).await.unwrap());
        let (_, key) = d.user("a,da").await;
        identity.update_access_key(ctx, Some("a,da"), &key.key.id, Status::Inactive).await.unwrap();
        identity.upload_signing_certificate(ctx, Some("a,da"), CERTIFICATE).await.unwrap();
        assert!(!identity.generate_credential_report(ctx).await.unwrap());
        let report = identity.credential_report(ctx).await.unwrap();
        let lines: Vec<&str> = report.content.lines().collect();
        assert!(lines[0].starts_with("user,arn,user_creation_time,password_enabled"));
        assert!(lines[1].starts_with(&format!("<root_account>,arn:aws:iam::{}:root,", ctx.account())));
        let ada = lines.iter().find(|line| line.starts_with("\"a,da\"")).unwrap();
        assert!(ada.contains(",2027-01-15T08:00:00+00:00,false,N/A,N/A,N/A,false,false,2027-01-15T08:00:00+00:00,"));
        assert!(ada.ends_with(",true,2027-01-15T08:00:00+00:00,false,N/A"));
        assert!(
            lines.iter().all(|line| line.replace("\"a,da\"", "").replace("user/a,da", "").matches(',').count() == 21)
        );
    })
    .await;
}
