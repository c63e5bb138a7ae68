/** The quality report in sentences. */
import type { Quality, Quantization } from '../../api/imports.ts'
import { integer } from '../../ui/format.ts'

/** `12.3`, `259`: three figures, as more say nothing. */
export function figure(value: number): string {
  return value >= 100 ? integer(Math.round(value)) : value.toPrecision(3)
}

/** What the perplexity says. */
export function perplexityText({ text, tokens, perplexity }: Quality): string {
  return (
    `Reading ${integer(tokens)} tokens of “${text}”, the model is on average as unsure of the next token as if it had to ` +
    `choose among ${figure(perplexity)} equally likely ones. Lower is better; only figures of the same text and tokenizer compare.`
  )
}

/** What keeping the weights in another form has changed, or why that is not known. */
export function changeText({ perplexity, exact, unmeasured, bound }: Quality, kept: Quantization): string {
  if (!exact) return unmeasured ? `The weights as they came were not measured: ${unmeasured.replace(/\.$/, '')}.` : NOT_COMPARED
  const change = perplexity / exact.perplexity - 1
  const changed =
    Math.abs(change) < 0.0005
      ? `The same as that of the weights as they came (${exact.format})`
      : `The weights as they came (${exact.format}) have ${figure(exact.perplexity)}: ${kept} makes it ${percentage(Math.abs(change))} ${change > 0 ? 'higher' : 'lower'}`
  return `${changed}. Both expect the same next token at ${share(exact.agreement)} of all places.${bound ? ` That is ${boundText(bound)}.` : ''}`
}

/** `within its bound: same label at least 95 %, same next token at least 90 %, perplexity at most × 1.05` */
function boundText({ labels, argmax, perplexity }: NonNullable<Quality['bound']>): string {
  const parts = [
    ...(labels > 0 ? [`same label at least ${share(labels)}`] : []),
    ...(argmax > 0 ? [`same next token at least ${share(argmax)}`] : []),
    ...(perplexity === null ? [] : [`perplexity at most × ${perplexity}`]),
  ]
  return `within its bound: ${parts.join(', ')}`
}

/** `97.2 %`, and never `100 %` of what is not all. */
export function share(fraction: number): string {
  const percent = fraction * 100
  return `${fraction < 1 && percent > 99.9 ? '99.9' : percent.toFixed(1).replace(/\.0$/, '')} %`
}

function percentage(fraction: number): string {
  return `${(fraction * 100).toPrecision(2)} %`
}

const NOT_COMPARED = 'The weights as they came were not measured beside it.'
