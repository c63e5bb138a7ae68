import type { QuantizationReport, Share } from '../../api/models.ts'

/** What a report says, line by line. */
export function reportLines({ accepted, source, made, measured, bound, broken }: QuantizationReport): string[] {
  const { ratio, low, high } = measured.perplexityRatio
  const least = (share: number) => (share > 0 ? `, bound ${percent(share)}` : '')
  const most = bound.perplexity === null ? '' : `, bound ${bound.perplexity}`
  return [
    `${made.name} of ${source.name}: ${accepted ? 'accepted' : 'refused'}`,
    `${made.format}, ${percent(made.weightsBytes / source.weightsBytes)} of the bytes of ${source.format}`,
    `Same label: ${shareText(measured.labelAgreement)}${least(bound.labels)}`,
    `Same next token: ${shareText(measured.argmaxAgreement)}${least(bound.argmax)}`,
    `Perplexity: × ${ratio.toFixed(4)} [${low.toFixed(4)}, ${high === null ? '–' : high.toFixed(4)}]${most}`,
    ...broken.map((why) => `Broken: ${why}`),
  ]
}

/** `99.8 % of 480 [98.8 %, 100.0 %]` */
export function shareText({ share, of, low, high }: Share): string {
  return `${percent(share)} of ${of} [${percent(low)}, ${percent(high)}]`
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`
}
