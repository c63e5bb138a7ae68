/** The question of the test page as programs. */
import { retrievalConfiguration, type Asked } from '../../api/retrieval.ts'
import type { Sample } from '../../ui/CodeTabs.tsx'
import { python, shell } from '../../ui/literals.ts'

export type Mode = 'retrieve' | 'extractive' | 'generate'

export interface CodeInput {
  endpoint: string
  region: string
  knowledgeBaseId: string
  mode: Mode
  modelArn: string
  asked: Asked
}

/** The same question by the clients that people have. */
export function samplesFor(input: CodeInput): Sample[] {
  const craton = { id: 'craton', label: 'craton', code: cratonCommand(input) }
  const { searchType, neighbours, nearDuplicates } = input.asked
  // AWS has neither answers without a model, nor a search by words alone, nor neighbours, nor passages that say the same.
  if (input.mode === 'extractive' || searchType === 'LEXICAL' || neighbours !== undefined || nearDuplicates !== undefined) return [craton]
  return [
    { id: 'boto3', label: 'Python (boto3)', code: boto3(input) },
    ...(input.mode === 'retrieve' ? [{ id: 'langchain', label: 'Python (LangChain)', code: langChain(input) }] : []),
    { id: 'cli', label: 'AWS CLI', code: awsCli(input) },
    craton,
  ]
}

function boto3({ endpoint, region, knowledgeBaseId, mode, modelArn, asked }: CodeInput): string {
  const client = `# pip install boto3; credentials: eval "$(craton env)"
import boto3

client = boto3.client(
    "bedrock-agent-runtime",
    endpoint_url=${python(endpoint)},
    region_name=${python(region)},
)
`
  const user = asked.userId === undefined ? '' : `    userContext={"userId": ${python(asked.userId)}},\n`
  if (mode === 'retrieve') {
    return `${client}response = client.retrieve(
    knowledgeBaseId=${python(knowledgeBaseId)},
    retrievalQuery={"text": ${python(asked.text)}},
    retrievalConfiguration=${python(retrievalConfiguration(asked), 1)},
${user})
for result in response["retrievalResults"]:
    print(f'{result["score"]:.3f}', result["location"], result["content"]["text"][:80])
`
  }
  return `${client}response = client.retrieve_and_generate(
    input={"text": ${python(asked.text)}},
    retrieveAndGenerateConfiguration=${python(generation(knowledgeBaseId, modelArn, asked), 1)},
${user})
print(response["output"]["text"])
for citation in response["citations"]:
    for reference in citation["retrievedReferences"]:
        print("-", reference["location"])
`
}

function generation(knowledgeBaseId: string, modelArn: string, asked: Asked): object {
  const knowledgeBaseConfiguration = { knowledgeBaseId, modelArn, retrievalConfiguration: retrievalConfiguration(asked) }
  return { type: 'KNOWLEDGE_BASE', knowledgeBaseConfiguration }
}

function langChain({ endpoint, region, knowledgeBaseId, asked }: CodeInput): string {
  return `# pip install langchain-aws; credentials: eval "$(craton env)"
from langchain_aws import AmazonKnowledgeBasesRetriever

retriever = AmazonKnowledgeBasesRetriever(
    knowledge_base_id=${python(knowledgeBaseId)},
    endpoint_url=${python(endpoint)},
    region_name=${python(region)},
    retrieval_config=${python(retrievalConfiguration(asked), 1)},
)
for document in retriever.invoke(${python(asked.text)}):
    print(document.metadata["score"], document.page_content[:80])
`
}

function awsCli({ endpoint, region, knowledgeBaseId, mode, modelArn, asked }: CodeInput): string {
  const place = [`--endpoint-url ${shell(endpoint)}`, `--region ${shell(region)}`]
  const user = asked.userId === undefined ? [] : [`--user-context ${shell(JSON.stringify({ userId: asked.userId }))}`]
  const options =
    mode === 'retrieve'
      ? [
          ...place,
          `--knowledge-base-id ${shell(knowledgeBaseId)}`,
          `--retrieval-query ${shell(JSON.stringify({ text: asked.text }))}`,
          `--retrieval-configuration ${shell(JSON.stringify(retrievalConfiguration(asked)))}`,
          ...user,
        ]
      : [
          ...place,
          `--input ${shell(JSON.stringify({ text: asked.text }))}`,
          `--retrieve-and-generate-configuration ${shell(JSON.stringify(generation(knowledgeBaseId, modelArn, asked)))}`,
          ...user,
        ]
  const command = mode === 'retrieve' ? 'retrieve' : 'retrieve-and-generate'
  return `# credentials: eval "$(craton env)"\naws bedrock-agent-runtime ${command} \\\n  ${options.join(' \\\n  ')}\n`
}

function cratonCommand({ knowledgeBaseId, mode, modelArn, asked }: CodeInput): string {
  const options = [
    ...(mode === 'generate' ? [`--model ${shell(modelArn)}`] : []),
    `--results ${asked.numberOfResults}`,
    ...(asked.searchType === undefined ? [] : [`--by ${asked.searchType.toLowerCase()}`]),
    ...(asked.filter === undefined ? [] : [`--filter ${shell(JSON.stringify(asked.filter))}`]),
    ...(asked.userId === undefined ? [] : [`--user ${shell(asked.userId)}`]),
    ...(asked.rerankingModelId === undefined ? [] : [`--rerank ${shell(asked.rerankingModelId)}`]),
    ...(asked.neighbours === undefined ? [] : [`--neighbours ${asked.neighbours}`]),
    ...(asked.nearDuplicates === undefined ? [] : ['--keep-duplicates']),
  ]
  const command = mode === 'retrieve' ? 'explain' : 'ask'
  return `craton kb ${command} ${shell(knowledgeBaseId)} ${shell(asked.text)} \\\n  ${options.join(' \\\n  ')}\n`
}
