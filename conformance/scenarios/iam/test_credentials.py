import csv
import io

from conftest import client, refused
from iam_documents import unique

URL = "https://issuer.example/tenant"
# Made for these scenarios alone; its key was thrown away.
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


def test_providers_are_named_by_their_url():
    iam = client("iam")
    made = iam.create_open_id_connect_provider(Url=URL, ClientIDList=["one"], ThumbprintList=["a" * 40], Tags=[{"Key": "k", "Value": "v"}])
    arn = made["OpenIDConnectProviderArn"]
    assert iam.get_account_summary()["SummaryMap"]["Providers"] >= 1
    assert arn.endswith(":oidc-provider/issuer.example/tenant") and made["Tags"] == [{"Key": "k", "Value": "v"}]
    refused(lambda: iam.create_open_id_connect_provider(Url=URL), "EntityAlreadyExists", 409, f"Provider with url {URL} already exists.")
    iam.add_client_id_to_open_id_connect_provider(OpenIDConnectProviderArn=arn, ClientID="two")
    iam.remove_client_id_from_open_id_connect_provider(OpenIDConnectProviderArn=arn, ClientID="one")
    iam.update_open_id_connect_provider_thumbprint(OpenIDConnectProviderArn=arn, ThumbprintList=["b" * 40])
    iam.tag_open_id_connect_provider(OpenIDConnectProviderArn=arn, Tags=[{"Key": "l", "Value": "w"}])
    iam.untag_open_id_connect_provider(OpenIDConnectProviderArn=arn, TagKeys=["k"])
    got = iam.get_open_id_connect_provider(OpenIDConnectProviderArn=arn)
    assert (got["Url"], got["ClientIDList"], got["ThumbprintList"]) == ("issuer.example/tenant", ["two"], ["b" * 40])
    assert got["Tags"] == iam.list_open_id_connect_provider_tags(OpenIDConnectProviderArn=arn)["Tags"] == [{"Key": "l", "Value": "w"}]
    assert {"Arn": arn} in iam.list_open_id_connect_providers()["OpenIDConnectProviderList"]
    iam.delete_open_id_connect_provider(OpenIDConnectProviderArn=arn)
    iam.delete_open_id_connect_provider(OpenIDConnectProviderArn=arn)
    refused(lambda: iam.get_open_id_connect_provider(OpenIDConnectProviderArn=arn), "NoSuchEntity", 404, arn)
    refused(lambda: iam.create_open_id_connect_provider(Url="issuer.example"), "ValidationError", 400, "Invalid Open ID Connect Provider URL")
    prints = [letter * 40 for letter in "abcdef"]
    refused(lambda: iam.create_open_id_connect_provider(Url=URL, ThumbprintList=prints), "InvalidInput", 400, "fewer than 5 entries")
    many = [str(n) for n in range(101)]
    refused(lambda: iam.create_open_id_connect_provider(Url=URL, ClientIDList=many), "LimitExceeded", 409, "ClientIdsPerOpenIdConnectProvider: 100")


def test_a_user_has_certificates_and_is_kept_while_it_has_one():
    iam, name = client("iam"), unique("certified")
    iam.create_user(UserName=name)
    kept = iam.upload_signing_certificate(UserName=name, CertificateBody=CERTIFICATE)["Certificate"]
    assert (kept["UserName"], kept["Status"], kept["CertificateBody"]) == (name, "Active", CERTIFICATE)
    refused(lambda: iam.upload_signing_certificate(UserName=name, CertificateBody=CERTIFICATE), "EntityAlreadyExists", 409)
    refused(lambda: iam.upload_signing_certificate(UserName=name, CertificateBody="nonsense"), "MalformedCertificate", 400)
    iam.update_signing_certificate(UserName=name, CertificateId=kept["CertificateId"], Status="Inactive")
    assert [one["Status"] for one in iam.list_signing_certificates(UserName=name)["Certificates"]] == ["Inactive"]
    refused(lambda: iam.delete_user(UserName=name), "DeleteConflict", 409, "signing certificates")
    absent = "x" * 32
    refused(lambda: iam.delete_signing_certificate(UserName=name, CertificateId=absent), "NoSuchEntity", 404, f"The Certificate with id {absent} cannot be found.")
    iam.delete_signing_certificate(UserName=name, CertificateId=kept["CertificateId"])
    iam.delete_user(UserName=name)


def test_the_credential_report_tells_what_each_user_has(iam_user):
    iam, name = client("iam"), iam_user[0]
    iam.generate_credential_report()
    assert iam.generate_credential_report()["State"] == "COMPLETE"
    report = iam.get_credential_report()
    assert report["ReportFormat"] == "text/csv"
    rows = {row["user"]: row for row in csv.DictReader(io.StringIO(report["Content"].decode()))}
    assert rows["<root_account>"]["arn"].endswith(":root")
    assert rows[name]["password_enabled"] == rows[name]["mfa_active"] == rows[name]["cert_1_active"] == "false"
    assert rows[name]["access_key_1_active"] == "true" and rows[name]["access_key_2_last_rotated"] == "N/A"
    assert rows[name]["user_creation_time"].endswith("+00:00")
