"""What users prove themselves with beside access keys: providers, certificates, and the report on all credentials."""

from case import Case, call

ARN = "arn:aws:iam::123456789012:oidc-provider/<name>.example.com/tenant"
URL = "https://<name>.example.com/tenant"
# Made for these cases alone; its key was thrown away.
CERTIFICATE = """-----BEGIN CERTIFICATE-----
MIIBjTCCATOgAwIBAgIUHeHo2AkGqYI7+Iu7rfMDDKYDU68wCgYIKoZIzj0EAwIw
GzEZMBcGA1UEAwwQY3JhdG9uIHNjZW5hcmlvczAgFw0yNjExMjYwMjE0NTRaGA8y
MTI2MTEwMjAyMTQ1NFowGzEZMBcGA1UEAwwQY3JhdG9uIHNjZW5hcmlvczBZMBMG
ByqGSM49AgEGCCqGSM49AwEHA0IABGBOmLP0aeGKyFNJkByBgemgaVPRyLb02QXg
zVDfAegoGiHnQs05+4gfzNCpGXQPOKHvS61q+A0VLV0MVRHJOxWjUzBRMB0GA1Ud
DgQWBBQFMnrUU/GEj2JWZJ5ZCVm+uwLkPjAfBgNVHSMEGDAWgBQFMnrUU/GEj2JW
ZJ5ZCVm+uwLkPjAPBgNVHRMBAf8EBTADAQH/MAoGCCqGSM49BAMCA0gAMEUCIDZ9
nhTmr4vVIassT4DR+l/uA6PIStwPedxHGkAvG46ZAiEAyhnOf6RcqbFw2aUsXnwF
rk8PKSXs9JIOP0nYfDQB4bI=
-----END CERTIFICATE-----
"""

CASES = [
    Case("iam.oidc.life", [
        call("iam.create_open_id_connect_provider", Url=URL, ClientIDList=["one"], ThumbprintList=["a" * 40], Tags=[{"Key": "k", "Value": "v"}]),
        call("iam.get_open_id_connect_provider", OpenIDConnectProviderArn=ARN),
        call("iam.list_open_id_connect_providers", where=("OpenIDConnectProviderList", "Arn", "<name>")),
        call("iam.create_open_id_connect_provider", Url=URL, ThumbprintList=[], fails="EntityAlreadyExists", status=409),
        call("iam.update_open_id_connect_provider_thumbprint", OpenIDConnectProviderArn=ARN, ThumbprintList=["b" * 40]),
        call("iam.get_open_id_connect_provider", OpenIDConnectProviderArn=ARN),
        call("iam.tag_open_id_connect_provider", OpenIDConnectProviderArn=ARN, Tags=[{"Key": "k", "Value": "w"}, {"Key": "l", "Value": "x"}]),
        call("iam.list_open_id_connect_provider_tags", OpenIDConnectProviderArn=ARN),
        call("iam.untag_open_id_connect_provider", OpenIDConnectProviderArn=ARN, TagKeys=["k"]),
        call("iam.list_open_id_connect_provider_tags", OpenIDConnectProviderArn=ARN),
        call("iam.delete_open_id_connect_provider", OpenIDConnectProviderArn=ARN),
        call("iam.delete_open_id_connect_provider", OpenIDConnectProviderArn=ARN),
        call("iam.get_open_id_connect_provider", OpenIDConnectProviderArn=ARN, fails="NoSuchEntity", status=404),
    ]),
    Case("iam.oidc.bad_input", [
        call("iam.create_open_id_connect_provider", Url="example.com", ThumbprintList=[], fails="ValidationError", status=400),
        call("iam.create_open_id_connect_provider", Url=URL, ThumbprintList=[letter * 40 for letter in "abcdef"], fails="InvalidInput", status=400),
        call("iam.create_open_id_connect_provider", Url=URL, ThumbprintList=[], ClientIDList=[str(n) for n in range(101)], fails="LimitExceeded", status=409),
        call("iam.create_open_id_connect_provider", Url=URL, ThumbprintList=["a"], fails="ValidationError", status=400),
    ]),
    Case("iam.oidc.client_ids", [
        call("iam.create_open_id_connect_provider", Url=URL, ThumbprintList=[]),
        call("iam.add_client_id_to_open_id_connect_provider", OpenIDConnectProviderArn=ARN, ClientID="one"),
        call("iam.add_client_id_to_open_id_connect_provider", OpenIDConnectProviderArn=ARN, ClientID="one"),
        call("iam.remove_client_id_from_open_id_connect_provider", OpenIDConnectProviderArn=ARN, ClientID="one"),
    ]),
    Case("iam.signing_certificates.life", [
        call("iam.create_user", UserName="<name>"),
        call("iam.upload_signing_certificate", UserName="<name>", CertificateBody=CERTIFICATE, keep={"certificate": "Certificate.CertificateId"}),
        call("iam.list_signing_certificates", UserName="<name>"),
        call("iam.update_signing_certificate", UserName="<name>", CertificateId="<certificate>", Status="Inactive"),
        call("iam.list_signing_certificates", UserName="<name>"),
        call("iam.upload_signing_certificate", UserName="<name>", CertificateBody="nonsense", fails="MalformedCertificate", status=400),
        call("iam.update_signing_certificate", UserName="<name>", CertificateId="x" * 32, Status="Inactive", fails="NoSuchEntity", status=404),
        call("iam.delete_signing_certificate", UserName="<name>", CertificateId="<certificate>"),
        call("iam.list_signing_certificates", UserName="<name>"),
        call("iam.list_signing_certificates", UserName="<name>-2", fails="NoSuchEntity", status=404),
    ]),
    Case("iam.credential_report", [
        call("iam.generate_credential_report", volatile=("State", "Description")),
        call("iam.generate_credential_report"),
        call("iam.get_credential_report", volatile=("Content", "GeneratedTime")),
    ]),
]
