import { describe, expect, it } from 'vitest'
import type { Chunk, Citation } from '../../api/retrieval.ts'
import { Characters, citedPieces, halfOpen, overlap, pageOfChunks, pieces, uncovered } from './spans.ts'

const chunk = (key: string, start: number, end: number): Chunk => ({ key, start, end, parent: null, page: null, tokens: 1, text: '' })
const citation = (start: number, end: number): Citation => ({ span: { start, end }, references: [] })

describe('characters', () => {
  it('are code points, as the server counts them', () => {
    const car = new Characters('a🚗b\u0301c')
    expect(car.length).toBe(5)
    expect(car.slice(1, 2)).toBe('🚗')
    expect(car.slice(2, 4)).toBe('b\u0301')
    expect(car.slice(0, 5)).toBe(car.text)
    expect(car.slice(4, 99)).toBe('c')
    expect(car.slice(-3, 1)).toBe('a')
    expect(car.slice(3, 1)).toBe('')
  })

  it('are the same as units where no character needs two', () => {
    const plain = new Characters('Straße')
    expect(plain.length).toBe(6)
    expect(plain.slice(4, 6)).toBe('ße')
  })
})

describe('pieces', () => {
  it('cover the text once, whatever the spans are', () => {
    for (const text of ['abcdefghij', '🚗🚗cdefg🚗ij']) {
      const characters = new Characters(text)
      const spans = [
        { start: 0, end: 4 },
        { start: 3, end: 7 },
        { start: 9, end: 30 },
        { start: 5, end: 5 },
      ]
      const cut = pieces(characters, spans)
      expect(cut.map((piece) => piece.text).join('')).toBe(text)
      expect(cut.map(({ of }) => of)).toEqual([[0], [0, 1], [1], [1], [], [2]])
    }
  })

  it('keep to the part that is shown', () => {
    const cut = pieces(new Characters('abcdefghij'), [{ start: 0, end: 4 }, { start: 3, end: 8 }], { start: 2, end: 6 })
    expect(cut).toEqual([
      { start: 2, text: 'c', of: [0] },
      { start: 3, text: 'd', of: [0, 1] },
      { start: 4, text: 'ef', of: [1] },
    ])
  })

  it('are none of an empty text', () => {
    expect(pieces(new Characters(''), [{ start: 0, end: 3 }])).toEqual([])
  })
})

describe('the citations of an answer', () => {
  it('count the last character in, as AWS does', () => {
    expect(halfOpen({ start: 2, end: 4 })).toEqual({ start: 2, end: 5 })
    const cut = citedPieces('One. Two. Three.', [citation(0, 3), citation(5, 8)])
    expect(cut.map(({ text, of, ending }) => [text, of, ending])).toEqual([
      ['One.', [0], [0]],
      [' ', [], []],
      ['Two.', [1], [1]],
      [' Three.', [], []],
    ])
  })

  it('may overlap: each is marked where it ends', () => {
    const cut = citedPieces('abcdef', [citation(0, 3), citation(2, 5)])
    expect(cut.map(({ text, ending }) => [text, ending])).toEqual([
      ['ab', []],
      ['cd', [0]],
      ['ef', [1]],
    ])
  })
})

describe('chunks', () => {
  const chunks = [chunk('a', 0, 100), chunk('b', 80, 200), chunk('c', 200, 250), chunk('d', 260, 300)]

  it('are shown page by page with the text that they have', () => {
    expect(pageOfChunks(chunks, 1, 3)).toEqual({ chunks: chunks.slice(0, 3), first: 0, within: { start: 0, end: 250 } })
    expect(pageOfChunks(chunks, 2, 3)).toEqual({ chunks: chunks.slice(3), first: 3, within: { start: 260, end: 300 } })
    expect(pageOfChunks([], 1, 3).within).toEqual({ start: 0, end: 0 })
  })

  it('share text with the one before, or do not', () => {
    expect(chunks.map((one, at) => overlap(chunks[at - 1], one))).toEqual([0, 20, 0, 0])
  })

  it('may leave characters out', () => {
    expect(uncovered(new Characters('x'.repeat(300)), chunks)).toBe(10)
    expect(uncovered(new Characters('x'.repeat(300) + ' 🚗\n'.repeat(20)), chunks)).toBe(30)
    expect(uncovered(new Characters('a b c'), [])).toBe(3)
  })
})
