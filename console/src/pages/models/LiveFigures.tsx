import KeyValuePairs from '@cloudscape-design/components/key-value-pairs'
import type { LoadedModel } from '../../api/status.ts'
import { bytes, integer } from '../../ui/format.ts'
import { cacheKept, cacheShare, loadingText, profileText, times } from '../../ui/live.ts'

/** What a loaded model is doing now and did in the last minutes. */
export function LiveFigures({ model }: { model: LoadedModel }) {
  const { recent } = model
  const minutes = recent ? Math.round(recent.windowSeconds / 60) : undefined
  const generates = model.kind === 'text'
  return (
    <div data-testid="live">
      <KeyValuePairs
        columns={2}
        items={[
          { label: 'Memory taken', value: bytes(model.memoryBytes) },
          { label: 'Profile in use', value: profileText(model.profile) },
          ...(model.loadedWith ? [{ label: 'Loaded with', value: loadingText(model.loadedWith) }] : []),
          ...(generates
            ? [
                { label: 'Requests being answered', value: integer(model.activeSequences) },
                { label: 'Requests that wait', value: integer(model.queued) },
                { label: 'Requests a step, on average', value: model.occupancy ? model.occupancy.toFixed(1) : '–' },
                { label: 'Of all prompts from the cache', value: cacheShare(model) },
                { label: 'Kept for prompts to begin with', value: cacheKept(model) },
                { label: 'Speed of an answer', value: model.tokensPerSecond ? `${model.tokensPerSecond.toFixed(1)} tokens/s` : '–' },
                {
                  label: minutes === undefined ? 'Answers' : `Answers of the last ${minutes} minutes`,
                  value: recent ? `${integer(recent.answers)}, ${recent.tokensPerSecond.toFixed(1)} tokens/s together` : 'none lately',
                },
                { label: 'Their time to the first token', value: times(recent?.firstTokenMs) },
                { label: 'Their wait in the queue', value: times(recent?.queuedMs) },
              ]
            : []),
        ]}
      />
    </div>
  )
}
