"""RAGAS and DeepEval as judges, through Craton's OpenAI API: as they come, and held to their own JSON schemas (`…-constrained`).

Both read several records at once, as Craton does. A record that raises or gets no number has no verdict.
"""
import asyncio
import concurrent.futures
import math
import os
import threading

os.environ.setdefault("RAGAS_DO_NOT_TRACK", "true")
os.environ.setdefault("DEEPEVAL_TELEMETRY_OPT_OUT", "1")
# As many records as a job of Craton's works on at once.
AT_ONCE = 4
# RAGAS's own limit of an answer; without one a small model fills its context.
MOST_TOKENS = 1024
CORRECT = "Determine whether the actual output is factually correct based on the expected output."


def ragas(model, url, key, constrained):
    """A judge of one record by RAGAS; a metric that it has no inputs for is left out."""
    import instructor
    from openai import AsyncOpenAI
    from ragas.llms.base import InstructorLLM, InstructorModelArgs
    from ragas.metrics.collections import AnswerCorrectness, Faithfulness

    # RAGAS itself asks for JSON (`llm_factory`); a schema is what it can be held to.
    mode = instructor.Mode.JSON_SCHEMA if constrained else instructor.Mode.JSON

    async def scored(record, metrics):
        client = instructor.from_openai(AsyncOpenAI(base_url=url, api_key=key), mode=mode)
        arguments = InstructorModelArgs(temperature=0.0, max_tokens=MOST_TOKENS)
        llm = InstructorLLM(client=client, model=model, provider="openai", model_args=arguments)
        told = {}
        for metric in metrics:
            if metric == "Builtin.Faithfulness":
                asked = Faithfulness(llm=llm).ascore(user_input=record["prompt"], response=record["answer"],
                                                     retrieved_contexts=record["passages"])
            else:
                # Facts alone: an embedding's similarity is measured by itself.
                asked = AnswerCorrectness(llm=llm, weights=[1.0, 0.0]).ascore(
                    user_input=record["prompt"], response=record["answer"], reference=record["reference"])
            told[metric] = await noted_async(asked)
        return told

    return lambda record, metrics: asyncio.run(scored(record, metrics))


def deepeval(model, url, key, constrained):
    """A judge of one record by DeepEval."""
    from deepeval.metrics import FaithfulnessMetric, GEval
    from deepeval.models import LocalModel
    from deepeval.test_case import LLMTestCase, SingleTurnParams

    class Constrained(LocalModel):
        """What DeepEval does with OpenAI's own models: the answer is held to the schema that it wants."""

        def generate(self, prompt, schema=None, audio=None):
            if schema is None:
                return super().generate(prompt, schema, audio)
            client = self.load_model(async_mode=False)
            answer = client.beta.chat.completions.parse(
                model=self.name, messages=[{"role": "user", "content": prompt}], response_format=schema,
                temperature=self.temperature, **self.generation_kwargs)
            return answer.choices[0].message.parsed, 0.0

    own = threading.local()

    def judges():
        if not hasattr(own, "judges"):
            llm = (Constrained if constrained else LocalModel)(
                model=model, base_url=url, api_key=key, temperature=0, generation_kwargs={"max_tokens": MOST_TOKENS})
            own.judges = {
                "Builtin.Faithfulness": FaithfulnessMetric(model=llm, async_mode=False),
                "Builtin.Correctness": GEval(name="Correctness", criteria=CORRECT, model=llm, async_mode=False, evaluation_params=[
                    SingleTurnParams.ACTUAL_OUTPUT, SingleTurnParams.EXPECTED_OUTPUT])}
        return own.judges

    def scored(record, metrics):
        case = LLMTestCase(input=record["prompt"], actual_output=record["answer"], expected_output=record["reference"],
                           retrieval_context=record["passages"])
        return {metric: noted(lambda judge=judges()[metric]: (judge.measure(case, _show_indicator=False), judge.score)[1])
                for metric in metrics}

    return scored


def told_of(score):
    score = float(score)
    return {"score": None, "error": "NaN"} if math.isnan(score) else {"score": score}


def noted(judge):
    try:
        return told_of(judge())
    except Exception as error:  # Whatever a peer raises, the record has no verdict.
        return {"score": None, "error": type(error).__name__}


async def noted_async(asked):
    try:
        return told_of((await asked).value)
    except Exception as error:  # Whatever a peer raises, the record has no verdict.
        return {"score": None, "error": type(error).__name__}


def judge(who, model, url, key):
    """Judges a list of records, some at once, and gives for each a verdict by metric; tokens are not told."""
    name, _, constrained = who.partition("-")
    one = {"ragas": ragas, "deepeval": deepeval}[name](model, url, key, bool(constrained))

    def all_of(records, metrics):
        of = lambda record: [metric for metric in metrics if metric != "Builtin.Correctness" or record["reference"]]
        with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as threads:
            return list(threads.map(lambda record: one(record, of(record)), records)), None

    return all_of
