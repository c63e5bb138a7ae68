/** What a model needs of a machine, in words and in shares of a bar. */
import type { Fit } from '../api/fit.ts'
import { bytes } from './format.ts'

export interface Part {
  id: 'weights' | 'cache' | 'working'
  label: string
  bytes: number
}

/** What so many instances take: the weights are mapped once, the rest is each one's own. */
export function partsOf(fit: Fit, instances = 1): Part[] {
  return [
    { id: 'weights', label: 'Weights', bytes: fit.weightsBytes },
    { id: 'cache', label: 'Cache', bytes: instances * fit.cacheBytes },
    { id: 'working', label: 'Working memory', bytes: instances * fit.workingBytes },
  ]
}

export function neededBytes(fit: Fit, instances = 1): number {
  return partsOf(fit, instances).reduce((sum, part) => sum + part.bytes, 0)
}

/** Bytes that are missing; 0 where it fits. */
export function missingBytes(fit: Fit, instances = 1): number {
  return Math.max(instances === 1 ? fit.missingBytes : 0, neededBytes(fit, instances) - fit.availableBytes, 0)
}

/** `It fits: 318 MB of 6.2 GB` or what is missing. */
export function verdict(fit: Fit, instances = 1): string {
  const missing = missingBytes(fit, instances)
  const needed = `${bytes(neededBytes(fit, instances))} of ${bytes(fit.availableBytes)}`
  return missing > 0 ? `It does not fit: ${bytes(missing)} are missing` : `It fits: ${needed}`
}

/** `1,240 tokens/s`, or a dash. */
export function speed(tokens: number | null | undefined): string {
  if (tokens === null || tokens === undefined) return '–'
  return `${tokens >= 100 ? Math.round(tokens).toLocaleString('en-US') : tokens.toFixed(1)} tokens/s`
}

const MEASURED: Record<string, string> = {
  memory: 'memory',
  prefill: 'reading',
  decode: 'writing',
}

/** `memory +3 %, writing −12 %`: by how much the prediction missed what was measured. */
export function errorsText(errors: Record<string, number | null> | undefined): string {
  const told = Object.entries(errors ?? {}).flatMap(([name, share]) =>
    share === null ? [] : [`${MEASURED[name] ?? name} ${share < 0 ? '−' : '+'}${Math.abs(100 * share).toFixed(0)} %`],
  )
  return told.join(', ') || '–'
}
