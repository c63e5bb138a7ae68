import Box from '@cloudscape-design/components/box'
import ExpandableSection from '@cloudscape-design/components/expandable-section'
import { useMemo } from 'react'
import type { MetadataValue, Passage } from '../../api/retrieval.ts'
import { PageLink } from '../../shell/router.tsx'
import { Empty } from '../../ui/Empty.tsx'
import { valueText } from './filters.ts'
import { Ranking } from './Ranking.tsx'
import { Characters, pieces } from './spans.ts'
import { documentPath, effectText, scoreText, shortName } from './text.ts'
import type { Source } from './turn.ts'

interface Props {
  id: string
  sources: Source[]
  /** The citation that is pointed at. */
  pointed: number | undefined
  onPoint: (citation: number | undefined) => void
}

/** The passages beside an answer, best first. */
export function SourceList({ id, sources, pointed, onPoint }: Props) {
  if (sources.length === 0) return <Empty title="No passages" />
  return (
    <ol className="craton-sources" aria-label="Passages">
      {sources.map((source) => (
        <li key={source.number}>
          <OneSource id={id} source={source} pointed={pointed} onPoint={onPoint} />
        </li>
      ))}
    </ol>
  )
}

function OneSource({ id, source, pointed, onPoint }: Omit<Props, 'sources'> & { source: Source }) {
  const { number, place, passage, metadata, cited, effect } = source
  const isPointed = cited.some(({ citation }) => citation === pointed)
  const name = shortName(place)
  return (
    <article className="craton-source" data-source={number} data-cited={cited.length > 0} data-pointed={isPointed} aria-label={`Passage ${number}, ${name}`}>
      <header className="craton-source-head">
        <b className="craton-stack">
          {number}.{' '}
          {passage ? <PageLink to={documentPath(id, passage.dataSourceId, passage.documentId, passage.chunk)}>{name}</PageLink> : name}
        </b>
        <span className="craton-source-score">
          {passage?.page != null && `page ${passage.page} · `}
          {passage ? `score ${scoreText(passage.score)}` : 'only the answer names it'}
        </span>
      </header>
      {effect && effectText(effect) !== '' && (
        <Box variant="small" color="text-body-secondary">
          <span data-testid="effect">{effectText(effect)}</span>
        </Box>
      )}
      <SourceText source={source} pointed={pointed} onPoint={onPoint} />
      {passage && (
        <ExpandableSection headerText="Why it is here" headingTagOverride="h3">
          <Ranking passage={passage} effect={effect} />
        </ExpandableSection>
      )}
      <ExpandableSection headerText="Metadata" headingTagOverride="h3">
        <Metadata metadata={metadata} />
      </ExpandableSection>
    </article>
  )
}

/** A passage's text with what the answer rests on, and the words that it was found by, marked in it. */
function SourceText({ source: { text, cited, passage }, pointed, onPoint }: Omit<Props, 'id' | 'sources'> & { source: Source }) {
  const cut = useMemo(() => {
    const characters = new Characters(text)
    const cites = cited.map(({ span }) => span ?? { start: 0, end: characters.length })
    return pieces(characters, cites).map((piece) => ({
      ...piece,
      words: pieces(characters, passage?.highlights ?? [], { start: piece.start, end: piece.start + new Characters(piece.text).length }),
    }))
  }, [text, cited, passage])
  return (
    <p className="craton-source-passage">
      {cut.map(({ start, words, of }) => {
        const citations = of.flatMap((index) => cited[index]?.citation ?? [])
        return (
          <span
            key={start}
            className={citations.length > 0 ? 'craton-cited' : undefined}
            data-pointed={citations.includes(pointed ?? -1)}
            onPointerEnter={() => citations.length > 0 && onPoint(citations[0])}
            onPointerLeave={() => onPoint(undefined)}
          >
            {words.map((word) =>
              word.of.length > 0 ? (
                <mark key={word.start} className="craton-found">
                  {word.text}
                </mark>
              ) : (
                word.text
              ),
            )}
          </span>
        )
      })}
    </p>
  )
}

function Metadata({ metadata }: { metadata: Passage['metadata'] }) {
  const entries = Object.entries(metadata) as [string, MetadataValue][]
  if (entries.length === 0) return 'None'
  return (
    <dl className="craton-pairs">
      {entries.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{valueText(value)}</dd>
        </div>
      ))}
    </dl>
  )
}
