import { expect, it } from 'vitest'
import type { Fit } from '../api/fit.ts'
import { errorsText, missingBytes, neededBytes, speed, verdict } from './fit.ts'

const FIT: Fit = {
  name: 'm',
  context: 4096,
  slots: 8,
  weightsBytes: 1_000_000_000,
  cacheBytes: 300_000_000,
  workingBytes: 100_000_000,
  memoryBytes: 1_400_000_000,
  availableBytes: 2_000_000_000,
  fits: true,
  missingBytes: 0,
  prefillTokensPerSecond: 1240.4,
  decodeTokensPerSecond: 34.56,
}

it('instances share the weights and nothing else', () => {
  expect(neededBytes(FIT)).toBe(1_400_000_000)
  expect(neededBytes(FIT, 3)).toBe(2_200_000_000)
  expect(missingBytes(FIT)).toBe(0)
  expect(missingBytes(FIT, 3)).toBe(200_000_000)
})

it('what fits and what is missing is told', () => {
  expect(verdict(FIT)).toBe('It fits: 1.4 GB of 2.0 GB')
  expect(verdict(FIT, 3)).toBe('It does not fit: 200 MB are missing')
  expect(verdict({ ...FIT, fits: false, missingBytes: 500_000_000 })).toBe('It does not fit: 500 MB are missing')
})

it('speeds and errors are told in words', () => {
  expect(speed(FIT.prefillTokensPerSecond)).toBe('1,240 tokens/s')
  expect(speed(FIT.decodeTokensPerSecond)).toBe('34.6 tokens/s')
  expect(speed(null)).toBe('–')
  expect(errorsText({ memory: 0.031, decode: -0.124, prefill: null })).toBe('memory +3 %, writing −12 %')
  expect(errorsText(undefined)).toBe('–')
})
