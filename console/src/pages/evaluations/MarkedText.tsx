import { useMemo } from 'react'
import type { RecordRow } from '../../api/evaluations.ts'
import { Characters } from '../knowledge/spans.ts'
import { cut, markedPieces, marksOf, within, type Mark } from './records.ts'

interface AnswerProps {
  row: RecordRow
  /** The most characters that are shown. */
  most?: number
  /** Whether each mark has its sign. */
  signed?: boolean
}

/** An answer in which everything is marked that no passage supports, or that a rule objects to. */
export function MarkedAnswer({ row, most, signed = false }: AnswerProps) {
  const { generationOutput, error } = row
  if (generationOutput === null) return <span className="craton-stack">{error ?? 'No answer: it only retrieves'}</span>
  if (generationOutput === '') return <i>An empty answer</i>
  return <MarkedText text={generationOutput} marks={marksOf(row).answer} most={most} signed={signed} />
}

const SAID: Record<Mark['kind'], string> = { unsupported: 'Unsupported', objection: 'Objected to', against: 'Held against it' }

interface Props {
  text: string
  marks: Mark[]
  most?: number | undefined
  signed?: boolean
}

/** A text with its marks: in colour, underlined each in its own way as not everyone sees colours, and told to those who listen. */
export function MarkedText({ text, marks, most, signed = false }: Props) {
  const pieces = useMemo(() => {
    const shown = most === undefined ? text : cut(text, most)
    // The ellipsis is no part of the text.
    return markedPieces(shown, within(marks, new Characters(shown).length - (shown === text ? 0 : 1)))
  }, [text, marks, most])
  return (
    <span className="craton-answer-text">
      {pieces.map(({ text: part, marks: of, starting, ending }, index) => {
        if (of.length === 0) return <span key={index}>{part}</span>
        return (
          <mark key={index} className={['craton-marked', ...new Set(of.map(({ kind }) => `craton-${kind}`))].join(' ')} title={of.map((mark) => mark.text).join('\n')}>
            {starting.length > 0 && <span className="craton-hidden">{starting.map(({ kind }) => SAID[kind]).join(', ')}: </span>}
            {part}
            {signed && ending.length > 0 && <sup>{ending.map(({ sign }) => sign).join(' ')}</sup>}
          </mark>
        )
      })}
    </span>
  )
}
