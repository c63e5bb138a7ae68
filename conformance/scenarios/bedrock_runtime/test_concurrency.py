import concurrent.futures

from conftest import CLAUDE, client, user


def ask(text, tokens=40, temperature=0, **more):
    answer = client("bedrock-runtime").converse(modelId=CLAUDE, messages=[user(text)],
                                                inferenceConfig={"maxTokens": tokens, "temperature": temperature}, **more)
    content = answer["output"]["message"]["content"]
    return content[0]["text"] if content else ""


def test_a_deterministic_answer_is_the_same_alone_and_among_others():
    question, exactly = "Describe a small house by the sea.", {"additionalModelRequestFields": {"deterministic": True}}
    alone = ask(question, **exactly)
    with concurrent.futures.ThreadPoolExecutor(9) as pool:
        others = [pool.submit(ask, f"Story number {n} about {n} ships.", 40 + n, 0.9) for n in range(8)]
        among = pool.submit(ask, question, **exactly).result()
        assert all(other.result() for other in others)
    assert among == alone


def test_many_requests_at_once_are_all_answered():
    with concurrent.futures.ThreadPoolExecutor(24) as pool:
        answers = list(pool.map(lambda n: ask(f"What is {n} plus {n}?", 8), range(24)))
    assert all(answers)
