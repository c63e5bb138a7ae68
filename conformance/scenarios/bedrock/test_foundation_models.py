from conftest import CLAUDE, TITAN_V2, client, refused


def test_models_are_listed_with_their_facts():
    models = {m["modelId"]: m for m in client("bedrock").list_foundation_models()["modelSummaries"]}
    assert models[CLAUDE]["providerName"] == "Anthropic" and models[CLAUDE]["responseStreamingSupported"] is True
    assert models[CLAUDE]["modelArn"].endswith(f"::foundation-model/{CLAUDE}")
    assert models[TITAN_V2]["outputModalities"] == ["EMBEDDING"]
    nova = models["amazon.nova-2-lite-v1:0"]
    assert nova["modelName"] == "Nova 2 Lite" and nova["providerName"] == "Amazon"


def test_filters_narrow_the_list():
    bedrock = client("bedrock")
    found = bedrock.list_foundation_models(byOutputModality="EMBEDDING")["modelSummaries"]
    assert found and all("EMBEDDING" in m["outputModalities"] for m in found)
    found = bedrock.list_foundation_models(byProvider="Meta")["modelSummaries"]
    assert found and all(m["providerName"] == "Meta" for m in found)
    refused(lambda: bedrock.list_foundation_models(byOutputModality="SMELL"), "ValidationException", 400, "byOutputModality")


def test_one_model_is_found_by_id_and_by_arn():
    bedrock = client("bedrock")
    by_id = bedrock.get_foundation_model(modelIdentifier=CLAUDE)["modelDetails"]
    assert bedrock.get_foundation_model(modelIdentifier=by_id["modelArn"])["modelDetails"] == by_id
    refused(lambda: bedrock.get_foundation_model(modelIdentifier="acme.none-v1"), "ResourceNotFoundException", 404)


def test_operations_that_are_not_built_say_so():
    refused(lambda: client("bedrock").list_guardrails(), "NotImplementedException", 501, "ListGuardrails")
    refused(lambda: client("bedrock-agent").list_agents(), "NotImplementedException", 501, "ListAgents")
