import Box from '@cloudscape-design/components/box'
import SpaceBetween from '@cloudscape-design/components/space-between'
import Table from '@cloudscape-design/components/table'
import type { Part, Passage } from '../../api/retrieval.ts'
import { integer } from '../../ui/format.ts'
import { scoreText } from './text.ts'
import type { Effect } from './turn.ts'

interface Side {
  id: string
  name: string
  about: string
  part: Part | null
}

/** Why a passage has its rank: what each side thought of it, and what each word gave. */
export function Ranking({ passage: { lexical, vector, terms, score }, effect }: { passage: Passage; effect: Effect | undefined }) {
  const found = effect?.reranked ? effect.before?.score : score
  const sides: Side[] = [
    { id: 'lexical', name: 'By words', about: 'BM25', part: lexical },
    { id: 'vector', name: 'By meaning', about: 'cosine', part: vector },
  ]
  return (
    <SpaceBetween size="s">
      <Table
        items={sides}
        trackBy="id"
        variant="embedded"
        contentDensity="compact"
        wrapLines
        ariaLabels={{ tableLabel: 'Ranks' }}
        columnDefinitions={[
          { id: 'name', header: 'Side', isRowHeader: true, minWidth: 95, cell: ({ name }) => name },
          { id: 'rank', header: 'Rank', minWidth: 65, cell: ({ part }) => rankText(part) },
          { id: 'score', header: 'Score', minWidth: 110, cell: ({ part, about }) => (part ? `${scoreText(part.score)} ${about}` : '–') },
          { id: 'normalized', header: 'From 0 to 1', minWidth: 90, cell: ({ part }) => (part ? scoreText(part.normalized) : '–') },
        ]}
      />
      <Box variant="small" color="text-body-secondary">
        {found !== undefined && `Both together: ${scoreText(found)}. `}
        {effect?.reranked && `The reranking model: ${scoreText(score)}.`}
      </Box>
      {terms.length > 0 && (
        <Table
          items={[...terms].sort((a, b) => b.score - a.score)}
          trackBy={({ field, term }) => `${field} ${term}`}
          variant="embedded"
          contentDensity="compact"
          wrapLines
          ariaLabels={{ tableLabel: 'Words' }}
          columnDefinitions={[
            { id: 'term', header: 'Word, as indexed', isRowHeader: true, minWidth: 110, cell: ({ term }) => <code>{term}</code> },
            { id: 'frequency', header: 'Times', minWidth: 60, cell: ({ frequency }) => integer(frequency) },
            { id: 'documents', header: 'Passages with it', minWidth: 85, cell: ({ documents }) => integer(documents) },
            { id: 'score', header: 'Gave', minWidth: 65, cell: ({ score: gave }) => scoreText(gave) },
          ]}
        />
      )}
    </SpaceBetween>
  )
}

function rankText(part: Part | null): string {
  if (!part) return 'not found'
  return part.rank === null ? 'not among the best' : String(part.rank)
}
