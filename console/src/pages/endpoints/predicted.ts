/** Predictions beside what came of them, in words. */
import type { Fit } from '../../api/fit.ts'
import { bytes } from '../../ui/format.ts'

/** `119 tokens/s measured, 126 tokens/s predicted: 6 % too high`, for each thing that was measured. */
export function came(fit: Fit & { loadBytes?: number }): { label: string; text: string }[] {
  const measured = fit.measured
  const speed = (tokens: number) => `${tokens.toFixed(tokens < 10 ? 1 : 0)} tokens/s`
  const things = [
    { label: 'Memory', predicted: fit.loadBytes, came: measured?.memoryBytes, error: measured?.errors?.memory, shown: bytes },
    {
      label: 'Reading prompts',
      predicted: fit.prefillTokensPerSecond,
      came: measured?.prefillTokensPerSecond,
      error: measured?.errors?.prefill,
      shown: speed,
    },
    {
      label: 'Writing answers',
      predicted: fit.decodeTokensPerSecond,
      came: measured?.decodeTokensPerSecond,
      error: measured?.errors?.decode,
      shown: speed,
    },
  ]
  return things.flatMap(({ label, predicted, came, error, shown }) => {
    if (predicted == null || came == null || error == null) return []
    return [{ label, text: `${shown(came)} measured, ${shown(predicted)} predicted: ${off(error)}` }]
  })
}

/** Compared for what was asked, whose prompts and answers have other lengths than those that the prediction is told for. */
function off(error: number): string {
  const percent = Math.round(100 * Math.abs(error))
  if (percent === 0) return 'right'
  return `${percent} % too ${error > 0 ? 'high' : 'low'} for what was asked`
}
